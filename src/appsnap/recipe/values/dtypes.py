"""numpy's odd dtypes (objects, alignment, padding, titles, metadata, sub-arrays), and the states of arrays of objects.

numpy gives such a dtype a state, and a chosen state crashes the interpreter. So each is made by a call of
`numpy.dtype`, with arguments that numpy itself checks:

* `dtype("|O")` for objects;
* `dtype({"names": …, "formats": …, "offsets": …, "itemsize": …}, align)` for a structure; its formats are dtypes;
* `dtype((base, shape))` for a sub-array;
* `dtype(base, False, False, metadata)` for a dtype with metadata.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from appsnap.recipe.values.arguments import check

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MOST_FIELDS",
    "count",
    "has_characters",
    "is_odd",
    "make_odd",
    "make_reconstructed",
    "reduce_odd",
    "takes_state",
]

_FIELDS = {"names": list, "formats": list, "offsets": list, "itemsize": int, "titles": list}
_LARGEST = (1 << 31) - 1
MOST_FIELDS = 10_000
"""Fields of fields included: a few lists in each other can have a billion."""


def reduce_odd(value: Any) -> Any:
    """Take a dtype apart that neither a text nor a list of fields describes."""
    numpy = sys.modules["numpy"]
    if value.metadata:
        bare = _without_metadata(value)
        return NotImplemented if bare is None else (numpy.dtype, (bare, False, False, dict(value.metadata)))
    if value.subdtype:
        return numpy.dtype, ((value.base, value.shape),)
    if value.kind == "O":
        return numpy.dtype, ("|O",)
    if value.names is None or value.type is not numpy.void or (value.hasobject and not _are_simple(value)):
        return NotImplemented
    arguments = (_fields(value), value.isalignedstruct)
    return (numpy.dtype, arguments) if numpy.dtype(*arguments) == value else NotImplemented


def _without_metadata(value: Any) -> Any:
    dtype = sys.modules["numpy"].dtype
    if value.subdtype:
        return dtype((value.base, value.shape))
    if value.names is None:
        bare = dtype(value.str)
        return bare if bare.char == value.char else None
    return dtype(_fields(value), value.isalignedstruct) if value.type is sys.modules["numpy"].void else None


def _fields(value: Any) -> dict[str, Any]:
    fields = [value.fields[name] for name in value.names]
    described: dict[str, Any] = {
        "names": [*value.names],
        "formats": [field[0] for field in fields],
        "offsets": [field[1] for field in fields],
        "itemsize": value.itemsize,
    }
    titles = [field[2] if len(field) == 3 else None for field in fields]
    return described | ({} if titles == [None] * len(titles) else {"titles": titles})


def is_odd(args: Sequence[Any]) -> bool:
    """Tell whether the arguments of a call of `numpy.dtype` are those of an odd one."""
    if len(args) != 1:
        return True
    described = args[0]
    # A comparison would call the `__eq__` of an object.
    return (type(described) is str and described == "|O") or (
        type(described) is tuple and [*map(type, described[1:])] == [tuple]
    )


def count(args: Sequence[Any]) -> int:
    """Return how many fields an odd dtype has on all levels, or a number above the limit.

    Fields may lie in the same place, and hold a dtype twice that holds another one twice, and so on. numpy goes through
    each of them to hash, to compare and to print the dtype. It does so for each item without size, too.
    """
    first = args[0] if args else None
    formats: Any = first.get("formats") if type(first) is dict else first[:1] if type(first) is tuple else [first]
    dtype = sys.modules["numpy"].dtype
    waiting = [(one, 1) for one in formats if isinstance(one, dtype)] if type(formats) in (list, tuple) else []
    found = max(len(waiting), 1)
    while waiting and found <= MOST_FIELDS:
        one, times = waiting.pop()
        if one.subdtype is not None:
            times *= 1 if one.itemsize else items_of(one.shape)
            found += times - 1
            one = one.base
        if one.names is not None:
            found += times * len(one.names)
            waiting += [(one.fields[name][0], times) for name in one.names]
    return found


def items_of(shape: Sequence[int]) -> int:
    """Return the items without size that numpy goes through in a sub-array, where one of the lengths may be 0."""
    return math.prod(max(length, 1) for length in shape)


def make_odd(args: tuple[Any, ...]) -> Any:
    """Make a dtype again, from the arguments that `reduce_odd` gives."""
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds arrays

    check(count(args) <= MOST_FIELDS, f"a dtype has at most {MOST_FIELDS:,} fields")
    match args:
        case ("|O",):
            return np.dtype(object)
        case ((base, shape),):
            check(isinstance(base, np.dtype) and type(shape) is tuple, "a sub-array has a dtype and a shape")
            check(
                len(shape) <= 32 and all(type(n) is int and 0 < n <= _LARGEST for n in shape), "the shape is too large"
            )
            # Items without size take time all the same, whenever somebody makes an array of them.
            most = _LARGEST if base.itemsize else MOST_FIELDS
            check(math.prod(shape) * max(base.itemsize, 1) <= most, "the shape is too large")
            return np.dtype((base, shape))
        case (base, False, False, metadata):
            check(isinstance(base, np.dtype) and type(metadata) is dict, "takes a dtype and its metadata")
            return np.dtype(base, metadata=metadata)
        case (described, bool() as align):
            _check_fields(described, np.dtype)
            return np.dtype(described, align)
    raise ValueError("takes the description of a dtype")


def _check_fields(described: Any, dtype: type) -> None:
    check(type(described) is dict and all(type(key) is str for key in described), "takes fields")
    check({*_FIELDS} - {"titles"} <= described.keys() <= _FIELDS.keys(), "takes fields")
    check(all(type(described[key]) is _FIELDS[key] for key in described), "takes lists of fields")
    check(len({len(part) for part in described.values() if type(part) is list}) == 1, "the lists have one length")
    check(all(type(name) is str for name in described["names"]), "the name of a field must be a text")
    check(all(type(title) in (str, type(None)) for title in described.get("titles", ())), "a title must be a text")
    numbers = [described["itemsize"], *described["offsets"]]
    check(all(type(n) is int and 0 <= n <= _LARGEST for n in numbers), "offsets and sizes must be whole numbers")
    for offset, field in zip(described["offsets"], described["formats"], strict=True):
        check(isinstance(field, dtype), "the format of a field must be a dtype")
        check(offset + field.itemsize <= described["itemsize"], "a field must lie within its structure")


# Arrays of objects


def make_reconstructed(args: tuple[Any, ...]) -> Any:
    """`numpy._core.multiarray._reconstruct(ndarray, (0,), b"b")`: the empty array that numpy's pickles give a state."""
    import numpy as np  # noqa: PLC0415 - only where a snapshot holds arrays

    cls, shape, kind = args
    # A subclass is one that the caller trusts.
    check(isinstance(cls, type) and issubclass(cls, np.ndarray), "takes a class of arrays")
    check(type(shape) is tuple and [*map(type, shape)] == [int] and shape == (0,), "takes the shape of an empty array")
    check(type(kind) in (bytes, str) and kind in (b"b", "b"), "takes the type of an empty array")
    reconstruct: Any = np.ndarray((0,), "b").__reduce__()[0]
    return reconstruct(cls, shape, kind)


