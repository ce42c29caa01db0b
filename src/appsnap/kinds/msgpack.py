"""The msgpack kind: three msgpack objects in a row. Header and trailer are maps, the body is a flat array.

The body's items are the steps, each an array that begins with the step's number in `_DECODERS`, and last `[root]`. The
header's `size` is the number of bytes of the body. A register, where an atom could stand too, is an array of one
integer; an integer of more than 64 bits an extension of type 1, in big-endian two's complement. Keys that are short
texts are written once, and are a number from then on.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

import msgpack

from appsnap.errors import CannotLoad, Damaged
from appsnap.files.header import Header, Trailer
from appsnap.kinds import Document
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
    Operand,
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
    check_keywords,
    check_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Buffer

    from appsnap.files.header import Seal

__all__ = ["read", "write"]

_LONG = 1
_TEXT = frozenset({str})
_NO_MEMORY = "there is no memory for what the file holds"
_HEAD = 1_000_000
"""Bytes in which a header ends: it holds a name, a tag, and little else."""


# Writing


@collected_later
def write(header: Header, recipe: Recipe, distributions: dict[str, str], seal: Seal | None = None) -> list[Buffer]:
    """Return the document of a recipe, in pieces."""
    packer = msgpack.Packer(default=_extension, unicode_errors="surrogatepass", autoreset=False)
    packer.pack_array_header(len(recipe.steps) + 1)
    rows, pack = _Rows(), packer.pack
    for step in recipe.steps:
        pack(_ENCODERS[type(step)](rows, step))
    pack(_operands([recipe.root]))
    body = packer.bytes()
    head = _plain(header.to_dict() | {"size": len(body)})
    digest = hashlib.sha256(head)
    digest.update(body)
    trailer = Trailer(digest.hexdigest(), len(recipe.steps), distributions)
    return [head, body, _plain(trailer.to_dict("msgpack", seal))]


def _plain(fields: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(fields, unicode_errors="surrogatepass")
    return packed


def _extension(value: int) -> msgpack.ExtType:
    return msgpack.ExtType(_LONG, value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True))


def _operands(operands: Sequence[Any]) -> list[Any]:
    """Return operands as msgpack has them: a reference as an array of one."""
    return [[x] if type(x) is Ref else x for x in operands]


def _have_number(keys: tuple[Any, ...]) -> bool:
    """Tell whether keys have a number: texts, none of which is long.

    The number takes a byte or a few, and what it stands for is shown, and written in other kinds, in full each time.
    """
    return _TEXT.issuperset(map(type, keys)) and max(map(len, keys), default=0) <= INLINE


class _Rows:
    """Turns steps into arrays."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[Any, ...], int] = {}

    def _keys(self, keys: Sequence[Any]) -> Any:
        keys = tuple(keys)  # as a rule it is one, which is no copy
        number = self._shapes.get(keys)
        if number is not None:
            return number
        if _have_number(keys):
            self._shapes[keys] = len(self._shapes)
        return _operands(keys)

    def _new(self, step: New) -> list[Any]:
        cls, args, names, values = step
        keywords = (self._keys(names), *_operands(values)) if names else ()
        return [9, cls, _operands(args), *keywords]

    def _dict(self, step: Dict) -> list[Any]:
        return [5, self._keys(step.keys), *_operands(step.values)]

    def _update(self, step: Update) -> list[Any]:
        return [13, step.target, self._keys(step.keys), *_operands(step.values)]

    def _state(self, step: State) -> list[Any]:
        target, names, values = step
        return [15, target, self._keys(names), *_operands(values)]


