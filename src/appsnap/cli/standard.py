"""`-` for standard input and output, and the small files with passphrases and keys, which may be `-`, too."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from appsnap.errors import PassphraseError
from appsnap.files.streams import descriptor_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["claim", "is_stdin", "is_stdout", "label", "read_small", "stdin", "stdin_readers"]


_MOST = 1 << 20
"""The most bytes of a file with a passphrase or keys. A device without end is one by mistake."""


def is_stdin(path: str) -> bool:
    """Tell whether a path for reading means standard input."""
    return path == "-" or descriptor_of(path) == 0


def is_stdout(path: str) -> bool:
    """Tell whether a path for writing means standard output."""
    return path == "-" or descriptor_of(path) == 1


def label(path: str, standard: str) -> str:
    """Return the name of a file in messages. `standard` is that of `-`."""
    return standard if path == "-" else path


def stdin() -> BinaryIO:
    """Open standard input. Closing that leaves the descriptor open. Raises OSError if it isn't open."""
    if sys.stdin is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard input")
    return os.fdopen(sys.stdin.fileno(), "rb", closefd=False)


def stdin_readers() -> Sequence[str]:
    """Return the arguments and options of this command that read standard input."""
    context = click.get_current_context(silent=True)
    return [] if context is None else context.meta.get(__name__, {}).get(0, [])


def claim(path: str | int | None, reader: str) -> None:
    """Note that an argument or option reads a descriptor, if its value says so: a number, `-`, or a path of the system.

    Raises UsageError for the second reader of one descriptor.
    """
    number = path if isinstance(path, int) else 0 if path == "-" else descriptor_of(path or "")
    if number is None:
        return
    readers = click.get_current_context().meta.setdefault(__name__, {}).setdefault(number, [])
    readers.append(reader)
    if len(readers) > 1:
        name = f"file descriptor {number}" if number else "standard input"
        raise click.UsageError(f"{' and '.join(readers)} can't both read {name}: give one of them a file")


def read_small(path: str) -> bytes:
    """Return the content of a file with a passphrase or keys. Raises OSError, and PassphraseError for a large file."""
    with stdin() if path == "-" else open(path, "rb") as file:  # noqa: PTH123 - a text, as it was typed
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        name = label(path, "standard input")
        raise PassphraseError(f"{name} has more than {_MOST:,} bytes, too many for a passphrase or keys")
    return data
