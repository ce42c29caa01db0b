"""The parts of a recipe, and what refers to what: for looks that go forth and back.

A *part* is a step or a run. A part may *fill* others: the steps that fill, and each call that nothing uses the result
of, if its first argument was made before. Such a call gives that its state.
"""

from __future__ import annotations

import functools
import itertools
from array import array
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.runs import Merged, Run, Same, Span, registers_of
from appsnap.recipe.steps import Name, Operand, Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from appsnap.recipe.runs import Column
    from appsnap.recipe.steps import Step

__all__ = ["Parts", "references"]


class Parts:
    """The parts of a recipe.

    `starts` has, for each part, the register that it makes, or else the next one. `places` has the number of the part
    for each register. `names` has the names, by register.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.root = recipe.root
        self.parts = recipe.compact
        sizes = [*map(registers_of, self.parts)] if recipe.has_runs else [type(x) in steps.MAKERS for x in self.parts]
        self.starts = array("q", itertools.accumulate(sizes, initial=0))
        self.places = array("q", itertools.chain.from_iterable(map(itertools.repeat, itertools.count(), sizes)))
        self.names = {self.starts[at]: part for at, part in enumerate(self.parts) if isinstance(part, Name)}
        self._pairs: dict[Operand, dict[Any, Operand]] = {}

    def step(self, operand: Operand) -> Any:
        """Return the step that makes the register of an operand, or None for an atom."""
        if type(operand) is not Ref:
            return None
        place = self.places[operand]
        part = self.parts[place]
        if isinstance(part, Run):
            return next(itertools.islice(part.expanded(), operand - self.starts[place], None))
        return part

    def origin(self, register: Ref) -> Ref | None:
        """Return the register of the class or function that made a register."""
        part: Any = self.parts[self.places[register]]
        if isinstance(part, Run):
            return part.fields[0] if part.step in (steps.New, steps.Call) else None
        return part[0] if isinstance(part, (steps.New, steps.Call)) else None

    def plain(self, operand: Operand) -> Any:
        """Return an atom or a long text, or None for anything else."""
        if type(operand) is not Ref:
            return operand
        made = self.step(operand)
        return made.value if isinstance(made, steps.Value) and type(made.value) is str else None

    def pairs(self, operand: Operand) -> dict[Any, Operand]:
        """Return the items of a dictionary with plain keys, or nothing for anything else."""
        if type(operand) is not Ref:
            return {}
        if operand not in self._pairs:
            made = self.step(operand)
            pairs = zip(made.keys, made.values, strict=True) if isinstance(made, steps.Dict) else ()
            self._pairs[operand] = {self.plain(key): value for key, value in pairs}
        return self._pairs[operand]

    def calls(self) -> Iterator[tuple[Ref, str, steps.Call]]:
        """Yield the calls, without keywords, of functions with a name: the register, the name, and the step."""
        for place, part in enumerate(self.parts):
            if isinstance(part, steps.Call) and not part.names and part.function in self.names:
                yield Ref(self.starts[place]), self.names[part.function].dotted, part

    @functools.cached_property
    def _used(self) -> bytearray:
        """For each register, whether something refers to it."""
        used = bytearray(self.starts[-1])
        for part in self.parts:
            for register in references(part):
                used[register] = 1
        if type(self.root) is Ref:
            used[self.root] = 1
        return used

    def is_setter(self, place: int) -> bool:
        """Tell whether a part is a call that gives its first argument a state."""
        part = self.parts[place]
        if not isinstance(part, steps.Call) or not part.args or self._used[self.starts[place]]:
            return False
        return type(part.args[0]) is Ref and part.args[0] not in self.names

    @functools.cached_property
    def fillers(self) -> dict[int, list[int]]:
        """The parts that fill a part, by its number."""
        found: dict[int, list[int]] = {}
        part: Any
        for place, part in enumerate(self.parts):
            cls = type(part)
            if cls in steps.FILLERS:
                if type(part[0]) is Ref:
                    found.setdefault(self.places[part[0]], []).append(place)
            elif cls is Run and part.step in steps.FILLERS:
                first = part.fields[0]
                for target in range(self.places[first], self.places[first + part.length - 1] + 1):
                    found.setdefault(target, []).append(place)
            elif cls is steps.Call and self.is_setter(place):
                found.setdefault(self.places[part.args[0]], []).append(place)
        return found


def references(part: Step | Run) -> Sequence[int]:
    """Return the registers that a part refers to."""
    one: Any = part
    cls = type(part)
    if cls is steps.State:
        return [one[0], *(x for x in one[2] if type(x) is Ref)] if type(one[0]) is Ref else _of_step(one)
    if cls is steps.List or cls is steps.Tuple:
        return [x for x in one[0] if type(x) is Ref]
    return [*_of_run(one)] if cls is Run else _of_step(one)


def _of_step(step: Step) -> list[int]:
    return [operand for operand in steps.operands(step) if type(operand) is Ref]


def _of_run(run: Run) -> Iterator[int]:
    if run.step in steps.FILLERS:
        yield from range(run.fields[0], run.fields[0] + run.length)
    elif run.step in (steps.New, steps.Call):
        yield run.fields[0]
    for column in run.columns if run.step is not steps.Value else ():
        yield from _of_column(column)


def _of_column(column: Column) -> Iterable[int]:
    if isinstance(column, Merged):
        return itertools.chain.from_iterable(map(_of_column, column.columns))
    if isinstance(column, Span):
        return range(column.first, column.first + column.length)
    if isinstance(column, Same):
        return [column.operand] if type(column.operand) is Ref else ()
    return (operand for operand in column if type(operand) is Ref)
