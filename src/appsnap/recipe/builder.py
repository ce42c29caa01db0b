"""A recipe under construction. `freeze` and the readers of the kinds append its steps.

The builder numbers the registers. It writes each name and each long text once, however often they are used. It replaces
a call that stands for another step by that step (see `spellings`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from appsnap.limits import over
from appsnap.recipe import steps
from appsnap.recipe.runs import LEAST, Run
from appsnap.recipe.spellings import KEYWORDED, SET_STATE, canonical_step, positional
from appsnap.recipe.steps import NameOrOperand, Operand, Recipe, Ref, Step, make_step

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RecipeBuilder"]

_TEXT = frozenset({str})
_FEW = 100
_MOST_SHAPES = 10_000
"""Keys are shared by dictionaries of few keys, as those of records are, and only so many of them are kept."""

_GETATTR = steps.Name("builtins", "getattr")


class RecipeBuilder:
    """The steps so far, and the number of registers. Raises CannotLoad for more than `most` steps.

    Where a method takes a `NameOrOperand`, it first appends the step for the name, if there is none yet.
    """

    def __init__(self, most: int = sys.maxsize) -> None:
        self._most = most
        self.steps: list[Step | Run] = []
        self.registers = 0
        self._names: dict[steps.Name, Ref] = {}
        self._texts: dict[str, Ref] = {}  # the long ones
        self._meanings: dict[Ref, steps.Name | str] = {}  # the two above, the other way round
        self.shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._plain: dict[steps.Name, steps.New] = {}  # by class: the step of its objects without arguments

    def make(self, step: Step) -> Ref:
        """Append a step that makes something, and return its register."""
        # The next three lines are those of `fill`. A call of it would take 2 % of the time of reading.
        self.steps.append(step)
        if len(self.steps) > self._most:
            raise over("steps", self._most, "the recipe is too long")
        ref = Ref(self.registers)
        self.registers += 1
        return ref

    def make_all(self, made: list[Step]) -> list[Ref]:
        """Append steps that make something each, and return their registers."""
        self.steps += made
        if len(self.steps) > self._most:
            raise over("steps", self._most, "the recipe is too long")
        first = self.registers
        self.registers += len(made)
        return [*map(Ref, range(first, self.registers))]

    def fill(self, step: Step | Run) -> None:
        """Append a step that fills a register, or a run of them."""
        self.steps.append(step)
        if len(self.steps) > self._most:
            raise over("steps", self._most, "the recipe is too long")

    def make_run(self, run: Run) -> int:
        """Append a run of steps that make something, and return its first register."""
        self.steps.append(run)
        first = self.registers
        self.registers += run.length
        return first

    def tables(self) -> tuple[dict[Any, Any], ...]:
        """Return the tables that grow with the steps."""
        return self._names, self._texts, self._meanings, self._plain

    def operand(self, item: NameOrOperand) -> Operand:
        """Return an operand: a name or a long text gets a register."""
        if type(item) is str:
            return self.text(item)
        if type(item) is not steps.Name:
            return item  # type: ignore[return-value]  # a NameOrOperand that isn't a Name is an Operand
        ref = self._names.get(item)
        if ref is None:
            steps.check_name(*item)
            ref = self._names[item] = self.make(item)
            self._meanings[ref] = item
        return ref

    def operands(self, items: Sequence[NameOrOperand]) -> list[Operand]:
        """Return a list of operands, each as `operand` returns it."""
        operand = self.operand
        return [operand(item) if type(item) is steps.Name or type(item) is str else item for item in items]  # type: ignore[misc]  # as above

    def text(self, text: str) -> Operand:
        """Return the operand for a text: a short one itself, else the register of its only copy."""
        if len(text) <= steps.INLINE:
            return text
        ref = self._texts.get(text)
        if ref is None:
            ref = self._texts[text] = self.make(steps.Value(text))
            self._meanings[ref] = text
        return ref

    def texts(self, items: Sequence[Any]) -> list[Any]:
        """Return the operands of texts, and of other atoms, of any length: the long texts are made by one run."""
        long = dict.fromkeys(x for x in items if type(x) is str and len(x) > steps.INLINE)
        new = [text for text in long if text not in self._texts]
        if len(new) >= LEAST:
            first = self.make_run(Run(steps.Value, len(new), (new,)))
            self._texts.update(zip(new, map(Ref, range(first, first + len(new))), strict=True))
            self._meanings.update((self._texts[text], text) for text in new)
        return [self.text(x) if type(x) is str else x for x in items]

    def meaning(self, item: NameOrOperand) -> NameOrOperand:
        """Return the name or the long text that an operand stands for, or the operand itself."""
        if type(item) is not Ref:  # the integer 5 is equal to Ref(5), and would be found
            return item
        return self._meanings.get(item, item)

    def call(
        self,
        function: NameOrOperand,
        args: Sequence[NameOrOperand],
        names: Sequence[str] = (),
        values: Sequence[NameOrOperand] = (),
    ) -> NameOrOperand:
        """Append a call, or the step that it stands for. Return the result: None for a `SetState`.

        Raises ValueError for a keyword that is given twice or is too long, or that a value type doesn't take.
        """
        if names:
            return self._call_with_keywords(function, args, names, values)
        if self.meaning(function) == SET_STATE and len(args) == 2:
            self.fill(steps.SetState(self.register(args[0]), self.operand(args[1])))
            return None
        match canonical_step(steps.Call(function, args), self.meaning):  # type: ignore[arg-type]  # names may stand among the operands
            case steps.Name() as name:
                return name
            case steps.Member(owner, attribute):
                return self.make(steps.Member(self.operand(owner), attribute))
            case steps.New(cls, rest):
                return self.new(cls, rest)
            case _:
                return self.make(steps.Call(self.register(function), self.operands(args)))

    def _call_with_keywords(
        self,
        function: NameOrOperand,
        args: Sequence[NameOrOperand],
        names: Sequence[str],
        values: Sequence[NameOrOperand],
    ) -> NameOrOperand:
        steps.check_keywords(names)
        name = self.meaning(function)
        if type(name) is steps.Name and name in KEYWORDED:
            try:
                found = positional(name, args, names, values)
            except (TypeError, ArithmeticError) as error:
                raise ValueError(str(error)) from None
            return self.call(function, [self.make(steps.Tuple(())) if x == () else x for x in found])
        return self.make(steps.Call(self.register(function), self.operands(args), tuple(names), self.operands(values)))

    def member(self, owner: NameOrOperand, attribute: str) -> NameOrOperand:
        """Append a `Member`. Of something known by name it is a longer name, which is returned instead."""
        return self.call(_GETATTR, [owner, attribute])

    def new(
        self,
        cls: NameOrOperand,
        args: Sequence[NameOrOperand] = (),
        names: Sequence[str] = (),
        values: Sequence[NameOrOperand] = (),
    ) -> Ref:
        """Append a `New`. Raises ValueError for a keyword that is given twice or is too long."""
        if names:
            steps.check_keywords(names)
            return self.make(steps.New(self.register(cls), self.operands(args), names, self.operands(values)))
        if args:
            return self.make(steps.New(self.register(cls), self.operands(args)))
        step = self._plain.get(cls) if type(cls) is steps.Name else None
        if step is None:
            step = make_step(steps.New, (self.register(cls), (), (), ()))
            if type(cls) is steps.Name:
                self._plain[cls] = step
        return self.make(step)

    def register(self, item: NameOrOperand) -> Ref:
        """Return the register of a class, a function or a target. Raises TypeError for an atom."""
        operand = self.operand(item)
        if not isinstance(operand, Ref):
            raise TypeError(f"{operand!r:.60} is an atom, where a register is needed")
        return operand

    def update(self, target: Ref, keys: Sequence[NameOrOperand], values: Sequence[NameOrOperand]) -> None:
        """Append an `Update`, if there are any items."""
        if keys:
            self.fill(steps.Update(target, self.operands(keys), self.operands(values)))

    def extend(self, target: Ref, items: Sequence[NameOrOperand]) -> None:
        """Append an `Extend`, if there are any items."""
        if items:
            self.fill(steps.Extend(target, self.operands(items)))

    def shape(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of attributes as one tuple, the same for all objects with these names.

        Raises ValueError for a name that is given twice.
        """
        known = self.shapes.get(names)
        if known is None:
            steps.check_distinct(names)
            known = self.shapes[names] = names
        return known

    def known_keys(self, keys: list[Operand]) -> Sequence[Operand]:
        """Return keys of a dictionary, if they may be names of attributes, as a tuple: the same for equal ones.

        Others are returned as they are.
        """
        names: Any = tuple(keys)
        if len(keys) > _FEW or len(self.shapes) >= _MOST_SHAPES or not _TEXT.issuperset(map(type, keys)):
            return keys
        return self.shapes.setdefault(names, names) if len(set(names)) == len(names) else keys

    def names_of(self, keys: Sequence[Operand]) -> tuple[str, ...] | None:
        """Return keys as names of attributes, as `shape` does, or None if not all are texts."""
        names: Any = tuple(keys)
        return self.shape(names) if _TEXT.issuperset(map(type, names)) else None

    def state(self, target: Ref, names: Sequence[str], values: Sequence[Operand]) -> None:
        """Append a `State`. Raises ValueError for a name that is given twice."""
        self.fill(make_step(steps.State, (target, self.shape(tuple(names)), values)))

    def dictionary(self, keys: Sequence[NameOrOperand], values: Sequence[NameOrOperand]) -> Ref:
        """Append a `Dict`."""
        return self.make(steps.Dict(self.operands(keys), self.operands(values)))

    def finish(self, root: NameOrOperand) -> Recipe:
        """Return the recipe with this root."""
        operand = self.operand(root)  # may append a step
        return Recipe(self.steps, operand)
