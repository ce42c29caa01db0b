"""The pickle kind: three pickles in a row, of protocol 5. Header, body, trailer; header and trailer are dictionaries.

The header's `size` is the number of bytes of the body. The trailer has `steps` where the body was written from a
recipe; where the C pickler wrote it from objects, it has `restored` - the classes whose objects get their state by
`evolve.restore_state` - and `left_out`: the others that have transient attributes, which are in none of their states. A
pickle without header is read as a body alone.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appsnap import evolve
from appsnap.errors import AppsnapError, Damaged
from appsnap.files.header import Header, Trailer
from appsnap.kinds import Document, opcodes
from appsnap.limits import LIMITS
from appsnap.recipe.build import build
from appsnap.recipe.garbage import collected_later
from appsnap.recipe.rules import PROTOCOL, Rules
from appsnap.recipe.steps import (
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
    Operand,
    Recipe,
    Ref,
    Set,
    SetState,
    State,
    Tuple,
    Update,
    Value,
)
from appsnap.recipe.trust import EVERYTHING, Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from typing_extensions import Buffer

    from appsnap.files.header import Seal

__all__ = [
    "Frame",
    "assemble",
    "encode",
    "has_header",
    "open_frame",
    "read",
    "unpickle_objects",
    "write",
    "write_objects",
]


# From objects, by the C pickler


@collected_later
def write_objects(
    header: Header, obj: Any, distributions: Callable[[Iterable[str]], dict[str, str]], seal: Seal | None = None
) -> list[Buffer]:
    """Return the document of objects, in pieces. `distributions` tells those that modules come from.

    Raises whatever pickle raises, and RecursionError for what is nested too deep.
    """
    rules = Rules()
    file = io.BytesIO()
    pickler = _Pickler(file, PROTOCOL)
    pickler.reducer_override = rules  # type: ignore[method-assign]  # the C pickler looks it up when it begins
    pickler.dump(obj)
    classes = {"restored": sorted(rules.restored), "left_out": dict(sorted(rules.left_out.items()))}
    return assemble(header, [file.getvalue()], seal, distributions=distributions(rules.modules), **classes)


class _Pickler(pickle.Pickler):
    """The C pickler, with room for the rules."""


class _Unpickler(pickle.Unpickler):
    """The C unpickler, which finds renamed classes, and gives up where one has transient attributes only by now."""

    def __init__(self, file: io.BytesIO, trailer: Trailer) -> None:
        super().__init__(file)
        self._restored = frozenset(trailer.restored or ())
        self._left_out = trailer.left_out or {}

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(*evolve.successor(module, name))
        dotted = f"{module}.{name}"
        if isinstance(found, type) and evolve.is_restored(found) and dotted not in self._restored:
            left_out = evolve.left_out(found)
            if left_out is None or self._left_out.get(dotted) != left_out:
                raise pickle.UnpicklingError(f"{dotted} had other transient attributes when it was saved")
        return found


@collected_later
def unpickle_objects(frame: Frame, steps: int = LIMITS.steps) -> Any:
    """Return the objects of a document that is trusted as code, by the C unpickler.

    What `write` wrote, and bare pickles, are built from their steps, so that transient attributes are treated alike;
    and so is what the C unpickler fails at, so that the error names the place.
    """
    if frame.trailer is not None and frame.trailer.steps is None:
        file = io.BytesIO(frame.data[frame.start : frame.end])
        try:
            with evolve.upgrades():
                return _Unpickler(file, frame.trailer).load()
        except AppsnapError:
            raise
        except Exception:  # noqa: BLE001, S110 - whatever it is, it comes up again, or doesn't
            pass
    return build(frame.document(steps).recipe, _EVERYTHING)


# The document


def assemble(header: Header, body: Sequence[Buffer], seal: Seal | None = None, **more: Any) -> list[Buffer]:
    """Return header, body and trailer as one document. `more` are the fields of the trailer besides its checksum."""
    size = sum(memoryview(piece).nbytes for piece in body)
    pieces = [_plain(header.to_dict() | {"size": size}), *body]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return [*pieces, _plain(Trailer(digest.hexdigest(), **more).to_dict("pickle", seal))]


def write(header: Header, recipe: Recipe, distributions: dict[str, str], seal: Seal | None = None) -> list[Buffer]:
    """Return the document of a recipe, in pieces."""
    return assemble(header, [encode(recipe)], seal, steps=len(recipe.steps), distributions=distributions)


def read(data: memoryview, steps: int = LIMITS.steps) -> Document:
    """Return the document that bytes spell."""
    return open_frame(data).document(steps)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the body, and where that begins and ends. A bare pickle has no header and no trailer."""

    data: memoryview
    start: int
    end: int
    header: Header | None
    trailer: Trailer | None

    def document(self, steps: int = LIMITS.steps) -> Document:
        """Read the body, if it has no more steps than that."""
        recipe, stop = opcodes.read(self.data[: self.end], self.start, steps)
        if stop != self.end:
            raise Damaged(f"something stands behind the {'body' if self.header else 'pickle'}", offset=stop)
        return Document(recipe, self.header, self.trailer)


