"""Filling: which step may fill which object, where the recipe isn't trusted as code.

The audit looks at the step that made the object: a list takes items, a dictionary entries, a set members, an object all
of these and a state. The record of a value type may allow less. While a recipe is built, the checks look at the object
itself. Filling it must not change an object of the process, nor let it call or hash the values in the recipe.
"""

from __future__ import annotations

import enum
import functools
import types
from typing import TYPE_CHECKING, Any

from appsnap import states
from appsnap.recipe import steps, values
from appsnap.recipe.trust.attributes import ANNOTATIONS, ODD_KEY, OWN_KEY, is_odd, is_own

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["FILLED_BY", "Refused", "check_items", "check_state", "takes_any_state"]

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


class Refused(TypeError):
    """A state has a key that its class doesn't take. The audit has said that it depends on the class."""


def check_items(target: Any) -> None:
    """Check that items may be put into an object. Raises TypeError."""
    if issubclass(type(target), _OF_THE_PROCESS + values.of_the_process() + values.wrappers()):
        raise TypeError(f"no items can be put into a {type(target).__qualname__}, only a state can be set")


def check_state(target: Any, state: Any, audited: Collection[str] = ()) -> None:
    """Check that a state may be given to an object. Raises TypeError.

    A class with a `__setstate__` of its own gets its state as data. Any other state consists of attributes: those of a
    dictionary go into `__dict__`, those of slots are set, and so are those of an exception. Raises Refused for a key
    that only a class with a `__setstate__` takes. `audited` has the names whose values the audit has looked at.
    """
    cls = type(target)
    # `isinstance` would ask the object for its `__class__`, before it has its state.
    if issubclass(cls, _OF_THE_PROCESS + values.of_the_process()):
        raise TypeError(f"no state can be given to a {cls.__qualname__}, which belongs to the process")
    own = getattr(cls, "__setstate__", None)
    if own is not None and type(state) is dict and states.BASE_STATE in state:
        attributes = {name: value for name, value in state.items() if name != states.BASE_STATE}
        _check_keys(attributes)
        _check_members(cls, attributes)
        for base in values.state_rules():
            if issubclass(cls, base) and any(map(functools.partial(_is_slot, base), attributes)):
                raise TypeError(f"a slot of a {base.__qualname__} comes from its own state alone")
        if issubclass(cls, BaseException):
            check_state(target, attributes, audited)
        state = state[states.BASE_STATE]
    for base, fits in values.state_rules().items():
        if issubclass(cls, base) and own is getattr(base, "__setstate__", None) and not fits(state):
            raise TypeError(f"this is no state of a {base.__qualname__}")
    for base, takes in values.late_state_rules().items():
        if issubclass(cls, base) and own is getattr(base, "__setstate__", None) and not takes(target, state):
            raise TypeError(f"this is no state of a {base.__qualname__}")
    if own is functools.partial.__setstate__:  # type: ignore[attr-defined]  # not in the stubs
        # The dictionary becomes the `__dict__`. The audit has looked at annotations.
        _check_keys(name for name in state[3] or () if name != ANNOTATIONS)
    by_name = own is BaseException.__setstate__ or states.fields(cls) is not None  # type: ignore[arg-type]  # classes are hashable
    if own is not None and not by_name:
        return
    if own is not None and type(state) in {list, tuple}:
        return  # by position
    for part in state if type(state) is tuple and len(state) == 2 else (state,):
        # Another mapping could have methods of the recipe's choice.
        if type(part) is not dict and part is not None:
            raise TypeError(f"a {type(part).__qualname__} is no state of a {cls.__qualname__}")
        _check_keys(name for name in part or () if not audited or name not in audited)
        if own is None:
            _check_members(cls, part or ())


def _check_members(cls: type, names: Iterable[Any]) -> None:
    """Check that names are in no part of an object that its class, which is written in C, reads without a look."""
    for name in names:
        if type(name) is str and states.is_native(cls, name) and name != _FACTORY:
            raise TypeError(f"{name} of a {cls.__qualname__} comes from its constructor alone")


def _is_slot(cls: type, name: Any) -> bool:
    return type(name) is str and type(states.special(cls, name)) is types.MemberDescriptorType


_FACTORY = "default_factory"
"""Of a defaultdict: Python looks at it at each use."""


def _check_keys(keys: Iterable[Any]) -> None:
    for name in keys:
        if is_odd(name):
            raise Refused(ODD_KEY)
        if type(name) is str and is_own(name):
            raise Refused(OWN_KEY % name)


def takes_any_state(target: Any, names: Iterable[str]) -> bool:
    """Tell whether `check_state` accepts attributes of these names for an object, with any values.

    The audit has looked at annotations.
    """
    checked = _OF_THE_PROCESS + values.of_the_process() + (*values.state_rules(), *values.late_state_rules())
    return not issubclass(type(target), checked) and not any(is_own(name) and name != ANNOTATIONS for name in names)
