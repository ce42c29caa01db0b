"""Value types that any snapshot may hold: how each is taken apart.

A type is taken apart into what a person would write (`Decimal("1.5")`, `UUID("…")`), not into what its own
`__reduce__` happens to give. `constructors` puts it together again from checked arguments.
"""

from __future__ import annotations

import array
import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import pickle
import re
import sys
import types
import uuid
import zoneinfo
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ADDRESSES", "PATHS", "REDUCERS", "SCALARS", "reduce_ndarray", "reducer"]

ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Address,
    ipaddress.IPv6Interface,
    ipaddress.IPv6Network,
)
PATHS = (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath)
SCALARS = frozenset(
    {
        *("bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128", "str_", "bytes_"),
    }
)
"""numpy's numbers and texts, by their names."""


def _trimmed(args: tuple[Any, ...], least: int) -> tuple[Any, ...]:
    """Leave out trailing zeros and Nones: their types take them as defaults."""
    while len(args) > least and (args[-1] is None or args[-1] == 0):
        args = args[:-1]
    return args


def _reduce_datetime(value: dt.datetime) -> Any:
    if value.fold:
        return NotImplemented
    clock = (value.hour, value.minute, value.second, value.microsecond, value.tzinfo)
    return dt.datetime, (value.year, value.month, value.day, *_trimmed(clock, 2))


def _reduce_time(value: dt.time) -> Any:
    if value.fold:
        return NotImplemented
    return dt.time, _trimmed((value.hour, value.minute, value.second, value.microsecond, value.tzinfo), 2)


def _reduce_pattern(value: re.Pattern[Any]) -> Any:
    implied = re.DEBUG | (re.UNICODE if isinstance(value.pattern, str) else 0)
    return re.compile, _trimmed((value.pattern, value.flags & ~int(implied)), 1)


def _reduce_memoryview(view: memoryview) -> Any:
    base = view.obj
    if type(base) in (bytes, bytearray, array.array, getattr(_numpy(), "ndarray", None)):
        whole = memoryview(base)
        if view.c_contiguous and _layout(view) == _layout(whole):
            return memoryview, (base,)
    if view.format != "B" or view.ndim != 1:
        raise TypeError("a memoryview that is neither of plain bytes nor of all of its object")
    if view.contiguous:
        return memoryview, (pickle.PickleBuffer(view),)
    return memoryview, (bytes(view) if view.readonly else bytearray(view),)


def _reduce_array(value: array.array[Any]) -> Any:
    """Take an array of Python's apart as it does itself, but without a copy of its items."""
    empty: Any = array.array(value.typecode).__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    function, (cls, typecode, form, _), *_ = empty
    return function, (cls, typecode, form, pickle.PickleBuffer(memoryview(value).toreadonly()))


def _layout(view: memoryview) -> tuple[Any, ...]:
    return view.format, view.shape, view.strides, view.readonly


def _numpy() -> Any:
    return sys.modules.get("numpy")


def reduce_ndarray(value: Any) -> Any:
    """Take an array apart that shares its memory with none."""
    if value.dtype.hasobject:
        return NotImplemented
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    data = None
    if value.nbytes:
        # Bytes, because not every dtype (datetime64) goes through the buffer protocol; no copy of what is contiguous.
        flat = _numpy().ascontiguousarray(value.reshape(-1, order=order))
        data = pickle.PickleBuffer(flat.view("u1"))
    return type(value), (value.shape, value.dtype, data, 0, None, order)


def _reduce_dtype(value: Any) -> Any:
    if value.hasobject or value.metadata or value.isalignedstruct or value.subdtype:
        return NotImplemented
    numpy = _numpy()
    descr = value.str if value.names is None else value.descr
    try:
        whole = numpy.dtype(descr) == value
    except ValueError:
        whole = False
    return (numpy.dtype, (descr,)) if whole else NotImplemented  # a structure with holes has no such description


def _reduce_scalar(value: Any) -> Any:
    return type(value), (value.item(),)


def _reduce_time64(value: Any) -> Any:
    unit, count = _numpy().datetime_data(value.dtype)
    if unit == "generic":
        return NotImplemented
    return type(value), (int(value.view("i8")), unit if count == 1 else f"{count}{unit}")


REDUCERS: dict[type, Callable[[Any], Any]] = {
    array.array: _reduce_array,
    complex: lambda value: (complex, (value.real, value.imag)),
    dt.date: lambda value: (dt.date, (value.year, value.month, value.day)),
    dt.datetime: _reduce_datetime,
    dt.time: _reduce_time,
    decimal.Decimal: lambda value: (decimal.Decimal, (str(value),)),
    fractions.Fraction: lambda value: (fractions.Fraction, (value.numerator, value.denominator)),
    memoryview: _reduce_memoryview,
    re.Pattern: _reduce_pattern,
    types.SimpleNamespace: lambda value: (types.SimpleNamespace, (), value.__dict__),
    uuid.UUID: lambda value: (uuid.UUID, (str(value),)) if value.is_safe is uuid.SafeUUID.unknown else NotImplemented,
    zoneinfo.ZoneInfo: lambda value: (zoneinfo.ZoneInfo, (value.key,)) if value.key else NotImplemented,
    **dict.fromkeys(ADDRESSES, lambda value: (type(value), (str(value),))),
    **dict.fromkeys(PATHS, lambda value: (type(value), (str(value),))),
}
"""Exact type to a function that takes a value of it apart, as `__reduce__` would; NotImplemented leaves it to that."""


def reducer(cls: type) -> Callable[[Any], Any] | None:
    """Return how a value type is taken apart, or None. numpy's are there only where numpy has been imported."""
    if cls in REDUCERS:
        return REDUCERS[cls]
    numpy = _numpy()
    if numpy is None or cls.__module__.partition(".")[0] != "numpy":
        return None
    if issubclass(cls, numpy.dtype):
        return _reduce_dtype
    if cls in (numpy.datetime64, numpy.timedelta64):
        return _reduce_time64
    return _reduce_scalar if cls.__name__ in SCALARS else None
