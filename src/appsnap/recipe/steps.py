"""The sixteen steps of a recipe, and the fields of each. Data only.

A recipe is a list of steps over numbered registers. A step either makes something or fills something. A maker writes
the next register: the first maker writes register 0, the second register 1, and so on. A filler changes the thing in
the register that it names as its target. Cycles are closed in this way: an object is made first and filled later.

An operand is an atom or a `Ref`. An atom stands for itself; a `Ref` stands for the content of a register. A step may
refer only to registers that earlier steps have written.

A dictionary is two fields of equal length, its keys and its values. So are attributes: their names and their values.

`FIELDS` is the schema: it gives the sort of each field of each step. The audit, the cost counter and the kinds derive
their tables from it, with `places`. A new step needs a class and an entry in `FIELDS` here, code in `build` and in the
outline, and a spelling in each kind.
"""

from __future__ import annotations

import collections
import functools
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.recipe.runs import Run

__all__ = [
    "ATOMS",
    "EMPTY",
    "FIELDS",
    "FILLED_BY",
    "FILLERS",
    "INLINE",
    "MAKERS",
    "PROTOCOL",
    "Add",
    "Atom",
    "ByteArray",
    "Call",
    "Dict",
    "Extend",
    "Field",
    "FrozenSet",
    "List",
    "Member",
    "Name",
    "NameOrOperand",
    "New",
    "Operand",
    "Recipe",
    "Ref",
    "Set",
    "SetState",
    "State",
    "Step",
    "Tuple",
    "Update",
    "Value",
    "check_distinct",
    "check_keywords",
    "check_member",
    "check_name",
    "check_reference",
    "interleaved",
    "is_long",
    "make_step",
    "operands",
    "places",
    "spelled",
]


PROTOCOL = 5
"""The protocol of pickle whose semantics a recipe has."""


class Ref(int):
    """The number of a register."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Ref({int(self)})"


Atom = bool | int | float | str | bytes | None
Operand = Atom | Ref

ATOMS = frozenset({type(None), bool, int, float, str, bytes})
"""The exact types of atoms. `Ref` is a subclass of `int`, and is not among them."""

INLINE = 64
"""The characters or bytes of the longest text or byte string that is an atom. A longer one gets a `Value` step."""


class Name(NamedTuple):
    """Something that is found by its name: a class, a function, a member of an enumeration, or a module.

    `qualname` is empty for a module.
    """

    module: str
    qualname: str

    @property
    def dotted(self) -> str:
        """The name as people write it, and as `trust` takes it."""
        return f"{self.module}.{self.qualname}" if self.qualname else self.module


NameOrOperand = Operand | Name
"""An operand, or a name without a register. The builder gives the name a register when a step refers to it."""


class Value(NamedTuple):
    """A text or a byte string longer than `INLINE`. A byte string may be a view of a larger buffer."""

    value: str | bytes | memoryview


class Tuple(NamedTuple):
    """A tuple."""

    items: Sequence[Operand]


class List(NamedTuple):
    """A list."""

    items: Sequence[Operand]


class Dict(NamedTuple):
    """A dictionary."""

    keys: Sequence[Operand]
    values: Sequence[Operand]


class Set(NamedTuple):
    """A set, its items in canonical order."""

    items: Sequence[Operand]


class FrozenSet(NamedTuple):
    """A frozen set, its items in canonical order."""

    items: Sequence[Operand]


class ByteArray(NamedTuple):
    """A bytearray. Each step makes a new one."""

    data: bytes | bytearray | memoryview


class New(NamedTuple):
    """An object without state: `cls.__new__(cls, *args, **dict(zip(names, values)))`. `__init__` isn't called."""

    cls: Ref
    args: Sequence[Operand]
    names: Sequence[str] = ()
    values: Sequence[Operand] = ()


class Call(NamedTuple):
    """`function(*args, **dict(zip(names, values)))`."""

    function: Ref
    args: Sequence[Operand]
    names: Sequence[str] = ()
    values: Sequence[Operand] = ()


class Member(NamedTuple):
    """The method `name` of the object `owner`, bound to it."""

    owner: Operand
    name: str


class Extend(NamedTuple):
    """Append items to a list, or to an object with a method `extend` or `append`."""

    target: Ref
    items: Sequence[Operand]


