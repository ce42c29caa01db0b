"""Collections, and subclasses of built-in types, with and without attributes."""

import collections
import collections.abc
import heapq
import queue
import types

from trials.things import filled


class List(list):
    """A list with attributes."""


class Dict(dict):
    """A dict with attributes."""


class Set(set):
    """A set with attributes."""


class FrozenSet(frozenset):
    """A frozenset with attributes."""


class Tuple(tuple):
    """A tuple with attributes."""


class Int(int):
    """An int with attributes."""


class Float(float):
    """A float with attributes."""


class Complex(complex):
    """A complex with attributes."""


class Str(str):
    """A text with attributes."""


class Bytes(bytes):
    """Bytes with attributes."""


class ByteArray(bytearray):
    """A bytearray with attributes."""


class Deque(collections.deque):
    """A deque with attributes."""


class Ordered(collections.OrderedDict):
    """An ordered dict with attributes."""


class Default(collections.defaultdict):
    """A default dict with attributes."""


class Counter(collections.Counter):
    """A counter with attributes."""


class Chain(collections.ChainMap):
    """A chain of maps with attributes."""


class UserDict(collections.UserDict):
    """A user dict with attributes."""


class UserList(collections.UserList):
    """A user list with attributes."""


class UserString(collections.UserString):
    """A user string with attributes."""


class Space(types.SimpleNamespace):
    """A namespace of its own."""


class SlotList(list):
    """A list with a slot."""

    __slots__ = ("note",)


class SlotDict(dict):
    """A dict with a slot."""

    __slots__ = ("note",)


class SlotStr(str):
    """A text without attributes."""

    __slots__ = ()


class Owned(set):
    """A set whose constructor takes something else."""

    def __init__(self, owner):
        super().__init__()
        self.owner = owner


class OwnedList(list):
    """A list whose constructor takes something else."""

    def __init__(self, owner, *items):
        super().__init__(items)
        self.owner = owner


class OwnedDict(dict):
    """A dict whose constructor takes something else."""

    def __init__(self, owner):
        super().__init__()
        self.owner = owner


class OwnedFrozen(frozenset):
    """A frozenset made of keywords."""

    def __new__(cls, *, of):
        self = super().__new__(cls, of)
        self.of = tuple(of)
        return self


class OwnedDefault(collections.defaultdict):
    """A default dict without arguments."""

    def __init__(self):
        super().__init__(list)
        self.note = "note"


class OwnedDeque(collections.deque):
    """A deque with a length of its own."""

    def __init__(self, name):
        super().__init__(maxlen=3)
        self.name = name


class OwnedCounter(collections.Counter):
    """A counter with a name."""

    def __init__(self, name="", *args):
        self.name = name
        super().__init__(*args)


class OwnedOrdered(collections.OrderedDict):
    """An ordered dict with a limit."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if len(self) > self.limit:
            self.popitem(last=False)


class Checked(dict):
    """A dict that needs its attribute to be filled."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def __setitem__(self, key, value):
        if not isinstance(value, self.kind):
            raise TypeError(value)
        super().__setitem__(key, value)


class CheckedList(list):
    """A list that needs its attribute to be filled."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def append(self, item):
        if not isinstance(item, self.kind):
            raise TypeError(item)
        super().append(item)

    def extend(self, items):
        for item in items:
            self.append(item)


class CheckedSet(set):
    """A set that needs its attribute to be filled."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def add(self, item):
        if not isinstance(item, self.kind):
            raise TypeError(item)
        super().add(item)


class Doubled(list):
    """A list that changes what is appended."""

    def append(self, item):
        super().append(item * 2)


class Lower(dict):
    """A dict that changes its keys."""

    def __setitem__(self, key, value):
        super().__setitem__(key.lower(), value)

    def __getitem__(self, key):
        return super().__getitem__(key.lower())


