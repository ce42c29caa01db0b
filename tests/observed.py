# ruff: noqa: D102 - they are as people write them
"""Classes of every sort whose methods log their calls and all that they see, for graphs that are saved and loaded.

`look` shows what a method sees: attributes, lengths, items and hashes, some levels deep, and calls no method itself.
"""

import abc
import collections
import dataclasses
import enum
import functools
import types
from typing import NamedTuple

import attrs

from appsnap.evolve import Ephemeral, Versioned
from appsnap.service import MultiService, Service

LOG = []
LEVELS = 4


def note(hook, obj, *seen):
    """Log the call of a method of an object."""
    LOG.append((hook, look(obj), *map(look, seen)))


def look(obj, levels=LEVELS):
    """Return what can be seen of an object, as plain data."""
    cls = type(obj)
    if obj is None or cls in (bool, int, float, str, bytes) or isinstance(obj, (type, types.FunctionType)):
        return repr(obj)[:40]
    if not levels:
        return cls.__name__
    found = [cls.__name__]
    if isinstance(obj, dict):
        pairs = [(key, dict.__getitem__(obj, key)) for key in dict.__iter__(obj)]
        found += [(look(key, levels - 1), look(value, levels - 1)) for key, value in pairs]
    elif isinstance(obj, (set, frozenset)):
        found += sorted(repr(look(item, levels - 1)) for item in obj)
    elif isinstance(obj, (list, tuple, collections.deque)):
        found += [look(item, levels - 1) for item in obj]
    if cls.__module__ not in {__name__, "types"}:
        return found  # a path, say, has caches in its slots
    slots = [base.__dict__ for base in cls.__mro__ if "__slots__" in base.__dict__]
    members = {name: x for own in slots for name, x in own.items() if type(x) is types.MemberDescriptorType}
    for name, member in sorted(members.items()):
        try:
            found.append((name, look(member.__get__(obj), levels - 1)))
        except AttributeError:
            found.append((name, "empty"))
    own = getattr(obj, "__dict__", None) if "__dict__" in dir(cls) else None
    if type(own) is dict:
        found += [(name, look(value, levels - 1)) for name, value in own.items()]
    return found


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def method(self):
        return self


class Other(Plain):
    pass


class Web(Service):
    pass


class Group(MultiService):
    pass


@dataclasses.dataclass(eq=False)
class Data:
    first: object = None
    second: object = None


@dataclasses.dataclass(order=True)
class Ordered:
    first: object = None


@dataclasses.dataclass(frozen=True, eq=False)
class Frozen:
    first: object = None
    second: object = None


@dataclasses.dataclass(slots=True, eq=False)
class SlotData:
    first: object = None
    second: object = None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FrozenSlots:
    first: object = None


class Slots:
    __slots__ = ("__private", "first", "second")


class MoreSlots(Slots):
    __slots__ = ("third",)


class SlotsAndDict(Slots):
    pass


class OwnDict:
    __slots__ = ("__dict__", "__weakref__", "first")


class PropertyOnSlot(Slots):
    __slots__ = ()

    @property
    def first(self):
        note("property", self)
        return Slots.first.__get__(self)


@attrs.define(eq=False)
class Attrs:
    first: object = None
    second: object = None


@attrs.define(eq=False, slots=False)
class AttrsDict:
    first: object = None


class Pair(NamedTuple):
    left: object
    right: object


class Color(enum.Enum):
    RED = 1
    GREEN = "green"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Stated(Plain):
    def __getstate__(self):
        note("getstate", self)
        return {"own": self.__dict__.copy()}

    def __setstate__(self, state):
        note("setstate", self, state)
        self.__dict__.update(state["own"])


class GetsOnly(Plain):
    def __getstate__(self):
        note("getstate", self)
        return self.__dict__.copy()


class SetsOnly(Plain):
    def __setstate__(self, state):
        note("setstate", self, state)
        self.__dict__.update(state)


class Reduced(Plain):
    def __reduce__(self):
        note("reduce", self)
        return made, (type(self),), self.__dict__.copy()


class ReducedEx(Plain):
    def __reduce_ex__(self, protocol):
        note("reduce_ex", self)
        return made, (type(self), argument(self)), self.__dict__.copy()


def argument(obj):
    """Return the first attribute of an object, if it can't lead back to the object."""
    first = obj.__dict__.get("first")
    return first if isinstance(first, (int, str, Data, Slots)) else None


