"""The reduction rules: how one object is taken apart.

`Rules` is a function from an object to its reduction, in the form of pickle's `reducer_override`: a string (the name of
the object in its module), a tuple of two to six fields, or NotImplemented. NotImplemented leaves the object to pickle's
own protocol: `copyreg.dispatch_table`, then `__reduce_ex__(5)`. The C pickler and `freeze` both call the rules. There
are no others.
"""

from __future__ import annotations

import copyreg
import enum
import functools
import importlib
import io
import operator
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any

import cloudpickle

from appsnap import actions, evolve, running, states
from appsnap.recipe import values
from appsnap.recipe.freeze import by_name, untouched
from appsnap.recipe.freeze.found import check_current, defined_name
from appsnap.recipe.values.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PROTOCOL", "Rules", "newobj", "newobj_ex", "standard_reduction"]

PROTOCOL = 5
"""The pickle protocol that a recipe has the semantics of."""

newobj: Any = copyreg.__newobj__  # type: ignore[attr-defined]  # not in the stubs
newobj_ex: Any = copyreg.__newobj_ex__  # type: ignore[attr-defined]  # not in the stubs
"""The functions in reductions that stand for `cls.__new__`, without and with keywords."""

_extension_codes: Any = copyreg._extension_registry  # type: ignore[attr-defined]  # noqa: SLF001 - pickle looks there, too

# Cloudpickle can take these apart, pickle can't. Files are left out: cloudpickle would save their content.
_BY_CLOUDPICKLE: tuple[type, ...] = (
    types.CellType,
    types.CodeType,
    types.MappingProxyType,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
    classmethod,
    property,
    staticmethod,
    weakref.WeakSet,
)

# Types that claim to be in `builtins`, but are found in `types` only, under another name.
_TYPES_BY_ALIAS = {getattr(types, name): name for name in types.__all__ if isinstance(getattr(types, name), type)}


def standard_reduction(obj: Any) -> Any:
    """Return the reduction that pickle's own protocol gives."""
    reduce = copyreg.dispatch_table.get(type(obj))
    return obj.__reduce_ex__(PROTOCOL) if reduce is None else reduce(obj)


def _by_attribute(module: str, qualname: str) -> tuple[Any, ...]:
    """Return a reduction that finds any object by its name. An unpickler needs no rule of ours for it."""
    owner, _, name = qualname.rpartition(".")
    above = importlib.import_module(module)
    found = getattr, (operator.attrgetter(owner)(above) if owner else above, name)
    getattr(*found[1])  # raises AttributeError for a name that no load would find either
    return found


def _leave(_: Any) -> Any:
    return NotImplemented


def _reduce_method(method: Any) -> Any:
    owner, name = method.__self__, method.__name__
    if name.startswith("__") and not name.endswith("__"):
        classes = (owner if isinstance(owner, type) else type(owner)).__mro__
        mangled = [f"_{cls.__name__.lstrip('_')}{name}" for cls in classes]
        name = next((found for found in mangled if getattr(owner, found, None) == method), name)
    if getattr(owner, name, None) == method:
        return getattr, (owner, name)
    # Its class has no method of that name: it is a lambda, or a function that a decorator has returned.
    return types.MethodType, (method.__func__, owner)


def _reduce_member(member: enum.Enum) -> Any:
    cls = type(member)
    if member._name_ in cls.__members__:
        return getattr, (cls, member._name_)
    return newobj, (cls, member._value_)  # several flags combined have no name


def _reduce_restored(obj: Any) -> Any:
    reduction = standard_reduction(obj)
    if not isinstance(reduction, tuple):
        return reduction
    respell = by_name.respeller(type(obj))
    reduction = reduction if respell is None else respell(obj, reduction)
    function, args, state, items, pairs, setter = (*reduction, None, None, None, None)[:6]
    state = {} if state is None else evolve.without_transients(type(obj), state)
    return function, args, state, items, pairs, setter or actions.set_state


def _reduce_by_name(respell: Callable[[Any, Any], Any], obj: Any) -> Any:
    reduction = standard_reduction(obj)
    return respell(obj, reduction) if isinstance(reduction, tuple) else reduction


def _reduce_by_call(obj: Any) -> Any:
    """Take apart an object of a class that misleads pickle: its state is given by a call of ours."""
    reduction = standard_reduction(obj)
    if not isinstance(reduction, tuple):
        return reduction
    function, args, state, items, pairs, setter = (*reduction, None, None, None, None)[:6]
    return reduction if state is None or setter else (function, args, state, items, pairs, actions.set_state)


