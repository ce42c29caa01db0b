"""Pickle's opcodes to steps: a pickle machine that makes no object and imports nothing.

It reads the protocols 0 to 5. Its stack holds operands, names, and containers that still lie open: a container becomes
a step when something refers to it, so that a pickle gives the same steps as `freeze` gives for the objects in it. The
opcodes are those of Python's pickletools.
"""

from __future__ import annotations

import codecs
import pickle
import re
import struct
import warnings
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad, Damaged
from appsnap.recipe.draft import Draft, Lazy
from appsnap.recipe.garbage import collected_later
from appsnap.recipe.steps import (
    INLINE,
    Add,
    ByteArray,
    Dict,
    FrozenSet,
    List,
    Name,
    Recipe,
    Ref,
    Set,
    SetState,
    State,
    Tuple,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read"]

_RESTORE_STATE = Name("appsnap.evolve", "restore_state")


class _Open:
    """A container that no step has made yet. `keys` is only for dictionaries."""

    __slots__ = ("form", "handed_over", "items", "keys", "ref")

    def __init__(self, form: type, items: list[Any]) -> None:
        self.form = form
        self.items = items
        self.keys: list[Any] = []
        self.ref: Ref | None = None
        self.handed_over = False  # as a state: its items stand in a State step


class _SharedStateError(Exception):
    """A dictionary that was handed over as a state is used once more."""


_Stacked = Lazy | _Open


@collected_later
def read(data: memoryview, start: int = 0) -> tuple[Recipe, int]:
    """Return the recipe of the pickle that begins at byte `start`, and where it ends.

    Raises Damaged, with the offset, for what is no pickle, and CannotLoad for what a pickle of its own can't tell
    (persistent ids, extension codes, buffers out of band).
    """
    try:
        return _Reader(data, start, inline_states=True).read()
    except _SharedStateError:
        return _Reader(data, start, inline_states=False).read()


class _Reader:
    def __init__(self, data: memoryview, start: int, *, inline_states: bool) -> None:
        self.data = data
        self.at = start
        self.inline_states = inline_states
        self.protocol = 0
        self.draft = Draft()
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.bytes: dict[int, tuple[bytes, Ref]] = {}

    def read(self) -> tuple[Recipe, int]:
        at = self.at
        data = self.data
        handlers = _HANDLERS
        try:
            while True:
                at = self.at
                code = data[at]
                self.at = at + 1
                if code == _STOP:
                    root = self.stack.pop()
                    return self.draft.finish(self.operand(root)), self.at
                handlers[code](self)
        except KeyError as error:
            raise Damaged(f"no such opcode or memo: {error}", offset=at) from error
        except (IndexError, ValueError, TypeError, AttributeError, struct.error) as error:
            if at >= len(data):
                raise Damaged("the pickle ends too early", offset=at, hint="the file is truncated") from error
            raise Damaged(f"no valid pickle ({error})", offset=at) from error

    # Bytes

    def take(self, count: int) -> memoryview:
        """Return the next `count` bytes. Nothing is allocated for bytes that aren't there."""
        if count < 0 or count > len(self.data) - self.at:
            raise ValueError(f"{count} bytes are announced, {len(self.data) - self.at} are there")
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece

    def number(self, form: struct.Struct) -> Any:
        (value,) = form.unpack_from(self.data, self.at)
        self.at += form.size
        return value

    def line(self) -> bytes:
        found = _NEWLINE.search(self.data, self.at)
        if found is None:
            raise ValueError("a line without end")
        piece = bytes(self.data[self.at : found.start()])
        self.at = found.end()
        return piece

    # Stack

    def pop_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def operand(self, item: Any) -> Any:
        """Return the operand of something on the stack; what lies open is made now."""
        cls = type(item)
        if cls is _Open:
            return self.close(item)
        if cls is bytes and len(item) > INLINE:
            if id(item) not in self.bytes:
                self.bytes[id(item)] = (item, self.draft.make(Value(item)))
            return self.bytes[id(item)][1]
        return self.draft.operand(item)

    def close(self, item: _Open) -> Ref:
        if item.handed_over:
            raise _SharedStateError
        if item.ref is None:
            step: Any = Dict(item.keys, item.items) if item.form is Dict else item.form(item.items)
            if item.form is Tuple:
                step = Tuple([self.operand(part) for part in item.items])
            item.ref = self.draft.make(step)
        return item.ref

    def target(self, item: _Stacked) -> Ref:
        """Return the register of something that is to be filled."""
        operand = self.operand(item)
        if type(operand) is not Ref:
            raise ValueError(f"a {type(operand).__name__} that is filled")
        return operand

    def operands(self, items: list[Any]) -> list[Any]:
        operand = self.operand
        return [operand(item) for item in items]

    def lazies(self, items: list[Any]) -> list[Any]:
        """Close what lies open, but leave names and dictionaries as they are: a call may be a spelling of something."""
        return [self.operand(x) if type(x) is bytes or (type(x) is _Open and x.form is not Dict) else x for x in items]

    def remember(self, index: int) -> None:
        if index < 0:
            raise ValueError("a negative memo number")
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        self.push_again(self.memo[index])

    def push_again(self, item: _Stacked) -> None:
        if type(item) is _Open and item.form is not Tuple:
            # It may be on its way into its own items: then it has to be made before them. Tuples have theirs.
            item = self.close(item)
        self.stack.append(item)

    # Opcodes with more than a line to them

    def push_string(self, raw: bytes) -> None:
        # Python 2's str: ASCII, as pickle reads it by default.
        self.stack.append(raw.decode("ascii"))

    def name(self, module: Any, qualname: Any) -> None:
        if type(module) is not str or type(qualname) is not str or not module or not qualname:
            raise ValueError("a name that is no text")
        if self.protocol < 3:
            module, qualname = NAME_MAPPING.get((module, qualname), (IMPORT_MAPPING.get(module, module), qualname))
        self.stack.append(Name(module, qualname))

    def args(self) -> list[Any]:
        item = self.stack.pop()
        if type(item) is not _Open or item.form is not Tuple:
            raise ValueError("arguments that are no tuple")
        return item.items

    def reduce(self) -> None:
        args = self.args()
        function = self.stack.pop()
        if function == _RESTORE_STATE and len(args) == 2:
            self.set_state(self.target(args[0]), args[1])
            self.stack.append(None)
            return
        if type(function) is Name and function.dotted == "copyreg.__newobj_ex__" and len(args) == 3:
            raise CannotLoad("a pickle with a call of copyreg.__newobj_ex__, which protocol 4 and later don't need")
        args = [self.operand(x) if type(x) is _Open else x for x in args]
        self.stack.append(self.draft.call(self.lazies([function])[0], args))

    def new(self) -> None:
        args = [self.operand(x) if type(x) is _Open else x for x in self.args()]
        self.stack.append(self.draft.new(self.stack.pop(), args))

    def new_with_keywords(self) -> None:
        keywords = self.stack.pop()
        args = [self.operand(x) if type(x) is _Open else x for x in self.args()]
        named = type(keywords) is _Open and keywords.form is Dict and all(type(key) is str for key in keywords.keys)
        if not named:
            raise ValueError("keyword arguments that are no dictionary")
        self.stack.append(self.draft.new(self.stack.pop(), args, keywords.keys, keywords.items))

    def instance(self, cls: Any, args: list[Any]) -> None:
        """INST and OBJ, of protocol 0 and 1: an old-style instance is made without a call where it has no arguments."""
        if args:
            self.stack.append(self.draft.call(cls, self.operands(args)))
        else:
            self.stack.append(self.draft.new(cls, []))

    def build(self) -> None:
        state = self.stack.pop()
        self.set_state(self.target(self.stack[-1]), state)

    def set_state(self, target: Ref, state: Any) -> None:
        if (
            self.inline_states
            and type(state) is _Open
            and state.form is Dict
            and state.ref is None
            and all(type(key) is str for key in state.keys)
        ):
            state.handed_over = True
            self.draft.do(State(target, state.keys, state.items))
        else:
            self.draft.do(SetState(target, self.operand(state)))

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        operands = self.operands(items)
        if type(target) is _Open and target.form is List and target.ref is None:
            target.items.extend(operands)
        else:
            self.draft.extend(self.target(target), operands)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        operands = self.operands(items)
        keys, values = operands[::2], operands[1::2]
        if len(keys) != len(values):
            raise ValueError("a key without value")
        if type(target) is _Open and target.form is Dict and target.ref is None:
            target.keys.extend(keys)
            target.items.extend(values)
        else:
            self.draft.fill(self.target(target), keys, values)

    def add_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        operands = self.operands(items)
        if type(target) is _Open and target.form is Set and target.ref is None:
            target.items.extend(operands)
        elif operands:
            self.draft.do(Add(self.target(target), operands))

    def push_tuple(self, items: list[Any]) -> None:
        self.stack.append(_Open(Tuple, self.lazies(items)))

    def push_open(self, form: type, items: list[Any]) -> None:
        self.stack.append(_Open(form, self.operands(items)))

    def pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def push_integer_line(self) -> None:
        line = self.line()
        self.stack.append({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line))

    def push_string_line(self) -> None:
        line = self.line()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
            raise ValueError("a string without quotes")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of escapes that Python may refuse one day
            self.push_string(codecs.escape_decode(line[1:-1])[0])  # what pickle uses for it

    def refuse(self) -> None:
        what = _REFUSED[self.data[self.at - 1]]
        raise CannotLoad(
            f"the pickle has {what} at byte {self.at - 1}, which only the program that wrote it can resolve"
        )

    def set_protocol(self) -> None:
        self.protocol = self.data[self.at]
        self.at += 1
        if self.protocol > 5:
            raise ValueError(f"unsupported pickle protocol: {self.protocol}")

    def skip_frame(self) -> None:
        length = self.number(_U8)
        if length > len(self.data) - self.at:
            raise ValueError(f"a frame of {length} bytes is announced, {len(self.data) - self.at} are there")


_NEWLINE = re.compile(b"\n")
_U2, _U4, _U8 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_I4, _F8 = struct.Struct("<i"), struct.Struct(">d")


def _push(value: Any) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(value)


def _text(length: Callable[[_Reader], int]) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(str(r.take(length(r)), "utf-8", "surrogatepass"))


def _bytes(length: Callable[[_Reader], int]) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(bytes(r.take(length(r))))


def _long(length: Callable[[_Reader], int]) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(int.from_bytes(r.take(length(r)), "little", signed=True))


def _byte(r: _Reader) -> int:
    value = r.data[r.at]
    r.at += 1
    return value


def _u4(r: _Reader) -> int:
    return r.number(_U4)  # type: ignore[no-any-return]  # the format says so


def _u8(r: _Reader) -> int:
    return r.number(_U8)  # type: ignore[no-any-return]  # the format says so


def _i4(r: _Reader) -> int:
    return r.number(_I4)  # type: ignore[no-any-return]  # the format says so


def _mark(r: _Reader) -> None:
    r.marks.append(r.stack)
    r.stack = []


def _tuple_of(count: int) -> Callable[[_Reader], None]:
    def handler(r: _Reader) -> None:
        items = r.stack[-count:]
        if len(items) < count:
            raise ValueError("too few items for a tuple")
        del r.stack[-count:]
        r.push_tuple(items)

    return handler


_BY_OPCODE: dict[bytes, Callable[[_Reader], Any]] = {
    pickle.PROTO: _Reader.set_protocol,
    pickle.FRAME: _Reader.skip_frame,
    pickle.MARK: _mark,
    pickle.POP: _Reader.pop,
    pickle.POP_MARK: lambda r: r.pop_mark(),
    pickle.DUP: lambda r: r.push_again(r.stack[-1]),
    pickle.NONE: _push(None),
    pickle.NEWTRUE: _push(True),
    pickle.NEWFALSE: _push(False),
    pickle.INT: _Reader.push_integer_line,
    pickle.BININT: lambda r: r.stack.append(r.number(_I4)),
    pickle.BININT1: lambda r: r.stack.append(_byte(r)),
    pickle.BININT2: lambda r: r.stack.append(r.number(_U2)),
    pickle.LONG: lambda r: r.stack.append(int(r.line().removesuffix(b"L"))),
    pickle.LONG1: _long(_byte),
    pickle.LONG4: _long(_i4),
    pickle.FLOAT: lambda r: r.stack.append(float(r.line())),
    pickle.BINFLOAT: lambda r: r.stack.append(r.number(_F8)),
    pickle.STRING: _Reader.push_string_line,
    pickle.BINSTRING: lambda r: r.push_string(bytes(r.take(_i4(r)))),
    pickle.SHORT_BINSTRING: lambda r: r.push_string(bytes(r.take(_byte(r)))),
    pickle.UNICODE: lambda r: r.stack.append(str(r.line(), "raw-unicode-escape")),
    pickle.SHORT_BINUNICODE: _text(_byte),
    pickle.BINUNICODE: _text(_u4),
    pickle.BINUNICODE8: _text(_u8),
    pickle.SHORT_BINBYTES: _bytes(_byte),
    pickle.BINBYTES: _bytes(_u4),
    pickle.BINBYTES8: _bytes(_u8),
    pickle.BYTEARRAY8: lambda r: r.stack.append(r.draft.make(ByteArray(r.take(_u8(r))))),
    pickle.EMPTY_LIST: lambda r: r.stack.append(_Open(List, [])),
    pickle.EMPTY_DICT: lambda r: r.stack.append(_Open(Dict, [])),
    pickle.EMPTY_SET: lambda r: r.stack.append(_Open(Set, [])),
    pickle.EMPTY_TUPLE: lambda r: r.push_tuple([]),
    pickle.LIST: lambda r: r.push_open(List, r.pop_mark()),
    pickle.FROZENSET: lambda r: r.push_open(FrozenSet, r.pop_mark()),
    pickle.TUPLE: lambda r: r.push_tuple(r.pop_mark()),
    pickle.TUPLE1: _tuple_of(1),
    pickle.TUPLE2: _tuple_of(2),
    pickle.TUPLE3: _tuple_of(3),
    pickle.APPEND: lambda r: r.append([r.stack.pop()]),
    pickle.APPENDS: lambda r: r.append(r.pop_mark()),
    pickle.SETITEMS: lambda r: r.set_items(r.pop_mark()),
    pickle.ADDITEMS: lambda r: r.add_items(r.pop_mark()),
    pickle.GLOBAL: lambda r: r.name(r.line().decode(), r.line().decode()),
    pickle.REDUCE: _Reader.reduce,
    pickle.NEWOBJ: _Reader.new,
    pickle.NEWOBJ_EX: _Reader.new_with_keywords,
    pickle.BUILD: _Reader.build,
    pickle.PUT: lambda r: r.remember(int(r.line())),
    pickle.BINPUT: lambda r: r.remember(_byte(r)),
    pickle.LONG_BINPUT: lambda r: r.remember(_u4(r)),
    pickle.MEMOIZE: lambda r: r.remember(len(r.memo)),
    pickle.GET: lambda r: r.recall(int(r.line())),
    pickle.BINGET: lambda r: r.recall(_byte(r)),
    pickle.LONG_BINGET: lambda r: r.recall(_u4(r)),
}


def _set_item(r: _Reader) -> None:
    value = r.stack.pop()
    r.set_items([r.stack.pop(), value])


def _dict(r: _Reader) -> None:
    items = r.pop_mark()
    r.stack.append(_Open(Dict, []))
    r.set_items(items)


def _stack_global(r: _Reader) -> None:
    qualname = r.stack.pop()
    r.name(r.stack.pop(), qualname)


def _inst(r: _Reader) -> None:
    r.name(r.line().decode(), r.line().decode())
    cls = r.stack.pop()
    r.instance(cls, r.pop_mark())


def _obj(r: _Reader) -> None:
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
_STOP = pickle.STOP[0]
_HANDLERS: dict[int, Callable[[_Reader], Any]] = {
    opcode[0]: handler for opcode, handler in _BY_OPCODE.items()
} | dict.fromkeys(_REFUSED, _Reader.refuse)
