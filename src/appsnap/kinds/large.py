"""Large data: long byte strings and bytearrays, which are never copied on their way.

*Large data* stands in the document as it is, at a multiple of 64 bytes, so that a file can be mapped. The header has a
table of it: three numbers for each, its offset, its size and its type. The trailer has checksums of it. The rest of the
document is its *skeleton*: the checksum in the trailer is of the skeleton alone.
"""

from __future__ import annotations

import functools
import hashlib
import os
import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from appsnap.errors import Damaged, NoMemory
from appsnap.files.memory import filled
from appsnap.files.streams import PIECE, Mapped
from appsnap.files.tasks import Task, start_thread
from appsnap.recipe import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from appsnap.files.streams import Source

    Data = bytes | bytearray | memoryview
    """Large data: an object of its own, or a view of a mapped file. It is read-only if it is a byte string."""
    Type = type[bytes | bytearray]

__all__ = [
    "ALIGNMENT",
    "LEAST",
    "MAY_BE_LARGE",
    "MOST",
    "Body",
    "DocumentParts",
    "DocumentStream",
    "Place",
    "chunks",
    "large",
    "padded",
    "read_table",
    "table_of",
    "take_apart",
    "type_of",
]

LEAST = 64 << 10
"""Bytes of the smallest large data: the C pickler hands so many to its file as they are (FRAME_SIZE_TARGET)."""

ALIGNMENT = 64
"""A line of a processor's cache, and more than any type of numbers asks for."""

MOST = 1 << 17
"""Large data of one document, in number: 8 GiB or more. The table and the checksums take 10 MB. More data stands in the
body as if it were small."""

_HEAD = 4 << 20
"""Bytes in which a header with a table ends."""

CHUNK = 8 << 20
"""Bytes of large data that have a checksum of their own, so that several threads can hash."""

_HASHERS = min(4, os.cpu_count() or 1)
"""Threads that hash, at most, beside the one that reads or writes. To hash takes six times as long as to read from the
system's memory. With two threads on two processors, a gigabyte was loaded in 0.31 to 0.41 s instead of 0.51."""

TYPES: tuple[Type, ...] = (bytes, bytearray)
"""The types of large data, by their numbers in the table."""


# Out


MAY_BE_LARGE = frozenset({steps.ByteArray, steps.Value})
"""The steps that may have large data."""


def large(step: Any) -> Buffer | None:
    """Return the data of one of the steps in `MAY_BE_LARGE`, if it is large."""
    data: Buffer | str = step[0]
    return None if isinstance(data, str) or memoryview(data).nbytes < LEAST else data


class Body:
    """The pieces of a body. Large data stays as it is, uncopied. `size` is in bytes, `table` is that of the header."""

    def __init__(self, pieces: Iterable[Buffer] = ()) -> None:
        self.size = 0
        self.table: list[int] = []
        self._pieces: list[Buffer] = []
        self._large: set[int] = set()  # among the pieces
        for piece in pieces:
            self.add(piece)

    def __iter__(self) -> Iterator[Buffer]:
        return iter(self._pieces)

    @property
    def large(self) -> list[Buffer]:
        """The large data."""
        return [self._pieces[number] for number in sorted(self._large)]

    @property
    def is_full(self) -> bool:
        """Whether the table is full."""
        return len(self._large) >= MOST

    def gap(self, head: int = 0) -> int:
        """Return how many bytes are missing up to the next place for large data, after a head of so many bytes."""
        return -(self.size + head) % ALIGNMENT

    def add(self, piece: Buffer) -> None:
        """Append bytes."""
        self._pieces.append(piece)
        self.size += memoryview(piece).nbytes

    def add_large(self, data: Buffer, cls: Type) -> None:
        """Append large data of a type. There must be no gap."""
        self._large.add(len(self._pieces))
        self.table += (self.size, memoryview(data).nbytes, TYPES.index(cls))
        self.add(data)

    def small(self) -> Iterator[Buffer]:
        """Yield all pieces but the large data."""
        return (piece for number, piece in enumerate(self._pieces) if number not in self._large)


