"""The actions that a snapshot may name: steps of a recipe that Python has no syntax for.

A source file imports them, so that Python itself can run it (`python -i shop.tas`). Running it gives the same objects,
and executes all code in the file. `appsnap.load` never runs it: the calls are read as steps. Pickles name `set_state`
and `read_only`. The names of these functions are part of the format.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeVar

from appsnap import evolve, states

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["add", "extend", "named", "new", "read_only", "set_state", "state", "update"]

T = TypeVar("T")


def new(cls: type[T], *args: Any, **keywords: Any) -> T:
    """Return an object made by `cls.__new__(cls, *args, **keywords)`, without `__init__`."""
    return cls.__new__(cls, *args, **keywords)


def state(target: T, /, **attributes: Any) -> T:
    """Set attributes by `set_state`. Returns the target."""
    return set_state(target, attributes)


def set_state(target: T, state: Any, /) -> T:
    """Give an object its state as pickle does, but without transient attributes. Returns the target.

    The state goes to `__setstate__`, if the class has it. Otherwise it is a dictionary of attributes, or a pair of that
    and the slots. An attribute that has a slot goes there.

    A transient attribute with a factory is made anew, and a `Versioned` object is upgraded.
    """
    cls = type(target)
    drop = evolve.transients(cls)  # type: ignore[arg-type]  # classes are hashable
    if drop:
        state = evolve.without_transients(cls, state)
    states.assign(target, state, drop)
    for name, factory in drop.items():
        if factory is not None:
            object.__setattr__(target, name, factory())  # a frozen class refuses setattr
    evolve.finish_later(target)
    return target


# The methods below are looked up in the class: an attribute of the object may hold anything that the file refers to.


def extend(target: Any, items: Iterable[Any], /) -> Any:
    """Append items by the class's `extend`, or its `append`. Returns the target."""
    cls = type(target)
    if hasattr(cls, "extend"):
        cls.extend(target, items)
    else:
        for item in items:
            cls.append(target, item)
    return target


def update(target: Any, items: Mapping[Any, Any], /) -> Any:
    """Set items one by one by the class's `__setitem__`. Returns the target."""
    for key, value in items.items():
        target[key] = value
    return target


def add(target: Any, items: Iterable[Any], /) -> Any:
    """Add items to a set, or one by one by the class's `add`. Returns the target."""
    if type(target) is set:
        target.update(items)
    else:
        for item in items:
            type(target).add(target, item)
    return target


def named(module: str, qualname: str = "", /) -> Any:
    """Import a module, and return the object of this qualified name in it, or the module itself."""
    found: Any = importlib.import_module(module)
    for part in qualname.split(".") if qualname else ():
        found = evolve.part_of(found, part)
    return found


def read_only(array: Any, /) -> Any:
    """Make a numpy array read-only, and return it. The memory below stays writable."""
    array.flags.writeable = False
    return array
