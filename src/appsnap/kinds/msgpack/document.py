"""The msgpack kind: three msgpack objects in a row. Header and trailer are maps, the body is a flat array.

The body's items are the steps, each an array that begins with the step's number in `rows`, and last `[root]`. The
header's `size` is the number of bytes of the body. A register, where an atom could stand too, is an array of one
integer; an integer of more than 64 bits an extension of type 1, in big-endian two's complement. Keys that are short
texts are written once, and are a number from then on.

Large byte strings and bytearrays stand behind the body, and in it, in their place, their number as an extension of type
2. The header's `buffers` says where they are, its `bytes` has the numbers of the byte strings among them.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

import msgpack

from appsnap.errors import CannotLoad, Damaged
from appsnap.files.streams import Memory
from appsnap.gc_pause import gc_paused
from appsnap.kinds import Document
from appsnap.kinds.header import Header, Trailer
from appsnap.kinds.large import (
    ALIGNMENT,
    HOLDERS,
    MOST,
    Body,
    Layout,
    Parts,
    Sealed,
    large,
    padded,
    spans,
    take_apart,
)
from appsnap.kinds.msgpack.steps import ENCODERS, Rows, Steps, buffer_number, from_extension, packed, to_extension
from appsnap.limits import LIMITS, over
from appsnap.recipe.steps import Recipe, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Buffer

    from appsnap.kinds.header import Seal
    from appsnap.kinds.large import Held

__all__ = ["locate", "read", "write"]

_NO_MEMORY = "there is no memory for what the file holds"
_HEAD = 4 << 20
"""Bytes in which a header ends: it holds a name, a tag, the table of buffers, and little else."""


# Writing


@gc_paused
def write(header: Header, recipe: Recipe, distributions: dict[str, str], seal: Seal | None = None) -> Sealed:
    """Return the document of a recipe, in pieces."""
    packer = msgpack.Packer(default=to_extension, unicode_errors="surrogatepass", autoreset=False)
    packer.pack_array_header(len(recipe.steps) + 1)
    rows, pack = Rows(), packer.pack
    buffers: list[Buffer] = []
    strings: list[int] = []
    for step in recipe.steps:
        cls = type(step)
        if cls in HOLDERS and (data := large(step)) is not None and len(buffers) < MOST:
            if cls is Value:
                strings.append(len(buffers))
            pack((2 if cls is Value else 8, buffer_number(len(buffers))))
            buffers.append(data)
        else:
            pack(ENCODERS[cls](rows, step))
    pack(packed([recipe.root]))
    body = Body([packer.bytes()])
    fields = header.to_dict() | {"size": body.size}
    for data in buffers:
        body.add(bytes(body.gap()))
        body.add_buffer(data)
    if strings:
        fields["bytes"] = strings

    def trailer(sha256: str, buffers: list[str] | None) -> bytes:
        return _plain(Trailer(sha256, buffers, len(recipe.steps), distributions).to_dict("msgpack", seal))

    return Sealed(padded(fields, body, _plain), body, trailer)


def _plain(fields: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(fields, unicode_errors="surrogatepass")
    return packed


# Reading


def locate(head: memoryview) -> Layout | None:
    """Return where the buffers of a document stand that begins so, or None where it says that in no way."""
    fields, start = _unpack(head, 0, min(len(head), _HEAD))
    if not isinstance(fields, dict):
        return None
    return Layout(_spans(fields, start), _types(fields))


def _spans(fields: dict[str, Any], start: int) -> list[tuple[int, int]]:
    """Return begin and size of each buffer. Each stands where the next one can, behind the body."""
    found = spans(fields, start)
    end = start + fields["size"] if type(fields.get("size")) is int else -1
    for begin, size in found:
        if begin - end not in range(ALIGNMENT):
            raise Damaged("the table of buffers has one with a gap before it, or within the body", offset=begin)
        end = begin + size
    return found


def _types(fields: dict[str, Any]) -> Callable[[int, int, bytearray], type[bytes | bytearray]]:
    numbers = fields.get("bytes", [])
    if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
        raise Damaged("the header doesn't tell which buffers are byte strings")
    strings = frozenset(numbers)
    return lambda number, _size, _before: bytes if number in strings else bytearray


@gc_paused
def read(data: memoryview | Parts, steps: int = LIMITS.steps) -> Document:
    """Return the document that bytes spell."""
    parts = data if isinstance(data, Parts) else take_apart(Memory(data), locate)
    data = parts.skeleton
    fields, start = _unpack(data, 0, min(len(data), _HEAD))
    header = Header.from_dict(fields, "msgpack")
    size = fields.get("size")
    if type(size) is not int or not 0 <= size < len(data) - start:
        raise Damaged(
            "the body is not all there", offset=len(data), hint="the file is truncated; take another copy of it"
        )
    end = start + size
    found = _spans(fields, start)
    behind = parts.buffers[-1][0] if parts.buffers else end
    if any(data[end:behind]):
        raise Damaged("something stands between the buffers", offset=end)
    fields, stop = _unpack(data, behind, len(data))
    if stop != len(data):
        raise Damaged("something stands behind the trailer", offset=stop)
    trailer = Trailer.from_dict(fields, "msgpack", hashlib.sha256(data[:behind]).hexdigest(), parts.digests)
    parts.check(found, trailer.buffers)
    # More than one a byte is damage, which shows below.
    if steps < _announced(data[start:end]) - 1 < size:
        raise over("steps", steps, "the recipe is too long")
    recipe = _read_body(data, start, end, [held for _, held in parts.buffers])
    if trailer.steps not in (None, len(recipe.steps)):
        raise Damaged(f"the trailer counts other steps than the {len(recipe.steps)} that are there")
    return Document(recipe, header, trailer)


def _read_body(data: memoryview, start: int, end: int, buffers: Sequence[Held]) -> Recipe:
    unpacker, stop = _checked(data, start, end)
    count = _announced(data[start:end]) - 1
    if stop != end or count < 0:
        raise Damaged("the body is no list of steps", offset=start)
    steps = Steps(buffers)
    try:
        unpacker.read_array_header()
        for _ in range(count):
            steps.add(unpacker.unpack())
        (root,) = steps.operands(unpacker.unpack())
    except MemoryError:
        raise CannotLoad(_NO_MEMORY) from None
    except (IndexError, TypeError, ValueError, RecursionError, msgpack.UnpackException) as error:
        number = len(steps.made)
        what = f"step {number} is no step" if number < count else "the root is no operand"
        # What Python says of too many or too few arguments, or of an index, is about the code here.
        why = "fields too many, or too few" if isinstance(error, (TypeError, IndexError)) else error
        raise Damaged(f"{what} ({why})") from error
    if steps.buffers:
        raise Damaged(f"{len(steps.buffers)} buffers belong to no step")
    return Recipe(steps.made, root)


def _announced(body: memoryview) -> int:
    """Return how many items an array announces in its first bytes; 0 for what is none, or is cut off there."""
    head = bytes(body[:5])
    if head[:1] == b"\xdd":
        return int.from_bytes(head[1:], "big")
    if head[:1] == b"\xdc":
        return int.from_bytes(head[1:3], "big")
    return head[0] & 15 if head and head[0] >> 4 == 9 else 0


def _unpack(data: memoryview, start: int, end: int) -> tuple[Any, int]:
    """Return the object that begins at byte `start` and ends before byte `end`, and where it ends."""
    unpacker, stop = _checked(data, start, end)
    with _errors(start, end, unpacker):
        return unpacker.unpack(), stop


def _checked(data: memoryview, start: int, end: int) -> tuple[Any, int]:
    """Return an unpacker for the object that begins at byte `start`, and where that ends.

    An array that announces a million items gets the room for them at once, nested ones at each level. So all that is
    announced has been seen to be there.
    """
    unpacker = _unpacker(len(data))
    with _errors(start, end, unpacker):
        unpacker.feed(data[start:end])
        unpacker.skip()
        stop = start + unpacker.tell()
    unpacker = _unpacker(stop - start)  # the copy of the bytes in the first one is given back
    with _errors(start, end, unpacker):
        unpacker.feed(data[start:stop])
    return unpacker, stop


@contextlib.contextmanager
def _errors(start: int, end: int, unpacker: Any) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise CannotLoad(_NO_MEMORY) from None
    except msgpack.OutOfData as error:
        raise Damaged("the file ends too early", offset=end, hint="the file is truncated") from error
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise Damaged(f"no valid msgpack ({error})", offset=start + unpacker.tell()) from error


def _unpacker(size: int) -> Any:
    return msgpack.Unpacker(
        ext_hook=from_extension,
        object_pairs_hook=_map,
        unicode_errors="surrogatepass",
        strict_map_key=True,
        max_buffer_size=size,
    )


def _map(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a map with one key twice")
    return made
