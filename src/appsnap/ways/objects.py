"""Objects with attributes, whatever their classes say of themselves."""

from __future__ import annotations

import types
from typing import Any, TypeVar

from appsnap import actions, evolve, states
from appsnap.errors import Refused
from appsnap.recipe.freeze.attributes import slots_of
from appsnap.recipe.freeze.inherited import newobj

__all__ = ["blank", "fill", "item", "take_apart"]

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


def item(holder: Any, key: str, /) -> Any:
    """Return an object that a module holds in a dictionary. No code of the dictionary runs."""
    if not isinstance(holder, dict) or type(key) is not str:
        raise TypeError("an object is found by its key, a text, in a dictionary of a module")
    if key not in dict.keys(holder):
        raise LookupError(f"the dictionary has no {key!r}: import the module that puts it there first")
    found = dict.__getitem__(holder, key)
    if isinstance(found, _CODE):
        raise TypeError("what can be called, and a module, is found by its own name alone")
    return found


_CODE = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType)


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
    found = {**(states.dict_of(obj) if cls.__dictoffset__ else {}), **slots_of(obj)}
    drop = {*without, *evolve.transients(cls)}
    return {name: value for name, value in found.items() if name not in drop}


def _new_of(cls: type) -> Any:
    """Return the `__new__` of the nearest base that is written in C."""
    return next(
        base.__new__ for base in cls.__mro__ if isinstance(base.__dict__.get("__new__"), types.BuiltinFunctionType)
    )
