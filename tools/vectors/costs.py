"""Vectors that cost more than their size: time, memory, or the stack. The same steps in each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN
from vectors.hashing import MODULUS, in_cost_kinds
from vectors.spelling import KINDS, R, Script, Steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    each = in_cost_kinds(vectors)
    _copies(each)
    _powers(each)
    _showing(each)
    _depth(each)


def _flat(groups: Iterable[Steps]) -> Steps:
    return [step for group in groups for step in group]


def _copies(each: Any) -> None:
    """Add many copies of one large object."""
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
    """Add operations whose time grows faster than the size of their operands."""
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
        "deep-exceptions", "cannot load",
        [("Name", "builtins", "ValueError"), ("Call", R(0), []), *(("Call", R(0), [R(level + 1)]) for level in range(depth))],
        R(depth + 1), f"An exception in an exception, {depth:,} deep.",
    )  # fmt: skip
