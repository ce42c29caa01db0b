"""Where a snapshot is: at a path, or in a file object that the caller has opened."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from appsnap.errors import AppsnapError, CannotLoad
from appsnap.files import atomic, streams
from appsnap.printable import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

    from appsnap.files.streams import Readable, Writable

    FilePath = str | os.PathLike[str] | os.PathLike[bytes]

__all__ = ["name_of", "path_of", "reading", "write"]


def path_of(place: object, *, to: str) -> str | None:
    """Return a path as a text, or None for a binary file. `to` is `read` or `write`.

    Raises TypeError for anything else, a text file included, and UnsupportedOperation for a file that isn't open for
    this.
    """
    if isinstance(place, (str, os.PathLike)):
        return os.fsdecode(place)
    words = "a path or a file object that is open in binary mode"
    if isinstance(place, (bytes, bytearray, memoryview)):
        other = "; loads takes bytes" if to == "read" else ""
        raise TypeError(f"this takes {words}, not {type_of(place)}{other}")
    if isinstance(place, type) or not callable(getattr(place, to, None)):
        raise TypeError(f"this takes {words}, not {type_of(place)}")
    if isinstance(place, io.TextIOBase) or hasattr(place, "encoding"):
        raise TypeError(f"this file is open as text: open it in binary mode, as in open(path, '{to[0]}b')")
    able = getattr(place, f"{to}able".replace("writeable", "writable"), None)
    if callable(able) and not able():
        raise io.UnsupportedOperation(f"this file isn't open to {to} it: open it as in open(path, '{to[0]}b')")
    return None


def name_of(place: FilePath | Readable | Writable) -> str:
    """Return a path as a text, or the name of a file object, or an empty text for one without a name."""
    if isinstance(place, (str, os.PathLike)):
        return os.fsdecode(place)
    name: Any = getattr(place, "name", None)
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else ""


@contextlib.contextmanager
def reading(place: FilePath | Readable) -> Iterator[Readable]:
    """Open a path, or take a file object as it is. A file object is at its end afterwards, and stays open."""
    path = path_of(place, to="read")
    if path is not None:
        # Not Path(path): an empty path would be the current folder.
        with _word_about_urls(path, CannotLoad), open(path, "rb", buffering=0) as opened:  # noqa: PTH123
            yield opened
        return
    file = cast("Readable", place)
    yield file
    if streams.has_descriptor(file) and file.seekable():
        file.seek(0, os.SEEK_END)  # it was read without moving the position


def write(
    place: FilePath | Writable, chunks: Iterable[Buffer], *, check: Callable[[Path], object] | None = None
) -> None:
    """Write a file at a path as `atomic.write` does, or write to a file object, or to an open descriptor by its path.

    With a `check`, a file object gets its first byte after that: the bytes are in an unnamed file until then.
    """
    path = path_of(place, to="write")
    descriptor = None if path is None else streams.descriptor_of(path)
    if path is None:
        _stream(cast("Writable", place), chunks, check)
    elif descriptor is None:
        with _word_about_urls(path, AppsnapError):
            atomic.write(path, chunks, check=check)
    else:
        with atomic.errors_about(path):
            file = os.fdopen(os.dup(descriptor), "wb", buffering=0)
        with file:
            _stream(file, chunks, check)


def _stream(file: Writable, chunks: Iterable[Buffer], check: Callable[[Path], object] | None) -> None:
    if check is None:
        streams.to_file(file, chunks)
        return
    import tempfile  # noqa: PLC0415 - few snapshots are checked on their way into a stream

    with tempfile.TemporaryFile() as whole:
        streams.to_file(whole, chunks)
        check(Path(f"/proc/{os.getpid()}/fd/{whole.fileno()}"))
        whole.seek(0)
        streams.to_file(file, streams.from_file(whole))


@contextlib.contextmanager
def _word_about_urls(path: str, error_class: type[AppsnapError]) -> Iterator[None]:
    """Tell the caller that a URL is no path, where no such path exists."""
    try:
        yield
    except FileNotFoundError:
        # A path object has one slash less.
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", path)
        if scheme is None:
            raise
        raise error_class(
            f"{path} is a URL, and only paths and file objects are known here",
            hint="give a file object of the library that opens it; on the command line, - takes bytes from a pipe",
        ) from None
