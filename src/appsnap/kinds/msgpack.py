"""The msgpack kind: three msgpack objects in a row. Header and trailer are maps, the body is a flat array.

The body's items are the steps, each an array that begins with the step's number in `_CODES`, and last `[root]`. The
header's `size` is the number of bytes of the body. A register, where an atom could stand too, is an extension of type
0; an integer of more than 64 bits one of type 1: both in big-endian two's complement.

Large byte strings and bytearrays stand behind the body, and in it, in their place, their number as an extension of type
2. The header's `buffers` says where they are, its `bytes` has the numbers of the byte strings among them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgpack

from appsnap.errors import CannotLoad, Damaged
from appsnap.files.header import Header, Trailer
from appsnap.files.source import Memory
from appsnap.kinds import Document
from appsnap.kinds.buffers import (
    ALIGNMENT,
    HOLDERS,
    MOST,
    Body,
    Layout,
    Parts,
    large,
    padded,
    sealed,
    spans,
    take_apart,
)
from appsnap.limits import LIMITS, over
from appsnap.recipe.draft import respelled
from appsnap.recipe.garbage import collected_later
from appsnap.recipe.steps import (
    ATOMS,
    INLINE,
    MAKERS,
    Add,
    ByteArray,
    Call,
    Dict,
    Extend,
    FrozenSet,
    List,
    Member,
    Name,
    New,
    Recipe,
    Ref,
    Set,
    SetState,
    State,
    Step,
    Tuple,
    Update,
    Value,
    check_distinct,
    check_name,
    operands,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Buffer

    from appsnap.files.header import Seal
    from appsnap.kinds.buffers import Held

__all__ = ["locate", "read", "write"]

_REF, _LONG, _BUFFER = 0, 1, 2
_NO_MEMORY = "there is no memory for what the file holds"
_HEAD = 4 << 20
"""Bytes in which a header ends: it holds a name, a tag, the table of buffers, and little else."""


# Writing


@collected_later
def write(header: Header, recipe: Recipe, distributions: dict[str, str], seal: Seal | None = None) -> Iterator[Buffer]:
    """Return the document of a recipe, in pieces."""
    packer = msgpack.Packer(default=_extension, strict_types=True, unicode_errors="surrogatepass", autoreset=False)
    packer.pack_array_header(len(recipe.steps) + 1)
    buffers: list[Buffer] = []
    strings: list[int] = []
    for step in recipe.steps:
        cls = type(step)
        if cls in HOLDERS and (data := large(step)) is not None and len(buffers) < MOST:
            packer.pack([2 if cls is Value else 8, _Number(len(buffers))])
            if cls is Value:
                strings.append(len(buffers))
            buffers.append(data)
        else:
            packer.pack(_ENCODERS[cls](step))
    packer.pack([recipe.root])
    body = Body([packer.bytes()])
    fields = header.to_dict() | {"size": body.size}
    for data in buffers:
        body.add(bytes(body.gap()))
        body.add_buffer(data)
    if strings:
        fields["bytes"] = strings

    def trailer(sha256: str, buffers: list[str] | None) -> bytes:
        return _plain(Trailer(sha256, buffers, len(recipe.steps), distributions).to_dict("msgpack", seal))

    return sealed(padded(fields, body, _plain), body, trailer)


class _Number(int):
    """The number of a buffer."""


def _plain(fields: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(fields, unicode_errors="surrogatepass")
    return packed


def _extension(value: Any) -> msgpack.ExtType:
    code = _REF if type(value) is Ref else _BUFFER if type(value) is _Number else _LONG
    return msgpack.ExtType(code, value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True))


def _mapping(keys: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Return keys and values as one map where msgpack can have it, else one after the other."""
    if all(type(key) is str for key in keys):
        mapping = dict(zip(keys, values, strict=True))
        if len(mapping) == len(keys):
            return [mapping]
    return [list(keys), list(values)]


_ENCODERS: dict[type, Callable[[Any], list[Any]]] = {
    Name: lambda s: [1, s.module, s.qualname],
    Value: lambda s: [2, s.value],
    Tuple: lambda s: [3, *s.items],
    List: lambda s: [4, *s.items],
    Dict: lambda s: [5, *_mapping(s.keys, s.values)],
    Set: lambda s: [6, *s.items],
    FrozenSet: lambda s: [7, *s.items],
    ByteArray: lambda s: [8, bytes(s.data)],
    New: lambda s: [9, int(s.cls), list(s.args), *(_mapping(s.names, s.values) if s.names else [])],
    Call: lambda s: [10, int(s.function), *s.args],
    Member: lambda s: [11, s.owner, s.name],
    Extend: lambda s: [12, int(s.target), *s.items],
    Update: lambda s: [13, int(s.target), *_mapping(s.keys, s.values)],
    Add: lambda s: [14, int(s.target), *s.items],
    State: lambda s: [15, int(s.target), *_mapping(s.names, s.values)],
    SetState: lambda s: [16, int(s.target), s.state],
}


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


