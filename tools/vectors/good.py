"""Vectors of unusual snapshots that must load: a reader that refuses everything is safe, and of no use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN, all_kinds, in_kinds
from vectors.spelling import R

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    each = in_kinds(vectors.add, all_kinds)
    _good(each)


def _good(each: Any) -> None:
    """Add what must load: a reader that refuses everything is safe, and of no use."""
    each("good-none", "loads", [], None, "Nothing but None.", result="None")
    each("good-list", "loads", [("List", [1, "a", b"b", 1.5, None, True])], R(0), "A list.", result="[1, 'a', b'b', 1.5, None, True]")
    each("good-cycle", "loads", [("List", []), ("Extend", R(0), [R(0)])], R(0), "A list in itself.", result="[[...]]")
    each(
        "good-cycle-aside", "loads", [("List", []), ("Extend", R(0), [R(0)])], None,
        "A list in itself, to which nothing else refers.", result="None",
    )  # fmt: skip
    each("good-unused", "loads", [("List", []), ("Set", [1])], None, "Things that nothing refers to.", result="None")
    each(
        "good-state-order", "loads",
        [("Name", "harmless", "Plain"), ("New", R(0), []), ("List", [R(1)]), ("State", R(1), ["a"], [R(2)])], R(1),
        "An object in a list in the object.", trust=PLAIN,
    )  # fmt: skip
    each(
        "good-own-attribute", "loads",
        [("Name", "harmless", "Plain"), ("New", R(0), []), ("State", R(1), ["a"], [R(1)])], None,
        "An object that is its own attribute, to which nothing else refers.", trust=PLAIN, result="None",
    )  # fmt: skip
    each(
        "good-keywords", "loads",
        [("Name", "harmless", "ByKeyword"), ("New", R(0), [], ["first"], [1])], R(1),
        "An object that is made with a keyword.", trust=("harmless.ByKeyword",),
    )  # fmt: skip
    each(
        "good-named-tuple", "loads", [("Name", "harmless", "Pair"), ("New", R(0), [1, 2])], R(1), "A named tuple.",
        trust=("harmless.Pair",), result="Pair(left=1, right=2)",
    )  # fmt: skip
    each(
        "good-enum", "loads", [("Name", "harmless", "Color.RED")], R(0), "A member of an enumeration.",
        trust=("harmless.*",), result="<Color.RED: 1>",
    )  # fmt: skip
    each(
        "good-nested-class", "loads", [("Name", "harmless", "Outer.Inner"), ("New", R(0), [])], R(1), "A nested class.",
        trust=("harmless.*",),
    )  # fmt: skip
    each("good-surrogate", "loads", [("List", ["\ud800"])], R(0), "A lone surrogate.", result="['\\ud800']")
    each("good-integer", "loads", [("List", [2**64, -(2**64)])], R(0), "Integers of more than 64 bits.",
         result="[18446744073709551616, -18446744073709551616]")  # fmt: skip
    each("good-digits", "loads", [("List", [10**5000])], R(0), "An integer of 5,001 digits.")
    each("good-floats", "loads", [("List", [float("inf"), -0.0])], R(0), "An infinity and a negative zero.", result="[inf, -0.0]")
    each("good-text", "loads", [("Value", "x" * 65)], R(0), "A text of 65 characters.", result=repr("x" * 65))
    each("good-keys", "loads", [("Dict", ["py/object", 1, None, b"a"], [2, 3, 4, 5])], R(0), "Keys of each type.",
         result="{'py/object': 2, 1: 3, None: 4, b'a': 5}")  # fmt: skip
    each(
        "good-odd-attributes", "loads",
        [("Name", "harmless", "Plain"), ("New", R(0), []), ("State", R(1), ["class", "a b", "", "ä", "\ud800", "self", "cls", "target"], [1] * 8)],
        R(1), "Attributes with names that are no identifiers, or those of parameters.", trust=PLAIN,
    )  # fmt: skip
    each(
        "good-odd-keywords", "cannot load",
        [("Name", "harmless", "Plain"), ("New", R(0), [], ["cls", "self", "\ud800"], [1, 2, 3])],
        R(1), "Keywords that the class doesn't take.", trust=PLAIN,
    )  # fmt: skip
