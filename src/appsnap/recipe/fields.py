"""The fields that a class declares, and what a file has beside them: for files that people edit."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from typing import TYPE_CHECKING, Any

from appsnap import states

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Misspelt", "check_spelling", "strange"]

_ALIKE = 0.7
"""Of `difflib`: `prot` is like `port`, and `host` isn't."""


class Misspelt(Exception):
    """An attribute is no field of its class, but like one that is missing."""

    hint = "correct it in the file; if the class is to have both, give the other one a value, too"


def check_spelling(cls: type, state: Any) -> None:
    """Raise Misspelt for an attribute of a state that is no field of its class, but like one that the state lacks.

    Classes without declared fields take any attribute.
    """
    names = _attributes(state)
    fields = _fields(cls)
    if not fields or fields.issuperset(names):
        return
    missing = {field.lower(): field for field in fields.difference(names)}
    for name in names:
        alike = [] if name in fields else difflib.get_close_matches(str(name).lower(), missing, 1, _ALIKE)
        if alike:
            raise Misspelt(f"{cls.__qualname__} has no field {name:.60}; did you mean {missing[alike[0]]}?")


def strange(cls: type, state: Any) -> Iterator[str]:
    """Yield a line for each attribute that is no field of its class, and for each value of another type than declared.

    Only types that are sure are looked at: classes, and unions of them.
    """
    attributes = _attributes(state)
    fields = _fields(cls)
    for name in attributes:
        if fields and name not in fields:
            yield f"{name:.60} is no field of {cls.__qualname__}"
    try:
        declared = typing.get_type_hints(cls)
    except Exception:  # noqa: BLE001 - the annotations of a class are evaluated, and may name anything
        return
    for name, value in attributes.items():
        allowed = _classes(declared.get(name))
        if allowed and not isinstance(value, allowed):
            names = " or ".join(one.__qualname__ for one in allowed)
            yield f"{name} is {type(value).__qualname__}, where {cls.__qualname__} has {names}"


def _attributes(state: Any) -> dict[str, Any]:
    """Return the attributes in a state of any shape."""
    found: dict[Any, Any] = {}
    for part in state if type(state) is tuple else (state,):
        if type(part) is dict:
            inner = part.get("__dict__")
            # pydantic has the fields in there, and its own affairs beside it.
            found |= inner if type(inner) is dict and "__pydantic_fields_set__" in part else part
    return {name: value for name, value in found.items() if isinstance(name, str)}


def _fields(cls: type) -> frozenset[str]:
    """Return the fields that a class declares: of dataclasses, attrs, pydantic, named tuples, and slots alone."""
    found: Iterable[str] = ()
    if dataclasses.is_dataclass(cls):
        found = [field.name for field in dataclasses.fields(cls)]
    elif type(attributes := states.special(cls, "__attrs_attrs__")) is tuple or isinstance(attributes, tuple):
        found = [attribute.name for attribute in attributes]
    elif isinstance(models := getattr(cls, "__pydantic_fields__", None), dict):
        found = models
    elif issubclass(cls, tuple) and isinstance(names := getattr(cls, "_fields", None), tuple):
        found = names
    elif not cls.__dictoffset__:
        slots = [vars(base).get("__slots__", ()) for base in cls.__mro__]
        found = [name for one in slots for name in ([one] if isinstance(one, str) else one)]
    bases = [vars(base).get("__slots__", ()) for base in cls.__mro__[1:-1]] if found else []
    return frozenset(found).union(*([one] if isinstance(one, str) else one for one in bases))


def _classes(declared: Any) -> tuple[type, ...]:
    """Return the classes of an annotation, or nothing if it is more than classes and unions of them."""
    parts = typing.get_args(declared) if isinstance(declared, types.UnionType) or _is_union(declared) else (declared,)
    if not all(type(part) is type or (isinstance(part, type) and _is_enumeration(part)) for part in parts):
        return ()
    # An integer is fine for a float, as type checkers say.
    return (*parts, int) if float in parts else tuple(parts)


def _is_union(declared: Any) -> bool:
    return typing.get_origin(declared) is typing.Union


def _is_enumeration(cls: type) -> bool:
    return any(base.__module__ == "enum" for base in cls.__mro__)
