"""A script with classes of every sort. It saves an object for each check below, and loads it in a fresh process.

`python script_of_classes.py save` writes one file for each kind, `... load` prints the checks that fail. Classes that
`made` makes from a text have no text that can be found again, as those of an interactive session.
"""

import abc
import collections
import dataclasses
import enum
import functools
import json
import logging
import sys
import typing

import appsnap
from appsnap.kinds import KINDS


def made(text):
    """Run a text as an interactive session does, and return its names."""
    exec(compile(text, "<stdin>", "exec"), globals())


made('''
@dataclasses.dataclass
class Order:
    item: str
    count: int = 1
    tags: list = dataclasses.field(default_factory=list)

@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int = 2

T = typing.TypeVar("T", bound=int)
P = typing.ParamSpec("P")
Ts = typing.TypeVarTuple("Ts")

class Store(typing.Generic[T]):
    limit = 7
    @property
    def twice(self): return self.limit * 2
    def get(self) -> T: return self.limit

class Shelf(Store[int]): pass

class Right(enum.Flag):
    NONE = 0
    READ = 1
    WRITE = 2
    BOTH = 3
    SEE = 1
    def named(self): return self.name

class Mode(enum.Enum):
    FAST = 1
    QUICK = 1
    SLOW = "slow"
    @classmethod
    def best(cls): return cls.FAST

class Planet(enum.Enum):
    EARTH = (1, 2)
    MARS = (3, 4)
    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius
    @property
    def sum(self): return self.mass + self.radius

class Coded(bytes, enum.Enum):
    def __new__(cls, value, label):
        member = bytes.__new__(cls, [value])
        member._value_ = value
        member.label = label
        return member
    ONE = (1, "one")
    TWO = (2, "two")

class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2

class Word(enum.StrEnum):
    YES = enum.auto()

class Access(enum.IntFlag, boundary=enum.KEEP):
    A = 1
    B = 4

class Secret:
    __slots__ = ("__x", "y", "__weakref__")
    def __init__(self): self.__x = 1; self.y = 2
    def get(self): return self.__x

class One:
    __slots__ = "__only"
    def put(self): self.__only = 5; return self
    def get(self): return self.__only

class Iterated:
    __slots__ = iter(("a", "b"))

class Report:
    def __init__(self, n): self.n = n
    @functools.cached_property
    def total(self): return self.n * 3
    @functools.lru_cache(maxsize=5)
    def price(self): return self.n * 2
    @staticmethod
    def fixed(): return 5
    def __hash__(self): return 1
    def __private(self): return self.n
    def later(self): return self.__private

class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
    @abc.abstractproperty
    def edges(self): ...
Shape.register(int)
class Square(Shape):
    edges = 4
    def area(self): return super().__init__ and 9

class Registry(type):
    def __setattr__(cls, name, value): raise AttributeError(name)
    def shout(cls): return cls.__name__.upper()
class Registered(metaclass=Registry):
    value = 3

class Base:
    known = []
    def __init_subclass__(cls, **more): super().__init_subclass__(**more); Base.known.append(cls)
class Derived(Base): pass

class Handler:
    def run(self): return self
    @classmethod
    def made(cls): return cls()
    def __init__(self): self.n = 4
Handler.default = Handler()
Handler.table = {"made": Handler.made, "run": Handler.default.run}

class Field:
    def __set_name__(self, owner, name): self.name = name
    def __get__(self, obj, cls=None): return self if obj is None else self.name
class Described:
    x = Field()

class Point(typing.NamedTuple):
    x: int
    y: int = 2
Pair = collections.namedtuple("Pair", "left right", defaults=[5])
class Movie(typing.TypedDict, total=False):
    name: str
class Sized(typing.Protocol):
    def size(self) -> int: ...

UserId = typing.NewType("UserId", int)

@functools.lru_cache(maxsize=3)
def cached(n): return n * 2
cached.extra = 1

@functools.singledispatch
def shown(x):
    "shows things"
    return "any"
@shown.register
def _(x: int): return shown("a") + " int"
@shown.register(list)
def shown_list(x): return [shown(one) for one in x]
shown.extra = 1

class Shows:
    @functools.singledispatchmethod
    def show(self, x): return "any"
    @show.register
    def _(self, x: int): return self.show("a") + " int"

class Proxy:
    __class__ = property(lambda self: int)

class Failed(Exception):
    pass

class Shown(property):
    pass
class Marked(classmethod):
    pass
class Shaped:
    @Shown
    def z(self): return 9
    z.unit = "m"
    @Marked
    def made(cls): return cls()

class Outer:
    class Inner:
        def me(self): return type(self).__qualname__
''')