def padded(fields: dict[str, Any], body: Body, plain: Callable[[dict[str, Any]], bytes]) -> bytes:
    """Return a header, as `plain` spells it, with the table of the body. Its size is a multiple of 64 bytes then."""
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
    """A document, in pieces. `size` is in bytes, without the trailer.

    `trailer` makes the trailer from the checksum of the skeleton and the checksums of the large data. Other threads
    compute the latter, while this one hands out the pieces. `digest` is a checksum of the body, so it says nothing of
    the time in the header.
    """

    def __init__(self, head: bytes, body: Body, trailer: Callable[[str, list[str] | None], bytes]) -> None:
        self.size = len(head) + body.size
        self._head = head
        self._body = body
        self._trailer = trailer
        self._sums: list[str] | None = None  # of the large data, once they are known

    @functools.cached_property
    def digest(self) -> str:
        """The checksum of the body. A document that is handed out later has the checksums of large data from here."""
        digest = hashlib.sha256()
        for piece in self._body.small():
            digest.update(piece)
        if self._sums is None:
            with Hashing() as hashing:
                hashing.add_all(self._body.large)
                self._sums = hashing.sums()
        digest.update("".join(self._sums).encode())
        return digest.hexdigest()

    def __iter__(self) -> Iterator[Buffer]:
        digest = hashlib.sha256(self._head)
        for piece in self._body.small():
            digest.update(piece)
        if not self._body.table:
            yield self._head
            yield from self._body
            yield self._trailer(digest.hexdigest(), None)
            return
        with Hashing() as hashing:
            if self._sums is None:
                hashing.add_all(self._body.large)
            yield self._head
            for piece in self._body:
                yield from chunks(piece)
            if self._sums is None:
                self._sums = hashing.sums()
            yield self._trailer(digest.hexdigest(), self._sums)


def chunks(data: Buffer) -> Iterator[memoryview]:
    """Yield large data in the pieces that have checksums."""
    view = memoryview(data).cast("B")
    return (view[start : start + CHUNK] for start in range(0, len(view), CHUNK))


# Checksums