_ENCODERS: dict[type, Callable[[_Rows, Any], Sequence[Any]]] = {
    Name: lambda _, s: (1, s.module, s.qualname),
    Value: lambda _, s: (2, s.value),
    Tuple: lambda _, s: [3, *_operands(s.items)],
    List: lambda _, s: [4, *_operands(s.items)],
    Dict: _Rows._dict,
    Set: lambda _, s: [6, *_operands(s.items)],
    FrozenSet: lambda _, s: [7, *_operands(s.items)],
    ByteArray: lambda _, s: (8, bytes(s.data)),
    New: _Rows._new,
    Call: lambda _, s: [10, s.function, *_operands(s.args)],
    Member: lambda _, s: [11, *_operands(s[:1]), s.name],
    Extend: lambda _, s: [12, s.target, *_operands(s.items)],
    Update: _Rows._update,
    Add: lambda _, s: [14, s.target, *_operands(s.items)],
    State: _Rows._state,
    SetState: lambda _, s: [16, s.target, *_operands(s[1:])],
}


# Reading


@collected_later
def read(data: memoryview, steps: int = LIMITS.steps) -> Document:
    """Return the document that bytes spell."""
    fields, start = _unpack(data, 0, min(len(data), _HEAD))
    header = Header.from_dict(fields, "msgpack")
    size = fields.get("size")
    if type(size) is not int or not 0 <= size < len(data) - start:
        raise Damaged(
            "the body is not all there", offset=len(data), hint="the file is truncated; take another copy of it"
        )
    end = start + size
    fields, stop = _unpack(data, end, len(data))
    if stop != len(data):
        raise Damaged("something stands behind the trailer", offset=stop)
    trailer = Trailer.from_dict(fields, "msgpack", hashlib.sha256(data[:end]).hexdigest())
    # More than one a byte is damage, which shows below.
    if steps < _announced(data[start:end]) - 1 < size:
        raise over("steps", steps, "the recipe is too long")
    recipe = _read_body(data, start, end)
    if trailer.steps not in (None, len(recipe.steps)):
        raise Damaged(f"the trailer counts other steps than the {len(recipe.steps)} that are there")
    return Document(recipe, header, trailer)


def _read_body(data: memoryview, start: int, end: int) -> Recipe:
    unpacker, stop = _checked(data, start, end)
    count = _announced(data[start:end]) - 1
    if stop != end or count < 0:
        raise Damaged("the body is no list of steps", offset=start)
    steps = _Steps()
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
        # What Python says of too many or too few arguments is about a function here.
        why = "fields too many, or too few" if isinstance(error, TypeError) else error
        raise Damaged(f"{what} ({why})") from error
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
    if code == _LONG:
        return int.from_bytes(data, "big", signed=True)
    raise ValueError(f"extension type {code} is unknown")


