"""The layout of source: the items between brackets stand on one line, or each on its own.

A *layout* is the text of statements that differ in nothing but their words, with the places of these words. The lengths
of the words decide on the layout of a statement.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WIDTH", "Group", "Pieces", "Shape", "flat", "laid_out", "word", "wrapped"]

WIDTH = 100
"""Columns of a line."""


class Group:
    """Items between brackets: all on one line if they fit, else each on its own.

    `size` is the width of that one line. `text` is the line, or None if it is wider than `WIDTH`: a group within
    groups would keep a copy of its text for each of them.
    """

    __slots__ = ("close", "items", "open", "size", "text")

    def __init__(self, open_: str, items: list[Any], close: str) -> None:
        self.open, self.items, self.close = open_, items, close
        size = len(open_) + len(close)
        for item in items:
            size += 2 + (len(item) if type(item) is str else item.size)
        self.size = size
        self.text = self.flat() if size <= WIDTH else None

    def flat(self) -> str:
        """Return the group on one line of any length."""
        texts = [item if type(item) is str else flat(item) for item in self.items]
        # Without its comma, a tuple of one item would be that item.
        return f"{self.open}{', '.join(texts)}{',' if self.open == '(' and len(texts) == 1 else ''}{self.close}"

    def laid_out(self, indent: int, _used: int) -> str:
        """Return the group with each item on a line of its own."""
        inner = "".join(f"{_line(item, indent + 4)},\n" for item in self.items)
        return f"{self.open}\n{inner}{' ' * indent}{self.close}" if inner else self.open + self.close


class Pieces:
    """A long literal in pieces, each on its own line. Python joins adjacent literals."""

    __slots__ = ("items", "open")

    size = WIDTH + 1
    text = None

    def __init__(self, items: list[str], open_: str = "(") -> None:
        self.items, self.open = items, open_

    def flat(self) -> str:
        """Return the pieces on one line of any length."""
        return f"{self.open}{' '.join(self.items)})"

    def laid_out(self, indent: int, _used: int) -> str:
        """Return the pieces, each on a line of its own."""
        inner = "".join(f"{_line(item, indent + 4)}\n" for item in self.items)
        return f"{self.open}\n{inner}{' ' * indent})"


class Wrapped:
    """A group between a prefix and a suffix: `key: […]`, `name=(…)`, `[].append`."""

    __slots__ = ("prefix", "size", "suffix", "text", "value")

    def __init__(self, prefix: str, value: Any, suffix: str = "") -> None:
        self.prefix, self.value, self.suffix = prefix, value, suffix
        self.size = len(prefix) + value.size + len(suffix)
        self.text = None if value.text is None else f"{prefix}{value.text}{suffix}"

    def flat(self) -> str:
        """Return the group on one line of any length, with its prefix and suffix."""
        return f"{self.prefix}{flat(self.value)}{self.suffix}"

    def laid_out(self, indent: int, used: int) -> str:
        """Return the group as it fits behind the prefix."""
        return self.prefix + laid_out(self.value, indent, used + len(self.prefix)) + self.suffix


def wrapped(prefix: str, value: Any, suffix: str = "") -> Any:
    """Return an item with a text before it, and one behind it."""
    return f"{prefix}{value}{suffix}" if type(value) is str else Wrapped(prefix, value, suffix)


def flat(item: Any) -> str:
    """Return an item on one line of any length."""
    return item if type(item) is str else str(item.flat() if item.text is None else item.text)


def _line(item: Any, indent: int) -> str:
    return " " * indent + laid_out(item, indent, indent)


def laid_out(item: Any, indent: int, used: int) -> str:
    """Return the text of an item that begins in column `used`. Its further lines are indented by `indent`."""
    if type(item) is str:
        return item
    fits = item.text is not None and used + len(item.text) <= WIDTH
    return str(item.text if fits else item.laid_out(indent, used))


def word(number: int) -> str:
    """Return the text that stands for a word of a shape."""
    return f"\0{number}\0"


class Shape:
    """The layouts of statements that differ in nothing but their words.

    A shape is made of a statement with `word(0)`, `word(1)` and so on in the places of its words.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._root = _node(statement, 0)
        self._layouts: dict[tuple[bool, ...], str] = {}  # format strings, by the groups that fit on one line

    def text(self, words: list[str]) -> str:
        """Return the text of the statement with these words."""
        ends = [*accumulate(map(len, words), initial=0)]
        fits: list[bool] = []
        if self._root is not None:
            _decide(self._root, 0, 0, ends, fits)
        layout = self._layouts.get(tuple(fits))
        if layout is None:
            text = _laid_out_as(self._statement, 0, iter(fits))
            layout = self._layouts[tuple(fits)] = _WORD.sub("%s", text.replace("%", "%%"))
        return layout % tuple(words)


class _Node(NamedTuple):
    """A group of a shape, and the text before it in its line: the numbers of their words, the lengths of the rest."""

    first: int
    begin: int
    end: int
    before: int
    size: int
    length: int
    inner: list[_Node]


_WORD = re.compile("\0[0-9]+\0")


def _node(item: Any, first: int) -> _Node | None:
    """Return the group of an item, whose first word has this number, or None if it has none."""
    if type(item) is str:
        return None
    prefix = ""
    while type(item) is Wrapped:
        prefix += item.prefix
        item = item.value
    begin = at = first + len(_WORD.findall(prefix))
    inner = []
    for part in item.items:
        node = _node(part, at)
        inner += [] if node is None else [node]
        at += len(_WORD.findall(flat(part)))
    text = flat(item)
    length = len(_WORD.sub("", text))
    return _Node(first, begin, at, len(_WORD.sub("", prefix)), item.size - len(text) + length, length, inner)


def _decide(node: _Node, indent: int, used: int, ends: list[int], fits: list[bool]) -> None:
    """Tell of a group, and then of those in it, whether it fits on one line, as `laid_out` does."""
    used += node.before + ends[node.begin] - ends[node.first]
    words = ends[node.end] - ends[node.begin]
    fit = node.size + words <= WIDTH and used + node.length + words <= WIDTH
    fits.append(fit)
    if not fit:
        for inner in node.inner:
            _decide(inner, indent + 4, indent + 4, ends, fits)


def _laid_out_as(item: Any, indent: int, fits: Iterator[bool]) -> str:
    """Return the text of an item whose groups fit on one line, or don't."""
    if type(item) is Wrapped:
        return item.prefix + _laid_out_as(item.value, indent, fits) + item.suffix
    if type(item) is str or next(fits):
        return flat(item)
    inner = "".join(f"{' ' * (indent + 4)}{_laid_out_as(one, indent + 4, fits)},\n" for one in item.items)
    return f"{item.open}\n{inner}{' ' * indent}{item.close}" if inner else item.open + item.close
