"""Mapped files: the data of arrays stays in the file. All other large data is copied out of it, and verified.

Large data outside of arrays may be code to those who trust the file. The numbers of an array are only numbers. So they
are read when somebody looks at them, and nobody verifies them.
"""

from __future__ import annotations

import hashlib
import mmap
from itertools import chain
from typing import TYPE_CHECKING, Any

from appsnap.errors import Damaged
from appsnap.kinds.large import CHUNK, MAY_BE_LARGE, chunks
from appsnap.recipe import steps
from appsnap.recipe.runs import Run, registers_of
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    from appsnap.kinds.large import DocumentParts
    from appsnap.recipe.steps import Operand, Step

    Check = Callable[[memoryview, Buffer], None]

__all__ = ["with_copies"]

_NDARRAY = steps.Name("numpy", "ndarray")
_DATA = 2
"""The argument of numpy.ndarray that is the data of the array. It may be any object that is made of bytes."""


def with_copies(recipe: Recipe, parts: DocumentParts, sums: Sequence[str]) -> Recipe:
    """Copy mapped data out of the file. Data that only arrays use is not copied.

    A `Value` holds mapped data that stays, even in the place of a `ByteArray`. `build` hands it on as it is. `sums` are
    the checksums of the large data. Raises Damaged if a copy has another checksum.
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
        return recipe
    check = _checker(parts, sums)
    followed: list[Step | Run] = []
    register = 0
    for step in recipe.compact:
        if _is_mapped(step):
            followed.append(_copied(step, check) if Ref(register) in copied else _kept(step))
        else:
            followed.append(step)
        register += registers_of(step)
    return Recipe(followed, recipe.root)


def _is_mapped(step: Any) -> bool:
    return type(step) in MAY_BE_LARGE and isinstance(step[0], memoryview) and isinstance(step[0].obj, mmap.mmap)


def _kept(step: Any) -> Step:
    view: memoryview = step[0]
    return steps.Value(view if type(step) is steps.ByteArray else view.toreadonly())


def _copied(step: Any, check: Check) -> Step:
    view: memoryview = step[0]
    copy = bytearray(view) if type(step) is steps.ByteArray else bytes(view)
    check(view, copy)
    return steps.ByteArray(copy) if isinstance(copy, bytearray) else steps.Value(copy)


def _checker(parts: DocumentParts, sums: Sequence[str]) -> Check:
    """Return a function that compares a copy with the checksums of the mapped data that it was copied from."""
    of_each: dict[int, Sequence[str]] = {}
    at = 0
    for _, data in parts.large:
        count = -(-len(data) // CHUNK)
        of_each[id(data)] = sums[at : at + count]
        at += count

    def check(view: memoryview, copy: Buffer) -> None:
        if [hashlib.sha256(chunk).hexdigest() for chunk in chunks(copy)] != of_each[id(view)]:
            raise Damaged("the checksum of large data is wrong", hint="the file was altered; take another copy of it")

    return check
