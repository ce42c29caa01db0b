"""Vectors of keys and sets that take long to hash or to compare. The same steps in each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.spelling import KINDS, R, Script, Steps, spell

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectors.layout import Vectors

__all__ = ["MODULUS", "add", "in_cost_kinds"]

MODULUS = 2**61 - 1
"""Numbers that differ by a multiple of it have the same hash."""


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    each = in_cost_kinds(vectors)
    _hashing(each)
    _collisions(each)
    _collisions_of_trees(each)


def in_cost_kinds(vectors: Vectors) -> Callable[..., None]:
    """Return an `add` of vectors that takes steps in the place of the payload, and spells them in each kind."""

    def each(name: str, expect: str, steps: Steps, root: Any, about: str, *, kinds: tuple[str, ...] = KINDS, **more: Any) -> None:
        # Long vectors are written in two kinds only: in one that is read as a stack, and in one that is folded.
        for kind in kinds if len(steps) < 3_000 else kinds[::2]:
            vectors.add(f"cost-{name}", kind, expect, spell(kind, steps, root), about, **more)

    return each


def _hashing(each: Any) -> None:
    def dag(levels: int) -> Steps:
        return [("Tuple", []), *(("Tuple", [R(level), R(level)]) for level in range(levels))]

    top = R(40)
    about = "A tuple of a tuple twice, 40 times: hashing it takes a trillion steps"
    each("tuple-dag-as-key", "cannot load", [*dag(40), ("Dict", [top], [1])], R(41), f"{about}; a key.")
    each("tuple-dag-in-set", "cannot load", [*dag(40), ("Set", [top])], R(41), f"{about}; in a set.")
    each("tuple-dag-in-frozenset", "cannot load", [*dag(40), ("FrozenSet", [top])], R(41), f"{about}; in a frozenset.")
    each("tuple-dag-added", "cannot load", [*dag(40), ("Set", []), ("Add", R(41), [top])], R(41), f"{about}; added to a set.")
    each("tuple-dag-updated", "cannot load", [*dag(40), ("Dict", [], []), ("Update", R(41), [top], [1])], R(41), f"{about}; set.")
    each(
        "tuple-dag-in-called-set", "cannot load",
        [*dag(40), ("List", [top]), ("Name", "builtins", "set"), ("Call", R(42), [R(41)])], R(43), f"{about}; in set(list).",
    )  # fmt: skip
    each(
        "tuple-dag-in-extended-set", "cannot load",
        [*dag(40), ("List", []), ("Extend", R(41), [top]), ("Name", "builtins", "set"), ("Call", R(42), [R(41)])], R(43),
        f"{about}; in set(list), put into the list later.",
    )  # fmt: skip
    each(
        "tuple-dag-in-ordered-dict", "cannot load",
        [
            *dag(40), ("Tuple", [top, 1]), ("List", [R(41)]), ("Name", "collections", "OrderedDict"),
            ("Call", R(43), [R(42)]),
        ], R(44), f"{about}; a key in OrderedDict(list).",
    )  # fmt: skip
    each(
        "tuple-dag-in-named-tuple", "cannot load",
        [
            ("Name", "harmless", "Pair"), ("Tuple", []), *(("New", R(0), [R(level + 1), R(level + 1)]) for level in range(40)),
            ("Dict", [R(41)], [1]),
        ], R(42), f"{about}; of named tuples.", trust=("harmless.Pair",),
    )  # fmt: skip
    for name, module, cls, attribute in [("uuid", "uuid", "UUID", "int"), ("user-string", "collections", "UserString", "data")]:
        script = Script()
        known, inner = script.make("Name", module, cls), script.make("Tuple", [])
        for _ in range(40):
            made = script.make("New", known, [])
            script.do("State", made, [attribute], [inner])
            inner = script.make("Tuple", [made, made])
        each(
            f"hash-through-{name}", "cannot load", script.steps, script.make("Dict", [inner], [1]),
            f"A {cls} that holds a tuple of a {cls} twice, 40 times: hashing it takes a trillion steps.",
        )  # fmt: skip
        script = Script()
        known, inner = script.make("Name", module, cls), script.make("Tuple", [])
        for _ in range(12):
            for _ in range(900):
                inner = script.make("Tuple", [inner])
            made = script.make("New", known, [])
            script.do("State", made, [attribute], [inner])
            inner = made
        each(
            f"hash-deep-through-{name}", "cannot load", script.steps, script.make("Dict", [inner], [1]),
            f"A {cls} that holds 900 tuples in each other, in which there is one again, 12 times: hashing overflows the stack.",
        )  # fmt: skip
    each(
        "hash-anew-in-counters", "cannot load",
        [
            *dag(20), ("Dict", [R(20)], [1]), ("Name", "collections", "Counter"), *[("Call", R(22), [R(21)])] * 200,
            ("List", [R(number + 23) for number in range(200)]),
        ], R(223), "200 Counters of a dictionary whose key takes two million steps to hash.",
    )  # fmt: skip
    each(
        "hash-long-integer", "cannot load",
        [("Tuple", [1 << 1_000_000]), *[("Tuple", [R(0)])] * 2_000, ("Set", [R(number + 1) for number in range(2_000)])], R(2_001),
        "2,000 tuples of a tuple of an integer of a million bits, in a set.",
    )  # fmt: skip
    for depth, expect in [(900, "loads"), (10_000, "cannot load")]:
        deep: Steps = [("Tuple", []), *(("Tuple", [R(level)]) for level in range(depth))]
        each(
            f"tuple-deep-as-key-{depth}", expect, [*deep, ("Dict", [R(depth)], [1])], R(depth + 1),
            f"A key of {depth:,} tuples in each other.",
        )  # fmt: skip


def _collisions(each: Any) -> None:
    count = 5_000
    numbers = [MODULUS * number for number in range(1, count + 1)]
    about = f"{count:,} integers with the same hash"
    each("collisions-dict", "cannot load", [("Dict", numbers, [0] * count)], R(0), f"{about}: keys.")
    each("collisions-set", "cannot load", [("Set", numbers)], R(0), f"{about} in a set.")
    each("collisions-frozenset", "cannot load", [("FrozenSet", numbers)], R(0), f"{about} in a frozenset.")
    each("collisions-added", "cannot load", [("Set", []), ("Add", R(0), numbers)], R(0), f"{about}, added to a set.")
    each("collisions-updated", "cannot load", [("Dict", [], []), ("Update", R(0), numbers, [0] * count)], R(0), f"{about}, set.")
    each(
        "collisions-called-set", "cannot load", [("List", numbers), ("Name", "builtins", "set"), ("Call", R(1), [R(0)])], R(2),
        f"{about} in set(list).",
    )  # fmt: skip
    each(
        "collisions-called-frozenset", "cannot load",
        [("Tuple", numbers), ("Name", "builtins", "frozenset"), ("Call", R(1), [R(0)])], R(2), f"{about} in frozenset(tuple).",
    )  # fmt: skip
    each(
        "collisions-default-dict", "cannot load",
        [("Name", "collections", "defaultdict"), ("Call", R(0), []), ("Update", R(1), numbers, [0] * count)], R(1),
        f"{about}: keys of a defaultdict.",
    )  # fmt: skip
    each(
        "collisions-one-by-one", "cannot load",
        [("Dict", [], []), *(("Update", R(0), [number], [0]) for number in numbers)], R(0), f"{about}, set one by one.",
    )  # fmt: skip
    each(
        "collisions-user-dict", "cannot load",
        [("Name", "harmless", "Table"), ("New", R(0), []), ("Update", R(1), numbers, [0] * count)], R(1),
        f"{about}: keys of a subclass of dict.", trust=("harmless.Table",),
    )  # fmt: skip

    def keys(name: str, module: str, cls: str, arguments: list[list[Any]], what: str, **more: Any) -> None:
        steps: Steps = [("Name", module, cls), *(("Call", R(0), one) for one in arguments)]
        made = [R(number + 1) for number in range(len(arguments))]
        steps.append(("Set", made))
        each(f"collisions-{name}", "cannot load", steps, R(len(steps) - 1), f"{len(made):,} {what} with the same hash.", **more)

    some = range(1, 4_001)
    keys("complex", "builtins", "complex", [[-1000003 * n, n] for n in some], "complex numbers")
    keys("decimal", "decimal", "Decimal", [[str(MODULUS * n)] for n in some], "Decimals")
    keys("fraction", "fractions", "Fraction", [[MODULUS * n, 1] for n in some], "Fractions")
    keys("uuid", "uuid", "UUID", [[f"{MODULUS * n:032x}"] for n in some], "UUIDs")
    keys("network", "ipaddress", "IPv6Network", [[MODULUS * n ^ (2**128 - 1)] for n in some], "networks")
    pairs = _colliding_pairs(len(some))
    each(
        "collisions-tuples", "cannot load",
        [*(("Tuple", list(pair)) for pair in pairs), ("Set", [R(number) for number in range(len(pairs))])], R(len(pairs)),
        f"{len(pairs):,} tuples of two integers with the same hash.",
    )  # fmt: skip
    each(
        "collisions-frozensets", "cannot load",
        [*(("FrozenSet", [MODULUS * n]) for n in some), ("Set", [R(number) for number in range(len(some))])], R(len(some)),
        f"{len(some):,} frozensets with the same hash.",
    )  # fmt: skip
    each(
        "collisions-ordered-dict", "cannot load",
        [
            *(("Tuple", [number, 0]) for number in numbers[:4000]), ("List", [R(number) for number in range(4000)]),
            ("Name", "collections", "OrderedDict"), ("Call", R(4001), [R(4000)]),
        ], R(4002), "4,000 integers with the same hash: keys in OrderedDict(list).",
    )  # fmt: skip


def _collisions_of_trees(each: Any) -> None:
    """Add keys that are compared all the way to their last items."""
    script = Script()
    keys = []
    for number in range(1, 401):
        tree = script.make("Tuple", [])
        for _ in range(12):
            tree = script.make("Tuple", [tree, tree])
        keys.append(script.make("Tuple", [tree, MODULUS * number]))
    each(
        "collisions-trees", "cannot load", script.steps, script.make("Set", keys),
        "400 trees of 8,191 tuples that are equal but for their last item, an integer with the same hash.",
    )  # fmt: skip


def _colliding_pairs(count: int) -> list[tuple[int, int]]:
    """Return pairs of integers whose tuples have the same hash (xxHash, as in CPython's tuplehash, run backwards)."""
    one, two, five, mask = 11400714785074694791, 14029467366897019727, 2870177450012600261, 2**64 - 1
    unmixed = pow(one, -1, 2**64)
    untwo = pow(two, -1, 2**64)

    def rotated(value: int, bits: int) -> int:
        return ((value << bits) | (value >> (64 - bits))) & mask

    found: list[tuple[int, int]] = []
    target = 12345678901234567  # what the mixing of both must give
    number = 1
    while len(found) < count:
        first = (rotated((five + number * two) & mask, 31) * one) & mask
        lane = ((rotated(target * unmixed & mask, 33) - first) * untwo) & mask
        if lane < MODULUS:
            found.append((number, lane))
        number += 1
    return found
