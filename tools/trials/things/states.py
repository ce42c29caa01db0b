"""Objects with every way to take part in their saving: states, slots, reductions, constructors, oddities."""

import copyreg
import functools
import threading
import weakref

from trials.things import filled


class Plain:
    """Plain."""

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = object.__hash__


class GetState:
    """Leaves out an attribute, has no __setstate__."""

    def __init__(self):
        self.a = 1
        self.lock = threading.Lock()

    def __getstate__(self):
        return {k: v for k, v in vars(self).items() if k != "lock"}


class BothStates:
    """Has both."""

    def __init__(self):
        self.a = [1]
        self.log = []

    def __getstate__(self):
        return ("v2", self.a)

    def __setstate__(self, state):
        assert state[0] == "v2"
        self.a = state[1]
        self.log = ["restored"]


class FalseState:
    """Its state is false: __setstate__ isn't called."""

    def __init__(self):
        self.a = 1

    def __getstate__(self):
        return {}

    def __setstate__(self, state):
        self.a = "set"


class NoneState:
    """Its state is None."""

    def __init__(self):
        self.a = 1

    def __getstate__(self):
        return None


class OddState:
    """Its state is a number."""

    def __getstate__(self):
        return 5

    def __setstate__(self, state):
        self.n = state + 1


class ListState:
    """Its state is a list that holds itself."""

    def __init__(self):
        self.parts = [self]

    def __getstate__(self):
        return self.parts

    def __setstate__(self, state):
        self.parts = state


class Deletes:
    """Deletes from its live attributes when it is asked."""

    def __init__(self):
        self.a = 1
        self.file = threading.Lock()

    def __getstate__(self):
        state = self.__dict__
        state.pop("file", None)
        return state


class Slots:
    """With slots."""

    __slots__ = ("a", "b")


class SlotsChild(Slots):
    """With more slots."""

    __slots__ = ("c",)


class SlotsDict(Slots):
    """With slots and attributes."""


class SlotsPrivate:
    """With private slots."""

    __slots__ = ("__x", "_y")

    def __init__(self):
        self.__x = 1
        self._y = 2

    def get(self):
        return self.__x


class SlotsPrivateChild(SlotsPrivate):
    """With a private slot of the same name."""

    __slots__ = ("__x",)

    def __init__(self):
        super().__init__()
        self.__x = 3

    def both(self):
        return self.get(), self.__x


class SlotsWeak:
    """With a slot for weak references."""

    __slots__ = ("__weakref__", "a")


class SlotsWithDict:
    """With a slot for attributes."""

    __slots__ = ("__dict__", "a")


class SlotsState:
    """With slots and states."""

    __slots__ = ("a", "b")

    def __getstate__(self):
        return self.a

    def __setstate__(self, state):
        self.a = state
        self.b = "b"


class SlotsGuarded:
    """With slots that can't be set from outside."""

    __slots__ = ("a",)

    def __setattr__(self, name, value):
        raise AttributeError(name)


class NewArgs:
    """With __getnewargs__."""

    def __new__(cls, a, b):
        self = super().__new__(cls)
        self.made = (a, b)
        return self

    def __getnewargs__(self):
        return self.made


class NewArgsEx:
    """With __getnewargs_ex__."""

    def __new__(cls, *, size):
        self = super().__new__(cls)
        self.size = size
        return self

    def __getnewargs_ex__(self):
        return (), {"size": self.size}


class NewNeeds:
    """Its __new__ needs an argument, and nothing says which."""

    def __new__(cls, a):
        self = super().__new__(cls)
        self.a = a
        return self


class NewOptional:
    """Its __new__ has a default."""

    def __new__(cls, a=5):
        self = super().__new__(cls)
        self.a = a
        return self


class Reduce:
    """With __reduce__."""

    def __init__(self, n):
        self.n = n

    def __reduce__(self):
        return Reduce, (self.n,)


class ReduceState:
    """With a reduction that has a state."""

    def __init__(self, n=0):
        self.n = n

    def __reduce__(self):
        return ReduceState, (), {"n": self.n, "more": [self]}


class ReduceItems:
    """With items and pairs."""

    def __init__(self):
        self.items, self.pairs = [], {}

    def append(self, item):
        self.items.append(item)

    def extend(self, items):
        self.items.extend(items)

    def __setitem__(self, key, value):
        self.pairs[key] = value

    def __reduce__(self):
        return ReduceItems, (), None, iter(self.items), iter(self.pairs.items())


