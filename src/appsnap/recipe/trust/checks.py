"""The checks: while a recipe is built, they test the objects that the audit couldn't see without importing.

They hold where the recipe isn't trusted as code. A name that was granted through its package must be a class that is
defined there, or belong to one. An object is made of a class. A method is found without running code. Filling an object
neither changes objects of the process, nor lets the object call or hash the values in the recipe.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Iterable, Mapping
from typing import Any

from appsnap.errors import NotTrusted, Want
from appsnap.recipe import steps, values
from appsnap.recipe.trust.names import SPECIAL_METHODS

__all__ = ["check_class", "check_defined", "check_items", "check_state", "find_method", "takes_any_state"]

_OF_THE_PROCESS = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    enum.Enum,
)
"""Types of objects that belong to the process, beside the value types that do."""

_METHODS = (
    types.FunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    classmethod,
    staticmethod,
)


def check_defined(name: steps.Name, owner: Any, found: Any) -> None:
    """Check the object that was found by a name in its owner, a class or a module. Raises NotTrusted.

    The object must be a class that is defined in the module of the name, or a member or method of one.
    """
    module, qualname = name
    if isinstance(found, type):
        good = (found.__module__, found.__qualname__) == (module, qualname)
    else:
        above = qualname.rpartition(".")[0]
        method = found.__func__ if isinstance(found, types.MethodType) else found
        good = isinstance(owner, type) and (owner.__module__, owner.__qualname__) == (module, above)
        good = good and (
            type(found) is owner
            or (
                isinstance(method, types.FunctionType)
                and (method.__module__, method.__qualname__) == (module, qualname)
            )
        )
    if not good:
        raise NotTrusted(
            [Want(name.dotted, "reference", "")],
            message=f"not trusted: {name.dotted} is no class defined in {module}",
            hint=f"if you trust it all the same, name it: trust=[{name.dotted!r}]",
        )


def check_class(cls: Any) -> None:
    """Check that objects may be made of something. Raises TypeError unless it is a class, and no metaclass."""
    if not isinstance(cls, type) or issubclass(cls, type):
        raise TypeError("only objects of a class can be made, and no classes")


def find_method(owner: Any, name: str) -> Any:
    """Return a method of an object, bound to it, without running code of its class. Raises TypeError for no method."""
    cls = type(owner)
    if not name.startswith("__") or name in SPECIAL_METHODS:
        for base in cls.__mro__:
            if name in base.__dict__:
                method: Any = base.__dict__[name]
                if isinstance(method, _METHODS):
                    return method.__get__(owner, cls)
                break
    raise TypeError(f"{name} is no method of {cls.__qualname__}")


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
