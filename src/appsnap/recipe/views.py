"""Which data of a mapped file stays there when its recipe is built: that of arrays. All else is copied out of it."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from appsnap.recipe.steps import MAKERS, ByteArray, Call, Name, Recipe, Ref, Value, operands

if TYPE_CHECKING:
    from appsnap.recipe.steps import Operand, Step

__all__ = ["with_copies"]

_NDARRAY = Name("numpy", "ndarray")
_DATA = 2
"""The argument of numpy.ndarray that is an array's data: it may be anything that is made of bytes."""


def with_copies(recipe: Recipe) -> Recipe:
    """Return a recipe in which only those views of a mapped file are left that nothing but arrays are made of.

    Such a view is a `Value`, which is handed on as it is, whether it was that or a `ByteArray`.
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
            used = operands(step)
            if isinstance(step, Call) and step.function in arrays and len(step.args) > _DATA:
                del used[1 + _DATA]
            copied.update(operand for operand in used if type(operand) is Ref)
        register += type(step) in MAKERS
    if not mapped:
        return recipe
    steps: list[Step] = []
    register = 0
    for step in recipe.steps:
        steps.append(_settled(step, kept=Ref(register) not in copied) if _is_mapped(step) else step)
        register += type(step) in MAKERS
    return Recipe(steps, recipe.root)


def _is_mapped(step: Step) -> bool:
    return isinstance(step, (ByteArray, Value)) and _is_view(step[0])


def _is_view(data: object) -> bool:
    return isinstance(data, memoryview) and isinstance(data.obj, mmap.mmap)


def _settled(step: Step, *, kept: bool) -> Step:
    if isinstance(step, ByteArray):
        return Value(memoryview(step.data)) if kept else ByteArray(bytearray(step.data))
    assert isinstance(step, Value)
    assert isinstance(step.value, memoryview)
    return Value(step.value.toreadonly() if kept else bytes(step.value))
