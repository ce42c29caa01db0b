"""Dataclasses, enumerations, named tuples and the structs of the standard library, in all forms."""

import collections
import dataclasses
import datetime as dt
import enum
import functools
import http
import operator
import os
import re
import signal
import socket
import ssl
import sys
import time
import typing
from dataclasses import dataclass, field

from trials.things import filled


@dataclass
class Plain:
    """Plain."""

    a: int
    b: list = field(default_factory=list)
    c: str = "c"


@dataclass(frozen=True)
class Frozen:
    """Frozen."""

    a: int
    b: tuple = ()


@dataclass(slots=True)
class Slots:
    """With slots."""

    a: int
    b: object = None


@dataclass(frozen=True, slots=True)
class FrozenSlots:
    """Frozen with slots."""

    a: int
    b: object = None


@dataclass(slots=True, weakref_slot=True)
class WeakSlots:
    """With a slot for weak references."""

    a: int


@dataclass(kw_only=True)
class KwOnly:
    """By keyword only."""

    a: int
    b: int = 2


@dataclass(order=True)
class Ordered:
    """With an order."""

    a: int
    b: int = field(default=0, compare=False)


@dataclass(unsafe_hash=True)
class Hashed:
    """With a hash."""

    a: int


@dataclass(init=False)
class NoInit:
    """Without an __init__ of its own."""

    a: int
    b: int = 3


@dataclass(eq=False)
class NoEq:
    """Compared by identity."""

    a: object = None


@dataclass
class Post:
    """With __post_init__, InitVar, ClassVar."""

    a: int
    extra: dataclasses.InitVar[int] = 5
    total: int = field(init=False)
    seen: typing.ClassVar[list] = []

    def __post_init__(self, extra):
        self.total = self.a + extra


@dataclass
class Child(Plain):
    """Inherits."""

    d: float = 1.5


@dataclass
class SlotsChild(Slots):
    """Inherits slots, has none."""

    c: int = 5


@dataclass(frozen=True)
class FrozenPost:
    """Frozen, with a computed field."""

    a: int
    double: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "double", self.a * 2)


@dataclass
class Cached:
    """With a cached property."""

    a: int

    @functools.cached_property
    def twice(self):
        return self.a * 2


@dataclass
class Bag(dict):
    """A dataclass that is a dict."""

    a: int = 1

    __hash__ = None


@dataclass
class Node:
    """Knows its parent."""

    name: str
    parent: object = None
    children: list = field(default_factory=list)


T = typing.TypeVar("T")


@dataclass
class Box(typing.Generic[T]):
    """Generic."""

    content: T


Made = dataclasses.make_dataclass("Made", [("a", int), ("b", int, field(default=2))], namespace={"f": lambda s: s.a})
Made.__module__ = __name__


def _tree():
    root = Node("root")
    root.children.append(Node("leaf", root))
    return root


def _frozen_cycle():
    part = []
    it = Frozen(1, (part,))
    part.append(it)
    return it


def _local():
    @dataclass
    class Order:
        item: str
        count: int = 1
        tags: list = field(default_factory=list)

    return Order("tea", tags=["a"])


def _local_frozen():
    @dataclass(frozen=True, slots=True)
    class Order:
        item: str
        count: int = 1

    return Order("tea")


class Color(enum.Enum):
    """Plain."""

    RED = 1
    GREEN = "green"
    ROT = 1
    LIST = [1]

    def lower(self):
        return self.name.lower()


class Level(enum.IntEnum):
    """Integers."""

    LOW = 1
    HIGH = 2


class Word(enum.StrEnum):
    """Texts."""

    YES = enum.auto()
    NO = "nope"


class Right(enum.Flag):
    """Flags."""

    NONE = 0
    READ = 1
    WRITE = 2
    BOTH = 3


class Loose(enum.Flag, boundary=enum.KEEP):
    """Flags that keep unknown bits."""

    A = 1


class Mode(enum.IntFlag):
    """Flags that are integers."""

    A = 1
    B = 2


class Planet(enum.Enum):
    """With attributes."""

    EARTH = (5.97, 6.37)
    MARS = (0.64, 3.39)

    def __init__(self, mass, radius):
        self.mass = mass
        self.radius = radius


class Coin(bytes, enum.Enum):
    """With __new__."""

    def __new__(cls, value, label):
        self = bytes.__new__(cls, [value])
        self._value_ = value
        self.label = label
        return self

    ONE = (1, "one")


class Date(dt.date, enum.Enum):
    """Dates."""

    NEW_YEAR = (2024, 1, 1)


class Op(enum.Enum):
    """Functions."""

    ADD = enum.member(operator.add)
    PARTIAL = enum.member(functools.partial(int, base=2))

    def __call__(self, *args):
        return self.value(*args)


class Lower(enum.Enum):
    """Without distinction of case."""

    A = "a"

    @classmethod
    def _missing_(cls, value):
        return cls(value.lower())


