"""numpy's arrays, dtypes and scalars. numpy is imported only where a snapshot holds one of them.

An array never gets a state: it is made of a dtype, a shape and bytes. `sharing` takes arrays apart that share memory.
"""

from __future__ import annotations

import math
import pickle
import re
import sys
from typing import TYPE_CHECKING, Any

from appsnap.actions import read_only
from appsnap.recipe.values import dtypes
from appsnap.recipe.values.arguments import check, of
from appsnap.recipe.values.containers import STATEFUL
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.recipe.values.registry import Make

__all__ = ["TYPES", "read_only", "reduce_array"]

# Dtypes


def _reduce_dtype(value: Any) -> Any:
    if value.hasobject or value.metadata or value.isalignedstruct or value.subdtype:
        return dtypes.reduce_odd(value)
    numpy = sys.modules["numpy"]
    described = _described(value)
    try:
        whole = _is_same(numpy.dtype(described), value)
    except ValueError:
        whole = False
    # A structure with holes isn't described by that.
    return (numpy.dtype, (described,)) if whole else dtypes.reduce_odd(value)


def _described(value: Any) -> Any:
    """Return a description of a dtype, as `_make_dtype` takes it."""
    numpy = sys.modules["numpy"]
    if value.names is None:
        # Two C types may have one size: `long long` is no `long`.
        return value.str if numpy.dtype(value.str).char == value.char else value.str[:1] + value.char
    described = []
    for name in value.names:
        field, _, *title = value.fields[name]
        shape = (field.shape,) if field.subdtype else ()
        described.append(((*title, name) if title else name, _described(field.base), *shape))
    return (numpy.record, described) if value.type is numpy.record else described


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two dtypes give items of the same types. `==` takes some for equal that don't."""
    if one != other or one.type is not other.type or one.char != other.char or one.metadata != other.metadata:
        return False
    if one.subdtype is not None:
        return _is_same(one.base, other.base)
    if one.names is None:
        return True
    same = one.isalignedstruct == other.isalignedstruct and [*one.fields] == [*other.fields]
    return same and all(_is_same(one.fields[name][0], other.fields[name][0]) for name in one.names)


def _make_dtype(args: tuple[Any, ...]) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds arrays

    if dtypes.is_odd(args):
        return dtypes.make_odd(args)
    (described,) = args
    _count_fields(described)
    made = np.dtype(described)
    _check_sizes(made)
    return made


def _check_sizes(dtype: Any) -> None:
    """Check that fields lie within their structure. numpy adds up their sizes without a look at the sum."""
    for name in dtype.names or ():
        field, offset = dtype.fields[name][:2]
        check(0 <= offset <= offset + field.itemsize <= dtype.itemsize, "the structure is too large")
        empty = field.subdtype is not None and not field.itemsize
        check(
            not empty or dtypes.items_of(field.subdtype[1]) <= dtypes.MOST_FIELDS,
            "a field has too many items without size",
        )
        _check_sizes(field.base)


def _count_fields(described: Any, depth: int = 0) -> int:
    """Check the description of a dtype, and return the number of its fields."""
    if type(described) is str:
        if _DTYPE.fullmatch(described):
            return 1
        raise ValueError(f"{described[:40]!r} is no dtype")
    record = getattr(sys.modules.get("numpy"), "record", None)
    if type(described) is tuple and len(described) == 2 and described[0] is record:
        described = described[1]
    check(type(described) is list and depth < 8, "a dtype is described by a text or a list of fields")
    count = 0
    for field in described:
        named = type(field) is tuple and 2 <= len(field) <= 3 and type(field[0]) in (str, tuple)
        check(named, "a field is a tuple of a name, a dtype and perhaps a shape")
        count += _count_fields(field[1], depth + 1)
        if count > dtypes.MOST_FIELDS:
            raise ValueError(f"a dtype has at most {dtypes.MOST_FIELDS:,} fields")
        if len(field) == 3:
            shape = field[2] if type(field[2]) is tuple else (field[2],)
            check(all(type(n) is int and n >= 0 for n in shape), "the shape of a field must be whole numbers")
    return count


