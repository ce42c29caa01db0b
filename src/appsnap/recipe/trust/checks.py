"""Whether an object may be filled, where the recipe isn't trusted as code: what only the object itself shows.

A filling must neither change what the process has, nor make the object call or hash what the recipe put into it.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Iterable, Mapping
from typing import Any

from appsnap.recipe import values

__all__ = ["check_items", "check_state", "takes_any"]

_LIVE = (*(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType), enum.Enum)
"""Types of objects that belong to the process, beside the value types that do."""


def check_items(target: Any) -> None:
    """Check that items may be put into an object. Raises TypeError."""
    if isinstance(target, _LIVE + values.of_the_process() + values.wrappers()):
        raise TypeError(f"nothing can be put into a {type(target).__qualname__}, but by its state")


def check_state(target: Any, state: Any) -> None:
    """Check that a state may be given to an object. Raises TypeError."""
    if isinstance(target, _LIVE + values.of_the_process()):
        raise TypeError(f"no state can be given to a {type(target).__qualname__}, which belongs to the process")
    for cls, fits in values.state_rules().items():
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
    checked = _LIVE + values.of_the_process() + tuple(values.state_rules())
    return not isinstance(target, checked) and not any(name.startswith("__") for name in names)