class Update(NamedTuple):
    """Set items of a dictionary, or of an object with a method `__setitem__`."""

    target: Ref
    keys: Sequence[Operand]
    values: Sequence[Operand]


class Add(NamedTuple):
    """Add items to a set, or to an object with a method `add`."""

    target: Ref
    items: Sequence[Operand]


class State(NamedTuple):
    """Set attributes. A class with `__setstate__` gets them as one dictionary; else they go into `__dict__`."""

    target: Ref
    names: Sequence[str]
    values: Sequence[Operand]


class SetState(NamedTuple):
    """Set a state of any shape, as the opcode BUILD of pickle does.

    A class with `__setstate__` gets the state as it is. For any other class the state is a dictionary of attributes or
    None, or a pair of that and a dictionary of slots.
    """

    target: Ref
    state: Operand


make_step: Any = tuple.__new__
"""`make_step(List, (items,))` is `List(items)` in half of the time: it skips the `__new__` of the named tuple."""

Step = (
    Name
    | Value
    | Tuple
    | List
    | Dict
    | Set
    | FrozenSet
    | ByteArray
    | New
    | Call
    | Member
    | Extend
    | Update
    | Add
    | State
    | SetState
)


class Field(Enum):
    """The sorts of fields. A reader checks a field, and counts its cost, by its sort."""

    TEXT = "a text: a part of a name"
    DATA = "a text or bytes of any length"
    ORIGIN = "the register of a class or function: the object is made by it"
    TARGET = "the register to fill"
    OPERAND = "an operand"
    ITEMS = "operands"
    KEYS = "operands to hash: the keys of a dictionary, or the items of a set"
    VALUES = "operands, one for each key in the field before"
    NAMES = "texts, one for each operand in the next field: the names of attributes or keywords"


FIELDS: dict[type, tuple[Field, ...]] = {
    Name: (Field.TEXT, Field.TEXT),
    Value: (Field.DATA,),
    Tuple: (Field.ITEMS,),
    List: (Field.ITEMS,),
    Dict: (Field.KEYS, Field.VALUES),
    Set: (Field.KEYS,),
    FrozenSet: (Field.KEYS,),
    ByteArray: (Field.DATA,),
    New: (Field.ORIGIN, Field.ITEMS, Field.NAMES, Field.ITEMS),
    Call: (Field.ORIGIN, Field.ITEMS, Field.NAMES, Field.ITEMS),
    Member: (Field.OPERAND, Field.TEXT),
    Extend: (Field.TARGET, Field.ITEMS),
    Update: (Field.TARGET, Field.KEYS, Field.VALUES),
    Add: (Field.TARGET, Field.KEYS),
    State: (Field.TARGET, Field.NAMES, Field.ITEMS),
    SetState: (Field.TARGET, Field.OPERAND),
}
"""The schema: the sort of each field of each step. The steps stand in the order of their numbers in msgpack."""

FILLERS = frozenset(step for step, fields in FIELDS.items() if Field.TARGET in fields)
"""The steps that fill a register. Their first field is the target."""

MAKERS = frozenset(FIELDS) - FILLERS
"""The steps that make something, and write it to the next register."""


def places(*sorts: Field) -> dict[type, tuple[int, ...]]:
    """Return, for each step, the positions of its fields of the given sorts."""
    return {step: tuple(at for at, sort in enumerate(fields) if sort in sorts) for step, fields in FIELDS.items()}


EMPTY: dict[type, Step] = {List: List(()), Dict: Dict((), ()), Set: Set(())}
"""The containers that can be filled later, each with the step that makes an empty one."""

FILLED_BY: dict[type, type] = {List: Extend, Dict: Update, Set: Add}
"""The containers that can be filled later, each with the step that fills it. The two steps have the same fields."""


