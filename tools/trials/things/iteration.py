"""Views of dicts, iterators of every sort, used and fresh."""

import collections
import itertools
import operator
import re
import string


def _used(iterator, n=1):
    for _ in range(n):
        next(iterator, None)
    return iterator


def _sentinel():
    return iter(["a", "b", "stop", "c"].pop, "a")


class Old:
    """A sequence by __getitem__ alone."""

    def __getitem__(self, i):
        if i > 3:
            raise IndexError
        return i * 10


class Own:
    """An iterator of its own."""

    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n > 3:
            raise StopIteration
        return self.n


def double(n):
    """Double."""
    return n * 2


def _tee():
    one, two = itertools.tee([1, 2, 3])
    next(one)
    return [one, two]


def _of_shared():
    items = [1, 2, 3]
    return [items, iter(items)]


D = {"a": 1, "b": 2, "c": 3}
THINGS = {
    "dict keys": lambda: {"a": 1}.keys(),
    "dict values": lambda: {"a": [1]}.values(),
    "dict items": lambda: {"a": 1}.items(),
    "odict keys": lambda: collections.OrderedDict(b=1, a=2).keys(),
    "odict values": lambda: collections.OrderedDict(b=1, a=2).values(),
    "odict items": lambda: collections.OrderedDict(b=1, a=2).items(),
    "counter keys": lambda: collections.Counter("aab").keys(),
    "defaultdict items": lambda: collections.defaultdict(int, a=1).items(),
    "userdict keys": lambda: collections.UserDict(a=1).keys(),
    "chainmap items": lambda: collections.ChainMap({"a": 1}, {"b": 2}).items(),
    "dict keys shared": lambda: [d := {"a": 1}, d.keys()],
    "proxy keys": lambda: __import__("types").MappingProxyType({"a": 1}).keys(),
    "list iterator": lambda: iter([1, 2, 3]),
    "list iterator used": lambda: _used(iter([1, 2, 3])),
    "list iterator exhausted": lambda: _used(iter([1]), 2),
    "list iterator shared": _of_shared,
    "list reversed": lambda: reversed([1, 2, 3]),
    "list reversed used": lambda: _used(reversed([1, 2, 3])),
    "tuple iterator": lambda: _used(iter((1, 2, 3))),
    "str iterator": lambda: _used(iter("abc")),
    "str iterator unicode": lambda: _used(iter("äöü")),
    "bytes iterator": lambda: _used(iter(b"abc")),
    "bytearray iterator": lambda: _used(iter(bytearray(b"abc"))),
    "range iterator": lambda: _used(iter(range(5))),
    "range iterator long": lambda: _used(iter(range(2**70, 2**70 + 3))),
    "range reversed": lambda: reversed(range(5)),
    "dict key iterator": lambda: _used(iter(dict(D))),
    "dict value iterator": lambda: _used(iter(dict(D).values())),
    "dict item iterator": lambda: _used(iter(dict(D).items())),
    "dict reversed": lambda: reversed(dict(D)),
    "odict iterator": lambda: _used(iter(collections.OrderedDict(D))),
    "set iterator": lambda: _used(iter({1, 2, 3})),
    "frozenset iterator": lambda: iter(frozenset({1})),
    "deque iterator": lambda: _used(iter(collections.deque([1, 2, 3]))),
    "deque reversed": lambda: reversed(collections.deque([1, 2, 3])),
    "array iterator": lambda: _used(iter(__import__("array").array("i", [1, 2, 3]))),
    "memoryview iterator": lambda: iter(memoryview(b"abc")),
    "sequence iterator": lambda: _used(iter(Old())),
    "callable iterator": _sentinel,
    "callable iterator over next": lambda: iter(iter([1, 2, 3, 4]).__next__, 3),
    "own iterator": lambda: _used(Own()),
    "generator": lambda: (n for n in [1]),
    "enumerate": lambda: _used(enumerate(["a", "b", "c"], 5)),
    "enumerate long": lambda: enumerate("ab", 2**70),
    "zip": lambda: _used(zip([1, 2, 3], "abc")),
    "zip strict": lambda: zip([1, 2], "ab", strict=True),
    "map": lambda: _used(map(double, [1, 2, 3])),
    "map of two": lambda: map(operator.add, [1, 2], [3, 4]),
    "filter": lambda: _used(filter(None, [1, 0, 2, 3])),
    "filter of a function": lambda: filter(double, [0, 1, 2]),
    "reversed own": lambda: reversed(collections.UserList([1, 2])),
    "count": lambda: _used(itertools.count(5, 2)),
    "count float": lambda: itertools.count(0.5, 0.25),
    "cycle": lambda: _used(itertools.cycle("abc"), 2),
    "cycle round": lambda: _used(itertools.cycle("ab"), 3),
    "repeat": lambda: itertools.repeat([1], 3),
    "repeat forever": lambda: itertools.repeat("x"),
    "accumulate": lambda: _used(itertools.accumulate([1, 2, 3])),
    "accumulate initial": lambda: itertools.accumulate([1, 2, 3], operator.mul, initial=10),
    "batched": lambda: itertools.batched("abcde", 2) if hasattr(itertools, "batched") else None,
    "chain": lambda: _used(itertools.chain([1, 2], (3,), "ab")),
    "chain from iterable": lambda: _used(itertools.chain.from_iterable([[1, 2], [3]])),
    "combinations": lambda: _used(itertools.combinations("abcd", 2)),
    "combinations replaced": lambda: _used(itertools.combinations_with_replacement("abc", 2)),
    "permutations": lambda: _used(itertools.permutations("abc", 2)),
    "product": lambda: _used(itertools.product("ab", [1, 2], repeat=1)),
    "product fresh": lambda: itertools.product([1, 2], repeat=2),
    "compress": lambda: itertools.compress("abcd", [1, 0, 1, 1]),
    "dropwhile": lambda: _used(itertools.dropwhile(double, [0, 1, 2])),
    "takewhile": lambda: itertools.takewhile(double, [1, 2, 0, 3]),
    "filterfalse": lambda: itertools.filterfalse(double, [0, 1, 0, 2]),
    "starmap": lambda: itertools.starmap(pow, [(2, 3), (3, 2)]),
    "islice": lambda: _used(itertools.islice(range(20), 2, 15, 3)),
    "islice list": lambda: itertools.islice([1, 2, 3, 4], 1, 3),
    "groupby": lambda: itertools.groupby("aabbc"),
    "groupby used": lambda: _used(itertools.groupby("aabbc")),
    "pairwise": lambda: _used(itertools.pairwise("abcd")),
    "tee": _tee,
    "zip_longest": lambda: _used(itertools.zip_longest("ab", [1, 2, 3], fillvalue="-")),
    "nested": lambda: zip(map(double, itertools.islice(itertools.count(), 2, 5)), enumerate("abc")),
    "re finditer": lambda: re.finditer("a", "aaa"),
    "string formatter": lambda: string.Formatter().parse("a{b}c"),
    "shared by two": lambda: [i := iter([1, 2, 3]), zip(i, i)],
}
GROUPED = {"groupby", "groupby used"}
CHECKS = {
    **{name: (lambda it: [(key, list(group)) for key, group in it]) for name in GROUPED},
    "callable iterator": list,
    "dict keys": lambda v: ("a" in v, len(v), v & {"a"}),
    "dict keys shared": lambda x: (x[0].update(z=1), sorted(x[1])),
    "odict keys": list,
    "odict values": list,
    "odict items": list,
    "list iterator shared": lambda x: (x[0].append(9), list(x[1])),
    "shared by two": lambda x: (next(x[0]), list(x[1])),
    "tee": lambda x: [list(x[0]), list(x[1])],
    "own iterator": list,
    "chainmap items": list,
    "count": lambda c: [next(c), next(c)],
}
OPAQUE = {"callable iterator", "generator", "tee", "re finditer", "string formatter", "shared by two", *GROUPED}
# What iterates over a dict or set comes back as an iterator over a list, from pickle too.
ALIKE = {"dict key iterator", "dict value iterator", "dict item iterator", "set iterator", "frozenset iterator"}
ALIKE |= {"dict reversed", "odict iterator", "accumulate initial"}
CHECKS |= dict.fromkeys(ALIKE, list)
OPAQUE |= ALIKE
