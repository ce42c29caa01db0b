"""Integers that are the `id()` of a saved object. A registry by `id()` finds nothing after a load."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.outline import Outline
from appsnap.recipe.runs import COLUMNS, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from typing_extensions import Buffer

    from appsnap.recipe.steps import Recipe

__all__ = ["in_pickle", "in_recipe", "places_of"]

_LEAST = 1 << 32
"""Smaller integers have too many other meanings. On the common machines, no `id()` is smaller."""


def in_pickle(pieces: Iterable[Buffer], root: Any, ids: Callable[[], Collection[int]]) -> set[int]:
    """Return the integers in a pickle that may be ids of its objects. `ids` is called only if there are any.

    A search for the opcode LONG1 is much faster than a look at each integer. The first byte of an address is the same
    for most objects.
    """
    begins = {address.to_bytes(address.bit_length() // 8 + 1, "little") for address in map(id, (root, [], {}, Outline))}
    forms = {b"\x8a%c(%s%s)" % (len(one), b"." * (len(one) - 1), re.escape(one[-1:])) for one in begins}
    pattern = re.compile(b"|".join(sorted(forms)), re.DOTALL)
    found = {
        int.from_bytes(next(filter(None, match.groups())), "little")
        for piece in pieces
        for match in pattern.finditer(piece)
    }
    found = {number for number in found if number >= _LEAST}
    return found.intersection(ids()) if found else found


def in_recipe(recipe: Recipe, ids: Collection[int]) -> set[int]:
    """Return the integers in a recipe that are ids of its objects."""
    numbers = {operand for part in _parts(recipe) for operand in part if type(operand) is int and operand >= _LEAST}
    return numbers.intersection(ids) if numbers else numbers


def _parts(recipe: Recipe) -> Iterator[Iterable[Any]]:
    """Yield the operands of a recipe, many at a time."""
    step: Any
    for step in recipe.compact:
        fields = step.columns if type(step) is Run else step
        yield from (part for part in fields if isinstance(part, (list, tuple, *COLUMNS)))


def places_of(recipe: Recipe, numbers: Collection[int]) -> Iterator[str]:
    """Yield the paths of the objects and attributes that have one of these integers."""
    outline = Outline(recipe)
    for number, step in enumerate(recipe.steps):
        path = ""
        for at, operand in enumerate(step.values if isinstance(step, steps.State) else steps.operands(step)):
            if type(operand) is int and operand in numbers:
                path = path or outline.path(outline.register_of_step(step, number))
                yield f"{path}.{step.names[at]}" if isinstance(step, steps.State) else path
