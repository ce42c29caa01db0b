"""Buffers: the large runs of bytes of a document, which are never copied on their way.

The data of a buffer stands at a multiple of 64 bytes in the document, so that a file can be mapped. The header's table
says where; the trailer has checksums of them, so that its own checksum is of the rest alone. What is left of a
document when the data of its buffers is taken out is its *skeleton*: all that says anything stands there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.errors import CannotLoad, Damaged
from appsnap.files.streams import Memory
from appsnap.recipe import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from typing_extensions import Buffer

    from appsnap.files.streams import Source

    Data = bytes | bytearray | memoryview
    """The data of a buffer: an object of its own, or a view of a mapped file."""

__all__ = [
    "ALIGNMENT",
    "LEAST",
    "MAY_BE_LARGE",
    "MOST",
    "Body",
    "DocumentParts",
    "DocumentStream",
    "Layout",
    "checker",
    "large",
    "map_apart",
    "padded",
    "spans",
    "take_apart",
]

LEAST = 64 << 10
"""Bytes of the smallest buffer: from here on the C pickler hands them to its file as they are (FRAME_SIZE_TARGET)."""

ALIGNMENT = 64
"""A line of a processor's cache, and more than any type of numbers asks for."""

MOST = 1 << 17
"""Buffers of one document; what is beyond stands in the body as if it were small. They are 8 GiB or more, and their
table and checksums 10 MB."""

_HEAD = 4 << 20
"""Bytes in which a header with a table ends."""

CHUNK = 8 << 20
"""Bytes of a buffer that have a checksum of their own, so that several threads can hash it."""

_HASHERS = min(4, os.cpu_count() or 1)
"""Threads that hash, beside what reads or writes: to hash takes six times as long as to read what the system has in
memory. With two on two processors, a gigabyte was loaded in 0.31 to 0.41 s instead of 0.51."""


# Out


MAY_BE_LARGE = frozenset({steps.ByteArray, steps.Value})
"""The steps that may have a buffer."""


def large(step: Any) -> Buffer | None:
    """Return the data of one of `MAY_BE_LARGE`, if it becomes a buffer."""
    data: Buffer | str = step[0]
    return None if isinstance(data, str) or memoryview(data).nbytes < LEAST else data


class Body:
    """The pieces of a body, in which the data of buffers stays what it was, uncopied. `size` is in bytes."""

    def __init__(self, pieces: Iterable[Buffer] = ()) -> None:
        self.size = 0
        self.table: list[int] = []
        self._pieces: list[Buffer] = []
        self._buffers: set[int] = set()  # among the pieces
        for piece in pieces:
            self.add(piece)

    def __iter__(self) -> Iterator[Buffer]:
        return iter(self._pieces)

    @property
    def buffers(self) -> list[Buffer]:
        """The data of the buffers."""
        return [self._pieces[number] for number in sorted(self._buffers)]

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another buffer."""
        return len(self._buffers) >= MOST

    def gap(self, head: int = 0) -> int:
        """Return how many bytes are missing to where a buffer may stand, after a head of so many bytes."""
        return -(self.size + head) % ALIGNMENT

    def add(self, piece: Buffer) -> None:
        """Append bytes."""
        self._pieces.append(piece)
        self.size += memoryview(piece).nbytes

    def add_buffer(self, data: Buffer) -> None:
        """Append the data of a buffer. There must be no gap."""
        self._buffers.add(len(self._pieces))
        self.table += (self.size, memoryview(data).nbytes)
        self.add(data)

    def rest(self) -> Iterator[Buffer]:
        """Yield all pieces that aren't the data of buffers."""
        return (piece for number, piece in enumerate(self._pieces) if number not in self._buffers)


def padded(fields: dict[str, Any], body: Body, plain: Callable[[dict[str, Any]], bytes]) -> bytes:
    """Return a header, as `plain` spells it, after which a body may begin."""
    if not body.table:
        return plain(fields)
    fields = fields | {"buffers": body.table, "padding": ""}
    head = plain(fields)
    # More than once, because the length of a text takes more bytes from some length on.
    while len(head) % ALIGNMENT:
        fields["padding"] += " "
        head = plain(fields)
    return head


