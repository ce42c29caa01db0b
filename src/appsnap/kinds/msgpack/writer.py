"""Recipe to msgpack: each step as an array of its number and its fields. The numbers are those of `steps.FIELDS`.

In a field for registers only, a register is an integer. In other fields it is an array of one integer. Keys that are
short texts are written once, and have a number from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack

from appsnap.kinds.large import MAY_BE_LARGE, MOST, Body, large
from appsnap.recipe import steps
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    from appsnap.kinds.large import Type

__all__ = ["LARGE_DATA", "LONG_INTEGER", "encode", "have_number"]

LONG_INTEGER, LARGE_DATA = 1, 2
"""The types of extensions: an integer of more than 64 bits; and the number of large data, in the place of the data."""

_TEXT = frozenset({str})
_LETTERS = 16
"""Letters of a key with a number, on average. Hardly an attribute has a longer name."""


def encode(recipe: Recipe) -> tuple[Body, int]:
    """Return the body of a recipe, with its large data behind it; and the size of the body, without large data."""
    packer = msgpack.Packer(default=_long_integer, unicode_errors="surrogatepass", autoreset=False)
    packer.pack_array_header(len(recipe.steps) + 1)
    encoder, pack = StepEncoder(), packer.pack
    found: list[tuple[Buffer, Type]] = []
    for step in recipe.steps:
        cls = type(step)
        if cls in MAY_BE_LARGE and (data := large(step)) is not None and len(found) < MOST:
            is_bytes = cls is steps.Value
            pack((2 if is_bytes else 8, _extension(LARGE_DATA, len(found))))
            found.append((data, bytes if is_bytes else bytearray))
        else:
            pack(_ENCODERS[cls](encoder, step))
    pack(_packed([recipe.root]))
    body = Body([packer.bytes()])
    size = body.size
    for data, data_type in found:
        body.add(bytes(body.gap()))
        body.add_large(data, data_type)
    return body, size


def have_number(keys: tuple[Any, ...]) -> bool:
    """Tell whether keys have a number: they are texts, and short on average.

    A number takes a byte or a few, and so may each value. But readers show the keys in full at each use, and so do the
    writers of other kinds.
    """
    return _TEXT.issuperset(map(type, keys)) and sum(map(len, keys)) <= _LETTERS * len(keys)


def _long_integer(value: int) -> msgpack.ExtType:
    return _extension(LONG_INTEGER, value)


def _extension(code: int, value: int) -> msgpack.ExtType:
    return msgpack.ExtType(code, value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True))


def _packed(operands: Sequence[Any]) -> list[Any]:
    return [[x] if type(x) is Ref else x for x in operands]


class StepEncoder:
    """Turns steps into arrays, one after the other."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}  # of keys

    def _keys(self, keys: Sequence[Any]) -> Any:
        keys = tuple(keys)  # as a rule it is a tuple, which is not copied
        number = self._numbers.get(keys)
        if number is not None:
            return number
        if have_number(keys):
            self._numbers[keys] = len(self._numbers)
        return _packed(keys)

    def _new(self, step: steps.New) -> list[Any]:
        cls, args, names, values = step
        keywords = (self._keys(names), *_packed(values)) if names else ()
        return [9, cls, _packed(args), *keywords]

    def _dict(self, step: steps.Dict) -> list[Any]:
        return [5, self._keys(step.keys), *_packed(step.values)]

    def _update(self, step: steps.Update) -> list[Any]:
        return [13, step.target, self._keys(step.keys), *_packed(step.values)]

    def _state(self, step: steps.State) -> list[Any]:
        target, names, values = step
        return [15, target, self._keys(names), *_packed(values)]


_ENCODERS: dict[type, Callable[[StepEncoder, Any], Sequence[Any]]] = {
    steps.Name: lambda _, s: (1, s.module, s.qualname),
    steps.Value: lambda _, s: (2, s.value),
    steps.Tuple: lambda _, s: [3, *_packed(s.items)],
    steps.List: lambda _, s: [4, *_packed(s.items)],
    steps.Dict: StepEncoder._dict,
    steps.Set: lambda _, s: [6, *_packed(s.items)],
    steps.FrozenSet: lambda _, s: [7, *_packed(s.items)],
    steps.ByteArray: lambda _, s: (8, bytes(s.data)),
    steps.New: StepEncoder._new,
    steps.Call: lambda _, s: [10, s.function, *_packed(s.args)],
    steps.Member: lambda _, s: [11, *_packed(s[:1]), s.name],
    steps.Extend: lambda _, s: [12, s.target, *_packed(s.items)],
    steps.Update: StepEncoder._update,
    steps.Add: lambda _, s: [14, s.target, *_packed(s.items)],
    steps.State: StepEncoder._state,
    steps.SetState: lambda _, s: [16, s.target, *_packed(s[1:])],
}
