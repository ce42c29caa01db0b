"""Recipe to statements, as people write them: what is used once stands where it is used, all else has a name.

In a folded step an operand may be another step, which stands for what it makes; a step that fills stands for its
target, so that `State(New(cls, ()), ("x",), (1,))` is a new object with its attributes. Names (`Name`) always stand
where they are used. A `Ref` is to a register whose statement came before.

A statement is bounded: what is nested deeper than `DEPTH` or has more than `WEIGHT` parts is given a name, and a long
container is filled in several statements. So a reader never needs deep recursion, or all of a file at once.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.recipe.steps import (
    MAKERS,
    Add,
    Call,
    Dict,
    Extend,
    List,
    Name,
    New,
    Recipe,
    Ref,
    Set,
    SetState,
    State,
    Step,
    Update,
    operands,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["DEPTH", "WEIGHT", "Assign", "fold", "names"]

DEPTH = 12
"""Levels: what an expression may be nested. Python's own parser stops at about 100."""

WEIGHT = 2000
"""Atoms and steps: what one statement may have."""

FILLINGS = 8
"""Steps that may fill what stands where it is used: each is a level of the expression."""

_FILLERS = frozenset({Extend, Update, Add, State, SetState})
_READING = frozenset({New, Call, SetState})
"""They may take over what is in their operands."""


class Assign(NamedTuple):
    """A statement that gives a register to what a folded step makes."""

    register: Ref
    step: Any


def fold(recipe: Recipe) -> tuple[list[Any], Any]:
    """Return the statements of a recipe - `Assign`s, and folded steps that fill a register - and the folded root."""
    return _Folder(recipe).fold()