def takes_state(array: Any, state: Any) -> bool:
    """Tell whether a state fits an array. An array without objects gets none: a view may look at its memory."""
    numpy = sys.modules["numpy"]
    if type(state) is not tuple or len(state) not in (4, 5) or type(state[-2]) not in (bool, int):
        return False
    shape, dtype, _, data = state[-4:]
    plain = type(shape) is tuple and len(shape) <= 32 and all(type(n) is int and 0 <= n < 1 << 40 for n in shape)
    if not plain or not isinstance(dtype, numpy.dtype) or not all(type(n) is int and n in (0, 1) for n in state[:-4]):
        return False
    if array.size and not array.dtype.hasobject:
        return False
    size = math.prod(shape)
    if not dtype.hasobject:
        # Of items without size there could be any number.
        if type(data) is not bytes or len(data) != size * dtype.itemsize or (size and not dtype.itemsize):
            return False
        return not size or has_characters(numpy.ndarray((size,), dtype, data))
    if type(data) is not list or len(data) != size:
        return False
    if dtype.kind == "T":  # texts of any length
        return all(type(item) in (str, float, type(None)) for item in data)
    return dtype.kind == "O" or _are_records(data, dtype)


def has_characters(array: Any) -> bool:
    """Tell whether all numbers in the texts of an array are characters. Python has no more room for one than that."""
    dtype = array.dtype
    if dtype.names is not None:
        return all(has_characters(array[name]) for name in dtype.names)
    if dtype.kind != "U" or not array.size or not dtype.itemsize:
        return True
    numbers = array.view([("text", f"{dtype.str[0]}u4", (dtype.itemsize // 4,))])["text"]
    return bool(numbers.max() <= sys.maxunicode)


def _are_records(data: list[Any], dtype: Any) -> bool:
    """Tell whether items fit a structure with objects. numpy would convert any other by methods of its class."""
    if dtype.names is None or not _are_simple(dtype):
        return False
    kinds = [_ITEMS[dtype[name].kind] for name in dtype.names]
    return all(
        type(item) is tuple
        and len(item) == len(kinds)
        and all(not kind or type(part) in kind for part, kind in zip(item, kinds, strict=True))
        for item in data
    )


def _are_simple(dtype: Any) -> bool:
    """Tell whether each field of a structure is a number that Python has, a text, bytes or an object."""
    fields = [dtype[name] for name in dtype.names]
    return all(field.kind in _ITEMS and field.char not in "gG" and not field.subdtype for field in fields)


_NUMBERS = (bool, int, float)
_ITEMS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys("biuf", _NUMBERS),
    "c": (*_NUMBERS, complex),
    "S": (bytes,),
    "U": (str,),
    "O": (),
}
