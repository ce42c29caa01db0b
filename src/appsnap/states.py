"""States: how the objects of a class take their attributes.

Each question is about the class, and never asks an object. Pickle asks the object for `__setstate__`. So it asks a
`__getattr__` that delegates to an attribute before there is that attribute.
"""

from __future__ import annotations

import copyreg
import functools
import sys
import types
from typing import Any

__all__ = ["assign", "bound", "misleads_pickle", "slots_beside_dict", "special"]


def special(cls: type, name: str) -> Any:
    """Return the entry of a special name in a class or its bases, as it stands there, or None."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


def bound(obj: Any, name: str) -> Any:
    """Return the special method of an object, bound to it, or None: looked up as Python itself does it."""
    found = special(type(obj), name)
    get = getattr(type(found), "__get__", None)
    return found if found is None or get is None else get(found, obj, type(obj))


@functools.cache
def slots_beside_dict(cls: Any) -> frozenset[str]:
    """Return the names of the slots of a class whose objects have a `__dict__`, too. A slot hides such an attribute."""
    names = copyreg._slotnames(cls)  # type: ignore[attr-defined]  # noqa: SLF001 - pickle takes them from there
    return frozenset(names if special(cls, "__dict__") is not None else ())


@functools.cache
def misleads_pickle(cls: Any) -> bool:
    """Tell whether pickle may give a state to the wrong place, where the class has no `__setstate__`.

    A `__getattr__` may answer for `__setstate__`. An attribute may be put into the `__dict__` behind a slot.
    """
    if special(cls, "__setstate__") is not None:
        return False
    answers = special(cls, "__getattr__") is not None or type(special(cls, "__getattribute__")) is types.FunctionType
    return answers or bool(slots_beside_dict(cls))


def assign(target: Any, state: Any) -> None:
    """Give an object a state: to its `__setstate__`, else to its `__dict__` and its slots."""
    setstate = bound(target, "__setstate__")
    if setstate is not None:
        setstate(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        _assign_by_name(target, state)
    if slots:
        for name, value in slots.items():
            try:
                setattr(target, name, value)
            except AttributeError:  # a frozen class refuses it
                object.__setattr__(target, name, value)


def _assign_by_name(target: Any, state: Any) -> None:
    cls = type(target)
    attributes = target.__dict__ if special(cls, "__dict__") is not None else None
    slots = slots_beside_dict(cls)  # type: ignore[arg-type]  # classes are hashable
    for name, value in state.items():
        if attributes is None or name in slots:
            object.__setattr__(target, name, value)
        else:
            attributes[sys.intern(name) if type(name) is str else name] = value
