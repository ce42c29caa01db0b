"""A recipe while it is being written: what `freeze` and the readers of the kinds have in common.

It numbers the registers, writes names and long texts once however often they are used, and knows the few calls that
are a spelling of something else: `getattr(owner, "method")`, `import_module("os")`, `copyreg.__newobj__(cls)`, and
what Twisted spells in ways of its own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from appsnap.limits import over
from appsnap.recipe import steps
from appsnap.recipe.spellings import RESTORE_STATE, canonical_step
from appsnap.recipe.steps import NameOrOperand, Operand, Recipe, Ref, Step, make_step

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RecipeBuilder"]


_GETATTR = steps.Name("builtins", "getattr")


class RecipeBuilder:
    """The steps so far. Raises CannotLoad for more than `most`."""

    def __init__(self, most: int = sys.maxsize) -> None:
        self._most = most
        self.steps: list[Step] = []
        self.registers = 0
        self._names: dict[steps.Name, Ref] = {}
        self._named: dict[Ref, steps.Name] = {}
        self._texts: dict[str, Ref] = {}
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._meant: dict[Ref, str] = {}

    def make(self, step: Step) -> Ref:
        """Append a step that writes a register, and return that."""
        # As `do`: a call of that would take 2 % of the time of reading.
        self.steps.append(step)
        if len(self.steps) > self._most:
            raise over("steps", self._most, "the recipe is too long")
        ref = Ref(self.registers)
        self.registers += 1
        return ref

    def fill(self, step: Step) -> None:
        """Append a step that changes what a register holds."""
        self.steps.append(step)
        if len(self.steps) > self._most:
            raise over("steps", self._most, "the recipe is too long")

    def operand(self, lazy: NameOrOperand) -> Operand:
        """Return the operand for something lazy."""
        if type(lazy) is str:
            return self.text(lazy)
        if type(lazy) is not steps.Name:
            return lazy  # type: ignore[return-value]  # a NameOrOperand that isn't a Name is an Operand
        ref = self._names.get(lazy)
        if ref is None:
            steps.check_name(*lazy)
            ref = self._names[lazy] = self.make(lazy)
            self._named[ref] = lazy
        return ref

    def operands(self, lazies: Sequence[NameOrOperand]) -> list[Operand]:
        """Return the operands for a sequence."""
        operand = self.operand
        return [operand(lazy) if type(lazy) is steps.Name or type(lazy) is str else lazy for lazy in lazies]  # type: ignore[misc]  # as above

    def text(self, text: str) -> Operand:
        """Return a text as operand: itself where it is short, else the register of its one copy."""
        if len(text) <= steps.INLINE:
            return text
        ref = self._texts.get(text)
        if ref is None:
            ref = self._texts[text] = self.make(steps.Value(text))
            self._meant[ref] = text
        return ref

    def meaning(self, lazy: NameOrOperand) -> NameOrOperand:
        """Return the name or text that an operand stands for, or itself."""
        if type(lazy) is not Ref:  # a Ref equals the integer that it is
            return lazy
        return self._named.get(lazy) or self._meant.get(lazy, lazy)

    def call(self, function: NameOrOperand, args: Sequence[NameOrOperand]) -> NameOrOperand:
        """Append a call, or what it is a spelling of."""
        if self.meaning(function) == RESTORE_STATE and len(args) == 2:
            self.fill(steps.SetState(self.register(args[0]), self.operand(args[1])))
            return None
        match canonical_step(steps.Call(function, args), self.meaning):  # type: ignore[arg-type]  # it may be lazy here
            case steps.Name() as name:
                return name
            case steps.Member(owner, attribute):
                return self.make(steps.Member(self.operand(owner), attribute))
            case steps.New(cls, rest):
                return self.new(cls, rest)
            case _:
                return self.make(steps.Call(self.register(function), self.operands(args)))

    def member(self, owner: NameOrOperand, attribute: str) -> NameOrOperand:
        """Append a member, or the name that it has."""
        return self.call(_GETATTR, [owner, attribute])

    def new(
        self,
        cls: NameOrOperand,
        args: Sequence[NameOrOperand],
        names: Sequence[str] = (),
        values: Sequence[NameOrOperand] = (),
    ) -> Ref:
        """Append the making of an object. Raises ValueError for keywords that stand twice, or are too long."""
        if names:
            steps.check_keywords(names)
            return self.make(steps.New(self.register(cls), self.operands(args), names, self.operands(values)))
        ref: Any = cls if type(cls) is Ref else self.register(cls)
        return self.make(make_step(steps.New, (ref, self.operands(args) if args else (), (), ())))

    def register(self, lazy: NameOrOperand) -> Ref:
        """Return the register of something that makes or is filled. Raises TypeError for an atom."""
        operand = self.operand(lazy)
        if not isinstance(operand, Ref):
            raise TypeError(f"{operand!r} can't be called")
        return operand

    def update(self, target: Ref, keys: Sequence[NameOrOperand], values: Sequence[NameOrOperand]) -> None:
        """Append the setting of items."""
        if keys:
            self.fill(steps.Update(target, self.operands(keys), self.operands(values)))

    def extend(self, target: Ref, items: Sequence[NameOrOperand]) -> None:
        """Append the appending of items."""
        if items:
            self.fill(steps.Extend(target, self.operands(items)))

    def shape(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of attributes as the one tuple of them. Raises ValueError for a name that stands twice."""
        known = self._shapes.get(names)
        if known is None:
            steps.check_distinct(names)
            known = self._shapes[names] = names
        return known

    def state(self, target: Ref, names: Sequence[str], values: Sequence[Operand]) -> None:
        """Append the setting of attributes. Raises ValueError for a name that stands twice."""
        self.fill(make_step(steps.State, (target, self.shape(tuple(names)), values)))

    def dictionary(self, keys: Sequence[NameOrOperand], values: Sequence[NameOrOperand]) -> Ref:
        """Append the making of a dictionary."""
        return self.make(steps.Dict(self.operands(keys), self.operands(values)))

    def finish(self, root: NameOrOperand) -> Recipe:
        """Return the recipe."""
        operand = self.operand(root)
        return Recipe(self.steps, operand)
