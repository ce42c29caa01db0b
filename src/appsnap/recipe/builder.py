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
from appsnap.recipe.steps import Operand, Recipe, Ref, Step, make_step
from appsnap.twisted import names as twisted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["RESTORE_STATE", "Draft", "Lazy", "respelled"]

Lazy = Operand | steps.Name
"""An operand, or a name that gets a register only if something refers to it."""


def respelled(step: steps.Call | steps.Member, meant: Callable[[Lazy], Lazy]) -> Step:
    """Return the step that a call or a member is another spelling of, or the step itself.

    `meant` tells the name or the text that an operand stands for, and returns every other one as it is. Operands may
    be lazy, here and in what is returned. Raises ValueError for names that nothing could have.
    """
    if isinstance(step, steps.Member):
        steps.check_member(step.name)
        above = meant(step.owner)
        if type(above) is not steps.Name:
            return step
        return _checked(above.module, f"{above.qualname}.{step.name}" if above.qualname else step.name)
    name = meant(step.function)
    if type(name) is not steps.Name or name.dotted not in _SPELLINGS:
        return step
    args = step.args
    if name == RESTORE_STATE and len(args) == 2:
        raise ValueError("a call that gives a state, which is a step of another sort")
    match name.dotted, [meant(argument) for argument in args]:
        case "builtins.getattr", [_, str(attribute)]:
            return respelled(steps.Member(args[0], attribute), meant)
        case "importlib.import_module" | twisted.UNPICKLE_MODULE, [str(module)]:
            return _checked(module, "")
        case twisted.UNPICKLE_METHOD, [str(method), Ref() as owner, _]:
            steps.check_member(method)
            return steps.Member(owner, method)
        case twisted.UNPICKLE_FUNCTION, [str(path)]:
            module, _, function_name = path.rpartition(".")
            return _checked(module, function_name)
        case "builtins.type", [None]:
            return steps.Name("types", "NoneType")
        case ("copyreg.__newobj__", [_, *_]) | (
            "copyreg._reconstructor",
            [_, steps.Name(module="builtins", qualname="object"), None],
        ):
            rest = args[1:] if name.qualname == "__newobj__" else ()
            return steps.New(args[0], rest)  # type: ignore[arg-type]  # whoever makes it looks at that
    return step


RESTORE_STATE = steps.Name("appsnap.evolve", "restore_state")
_GETATTR = steps.Name("builtins", "getattr")
_SPELLINGS = frozenset(
    {
        "appsnap.evolve.restore_state",
        "builtins.getattr",
        "builtins.type",
        "copyreg.__newobj__",
        "copyreg._reconstructor",
        "importlib.import_module",
        twisted.UNPICKLE_FUNCTION,
        twisted.UNPICKLE_METHOD,
        twisted.UNPICKLE_MODULE,
    }
)


def _checked(module: str, qualname: str) -> steps.Name:
    steps.check_name(module, qualname)
    return steps.Name(module, qualname)


class Draft:
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

    def do(self, step: Step) -> None:
        """Append a step that changes what a register holds."""
        self.steps.append(step)
        if len(self.steps) > self._most:
            raise over("steps", self._most, "the recipe is too long")

    def operand(self, lazy: Lazy) -> Operand:
        """Return the operand for something lazy."""
        if type(lazy) is str:
            return self.text(lazy)
        if type(lazy) is not steps.Name:
            return lazy  # type: ignore[return-value]  # a Lazy that isn't a Name is an Operand
        ref = self._names.get(lazy)
        if ref is None:
            steps.check_name(*lazy)
            ref = self._names[lazy] = self.make(lazy)
            self._named[ref] = lazy
        return ref

    def operands(self, lazies: Sequence[Lazy]) -> list[Operand]:
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

    def meant(self, lazy: Lazy) -> Lazy:
        """Return the name or text that an operand stands for, or itself."""
        if type(lazy) is not Ref:  # a Ref equals the integer that it is
            return lazy
        return self._named.get(lazy) or self._meant.get(lazy, lazy)

    def call(self, function: Lazy, args: Sequence[Lazy]) -> Lazy:
        """Append a call, or what it is a spelling of."""
        if self.meant(function) == RESTORE_STATE and len(args) == 2:
            self.do(steps.SetState(self.register(args[0]), self.operand(args[1])))
            return None
        match respelled(steps.Call(function, args), self.meant):  # type: ignore[arg-type]  # it may be lazy here
            case steps.Name() as name:
                return name
            case steps.Member(owner, attribute):
                return self.make(steps.Member(self.operand(owner), attribute))
            case steps.New(cls, rest):
                return self.new(cls, rest)
            case _:
                return self.make(steps.Call(self.register(function), self.operands(args)))

    def member(self, owner: Lazy, attribute: str) -> Lazy:
        """Append a member, or the name that it has."""
        return self.call(_GETATTR, [owner, attribute])

    def new(self, cls: Lazy, args: Sequence[Lazy], names: Sequence[str] = (), values: Sequence[Lazy] = ()) -> Ref:
        """Append the making of an object. Raises ValueError for keywords that stand twice, or are too long."""
        if names:
            steps.check_keywords(names)
            return self.make(steps.New(self.register(cls), self.operands(args), names, self.operands(values)))
        ref: Any = cls if type(cls) is Ref else self.register(cls)
        return self.make(make_step(steps.New, (ref, self.operands(args) if args else (), (), ())))

    def register(self, lazy: Lazy) -> Ref:
        """Return the register of something that makes or is filled. Raises TypeError for an atom."""
        operand = self.operand(lazy)
        if not isinstance(operand, Ref):
            raise TypeError(f"{operand!r} can't be called")
        return operand

    def fill(self, target: Ref, keys: Sequence[Lazy], values: Sequence[Lazy]) -> None:
        """Append the setting of items."""
        if keys:
            self.do(steps.Update(target, self.operands(keys), self.operands(values)))

    def extend(self, target: Ref, items: Sequence[Lazy]) -> None:
        """Append the appending of items."""
        if items:
            self.do(steps.Extend(target, self.operands(items)))

    def shape(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of attributes as the one tuple of them. Raises ValueError for a name that stands twice."""
        known = self._shapes.get(names)
        if known is None:
            steps.check_distinct(names)
            known = self._shapes[names] = names
        return known

    def state(self, target: Ref, names: Sequence[str], values: Sequence[Operand]) -> None:
        """Append the setting of attributes. Raises ValueError for a name that stands twice."""
        self.do(make_step(steps.State, (target, self.shape(tuple(names)), values)))

    def dictionary(self, keys: Sequence[Lazy], values: Sequence[Lazy]) -> Ref:
        """Append the making of a dictionary."""
        return self.make(steps.Dict(self.operands(keys), self.operands(values)))

    def finish(self, root: Lazy) -> Recipe:
        """Return the recipe."""
        operand = self.operand(root)
        return Recipe(self.steps, operand)
