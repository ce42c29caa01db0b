"""Compression: one zstd frame (RFC 8878) with a checksum, as the program zstd writes it and reads it."""

from __future__ import annotations

import os
import sys
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from appsnap.errors import Damaged
from appsnap.files.heads import ZSTD, is_compressed
from appsnap.files.streams import PIECE, ChunkReader
from appsnap.files.tasks import may_start
from appsnap.limits import LIMITS, over

if sys.version_info >= (3, 14):
    from compression.zstd import (
        CompressionParameter,
        DecompressionParameter,
        ZstdCompressor,
        ZstdDecompressor,
        ZstdError,
    )
else:
    from backports.zstd import CompressionParameter, DecompressionParameter, ZstdCompressor, ZstdDecompressor, ZstdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

__all__ = ["HEAD_SIZE", "Bound", "compress", "decompress", "is_compressed", "limit_of"]

# RFC 8878, section 3.1.2: the first magic number of a skippable frame. The size of the frame follows it.
_SKIPPABLE = b"\x50\x2a\x4d\x18"
_SKIPPABLE_HEAD = 8

# The most bytes that `is_compressed` needs.
HEAD_SIZE = len(ZSTD)

# The size of a job for a thread of zstd. Its own 8 MiB at the default level take up to 130 MB of memory with two
# threads. This takes a third of that, and compresses text by 1 % less.
_JOB = 2 << 20

# From this size on, several threads are faster than one.
_LARGE = 2 * _JOB

# More threads would produce more than age and the disk take.
_MAX_THREADS = 4

# zstd's own recommendation, ZSTD_DStreamInSize().
_INPUT_SIZE = 128 * 1024 + 3

# 128 MiB: the program zstd accepts no more without --long, and its level 22 needs no more.
_MAX_WINDOW_LOG = 27


class Bound(NamedTuple):
    """The most bytes that a frame may hold, and the limit `expansion` from which that follows."""

    size: int
    expansion: int


def limit_of(size: int, expansion: int = LIMITS.expansion) -> Bound:
    """Return the bound of a frame of `size` bytes. It keeps a small file from filling the memory."""
    return Bound(_ALLOWANCE + expansion * size, expansion)


_ALLOWANCE = 256 << 10


def compress(chunks: Iterable[Buffer], *, level: int = 3) -> Iterator[bytes]:
    """Compress a stream of bytes to one frame with a checksum of its content.

    `level` is one of zstd's, from 1 to 22; 3 is its own default. Streams of 4 MiB and more are compressed in up to
    four threads, whose number doesn't change the result. Very uniform content can exceed `limit_of` for its small
    frame. Then padding follows: a skippable frame of zeros, which every decompressor passes over.
    """
    reader = ChunkReader(chunks)
    size = len(reader.peek(_LARGE))
    options: dict[int, int] = {CompressionParameter.compression_level: level, CompressionParameter.checksum_flag: 1}
    if size == _LARGE and may_start():
        # A zstd that was built without threads has a bound of 0, and takes no size of a job.
        most = CompressionParameter.nb_workers.bounds()[1]
        options[CompressionParameter.nb_workers] = min(os.cpu_count() or 1, _MAX_THREADS, most)
        options[CompressionParameter.job_size] = _JOB if most else 0
    compressor = ZstdCompressor(options=options)
    if size < _LARGE:
        compressor.set_pledged_input_size(size)
    taken = given = 0
    while piece := reader.read(PIECE):
        taken += len(piece)
        if compressed := compressor.compress(piece):
            given += len(compressed)
            yield compressed
    end = compressor.flush()
    yield end
    missing = -(-(taken - limit_of(given + len(end)).size) // LIMITS.expansion)
    if missing > 0:
        zeros = max(missing - _SKIPPABLE_HEAD, 0)
        yield _SKIPPABLE + zeros.to_bytes(4, "little")
        for start in range(0, zeros, PIECE):
            yield bytes(min(PIECE, zeros - start))


def decompress(
    chunks: Iterable[Buffer], *, limit: Bound | None = None, padding: Callable[[int], object] | None = None
) -> Iterator[bytes]:
    """Decompress a stream that is one zstd frame, with or without padding behind it, in pieces of at most 1 MiB.

    `limit` bounds the number of bytes that come out; by default there is no bound. Memory is bounded in both cases by
    the window of the frame, which is at most 128 MiB. At the end, `padding` gets the number of bytes behind the frame.
    `compress` and the program zstd write a checksum; other writers
    may leave it out. **The output is known to be whole only when the iterator ends.**

    Raises `Damaged` for a frame that is malformed, altered, truncated or followed by anything else, and `CannotLoad`
    for one that holds more than `limit`.
    """
    reader = ChunkReader(chunks)
    decompressor = ZstdDecompressor(options={DecompressionParameter.window_log_max: _MAX_WINDOW_LOG})
    size = 0
    while not decompressor.eof:
        # In small pieces, because zstd keeps a copy of unused input.
        piece = reader.read(_INPUT_SIZE) if decompressor.needs_input else b""
        if decompressor.needs_input and not piece:
            raise Damaged("truncated zstd frame")
        try:
            decompressed = decompressor.decompress(piece, PIECE)
        except ZstdError as error:
            raise Damaged(f"malformed zstd frame: {error}") from None
        size += len(decompressed)
        if limit is not None and size > limit.size:
            raise over("expansion", limit.expansion, f"the zstd frame holds more than {limit.size:,} bytes")
        if decompressed:
            yield decompressed
    reader = ChunkReader(chain([decompressor.unused_data], reader))
    head = bytes(reader.read(_SKIPPABLE_HEAD))
    zeros = 0
    for piece in reader:
        zeros += len(piece)
        if bytes(piece).count(0) != len(piece):
            raise Damaged("something follows the zstd frame")
    if head and not (zeros < 1 << 32 and head == _SKIPPABLE + zeros.to_bytes(4, "little")):
        raise Damaged("something follows the zstd frame")
    if padding is not None:
        padding(len(head) + zeros)
