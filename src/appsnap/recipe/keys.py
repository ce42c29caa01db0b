"""What the keys of a recipe cost, before any of them is hashed.

A tuple is hashed anew each time, with all that is in it: twenty tuples of two, each made of the one before, take a
million steps, sixty take forever, and a deep one overflows the stack of the interpreter. Integers whose hashes are
equal make dictionaries quadratic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad
from appsnap.recipe.steps import MAKERS, Add, Call, Dict, Extend, FrozenSet, List, New, Ref, Set, Tuple, Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.recipe.steps import Recipe

__all__ = ["check_keys"]

DEPTH = 1_000
"""Levels of tuples in one key."""

COST = 50_000_000
"""Items hashed for all keys together: a second or two."""

COLLISIONS = 500
"""Different integers with the same hash."""

_MODULUS = 2**61 - 1
"""Integers below are their own hash (sys.hash_info)."""


def check_keys(recipe: Recipe) -> None:
    """Check that the keys and set items of a recipe can be hashed at bounded cost. Raises CannotLoad."""
    check = _Check()
    for step in recipe.steps:
        check.follow(step)


class _Check:
    def __init__(self) -> None:
        self._sizes: list[tuple[int, int]] = []  # by register: levels, and items in all levels
        self._cost = 0
        self._hashes: dict[int, set[int]] = {}

    def follow(self, step: Any) -> None:
        cls = type(step)
        if cls is Dict or cls is Update:
            self._keys(step.keys)
        elif cls is Set or cls is FrozenSet or cls is Add:
            self._keys(step.items)
        elif cls is Call:
            # It may be set([...]): what is in an argument is hashed, too.
            self._keys(step.args)
        if cls is Tuple or cls is FrozenSet or cls is List:
            self._sizes.append(self._size(step.items))
        elif cls is New:
            self._sizes.append(self._size(step.args))
        elif cls in MAKERS:
            self._sizes.append((0, 1))
        elif cls is Extend:
            depth, weight = self._size(step.items)
            before = self._sizes[step.target]
            self._sizes[step.target] = max(before[0], depth), min(before[1] + weight, COST + 1)

    def _size(self, items: Sequence[Any]) -> tuple[int, int]:
        depth, weight = 0, 1
        for item in items:
            if type(item) is Ref:
                size = self._sizes[item]
                depth = max(depth, size[0])
                weight += size[1]
            else:
                weight += 1
        return depth + 1, min(weight, COST + 1)

    def _keys(self, keys: Sequence[Any]) -> None:
        for key in keys:
            if type(key) is Ref:
                depth, weight = self._sizes[key]
                self._cost += weight
                if depth > DEPTH:
                    raise CannotLoad(f"a key is nested more than {DEPTH:,} levels deep")
            elif type(key) is int and abs(key) >= _MODULUS:
                alike = self._hashes.setdefault(hash(key), set())
                alike.add(key)
                if len(alike) > COLLISIONS:
                    raise CannotLoad(f"more than {COLLISIONS} keys have the same hash")
        if self._cost > COST:
            raise CannotLoad(f"the keys have more than {COST:,} items together")
