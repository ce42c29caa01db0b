"""Text of somebody else's, made fit to be shown: on a terminal, in a log, in an error."""

from __future__ import annotations

__all__ = ["escaped", "plural", "shortened"]


def escaped(text: str) -> str:
    r"""Return a text as one line: control characters, line ends, bidi controls and the like as `\x1b` or `\u202e`.

    What Python itself doesn't take for printable (Unicode's Other and Separator, the space apart) is escaped.
    """
    if text.isprintable():
        return text
    return text.translate(_Escapes())


class _Escapes(dict[int, str]):
    """What stands for each code point, found out once for each in a text: many are long and have few."""

    def __missing__(self, code: int) -> str:
        x = chr(code)
        if not x.isprintable():
            x = x.encode("ascii", "backslashreplace").decode() if x > "\xff" else f"\\x{code:02x}"
        self[code] = x
        return x


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters, with an ellipsis for the middle of a longer one."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def plural(count: int, noun: str) -> str:
    """Return a number with its noun, as in `1 object` and `2,000 objects`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
