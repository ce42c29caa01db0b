import dataclasses
import enum
from dataclasses import KW_ONLY, InitVar, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Optional, Union

import click
import pytest

from appsnap.cli.dataclass_options import given, instance, parameters

if TYPE_CHECKING:
    from decimal import Decimal


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "dark blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Nothing(enum.Enum):
    """It has no members."""


class Shape(enum.Enum):
    ROUND = (1, 2)
    FLAT = object()


def made(*fields):
    """Return a dataclass with fields as `dataclasses.make_dataclass` takes them."""
    return dataclasses.make_dataclass("Options", fields)


def command(cls):
    return click.Command("plugin", params=[*parameters(cls)], callback=lambda **values: instance(cls, values))


def parse(cls, *arguments):
    """Return the instance that a command line makes."""
    return command(cls).main([*arguments], "plugin", standalone_mode=False)


def help_of(cls):
    """Return the help of the options in one line, with single spaces."""
    return " ".join(command(cls).get_help(click.Context(command(cls), info_name="plugin")).split())


class TestTypes:
    """A value is of the declared type."""

    @pytest.mark.parametrize(
        ("hint", "arguments", "value"),
        [
            (str, ["--x", "7"], "7"),
            (int, ["--x", "7"], 7),
            (int, ["--x=-7"], -7),
            (float, ["--x", "7"], 7.0),
            (bool, ["--x"], True),
            (bool, ["--no-x"], False),
            (Path, ["--x", "/etc/../x"], Path("/etc/../x")),
            (Colour, ["--x", "dark blue"], Colour.DARK_BLUE),
            (Level, ["--x", "2"], Level.HIGH),
            (Shape, ["--x", "FLAT"], Shape.FLAT),
            (Literal["a", "b"], ["--x", "b"], "b"),
            (Literal[1, 2], ["--x", "2"], 2),
            (Literal["auto", True, 1], ["--x", "1"], 1),
            (Literal["auto", True, 1], ["--x", "true"], True),
            (Literal["auto", None], ["--x", "auto"], "auto"),  # noqa: PYI061 - it is another type
            (Literal[Colour.RED], ["--x", "red"], Colour.RED),
            (int | None, ["--x", "7"], 7),
            (Optional[int], ["--x", "7"], 7),  # noqa: UP045 - it is another class
            (Union[None, Colour], ["--x", "red"], Colour.RED),  # noqa: UP007 - as above
            (bool | None, ["--no-x"], False),
            (list[int], ["--x", "7", "--x", "8"], [7, 8]),
            (list[Colour], ["--x", "red"], [Colour.RED]),
            (list[Path], ["--x", "/a"], [Path("/a")]),
            (list[bool], ["--x", "yes", "--x", "no"], [True, False]),
            (list[Literal[1, 2]], ["--x", "2"], [2]),
            (tuple[str, ...], ["--x", "a", "--x", "b"], ("a", "b")),
            (list[str] | None, ["--x", "a"], ["a"]),
        ],
    )
    def test_given(self, hint, arguments, value):
        """A value on the command line becomes one of exactly this type, be the field required or not."""
        for cls in (made(("x", hint)), made(("x", hint, field(default=None)))):
            found = parse(cls, *arguments).x

            assert found == value
            assert type(found) is type(value)

    def test_as_text(self):
        """Annotations that are texts are resolved."""

        @dataclass
        class Options:
            x: "list[Colour]"
            y: "Path | None" = None

        assert parse(Options, "--x", "red", "--y", "/a") == Options([Colour.RED], Path("/a"))

    @pytest.mark.parametrize(
        ("hint", "words"),
        [
            (set[str], "set[str]"),
            (dict[str, int], "dict[str, int]"),
            (list, "list"),
            (list[list[int]], "list[list[int]]"),
            (tuple[int, int], "tuple[int, int]"),
            (int | str, "int | str"),
            (bytes, "bytes"),
            (complex, "complex"),
            (Any, "Any"),
            (object, "object"),
            (Nothing, "Nothing"),
            (Literal["1", 1], "Literal['1', 1]"),
            (None, "None"),
        ],
    )
    def test_no_option_can_give(self, hint, words):
        """A type that no option can give is an error, which names the field and the type."""
        with pytest.raises(TypeError, match=r"^field x: no option can give ") as caught:
            parameters(made(("x", hint)))
        assert words in str(caught.value)

    def test_unknown_name(self):
        """A name that is imported for type checkers only is an error, which names the field."""

        @dataclass
        class Options:
            a: int
            x: "Decimal"

        with pytest.raises(TypeError, match=r"^field x: the type can't be told: NameError: name 'Decimal'"):
            parameters(Options)

    def test_no_type(self):
        """A text that is no type is an error, which names the class."""
        with pytest.raises(TypeError, match=r"^the fields of Options: the type can't be told: SyntaxError"):
            parameters(made(("x", "1 +")))

    @pytest.mark.parametrize("arguments", [["--x", "green"], ["--x", "RED"], ["--x"], ["--y", "7"], ["red"]])
    def test_wrong(self, arguments):
        """A value that isn't of the type, a missing one, and what is no option are wrong usage."""
        with pytest.raises(click.UsageError):
            parse(made(("x", Colour, Colour.RED)), *arguments)


