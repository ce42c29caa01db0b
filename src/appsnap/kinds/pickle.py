"""The pickle kind: three pickles in a row, of protocol 5. Header, body, trailer; header and trailer are dictionaries.

The header's `size` is the number of bytes of the body. The trailer has `steps` where the body was written from a
recipe, and hasn't where the C pickler wrote it from objects. A pickle without header is
read as a body alone.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
from typing import TYPE_CHECKING, Any

from appsnap import evolve
from appsnap.errors import Damaged
from appsnap.files.header import Header, Trailer
from appsnap.kinds import Document, opcodes
from appsnap.recipe.build import build
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
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

__all__ = ["assemble", "encode", "pickle_objects", "read", "unpickle_objects", "write"]


# From objects, by the C pickler


def pickle_objects(obj: Any) -> tuple[bytes, set[str]]:
    """Return the body for objects, and the modules it names. Raises RecursionError for what is nested too deep."""
    rules = Rules()
    file = io.BytesIO()
    pickler = _Pickler(file, PROTOCOL)
    pickler.reducer_override = rules  # type: ignore[method-assign]  # the C pickler looks it up when it begins
    pickler.dump(obj)
    return file.getvalue(), rules.modules


class _Pickler(pickle.Pickler):
    """The C pickler, with room for the rules."""


class _Unpickler(pickle.Unpickler):
    """The C unpickler, which finds renamed classes."""

    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(*evolve.successor(module, name))


def unpickle_objects(data: memoryview) -> Any:
    """Return the objects of a document that is trusted as code, by the C unpickler. Checks the trailer first.

    What `write` wrote, and bare pickles, are built from their steps, so that transient attributes are treated alike.
    """
    header, start, end = _header(data)
    trailer = None if header is None else _trailer(data, end)
    if trailer is None or trailer.steps is not None:
        return build(read(data).recipe, _EVERYTHING)
    with evolve.upgrades():
        return _Unpickler(io.BytesIO(data[start:end])).load()


# The document


def assemble(header: Header, body: Sequence[Buffer], trailer: dict[str, Any]) -> list[Buffer]:
    """Return header, body and trailer as one document."""
    size = sum(len(piece) for piece in body)  # type: ignore[arg-type]  # bytes-like, all of them
    pieces = [_plain(header.to_dict() | {"size": size}), *body]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return [*pieces, _plain({"sha256": digest.hexdigest(), **trailer})]


def write(header: Header, recipe: Recipe, distributions: dict[str, str]) -> list[Buffer]:
    """Return the document of a recipe, in pieces."""
    return assemble(header, [encode(recipe)], {"steps": len(recipe.steps), "distributions": distributions})


def read(data: memoryview) -> Document:
    """Return the document that bytes spell."""
    header, start, end = _header(data)
    if header is None:
        recipe, end = opcodes.read(data)
        if end != len(data):
            raise Damaged("something stands behind the pickle", offset=end)
        return Document(recipe, None, None)
    trailer = _trailer(data, end)
    recipe, stop = opcodes.read(data[:end], start)
    if stop != end:
        raise Damaged("something stands behind the body", offset=stop)
    return Document(recipe, header, trailer)


def _plain(fields: dict[str, Any]) -> bytes:
    return pickle.dumps(fields, PROTOCOL)


def _header(data: memoryview) -> tuple[Header | None, int, int]:
    """Return the header, and where the body begins and ends; no header for a bare pickle."""
    if _MAGIC not in bytes(data[:64]):
        return None, 0, len(data)
    fields, start = _read_plain(data, 0)
    header = Header.from_dict(fields)
    size = fields.get("size")
    if type(size) is not int or not 0 <= size < len(data) - start:
        raise Damaged(
            "the body is not all there", offset=len(data), hint="the file is truncated; take another copy of it"
        )
    return header, start, start + size


_MAGIC = pickle.dumps("appsnap", PROTOCOL)[-11:-2]  # the header's first key, as protocol 5 spells it


def _trailer(data: memoryview, end: int) -> Trailer:
    fields, stop = _read_plain(data, end)
    if stop != len(data):
        raise Damaged("something stands behind the trailer", offset=stop)
    return Trailer.from_dict(fields, hashlib.sha256(data[:end]).hexdigest())


def _read_plain(data: memoryview, start: int) -> tuple[Any, int]:
    recipe, stop = opcodes.read(data, start)
    if any(type(step) not in (Dict, Value) for step in recipe.steps):
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
    elif operand is None:
        out += pickle.NONE
    elif type(operand) is str:
        _text(out, operand)
    else:
        # Small and flat: what the C pickler writes for it, without its frame.
        out += pickle.dumps(operand, PROTOCOL)[2:-1] if type(operand) is not bytes else _bytes(operand)


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
