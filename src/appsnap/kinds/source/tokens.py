"""The lexer of source files: it divides text into words as Python does, and joins the lines of a statement."""

from __future__ import annotations

import ast
import re
from itertools import compress, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.kinds.escapes import accepted

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BORDER",
    "END",
    "FORBIDDEN",
    "INDENT",
    "OUTDENT",
    "SIZE",
    "UNCLOSED",
    "Piece",
    "decoded",
    "is_number",
    "is_open_text",
    "is_text",
    "number",
    "pieces",
]

END = "\n"
"""The word at the end of a statement."""

INDENT = frozenset({"\n ", "\n\t"})
"""The words at the end of a statement whose next line is indented: no statement begins like that."""

OUTDENT = "\n\n"
"""The word in place of what begins in column 0 within a statement: no more than a closing bracket does."""

# A text with one of these can look other than it is. Unicode 16.0, DerivedCoreProperties.txt and UnicodeData.txt:
FORBIDDEN = re.compile(
    # (all that is ASCII goes by in one look)
    "[\x00-\x08\x0b-\x1f\x7f-\U0010ffff](?<="
    # controls (Cc) but tab and line feed, and the line ends of other systems (Zl, Zp);
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"
    # Default_Ignorable_Code_Point: letters without a picture, bidirectional marks, choices of a picture;
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    # the other format characters (Cf);
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    # and the letters that are drawn as nothing: blank Braille, fillers, a note without a head, a missing object.
    "\u2800\ufffc\U00016fe4\U0001d159])"
)

UNCLOSED = "a text that isn't closed: it ends on its line, with the quotes that it begins with"

BORDER = re.compile(r"\n(?=[A-Za-z_])")
"""The place between two statements, unless a text or a bracket is open there."""

SIZE = 20_000
"""Characters of a piece: the words of a piece take about 1 MB."""

_RUN = 500
"""Literals that Python reads at once: it takes some 500 bytes for each."""

# A text without an end takes the rest of its line, or of the piece: no other text is looked for in there.
_PREFIX = "(?:[bB][rR]?|[rR][bB]?|[uU])?"
_LONG = r"""\"""(?:[^"\\]|\\.|"(?!""))*+(?:\"""|\\?\Z)|'''(?:[^'\\]|\\.|'(?!''))*+(?:'''|\\?\Z)"""
_SHORT = r""""[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'?"""
_DIGITS = "[0-9](?:_?[0-9])*+"
_INTEGER = "0[xX](?:_?[0-9a-fA-F])++|0[oO](?:_?[0-7])++|0[bB](?:_?[01])++"
_NUMBER = r"[0-9]++(?:\.[0-9]++)?(?:e[+-]?[0-9]++)?(?![0-9A-Za-z_.])"
_WORD = re.compile(
    # Frequent words come first. Each begins with a character or a class of characters: so `re` decides at once.
    r'"[^"\\\n]++"'
    r"""|[A-Za-z_][A-Za-z_0-9]*+(?!["'])"""
    r"|[,()\[\]{}:=]"
    rf"|{_NUMBER}|-{_NUMBER}"
    r"|\n(?:[ \t](?=[ \t]*+[^ \t\n#]))?"
    rf"|-?(?:{_INTEGER}|(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?)"
    rf"|{_PREFIX}(?:{_LONG}|{_SHORT})"
    r"|[A-Za-z_][A-Za-z_0-9]*+"
    r"|\*\*"
    r"|#[^\n]*+"
    r"|\\\n[ \t]?"
    r"|[^ \t]",
    re.DOTALL,
)
_OPEN_TEXT = re.compile(rf"""{_PREFIX}(?:\"""(?:[^"\\]|\\.|"(?!""))*+|'''(?:[^'\\]|\\.|'(?!''))*+)\\?""", re.DOTALL)
_BYTE = r"\\(?:[\\'\"nrt]|x[0-9a-f]{2})"
_LETTER = rf"{_BYTE}|\\u[0-9a-f]{{4}}|\\U[0-9a-f]{{8}}"
_ESCAPED_TEXT = re.compile(rf"""\"(?:[^"\\]++|{_LETTER})*+\"|'(?:[^'\\]++|{_LETTER})*+'""")
_ESCAPED_BYTES = re.compile(rf"""b(?:\"(?:[^"\\]++|{_BYTE})*+\"|'(?:[^'\\]++|{_BYTE})*+')""")
_LINES_IN_TEXT = ('"""', "'''", "\\\n")
_LIKE_STATEMENT = re.compile(r"\n[A-Za-z_#]")
_AFTER_LINE = frozenset(")]}\n#")
_JOINER = "\\\n"
_JOINERS = frozenset({_JOINER, "\\\n ", "\\\n\t"})
_UNINDENTED = frozenset({END, _JOINER})
_LINE_ENDS = INDENT | {END}
_DEPTHS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1, **dict.fromkeys(_LINE_ENDS | _JOINERS, 0)}


class Piece(NamedTuple):
    """Whole statements: their words, without comments and without the ends of lines that are joined.

    Two `END`s stand behind the last word, so that a reader may look at the word behind the next one. `kept` tells of
    each word that was found whether it is one of `words`.
    """

    text: str
    start: int
    end: int
    words: list[str]
    kept: bytearray

    def offset(self, at: int) -> int:
        """Return where in the text a word begins, or the place of the last line end."""
        found = compress(_WORD.finditer(self.text, self.start, self.end), self.kept)
        match = next(islice(found, at, None), None)
        if match is None:
            return max(self.end - 1, self.start)
        if self.words[at] != OUTDENT:
            return match.start() + (self.words[at] in INDENT)  # that word is seen on the line behind it
        within = _LIKE_STATEMENT.search(match[0])
        return match.start() + within.start() + 1 if within else match.end()


