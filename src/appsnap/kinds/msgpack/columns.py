"""Operands and columns in msgpack, with local references: an object that is new in a file changes few bytes behind it.

A reference is written as a *distance*: from the register that the step makes or fills back to the register that the
operand stands for. A name has a number of its own, in the order of all names.

Operands stand in an array. A reference is an array of one distance, or an array that holds an array of the number of a
name. In the place of all operands there may be one array with a code and the fields of a column.
"""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any

from appsnap.limits import over
from appsnap.recipe import steps
from appsnap.recipe.runs import LEAST, MOST_MERGED, Merged, Same, Span
from appsnap.recipe.steps import Operand, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from appsnap.recipe.runs import Column

__all__ = ["Reader", "Writer", "too_many", "typed"]

_SPAN, _SAME, _REFERENCES, _MERGED = range(4)
"""The codes: a distance and a count; an operand and a count; a distance for each place; the order, and columns."""
_LONG = frozenset({str, bytes})
"""The types of operands that may be long in a file, because they stand there once for each use."""


class Writer:
    """Turns operands into arrays. `registers` is the number of registers that are written."""

    def __init__(self) -> None:
        self.registers = 0
        self._names: dict[int, int] = {}  # by register: the number of a name

    def name(self) -> None:
        """Note that the next register is that of a name."""
        self._names[self.registers] = len(self._names)

    def origin(self, ref: Ref) -> int:
        """Return the number of a class or function that has a name; else its distance, as a negative number."""
        return self._names.get(ref, ref - self.registers)

    def target(self, ref: int) -> int:
        """Return the distance of a register that is filled."""
        return self.registers - ref

    def operand(self, operand: Operand) -> Any:
        """Return one operand."""
        if type(operand) is not Ref:
            return operand
        name = self._names.get(operand)
        return [self.registers - operand] if name is None else [[name]]

    def operands(self, operands: Iterable[Operand]) -> list[Any]:
        """Return the operands of an ordinary step."""
        if type(operands) in (list, tuple):
            if Ref not in map(type, operands):
                return [*operands]
            if len(operands) < LEAST or len(set(map(type, operands))) > 1:  # type: ignore[arg-type]  # a list
                return [self.operand(x) if type(x) is Ref else x for x in operands]
        return self.column(operands, [self.registers] * len(operands))  # type: ignore[arg-type]  # a sequence

    def column(self, column: Any, places: Sequence[int]) -> list[Any]:
        """Return a column. `places` has for each operand the register that its distance begins at."""
        if isinstance(column, Span):
            return [[_SPAN, places[0] - column.first, column.length]]
        if isinstance(column, Same):
            return [[_SAME, self.operand(column.operand), column.length]]
        if isinstance(column, Merged):
            own = _places(column.order, len(column.columns), places)
            return [[_MERGED, column.order, *map(self.column, column.columns, own)]]
        kinds = set(map(type, column))
        if Ref not in kinds:
            return [*column]
        if len(kinds) == 1:
            return [[_REFERENCES, *map(operator.sub, places, column)]]
        return [self.operand(x) for x in column]