def _dtype_work(args: Sequence[Any]) -> int:
    if not args:
        return 0
    return _FIELD_WORK * (dtypes.count(args) if dtypes.is_odd(args) else _count_fields(args[0]))


_MULTIPLE = "([1-9][0-9]{0,8})?"
"""Of a unit of time. numpy divides by it."""

_DTYPE = re.compile(
    rf"[<>|=]?([?bhilqBHILQefdgFDG]|[biufcSUV][0-9]{{1,9}}|[mM]8(\[(generic|{_MULTIPLE}[A-Za-z]{{1,2}})\])?)"
)

_FIELD_WORK = 5
"""Microseconds: five times the real ones, because a dtype stays in memory. 1,800 dtypes of 2,900 fields take 700 MB."""

# Arrays


def reduce_array(value: Any) -> Any:
    """Take an array apart that shares its memory with no other."""
    if value.dtype.hasobject:
        # Objects are the state, so that one of them may lead back to the array.
        empty = ((0,), value.dtype, None, 0, None, "C")
        return type(value), empty, value.__reduce__()[2]
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    data = None
    if value.nbytes:
        # As bytes, because some dtypes (datetime64) have no buffer. A contiguous array isn't copied.
        flat = sys.modules["numpy"].ascontiguousarray(value.reshape(-1, order=order))
        data = pickle.PickleBuffer(flat.view("u1"))
    return type(value), (value.shape, value.dtype, data, 0, None, order)


def _make_array(args: tuple[Any, ...]) -> Any:
    """Make an array from all of its bytes in order, or with offset and strides from some of them."""
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds arrays

    shape, dtype, data, offset, strides, order = args
    whole = type(shape) is tuple and all(type(n) is int and 0 <= n < _HUGE for n in shape)
    check(whole, "the shape must be a tuple of whole numbers")
    check(
        isinstance(dtype, np.dtype) and (not dtype.hasobject or shape == (0,)), "the dtype must be one without objects"
    )
    check(type(data) in (bytes, bytearray, memoryview, type(None)), "the data must be bytes")
    check(data is None or memoryview(data).c_contiguous, "the data must be contiguous")
    check(type(order) is str and order in ("C", "F"), 'the order must be "C" or "F"')
    # With a shape larger than its bytes, an array would read memory of others. numpy gives items without size a size.
    size = math.prod(shape)
    most = 0 if data is None else memoryview(data).nbytes
    if strides is not None:
        check(size and dtype.itemsize, "an array without items has no strides")
        _check_view(shape, dtype.itemsize, most, offset, strides)
    else:
        check(type(offset) is int and offset == 0, "an array with an offset needs strides")
        fits = size * dtype.itemsize == most and (dtype.itemsize or not size)
        check(fits, "the data must have the size of the shape")
    made = np.ndarray(shape, dtype, data if most else None, offset, strides, order)
    check(dtypes.has_characters(made), "a text has a number that is no character")
    return made


def _view_work(args: Sequence[Any]) -> int:
    """Return how many bytes a view shows beyond those that it has. Each use may copy them."""
    numpy: Any = sys.modules.get("numpy")
    if len(args) != 6 or args[4] is None or numpy is None or not isinstance(args[1], numpy.dtype):
        return 0
    shape, dtype, data = args[:3]
    if type(shape) is not tuple or not all(type(n) is int for n in shape):
        return 0
    return int(max(math.prod(shape) * dtype.itemsize - (len(data) if type(data) in (bytes, bytearray) else 0), 0))


