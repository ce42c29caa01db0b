"""Quiet objects: no method of the application has a part in saving, loading or hashing them.

So no code of the application sees the order of their making and filling.
"""

from __future__ import annotations

import abc
import copyreg
import enum
import importlib
import types
from typing import TYPE_CHECKING, Any

from appsnap import evolve, running, states
from appsnap.recipe import steps, values
from appsnap.recipe.freeze import by_name
from appsnap.recipe.freeze.attributes import package_of, slot_names
from appsnap.recipe.freeze.untouched import HARMLESS, has_own_methods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Quiet", "are_hashed_alike"]

_OF_OWNERS = (types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType)
"""The classes of methods of an object."""

_BY_NAME = (types.FunctionType, types.BuiltinFunctionType)
"""The classes whose objects pickle saves by name, without a look at copyreg."""


class Quiet:
    """Tells which objects are quiet.

    `reduction_of` takes an object apart. `is_standard` tells whether pickle's own protocol takes objects of a class
    apart, and assignments restore them.
    """

    def __init__(self, reduction_of: Callable[[Any], Any], is_standard: Callable[[type], bool]) -> None:
        self._reduction_of = reduction_of
        self._is_standard = is_standard
        self._sorts: dict[type, type | None] = {}
        self._asked: dict[type, bool] = {}

    def sort(self, cls: type) -> type | None:
        """Return the step that makes or fills objects of a class, or None if a method of the application has a part.

        A `Call` makes values, and a `New` with keywords makes named tuples. All other objects are filled.
        """
        if cls not in self._sorts:
            self._sorts[cls] = self._sort(cls)
        return self._sorts[cls]

    def _sort(self, cls: type) -> type | None:
        special = states.special
        value_type = values.of_class(cls)
        if value_type is not None and value_type.plain:
            return None if cls in steps.ATOMS or cls is bytearray else steps.Call
        if by_name.short_way(cls) is not None:
            return steps.New if self._has_name(cls) else None
        lookup = special(cls, "__getattribute__") is object.__getattribute__ and special(cls, "__getattr__") is None
        lookup = lookup and special(cls, "__class__") is object.__dict__["__class__"]
        own = special(cls, "__setstate__") is not None or special(cls, "__new__") is not object.__dict__["__new__"]
        if type(cls) not in (type, abc.ABCMeta) or not lookup or own or not self._is_standard(cls):
            return None
        own_hash = special(cls, "__hash__") not in (object.__hash__, None)
        if not self._has_name(cls) or (own_hash and not _has_standard_hash(cls)):
            return None
        if type(special(cls, "__dict__")) is types.GetSetDescriptorType:
            return steps.State if not states.slots_beside_dict(cls) else None
        plain = special(cls, "__dict__") is None and special(cls, "__setattr__") is object.__setattr__
        # A subclass may have a property in the place of a slot.
        plain = plain and all(type(special(cls, name)) is types.MemberDescriptorType for name in slot_names(cls))
        return steps.SetState if plain and not own_hash else None

    def _has_name(self, cls: type) -> bool:
        reduction = self._reduction_of(cls)
        return type(reduction) is str or reduction[0] is getattr

    def may_be_asked(self, obj: Any) -> bool:
        """Tell whether an object is taken apart without a call of a method of the application."""
        cls = type(obj)
        if cls not in self._asked:
            self._asked[cls] = self._may_be_asked(cls)
        if cls in _OF_OWNERS and _answers_itself(type(obj.__self__)):
            return False  # it is asked for its method
        # An OrderedDict hashes its keys to find its items.
        return self._asked[cls] and not (issubclass(cls, dict) and not are_hashed_alike(dict.__iter__(obj)))

    def _may_be_asked(self, cls: type) -> bool:
        if self.sort(cls) is not None:
            return True
        if cls in copyreg.dispatch_table and cls not in _BY_NAME:
            return False
        if issubclass(cls, type) or _is_ephemeral(cls):
            return True
        known = issubclass(cls, enum.Enum) or values.of_class(cls) is not None or package_of(cls) in HARMLESS
        return known and not has_own_methods(cls)

    def is_made_alike(self, obj: Any, reduction: Any) -> bool:
        """Tell whether an object with this reduction is made and filled without a call of such a method."""
        cls = type(obj)
        if type(reduction) is str or self.sort(cls) is not None or _is_ephemeral(cls):
            return True
        if values.of_class(cls) is not None:
            # numpy looks for methods of the objects that it puts into an array.
            return not running.is_service(cls) and not (cls.__name__ == "ndarray" and obj.dtype.hasobject)
        if type(reduction) is tuple and reduction[0] in (getattr, importlib.import_module):
            owner, *name = reduction[1]
            return issubclass(type(owner), (type, types.ModuleType, str)) or self._is_method(owner, *name)
        return False

    def _is_method(self, owner: Any, name: str) -> bool:
        """Tell whether an attribute of an object is a method, also while the object isn't filled."""
        if self.sort(type(owner)) is not steps.State or name in states.dict_of(owner):
            return False
        return type(states.special(type(owner), name)) is types.FunctionType


def _answers_itself(cls: type) -> bool:
    """Tell whether a method of a class answers when an attribute of its objects is looked up."""
    return any(type(states.special(cls, name)) is types.FunctionType for name in ("__getattribute__", "__getattr__"))


def _has_standard_hash(cls: type) -> bool:
    """Tell whether a frozen dataclass has the hash of its fields, as `dataclasses` makes it."""
    found = cls.__dict__.get("__hash__")
    frozen = getattr(cls.__dict__.get("__dataclass_params__"), "frozen", False)
    return frozen and type(found) is types.FunctionType and found.__code__.co_filename == "<string>"


def _is_ephemeral(cls: type) -> bool:
    """Tell whether a bare `Ephemeral` takes the place of objects of a class."""
    own = states.special(cls, "__reduce_ex__") is evolve.Ephemeral.__dict__["__reduce_ex__"]
    return own and states.special(cls, "__getattribute__") is object.__getattribute__


def are_hashed_alike(keys: Iterable[Any]) -> bool:
    """Tell whether keys are hashed and compared without a call of a method of the application, filled or not."""
    waiting = [*keys]
    seen: set[int] = set()
    while waiting:
        key = waiting.pop()
        cls = type(key)
        if cls is tuple or cls is frozenset:
            if id(key) not in seen:
                seen.add(id(key))
                waiting += key
        elif cls not in steps.ATOMS and not _is_hashed_alike(cls):
            return False
    return True


def _is_hashed_alike(cls: type) -> bool:
    methods = [states.special(cls, name) for name in ("__hash__", "__eq__")]
    if methods == [object.__hash__, object.__eq__]:
        return True
    if _has_standard_hash(cls) or by_name.short_way(cls) is not None:
        return True
    if issubclass(cls, enum.Enum):
        return all(package_of(method) in HARMLESS for method in methods)
    value_type = values.of_class(cls)
    return value_type is not None and value_type.plain
