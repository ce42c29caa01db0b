"""Runs and columns: many steps of one shape, each field with the operands of all steps in one piece.

A *run* stands for `length` steps of one sort in a row. A *column* has one operand for each step of a run. It is a list
of operands, or one of the three sequences here, which need no object for each operand. A column may also stand for the
items of one long list.

To make and to fill a thousand objects by a run takes a few calls of functions written in C.
"""

from __future__ import annotations

import collections
import functools
import itertools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.recipe import steps
from appsnap.recipe.steps import Operand, Ref, Step, make_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "COLUMNS",
    "LEAST",
    "MOST_MERGED",
    "OF_STATES",
    "RUNS",
    "Column",
    "Merged",
    "Run",
    "Same",
    "Slots",
    "Span",
    "containers",
    "registers_of",
    "rows",
    "rows_of",
    "set_items",
    "slots_of",
    "values_of",
]


LEAST = 8
"""The steps of the smallest run that a writer makes."""

MOST_MERGED = 256
"""The columns of the widest merged column: each has a number that is a byte."""


class _Compact(Sequence[Operand]):
    """The base of columns that aren't lists."""

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), self._fields()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._fields()!r}"

    def __getitem__(self, at: Any) -> Any:
        return [*self][at]


class Span(_Compact):
    """The registers from `first` on, `length` of them."""

    __slots__ = ("first", "length")

    def __init__(self, first: int, length: int) -> None:
        self.first, self.length = first, length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Ref]:
        return map(Ref, range(self.first, self.first + self.length))


class Same(_Compact):
    """One operand, `length` times."""

    __slots__ = ("length", "operand")

    def __init__(self, operand: Operand, length: int) -> None:
        self.operand, self.length = operand, length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Operand]:
        return itertools.repeat(self.operand, self.length)


class Merged(_Compact):
    """The operands of several columns. `order` has for each place the number of the column with the next operand."""

    __slots__ = ("columns", "order")

    def __init__(self, order: bytes, columns: Sequence[Column]) -> None:
        self.order, self.columns = order, tuple(columns)

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Operand]:
        return _merged(self.order, self.columns)


COLUMNS = (Span, Same, Merged)
"""The columns that aren't lists."""

Column = list[Operand] | Span | Same | Merged


def _merged(order: bytes, columns: Iterable[Iterable[Any]]) -> Iterator[Any]:
    iterators = [iter(column) for column in columns]
    return map(next, map(iterators.__getitem__, order))


class Run(NamedTuple):
    """`length` steps of the sort `step`, which is one of `RUNS`. `fields` are those of the steps, by position.

    Operands that each step has for itself are columns: one for each item of a container, each value, each attribute.
    The class of objects, the function that is called, and the keys of dictionaries, attributes and keywords are the
    same in all steps. The steps that fill have targets in a row, of which the field has the first.
    """

    step: type
    length: int
    fields: tuple[Any, ...]

    @property
    def columns(self) -> Sequence[Column]:
        """The columns."""
        own = self.fields[-1]
        return own if type(own) is tuple else (own,)

    @property
    def registers(self) -> int:
        """The number of registers that the run writes."""
        return self.length if self.step in steps.MAKERS else 0

    def expanded(self) -> Iterable[Step]:
        """Return the ordinary steps that the run stands for."""
        sort, length, fields = self
        make = functools.partial(make_step, sort)
        if sort is steps.New:
            cls, names, columns = fields
            return map(
                make, zip(itertools.repeat(cls), itertools.repeat(()), itertools.repeat(names), rows(columns, length))
            )
        if sort is steps.Value:
            return map(make, zip(fields[0]))
        targets = map(Ref, range(fields[0], fields[0] + length)) if sort in steps.FILLERS else ()
        if sort is steps.SetState:
            return map(make, zip(targets, fields[1], strict=True))
        if sort is steps.State:
            return map(make, zip(targets, itertools.repeat(fields[1]), rows(fields[2], length)))
        if sort is steps.Dict:
            return map(make, zip(itertools.repeat(fields[0]), rows(fields[1], length)))
        if sort is steps.Call:
            nothing = itertools.repeat(())
            return map(make, zip(itertools.repeat(fields[0]), rows(fields[1], length), nothing, nothing))
        return map(make, zip(rows(fields[0], length)))


