"""The cursor of a reader of source files: the words of a piece, and the one to be read next."""

from __future__ import annotations

import difflib
import keyword

from appsnap.kinds.source.tokens import END, INDENT, OUTDENT, UNCLOSED, is_open_text, is_text
from appsnap.recipe import values

__all__ = ["KEYWORDS", "MOST_ALIKE", "Cursor", "GrammarError", "way_to"]

KEYWORDS = frozenset(keyword.kwlist)
"""The words that Python takes for no name."""

_OPERATORS = frozenset("*+-/%@&|^~<>") | {"**", "and", "or", "not", "in", "is", "if", "else"}
_STARTS = frozenset({"a name", "a number", "an expression"})
_CLOSING = frozenset(")]}")
_CURLY_QUOTES = frozenset("\u2018\u2019\u201a\u201c\u201d\u201e\xab\xbb")

MOST_ALIKE = 300
"""Variables, and letters of a name, that are looked at to suggest another name."""

_WRITTEN = {
    "dict": '{"a": 1}',
    "list": "[1, 2]",
    "tuple": "(1, 2)",
    "int": "1",
    "str": '"text"',
    "bytes": 'b"bytes"',
    "bool": "True",
    "true": "True",
    "false": "False",
    "yes": "True",
    "no": "False",
    "on": "True",
    "off": "False",
    "none": "None",
    "null": "None",
    "nil": "None",
    "undefined": "None",
    "nan": 'float("nan")',
    "inf": 'float("inf")',
    "infinity": 'float("inf")',
    "utc": "timezone.utc, and above: from datetime import timezone",
}
"""How values are written, by the names of types, none of which is called, and by the words of other languages."""


def way_to(word: str, following: str, known: list[str]) -> str:
    """Return the hint for a name that isn't bound, by the word behind it, and the names that are known there."""
    if following == "=":
        return "if it is a keyword, close the bracket in front of it"
    if following == ":":
        return f'a key is a text, "{word:.60}", and a keyword has a sign of equality, {word:.60}=1'
    if following == "for":
        return "write the items one by one"
    if word.lower() in _WRITTEN:
        itself = "the value itself, as in " if following == "(" else ""
        return f"write {itself}{_WRITTEN[word.lower()]}"
    module, _, found = (values.named(word) or "").rpartition(".")
    if module:
        return f"from {module} import {found}"
    alike = difflib.get_close_matches(word, known) if len(word) < MOST_ALIKE else []
    best = max(alike, key=lambda one: one[0] == word[0], default="")
    return f"did you mean {best:.60}?" if best else "import it, or assign it above"


class GrammarError(Exception):
    """A word that can't stand where it stands: `at` is its number in the piece, `hint` the way to write it."""

    def __init__(self, why: str, at: int, hint: str = "") -> None:
        super().__init__(why)
        self.at = at
        self.hint = hint


class Cursor:
    """Reads words. `_at` is the number of the next one, and each method leaves it behind the last one that it read."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._names: set[str] = set()
        self._at = 0

    def _begin(self, words: list[str]) -> None:
        """Begin to read a piece."""
        self._words = words
        self._at = 0

    def _refuse(self, why: str, at: int | None = None, hint: str = "") -> GrammarError:
        """Return the error for the word with that number, or for the last one that was read."""
        return GrammarError(why, self._at - 1 if at is None else at, hint)

    def _unexpected(self, wanted: str) -> GrammarError:
        """Return the error for the next word, where another one is wanted."""
        word = self._words[self._at]
        hint = ""
        if word in INDENT:
            why = "a statement begins in column 0"
            hint = "put nothing in front of it"
        elif word == OUTDENT:
            why = "a line within a statement or a text begins in column 0"
            hint = 'close what the statement above opens, or indent the line; a text may be "one\\n" "two\\n"'
        elif word == END:
            why = f"the statement ends where {wanted} is expected"
            hint = "a bracket or a text isn't closed, or the file is truncated"
        elif is_open_text(word):
            why = UNCLOSED
            hint = 'a long text may be several on lines of their own: "one\\n" "two\\n"'
        elif not word.isascii() and not is_text(word):
            why = f"{word!r} outside of texts and comments, where all is ASCII"
            hint = 'a text has straight quotes: "text"' if word in _CURLY_QUOTES else "put it into a text"
        elif word in _OPERATORS and wanted not in _STARTS:
            why = f"the operator {word}, which isn't of the grammar: only products of numbers are computed"
            hint = "write the result"
        elif word == "for":
            why = "a loop, which isn't of the grammar"
            hint = "write the items one by one"
        else:
            why = f"{word:.60} where {wanted} is expected, which isn't of the grammar"
            if word in _CLOSING:
                hint = "each bracket is closed by one of its own kind"
            elif word == "=":
                twice = self._words[self._at - 1] == "="
                hint = "a keyword has one sign of equality" if twice else "close the bracket in front of the name"
            elif wanted == '","':
                hint = "items stand between commas, and the last one before its closing bracket"
        return GrammarError(why, self._at, hint)

    def _expect(self, word: str) -> None:
        if self._words[self._at] != word:
            raise self._unexpected("the end of the statement" if word == END else f'"{word}"')
        self._at += 1

    def _skip(self, word: str) -> bool:
        """Read a word if it is the next one, and tell whether it was."""
        found = self._words[self._at] == word
        self._at += found
        return found

    def _close(self) -> None:
        """Read the closing bracket of a call, and the comma that may stand before it."""
        self._skip(",")
        self._expect(")")

    def _name(self) -> str:
        name = self._words[self._at]
        if name not in self._names:
            if not name.isidentifier() or name in KEYWORDS or not name.isascii():
                raise self._unexpected("a name")
            self._names.add(name)
        self._at += 1
        return name
