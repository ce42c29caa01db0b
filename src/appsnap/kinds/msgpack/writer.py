"""Recipe to msgpack: each step as an array of its number and its fields. The numbers are those of `steps.FIELDS`.

Keys that are short texts are written once, and have a number from then on. A run has a number of its own, and behind it
the number of its steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack

from appsnap.kinds.large import MAY_BE_LARGE, MOST, Body, large
from appsnap.kinds.msgpack.columns import Writer
from appsnap.recipe import steps
from appsnap.recipe.runs import Run, registers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    from appsnap.kinds.large import Type
    from appsnap.recipe.steps import Recipe, Step

__all__ = ["CALL_WITH_KEYWORDS", "LARGE_DATA", "LONG_INTEGER", "NUMBERS", "encode", "have_number"]

CALL_WITH_KEYWORDS = 18
"""The number of a call with keywords. One without has the number of its step."""

LONG_INTEGER, LARGE_DATA = 1, 2
"""The types of extensions: an integer of more than 64 bits; and the number of large data, in the place of the data."""

_TEXT = frozenset({str})
_LETTERS = 16
"""Letters of a key with a number, on average. Hardly an attribute has a longer name."""


def encode(recipe: Recipe) -> tuple[Body, int]:
    """Return the body of a recipe, with its large data behind it; and the size of the body, without large data."""
    packer = msgpack.Packer(default=_long_integer, unicode_errors="surrogatepass", autoreset=False)
    packer.pack_array_header(len(recipe.compact) + 1)
    encoder, pack = StepEncoder(), packer.pack
    found: list[tuple[Buffer, Type]] = []
    for step in recipe.compact:
        cls = type(step)
        if cls in MAY_BE_LARGE and (data := large(step)) is not None and len(found) < MOST:
            is_bytes = cls is steps.Value
            pack((2 if is_bytes else 8, _extension(LARGE_DATA, len(found))))
            found.append((data, bytes if is_bytes else bytearray))
            encoder.registers += 1
        else:
            pack(encoder.array(step))
    pack([encoder.operand(recipe.root)])
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


class StepEncoder(Writer):
    """Turns steps into arrays, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[tuple[Any, ...], int] = {}  # of keys

    def array(self, step: Step | Run) -> Sequence[Any]:
        """Return the array of the next step."""
        cls = type(step)
        found = _ENCODERS[cls](self, step)
        self.registers += registers_of(step)
        return found

    def keys(self, keys: Sequence[Any]) -> Any:
        """Return keys, or the number that they have."""
        keys = tuple(keys)  # as a rule it is a tuple, which is not copied
        number = self._numbers.get(keys)
        if number is not None:
            return number
        if have_number(keys):
            self._numbers[keys] = len(self._numbers)
        return [self.operand(key) for key in keys]

    def _name(self, step: steps.Name) -> Sequence[Any]:
        self.name()
        return (1, step.module, step.qualname)

    def _new(self, step: steps.New) -> list[Any]:
        cls, args, names, values = step
        keywords = (self.keys(names), *self.operands(values)) if names else ()
        return [9, self.origin(cls), self.operands(args), *keywords]

    def _call(self, step: steps.Call) -> list[Any]:
        function, args, names, values = step
        if not names:
            return [10, self.origin(function), *self.operands(args)]
        return [
            CALL_WITH_KEYWORDS,
            self.origin(function),
            self.operands(args),
            self.keys(names),
            *self.operands(values),
        ]

    def _run(self, run: Run) -> list[Any]:
        sort, count, fields = run
        number = [17, NUMBERS[sort], count]
        if sort is steps.Value:
            return [*number, fields[0]]
        first = fields[0] if sort in steps.FILLERS else self.registers
        places = range(first, first + count)
        if sort is steps.SetState:
            return [*number, self.target(first), self.column(fields[1], places)]
        columns = [self.column(column, places) for column in fields[-1]]
        if sort is steps.New:
            keywords = (self.keys(fields[1]), *columns) if columns else ()
            return [*number, self.origin(fields[0]), *keywords]
        if sort is steps.Call:
            return [*number, self.origin(fields[0]), *columns]
        if sort is steps.State:
            return [*number, self.target(first), self.keys(fields[1]), *columns]
        return [*number, self.keys(fields[0]), *columns] if sort is steps.Dict else [*number, *columns]


NUMBERS = {step: number for number, step in enumerate(steps.FIELDS, 1)}
"""The numbers of the steps."""

_ENCODERS: dict[type, Callable[[StepEncoder, Any], Sequence[Any]]] = {
    steps.Name: StepEncoder._name,
    steps.Value: lambda _, s: (2, s.value),
    steps.Tuple: lambda e, s: [3, *e.operands(s.items)],
    steps.List: lambda e, s: [4, *e.operands(s.items)],
    steps.Dict: lambda e, s: [5, e.keys(s.keys), *e.operands(s.values)],
    steps.Set: lambda e, s: [6, *e.operands(s.items)],
    steps.FrozenSet: lambda e, s: [7, *e.operands(s.items)],
    steps.ByteArray: lambda _, s: (8, bytes(s.data)),
    steps.New: StepEncoder._new,
    steps.Call: StepEncoder._call,
    steps.Member: lambda e, s: [11, e.operand(s.owner), s.name],
    steps.Extend: lambda e, s: [12, e.target(s.target), *e.operands(s.items)],
    steps.Update: lambda e, s: [13, e.target(s.target), e.keys(s.keys), *e.operands(s.values)],
    steps.Add: lambda e, s: [14, e.target(s.target), *e.operands(s.items)],
    steps.State: lambda e, s: [15, e.target(s.target), e.keys(s.names), *e.operands(s.values)],
    steps.SetState: lambda e, s: [16, e.target(s.target), e.operand(s.state)],
    Run: StepEncoder._run,
}
