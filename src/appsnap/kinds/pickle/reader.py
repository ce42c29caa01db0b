"""The reader of pickles, of the protocols 0 to 5: it follows the opcodes, each with its handler."""

from __future__ import annotations

import contextlib
import pickle
import struct
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad, Damaged, NoMemory
from appsnap.gc_pause import gc_paused
from appsnap.kinds.pickle.items import (
    LongText,
    OpenDict,
    OpenFrozenSet,
    OpenList,
    OpenSet,
    opened,
    text_item,
)
from appsnap.kinds.pickle.unpickler import SharedStateError, StepUnpickler
from appsnap.limits import LIMITS
from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appsnap.kinds.large import Data
    from appsnap.recipe.steps import Recipe

__all__ = ["read", "steps_after"]


@gc_paused
def read(
    data: memoryview, start: int = 0, most: int = LIMITS.steps, large: Mapping[int, Data] | None = None
) -> tuple[Recipe, int]:
    """Return the recipe of the pickle that begins at byte `start`, and the place where the pickle ends.

    `most` bounds the steps. `large` has the large data that was taken out, by place. Its size and type are still in the
    opcodes.

    Raises Damaged, with the offset, for a malformed pickle. Raises CannotLoad if only another program can resolve the
    pickle (persistent ids, extension codes, buffers out of band), or if there is no memory for it.
    """
    try:
        return _run(StepUnpickler(data, start, most, large or {}, inline_states=True))
    except SharedStateError:
        return _run(StepUnpickler(data, start, most, large or {}, inline_states=False))


def steps_after(
    data: memoryview, start: int, most: int, large: Mapping[int, Data], count: int
) -> tuple[Recipe, range, list[Any]]:
    """Return the recipe of a pickle, the steps behind as many entries of the memo, and those entries.

    The steps are the numbers of those up to the next entry. An entry is a register, or anything else.
    """
    for inline_states in (True, False):
        try:
            recipe, _ = _run(StepUnpickler(data, start, most, large, inline_states=inline_states))
            unpickler = StepUnpickler(data, start, most, large, inline_states=inline_states)
            unpickler.memo = memo = _Memo(unpickler, count)
            with contextlib.suppress(_FullError):
                _run(unpickler)
        except SharedStateError:
            continue
        entries = [getattr(entry, "ref", entry) for entry in memo.values()]
        return recipe, range(memo.since, len(unpickler.builder.steps)), entries
    raise AssertionError("without inline states no state is shared")


class _FullError(Exception):
    """The memo has as many entries as are wanted."""


class _Memo(dict[int, Any]):
    """A memo that takes so many entries. `since` is the number of steps when it took the last one."""

    def __init__(self, unpickler: StepUnpickler, count: int) -> None:
        super().__init__()
        self.since = 0
        self._builder = unpickler.builder
        self._left = count

    def __setitem__(self, key: int, entry: Any) -> None:
        if not self._left:
            raise _FullError
        self._left -= 1
        super().__setitem__(key, entry)
        self.since = len(self._builder.steps)


