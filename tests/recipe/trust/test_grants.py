"""Things that a caller trusts: classes, functions and modules stand for their names."""

import collections
import datetime as dt
import decimal
import enum
import functools
import io
import math
import os
import sys
import types

import pytest

import appsnap
from appsnap.errors import NotTrusted
from appsnap.recipe.steps import Name
from appsnap.recipe.trust import EVERYTHING, Grant, Trust
from appsnap.recipe.trust.grants import texts
from appsnap.service import Application, Service, loadApplication

Local = type("Local", (), {"__module__": __name__, "__qualname__": "TestTexts.test.<locals>.Local"})


class Colour(enum.Enum):
    """An enumeration, which is iterable."""

    RED = 1


class Thing:
    """A class with a nested class and methods."""

    class Part:
        """A nested class."""

    @classmethod
    def made(cls, size):
        """Return a new thing."""
        thing = cls()
        thing.size = size
        return thing

    @staticmethod
    def built(size):
        """Return a new thing."""
        return Thing.made(size)

    def method(self):
        """Return itself."""
        return self


class ByClassMethod(Thing):
    """Made again by a class method."""

    def __reduce__(self):
        return ByClassMethod.made, (self.size,)


class ByStaticMethod(Thing):
    """Made again by a static method."""

    def __reduce__(self):
        return Thing.built, (self.size,)


def make(size):
    """Return a new thing."""
    return Thing.made(size)


class ByFunction(Thing):
    """Made again by a function."""

    def __reduce__(self):
        return make, (self.size,)


@functools.lru_cache
def cached(size):
    """Return the size."""
    return size


@functools.wraps(make)
def lying(size):
    """Return nothing: it has the name of another function."""


class Called:
    """An object that can be called."""

    def __call__(self):
        """Return nothing."""


