"""Graphs of objects drawn at random from a seed: lists of things of few shapes, whose attributes lead to each other."""

import collections
import datetime as dt
import decimal
import functools
import pathlib
import random
import types
import uuid

import numpy as np

import observed

SIZES = (1, 7, 8, 9, 8, 12, 20)
WIDTHS = (0, 1, 2, 2, 2, 3, 3)
NAMES = ("first", "second", "third", "key", "name", "a.b", "Größe")
LONG = "long text " * 10


class Graph:
    """One graph: two of the same seed can't be told apart. Its objects lie in `pools`, by class."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.arrays = np.arange(20)
        self.lists = [[], {}]
        hooks = self.random.choice((0, 0, 0.02, 0.3))
        classes = self.random.choices(observed.PLAIN, k=self.random.randint(1, 3))
        classes += self.random.choices(observed.OBJECTS, k=self.random.randint(0, 2) if hooks else 0)
        self.pools = [(cls, [self.object(cls) for _ in range(self.random.choice(SIZES))]) for cls in classes]
        self.rare = [self.object(cls) for cls in self.random.choices(observed.OBJECTS, k=4)] if hooks else []
        self.hooks = hooks
        for cls, pool in self.pools:
            self.fill(cls, pool)
        for obj in self.rare:
            self.fill(type(obj), [obj])
        self.root = self.rooted()

    @staticmethod
    def object(of):
        """Return an object of a class, without attributes."""
        return of() if issubclass(of, (list, dict, set, collections.deque)) else of.__new__(of)

    def fill(self, cls, pool):
        """Give the objects of a pool attributes, each by a column of its own."""
        wide = self.random.random() < 0.03
        names = [f"n{at}" for at in range(self.random.choice((63, 64, 65)))] if wide else list(NAMES)
        slots = cls.__dictoffset__ == 0
        names = ["first", "second"] if slots or (wide and slots) else names
        if not wide:
            names = self.random.sample(names, min(self.random.choice(WIDTHS), len(names)))
        columns = [(name, self.column()) for name in names]
        strange = self.random.choice((0, 0, 0, 0.1))
        for at, obj in enumerate(pool):
            for name, column in columns:
                used = self.column() if self.random.random() < strange else column
                if self.random.random() >= strange / 2:
                    self.put(obj, name, self.hooked() if self.random.random() < self.hooks else used(at, obj))

    def put(self, obj, name, value):
        """Give an object an attribute, and a container an item, too."""
        if isinstance(obj, dict) and self.random.random() < 0.5:
            dict.__setitem__(obj, name, 1 if isinstance(obj, collections.Counter) else value)
        elif isinstance(obj, (list, collections.deque)) and self.random.random() < 0.5:
            type(obj).__mro__[1].append(obj, value)
        elif isinstance(obj, set):
            obj.add(name)
        elif type(obj).__dictoffset__:
            obj.__dict__[name] = value
        else:
            for base in type(obj).__mro__:
                if type(base.__dict__.get(name)) is types.MemberDescriptorType:
                    base.__dict__[name].__set__(obj, value)
                    break

    def any(self):
        """Return any object of the pools."""
        return self.random.choice(self.random.choice(self.pools)[1])

    def hooked(self):
        """Return an object whose class keeps the order of pickle."""
        return self.random.choice(self.rare)

    def keys(self):
        """Return objects that may be keys."""
        found = [self.any() for _ in range(3)]
        return [x for x in found if type(x).__hash__ is object.__hash__] or ["none"]

    def column(self):
        """Return a function from the number of an object, and the object, to the value of an attribute."""
        constant = self.random.choice((None, True, 5, "text", b"bytes", LONG, b"x" * 70, -0.0, (), 2**80))
        nested = self.random.randint(2, 4)
        peers = self.random.choice(self.pools)[1] if self.pools_ready() else [None]
        forms = [
            lambda at, _: constant,
            lambda at, _: at,
            lambda at, _: at * 0.5,
            lambda at, _: (-0.0, 0.0, float("nan"), 0, False)[at % 5],
            lambda at, _: f"text {at}",
            lambda at, _: LONG + str(at % 12),
            lambda at, _: b"%d" % at * 40,
            lambda at, _: (at, str(at), None, True, 2**70, b"")[at % 6],
            lambda at, _: [],
            lambda at, _: (at, "x"),
            lambda at, _: [at] * (at % 3),
            lambda at, _: {"a": at, "b": [at, {"c": at}]},
            lambda at, _: {at: at, "mixed": 1},
            lambda at, _: {f"k{at}": at},
            lambda at, _: {f"m{at}", "n", "o"},
            lambda at, _: frozenset({at, 2**61 + at}),
            lambda at, _: peers[at % len(peers)],
            lambda at, _: peers[at // 5 % len(peers)],
            lambda at, _: self.any(),
            lambda at, _: [self.any(), self.any(), at],
            lambda at, _: (self.any(),),
            lambda at, _: {"peer": self.any(), "self": peers[-1]},
            lambda at, obj: obj,
            lambda at, obj: [obj],
            lambda at, obj: (at, [obj, (obj,)]),
            lambda at, _: self.lists[at % 2],
            lambda at, _: self.cyclic() if at == 3 else at,
            lambda at, _: self.cyclic(),
            lambda at, _: {*self.keys()[:1]},
            lambda at, _: frozenset(self.keys()[:1]),  # the order of several would follow their registers
            lambda at, _: dict.fromkeys(self.keys(), at),
            lambda at, _: {(at, self.keys()[0]): at},
            lambda at, _: dt.datetime(2024, 1, 1 + at % 28, tzinfo=dt.UTC),  # a value
            lambda at, _: decimal.Decimal(at),
            lambda at, _: uuid.UUID(int=at),
            lambda at, _: pathlib.PurePosixPath("/a", str(at)),
            lambda at, _: (observed.Color.RED, observed.Access.READ, observed.Color)[at % 3],
            lambda at, _: (observed.function, len, observed.Plain, dt)[at % 4],
            lambda at, _: functools.partial(observed.function, at, peer=self.any()),
            lambda at, _: self.method(self.any()),
            lambda at, obj: self.method(obj),
            lambda at, _: ValueError("message", at),
            lambda at, _: collections.deque([at, self.any()], 5),
            lambda at, _: collections.OrderedDict(a=at, b=self.any()),
            lambda at, _: collections.OrderedDict.fromkeys(self.keys(), 1),
            lambda at, _: collections.Counter({"a": at}),
            lambda at, _: types.SimpleNamespace(at=at, peer=self.any()),
            lambda at, _: observed.Pair(at, self.any()),
            lambda at, _: observed.Text(f"t{at}"),
            lambda at, _: {observed.Text("a"): at},
            lambda at, _: observed.Number(at),
            lambda at, _: self.arrays[at % 10 : at % 10 + 3],
            lambda at, _: self.deep(nested * 10 + at % 2),
        ]
        return self.random.choice(forms)

    def pools_ready(self):
        """Tell whether there are pools."""
        return bool(getattr(self, "pools", None))

    @staticmethod
    def method(obj):
        """Return a method of an object, if it has one."""
        return types.MethodType(observed.Plain.method, obj) if isinstance(obj, observed.Plain) else obj

    def cyclic(self):
        """Return a dictionary that leads back to itself."""
        found = {"peer": self.any(), "list": [1]}
        found["list"] += [found, (found,)]
        return found

    def deep(self, levels):
        """Return lists and objects in each other."""
        found = self.any()
        for level in range(levels):
            found = [found] if level % 2 else observed.Plain(inner=found)
        return found

    def rooted(self):
        """Return the root of the graph, by which most objects are found."""
        everything = [obj for _, pool in self.pools for obj in pool]
        shuffled = self.random.sample(everything, len(everything))
        mixed = [x for pair in zip(everything, [*range(len(everything))], strict=True) for x in pair]
        rows = [{"id": at, "obj": obj} for at, obj in enumerate(everything)]
        forms = (
            everything,
            shuffled,
            [everything, shuffled],
            everything + shuffled,
            tuple(everything),
            {f"key {at}": obj for at, obj in enumerate(everything)},
            mixed,
            [(obj, at) for at, obj in enumerate(everything)],
            rows,
            [*self.rare, *shuffled, *self.rare],
            [[obj] for obj in everything],
            observed.Plain(all=shuffled, rare=self.rare),
            [self.hooked() if self.rare else None, shuffled],
        )
        root = self.random.choice(forms)
        self.lists[0] += [root] if self.random.random() < 0.5 else everything
        self.lists[1]["root"] = root
        return [root, self.lists] if self.random.random() < 0.5 else root
