"""Streams of bytes: iterables of buffers, and how to read them in pieces of a chosen size.

Everything in this package turns one iterable of buffers into another, so that the layers of a file are put together
like pipes and no layer holds more than a few pieces at a time::

    atomic.write(path, age.encrypt(zstd.compress(body), recipients))
"""

from __future__ import annotations

from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from typing_extensions import Buffer

__all__ = ["PIECE", "ChunkReader", "from_file", "joined"]

# Large enough that the cost of a system call or a step of Python vanishes, small enough to stay in a processor's cache.
PIECE = 1 << 20


def from_file(file: BinaryIO) -> Iterator[bytes]:
    """Yield what is left of a binary file, 1 MiB at a time."""
    while piece := file.read(PIECE):
        yield piece


def joined(chunks: Iterable[Buffer]) -> bytes:
    """Return a stream as one byte string, which is all that is held of it: `b"".join` would hold every buffer, too."""
    file = BytesIO()
    for chunk in chunks:
        file.write(chunk)
    return file.getvalue()


class ChunkReader:
    """Reads an iterable of buffers in pieces of other sizes, and copies only what reaches the end of one of them.

    Whoever makes the buffers may use one again as soon as the next one is asked for. What is read here stays as it is
    until the next piece is read.
    """

    def __init__(self, chunks: Iterable[Buffer]) -> None:
        self._chunks: Iterator[Buffer] = iter(chunks)
        self._view = memoryview(b"")

    def __iter__(self) -> Iterator[memoryview]:
        """Yield what has not been read yet."""
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
        """Fill `room` with the next bytes, and return how many there were: fewer where the stream ends before."""
        at = 0
        while at < len(room) and not self.at_end():
            part = self._view[: len(room) - at]
            room[at : at + len(part)] = part
            self._view = self._view[len(part) :]
            at += len(part)
        return at

    def peek(self, size: int) -> bytes:
        """Return what `read(size)` would return, and leave it there."""
        head = bytes(self.read(size))
        self._chunks = chain([self._view], self._chunks)
        self._view = memoryview(head)
        return head
