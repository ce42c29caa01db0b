"""Vectors that cost more than their size: time, memory, or the stack. The same steps in each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.spelling import KINDS, R, Script, Steps, spell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectors.layout import Vectors

__all__ = ["add_costs"]

MODULUS = 2**61 - 1
PLAIN = ("harmless.Plain",)


def add_costs(vectors: Vectors) -> None:
    """Add them."""

    def each(name: str, expect: str, steps: Steps, root: Any, about: str, *, kinds: tuple[str, ...] = KINDS, **more: Any) -> None:
        # What is long is in two kinds, one that is read as a stack and one that is folded.
        for kind in kinds if len(steps) < 3_000 else kinds[::2]:
            vectors.add(f"cost-{name}", kind, expect, spell(kind, steps, root), about, **more)

    _hashing(each)
    _collisions(each)
    _collisions_of_trees(each)
    _copies(each)
    _powers(each)
    _showing(each)
    _depth(each)


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


def _flat(groups: Iterable[Steps]) -> Steps:
    return [step for group in groups for step in group]


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


def _copies(each: Any) -> None:
    """Add what copies one large thing many times."""
    count = 2_500
    big = ("List", [0] * count)
    mapping = ("Dict", list(range(count)), [0] * count)
    about = f"is made of the same {count:,} items {count:,} times"
    for name, source, module, cls in [
        ("deque", big, "collections", "deque"),
        ("set", ("List", list(range(count))), "builtins", "set"),
        ("counter", mapping, "collections", "Counter"),
        ("ordered-dict", mapping, "collections", "OrderedDict"),
    ]:
        calls = [("Call", R(1), [R(0)])] * count
        each(
            f"copies-{name}", "cannot load",
            [source, ("Name", module, cls), *calls, ("List", [R(number + 2) for number in range(count)])], R(count + 2),
            f"A {cls} {about}.",
        )  # fmt: skip
    for name, value, module, cls, rest in [
        ("bytearray", b"x" * 100_000, "builtins", "bytearray", []),
        ("latin", "x" * 100_000, "_codecs", "encode", ["latin1"]),
        ("decimal", "9" * 100_000, "decimal", "Decimal", []),
        ("path", "x" * 100_000, "pathlib", "PurePosixPath", ["y"]),
    ]:
        steps: Steps = [("Value", value), ("Name", module, cls), *[("Call", R(1), [R(0), *rest])] * 2_000]
        each(
            f"copies-{name}", "cannot load", [*steps, ("List", [R(number + 2) for number in range(2_000)])], R(2_002),
            f"A {cls} is made of the same 100 KB 2,000 times.",
        )  # fmt: skip
    each(
        "copies-path-parts", "cannot load",
        [("Value", "x" * 100_000), ("Name", "pathlib", "PurePosixPath"), *[("Call", R(1), [R(0)] * 900)] * 30,
         ("List", [R(number + 2) for number in range(30)])], R(32),
        "30 paths of 900 parts, each the same 100 KB.",
    )  # fmt: skip
    states = [("SetState", R(number + 2), R(0)) for number in range(count)]
    each(
        "copies-state", "cannot load",
        [
            ("Dict", [f"a{number}" for number in range(count)], [0] * count), ("Name", "harmless", "Plain"),
            *[("New", R(1), [])] * count, *states, ("List", [R(number + 2) for number in range(count)]),
        ], R(count + 2), f"{count:,} objects get the same {count:,} attributes.", trust=PLAIN,
    )  # fmt: skip
    each(
        "copies-group", "cannot load",
        [
            ("Name", "builtins", "ValueError"), ("Call", R(0), []), ("List", [R(1)] * count), ("Name", "builtins", "ExceptionGroup"),
            *[("Call", R(3), ["x", R(2)])] * count, ("List", [R(number + 4) for number in range(count)]),
        ], R(count + 4), f"{count:,} exception groups of the same {count:,} exceptions.",
    )  # fmt: skip


def _powers(each: Any) -> None:
    """Add what takes Python more than ten times as long where it is ten times as long."""
    long = MODULUS << 190_000
    for name in ("integer", "tuple", "fraction"):
        script = Script()
        decimal = script.make("Name", "decimal", "Decimal")
        keys: list[Any] = [script.make("Call", decimal, [str(MODULUS * count)]) for count in range(1, 301)]
        if name == "tuple":
            keys = [script.make("Tuple", [key]) for key in keys]
            keys.append(script.make("Tuple", [long]))
        elif name == "fraction":
            keys.append(script.make("Call", script.make("Name", "fractions", "Fraction"), [long, 1]))
        else:
            keys.append(long)
        each(
            f"decimals-and-{name}", "cannot load", script.steps, script.make("Set", keys),
            f"300 Decimals and one {name} of 190,000 bits with the same hash: they are compared by making it a Decimal.",
        )  # fmt: skip
    each(
        "quotient", "cannot load", [("Name", "builtins", "range"), ("Call", R(0), [0, 1 << 8_000_000, 1 << 4_000_000])], R(1),
        "A range whose length is a quotient of long numbers.", kinds=("pickle", "msgpack"),
    )  # fmt: skip
    script = Script()
    pairs = [script.make("Tuple", [f"f{count}", "i4"]) for count in range(2_900)]
    descr = script.make("List", [script.make("Tuple", ["a", script.make("List", pairs)])])
    known = script.make("Name", "numpy", "dtype")
    made = [script.make("Call", known, [descr]) for _ in range(1_800)]
    each("dtypes", "cannot load", script.steps, script.make("List", made), "1,800 dtypes of the same 2,900 fields.")

    script = Script()
    known = script.make("Name", "re", "compile")
    many: list[Any] = [script.make("Call", known, [b"^\\x1b\\[%d[0-9;]*[a-z]" % count]) for count in range(200)]
    many += [script.make("Call", known, [f"(?i)^\xe9t\xe9{count}[a-z\\x80-\\xff]+\\.(com|org)$"]) for count in range(200)]
    many.append(script.make("Call", known, ["|".join(f"word{count}" for count in range(5_000))]))
    each("patterns-as-people-have-them", "loads", script.steps, script.make("List", many), "401 patterns of common sorts.")


def _showing(each: Any) -> None:
    levels = 100
    each(
        "shared-lists", "loads", [("List", []), *(("List", [R(level), R(level)]) for level in range(levels))], R(levels),
        "A list of a list twice, 100 times: a tree of it has more lines than there are atoms.",
    )  # fmt: skip
    each(
        "shared-dicts", "loads",
        [("Dict", [], []), *(("Dict", ["a", "b"], [R(level), R(level)]) for level in range(levels))], R(levels),
        "A dictionary of a dictionary twice, 100 times.",
    )  # fmt: skip
    alike: Steps = [("Tuple", [number]) for number in range(10)]
    alike += [("Dict", ["end"], [1])]
    alike += [("Dict", [R(number) for number in range(10)], [R(level + 10)] * 10) for level in range(30)]
    each(
        "shared-under-like-keys", "loads", alike, R(40),
        "A dictionary with ten keys that are shown alike, each leading to the same dictionary, 30 times.",
    )  # fmt: skip
    each(
        "shared-objects", "loads",
        [
            ("Name", "harmless", "Plain"), ("New", R(0), []),
            *_flat([("New", R(0), []), ("State", R(level + 2), ["a", "b"], [R(level + 1), R(level + 1)])] for level in range(levels)),
        ], R(levels + 1), "An object that has an object as two attributes, 100 times.", trust=PLAIN,
    )  # fmt: skip
    named: Steps = [("Name", "harmless", "Plain"), ("New", R(0), []), ("State", R(1), ["name", "parent"], ["x", None])]
    for level in range(30):
        named += [("List", [R(2 * level + 1)] * 4), ("New", R(0), []),
                  ("State", R(2 * level + 3), ["name", "parent", "all"], ["x", None, R(2 * level + 2)])]  # fmt: skip
    each(
        "shared-services-of-one-name", "loads", named, R(61),
        "A list of the same named object four times, in an object of the same name, 30 times.", trust=PLAIN,
    )  # fmt: skip
    each(
        "wide-and-shared", "loads",
        [("List", [0] * 99), ("List", [R(0)] * 99), ("List", [R(1)] * 99), ("List", [R(2)] * 300)], R(3),
        "A list of 300 times the same list of 99 times the same list of 99 times the same list of 99 numbers.",
    )  # fmt: skip
    each(
        "bytes-shown", "loads", [("Value", b"\xff" * 300_000), ("List", [R(0)] * 5_000)], R(1),
        "A list of the same 300,000 bytes 5,000 times.",
    )  # fmt: skip
    each(
        "text-shown", "loads", [("Value", "\ud800" * 300_000), ("List", [R(0)] * 5_000)], R(1),
        "A list of the same 300,000 surrogates 5,000 times.",
    )  # fmt: skip
    each(
        "long-attribute", "loads",
        [
            ("Name", "harmless", "Plain"), ("New", R(0), []), ("New", R(0), []), ("State", R(2), ["a"], [1]), ("List", [R(2)] * 2_000),
            ("Dict", ["x" * 100_000, "y"], [R(2), R(3)]), ("SetState", R(1), R(4)),
        ], R(1), "An attribute with a name of 100,000 letters, and a list that refers to it 2,000 times.", trust=PLAIN,
    )  # fmt: skip
    each(
        "long-name", "damaged",
        [("Name", "x" * 100_000, "y"), *[("New", R(0), [])] * 2_000, ("List", [R(number + 1) for number in range(2_000)])],
        R(2_001), "A class with a name of 100,000 letters, and 2,000 objects of it.",
    )  # fmt: skip
    steps: Steps = [("List", [])]
    last = 0
    for number in range(5_000):
        steps += [("Name", "unknown", f"n{number}"), ("List", [R(last), R(last + 1)])]
        last += 2
    each(
        "names-in-the-depth", "not trusted", steps, R(last),
        "A list in a list, 5,000 deep, each with a name of its own: the path of each takes as many steps.",
    )  # fmt: skip
    dotted: Steps = [("Name", "a", "b")]
    each(
        "name-of-names", "damaged", [*dotted, *(("Member", R(number), "abcdefgh") for number in range(5_000))], R(5_000),
        "A name in a name, 5,000 times: each holds all before it.", kinds=KINDS[:1],
    )  # fmt: skip
    number = 1 << 3_000_000
    each("big-integer", "loads", [("List", [number])], R(0), "An integer of 3 million bits.")


def _depth(each: Any) -> None:
    depth = 5_000
    for form in ("List", "Tuple"):
        each(
            f"deep-{form.lower()}", "loads", [(form, []), *((form, [R(level)]) for level in range(depth))], R(depth),
            f"A {form.lower()} in a {form.lower()}, {depth:,} deep.",
        )  # fmt: skip
    each(
        "deep-dict", "loads", [("Dict", [], []), *(("Dict", ["a"], [R(level)]) for level in range(depth))], R(depth),
        f"A dictionary in a dictionary, {depth:,} deep.",
    )  # fmt: skip
    each(
        "deep-dict-by-key", "cannot load",
        [("Tuple", []), *(step for level in range(0, 2 * depth, 2) for step in (("FrozenSet", [R(level)]), ("Tuple", [R(level + 1)])))],
        R(2 * depth), f"A frozenset of a tuple of a frozenset, {depth:,} deep.",
    )  # fmt: skip
    each(
        "deep-objects", "loads",
        [
            ("Name", "harmless", "Plain"), ("New", R(0), []),
            *_flat([("New", R(0), []), ("State", R(level + 2), ["next"], [R(level + 1)])] for level in range(depth)),
        ], R(depth + 1), f"A linked list of {depth:,} objects.", trust=PLAIN,
    )  # fmt: skip
    each(
        "deep-state", "loads",
        [
            ("Name", "harmless", "Hooked"), ("New", R(0), []),
            *_flat([("New", R(0), []), ("SetState", R(level + 2), R(level + 1))] for level in range(depth)),
        ], R(depth + 1), f"A linked list of {depth:,} objects that take their state themselves.", trust=("harmless.Hooked",),
    )  # fmt: skip
    each(
        "deep-arguments", "loads",
        [("Name", "harmless", "Pair"), ("New", R(0), [1, 2]), *(("New", R(0), [R(level + 1), 1]) for level in range(depth))],
        R(depth + 1), f"A named tuple in a named tuple, {depth:,} deep.", trust=("harmless.Pair",),
    )  # fmt: skip
    each(
        "deep-exceptions", "loads",
        [("Name", "builtins", "ValueError"), ("Call", R(0), []), *(("Call", R(0), [R(level + 1)]) for level in range(depth))],
        R(depth + 1), f"An exception in an exception, {depth:,} deep.",
    )  # fmt: skip
