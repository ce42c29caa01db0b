"""The cursor of a reader of source files: the words of a piece, and the one to be read next."""

from __future__ import annotations

import keyword

from appsnap.kinds.source.tokens import END, INDENT, OUTDENT, is_text

__all__ = ["KEYWORDS", "Cursor", "GrammarError"]

KEYWORDS = frozenset(keyword.kwlist)
"""The words that Python takes for no name."""

_OPERATORS = frozenset("*+-/%@&|^~<>") | {"**", "and", "or", "not", "in", "is", "if", "else"}
_STARTS = frozenset({"a name", "a number", "an expression"})


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
        elif not word.isascii() and not is_text(word):
            why = f"{word!r} outside of texts and comments, where all is ASCII"
            hint = "put it into a text"
        elif word in _OPERATORS and wanted not in _STARTS:
            why = f"the operator {word}, which isn't of the grammar: only products of numbers are computed"
            hint = "write the result"
        elif word == "for":
            why = "a loop, which isn't of the grammar"
            hint = "write the items one by one"
        else:
            why = f"{word:.60} where {wanted} is expected, which isn't of the grammar"
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
