"""The cost counter: it refuses a recipe that would take much longer, or hold much more, than its length promises.

It counts three costs. To *hash* a tuple takes as long as it has items, on all levels, each time; and a deep tuple
overflows the stack of the interpreter. So these items are counted in the recipe, before anything is built. To *compare*
keys takes time if their hashes are equal, which shows only when they are there. To *copy* one large list a hundred
times takes the memory of a hundred.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

from appsnap.limits import over
from appsnap.recipe import steps, values
from appsnap.recipe.runs import Run, Same
from appsnap.recipe.steps import Ref
from appsnap.recipe.trust.depth import check_depth
from appsnap.recipe.trust.probes import FEW, Places
from appsnap.recipe.values import BITS, BYTES, conversion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from appsnap.limits import Limits
    from appsnap.recipe.runs import Column
    from appsnap.recipe.steps import Recipe, Step

__all__ = ["CostCounter", "KnownKeys"]

ALLOWANCE = 1_000_000
"""Items, characters and bytes that may be copied in any case."""

_WEIGHT = 25
"""The weight of a recipe for each byte of a compressed file, whose content may have a hundred bytes for each: it may be
copied once."""

_SIZED = frozenset({str, bytes, bytearray, list, tuple, dict, set, frozenset})
_WELL_HASHED = frozenset({str, bytes, bool, type(None)})

_MODULUS = 2**61 - 1
"""Smaller integers are their own hash (sys.hash_info)."""

_SMALL = (0, 1)
"""The levels and items of a key that is hashed at once."""


_USUAL_PROBES = 32
"""Probes for each key that don't count: multiples of 2**32 take thirteen. A set looks at ten places for each probe."""


class KnownKeys:
    """The keys that a container has: how many have each hash, the first of these, and their places."""

    def __init__(self) -> None:
        self.seen: Counter[int] = Counter()
        self.first: dict[int, Any] = {}
        self.places = Places()


class CostCounter:
    """Counts the cost of one recipe while it is built. Raises CannotLoad for a cost beyond the limits.

    `size` is the size in bytes of the compressed file that holds the recipe. Raises the error at once if the keys of
    the recipe would take too long to hash, or if objects are nested too deep.
    """

    def __init__(self, recipe: Recipe, limits: Limits, size: int | None = None) -> None:
        self._size_of_file = size
        self._recipe = recipe
        self._limits = limits
        self._copied = 0
        self._most = 0
        self._compared = 0
        check_depth(recipe, limits)
        # Many steps share one sequence of keys.
        hashing: list[Any] = [step for step in recipe.compact if type(step) in _HASHED]
        hashed = {id(keys): keys for step in hashing for at in _HASHED[type(step)] for keys in (step[at],)}
        runs = [step for step in recipe.compact if isinstance(step, Run) and step.step in _HASHED_RUNS]
        columns = (_distinct(column) for run in runs for column in run.columns)
        if any(map(_hashes_more, itertools.chain(hashed.values(), columns))):
            _Keys(limits).follow(recipe.steps)

    def copy(self, parts: Iterable[Any], work: int = 0) -> None:
        """Count the parts that a constructor may copy, and its other work: items, characters, bytes, microseconds."""
        self._copied += work
        for part in parts:
            if type(part) in _SIZED:
                self._copied += len(part)
        if self._copied > ALLOWANCE:
            if not self._most:
                weight = _weight(self._recipe)
                if self._size_of_file is not None:
                    weight = min(weight, _WEIGHT * self._size_of_file)
                self._most = ALLOWANCE + self._limits.copies * weight
            if self._copied > self._most:
                excess = "building the objects would copy much more than the file holds"
                raise over("copies", self._limits.copies, excess)

    def hash(self, keys: Collection[Any], known: KnownKeys | None = None, *, of_set: bool = False) -> None:
        """Count the comparisons of keys: the n-th key of one hash is compared with the n - 1 before it.

        `known` are the keys that are in their container already. Where there are many, their probes count, too.
        """
        if _WELL_HASHED.issuperset(map(type, keys)):
            return
        most = self._limits.key_comparisons
        if known is None and len(keys) > FEW:
            known = KnownKeys()
        if known is not None:
            if not known.places.hashes:
                known.places.of_set = of_set
            self._probe(known.places, [hash(key) for key in keys if type(key) not in _WELL_HASHED])
        found = KnownKeys() if known is None else known
        seen, first = found.seen, found.first
        for key in keys:
            cls = type(key)
            if cls in _WELL_HASHED or (cls is int and -_MODULUS < key < _MODULUS):
                continue
            number = hash(key)
            before = seen[number]
            if before:
                self._compared += before * max(self._size(key, most), self._size(first[number], most))
                if self._compared > most:
                    raise over("key_comparisons", most, "too many keys have the same hash")
            else:
                first[number] = key
            seen[number] = before + 1

    def _probe(self, places: Places, hashes: Sequence[int]) -> None:
        most = self._limits.key_comparisons
        usual = _USUAL_PROBES * (10 if places.of_set else 1) * (len(places.hashes) + len(hashes))
        places.add(hashes, usual + most)
        if places.probes > usual + most:
            raise over("key_comparisons", most, "too many keys have the same places in their container")

    def _size(self, key: Any, most: int) -> int:
        """Return how many items a comparison of two equal keys takes, or a number above `most`."""
        size = 0
        waiting = [key]
        while waiting and size <= most:
            item = waiting.pop()
            size += 1
            if isinstance(item, (tuple, frozenset)):
                waiting.extend(item)
            elif type(item) is int:
                size += conversion(item)
            else:
                value_type = values.of_type(type(item))
                if value_type is not None and value_type.compared is not None:
                    size += value_type.compared(item)
                    size += self._longest if value_type.converts_integers else 0
        return size

    @functools.cached_property
    def _longest(self) -> int:
        """The cost of turning the longest integer of the recipe into a Decimal, as a comparison with a Decimal does.

        A Fraction that is made from a text may have an integer of 4,000 digits.
        """
        numbers = (x for step in self._recipe.steps for x in steps.operands(step) if type(x) is int)
        return conversion(max(numbers, key=int.bit_length, default=0) | 10**4000)


