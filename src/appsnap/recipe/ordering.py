"""The ordinary order of the steps of a recipe: each thing right before the first step that needs it.

The steps of columns come in another order: all objects of a run, then their parts, then all their states. A text of
such a recipe would be hard to read. `in_order` puts off each step until another one needs it.

Some steps are *fixed*, and keep their order. Calls, members and states of any shape are fixed, because they run code. A
step that fills something is fixed if a fixed step, or the hash of a key, reads the content.
"""

from __future__ import annotations

import bisect
import operator
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.steps import Field, Recipe, Ref, make_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appsnap.recipe.steps import Step

__all__ = ["in_order"]

_RUNS = frozenset({steps.Call, steps.Member, steps.SetState})
_KEYS = steps.places(Field.KEYS)
_LISTS = steps.places(Field.ITEMS, Field.KEYS, Field.VALUES)
_ONES = steps.places(Field.TARGET, Field.ORIGIN, Field.OPERAND)


def in_order(recipe: Recipe) -> Recipe:
    """Return a recipe of the same steps in the ordinary order. It makes the same objects.

    A recipe with steps that can't be put off is returned as it is.
    """
    ordering = _Ordering(recipe)
    try:
        ordering.run()
    except _Circle:
        return recipe
    return ordering.recipe()


class _Circle(Exception):
    """A step needs itself, because steps that come later in the recipe are taken first."""


