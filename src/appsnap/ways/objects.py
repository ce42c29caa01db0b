"""Objects with attributes, whatever their classes say of themselves."""

from __future__ import annotations

import contextlib
import types
from typing import Any, TypeVar

from appsnap import actions, evolve, states
from appsnap.errors import Refused
from appsnap.recipe.freeze.inherited import newobj

__all__ = ["blank", "fill", "take_apart"]

T = TypeVar("T")


def blank(cls: type[T], /) -> T:
    """Return a new object of a class. Neither `__new__` nor `__init__` of a class written in Python is called."""
    made: T = _new_of(cls)(cls)
    return made


def fill(target: T, state: Any, /) -> T:
    """Give an object its attributes. Its `__setstate__` isn't asked. Returns the target."""
    if isinstance(target, (type, types.ModuleType, types.FunctionType)):
        raise TypeError(f"a {type(target).__qualname__} isn't filled with attributes")
    cls: Any = type(target)
    drop = evolve.transients(cls)
    states.assign_attributes(target, evolve.without_transients(cls, state))
    for name, factory in drop.items():
        if factory is not None:
            object.__setattr__(target, name, factory())
    evolve.finish_later(target)
    return target


def take_apart(without: tuple[str, ...], obj: Any) -> Any:
    """Return the reduction of an object by its attributes."""
    cls: Any = type(obj)
    new = _new_of(cls)
    items = pairs = None
    if new is dict.__new__:
        pairs = iter(dict.items(obj))
    elif new is list.__new__:
        items = list.__iter__(obj)
    elif new is not object.__new__:
        base = new.__self__
        raise Refused(
            f"more than an object with attributes: it is a {base.__module__}.{base.__qualname__}, too",
            "register a way with saves(...) instead of plain(...)",
        )
    state = _state(obj, without)
    asks_python = isinstance(cls.__new__, types.FunctionType)
    setter = actions.set_state if states.special(cls, "__setstate__") is None else fill
    made = (blank if asks_python else newobj), (cls,)
    return (*made, state, items, pairs, setter) if state or evolve.transients(cls) else (*made, None, items, pairs)


def _state(obj: Any, without: tuple[str, ...]) -> dict[str, Any]:
    """Return the attributes and the slots of an object by name."""
    cls: Any = type(obj)
    found = dict(states.dict_of(obj)) if cls.__dictoffset__ else {}
    for base in reversed(cls.__mro__):
        for name, slot in vars(base).items() if "__slots__" in vars(base) else ():
            if isinstance(slot, types.MemberDescriptorType):
                with contextlib.suppress(AttributeError):  # an empty one
                    found[name] = slot.__get__(obj)
    drop = {*without, *evolve.transients(cls)}
    return {name: value for name, value in found.items() if name not in drop}


def _new_of(cls: type) -> Any:
    """Return the `__new__` of the nearest base that is written in C."""
    return next(
        base.__new__ for base in cls.__mro__ if isinstance(base.__dict__.get("__new__"), types.BuiltinFunctionType)
    )