def _run(unpickler: StepUnpickler) -> tuple[Recipe, int]:
    data = unpickler.data
    memo = unpickler.memo
    stack = unpickler.stack
    marks = unpickler.marks
    most = unpickler.most
    builder = unpickler.builder
    new, set_state, set_items, append = builder.new, unpickler.set_state, unpickler.set_items, unpickler.append
    base, at = unpickler.at, 0  # the opcode is byte `base + at` of the data, and byte `at` of the window
    begin = at
    try:
        while True:
            # Bytes are indexed and cut in half of the time that a view of them takes.
            base += at
            begin = at = 0
            window = bytes(data[base : base + _WINDOW])
            last = len(window) - _REACH if len(window) == _WINDOW else len(window)
            if not window:
                raise IndexError  # noqa: TRY301 - as below
            # The opcodes that Python's pickler writes most come first, without a call for each.
            while at < last:
                begin = at
                code = window[at]
                at += 1
                if code == _BINGET:
                    item = memo[window[at]]
                    at += 1
                    stack.append(item if type(item) in _SHARED else unpickler.shared(item))
                elif code == _SHORT_BINUNICODE:
                    end = at + 1 + window[at]
                    if end > len(window):
                        raise ValueError("a text is cut off")  # noqa: TRY301 - as below
                    item = window[at + 1 : end].decode("utf-8", "surrogatepass")
                    if end - at > steps.INLINE:
                        item = text_item(item)
                    stack.append(item)
                    at = end
                    if window[at] == _MEMOIZE:
                        memo[len(memo)] = item
                        at += 1
                elif code == _BININT1:
                    stack.append(window[at])
                    at += 1
                elif code == _BININT2:
                    stack.extend(_U2.unpack_from(window, at))
                    at += 2
                elif code == _SETITEMS:
                    items = stack
                    stack = marks.pop()
                    set_items(stack[-1], items)
                elif code in _EMPTY:
                    # As `opened` and `push_open` do it.
                    item = _EMPTY[code]()
                    item.keys = item.items = ()
                    item.ref = None
                    item.handed_over = False
                    unpickler.opened += 1
                    if unpickler.opened > most:
                        raise unpickler.too_many("containers")
                    stack.append(item)
                    if window[at] == _MEMOIZE:
                        memo[len(memo)] = item
                        at += 1
                    if window[at] == _MARK and len(marks) < most:
                        marks.append(stack)
                        stack = []
                        at += 1
                elif code == _BUILD:
                    state = stack.pop()
                    target = stack[-1]
                    set_state(target if type(target) is Ref else unpickler.target(target), state)
                elif code == _EMPTY_TUPLE and window[at] == _NEWOBJ:
                    cls = stack.pop()
                    item = new(cls if type(cls) is steps.Name else unpickler.operand(cls))
                    stack.append(item)
                    at += 1
                    if window[at] == _MEMOIZE:
                        memo[len(memo)] = item
                        at += 1
                elif code == _BINFLOAT:
                    stack.extend(_F8.unpack_from(window, at))
                    at += 8
                elif code in _CONSTANTS:
                    stack.append(_CONSTANTS[code])
                elif code == _LONG_BINGET:
                    (index,) = _U4.unpack_from(window, at)
                    at += 4
                    item = memo[index if index < len(memo) else unpickler.memo_key(index)]
                    stack.append(item if type(item) in _SHARED else unpickler.shared(item))
                elif code == _APPENDS:
                    items = stack
                    stack = marks.pop()
                    append(stack[-1], items)
                elif code == _MARK:
                    if len(marks) >= most:
                        raise unpickler.too_many("marks")
                    marks.append(stack)
                    stack = []
                elif code == _MEMOIZE:
                    if len(memo) >= unpickler.most_memos:
                        raise unpickler.too_many("numbers of the memo")
                    memo[len(memo)] = stack[-1]
                elif code in _TUPLES:
                    count = _TUPLES[code]
                    items = stack[-count:]
                    if len(items) < count:
                        raise ValueError("too few items for a tuple")  # noqa: TRY301 - as below
                    del stack[-count:]
                    stack.append(unpickler.tuple_of(items, stack))
                elif code == _BININT:
                    stack.extend(_I4.unpack_from(window, at))
                    at += 4
                elif code == _STOP:
                    root = unpickler.operand(stack.pop())
                    if unpickler.large:
                        raise ValueError("large data that belongs to no opcode")  # noqa: TRY301 - as below
                    return builder.finish(root), base + at
                else:
                    unpickler.stack = stack
                    unpickler.at = base + at
                    _HANDLERS[code](unpickler)
                    at = unpickler.at - base
                    stack = unpickler.stack
    except MemoryError:
        raise NoMemory(f"there is no memory for the pickle, from byte {base + begin} on") from None
    except KeyError as error:
        raise Damaged(f"no such opcode or memo: {error}", offset=base + begin) from error
    except (IndexError, ValueError, TypeError, AttributeError, struct.error) as error:
        if base + at >= len(data):
            raise Damaged("the pickle ends too early", offset=base + begin, hint="the file is truncated") from error
        raise Damaged(f"malformed pickle ({_why(error)})", offset=base + begin) from error