class Holder:
    """Has an enumeration."""

    class Inner(enum.Enum):
        """Nested."""

        X = 1


class ByName(enum.Enum):
    """Saved by name."""

    A = object()

    def __reduce_ex__(self, protocol):
        return getattr, (ByName, self.name)


Functional = enum.Enum("Functional", "X Y", module=__name__)


def _local_enum():
    class Local(enum.Enum):
        A = 1
        B = 2
        ALIAS = 1

    return Local.B


def _local_flag():
    class Local(enum.Flag):
        NONE = 0
        A = 1
        B = 2
        BOTH = 3

    return Local.BOTH


def _changed_member():
    Color.GREEN.note = "n"
    return Color.GREEN


Pair = collections.namedtuple("Pair", "left right", defaults=[5])


class Point(typing.NamedTuple):
    """A point."""

    x: int
    y: int = 2

    def total(self):
        return self.x + self.y


class Named(Pair):
    """With attributes."""


class NamedSlots(Pair):
    """Without attributes."""

    __slots__ = ()


class NamedNew(Pair):
    """With a constructor of its own."""

    def __new__(cls, both):
        return super().__new__(cls, both, both)


class NamedNewArgs(Pair):
    """With a constructor of its own, and arguments that fit."""

    def __new__(cls, both):
        return super().__new__(cls, both, both)

    def __getnewargs__(self):
        return (self.left,)


Renamed = collections.namedtuple("Renamed", "a class a", rename=True)


def _local_named():
    return collections.namedtuple("Local", "a b")(1, 2)


def _local_typed():
    class Local(typing.NamedTuple):
        a: int
        b: int = 2

        def total(self):
            return self.a + self.b

    return Local(1)


