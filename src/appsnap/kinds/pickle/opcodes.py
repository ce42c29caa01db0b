"""Pickle's opcodes to steps: the opcodes of Python's pickletools, of the protocols 0 to 5, for a machine of our own."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad, Damaged
from appsnap.gc_pause import gc_paused
from appsnap.kinds.pickle.reader import Machine, OpenDict, OpenFrozenSet, OpenList, OpenSet, SharedStateError
from appsnap.limits import LIMITS
from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appsnap.kinds.large import Held
    from appsnap.recipe.steps import Recipe

__all__ = ["read"]


@gc_paused
def read(
    data: memoryview, start: int = 0, most: int = LIMITS.steps, buffers: Mapping[int, Held] | None = None
) -> tuple[Recipe, int]:
    """Return the recipe of the pickle that begins at byte `start`, and where it ends. `most` bounds its steps.

    `buffers` are those whose data was taken out, by the place of that.

    Raises Damaged, with the offset, for what is no pickle, and CannotLoad for what a pickle of its own can't tell
    (persistent ids, extension codes, buffers out of band), or what there is no memory for.
    """
    try:
        return _run(Machine(data, start, most, buffers or {}, inline_states=True))
    except SharedStateError:
        return _run(Machine(data, start, most, buffers or {}, inline_states=False))


def _run(machine: Machine) -> tuple[Recipe, int]:
    data = machine.data
    memo = machine.memo
    stack = machine.stack
    marks = machine.marks
    begin = at = machine.at
    try:
        # What Python's pickler writes most comes first, without a call for each opcode.
        while True:
            begin = at
            code = data[at]
            at += 1
            if code == _BINGET:
                item = memo[data[at]]
                at += 1
                if type(item) in _SHARED:
                    stack.append(item)
                else:
                    machine.push_again(item)
            elif code == _SHORT_BINUNICODE:
                end = at + 1 + data[at]
                if end > len(data):
                    raise ValueError("a text that is cut off")  # noqa: TRY301 - as below
                item = str(data[at + 1 : end], "utf-8", "surrogatepass")
                stack.append(item)
                at = end
                if data[at] == _MEMOIZE:
                    memo[len(memo)] = item
                    at += 1
            elif code == _MEMOIZE:
                memo[len(memo)] = stack[-1]
            elif code == _BININT1:
                stack.append(data[at])
                at += 1
            elif code == _MARK:
                if len(marks) >= machine.most:
                    raise machine.too_many("marks")
                marks.append(stack)
                machine.stack = stack = []
            elif code == _SETITEMS:
                items = stack
                machine.stack = stack = marks.pop()
                machine.set_items(items)
            elif code == _APPENDS:
                items = stack
                machine.stack = stack = marks.pop()
                machine.append(items)
            elif code == _EMPTY_DICT:
                item = OpenDict()
                machine.push_open(item)
                if data[at] == _MEMOIZE:
                    memo[len(memo)] = item
                    at += 1
            elif code == _EMPTY_LIST:
                item = OpenList()
                machine.push_open(item)
                if data[at] == _MEMOIZE:
                    memo[len(memo)] = item
                    at += 1
            elif code == _BUILD:
                state = stack.pop()
                target = stack[-1]
                machine.set_state(target if type(target) is Ref else machine.target(target), state)
            elif code == _EMPTY_TUPLE and data[at] == _NEWOBJ:
                at += 1
                stack.append(machine.builder.new(machine.callable(stack.pop()), ()))
            elif code == _BINFLOAT:
                stack.extend(_F8.unpack_from(data, at))
                at += 8
            elif code == _BININT2:
                stack.extend(_U2.unpack_from(data, at))
                at += 2
            elif code == _BININT:
                stack.extend(_I4.unpack_from(data, at))
                at += 4
            elif code == _LONG_BINGET:
                machine.push_again(memo[_U4.unpack_from(data, at)[0]])
                at += 4
            elif code in _CONSTANTS:
                stack.append(_CONSTANTS[code])
            elif code == _STOP:
                root = machine.operand(stack.pop())
                _check_buffers(machine)
                return machine.builder.finish(root), at
            else:
                machine.at = at
                _HANDLERS[code](machine)
                at = machine.at
                stack = machine.stack
    except MemoryError:
        raise CannotLoad(f"there is no memory for the pickle, from byte {begin} on") from None
    except KeyError as error:
        raise Damaged(f"no such opcode or memo: {error}", offset=begin) from error
    except (IndexError, ValueError, TypeError, AttributeError, struct.error) as error:
        if at >= len(data):
            raise Damaged("the pickle ends too early", offset=begin, hint="the file is truncated") from error
        raise Damaged(f"no valid pickle ({error})", offset=begin) from error


_U2, _U4, _U8 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_I4, _F8 = struct.Struct("<i"), struct.Struct(">d")


def _text(length: Callable[[Machine], int]) -> Callable[[Machine], None]:
    return lambda r: r.stack.append(str(r.take(length(r)), "utf-8", "surrogatepass"))


def _bytes(length: Callable[[Machine], int]) -> Callable[[Machine], None]:
    return lambda r: r.stack.append(bytes(r.take(length(r))))


def _long(length: Callable[[Machine], int]) -> Callable[[Machine], None]:
    return lambda r: r.stack.append(int.from_bytes(r.take(length(r)), "little", signed=True))


def _byte(r: Machine) -> int:
    value = r.data[r.at]
    r.at += 1
    return value


def _u4(r: Machine) -> int:
    return r.number(_U4)  # type: ignore[no-any-return]  # the format says so


def _u8(r: Machine) -> int:
    return r.number(_U8)  # type: ignore[no-any-return]  # the format says so


def _i4(r: Machine) -> int:
    return r.number(_I4)  # type: ignore[no-any-return]  # the format says so


def _tuple_of(count: int) -> Callable[[Machine], None]:
    def handler(r: Machine) -> None:
        items = r.stack[-count:]
        if len(items) < count:
            raise ValueError("too few items for a tuple")
        del r.stack[-count:]
        r.push_tuple(items)

    return handler


def _check_buffers(r: Machine) -> None:
    if r.buffers:
        raise ValueError("a buffer that no opcode holds")


def _held(r: Machine, size: int) -> Held | None:
    """Return the buffer whose data was taken out here, if one was."""
    held = r.buffers.pop(r.at, None)
    if held is not None and len(held) != size:
        raise ValueError("a buffer of another size")
    return held


def _bytes8(r: Machine) -> Any:
    size = _u8(r)
    held = _held(r, size)
    if type(held) is memoryview:
        return r.builder.make(steps.Value(held))  # of a mapped file, which isn't copied here
    return bytes(r.take(size)) if held is None else held


def _bytearray8(r: Machine) -> Any:
    size = _u8(r)
    held = _held(r, size)
    return r.builder.make(steps.ByteArray(r.take(size) if held is None else held))


_BY_OPCODE: dict[bytes, Callable[[Machine], Any]] = {
    pickle.PROTO: Machine.set_protocol,
    pickle.FRAME: Machine.skip_frame,
    pickle.POP: Machine.pop,
    pickle.POP_MARK: lambda r: r.pop_mark(),
    pickle.DUP: lambda r: r.push_again(r.stack[-1]),
    pickle.INT: Machine.push_integer_line,
    pickle.LONG: lambda r: r.stack.append(r.integer(r.line().removesuffix(b"L"))),
    pickle.LONG1: _long(_byte),
    pickle.LONG4: _long(_i4),
    pickle.FLOAT: lambda r: r.stack.append(r.float(r.line())),
    pickle.STRING: Machine.push_string_line,
    pickle.BINSTRING: lambda r: r.push_string(bytes(r.take(_i4(r)))),
    pickle.SHORT_BINSTRING: lambda r: r.push_string(bytes(r.take(_byte(r)))),
    pickle.UNICODE: lambda r: r.stack.append(str(r.line(), "raw-unicode-escape")),
    pickle.BINUNICODE: _text(_u4),
    pickle.BINUNICODE8: _text(_u8),
    pickle.SHORT_BINBYTES: _bytes(_byte),
    pickle.BINBYTES: _bytes(_u4),
    pickle.BINBYTES8: lambda r: r.stack.append(_bytes8(r)),
    pickle.BYTEARRAY8: lambda r: r.stack.append(_bytearray8(r)),
    pickle.EMPTY_SET: lambda r: r.push_open(OpenSet()),
    pickle.EMPTY_TUPLE: lambda r: r.push_tuple([]),
    pickle.LIST: lambda r: r.push_filled(OpenList(), r.pop_mark()),
    pickle.FROZENSET: lambda r: r.push_filled(OpenFrozenSet(), r.pop_mark()),
    pickle.TUPLE: lambda r: r.push_tuple(r.pop_mark()),
    pickle.TUPLE1: _tuple_of(1),
    pickle.TUPLE2: _tuple_of(2),
    pickle.TUPLE3: _tuple_of(3),
    pickle.APPEND: lambda r: r.append([r.stack.pop()]),
    pickle.ADDITEMS: lambda r: r.add_items(r.pop_mark()),
    pickle.GLOBAL: lambda r: r.name(r.line().decode(), r.line().decode()),
    pickle.REDUCE: Machine.reduce,
    pickle.NEWOBJ: Machine.new,
    pickle.NEWOBJ_EX: Machine.new_with_keywords,
    pickle.PUT: lambda r: r.remember(r.integer(r.line())),
    pickle.BINPUT: lambda r: r.remember(_byte(r)),
    pickle.LONG_BINPUT: lambda r: r.remember(_u4(r)),
    pickle.GET: lambda r: r.recall(r.integer(r.line())),
}


def _refuse(r: Machine) -> None:
    what = _REFUSED[r.data[r.at - 1]]
    raise CannotLoad(f"the pickle has {what} at byte {r.at - 1}, which only the program that wrote it can resolve")


def _set_item(r: Machine) -> None:
    value = r.stack.pop()
    r.set_items([r.stack.pop(), value])


def _dict(r: Machine) -> None:
    items = r.pop_mark()
    r.push_open(OpenDict())
    r.set_items(items)


def _stack_global(r: Machine) -> None:
    qualname = r.stack.pop()
    r.name(r.stack.pop(), qualname)


def _inst(r: Machine) -> None:
    r.name(r.line().decode(), r.line().decode())
    cls = r.stack.pop()
    r.instance(cls, r.pop_mark())


def _obj(r: Machine) -> None:
    cls, *args = r.pop_mark()
    r.instance(cls, args)


_BY_OPCODE |= {
    pickle.SETITEM: _set_item,
    pickle.DICT: _dict,
    pickle.STACK_GLOBAL: _stack_global,
    pickle.INST: _inst,
    pickle.OBJ: _obj,
}
_REFUSED = {
    pickle.PERSID[0]: "a persistent id",
    pickle.BINPERSID[0]: "a persistent id",
    pickle.EXT1[0]: "an extension code",
    pickle.EXT2[0]: "an extension code",
    pickle.EXT4[0]: "an extension code",
    pickle.NEXT_BUFFER[0]: "a buffer out of band",
    pickle.READONLY_BUFFER[0]: "a buffer out of band",
}
_BINGET, _LONG_BINGET, _MEMOIZE, _MARK, _STOP = b"".join(
    (pickle.BINGET, pickle.LONG_BINGET, pickle.MEMOIZE, pickle.MARK, pickle.STOP)
)
_SHORT_BINUNICODE, _BININT1, _BININT2, _BININT, _BINFLOAT = b"".join(
    (pickle.SHORT_BINUNICODE, pickle.BININT1, pickle.BININT2, pickle.BININT, pickle.BINFLOAT)
)
_EMPTY_LIST, _EMPTY_DICT, _EMPTY_TUPLE, _APPENDS, _SETITEMS, _NEWOBJ, _BUILD = b"".join(
    (
        *(pickle.EMPTY_LIST, pickle.EMPTY_DICT, pickle.EMPTY_TUPLE),
        *(pickle.APPENDS, pickle.SETITEMS, pickle.NEWOBJ, pickle.BUILD),
    )
)
_CONSTANTS = {pickle.NONE[0]: None, pickle.NEWTRUE[0]: True, pickle.NEWFALSE[0]: False}
_SHARED = frozenset({str, Ref, steps.Name})
"""What may be on the stack any number of times as it is."""
_HANDLERS: dict[int, Callable[[Machine], Any]] = {
    opcode[0]: handler for opcode, handler in _BY_OPCODE.items()
} | dict.fromkeys(_REFUSED, _refuse)
