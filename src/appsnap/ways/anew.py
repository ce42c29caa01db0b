"""Objects that are made anew by the constructor of a class of the standard library: their own class may be another one.

What such a constructor makes belongs to one process and one version of Python. The file has only the attributes beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appsnap import actions, evolve
from appsnap.recipe.freeze.attributes import attributes_of

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["attributes", "has_own_protocol", "reduction"]

_METHODS = ("__reduce__", "__reduce_ex__", "__getstate__")


def has_own_protocol(cls: type, base: type) -> bool:
    """Tell whether a class says itself how its objects are saved, other than the class that it is derived from."""
    return any(name in between.__dict__ for between in cls.__mro__[: cls.__mro__.index(base)] for name in _METHODS)


def attributes(obj: Any, without: Collection[str] = (), **changes: Any) -> Any:
    """Return the state of an object: a dictionary, or a pair of one and that of its slots. Some attributes change."""
    state = attributes_of(obj)
    own, slots = state if type(state) is tuple else (state, None)
    own = {name: changes.get(name, value) for name, value in (own or {}).items() if name not in without}
    return (own, slots) if slots else own


def reduction(obj: Any, function: Any, args: tuple[Any, ...], state: Any = None, *rest: Any) -> tuple[Any, ...]:
    """Return a reduction of an object, which gives it a state without its transient attributes."""
    cls = type(obj)
    if evolve.needs_restoring(cls):
        return function, args, evolve.without_transients(cls, state or {}), *(rest or (None, None)), actions.set_state
    return (function, args, state or None, *rest) if state or rest else (function, args)