class DocumentStream:
    """A document, in pieces. `size` is in bytes, but for its trailer.

    `trailer` makes that of the checksum of all that is no buffer, and of those of the buffers. These are computed on
    other threads, while whoever takes the pieces writes them.
    """

    def __init__(self, head: bytes, body: Body, trailer: Callable[[str, list[str] | None], bytes]) -> None:
        self.size = len(head) + body.size
        self._head = head
        self._body = body
        self._trailer = trailer

    def __iter__(self) -> Iterator[Buffer]:
        digest = hashlib.sha256(self._head)
        for piece in self._body.rest():
            digest.update(piece)
        if not self._body.table:
            yield self._head
            yield from self._body
            yield self._trailer(digest.hexdigest(), None)
            return
        with _hashers() as hashers:
            chunks = [chunk for data in self._body.buffers for chunk in _chunks(data)]
            jobs = [hashers.submit(hashlib.sha256, chunk) for chunk in chunks]
            yield self._head
            for piece in self._body:
                yield from _chunks(piece)
            yield self._trailer(digest.hexdigest(), [job.result().hexdigest() for job in jobs])


def _chunks(data: Buffer) -> Iterator[memoryview]:
    view = memoryview(data).cast("B")
    return (view[start : start + CHUNK] for start in range(0, len(view), CHUNK))


# In


class Layout(NamedTuple):
    """Where the buffers of a document stand: begin and size of each, in bytes of the document.

    `type_of` tells of a buffer by its number, its size and the skeleton before it whether it is bytes or a bytearray,
    and raises Damaged where nothing there says so.
    """

    spans: Sequence[tuple[int, int]]
    type_of: Callable[[int, int, bytearray], type[bytes | bytearray]]


