"""One canonical order for the items of a set, whatever order the set itself happens to have.

Atoms come first, by type and value; then what the recipe has already made, by register; then all else by digest. The
digest of an object covers what it is made of down to a depth, by which cycles end, too (colour refinement, as in the
Weisfeiler-Leman test). Where digests are equal they are taken deeper, to `_DEPTHS[-1]` at most; items that are equal
even then keep the order of the set.
"""

from __future__ import annotations

import hashlib
import math
import struct
from typing import TYPE_CHECKING, Any

from appsnap.recipe.steps import ATOMS, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Order"]

_DEPTHS = (2, 8, 32)
_RANKS: dict[type, int] = {type(None): 0, bool: 1, int: 2, float: 3, str: 4, bytes: 5}


def _atom_key(atom: Any) -> tuple[Any, ...]:
    rank = _RANKS[type(atom)]
    if atom is None:
        return (rank,)
    if type(atom) is float:
        # Not a number compares to nothing; equal zeros differ in their sign.
        return rank, math.isnan(atom), 0.0 if math.isnan(atom) else atom, struct.pack(">d", atom)
    return rank, atom


def _atom_bytes(atom: Any) -> bytes:
    match atom:
        case float():
            return struct.pack(">d", atom)
        case int():
            return atom.to_bytes(atom.bit_length() // 8 + 1, "big", signed=True)
        case str():
            return atom.encode("utf-8", "surrogatepass")
        case bytes():
            return atom
        case _:
            return b""


class Order:
    """Sorts the items of sets. `reduction` takes an object apart, as for pickle."""

    def __init__(self, reduction: Callable[[Any], Any]) -> None:
        self._reduction = reduction
        self._digests: dict[tuple[int, int], bytes] = {}
        self._parts: dict[int, tuple[Any, list[Any]]] = {}

    def sorted(self, items: Iterable[Any], made: Mapping[int, Any]) -> list[Any]:
        """Return items in canonical order. `made` maps the id of an object to its register or name."""
        atoms, known, others = [], [], []
        for item in items:
            if type(item) in ATOMS:
                atoms.append(item)
            else:
                operand = made.get(id(item))
                if operand is None:
                    others.append(item)
                else:
                    known.append(((0, operand, "") if isinstance(operand, Ref) else (1, 0, operand.dotted), item))
        atoms.sort(key=_atom_key)
        known.sort(key=lambda pair: pair[0])
        if len(others) > 1:
            others = self._by_digest(others)
        return [*atoms, *(item for _, item in known), *others]

    def _by_digest(self, items: list[Any]) -> list[Any]:
        for depth in _DEPTHS:
            keys = [self._digest(item, depth) for item in items]
            if len(set(keys)) == len(keys):
                break
        return [
            item for _, _, item in sorted(zip(keys, range(len(items)), items, strict=True), key=lambda row: row[:2])
        ]

    def _digest(self, obj: Any, depth: int) -> bytes:
        cls = type(obj)
        digest = hashlib.blake2b(f"{cls.__module__}.{cls.__qualname__}:".encode(), digest_size=16)
        if cls in ATOMS:
            digest.update(_atom_bytes(obj))
            return digest.digest()
        if depth == 0:
            return digest.digest()
        known = self._digests.get((id(obj), depth))
        if known is not None:
            return known
        parts = [self._digest(part, depth - 1) for part in self._parts_of(obj)]
        if cls in (set, frozenset):
            parts.sort()
        for part in parts:
            digest.update(part)
        result = self._digests[id(obj), depth] = digest.digest()
        return result

    def _parts_of(self, obj: Any) -> list[Any]:
        known = self._parts.get(id(obj))
        if known is None:
            # The object is kept with its parts, so that nothing else gets its id.
            known = self._parts[id(obj)] = (obj, self._take_apart(obj))
        return known[1]

    def _take_apart(self, obj: Any) -> list[Any]:
        if type(obj) in (list, tuple, set, frozenset):
            return list(obj)
        if type(obj) is dict:
            return [part for pair in obj.items() for part in pair]
        if type(obj) is bytearray:
            return [bytes(obj)]
        try:
            reduction = self._reduction(obj)
        except Exception:  # noqa: BLE001 - what can't be taken apart is reported where it is frozen
            return []
        if isinstance(reduction, str):
            return [reduction]
        function, args, state, items, pairs, *_ = (*reduction, None, None, None, None)
        return [getattr(function, "__qualname__", ""), *args, state, list(items or ()), list(pairs or ())]
