"""Recipe to pickle: the opcodes of protocol 5. The number of a register is its number in the memo."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any

from appsnap.kinds.large import ALIGNMENT, MAY_BE_LARGE, Body, large
from appsnap.recipe import steps
from appsnap.recipe.spellings import CALLED
from appsnap.recipe.steps import PROTOCOL, Operand, Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    from appsnap.kinds.large import Type

__all__ = ["OPCODES", "add_large", "encode"]

OPCODES = {bytes: pickle.BINBYTES8, bytearray: pickle.BYTEARRAY8}
"""The opcodes of large data, by its type. Eight bytes of length follow."""


def encode(recipe: Recipe) -> Body:
    """Return the pickle of a recipe, in pieces."""
    body = Body()
    out = bytearray(pickle.PROTO + bytes([PROTOCOL]))
    for step in recipe.steps:
        cls = type(step)
        if cls in MAY_BE_LARGE and (data := large(step)) is not None and not body.is_full:
            body.add(out)
            add_large(body, bytearray if cls is steps.ByteArray else bytes, data)
            out = bytearray(_KEEP)
        else:
            _WRITERS[cls](out, step)
    _operand(out, recipe.root)
    body.add(out + pickle.STOP)
    return body


def add_large(body: Body, cls: Type, data: Buffer) -> None:
    """Append large data of a type.

    Opcodes without effect fill a gap before the data: a short byte string and POP, three bytes at least.
    """
    view = memoryview(data).cast("B")
    head = OPCODES[cls] + struct.pack("<Q", len(view))
    gap = body.gap(len(head))
    if gap:
        spaces = (gap if gap > 2 else gap + ALIGNMENT) - 3
        body.add(pickle.SHORT_BINBYTES + bytes([spaces]) + bytes(spaces) + pickle.POP)
    body.add(head)
    body.add_large(view, cls)


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


_KEEP = pickle.MEMOIZE + pickle.POP


def _name(out: bytearray, step: steps.Name) -> None:
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


def _value(out: bytearray, step: steps.Value) -> None:
    if isinstance(step.value, str):
        _text(out, step.value)
    else:
        out += _bytes(bytes(step.value))
    out += _KEEP


def _bytearray(out: bytearray, step: steps.ByteArray) -> None:
    out += pickle.BYTEARRAY8 + struct.pack("<Q", len(step.data))
    out += step.data
    out += _KEEP


def _tuple(out: bytearray, step: steps.Tuple) -> None:
    if step.items:
        _marked(out, step.items, pickle.TUPLE)
    else:
        out += pickle.EMPTY_TUPLE
    out += _KEEP


def _list(out: bytearray, step: steps.List) -> None:
    out += pickle.EMPTY_LIST + pickle.MEMOIZE
    _marked(out, step.items, pickle.APPENDS)
    out += pickle.POP


def _dict(out: bytearray, step: steps.Dict) -> None:
    out += pickle.EMPTY_DICT + pickle.MEMOIZE
    _marked(out, steps.interleaved(step.keys, step.values), pickle.SETITEMS)
    out += pickle.POP


def _set(out: bytearray, step: steps.Set) -> None:
    out += pickle.EMPTY_SET + pickle.MEMOIZE
    _marked(out, step.items, pickle.ADDITEMS)
    out += pickle.POP


def _frozenset(out: bytearray, step: steps.FrozenSet) -> None:
    _marked(out, step.items, pickle.FROZENSET)
    out += _KEEP


def _new(out: bytearray, step: steps.New) -> None:
    _operand(out, step.cls)
    _marked(out, step.args, pickle.TUPLE)
    if step.names:
        out += pickle.EMPTY_DICT
        _marked(out, steps.interleaved(step.names, step.values), pickle.SETITEMS)
        out += pickle.NEWOBJ_EX + _KEEP
    else:
        out += pickle.NEWOBJ + _KEEP


def _call(out: bytearray, step: steps.Call) -> None:
    if step.names:
        _global(out, *CALLED)
    _operand(out, step.function)
    _marked(out, step.args, pickle.TUPLE)
    if step.names:
        out += pickle.EMPTY_DICT
        _marked(out, steps.interleaved(step.names, step.values), pickle.SETITEMS)
        out += pickle.TUPLE3
    out += pickle.REDUCE + _KEEP


def _member(out: bytearray, step: steps.Member) -> None:
    _global(out, "builtins", "getattr")
    _operands(out, [step.owner, step.name])
    out += pickle.TUPLE2 + pickle.REDUCE + _KEEP


def _extend(out: bytearray, step: steps.Extend) -> None:
    _operand(out, step.target)
    _marked(out, step.items, pickle.APPENDS)
    out += pickle.POP


def _update(out: bytearray, step: steps.Update) -> None:
    _operand(out, step.target)
    _marked(out, steps.interleaved(step.keys, step.values), pickle.SETITEMS)
    out += pickle.POP


def _add(out: bytearray, step: steps.Add) -> None:
    _operand(out, step.target)
    _marked(out, step.items, pickle.ADDITEMS)
    out += pickle.POP


def _state(out: bytearray, step: steps.State) -> None:
    _operand(out, step.target)
    out += pickle.EMPTY_DICT
    _marked(out, steps.interleaved(step.names, step.values), pickle.SETITEMS)
    out += pickle.BUILD + pickle.POP


def _set_state(out: bytearray, step: steps.SetState) -> None:
    _operands(out, [step.target, step.state])
    out += pickle.BUILD + pickle.POP


_WRITERS: dict[type, Callable[[bytearray, Any], None]] = {
    steps.Name: _name,
    steps.Value: _value,
    steps.Tuple: _tuple,
    steps.List: _list,
    steps.Dict: _dict,
    steps.Set: _set,
    steps.FrozenSet: _frozenset,
    steps.ByteArray: _bytearray,
    steps.New: _new,
    steps.Call: _call,
    steps.Member: _member,
    steps.Extend: _extend,
    steps.Update: _update,
    steps.Add: _add,
    steps.State: _state,
    steps.SetState: _set_state,
}