@dataclass(frozen=True, slots=True)
class DocumentParts:
    """A document taken apart: its skeleton, and its buffers, each with the place in that where its data was taken out.

    `digests` are their checksums, or None where nobody computed them.
    """

    skeleton: memoryview
    buffers: Sequence[tuple[int, Data]] = ()
    digests: Sequence[str] | None = ()

    def check(self, found: Sequence[tuple[int, int]], sums: Sequence[str] | None) -> None:
        """Check that these are the buffers of the table, and that the trailer has as many checksums as they need.

        Raises Damaged.
        """
        if len(found) != len(self.buffers):
            raise Damaged("the header has a table of buffers that aren't there")
        if len(sums or ()) != sum(-(-size // CHUNK) for _, size in found):
            raise Damaged("the trailer hasn't a checksum for each buffer")


def checker(parts: DocumentParts, sums: Sequence[str]) -> Callable[[memoryview, Buffer], None]:
    """Return what checks a copy of one of the buffers, by the checksums of all: it takes the view, and then the copy.

    That raises Damaged.
    """
    of_each: dict[int, Sequence[str]] = {}
    at = 0
    for _, held in parts.buffers:
        count = -(-len(held) // CHUNK)
        of_each[id(held)] = sums[at : at + count]
        at += count

    def check(view: memoryview, copy: Buffer) -> None:
        if [hashlib.sha256(chunk).hexdigest() for chunk in _chunks(copy)] != of_each[id(view)]:
            raise Damaged("the checksum of a buffer is wrong", hint="the file was altered; take another copy of it")

    return check


def spans(fields: dict[str, Any], start: int, gap: int = 0) -> list[tuple[int, int]]:
    """Return begin and size of each buffer in the table of a header. The body begins at byte `start`.

    Raises Damaged for a table that no writer makes: before each buffer stand at least `gap` other bytes.
    """
    table = fields.get("buffers", [])
    if not isinstance(table, list) or len(table) % 2 or len(table) > 2 * MOST or not all(map(_is_offset, table)):
        raise Damaged("the table of buffers is none")
    found = [(start + offset, size) for offset, size in zip(table[::2], table[1::2], strict=True)]
    end = start
    for begin, size in found:
        if size < LEAST or begin < end + gap or begin % ALIGNMENT:
            raise Damaged("the table of buffers has one that is too small, or where none can stand", offset=begin)
        end = begin + size
    return found


def _is_offset(number: Any) -> bool:
    """Tell whether something is a place or a size that a sum of the two can't make too large for the system."""
    return type(number) is int and 0 <= number < 1 << 62


def take_apart(source: Source, locate: Callable[[memoryview], Layout | None]) -> DocumentParts:
    """Read a document, the data of each buffer into an object of its own, and hash that on other threads.

    `locate` looks at the begin of a document for what tells where to put it, and raises Damaged where that isn't whole.
    """
    layout = _layout(source, locate)
    if layout is None:
        return DocumentParts(source.rest())
    skeleton = bytearray()
    buffers: list[tuple[int, Data]] = []
    at = 0
    with _hashers() as hashers:
        jobs = []
        for number, (begin, size) in enumerate(layout.spans):
            skeleton += source.read(begin - at)
            held: Data
            try:
                if layout.type_of(number, size, skeleton) is bytes:
                    held = _read_bytes(source, size)
                    jobs += [hashers.submit(hashlib.sha256, chunk) for chunk in _chunks(held)]
                else:
                    held = bytearray(size)
                    for chunk in _chunks(held):
                        source.read_into(chunk)
                        jobs.append(hashers.submit(hashlib.sha256, chunk))
            except MemoryError:
                raise CannotLoad(f"there is no memory for {size:,} bytes that the file holds") from None
            buffers.append((len(skeleton), held))
            at = begin + size
        skeleton += source.rest()
        return DocumentParts(memoryview(skeleton), buffers, [job.result().hexdigest() for job in jobs])


def _read_bytes(source: Source, size: int) -> bytes:
    """Read bytes to where they stay: a BytesIO has bytes that can be written, and gives them away."""
    file = io.BytesIO()
    file.seek(size - 1)
    file.write(b"\0")
    with file.getbuffer() as view:
        source.read_into(view)
    return file.getvalue()


def map_apart(view: memoryview, locate: Callable[[memoryview], Layout | None]) -> DocumentParts:
    """Take a mapped document apart: its buffers are views, read-only for bytes, and their data isn't looked at."""
    layout = _layout(Memory(view), locate)
    if layout is None:
        return DocumentParts(memoryview(bytes(view)))
    skeleton = bytearray()
    buffers: list[tuple[int, Data]] = []
    at = 0
    for number, (begin, size) in enumerate(layout.spans):
        skeleton += view[at:begin]
        data = view[begin : begin + size]
        buffers.append((len(skeleton), data.toreadonly() if layout.type_of(number, size, skeleton) is bytes else data))
        at = begin + size
    return DocumentParts(memoryview(skeleton + view[at:]), buffers, None)


def _layout(source: Source, locate: Callable[[memoryview], Layout | None]) -> Layout | None:
    """Return the layout of a document, or None for one without buffers, or whose header isn't whole."""
    layout = None
    size = LEAST
    while size <= _HEAD:
        head = memoryview(source.peek(size))
        if len(head) < LEAST:
            return None  # it has no room for a buffer
        try:
            layout = locate(head)
        except Damaged:
            if len(head) < size:
                return None  # whoever reads the document will say what is wrong
            size *= 4
        else:
            break
    if layout is None or not layout.spans:
        return None
    begin, length = layout.spans[-1]
    # Nothing is made room for that isn't there.
    if begin + length > source.left:
        raise Damaged("the buffers are not all there", hint="the file is truncated; take another copy of it")
    return layout


@contextlib.contextmanager
def _hashers() -> Iterator[ThreadPoolExecutor]:
    """Give threads that hash; whatever they haven't begun when the block ends is left out."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - few snapshots hold anything large

    with ThreadPoolExecutor(_HASHERS) as hashers:
        try:
            yield hashers
        finally:
            hashers.shutdown(cancel_futures=True)
