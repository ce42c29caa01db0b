"""A recipe as statements and expressions: the form of the kinds that people read.

An *expression* is a step in which an operand may be another expression instead of a register. A step that fills stands
for its target: `State(New(cls, ()), ("x",), (1,))` is a new object with its attributes.

A *statement* is an `Assignment`, which gives a name to the value of an expression, or an expression that fills a
register. A register is assigned before an expression refers to it. A `Name` has no statement: it stands in the
expressions that use it.

A statement is bounded. An expression of more than `DEPTH` levels or `WEIGHT` parts is assigned, and a long container is
filled in several statements. So a reader needs no deep recursion, and never all of a file at once.
"""

from __future__ import annotations

import keyword
import re
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.recipe import steps
from appsnap.recipe.steps import Field, Recipe, Ref, make_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["DEPTH", "WEIGHT", "Assignment", "expressions", "names"]

DEPTH = 12
"""Levels of one expression. Python's own parser takes 200 brackets in each other."""

WEIGHT = 2000
"""Atoms and steps of one statement."""

FILLINGS = 8
"""Steps that may fill an object within an expression. Each is a level of that."""

_PARTS = 8
"""Parts of an expression that its checksum is made of, on each level."""

_READING = frozenset({steps.New, steps.Call, steps.SetState})
"""Steps that may copy the content of their operands."""


class Assignment(NamedTuple):
    """A statement that gives a name to the value of an expression, which the register holds."""

    register: Ref
    value: Any


def expressions(recipe: Recipe) -> tuple[list[Any], Any]:
    """Return the statements of a recipe, and the expression of its root."""
    return _Nesting(recipe).nest()


class _Nesting:
    """Finds the registers that need no name, and puts their steps into the steps that use them."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._makers = [step for step in recipe.steps if type(step) in steps.MAKERS]
        self._refs: list[Sequence[Ref]] = []  # by step: the references among its operands, without its target
        self._inline = self._find_inline()
        self._statements: list[Any] = []
        self._states: dict[Ref, Any] = {}  # the attributes of objects with a variable
        self._open: dict[int, Any] = {}  # by register: the expression so far, until it is used
        self._in_order: list[int] = []  # registers of open calls that come before any statement behind them
        self._depths: dict[int, int] = {}
        self._weights: dict[int, int] = {}

    def _find_inline(self) -> list[bool]:
        """Tell of each register whether it needs no name.

        It needs none if one expression uses it, and all steps that fill it come before. It has a name nevertheless:

        * if it holds a service with a name of its own, or is filled more than `FILLINGS` times;
        * if it is made or filled from another register that is filled later: its expression would come later, and
          read the other one when that is filled.
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
            lists, ones, fills, reads = _PLANS[cls]
            refs: list[Ref] = []
            for place in lists:
                operands = step[place]
                if operands and Ref in map(type, operands):
                    refs += [x for x in operands if type(x) is Ref]
            for place in ones:
                if type(step[place]) is Ref:
                    refs.append(step[place])
            self._refs.append(refs)
            register += not fills
            if reads and any(last.get(x, -1) > number for x in refs):
                apart[step[0] if fills else register] = True
            if fills:
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

    def nest(self) -> tuple[list[Any], Any]:
        register = 0
        inline, depths, weights = self._inline, self._depths, self._weights
        step: Any
        for step, refs in zip(self._recipe.steps, self._refs, strict=True):
            lists, ones, fills, _ = _PLANS[type(step)]
            depth, weight = 1, 1 + len(ones)
            for place in lists:
                weight += len(step[place])
            nested = False
            for ref in refs:
                if inline[ref]:
                    nested = True
                    if ref in depths:
                        weight += weights[ref] - 1
                        if depths[ref] >= depth:
                            depth = 1 + depths[ref]
            expression = self._nested(step) if nested else step
            if fills:
                self._fill(expression, depth, weight)
            else:
                self._make(expression, Ref(register), depth, weight)
                register += 1
        return self._statements, self._one(self._recipe.root)

    def _make(self, step: Any, register: Ref, depth: int, weight: int) -> None:
        """Keep an expression of this depth and weight for its one use, or write an assignment."""
        if self._inline[register] and depth <= DEPTH and weight <= WEIGHT:
            self._open[register] = step
            self._depths[register], self._weights[register] = depth, weight
            if type(step) is steps.Call and step[0] == _SETS_NAMES:  # type: ignore[comparison-overlap]  # a nested step
                self._in_order.append(register)
            return
        self._inline[register] = False
        if self._in_order:
            self._keep_order()
        if type(step) in steps.EMPTY and weight > WEIGHT:
            self._statements.append(Assignment(register, steps.EMPTY[type(step)]))
            self._statements += self._pieces(steps.FILLED_BY[type(step)](register, *step))
        else:
            self._statements.append(make_step(Assignment, (register, step)))

    def _fill(self, step: Any, depth: int, weight: int) -> None:
        """Put a filling around the expression of its target, if that is kept, or write a statement."""
        target = step[0]
        if type(self._makers[target]) is steps.Name:
            self._statements += self._pieces(step._replace(target=self._makers[target]))
            return
        if target not in self._open:
            if self._in_order:
                self._keep_order()
            if type(step) is steps.State:
                self._states[target] = step
                self._statements.append(step)
            else:
                self._statements += self._pieces(step)
            return
        weight += self._weights[target]
        depth = max(depth, self._depths[target])
        if depth <= DEPTH and weight <= WEIGHT:
            self._open[target] = make_step(type(step), (self._open[target], *step[1:]))
            self._depths[target], self._weights[target] = depth, weight
            return
        self._inline[target] = False
        self._statements.append(Assignment(target, self._open.pop(target)))
        self._statements += self._pieces(step)

    def _keep_order(self) -> None:
        """Write a statement for each open call that has to come first: class statements need the names that it sets."""
        for register in self._in_order:
            if register in self._open:
                self._inline[register] = False
                self._statements.append(Assignment(Ref(register), self._open.pop(register)))
        self._in_order.clear()

    def _pieces(self, step: Any) -> Iterator[Any]:
        """Divide a long filling where its content says so: the same items are cut alike when others come or go."""
        if isinstance(step, (steps.Extend, steps.Add)):
            for start, stop in self._stretches([_weight(item) for item in step.items], step.items):
                yield step._replace(items=step.items[start:stop])
        elif isinstance(step, steps.Update):
            weights = [_weight(key) + _weight(value) for key, value in zip(step.keys, step.values, strict=True)]
            for start, stop in self._stretches(weights, step.keys):
                yield step._replace(keys=step.keys[start:stop], values=step.values[start:stop])
        else:
            yield step

    def _stretches(self, weights: Sequence[int], marks: Sequence[Any]) -> Iterator[tuple[int, int]]:
        """Yield begin and end of stretches. Each weighs at most half of `WEIGHT`, or has one item.

        A stretch of at least an eighth of `WEIGHT` ends behind an item whose key, or whose content, has a certain
        checksum. So a new item changes the stretch that it is in, and seldom the next.
        """
        start = total = 0
        for at, weight in enumerate(weights):
            if at > start and total + weight > WEIGHT // 2:
                yield start, at
                start, total = at, 0
            total += weight
            if total >= WEIGHT // 8 and at + 1 < len(weights) and self._checksum(marks[at]) % (WEIGHT // 16) < weight:
                yield start, at + 1
                start, total = at + 1, 0
        if start < len(weights):
            yield start, len(weights)

    def _checksum(self, value: Any) -> int:
        """Return a number for the content of an expression that doesn't depend on the rest of the file."""
        cls = type(value)
        if cls is Ref:
            value = self._states.get(value)  # of an object with a variable, as services are
            return 0 if value is None else self._checksum_of([x for x in value.values if type(x) is not Ref])
        if cls is steps.Value:
            value = value.value
            return zlib.crc32(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)
        if cls not in _OPERAND_LISTS or cls is steps.Name:
            return zlib.crc32(repr(value).encode("utf-8", "surrogatepass"))
        parts = [value[place] for place in _OPERANDS[cls]] + ([value[0]] if cls in steps.FILLERS else [])
        return self._checksum_of([*parts, *(part for place in _OPERAND_LISTS[cls] for part in value[place])])

    def _checksum_of(self, parts: Sequence[Any]) -> int:
        return zlib.crc32(repr([self._checksum(x) for x in parts[:_PARTS] if type(x) is not Ref]).encode())

    # Operands

    def _one(self, operand: Any) -> Any:
        if type(operand) is not Ref:
            return operand
        if not self._inline[operand]:
            return operand
        if type(self._makers[operand]) is steps.Name:
            return self._makers[operand]
        return self._open.pop(operand)

    def _nested(self, step: Any) -> Any:
        cls = type(step)
        fields = [*step]
        lists, ones, _, _ = _PLANS[cls]
        for place in ones:
            if type(fields[place]) is Ref:
                fields[place] = self._one(fields[place])
        for place in lists:
            fields[place] = [self._one(x) if type(x) is Ref else x for x in fields[place]]
        return make_step(cls, fields)


