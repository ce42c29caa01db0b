# ruff: noqa: D102, PLW0108 - classes of every sort, as people write them
"""Objects whose files tried the audit: `MAKERS` has a function for each, which makes the object anew."""

import array
import collections
import dataclasses
import enum
import functools
import io
import itertools
import logging
import operator
import traceback
import types
import typing
import unittest.mock

import attrs
import numpy as np

try:
    import networkx as nx
    import pandas as pd
    import pydantic
except ImportError:
    nx = pd = pydantic = None

T = typing.TypeVar("T")
P = typing.ParamSpec("P")


class Till:
    def __init__(self, count=3):
        self.count = count

    def total(self):
        return self.count

    @functools.lru_cache  # noqa: B019 - the method is the subject
    def price(self):
        return self.count * 2

    @classmethod
    def made(cls):
        return cls()

    @staticmethod
    def fixed():
        return 1

    def __next__(self):
        return self.count


class Bound:
    """A decorator of methods that binds itself."""

    def __init__(self, function):
        functools.update_wrapper(self, function)

    def __get__(self, owner, cls=None):
        return self if owner is None else types.MethodType(self, owner)

    def __call__(self, owner):
        return self.__wrapped__(owner)


def work(amount: "int | list[str]" = 1) -> "None":
    """Work."""


class Decorated:
    @Bound
    def run(self):
        return 5


class Box:
    pass


class Asking:
    def __getattr__(self, name):
        raise AttributeError(name)


class Both:
    __slots__ = ("__dict__", "first")


class Store(typing.Generic[T]):
    pass


class Numbers(array.array):
    pass


class Slot:
    __slots__ = ("__my_slot__", "_own")


class Failure(Exception):
    pass


class Keeps:
    """Takes any state as data."""

    def __init__(self, state=None):
        self.state = state

    def __getstate__(self):
        return self.state

    def __setstate__(self, state):
        self.state = state


class Part(functools.partial):
    pass


class ByPartial:
    def __init__(self, *args, **keywords):
        self.made = args, keywords

    def __reduce__(self):
        return functools.partial(ByPartial, 1, unit="kg"), (2,)


@dataclasses.dataclass
class Data:
    first: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    first: int = 1


@attrs.define
class Defined:
    _hidden: int = 1


@attrs.frozen(hash=True, cache_hash=True)
class Hashed:
    first: int = 1


class Table(dict):
    pass


def with_(obj, attributes):
    obj.__dict__.update(attributes)
    return obj


def noted(error):
    error.add_note("a note")
    return error


def traced():
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        return traceback.TracebackException.from_exception(error)


def slotted():
    made = Slot()
    made.__my_slot__ = [1]
    made._own = 2
    return made


def slotted_wrapper():
    made = Both()
    made.first = 1
    return functools.update_wrapper(made, work)


def own_array():
    made = np.empty(2, dtype=object)
    made[0] = made
    return made


