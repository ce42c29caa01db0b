"""The output of the command line: results go to stdout, everything else to stderr.

Every line passes through `escaped`. So a name or value of a hostile file can't reach the terminal as a control
sequence, a line of its own, or text that runs backwards.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import itertools
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from appsnap.errors import AppsnapError
from appsnap.printable import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BINARY",
    "command_line",
    "cut",
    "discard_output",
    "error",
    "finish",
    "lowered",
    "note",
    "prepare",
    "reserve_stdout",
    "status",
    "trace",
    "write",
    "write_json",
]


def prepare() -> None:
    """Make both streams take any text. They write an escape for a character that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper at this point


_reserved: TextIO | None = None


def reserve_stdout() -> None:
    """Keep stdout of this process for results until it ends: a program reads them.

    All else that goes there, also from C code, child processes and at exit, goes to stderr from now on.
    """
    global _reserved  # noqa: PLW0603 - as the descriptors, it belongs to the process
    if sys.stdout is None or _reserved is not None:
        return
    number = sys.stdout.fileno()
    _reserved = os.fdopen(os.dup(number), "w", encoding=sys.stdout.encoding, errors="backslashreplace")
    if sys.stderr is None:
        _discard(sys.stdout)
    else:
        os.dup2(sys.stderr.fileno(), number)
    # A new stream, because the old one remembers whether its file can be sought in.
    sys.stdout = sys.__stdout__ = os.fdopen(  # type: ignore[misc]  # final in the stubs
        number, "w", 1, encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False
    )


class _Binary:
    """Stdout for bytes, once it is reserved."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def write(self, data: bytes) -> int:
        """Write bytes. Raises OSError, as `write` of this module does, and AppsnapError for what a terminal may obey.

        XML has all characters but the first control characters as they are.
        """
        if _reserved is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")
        if _reserved.isatty() and not self._decode(data).replace("\n", "").isprintable():
            raise AppsnapError("it has control characters, which a terminal obeys", hint="write to a file or a pipe")
        with _errors_of_stdout():
            return _reserved.buffer.write(data)

    def flush(self) -> None:
        """Write all bytes that are waiting."""
        finish()


BINARY = _Binary()
"""Stdout for bytes, after `reserve_stdout`."""


def _results() -> TextIO | None:
    return _reserved or sys.stdout


def write(lines: Iterable[str], most: int | None = None) -> bool:
    """Write lines to stdout, of about `most` characters together. Returns whether there were more.

    Raises OSError, and BrokenPipeError if the reader has ended, as in `| head`.
    """
    stream = _results()
    if stream is None:
        return False
    for line in lines:
        if most is not None and most <= 0:
            return True
        shown = _shown(line, stream) + "\n"
        most = None if most is None else most - len(shown)
        _put(shown)
    return False


def write_json(value: Any, most: int | None = None, **lists: Any) -> bool:
    """Write a value to stdout as one line of JSON in ASCII. Returns whether it was cut. Raises OSError like `write`.

    `lists` are further members of the object. Iterators are written piece by piece, because they may be very long:
    about `most` characters together. If there is more, the last member is `"cut": true`.
    """
    import json  # noqa: PLC0415 - only for --json

    def put(value: Any, begin: int | None = None, end: int | None = None) -> int:
        # JSON doesn't escape DEL, which is a control character too.
        text = json.dumps(value, allow_nan=False)[begin:end].replace("\x7f", "\\u007f")
        _put(text)
        return len(text)

    put(value, end=-1 if lists else None)
    written = 0
    is_cut = False
    for name, members in lists.items():
        if not isinstance(members, Iterator):
            _put(f', "{name}": ')
            put(members)
            continue
        _put(f', "{name}": [')
        between = ""
        while some := [*itertools.islice(members, _AT_ONCE)]:
            is_cut = most is not None and written > most
            if is_cut:
                break
            _put(between)
            written += put(some, 1, -1)
            between = ", "
        _put("]")
    _put((', "cut": true}\n' if is_cut else "}\n") if lists else "\n")
    return is_cut


_AT_ONCE = 100


def cut(file: str, what: str) -> None:
    """Note that not all was written that a stranger's file has."""
    note(f"note: {file} has more {what} than a file of its size may show: --limit output=… shows more")


def _put(text: str) -> None:
    if (stream := _results()) is not None:
        with _errors_of_stdout():
            stream.write(text)


def finish() -> None:
    """Flush stdout while an error can still be reported. Raises OSError, as `write` does."""
    if (stream := _results()) is not None:
        with _errors_of_stdout():
            stream.flush()


def error(lines: Iterable[str], hint: str = "") -> None:
    """Write error lines, and a hint if there is one, to stderr."""
    # The output comes before the error if both go to the same terminal.
    with contextlib.suppress(OSError):
        finish()
    for line in lines:
        _say(f"appsnap: error: {line}")
    if hint:
        _say(f"appsnap: hint: {hint}")


def note(text: str) -> None:
    """Write a note to stderr."""
    _say(f"appsnap: {text}")


def status(text: str) -> None:
    """Show a line on a terminal, in place of the last one. An empty text removes the last one."""
    # Line wrap (DECAWM) is off meanwhile: the terminal cuts a long line at its margin, and it stays one line.
    _put_to_stderr(f"\r\x1b[?7l{_shown(text, sys.stderr)}\x1b[K\x1b[?7h")


def lowered(text: str) -> str:
    """Return a foreign message with a small first letter, as our own messages begin."""
    return text[:1].lower() + text[1:]


def trace(text: str) -> None:
    """Write a traceback to stderr."""
    for line in text.splitlines():
        _say(line)


def command_line(arguments: Iterable[str]) -> str:
    """Return a command as it can be typed in a shell."""
    import shlex  # noqa: PLC0415 - few commands name another one

    return shlex.join(["appsnap", *arguments])


def _say(line: str) -> None:
    _put_to_stderr(_shown(line, sys.stderr) + "\n")


def _put_to_stderr(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # There is no other place to report this.
        _discard(sys.stderr)


@contextlib.contextmanager
def _errors_of_stdout() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Python flushes the rest at exit, and must not fail again.
        discard_output()
        raise OSError(error.errno, error.strerror, "standard output") from error


def discard_output() -> None:
    """Throw away all output from now on, also the unwritten part of earlier output."""
    if (stream := _results()) is not None:
        _discard(stream)


def _discard(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _shown(text: str, stream: TextIO | None) -> str:
    """Return a text as one line that can be shown, drawn in ASCII where the stream has no other characters."""
    line = escaped(text)
    if line.isascii() or stream is None:
        return line
    try:
        _DRAWINGS.encode(stream.encoding)
    except UnicodeEncodeError:
        return line.translate(_IN_ASCII)
    return line


_DRAWINGS = "├└─│→…"
_IN_ASCII = str.maketrans({"├": "|", "└": "`", "─": "-", "│": "|", "→": "->", "…": "..."})