class _Folder:
    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._makers = [step for step in recipe.steps if type(step) in MAKERS]
        self._inline = self._find_inline()
        self._open: dict[int, Any] = {}  # by register: the folded step so far, of what is inline
        self._depths: dict[int, int] = {}
        self._weights: dict[int, int] = {}

    def _find_inline(self) -> list[bool]:
        """Tell which registers may stand where they are used: that is one place, and all filling comes before it.

        A service with a name keeps it, and has a statement of its own; so has what is filled often, and what is made
        or filled from something that is filled later, because it would be made then.
        """
        uses = [0] * len(self._makers)
        fillings = [0] * len(self._makers)
        last: dict[int, int] = {}  # by register: the number of the last step that fills it
        for number, step in enumerate(self._recipe.steps):
            if type(step) in _FILLERS:
                target: Any = step[0]
                last[target] = number
                fillings[target] += 1
        apart = [count > FILLINGS for count in fillings]
        register = -1
        for number, step in enumerate(self._recipe.steps):
            operands_: list[Any] = operands(step)
            register += type(step) in MAKERS
            if type(step) in _READING and any(type(x) is Ref and last.get(x, -1) > number for x in operands_[1:]):
                apart[step[0] if type(step) is SetState else register] = True
            if type(step) in _FILLERS:
                target = operands_.pop(0)
                itself = any(type(operand) is Ref and operand == target for operand in operands_)
                if uses[target] or itself or (isinstance(step, State) and {"name", "parent"}.issubset(step.names)):
                    apart[target] = True
            for operand in operands_:
                if type(operand) is Ref:
                    uses[operand] += 1
        if type(self._recipe.root) is Ref:
            uses[self._recipe.root] += 1
        return [
            type(step) is Name or (count == 1 and not one_apart)
            for step, count, one_apart in zip(self._makers, uses, apart, strict=True)
        ]

    def fold(self) -> tuple[list[Any], Any]:
        statements: list[Any] = []
        register = 0
        for step in self._recipe.steps:
            if type(step) in _FILLERS:
                statements += self._fill(step)
            else:
                statements += self._make(step, Ref(register))
                register += 1
        return statements, self._one(self._recipe.root)

    def _make(self, step: Step, register: Ref) -> Iterator[Any]:
        folded = self._folded(step)
        depth, weight = self._measure(operands(step))
        if self._inline[register] and depth <= DEPTH and weight <= WEIGHT:
            self._open[register] = folded
            self._depths[register], self._weights[register] = depth, weight
            return
        self._inline[register] = False
        if type(step) in _EMPTY and weight > WEIGHT:
            yield Assign(register, _EMPTY[type(step)])
            yield from self._pieces(_FILLER_OF[type(step)](register, folded))
        else:
            yield Assign(register, folded)

    def _fill(self, step: Any) -> Iterator[Any]:
        target = step.target
        depth, weight = self._measure(operands(step)[1:])
        folded = self._folded(step)
        if type(self._makers[target]) is Name:
            yield from self._pieces(folded._replace(target=self._makers[target]))
            return
        if target not in self._open:
            yield from self._pieces(folded)
            return
        weight += self._weights[target]
        depth = max(depth, self._depths[target])
        if depth <= DEPTH and weight <= WEIGHT:
            self._open[target] = folded._replace(target=self._open[target])
            self._depths[target], self._weights[target] = depth, weight
            return
        self._inline[target] = False
        yield Assign(target, self._open.pop(target))
        yield from self._pieces(folded)

    def _measure(self, parts: Iterable[Any]) -> tuple[int, int]:
        """Return depth and weight of a step that has these operands."""
        depth = weight = 1
        for part in parts:
            if type(part) is not Ref:
                weight += 1
            elif self._inline[part]:
                depth = max(depth, 1 + self._depths.get(part, 0))
                weight += self._weights.get(part, 1)
            else:
                weight += 1
        return depth, weight

    def _pieces(self, step: Any) -> Iterator[Any]:
        """Divide a long filling."""
        if isinstance(step, (Extend, Add)):
            for start in range(0, len(step.items), WEIGHT // 4):
                yield step._replace(items=step.items[start : start + WEIGHT // 4])
        elif isinstance(step, Update):
            for start in range(0, len(step.keys), WEIGHT // 8):
                stop = start + WEIGHT // 8
                yield step._replace(keys=step.keys[start:stop], values=step.values[start:stop])
        else:
            yield step

    # Operands

    def _one(self, operand: Any) -> Any:
        if type(operand) is not Ref:
            return operand
        if not self._inline[operand]:
            return operand
        if type(self._makers[operand]) is Name:
            return self._makers[operand]
        return self._open.pop(operand)

    def _folded(self, step: Any) -> Any:
        fields = {}
        for field, value in zip(step._fields, step, strict=True):
            if field in _OPERAND_LISTS:
                fields[field] = [self._one(operand) for operand in value]
            elif field in _OPERANDS:
                fields[field] = self._one(value)
        return step._replace(**fields) if fields else step


_OPERAND_LISTS = frozenset({"items", "keys", "values", "args"})
_OPERANDS = frozenset({"cls", "function", "owner", "state"})
_EMPTY: dict[type, Step] = {List: List(()), Dict: Dict((), ()), Set: Set(())}
_FILLER_OF: dict[type, Callable[[Ref, Any], Any]] = {
    List: lambda target, step: Extend(target, step.items),
    Dict: lambda target, step: Update(target, step.keys, step.values),
    Set: lambda target, step: Add(target, step.items),
}


def names(recipe: Recipe, registers: Iterable[Ref], taken: Iterable[str] = ()) -> dict[Ref, str]:
    """Return a name for each of the registers: that of the service, else that of its class. ASCII identifiers, all."""
    wanted = set(registers)
    own_names: dict[Ref, str] = {}
    makers = []
    for step in recipe.steps:
        if type(step) in MAKERS:
            makers.append(step)
        elif isinstance(step, State) and step.target in wanted and "name" in step.names:
            name = step.values[list(step.names).index("name")]
            if type(name) is str:
                own_names[step.target] = name
    used = {*taken, *keyword.kwlist, *keyword.softkwlist}
    reserved = frozenset(used)
    counts: dict[str, int] = {}
    found = {}
    for register in sorted(wanted):
        own_name = _identifier(own_names.get(register, ""))
        stem = own_name or _identifier(_class_name(makers, makers[register])) or "made"
        name = stem
        while name in used:
            # The second web is web_2; the first list is list_1, because list is Python's own.
            counts[stem] = counts.get(stem, 0 if stem in reserved else 1) + 1
            name = f"{stem}_{counts[stem]}"
        used.add(name)
        found[register] = name
    return found


def _class_name(makers: list[Any], step: Any) -> str:
    if isinstance(step, (New, Call)):
        origin = makers[step[0]]
        return origin.qualname.rpartition(".")[2] if isinstance(origin, Name) else "made"
    return type(step).__name__


def _identifier(text: str) -> str:
    """Turn a text into an identifier: `Web-Server 2` into web_server_2. Empty where nothing is left of it."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    slug = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return f"n{slug}" if slug[:1].isdigit() else slug[:40]
