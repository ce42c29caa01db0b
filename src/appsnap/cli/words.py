"""What the command line writes, and how: results to stdout, everything else to stderr, nothing raw from a file.

Every line passes through `escaped`, so that no name and no value of a hostile file reaches the terminal as a control
sequence, a line of its own, or text that runs backwards.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ReaderGone", "command_line", "complain", "escaped", "finish", "note", "prepare", "write", "write_json"]


class ReaderGone(Exception):
    """Nobody reads stdout any more, as in `appsnap show shop.tap | head`."""


def prepare() -> None:
    """Make both streams take any text: what their encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper at this point


def escaped(text: str) -> str:
    r"""Return a text as one line: control characters, line ends, bidi controls and the like as `\x1b` or `\u202e`.

    What Python itself doesn't take for printable (Unicode's Other and Separator, the space apart) is escaped.
    """
    if text.isprintable():
        return text
    return "".join(x if x.isprintable() else x.encode("ascii", "backslashreplace").decode() if x > "\xff" else f"\\x{ord(x):02x}" for x in text)


def write(lines: Iterable[str]) -> None:
    """Write lines to stdout. Raises ReaderGone."""
    if sys.stdout is None:
        return
    try:
        for line in lines:
            sys.stdout.write(_drawable(escaped(line), sys.stdout) + "\n")
    except BrokenPipeError as error:
        raise _gone(error) from error


def write_json(value: Any) -> None:
    """Write a value to stdout as one line of JSON in ASCII. Raises ReaderGone."""
    # JSON leaves DEL as it is, which is a control character all the same.
    write([json.dumps(value, allow_nan=False).replace("\x7f", "\\u007f")])


def finish() -> None:
    """Flush stdout, so that an error shows while it can still be reported. Raises ReaderGone, OSError."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        raise _gone(error) from error


def complain(lines: Iterable[str], hint: str = "") -> None:
    """Write error lines, and a hint if there is one, to stderr."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            _gone(error)
    for line in lines:
        _say(f"appsnap: error: {line}")
    if hint:
        _say(f"appsnap: hint: {hint}")


def note(text: str) -> None:
    """Tell on stderr what is going on."""
    _say(f"appsnap: {text}")


def command_line(arguments: Iterable[str]) -> str:
    """Return a command as it can be typed in a shell."""
    return shlex.join(["appsnap", *arguments])


def _say(line: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(_drawable(escaped(line), sys.stderr) + "\n")
        sys.stderr.flush()
    except OSError:
        # There is no place left to say so.
        _discard(sys.stderr)


def _gone(error: OSError) -> Exception:
    """Return what to raise for an error of stdout; what is still to be flushed at the exit goes nowhere."""
    _discard(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return ReaderGone()
    return OSError(error.errno, error.strerror, "standard output")


def _discard(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _drawable(line: str, stream: TextIO) -> str:
    if line.isascii():
        return line
    try:
        _DRAWINGS.encode(stream.encoding)
    except UnicodeEncodeError:
        return line.translate(_IN_ASCII)
    return line


_DRAWINGS = "├└─│→…"
_IN_ASCII = str.maketrans({"├": "|", "└": "`", "─": "-", "│": "|", "→": "->", "…": "..."})
