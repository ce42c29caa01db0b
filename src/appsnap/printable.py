"""Foreign text, made safe for a terminal, a log or an error."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["as_path", "as_word", "columns", "escaped", "in_words", "label", "plural", "shortened", "type_of"]


def escaped(text: str) -> str:
    r"""Return a text as one line, with escapes like `\x1b` or `\u202e` for control characters, line ends and the like.

    Escaped are all characters that `str.isprintable` refuses: Unicode's Other and Separator, except the space.
    """
    if text.isprintable():
        return text
    return text.translate(_Escapes())


class _Escapes(dict[int, str]):
    """The text for each code point. It is computed once a code point: long texts have few different ones."""

    def __missing__(self, code: int) -> str:
        x = chr(code)
        if not x.isprintable():
            x = x.encode("ascii", "backslashreplace").decode() if x > "\xff" else f"\\x{code:02x}"
        self[code] = x
        return x


def as_word(name: str) -> str:
    """Return a name or a version from a file for a line of ours: as it is, or in quotes if it could pass for our words.

    A name is parts with dots between them, as `shop.Web`, `<shop.tac>.Web` or `1.0+local`. In quotes it is cut, too.
    """
    return name if _WORD.fullmatch(name) else _quoted(name, 100)


def as_path(path: str) -> str:
    """Return the path of a file or an address for a line of ours: as it is, or in quotes like `as_word`."""
    return shortened(path, 1_000) if _PATH.fullmatch(path) else _quoted(path, 1_000)


def _quoted(text: str, most: int) -> str:
    text = escaped(shortened(text, most)).replace('"', '\\"')
    return f'"{text}"'


def in_words(error: BaseException) -> str:
    """Return the type and the text of any error. The text may be missing, or fail itself."""
    try:
        text = str(error)
    except Exception as failed:  # noqa: BLE001 - an error in an error is no reason to lose the first
        text = f"its text failed with {type(failed).__name__}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def label(value: object) -> str:
    """Return an attribute that should be a text or a number as a text of at most 100 characters.

    Anything else is shown by its class: to write a list of lists may never end.
    """
    if type(value) is str:
        return shortened(value, 100)
    if type(value) is int and value.bit_length() <= 64:
        return str(value)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


_PART = r"(?:<[^<>\"]{1,100}>|[\w+!…\[\]-]+)"
_PATH = re.compile(r"[\w/.:+@%~\[\]-]+")
_WORD = re.compile(rf"{_PART}(?:\.{_PART})*+")


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters. An ellipsis replaces the middle of a longer one."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide letters take two, accents none."""
    wide = sum(unicodedata.east_asian_width(x) in "WF" for x in text)
    return len(text) + wide - sum(unicodedata.combining(x) > 0 for x in text)


def plural(count: int, noun: str) -> str:
    """Return a number with its noun, as in `1 object` and `2,000 objects`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def type_of(value: object) -> str:
    """Return the type of a wrong argument in words, as in `an int`, for a TypeError. None is its own name."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