class _Keys:
    """The cost of hashing the keys of a recipe. Each register has a number of levels and items.

    The items are those of all levels together.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._most = limits.key_items + 1  # sizes stop growing here
        self._sizes: list[tuple[int, int]] = []
        self._lengths: dict[int, int] = {}  # of long texts
        self._cost = 0

    def follow(self, recipe_steps: Iterable[Step]) -> None:
        """Count the cost of the keys in steps. Raises CannotLoad if it is beyond the limits."""
        sizes = self._sizes
        follow: dict[type, Callable[[Any], None]] = {
            steps.Name: lambda _: sizes.append(_SMALL),
            steps.Value: self._value,
            steps.Tuple: lambda step: sizes.append(self._size(step.items)),
            steps.List: lambda step: sizes.append(self._size(step.items)),
            steps.Dict: self._dict,
            steps.Set: self._set,
            steps.FrozenSet: self._frozen_set,
            steps.ByteArray: lambda _: sizes.append(_SMALL),
            steps.New: lambda step: sizes.append(self._size(step.args)),
            steps.Call: self._call,
            steps.Member: lambda _: sizes.append(_SMALL),
            steps.Extend: lambda step: self._grow(step.target, step.items),
            steps.Update: self._update,
            steps.Add: lambda step: self._hash(step.items),
        }
        for step in recipe_steps:
            count = follow.get(type(step))
            if count is not None:
                count(step)

    def _value(self, step: steps.Value) -> None:
        self._lengths[len(self._sizes)] = len(step.value)
        self._sizes.append(_SMALL)

    def _dict(self, step: steps.Dict) -> None:
        self._hash(step.keys)
        # A dictionary isn't hashed, but a Counter that is made of it hashes its keys anew.
        self._sizes.append(self._size(step.keys))

    def _set(self, step: steps.Set) -> None:
        self._hash(step.items)
        self._sizes.append(_SMALL)

    def _frozen_set(self, step: steps.FrozenSet) -> None:
        self._hash(step.items)
        self._sizes.append(self._size(step.items))

    def _call(self, step: steps.Call) -> None:
        # The call may be set([...]): then it hashes the items of its argument.
        self._hash(step.args)
        self._hash(step.values)
        self._sizes.append((0, self._content([*step.args, *step.values])))

    def _update(self, step: steps.Update) -> None:
        self._hash(step.keys)
        self._grow(step.target, step.keys)

    def _grow(self, target: Ref, items: Sequence[Any]) -> None:
        levels, weight = self._size(items)
        before = self._sizes[target]
        self._sizes[target] = max(before[0], levels), min(before[1] + weight, self._most)

    def _size(self, items: Sequence[Any]) -> tuple[int, int]:
        levels, weight = 0, 1
        for item in items:
            if type(item) is Ref:
                size = self._sizes[item]
                levels = max(levels, size[0])
                weight += size[1]
            else:
                weight += 1
                if type(item) is int and not -_MODULUS < item < _MODULUS:
                    weight += item.bit_length() // BITS
        return levels + 1, min(weight, self._most)

    def _content(self, args: Sequence[Any]) -> int:
        """Return the size of a Decimal or a pattern, which is hashed as a whole, from its arguments."""
        weight = 1
        for argument in args:
            if type(argument) is int:
                weight += argument.bit_length() // BITS
            elif type(argument) is Ref:
                weight += self._lengths.get(argument, 0) // BYTES
        return weight

    def _hash(self, keys: Sequence[Any]) -> None:
        for key in keys:
            if type(key) is Ref:
                levels, weight = self._sizes[key]
                self._cost += weight
                if levels > self._limits.key_depth:
                    raise over("key_depth", self._limits.key_depth, "a key is nested too many levels deep")
            elif type(key) is int:
                self._cost += key.bit_length() // BITS
        if self._cost > self._limits.key_items:
            raise over("key_items", self._limits.key_items, "the keys have too many items together")


def _hashes_more(keys: Sequence[Any]) -> bool:
    """Tell whether there are keys other than texts, bytes and numbers of ordinary size.

    If no step has others, the keys of the recipe need no count.
    """
    return not _QUICK.issuperset(map(type, keys)) and not all(
        type(key) in _QUICK or (type(key) is int and key.bit_length() < BITS) for key in keys
    )


def _distinct(column: Column) -> Sequence[Any]:
    """Return the operands of a column, each at least once."""
    return (column.operand,) if isinstance(column, Same) else column


_HASHED_RUNS = frozenset({steps.Set, steps.FrozenSet, steps.Call})
_QUICK = _WELL_HASHED | {float}
_HASHED = {step: at for step, at in steps.places(steps.Field.KEYS).items() if at}
_HASHED[steps.Call] = steps.places(steps.Field.ITEMS)[steps.Call]
"""The positions of the fields that a step hashes. A call may hash its arguments."""


def _weight(recipe: Recipe) -> int:
    """Return the weight of a recipe: the number of its operands, characters and bytes."""
    weight = 0
    for step in recipe.steps:
        if isinstance(step, (steps.Value, steps.ByteArray)):
            weight += len(step[0])
        else:
            parts = steps.operands(step)
            weight += len(parts) + sum(len(part) for part in parts if isinstance(part, (str, bytes)))
    return weight