class Hashing:
    """Checksums of chunks, by other threads where threads can be had, else by this one."""

    def __init__(self) -> None:
        self._tasks: list[Task[str]] = []
        self._queue: queue.SimpleQueue[Task[str] | None] = queue.SimpleQueue()
        self._threads = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the tasks that no thread has taken, and wait for the others: they use the data of the caller."""
        for task in self._tasks:
            task.drop()
        for _thread_number in range(self._threads):
            self._queue.put(None)

    def add(self, chunk: memoryview) -> None:
        """Have a chunk hashed, which stays unchanged."""
        task = Task(lambda: hashlib.sha256(chunk).hexdigest())
        self._tasks.append(task)
        self._queue.put(task)
        self._threads += self._threads < _HASHERS and start_thread(_work, self._queue)

    def add_all(self, large: Iterable[Buffer]) -> None:
        """Have all chunks of large data hashed."""
        for data in large:
            for chunk in chunks(data):
                self.add(chunk)

    def sums(self) -> list[str]:
        """Return the checksums, in the order of the chunks. This thread hashes all that wait for another one."""
        for task in self._tasks:
            task.run()
        return [task.result() for task in self._tasks]


def _work(tasks: queue.SimpleQueue[Task[str] | None]) -> None:
    while (task := tasks.get()) is not None:
        task.run()


# In


class Place(NamedTuple):
    """The place of large data in a document, in bytes, and its type."""

    begin: int
    size: int
    type: Type


@dataclass(frozen=True, slots=True)
class DocumentParts:
    """A document taken apart: its skeleton, and its large data, each with the place in the skeleton that it came from.

    `digests` are the checksums of the large data, or None for a mapped file. `table` is the one that the document was
    taken apart by.
    """

    skeleton: memoryview
    large: Sequence[tuple[int, Data]] = ()
    digests: Sequence[str] | None = ()
    table: Sequence[Place] = ()

    def check(self, table: Sequence[Place], sums: Sequence[str] | None) -> None:
        """Check that the large data is that of the table, and that the trailer has checksums of it. Raises Damaged.

        `table` is that of the header under the checksum. A mapped file may have had another one a moment before.
        """
        if [*table] != [*self.table]:
            raise Damaged("the large data of the table is missing")
        if len(sums or ()) != sum(-(-place.size // CHUNK) for place in table):
            raise Damaged("the trailer has too few or too many checksums of large data")


def type_of(data: Data) -> Type:
    """Return the type of large data, which may be a view."""
    return bytes if memoryview(data).readonly else bytearray


def read_table(fields: dict[str, Any], start: int, gap: int = 0) -> list[Place]:
    """Return the table of large data in a header. The body begins at byte `start`.

    Raises Damaged for a table that no writer makes. At least `gap` other bytes stand before each place.
    """
    table = fields.get("buffers", [])
    if not isinstance(table, list) or len(table) % 3 or len(table) > 3 * MOST or not all(map(_is_number, table)):
        raise Damaged("malformed table of large data")
    found = []
    end = start
    for offset, size, number in zip(table[::3], table[1::3], table[2::3], strict=True):
        begin = start + offset
        if size < LEAST or begin < end + gap or begin % ALIGNMENT or number >= len(TYPES):
            raise Damaged("the table of large data has a wrong size, place or type", offset=begin)
        found.append(Place(begin, size, TYPES[number]))
        end = begin + size
    return found


def _is_number(number: Any) -> bool:
    """Tell whether something may be an offset, a size or a type. The sum of two is not too large for the system."""
    return type(number) is int and 0 <= number < 1 << 62


def take_apart(source: Source, locate: Callable[[memoryview], Sequence[Place]], *, keep: bool = True) -> DocumentParts:
    """Read a document. Its large data becomes objects of its own, which other threads hash, or views of a mapped file.

    `locate` returns the table of large data. Its argument is the begin of the document. It raises Damaged if the header
    is not whole there. Without `keep`, large data is only hashed. Views of the right sizes stand in its place, and
    their bytes are no bytes of the file.
    """
    table = table_of(source, locate)
    if not table:
        return DocumentParts(source.rest())
    skeleton = bytearray()
    large: list[tuple[int, Data]] = []
    at = 0
    sums: list[str] = []
    stand_in = None if keep else _stand_in(max(place.size for place in table))
    with Hashing() as hashing:
        for begin, size, cls in table:
            skeleton += source.read(begin - at)
            if stand_in is not None:
                _hash_large(source, size, sums)
                data: Data = stand_in[:size].toreadonly() if cls is bytes else stand_in[:size]
            elif isinstance(source, Mapped):
                view = source.read(size)
                data = view.toreadonly() if cls is bytes else view
            else:
                data = _read_large(source, size, cls, hashing.add)
            large.append((len(skeleton), data))
            at = begin + size
        skeleton += source.rest()
        digests = None if isinstance(source, Mapped) else hashing.sums() if keep else sums
        return DocumentParts(memoryview(skeleton), large, digests, table)


def _read_large(source: Source, size: int, cls: Type, hashed: Callable[[memoryview], object]) -> Data:
    """Read large data to its place. `hashed` takes each chunk, that of a bytearray as soon as it is there."""

    def fill(room: memoryview) -> None:
        for chunk in chunks(room):
            source.read_into(chunk)
            if cls is bytearray:
                hashed(chunk)

    try:
        data = filled(cls, size, fill)
    except MemoryError:
        raise NoMemory(f"there is no memory for {size:,} bytes that the file holds") from None
    if cls is bytes:
        for chunk in chunks(data):
            hashed(chunk)
    return data


def _stand_in(size: int) -> memoryview:
    """Return a view of so many zeros. They take memory only if somebody looks at them."""
    import mmap  # noqa: PLC0415 - only `appsnap verify` needs it

    # Without a reserve, because the system could refuse more than its memory.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    try:
        return memoryview(mmap.mmap(-1, size, flags=flags))
    except (OSError, OverflowError):
        raise NoMemory(f"there is no room for {size:,} bytes that the file holds") from None


def _hash_large(source: Source, size: int, sums: list[str]) -> None:
    """Read large data piece by piece, and add the checksums of its chunks."""
    room = memoryview(bytearray(PIECE))
    for start in range(0, size, CHUNK):
        end = min(start + CHUNK, size)
        digest = hashlib.sha256()
        for at in range(start, end, PIECE):
            piece = room[: end - at]
            source.read_into(piece)
            digest.update(piece)
        sums.append(digest.hexdigest())


def table_of(source: Source, locate: Callable[[memoryview], Sequence[Place]]) -> Sequence[Place]:
    """Return the table of large data. It is empty if the document has none, or if the header is not whole."""
    table: Sequence[Place] = ()
    size = LEAST
    while size <= _HEAD:
        head = memoryview(source.peek(size))
        if len(head) < LEAST:
            return ()  # it has no room for large data
        try:
            table = locate(head)
        except Damaged:
            if len(head) < size:
                return ()  # the reader of the document will say where it is damaged
            size *= 4
        else:
            break
    # No room is made for data that is not there.
    if table and table[-1].begin + table[-1].size > source.left:
        raise Damaged("large data is missing", hint="the file is truncated; take another copy of it")
    return table