OBJECTS = {
    "dataclass": [Order("tea", 3), Order],
    "frozen_slots": Span(1),
    "generic": [Store(), Shelf(), Store[int], T, P, Ts],
    "flag": [Right.READ, Right.BOTH, Right.NONE, Right.READ | Right.WRITE, ~Right.READ],
    "enum": [Mode.FAST, Mode.QUICK, Mode.SLOW],
    "enum_init": Planet.MARS,
    "enum_new": [Coded.ONE, Coded.TWO],
    "enum_mixed": [Level.HIGH, Word.YES, Access.A | Access.B, Access(8)],
    "private_slots": [Secret(), One().put()],
    "iterated_slots": Iterated,
    "properties": Report(4),
    "methods": [Report(4).later(), Report.fixed],
    "abstract": [Shape, Square()],
    "metaclass": Registered,
    "init_subclass": Derived(),
    "own_methods": Handler(),
    "set_name": Described(),
    "named_tuples": [Point(1), Pair(1)],
    "typed_dict": [Movie, Sized],
    "new_type": UserId,
    "lru_cache": cached,
    "singledispatch": [shown, Shows()],
    "proxy_class": Proxy,
    "exception": Failed("x", 1),
    "nested": Outer.Inner(),
    "descriptors": Shaped(),
    "logger": logging.Logger("apart"),
}


