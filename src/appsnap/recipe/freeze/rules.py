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
import logging
import operator
import pickle
import sys
import types
from typing import TYPE_CHECKING, Any, Self

import cloudpickle

from appsnap import actions, evolve, running, states
from appsnap.errors import AppsnapError, Refused
from appsnap.printable import in_words
from appsnap.recipe import values
from appsnap.recipe.freeze import attributes, by_name, cloudpickled, generators, held, inherited, untouched
from appsnap.recipe.freeze.by_value import ByValue
from appsnap.recipe.freeze.classes import HEAP_TYPE
from appsnap.recipe.freeze.found import CACHED, check_current, defined_name, wrapper_of
from appsnap.recipe.freeze.inherited import PROTOCOL, arguments_of_newobj_ex, newobj, newobj_ex, standard_reduction
from appsnap.recipe.freeze.notes import Notes
from appsnap.recipe.freeze.weak import Referents
from appsnap.recipe.values.sharing import Sharing
from appsnap.recipe.values.ways import Way, way_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PROTOCOL", "Rules", "arguments_of_newobj_ex", "newobj", "newobj_ex", "standard_reduction"]

_extension_codes: Any = copyreg._extension_registry  # type: ignore[attr-defined]  # noqa: SLF001 - pickle looks there, too

_IMMUTABLE = 1 << 8
"""The flag of classes that nobody may change (Py_TPFLAGS_IMMUTABLETYPE). No load can make them again."""

# Types that claim to be in `builtins`, but are found in `types` only, under another name.
_TYPES_BY_ALIAS = {getattr(types, name): name for name in types.__all__ if isinstance(getattr(types, name), type)}


def _by_attribute(module: str, qualname: str) -> tuple[Any, ...]:
    """Return a reduction that finds any object by its name. An unpickler needs no rule of ours for it."""
    owner, _, name = qualname.rpartition(".")
    above = importlib.import_module(module)
    found = getattr, (operator.attrgetter(owner)(above) if owner else above, name)
    getattr(*found[1])  # raises AttributeError for a name that no load would find either
    return found


def _reduce_by_way_of_user(way: Way, obj: Any) -> Any:
    """Return the reduction by a way that isn't appsnap's. Raises Refused with the place of the way if it fails."""
    try:
        reduction = way.reduce(obj)
    except (AppsnapError, MemoryError, RecursionError):
        raise
    except (Exception, SystemExit) as error:  # the exit code would be that of a save that has succeeded
        raise Refused(f"its way to save in {way.where}: {in_words(error)}", "correct that way") from error
    if reduction is not NotImplemented and not isinstance(reduction, (str, tuple)):
        reason = f"its way to save in {way.where} returned {reduction!r:.60}, and no reduction"
        raise Refused(reason, "return appsnap.call(function, ...) there")
    return reduction


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


def _may_go_by_name(cls: type) -> bool:
    """Tell whether the protocol of a class may give a name: its objects reduce themselves.

    In the standard library only the objects of `typing` do so.
    """
    if cls in copyreg.dispatch_table:
        return True
    if str(cls.__module__).partition(".")[0] in sys.stdlib_module_names - {"typing"}:
        return False
    own = [getattr(cls, name) is not getattr(object, name) for name in ("__reduce_ex__", "__reduce__")]
    return any(own)


def _reduce_checked(obj: Any) -> Any:
    return _checked(obj, standard_reduction(obj))


def _checked(obj: Any, reduction: Any) -> Any:
    if isinstance(reduction, str):
        module = pickle.whichmodule(obj, reduction)  # type: ignore[attr-defined]  # not in the stubs
        cloudpickled.refuse_script(module, reduction)
    return reduction


def _reduce_member(member: enum.Enum) -> Any:
    cls = type(member)
    if member._name_ in cls.__members__:
        return getattr, (cls, member._name_)
    return newobj, (cls, member._value_)  # several flags combined have no name


def _reduce_cached(reduce: Callable[[Any], Any], function: Any) -> Any:
    wrapper = wrapper_of(function)
    return reduce(function) if wrapper is None else (getattr, (wrapper, "__wrapped__"))


def _need_steps(_: Any) -> Any:
    raise TypeError("the C pickler has no opcode for it")


def _restored(cls: type) -> Callable[[Any], Any]:
    """Return the rule for objects of a class that get their state by `actions.set_state`."""
    return functools.partial(_reduce_restored, inherited.rule(cls) or standard_reduction, by_name.respeller(cls))


