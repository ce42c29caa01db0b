import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import sys
import urllib.parse

import numpy as np
import pytest

from appsnap import errors
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import Call, Extend, List, Name, New, Recipe, Ref, Tuple, Update
from appsnap.recipe.trust import Trust, wants


class Blob(bytes):
    pass


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Rows(tuple):
    __slots__ = ()


class Tags(frozenset):
    pass


class Group(set):
    pass


class Items(list):
    pass


class Buffer(bytearray):
    pass


class Money(fractions.Fraction):
    pass


class Price(decimal.Decimal):
    pass


class Numbers(array.array):
    pass


class Queue(collections.deque):
    pass


class Count(collections.Counter):
    pass


class Ordered(collections.OrderedDict):
    pass


class Table(dict):
    pass


class Default(collections.defaultdict):
    pass


class Day(dt.datetime):
    pass


class Folder(type(pathlib.Path())):
    pass


class Failed(ExceptionGroup):
    pass


class Wrong(SyntaxError):
    pass


class Undecoded(UnicodeDecodeError):
    pass


class Unparsed(SyntaxError):
    """Has a constructor of its own, with arguments of its own."""

    def __init__(self, message, line):
        super().__init__(message)
        self.line = line


class Color(enum.Enum):
    RED = (1, 2)


class Grid(np.ndarray):
    pass


class Right(enum.IntFlag, boundary=enum.KEEP):
    READ = 1


class Below(Blob):
    """Inherits it from a class that inherits it."""


class Titled(str):
    __slots__ = ()

    def __init__(self, *_):
        """Take anything: `str.__new__` sees it all the same."""


class Checked(tuple):
    """Has a constructor of its own, which knows what it does."""

    __slots__ = ()

    def __new__(cls, items=()):  # noqa: D102 - a constructor
        return super().__new__(cls, list(items)[:3])


class Chained(collections.ChainMap):
    pass


class Kept(collections.UserDict):
    pass


class Listed(collections.UserList):
    pass


class Written(collections.UserString):
    pass


HUGE = [Name("builtins", "range"), Call(Ref(0), [10**11])]
"""Register 1 is a range of 100 billion."""

LONG = [
    *(Blob, [3 * 10**9]),
    *(Below, [3 * 10**9]),
    *(Rows, [Ref(1)]),
    *(Tags, [Ref(1)]),
    *(Text, [Ref(1)]),
    *(Titled, [Ref(1)]),
    *(Number, ["9" * 60, 36]),
    *(Money, ["1e9999999"]),
    *(Money, [Ref(1)]),
    *(Price, [Ref(1)]),
    *(Numbers, ["q", Ref(1)]),
    *(Grid, [Ref(1)]),
    *(Failed, ["a", Ref(1)]),
    *(Undecoded, ["u", b"x", -1, 0, "why"]),
    *(Wrong, ["a", Ref(1)]),
    *(Day, [Ref(1)]),
    # Since Python 3.12, the arguments of a path are those of __init__, which no file calls.
    *((Folder, [Ref(1)]) if sys.version_info < (3, 12) else ()),
    *(Right, [1 << 20_000]),
]
NEW = [*zip(LONG[::2], LONG[1::2], strict=True)]
CALLED = [
    *NEW,
    (Items, [Ref(1)]),
    (Group, [Ref(1)]),
    (Buffer, [3 * 10**9]),
    (Queue, [Ref(1)]),
    (Count, [Ref(1)]),
    (Ordered, [Ref(1)]),
    (Table, [Ref(1)]),
    (Default, [None, Ref(1)]),
    (Chained, [Ref(1)]),
    (Kept, [Ref(1)]),
    (Listed, [Ref(1)]),
    (Written, [Ref(1)]),
]