def _weight(value: Any) -> int:
    """Return the weight of an expression. `DEPTH` and `FILLINGS` bound the recursion."""
    cls = type(value)
    if cls not in _OPERAND_LISTS or cls is steps.Name:
        return 1
    parts = [part for place in _OPERAND_LISTS[cls] for part in value[place]]
    parts += [value[place] for place in _OPERANDS[cls]]
    if cls in steps.FILLERS:
        parts.append(value[0])
    return 1 + sum(map(_weight, parts))


_KEPT = frozenset({"name", "parent"})
_SETS_NAMES = steps.Name("appsnap.code", "names")
_OPERAND_LISTS = steps.places(Field.ITEMS, Field.KEYS, Field.VALUES)
_OPERANDS = steps.places(Field.ORIGIN, Field.OPERAND)
_PLANS = {cls: (_OPERAND_LISTS[cls], _OPERANDS[cls], cls in steps.FILLERS, cls in _READING) for cls in steps.FIELDS}
"""By step: the places of its operands, "does it fill?", "may it copy the content of its operands?"."""


def names(recipe: Recipe, registers: Iterable[Ref], taken: Iterable[str] = ()) -> dict[Ref, str]:
    """Return a name for each register: an ASCII identifier, from the name of the service or else from its class."""
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
            # The second web is web_2. The first list is list_1, because Python has a list.
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


_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")


def _identifier(text: str) -> str:
    """Turn a text into an identifier: `Web-Server 2` into web_server_2. Returns an empty text if nothing is left."""
    words = text if text.islower() else _CAPITAL.sub("_", text).lower()
    slug = _OTHER.sub("_", words).strip("_")
    return f"n{slug}" if slug[:1].isdigit() else slug[:40]
