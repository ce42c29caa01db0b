"""Objects that are compared by `is`, and that a module holds under a name: they are saved by that name.

A *sentinel* has no state: it is a bare `object`, or its class has no method that sets an attribute. A copy of it would
be as good in all but identity, and identity is all that a sentinel has. A *label* belongs to an installed library, as
does the module that holds it, and has texts only: it is a sentinel with a name to show. Containers, values and
application's own objects with attributes are neither: a fresh interpreter may have others under that name.

A *constant* is a text or a tuple that a module compares by `is`. The C pickler asks no rule about those. So the objects
that refer to them are saved with a `Constant` in their place.
"""

from __future__ import annotations

import copyreg
import dis
import functools
import importlib
import operator
import sys
import types
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from appsnap.code import skeletons
from appsnap.recipe.freeze.attributes import is_library, slot_names
from appsnap.recipe.freeze.classes import HEAP_TYPE
from appsnap.recipe.freeze.cloudpickled import is_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Reducer = Callable[[Any], Any]

__all__ = ["Constant", "Held", "has_constants", "reduce_array_type", "with_constants"]

_CONSTANTS = {"argparse": ("SUPPRESS",), "optparse": ("NO_DEFAULT", "SUPPRESS_HELP", "SUPPRESS_USAGE")}
"""The constants of modules, which objects of their classes refer to."""

_ABSENT: Any = object()


class Held:
    """The objects that modules hold when a save begins to ask.

    Objects of a class are looked for in the module of the class and in the packages that it is in, each of them once.
    """

    def __init__(self, *, code: bool = True) -> None:
        self._code = code  # whether the file may carry code
        self._by_module: dict[str, dict[type, dict[int, str]]] = {}

    def rule(
        self, cls: type, found: Callable[[Any, tuple[str, str]], Any], rule: Callable[[Any], Any]
    ) -> Callable[[Any], Any]:
        """Return the rule for a class: `found` reduces an object with its name, and `rule` any other one.

        That is `rule` itself if no module holds an object of the class.
        """
        if not _compares_by_identity(cls):
            return rule
        names = self._names(cls)
        if cls is object and self._code:
            rule = functools.partial(_reduce_bare, _in_scripts(), rule)
        if not names:
            return rule
        is_sentinel = not _sets_attributes(cls)
        library = is_library(cls.__module__.partition(".")[0])

        def reduce(obj: Any) -> Any:
            name = names.get(id(obj))
            if name is None or not is_sentinel:
                return rule(obj)
            attributes = _attributes(obj)
            if attributes and not (library and all(type(value) is str for value in attributes)):
                return rule(obj)
            return found(obj, name)

        return reduce

    def searched(
        self, cls: type, found: Callable[[Any, tuple[str, str]], Any], rule: Callable[[Any], Any]
    ) -> Callable[[Any], Any]:
        """Return the rule for a class whose objects go by name, in whichever module they are.

        Those that are only in a dictionary of a module of their library go by the name of that, and by their key.
        """
        names = self._names_everywhere(cls)
        keys = self._keys_in_library(cls)

        def reduce(obj: Any) -> Any:
            name, key = names.get(id(obj)), keys.get(id(obj))
            if name is not None:
                return found(obj, name)
            if key is None:
                return rule(obj)
            return importlib.import_module("appsnap.ways.objects").item, (Constant(*key[:2]), key[2])

        return reduce

    def _keys_in_library(self, cls: type) -> dict[int, tuple[str, str, str]]:
        """Return a module, the name of a dictionary and a key for objects of a class, by id.

        The dictionaries are those of the package of the class. An application fills its own while it runs.
        """
        package = str(cls.__module__).partition(".")[0]
        modules = [one for one in [*sys.modules] if one.partition(".")[0] == package and is_importable(one)]
        found = [
            (module, name, key, obj)
            for module in modules
            for name, holder in [*vars(sys.modules[module]).items()]
            if issubclass(type(holder), dict) and type(name) is str and name.isidentifier() and name[:2] != "__"
            for key, obj in [*dict.items(holder)]
            if type(obj) is cls and type(key) is str
        ]
        names: dict[int, tuple[str, str, str]] = {}
        for module, name, key, obj in sorted(found, key=lambda one: (one[0].count("."), one[:3])):
            names.setdefault(id(obj), (module, name, key))
        return names

    def _names_everywhere(self, cls: type) -> dict[int, tuple[str, str]]:
        """Return the best names of the objects of a class, by id: all processes choose the same ones.

        A library's own name comes before that of an application that has imported the object.
        """
        own = str(cls.__module__).partition(".")[0]
        names: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for module in [module for module in [*sys.modules] if is_importable(module)]:
            for address, name in self._objects_in(module).get(cls, {}).items():
                names[address].append((module, name))
            for address, name in _of_classes(module, cls).items():
                names[address].append((module, name))

        def rank(name: tuple[str, str]) -> tuple[Any, ...]:
            package = name[0].partition(".")[0]
            private = any(part.startswith("_") for part in (*name[0].split("."), *name[1].split(".")))
            return package != own, not is_library(package), private, "." in name[1], name[0].count("."), name

        return {address: min(found, key=rank) for address, found in names.items()}

    def _names(self, cls: type) -> dict[int, tuple[str, str]]:
        """Return the names under which modules hold objects of a class, by id."""
        found: dict[int, tuple[str, str]] = {}
        if cls is object:
            # Only a bare object can be anywhere. They are few, and so are the saves that have one.
            modules = [module for module in [*sys.modules] if not is_script(module.partition(".")[0])]
            found = _in_classes(modules)
        else:
            parts = str(cls.__module__).split(".")
            modules = [".".join(parts[: end + 1]) for end in range(len(parts))]
        for module in modules:
            for address, name in self._objects_in(module).get(cls, {}).items():
                if "." in found.setdefault(address, (module, name))[1]:
                    found[address] = module, name
        return found

    def _objects_in(self, module: str) -> dict[type, dict[int, str]]:
        if module not in self._by_module:
            self._by_module[module] = _objects(module)
        return self._by_module[module]