def open_frame(data: memoryview) -> Frame:
    """Read header and trailer, and check with them that the body is whole."""
    header, start, end = _header(data)
    if header is None:
        return Frame(data, start, end, None, None)
    fields, stop = _read_plain(data, end)
    if stop != len(data):
        raise Damaged("something stands behind the trailer", offset=stop)
    trailer = Trailer.from_dict(fields, "pickle", hashlib.sha256(data[:end]).hexdigest())
    return Frame(data, start, end, header, trailer)


def _plain(fields: dict[str, Any]) -> bytes:
    return pickle.dumps(fields, PROTOCOL)


def has_header(data: memoryview) -> bool:
    """Tell whether a pickle is one of ours, or a bare one."""
    return bytes(data[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)]) == _MAGIC


def _header(data: memoryview) -> tuple[Header | None, int, int]:
    """Return the header, and where the body begins and ends; no header for a bare pickle."""
    if not has_header(data):
        return None, 0, len(data)
    fields, start = _read_plain(data, 0)
    header = Header.from_dict(fields, "pickle")
    size = fields.get("size")
    if type(size) is not int or not 0 <= size < len(data) - start:
        raise Damaged(
            "the body is not all there", offset=len(data), hint="the file is truncated; take another copy of it"
        )
    return header, start, start + size


# The header's first key, as protocol 5 spells it: PROTO, FRAME, EMPTY_DICT, MEMOIZE and MARK come before it.
_MAGIC = pickle.SHORT_BINUNICODE + b"\x07appsnap"
_MAGIC_AT = 2 + 9 + 3


def _read_plain(data: memoryview, start: int) -> tuple[Any, int]:
    recipe, stop = opcodes.read(data, start)
    if any(type(step) not in (Dict, List, Value) for step in recipe.steps):
        raise Damaged("header or trailer is no plain data", offset=start)
    return build(recipe, _NOTHING), stop


_EVERYTHING = Trust(EVERYTHING)
_NOTHING = Trust()


# From a recipe, without recursion


def encode(recipe: Recipe) -> bytes:
    """Return the pickle of a recipe. The memo's numbers are those of the registers."""
    out = bytearray(pickle.PROTO + bytes([PROTOCOL]))
    for step in recipe.steps:
        _WRITERS[type(step)](out, step)
    _operand(out, recipe.root)
    return bytes(out + pickle.STOP)


def _operand(out: bytearray, operand: Operand) -> None:
    if type(operand) is Ref:
        if operand < 256:
            out += pickle.BINGET + bytes([operand])
        else:
            out += pickle.LONG_BINGET + struct.pack("<I", operand)
    elif type(operand) is str:
        _text(out, operand)
    elif type(operand) is int:
        _integer(out, operand)
    elif type(operand) is float:
        out += pickle.BINFLOAT + struct.pack(">d", operand)
    elif type(operand) is bytes:
        out += _bytes(operand)
    else:
        out += pickle.NONE if operand is None else pickle.NEWTRUE if operand else pickle.NEWFALSE


def _integer(out: bytearray, number: int) -> None:
    if 0 <= number < 256:
        out += pickle.BININT1 + bytes([number])
    elif -(2**31) <= number < 2**31:
        out += pickle.BININT + struct.pack("<i", number)
    else:
        raw = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
        out += pickle.LONG1 + bytes([len(raw)]) if len(raw) < 256 else pickle.LONG4 + struct.pack("<i", len(raw))
        out += raw


def _text(out: bytearray, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) < 256:
        out += pickle.SHORT_BINUNICODE + bytes([len(raw)]) + raw
    else:
        out += pickle.BINUNICODE8 + struct.pack("<Q", len(raw)) + raw


def _bytes(raw: bytes) -> bytes:
    if len(raw) < 256:
        return pickle.SHORT_BINBYTES + bytes([len(raw)]) + raw
    return pickle.BINBYTES8 + struct.pack("<Q", len(raw)) + raw


def _operands(out: bytearray, operands: Sequence[Operand]) -> None:
    for operand in operands:
        _operand(out, operand)


