# ruff: noqa: D102, DTZ001, DTZ901, PIE796, PYI024, PLW0108 - they are as people write them
"""Classes of every sort that a snapshot may meet, and graphs of their objects made from plain specifications."""

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import ipaddress
import pathlib
import re
import types
import uuid
import zoneinfo

import numpy as np

import appsnap


class Node:
    """An object with attributes, and a method to refer to."""

    def method(self):
        return self


class Slots:
    """An object with slots only."""

    __slots__ = ("first", "second")


class Both(Slots):
    """An object with slots and attributes."""


class Stateful:
    """An object that has its own way with its state."""

    def __getstate__(self):
        return ("state", self.__dict__.copy())

    def __setstate__(self, state):
        _, attributes = state
        self.__dict__.update(attributes)


class MyList(list):
    """A list with attributes."""


class MyDict(dict):
    """A dictionary with attributes."""


class MySet(set):
    """A set with attributes."""


class MyTuple(tuple):
    """A tuple with attributes."""

    __slots__ = ()


class MyInt(int):
    """A number with attributes."""


class MyStr(str):
    """A text of a class of its own."""

    __slots__ = ()


class Meta(type):
    """A class of classes."""


class Outer:
    """A class that holds another one."""

    class Inner:
        """A nested class."""

        def method(self):
            return self

    @classmethod
    def made(cls):
        return cls()

    @staticmethod
    def stated():
        return 1


Pair = collections.namedtuple("Pair", "left right")


class Color(enum.Enum):
    """An enumeration with an alias."""

    RED = 1
    GREEN = "green"
    ROT = 1


class Level(enum.IntEnum):
    """An enumeration of integers."""

    LOW = 1
    HIGH = 2


class Access(enum.Flag):
    """Flags."""

    READ = 1
    WRITE = 2
    RUN = 4


@dataclasses.dataclass
class Data:
    """A plain dataclass."""

    first: object = None
    second: object = None


@dataclasses.dataclass(frozen=True, eq=False)
class Frozen:
    """A frozen dataclass."""

    first: object = None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FrozenSlots:
    """A frozen dataclass with slots, whose state is a list."""

    first: object = None


class ByArguments:
    """An object that is made from its arguments by its class."""

    def __new__(cls, first):
        self = super().__new__(cls)
        self.first = first
        return self

    def __getnewargs__(self):
        return (self.first,)


class ByKeyword:
    """An object that is made from keyword arguments."""

    def __new__(cls, *, first):
        self = super().__new__(cls)
        self.first = first
        return self

    def __getnewargs_ex__(self):
        return (), {"first": self.first}

    def __getstate__(self):
        return None


class ByCall:
    """Taken apart into a call with keywords, one of them no identifier."""

    def __init__(self, *args, **keywords):
        self.args, self.keywords = args, keywords

    def __reduce__(self):
        return appsnap.call(ByCall, *self.args, **self.keywords)


def function(x=None):
    """Do nothing."""
    return x


