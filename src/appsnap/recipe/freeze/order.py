"""One canonical order for the items of a set, whatever order the set itself happens to have.

Atoms come first, by type and value; then what the recipe has already made, by register; then all else by what it is
made of: by a digest down to a depth, at which cycles end, too; where that is equal, by a digest in which what has been
made counts by its register; and where that is equal as well, by its place in the whole graph (colour refinement, the
Weisfeiler-Leman test: what holds it counts like what it holds). Items that are equal even then can be exchanged without
anybody noticing, as far as that test sees.
"""

from __future__ import annotations

import hashlib
import math
import pickle
import struct
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Order"]

_DEPTHS = (2, 8, 32)
_WORK = 5_000_000
"""Objects looked at in all rounds of the refinement: about a minute. There are four rounds in any case."""

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
    """Sorts the items of sets in the graph below `root`. `reduction` takes an object apart, as for pickle.

    `made` maps the id of an object to its register or name, as far as the recipe has come.
    """

    def __init__(self, root: Any, reduction: Callable[[Any], Any], made: Mapping[int, Any]) -> None:
        self._root = root
        self._reduction = reduction
        self._made = made
        self._digests: dict[tuple[int, int], bytes] = {}
        self._parts: dict[int, tuple[Any, list[Any]]] = {}
        self._colours: dict[int, int] | None = None

    def sorted(self, items: Iterable[Any]) -> list[Any]:
        """Return items in canonical order."""
        atoms, known, others = [], [], []
        for item in items:
            if type(item) in steps.ATOMS:
                atoms.append(item)
            else:
                operand = self._made.get(id(item))
                if operand is None:
                    others.append(item)
                else:
                    known.append(((0, operand, "") if isinstance(operand, Ref) else (1, 0, operand.dotted), item))
        atoms.sort(key=_atom_key)
        known.sort(key=lambda pair: pair[0])
        if len(others) > 1:
            others = self._by_content(others)
        return [*atoms, *(item for _, item in known), *others]

    def _by_content(self, items: list[Any]) -> list[Any]:
        for depth in _DEPTHS:
            keys: list[tuple[Any, ...]] = [(self._digest(item, depth, self._digests, {}),) for item in items]
            if len(set(keys)) == len(keys):
                break
        if len(set(keys)) < len(keys):
            # What has been made grows: these digests hold for this set only.
            digests: dict[tuple[int, int], bytes] = {}
            keys = [(*key, self._digest(x, depth, digests, self._made)) for key, x in zip(keys, items, strict=True)]
        if len(set(keys)) < len(keys):
            if self._colours is None:
                self._colours = self._refine()
            keys = [(*key, self._colours.get(id(item), 0)) for key, item in zip(keys, items, strict=True)]
        by_key = sorted(range(len(items)), key=keys.__getitem__)
        return [items[index] for index in by_key]

    def _digest(self, obj: Any, depth: int, digests: dict[tuple[int, int], bytes], made: Mapping[int, Any]) -> bytes:
        cls = type(obj)
        digest = hashlib.blake2b(f"{cls.__module__}.{cls.__qualname__}:".encode(), digest_size=16)
        if cls in steps.ATOMS:
            digest.update(_atom_bytes(obj))
            return digest.digest()
        if isinstance(made.get(id(obj)), Ref):
            digest.update(b"%d" % made[id(obj)])
            return digest.digest()
        if depth == 0:
            return digest.digest()
        known = digests.get((id(obj), depth))
        if known is not None:
            return known
        parts = [self._digest(part, depth - 1, digests, made) for part in self._parts_of(obj)]
        if cls in (set, frozenset):
            parts.sort()
        for part in parts:
            digest.update(part)
        result = digests[id(obj), depth] = digest.digest()
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
            if type(obj) is pickle.PickleBuffer:
                return [obj.raw().tobytes()]
            reduction = self._reduction(obj)
            if isinstance(reduction, str):
                return [reduction]
            function, args, state, items, pairs = [*reduction, None, None, None][:5]
            if isinstance(obj, (set, frozenset)):
                args = [frozenset(arg) if type(arg) is list else arg for arg in args]
            return [getattr(function, "__qualname__", ""), *args, state, list(items or ()), list(pairs or ())]
        except Exception:  # noqa: BLE001 - what can't be taken apart is reported where it is frozen
            return []

    def _refine(self) -> dict[int, int]:
        """Return a colour for each object in the graph, by id: equal where nothing tells two objects apart."""
        graph: dict[int, list[Any]] = {}
        holders: dict[int, list[tuple[int, int]]] = {id(self._root): []}  # who holds it, and where
        waiting = [self._root]
        first: dict[int, Any] = {}
        while waiting:
            obj = waiting.pop()
            parts = self._parts_of(obj)
            unordered = type(obj) in (set, frozenset)
            atoms = [
                (0 if unordered else at, type(x).__name__, _atom_bytes(x))
                for at, x in enumerate(parts)
                if type(x) in steps.ATOMS
            ]
            first[id(obj)] = (obj is self._root, type(obj).__module__, type(obj).__qualname__, sorted(atoms))
            graph[id(obj)] = [x for x in parts if type(x) not in steps.ATOMS]
            for at, part in enumerate(parts):
                if type(part) not in steps.ATOMS:
                    if id(part) not in holders:
                        holders[id(part)] = []
                        waiting.append(part)
                    holders[id(part)].append((id(obj), 0 if unordered else at))
        colours = _ranked(first)
        for _ in range(max(4, _WORK // len(graph))):
            seen = {
                key: (
                    colours[key],
                    [colours[id(part)] for part in parts],
                    sorted((colours[holder], at) for holder, at in holders[key]),
                )
                for key, parts in graph.items()
            }
            for key, (obj, _) in self._parts.items():
                if key in seen and type(obj) in (set, frozenset):
                    seen[key][1].sort()
            before = len(set(colours.values()))
            colours = _ranked(seen)
            if len(set(colours.values())) == before:
                break
        return colours


def _ranked(signatures: dict[int, Any]) -> dict[int, int]:
    """Return the rank of each signature among all: numbers that say no more, and no less."""
    order = sorted(signatures, key=signatures.__getitem__)
    ranks: dict[int, int] = {}
    rank = 0
    for index, key in enumerate(order):
        if index and signatures[key] != signatures[order[index - 1]]:
            rank += 1
        ranks[key] = rank
    return ranks
