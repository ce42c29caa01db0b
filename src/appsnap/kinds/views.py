"""Which data of a mapped file stays there when its recipe is built: that of arrays. All else is copied out of it."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from appsnap.recipe.steps import Operand, Step

__all__ = ["with_copies"]

_NDARRAY = steps.Name("numpy", "ndarray")
_DATA = 2
"""The argument of numpy.ndarray that is an array's data: it may be anything that is made of bytes."""


def with_copies(recipe: Recipe, check: Callable[[memoryview, Buffer], None]) -> Recipe:
    """Return a recipe in which only those views of a mapped file are left that nothing but arrays are made of.

    Such a view is a `Value`, which is handed on as it is, whether it was that or a `ByteArray`. `check` is given each
    view that is copied, and the copy: what isn't the numbers of an array may be code.
    """
    mapped: set[Operand] = set()
    copied: set[Operand] = {recipe.root}
    arrays: set[Ref] = set()
    register = 0
    for step in recipe.steps:
        if step == _NDARRAY:
            arrays.add(Ref(register))
        elif _is_mapped(step):
            mapped.add(Ref(register))
        elif mapped:
            used = steps.operands(step)
            if isinstance(step, steps.Call) and step.function in arrays and len(step.args) > _DATA:
                del used[1 + _DATA]
            copied.update(operand for operand in used if type(operand) is Ref)
        register += type(step) in steps.MAKERS
    if not mapped:
        return recipe
    followed: list[Step] = []
    register = 0
    for step in recipe.steps:
        if _is_mapped(step):
            followed.append(_kept(step) if Ref(register) not in copied else _copied(step, check))
        else:
            followed.append(step)
        register += type(step) in steps.MAKERS
    return Recipe(followed, recipe.root)


def _is_mapped(step: Step) -> bool:
    return isinstance(step, (steps.ByteArray, steps.Value)) and _is_view(step[0])


def _is_view(data: object) -> bool:
    return isinstance(data, memoryview) and isinstance(data.obj, mmap.mmap)


def _kept(step: Any) -> Step:
    view: memoryview = step[0]
    return steps.Value(view if type(step) is steps.ByteArray else view.toreadonly())


def _copied(step: Any, check: Callable[[memoryview, Buffer], None]) -> Step:
    view: memoryview = step[0]
    copy = bytearray(view) if type(step) is steps.ByteArray else bytes(view)
    check(view, copy)
    return steps.ByteArray(copy) if isinstance(copy, bytearray) else steps.Value(copy)