class Checks:
    def dataclass(x, cls):
        assert dataclasses.asdict(x) == {"item": "tea", "count": 3, "tags": []}
        assert dataclasses.replace(x, count=4).count == 4
        assert x == cls("tea", 3) and cls("a").tags is not cls("a").tags
        assert [f.default for f in dataclasses.fields(cls)] == [dataclasses.MISSING, 1, dataclasses.MISSING]
        assert dataclasses.fields(cls)[0].default is dataclasses.MISSING

    def frozen_slots(x):
        assert (x.start, x.end) == (1, 2) and dataclasses.astuple(x) == (1, 2) and not hasattr(x, "__dict__")
        try: x.start = 5
        except dataclasses.FrozenInstanceError: pass
        else: raise AssertionError("not frozen")

    def generic(store, shelf, alias, t, p, ts):
        cls = type(store)
        assert shelf.limit == 7 and shelf.twice == 14 and isinstance(shelf, cls)
        assert cls.__parameters__ == (t,) and t.__bound__ is int and alias.__origin__ is cls
        assert typing.get_type_hints(cls.get)["return"] is t
        assert type(shelf).__orig_bases__ == (cls[int],)
        assert (p.__name__, ts.__name__) == ("P", "Ts")

    def flag(read, both, none, combined, others):
        R = type(read)
        assert [*R.__members__] == ["NONE", "READ", "WRITE", "BOTH", "SEE"]
        assert read is R.READ is R.SEE and both is R.BOTH is combined and none is R.NONE
        assert others is R.WRITE and read.named() == "READ" and R.READ | R.WRITE is R.BOTH

    def enum(fast, quick, slow):
        M = type(fast)
        assert fast is quick is M.QUICK is M(1) is M.best() and [*M] == [fast, slow]

    def enum_init(mars):
        assert (mars.mass, mars.radius, mars.sum) == (3, 4, 7) and mars.value == (3, 4)
        assert type(mars)((1, 2)).mass == 1

    def enum_new(one, two):
        assert one == b"\1" and two == b"\2" and (two.value, two.label) == (2, "two") and type(one)(1) is one

    def enum_mixed(high, yes, both, kept):
        assert high == 2 and high > 1 and yes == "yes" and both == 5 and (both & 4).name == "B" and kept == 8
        assert type(both)(16) == 16

    def private_slots(x, y):
        assert (x.get(), x.y, y.get()) == (1, 2, 5) and not hasattr(x, "__dict__")

    def iterated_slots(cls):
        x = cls(); x.a = 1
        try: x.c = 1
        except AttributeError: pass
        else: raise AssertionError("no slots")

    def properties(x):
        assert x.total == 12 and vars(x) == {"n": 4, "total": 12}
        assert x.price() == 8 and type(x).price.cache_parameters()["maxsize"] == 5

    def methods(later, fixed):
        assert later() == 4 and fixed() == 5

    def abstract(shape, square):
        try: shape()
        except TypeError: pass
        else: raise AssertionError("not abstract")
        assert square.area() == 9 and isinstance(3, shape) and isinstance(square, shape)
        assert shape.__abstractmethods__ == {"area", "edges"}

    def metaclass(cls):
        assert cls.value == 3 and cls.shout() == "REGISTERED"

    def init_subclass(x):
        assert type(x).__base__.known == [type(x)]

    def own_methods(x):
        cls = type(x)
        assert type(cls.table["made"]()) is cls and cls.table["run"]() is cls.default
        assert cls.table["made"] == cls.made

    def set_name(x):
        assert x.x == "x" and type(x).x.name == "x"

    def named_tuples(point, pair):
        assert point == (1, 2) and point._replace(x=3).x == 3 and type(point)._fields == ("x", "y")
        assert type(point)(7).y == 2 and pair == (1, 5) and pair.left == 1

    def typed_dict(movie, sized):
        assert movie(name="x") == {"name": "x"} and movie.__total__ is False
        assert movie.__optional_keys__ == {"name"} and typing.is_typeddict(movie) and sized._is_protocol

    def new_type(user_id):
        assert user_id(5) == 5 and user_id.__supertype__ is int and user_id.__name__ == "UserId"

    def lru_cache(cached):
        assert cached(3) == 6 and cached.cache_info().maxsize == 3 and cached.extra == 1 and cached.__name__ == "cached"

    def singledispatch(shown, shows):
        assert shown([1, "x"]) == ["any int", "any"] and shown.__doc__ == "shows things" and shown.extra == 1
        assert shown.dispatch(bool)(True) == "any int" and shown.__wrapped__ is shown.registry[object]
        shown.register(float, lambda x: "float")
        assert shown(1.5) == "float" and shows.show(1) == "any int"

    def proxy_class(cls):
        assert cls().__class__ is int

    def exception(x):
        assert x.args == ("x", 1) and isinstance(x, Exception) and type(x).__name__ == "Failed"

    def nested(x):
        assert x.me() == "Outer.Inner"

    def descriptors(x):
        z, made = vars(type(x))["z"], vars(type(x))["made"]
        assert x.z == 9 and z.unit == "m" and type(z).__name__ == "Shown" and type(type(x).made()) is type(x)
        assert type(made).__name__ == "Marked"

    def logger(x):
        assert x is logging.getLogger("apart")


def failures(load):
    found = {}
    for kind in KINDS:
        for name in OBJECTS:
            try:
                x = load(f"{name}.{kind}")
                getattr(Checks, name)(*x if type(x) is list else [x])
            except Exception as error:
                found[f"{name}.{kind}"] = f"{type(error).__name__}: {error}"
    return found


if sys.argv[1:] == ["load"]:
    # As in another process that has none of these classes.
    for name in [name for name, value in globals().items() if getattr(value, "__module__", "") == "__main__"]:
        if name not in ("Checks", "failures", "made"):
            del globals()[name]
    print(json.dumps(failures(appsnap.load)))
elif sys.argv[1:] == ["save"]:
    errors, notes = {}, []
    for kind in KINDS:
        for name, x in OBJECTS.items():
            try:
                appsnap.save(x, f"{name}.{kind}", kind=kind, note=notes.append)
            except Exception as error:
                errors[f"{name}.{kind}"] = f"{type(error).__name__}: {error}"
    print(json.dumps(errors))
    # Loaded where the classes are alive, they are as they were.
    alive = failures(appsnap.load)
    print(json.dumps({name: text for name, text in alive.items() if name not in errors}))
    live = {name: x if type(x) is list else [x] for name, x in OBJECTS.items() if name != "logger"}
    for name, x in live.items():
        getattr(Checks, name)(*x)