PADDED = {"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 16}

MAKERS = {
    "method": lambda: Till().total,
    "cached-method": lambda: Till().price,
    "decorated-method": lambda: Decorated().run,
    "static-method": lambda: Till().fixed,
    "class-method": lambda: Till.made,
    "operator-of-a-number": lambda: (5).__add__,
    "operator-of-a-text": lambda: "a".__mod__,
    "iterator-of-a-list": lambda: [1].__iter__,
    "callable-iterator": lambda: iter(Till(7).__next__, 8),
    "orig-class": lambda: Store[int](),
    "notes": lambda: noted(ValueError("a")),
    "notes-of-a-subclass": lambda: noted(Failure("a")),
    "notes-of-a-group": lambda: noted(ExceptionGroup("a", [KeyError(1)])),
    "methodcaller": lambda: operator.methodcaller("run", 1, unit="kg"),
    "methodcaller-plain": lambda: operator.methodcaller("run", 1),
    "by-partial": ByPartial,
    "part": lambda: Part(work, 1),
    "wrapper": lambda: functools.update_wrapper(Box(), work),
    "wrapper-with-getattr": lambda: functools.update_wrapper(Asking(), work),
    "wrapper-with-slots": slotted_wrapper,
    "wrapper-of-a-partial": lambda: functools.update_wrapper(functools.partial(work, 1), work),
    "vectorized": lambda: np.vectorize(work),
    "forward-reference": lambda: typing.ForwardRef("int"),
    "parameters": lambda: [P.args, P.kwargs],
    "aliases": lambda: [list[int], int | str | None, typing.Literal["a"], Store[int], typing.Annotated[int, 5]],
    "array-with-attribute": lambda: with_(Numbers("i", [1]), {"unit": "kg"}),
    "key-of-a-number": lambda: with_(Box(), {1: 2, "a": 3}),
    "special-names": lambda: with_(Box(), {"__call__": 1, "__doc__": "a", "__iter__": 2, "__x": 3, "__a_cache__": 4}),
    "slots": slotted,
    "state-with-own-keys": lambda: Keeps({"__dict__": {"a": 1}, "__class__": 2}),
    "state-with-odd-keys": lambda: Keeps({(1, 2): 3}),
    "state-of-a-mapping": lambda: Keeps(collections.OrderedDict(a=1)),
    "state-of-a-proxy": lambda: Keeps(types.MappingProxyType({"a": 1})),
    "state-of-a-list": lambda: Keeps([1, 2]),
    "state-of-four": lambda: Keeps((1, 2, 3, {"__reduce__": 4})),
    "dataclass": Data,
    "frozen-dataclass": Frozen,
    "attrs": lambda: [Defined(), Hashed()],
    "table": lambda: with_(Table(a=1), {"unit": "kg"}),
    "traceback": traced,
    "record": lambda: logging.LogRecord("a", 1, "p", 1, "m", (), None),
    "files": lambda: [io.StringIO("a"), io.BytesIO(b"a")],
    "iterators": lambda: [itertools.count(1, 2), itertools.cycle([1, 2]), zip([1], [2], strict=True), map(work, [2])],
    "objects": lambda: np.array([["a", None], [3, [1]]], dtype=object),
    "objects-in-columns": lambda: np.asfortranarray(np.array([["a", None], [3, 4]], dtype=object)),
    "objects-none": lambda: np.empty((0, 2), dtype=object),
    "objects-one": lambda: np.array({"a": 1}, dtype=object),
    "objects-itself": own_array,
    "records-of-objects": lambda: np.array([(1, "a", b"b")], dtype=[("a", "i4"), ("b", object), ("c", "S3")]),
    "text-array": lambda: np.array(["a", "b" * 100], dtype=np.dtypes.StringDType()),
    "dtypes": lambda: [
        *(np.dtype(object), np.dtype([("a", "i1"), ("b", "f8")], align=True), np.dtype(PADDED)),
        *(np.dtype("i4", metadata={"a": 1}), np.dtype(("i4", (2, 3))), np.dtype([("a", "i4", (2,)), ("b", PADDED)])),
        *(np.dtype({**PADDED, "titles": ["the title"]}), np.dtype(object, metadata={"vlen": str})),
    ],
    "aligned": lambda: np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "padded": lambda: np.zeros(2, np.dtype(PADDED)),
    "metadata": lambda: np.zeros(2, np.dtype("i4", metadata={"a": 1})),
    "masked": lambda: np.ma.array([1, 2], mask=[0, 1]),
    "generators": lambda: [np.random.RandomState(1), np.random.default_rng(1)],
    "polynomial": lambda: np.polynomial.Polynomial([1, 2]),
}


# Code by value


def local_class(base=object):
    class Local(base):
        def run(self):
            return self.count

        @classmethod
        def made(cls):
            return cls.__new__(cls)

    made = Local()
    made.count = 5
    return made


def local_dataclass():
    @dataclasses.dataclass
    class Local:
        first: int = 1

    return Local(2)


def local_enum():
    class Local(enum.Enum):
        RED = 1

    return Local.RED


def local_tuple():
    class Local(typing.NamedTuple):
        first: int

    return Local(1)


BY_VALUE = {
    "function": lambda: lambda: 5,
    "object": local_class,
    "bound": lambda: local_class().run,
    "bound-to-class": lambda: type(local_class()).made,
    "table": lambda: local_class(dict),
    "exception": lambda: noted(local_class(ValueError)),
    "dataclass": local_dataclass,
    "enum": local_enum,
    "tuple": local_tuple,
    "generic": lambda: local_class(Store[int]),
    "mock": unittest.mock.Mock,
}

# Other packages

if pydantic:

    class Model(pydantic.BaseModel):
        label: str = "a"
        _hidden: int = pydantic.PrivateAttr(default=3)

    class Open(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    class Nested(pydantic.BaseModel):
        first: Model = Model()
        others: list[Model] = [Model(label="b")]  # noqa: RUF012 - pydantic copies it

    class Root(pydantic.RootModel[list[int]]):
        pass

    @pydantic.dataclasses.dataclass
    class Checked:
        first: int = 1

    MAKERS |= {
        "pydantic": Model,
        "pydantic-extra": lambda: Open(a=1, b=[2]),
        "pydantic-nested": Nested,
        "pydantic-root": lambda: Root([1]),
        "pydantic-dataclass": Checked,
        "graph": lambda: nx.path_graph(3),
        "multigraph": lambda: nx.MultiDiGraph([(1, 2), (1, 2)]),
        "frame": lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.Series([1, "x"], dtype=object)}),
        "series": lambda: pd.Series(["a", "b"], dtype="category"),
        "index": lambda: pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]),
        "times": lambda: pd.date_range("2024-01-01", periods=3, tz="UTC"),
        "intervals": lambda: pd.interval_range(0, 3),
        "offset": lambda: pd.offsets.BDay(2),
        "nullable": lambda: pd.array([1, None], dtype="Int64"),
    }