def registers_of(step: Step | Run) -> int:
    """Return the number of registers that a step writes."""
    return step.registers if isinstance(step, Run) else type(step) in steps.MAKERS


RUNS = frozenset(
    {
        *(steps.Value, steps.Tuple, steps.List, steps.Dict, steps.Set, steps.FrozenSet, steps.New),
        *(steps.Call, steps.State, steps.SetState),
    }
)
"""The steps of which there are runs. A `New` in a run has keywords alone, a `Call` has none."""


def rows(columns: Sequence[Iterable[Any]], length: int) -> Iterable[tuple[Any, ...]]:
    """Return the rows of columns: a tuple of operands, or values, for each step."""
    return zip(*columns, strict=True) if columns else itertools.repeat((), length)


def values_of(column: Column, registers: list[Any]) -> Iterable[Any]:
    """Return the values of the operands of a column. `registers` has the content of each register."""
    if isinstance(column, Span):
        return registers[column.first : column.first + column.length]
    if isinstance(column, Same):
        one = column.operand
        return itertools.repeat(registers[one] if type(one) is Ref else one, column.length)
    if isinstance(column, Merged):
        return _merged(column.order, [values_of(part, registers) for part in column.columns])
    types = set(map(type, column))
    if Ref not in types:
        return column
    if len(types) == 1:
        return map(registers.__getitem__, column)  # type: ignore[arg-type]  # all are references
    return [registers[x] if type(x) is Ref else x for x in column]


OF_STATES = frozenset({steps.Tuple, steps.Dict})
"""The steps that make a state with slots."""


class Slots(NamedTuple):
    """The slots of the objects of a run: their names, and the register of the first dictionary with their values."""

    names: Sequence[str]
    first: int


def slots_of(run: Run, made: Mapping[int, Run]) -> Slots | None:
    """Return the slots that a run of `SetState` sets, if each state is a pair of None and a dictionary of a run.

    `made` has the runs of tuples and dictionaries, by their first register.
    """
    states = run.fields[1]
    pairs = made.get(states.first) if isinstance(states, Span) else None
    if pairs is None or pairs.step is not steps.Tuple or pairs.length != run.length or len(pairs.columns) != 2:
        return None
    attributes, slots = pairs.columns
    found = made.get(slots.first) if isinstance(slots, Span) else None
    alone = isinstance(attributes, Same) and attributes.operand is None
    if not alone or found is None or found.step is not steps.Dict or found.length != run.length:
        return None
    return Slots(found.fields[0], slots.first)  # type: ignore[union-attr]  # a span


def rows_of(columns: Sequence[Column], registers: list[Any], length: int) -> Iterable[tuple[Any, ...]]:
    """Return the values of the operands of columns, in rows."""
    return rows([values_of(column, registers) for column in columns], length)


def containers(run: Run, registers: list[Any]) -> Iterable[Any]:
    """Return the containers that a run makes, and the texts and byte strings of a run of `Value`."""
    sort, length, fields = run
    if sort is steps.Value:
        return fields[0]  # type: ignore[no-any-return]  # a list
    if sort is steps.Dict:
        columns = [values_of(column, registers) for column in fields[1]]
        made = [*map(dict.copy, itertools.repeat(dict.fromkeys(fields[0]), length))]
        set_items(made, fields[0], columns)
        return made
    return map(_CONTAINERS[sort], rows_of(fields[0], registers, length))


def set_items(dictionaries: Sequence[dict[str, Any]], keys: Iterable[str], columns: Iterable[Iterable[Any]]) -> None:
    """Set items of dictionaries, by column: half of the time that a call of `update` takes for each dictionary."""
    for key, column in zip(keys, columns, strict=True):
        collections.deque(map(operator.setitem, dictionaries, itertools.repeat(key), column), 0)


_CONTAINERS: dict[type, Any] = {steps.Tuple: tuple, steps.List: list, steps.Set: set, steps.FrozenSet: frozenset}
