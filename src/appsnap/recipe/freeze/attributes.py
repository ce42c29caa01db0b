"""Attributes of a subclass: those that the class above doesn't know, and those that a container needs to be filled."""

from __future__ import annotations

import collections
import contextlib
import copyreg
import functools
import pickle
import random
import sys
import sysconfig
import types
from typing import Any

from appsnap import actions, states

__all__ = [
    "adds_attributes",
    "attributes_of",
    "definer_of",
    "fields_of",
    "has_own_state",
    "is_library",
    "needs_attributes",
    "needs_steps",
    "package_of",
    "slot_names",
    "slots_of",
    "with_attributes",
]

slot_names: Any = copyreg._slotnames  # type: ignore[attr-defined]  # noqa: SLF001 - the slots that pickle saves

_BY_NEW = (copyreg.__newobj__, copyreg.__newobj_ex__)  # type: ignore[attr-defined]  # as `object.__reduce_ex__` returns them

_WITH_DICT = (collections.Counter, random.Random)
"""Classes of the standard library that have a `__dict__` for their subclasses, which their `__reduce__` leaves out."""


def definer_of(cls: type, *names: str) -> type:
    """Return the first class among the bases of a class that has one of these names."""
    return next(base for base in cls.__mro__ if not base.__dict__.keys().isdisjoint(names))


def fields_of(reduction: Any) -> tuple[Any, ...]:
    """Return the six fields of a reduction."""
    return (*reduction, None, None, None, None)[:6]


def adds_attributes(cls: type, definer: type) -> bool:
    """Tell whether objects of a class can have attributes that the class above doesn't know, which takes them apart."""
    plain = definer.__dictoffset__ == 0 or definer in _WITH_DICT
    if package_of(cls) == package_of(definer) and (
        is_library(package_of(cls)) or not any(isinstance(x, types.FunctionType) for x in _reducers(definer))
    ):
        return False  # a library's own: it knows that it leaves out caches
    return plain and (cls.__dictoffset__ != 0 or len(slot_names(cls)) > len(slot_names(definer)))


def package_of(thing: object) -> str:
    """Return the package that a class or a function says it is of, or an empty text."""
    return str(getattr(thing, "__module__", "")).partition(".")[0]


def is_library(package: str) -> bool:
    """Tell whether a package is installed, and isn't the application."""
    if package in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    paths = sysconfig.get_paths()
    return file.startswith((paths["purelib"], paths["platlib"]))


def _reducers(cls: type) -> list[Any]:
    return [cls.__dict__.get(name) for name in ("__reduce_ex__", "__reduce__", "__getstate__")]


def attributes_of(obj: Any, definer: type = object) -> Any:
    """Return the state of the attributes that a class above doesn't know: a dictionary, a pair with slots, or None."""
    cls = type(obj)
    if has_own_state(cls, definer):
        return obj.__getstate__()
    known = slot_names(definer)
    slots = {name: getattr(obj, name) for name in slot_names(cls) if name not in known and hasattr(obj, name)}
    attributes = dict(obj.__dict__) if cls.__dictoffset__ else {}
    if issubclass(cls, random.Random):
        attributes.pop("gauss_next", None)
    return (attributes or None, slots) if slots else attributes or None


def has_own_state(cls: type, definer: type) -> bool:
    """Tell whether a subclass of the class that takes its objects apart says what their state is."""
    owner = definer_of(cls, "__getstate__")
    return owner is not definer and issubclass(owner, definer)


def slots_of(obj: Any) -> dict[str, Any]:
    """Return the values in the slots of an object, by name. An empty slot is left out."""
    found: dict[str, Any] = {}
    for base in reversed(type(obj).__mro__):
        for name, slot in vars(base).items() if "__slots__" in vars(base) else ():
            if type(slot) is types.MemberDescriptorType:
                with contextlib.suppress(AttributeError):
                    found[name] = slot.__get__(obj)
    return found


def _mentions(state: Any, own: Any) -> bool:
    """Tell whether a state has attributes already."""
    names = own[1].keys() if isinstance(own, tuple) else own.keys() if isinstance(own, dict) else ()
    parts = [state, *state] if isinstance(state, tuple) else [state]
    return any(isinstance(part, dict) and part.keys() >= set(names) for part in parts)


def with_attributes(obj: Any, reduction: Any, definer: type) -> Any:
    """Return a reduction with the attributes that it leaves out."""
    own = attributes_of(obj, definer)
    function, args, state, items, pairs, setter = fields_of(reduction)
    if own is None:
        return reduction
    if state is None:
        if function in _BY_NEW and definer_of(type(obj), "__getstate__") is not object:
            return reduction  # asked for a state, the class has said that there is none
        if _takes_state_above(type(obj), definer):
            raise pickle.PicklingError(
                f"its attributes would be lost: the __reduce__ of {definer.__qualname__} has none"
            )
        return function, args, own, items, pairs, setter
    if has_own_state(type(obj), definer) or _mentions(state, own):
        return reduction
    attributes, slots = own if isinstance(own, tuple) else (own, {})
    whole = {states.BASE_STATE: state, **(attributes or {}), **slots}
    return function, args, whole, items, pairs, setter or actions.set_state


def _takes_state_above(cls: type, definer: type) -> bool:
    """Tell whether the `__setstate__` of a class comes from the class above, which expects a state of its own."""
    return (
        any("__setstate__" in base.__dict__ for base in definer.__mro__)
        and definer_of(cls, "__setstate__") in definer.__mro__
    )


# Containers


def needs_steps(cls: type) -> bool:
    """Tell whether the C pickler has no opcodes to fill objects of a class."""
    return actions.native_base(cls) is not None or needs_attributes(cls)


@functools.cache
def needs_attributes(cls: type) -> bool:
    """Tell whether the own methods of a container can't fill it before it has attributes.

    It is tried with an empty twin, and with None for an item: the items themselves may be told of their container.
    """
    base = next((base for base in actions.CONTAINERS if issubclass(cls, base)), None)
    if base is None or cls is base or actions.native_base(cls) is not None:
        return False
    name = actions.CONTAINERS[base][0]
    method = states.special(cls, name)
    if not isinstance(method, types.FunctionType):
        return False
    try:
        maker: Any = cls
        twin = maker.__new__(maker)
        method(twin, *((None, None) if issubclass(cls, dict) else (None,) if base is set else ([None],)))
    except AttributeError as error:
        return error.obj is twin
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - None is no item for it
        return False
    return False
