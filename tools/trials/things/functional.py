"""functools, operator, contextvars, weak references, functions by name and by value, classes by value."""

import abc
import contextlib
import contextvars
import copy
import functools
import operator
import types
import weakref

from trials.things import filled


class Till:
    """A class with methods of all sorts."""

    rate = 2

    def __init__(self, n=1):
        self.n = n

    def add(self, k=1):
        return self.n + k

    @classmethod
    def of(cls, n):
        return cls(n)

    @staticmethod
    def twice(n):
        return 2 * n

    @functools.lru_cache(maxsize=4)  # noqa: B019
    def cached(self, k):
        return self.n * k

    @functools.cached_property
    def total(self):
        return self.n * 100

    @functools.singledispatchmethod
    def show(self, x):
        return "any"

    @show.register
    def _(self, x: int):
        return "int"

    on = functools.partialmethod(add, 100)

    def __private(self):
        return self.n

    def private(self):
        return self.__private

    class Inner:
        """A nested class."""

        def who(self):
            return "inner"


@functools.lru_cache(maxsize=8)
def fib(n):
    """Count."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@functools.singledispatch
def show(x):
    """Show."""
    return "any"


@show.register
def _(x: int):
    return "int"


@functools.wraps(len)
def wrapped(x):
    return len(x)


def plain(x, y=2, *, z=3):
    """Do it."""
    return (x, y, z)


@contextlib.contextmanager
def opened(x):
    yield x


CONTEXT = contextvars.ContextVar("CONTEXT", default=5)
CONSTANT = object()


def _closure(n=3):
    def add(x):
        return x + n

    return add


def _counter():
    count = 0

    def up():
        nonlocal count
        count += 1
        return count

    def get():
        return count

    return up, get


def _recursive():
    def fact(n):
        return 1 if n < 2 else n * fact(n - 1)

    return fact


def _class():
    class Local:
        """A local class."""

        size = [1]

        def __init__(self, n):
            self.n = n

        def double(self):
            return self.n * 2

        @property
        def half(self):
            return self.n / 2

        @classmethod
        def of(cls, n):
            return cls(n)

        @staticmethod
        def one():
            return 1

    return Local


def _subclass():
    class Base:
        def who(self):
            return "base"

    class Child(Base):
        def who(self):
            return "child " + super().who()

    return Child()


def _slotted():
    class Slotted:
        __slots__ = ("a", "b")

        def __init__(self):
            self.a = 1

    return Slotted()


def _abstract():
    class Shape(abc.ABC):
        @abc.abstractmethod
        def area(self): ...

    class Square(Shape):
        def area(self):
            return 4

    return [Square(), Shape]


def _meta():
    class Meta(type):
        def size(cls):
            return 7

    class Made(metaclass=Meta):
        pass

    return Made


def _exception():
    class LocalError(ValueError):
        pass

    return LocalError("a", 1)


def _nested():
    class Outer:
        class Inner:
            def who(self):
                return "inner"

    return Outer.Inner()


def _generator():
    def count(n):
        yield from range(n)

    return count


def _coroutine():
    async def run(n):
        return n

    return run


def _private():
    class Box:
        def __init__(self):
            self.__x = 1

        def get(self):
            return self.__x

    return Box()


def _descriptor():
    class Positive:
        def __set_name__(self, owner, name):
            self.name = "_" + name

        def __get__(self, instance, owner):
            return self if instance is None else vars(instance)[self.name]

        def __set__(self, instance, value):
            vars(instance)[self.name] = abs(value)

    class Item:
        price = Positive()

    return filled(Item(), price=-3)


def _attributes():
    def tool(x: int) -> "str":
        return tool.n + x

    tool.n = 5
    return tool


def _weak_value():
    part = Till(3)
    table = weakref.WeakValueDictionary(a=part)
    return [part, table]


def _weak_key():
    part = Till(3)
    return [part, weakref.WeakKeyDictionary({part: 1})]


def _weak_set():
    part = Till(3)
    return [part, weakref.WeakSet([part])]


def _weak_method():
    part = Till(3)
    return [part, weakref.WeakMethod(part.add)]


def _proxy():
    part = Till(3)
    return [part, weakref.proxy(part)]


def _ref():
    part = Till(3)
    return [part, weakref.ref(part)]


def _total():
    @functools.total_ordering
    class Card:
        def __init__(self, n):
            self.n = n

        def __eq__(self, other):
            return self.n == other.n

        def __lt__(self, other):
            return self.n < other.n

    return [Card(1), Card(2)]


def _class_shared():
    cls = _class()
    return [cls(1), cls(2), cls]


def _monkeypatched():
    it = Till(4)
    it.add = types.MethodType(lambda self, k: self.n * k, it)
    return it


def _changed_class():
    cls = _class()
    cls.added = lambda self: self.n + 1000
    return cls(1)


def _bound_other():
    return types.MethodType(plain, Till(2))


THINGS = {
    "partial": lambda: functools.partial(int, base=2),
    "partial nested": lambda: functools.partial(functools.partial(plain, 1), z=5),
    "partial of a method": lambda: functools.partial(Till(2).add, 5),
    "partial of a lambda": lambda: functools.partial(lambda a, b: a - b, 10),
    "partial with attribute": lambda: filled(functools.partial(plain, 1), note="n"),
    "partial subclass": lambda: filled(Partial(plain, 1), note="n"),
    "partialmethod": lambda: functools.partialmethod(plain, 1),
    "partialmethod bound": lambda: Till(2).on,
    "lru_cache": lambda: fib,
    "lru_cache method": lambda: Till(2).cached,
    "lru_cache of a class": lambda: Till.cached,
    "lru_cache local": lambda: functools.lru_cache(lambda n: n + 1),
    "cached_property": lambda: Till.__dict__["total"],
    "cached_property used": lambda: (t := Till(2), t.total, t)[2],
    "singledispatch": lambda: show,
    "singledispatch local": lambda: functools.singledispatch(lambda x: 1),
    "singledispatchmethod": lambda: Till(1),
    "cmp_to_key": lambda: functools.cmp_to_key(operator.sub),
    "cmp_to_key of a lambda": lambda: functools.cmp_to_key(lambda a, b: b - a),
    "wraps": lambda: wrapped,
    "wraps local": lambda: functools.wraps(plain)(lambda *a: plain(*a)),
    "total_ordering": _total,
    "itemgetter": lambda: operator.itemgetter(1),
    "itemgetter of several": lambda: operator.itemgetter(0, "a", slice(1)),
    "attrgetter": lambda: operator.attrgetter("n"),
    "attrgetter dotted": lambda: operator.attrgetter("a.b", "c"),
    "methodcaller": lambda: operator.methodcaller("add", 5),
    "methodcaller keywords": lambda: operator.methodcaller("add", k=5),
    "operator.add": lambda: operator.add,
    "contextvar": lambda: CONTEXT,
    "contextvar local": lambda: contextvars.ContextVar("local", default=1),
    "context": lambda: contextvars.copy_context(),
    "token": lambda: CONTEXT.set(6),
    "weakref": _ref,
    "weakref proxy": _proxy,
    "weakref alone": lambda: weakref.ref(Till),
    "weakref method": _weak_method,
    "weak value dict": _weak_value,
    "weak key dict": _weak_key,
    "weak set": _weak_set,
    "finalizer": lambda: weakref.finalize(Till, print),
    "contextmanager": lambda: opened,
    "contextmanager made": lambda: opened(1),
    "exitstack": lambda: contextlib.ExitStack(),
    "suppress": lambda: contextlib.suppress(KeyError),
    "nullcontext": lambda: contextlib.nullcontext([1]),
    "closing": lambda: contextlib.closing([1]),
    "function": lambda: plain,
    "function of the library": lambda: copy.deepcopy,
    "class by name": lambda: Till,
    "class nested": lambda: Till.Inner,
    "instance nested": lambda: Till.Inner(),
    "method": lambda: Till(3).add,
    "method shared": lambda: [t := Till(3), t.add, t.add],
    "method of a class": lambda: Till.of,
    "method static": lambda: Till.twice,
    "method plain": lambda: Till.add,
    "method private": lambda: Till(3).private(),
    "method of another": _bound_other,
    "method of an inner class": lambda: Till.Inner().who,
    "property of a class": lambda: Till.__dict__["show"],
    "sentinel of a module": lambda: [CONSTANT, {"x": CONSTANT}],
    "lambda": lambda: lambda x, y=2: x * y,
    "lambdas": lambda: [lambda: 1, lambda: 2],
    "lambda in a lambda": lambda: lambda a: lambda b: a + b,
    "lambda keywords": lambda: lambda *a, k=1, **kw: (a, k, kw),
    "closure": _closure,
    "closures over one": _counter,
    "function local recursive": _recursive,
    "function with attributes": _attributes,
    "generator function": _generator,
    "coroutine function": _coroutine,
    "class local": _class,
    "class local instance": lambda: _class()(4),
    "class local method": lambda: _class()(4).double,
    "class local shared": _class_shared,
    "class local subclass": _subclass,
    "class local slots": _slotted,
    "class local abstract": _abstract,
    "class local metaclass": _meta,
    "class local exception": _exception,
    "class local nested": _nested,
    "class local private": _private,
    "class local descriptor": _descriptor,
    "class local changed": _changed_class,
    "class by type()": lambda: type("Dyn", (dict,), {"x": 1, "f": lambda self: len(self)})(a=1),
    "instance monkeypatched": _monkeypatched,
    "module made": lambda: filled(types.ModuleType("made"), x=1),
    "code": lambda: plain.__code__,
    "globals of a function": lambda: [(lambda: Till(5).add(1)), (lambda: fib(5))],
    "comprehension": lambda: lambda n: [[i * j for j in range(n)] for i in range(n)],
}


class Partial(functools.partial):
    """A partial of its own."""


CHECKS = {
    "partial": lambda p: p("101"),
    "partial nested": lambda p: p(7),
    "partial of a method": lambda p: p(),
    "partial of a lambda": lambda p: p(3),
    "partial with attribute": lambda p: (p(), p.note),
    "partial subclass": lambda p: (p(), p.note),
    "lru_cache": lambda f: f(10),
    "lru_cache local": lambda f: (f(10), f.cache_parameters(), f.cache_info()),
    "singledispatch local": lambda f: f(1),
    "lru_cache method": lambda f: f(10),
    "lru_cache of a class": lambda f: f(Till(3), 10),
    "cached_property used": lambda t: vars(t),
    "singledispatch": lambda f: (f(1), f("")),
    "singledispatchmethod": lambda t: (t.show(1), t.show("")),
    "cmp_to_key": lambda k: sorted([3, 1, 2], key=k),
    "cmp_to_key of a lambda": lambda k: sorted([3, 1, 2], key=k),
    "wraps local": lambda f: f(1),
    "total_ordering": lambda c: (c[0] <= c[1], c[0] >= c[1]),
    "itemgetter": lambda g: g("abc"),
    "attrgetter": lambda g: g(Till(8)),
    "methodcaller": lambda m: m(Till(1)),
    "methodcaller keywords": lambda m: m(Till(1)),
    "contextvar": lambda c: c.get(),
    "weakref": lambda x: x[1]() is x[0],
    "weakref proxy": lambda x: (type(x[1]), x[1].n, x[1].__repr__.__self__ is x[0]),
    "weakref method": lambda x: x[1]()(1),
    "weak value dict": lambda x: x[1]["a"] is x[0],
    "weak key dict": lambda x: x[1][x[0]],
    "weak set": lambda x: x[0] in x[1],
    "nullcontext": lambda c: c.__enter__(),
    "method": lambda m: m(1),
    "method shared": lambda x: (x[1].__self__ is x[0], x[2](1)),
    "method private": lambda m: m(),
    "method of another": lambda m: m(5),
    "method of an inner class": lambda m: m(),
    "sentinel of a module": lambda x: (x[0] is CONSTANT, x[1]["x"] is CONSTANT),
    "lambda": lambda f: f(4),
    "lambdas": lambda x: [f() for f in x],
    "lambda in a lambda": lambda f: f(1)(2),
    "lambda keywords": lambda f: f(1, k=2, z=3),
    "closure": lambda f: f(4),
    "closures over one": lambda x: (x[0](), x[0](), x[1]()),
    "function local recursive": lambda f: f(5),
    "function with attributes": lambda f: (f(1), f.n, f.__annotations__),
    "generator function": lambda f: list(f(3)),
    "class local": lambda c: (c(2).double(), c(2).half, c.of(1).n, c.one()),
    "class local instance": lambda x: x.double(),
    "class local method": lambda m: m(),
    "class local shared": lambda x: (type(x[0]) is type(x[1]) is x[2], x[0].size is x[2].size),
    "class local subclass": lambda x: x.who(),
    "class local abstract": lambda x: (x[0].area(), isinstance(x[0], x[1])),
    "class local metaclass": lambda c: c.size(),
    "class local exception": lambda e: (e.args, isinstance(e, ValueError)),
    "class local nested": lambda x: (x.who(), type(x).__qualname__),
    "class local private": lambda x: x.get(),
    "class local descriptor": lambda x: (x.price, filled(x, price=-8).price),
    "class local changed": lambda x: x.added(),
    "class by type()": lambda x: (x.f(), x.x),
    "instance monkeypatched": lambda x: x.add(3),
    "module made": lambda m: (m.__name__, m.x),
    "code": lambda c: c.co_name,
    "globals of a function": lambda x: [f() for f in x],
    "comprehension": lambda f: f(3),
}
OPAQUE = {
    *("weakref proxy", "module made", "context", "token", "finalizer", "contextmanager made", "cmp_to_key"),
    *("cmp_to_key of a lambda", "weak value dict", "weak key dict", "weak set", "weakref method", "exitstack"),
    *("wraps local", "code", "globals of a function", "lru_cache local", "singledispatch local"),
}
