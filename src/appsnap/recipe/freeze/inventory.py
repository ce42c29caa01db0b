"""The inventory of live objects beside their recipe: facts that the recipe doesn't show.

A `__reduce__` may leave out objects and nobody would see it in the recipe. So the inventory has the attributes of such
an object, and the number of items of each container. An object that a module holds under a name of its own is saved as
a copy; the inventory has that name.
"""

from __future__ import annotations

import collections
import copyreg
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap import evolve, states
from appsnap.recipe import steps, values
from appsnap.recipe.freeze.attributes import package_of
from appsnap.recipe.freeze.cloudpickled import is_script
from appsnap.recipe.freeze.inherited import newobj, newobj_ex
from appsnap.recipe.freeze.notes import Notes
from appsnap.recipe.freeze.untouched import HARMLESS
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from appsnap.recipe.freeze.untouched import Taken
    from appsnap.recipe.outline import Outline

__all__ = ["Inventory", "contents", "type_name"]

_CONTAINERS = (dict, list, set, frozenset, tuple, collections.deque)
_LEVELS = 3
"""Levels of attributes that are counted below an object."""

_BY_NAME = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)
_OF_CONTAINERS: dict[type, str] = {collections.defaultdict: "default_factory", collections.deque: "maxlen"}
"""The attributes of containers that are in no `__dict__`."""

_PLAIN = (*steps.ATOMS, tuple, frozenset, *_BY_NAME)
_METHODS = (types.FunctionType, types.BuiltinFunctionType, classmethod, staticmethod)
"""Types in a class that an attribute of an object may hide: it has another one then."""

_CACHES = ("cache", "memo")
"""Parts of the names of attributes that are filled when they are needed."""


class Inventory(Notes):
    """The notes of a walk whose objects are of interest: `objects` has the object of each register."""

    def __init__(self, like: Notes | None = None) -> None:
        super().__init__(code=like is None or like.code)
        if like is not None:
            self.taken = like.taken
        self.objects: dict[int, Any] = {}

    def walked(self, operands: Mapping[int, Any], kept: Iterable[Any]) -> None:
        """Note the operands of the objects in a recipe, by id, and the objects."""
        super().walked(operands, kept)
        for obj in kept:
            operand = operands.get(id(obj))
            if type(operand) is Ref:
                self.objects[operand] = obj

    def facts(self, root: Any, outline: Outline) -> list[dict[str, Any]]:
        """Return the facts about these objects that a load is compared with, as plain data."""
        holders = _holders(root)
        found = []
        classes: dict[type, bool] = {}
        for register, obj in self.objects.items():
            cls = type(obj)
            holder = holders.get(id(obj))
            if cls not in classes:
                classes[cls] = _reduces_itself(cls)
            taken = self.taken.get(id(obj))
            said = _has_said_its_state(obj, taken)
            empty = said and taken is not None and not taken.reduction[2]
            by_itself = classes[cls] and not said
            if not by_itself and not empty and holder is None:
                continue
            path = outline.path(Ref(register))
            if "{" in path or "<" in path:
                continue  # the items of sets have no order that every kind keeps
            counts = _public(obj) if empty else dict(contents(obj)) if by_itself else {}
            kind = type_name(obj)
            found.append({"path": path, "type": kind, "counts": counts, "holder": holder, "empty": empty})
        return found


def _reduces_itself(cls: type) -> bool:
    """Tell whether a method of an application or a library says how the objects of a class are made again."""
    if cls in _PLAIN or issubclass(cls, _BY_NAME):
        return False
    if values.of_type(cls) is not None:
        return False
    own = [copyreg.dispatch_table.get(cls), states.special(cls, "__reduce_ex__"), states.special(cls, "__reduce__")]
    return any(type(one) is types.FunctionType and package_of(one) not in HARMLESS for one in own)


def _has_said_its_state(obj: Any, taken: Taken | None) -> bool:
    """Tell whether pickle's own protocol has taken an object apart, and asked a `__getstate__` of its class."""
    reduction = taken and taken.reduction
    by_protocol = type(reduction) is tuple and reduction[0] in (newobj, newobj_ex)
    return by_protocol and type(states.special(type(obj), "__getstate__")) is types.FunctionType


