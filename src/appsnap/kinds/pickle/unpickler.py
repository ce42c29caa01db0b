"""Pickle to steps: an unpickler that makes no object and imports nothing. `reader` calls it for each opcode.

Its stack holds operands, names, and open containers. A container is open until another object refers to it. Then it
becomes a step. So a pickle gives the same steps as `freeze` gives for its objects.
"""

from __future__ import annotations

import codecs
import operator
import re
import struct
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad
from appsnap.kinds.escapes import accepted
from appsnap.kinds.pickle.items import (
    LAZY,
    OPEN,
    OPERANDS,
    LongText,
    Open,
    OpenDict,
    OpenList,
    OpenSet,
    OpenTuple,
    opened,
    text_item,
)
from appsnap.limits import over
from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.spellings import CALLED, SET_STATE
from appsnap.recipe.steps import NameOrOperand, Operand, Ref, make_step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from appsnap.kinds.large import Data

__all__ = ["SharedStateError", "StepUnpickler"]

_EVEN, _ODD = slice(0, None, 2), slice(1, None, 2)
_STATE_OF = operator.attrgetter("ref", "handed_over")
_SOME = 8
_NEWLINE = re.compile(b"\n")
_U8 = struct.Struct("<Q")


_REPEATED = 20
"""Calls may share arguments, and each use copies them. The limit on steps, divided by this number, plus the size of the
pickle in bytes, bounds the copies. A copy counts one, and one more for every 32 bits of an integer."""

_REMEMBERED = 4
"""Numbers of the memo for each step. Texts have numbers, too, but no steps."""


class SharedStateError(Exception):
    """A dictionary is used again after it was handed over as a state."""


_Stacked = NameOrOperand | Open