def _check_view(shape: tuple[int, ...], itemsize: int, most: int, offset: Any, strides: Any) -> None:
    """Check that all items of a view lie within `most` bytes."""
    check(type(offset) is int and 0 <= offset < _HUGE and math.prod(shape) < _HUGE, "the offset is too large")
    check(type(strides) is tuple and len(strides) == len(shape), "each dimension needs a stride")
    check(all(type(stride) is int and abs(stride) < _HUGE for stride in strides), "the strides must be whole numbers")
    spans = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
    first = offset + sum(span for span in spans if span < 0)
    last = offset + sum(span for span in spans if span > 0)
    check(first >= 0 and last + itemsize <= most, "the items must lie within the data")


def _make_read_only(args: tuple[Any, ...]) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds arrays

    (array,) = args
    check(type(array) is np.ndarray, "takes an array")
    return read_only(array)


_HUGE = 1 << 62

# Scalars


def _reduce_scalar(value: Any) -> Any:
    return type(value), (value.item(),)


def _scalar(name: str, item: type) -> Make:
    check_item = of(item, least=1, most=1)

    def make(args: tuple[Any, ...]) -> Any:
        import numpy as np  # noqa: PLC0415 - only where a snapshot holds scalars

        check_item(args)  # bytes_(5) would be five bytes, and int64("…") would read digits
        with np.errstate(over="ignore"):
            return getattr(np, name)(*args)

    return make


def _reduce_finfo(value: Any) -> Any:
    return type(value), (value.dtype,)


def _make_finfo(args: tuple[Any, ...]) -> Any:
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds one

    (dtype,) = args
    check(isinstance(dtype, np.dtype) and dtype.kind in "fc", "takes a dtype of floats")
    return np.finfo(dtype)


def _reduce_time(value: Any) -> Any:
    unit, count = sys.modules["numpy"].datetime_data(value.dtype)
    if unit == "generic":
        return NotImplemented
    return type(value), (int(value.view("i8")), unit if count == 1 else f"{count}{unit}")


def _time(name: str) -> Make:
    def make(args: tuple[Any, ...]) -> Any:
        import numpy as np  # noqa: PLC0415 - only where a snapshot holds times

        count, unit = args
        check(type(count) is int and type(unit) is str and _UNIT.fullmatch(unit), "takes a number and a unit")
        return getattr(np, name)(count, unit)

    return make


_UNIT = re.compile(f"{_MULTIPLE}[A-Za-z]{{1,2}}")

_ITEMS: dict[str, type] = {
    **dict.fromkeys(("bool", "bool_"), bool),
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"), int),
    **dict.fromkeys(("float16", "float32", "float64"), float),
    **dict.fromkeys(("complex64", "complex128"), complex),
    "str_": str,
    "bytes_": bytes,
}
"""Scalars, each with the type of its item in Python."""

TYPES = (
    ValueType(
        name="numpy.ndarray",
        make=_make_array,
        made_by={
            f"{read_only.__module__}.{read_only.__qualname__}": _make_read_only,
            **{f"numpy.{core}.multiarray._reconstruct": dtypes.make_reconstructed for core in ("core", "_core")},
        },
        filled_by=STATEFUL,
        work=_view_work,
        takes=dtypes.takes_state,
        identity=True,
    ),
    ValueType(
        name="numpy.dtype",
        reduce=_reduce_dtype,
        subclasses=True,
        make=_make_dtype,
        work=_dtype_work,
        takes=lambda _dtype, _state: False,
        plain=True,
        compared=lambda value: dtypes.count(((value, ()),)),
    ),
    ValueType(name="numpy.record"),
    ValueType(name="numpy.finfo", reduce=_reduce_finfo, make=_make_finfo, plain=True),
    *(
        ValueType(name=f"numpy.{name}", reduce=_reduce_scalar, make=_scalar(name, item), referable=False, plain=True)
        for name, item in _ITEMS.items()
    ),
    *(
        ValueType(name=f"numpy.{name}", reduce=_reduce_time, make=_time(name), referable=False, plain=True)
        for name in ("datetime64", "timedelta64")
    ),
)
