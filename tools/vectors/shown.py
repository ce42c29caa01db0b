"""Vectors that cost little to read, and much to show: long names and paths that are seen at many places, long errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.spelling import KINDS, R, Script, document, pickled, spell

if TYPE_CHECKING:
    from vectors.layout import Vectors
    from vectors.spelling import Steps

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add them."""

    def each(name: str, expect: str, steps: Steps, root: Any, about: str, *, kinds: tuple[str, ...] = KINDS, **more: Any) -> None:
        for kind in kinds:
            vectors.add(f"shown-{name}", kind, expect, spell(kind, steps, root), about, **more)

    _paths(each)
    _names(each)
    _errors(vectors)


def _deep(letter: str, levels: int, bottom: Steps, root: int) -> tuple[Steps, R]:
    """Return dictionaries in each other, each with an object of a class with a long name as its key, around a root."""
    script = Script()
    for step in bottom:
        script.make(*step)
    key = script.make("New", script.make("Name", "m", letter * 990), [])
    inner = R(root)
    for _ in range(levels):
        inner = script.make("Dict", [key], [inner])
    return script.steps, inner


def _paths(each: Any) -> None:
    count = 1_000
    names: Steps = [("Name", f"a{number}", "X") for number in range(count)]
    steps, root = _deep("q", 98, [*names, ("List", [R(number) for number in range(count)])], count)
    each(
        "wants-in-the-depth", "not trusted", steps, root,
        "1,000 names below 98 dictionaries in each other whose keys have a class with a name of 990 letters.",
    )  # fmt: skip
    arrows: Steps = [("List", []), ("List", [R(0)] * 10_000)]
    steps, root = _deep("q", 16, arrows, 1)
    each(
        "arrows", "not trusted", steps, root,
        "The same list 10,000 times, below 16 dictionaries in each other whose keys have a class with a name of 990 letters.",
    )  # fmt: skip
    steps, root = _deep("\x01", 16, [arrows[0], ("List", [R(0)] * 2_000)], 1)
    each("arrows-controls", "not trusted", steps, root, "As arrows, of 990 control characters.", kinds=KINDS[::2])


def _names(each: Any) -> None:
    each(
        "classes-in-classes", "not trusted", [("Name", "m", "X"), *(("New", R(number), []) for number in range(8_000))], R(8_000),
        "An object whose class is an object, whose class is an object, 8,000 times.", kinds=KINDS[::2],
    )  # fmt: skip
    line = ("Tuple", [1] * 33)
    each(
        "line-at-many-places", "loads", [line, ("List", [R(0)] * 100_000)], R(1),
        "A tuple of 33 numbers, which fills a line, 100,000 times in a list.", kinds=KINDS[::2],
    )  # fmt: skip


def _errors(vectors: Vectors) -> None:
    long = "a" * 1_000_000
    vectors.add("shown-tag", "xml", "damaged", document("xml", f"  <{long}/>\n"), "An element with a name of a million letters.")
    for name, module, cls in [("address", "ipaddress", "IPv4Address"), ("zone", "zoneinfo", "ZoneInfo")]:
        for kind in KINDS:
            steps: Steps = [("Value", long), ("Name", module, cls), ("Call", R(1), [R(0)])]
            vectors.add(f"shown-{name}", kind, "cannot load", spell(kind, steps, R(2)), f"{cls} of a million letters.")
    vectors.add(
        "shown-distributions", "pickle", "cannot load",
        document(
            "pickle", pickled([("Name", "datetime", "date"), ("Call", R(0), [1])], R(1)),
            tail={"distributions": {f"no-such-{number}": "1" for number in range(30_000)}},
        ), "A call that fails, in a file that says that it was saved with 30,000 distributions.",
    )  # fmt: skip
