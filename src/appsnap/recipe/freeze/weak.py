"""Weak references: the file has their referents only if something else in the graph holds them.

Only the whole graph tells. A referent that the walk has met before is held. If it meets one after its weak reference,
the graph is walked over again.
"""

from __future__ import annotations

import enum
import logging
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from appsnap.recipe.freeze import cloudpickled
from appsnap.recipe.values.ways import Weakly

if TYPE_CHECKING:
    from collections.abc import Callable, Container

__all__ = ["Referents"]

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)


class Referents:
    """The referents of the weak references in one walk.

    `held` has the ids of the objects that the graph holds, as an earlier walk found them, or None. `is_known` tells
    whether an object is saved by name.
    """

    def __init__(self, held: Container[int] | None, is_known: Callable[[Any], bool]) -> None:
        self._held = held
        self._is_known = is_known
        self._met: Container[int] = ()
        self._missed: dict[int, Any] = {}  # by id: referents that weren't met before their weak references
        self._found: Container[int] | None = None

    def begin(self, met: Container[int]) -> None:
        """Begin with a walk. `met` has the ids of the objects that it has met."""
        self._met = met
        self._missed.clear()
        self._found = None

    @property
    def is_complete(self) -> bool:
        """Whether the walk has met each referent before its weak references, or knows that nothing holds it."""
        return not self._missed

    def end(self, met: set[int]) -> None:
        """End the walk: it has met the objects with these ids."""
        if not met.isdisjoint(self._missed):
            self._found = met
        self._met = ()

    def found(self) -> Container[int] | None:
        """Return the ids of the objects that the graph holds, if another walk has to know them."""
        return self._found

    def resolved(self, reduction: Any) -> Any:
        """Return the reduction in the place of a `Weakly`, or a reduction with the items in the place of many."""
        if type(reduction) is Weakly:
            return reduction.value if self._holds(reduction.obj) else reduction.otherwise
        return (*reduction[:2], *map(self._items, reduction[2:])) if type(reduction) is tuple else reduction

    def _items(self, part: Any) -> Any:
        if type(part) is frozenset:
            return {item.value for item in part if self._holds(item.obj)}
        if type(part) is tuple:
            return tuple(map(self._items, part))
        return (item.value for item in part if self._holds(item.obj)) if isinstance(part, Iterator) else part

    def _holds(self, obj: Any) -> bool:
        if self._held is not None:
            return id(obj) in self._held or self._has_name(obj)
        if id(obj) in self._met or self._has_name(obj):
            return True
        self._missed[id(obj)] = obj
        return False

    def _has_name(self, obj: Any) -> bool:
        """Tell whether the process holds an object under a name, by which it is saved."""
        cls = type(obj)
        if issubclass(cls, (type, *_FUNCTIONS)):
            return cloudpickled.by_reference(obj)
        if issubclass(cls, types.ModuleType):
            return sys.modules.get(obj.__name__) is obj
        if issubclass(cls, enum.Enum):
            return cloudpickled.by_reference(cls)
        return issubclass(cls, logging.Logger) or self._is_known(obj)