def _reduce_restored(reduce: Callable[[Any], Any], respell: Callable[[Any, Any], Any] | None, obj: Any) -> Any:
    reduction = reduce(obj)
    if not isinstance(reduction, tuple):
        return _checked(obj, reduction)
    reduction = reduction if respell is None else respell(obj, reduction)
    function, args, state, items, pairs, setter = (*reduction, None, None, None, None)[:6]
    state = {} if state is None else evolve.without_transients(type(obj), state)
    return function, args, state, items, pairs, setter or actions.set_state


def _reduce_by_name(respell: Callable[[Any, Any], Any], reduce: Callable[[Any], Any], obj: Any) -> Any:
    reduction = reduce(obj)
    return respell(obj, reduction) if isinstance(reduction, tuple) else reduction


def _reduce_by_call(reduce: Callable[[Any], Any], obj: Any) -> Any:
    """Take apart an object of a class that misleads pickle: its state is given by a call of ours."""
    reduction = reduce(obj)
    if not isinstance(reduction, tuple):
        return _checked(obj, reduction)
    function, args, state, items, pairs, setter = (*reduction, None, None, None, None)[:6]
    return reduction if state is None or setter else (function, args, state, items, pairs, actions.set_state)


def _reduce_adopted(rule: Callable[[Any], Any], obj: Any) -> Any:
    reduction = rule(obj)
    reduction = standard_reduction(obj) if reduction is NotImplemented else reduction
    function, args, state, items, pairs, setter = (*reduction, None, None, None, None)[:6]
    own = obj.__dict__
    if setter is not None or not isinstance(state, dict) or state.keys() != own.keys():
        return reduction  # it has slots, or transient attributes
    return function, args, own, items, pairs, actions.adopt