ZONE = zoneinfo.ZoneInfo("Europe/Vienna")
VALUES = [
    *(dt.date(2024, 2, 29), dt.date.min, dt.date.max, dt.time(1, 2, 3, 4), dt.time(0, 0), dt.time(2, 30, fold=1)),
    *(dt.datetime(2024, 2, 29), dt.datetime(2024, 10, 27, 2, 30, tzinfo=ZONE, fold=1), dt.datetime.max),
    *(dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(1, 1, 1, 1, 1, 1, 1, dt.timezone(-dt.timedelta(hours=3)))),
    *(dt.time(5, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET")), dt.timedelta(-1, 2, 3), dt.timedelta.max, dt.UTC),
    *(decimal.Decimal("-0.10"), decimal.Decimal("NaN"), decimal.Decimal("sNaN12"), decimal.Decimal("-Infinity")),
    *(decimal.Decimal("1E+999999"), fractions.Fraction(-2, 3), complex(-0.0, 1.0), complex(1.0, -0.0)),
    *(complex(float("nan"), float("inf")), uuid.UUID(int=7), uuid.UUID(int=8, is_safe=uuid.SafeUUID.safe), ZONE),
    *(pathlib.PurePosixPath("/a/../b"), pathlib.PureWindowsPath(r"C:\a"), pathlib.Path(), pathlib.Path("a\udcff")),
    *(ipaddress.ip_address("::1%eth0"), ipaddress.ip_address("1.2.3.4"), ipaddress.ip_network("10.0.0.0/8")),
    *(ipaddress.ip_interface("10.1.2.3/8"), ipaddress.ip_network("fe80::/10"), ipaddress.ip_interface("::1/64")),
    *(range(0), range(10, -5, -3), range(2**70), slice(1, None, 2), slice("a", b"b"), Ellipsis, NotImplemented),
    *(re.compile("a(?i:b)", re.MULTILINE | re.VERBOSE), re.compile(b"x", re.DOTALL), re.compile("(?i)ä", re.ASCII)),
    *(array.array("d", [1.5, float("nan")]), array.array("h", [-1]), array.array("q"), array.array("B", b"123")),
    *(collections.Counter("abca"), collections.OrderedDict(b=1, a=2), collections.deque([1, 2], 3)),
    *(
        collections.deque(),
        collections.defaultdict(list, a=[1]),
        collections.defaultdict(None),
        types.SimpleNamespace(),
    ),
    *(
        collections.ChainMap({1: 2}, {}),
        collections.UserDict(a=1),
        collections.UserList([1]),
        collections.UserString("a"),
    ),
    *(Color.RED, Color.ROT, Color.GREEN, Level.HIGH, Access.READ, Access.READ | Access.RUN, Access(0)),
    *(Node, Outer.Inner, Outer.made, Outer.stated, function, str.upper, dict.fromkeys, len),
    *("abc".index, (3).bit_length, [1, 2].append, {}.get, {1, 2}.__contains__, [1].__len__, b"".join, int, type(None)),
    *(Outer().made, Outer.Inner().method, Node().method, types.SimpleNamespace(a=1, b=[2]), object),
    *(MyInt(5), MyStr("x" * 100), MyTuple((1, 2)), Pair(1, "a"), types.MappingProxyType({"a": 1})),
    *(functools.partial(int, base=2), functools.partial(function, [1], x={}), functools.partial(function)),
    *(ValueError("a", 1), OSError(2, "no", "file"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), KeyError()),
    *(
        memoryview(b"abc"),
        memoryview(bytearray(b"abc")),
        memoryview(array.array("i", [1, 2])),
        memoryview(b"abcd")[1:3],
    ),
    *(frozenset(), frozenset({frozenset(), frozenset({1})}), (), ((), ()), bytearray(), bytearray(b"\x00" * 100)),
    ExceptionGroup("several", [ValueError(1), TypeError()]),
]
ARRAYS = [
    *(np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.array(1.5), np.zeros((0, 3), "f4")),
    *(
        np.arange(10)[::3],
        np.array([1, 2], ">u2"),
        np.array([True, False]),
        np.array(["a", "äö"]),
        np.array([b"a", b"bc"]),
    ),
    np.array([(1, 2.5, "x")], dtype=[("a", "i1"), ("b", "<f8"), ("c", "U3")]),
    np.array([(1, [1, 2])], dtype=[("a", "i1"), ("b", "<i2", (2,))]),
    np.array(["2024-01-01", "NaT"], dtype="datetime64[s]"),
    np.array([1, 2], dtype="timedelta64[25s]"),
    np.array([1 + 2j]),
    np.array([float("nan"), -0.0], dtype="f2"),
    np.frombuffer(b"abcd", "u1"),
    np.dtype("datetime64[ns]"),
    np.dtype([("a", "i1"), ("b", [("c", "<f8")])]),
    np.dtype("<f8"),
    *(np.float64(1.5), np.float32("nan"), np.float16(-0.0), np.int8(-3), np.uint64(2**64 - 1), np.bool_(True)),
    *(
        np.complex64(1 - 2j),
        np.str_("ä"),
        np.bytes_(b"a\x00b"),
        np.datetime64("2024-01-01T00:00:00.5"),
        np.timedelta64(7, "25s"),
    ),
    *(np.datetime64("NaT", "s"), np.longlong(5).astype("i8")),
]

MUTABLE = {
    "list": list,
    "dict": dict,
    "set": set,
    "node": Node,
    "slots": Slots,
    "both": Both,
    "stateful": Stateful,
    "data": Data,
    "inner": Outer.Inner,
    "mylist": MyList,
    "mydict": MyDict,
    "myset": MySet,
    "ordered": collections.OrderedDict,
    "default": functools.partial(collections.defaultdict, list),
    "deque": functools.partial(collections.deque, maxlen=5),
    "namespace": types.SimpleNamespace,
    "error": ValueError,
    "userlist": collections.UserList,
}
IMMUTABLE = {
    "tuple": lambda parts: tuple(parts),
    "pair": lambda parts: Pair(parts[0], parts[-1]),
    "mytuple": lambda parts: MyTuple(parts),
    "frozen": lambda parts: Frozen(parts[0]),
    "frozenslots": lambda parts: FrozenSlots(parts[0]),
    "arguments": lambda parts: ByArguments(parts[0]),
    "keyword": lambda parts: ByKeyword(first=parts[0]),
    "call": lambda parts: ByCall(*parts[2:], last=parts[0], **{"no identifier": parts[-1]}),
    "partial": lambda parts: functools.partial(function, *parts),
    "frozenset": lambda parts: frozenset(filter(is_hashable, parts)),
    "proxy": lambda parts: types.MappingProxyType({"a": parts[0]}),
    "slice": lambda parts: parts[0].method if isinstance(parts[0], Node) else (parts[-1],),
}


def is_hashable(obj):
    """Tell whether an object can be a key, now and for good: by its identity, or by hashable parts."""
    if type(obj) in (tuple, frozenset, Pair, MyTuple):
        return all(map(is_hashable, obj))
    return type(obj) in (Node, Slots, Both, Stateful, Outer.Inner, Frozen, FrozenSlots, int, str, bytes, float, Color)


def make(spec):
    """Return the graph that a specification describes: two calls give graphs that can't be told apart."""
    mutable, immutable, fillings, root = spec
    pool = [MUTABLE[form]() for form in mutable]
    for form, parts, atom in immutable:
        pool.append(IMMUTABLE[form]([atom, *(pool[part % len(pool)] for part in parts)][::-1]))
    for target, name, part, key in fillings:
        _fill(pool[target % len(mutable)], name, pool[part % len(pool)], pool[key % len(pool)])
    return pool[root % len(pool)]


def _fill(obj, name, part, key):
    key = key if is_hashable(key) else name
    if isinstance(obj, (list, collections.deque, collections.UserList)):
        obj.append(part)
    elif isinstance(obj, dict):
        obj[key] = part
    elif isinstance(obj, set):
        obj.add(part if is_hashable(part) else key)
    elif type(obj) is Slots:
        setattr(obj, "first" if name < "m" else "second", part)
    else:
        setattr(obj, name, part)
    if isinstance(obj, (MyList, MyDict, MySet)) and name > "m":
        setattr(obj, name, part)


class Fresh:
    """Its state has a list that is made anew each time, and leads back to itself by way of its item."""

    current = None

    def __init__(self, number):
        self.number = number

    def __getstate__(self):
        Fresh.current = [FreshItem(self.number)]
        return {"made": Fresh.current}


class FreshItem:
    """The item of such a list."""

    def __init__(self, number):
        self.number = number

    def __getstate__(self):
        return {"number": self.number, "back": Fresh.current}


class Lowered(type):
    """Takes classes for equal whose names differ only in case."""

    def __eq__(cls, other):
        return type(other) is Lowered and cls.__name__.lower() == other.__name__.lower()

    def __hash__(cls):
        return hash(cls.__name__.lower())


class Upper(metaclass=Lowered):
    """One of two such classes."""


class upper(metaclass=Lowered):  # noqa: N801 - only the case of its name differs
    """The other one."""


class Made:
    """Made by a function, not by its class."""

    def __reduce__(self):
        return make_made, (), dict(self.__dict__)


def make_made():
    """Return one of those."""
    return Made.__new__(Made)
