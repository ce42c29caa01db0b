"""Errors about a step that failed: the path of its object, the reason, and the way on."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from appsnap import effects
from appsnap.code.texts import WrongPython
from appsnap.errors import CannotBuild
from appsnap.printable import as_path, shortened
from appsnap.recipe import steps
from appsnap.recipe.fields import Misspelt
from appsnap.recipe.outline import Outline
from appsnap.recipe.trust import denied, refused, wants
from appsnap.recipe.trust.filling import Refused

if TYPE_CHECKING:
    from appsnap.errors import CannotLoad
    from appsnap.evolve import VersionError
    from appsnap.recipe.steps import Recipe

__all__ = ["failure", "needs_loop", "version_failure"]


def failure(recipe: Recipe, number: int, error: BaseException, owner: type | None = None) -> CannotLoad:
    """Return the error for a step that failed, by the number of the step.

    `owner` is the class of the object whose member wasn't found.
    """
    step = recipe.steps[number]
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    hint = ""
    if isinstance(error, (WrongPython, Misspelt)):
        reason, hint = str(error), error.hint
    if isinstance(step, steps.Name):
        path = next((want.path for want in wants(recipe) if want.name == step.dotted), "")
        return CannotBuild(path, step.dotted, reason, hint=_rename(recipe, step, error), step=number)
    outline = Outline(recipe)
    register = outline.register_of_step(step, number)
    if isinstance(step, steps.Member) and isinstance(error, AttributeError):
        owner = owner or type(error.obj)
        name = f"{owner.__module__}.{owner.__qualname__}.{step.name}"
        hint = f"was it renamed? appsnap.evolve.renamed({name!r}, TheNewMethod) says so"
    path, cls = outline.path(register), outline.class_of(register)
    if isinstance(error, effects.Denied):
        return denied(path, error)
    if isinstance(error, effects.CannotOpen):
        reason, hint = f"{as_path(str(error.filename))}: {str(error.strerror).lower()}", error.hint
    if needs_loop(error):
        hint = "it exists only in a running event loop: load it in a coroutine, which asyncio.run runs"
    if isinstance(error, Refused):
        return refused(path, cls, str(error))
    return CannotBuild(path, cls, reason, hint=hint, step=number)


def needs_loop(error: BaseException | None) -> bool:
    """Tell whether an error is that of asyncio about an object that is made outside of a running event loop."""
    return isinstance(error, RuntimeError) and str(error) == "no running event loop"


def version_failure(path: str, error: VersionError) -> CannotBuild:
    """Return the error for an object at a path whose version has no way to that of today."""
    cls = f"{type(error.obj).__module__}.{type(error.obj).__qualname__}"
    return CannotBuild(path, cls, str(error), hint=error.hint)


def _rename(recipe: Recipe, name: steps.Name, error: BaseException) -> str:
    """Return the hint about a name that isn't found: a call of `renamed` that helps."""
    new = {"create": "TheNewClass", "call": "TheNewFunction"}
    uses = [want.use for want in wants(recipe) if want.name == name.dotted]
    sort = next((new[use] for use in uses if use in new), "TheNewOne" if name.qualname else "the_new_module")
    parts = name.qualname.split(".")
    if not isinstance(error, AttributeError) or error.name not in parts:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is None:
            return ""  # the module is there, and its own code fails
        if not f"{name.module}.".startswith(f"{missing}."):
            return f"install {missing}, which {name.module} imports"
        return (
            f"is it installed, or was it renamed? appsnap.evolve.renamed({name.dotted!r}, {sort}) says so in a "
            f"program; for all of them, a module {missing} says so that imports everything from the new one"
        )
    at = parts.index(error.name)
    if at < len(parts) - 1:
        sort = "TheNewClass"
    elif isinstance(error.obj, enum.EnumMeta):
        sort = "TheNewMember"
    elif isinstance(error.obj, type) and not any(use in new for use in uses):
        sort = "TheNewMethod"
    gone = steps.Name(name.module, ".".join(parts[: at + 1]))
    return f"{_members(error.obj)}was it renamed? appsnap.evolve.renamed({gone.dotted!r}, {sort}) says so"


def _members(owner: Any) -> str:
    if not isinstance(owner, enum.EnumMeta):
        return ""
    return shortened(f"{owner.__qualname__} has {', '.join(owner.__members__)}; ", 200)
