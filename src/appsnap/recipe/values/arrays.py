"""numpy's arrays and dtypes: how they are put together, where a snapshot isn't trusted as code.

An array is never given a state of its own choosing: it is made of a dtype that was described, a shape, and bytes.
"""

from __future__ import annotations

import math
import re
from typing import Any

from appsnap import actions

__all__ = ["dtype", "fields", "ndarray", "read_only"]


def _check(condition: object, what: str) -> None:
    if not condition:
        raise ValueError(what)


_DTYPE = re.compile(r"[<>|=]?([?bhilqBHILQefdgFDG]|[biufcSUV][0-9]{1,9}|[mM]8(\[[0-9A-Za-z]{1,12}\])?)")


_MOST_FIELDS = 10_000
"""Of a dtype, those of its fields' fields among them: a few lists in each other can have a billion."""


def fields(descr: Any, depth: int = 0) -> int:
    """Check what describes a dtype, and return how many fields that has."""
    if type(descr) is str:
        _check(_DTYPE.fullmatch(descr), f"takes no dtype {descr[:40]!r}")
        return 1
    _check(type(descr) is list and depth < 8, "takes a dtype string or a list of fields")
    count = 0
    for field in descr:
        _check(type(field) is tuple and 2 <= len(field) <= 3 and type(field[0]) in (str, tuple), "takes fields")
        count += fields(field[1], depth + 1)
        _check(count <= _MOST_FIELDS, f"takes at most {_MOST_FIELDS} fields")
        _check(len(field) < 3 or all(type(n) is int and n >= 0 for n in _as_shape(field[2])), "takes a shape")
    return count


def _as_shape(shape: Any) -> tuple[Any, ...]:
    return shape if type(shape) is tuple else (shape,)


def dtype(args: tuple[Any, ...]) -> Any:
    """Make a dtype of what describes it."""
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds arrays

    (descr,) = args
    fields(descr)
    made = np.dtype(descr)
    _check(not made.hasobject, "takes no objects")
    return made


def ndarray(args: tuple[Any, ...]) -> Any:
    """Make an array of bytes: of all of them, in its order, or a view of some of them, by offset and strides."""
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds arrays

    shape, dtype, data, offset, strides, order = args
    _check(type(shape) is tuple and all(type(n) is int and 0 <= n < _HUGE for n in shape), "takes a shape")
    _check(isinstance(dtype, np.dtype) and not dtype.hasobject, "takes a dtype without objects")
    _check(type(data) in (bytes, bytearray, memoryview, type(None)), "takes bytes")
    _check(data is None or memoryview(data).c_contiguous, "takes bytes in a row")
    _check(type(order) is str and order in ("C", "F"), "takes an order")
    # A shape larger than its bytes would read memory that isn't the array's. Items of no size are given one by numpy.
    size = math.prod(shape)
    most = 0 if data is None else memoryview(data).nbytes
    if strides is not None:
        _check(size and dtype.itemsize, "takes no strides where there are no items")
        _check_view(shape, dtype.itemsize, most, offset, strides)
        return np.ndarray(shape, dtype, data, offset, strides, order)
    _check(type(offset) is int and offset == 0, "takes an offset only with strides")
    _check(size * dtype.itemsize == most and (dtype.itemsize or not size), "takes the bytes of its shape")
    return np.ndarray(shape, dtype, data if most else None, 0, None, order)


def read_only(args: tuple[Any, ...]) -> Any:
    """Let an array be read-only."""
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds arrays

    (array,) = args
    _check(type(array) is np.ndarray, "takes an array")
    return actions.read_only(array)


_HUGE = 1 << 62


def _check_view(shape: tuple[int, ...], itemsize: int, most: int, offset: Any, strides: Any) -> None:
    """Check that all items of a view lie within `most` bytes."""
    _check(type(offset) is int and 0 <= offset < _HUGE and math.prod(shape) < _HUGE, "takes an offset")
    _check(type(strides) is tuple and len(strides) == len(shape), "takes a stride for each dimension")
    _check(all(type(stride) is int and abs(stride) < _HUGE for stride in strides), "takes strides")
    steps = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
    first = offset + sum(step for step in steps if step < 0)
    last = offset + sum(step for step in steps if step > 0)
    _check(first >= 0 and last + itemsize <= most, "takes a view within its bytes")
