"""numpy's arrays that share memory: the memory is saved once, and each array refers to it by offset and strides.

Only after all arrays have been seen is it known which of them share memory. So `Sharing` notes the arrays of a save. If
some share memory, the objects are saved a second time, with the shared memory known from the start.
"""

from __future__ import annotations

import bisect
import pickle
import sys
from typing import TYPE_CHECKING, Any

from appsnap.recipe.values.numpy import read_only, reduce_array

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Sharing"]


class _Span:
    """Memory that several arrays share. It belongs to one owner."""

    def __init__(self, low: int, high: int, owner: Any, *, writable: bool) -> None:
        self.low = low
        self.high = high
        self.writable = writable
        self.owner = owner  # keeps the memory alive
        # numpy makes arrays of the memory of others by this attribute.
        self.__array_interface__ = {"data": (low, not writable), "shape": (high - low,), "typestr": "|u1", "version": 3}
        self.bytes = sys.modules["numpy"].asarray(self)
        self.data = pickle.PickleBuffer(self.bytes)


class Sharing:
    """The arrays of one save. `spans` is the shared memory that an earlier save of the same objects found."""

    def __init__(self, spans: Iterable[_Span] = ()) -> None:
        self._arrays: dict[int, dict[int, Any]] = {}  # by owner: arrays, by id
        self._spans: dict[int, list[_Span]] = {}  # by owner, in the order of their addresses
        for span in spans:
            for owner in (span.owner, span):
                self._spans.setdefault(id(owner), []).append(span)

    def reduce(self, array: Any) -> Any:
        """Take an array apart: the `reduce` of `numpy.ndarray`."""
        if array.dtype.hasobject or not array.nbytes:
            return reduce_array(array)
        owner = _owner(array)
        spans = self._spans.get(id(owner))
        if spans is None:
            self._arrays.setdefault(id(owner), {})[id(array)] = array
            return reduce_array(array)
        low, high = _bounds(array)
        span = spans[max(bisect.bisect_right(spans, low, key=lambda span: span.low) - 1, 0)]
        if not (span.low <= low and high <= span.high):
            return reduce_array(array)
        offset = _address(array) - span.low
        if span.writable and not array.flags.writeable:
            twin = type(array)(array.shape, array.dtype, span.bytes, offset, array.strides)
            return read_only, (twin,)
        return type(array), (array.shape, array.dtype, span.data, offset, array.strides, "C")

    def found(self) -> Sharing | None:
        """Return the `Sharing` for a second save, or None if no two arrays share memory."""
        spans = [span for arrays in self._arrays.values() if len(arrays) > 1 for span in _spans(list(arrays.values()))]
        return Sharing(spans) if spans else None


def _spans(arrays: list[Any]) -> Iterable[_Span]:
    """Yield the memory that several arrays of one owner share."""
    owner = _owner(arrays[0])
    group: list[Any] = []
    low = high = 0
    for bounds, array in sorted(((_bounds(array), array) for array in arrays), key=lambda pair: pair[0]):
        if group and bounds[0] < high:
            group.append(array)
            high = max(high, bounds[1])
            continue
        if len(group) > 1:
            yield _Span(low, high, owner, writable=any(one.flags.writeable for one in group))
        group, (low, high) = [array], bounds
    if len(group) > 1:
        yield _Span(low, high, owner, writable=any(one.flags.writeable for one in group))


def _owner(array: Any) -> Any:
    """Return the owner of the memory of an array: an array, or the buffer that an array was made from."""
    owner = array
    while True:
        above = None
        if type(owner) is memoryview:
            above = owner.obj
        elif str(type(owner).__module__).partition(".")[0] == "numpy":
            above = getattr(owner, "base", None)
        if above is None:
            return owner
        owner = above


def _address(array: Any) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _bounds(array: Any) -> tuple[int, int]:
    """Return the addresses of the first byte of an array, and of the byte behind its last."""
    low = high = _address(array)
    for count, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            low += (count - 1) * stride
        else:
            high += (count - 1) * stride
    return low, high + array.itemsize
