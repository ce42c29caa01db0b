"""Objects that are saved without an error, and come back in another way, or don't."""

import collections
import functools
import itertools
import threading

from appsnap import evolve


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


# Losing


class App(Plain):
    """Its __reduce__ knows its name alone."""

    def __reduce__(self):
        return App.named, (self.name,)

    @staticmethod
    def named(name):
        """Return a new one."""
        return App(name=name, tasks=[], registry=Registry())


class Registry(dict):
    pass


class Emptied(dict):
    def __reduce__(self):
        return Emptied, ()


class EmptiedList(list):
    def __reduce_ex__(self, _):
        return EmptiedList, ()


class Slotted:
    __slots__ = ("name", "tasks")

    def __init__(self, name, tasks=()):
        self.name, self.tasks = name, [*tasks]

    def __reduce__(self):
        return Slotted, (self.name,)


class Lambda(Plain):
    """Comes back as the result of a function that goes by its code."""

    def __reduce__(self):
        return (lambda: 1), ()


class Bare(Plain):
    """Comes back without a public attribute."""

    def __reduce__(self):
        return Plain.__new__, (Bare,)


class SaysNothing(Plain):
    """May stand in a state, but isn't meant to work after a load."""

    def __getstate__(self):
        return ()

    def __setstate__(self, state):
        assert state == ()