class _Ordering:
    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._makers: list[int] = []  # by register: the number of the step that makes it
        self._fillers: list[list[int]] = []  # by register: the steps that fill it
        self._operands: list[list[Ref]] = []  # by step, in the order in which they are made
        for number, step in enumerate(recipe.steps):
            if type(step) in steps.MAKERS:
                self._makers.append(number)
                self._fillers.append([])
            else:
                target: Any = step[0]
                self._fillers[target].append(number)
            operands = [x for x in steps.operands(step) if type(x) is Ref]
            # `RecipeBuilder` makes the names among the operands last.
            operands.sort(key=lambda x: type(recipe.steps[self._makers[x]]) is steps.Name)
            self._operands.append(operands)
        self._fixed = self._find_fixed()
        self._is_fixed = frozenset(self._fixed)
        self._next_fixed = 0
        self._running: list[int] = []  # fixed steps whose operands are being made
        self._begun = [0] * len(recipe.steps)  # by step: its place among those that are begun, from 1 on
        self._last_begun = 0
        self._done = [False] * len(recipe.steps)
        self._filled = [0] * len(self._makers)  # by register: how many of its fillers are done
        self._waiting: dict[int, dict[int, None]] = {}  # by step: registers to fill after it
        self._awaits: dict[int, int] = {}  # by filler: the maker of an operand that it waits for
        self._order: list[int] = []

    def _find_fixed(self) -> list[int]:
        """Return the numbers of the steps that keep their order."""
        all_steps: Any = self._recipe.steps
        settled: list[bool] = []  # by register: nothing in it is filled later
        for register, number in enumerate(self._makers):
            settled.append(not self._fillers[register] and all(settled[x] for x in self._operands[number]))
        fixed = set()
        read: list[int] = []  # registers whose content is read
        for number, step in enumerate(all_steps):
            cls = type(step)
            keys = [x for place in _KEYS[cls] for x in step[place] if type(x) is Ref and not settled[x]]
            if cls in _RUNS or (cls is steps.New and (step.args or step.names)):
                fixed.add(number)
                read += self._operands[number] if cls is not steps.Member else ()
            elif keys:
                fixed.add(number)
                read += keys
        seen = set()
        while read:
            register = read.pop()
            if register in seen or settled[register]:
                continue
            seen.add(register)
            for number in (self._makers[register], *self._fillers[register]):
                read += self._operands[number]
            fixed.update(self._fillers[register])
        return sorted(fixed)

    def run(self) -> None:
        """Find the order. Each frame of the stack yields the frames that have to come before it goes on."""
        stack = [self._all()]
        while stack:
            frame = next(stack[-1], None)
            if frame is None:
                stack.pop()
            else:
                stack.append(frame)

    def _all(self) -> Iterator[Any]:
        if type(self._recipe.root) is Ref:
            yield self._register(self._recipe.root)
        for register in range(len(self._makers)):
            yield self._register(register)

    def _register(self, register: int) -> Iterator[Any]:
        """Make what a register holds, and fill it."""
        maker = self._makers[register]
        if not self._begun[maker]:
            yield self._step(maker)
        fillers = self._fillers[register]
        while self._done[maker] and self._filled[register] < len(fillers):
            number = fillers[self._filled[register]]
            if self._begun[number]:
                return
            awaited = self._awaited(number)
            if awaited is not None:
                self._waiting.setdefault(awaited, {})[register] = None
                return
            yield self._step(number)

    def _awaited(self, number: int) -> int | None:
        """Return the step that a filler has to wait for, because its own operands are being made."""
        # Fixed steps whose operands are being made need each other: each comes before those that were begun earlier.
        earlier = bisect.bisect_right(self._running, -number, key=operator.neg)
        if earlier < len(self._running):
            return self._running[earlier]
        # Many steps may refer to what waits, and what waits may have many operands.
        known = self._awaits.get(number)
        if known is not None and not self._done[known]:
            return known
        makers = [self._makers[operand] for operand in self._operands[number]]
        open_makers = [maker for maker in makers if self._begun[maker] and not self._done[maker]]
        if not open_makers:
            return None
        # The one that was begun first is done last.
        awaited = self._awaits[number] = min(open_makers, key=self._begun.__getitem__)
        return awaited

    def _step(self, number: int) -> Iterator[Any]:
        """Take a step: first what it needs, then the fixed steps before it, then itself."""
        step: Any = self._recipe.steps[number]
        fills = type(step) in steps.FILLERS
        fixed = number in self._is_fixed
        self._last_begun += 1
        self._begun[number] = self._last_begun
        if fixed:
            self._running.append(number)
        for operand in self._operands[number]:
            maker = self._makers[operand]
            if not self._done[maker] or self._filled[operand] < len(self._fillers[operand]):
                yield self._register(operand)
                if not self._done[maker]:
                    raise _Circle
        if fixed:
            while self._fixed[self._next_fixed] != number:
                if self._begun[self._fixed[self._next_fixed]]:
                    raise _Circle
                yield self._step(self._fixed[self._next_fixed])
            self._next_fixed += 1
            self._running.pop()
        if fills:
            if self._fillers[step[0]][self._filled[step[0]]] != number:
                raise _Circle
            self._filled[step[0]] += 1
        self._done[number] = True
        self._order.append(number)
        for register in self._waiting.pop(number, ()):
            yield self._register(register)

    def recipe(self) -> Recipe:
        """Return the steps in the order that was found, with the registers that they have there."""
        if len(self._order) < len(self._recipe.steps):
            return self._recipe
        makers = [number for number in self._order if type(self._recipe.steps[number]) in steps.MAKERS]
        old = {number: register for register, number in enumerate(self._makers)}
        registers = {old[number]: Ref(register) for register, number in enumerate(makers)}
        root = self._recipe.root
        return Recipe(
            [_renumbered(self._recipe.steps[number], registers) for number in self._order],
            registers[root] if type(root) is Ref else root,
        )


def _renumbered(step: Step, registers: dict[int, Ref]) -> Step:
    cls = type(step)
    fields: list[Any] = [*step]
    for place in _ONES[cls]:
        if type(fields[place]) is Ref:
            fields[place] = registers[fields[place]]
    for place in _LISTS[cls]:
        if Ref in map(type, fields[place]):
            fields[place] = [registers[x] if type(x) is Ref else x for x in fields[place]]
    return make_step(cls, fields)  # type: ignore[no-any-return]
