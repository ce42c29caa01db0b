"""Filling: which step may fill which object, where the recipe isn't trusted as code.

The audit looks at the step that made the object: a list takes items, a dictionary entries, a set members, an object all
of these and a state. The record of a value type may allow less. While a recipe is built, the checks look at the object
itself. Filling it must not change an object of the process, nor let it call or hash the values in the recipe.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Iterable, Mapping
from typing import Any

from appsnap import states
from appsnap.recipe import steps, values

__all__ = ["FILLED_BY", "check_items", "check_state", "takes_any_state"]

FILLED_BY: dict[type, frozenset[type]] = {
    **{container: frozenset({filler}) for container, filler in steps.FILLED_BY.items()},
    steps.New: steps.FILLERS,
    steps.Call: steps.FILLERS,
}
"""The steps that may fill the result of a step. No other result may be filled."""

_OF_THE_PROCESS = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    enum.Enum,
)
"""Types of objects that belong to the process, beside the value types that do."""


def check_items(target: Any) -> None:
    """Check that items may be put into an object. Raises TypeError."""
    if isinstance(target, _OF_THE_PROCESS + values.of_the_process() + values.wrappers()):
        raise TypeError(f"no items can be put into a {type(target).__qualname__}, only a state can be set")


def check_state(target: Any, state: Any) -> None:
    """Check that a state may be given to an object. Raises TypeError."""
    if isinstance(target, _OF_THE_PROCESS + values.of_the_process()):
        raise TypeError(f"no state can be given to a {type(target).__qualname__}, which belongs to the process")
    for cls, fits in values.state_rules().items():
        if isinstance(target, cls) and not fits(state):
            raise TypeError(f"this is no state of a {cls.__qualname__}")
    if isinstance(state, dict) and states.BASE_STATE in state:
        check_state(target, state[states.BASE_STATE])
    own = hasattr(type(target), "__setstate__")
    for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
        if isinstance(part, dict):
            for name in part:
                if type(name) is not str or name.startswith("__"):
                    raise TypeError(f"no state can set {name!r:.60}, which is Python's own")
        # Another mapping could have methods of the recipe's choice.
        if type(part) not in (dict, types.NoneType) and (isinstance(part, Mapping) or not own):
            raise TypeError(f"a {type(part).__qualname__} is no state")


def takes_any_state(target: Any, names: Iterable[str]) -> bool:
    """Tell whether `check_state` accepts attributes of these names for an object, with any values."""
    checked = _OF_THE_PROCESS + values.of_the_process() + tuple(values.state_rules())
    return not isinstance(target, checked) and not any(name.startswith("__") for name in names)
