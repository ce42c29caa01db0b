"""The registry: one record for each value type, and the look-ups that the rest of appsnap makes in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from appsnap.effects import Effect

__all__ = [
    "OTHER",
    "Constructor",
    "Make",
    "ValueType",
    "constructor",
    "has_identity",
    "is_creatable",
    "is_object",
    "is_referable",
    "late_state_rules",
    "named",
    "of_class",
    "of_the_process",
    "of_type",
    "pair",
    "reducer",
    "register",
    "register_object",
    "state_rules",
    "wrappers",
]

Make = Callable[..., Any]
"""Makes a value from the arguments in a snapshot: a tuple, and keywords if the record has any.

It checks them first, and raises TypeError or ValueError.

It calls no object and reads no attribute of an object that appsnap's own code didn't make.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """All that is known of one type. By default, a stranger's snapshot may only refer to the type."""

    name: str
    """The dotted name of the type in snapshots: `"datetime.date"`."""
    cls: type | None = None
    """The type. None if appsnap doesn't import its module: then its values are recognized by the name of their type."""

    # Saving

    reduce: Callable[[Any], Any] | None = None
    """Takes a value apart as its `__reduce__` would, but into a call that a person would write: `Decimal("1.5")`. If it
    returns NotImplemented, or if there is none, the type's own `__reduce_ex__` takes the value apart."""
    subclasses: bool = False
    """`reduce` is for values of subclasses too."""

    # Loading

    make: Make | None = None
    """Makes a value again, from the arguments of a call of the type."""
    inherited: Callable[[tuple[Any, ...]], object] | None = None
    """Checks the arguments where a trusted subclass inherits the constructor. By default, `make` does."""
    keywords: frozenset[str] = frozenset()
    """The keywords that a call may have. `make` gets them as keywords. `hashed` and `work` don't see them."""
    made_by: Mapping[str, Make] = field(default_factory=dict)
    """Functions that pickles call in place of the type, by dotted name: `re._compile` makes patterns."""
    referable: bool = True
    """Any snapshot may refer to the type itself: as the factory of a defaultdict, say."""
    creatable: bool = False
    """Any snapshot may make objects of the type without `__init__`, and set their state: they only keep it."""
    filled_by: frozenset[type] = frozenset()
    """The steps that may fill a value once it is made. Without any, a value is complete when it is made."""
    state_fits: Callable[[Any], bool] | None = None
    """Tells whether a state fits a value of the type, or of a subclass."""
    takes: Callable[[Any, Any], bool] | None = None
    """Likewise, given the value and a state. For a type with a `__setstate__` whose module appsnap doesn't import."""
    weak: bool = False
    """A value holds none of the objects that it is made of."""
    wraps: bool = False
    """Filling a value fills the object in its state, which may belong to the process. So nothing fills it."""
    of_the_process: bool = False
    """Values belong to the process, even those that a function returned to the recipe. So nothing fills them."""
    methods: bool = False
    """Any snapshot may refer to methods of a value, as a callback. Those of a path, say, write and remove files."""

    effects: Callable[[Sequence[Any], Mapping[str, Any]], Sequence[Effect]] | None = None
    """Returns the effects of `make`, given its arguments and its keywords; the caller has to trust them. An argument is
    a text, bytes, a number, or a tuple of these; anything else is `OTHER`. Raises TypeError or ValueError for arguments
    that `make` doesn't take. A type with effects isn't `referable`."""
    paths: tuple[int, ...] = ()
    """The positions of the arguments that are paths of files."""

    # Comparing and showing

    identity: bool = False
    """A value is mutable or is compared by `is`: an equal one can't take its place. So is each that may be filled."""
    plain: bool = False
    """A value holds no other object, so that its `repr` is short."""

    # Cost

    hashed: Callable[[Sequence[Any]], Sequence[Any]] | None = None
    """Returns the keys that `make` hashes, given its arguments."""
    adds: bool = False
    """`make` adds those keys to its first argument, which may have others."""
    work: Callable[[Sequence[Any]], int] | None = None
    """Returns how many microseconds `make` takes, given its arguments, beyond reading them."""
    compared: Callable[[Any], int] | None = None
    """Returns the cost of comparing a value with an equal one, in items of a tuple of the same cost."""
    converts_integers: bool = False
    """To compare a value with an integer, Python makes the integer a value of this type first."""


class Constructor(NamedTuple):
    """A type or a function that snapshots call to make a value."""

    value_type: ValueType
    make: Make


OTHER: Final = object()
"""Stands for an argument that `ValueType.effects` doesn't see: an object, a name, or a container other than a tuple."""

_by_name: dict[str, ValueType] = {}
_by_type: dict[type, ValueType] = {}
_constructors: dict[str, Constructor] = {}
_objects: set[str] = set()
_state_rules: dict[type, Callable[[Any], bool]] = {}
_late: dict[str, Callable[[Any, Any], bool]] = {}  # by name, until the module of the type is imported
_late_state_rules: dict[type, Callable[[Any, Any], bool]] = {}
_wrappers: tuple[type, ...] = ()
_of_the_process: tuple[type, ...] = ()