def _why(error: Exception) -> str:
    """Return an error in words about the file. Only ValueErrors are raised with such words."""
    match error:
        case struct.error():
            return "a number is cut off"
        case UnicodeDecodeError():
            return f"a text isn't {error.encoding.upper()}"
        case IndexError():
            return "it uses more objects than it has made"
        case TypeError() | AttributeError():
            return "an object stands where another sort of object belongs"
    return str(error)


_U2, _U4, _U8 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_I4, _F8 = struct.Struct("<i"), struct.Struct(">d")


def _text(length: Callable[[StepUnpickler], int]) -> Callable[[StepUnpickler], None]:
    return lambda r: r.stack.append(text_item(str(r.take(length(r)), "utf-8", "surrogatepass")))


def _bytes(length: Callable[[StepUnpickler], int]) -> Callable[[StepUnpickler], None]:
    return lambda r: r.stack.append(bytes(r.take(length(r))))


def _long(length: Callable[[StepUnpickler], int]) -> Callable[[StepUnpickler], None]:
    return lambda r: r.stack.append(int.from_bytes(r.take(length(r)), "little", signed=True))


def _byte(r: StepUnpickler) -> int:
    value = r.data[r.at]
    r.at += 1
    return value


def _u4(r: StepUnpickler) -> int:
    return r.number(_U4)  # type: ignore[no-any-return]  # the format says so


def _u8(r: StepUnpickler) -> int:
    return r.number(_U8)  # type: ignore[no-any-return]  # the format says so


def _i4(r: StepUnpickler) -> int:
    return r.number(_I4)  # type: ignore[no-any-return]  # the format says so


def _bytes8(r: StepUnpickler) -> Any:
    size = _u8(r)
    data = r.large.pop(r.at, None)
    if type(data) is memoryview:
        return r.builder.make(steps.Value(data))  # a view of a mapped file is not copied
    return bytes(r.take(size)) if data is None else data


def _bytearray8(r: StepUnpickler) -> Any:
    size = _u8(r)
    data = r.large.pop(r.at, None)
    return r.builder.make(steps.ByteArray(r.take(size) if data is None else data))


_BY_OPCODE: dict[bytes, Callable[[StepUnpickler], Any]] = {
    pickle.PROTO: StepUnpickler.set_protocol,
    pickle.FRAME: StepUnpickler.skip_frame,
    pickle.POP: StepUnpickler.pop,
    pickle.POP_MARK: lambda r: r.pop_mark(),
    pickle.DUP: lambda r: r.stack.append(r.shared(r.stack[-1])),
    pickle.INT: StepUnpickler.push_integer_line,
    pickle.LONG: lambda r: r.stack.append(r.integer(r.line().removesuffix(b"L"))),
    pickle.LONG1: _long(_byte),
    pickle.LONG4: _long(_i4),
    pickle.FLOAT: lambda r: r.stack.append(r.float(r.line())),
    pickle.STRING: StepUnpickler.push_string_line,
    pickle.BINSTRING: lambda r: r.push_string(bytes(r.take(_i4(r)))),
    pickle.SHORT_BINSTRING: lambda r: r.push_string(bytes(r.take(_byte(r)))),
    pickle.UNICODE: lambda r: r.stack.append(text_item(str(r.line(), "raw-unicode-escape"))),
    pickle.BINUNICODE: _text(_u4),
    pickle.BINUNICODE8: _text(_u8),
    pickle.SHORT_BINBYTES: _bytes(_byte),
    pickle.BINBYTES: _bytes(_u4),
    pickle.BINBYTES8: lambda r: r.stack.append(_bytes8(r)),
    pickle.BYTEARRAY8: lambda r: r.stack.append(_bytearray8(r)),
    pickle.EMPTY_SET: lambda r: r.push_open(opened(OpenSet)),
    pickle.EMPTY_TUPLE: lambda r: r.stack.append(r.tuple_of([], r.stack)),
    pickle.LIST: lambda r: r.push_open(opened(OpenList, r.operands(r.pop_mark()))),
    pickle.FROZENSET: lambda r: r.push_open(opened(OpenFrozenSet, r.operands(r.pop_mark()))),
    pickle.ADDITEMS: lambda r: r.add_items(r.pop_mark()),
    pickle.GLOBAL: lambda r: r.name(r.line().decode(), r.line().decode()),
    pickle.REDUCE: StepUnpickler.reduce,
    pickle.NEWOBJ: StepUnpickler.new,
    pickle.NEWOBJ_EX: StepUnpickler.new_with_keywords,
    pickle.PUT: lambda r: r.remember(r.integer(r.line())),
    pickle.BINPUT: lambda r: r.remember(_byte(r)),
    pickle.LONG_BINPUT: lambda r: r.remember(_u4(r)),
    pickle.GET: lambda r: r.stack.append(r.recalled(r.integer(r.line()))),
}