class Attr(dict):
    """A dict with its items as attributes."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Attr2(dict):
    """A dict that is its own __dict__."""

    def __init__(self, **items):
        super().__init__(**items)
        self.__dict__ = self


class OddItems(dict):
    """A dict whose items() says something else."""

    def items(self):
        return [("odd", 1)]


class OddIter(list):
    """A list whose __iter__ says something else."""

    def __iter__(self):
        return iter(["odd"])


class Mapping(collections.abc.MutableMapping):
    """A mapping of its own."""

    def __init__(self):
        self.inner = {}

    def __getitem__(self, key):
        return self.inner[key]

    def __setitem__(self, key, value):
        self.inner[key] = value

    def __delitem__(self, key):
        del self.inner[key]

    def __iter__(self):
        return iter(self.inner)

    def __len__(self):
        return len(self.inner)


class Missing(dict):
    """A dict with __missing__."""

    def __missing__(self, key):
        return key * 2


class Pair(tuple):
    """A tuple made of two arguments, that says so."""

    def __new__(cls, a, b):
        return super().__new__(cls, (a, b))

    def __getnewargs__(self):
        return tuple(self)


class Cents(int):
    """A number with its own arguments, that says so."""

    def __new__(cls, euros, cents):
        return super().__new__(cls, euros * 100 + cents)

    def __getnewargs__(self):
        return divmod(int(self), 100)


def _filled(obj, *items, **pairs):
    for item in items:
        (obj.add if isinstance(obj, set) else obj.append)(item)
    for key, value in pairs.items():
        obj[key] = value
    return obj


def _recursive(obj, part=None):
    obj.me = obj
    return obj


def _list_of_itself():
    it = List()
    it.append(it)
    it.me = it
    return it


def _dict_of_itself():
    it = Dict()
    it["me"] = it
    it.list = [it]
    return it


def _set_of_owner():
    it = Set()
    it.add(filled(Int(3), owner=it))
    return it


def _queue():
    it = queue.PriorityQueue()
    it.put(3)
    return it


THINGS = {
    "ordereddict": lambda: collections.OrderedDict(b=1, a=[2]),
    "ordereddict moved": lambda: (d := collections.OrderedDict(a=1, b=2), d.move_to_end("a"), d)[2],
    "defaultdict": lambda: collections.defaultdict(list, a=[1]),
    "defaultdict none": lambda: collections.defaultdict(None, a=1),
    "defaultdict lambda": lambda: collections.defaultdict(lambda: 7, a=1),
    "defaultdict nested": lambda: collections.defaultdict(lambda: collections.defaultdict(int)),
    "defaultdict bound": lambda: collections.defaultdict([1].copy),
    "counter": lambda: collections.Counter("abca"),
    "counter negative": lambda: collections.Counter(a=-1, b=0),
    "chainmap": lambda: collections.ChainMap({"a": 1}, {"b": 2}),
    "deque": lambda: collections.deque([1, [2]]),
    "deque maxlen": lambda: collections.deque([1, 2], 5),
    "deque recursive": lambda: (d := collections.deque(), d.append(d), d)[2],
    "userdict": lambda: collections.UserDict(a=[1]),
    "userlist": lambda: collections.UserList([1, [2]]),
    "userstring": lambda: collections.UserString("text"),
    "heap": lambda: (h := [], heapq.heappush(h, (2, "b")), heapq.heappush(h, (1, "a")), h)[3],
    "mapping of its own": lambda: _filled(Mapping(), a=1),
    "list": lambda: filled(List([1, 2]), note=[1]),
    "dict": lambda: filled(Dict(a=1), note=[1]),
    "set": lambda: filled(Set({1}), note=[1]),
    "frozenset": lambda: filled(FrozenSet({1}), note=[1]),
    "tuple": lambda: filled(Tuple((1, 2)), note=[1]),
    "int": lambda: filled(Int(5), note=[1]),
    "int bare": lambda: Int(5),
    "float": lambda: filled(Float(1.5), note=[1]),
    "float nan": lambda: filled(Float("nan"), note=[1]),
    "complex": lambda: filled(Complex(1, 2), note=[1]),
    "str": lambda: filled(Str("text"), note=[1]),
    "bytes": lambda: filled(Bytes(b"abc"), note=[1]),
    "bytearray": lambda: filled(ByteArray(b"abc"), note=[1]),
    "deque subclass": lambda: filled(Deque([1, 2], 7), note=[1]),
    "ordereddict subclass": lambda: filled(Ordered(b=1, a=2), note=[1]),
    "defaultdict subclass": lambda: filled(Default(int, a=1), note=[1]),
    "counter subclass": lambda: filled(Counter("aab"), note=[1]),
    "chainmap subclass": lambda: filled(Chain({"a": 1}), note=[1]),
    "userdict subclass": lambda: filled(UserDict(a=1), note=[1]),
    "userlist subclass": lambda: filled(UserList([1]), note=[1]),
    "userstring subclass": lambda: filled(UserString("a"), note=[1]),
    "namespace subclass": lambda: Space(a=1, b=[2]),
    "counter with attribute": lambda: _plain_counter(),
    "list with a slot": lambda: filled(SlotList([1]), note="n"),
    "list with an empty slot": lambda: SlotList([1]),
    "dict with a slot": lambda: filled(SlotDict(a=1), note="n"),
    "str without attributes": lambda: SlotStr("abc"),
    "set owned": lambda: _filled(Owned("me"), "x", "y"),
    "list owned": lambda: OwnedList("me", 1, 2),
    "dict owned": lambda: _filled(OwnedDict("me"), a=1),
    "frozenset of keywords": lambda: OwnedFrozen(of="ab"),
    "defaultdict owned": lambda: _filled(OwnedDefault(), a=[1]),
    "deque owned": lambda: _filled(OwnedDeque("me"), 1, 2, 3, 4),
    "counter owned": lambda: OwnedCounter("me", "aab"),
    "ordereddict owned": lambda: _filled(OwnedOrdered(2), a=1, b=2, c=3),
    "dict checked": lambda: _filled(Checked(int), a=1, b=2),
    "list checked": lambda: _filled(CheckedList(int), 1, 2),
    "set checked": lambda: _filled(CheckedSet(int), 1, 2),
    "list doubled": lambda: _filled(Doubled(), 1, 2),
    "dict lower": lambda: _filled(Lower(), A=1),
    "dict attributes": lambda: Attr(a=1),
    "dict own dict": lambda: Attr2(a=1, b=[2]),
    "dict odd items": lambda: OddItems(a=1),
    "list odd iter": lambda: OddIter([1, 2]),
    "dict missing": lambda: Missing(a=1),
    "tuple of arguments": lambda: filled(Pair(1, [2]), note="n"),
    "int of arguments": lambda: filled(Cents(2, 50), note="n"),
    "list recursive": _list_of_itself,
    "dict recursive": _dict_of_itself,
    "set of its owner": _set_of_owner,
    "int knows itself": lambda: _recursive(Int(7)),
    "str knows itself": lambda: _recursive(Str("x")),
    "tuple knows itself": lambda: _recursive(Tuple((1,))),
    "subclass shared": lambda: [x := filled(List([1]), note=2), x, {"x": x}],
    "keys of subclasses": lambda: {Str("a"): 1, Tuple((1,)): 2, Int(3): 3, FrozenSet({4}): 4},
}


def _plain_counter():
    it = collections.Counter("aab")
    it.note = [1]
    return it


CHECKS = {
    "defaultdict": lambda d: (d["new"], d.default_factory),
    "defaultdict lambda": lambda d: d["new"],
    "defaultdict nested": lambda d: d["x"]["y"],
    "defaultdict bound": lambda d: d["x"],
    "chainmap": lambda c: c.maps,
    "deque maxlen": lambda d: d.maxlen,
    "deque subclass": lambda d: d.maxlen,
    "deque owned": lambda d: (d.maxlen, list(d)),
    "defaultdict subclass": lambda d: (d.default_factory, d["z"]),
    "defaultdict owned": lambda d: (d.default_factory, d["z"]),
    "dict attributes": lambda d: d.a,
    "dict own dict": lambda d: (d.a, vars(d) is d),
    "dict missing": lambda d: d["b"],
    "heap": lambda h: heapq.heappop(h),
    "counter": lambda c: c.most_common(1),
    "ordereddict moved": list,
}
OPAQUE = {"dict own dict"}