class _Steps:
    """Turns arrays into steps, each of which refers to what was made before it. Raises ValueError for what is none."""

    def __init__(self) -> None:
        self.made: list[Step] = []
        self._registers = 0
        self._shapes: list[tuple[Any, ...]] = []
        self._distinct: set[int] = set()  # the numbers of those that have been seen to be names of attributes
        self._meant: dict[Any, Any] = {}  # by register: the name or text that it holds

    def add(self, fields: Any) -> None:
        """Add the step of an array."""
        if type(fields) is not list:
            raise ValueError(f"{type(fields).__name__} where it should be list")
        # What most files are made of comes first, without the checks of a call each.
        code = fields[0]
        if type(code) is not int:
            raise ValueError("a number that no step has")
        if code == 15:
            _, target, keys, *values = fields
            names = self._names(keys)
            if len(values) != len(names):
                raise ValueError("names and values that don't fit")
            self.made.append(_made(State, (self._register(target), names, self.operands(values))))
            return
        if code == 9:
            step: Any = self._new(*fields[1:])
        elif code == 4:
            step = _made(List, (self.operands(fields[1:]),))
        elif code == 5:
            step = _made(Dict, self._mapping(*fields[1:]))
        elif code in _DECODERS:
            step = _DECODERS[code](self, *fields[1:])
            if isinstance(step, (Call, Member)):
                step = respelled(step, self._meaning)
                if isinstance(step, New):
                    _typed(step.cls, Ref)
            if type(step) is Name:
                self._meant[self._registers] = step
            elif type(step) is Value and type(step.value) is str:
                self._meant[self._registers] = step.value
        else:
            raise ValueError("a number that no step has")
        self.made.append(step)
        self._registers += type(step) in MAKERS

    def operands(self, values: Any) -> list[Operand]:
        """Return a list of operands, in which references have taken the place of arrays of one."""
        for index, value in enumerate(_typed(values, list)):
            cls = type(value)
            if cls is list:
                (number,) = value
                values[index] = self._register(number)
            elif cls not in ATOMS:
                raise ValueError(f"{cls.__name__} is no operand")
        return values  # type: ignore[no-any-return]  # all of them are looked at

    def operand(self, value: Any) -> Operand:
        """Return one operand."""
        return self.operands([value])[0]

    def _register(self, number: Any) -> Ref:
        if type(number) is not int or not 0 <= number < self._registers:
            raise ValueError(f"register {number!r:.60} is not written yet")
        return Ref(number)

    def _meaning(self, operand: Any) -> Any:
        return self._meant.get(operand, operand) if type(operand) is Ref else operand

    def _keys(self, keys: Any) -> tuple[Any, ...]:
        if type(keys) is int:
            if not 0 <= keys < len(self._shapes):
                raise ValueError(f"keys number {keys!r:.60} are not there yet")
            return self._shapes[keys]
        found = tuple(self.operands(keys))
        if _have_number(found):
            self._shapes.append(found)
        return found

    def _names(self, keys: Any) -> tuple[Any, ...]:
        if type(keys) is int and keys in self._distinct:
            return self._shapes[keys]
        names = self._keys(keys)
        if not _TEXT.issuperset(map(type, names)):
            raise ValueError("a name that is no text")
        check_distinct(names)
        if type(keys) is int:
            self._distinct.add(keys)
        return names

    def _mapping(self, keys: Any, *values: Any) -> tuple[tuple[Any, ...], list[Operand]]:
        found = self._keys(keys)
        if len(found) != len(values):
            raise ValueError("keys and values that don't fit")
        return found, self.operands([*values])

    def _new(self, cls: Any, args: Any, *mapping: Any) -> New:
        register = self._register(cls)
        found = self.operands(args)
        if not mapping:
            return _made(New, (register, found, (), ()))  # type: ignore[no-any-return]  # as it says
        keys, *values = mapping
        names = self._names(keys)
        if len(values) != len(names):
            raise ValueError("names and values that don't fit")
        if names:
            check_keywords(names)
        return New(register, found, names, self.operands(values))

    def _name(self, module: Any, qualname: Any) -> Name:
        check_name(_typed(module, str), _typed(qualname, str))
        return Name(module, qualname)

    def _value(self, value: Any) -> Value:
        if len(_typed(value, str, bytes)) <= INLINE:
            raise ValueError("a value that is short enough to be an operand")
        return Value(value)


def _typed(value: Any, *types: type) -> Any:
    if type(value) not in types:
        raise ValueError(f"{type(value).__name__} where it should be {' or '.join(cls.__name__ for cls in types)}")
    return value


_made: Any = tuple.__new__  # the constructor of a named tuple takes twice the time
_DECODERS: dict[int, Callable[..., Step]] = {
    1: _Steps._name,
    2: _Steps._value,
    3: lambda s, *items: Tuple(s.operands([*items])),
    6: lambda s, *items: Set(s.operands([*items])),
    7: lambda s, *items: FrozenSet(s.operands([*items])),
    8: lambda _, data: ByteArray(_typed(data, bytes)),
    10: lambda s, function, *args: Call(s._register(function), s.operands([*args])),
    11: lambda s, owner, name: Member(s.operand(owner), _typed(name, str)),
    12: lambda s, target, *items: Extend(s._register(target), s.operands([*items])),
    13: lambda s, target, *mapping: Update(s._register(target), *s._mapping(*mapping)),
    14: lambda s, target, *items: Add(s._register(target), s.operands([*items])),
    16: lambda s, target, state: SetState(s._register(target), s.operand(state)),
}
