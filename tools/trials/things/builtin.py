"""Objects of the built-in types."""

import array
import sys
import types

from trials.things import filled


def _recursive_list():
    it = [1]
    it.append(it)
    return it


def _recursive_dict():
    it = {"a": 1}
    it["self"] = it
    return it


def _recursive_tuple():
    it = ([],)
    it[0].append(it)
    return it


def _shared():
    part = [1]
    return [part, {"a": part}, (part, part)]


def _deep():
    it = []
    for _ in range(2_000):
        it = [it]
    return it


def _depth(it):
    n = 0
    while it:
        it, n = it[0], n + 1
    return n


def _shared_tuple():
    part = (1, [2])
    return [part, part, {"k": part}]


THINGS = {
    "none": lambda: None,
    "true": lambda: True,
    "false": lambda: False,
    "ellipsis": lambda: ...,
    "notimplemented": lambda: NotImplemented,
    "zero": lambda: 0,
    "int": lambda: 12345,
    "negative": lambda: -1,
    "long": lambda: 2**70,
    "longest": lambda: -(3**5000),
    "float": lambda: 1.5,
    "minus zero": lambda: -0.0,
    "nan": lambda: float("nan"),
    "inf": lambda: float("-inf"),
    "denormal": lambda: sys.float_info.min / 8,
    "complex": lambda: complex(-0.0, 1.5),
    "complex nan": lambda: complex(float("nan"), float("inf")),
    "str": lambda: "text",
    "str empty": lambda: "",
    "str nul": lambda: "a\0b\r\n\t\x1b",
    "str surrogate": lambda: "a\udcff\ud800",
    "str emoji": lambda: "😀e\u0301\u202e\ufeff",
    "str quotes": lambda: "'\"\\'''\"\"\"",
    "str long": lambda: "line\n" * 20_000,
    "bytes": lambda: bytes(range(256)),
    "bytes empty": lambda: b"",
    "bytes large": lambda: b"\0" * 300_000,
    "bytearray": lambda: bytearray(b"abc"),
    "bytearray large": lambda: bytearray(b"x" * 300_000),
    "tuple": lambda: (1, "a", None),
    "tuple empty": lambda: (),
    "tuple nested": lambda: ((), ((),), (1, (2, (3,)))),
    "list": lambda: [1, "a", None, [2, []]],
    "list empty": lambda: [],
    "list recursive": _recursive_list,
    "list shared": _shared,
    "list same twice": lambda: [[1]] * 3,
    "list floats": lambda: [0.1 * n for n in range(2_000)],
    "list of texts": lambda: [str(n) for n in range(2_000)],
    "list deep": _deep,
    "tuple recursive": _recursive_tuple,
    "tuple shared": _shared_tuple,
    "dict": lambda: {"b": 1, "a": [2]},
    "dict empty": lambda: {},
    "dict recursive": _recursive_dict,
    "dict mixed keys": lambda: {1: "a", "1": "b", (1,): "c", None: "d", 1.5: "e", b"1": "f", frozenset({1}): "g"},
    "dict nan keys": lambda: {float("nan"): 1, float("nan"): 2},
    "dict true and one": lambda: {True: "yes", 0: "no"},
    "dict of dicts": lambda: {n: {str(n): n} for n in range(500)},
    "set": lambda: {1, "a", (2, 3)},
    "set empty": lambda: set(),
    "frozenset": lambda: frozenset({1, 2}),
    "frozenset nested": lambda: frozenset({frozenset(), frozenset({frozenset({1})})}),
    "range": lambda: range(1, 10, 3),
    "range huge": lambda: range(2**80),
    "slice": lambda: slice(1, None, -1),
    "slice of objects": lambda: slice([1], "b", {2}),
    "memoryview": lambda: memoryview(b"abcdef")[1:4],
    "memoryview writable": lambda: memoryview(bytearray(b"abc")),
    "memoryview of ints": lambda: memoryview(array.array("i", [1, 2, 3])),
    "memoryview cast": lambda: memoryview(b"abcdefgh").cast("H", (2, 2)),
    "memoryview strided": lambda: memoryview(b"abcdef")[::2],
    "class": lambda: dict,
    "class nonetype": lambda: type(None),
    "class function": lambda: types.FunctionType,
    "class ellipsis": lambda: type(...),
    "class generator": lambda: types.GeneratorType,
    "class mappingproxy": lambda: types.MappingProxyType,
    "class of iterators": lambda: [type(iter([])), type(iter({})), type({}.keys()), type(iter(()))],
    "class cell": lambda: types.CellType,
    "class module": lambda: types.ModuleType,
    "classes": lambda: [object, type, int, str, list, Exception, KeyError, zip, property],
    "function len": lambda: len,
    "function print": lambda: print,
    "functions": lambda: [abs, sorted, getattr, max, __import__, repr],
    "method str.upper": lambda: str.upper,
    "method of a text": lambda: "abc".upper,
    "method of a list": lambda: [1, 2].append,
    "method of a dict": lambda: {"a": 1}.get,
    "method of a set": lambda: {1}.__contains__,
    "method wrapper": lambda: (5).__add__,
    "method len": lambda: [1, 2].__len__,
    "method join": lambda: b", ".join,
    "method fromkeys": lambda: dict.fromkeys,
    "method maketrans": lambda: str.maketrans,
    "slot wrapper": lambda: int.__add__,
    "method int.from_bytes": lambda: int.from_bytes,
    "method object.__new__": lambda: object.__init__,
    "generic alias": lambda: list[int],
    "generic alias nested": lambda: dict[str, list[tuple[int, ...]]],
    "union": lambda: int | str | None,
    "module": lambda: sys,
    "submodule": lambda: __import__("os.path").path,
    "object": lambda: [object(), object()],
    "object shared": lambda: [o := object(), o],
    "array": lambda: array.array("d", [1.5, float("nan"), -0.0]),
    "array unicode": lambda: array.array("u", "aä😀"),
    "array empty": lambda: array.array("q"),
    "array large": lambda: array.array("i", range(50_000)),
    "array shared": lambda: [a := array.array("b", [1]), a],
    "namespace": lambda: types.SimpleNamespace(a=1, b=[2]),
    "namespace recursive": lambda: filled(n := types.SimpleNamespace(a=1), me=n),
    "mappingproxy": lambda: types.MappingProxyType({"a": [1]}),
    "cell": lambda: types.CellType([1]),
    "cell empty": lambda: types.CellType(),
    "property": lambda: property(len, None, None, "doc"),
    "classmethod": lambda: classmethod(len),
    "staticmethod": lambda: staticmethod(len),
    "super": lambda: super(bool, True),
    "generator": lambda: (n for n in ()),
    "frame": lambda: sys._getframe(),
    "descriptor": lambda: [type.__dict__["__name__"], Slotted.one, types.FunctionType.__code__],
    "method descriptor": lambda: [list.append, dict.get, str.join],
    "classmethod descriptor": lambda: dict.__dict__["fromkeys"],
    "environment": lambda: __import__("os").environ,
    "stdout": lambda: sys.stdout,
    "maps of names": lambda: {sys.intern("name" * 3): 1},
    "capsule": lambda: __import__("datetime").datetime_CAPI,
}


class Slotted:
    """A class with a slot to refer to."""

    __slots__ = ("one",)


CHECKS = {
    "list deep": _depth,
    "method of a list": lambda m: (m(5), m.__self__),
    "method of a text": lambda m: m(),
    "method of a set": lambda m: m(1),
    "object shared": lambda x: x[0] is x[1],
    "super": lambda s: s.__self__,
    "property": lambda p: (p.fget, p.__doc__),
    "environment": lambda e: e is __import__("os").environ,
}
OPAQUE = {"list deep", "generator", "frame", "capsule"}