class ReduceSetter:
    """With a setter of its own."""

    def __init__(self, n=0):
        self.n = n

    def __reduce__(self):
        return ReduceSetter, (), self.n, None, None, set_n


def set_n(it, n):
    """Set the number."""
    it.n = n * 10


class ReduceEx:
    """With __reduce_ex__."""

    def __init__(self, n):
        self.n = n

    def __reduce_ex__(self, protocol):
        return ReduceEx, (protocol,)


class ReduceFunction:
    """Made by a function."""

    def __reduce__(self):
        return make_reduced, (1, [2])


def make_reduced(*args):
    """Return one."""
    return filled(ReduceFunction(), args=args)


class ReduceClassmethod:
    """Made by a class method."""

    def __init__(self, n):
        self.n = n

    @classmethod
    def of(cls, n):
        return cls(n)

    def __reduce__(self):
        return self.of, (self.n,)


class ReducePartial:
    """Made by a partial."""

    def __init__(self, *, n):
        self.n = n

    def __reduce__(self):
        return functools.partial(ReducePartial, n=self.n), ()


class ByName:
    """Saved by its name."""

    def __reduce__(self):
        return "NAMED"


class Registered:
    """In copyreg's table."""

    def __init__(self, v):
        self.v = v


copyreg.pickle(Registered, lambda r: (Registered, (r.v,)))


class Constant:
    """A class whose instances stand under names of this module."""

    def __repr__(self):
        return "CONSTANT"


class Getattr:
    """Finds every attribute."""

    def __init__(self):
        self.a = 1

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return f"no {name}"


class Delegates:
    """Delegates to a part, without care."""

    def __init__(self, part):
        self.part = part

    def __getattr__(self, name):
        return getattr(self.part, name)


class KeyErrors:
    """Raises KeyError for what isn't there."""

    def __init__(self):
        self.__dict__["data"] = {"a": 1}

    def __getattr__(self, name):
        return self.__dict__["data"][name]


class Setattr:
    """Sees every assignment."""

    def __init__(self):
        object.__setattr__(self, "log", [])
        self.a = 1

    def __setattr__(self, name, value):
        self.log.append(name)
        object.__setattr__(self, name, value)


class Frozen:
    """Refuses every assignment."""

    def __init__(self):
        object.__setattr__(self, "a", [1])

    def __setattr__(self, name, value):
        raise AttributeError(name)


class Property:
    """With a property that has the name of an attribute."""

    def __init__(self):
        self.__dict__["x"] = 5
        self._y = 6

    @property
    def x(self):
        return self.__dict__["x"] * 2

    @property
    def y(self):
        return self._y

    @y.setter
    def y(self, value):
        self._y = value * 2


class Proxy:
    """Claims the class of its target."""

    def __init__(self, target):
        self.__dict__["target"] = target

    @property
    def __class__(self):
        return type(self.target)

    def __getattr__(self, name):
        return getattr(self.__dict__["target"], name)


class Equal:
    """Compared by value, hashed by value."""

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return isinstance(other, Equal) and self.n == other.n

    def __hash__(self):
        return hash(self.n)


class Unhashable:
    """Compared by value, not hashed."""

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other.n


class BadEq:
    """Raises when it is compared."""

    def __eq__(self, other):
        raise TypeError("no")

    __hash__ = object.__hash__


class BadBool:
    """Raises when it is asked for its truth, length or text."""

    def __bool__(self):
        raise TypeError("no")

    def __len__(self):
        raise TypeError("no")

    def __repr__(self):
        raise TypeError("no")


class Callable:
    """Is called."""

    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        return x + self.n


class Single:
    """There is one."""

    one = None

    def __new__(cls):
        if cls.one is None:
            cls.one = super().__new__(cls)
        return cls.one


class Meta(type):
    """A class of classes."""

    def __call__(cls, *args):
        self = super().__call__(*args)
        self.called = True
        return self


class Made(metaclass=Meta):
    """Made by its metaclass."""