@dataclass(frozen=True)
class Recipe:
    """Steps, and an operand, the root: the result of following them. Among the `compact` steps there may be runs."""

    compact: Sequence[Step | Run]
    root: Operand

    @functools.cached_property
    def has_runs(self) -> bool:
        """Whether there are runs."""
        return not FIELDS.keys() >= set(map(type, self.compact))

    @functools.cached_property
    def steps(self) -> Sequence[Step]:
        """The ordinary steps, in which no run is left."""
        if not self.has_runs:
            return self.compact  # type: ignore[return-value]  # none is a run
        found: list[Step] = []
        step: Any
        for step in self.compact:
            if type(step) in FIELDS:
                found.append(step)
            else:
                found += step.expanded()
        return found

    @property
    def size(self) -> int:
        """The number of ordinary steps."""
        return self.number(len(self.compact))

    def number(self, place: int) -> int:
        """Return the number of the first ordinary step of the compact step in a place."""
        sizes = (1 if type(step) in FIELDS else step.length for step in self.compact[:place])  # type: ignore[union-attr]  # a run
        return sum(sizes) if self.has_runs else place


LONGEST_NAME = 1_000
"""The longest name, module included. Each use of a longer one would be shown and looked up in full."""


def check_reference(operand: Any) -> None:
    """Refuse a second reference to an integer of more than 512 bits. Raises ValueError.

    Integers are written out at every use, so a few bytes of references could become megabytes of output. Our writers
    never share integers.
    """
    if type(operand) is int and is_long(operand):
        raise ValueError("a second reference to a long integer")


def is_long(number: int) -> bool:
    """Tell whether an integer has more than 512 bits."""
    return number.bit_length() > 8 * INLINE


def check_member(name: str) -> None:
    """Check the name of a `Member`. Raises ValueError."""
    if not name:
        raise ValueError("a member without a name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name of more than {LONGEST_NAME:,} characters")


def check_name(module: str, qualname: str) -> None:
    """Check the two parts of a `Name`. Raises ValueError."""
    if not module or ":" in module:
        raise ValueError(f"{module!r:.60} is not the name of a module")
    if len(module) + len(qualname) > LONGEST_NAME:
        raise ValueError(f"a name of more than {LONGEST_NAME:,} characters")


def check_distinct(names: Sequence[str]) -> None:
    """Check that the names of attributes or keywords are distinct. Raises ValueError."""
    if len(set(names)) != len(names):
        twice, _ = collections.Counter(names).most_common(1)[0]
        raise ValueError(f"the name {twice!r:.60} is given twice")


def check_keywords(names: Sequence[str]) -> None:
    """Check the names of keywords. Raises ValueError."""
    check_distinct(names)
    if max(map(len, names)) > LONGEST_NAME:
        raise ValueError(f"a keyword of more than {LONGEST_NAME:,} characters")


def operands(step: Step) -> list[Operand]:
    """Return the operands of a step in order. The target or the origin comes first, each key before its value."""
    found: list[Operand] = []
    for at, many, values in _OPERAND_FIELDS[type(step)]:
        field: Any = step[at]
        if not many:
            found.append(field)
        elif not values:
            found += field
        else:
            keys: Any = step[at - 1]
            found[len(found) - len(keys) :] = interleaved(keys, field)
    return found


def interleaved(keys: Sequence[Operand], values: Sequence[Operand]) -> list[Operand]:
    """Return keys and values alternately."""
    return [operand for pair in zip(keys, values, strict=True) for operand in pair]


def spelled(recipe: Recipe) -> int:
    """Return the least number of characters of a recipe where each use of a name or a short text writes it in full."""
    length = 0
    names: dict[int, int] = {}
    registers = 0
    for step in recipe.steps:
        cls = type(step)
        if isinstance(step, (Value, ByteArray)):
            length += len(step[0])
        elif isinstance(step, Name):
            names[registers] = len(step.module) + len(step.qualname)
        else:
            for operand in operands(step):
                if type(operand) is Ref:
                    length += names.get(operand, _REFERENCE)
                else:
                    length += len(operand) if isinstance(operand, (str, bytes)) else _REFERENCE
            for place in _NAMES[cls]:
                texts: Any = step[place]
                length += sum(map(len, texts))
        registers += cls in MAKERS
    return length


_REFERENCE = 8
"""Characters of a reference or a small number, with those that part it from others."""

_NAMES = places(Field.NAMES)

_OPERAND_FIELDS = {
    step: [
        (at, sort in (Field.ITEMS, Field.KEYS, Field.VALUES), sort is Field.VALUES)
        for at, sort in enumerate(fields)
        if sort not in (Field.TEXT, Field.DATA, Field.NAMES)
    ]
    for step, fields in FIELDS.items()
}
"""The fields of each step with operands: the position, "is it several operands?", "is it the values of keys?"."""
