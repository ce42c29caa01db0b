"""The steps of a recipe as arrays of msgpack, and back: what each of them holds, and the keys that have a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack

from appsnap.recipe import steps
from appsnap.recipe.spellings import canonical_step
from appsnap.recipe.steps import Operand, Ref, Step, make_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appsnap.kinds.large import Held

__all__ = ["ENCODERS", "Rows", "Steps", "buffer_number", "from_extension", "packed", "to_extension"]

_LONG, _BUFFER = 1, 2
_TEXT = frozenset({str})


def to_extension(value: int) -> msgpack.ExtType:
    """Return an integer of more than 64 bits as msgpack has it."""
    return _integer(_LONG, value)


def buffer_number(number: int) -> msgpack.ExtType:
    """Return what a step has in place of the data of a buffer."""
    return _integer(_BUFFER, number)


def _integer(code: int, value: int) -> msgpack.ExtType:
    return msgpack.ExtType(code, value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True))


def packed(operands: Sequence[Any]) -> list[Any]:
    """Return operands as msgpack has them: a reference as an array of one."""
    return [[x] if type(x) is Ref else x for x in operands]


def _have_number(keys: tuple[Any, ...]) -> bool:
    """Tell whether keys have a number: texts that aren't long, all in all.

    The number takes a byte or a few, and so may each value. But what it stands for is shown, and written in other
    kinds, in full each time.
    """
    return _TEXT.issuperset(map(type, keys)) and sum(map(len, keys)) <= _LETTERS * len(keys)


_LETTERS = 16
"""Of a key with a number, on average: hardly an attribute has a longer name."""


class Rows:
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
        return packed(keys)

    def _new(self, step: steps.New) -> list[Any]:
        cls, args, names, values = step
        keywords = (self._keys(names), *packed(values)) if names else ()
        return [9, cls, packed(args), *keywords]

    def _dict(self, step: steps.Dict) -> list[Any]:
        return [5, self._keys(step.keys), *packed(step.values)]

    def _update(self, step: steps.Update) -> list[Any]:
        return [13, step.target, self._keys(step.keys), *packed(step.values)]

    def _state(self, step: steps.State) -> list[Any]:
        target, names, values = step
        return [15, target, self._keys(names), *packed(values)]


ENCODERS: dict[type, Callable[[Rows, Any], Sequence[Any]]] = {
    steps.Name: lambda _, s: (1, s.module, s.qualname),
    steps.Value: lambda _, s: (2, s.value),
    steps.Tuple: lambda _, s: [3, *packed(s.items)],
    steps.List: lambda _, s: [4, *packed(s.items)],
    steps.Dict: Rows._dict,
    steps.Set: lambda _, s: [6, *packed(s.items)],
    steps.FrozenSet: lambda _, s: [7, *packed(s.items)],
    steps.ByteArray: lambda _, s: (8, bytes(s.data)),
    steps.New: Rows._new,
    steps.Call: lambda _, s: [10, s.function, *packed(s.args)],
    steps.Member: lambda _, s: [11, *packed(s[:1]), s.name],
    steps.Extend: lambda _, s: [12, s.target, *packed(s.items)],
    steps.Update: Rows._update,
    steps.Add: lambda _, s: [14, s.target, *packed(s.items)],
    steps.State: Rows._state,
    steps.SetState: lambda _, s: [16, s.target, *packed(s[1:])],
}


def from_extension(code: int, data: bytes) -> int:
    """Return what an extension stands for."""
    if code == _LONG:
        return int.from_bytes(data, "big", signed=True)
    if code == _BUFFER:
        return _Number(int.from_bytes(data, "big", signed=True))
    raise ValueError(f"extension type {code} is unknown")


class Steps:
    """Turns arrays into steps, each of which refers to what was made before it. Raises ValueError for what is none."""

    def __init__(self, buffers: Sequence[Held]) -> None:
        self.made: list[Step] = []
        self.buffers = dict(enumerate(buffers))  # those that no step has yet
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
            self.made.append(make_step(steps.State, (self._register(target), names, self.operands(values))))
            return
        if code == 9:
            step: Any = self._new(*fields[1:])
        elif code == 4:
            step = make_step(steps.List, (self.operands(fields[1:]),))
        elif code == 5:
            step = make_step(steps.Dict, self._mapping(fields[1], fields[2:]))
        elif code in DECODERS:
            step = DECODERS[code](self, *fields[1:])
            if isinstance(step, (steps.Call, steps.Member)):
                step = canonical_step(step, self._meaning)
                if isinstance(step, steps.New):
                    _typed(step.cls, Ref)
            if type(step) is steps.Name:
                self._meant[self._registers] = step
            elif type(step) is steps.Value and type(step.value) is str:
                self._meant[self._registers] = step.value
        else:
            raise ValueError("a number that no step has")
        self.made.append(step)
        self._registers += type(step) in steps.MAKERS

    def operands(self, values: Any) -> list[Operand]:
        """Return a list of operands, in which references have taken the place of arrays of one."""
        for index, value in enumerate(_typed(values, list)):
            cls = type(value)
            if cls is list:
                (number,) = value
                values[index] = self._register(number)
            elif cls not in steps.ATOMS:
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
        steps.check_distinct(names)
        if type(keys) is int:
            self._distinct.add(keys)
        return names

    def _mapping(self, keys: Any, values: list[Any]) -> tuple[tuple[Any, ...], list[Operand]]:
        found = self._keys(keys)
        if len(found) != len(values):
            raise ValueError("keys and values that don't fit")
        return found, self.operands(values)

    def _new(self, cls: Any, args: Any, *mapping: Any) -> steps.New:
        register = self._register(cls)
        found = self.operands(args)
        if not mapping:
            return make_step(steps.New, (register, found, (), ()))  # type: ignore[no-any-return]  # as it says
        keys, *values = mapping
        names = self._names(keys)
        if len(values) != len(names):
            raise ValueError("names and values that don't fit")
        if names:
            steps.check_keywords(names)
        return steps.New(register, found, names, self.operands(values))

    def _name(self, module: Any, qualname: Any) -> steps.Name:
        steps.check_name(_typed(module, str), _typed(qualname, str))
        return steps.Name(module, qualname)

    def _value(self, value: Any) -> steps.Value:
        if type(value) is _Number:
            return steps.Value(self._held(value, string=True))  # type: ignore[arg-type]  # as it says
        if len(_typed(value, str, bytes)) <= steps.INLINE:
            raise ValueError("a value that is short enough to be an operand")
        return steps.Value(value)

    def _bytearray(self, data: Any) -> steps.ByteArray:
        if type(data) is _Number:
            return steps.ByteArray(self._held(data, string=False))
        return steps.ByteArray(_typed(data, bytes))

    def _held(self, number: int, *, string: bool) -> Held:
        """Return a buffer, which no other step gets."""
        held = self.buffers.pop(number, None)
        if held is None or memoryview(held).readonly != string:
            raise ValueError(f"there is no such buffer {int(number)}, or none any more")
        return held


class _Number(int):
    """The number of a buffer, in the place of its data."""


def _typed(value: Any, *types: type) -> Any:
    if type(value) not in types:
        raise ValueError(f"{type(value).__name__} where it should be {' or '.join(cls.__name__ for cls in types)}")
    return value


DECODERS: dict[int, Callable[..., Step]] = {
    1: Steps._name,
    2: Steps._value,
    3: lambda s, *items: steps.Tuple(s.operands([*items])),
    6: lambda s, *items: steps.Set(s.operands([*items])),
    7: lambda s, *items: steps.FrozenSet(s.operands([*items])),
    8: Steps._bytearray,
    10: lambda s, function, *args: steps.Call(s._register(function), s.operands([*args])),
    11: lambda s, owner, name: steps.Member(s.operand(owner), _typed(name, str)),
    12: lambda s, target, *items: steps.Extend(s._register(target), s.operands([*items])),
    13: lambda s, target, keys, *values: steps.Update(s._register(target), *s._mapping(keys, [*values])),
    14: lambda s, target, *items: steps.Add(s._register(target), s.operands([*items])),
    16: lambda s, target, state: steps.SetState(s._register(target), s.operand(state)),
}