class CutsItems(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.items = self.items[:-1]


class DropsAttribute(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        del self.a


class DropsKey(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.opts = {"new": 1} | {key: value for key, value in self.opts.items() if key != "a"}


class DropsMember(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.tags = {"new"} | self.tags - {"a"}


class Forgets(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.items = None


class Hides(Plain):
    """Loses an attribute that stands before a method of its class."""

    def __reduce__(self):
        return Hides, ()

    def names(self):
        """Return none."""
        return []


class Remade(collections.defaultdict):
    """Loses its default, but no item."""

    def __reduce__(self):
        return Remade, (None,), None, None, iter(dict.items(self))


class Halved(dict):
    """Each copy has half of the items."""

    def __reduce__(self):
        return Halved, (), None, None, iter([*dict.items(self)][::2])


class Reversed(dict):
    """Each copy has its items in reverse."""

    def __reduce__(self):
        return Reversed, (), None, None, iter([*dict.items(self)][::-1])


class Yes(int):
    """Comes back as a plain truth value."""

    def __reduce__(self):
        return bool, (int(self),)


class NoHash(int):
    """A number that isn't kept, as attrs keeps hashes."""

    def __reduce__(self):
        return type(None), ()


NoHash.__reduce__.__module__ = "attr._make"


LOSING = {
    "code": (
        lambda: {Lambda()},
        "object",
        "saved with the item a class made by appsnap.code.function, restored without",
    ),
    "default": (lambda: [Remade(list, a=[1])], "object[0]", "saved with the attribute default_factory, restored"),
    "twice": (lambda: [Halved(a=1, b=2, c=3)], "object[0]", "saved 3 items, restored 2"),
    "attribute": (lambda: [App(name="shop", tasks=[1, 2, 3], registry={})], ".tasks", "saved 3 items, restored 0"),
    "deep": (
        lambda: Plain(a={"k": (App(name="s", tasks=[], registry=Registry(x=1, y=2)),)}),
        ".registry",
        "saved 2 items, restored 0",
    ),
    "method": (lambda: [Hides(names=[1])], "object[0].names", "saved 1 item, restored 0"),
    "dict": (lambda: Emptied(a=1), "object", "saved 1 item, restored 0"),
    "list": (lambda: [[EmptiedList([1, 2])]], "object[0][0]", "saved 2 items, restored 0"),
    "slots": (lambda: [Slotted("a", [1])], "object[0].tasks", "saved 1 item, restored 0"),
    "bare": (lambda: Plain(it=Bare(x=1)), "object.it", "saved with the attribute x, restored without"),
    "nothing": (lambda: [SaysNothing(port=1)], "object[0]", "saved with the attribute port, restored without"),
    "items": (lambda: Plain(it=CutsItems(items=[1, 2, 3])), "object.it.items", "saved 3 items, restored 2"),
    "without": (lambda: [DropsAttribute(a=1, b=2)], "object[0]", "saved with the attribute a, restored without"),
    "key": (lambda: [DropsKey(opts={"a": 1, "b": 2})], "object[0].opts", "saved with the key 'a', restored without"),
    "member": (lambda: [DropsMember(tags={"a", "b"})], "object[0].tags", "saved with the item 'a', restored without"),
    "none": (lambda: [Forgets(items=[1])], "object[0].items", "restored None"),
}


# Different


class Fills(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.cache = {1: 2}


class Counts(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.loads += 1


class Turns(Plain):
    def __reduce__(self):
        return Plain, ()


class Doubles(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.two = [*self.one]


class Retypes(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.items = tuple(self.items)


class Lazy:
    """An object that imitates another one, as soon as that is there. No save asks it."""

    @property
    def __class__(self):
        raise RuntimeError("not configured yet")


lazy = Lazy()
settings = Plain(debug=True)
registry = {"a": 1}


def shared():
    one = [1]
    return Doubles(one=one, two=one)


DIFFERENT = {
    "atom": (lambda: [Yes(1)], "saved a losing.Yes, restored a builtins.bool at object[0] (losing.Yes)"),
    "order": (
        lambda: Reversed(a=1, b=2),
        'saved with the keys "b", "a", restored with "a", "b", another order at object',
    ),
    "fills": (lambda: [Fills(a=1)], "saved without the attribute cache, restored with at object[0] (losing.Fills)"),
    "counts": (lambda: [Counts(loads=1)], "saved 1, restored 2 at object[0].loads (int)"),
    "class": (lambda: {"a": Turns()}, 'saved a losing.Turns, restored a losing.Plain at object["a"]'),
    "container": (lambda: [Retypes(items=[1])], "saved a list, restored a tuple at object[0].items (list)"),
    "module": (lambda: Plain(s=settings), "saved losing.settings, which that module holds, restored a copy of it at"),
    "container-of-module": (lambda: [registry], "saved losing.registry, which that module holds, restored a copy"),
    "sharing": (lambda: [shared()], "saved as one object in two places, restored as two at object[0].one (list)"),
}


# Honest


class Transient(Plain):
    __transient__ = {"lock": threading.Lock, "tasks": list}  # noqa: RUF012 - as applications write it


class TransientReduced(Plain):
    __transient__ = ("tasks",)

    def __reduce__(self):
        return Plain.__new__, (TransientReduced,), {"name": self.name}


class Caching(Plain):
    """Its caches are empty after a load."""

    def __reduce__(self):
        return Caching, (), {"name": self.name}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._cache = {}


class kept:  # noqa: N801 - as libraries write their own
    """A property that is computed once."""

    def __init__(self, compute):
        self.compute = compute

    def __get__(self, obj, cls):
        return obj.__dict__.setdefault(self.compute.__name__, self.compute(obj))


class kept_in_cache(kept):  # noqa: N801
    def __set__(self, obj, value):
        obj.__dict__[self.compute.__name__] = value


class Computes(Plain):
    """Its properties are computed again after a load."""

    def __reduce__(self):
        return Computes, (), {"name": self.name}

    @functools.cached_property
    def parts(self):
        """Return its letters."""
        return [*self.name]

    @kept
    def length(self):
        """Return its length."""
        return [len(self.name)]

    @kept_in_cache
    def last(self):
        """Return its last letter."""
        return [self.name[-1]]


def computed():
    one = Computes(name="abc")
    return [one, one.parts, one.length, one.last]


class Leaves(Plain):
    """Says itself which attributes are left out."""

    def __getstate__(self):
        return {"a": self.a}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.rest = []


class MadeAnew(Plain):
    """Needs no state: a load makes it anew."""

    def __getstate__(self):
        return {}

    def __setstate__(self, state):
        self.__dict__.update(lock=threading.Lock())


class OfClass(Plain):
    """Says that it has no state: its class has all that it needs."""

    name = ""

    def __getstate__(self):
        return ()


class OnDemand(Plain):
    def __getstate__(self):
        return ()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return []


class Raised(evolve.Versioned):
    persistenceVersion = 2  # noqa: N815 - Twisted's name

    def upgradeToVersion2(self):
        """Drop an old attribute."""
        self.__dict__.pop("old", None)


def cycle():
    one = Plain(name="one", items=[])
    one.items += [one, {one}, {"one": one}]
    return one


HONEST = {
    "none": lambda: {"hash": NoHash(5)},
    "values": lambda: [1, -0.0, float("nan"), "x" * 5000, b"\0" * 100_000, bytearray(70_000), {1, (2, 3)}, None, ...],
    "sets": lambda: {frozenset({Plain, number}) for number in range(100)},
    "objects-in-sets": lambda: {Plain(number=number) for number in range(50)},
    "cycle": cycle,
    "transient": lambda: [Transient(lock=threading.Lock(), tasks=[1, 2])],
    "transient-reduced": lambda: [TransientReduced(name="a", tasks=[1, 2])],
    "cache": lambda: [Caching(name="a", _cache={1: 2})],
    "anew": lambda: [MadeAnew(lock=threading.Lock(), rest=[1])],
    "of class": lambda: [OfClass(name="a", _lock=1)],
    "on demand": lambda: [OnDemand(items=[1])],
    "computed": lambda: [computed()[0]],
    "getstate": lambda: [Leaves(a=1, rest=[1, 2])],
    "versioned": lambda: [Raised()],
    "many": lambda: [Plain(number=number, kept=[number]) for number in range(2_000)],
    "deep": lambda: nested(20_000),
    "collections": lambda: [collections.Counter("abc"), collections.deque([1], 3), itertools.count(5)],
    "code": lambda: [lambda x: x + 1],
}


def nested(depth):
    found = []
    for _ in range(depth):
        found = [found]
    return found
