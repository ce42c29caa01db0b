"""What building may cost beyond the length of the recipe: copies of one large thing, and keys with equal hashes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad
from appsnap.recipe.steps import ByteArray, Value, operands

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from appsnap.recipe.steps import Recipe

__all__ = ["Budget"]

COPIES = 4
"""How many times as much as the recipe holds may be copied by the constructors."""

ALLOWANCE = 1_000_000
"""Items, characters and bytes that may be copied in any case."""

COMPARISONS = 5_000_000
"""Of keys with equal hashes, for all keys together: about a second."""

_SIZED = frozenset({str, bytes, bytearray, list, tuple, dict, set, frozenset})
_WELL_HASHED = frozenset({str, bytes, bool, type(None)})

_MODULUS = 2**61 - 1
"""Integers below are their own hash (sys.hash_info)."""


class Budget:
    """Keeps count while a recipe is followed, and raises CannotLoad where it costs too much."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._copied = 0
        self._most = 0
        self._compared = 0

    def copy(self, values: Iterable[Any], work: int = 0) -> None:
        """Count what is handed to something that may copy it: a hundred deques of one list hold it a hundred times.

        `work` is what has to be done besides.
        """
        self._copied += work
        for value in values:
            if type(value) in _SIZED:
                self._copied += len(value)
        if self._copied > ALLOWANCE:
            self._most = self._most or ALLOWANCE + COPIES * _weight(self._recipe)
            if self._copied > self._most:
                raise CannotLoad("building the objects would copy much more than the file holds")

    def hash(self, keys: Collection[Any], seen: Counter[int] | None = None) -> None:
        """Count the hashes of keys: the n-th of a hash is compared with all before it.

        `seen` counts those of the keys that their container has already.
        """
        if _WELL_HASHED.issuperset(map(type, keys)):
            return
        seen = Counter() if seen is None else seen
        for key in keys:
            cls = type(key)
            if cls in _WELL_HASHED or (cls is int and -_MODULUS < key < _MODULUS):
                continue
            number = hash(key)
            self._compared += seen[number]
            seen[number] += 1
        if self._compared > COMPARISONS:
            raise CannotLoad("too many keys have the same hash")


def _weight(recipe: Recipe) -> int:
    """Return how much a recipe holds: operands, characters and bytes."""
    weight = 0
    for step in recipe.steps:
        if isinstance(step, (Value, ByteArray)):
            weight += len(step[0])
        else:
            parts = operands(step)
            weight += len(parts) + sum(len(part) for part in parts if isinstance(part, (str, bytes)))
    return weight