def name_of(obj: Any) -> tuple[str, str] | None:
    """Return the best name of an object that any module holds, or None. For few objects: it looks at all modules."""
    return Held()._names_everywhere(type(obj)).get(id(obj))  # noqa: SLF001 - of this module


def is_importable(module: str) -> bool:
    """Tell whether another process can import a module by its name."""
    holder = sys.modules.get(module)
    # A module that a program has put together has no loader.
    return type(holder) is types.ModuleType and not is_script(module) and vars(holder).get("__spec__") is not None


def _of_classes(module: str, wanted: type) -> dict[int, str]:
    """Return the names of the objects of a class that are attributes of the classes of a module, by id."""
    found: dict[int, str] = {}
    for name, cls in [*vars(sys.modules[module]).items()]:
        if issubclass(type(cls), type) and cls.__module__ == module:
            for attribute, obj in [*vars(cls).items()]:
                if type(obj) is wanted:
                    found.setdefault(id(obj), f"{name}.{attribute}")
    return found


def _in_scripts() -> frozenset[int]:
    """Return the bare objects that scripts and their classes hold under a name, by id."""
    scripts = [module for module in [*sys.modules] if is_script(module)]
    held = [obj for module in scripts for obj in vars(sys.modules[module]).values() if type(obj) is object]
    return frozenset(map(id, held)) | _in_classes(scripts).keys()


