"""Mapped files: the data of arrays stays in the file. All other large data is copied out of it, and verified.

Large data outside of arrays may be code to those who trust the file, and may be shown with a digest. The numbers of an
array are only numbers. So they are read when somebody looks at them, and nobody verifies them.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from appsnap.errors import Damaged
from appsnap.kinds.large import CHUNK, MAY_BE_LARGE, chunks
from appsnap.recipe import steps
from appsnap.recipe.runs import Run, registers_of
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.kinds.large import DocumentParts
    from appsnap.recipe.steps import Operand, Step

__all__ = ["with_copies"]

_NDARRAY = steps.Name("numpy", "ndarray")
_DATA = 2
"""The argument of numpy.ndarray that is the data of the array. It may be any object that is made of bytes."""


def with_copies(
    recipe: Recipe, parts: DocumentParts, sums: Sequence[str], *, to_build: bool = True
) -> tuple[Recipe, dict[int, Sequence[str]]]:
    """Copy mapped data out of the file. Data that only arrays use is not copied.

    Returns the recipe, and the register of each data that stays in the file, with its checksums. `sums` are the
    checksums of all large data. If the recipe is one to build, a `Value` holds data that stays, even in the place of a
    `ByteArray`: `build` hands it on as it is. Raises Damaged if a copy has another checksum, and for checksums that are
    none.
    """
    mapped: set[Operand] = set()
    copied: set[Operand] = {recipe.root}
    arrays: set[Ref] = set()
    register = 0
    for step in recipe.compact:
        if step == _NDARRAY:
            arrays.add(Ref(register))
        elif _is_mapped(step):
            mapped.add(Ref(register))
        elif mapped:
            used = [*chain.from_iterable(step.columns)] if isinstance(step, Run) else steps.operands(step)
            if isinstance(step, steps.Call) and step.function in arrays and len(step.args) > _DATA:
                del used[1 + _DATA]
            copied.update(operand for operand in used if type(operand) is Ref)
        register += registers_of(step)
    if not mapped:
        return recipe, {}
    if not all(map(_SUM.fullmatch, sums)):
        raise _wrong_sum()
    of_each = _sums_of_each(parts, sums)
    followed: list[Step | Run] = []
    stay: dict[int, Sequence[str]] = {}
    register = 0
    for step in recipe.compact:
        if not _is_mapped(step):
            followed.append(step)
        elif Ref(register) in copied:
            followed.append(_copied(step, of_each[id(step[0])]))
        else:
            followed.append(_kept(step) if to_build else step)
            stay[register] = of_each[id(step[0])]
        register += registers_of(step)
    return Recipe(followed, recipe.root), stay


_SUM = re.compile("[0-9a-f]{64}")


def _is_mapped(step: Any) -> bool:
    return type(step) in MAY_BE_LARGE and isinstance(step[0], memoryview) and isinstance(step[0].obj, mmap.mmap)


def _kept(step: Any) -> Step:
    view: memoryview = step[0]
    return steps.Value(view if type(step) is steps.ByteArray else view.toreadonly())


def _copied(step: Any, sums: Sequence[str]) -> Step:
    copy = bytearray(step[0]) if type(step) is steps.ByteArray else bytes(step[0])
    if [hashlib.sha256(chunk).hexdigest() for chunk in chunks(copy)] != sums:
        raise _wrong_sum()
    return steps.ByteArray(copy) if isinstance(copy, bytearray) else steps.Value(copy)


def _wrong_sum() -> Damaged:
    return Damaged("the checksum of large data is wrong", hint="the file was altered; take another copy of it")


def _sums_of_each(parts: DocumentParts, sums: Sequence[str]) -> dict[int, Sequence[str]]:
    """Return the checksums of each large data, by its identity."""
    of_each: dict[int, Sequence[str]] = {}
    at = 0
    for _, data in parts.large:
        count = -(-len(data) // CHUNK)
        of_each[id(data)] = [*sums[at : at + count]]
        at += count
    return of_each
