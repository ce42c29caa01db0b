"""The items on the stack of the unpickler: operands, names, long texts, and open containers."""

from __future__ import annotations

from typing import Any

from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

__all__ = [
    "LAZY",
    "OPEN",
    "OPERANDS",
    "LongText",
    "Open",
    "OpenDict",
    "OpenFrozenSet",
    "OpenList",
    "OpenSet",
    "OpenTuple",
    "opened",
    "text_item",
]

OPERANDS = frozenset({type(None), bool, int, float, str, Ref})
"""The types of items that are operands as they are. Of the atoms, a byte string may be a long one."""


class LongText:
    """A text that is too long for an atom. Another type tells it apart without a look at the length of each text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def text_item(text: str) -> str | LongText:
    """Return a text as an item of the stack."""
    return text if len(text) <= steps.INLINE else LongText(text)


class Open:
    """A container that no step has made yet. `opened` makes it: an `__init__` would take as long as the rest."""

    __slots__ = ("handed_over", "items", "keys", "ref")
    form: type
    keys: Any  # of a dictionary: a tuple if they are known, see `RecipeBuilder.known_keys`, else a list
    items: Any  # in a list of its own, if there are any
    ref: Ref | None
    handed_over: bool  # as a state or as arguments: then its items stand in another step


class OpenDict(Open):
    """A dictionary."""

    __slots__ = ()
    form = steps.Dict


class OpenList(Open):
    """A list."""

    __slots__ = ()
    form = steps.List


class OpenSet(Open):
    """A set."""

    __slots__ = ()
    form = steps.Set


class OpenFrozenSet(Open):
    """A frozen set with all its items."""

    __slots__ = ()
    form = steps.FrozenSet


class OpenTuple(Open):
    """A tuple with all its items, which may be lazy."""

    __slots__ = ()
    form = steps.Tuple


OPEN = frozenset({OpenDict, OpenList, OpenSet, OpenFrozenSet, OpenTuple})


def opened(cls: type[Open], items: list[Any] | tuple[()] = ()) -> Open:
    """Return a new container."""
    item = cls()
    item.keys, item.items, item.ref, item.handed_over = (), items, None, False
    return item


LAZY = OPERANDS | {LongText, OpenDict, steps.Name}
"""The types of items that stay in a tuple as they are."""