def made(cls, *seen):
    """Make an object."""
    note("made", cls, *seen)
    return cls.__new__(cls)


class ByArguments(Plain):
    def __new__(cls, *args, **_):
        self = object.__new__(cls)
        note("new", cls, *args)
        return self

    def __getnewargs__(self):
        note("getnewargs", self)
        return (argument(self),)


class ByKeywords(Plain):
    def __new__(cls, **keywords):
        self = object.__new__(cls)
        note("new", cls, *keywords.values())
        return self

    def __getnewargs_ex__(self):
        note("getnewargs_ex", self)
        return (), {"first": argument(self)}


class Counted(Plain):
    def __new__(cls, **_):
        note("new", cls)
        return object.__new__(cls)


class Hashed(Plain):
    key = 0

    def __hash__(self):
        note("hash", self)
        return hash(self.key)

    def __eq__(self, other):
        note("eq", self, other)
        return isinstance(other, Hashed) and self.key == other.key


class Sized(Plain):
    def __len__(self):
        note("len", self)
        return self.at

    def __getitem__(self, at):
        note("getitem", self)
        raise IndexError(at)


class Meta(type):
    pass


class OfMeta(Plain, metaclass=Meta):
    pass


class Abstract(Plain, abc.ABC):
    @abc.abstractmethod
    def do(self):
        """Do nothing."""


class Concrete(Abstract):
    def do(self):
        return self


class Delegates(Plain):
    def __getattr__(self, name):
        LOG.append(("getattr", name))
        raise AttributeError(name)


class Watched(Plain):
    def __getattribute__(self, name):
        LOG.append(("getattribute", name))
        return object.__getattribute__(self, name)


class Assigned(Plain):
    def __setattr__(self, name, value):
        LOG.append(("setattr", name))
        object.__setattr__(self, name, value)


class Renames(Plain):
    """Its attribute lies behind a property of that name."""

    @property
    def first(self):
        note("property", self)
        return self.__dict__["first"]


class Caches(Plain):
    @functools.cached_property
    def second(self):
        return [self]


class Forgets(Plain):
    __transient__ = ("second",)


class Ported(Plain):
    persistenceForgets = ("first",)  # noqa: N815 - Twisted's name


def anew():
    """Make a transient attribute."""
    LOG.append("anew")
    return ["new"]


class MadeAnew(Plain):
    __transient__ = {"second": anew}  # noqa: RUF012 - as in the manual


class Upgraded(Plain, Versioned):
    persistenceVersion = 1  # noqa: N815 - Twisted's name


class Shared(Plain):
    common = {"first": 1}  # noqa: RUF012 - it is what they share

    def __init__(self, **attributes):
        self.__dict__ = Shared.common
        self.__dict__.update(attributes)


class Itself(dict):
    def __init__(self, **attributes):
        super().__init__(attributes)
        self.__dict__ = self


class Gone(Ephemeral):
    pass


class MyList(list):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class MyDeque(collections.deque):
    pass


class MyOrdered(collections.OrderedDict):
    pass


class MyCounter(collections.Counter):
    pass


class Appends(list):
    def append(self, item):
        LOG.append("append")
        super().append(item)

    def extend(self, items):
        note("extend", self)
        super().extend(items)


class Sets(dict):
    def __setitem__(self, key, value):
        note("setitem", self, key, value)
        super().__setitem__(key, value)


class OddDict:
    def __new__(cls):
        self = object.__new__(cls)
        self.__dict__ = Sets()
        return self


class NoDict:
    @property
    def __dict__(self):
        LOG.append("dict")
        return {}


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Wrong(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.two = two


def function(*args, **_):
    """Do nothing."""
    return args


PLAIN = (
    Plain,
    Other,
    Web,
    Data,
    Ordered,
    Frozen,
    SlotData,
    Slots,
    MoreSlots,
    AttrsDict,
    Concrete,
    Caches,
    Forgets,
    Ported,
)
"""Classes of which there are runs."""

OBJECTS = (
    *(SlotsAndDict, OwnDict, PropertyOnSlot, FrozenSlots, Attrs, Stated, GetsOnly, SetsOnly, Reduced, ReducedEx),
    *(ByArguments, ByKeywords, Counted, Hashed, OfMeta, Delegates, Watched, Assigned, Renames, MadeAnew, Upgraded),
    *(Shared, Itself, Gone, MyList, MyDict, MySet, MyDeque, MyOrdered, MyCounter, Appends, Sets, Group),
)
"""Classes that keep the order of pickle."""