class StepUnpickler:
    """An unpickler before its first opcode, at byte `start`.

    `most` bounds the steps, the open containers, and the marks. With `inline_states`, a dictionary that becomes a state
    is written as names and values (`State`). If the pickle uses such a dictionary again, the reading begins anew
    without `inline_states`.

    Only `reader` uses the attributes.
    """

    def __init__(
        self, data: memoryview, start: int, most: int, large: Mapping[int, Data], *, inline_states: bool
    ) -> None:
        self.data = data
        self.at = start
        self.large = dict(large)  # the large data whose opcode is still to come
        self.inline_states = inline_states
        self.protocol = 0
        self.builder = RecipeBuilder(most)
        self.shapes = self.builder.shapes
        self.most = most
        self.most_memos = _REMEMBERED * most
        self.opened = 0
        self.repeated = 0
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[Any, Any] = {}
        self.bytes: dict[int, tuple[bytes, Ref]] = {}

    # Bytes

    def take(self, count: int) -> memoryview:
        """Return a view of the next `count` bytes. Raises ValueError if there are fewer."""
        if count < 0 or count > len(self.data) - self.at:
            raise ValueError(f"{count} bytes are announced, but {len(self.data) - self.at} are there")
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece

    def number(self, form: struct.Struct) -> Any:
        """Return the next bytes as a number."""
        (value,) = form.unpack_from(self.data, self.at)
        self.at += form.size
        return value

    def line(self) -> bytes:
        """Return the bytes up to the next line end, and pass over it."""
        found = _NEWLINE.search(self.data, self.at)
        if found is None:
            raise ValueError("a line without an end")
        piece = bytes(self.data[self.at : found.start()])
        self.at = found.end()
        return piece

    # Stack

    def too_many(self, what: str) -> CannotLoad:
        """Return the error for more containers, marks or numbers than the limit on steps allows."""
        return over("steps", self.most, f"too many {what} are open")

    def pop_mark(self) -> list[Any]:
        """Take the items above the last mark off the stack."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def operand(self, item: Any) -> Any:
        """Return the operand of an item of the stack. An open container gets its step first."""
        cls = type(item)
        if cls in OPERANDS:
            return item
        if cls in OPEN:
            return self.close(item)
        if cls is LongText:
            return self.builder.text(item.text)
        if cls is bytes and len(item) > steps.INLINE:
            if id(item) not in self.bytes:
                self.bytes[id(item)] = (item, self.builder.make(steps.Value(item)))
            return self.bytes[id(item)][1]
        return self.builder.operand(item)

    def close(self, item: Open) -> Ref:
        """Return the register of a container. It is made now if no step has made it yet."""
        if item.ref is None:
            if type(item) is OpenDict:
                if item.handed_over:
                    raise SharedStateError
                step = make_step(steps.Dict, (tuple(item.keys), item.items))
            elif type(item) is OpenTuple:
                step = make_step(steps.Tuple, (self.operands(item.items),))
            else:
                step = make_step(item.form, (item.items,))
            item.ref = self.builder.make(step)
            if not item.handed_over:
                self.opened -= 1
        return item.ref

    def target(self, item: _Stacked) -> Ref:
        """Return the register of an item that is to be filled."""
        operand = self.operand(item)
        if type(operand) is not Ref:
            raise ValueError(f"a {type(operand).__name__} that is filled")
        return operand

    def operands(self, items: list[Any]) -> list[Any]:
        """Return the operands of items of the stack: the same list if they are operands already."""
        # For a few items, a loop is faster than a call of `map`.
        for item in items:
            if type(item) not in OPERANDS:
                if self.are_new_dicts(items):
                    return self.close_dicts(items)
                close, operand = self.close, self.operand
                return [x if type(x) in OPERANDS else close(x) if type(x) in OPEN else operand(x) for x in items]
        return items

    def are_new_dicts(self, items: list[Any]) -> bool:
        """Tell whether items are some dictionaries that no step has made yet, such as a list of records has."""
        return len(items) >= _SOME and {*map(type, items)} == {OpenDict} and {*map(_STATE_OF, items)} == {(None, False)}

    def close_dicts(self, items: list[OpenDict]) -> list[Ref]:
        """Return the registers of dictionaries, as `close` does for each."""
        refs = self.builder.make_all([make_step(steps.Dict, (tuple(item.keys), item.items)) for item in items])
        for item, ref in zip(items, refs, strict=True):
            item.ref = ref
        self.opened -= len(items)
        return refs

    def remember(self, index: int) -> None:
        """Give the top of the stack a number in the memo."""
        if not 0 <= index < 1 << 32:
            raise ValueError("a memo number that pickle never gives")
        self.memo[self.memo_key(index)] = self.stack[-1]

    def recalled(self, index: int) -> Any:
        """Return the item that has a number in the memo."""
        return self.shared(self.memo[self.memo_key(index)])

    def memo_key(self, index: int) -> Any:
        """Return the key of a number in the memo.

        Pickle numbers from 0 or 1 on. Among larger numbers a file could choose those that a dictionary finds slowly. So
        they are keys as texts, whose hashes are different in each process.
        """
        return index if index < max(len(self.data), 256) else str(index)

    def shared(self, item: Any) -> Any:
        """Return an item that is to stand on the stack once more."""
        steps.check_reference(item)
        # A container may become one of its own items. So it has to be made before them. A tuple has its items.
        return self.close(item) if type(item) in OPEN and type(item) is not OpenTuple else item

    # Opcodes with more than a line to them

    def push_string(self, raw: bytes) -> None:
        """Push a str of Python 2: a text in UTF-8, as nearly all of them are, or else bytes."""
        try:
            self.stack.append(text_item(raw.decode()))
        except UnicodeDecodeError:
            self.stack.append(raw)

    def name(self, module: Any, qualname: Any) -> None:
        """Push a name. A pickle of Python 2 has old names of modules: they are replaced."""
        module, qualname = (x.text if type(x) is LongText else x for x in (module, qualname))
        if type(module) is not str or type(qualname) is not str or not module or not qualname:
            raise ValueError("a name has to be a text")
        if self.protocol < 3:
            module, qualname = NAME_MAPPING.get((module, qualname), (IMPORT_MAPPING.get(module, module), qualname))
        self.stack.append(steps.Name(module, qualname))

    def args(self, item: Any) -> list[Any]:
        """Return the arguments of a call."""
        if type(item) is not OpenTuple:
            raise ValueError("arguments have to be a tuple")
        if not item.handed_over:
            item.handed_over = True
            self.opened -= 1
        else:
            # Each use copies them. Pickle seldom uses arguments twice, and only short ones.
            self.count_repeated(item.items)
        return item.items  # type: ignore[no-any-return]  # a list, in a tuple

    def count_repeated(self, items: Sequence[Any]) -> None:
        """Count items that are copied. Raises CannotLoad if a pickle copies too much."""
        self.repeated += sum(1 + (x.bit_length() >> 5 if type(x) is int else 0) for x in items)
        if self.repeated > self.most // _REPEATED + len(self.data):
            raise over("steps", self.most, "long arguments are used again and again")

    def reduce(self) -> None:
        """Pop arguments and a function; push the result of the call, or the meaning of a spelling."""
        args = self.args(self.stack.pop())
        function = self.stack.pop()
        names: list[str] = []
        values: list[Any] = []
        if function == CALLED and len(args) == 3 and type(args[1]) is OpenTuple and self.are_keywords(args[2]):
            names, values = self.keywords(args[2])
            function, args = args[0], self.args(args[1])
        if function == SET_STATE and len(args) == 2 and not names:
            self.set_state(self.target(args[0]), args[1])
            self.stack.append(None)
            return
        if type(function) is steps.Name and function.dotted == "copyreg.__newobj_ex__" and len(args) == 3:
            raise CannotLoad("a pickle with a call of copyreg.__newobj_ex__, which protocol 4 and later don't need")
        args = self.closed(args)
        self.stack.append(self.builder.call(self.callable(function), args, names, values))

    def are_keywords(self, item: Any) -> bool:
        """Tell whether an item is a dictionary with texts as keys that nothing else has referred to."""
        return (
            type(item) is OpenDict and item.ref is None and all(type(self.builder.meaning(x)) is str for x in item.keys)
        )

    def keywords(self, item: OpenDict) -> tuple[list[Any], list[Any]]:
        """Return the names and the values of keywords."""
        self.count_repeated(item.items)  # the tuple around it may be used again
        return [self.builder.meaning(key) for key in item.keys], [*item.items]

    def closed(self, args: list[Any]) -> list[Any]:
        """Return arguments with operands for the open containers. Names and texts stay: a call may be a spelling."""
        return [self.operand(x) if type(x) in OPEN else x.text if type(x) is LongText else x for x in args]

    def callable(self, item: Any) -> Any:
        """Return a name as it is, and any other item as an operand."""
        return item if type(item) is steps.Name else self.operand(item)

    def new(self) -> None:
        """Pop arguments and a class; push a new object."""
        args = self.closed(self.args(self.stack.pop()))
        self.stack.append(self.builder.new(self.callable(self.stack.pop()), args))

    def new_with_keywords(self) -> None:
        """Pop keywords, arguments and a class; push a new object."""
        keywords = self.stack.pop()
        args = self.closed(self.args(self.stack.pop()))
        if type(keywords) is not OpenDict:
            raise ValueError("keyword arguments have to be a dictionary")
        self.opened -= 1
        names: list[Any] = [self.builder.meaning(key) for key in keywords.keys]
        if not all(type(name) is str for name in names):
            raise ValueError("names of keyword arguments have to be texts")
        self.stack.append(self.builder.new(self.callable(self.stack.pop()), args, names, keywords.items))

    def instance(self, cls: Any, args: list[Any]) -> None:
        """Push an instance for INST or OBJ, of protocols 0 and 1. Without arguments it is made without a call."""
        if args:
            self.stack.append(self.builder.call(self.callable(cls), self.operands(args)))
        else:
            self.stack.append(self.builder.new(self.callable(cls), []))

    def set_state(self, target: Ref, state: Any) -> None:
        """Give a state to the object of a register."""
        if type(state) is OpenDict and state.ref is None and self.inline_states:
            names = state.keys if type(state.keys) is tuple else self.builder.names_of(state.keys)
            if names is not None:
                state.handed_over = True
                self.opened -= 1
                self.builder.fill(make_step(steps.State, (target, names, state.items)))
                return
        self.builder.fill(steps.SetState(target, self.operand(state)))

    def append(self, target: _Stacked, items: list[Any]) -> None:
        """Append to a list."""
        operands = self.operands(items)
        if type(target) is OpenList and target.ref is None:
            if target.items:
                target.items.extend(operands)
            else:
                target.items = operands
        else:
            self.builder.extend(self.target(target), operands)

    def set_items(self, target: _Stacked, items: list[Any]) -> None:
        """Set items, keys and values by turns, of a dictionary."""
        keys: Sequence[Operand] | None = self.shapes.get(tuple(items[_EVEN]))
        if keys is None:
            items = self.operands(items)
            keys = self.builder.known_keys(items[_EVEN])
            values = items[_ODD]
        else:
            values = self.operands(items[_ODD])
        if len(keys) != len(values):
            raise ValueError("a key without a value")
        if type(target) is not OpenDict or target.ref is not None:
            self.builder.update(self.target(target), keys, values)
        elif not target.items:
            target.keys, target.items = keys, values
        else:
            if type(target.keys) is tuple:
                target.keys = [*target.keys]
            target.keys.extend(keys)
            target.items.extend(values)

    def add_items(self, items: list[Any]) -> None:
        """Add to the set at the top of the stack."""
        target = self.stack[-1]
        operands = self.operands(items)
        if type(target) is OpenSet and target.ref is None:
            if target.items:
                target.items.extend(operands)
            else:
                target.items = operands
        elif operands:
            self.builder.fill(steps.Add(self.target(target), operands))

    def tuple_of(self, items: list[Any], below: list[Any]) -> Open:
        """Return a tuple, whose open containers are closed, except dictionaries. A call of it may be a spelling.

        `below` is the stack below the items. Of the arguments of `called`, the tuple stays open, too.
        """
        for item in items:
            if type(item) not in LAZY:
                args = items[1] if len(items) == 3 and below and below[-1] == CALLED else None
                lazy = type(args) is OpenTuple and OpenTuple not in map(type, args.items)  # so that nothing recurses
                items = [x if type(x) in LAZY or (lazy and x is args) else self.operand(x) for x in items]
                break
        self.count_open()
        return opened(OpenTuple, items)

    def push_open(self, item: Open) -> None:
        """Push a container."""
        self.count_open()
        self.stack.append(item)

    def count_open(self) -> None:
        """Count one more container that is open. Raises CannotLoad for one too many."""
        self.opened += 1
        if self.opened > self.most:
            raise self.too_many("containers")

    def pop(self) -> None:
        """Take off the top of the stack, or the last mark."""
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def push_integer_line(self) -> None:
        """Push the integer or bool on the next line."""
        line = self.line()
        self.stack.append({b"00": False, b"01": True}[line] if line in (b"00", b"01") else self.integer(line))

    def integer(self, line: bytes) -> int:
        """Return an integer in base 10. Underscores and spaces, which Python's own int() takes, are refused."""
        if not re.fullmatch(rb"[+-]?[0-9]+", line):
            raise ValueError("malformed integer")
        return int(line)

    def float(self, line: bytes) -> float:
        """Return a float in base 10, by the same rule."""
        if b"_" in line or line != line.strip():
            raise ValueError("malformed float")
        try:
            return float(line)
        except ValueError:
            raise ValueError("malformed float") from None

    def push_string_line(self) -> None:
        """Push the quoted text on the next line."""
        line = self.line()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
            raise ValueError("a string without quotes")
        quiet = accepted(line[1:-1].decode("latin-1"), of_bytes=True).encode("latin-1")
        self.push_string(codecs.escape_decode(quiet)[0])  # what pickle uses for it

    def set_protocol(self) -> None:
        """Note the protocol. Raises ValueError for one that is unknown."""
        self.protocol = self.data[self.at]
        self.at += 1
        if self.protocol > 5:
            raise ValueError(f"unsupported pickle protocol: {self.protocol}")

    def skip_frame(self) -> None:
        """Skip the head of a frame. Raises ValueError for a length beyond the data."""
        length = self.number(_U8)
        if length > len(self.data) - self.at:
            raise ValueError(f"a frame of {length} bytes is announced, but {len(self.data) - self.at} are there")
