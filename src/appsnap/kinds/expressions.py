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

from appsnap.recipe import steps
from appsnap.recipe.steps import Field, Recipe, Ref, make_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["DEPTH", "WEIGHT", "Assign", "fold", "names"]

DEPTH = 12
"""Levels: what an expression may be nested. Python's own parser stops at about 100."""

WEIGHT = 2000
"""Atoms and steps: what one statement may have."""

FILLINGS = 8
"""Steps that may fill what stands where it is used: each is a level of the expression."""

_READING = frozenset({steps.New, steps.Call, steps.SetState})
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
        self._makers = [step for step in recipe.steps if type(step) in steps.MAKERS]
        self._refs: list[Sequence[Ref]] = []  # by step: the references among its operands, but for what it fills
        self._inline = self._find_inline()
        self._statements: list[Any] = []
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
        step: Any
        for number, step in enumerate(self._recipe.steps):
            if type(step) in steps.FILLERS:
                last[step[0]] = number
                fillings[step[0]] += 1
        apart = [count > FILLINGS for count in fillings]
        register = -1
        for number, step in enumerate(self._recipe.steps):
            cls = type(step)
            refs: Sequence[Ref] = ()
            for place in _OPERAND_LISTS[cls]:
                if Ref in map(type, step[place]):
                    refs = [*refs, *(x for x in step[place] if type(x) is Ref)]
            for place in _OPERANDS[cls]:
                if type(step[place]) is Ref:
                    refs = [*refs, step[place]]
            self._refs.append(refs)
            register += cls in steps.MAKERS
            if cls in _READING and any(last.get(x, -1) > number for x in refs):
                apart[step[0] if cls is steps.SetState else register] = True
            if cls in steps.FILLERS:
                target = step[0]
                if uses[target] or target in refs or (cls is steps.State and _KEPT.issubset(step[1])):
                    apart[target] = True
            for ref in refs:
                uses[ref] += 1
        if type(self._recipe.root) is Ref:
            uses[self._recipe.root] += 1
        return [
            type(step) is steps.Name or (count == 1 and not one_apart)
            for step, count, one_apart in zip(self._makers, uses, apart, strict=True)
        ]

    def fold(self) -> tuple[list[Any], Any]:
        register = 0
        step: Any
        for step, refs in zip(self._recipe.steps, self._refs, strict=True):
            cls = type(step)
            inline = [ref for ref in refs if self._inline[ref]]
            depth = weight = 1
            for place in _OPERAND_LISTS[cls]:
                weight += len(step[place])
            weight += len(_OPERANDS[cls])
            for ref in inline:
                depth = max(depth, 1 + self._depths.get(ref, 0))
                weight += self._weights.get(ref, 1) - 1
            folded = self._folded(step) if inline else step
            if cls in steps.FILLERS:
                self._fill(folded, depth, weight)
            else:
                self._make(folded, Ref(register), depth, weight)
                register += 1
        return self._statements, self._one(self._recipe.root)

    def _make(self, step: Any, register: Ref, depth: int, weight: int) -> None:
        """Keep a folded step, of this depth and weight with its operands, for where it is used; or make a statement."""
        if self._inline[register] and depth <= DEPTH and weight <= WEIGHT:
            self._open[register] = step
            self._depths[register], self._weights[register] = depth, weight
            return
        self._inline[register] = False
        if type(step) in steps.EMPTY and weight > WEIGHT:
            self._statements.append(Assign(register, steps.EMPTY[type(step)]))
            self._statements += self._pieces(steps.FILLED_BY[type(step)](register, *step))
        else:
            self._statements.append(make_step(Assign, (register, step)))

    def _fill(self, step: Any, depth: int, weight: int) -> None:
        """Put a folded step around what it fills, if that is kept; or make a statement."""
        target = step[0]
        if type(self._makers[target]) is steps.Name:
            self._statements += self._pieces(step._replace(target=self._makers[target]))
            return
        if target not in self._open:
            self._statements += self._pieces(step)
            return
        weight += self._weights[target]
        depth = max(depth, self._depths[target])
        if depth <= DEPTH and weight <= WEIGHT:
            self._open[target] = make_step(type(step), (self._open[target], *step[1:]))
            self._depths[target], self._weights[target] = depth, weight
            return
        self._inline[target] = False
        self._statements.append(Assign(target, self._open.pop(target)))
        self._statements += self._pieces(step)

    def _pieces(self, step: Any) -> Iterator[Any]:
        """Divide a long filling: each piece has a quarter of what one statement may have, or one item."""
        if isinstance(step, (steps.Extend, steps.Add)):
            for start, stop in _stretches([_weight(item) for item in step.items]):
                yield step._replace(items=step.items[start:stop])
        elif isinstance(step, steps.Update):
            weights = [_weight(key) + _weight(value) for key, value in zip(step.keys, step.values, strict=True)]
            for start, stop in _stretches(weights):
                yield step._replace(keys=step.keys[start:stop], values=step.values[start:stop])
        else:
            yield step

    # Operands

    def _one(self, operand: Any) -> Any:
        if type(operand) is not Ref:
            return operand
        if not self._inline[operand]:
            return operand
        if type(self._makers[operand]) is steps.Name:
            return self._makers[operand]
        return self._open.pop(operand)

    def _all(self, operands: Iterable[Any]) -> list[Any]:
        return [self._one(x) if type(x) is Ref else x for x in operands]

    def _folded(self, step: Any) -> Any:
        cls = type(step)
        fields = [*step]
        for place in _OPERANDS[cls]:
            fields[place] = self._one(fields[place])
        for place in _OPERAND_LISTS[cls]:
            fields[place] = self._all(fields[place])
        return make_step(cls, fields)


def _weight(value: Any) -> int:
    """Return the weight of something folded: `DEPTH` and `FILLINGS` bound how deep this goes down."""
    cls = type(value)
    if cls not in _OPERAND_LISTS or cls is steps.Name:
        return 1
    parts = [part for place in _OPERAND_LISTS[cls] for part in value[place]]
    parts += [value[place] for place in _OPERANDS[cls]]
    if cls in steps.FILLERS:
        parts.append(value[0])
    return 1 + sum(map(_weight, parts))


def _stretches(weights: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of stretches whose weights together are a quarter of `WEIGHT` at most, if not of one."""
    start = total = 0
    for at, weight in enumerate(weights):
        if at > start and total + weight > WEIGHT // 4:
            yield start, at
            start, total = at, 0
        total += weight
    if weights:
        yield start, len(weights)


_KEPT = frozenset({"name", "parent"})
_OPERAND_LISTS = steps.places(Field.ITEMS, Field.KEYS, Field.VALUES)
_OPERANDS = steps.places(Field.ORIGIN, Field.OPERAND)


def names(recipe: Recipe, registers: Iterable[Ref], taken: Iterable[str] = ()) -> dict[Ref, str]:
    """Return a name for each of the registers: that of the service, else that of its class. ASCII identifiers, all."""
    wanted = set(registers)
    own_names: dict[Ref, str] = {}
    makers = []
    for step in recipe.steps:
        if type(step) in steps.MAKERS:
            makers.append(step)
        elif isinstance(step, steps.State) and step.target in wanted and "name" in step.names:
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
    if isinstance(step, (steps.New, steps.Call)):
        origin = makers[step[0]]
        return origin.qualname.rpartition(".")[2] if isinstance(origin, steps.Name) else "made"
    return type(step).__name__


def _identifier(text: str) -> str:
    """Turn a text into an identifier: `Web-Server 2` into web_server_2. Empty where nothing is left of it."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    slug = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return f"n{slug}" if slug[:1].isdigit() else slug[:40]
