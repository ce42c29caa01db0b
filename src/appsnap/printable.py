"""Text of somebody else's, made fit to be shown: on a terminal, in a log, in an error."""

from __future__ import annotations

__all__ = ["escaped"]


def escaped(text: str) -> str:
    r"""Return a text as one line: control characters, line ends, bidi controls and the like as `\x1b` or `\u202e`.

    What Python itself doesn't take for printable (Unicode's Other and Separator, the space apart) is escaped.
    """
    if text.isprintable():
        return text
    return "".join(
        x if x.isprintable() else x.encode("ascii", "backslashreplace").decode() if x > "\xff" else f"\\x{ord(x):02x}"
        for x in text
    )