class TestTexts:
    @pytest.mark.parametrize(
        ("thing", "expected"),
        [
            (Thing, [f"{__name__}.Thing"]),
            (Thing.Part, [f"{__name__}.Thing.Part"]),
            (Colour, [f"{__name__}.Colour"]),
            (decimal.Decimal, ["decimal.Decimal"]),
            (int, ["builtins.int"]),
            (make, [f"{__name__}.make", f"call:{__name__}.make"]),
            (Thing.built, [f"{__name__}.Thing.built", f"call:{__name__}.Thing.built"]),
            (Thing.method, [f"{__name__}.Thing.method", f"call:{__name__}.Thing.method"]),
            (Thing.made, [f"{__name__}.Thing.made", f"call:{__name__}.Thing.made"]),
            (cached, [f"{__name__}.cached", f"call:{__name__}.cached"]),
            (math.sqrt, ["math.sqrt", "call:math.sqrt"]),
            (len, ["builtins.len", "call:builtins.len"]),
            (dict.fromkeys, ["builtins.dict.fromkeys", "call:builtins.dict.fromkeys"]),
            (os.path, [f"{os.path.__name__}.*"]),
            (sys.modules[__name__], [f"{__name__}.*"]),
            (collections.abc, ["collections.abc.*"]),
            ("shop.*", ["shop.*"]),
            ("call:shop.make", ["call:shop.make"]),
        ],
        ids=lambda value: value[-1] if isinstance(value, list) else "",
    )
    def test_names(self, thing, expected):
        """A class is its name, a function its name and a call, a module all classes that are defined in it."""
        assert [*texts([thing])] == expected
        Trust([thing])

    @pytest.mark.parametrize("make", [list, tuple, set, frozenset, iter, collections.deque])
    def test_iterables(self, make):
        """Any iterable but a mapping holds them."""
        name = Name(__name__, "Thing")

        assert Trust(make([Thing])).grant(name, "create") is Grant.EXACT
        assert Trust(make([math])).grant(name, "create") is None

    @pytest.mark.parametrize(
        "trusted",
        [
            True,
            False,
            None,
            3,
            "shop.Web",
            b"shop.Web",
            bytearray(b"x"),
            Thing,
            Colour,
            make,
            math,
            {"shop.*": False},
            Called(),
            Trust(),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_no_list(self, trusted):
        """Anything but a list of things, a single one included, is a TypeError that says so."""
        with pytest.raises(TypeError, match="trust is EVERYTHING, or a list of names, classes, functions and modules"):
            Trust(trusted)

    @pytest.mark.parametrize(
        "thing",
        [
            True,
            None,
            3,
            b"shop.Web",
            ["shop.Web"],
            EVERYTHING,
            Colour.RED,
            Called(),
            object(),
            list[int],
            property(),
            Thing(),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_no_thing(self, thing):
        """Anything else in the list is a TypeError, too."""
        with pytest.raises(TypeError, match="trust takes names, classes, functions and modules"):
            Trust([Thing, thing])

    @pytest.mark.parametrize(
        ("thing", "why"),
        [
            (lambda: 1, "can't be imported"),
            (Local, "can't be imported"),
            (types.ModuleType("__main__"), "can't be imported"),
            (types.ModuleType("<script.py>"), "can't be imported"),
            (types.ModuleType("not_there"), "leads to something else"),
            (type("Gone", (), {"__module__": __name__}), "leads to something else"),
            (lying, "leads to something else"),
            (functools.partial(make, 1), "no partial: give the function"),
            (Thing().method, "no method of an object: give its class, Thing"),
            ("".join, "no method of an object: give its class, str"),
            (io.StringIO().write, "no method of an object: give its class, StringIO"),
        ],
        ids=[*map(str, range(11))],
    )
    def test_no_name(self, thing, why):
        """A thing that no file can name is a TypeError that says why."""
        with pytest.raises(TypeError, match=why):
            Trust([thing])

    def test_text_of_another_form(self):
        """A text that is no name stays a ValueError."""
        with pytest.raises(ValueError, match="is no name to trust"):
            Trust(["shop web"])


class TestUse:
    """Files load with the things that they want."""

    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_class(self, kind):
        """A class, and no other."""
        data = appsnap.dumps([Thing.made(3)], kind)

        assert appsnap.loads(data, trust=[Thing])[0].size == 3
        assert appsnap.loads(data, trust=[sys.modules[__name__]])[0].size == 3
        with pytest.raises(NotTrusted):
            appsnap.loads(data, trust=[ByFunction])

    @pytest.mark.parametrize(
        ("cls", "trusted"), [(ByFunction, make), (ByStaticMethod, Thing.built), (ByClassMethod, ByClassMethod.made)]
    )
    def test_function(self, cls, trusted):
        """A function is called, and so are static methods and class methods."""
        data = appsnap.dumps(cls.made(3))

        with pytest.raises(NotTrusted):
            appsnap.loads(data, trust=[cls])
        assert appsnap.loads(data, trust=[trusted]).size == 3

    def test_reference(self):
        """A function may be referred to, too."""
        assert appsnap.loads(appsnap.dumps([make]), trust=[make]) == [make]

    def test_every_door(self, tmp_path):
        """All functions that load take them, and refuse what is none, whoever signed the file."""
        application = Application("shop")
        Service().setServiceParent(application)
        appsnap.save(application, tmp_path / "x.tap", sign=False)
        appsnap.save(application, tmp_path / "own.tap")
        for name in ("x.tap", "own.tap"):
            path = tmp_path / name
            for load in (
                functools.partial(appsnap.load, path),
                functools.partial(appsnap.loads, path.read_bytes()),
                appsnap.open_snapshot(path).build,
                functools.partial(loadApplication, path, "pickle"),
            ):
                assert load(trust=[dt.date, Thing]).name == "shop"
                for wrong in (True, "shop.*", [None], Thing):
                    with pytest.raises(TypeError, match="trust"):
                        load(trust=wrong)


class TestOwnObjects:
    """`loads(dumps(own))` in one program."""

    def test_hint_works(self):
        """The hint names both ways, and both work."""
        thing = Thing.made(3)

        with pytest.raises(NotTrusted) as caught:
            appsnap.loads(appsnap.dumps(thing))

        assert "dumps(…, sign=True)" in caught.value.hint
        assert "trust=[" in caught.value.hint
        assert appsnap.loads(appsnap.dumps(thing, sign=True)).size == 3
        assert appsnap.loads(appsnap.dumps(thing), trust=[Thing]).size == 3
