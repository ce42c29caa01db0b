"""Names that a fresh process doesn't find, though this one does, or finds something else by.

A module may have been reloaded: objects of the class from before aren't of the class that a load finds. A library may
have given its own name to a function of the application.
"""

from __future__ import annotations

import functools
import sys
import types
from typing import Any

from appsnap.recipe.freeze.cloudpickled import NeedsModule, is_script

__all__ = ["CACHED", "NotCurrent", "check_current", "defined_name", "look_up", "wrapper_of"]


class NotCurrent(NeedsModule):
    """A name stands for something else in the process that loads."""


def check_current(cls: type) -> None:
    """Raise NotCurrent for a class in whose place another class of its name stands."""
    module, qualname = cls.__module__, cls.__qualname__
    if is_script(module):
        return  # saved by value
    found = look_up(module, qualname)
    if (
        isinstance(found, type)
        and found not in cls.__mro__
        and (found.__module__, found.__qualname__) == (module, qualname)
    ):
        raise NotCurrent(
            f"{module}.{qualname} is another class now: its module was reloaded, or has two classes of that name",
            f"make the object anew, by the class that is {module}.{qualname} now, or restart the program and save then",
        )


def defined_name(function: types.FunctionType) -> tuple[str, str] | None:
    """Return the module and qualified name under which a function was defined, if it has another name now.

    None if the function isn't found there: a decorator has made it, and gave it the name of another one. None for a
    function of a script, which is found nowhere else. Raises NotCurrent for one that goes by a name in a module.
    """
    module: Any = function.__globals__.get("__name__")
    qualname = function.__code__.co_qualname
    if (module, qualname) == (function.__module__, function.__qualname__):
        return None
    if is_script(module):
        if not is_script(function.__module__) and look_up(function.__module__, function.__qualname__) is function:
            raise NotCurrent(
                f"{function.__module__}.{function.__qualname__} is this function only where its script ran",
                "put the function into a module that can be imported",
            )
        return None
    return (module, qualname) if look_up(module, qualname) is function else None


def wrapper_of(function: Any) -> Any:
    """Return the function that a decorator has put into the place of another one, and that leads to it, or None.

    Its attribute `__wrapped__` is the function. None for a function that is found by its own name, and for a script's.
    """
    # A cache over a partial has no name of its own.
    if type(function) not in _WRAPPERS or not hasattr(function, "__qualname__") or is_script(function.__module__):
        return None
    found = look_up(function.__module__, function.__qualname__)
    for _ in range(_MOST_WRAPPERS):
        if type(found) not in _WRAPPERS or found is function:
            return None
        inner = found.__dict__.get("__wrapped__")
        if inner is function:
            return found
        found = inner
    return None


CACHED = type(functools.lru_cache(len))
_WRAPPERS = (types.FunctionType, CACHED)
_MOST_WRAPPERS = 20


def look_up(module: Any, qualname: str) -> Any:
    """Return the thing of this name now, without running code of the module, or None."""
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = found.__dict__.get(part) if isinstance(found, (types.ModuleType, type)) else None
    return found