class Context:
    """Counts how often it was entered."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Init:
    """Its __init__ has effects and needs arguments."""

    calls = 0

    def __init__(self, a, *, b):
        Init.calls += 1
        self.a, self.b = a, b


class Outer:
    """Has a class."""

    class Inner:
        """Nested."""

        def __init__(self, n):
            self.n = n


class Deleted:
    """Has __del__."""

    def __del__(self):
        pass


class Deepcopied:
    """Has __copy__ and __deepcopy__."""

    def __init__(self):
        self.a = [1]

    def __deepcopy__(self, memo):
        raise TypeError("no copies")

    __copy__ = __deepcopy__


class Dir:
    """Lies about its attributes."""

    def __init__(self):
        self.a = 1

    def __dir__(self):
        return []

    def __getattribute__(self, name):
        return object.__getattribute__(self, name)


NAMED = ByName()
CONSTANT = Constant()


def _cycle():
    one, two = Plain(), Plain()
    one.other, two.other = two, one
    return one


def _key_of_itself():
    it = Plain()
    it.table = {it: 1}
    return it


def _set_of_itself():
    it = Plain()
    it.friends = {it}
    return it


def _equal_key_cycle():
    it = Equal(1)
    it.table = {it: "me"}
    return it


def _tree():
    root = Plain()
    root.parent, root.children = None, []
    for n in range(3):
        root.children.append(filled(Plain(), parent=root, n=n))
    return root


def _linked():
    first = it = Plain()
    for n in range(1_500):
        it.next = filled(Plain(), n=n)
        it = it.next
    it.next = None
    return first


def _length(it):
    n = 0
    while it is not None:
        it, n = it.next, n + 1
    return n


def _slots(cls, **attributes):
    it = cls.__new__(cls)
    return filled(it, **attributes)


def _guarded():
    it = SlotsGuarded()
    object.__setattr__(it, "a", [1])
    return it


def _odd_dict():
    it = Plain()
    it.__dict__.update({"with space": 1, "": 2, "class": 3, "ä": 4, "__x": 5})
    return it


def _int_key():
    it = Plain()
    it.__dict__[1] = "one"
    return it


def _dunder():
    it = Plain()
    it.__dict__.update({"__name__": "n", "__doc__": "d", "__wrapped__": 1, "__notes__": 2, "__networkx_cache__": {}})
    return it


def _instance_class():
    it = Plain()
    it.__class__ = Reduce
    it.n = 4
    return it


def _shadowed():
    it = Callable(3)
    it.__call__ = "shadow"
    return it


def _method_as_attribute():
    it = Callable(3)
    it.back = it.__call__
    it.add = it.__class__.__call__
    return it


def _shared_state():
    part = [1]
    return [filled(Plain(), part=part), filled(Plain(), part=part), part]


def _shared_dict():
    one, two = Plain(), Plain()
    one.a = 1
    two.__dict__ = one.__dict__
    return [one, two]


THINGS = {
    "plain": lambda: filled(Plain(), a=1, b=[2]),
    "empty": Plain,
    "cycle": _cycle,
    "key of itself": _key_of_itself,
    "equal key of itself": _equal_key_cycle,
    "set of itself": _set_of_itself,
    "tree": _tree,
    "linked list": _linked,
    "odd names": _odd_dict,
    "number as name": _int_key,
    "dunder names": _dunder,
    "class changed": _instance_class,
    "shared part": _shared_state,
    "shared dict": _shared_dict,
    "getstate": GetState,
    "getstate and setstate": BothStates,
    "false state": FalseState,
    "none state": NoneState,
    "odd state": OddState,
    "list state cycle": ListState,
    "deletes": Deletes,
    "slots": lambda: _slots(Slots, a=1, b=[2]),
    "slots unset": lambda: _slots(Slots, a=1),
    "slots none set": lambda: _slots(Slots),
    "slots child": lambda: _slots(SlotsChild, a=1, b=2, c=3),
    "slots and dict": lambda: _slots(SlotsDict, a=1, x=2),
    "slots private": SlotsPrivate,
    "slots private child": SlotsPrivateChild,
    "slots weak": lambda: _slots(SlotsWeak, a=1),
    "slots with dict": lambda: _slots(SlotsWithDict, a=1, b=2),
    "slots state": lambda: _slots(SlotsState, a=1, b="b"),
    "slots guarded": _guarded,
    "newargs": lambda: NewArgs(1, [2]),
    "newargs ex": lambda: NewArgsEx(size=3),
    "new needs": lambda: NewNeeds(3),
    "new optional": lambda: NewOptional(3),
    "reduce": lambda: Reduce(3),
    "reduce with state": lambda: filled(s := ReduceState(3), more=[s]),
    "reduce with items": lambda: filled(ReduceItems(), items=[1, [2]], pairs={"a": 1}),
    "reduce with setter": lambda: ReduceSetter(3),
    "reduce_ex": lambda: ReduceEx(5),
    "reduce to a function": lambda: make_reduced(1, [2]),
    "reduce to a classmethod": lambda: ReduceClassmethod(3),
    "reduce to a partial": lambda: ReducePartial(n=3),
    "by name": lambda: [NAMED, {"x": NAMED}],
    "constant of a module": lambda: [CONSTANT, {"x": CONSTANT}],
    "copyreg": lambda: Registered([1]),
    "getattr": Getattr,
    "getattr delegates": lambda: Delegates(filled(Plain(), a=1)),
    "getattr keyerror": KeyErrors,
    "setattr": Setattr,
    "setattr refuses": Frozen,
    "property": Property,
    "proxy": lambda: Proxy(filled(Plain(), a=1)),
    "equal": lambda: {Equal(1): "a", Equal(2): "b"},
    "equal shared": lambda: [e := Equal(1), e, Equal(1)],
    "unhashable": lambda: [Unhashable(1)],
    "bad eq": lambda: [b := BadEq(), b],
    "bad bool": BadBool,
    "callable": lambda: Callable(3),
    "callable shadowed": _shadowed,
    "methods as attributes": _method_as_attribute,
    "singleton": lambda: [Single(), Single()],
    "metaclass": Made,
    "context": Context,
    "init with arguments": lambda: Init(1, b=2),
    "nested class": lambda: Outer.Inner(3),
    "deleted": Deleted,
    "deepcopied": Deepcopied,
    "dir": Dir,
    "weak part": lambda: filled(p := Plain(), ref=weakref.ref(Plain), a=1),
    "ids": lambda: {"id": 12345678, "of": filled(Plain(), a=1)},
}
CHECKS = {
    "linked list": _length,
    "cycle": lambda x: x.other.other is x,
    "key of itself": lambda x: x.table[x],
    "equal key of itself": lambda x: x.table[x],
    "set of itself": lambda x: x in x.friends,
    "tree": lambda x: all(c.parent is x for c in x.children),
    "shared dict": lambda x: (setattr(x[0], "new", 1), vars(x[1])),
    "getstate": lambda x: x.a,
    "getstate and setstate": lambda x: x.a,
    "none state": lambda x: hasattr(x, "b"),
    "false state": lambda x: type(x),
    "odd state": lambda x: type(x),
    "deletes": lambda x: x.a,
    "list state cycle": lambda x: x.parts[0] is x,
    "slots private": lambda x: (x.get(), x._y),
    "slots private child": lambda x: x.both(),
    "slots state": lambda x: (x.a, x.b),
    "reduce with setter": lambda x: type(x),
    "by name": lambda x: (x[0] is NAMED, x[1]["x"] is NAMED),
    "constant of a module": lambda x: (x[0] is CONSTANT, x[1]["x"] is CONSTANT),
    "getattr": lambda x: (x.a, x.b),
    "getattr delegates": lambda x: x.a,
    "getattr keyerror": lambda x: (x.a, x.__dict__),
    "setattr": lambda x: x.a,
    "property": lambda x: (x.x, x.y, vars(x)),
    "proxy": lambda x: (type(x), x.a, x.__class__),
    "equal": lambda x: x[Equal(1)],
    "bad eq": lambda x: x[0] is x[1],
    "callable": lambda x: x(1),
    "methods as attributes": lambda x: (x.back(1), x.back.__self__ is x),
    "singleton": lambda x: (x[0] is x[1], x[0] is Single()),
    "metaclass": lambda x: x.called,
}
# Their own way with their state says what is lost.
OPAQUE = {
    *("linked list", "getstate", "getstate and setstate", "none state", "false state", "odd state", "deletes"),
    *("reduce with setter", "proxy", "getattr keyerror", "setattr", "bad bool", "bad eq", "list state cycle"),
    *("getattr delegates",),
}