THINGS = {
    "dataclass": lambda: Plain(1, [2]),
    "dataclass with an extra attribute": lambda: filled(Plain(1), extra=[1]),
    "dataclass without a field": lambda: (p := Plain(1), delattr(p, "a"), p)[2],
    "dataclass frozen": lambda: Frozen(1, (2,)),
    "dataclass frozen cycle": _frozen_cycle,
    "dataclass slots": lambda: Slots(1, [2]),
    "dataclass slots unset": lambda: (p := Slots(1), delattr(p, "b"), p)[2],
    "dataclass frozen slots": lambda: FrozenSlots(1, [2]),
    "dataclass weakref slot": lambda: WeakSlots(1),
    "dataclass kw_only": lambda: KwOnly(a=1),
    "dataclass ordered": lambda: [Ordered(2), Ordered(1)],
    "dataclass hashed": lambda: {Hashed(1): 1},
    "dataclass no init": lambda: filled(NoInit(), a=1),
    "dataclass no eq": lambda: NoEq([1]),
    "dataclass post init": lambda: Post(1, 2),
    "dataclass child": lambda: Child(1, [2], "x", 3.5),
    "dataclass slots child": lambda: SlotsChild(1, 2, 3),
    "dataclass frozen post": lambda: FrozenPost(4),
    "dataclass cached": lambda: (c := Cached(3), c.twice, c)[2],
    "dataclass dict": lambda: (b := Bag(5), b.update(x=1), b)[2],
    "dataclass tree": _tree,
    "dataclass generic": lambda: Box(1),
    "dataclass generic typed": lambda: Box[int](1),
    "dataclass made": lambda: Made(1),
    "dataclass local": _local,
    "dataclass local frozen": _local_frozen,
    "dataclass fields": lambda: dataclasses.fields(Plain),
    "dataclass field": lambda: field(default=1),
    "dataclass MISSING": lambda: [dataclasses.MISSING, dataclasses.KW_ONLY],
    "dataclass class": lambda: Plain,
    "dataclass shared": lambda: [p := Frozen(1), p, {p: p}],
    "enum": lambda: Color.GREEN,
    "enum alias": lambda: Color.ROT,
    "enum of a list": lambda: Color.LIST,
    "enum class": lambda: Color,
    "enum method": lambda: Color.RED.lower,
    "enum as key": lambda: {Color.RED: 1, Level.LOW: 2},
    "enum shared": lambda: [Color.RED, Color.RED, Color.ROT],
    "enum changed": _changed_member,
    "intenum": lambda: Level.HIGH,
    "strenum": lambda: [Word.YES, Word.NO],
    "flag": lambda: Right.READ,
    "flag combined": lambda: Right.READ | Right.WRITE,
    "flag named combination": lambda: Right.BOTH,
    "flag zero": lambda: [Right.NONE, Mode(0)],
    "flag inverted": lambda: ~Right.READ,
    "flag loose": lambda: Loose(9),
    "intflag": lambda: Mode.A | Mode.B,
    "intflag unknown": lambda: Mode(17),
    "enum with attributes": lambda: Planet.MARS,
    "enum with new": lambda: Coin.ONE,
    "enum of dates": lambda: Date.NEW_YEAR,
    "enum of functions": lambda: [Op.ADD, Op.PARTIAL],
    "enum missing": lambda: Lower("A"),
    "enum nested": lambda: Holder.Inner.X,
    "enum by name": lambda: ByName.A,
    "enum functional": lambda: Functional.Y,
    "enum local": _local_enum,
    "enum local flag": _local_flag,
    "enum auto": lambda: enum.auto(),
    "enum of re": lambda: re.IGNORECASE | re.MULTILINE,
    "enum of signal": lambda: [signal.SIGTERM, signal.SIG_IGN, signal.Handlers.SIG_DFL],
    "enum of socket": lambda: [socket.AF_INET, socket.SOCK_STREAM, socket.MSG_PEEK],
    "enum of http": lambda: [http.HTTPStatus.NOT_FOUND, http.HTTPMethod.GET],
    "enum of ssl": lambda: [ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_3, ssl.OP_ALL],
    "enum members": lambda: Color.__members__,
    "namedtuple": lambda: Pair(1),
    "namedtuple typed": lambda: Point(3),
    "namedtuple with attributes": lambda: filled(Named(1, 2), note=[1]),
    "namedtuple slots": lambda: NamedSlots(1, 2),
    "namedtuple new": lambda: NamedNew(3),
    "namedtuple new with arguments": lambda: NamedNewArgs(3),
    "namedtuple renamed": lambda: Renamed(1, 2, 3),
    "namedtuple shared": lambda: [p := Pair([1]), p],
    "namedtuple local": _local_named,
    "namedtuple local typed": _local_typed,
    "namedtuple class": lambda: Pair,
    "struct_time": lambda: time.gmtime(0),
    "stat_result": lambda: os.stat_result(range(10)),
    "terminal_size": lambda: os.terminal_size((80, 24)),
    "times_result": lambda: os.times_result((1, 2, 3, 4, 5)),
    "statvfs": lambda: os.statvfs_result(range(11)),
    "uname": lambda: os.uname(),
    "sys.flags": lambda: sys.flags,
    "sys.version_info": lambda: sys.version_info,
    "sys.float_info": lambda: sys.float_info,
    "sys.implementation": lambda: sys.implementation.name,
    "isocalendar": lambda: dt.date(2024, 1, 1).isocalendar(),
    "struct rusage": lambda: __import__("resource").struct_rusage(range(16)),
    "struct passwd": lambda: __import__("pwd").struct_passwd(["a", "b", 1, 2, "c", "d", "e"]),
}
CHECKS = {
    "dataclass": lambda p: (dataclasses.asdict(p), repr(p), p == Plain(1, [2])),
    "dataclass frozen": lambda p: (hash(p), dataclasses.replace(p, a=5)),
    "dataclass ordered": sorted,
    "dataclass hashed": lambda d: d[Hashed(1)],
    "dataclass post init": lambda p: (p.total, hasattr(p, "extra")),
    "dataclass local": lambda o: (dataclasses.asdict(o), type(o)("x").tags),
    "dataclass local frozen": lambda o: (dataclasses.asdict(o), type(o)("x")),
    "dataclass MISSING": lambda m: [m[0] is dataclasses.MISSING, m[1] is dataclasses.KW_ONLY],
    "dataclass fields": lambda f: [(x.name, x.default is dataclasses.MISSING) for x in f],
    "dataclass field": lambda f: (f.default, f.default_factory is dataclasses.MISSING),
    "dataclass tree": lambda n: n.children[0].parent is n,
    "dataclass made": lambda m: (m.f(), m),
    "enum method": lambda m: m(),
    "enum of functions": lambda x: (x[0](1, 2), x[1]("11")),
    "enum local": lambda m: (m.value, type(m)["ALIAS"].name, len(type(m))),
    "enum local flag": lambda m: (m.value, m.name, [x.name for x in type(m)], type(m)(0).name),
    "namedtuple local": lambda p: (p.a, [*p._replace(b=7)], p._asdict()),
    "namedtuple local typed": lambda p: (p.total(), [*type(p)(5)], type(p)._field_defaults),
    "stat_result": lambda s: (s.st_mode, s.st_size),
    "isocalendar": tuple,  # Python itself saves it so
    "struct_time": lambda s: (s.tm_year, s.tm_zone),
    "enum of signal": lambda x: [y is z for y, z in zip(x, [signal.SIGTERM, signal.SIG_IGN, signal.SIG_DFL])],
}
OPAQUE = {
    "enum local",
    "enum local flag",
    "dataclass field",
    "dataclass fields",
    "dataclass MISSING",
    "enum auto",
    "isocalendar",
}
OPAQUE |= {"dataclass local", "dataclass local frozen", "namedtuple local", "namedtuple local typed"}
