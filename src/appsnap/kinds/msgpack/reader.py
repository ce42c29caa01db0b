"""Msgpack to steps: each array of the body is one step, which refers to what was made before it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgpack

from appsnap.errors import Damaged, NoMemory
from appsnap.kinds.large import type_of
from appsnap.kinds.msgpack.columns import Reader, too_many, typed
from appsnap.kinds.msgpack.writer import CALL_WITH_KEYWORDS, LARGE_DATA, LONG_INTEGER, NUMBERS, have_number
from appsnap.recipe import steps
from appsnap.recipe.runs import RUNS, Run, Same
from appsnap.recipe.spellings import KEYWORDED, SPELLINGS, canonical_step
from appsnap.recipe.steps import Operand, Recipe, Ref, Step, make_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from appsnap.kinds.large import Data, Type

__all__ = ["announced", "read_body", "too_many", "unpack"]

_NO_MEMORY = "there is no memory for the content of the file"
_TEXT = frozenset({str})


def read_body(data: memoryview, start: int, end: int, large: Sequence[Data], most: int) -> Recipe:
    """Return the recipe of a body, of at most so many steps. Each item of `large` belongs to one step.

    Raises Damaged and CannotLoad.
    """
    unpacker, stop = _checked(data, start, end)
    count = announced(data[start:end]) - 1
    if stop != end or count < 0:
        raise Damaged("the body is not a list of steps", offset=start)
    decoder = StepDecoder(large, most, count)
    try:
        unpacker.read_array_header()
        for _ in range(count):
            decoder.add(unpacker.unpack())
        (root,) = map(decoder.operand, typed(unpacker.unpack(), list))
    except MemoryError:
        raise NoMemory(_NO_MEMORY) from None
    except (IndexError, TypeError, ValueError, RecursionError, msgpack.UnpackException) as error:
        number = len(decoder.made)
        what = f"step {number} is malformed" if number < count else "the root is malformed"
        # The messages of these two errors are about the functions here, not about the file.
        why = "too many or too few fields" if isinstance(error, (TypeError, IndexError)) else error
        raise Damaged(f"{what} ({why})") from error
    if decoder.large:
        raise Damaged("large data belongs to no step")
    return Recipe(decoder.made, root)


def announced(body: memoryview) -> int:
    """Return how many items an array announces in its first bytes; 0 if there is no array."""
    head = bytes(body[:5])
    if head[:1] == b"\xdd":
        return int.from_bytes(head[1:], "big")
    if head[:1] == b"\xdc":
        return int.from_bytes(head[1:3], "big")
    return head[0] & 15 if head and head[0] >> 4 == 9 else 0


def unpack(data: memoryview, start: int, end: int) -> tuple[Any, int]:
    """Return the object that begins at byte `start`, and the place where it ends, `end` at most."""
    containers = 0

    def count(items: Any) -> Any:
        nonlocal containers
        containers += 1
        if containers > _MOST_CONTAINERS:
            raise ValueError("too many lists and maps in a header or trailer")
        return items

    unpacker, stop = _checked(data, start, end, count)
    with _errors(start, end, unpacker):
        return unpacker.unpack(), stop


_MOST_CONTAINERS = 1_000
"""Lists and maps of a header or trailer, which takes a few. An empty one takes a byte of the file, and 60 of memory."""


def _checked(data: memoryview, start: int, end: int, hook: Callable[[Any], Any] | None = None) -> tuple[Any, int]:
    """Return an unpacker for the object that begins at byte `start`, and the place where the object ends.

    An unpacker makes room for all announced items of an array at once, also in nested arrays. So a first unpacker
    checks that all items are there.
    """
    unpacker = _unpacker(len(data))
    with _errors(start, end, unpacker):
        unpacker.feed(data[start:end])
        unpacker.skip()
        stop = start + unpacker.tell()
    unpacker = _unpacker(stop - start, hook)  # the copy of the bytes in the first one is given back
    with _errors(start, end, unpacker):
        unpacker.feed(data[start:stop])
    return unpacker, stop


@contextlib.contextmanager
def _errors(start: int, end: int, unpacker: Any) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise NoMemory(_NO_MEMORY) from None
    except msgpack.OutOfData as error:
        raise Damaged("the file ends too early", offset=end, hint="the file is truncated") from error
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise Damaged(f"no valid msgpack ({error})", offset=start + unpacker.tell()) from error


def _unpacker(size: int, hook: Callable[[Any], Any] | None = None) -> Any:
    return msgpack.Unpacker(
        ext_hook=_from_extension,
        list_hook=hook,
        object_pairs_hook=_map if hook is None else lambda pairs: hook(_map(pairs)),
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
    """Return the integer of an extension."""
    if code == LONG_INTEGER:
        return int.from_bytes(data, "big", signed=True)
    if code == LARGE_DATA:
        return _Number(int.from_bytes(data, "big", signed=True))
    raise ValueError(f"extension type {code} is unknown")


class StepDecoder(Reader):
    """Turns arrays into steps, one after the other. A malformed array is a ValueError, IndexError or TypeError.

    `most` and `steps` are those of a `Reader`.
    """

    def __init__(self, large: Sequence[Data], most: int, steps: int) -> None:
        super().__init__(most, steps)
        self.made: list[Step | Run] = []
        self.large = dict(enumerate(large))  # the large data that no step has yet
        self._numbered: list[tuple[Any, ...]] = []  # the keys that have a number
        self._distinct: set[int] = set()  # the numbers of keys that have been checked as names of attributes
        self._meant: dict[Any, Any] = {}  # the name or text that a register holds

    def add(self, fields: Any) -> None:
        """Add the step of an array. Raises CannotLoad if there are too many."""
        if type(fields) is not list:
            raise ValueError(f"{type(fields).__name__} instead of list")
        # The steps that most files are made of come first, without a call for each.
        code = fields[0]
        if type(code) is not int:
            raise ValueError("unknown number of a step")
        if code == 15:
            _, target, keys, *values = fields
            names = self._names(keys)
            found = self.operands(values)
            if len(found) != len(names):
                raise ValueError("more names than values, or fewer")
            self.made.append(make_step(steps.State, (self.target(target), names, found)))
            return
        if code == 17:
            self._run(*fields[1:])
            return
        if code == 9:
            step: Any = self._new(*fields[1:])
        elif code == 4:
            step = make_step(steps.List, (self.operands(fields[1:]),))
        elif code == 5:
            step = make_step(steps.Dict, self._mapping(fields[1], fields[2:]))
        elif code in _DECODERS:
            step = _DECODERS[code](self, *fields[1:])
            if isinstance(step, (steps.Call, steps.Member)):
                step = canonical_step(step, self._meaning)
                if isinstance(step, steps.New):
                    typed(step.cls, Ref)
            if type(step) is steps.Name:
                self._meant[self.registers] = step
                if code == 1:
                    self.name()
            elif type(step) is steps.Value and type(step.value) is str:
                self._meant[self.registers] = step.value
        else:
            raise ValueError("unknown number of a step")
        self.made.append(step)
        self.registers += type(step) in steps.MAKERS

    def _run(self, number: Any, count: Any, *fields: Any) -> None:
        sort = _RUNS.get(number) if type(number) is int else None
        if sort is None or typed(count, int) < 1:
            raise ValueError("a run of unknown steps, or of none")
        self._steps += count - 1
        if self._steps > self._most:
            raise too_many(self._most)
        if sort is steps.Value:
            (texts,) = fields
            self._texts(texts, count)
            return
        made: tuple[Any, ...]
        if sort in steps.FILLERS:
            target, *rest = fields
            first = self.target(target, count)
            places = range(first, first + count)
            if sort is steps.SetState:
                (state,) = rest
                made = (first, self.column(state, count, places))
            else:
                keys, *columns = rest
                made = (first, *self._table(keys, columns, count, places))
        else:
            places = range(self.registers, self.registers + count)
            if sort is steps.Dict:
                keys, *columns = fields
                made = self._table(keys, columns, count, places)
            elif sort is steps.New:
                cls, *keywords = fields
                made = (
                    self.origin(cls),
                    *(self._keywords(*keywords, count=count, places=places) if keywords else ((), ())),
                )
            elif sort is steps.Call:
                function, *columns = fields
                made = (self.origin(function), tuple(self.column(column, count, places) for column in columns))
                self._check_call(made[0])
            else:
                made = (tuple(self.column(column, count, places) for column in fields),)
                if sort in (steps.Set, steps.FrozenSet) and _kinds(made[0]) not in _HASHED:
                    raise ValueError("the items of sets in a run have to be texts, or integers")
        run = Run(sort, count, made)
        self.made.append(run)
        self.registers += run.registers

    def _keywords(self, keys: Any, *columns: Any, count: int, places: Sequence[int]) -> tuple[Any, ...]:
        names, found = self._table(keys, [*columns], count, places)
        if not names:
            raise ValueError("keywords of which there are none")
        steps.check_keywords(names)
        return names, found

    def _check_call(self, function: Ref) -> None:
        """Refuse the calls that stand for other steps. Raises ValueError."""
        name = self._meant.get(function)
        if type(name) is steps.Name and name.dotted in SPELLINGS:
            raise ValueError(f"a run of calls of {name.dotted}, which stand for other steps")

    def _texts(self, texts: Any, count: int) -> None:
        if {str} != {*map(type, typed(texts, list))} or len(texts) != count or min(map(len, texts)) <= steps.INLINE:
            raise ValueError("a run of values has to be of long texts")
        self._meant.update(zip(range(self.registers, self.registers + count), texts, strict=True))
        self.made.append(Run(steps.Value, count, (texts,)))
        self.registers += count

    def _table(self, keys: Any, columns: list[Any], count: int, places: Sequence[int]) -> tuple[Any, ...]:
        names = self._names(keys)
        if len(names) != len(columns):
            raise ValueError("more names than columns, or fewer")
        # Each step has all of them, where it is shown, and where it is written in another kind.
        if max(map(len, names), default=0) > steps.INLINE:
            raise ValueError("a long name in a run")
        return names, tuple(self.column(column, count, places) for column in columns)

    def _meaning(self, operand: Any) -> Any:
        return self._meant.get(operand, operand) if type(operand) is Ref else operand

    def _keys(self, keys: Any) -> tuple[Any, ...]:
        if type(keys) is int:
            if not 0 <= keys < len(self._numbered):
                raise ValueError(f"keys number {keys!r:.60} are not written yet")
            return self._numbered[keys]
        found = tuple(map(self.operand, typed(keys, list)))
        if have_number(found):
            self._numbered.append(found)
        return found

    def _names(self, keys: Any) -> tuple[Any, ...]:
        if type(keys) is int and keys in self._distinct:
            return self._numbered[keys]
        names = self._keys(keys)
        if not _TEXT.issuperset(map(type, names)):
            raise ValueError("a name has to be a text")
        steps.check_distinct(names)
        if type(keys) is int:
            self._distinct.add(keys)
        return names

    def _mapping(self, keys: Any, values: list[Any]) -> tuple[tuple[Any, ...], Sequence[Operand]]:
        names = self._keys(keys)
        found = self.operands(values)
        if len(found) != len(names):
            raise ValueError("more keys than values, or fewer")
        return names, found

    def _new(self, cls: Any, args: Any, *mapping: Any) -> steps.New:
        register = self.origin(cls)
        found = self.operands(args)
        if not mapping:
            return make_step(steps.New, (register, found, (), ()))  # type: ignore[no-any-return]  # as it says
        keys, *values = mapping
        names = self._names(keys)
        if names:
            steps.check_keywords(names)
        given = self.operands(values)
        if len(given) != len(names):
            raise ValueError("more names than values, or fewer")
        return steps.New(register, found, names, given)

    def _call(self, function: Any, args: Any, keys: Any, *values: Any) -> steps.Call:
        register = self.origin(function)
        found = self.operands(args)
        names = self._names(keys)
        if not names:
            raise ValueError("keywords of which there are none")
        steps.check_keywords(names)
        name = self._meaning(register)
        if type(name) is steps.Name and name in KEYWORDED:
            raise ValueError(f"a call of {name.dotted} with keywords, whose arguments are by position")
        given = self.operands([*values])
        if len(given) != len(names):
            raise ValueError("more names than values, or fewer")
        return steps.Call(register, found, names, given)

    def _name_step(self, module: Any, qualname: Any) -> steps.Name:
        steps.check_name(typed(module, str), typed(qualname, str))
        return steps.Name(module, qualname)

    def _value(self, value: Any) -> steps.Value:
        if type(value) is _Number:
            return steps.Value(self._large(value, bytes))  # type: ignore[arg-type]  # as it says
        if len(typed(value, str, bytes)) <= steps.INLINE:
            raise ValueError("a short text or byte string has to be an operand")
        return steps.Value(value)

    def _bytearray(self, data: Any) -> steps.ByteArray:
        if type(data) is _Number:
            return steps.ByteArray(self._large(data, bytearray))
        return steps.ByteArray(typed(data, bytes))

    def _large(self, number: int, cls: Type) -> Data:
        """Return large data of a type. No other step gets it."""
        data = self.large.pop(number, None)
        if data is None or type_of(data) is not cls:
            raise ValueError(f"large data {int(number)} is missing, has another type, or belongs to another step")
        return data


class _Number(int):
    """The number of large data, in the place of the data."""


def _kinds(columns: Sequence[Any]) -> set[type]:
    """Return the types of the operands of columns."""
    return {kind for column in columns for kind in map(type, [column.operand] if type(column) is Same else column)}


_HASHED: tuple[set[type], ...] = (set(), {str}, {int})
_RUNS = {NUMBERS[sort]: sort for sort in RUNS}

_DECODERS: dict[int, Callable[..., Step]] = {
    1: StepDecoder._name_step,
    2: StepDecoder._value,
    3: lambda s, *items: steps.Tuple(s.operands([*items])),
    6: lambda s, *items: steps.Set(s.operands([*items])),
    7: lambda s, *items: steps.FrozenSet(s.operands([*items])),
    8: StepDecoder._bytearray,
    10: lambda s, function, *args: steps.Call(s.origin(function), s.operands([*args])),
    11: lambda s, owner, name: steps.Member(s.operand(owner), typed(name, str)),
    12: lambda s, target, *items: steps.Extend(s.target(target), s.operands([*items])),
    13: lambda s, target, keys, *values: steps.Update(s.target(target), *s._mapping(keys, [*values])),
    14: lambda s, target, *items: steps.Add(s.target(target), s.operands([*items])),
    CALL_WITH_KEYWORDS: StepDecoder._call,
    16: lambda s, target, state: steps.SetState(s.target(target), s.operand(state)),
}
