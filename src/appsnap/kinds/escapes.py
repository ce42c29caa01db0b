"""Escapes of literals that Python reads with a warning, written as those that it reads without one.

Python warns of a backslash that begins no escape, and of octal numbers above 255. To catch warnings is to change the
filters of the whole process, for its other threads as well.
"""

from __future__ import annotations

import re

__all__ = ["accepted"]

_ESCAPE = re.compile(r"\\([0-7]{1,3}|.)", re.DOTALL)
_OF_BYTES = frozenset("\n\\'\"abfnrtvx")
_OF_TEXTS = _OF_BYTES | frozenset("NuU")


def accepted(literal: str, *, of_bytes: bool) -> str:
    """Return a literal, not a raw one, of the same value as Python gives to it, and without the escapes it warns of."""
    known = _OF_BYTES if of_bytes else _OF_TEXTS

    def rewritten(found: re.Match[str]) -> str:
        letters = found[1]
        if letters[0] in "01234567":
            number = int(letters, 8)
            return found[0] if number < 256 else f"\\x{number & 255:02x}" if of_bytes else f"\\u{number:04x}"
        return found[0] if letters in known else f"\\{found[0]}"

    return _ESCAPE.sub(rewritten, literal)