class Reader:
    """Turns arrays into operands. A malformed array is a ValueError, IndexError or TypeError.

    `registers` is the number of registers that are written. `most` bounds two numbers: that of steps, of which there is
    one for each array of the body, and that of operands that stand in no place of their own. A few bytes may
    stand for many of them.
    """

    def __init__(self, most: int, steps: int) -> None:
        self.registers = 0
        self._most = most
        self._steps = steps
        self._implied = 0  # operands
        self._named: list[Ref] = []  # by number: the registers of names

    def name(self) -> None:
        """Note that the next register is that of a name."""
        self._named.append(Ref(self.registers))

    def origin(self, number: Any) -> Ref:
        """Return the register of a class or a function."""
        if type(number) is int and number >= 0:
            return self._name(number)
        return self._register(typed(number, int) + self.registers)

    def target(self, distance: Any, count: int = 1) -> Ref:
        """Return the register that is filled, the first of so many."""
        first = self._register(self.registers - typed(distance, int))
        if first + count > self.registers:
            raise ValueError("more targets than there are registers")
        return first

    def operand(self, value: Any) -> Operand:
        """Return one operand."""
        if type(value) is list:
            (number,) = value
            if type(number) is list:
                (number,) = number
                return self._name(number)
            return self._register(self.registers - typed(number, int))
        if type(value) not in steps.ATOMS:
            raise ValueError(f"{type(value).__name__} as an operand")
        return value  # type: ignore[no-any-return]  # an atom

    def operands(self, values: Any) -> Sequence[Operand]:
        """Return the operands of an ordinary step."""
        if len(typed(values, list)) == 1 and type(values[0]) is list and len(values[0]) > 1:
            return self.column(values, None, None)
        if steps.ATOMS.issuperset(map(type, values)):
            return values  # type: ignore[no-any-return]  # atoms
        return [self.operand(value) if type(value) is list else _atom(value) for value in values]

    def column(self, values: Any, count: int | None, places: Sequence[int] | None) -> Column:
        """Return a column of so many operands. Without `places`, all distances begin at the next register."""
        found = self._column(values, places, nested=False)
        if count is not None and len(found) != count:
            raise ValueError("a column of another length")
        return found

    def _column(self, values: Any, places: Sequence[int] | None, *, nested: bool) -> Column:
        kinds = set(map(type, typed(values, list)))
        if kinds <= steps.ATOMS:
            return values  # type: ignore[no-any-return]  # atoms
        if len(values) > 1 or len(values[0]) == 1:
            return [self.operand(value) for value in values]
        code, *fields = values[0]
        typed(code, int)
        if code == _REFERENCES:
            if {*map(type, fields)} != {int}:
                raise ValueError("a distance that is no integer")
            starts = itertools.repeat(self.registers) if places is None else places
            found = [*map(operator.sub, starts, fields)]
            if len(found) != len(fields) or min(found) < 0 or max(found) >= self.registers:
                raise ValueError("a register that is not written yet")
            return [*map(Ref, found)]
        if code == _SPAN:
            distance, count = fields
            first = (places[0] if places else self.registers) - typed(distance, int)
            if first < 0 or self._counted(count) + first > self.registers:
                raise ValueError("a register that is not written yet")
            return Span(first, count)
        if code == _SAME:
            one, count = fields
            found_one = self.operand(one)
            steps.check_reference(found_one)
            if type(found_one) in _LONG and len(found_one) > steps.INLINE:  # type: ignore[arg-type]  # a text
                raise ValueError("a long text that stands for many operands")
            return Same(found_one, self._counted(count))
        if code == _MERGED and not nested:
            order, *parts = fields
            return self._merged(typed(order, bytes), parts, places)
        raise ValueError("a column of an unknown form")

    def _merged(self, order: bytes, parts: list[Any], places: Sequence[int] | None) -> Merged:
        long = places is not None and len(order) > len(places)
        if len(parts) > MOST_MERGED or not order or max(order) >= len(parts) or long:
            raise ValueError("a column of columns that are missing")
        columns = []
        own = itertools.repeat(None) if places is None else _places(order, len(parts), places)
        for number, (part, some) in enumerate(zip(parts, own, strict=False)):
            column = self._column(part, some, nested=True)
            if len(column) != order.count(number):
                raise ValueError("a column of another length")
            columns.append(column)
        return Merged(order, columns)

    def _counted(self, count: Any) -> int:
        """Return a count of operands that stand in no place of their own. Raises CannotLoad for too many."""
        if typed(count, int) < 1:
            raise ValueError("a count below 1")
        self._implied += count
        if self._implied > self._most:
            raise too_many(self._most)
        return count  # type: ignore[no-any-return]  # an integer

    def _name(self, number: Any) -> Ref:
        if not 0 <= typed(number, int) < len(self._named):
            raise ValueError(f"name number {number!r:.60} is not written yet")
        ref: Ref = self._named[number]
        return ref

    def _register(self, number: int) -> Ref:
        if not 0 <= number < self.registers:
            raise ValueError(f"register {number!r:.60} is not written yet")
        return Ref(number)


def _places(order: bytes, count: int, places: Sequence[int]) -> list[list[int]]:
    """Return the places of each of so many columns that are merged."""
    found: list[list[int]] = [[] for _ in range(count)]
    for number, place in zip(order, places, strict=False):
        found[number].append(place)
    return found


def too_many(most: int) -> Exception:
    """Return the error for a recipe of more than so many steps."""
    return over("steps", most, "the recipe is too long")


def _atom(value: Any) -> Any:
    if type(value) not in steps.ATOMS:
        raise ValueError(f"{type(value).__name__} as an operand")
    return value


def typed(value: Any, *types: type) -> Any:
    """Return a value of one of these exact types. Raises ValueError for any other."""
    if type(value) not in types:
        raise ValueError(f"{type(value).__name__} instead of {' or '.join(cls.__name__ for cls in types)}")
    return value