def _public(obj: Any) -> dict[str, None]:
    """Return the public attributes of an object whose class says that there are none.

    Those that are found all the same aren't counted: the class has one of that name, or makes any that is asked for.
    """
    cls = type(obj)
    if states.special(cls, "__getattr__") is not None:
        return {}
    names = [name for name, count in contents(obj) if count is None]
    return {name: None for name in names if name[1] != "_" and states.special(cls, name[1:]) is None}


def type_name(obj: Any) -> str:
    """Return the full name of the class of an object."""
    return f"{type(obj).__module__}.{type(obj).__qualname__}"


def contents(obj: Any, level: int = 0) -> Iterator[tuple[str, int | None]]:
    """Yield the parts of an object below its own path: the number of items of a container, None for all else."""
    if issubclass(type(obj), _CONTAINERS):
        base: Any = next(base for base in _CONTAINERS if issubclass(type(obj), base))
        yield "", base.__len__(obj)
    if level == _LEVELS or issubclass(type(obj), _PLAIN) or type(obj) in _CONTAINERS:
        return
    left_out = evolve.transients(type(obj)).keys()  # type: ignore[arg-type]  # classes are hashable
    for name, value in _attributes(obj):
        if name in left_out or _is_cache(name) or _is_computed(type(obj), name):
            continue
        if level == 0:
            yield f".{name}", None
        for label, count in contents(value, level + 1):
            if count is not None:
                yield f".{name}{label}", count


def _is_cache(name: str) -> bool:
    return any(word in name.lower() for word in _CACHES)


def _is_computed(cls: type, name: str) -> bool:
    """Tell whether an attribute keeps the value of a property that is computed once, when it is asked for.

    The descriptor has no `__set__`, as that of functools, or it says that it caches, as that of Werkzeug.
    """
    found = type(states.special(cls, name))
    if not hasattr(found, "__get__") or issubclass(found, _METHODS):
        return False
    return not hasattr(found, "__set__") or _is_cache(found.__name__)


def _attributes(obj: Any) -> list[tuple[str, Any]]:
    """Return the attributes of an object without a call of code of its class."""
    found: list[tuple[str, Any]] = []
    own = states.special(type(obj), "__dict__")
    if type(own) is types.GetSetDescriptorType:
        attributes = own.__get__(obj)
        found += [(name, value) for name, value in [*attributes.items()] if type(name) is str]
    for base, name in _OF_CONTAINERS.items():
        if issubclass(type(obj), base) and (value := base.__dict__[name].__get__(obj)) is not None:
            found.append((name, value))
    for base in type(obj).__mro__:
        for name, slot in base.__dict__.items() if "__slots__" in base.__dict__ else ():
            if type(slot) is types.MemberDescriptorType:
                try:
                    found.append((name, slot.__get__(obj)))
                except AttributeError:
                    continue  # an empty one
    return found


def _holders(root: Any) -> dict[int, str]:
    """Return the names of the objects that modules hold, by id.

    The module that makes the application holds its parts, too: those are saved as copies, as everybody expects. That
    module may be an attribute of a service, which puts its part back there.
    """
    found: dict[int, str] = {}
    services = getattr(root, "services", ())
    makers = [dict(_attributes(one)).get("module") for one in (services if type(services) is list else ())]
    for module, holder in [*sys.modules.items()]:
        if type(holder) is not types.ModuleType or is_script(module) or module in _OWN:
            continue
        if any(maker is holder for maker in makers):
            continue
        # A lazy object would answer a question about its `__class__` by code of its own.
        objects = [(name, obj) for name, obj in [*vars(holder).items()] if not issubclass(type(obj), _PLAIN)]
        if any(obj is root or any(value is root for _, value in _attributes(obj)) for _, obj in objects):
            continue
        for name, obj in objects:
            if issubclass(type(obj), _CONTAINERS) or values.of_type(type(obj)) is None:
                found.setdefault(id(obj), f"{module}.{name}")
    return found


_OWN = frozenset({"__main__", "__mp_main__", "builtins", "sys"})
