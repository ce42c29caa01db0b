"""A comparison of two objects that trusts no `==`: types, attributes, slots, items, and who is the same as whom.

The two objects come from one process: one has been loaded, the other one made anew.
"""

from __future__ import annotations

import collections
import copyreg
import enum
import itertools
import math
import re
import struct
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["difference"]

ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))
MOST = 100
"""The most items that are taken from an iterator."""

CACHED = ("ZoneInfo", "Pattern", "dtype")
"""Names of types that may hand out one object for equal values."""

CODE = ("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_varnames", "co_names", "co_freevars", "co_flags")
OF_FUNCTIONS = ("__name__", "__qualname__", "__doc__", "__defaults__", "__kwdefaults__", "__annotations__", "__dict__")
OF_CLASSES = (
    "__module__",
    "__dict__",
    "__weakref__",
    "__firstlineno__",
    "__static_attributes__",
    "_abc_impl",
    "__annotate__",
    "__abstractmethods__",
    "__annotations_cache__",
    "__slotnames__",
)
"""Attributes that Python itself gives a class."""


def difference(one: Any, other: Any) -> str | None:
    """Return where two objects differ, and how, or None."""
    return _Comparison().compare(one, other, "it")


class _Comparison:
    def __init__(self) -> None:
        self.there: dict[int, int] = {}
        self.back: dict[int, int] = {}
        self.kept: list[Any] = []

    def compare(self, one: Any, other: Any, path: str) -> str | None:
        if one is other:
            return None
        cls = type(one)
        if cls is not type(other):
            if not _alike(cls, type(other)):
                return f"{path}: {_named(cls)} and not {_named(type(other))}"
            found = self.compare(cls, type(other), f"type({path})")
            if found:
                return found
        if cls in ATOMS:
            return None if _atom(one) == _atom(other) else f"{path}: {one!r:.60} and not {other!r:.60}"
        if self._is_unique(one) or self._is_unique(other):
            return f"{path}: another {one!r:.60}"
        if cls.__name__ not in CACHED and cls not in (tuple, frozenset):
            if id(one) in self.there or id(other) in self.back:
                same = self.there.get(id(one)) == id(other) and self.back.get(id(other)) == id(one)
                return None if same else f"{path}: shared with another part on one side only"
            self.there[id(one)], self.back[id(other)] = id(other), id(one)
        self.kept += [one, other]
        mine, others = _parts(one), _parts(other)
        if mine.keys() != others.keys():
            missing, more = others.keys() - mine.keys(), mine.keys() - others.keys()
            return f"{path}: lacks {sorted(map(str, missing))[:5]}, has besides {sorted(map(str, more))[:5]}"
        for name in mine:
            found = self.compare(mine[name], others[name], f"{path}{name}")
            if found:
                return found
        return None

    @staticmethod
    def _is_unique(obj: Any) -> bool:
        """Tell whether an object is there once, so that its like is the same or wrong."""
        if isinstance(obj, types.ModuleType):
            return True
        if isinstance(obj, enum.Enum):
            return _importable(type(obj)) and not isinstance(obj, enum.Flag)
        return isinstance(obj, (type, types.FunctionType)) and _importable(obj)


def _importable(obj: Any) -> bool:
    found = sys.modules.get(obj.__module__ or "")
    for name in obj.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is obj


def _alike(one: type, other: type) -> bool:
    return one.__name__ == other.__name__ and not _importable(one) and not _importable(other)


def _named(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _atom(value: Any) -> Any:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, complex):
        return (_atom(value.real), _atom(value.imag))
    return value


def _parts(obj: Any) -> dict[str, Any]:
    """Return the parts of an object by a name that is put behind its path."""
    if isinstance(obj, types.CodeType):
        return _of_code(obj)
    if isinstance(obj, types.FunctionType):
        return {
            **{f".{name}": getattr(obj, name) for name in OF_FUNCTIONS},
            ".__code__": obj.__code__,
            **{f".__closure__[{n}]": _content(cell) for n, cell in enumerate(obj.__closure__ or ())},
        }
    if isinstance(obj, type):
        return {
            ".__name__": obj.__name__,
            ".__bases__": obj.__bases__,
            **{f".{name}": value for name, value in sorted(vars(obj).items()) if name not in OF_CLASSES},
        }
    parts: dict[str, Any] = {}
    for look in (_by_library, _by_content, _by_attributes):
        parts |= look(obj)
    if not parts or _has_own_reduction(type(obj)):
        parts |= _by_reduction(obj)
    return parts


def _of_code(code: types.CodeType) -> dict[str, Any]:
    constants = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return {
        **{f".{name}": getattr(code, name) for name in CODE},
        ".co_consts": repr(constants),
        ".co_code": code.co_code,
        **{f".co_consts<{n}>": c for n, c in enumerate(inner)},
    }


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return "an empty cell"


