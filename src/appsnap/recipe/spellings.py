"""The few calls that are a spelling of something else.

`getattr(owner, "method")`, `import_module("os")`, `copyreg.__newobj__(cls)`, and what Twisted spells in ways of its
own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.recipe.steps import NameOrOperand, Step

__all__ = ["RESTORE_STATE", "canonical_step"]


def canonical_step(step: steps.Call | steps.Member, meant: Callable[[NameOrOperand], NameOrOperand]) -> Step:
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
            return canonical_step(steps.Member(args[0], attribute), meant)
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
            return steps.New(args[0], rest)  # type: ignore[arg-type]  # whoever makes it looks at that
    return step


RESTORE_STATE = steps.Name("appsnap.evolve", "restore_state")
_SPELLINGS = frozenset(
    {
        "appsnap.evolve.restore_state",
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