class TestDefaults:
    """A field whose option isn't given."""

    @pytest.mark.parametrize(
        "hint", [str, int, bool, Path, Colour, Literal["a"], int | None, bool | None, list[int], tuple[int, ...]]
    )
    def test_required(self, hint):
        """Without a default, the option has to be given."""
        with pytest.raises(click.MissingParameter) as caught:
            parse(made(("x", hint)))
        assert "'--x'" in caught.value.format_message()
        assert "[required]" in help_of(made(("x", hint)))

    @pytest.mark.parametrize(
        ("hint", "default"),
        [
            (str, ""),
            (int, 0),
            (bool, True),
            (bool, False),
            (Colour, Colour.RED),
            (Literal[1, 2], 2),
            (int | None, None),
            (bool | None, None),
            (Path | None, None),
            (Path, Path("/a")),
            (tuple[int, ...], (1, 2)),
            (list[int] | None, None),
            (str, 7),
        ],
    )
    def test_default(self, hint, default):
        """The default stays as it is."""
        found = parse(made(("x", hint, default))).x

        assert found == default
        assert type(found) is type(default)

    def test_factory(self):
        """A factory makes a new value each time."""
        cls = made(("x", list[int], field(default_factory=lambda: [1])))

        first, second = parse(cls), parse(cls)

        assert first.x == second.x == [1]
        assert first.x is not second.x
        assert parse(cls, "--x", "2").x == [2]

    def test_paths(self, tmp_path, monkeypatch):
        """Relative paths become absolute, given or not, by the folder that is current at the time."""
        monkeypatch.chdir(tmp_path)
        cls = made(
            ("x", Path),
            ("y", Path, Path("a")),
            ("z", list[Path], field(default_factory=lambda: [Path("b"), Path("/c")])),
        )

        assert parse(cls, "--x", "../x") == cls(tmp_path / "../x", tmp_path / "a", [tmp_path / "b", Path("/c")])
        assert parse(cls, "--x", ".", "--z", "d") == cls(tmp_path, tmp_path / "a", [tmp_path / "d"])

    @pytest.mark.parametrize(
        ("hint", "default", "words"),
        [
            (str, "a b", "[default: a b]"),
            (int, 0, "[default: 0]"),
            (Colour, Colour.DARK_BLUE, "[default: dark blue]"),
            (Level, Level.HIGH, "[default: 2]"),
            (Literal["a", True], True, "[default: x]"),
            (bool, True, "[default: x]"),
            (bool, False, "[default: no-x]"),
            (Path, Path("a/b"), "[default: a/b]"),
            (list[Colour], field(default_factory=lambda: [Colour.RED, Colour.DARK_BLUE]), "[default: red, dark blue]"),
            (tuple[int, ...], (1, 2), "[default: 1, 2]"),
        ],
    )
    def test_shown(self, hint, default, words):
        """The help shows the default as it is typed."""
        assert words in help_of(made(("x", hint, default)))

    @pytest.mark.parametrize(
        ("hint", "default"),
        [
            (int | None, None),
            (str, ""),
            (list[int], field(default_factory=list)),
            (int, field(default_factory=lambda: 1 // 0)),
        ],
    )
    def test_not_shown(self, hint, default):
        """The help shows no default that is None or empty, and none that can't be made."""
        assert "[default" not in help_of(made(("x", hint, default)))


class TestFields:
    """The fields of a dataclass."""

    def test_which(self):
        """Only what the dataclass is made from has an option; those of bases come first."""

        @dataclass
        class Base:
            first_one: int = 1

        @dataclass
        class Options(Base):
            shared: ClassVar[int] = 5
            _: KW_ONLY
            second: int
            third: int = field(init=False, default=3)

        assert [option.opts for option in parameters(Options)] == [["--first-one"], ["--second"]]
        assert parse(Options, "--second", "2") == Options(1, second=2)

    def test_frozen(self):
        """A frozen dataclass with slots is made like any other."""

        @dataclass(frozen=True, slots=True)
        class Options:
            x: Path = Path()

        assert parse(Options, "--x", "/a") == Options(Path("/a"))

    def test_names(self):
        """Underscores become dashes; those at the ends, as of a keyword, are left out."""
        cls = made(("class_", int), ("_dry_run", bool, False), ("größe", int, 1))

        assert parse(cls, "--class", "7", "--dry-run", "--größe", "2") == cls(7, True, 2)

    def test_help(self):
        """The help is that of the metadata."""
        cls = made(("x", int, field(default=7, metadata={"help": "How many."})), ("y", int, 8))

        assert "--x INTEGER How many. [default: 7] --y INTEGER [default: 8]" in help_of(cls)

    @pytest.mark.parametrize(
        ("names", "words"),
        [
            (["help"], "field help: its option --help is that of the option that shows this help"),
            (["help_"], "field help_: its option --help is that of the option that shows this help"),
            (["x", "no_x"], "field no_x: its option --no-x is that of field x"),
            (["x", "x_"], "field x_: its option --x is that of field x"),
        ],
    )
    def test_clash(self, names, words):
        """Two fields of one option are an error, and so is one with the option for help."""
        with pytest.raises(TypeError) as caught:
            parameters(made(*((name, bool) for name in names)))
        assert str(caught.value) == words

    def test_one_letter(self):
        """A field `h` leaves `-h` alone."""
        assert parse(made(("h", int)), "--h", "7").h == 7

    def test_no_fields(self):
        """A dataclass without fields has no options."""
        cls = made()

        assert parse(cls) == cls()

    @pytest.mark.parametrize("hint", [InitVar[int], "InitVar[int]"])
    def test_init_var(self, hint):
        """A part of `__init__` that is no field has no option: it needs a default."""

        @dataclass
        class WithDefault:
            y: hint = 2

        @dataclass
        class Without:
            y: hint

        assert parameters(WithDefault) == []
        with pytest.raises(TypeError, match="field y: no option can give an InitVar"):
            parameters(Without)


class TestPostInit:
    """Errors of `__post_init__`."""

    @staticmethod
    def failing(error):
        """Return a dataclass whose `__post_init__` raises an error."""

        @dataclass
        class Options:
            x: int = 7

            def __post_init__(self):
                raise error

        return Options

    @pytest.mark.parametrize(
        ("error", "words"), [(ValueError("an odd port"), "an odd port"), (ValueError(), "ValueError")]
    )
    def test_value_error(self, error, words):
        """A ValueError is wrong usage, with its words."""
        with pytest.raises(click.UsageError) as caught:
            parse(self.failing(error))
        assert caught.value.message == words
        assert caught.value.ctx.command_path == "plugin"

    @pytest.mark.parametrize("error", [TypeError("a fault"), OSError("no disk")])
    def test_other(self, error):
        """Any other error isn't the user's: it comes out as it is."""
        with pytest.raises(type(error)) as caught:
            parse(self.failing(error))
        assert caught.value is error


class TestGiven:
    def test_text(self, tmp_path, monkeypatch):
        """What was given has one form, however it was written; what wasn't given isn't there."""
        monkeypatch.chdir(tmp_path)
        cls = made(("x", list[Path], field(default_factory=list)), ("y", bool, True), ("z", Colour | None, None))
        wanted = []
        recorder = click.Command(
            "plugin", params=[*parameters(cls)], callback=lambda **values: wanted.append(given(cls, values))
        )

        for arguments in (["--no-y", "--x", "a", "--x=b"], [f"--x={tmp_path}/a", "--x", "b", "--no-y"], []):
            recorder.main(arguments, standalone_mode=False)

        assert wanted == [[f"x={tmp_path}/a", f"x={tmp_path}/b", "y=false"]] * 2 + [[]]
