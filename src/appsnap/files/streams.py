"""Streams and sources: the two forms in which bytes are passed on.

A stream is an iterable of buffers. The layers of a file are functions from one stream to another, put together like
pipes, so that no layer holds more than a few pieces at a time::

    atomic.write(path, age.encrypt(zstd.compress(body), recipients))

A `Source` is read once, from begin to end: the bytes of a file, of memory, or of a stream.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from io import BufferedRandom, BufferedReader, BytesIO, FileIO, RawIOBase
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeGuard

from appsnap.errors import Damaged
from appsnap.files.memory import filled
from appsnap.printable import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

__all__ = [
    "PIECE",
    "ChunkReader",
    "File",
    "Mapped",
    "Memory",
    "Readable",
    "Source",
    "Stream",
    "Writable",
    "descriptor_of",
    "from_file",
    "has_descriptor",
    "joined",
    "of_file",
    "to_file",
]

_HEAD = 4096
"""The first bytes of a file: enough to recognise any layer or kind."""

# Large enough that the cost of a system call or a step of Python vanishes, small enough to stay in a processor's cache.
PIECE = 1 << 20


class Readable(Protocol):
    """A file object that is open for reading bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, and none at the end of the file."""


class Writable(Protocol):
    """A file object that is open for writing bytes."""

    def write(self, data: bytes, /) -> object:
        """Write bytes. Returns their number, which may be smaller, or None for all of them."""


def from_file(file: Readable) -> Iterator[bytes]:
    """Yield the rest of a binary file, 1 MiB at a time."""
    while piece := file.read(PIECE):
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"the file object gives {type_of(piece)} instead of bytes: open it in binary mode")
        yield piece
    if piece is None:
        raise BlockingIOError(errno.EAGAIN, "there is nothing to read yet, and the file doesn't block")


def descriptor_of(path: str) -> int | None:
    """Return the open descriptor of this process that a path of the system means, or None for any other path."""
    found = re.fullmatch(r"/(?:dev|proc/self)/fd/([0-9]{1,9})", path)
    return int(found[1]) if found else _DESCRIPTORS.get(path)


_DESCRIPTORS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


def has_descriptor(file: object) -> TypeGuard[BinaryIO]:
    """Tell whether the bytes of a file object are those of its descriptor. Others may decompress them, for instance."""
    return type(file) in (FileIO, BufferedReader, BufferedRandom)


def to_file(file: Writable, chunks: Iterable[Buffer]) -> None:
    """Write a stream to a binary file, and flush that. The file may take fewer bytes at a time."""
    reader = ChunkReader(chunks)
    while piece := bytes(reader.read(PIECE)):  # bytes: a file in memory may keep them
        while piece:
            count = file.write(piece)
            if count == 0 or (count is None and isinstance(file, RawIOBase)):
                raise BlockingIOError(errno.EAGAIN, "the file takes no more bytes now")
            piece = piece[count:] if isinstance(count, int) else b""
    flush = getattr(file, "flush", None)
    if callable(flush):
        flush()


def joined(chunks: Iterable[Buffer]) -> bytes:
    """Return a stream as one byte string. Unlike `b"".join`, it doesn't hold every buffer until the end."""
    file = BytesIO()
    for chunk in chunks:
        file.write(chunk)
    return file.getvalue()


class ChunkReader:
    """Reads a stream in pieces of any size. A piece is copied only if it reaches over the end of a buffer.

    A stream may fill the same buffer again when the next one is asked for. So a piece is valid only until the next
    piece is read.
    """

    def __init__(self, chunks: Iterable[Buffer]) -> None:
        self._chunks: Iterator[Buffer] = iter(chunks)
        self._view = memoryview(b"")

    def __iter__(self) -> Iterator[memoryview]:
        """Yield the rest of the stream."""
        while not self.at_end():
            view, self._view = self._view, self._view[:0]
            yield view

    def at_end(self) -> bool:
        """Tell whether everything has been read."""
        if self._view.nbytes:
            return False
        for chunk in self._chunks:
            self._view = memoryview(chunk).cast("B")
            if self._view.nbytes:
                return False
        return True

    def read(self, size: int) -> memoryview | bytearray:
        """Return the next `size` bytes, or fewer where the stream ends before."""
        if not self.at_end() and len(self._view) > size:
            piece, self._view = self._view[:size], self._view[size:]
            return piece
        joined = bytearray()
        while len(joined) < size and not self.at_end():
            part = self._view[: size - len(joined)]
            joined += part
            self._view = self._view[len(part) :]
        return joined

    def read_into(self, room: memoryview) -> int:
        """Fill `room` with the next bytes. Returns their number, which is smaller where the stream ends before."""
        at = 0
        while at < len(room) and not self.at_end():
            part = self._view[: len(room) - at]
            room[at : at + len(part)] = part
            self._view = self._view[len(part) :]
            at += len(part)
        return at

    def peek(self, size: int) -> bytes:
        """Return the bytes that `read(size)` would return, without taking them."""
        head = bytes(self.read(size))
        self._chunks = chain([self._view], self._chunks)
        self._view = memoryview(head)
        return head


class Source(Protocol):
    """Bytes that are read once. At most `left` bytes remain. For a file and for memory the number is exact.

    A reader never has to allocate more than `left` bytes, however many a damaged file announces.
    """

    @property
    def left(self) -> int:
        """The most bytes that may still come."""

    def peek(self, size: int) -> Buffer:
        """Return the next `size` bytes, or fewer at the end, without taking them."""

    def read(self, size: int) -> Buffer:
        """Return the next `size` bytes. Raises Damaged where there are fewer."""

    def read_into(self, room: memoryview) -> None:
        """Fill `room` with the next bytes. Raises Damaged where there are fewer."""

    def pieces(self) -> Iterator[Buffer]:
        """Yield all remaining bytes in pieces. Each piece is valid only until the next one is asked for."""

    def rest(self) -> memoryview:
        """Return all remaining bytes."""


