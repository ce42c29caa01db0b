"""Whether an object may be filled, where the recipe isn't trusted as code: what only the object itself shows.

A filling must neither change what the process has, nor make the object call or hash what the recipe put into it.
"""

from __future__ import annotations

import collections
import enum
import functools
import logging
import types
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["check_items", "check_state", "takes_any"]

_LIVE = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    *(enum.Enum, logging.Logger),
)
"""What belongs to the process, even where a class or function gave it to the recipe."""

_HANDING_ON = (collections.ChainMap, collections.UserDict, collections.UserList)
"""They hand on what they are filled with to what their state holds, which may be `os.environ`."""


def check_items(target: Any) -> None:
    """Check that items may be put into an object. Raises TypeError."""
    if isinstance(target, (*_LIVE, *_HANDING_ON)):
        raise TypeError(f"nothing can be put into a {type(target).__qualname__}, but by its state")


def check_state(target: Any, state: Any) -> None:
    """Check that a state may be given to an object. Raises TypeError."""
    if isinstance(target, _LIVE):
        raise TypeError(f"no state can be given to a {type(target).__qualname__}, which belongs to the process")
    for cls, fits in _STATES.items():
        if isinstance(target, cls) and not fits(state):
            raise TypeError(f"this is no state of a {cls.__qualname__}")
    own = hasattr(type(target), "__setstate__")
    for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
        if isinstance(part, dict):
            for name in part:
                if type(name) is not str or name.startswith("__"):
                    raise TypeError(f"no state can set {name!r:.60}, which is Python's own")
        # Another mapping could have methods of the recipe's choice.
        if type(part) not in (dict, types.NoneType) and (isinstance(part, Mapping) or not own):
            raise TypeError(f"a {type(part).__qualname__} is no state")


def takes_any(target: Any, names: Iterable[str]) -> bool:
    """Tell whether `check_state` lets objects like this one have attributes of such names, whatever their values."""
    return not isinstance(target, (*_LIVE, *_STATES)) and not any(name.startswith("__") for name in names)


def _holds(state: Any, **attributes: type) -> bool:
    return type(state) is dict and all(type(state.get(name)) is cls for name, cls in attributes.items())


def _fits_partial(state: Any) -> bool:
    # CPython itself looks only at the first three (functools.partial.__setstate__).
    if type(state) is not tuple or len(state) != 4:
        return False
    function, args, keywords, attributes = state
    dicts = all(part is None or type(part) is dict for part in (keywords, attributes))
    return callable(function) and type(args) is tuple and dicts


_STATES: dict[type, Callable[[Any], bool]] = {
    # What is set as `args` becomes a tuple, be it a range of 100 billion.
    BaseException: lambda state: state is None or (type(state) is dict and type(state.get("args", ())) is tuple),
    functools.partial: _fits_partial,
    # They are hashed as what they hold, anew each time where that is a number.
    collections.UserString: lambda state: _holds(state, data=str),
    uuid.UUID: lambda state: _holds(state, int=int) and 0 <= state["int"] < 1 << 128,
}
"""Which states fit the objects of classes that any recipe may use, and of those derived from them."""