def _by_content(obj: Any) -> dict[str, Any]:
    """Return the items of a container, or the value below the class of a number or text."""
    if isinstance(obj, collections.OrderedDict):
        return _listed("{}", list(collections.OrderedDict.items(obj)))
    if isinstance(obj, dict):
        return _listed("{}", list(dict.items(obj)))
    if isinstance(obj, list):
        return _listed("[]", list(list.__iter__(obj)))
    if isinstance(obj, tuple):
        return _listed("[]", list(tuple.__iter__(obj)))
    if isinstance(obj, set):
        return _listed("{}", sorted(set.__iter__(obj), key=_masked))
    if isinstance(obj, frozenset):
        return _listed("{}", sorted(frozenset.__iter__(obj), key=_masked))
    for cls, look in _BASES.items():
        if isinstance(obj, cls) and type(obj) is not cls:
            return {"(value)": look(obj)}
    if isinstance(obj, bytearray):
        return {"(value)": bytes(obj)}
    if isinstance(obj, memoryview):
        return {"(value)": [obj.tobytes(), obj.format, obj.shape, obj.readonly]}
    if isinstance(obj, (types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType)):
        return {".__self__": obj.__self__, ".__name__": obj.__name__, ".__func__": getattr(obj, "__func__", None)}
    if isinstance(obj, (property, classmethod, staticmethod)):
        return {f".{n}": getattr(obj, n, None) for n in ("fget", "fset", "fdel", "__doc__", "__func__")}
    if isinstance(obj, types.MappingProxyType):
        return {"(value)": dict(obj)}
    if isinstance(obj, types.CellType):
        return {".cell_contents": _content(obj)}
    if isinstance(obj, weakref.ref):
        return {"()": obj()}
    if isinstance(obj, BaseException):
        return {".args": obj.args, "str()": _masked(str(obj))}
    if isinstance(obj, re.Pattern):
        return {"(value)": [obj.pattern, int(obj.flags)]}
    if hasattr(type(obj), "__next__") and not hasattr(type(obj), "read") and type(obj).__module__ in _ITERATORS:
        return {"<yields>": list(itertools.islice(obj, MOST))}
    return {}


_ITERATORS = ("builtins", "itertools", "collections", "_collections", "pandas")


_BASES: dict[type, Callable[[Any], Any]] = {
    int: int.__index__,
    float: float.__float__,
    complex: lambda number: complex(number.real, number.imag),
    str: str.__str__,
    bytes: lambda data: bytes.__getitem__(data, slice(None)),
}
"""Numbers and texts: how to get the plain value of a subclass's object."""


def _listed(brackets: str, items: list[Any]) -> dict[str, Any]:
    left, right = brackets[0], brackets[1]
    return {f"{left}length{right}": len(items), **{f"{left}{n}{right}": item for n, item in enumerate(items)}}


def _by_attributes(obj: Any) -> dict[str, Any]:
    """Return the attributes, those in slots too."""
    parts: dict[str, Any] = {}
    try:
        attributes = object.__getattribute__(obj, "__dict__")
    except AttributeError:
        attributes = {}
    if type(attributes) is dict:
        parts = {f".{name}": value for name, value in attributes.items()}
    for cls in type(obj).__mro__:
        if "__slots__" not in vars(cls) or cls.__module__.startswith("pathlib"):  # those are caches
            continue
        for name, slot in vars(cls).items():
            if isinstance(slot, types.MemberDescriptorType):
                try:
                    parts[f".{cls.__name__}:{name}"] = slot.__get__(obj)
                except AttributeError:
                    continue
    return parts


def _by_library(obj: Any) -> dict[str, Any]:
    """Return the parts of arrays and frames, whose reductions hold more than they mean."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and isinstance(obj, numpy.dtype):
        return {
            "(value)": [str(obj.descr) if obj.names else obj.str, obj.itemsize, obj.alignment, obj.isalignedstruct],
            ".type": obj.type,
            ".metadata": dict(obj.metadata) if obj.metadata else None,
            ".fields": [(n, *obj.fields[n]) for n in obj.names] if obj.names else None,
        }
    if numpy is not None and isinstance(obj, numpy.ndarray) and not isinstance(obj, numpy.ma.MaskedArray):
        plain = obj.view(numpy.ndarray)
        content = plain.tolist() if obj.dtype.hasobject else plain.tobytes("A")
        layout = obj.flags.f_contiguous or obj.ndim < 2
        return {".dtype": obj.dtype, ".shape": obj.shape, "[]": content, ".layout": layout}
    if numpy is not None and isinstance(obj, numpy.generic):
        return {".dtype": obj.dtype, "(value)": obj.tobytes() if not obj.dtype.hasobject else obj.item()}
    return {}


def _has_own_reduction(cls: type) -> bool:
    if cls in copyreg.dispatch_table:
        return True
    own = any(getattr(cls, name) is not getattr(object, name) for name in ("__reduce__", "__reduce_ex__"))
    return own and not issubclass(cls, (dict, list, set, frozenset, BaseException)) and not _is_array(cls)


def _is_array(cls: type) -> bool:
    return any(
        base.__module__.startswith("numpy") and base.__name__ in ("ndarray", "generic", "dtype") for base in cls.__mro__
    )


def _by_reduction(obj: Any) -> dict[str, Any]:
    try:
        reduce = copyreg.dispatch_table.get(type(obj))
        reduction = obj.__reduce_ex__(5) if reduce is None else reduce(obj)
    except Exception:  # noqa: BLE001 - it has none
        return {"repr": _masked(repr(obj))}
    if isinstance(reduction, str):
        return {"<name>": reduction}
    function, args, state, items, pairs = (*reduction, None, None, None)[:5]
    return {
        "<function>": function,
        **{f"<argument {n}>": argument for n, argument in enumerate(args)},
        "<state>": state,
        "<items>": list(items or ()),
        "<pairs>": list(pairs or ()),
    }


def _masked(obj: Any) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x…", obj if isinstance(obj, str) else repr(obj))