def _in_classes(modules: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Return the names of the bare objects that are attributes of classes in modules, by id."""
    found: dict[int, tuple[str, str]] = {}
    for module in modules:
        if type(sys.modules.get(module)) is types.ModuleType:
            for address, name in _of_classes(module, object).items():
                found.setdefault(address, (module, name))
    return found


def _reduce_bare(in_scripts: frozenset[int], rule: Reducer, obj: object) -> Any:
    """Take a bare object apart. One of a script has an identity: the code of the script may be alive at the load."""
    identity = skeletons.sentinel_identity(obj, is_new=id(obj) in in_scripts)
    return rule(obj) if identity is None else (skeletons.sentinel, (identity,))


def _objects(module: str) -> dict[type, dict[int, str]]:
    """Return the names of the objects in a module, by class and id."""
    holder = sys.modules.get(module)
    found: dict[type, dict[int, str]] = defaultdict(dict)
    if type(holder) is types.ModuleType and not is_script(module):
        for name, obj in [*vars(holder).items()]:
            if type(name) is str and name.isidentifier():
                found[type(obj)].setdefault(id(obj), name)
    return found


def _compares_by_identity(cls: type) -> bool:
    """Tell whether objects of a class are compared by `is`, and are neither values nor containers."""
    if cls is object:
        return True
    plain = all(base.__flags__ & HEAP_TYPE for base in cls.__mro__[:-1]) and cls not in copyreg.dispatch_table
    # A look at the dictionaries runs no code: the class of a mock makes other mocks when it is asked.
    ways = _PROTOCOL if _has_no_place(cls) else _OWN_WAYS
    return plain and all(ways.isdisjoint(base.__dict__) for base in cls.__mro__[:-1])


def _has_no_place(cls: type) -> bool:
    """Tell whether objects of a class can have no state at all. Even one with an `__eq__` is no value then."""
    of_weakrefs = cls.__weakrefoffset__ and object.__basicsize__ // 2  # the size of a pointer
    return cls.__dictoffset__ == 0 and cls.__basicsize__ == object.__basicsize__ + of_weakrefs


_PROTOCOL = frozenset({"__reduce__", "__reduce_ex__", "__getstate__"})
_OWN_WAYS = _PROTOCOL | {"__eq__", "__len__", "__iter__"}
"""The methods of values, of containers, and of classes that say themselves how their objects are saved."""


def _attributes(obj: Any) -> list[Any]:
    cls = type(obj)
    slots = [getattr(obj, name, _ABSENT) for name in slot_names(cls)]
    return [*(obj.__dict__.values() if cls.__dictoffset__ else ()), *(value for value in slots if value is not _ABSENT)]


def _sets_attributes(cls: type) -> bool:
    """Tell whether methods of a class set attributes, once an object is made."""
    for base in cls.__mro__[:-1]:
        for name, method in base.__dict__.items():
            code = getattr(getattr(method, "__func__", method), "__code__", None)
            if isinstance(method, property):
                code = getattr(method.fset, "__code__", None)
            if code is None or name in ("__init__", "__new__"):
                continue
            sets = any(step.opname in ("STORE_ATTR", "DELETE_ATTR") for step in dis.get_instructions(code))
            if sets or not _SETTERS.isdisjoint(code.co_names):
                return True
    return False


_SETTERS = frozenset({"setattr", "__setattr__", "__dict__"})


# Constants


class Constant:
    """Stands for a constant of a module in the state of an object."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name


def has_constants(cls: type) -> bool:
    """Tell whether objects of a class may refer to constants."""
    return any(base.__module__ in _CONSTANTS for base in cls.__mro__)


def with_constants(reduction: Any) -> Any:
    """Return a reduction with a `Constant` in its state for each constant."""
    if not isinstance(reduction, tuple) or len(reduction) < 3 or type(reduction[2]) is not dict:
        return reduction
    known = {}
    for module, names in _CONSTANTS.items():
        for name in names if module in sys.modules else ():
            known[id(getattr(sys.modules[module], name))] = Constant(module, name)
    state = {name: known.get(id(value), value) for name, value in reduction[2].items()}
    return *reduction[:2], state, *reduction[3:]


# Classes that a call makes


def reduce_array_type(cls: Any) -> Any:
    """Return the reduction of a class of arrays of ctypes, or None for any other class."""
    if type(cls).__name__ != "PyCArrayType" or type(cls).__module__ != "_ctypes":
        return None
    return (operator.mul, (cls._type_, cls._length_)) if cls._type_ * cls._length_ is cls else None