@collected_later
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
    body, stop = _unpack(data, start, end)
    if stop != end or not isinstance(body, list) or not body or type(body[-1]) is not list or len(body[-1]) != 1:
        raise Damaged("the body is no list of steps", offset=start)
    root = body.pop()[0]
    made: list[Step] = []
    registers = 0
    meant: dict[Any, Any] = {}  # by register: the name or text that it holds
    buffers = dict(enumerate(held for _, held in parts.buffers))
    for number, fields in enumerate(body):
        try:
            step = _holder(fields, buffers) if buffers and _is_holder(fields) else _step(fields)
            _check(step, registers)
            if isinstance(step, (Call, Member)):
                step = respelled(step, lambda operand: meant.get(operand, operand) if type(operand) is Ref else operand)
                if isinstance(step, New):
                    _typed(step.cls, Ref)
        except MemoryError:
            raise CannotLoad(_NO_MEMORY) from None
        except (IndexError, TypeError, ValueError) as error:
            raise Damaged(f"step {number} is no step ({error})") from error
        if type(step) is Name:
            meant[registers] = step
        elif type(step) is Value and type(step.value) is str:
            meant[registers] = step.value
        made.append(step)
        registers += type(step) in MAKERS
    if buffers:
        raise Damaged(f"{len(buffers)} buffers belong to no step")
    if type(root) not in ATOMS and not (type(root) is Ref and 0 <= root < registers):
        raise Damaged("the root is no operand")
    if trailer.steps not in (None, len(made)):
        raise Damaged(f"the trailer counts other steps than the {len(made)} that are there")
    return Document(Recipe(made, root), header, trailer)


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
    unpacker = _unpacker(len(data))
    try:
        # An array that announces a million items gets the room for them at once, nested ones at each level. So this
        # sees to it first that all that is announced is there.
        unpacker.feed(data[start:end])
        unpacker.skip()
        size = unpacker.tell()
        unpacker = _unpacker(size)
        unpacker.feed(data[start : start + size])
        return unpacker.unpack(), start + size
    except MemoryError:
        raise CannotLoad(_NO_MEMORY) from None
    except msgpack.OutOfData as error:
        raise Damaged("the file ends too early", offset=end, hint="the file is truncated") from error
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise Damaged(f"no valid msgpack ({error})", offset=start + unpacker.tell()) from error


def _unpacker(size: int) -> Any:
    return msgpack.Unpacker(
        ext_hook=_from_extension,
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


def _from_extension(code: int, data: bytes) -> int:
    value = int.from_bytes(data, "big", signed=True)
    if code == _REF:
        return Ref(value)
    if code == _LONG:
        return value
    if code == _BUFFER:
        return _Number(value)
    raise ValueError(f"extension type {code} is unknown")


def _step(fields: Any) -> Step:
    code, *rest = _typed(fields, list)
    decode = _DECODERS.get(code) if type(code) is int else None
    if decode is None:
        raise ValueError("a number that no step has")
    return decode(*rest)


def _is_holder(fields: Any) -> bool:
    return type(fields) is list and len(fields) == 2 and type(fields[1]) is _Number


def _holder(fields: list[Any], buffers: dict[int, Held]) -> Step:
    """Return a step that has a buffer, which no other one gets."""
    code, number = fields
    held = buffers.pop(number, None)
    if held is None:
        raise ValueError(f"there is no buffer {int(number)}, or none any more")
    if code == 8 and not isinstance(held, bytes):
        return ByteArray(held)
    if code == 2 and not isinstance(held, bytearray):
        return Value(held)
    raise ValueError(f"buffer {int(number)} is of the other type")


def _check(step: Step, registers: int) -> None:
    """Check that a step refers to what was made before it. Raises ValueError."""
    for operand in operands(step):
        if type(operand) is Ref:
            if not 0 <= operand < registers:
                raise ValueError(f"register {int(operand)} is not written yet")
        elif type(operand) not in ATOMS:
            raise ValueError(f"{type(operand).__name__} is no operand")


def _columns(first: Any, second: Any = None) -> tuple[list[Any], list[Any]]:
    if type(first) is dict and second is None:
        return [*first], [*first.values()]
    if type(first) is not list or type(second) is not list or len(first) != len(second):
        raise ValueError("keys and values that don't fit")
    return first, second


def _names(first: Any, second: Any = None) -> tuple[list[str], list[Any]]:
    keys, values = _columns(first, second)
    if not all(type(key) is str for key in keys):
        raise ValueError("a name that is no text")
    if second is not None:
        check_distinct(keys)
    return keys, values


def _checked_name(module: Any, qualname: Any) -> tuple[str, str]:
    check_name(_typed(module, str), _typed(qualname, str))
    return module, qualname


def _long(value: str | bytes) -> str | bytes:
    if len(value) <= INLINE:
        raise ValueError("a value that is short enough to be an operand")
    return value


def _typed(value: Any, *types: type) -> Any:
    if type(value) not in types:
        raise ValueError(f"{type(value).__name__} where it should be {' or '.join(cls.__name__ for cls in types)}")
    return value


_DECODERS: dict[Any, Callable[..., Step]] = {
    1: lambda module, qualname: Name(*_checked_name(module, qualname)),
    2: lambda value: Value(_long(_typed(value, str, bytes))),
    3: lambda *items: Tuple(items),
    4: lambda *items: List(items),
    5: lambda *mapping: Dict(*_columns(*mapping)),
    6: lambda *items: Set(items),
    7: lambda *items: FrozenSet(items),
    8: lambda data: ByteArray(_typed(data, bytes)),
    9: lambda cls, args, *mapping: New(
        Ref(_typed(cls, int)), _typed(args, list), *(_names(*mapping) if mapping else ())
    ),
    10: lambda function, *args: Call(Ref(_typed(function, int)), args),
    11: lambda owner, name: Member(owner, _typed(name, str)),
    12: lambda target, *items: Extend(Ref(_typed(target, int)), items),
    13: lambda target, *mapping: Update(Ref(_typed(target, int)), *_columns(*mapping)),
    14: lambda target, *items: Add(Ref(_typed(target, int)), items),
    15: lambda target, *mapping: State(Ref(_typed(target, int)), *_names(*mapping)),
    16: lambda target, state: SetState(Ref(_typed(target, int)), state),
}