def register(value_type: ValueType) -> None:
    """Add a record to the registry. Raises ValueError if its type or one of its names is known already."""
    global _wrappers, _of_the_process  # noqa: PLW0603 - tuples, as isinstance takes them
    makers = ({} if value_type.make is None else {value_type.name: value_type.make}) | dict(value_type.made_by)
    for name in {value_type.name, *makers}:
        if name in _by_name or name in _constructors or name in _objects:
            raise ValueError(f"{name} is registered already")
    if value_type.cls in _by_type:
        raise ValueError(f"{value_type.cls} is registered already")
    _by_name[value_type.name] = value_type
    _constructors.update((name, Constructor(value_type, make)) for name, make in makers.items())
    cls = value_type.cls
    if value_type.takes is not None:
        _late[value_type.name] = value_type.takes
    if cls is None:
        return
    _by_type[cls] = value_type
    if value_type.state_fits is not None:
        _state_rules[cls] = value_type.state_fits
    if value_type.wraps:
        _wrappers += (cls,)
    if value_type.of_the_process:
        _of_the_process += (cls,)


def register_object(name: str) -> None:
    """Let any snapshot refer to the object of a dotted name, which is no type: `"os.environ"`."""
    _objects.add(name)


def of_type(cls: type) -> ValueType | None:
    """Return the record for values of exactly this type, or None."""
    found = _by_type.get(cls)
    if found is not None:
        return found
    for base in cls.__mro__:
        found = _by_name.get(f"{base.__module__}.{base.__qualname__}")
        if found is not None and found.cls in (None, base) and (base is cls or found.subclasses):
            return found
    return None


def of_class(cls: type) -> ValueType | None:
    """Return the record of exactly this class, or None."""
    found = _by_type.get(cls) or _by_name.get(f"{cls.__module__}.{cls.__qualname__}")
    if found is None or found.cls not in (None, cls):
        return None
    return found if getattr(sys.modules.get(cls.__module__), cls.__qualname__, None) is cls else None


def reducer(cls: type) -> Callable[[Any], Any] | None:
    """Return the function that takes values of a type apart, or None."""
    found = of_type(cls)
    return None if found is None else found.reduce


def constructor(name: str) -> Constructor | None:
    """Return the type or function of a dotted name that any snapshot may call, or None."""
    return _constructors.get(name)


def pair(name: str) -> tuple[str, str]:
    """Return the module of a dotted name in the registry, and the name in that, which begins with the first class."""
    above, _, last = name.rpartition(".")
    if above in _by_name:  # a class attribute, as datetime.timezone.utc
        module, qualname = pair(above)
        return module, f"{qualname}.{last}"
    parts = name.split(".")
    at = next((at for at, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return ".".join(parts[:at]), ".".join(parts[at:])


def is_object(name: str) -> bool:
    """Tell whether a dotted name is that of an object, which is no type."""
    return name in _objects


def named(word: str) -> str | None:
    """Return the dotted name of the type or function of that name that any snapshot may call, or None."""
    return next((name for name in _constructors if name.rpartition(".")[2] == word), None)


def is_referable(name: str) -> bool:
    """Tell whether any snapshot may refer to the type or object of a dotted name.

    An object of a library is there once the program has imported it. To import it may have effects.
    """
    if name in _objects:
        return name.partition(".")[0] in sys.stdlib_module_names or name in sys.modules
    return name in _by_name and _by_name[name].referable


def is_creatable(name: str) -> bool:
    """Tell whether any snapshot may make objects of the type of a dotted name without `__init__`."""
    return name in _by_name and _by_name[name].creatable


def has_identity(name: str) -> bool:
    """Tell whether identity matters for the values that a call of a dotted name makes. It does for unknown names."""
    found = _constructors.get(name)
    return found is None or found.value_type.identity or bool(found.value_type.filled_by)


def state_rules() -> Mapping[type, Callable[[Any], bool]]:
    """Return the types whose states are checked, each with the function that tells whether one fits."""
    return _state_rules


def late_state_rules() -> Mapping[type, Callable[[Any, Any], bool]]:
    """Return the types with `takes` whose modules are imported, each with that function."""
    for name, takes in [*_late.items()] if _late else ():
        module, _, qualname = name.rpartition(".")
        cls = getattr(sys.modules.get(module), qualname, None)
        if cls is not None:
            _late_state_rules[cls] = takes
            del _late[name]
    return _late_state_rules


def wrappers() -> tuple[type, ...]:
    """Return the types with `wraps`: filling a value fills the object in its state."""
    return _wrappers


def of_the_process() -> tuple[type, ...]:
    """Return the types whose values belong to the process."""
    return _of_the_process
