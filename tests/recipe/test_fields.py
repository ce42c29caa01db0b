import dataclasses
import enum
import sys
from typing import NamedTuple

import pytest

import appsnap
from appsnap.errors import CannotBuild


class Mode(enum.Enum):
    OPEN = 1
    READ_ONLY = 2


@dataclasses.dataclass
class Plain:
    host: str = "here"
    port: int = 80
    mode: Mode = Mode.OPEN
    rate: float = 1.0
    other: "Plain | None" = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    host: str = "here"
    port: int = 80


class Slotted:
    __slots__ = ("host", "port")

    def __init__(self):
        self.host, self.port = "here", 80


class Point(NamedTuple):
    host: str = "here"
    port: int = 80


class Free:
    def __init__(self):
        self.host, self.port = "here", 80


def attrs_object():
    attrs = pytest.importorskip("attrs")
    cls = attrs.define(type("Defined", (), {"__annotations__": {"host": str, "port": int}, "__module__": __name__}))
    sys.modules[__name__].Defined = cls
    return cls("here", 80)


def pydantic_object():
    pydantic = pytest.importorskip("pydantic")
    cls = pydantic.create_model("Model", host=(str, "here"), port=(int, 80), __module__=__name__)
    sys.modules[__name__].Model = cls
    return cls()


MAKERS = [Plain, Frozen, Slotted, Point, attrs_object, pydantic_object]


def edited(obj, *changes):
    text = appsnap.dumps(obj, "source").decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


class TestSpelling:
    @pytest.mark.parametrize("make", MAKERS)
    @pytest.mark.parametrize("wrong", ["porto", "prot", "Port", "portt"])
    def test_a_field_that_is_mistyped_is_an_error(self, make, wrong):
        """It names the class, the wrong attribute and the right one, and the path."""
        data = edited(make(), ("port=", f"{wrong}=")) if b"port=" in appsnap.dumps(make(), "source") else None
        data = data or edited(make(), ('"port"', f'"{wrong}"'))

        with pytest.raises(CannotBuild, match=f"has no field {wrong}; did you mean port") as caught:
            appsnap.loads(data, trust=appsnap.EVERYTHING)

        assert caught.value.path == "object"
        assert "in the statement of line " in str(caught.value)

    @pytest.mark.parametrize("make", [Plain, Free])
    def test_what_is_like_nothing_that_is_missing_is_kept(self, make):
        """A class may have attributes beside its fields, and one without fields has any."""
        data = edited(make(), ("port=80", "port=80, ports=[80], weight=3, prot=1"))

        found = appsnap.loads(data, trust=appsnap.EVERYTHING)

        assert (found.port, found.ports, found.prot) == (80, [80], 1)

    def test_a_file_as_it_was_written_loads_as_it_is(self):
        """Attributes may be of an older class: nothing is refused but what somebody has edited."""
        old = Plain()
        del old.__dict__["port"]
        old.porto = 18080

        for kind in ("source", "pickle"):
            assert appsnap.loads(appsnap.dumps(old, kind), trust=appsnap.EVERYTHING).porto == 18080

    def test_a_member_that_is_gone(self):
        """The error has the members that there are."""
        with pytest.raises(CannotBuild) as caught:
            appsnap.loads(edited(Plain(), ("Mode.OPEN", "Mode.READONLY")), trust=appsnap.EVERYTHING)

        assert "OPEN" in caught.value.hint
        assert "READ_ONLY" in caught.value.hint


class TestNotes:
    def notes(self, data, tmp_path):
        """Return the notes of a load."""
        path = tmp_path / "file.tas"
        path.write_bytes(data)
        notes = []
        appsnap.open_snapshot(path).build(appsnap.EVERYTHING, notes=notes)
        return notes

    def test_everything_that_a_class_does_not_declare(self, tmp_path):
        """Attributes that are no fields, and values of other types, each with its path."""
        obj = [Plain(), Plain(port="80", mode="open", rate=2, other=Plain()), Free()]
        obj[1].ports = [80]

        assert self.notes(appsnap.dumps(obj, "source"), tmp_path) == [
            "object[1]: ports is no field of Plain",
            "object[1]: port is str, where Plain has int",
            "object[1]: mode is str, where Plain has Mode",
        ]

    @pytest.mark.parametrize("make", MAKERS)
    def test_nothing_to_note(self, make, tmp_path):
        """An object as its class makes it is as declared, in every kind."""
        for kind in ("source", "pickle", "msgpack", "xml"):
            assert self.notes(appsnap.dumps(make(), kind), tmp_path) == []