def of_file(
    file: Readable,
    progress: Callable[[int, int], object] | None = None,
    check: Callable[[bytes], object] = lambda _: None,
) -> Source:
    """Return the source of the rest of a binary file. Other files than those of a file system are read at once.

    `progress` is called repeatedly with two numbers of bytes: those read so far, and all. `check` is called with the
    first bytes of a file that may have no end, before the others are read. Raises OSError for a device that isn't a
    terminal and has bytes.
    """
    if has_descriptor(file):
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            at = file.tell()
            return File(file, max(status.st_size - at, 0), progress, at)
        if stat.S_ISCHR(status.st_mode) and not file.isatty() and file.read(1):
            raise OSError(errno.EINVAL, "Not a regular file")
    reader = ChunkReader(from_file(file))
    check(reader.peek(_HEAD))
    return Memory(joined(reader))


def _too_short(missing: int) -> Damaged:
    return Damaged(f"{missing:,} bytes are missing", hint="the file is truncated; take another copy of it")


class Memory:
    """A source of bytes in memory. Nobody may change the bytes."""

    def __init__(self, data: Buffer) -> None:
        self._view = memoryview(data).cast("B")

    @property
    def left(self) -> int:
        """The number of bytes that remain."""
        return len(self._view)

    def peek(self, size: int) -> memoryview:
        """See Source."""
        return self._view[:size]

    def read(self, size: int) -> memoryview:
        """See Source."""
        if size > len(self._view):
            raise _too_short(size - len(self._view))
        piece, self._view = self._view[:size], self._view[size:]
        return piece

    def read_into(self, room: memoryview) -> None:
        """See Source."""
        room[:] = self.read(len(room))

    def pieces(self) -> Iterator[memoryview]:
        """See Source."""
        yield self.rest()

    def rest(self) -> memoryview:
        """See Source."""
        return self.read(len(self._view))


class Mapped(Memory):
    """A file that is mapped into memory. `rest` copies, because other programs may still change the file."""

    def rest(self) -> memoryview:
        """See Source."""
        return memoryview(bytes(super().rest()))


_AT_ONCE = 8 * PIECE
"""Bytes between two calls of `progress`."""


class File:
    """A source of the bytes of a file. `read_into` reads them without a copy.

    No byte is read twice, because another program may write to the file: the bytes that were looked at are kept, and
    handed out.
    """

    def __init__(
        self, file: BinaryIO, left: int, progress: Callable[[int, int], object] | None = None, at: int = 0
    ) -> None:
        self._file = file
        self._progress = progress
        self._at = at  # of the bytes that were handed out
        self._kept = b""  # the bytes behind them that were looked at
        self.left = left

    def peek(self, size: int) -> bytes:
        """See Source."""
        size = min(size, self.left)
        while len(self._kept) < size:
            more = os.pread(self._file.fileno(), size - len(self._kept), self._at + len(self._kept))
            if not more:
                break
            self._kept += more
        return self._kept[:size]

    def read(self, size: int) -> bytearray:
        """See Source."""
        if size > self.left:
            raise _too_short(size - self.left)
        return filled(bytearray, size, self.read_into)

    def read_into(self, room: memoryview) -> None:
        """See Source."""
        while room:
            if self._kept:
                count = min(len(room), len(self._kept))
                room[:count], self._kept = self._kept[:count], self._kept[count:]
            else:
                count = os.preadv(self._file.fileno(), [room[:_AT_ONCE]], self._at)
            if not count:
                raise _too_short(len(room))
            room = room[count:]
            self._at += count
            self.left -= count
            if self._progress is not None:
                self._progress(self._at, self._at + self.left)

    def pieces(self) -> Iterator[bytearray]:
        """See Source."""
        while self.left:
            yield self.read(min(self.left, PIECE))

    def mapped(self) -> Mapped | None:
        """Return the remaining bytes as those of a mapped file, or None where the system doesn't map it."""
        import mmap  # noqa: PLC0415 - few files are mapped

        try:
            whole = memoryview(mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY))
        except (OSError, ValueError):
            return None
        return Mapped(whole[self._at : self._at + self.left])

    def rest(self) -> memoryview:
        """See Source."""
        return memoryview(self.read(self.left))


class Stream:
    """A source of the bytes that come out of a layer. Their number isn't known before, only its bound `left`."""

    def __init__(self, chunks: Iterable[Buffer], left: int) -> None:
        self._reader = ChunkReader(chunks)
        self.left = left

    def peek(self, size: int) -> bytes:
        """See Source."""
        return self._reader.peek(size)

    def read(self, size: int) -> memoryview | bytearray:
        """See Source."""
        if size > self.left:
            raise _too_short(size - self.left)
        piece = self._reader.read(size)
        self.left -= len(piece)
        if len(piece) < size:
            raise _too_short(size - len(piece))
        return piece

    def read_into(self, room: memoryview) -> None:
        """See Source."""
        if len(room) > self.left:
            raise _too_short(len(room) - self.left)
        count = self._reader.read_into(room)
        self.left -= count
        if count < len(room):
            raise _too_short(len(room) - count)

    def pieces(self) -> Iterator[memoryview]:
        """See Source."""
        return iter(self._reader)

    def rest(self) -> memoryview:
        """See Source."""
        self.left = 0
        return memoryview(joined(self._reader))