def _marked(out: bytearray, operands: Sequence[Operand], opcode: bytes) -> None:
    if operands or opcode in (pickle.TUPLE, pickle.FROZENSET):
        out += pickle.MARK
        _operands(out, operands)
        out += opcode


def _pairs(keys: Sequence[Operand], values: Sequence[Operand]) -> list[Operand]:
    return [operand for pair in zip(keys, values, strict=True) for operand in pair]


_KEEP = pickle.MEMOIZE + pickle.POP


def _name(out: bytearray, step: Name) -> None:
    if step.qualname:
        _text(out, step.module)
        _text(out, step.qualname)
        out += pickle.STACK_GLOBAL + _KEEP
    else:
        _global(out, "importlib", "import_module")
        _text(out, step.module)
        out += pickle.TUPLE1 + pickle.REDUCE + _KEEP


def _global(out: bytearray, module: str, qualname: str) -> None:
    _text(out, module)
    _text(out, qualname)
    out += pickle.STACK_GLOBAL


def _value(out: bytearray, step: Value) -> None:
    if isinstance(step.value, str):
        _text(out, step.value)
    else:
        out += _bytes(step.value)
    out += _KEEP


def _bytearray(out: bytearray, step: ByteArray) -> None:
    out += pickle.BYTEARRAY8 + struct.pack("<Q", len(step.data))
    out += step.data
    out += _KEEP


def _tuple(out: bytearray, step: Tuple) -> None:
    if step.items:
        _marked(out, step.items, pickle.TUPLE)
    else:
        out += pickle.EMPTY_TUPLE
    out += _KEEP


def _list(out: bytearray, step: List) -> None:
    out += pickle.EMPTY_LIST + pickle.MEMOIZE
    _marked(out, step.items, pickle.APPENDS)
    out += pickle.POP


def _dict(out: bytearray, step: Dict) -> None:
    out += pickle.EMPTY_DICT + pickle.MEMOIZE
    _marked(out, _pairs(step.keys, step.values), pickle.SETITEMS)
    out += pickle.POP


def _set(out: bytearray, step: Set) -> None:
    out += pickle.EMPTY_SET + pickle.MEMOIZE
    _marked(out, step.items, pickle.ADDITEMS)
    out += pickle.POP


def _frozenset(out: bytearray, step: FrozenSet) -> None:
    _marked(out, step.items, pickle.FROZENSET)
    out += _KEEP


def _new(out: bytearray, step: New) -> None:
    _operand(out, step.cls)
    _marked(out, step.args, pickle.TUPLE)
    if step.names:
        out += pickle.EMPTY_DICT
        _marked(out, _pairs(step.names, step.values), pickle.SETITEMS)
        out += pickle.NEWOBJ_EX + _KEEP
    else:
        out += pickle.NEWOBJ + _KEEP


def _call(out: bytearray, step: Call) -> None:
    _operand(out, step.function)
    _marked(out, step.args, pickle.TUPLE)
    out += pickle.REDUCE + _KEEP


def _member(out: bytearray, step: Member) -> None:
    _global(out, "builtins", "getattr")
    _operands(out, [step.owner, step.name])
    out += pickle.TUPLE2 + pickle.REDUCE + _KEEP


def _extend(out: bytearray, step: Extend) -> None:
    _operand(out, step.target)
    _marked(out, step.items, pickle.APPENDS)
    out += pickle.POP


def _update(out: bytearray, step: Update) -> None:
    _operand(out, step.target)
    _marked(out, _pairs(step.keys, step.values), pickle.SETITEMS)
    out += pickle.POP


def _add(out: bytearray, step: Add) -> None:
    _operand(out, step.target)
    _marked(out, step.items, pickle.ADDITEMS)
    out += pickle.POP


def _state(out: bytearray, step: State) -> None:
    _operand(out, step.target)
    out += pickle.EMPTY_DICT
    _marked(out, _pairs(step.names, step.values), pickle.SETITEMS)
    out += pickle.BUILD + pickle.POP


def _set_state(out: bytearray, step: SetState) -> None:
    _operands(out, [step.target, step.state])
    out += pickle.BUILD + pickle.POP


_WRITERS: dict[type, Callable[[bytearray, Any], None]] = {
    Name: _name,
    Value: _value,
    Tuple: _tuple,
    List: _list,
    Dict: _dict,
    Set: _set,
    FrozenSet: _frozenset,
    ByteArray: _bytearray,
    New: _new,
    Call: _call,
    Member: _member,
    Extend: _extend,
    Update: _update,
    Add: _add,
    State: _state,
    SetState: _set_state,
}
