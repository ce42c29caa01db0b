"""Calls in pickles that stand for a step of another sort.

Pickle has no opcode for a bound method, a module or a constant like `NoneType`, so pickles hold calls for them:
`getattr(owner, "method")` is a `Member`, `import_module("os")` is a `Name`. A recipe always has the step itself, in
every kind, and so a reader sees one form only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.recipe.steps import NameOrOperand, Step

__all__ = ["SET_STATE", "canonical_step"]


def canonical_step(step: steps.Call | steps.Member, meaning: Callable[[NameOrOperand], NameOrOperand]) -> Step:
    """Return the step that a `Call` or a `Member` stands for: another step, or the same one.

    `meaning` returns the name or the long text that an operand stands for, and any other operand unchanged. In the
    given step and in the returned one, a `Name` may stand in the place of an operand. Raises ValueError for a malformed
    name, and for a call of `set_state`: only a `SetState` can replace it, and that makes nothing.
    """
    if isinstance(step, steps.Member):
        steps.check_member(step.name)
        above = meaning(step.owner)
        if type(above) is not steps.Name:
            return step
        return _checked(above.module, f"{above.qualname}.{step.name}" if above.qualname else step.name)
    name = meaning(step.function)
    if type(name) is not steps.Name or name.dotted not in _SPELLINGS:
        return step
    args = step.args
    if name == SET_STATE and len(args) == 2:
        raise ValueError("a call of set_state, where SetState is the step to use")
    match name.dotted, [meaning(argument) for argument in args]:
        case "builtins.getattr", [_, str(attribute)]:
            return canonical_step(steps.Member(args[0], attribute), meaning)
        case "importlib.import_module" | "twisted.persisted.styles.unpickleModule", [str(module)]:
            return _checked(module, "")
        case "twisted.persisted.styles.unpickleMethod", [str(method), Ref() as owner, _]:
            steps.check_member(method)
            return steps.Member(owner, method)
        case "twisted.persisted.styles._unpickleFunction", [str(path)]:
            module, _, function_name = path.rpartition(".")
            return _checked(module, function_name)
        case "builtins.type", [None]:
            return steps.Name("types", "NoneType")
        case ("copyreg.__newobj__", [_, *_]) | (
            "copyreg._reconstructor",
            [_, steps.Name(module="builtins", qualname="object"), None],
        ):
            rest = args[1:] if name.qualname == "__newobj__" else ()
            return steps.New(args[0], rest)  # type: ignore[arg-type]  # the caller checks that it is a class
    return step


SET_STATE = steps.Name("appsnap.actions", "set_state")
"""The function that pickles call to set a state. In a recipe its call is a `SetState`."""

_SPELLINGS = frozenset(
    {
        "appsnap.actions.set_state",
        "builtins.getattr",
        "builtins.type",
        "copyreg.__newobj__",
        "copyreg._reconstructor",
        "importlib.import_module",
        "twisted.persisted.styles._unpickleFunction",
        "twisted.persisted.styles.unpickleMethod",
        "twisted.persisted.styles.unpickleModule",
    }
)


def _checked(module: str, qualname: str) -> steps.Name:
    steps.check_name(module, qualname)
    return steps.Name(module, qualname)
