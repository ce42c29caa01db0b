"""The changes of a class since its statement: all that another run of the statement may not make as it is."""

from __future__ import annotations

import abc
import enum
import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.recipe.freeze.cloudpickled import by_reference, is_script
from appsnap.recipe.freeze.statements import first_line, functions_in

if TYPE_CHECKING:
    from appsnap.recipe.freeze.statements import Found

__all__ = ["changed_attributes", "changed_functions", "changed_members", "is_made", "virtual_subclasses"]


def changed_attributes(cls: type, found: Found) -> dict[str, Any]:
    """Return the attributes that may have been set since the statement. The load sets those that differ from it."""
    members = getattr(cls, "__members__", {}) if isinstance(cls, enum.EnumType) else {}
    of_ctypes = type(cls).__module__ == "_ctypes"
    changed = {}
    for name, value in cls.__dict__.items():
        dunder = name.startswith("__") and name.endswith("__")
        if name in _BY_THE_STATEMENT or name in members:
            continue
        if dunder and name not in found.stored and (name in _OF_PYTHON or not _is_set_by_hand(value)):
            continue
        if isinstance(cls, enum.EnumType) and name.startswith("_"):
            continue
        if of_ctypes and (name in _OF_STRUCTURES or type(value).__name__ == "CField"):
            continue
        if not is_made(found, name, value):
            changed[name] = value
    if isinstance(cls, abc.ABCMeta) and changed:
        changed["__abstractmethods__"] = cls.__abstractmethods__
    if cls.__name__ != found.name:
        changed["__name__"] = cls.__name__
    annotations = inspect.get_annotations(cls)
    if annotations.keys() != found.fields and type(cls).__name__ != "_TypedDictMeta":
        changed["__annotations__"] = annotations
    doc = cls.__dict__.get("__doc__")
    if doc != found.doc and (not isinstance(doc, str) or inspect.cleandoc(doc) != inspect.cleandoc(found.doc or "")):
        changed["__doc__"] = doc
    return changed


def is_made(found: Found, name: str, value: Any) -> bool:
    """Tell whether a class has an attribute that its statement surely makes in each run: one of its functions, say.

    Other attributes may depend on values that have changed since, or were set later.
    """
    definition = found.definitions.get(name)
    functions = list(functions_in(value))
    own = [function for function in functions if function.__code__ in found.codes]
    if type(value.__func__ if isinstance(value, _WRAPPERS) else value) in _WITH_STATE:
        return False
    if not functions:
        if isinstance(value, _DESCRIPTORS):
            return True
        by_name = hasattr(type(value), "__get__") and by_reference(type(value))
        return by_name and name in found.stored and (definition is None or bool(definition.decorator_list))
    first = functions[0]
    if first.__code__ not in found.codes:
        generated = found.generates and _is_of_library(first) and first.__code__.co_filename != found.text.filename
        if by_reference(first) or not (generated or (definition is not None and _is_of_library(first))):
            return False
    if definition is None:
        # A function that a decorator of the class has added, say.
        return not own
    if not definition.decorator_list:
        plain = value.__func__ if name in _WRAPPED_BY_TYPE and isinstance(value, _WRAPPERS) else value
        return type(plain) is types.FunctionType and plain.__code__.co_firstlineno == first_line(definition)
    return all(x.__code__.co_name == definition.name for x in own)


_WRAPPERS = (classmethod, staticmethod)
_WRAPPED_BY_TYPE = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})
_WITH_STATE = frozenset({type(functools.lru_cache(len)), functools.partial, functools.singledispatchmethod})
"""Made by decorators whose arguments may have changed, or that later calls add to."""


def _is_set_by_hand(value: Any) -> bool:
    """Tell whether a special attribute was set by a file, and not by a decorator or a base class."""
    if type(value) in {str, int, float}:
        return True
    first = next(functions_in(value), None)
    return first is not None and not first.__code__.co_filename.startswith("<") and not _is_of_library(first)


def _is_of_library(function: types.FunctionType) -> bool:
    """Tell whether a function was made by a module that can be imported: by a decorator, say."""
    module = sys.modules.get(function.__globals__.get("__name__", ""))
    return module is not None and vars(module) is function.__globals__ and not is_script(module.__name__)


class _Row(NamedTuple):
    x: int


_DESCRIPTORS: tuple[type, ...] = (types.MemberDescriptorType, types.GetSetDescriptorType, type(_Row.x))
_OF_STRUCTURES = frozenset({"_fields_", "_anonymous_", "_pack_", "_align_", "_layout_"})
"""Attributes of a structure of ctypes, which are final once it is made."""

_BY_THE_STATEMENT = frozenset(
    {
        "__module__",
        "__qualname__",
        "__doc__",
        "__annotations__",
        "__slots__",
        "__dict__",
        "__weakref__",
        "_abc_impl",
    }
)
"""Attributes that a class statement sets, and no load sets again."""
_OF_PYTHON = frozenset({"__firstlineno__"})
"""Attributes that only some Pythons set."""


def changed_functions(cls: type, found: Found) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Return the defaults and attributes of the functions of a class, if they have any."""
    changed = {}
    for name, value in cls.__dict__.items():
        function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if type(function) is types.FunctionType and function.__code__ in found.codes:
            parts = function.__defaults__, function.__kwdefaults__, function.__dict__
            if any(parts):
                changed[name] = parts
    return changed


def changed_members(cls: type) -> dict[str, dict[str, Any]]:
    """Return the attributes of each member of an enumeration, other than its name and value."""
    if not isinstance(cls, enum.EnumType):
        return {}
    attributes = {
        name: {key: value for key, value in vars(member).items() if not key.startswith("_")}
        for name, member in cls._member_map_.items()
    }
    return {name: found for name, found in attributes.items() if found}


def virtual_subclasses(cls: type) -> list[type]:
    """Return the classes that were registered with an abstract base class."""
    if not isinstance(cls, abc.ABCMeta):
        return []
    registry, *_ = abc._get_dump(cls)  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public function
    return [found for reference in registry if (found := reference()) is not None]
