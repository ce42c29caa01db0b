"""The steps: what a recipe is made of. Data only.

A recipe is a linear list of steps over numbered registers. A step that makes something writes it to the next register:
the first such step to register 0, the second to register 1, and so on. Other steps change what a register holds.

An operand is an atom, which stands for itself, or a `Ref`, which stands for what a register holds. A step refers only
to registers that were written before it. So that cycles can be closed, a container or an object may be made first, and
filled later.

Dictionaries and attributes are two sequences of equal length, one of keys and one of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ATOMS",
    "EMPTY",
    "FIELDS",
    "FILLED_BY",
    "FILLERS",
    "INLINE",
    "MAKERS",
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
    "make_step",
    "operands",
    "places",
]


class Ref(int):
    """The number of a register."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Ref({int(self)})"


Atom = bool | int | float | str | bytes | None
Operand = Atom | Ref

ATOMS = frozenset({type(None), bool, int, float, str, bytes})
"""The exact types of atoms. `Ref` isn't among them."""

INLINE = 64
"""Characters or bytes: a longer text or byte string becomes a `Value`, written once however often it is used."""


class Name(NamedTuple):
    """Something known by name: a module (empty `qualname`), a class, a function, a member of an enumeration."""

    module: str
    qualname: str

    @property
    def dotted(self) -> str:
        """As people write it, and as trust names it."""
        return f"{self.module}.{self.qualname}" if self.qualname else self.module


NameOrOperand = Operand | Name
"""An operand, or a name that gets a register only if something refers to it."""


class Value(NamedTuple):
    """A text or a byte string longer than `INLINE`. A byte string may be a view of what holds it."""

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
    """A bytearray of its own."""

    data: bytes | bytearray | memoryview


class New(NamedTuple):
    """`cls.__new__(cls, *args, **kwargs)`: an object without state, `__init__` not called."""

    cls: Ref
    args: Sequence[Operand]
    names: Sequence[str] = ()
    values: Sequence[Operand] = ()


class Call(NamedTuple):
    """`function(*args)`."""

    function: Ref
    args: Sequence[Operand]


class Member(NamedTuple):
    """The method `name` of an object, bound to it."""

    owner: Operand
    name: str


class Extend(NamedTuple):
    """Append items to a list, or to an object that has `extend` or `append`."""

    target: Ref
    items: Sequence[Operand]


class Update(NamedTuple):
    """Set items of a dictionary, or of an object that has `__setitem__`."""

    target: Ref
    keys: Sequence[Operand]
    values: Sequence[Operand]


class Add(NamedTuple):
    """Add items to a set, or to an object that has `add`."""

    target: Ref
    items: Sequence[Operand]


class State(NamedTuple):
    """Set attributes: handed to `__setstate__` as one dictionary where the class has it, else put into `__dict__`."""

    target: Ref
    names: Sequence[str]
    values: Sequence[Operand]


class SetState(NamedTuple):
    """Hand over a state of any shape, as pickle's BUILD does: to `__setstate__`, else `dict` or `(dict, slots)`."""

    target: Ref
    state: Operand


make_step: Any = tuple.__new__
"""`make_step(List, (items,))` is `List(items)` in half of the time: the constructor of a named tuple is a call more."""

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
    """The sorts of fields that steps have."""

    TEXT = "a text: part of a name"
    DATA = "a text or bytes of any length"
    ORIGIN = "the register of the class or function that makes something"
    TARGET = "the register that is filled"
    OPERAND = "an operand"
    ITEMS = "operands"
    KEYS = "operands that are hashed: keys, or the members of a set"
    VALUES = "operands, one for each of the keys in the field before"
    NAMES = "texts, one for each of the operands in the next field: names of attributes or keywords"


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
    Call: (Field.ORIGIN, Field.ITEMS),
    Member: (Field.OPERAND, Field.TEXT),
    Extend: (Field.TARGET, Field.ITEMS),
    Update: (Field.TARGET, Field.KEYS, Field.VALUES),
    Add: (Field.TARGET, Field.KEYS),
    State: (Field.TARGET, Field.NAMES, Field.ITEMS),
    SetState: (Field.TARGET, Field.OPERAND),
}
"""The schema: the sort of each field of each step. The order of the steps is that of their numbers in msgpack."""

FILLERS = frozenset(step for step, fields in FIELDS.items() if Field.TARGET in fields)
"""The steps that fill a register, which is always their first field."""

MAKERS = frozenset(FIELDS) - FILLERS
"""The steps that write a register."""


def places(*sorts: Field) -> dict[type, tuple[int, ...]]:
    """Return the positions of the fields of some sorts, by step."""
    return {step: tuple(at for at, sort in enumerate(fields) if sort in sorts) for step, fields in FIELDS.items()}


EMPTY: dict[type, Step] = {List: List(()), Dict: Dict((), ()), Set: Set(())}
"""The containers that can be made empty and filled later, each with the step that makes it so."""

FILLED_BY: dict[type, type] = {List: Extend, Dict: Update, Set: Add}
"""The step that fills a container with more of the same fields."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps, and the operand that is the result of following them."""

    steps: Sequence[Step]
    root: Operand


MOST_LETTERS = 1_000
"""Of a name, module and all. What is longer would be shown, and looked for, as often as it is used."""


def check_reference(operand: Any) -> None:
    """Raise ValueError for a long integer, where a reader comes upon a name for one.

    Of no other atom is each use shown and written in full, however long it is. Writers give integers no names.
    """
    if type(operand) is int and operand.bit_length() > 8 * INLINE:
        raise ValueError("a long integer that is used once more")


def check_member(name: str) -> None:
    """Check that something could have a member of such a name. Raises ValueError."""
    if not name:
        raise ValueError("a member without name")
    if len(name) > MOST_LETTERS:
        raise ValueError(f"a name of more than {MOST_LETTERS:,} letters")


def check_name(module: str, qualname: str) -> None:
    """Check that something could have such a name. Raises ValueError."""
    if not module or ":" in module:
        raise ValueError(f"{module!r:.60} is no name of a module")
    if len(module) + len(qualname) > MOST_LETTERS:
        raise ValueError(f"a name of more than {MOST_LETTERS:,} letters")


def check_distinct(names: Sequence[str]) -> None:
    """Check that none of the names of attributes or keywords stands twice. Raises ValueError."""
    if len(set(names)) != len(names):
        raise ValueError("a name that stands twice")


def check_keywords(names: Sequence[str]) -> None:
    """Check that something could be made with keywords of such names. Raises ValueError."""
    check_distinct(names)
    if max(map(len, names)) > MOST_LETTERS:
        raise ValueError(f"a keyword of more than {MOST_LETTERS:,} letters")


def operands(step: Step) -> list[Operand]:
    """Return the operands of a step, in order: the target or the origin first, each key before its value."""
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
    """Return keys and values by turns."""
    return [operand for pair in zip(keys, values, strict=True) for operand in pair]


_OPERAND_FIELDS = {
    step: [
        (at, sort in (Field.ITEMS, Field.KEYS, Field.VALUES), sort is Field.VALUES)
        for at, sort in enumerate(fields)
        if sort not in (Field.TEXT, Field.DATA, Field.NAMES)
    ]
    for step, fields in FIELDS.items()
}