def pieces(text: str, start: int, stop: int, least: int = SIZE) -> Iterator[Piece]:
    """Yield the pieces of a text, each of at least so many characters.

    A piece that ends within a statement is read anew, together with the next one.
    """
    size = least
    while start < stop:
        border = BORDER.search(text, start + size, stop)
        end = border.end() if border else stop
        words, kept, is_open = _divided(text, start, end)
        if is_open and end < stop:
            size = 2 * (end - start)
            continue
        yield Piece(text, start, end, words, kept)
        start, size = end, least


def _divided(text: str, start: int, end: int) -> tuple[list[str], bytearray, bool]:
    """Divide a piece into words. A comment isn't kept, nor is the end of a line that doesn't end a statement.

    Returns the words that are kept and two `END`s, for each word found whether it is kept, and whether the last
    statement goes on behind the piece.
    """
    words: list[str] = _WORD.findall(text, start, end)
    kept = bytearray(b"\1") * len(words)
    depth = 0
    for at, word in enumerate(words):
        if word in _DEPTHS:
            change = _DEPTHS[word]
            depth += change
            if not change and (depth > 0 or (word in _JOINERS and words[at - 1] not in _LINE_ENDS)):
                kept[at] = 0
                if word in _UNINDENTED and words[at + 1 : at + 2] and words[at + 1][0] not in _AFTER_LINE:
                    words[at], kept[at] = OUTDENT, 1
    if text.find("#", start, end) >= 0:
        for at, word in enumerate(words):
            if word[0] == "#":
                kept[at] = 0
    if any(text.find(sign, start, end) >= 0 for sign in _LINES_IN_TEXT):
        for at, word in enumerate(words):
            if "\n" in word and is_text(word) and _LIKE_STATEMENT.search(word):
                words[at] = OUTDENT
    last = words[-1] if words else ""
    if last in _JOINERS:
        kept[-1] = 1  # no line follows that it could join
    is_open = depth > 0 or last in _JOINERS or _OPEN_TEXT.fullmatch(last) is not None
    return [*compress(words, kept), END, END], kept, is_open


# Literals


def is_text(word: str) -> bool:
    """Tell whether a word is a text or bytes."""
    return word[0] in "\"'" or word[-1] in "\"'"


def is_open_text(word: str) -> bool:
    """Tell whether a word is a text with a prefix, and has no end. Without a prefix, it is a text as well."""
    return not is_text(word) and ('"' in word or "'" in word)


def is_number(word: str) -> bool:
    """Tell whether a word is a number, which may be negative."""
    return word[0] in "0123456789" or (len(word) > 1 and word[0] in "-.")


def number(word: str) -> int | float:
    """Return the number that a word stands for. Raises ValueError for one that is malformed."""
    if "." in word or (("e" in word or "E" in word) and "x" not in word and "X" not in word):
        return float(word)
    try:
        return int(word, 0)  # with base 0, `int` follows Python's grammar
    except ValueError:
        if word.lstrip("-")[:1] == "0" and word.lstrip("-")[1:2].isdigit():
            raise ValueError(f"{word:.60} has a zero in front, as no number has") from None
        raise


def decoded(*words: str) -> Any:
    """Return the text, or the bytes, that adjacent literals stand for. Raises ValueError for one that is malformed."""
    parts: list[Any] = [_plain(word) for word in words]
    if None in parts:
        found = _escaped(words[0]) if len(words) == 1 else None
        parts = [_evaluated(words[at : at + _RUN]) for at in range(0, len(words), _RUN)] if found is None else [found]
    if len(parts) == 1:
        return parts[0]
    if len({*map(type, parts)}) > 1:
        raise ValueError("a text beside bytes")
    return type(parts[0])().join(parts)


def _plain(word: str) -> str | bytes | None:
    """Return the value of a literal without escapes and rare prefixes, and None for another one."""
    first = word[0]
    if "\\" in word:
        return None
    if word.count(first) == 2 and first in "\"'":
        return word[1:-1]
    if first == "b" and word[1] in "\"'" and word.count(word[1]) == 2 and word.isascii():
        return word[2:-1].encode()
    return None


def _escaped(word: str) -> str | bytes | None:
    """Return the value of a literal with no other escapes than `repr` writes, and None for another one."""
    if _ESCAPED_TEXT.fullmatch(word):
        return word[1:-1].encode("latin-1", "backslashreplace").decode("unicode_escape")
    if word.isascii() and _ESCAPED_BYTES.fullmatch(word):
        return word[2:-1].encode("ascii").decode("unicode_escape").encode("latin-1")
    return None


def _accepted(word: str) -> str:
    """Return a literal without escapes that Python warns of."""
    prefix = word[: re.search("[\"']", word).start()].lower()  # type: ignore[union-attr]  # each literal has quotes
    return word if "r" in prefix else accepted(word, of_bytes="b" in prefix)


def _evaluated(words: tuple[str, ...]) -> Any:
    """Let Python read adjacent literals. Each gets its own line, so that an open one can't go on in the next."""
    try:
        return ast.literal_eval("({})".format("\n".join(map(_accepted, words))))
    except SyntaxError as error:
        if error.msg.startswith("unterminated"):
            raise ValueError(UNCLOSED) from None
        raise ValueError(f"a malformed text ({error.msg.partition(' (detected')[0]})") from None