def _refuse(r: StepUnpickler) -> None:
    what = _REFUSED[r.data[r.at - 1]]
    raise CannotLoad(f"the pickle has {what} at byte {r.at - 1}, which only the program that wrote it can resolve")


def _append(r: StepUnpickler) -> None:
    item = r.stack.pop()
    r.append(r.stack[-1], [item])


def _set_item(r: StepUnpickler) -> None:
    value = r.stack.pop()
    key = r.stack.pop()
    r.set_items(r.stack[-1], [key, value])


def _tuple(r: StepUnpickler) -> None:
    items = r.pop_mark()
    r.stack.append(r.tuple_of(items, r.stack))


def _dict(r: StepUnpickler) -> None:
    items = r.pop_mark()
    r.push_open(opened(OpenDict))
    r.set_items(r.stack[-1], items)


def _stack_global(r: StepUnpickler) -> None:
    qualname = r.stack.pop()
    r.name(r.stack.pop(), qualname)


def _inst(r: StepUnpickler) -> None:
    r.name(r.line().decode(), r.line().decode())
    cls = r.stack.pop()
    r.instance(cls, r.pop_mark())


def _obj(r: StepUnpickler) -> None:
    marked = r.pop_mark()
    cls, args = marked[0], marked[1:]
    r.instance(cls, args)


_BY_OPCODE |= {
    pickle.APPEND: _append,
    pickle.SETITEM: _set_item,
    pickle.DICT: _dict,
    pickle.TUPLE: _tuple,
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
_EMPTY_TUPLE, _APPENDS, _SETITEMS, _NEWOBJ, _BUILD = b"".join(
    (pickle.EMPTY_TUPLE, pickle.APPENDS, pickle.SETITEMS, pickle.NEWOBJ, pickle.BUILD)
)
_EMPTY = {pickle.EMPTY_DICT[0]: OpenDict, pickle.EMPTY_LIST[0]: OpenList}
_WINDOW = 64 << 10
_REACH = 3 + 255
"""The most bytes that one turn of the loop takes from the window: a text, its opcode and length, and MEMOIZE."""
_CONSTANTS = {pickle.NONE[0]: None, pickle.NEWTRUE[0]: True, pickle.NEWFALSE[0]: False}
_TUPLES = {pickle.TUPLE1[0]: 1, pickle.TUPLE2[0]: 2, pickle.TUPLE3[0]: 3}
_SHARED = frozenset({str, LongText, Ref, steps.Name})
"""The types of items that may be on the stack any number of times as they are."""
_HANDLERS: dict[int, Callable[[StepUnpickler], Any]] = {
    opcode[0]: handler for opcode, handler in _BY_OPCODE.items()
} | dict.fromkeys(_REFUSED, _refuse)
