"""A recipe while it is being written: what `freeze` and the readers of the kinds have in common.

It numbers the registers, writes names and long texts once however often they are used, and knows the few calls that
are a spelling of something else: `getattr(owner, "method")`, `import_module("os")`, `copyreg.__newobj__(cls)`, and
what Twisted spells in ways of its own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from appsnap.limits import over
from appsnap.recipe.steps import (
    INLINE,
    Call,
    Dict,
    Extend,
    Member,
    Name,
    New,
    Operand,
    Recipe,
    Ref,
    State,
    Step,
    Update,
    Value,
    check_distinct,
    check_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.errors import CannotLoad

__all__ = ["Draft", "Lazy"]

Lazy = Operand | Name
"""An operand, or a name that gets a register only if something refers to it."""


class Draft:
    """The steps so far. Raises CannotLoad for more than `most`."""

    def __init__(self, most: int = sys.maxsize) -> None:
        self._most = most
        self.steps: list[Step] = []
        self.registers = 0
        self._names: dict[Name, Ref] = {}
        self._named: dict[Ref, Name] = {}
        self._texts: dict[str, Ref] = {}

    def make(self, step: Step) -> Ref:
        """Append a step that writes a register, and return that."""
        self.steps.append(step)
        if len(self.steps) > self._most:
            raise self._too_long()
        ref = Ref(self.registers)
        self.registers += 1
        return ref

    def do(self, step: Step) -> None:
        """Append a step that changes what a register holds."""
        self.steps.append(step)
        if len(self.steps) > self._most:
            raise self._too_long()

    def _too_long(self) -> CannotLoad:
        return over("steps", self._most, "the recipe is too long")

    def operand(self, lazy: Lazy) -> Operand:
        """Return the operand for something lazy."""
        if type(lazy) is str:
            return self.text(lazy)
        if type(lazy) is not Name:
            return lazy  # type: ignore[return-value]  # a Lazy that isn't a Name is an Operand
        ref = self._names.get(lazy)
        if ref is None:
            check_name(*lazy)
            ref = self._names[lazy] = self.make(lazy)
            self._named[ref] = lazy
        return ref

    def operands(self, lazies: Sequence[Lazy]) -> list[Operand]:
        """Return the operands for a sequence."""
        operand = self.operand
        return [operand(lazy) if type(lazy) is Name or type(lazy) is str else lazy for lazy in lazies]  # type: ignore[misc]  # as above

    def text(self, text: str) -> Operand:
        """Return a text as operand: itself where it is short, else the register of its one copy."""
        if len(text) <= INLINE:
            return text
        ref = self._texts.get(text)
        if ref is None:
            ref = self._texts[text] = self.make(Value(text))
        return ref

    def name_of(self, lazy: Lazy) -> Name | None:
        """Return the name that an operand stands for, or None."""
        if type(lazy) is Ref:  # only then: a Ref equals the integer that it is
            return self._named.get(lazy)
        return lazy if type(lazy) is Name else None

    def call(self, function: Lazy, args: Sequence[Lazy]) -> Lazy:
        """Append a call, or what it is a spelling of."""
        name = self.name_of(function)
        match name and name.dotted, args:
            case "builtins.getattr", [owner, str(attribute)]:
                check_name("object", attribute)
                above = self.name_of(owner)
                if above is None:
                    return self.make(Member(self.operand(owner), attribute))
                return _checked(above.module, f"{above.qualname}.{attribute}" if above.qualname else attribute)
            case "importlib.import_module" | "twisted.persisted.styles.unpickleModule", [str(module)]:
                return _checked(module, "")
            case "twisted.persisted.styles.unpickleMethod", [str(method), Ref() as owner, _]:
                return self.make(Member(owner, method))
            case "twisted.persisted.styles._unpickleFunction", [str(path)]:
                module, _, function_name = path.rpartition(".")
                return _checked(module, function_name)
            case "builtins.type", [None]:
                return Name("types", "NoneType")
            case "copyreg.__newobj__", [cls, *rest]:
                return self.new(cls, rest)
            case "copyreg._reconstructor", [cls, Name("builtins", "object"), None]:
                return self.new(cls, [])
            case _:
                return self.make(Call(self._register(function), self.operands(args)))

    def new(self, cls: Lazy, args: Sequence[Lazy], names: Sequence[str] = (), values: Sequence[Lazy] = ()) -> Ref:
        """Append the making of an object. Raises ValueError for a keyword that stands twice."""
        if names:
            check_distinct(names)
        return self.make(New(self._register(cls), self.operands(args), names, self.operands(values)))

    def _register(self, lazy: Lazy) -> Ref:
        operand = self.operand(lazy)
        if not isinstance(operand, Ref):
            raise TypeError(f"{operand!r} can't be called")
        return operand

    def fill(self, target: Ref, keys: Sequence[Lazy], values: Sequence[Lazy]) -> None:
        """Append the setting of items."""
        if keys:
            self.do(Update(target, self.operands(keys), self.operands(values)))

    def extend(self, target: Ref, items: Sequence[Lazy]) -> None:
        """Append the appending of items."""
        if items:
            self.do(Extend(target, self.operands(items)))

    def state(self, target: Ref, names: Sequence[str], values: Sequence[Operand]) -> None:
        """Append the setting of attributes. Raises ValueError for a name that stands twice."""
        check_distinct(names)
        self.do(State(target, names, values))

    def dictionary(self, keys: Sequence[Lazy], values: Sequence[Lazy]) -> Ref:
        """Append the making of a dictionary."""
        return self.make(Dict(self.operands(keys), self.operands(values)))

    def finish(self, root: Lazy) -> Recipe:
        """Return the recipe."""
        operand = self.operand(root)
        return Recipe(self.steps, operand)


def _checked(module: str, qualname: str) -> Name:
    check_name(module, qualname)
    return Name(module, qualname)
