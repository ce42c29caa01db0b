"""Arrays that share memory: what several of them look at is saved once, and each refers to it by offset and strides.

Which ones do, nobody knows before all of them have been seen. So `Sharing` notes the arrays of a save; if some look at
the same bytes, there is a second save, which knows.
"""

from __future__ import annotations

import bisect
import pickle
import sys
from typing import TYPE_CHECKING, Any

from appsnap import actions
from appsnap.recipe.values import reduce_ndarray

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Sharing"]


class _Span:
    """Bytes that several arrays look at, which are in the memory of one owner."""

    def __init__(self, low: int, high: int, owner: Any, *, writable: bool) -> None:
        self.low = low
        self.high = high
        self.writable = writable
        self.owner = owner  # so that the memory stays
        # This is how numpy makes an array of memory that isn't its own.
        self.__array_interface__ = {"data": (low, not writable), "shape": (high - low,), "typestr": "|u1", "version": 3}
        self.bytes = sys.modules["numpy"].asarray(self)
        self.data = pickle.PickleBuffer(self.bytes)


class Sharing:
    """The arrays of one save. `spans` are what an earlier save of the same objects found."""

    def __init__(self, spans: Iterable[_Span] = ()) -> None:
        self._arrays: dict[int, dict[int, Any]] = {}  # by owner: arrays, by id
        self._spans: dict[int, list[_Span]] = {}  # by owner, in the order of their addresses
        for span in spans:
            for owner in (span.owner, span):
                self._spans.setdefault(id(owner), []).append(span)

    def reduce(self, array: Any) -> Any:
        """Take an array apart, as a rule of `Rules` does."""
        if array.dtype.hasobject or not array.nbytes:
            return reduce_ndarray(array)
        owner = _owner(array)
        spans = self._spans.get(id(owner))
        if spans is None:
            self._arrays.setdefault(id(owner), {})[id(array)] = array
            return reduce_ndarray(array)
        low, high = _bounds(array)
        span = spans[max(bisect.bisect_right(spans, low, key=lambda span: span.low) - 1, 0)]
        if not (span.low <= low and high <= span.high):
            return reduce_ndarray(array)
        offset = _address(array) - span.low
        if span.writable and not array.flags.writeable:
            twin = type(array)(array.shape, array.dtype, span.bytes, offset, array.strides)
            return actions.read_only, (twin,)
        return type(array), (array.shape, array.dtype, span.data, offset, array.strides, "C")

    def found(self) -> Sharing | None:
        """Return what a second save has to know, or None where no two arrays look at the same bytes."""
        spans = [span for arrays in self._arrays.values() if len(arrays) > 1 for span in _spans(list(arrays.values()))]
        return Sharing(spans) if spans else None


def _spans(arrays: list[Any]) -> Iterable[_Span]:
    """Return what several of the arrays of one owner look at."""
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
    """Return what the memory of an array belongs to in the end: an array, or what some array was made of."""
    owner = array
    while True:
        above = None
        if type(owner) is memoryview:
            above = owner.obj
        elif type(owner).__module__.partition(".")[0] == "numpy":
            above = getattr(owner, "base", None)
        if above is None:
            return owner
        owner = above


def _address(array: Any) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _bounds(array: Any) -> tuple[int, int]:
    """Return the address of an array's first byte, and that behind its last."""
    low = high = _address(array)
    for count, stride in zip(array.shape, array.strides, strict=True):
        if stride < 0:
            low += (count - 1) * stride
        else:
            high += (count - 1) * stride
    return low, high + array.itemsize
