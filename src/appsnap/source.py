"""What a source file imports, so that Python itself can run it: the acts of a recipe that have no syntax of their own.

`appsnap.load` never runs a source file; it reads these calls as steps. Running one (`python -i shop.tas`) gives the
same objects, and runs whatever somebody may have written into it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeVar

from appsnap.evolve import restore_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["add", "extend", "new", "set_state", "state", "thing", "update"]

T = TypeVar("T")


def new(cls: type[T], *args: Any, **keywords: Any) -> T:
    """Return an object that was made without `__init__`: by `cls.__new__(cls, *args, **keywords)`."""
    return cls.__new__(cls, *args, **keywords)


def state(target: T, /, **attributes: Any) -> T:
    """Set attributes as loading does: by `__setstate__` where there is one, else in `__dict__`. Returns the target."""
    restore_state(target, attributes)
    return target


def set_state(target: T, state: Any, /) -> T:
    """Hand over a state of any shape, as loading does. Returns the target."""
    restore_state(target, state)
    return target


def extend(target: Any, items: Iterable[Any], /) -> Any:
    """Append items by the target's `extend`, or its `append`. Returns the target."""
    method = getattr(target, "extend", None)
    if method is not None:
        method(items)
    else:
        for item in items:
            target.append(item)
    return target


def update(target: Any, items: Mapping[Any, Any], /) -> Any:
    """Set items one by one by the target's `__setitem__`. Returns the target."""
    for key, value in items.items():
        target[key] = value
    return target


def add(target: Any, items: Iterable[Any], /) -> Any:
    """Add items one by one by the target's `add`. Returns the target."""
    for item in items:
        target.add(item)
    return target


def thing(module: str, qualname: str = "", /) -> Any:
    """Return what is known by a name that Python has no syntax for."""
    found: Any = importlib.import_module(module)
    for part in qualname.split(".") if qualname else ():
        found = getattr(found, part)
    return found
