"""The three msgpack objects of a document: header, body, trailer. Header and trailer are maps.

The body is a flat array. Its items are the steps, and last an array of one item, the root. Large data stands behind it.
The header's `size` is the number of bytes of the body, without large data.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgpack

from appsnap.errors import Damaged
from appsnap.files.streams import Memory
from appsnap.gc_pause import gc_paused
from appsnap.kinds import Document, most_steps
from appsnap.kinds.header import Header, Trailer
from appsnap.kinds.large import ALIGNMENT, DocumentParts, DocumentStream, Place, padded, read_table, take_apart
from appsnap.kinds.msgpack.reader import announced, read_body, too_many, unpack
from appsnap.kinds.msgpack.writer import encode
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.kinds import MostSteps
    from appsnap.kinds.header import Signer
    from appsnap.recipe.steps import Recipe

__all__ = ["locate", "read", "write"]

_HEAD = 4 << 20
"""Bytes in which a header ends. It holds a name, a tag, the table of large data, and little else."""


# Out


@gc_paused
def write(header: Header, recipe: Recipe, distributions: dict[str, str], sign: Signer | None = None) -> DocumentStream:
    """Return the document of a recipe, in pieces."""
    body, size = encode(recipe)

    def trailer(sha256: str, buffers: list[str] | None) -> bytes:
        return _plain(Trailer(sha256, buffers, recipe.size, distributions).to_dict("msgpack", sign))

    return DocumentStream(padded(header.to_dict() | {"size": size}, body, _plain), body, trailer)


def _plain(fields: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(fields, unicode_errors="surrogatepass")
    return packed


# In


@gc_paused
def read(data: memoryview | DocumentParts, most: MostSteps = LIMITS.steps) -> Document:
    """Return a document, all of which is read and verified. `most` bounds the steps of the recipe."""
    parts = data if isinstance(data, DocumentParts) else take_apart(Memory(data), locate)
    data = parts.skeleton
    fields, start = unpack(data, 0, min(len(data), _HEAD))
    header = Header.from_dict(fields, "msgpack")
    size = fields.get("size")
    if type(size) is not int or not 0 <= size < len(data) - start:
        raise Damaged(
            "the body is not all there", offset=len(data), hint="the file is truncated; take another copy of it"
        )
    end = start + size
    table = _read_table(fields, start)
    behind = parts.large[-1][0] if parts.large else end
    if any(data[end:behind]):
        raise Damaged("a gap before large data is not empty", offset=end)
    fields, stop = unpack(data, behind, len(data))
    if stop != len(data):
        raise Damaged("something stands behind the trailer", offset=stop)
    trailer = Trailer.from_dict(fields, "msgpack", hashlib.sha256(data[:behind]).hexdigest(), parts.digests)
    parts.check(table, trailer.buffers)
    most = most_steps(most, trailer)
    # A body that announces more than one step a byte is damaged. To read it tells so.
    if most < announced(data[start:end]) - 1 < size:
        raise too_many(most)
    recipe = read_body(data, start, end, [one for _, one in parts.large], most)
    if trailer.steps not in (None, recipe.size):
        raise Damaged(f"the trailer counts other steps than the {recipe.size} of the body")
    return Document(header, trailer, lambda: recipe)


def locate(head: memoryview) -> Sequence[Place]:
    """Return the table of large data of a document that begins with `head`. Raises Damaged for a cut header."""
    fields, start = unpack(head, 0, min(len(head), _HEAD))
    return _read_table(fields, start) if isinstance(fields, dict) else ()


def _read_table(fields: dict[str, Any], start: int) -> Sequence[Place]:
    """Return the table of large data. Each stands behind the body, in the first place that is free."""
    table = read_table(fields, start)
    end = start + fields["size"] if type(fields.get("size")) is int else -1
    for begin, size, _ in table:
        if begin - end not in range(ALIGNMENT):
            raise Damaged("large data stands within the body, or behind a gap", offset=begin)
        end = begin + size
    return table