class Rules:
    """The rules for one save. The objects that are saved by name are looked up when it begins.

    `sharing` has the arrays that share memory, as an earlier walk over the same objects found them.
    """

    def __init__(self, sharing: Sharing | None = None) -> None:
        self.sharing = sharing or Sharing()
        self._known = {id(obj): (obj, name) for name, obj in evolve.known_objects().items()}
        self._known_types = {type(obj) for obj, _ in self._known.values()}
        self._rules: dict[type, Callable[[Any], Any]] = {}
        self.modules: set[str] = set()  # of the classes and functions that are saved by name
        self.restored: set[str] = set()  # the classes of which objects get their state by actions.set_state
        self.left_out: dict[str, str] = {}  # other classes with transient attributes, with the digest of those
        self._by_value = cloudpickle.Pickler(io.BytesIO(), protocol=PROTOCOL)

    def __call__(self, obj: Any) -> Any:
        """Return the reduction of an object, or NotImplemented."""
        cls = type(obj)
        rule = self._rules.get(cls)
        if rule is None:
            rule = self._rules[cls] = self._rule_for(cls)
        return rule(obj)

    def _rule_for(self, cls: type) -> Callable[[Any], Any]:
        if cls not in self._known_types:
            check_current(cls)
        rule = self._rule_by_type(cls)
        if untouched.has_own_methods(cls) and not issubclass(cls, type):
            rule = untouched.guarded(cls, rule, standard_reduction)
            if running.is_service(cls):
                rule = functools.partial(self._reduce_service, rule)
        return functools.partial(self._reduce_known, rule) if cls in self._known_types else rule

    def _rule_by_type(self, cls: type) -> Callable[[Any], Any]:
        if issubclass(cls, type):
            return _leave if cls in copyreg.dispatch_table else self._reduce_class
        if cls is types.FunctionType:
            return self._reduce_function
        if cls in (types.MethodType, types.MethodWrapperType):
            return _reduce_method
        if cls is types.BuiltinFunctionType:
            return self._reduce_builtin
        if cls is types.ModuleType:
            return self._reduce_module
        if cls in _BY_CLOUDPICKLE:
            reduce: Callable[[Any], Any] = self._by_value.dispatch_table[cls]
            return reduce
        if issubclass(cls, enum.Enum):
            return _reduce_member
        if evolve.needs_restoring(cls):
            name = f"{cls.__module__}.{cls.__qualname__}"
            left_out = evolve.transients_digest(cls)
            # A load has to find the class by its name, to see whether its transient attributes are still the same.
            if left_out is not None and self._reduce_class(cls) is NotImplemented:
                return functools.partial(self._reduce_lasting, name, left_out)
            self.restored.add(name)
            return _reduce_restored
        if cls is getattr(sys.modules.get("numpy"), "ndarray", None):
            return self.sharing.reduce
        respell = by_name.respeller(cls)
        if respell is not None:
            return by_name.short_way(cls) or functools.partial(_reduce_by_name, respell)
        misled = states.misleads_pickle(cls)  # type: ignore[arg-type]  # classes are hashable
        return values.reducer(cls) or (_reduce_by_call if misled else _leave)

    def _reduce_lasting(self, name: str, left_out: str, obj: Any) -> Any:
        reduction = _reduce_restored(obj)
        if type(reduction) is tuple and reduction[0] is newobj and reduction[5] is actions.set_state:
            self.left_out[name] = left_out
            return reduction[:5]
        self.restored.add(name)
        return reduction

    def _reduce_service(self, rule: Callable[[Any], Any], obj: Any) -> Any:
        reduction = rule(obj)
        if type(reduction) is tuple and len(reduction) > 5 and reduction[5] not in (None, actions.set_state):
            # Its own function gives it the state. Then only the steps tell which service it is, and stop it.
            self.restored.discard(f"{type(obj).__module__}.{type(obj).__qualname__}")
        return reduction

    def _reduce_known(self, rule: Callable[[Any], Any], obj: Any) -> Any:
        known = self._known.get(id(obj))
        if known is None:
            return rule(obj)
        module, qualname = known[1]
        if sys.modules.get(f"{module}.{qualname}") is obj:  # a module has put it into its own place
            return importlib.import_module, (f"{module}.{qualname}",)
        return _by_attribute(module, qualname)

    def _reduce_class(self, cls: type) -> Any:
        if cls in _TYPES_BY_ALIAS and not hasattr(sys.modules[cls.__module__], cls.__name__):
            return _by_attribute("types", _TYPES_BY_ALIAS[cls])
        if cls in _TYPES_BY_ALIAS:
            return NotImplemented
        if evolve.public_module(cls.__module__) != cls.__module__:
            return _by_attribute(evolve.public_module(cls.__module__), cls.__qualname__)
        return self._reduce_function(cls)

    def _reduce_function(self, function: Any) -> Any:
        """Save a class or function by name if it can be imported, else by value."""
        if isinstance(function, type):
            check_current(function)
        else:
            defined = defined_name(function)
            if defined is not None:
                self.modules.add(defined[0])
                return _by_attribute(*defined)
        reduction = self._by_value.reducer_override(function)
        if reduction is not NotImplemented:
            return reduction
        self.modules.add(function.__module__)
        if isinstance(function, type) and states.misleads_pickle(function):
            self.restored.add(f"{function.__module__}.{function.__qualname__}")
        if (function.__module__, function.__qualname__) in _extension_codes:
            # The C pickler would write the extension code. Other processes don't know it.
            return _by_attribute(function.__module__, function.__qualname__)
        return NotImplemented

    def _reduce_builtin(self, function: Any) -> Any:
        owner = function.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            return _reduce_method(function)
        self.modules.add(function.__module__ or "builtins")
        return NotImplemented

    def _reduce_module(self, module: types.ModuleType) -> Any:
        name = module.__name__
        if sys.modules.get(name) is module:
            # `appsnap.script` gives the modules of scripts names like `<shop.tac>`.
            if name.startswith("<") or "__main__" in name.split("."):
                raise TypeError("the module of a script can't be imported where the snapshot is loaded")
            return importlib.import_module, (name,)
        return self._by_value.dispatch_table[types.ModuleType](module)