# Refused: with a part of the verdict

IMPOSSIBLE = {
    "initializer": (lambda: Till().__init__, "is the method __init__, which leads beyond its object"),
    "initializer-of-a-list": (lambda: [1].__init__, "is the method __init__"),
    "annotations": (
        lambda: with_(Box(), {"__annotations__": {"a": "__import__('os').getcwd()"}}),
        "has annotations that are more than names",
    ),
    "annotations-below": (
        lambda: with_(Box(), {"__annotations__": {"a": list["len()"]}}),
        "has annotations that are more than names",
    ),
    "annotations-of-a-partial": (
        lambda: with_(functools.partial(work), {"__annotations__": {"a": "len()"}}),
        "has annotations that are more than names",
    ),
    "attributes-of-a-partial": (
        lambda: with_(functools.partial(work), {"__deepcopy__": len}),
        "has a state with __deepcopy__",
    ),
    "attributes-of-an-error": (lambda: with_(ValueError(), {"__deepcopy__": len}), "has a state with __deepcopy__"),
    "attributes-of-a-namespace": (lambda: types.SimpleNamespace(__class__=1), "has a state with __class__"),
    "records-of-times": (
        lambda: np.zeros(1, [("a", "M8[s]"), ("b", object)]),
        "is filled, but this file didn't make it",
    ),
}
DEPENDS = {
    "own-key": (lambda: with_(Box(), {"__class__": 2}), "has a state with __class__, which is Python's own"),
    "memory": (lambda: with_(Box(), {"__array_interface__": {}}), "has a state with __array_interface__"),
    "odd-key": (lambda: with_(Box(), {(1, 2): 3}), "has a state with a key that is neither a text nor a number"),
    "own-key-of-an-error": (lambda: with_(Failure(), {"__deepcopy__": 1}), "has a state with __deepcopy__"),
}
