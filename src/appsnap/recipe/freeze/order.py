"""The canonical order of the items of a set. It doesn't depend on hashes, addresses, or the order of insertion.

Atoms come first, by type and value. Then come objects with a register, by its number, and objects with a name, by the
name. All other items are ordered by a digest of their content, to a growing depth. Equal digests are told apart

1. by a digest in which an object with a register counts as the number of the register;
2. by colour refinement (the Weisfeiler-Leman test) over the whole graph, where an object also gets the colours of its
   holders. In `[{a, b}, {a}]` only the holders tell a from b if their content is equal.

Items that are equal even then can be exchanged without a difference, as far as colour refinement can tell.
"""

from __future__ import annotations

import hashlib
import math
import pickle
import struct
from typing import TYPE_CHECKING, Any

from appsnap import states
from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Order"]

_DEPTHS = (2, 8, 32)
_WORK = 5_000_000
"""The objects that all rounds of the refinement may visit: about a minute. At least four rounds are done."""

_RANKS: dict[type, int] = {type(None): 0, bool: 1, int: 2, float: 3, str: 4, bytes: 5}


def _atom_key(atom: Any) -> tuple[Any, ...]:
    rank = _RANKS[type(atom)]
    if atom is None:
        return (rank,)
    if type(atom) is float:
        # NaN has no order, so it becomes 0.0 behind a flag. 0.0 and -0.0 are equal: their bytes differ.
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
    """Sorts the items of sets in the graph below `root`.

    `reduction` is a function from an object to its reduction. `made` has the register or the name of each object that
    the recipe has so far, by id.
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
            # `made` grows while the walk goes on: these digests are valid for this set only.
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
            # The object is kept beside its parts, so that its id stays its own.
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
                items = None if items is None else [frozenset(items)]
            return [states.label_of(function), *args, state, list(items or ()), list(pairs or ())]
        except MemoryError:
            raise
        except (Exception, SystemExit):  # noqa: BLE001 - the walk meets the same error, and reports it with the path
            return []

    def _refine(self) -> dict[int, int]:
        """Return the colour of each object in the graph, by id. Equal colours: nothing tells the objects apart."""
        graph: dict[int, list[Any]] = {}
        # By id: the ids of the objects that hold it, and its positions in them.
        holders: dict[int, list[tuple[int, int]]] = {id(self._root): []}
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
    """Return the rank of each signature: equal numbers for equal signatures, in their order."""
    order = sorted(signatures, key=signatures.__getitem__)
    ranks: dict[int, int] = {}
    rank = 0
    for index, key in enumerate(order):
        if index and signatures[key] != signatures[order[index - 1]]:
            rank += 1
        ranks[key] = rank
    return ranks