class Rules:
    """The rules for one save. The objects that are saved by name are looked up when it begins.

    `before` are the rules of an earlier walk over the same objects. It has found the arrays that share memory, and the
    objects that the graph holds. `notes` collects the facts to tell.
    """

    def __init__(self, notes: Notes | None = None, before: Rules | None = None) -> None:
        self.sharing: Sharing = (None if before is None else before.sharing.found()) or Sharing()
        holds = None if before is None else before.referents.found()
        self.referents: Referents = Referents(holds, self._is_known)
        self.notes = notes or Notes()
        self.notes.begin()
        self._known = {id(obj): (obj, name) for name, obj in evolve.known_objects().items()}
        self._known_types = {type(obj) for obj, _ in self._known.values()}
        self._rules: dict[type, Callable[[Any], Any]] = {}
        self._held = held.Held(code=self.notes.code)
        self.by_steps = False  # whether steps are made of the reductions, not opcodes of the C pickler
        # What an earlier walk has found stays, for its objects aren't taken apart again.
        old = before or self
        self.modules: set[str] = getattr(old, "modules", set())  # of the classes and functions that are saved by name
        # The classes of which objects get their state by actions.set_state.
        self.restored: set[str] = getattr(old, "restored", set())
        # Other classes with transient attributes, with the digest of those.
        self.left_out: dict[str, str] = getattr(old, "left_out", {})
        self._by_value = ByValue(self)

    def __call__(self, obj: Any) -> Any:
        """Return the reduction of an object, or NotImplemented."""
        cls = type(obj)
        return (self._rules.get(cls) or self._rule_of(cls))(obj)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the objects. Until the collector runs, the cycle of the bound methods would keep all of them."""
        self.__dict__ = {"modules": self.modules, "restored": self.restored, "left_out": self.left_out}

    @property
    def need_another_walk(self) -> bool:
        """Whether only a walk with rules that know the outcome of this one finds the right recipe."""
        return self.sharing.found() is not None or self.referents.found() is not None

    def is_standard(self, cls: type) -> bool:
        """Tell whether pickle's own protocol takes objects of a class apart, and assignments alone restore them."""
        rule: Any = self._rule_of(cls)
        if type(rule) is functools.partial and rule.func is inherited.reduce_unless_own_key:
            (rule,) = rule.args
        if type(rule) is functools.partial and rule.func == self._reduce_lasting:
            rule = rule.args[-1]
            if rule.func is not _reduce_restored or rule.args != (standard_reduction, None):
                return False
        elif rule is not _leave:
            return False
        reducers = [states.special(cls, name) for name in ("__reduce_ex__", "__reduce__")]
        arguments = [states.special(cls, name) for name in ("__getnewargs__", "__getnewargs_ex__")]
        stated = [base for base in cls.__mro__[:-1] if "__getstate__" in base.__dict__]
        standard = reducers == [object.__reduce_ex__, object.__reduce__] and arguments == [None, None]
        return standard and all(map(running.is_service_class, stated))

    def _rule_of(self, cls: type) -> Callable[[Any], Any]:
        if cls not in self._rules:
            self._rules[cls] = self._rule_for(cls)
        return self._rules[cls]

    def _rule_for(self, cls: type) -> Callable[[Any], Any]:
        if cls not in self._known_types:
            check_current(cls)
        way = way_of(cls)
        if way is not None:
            reduce = way.reduce if way.is_own else functools.partial(_reduce_by_way_of_user, way)
            rule = untouched.once(functools.partial(self._reduce_by_way, way, reduce), self.notes.taken)
            if way.weak:
                rule = functools.partial(self._reduce_weak, rule)
            if way.by_name:
                rule = self._held.searched(cls, self._reduce_held, rule)
            return functools.partial(self._reduce_known, rule) if cls in self._known_types else rule
        return self._rule_without_way(cls)

    def _reduce_by_way(self, way: Way, reduce: Callable[[Any], Any], obj: Any) -> Any:
        if way.before_fork and not self.notes.asks:
            self.notes.unasked[id(obj)] = None
            return list, ()  # any reduction will do: nothing is written
        cls = type(obj)
        reduction = reduce(obj)
        if reduction is NotImplemented:
            return self._rule_without_way(cls)(obj)
        if type(reduction) is not tuple or not evolve.needs_restoring(cls) or reduction[5:] not in ((), (None,)):
            return reduction
        function, args, state, items, pairs = (*reduction, None, None, None)[:5]
        state = evolve.without_transients(cls, {} if state is None else state)
        return function, args, state, items, pairs, actions.set_state

    def _reduce_weak(self, rule: Callable[[Any], Any], obj: Any) -> Any:
        return self.referents.resolved(rule(obj))

    def _rule_without_way(self, cls: type) -> Callable[[Any], Any]:
        rule = self._rule_by_type(cls)
        if issubclass(cls, logging.Logger):
            rule = functools.partial(self._reduce_logger, rule)
        if states.chooses_dict(cls):
            rule = functools.partial(_reduce_adopted, rule)
        # The C pickler asks no function of copyreg about functions: they have names. Twisted registers one for them.
        named = cls is types.FunctionType or cls is types.BuiltinFunctionType
        own = untouched.has_own_methods(cls) or (cls in copyreg.dispatch_table and not named)
        if own and not issubclass(cls, type) and rule is not _need_steps:
            rule = untouched.once(untouched.guarded(cls, rule, standard_reduction), self.notes.taken)
            if running.is_service(cls):
                rule = functools.partial(self._reduce_service, rule)
        return functools.partial(self._reduce_known, rule) if cls in self._known_types else rule

    def _rule_by_type(self, cls: type) -> Callable[[Any], Any]:
        if issubclass(cls, type):
            return _leave if cls in copyreg.dispatch_table else self._reduce_class
        if cls is types.FunctionType:
            return self._reduce_function
        if cls is types.MethodType:
            return self._reduce_bound
        if cls is types.MethodWrapperType:
            return _reduce_method
        if cls is types.BuiltinFunctionType:
            return self._reduce_builtin
        if cls is types.ModuleType:
            return self._reduce_module
        if cls is types.CodeType and not self.notes.code:
            return self.notes.refuse
        if cls is types.GeneratorType:
            return generators.reduce
        if cls in self._by_value.reducers:
            return self._by_value.reducers[cls]
        reduce = cloudpickled.reducer(cls)
        if reduce is not None:
            return functools.partial(_reduce_cached, reduce) if cls is CACHED else reduce
        if issubclass(cls, enum.Enum):
            return _reduce_member
        if not self.by_steps and attributes.needs_steps(cls):
            return _need_steps
        if evolve.needs_restoring(cls):
            name = f"{cls.__module__}.{cls.__qualname__}"
            left_out = evolve.transients_digest(cls)
            # A load has to find the class by its name, to see whether its transient attributes are still the same.
            found = cloudpickled.by_reference(cls) and self._reduce_class(cls) is NotImplemented
            if left_out is not None and found:
                return functools.partial(self._reduce_lasting, name, left_out, _restored(cls))
            self.restored.add(name)
            return _restored(cls)
        if cls is getattr(sys.modules.get("numpy"), "ndarray", None):
            return self.sharing.reduce
        if cls is held.Constant:
            return lambda constant: self._reduce_held(constant, (constant.module, constant.name))
        return self._held.rule(cls, self._reduce_held, values.reducer(cls) or self._rule_by_shape(cls))

    def _rule_by_shape(self, cls: type) -> Callable[[Any], Any]:
        respell = by_name.respeller(cls)
        mended = inherited.rule(cls)
        if respell is not None:
            short = by_name.short_way(cls) if mended is None else None
            return short or functools.partial(_reduce_by_name, respell, mended or _reduce_checked)
        misled = states.misleads_pickle(cls)
        if misled:
            return functools.partial(_reduce_by_call, mended or standard_reduction)
        return mended or inherited.refusing_own_keys(cls, _reduce_checked if _may_go_by_name(cls) else _leave)

    def _reduce_held(self, _: Any, name: tuple[str, str]) -> Any:
        self.modules.add(name[0])
        return _by_attribute(*name)

    def _reduce_lasting(self, name: str, left_out: str, reduce: Callable[[Any], Any], obj: Any) -> Any:
        reduction = reduce(obj)
        if type(reduction) is tuple and reduction[0] is newobj and reduction[5] is actions.set_state:
            self.left_out[name] = left_out
            return reduction[:5]
        self.restored.add(name)
        return reduction

    def _reduce_logger(self, rule: Callable[[Any], Any], logger: logging.Logger) -> Any:
        self.notes.logger(logger)
        return rule(logger)

    def _reduce_service(self, rule: Callable[[Any], Any], obj: Any) -> Any:
        reduction = rule(obj)
        if type(reduction) is tuple and len(reduction) > 5 and reduction[5] not in (None, actions.set_state):
            # Its own function gives it the state. Then only the steps tell which service it is, and stop it.
            self.restored.discard(f"{type(obj).__module__}.{type(obj).__qualname__}")
        return reduction

    def _is_known(self, obj: Any) -> bool:
        return id(obj) in self._known

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
        public = evolve.public_name(cls.__module__, cls.__qualname__)
        if public != (cls.__module__, cls.__qualname__) and actions.named(*public) is cls:
            return _by_attribute(*public)
        return self._reduce_function(cls)

    def _reduce_function(self, function: Any) -> Any:
        """Save a class or function by name if it can be imported, else by value."""
        if isinstance(function, type):
            check_current(function)
        elif (defined := defined_name(function)) is not None:
            self.modules.add(defined[0])
            return _by_attribute(*defined)
        elif (wrapper := wrapper_of(function)) is not None:
            return getattr, (wrapper, "__wrapped__")
        if not cloudpickled.by_reference(function):
            array = held.reduce_array_type(function)
            if array is not None:
                return array
            if isinstance(function, type) and (function.__flags__ & _IMMUTABLE or not function.__flags__ & HEAP_TYPE):
                raise TypeError("a class that isn't written in Python, and that no name leads to")
            self.notes.by_value(function)
            if cloudpickled.is_dispatching(function):
                return cloudpickled.reduce_dispatching(function)
            return self._by_value.class_(function) if isinstance(function, type) else self._by_value.function(function)
        self.modules.add(function.__module__)
        if isinstance(function, type) and states.misleads_pickle(function):
            self.restored.add(f"{function.__module__}.{function.__qualname__}")
        if (function.__module__, function.__qualname__) in _extension_codes:
            # The C pickler would write the extension code. Other processes don't know it.
            return _by_attribute(function.__module__, function.__qualname__)
        return NotImplemented

    def _reduce_bound(self, method: Any) -> Any:
        owner = method.__self__
        cls = owner if isinstance(owner, type) else type(owner)
        # A class that is made without its methods first may be asked for the method before it has it.
        in_pieces = not cloudpickled.by_reference(cls) and self._by_value.statement(cls) is None
        return (types.MethodType, (method.__func__, owner)) if in_pieces else _reduce_method(method)

    def _reduce_builtin(self, function: Any) -> Any:
        owner = function.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            return _reduce_method(function)
        cloudpickled.refuse_script(function.__module__, function.__qualname__)
        self.modules.add(function.__module__ or "builtins")
        return NotImplemented

    def _reduce_module(self, module: types.ModuleType) -> Any:
        name = module.__name__
        if sys.modules.get(name) is module:
            # `appsnap.script` gives the modules of scripts names like `<shop.tac>`.
            if cloudpickled.is_script(name) or "__main__" in name.split("."):
                raise TypeError("the module of a script can't be imported where the snapshot is loaded")
            return importlib.import_module, (name,)
        return cloudpickle.Pickler.dispatch_table[types.ModuleType](module)