def dotted(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


class TestArguments:
    @pytest.mark.parametrize(("cls", "args"), NEW, ids=[f"{cls.__name__}-{at}" for at, (cls, _) in enumerate(NEW)])
    def test_of_new(self, cls, args):
        """Trust in a class is no trust in the constructor that it inherits: its arguments are checked."""
        recipe = Recipe([*HUGE, Name(__name__, cls.__qualname__), New(Ref(2), args)], Ref(3))

        with pytest.raises(errors.CannotBuild):
            build(recipe, Trust([dotted(cls)]))

    @pytest.mark.parametrize(
        ("cls", "args"), CALLED, ids=[f"{cls.__name__}-{at}" for at, (cls, _) in enumerate(CALLED)]
    )
    def test_of_calls(self, cls, args):
        """The same holds where the class is called."""
        recipe = Recipe([*HUGE, Name(__name__, cls.__qualname__), Call(Ref(2), args)], Ref(3))

        with pytest.raises(errors.CannotBuild):
            build(recipe, Trust([f"call:{dotted(cls)}"]))

    @pytest.mark.parametrize(("container", "levels", "times"), [(Tuple, 2_000, 1), (Tuple, 60, 2), (List, 60, 2)])
    @pytest.mark.parametrize("maker", [New, Call])
    def test_of_members(self, maker, container, levels, times):
        """An enumeration hashes its argument, and prints it in its error: no deep one, and none with many parts."""
        made = [Name(__name__, "Color"), container([1]), *(container([Ref(at)] * times) for at in range(1, levels))]
        recipe = Recipe([*made, maker(Ref(0), [Ref(levels)])], Ref(levels + 1))

        with pytest.raises(errors.CannotLoad, match=r"no member has so many parts|key"):
            build(recipe, Trust([dotted(Color), f"call:{dotted(Color)}"]))

    @pytest.mark.parametrize("maker", [New, Call])
    def test_of_a_member(self, maker):
        """The value of a member is taken."""
        recipe = Recipe([Name(__name__, "Color"), Tuple([1, 2]), maker(Ref(0), [Ref(1)])], Ref(2))

        assert build(recipe, Trust([dotted(Color), f"call:{dotted(Color)}"])) is Color.RED

    def test_of_a_constructor_by_name(self):
        """The constructor may be named itself."""
        made = [*HUGE, Name("builtins", "tuple.__new__"), Name(__name__, "Rows"), Call(Ref(2), [Ref(3), Ref(1)])]

        with pytest.raises(errors.CannotBuild):
            build(Recipe(made, Ref(4)), Trust([dotted(Rows), "call:builtins.tuple.__new__"]))

    @pytest.mark.parametrize("cls", [Table, Kept])
    def test_of_a_class_method(self, cls):
        """So may a class method of Python's own, in C or in its library."""
        made = [*HUGE, Name(__name__, f"{cls.__name__}.fromkeys"), Call(Ref(2), [Ref(1)])]

        with pytest.raises(errors.CannotBuild, match="takes no range"):
            build(Recipe(made, Ref(3)), Trust([f"call:{dotted(cls)}.fromkeys"]))

    def test_of_pairs(self):
        """Python would make a list of a range that stands for a pair."""
        made = [*HUGE, List([Ref(1)]), Name(__name__, "Table"), Call(Ref(3), [Ref(2)])]

        with pytest.raises(errors.CannotBuild, match="takes pairs"):
            build(Recipe(made, Ref(4)), Trust([f"call:{dotted(Table)}"]))

    def test_of_constructors_of_its_own(self):
        """A class with a constructor of its own gets the arguments as they are."""
        made = [Name("builtins", "range"), Call(Ref(0), [5]), Name(__name__, "Checked"), New(Ref(2), [Ref(1)])]

        assert build(Recipe(made, Ref(3)), Trust([dotted(Checked)])) == (0, 1, 2)

    def test_of_named_tuples(self):
        """A named tuple of the standard library gets its fields as they are: its constructor looks into none."""
        recipe = freeze(urllib.parse.urlsplit("http://shop/tea"))

        assert build(recipe, Trust([want.grant for want in wants(recipe)])).path == "/tea"

    @pytest.mark.parametrize(("key", "item"), [("slice", Ref(1)), (0, Ref(1))])
    def test_of_items(self, key, item):
        """No slice of a list is set, and no range becomes a part of an array."""
        made = [*HUGE, Name("builtins", "slice"), Call(Ref(2), [None, None]), Name(__name__, "Items"), New(Ref(4), [])]
        made += [Extend(Ref(5), [1]), Update(Ref(5), [Ref(3) if key == "slice" else key], [item])]
        recipe = Recipe(made, Ref(5))

        if key == "slice":
            with pytest.raises(errors.CannotBuild):
                build(recipe, Trust([dotted(Items)]))
        else:
            assert build(recipe, Trust([dotted(Items)])) == [range(10**11)]

    def test_that_hash(self):
        """Keys that an inherited constructor hashes are counted."""
        keys = [Tuple([float(number)]) for number in range(3)]
        made = [*keys, List([Ref(0), Ref(1), Ref(2)]), Name(__name__, "Tags"), New(Ref(4), [Ref(3)])]

        assert build(Recipe(made, Ref(5)), Trust([dotted(Tags)])) == {(0.0,), (1.0,), (2.0,)}


HONEST = [
    *(
        Blob(b"abc"),
        Text("abc"),
        Number(5),
        Rows((1, 2)),
        Tags([1]),
        Group([1]),
        Items([1]),
        Buffer(b"ab"),
        Money(1, 3),
    ),
    *(Price("1.5"), Numbers("d", [1.5]), Queue([1], 3), Count("ab"), Ordered(a=1), Table(a=1), Default(list, a=[1])),
    *(Day(2024, 2, 29, tzinfo=dt.UTC), Folder("a"), Failed("a", [ValueError()]), Wrong("a"), Right(9), Below(b"x")),
    *(Titled("ab"), Undecoded("u", b"x", 0, 1, "why"), Unparsed("a", 3)),
]


class TestHonestValues:
    @pytest.mark.parametrize("value", HONEST, ids=[type(value).__name__ for value in HONEST])
    def test_come_back(self, value):
        """With the names that the audit lists, subclasses of all of these load as before."""
        recipe = freeze(value)

        loaded = build(recipe, Trust([want.grant for want in wants(recipe)]))

        assert type(loaded) is type(value)
        assert repr(loaded) == repr(value)
        assert Outline(recipe).path(recipe.root) == "object"

    def test_arrays(self):
        """So do arrays."""
        recipe = freeze(np.arange(4).view(Grid))

        loaded = build(recipe, Trust([want.grant for want in wants(recipe)]))

        assert type(loaded) is Grid
        assert loaded.tolist() == [0, 1, 2, 3]


def test_modules_of_python():
    """The rule knows the user's classes by their modules."""
    assert __name__.partition(".")[0] not in sys.stdlib_module_names
