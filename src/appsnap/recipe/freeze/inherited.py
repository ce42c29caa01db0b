"""Reductions that a class inherits, mended where they would lose something.

The `__reduce__` of a builtin class knows neither the attributes that a subclass adds nor its constructor: to load it
would call `cls(items)`, and forget the attributes. The mended reduction makes the object by `__new__` alone, and adds
the attributes to its state. A class with a `__reduce__` of its own is left alone. So are all classes that lose nothing.
"""

from __future__ import annotations

import array
import collections
import copyreg
import functools
import inspect
import pickle
import random
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any

from appsnap import actions, states
from appsnap.recipe import values
from appsnap.recipe.freeze import held
from appsnap.recipe.freeze.attributes import (
    adds_attributes,
    attributes_of,
    definer_of,
    fields_of,
    has_own_state,
    slots_of,
    with_attributes,
)
from appsnap.recipe.freeze.classes import HEAP_TYPE
from appsnap.recipe.steps import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "PROTOCOL",
    "arguments_of_newobj_ex",
    "newobj",
    "newobj_ex",
    "reduce_unless_own_key",
    "refusing_own_keys",
    "rule",
    "standard_reduction",
]

newobj: Any = copyreg.__newobj__  # type: ignore[attr-defined]  # not in the stubs
newobj_ex: Any = copyreg.__newobj_ex__  # type: ignore[attr-defined]  # not in the stubs
"""The functions in reductions that stand for `cls.__new__`, without and with keywords."""


def arguments_of_newobj_ex(args: Any) -> tuple[type, tuple[Any, ...], dict[str, Any]]:
    """Return the class, the arguments and the keywords that a reduction gives to `newobj_ex`.

    Raises pickle.PicklingError for anything else.
    """
    if type(args) is tuple and len(args) == 3:
        cls, positional, keywords = args
        named = type(keywords) is dict and all(isinstance(name, str) for name in keywords)
        if isinstance(cls, type) and type(positional) is tuple and named:
            return args
    raise pickle.PicklingError("the arguments of __newobj_ex__ must be a class, a tuple and a dictionary with names")


_NOT_CREATABLE = 1 << 7
"""The flag of types that nobody but the interpreter makes objects of (Py_TPFLAGS_DISALLOW_INSTANTIATION)."""

_FILLED = (dict, list, set, collections.deque, bytearray, random.Random, types.SimpleNamespace)
"""Classes whose `__init__` only fills an object. Items and state do the same."""

_VALUES = (int, float, complex, str, bytes, tuple)
"""Classes whose `__getnewargs__` gives the value alone."""


def standard_reduction(obj: Any) -> Any:
    """Return the reduction that pickle's own protocol gives."""
    reduce = copyreg.dispatch_table.get(type(obj))
    return obj.__reduce_ex__(PROTOCOL) if reduce is None else reduce(obj)


def rule(cls: type) -> Callable[[Any], Any] | None:
    """Return the function that takes objects of a class apart, or None if pickle's own protocol loses nothing."""
    if cls in copyreg.dispatch_table:
        return None
    definer = definer_of(cls, "__reduce_ex__", "__reduce__")
    if definer is object and held.has_constants(cls):
        return _reduce_with_constants
    if cls.__qualname__ == "_PathParents" and cls.__module__.startswith("pathlib"):
        return _reduce_parents
    if definer is object and any(base.__module__ == "asyncio.mixins" for base in cls.__mro__):
        return _reduce_bound_to_loop
    if _may_be_proxy(cls):
        return functools.partial(_reduce_proxy, definer, _rule_by_definer(cls, definer))
    return _rule_by_definer(cls, definer)


def _rule_by_definer(cls: type, definer: type) -> Callable[[Any], Any] | None:
    if issubclass(cls, BaseException):
        if cls.__module__ == "builtins":
            return _reduce_builtin_exception
        # A `__reduce__` of a class above doesn't know the constructor of this one.
        inherits = cls is not definer and _has_own_constructor(cls, definer)
        return _reduce_exception if definer.__module__ == "builtins" or inherits else None
    if values.of_type(cls) is not None:
        return None
    if cls.__flags__ & _NOT_CREATABLE:
        return _reduce_not_creatable
    if definer is array.array:
        return _reduce_array
    container = actions.native_base(cls)  # type: ignore[arg-type]  # classes are hashable
    if container is not None or _needs_filling(cls, definer):
        return functools.partial(_reduce_container, container)
    if definer is not object:
        if cls is definer or not (adds_attributes(cls, definer) or _has_own_constructor(cls, definer)):
            return None
        return functools.partial(_reduce_inherited, definer)
    stated = definer_of(cls, "__getstate__")
    if states.fields(cls) is not None:  # type: ignore[arg-type]  # classes are hashable
        return _reduce_with_fields
    made: Any = cls.__new__
    if stated is object and made is object.__new__ and states.hidden_slots(cls):  # type: ignore[arg-type]  # as above
        return _reduce_with_hidden_slots
    # One that is written in Python says itself what its state is.
    if (
        stated is not object
        and not isinstance(stated.__dict__["__getstate__"], types.FunctionType)
        and adds_attributes(cls, stated)
    ):
        return functools.partial(_reduce_inherited, stated)
    return _by_new(cls) if isinstance(cls.__new__, types.FunctionType) and not _is_of_namedtuple(cls.__new__) else None


# Constructors


def _has_own_constructor(cls: type, definer: type) -> bool:
    return cls.__init__ is not definer.__init__ or cls.__new__ is not definer.__new__  # type: ignore[misc]  # compared, not called


def _is_of_attributes(cls: type) -> bool:
    """Tell whether attributes are all that objects of a class have: no class above is written in C."""
    new: Any = cls.__new__
    return new is object.__new__ and all(base.__flags__ & HEAP_TYPE for base in cls.__mro__[:-1])


def _accepts(function: Any, *args: Any) -> bool:
    if not isinstance(function, types.FunctionType):
        return True
    try:
        inspect.signature(function).bind(*args)
    except TypeError:
        return False
    return True


def _is_of_namedtuple(function: Any) -> bool:
    return str(function.__module__).startswith("namedtuple_")


def _reduce_inherited(definer: type, obj: Any) -> Any:
    """Take an object apart as a class above does, but without its own constructor, and with its attributes."""
    reduction = standard_reduction(obj)
    if not isinstance(reduction, tuple):
        return reduction
    cls = type(obj)
    function, args, *rest = reduction
    if function is cls and _has_own_constructor(cls, definer) and not _is_filled_by_c(cls):
        if definer.__init__ is object.__init__ or issubclass(definer, _FILLED):  # type: ignore[misc]  # compared, not called
            reduction = (*_made_by_new(obj, args), *rest)
        elif not (_accepts(cls.__init__, obj, *args) and _accepts(cls.__new__, cls, *args)):
            if not _is_of_attributes(cls):
                raise pickle.PicklingError(_TAKES_OTHERS % definer.__qualname__)
            # Nothing of it is elsewhere. A `__setstate__` of the class above still gets the state that it knows.
            attributes = slots_of(obj) | (obj.__dict__ if cls.__dictoffset__ else {})
            above = {states.BASE_STATE: rest[0]} if rest and states.special(cls, "__setstate__") is not None else {}
            return newobj, (cls,), {**above, **attributes}, *(*rest, None, None)[1:3], actions.set_state
    return with_attributes(obj, reduction, definer) if adds_attributes(cls, definer) else reduction


def _reduce_array(obj: array.array[Any]) -> Any:
    return *_made_by_new(obj, (obj.typecode, obj.tolist())), attributes_of(obj, array.array)


_TAKES_OTHERS = "its constructor takes other arguments than %s, whose __reduce__ it inherits"


def _made_by_new(obj: Any, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return function and arguments that make a value, if necessary without the `__new__` of its own class."""
    cls: Any = type(obj)
    if not isinstance(cls.__new__, types.FunctionType) or _gives_the_same(obj, args):
        return newobj, (cls, *args)
    base: Any = next(base for base in cls.__mro__ if "__new__" in base.__dict__ and _is_of_python(base))
    return base.__new__, (cls, *args)


def _is_of_python(cls: type) -> bool:
    return not isinstance(cls.__new__, types.FunctionType) or cls.__module__ in ("fractions", "pathlib")


def _gives_the_same(obj: Any, args: tuple[Any, ...]) -> bool:
    """Tell whether `__new__` of a class takes a value, and gives that value again. One that keeps values does."""
    cls = type(obj)
    if not _accepts(cls.__new__, cls, *args):
        return False
    if isinstance(obj, BaseException):
        return True
    try:
        made = cls.__new__(cls, *args)
        return made is obj or (type(made) is cls and _value(made) == _value(obj))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - any error says that it takes something else
        return False


def _value(obj: Any) -> Any:
    base: Any = next(base for base in type(obj).__mro__ if _is_of_python(base))
    if isinstance(obj, array.array):
        return [obj.typecode, obj.tolist()]
    return [part for part in fields_of(base.__reduce_ex__(obj, PROTOCOL))[1] if part is not type(obj)]


def _by_new(cls: type) -> Callable[[Any], Any] | None:
    """Return the rule for a class that has a `__new__` of its own."""
    given = _definer_or_none(cls, "__getnewargs_ex__", "__getnewargs__")
    if given is None:
        return None if _accepts(cls.__new__, cls) else _reduce_without_arguments
    if given in _VALUES or getattr(getattr(given, "__getnewargs__", None), "__module__", "") == "collections":
        return _reduce_value
    return _reduce_with_arguments


def _definer_or_none(cls: type, *names: str) -> type | None:
    return next((base for base in cls.__mro__ if not base.__dict__.keys().isdisjoint(names)), None)


def _reduce_value(obj: Any) -> Any:
    function, args, *rest = standard_reduction(obj)
    if function is not newobj:
        return function, args, *rest
    value = args[1:] if not isinstance(obj, tuple) or _gives_the_same(obj, args[1:]) else (tuple(obj),)
    return *_made_by_new(obj, value), *rest


def _reduce_without_arguments(obj: Any) -> Any:
    missing = [
        parameter.name
        for parameter in [*inspect.signature(type(obj).__new__).parameters.values()][1:]
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    raise pickle.PicklingError(
        f"its __new__ needs {', '.join(missing) or 'arguments'}, which no load knows: write a __getnewargs_ex__"
    )


def _reduce_with_arguments(obj: Any) -> Any:
    reduction = standard_reduction(obj)
    if isinstance(reduction, tuple) and reduction[0] in (newobj, newobj_ex):
        plain = reduction[0] is newobj
        cls, positional, keywords = (type(obj), reduction[1][1:], {}) if plain else arguments_of_newobj_ex(reduction[1])
        try:
            inspect.signature(cls.__new__).bind(cls, *positional, **keywords)
        except TypeError as error:
            raise pickle.PicklingError(
                f"its __new__ doesn't take the arguments of its __getnewargs__: {error}"
            ) from error
    return reduction


def _reduce_with_fields(obj: Any) -> Any:
    """Take apart an object of a class with fields in slots: its `__getstate__` fails if one of them isn't set yet."""
    try:
        return standard_reduction(obj)
    except AttributeError:
        known: Any = states.fields(type(obj))  # type: ignore[arg-type]  # classes are hashable
        state = {name: getattr(obj, name) for name in known if hasattr(obj, name)}
        if any(known[name] is not states.stays_unset for name in known.keys() - state.keys()):
            raise
        return newobj, (type(obj),), state, None, None, actions.set_state


def _reduce_with_hidden_slots(obj: Any) -> Any:
    """Take apart an object with slots behind properties: pickle would ask these, and the load would set them."""
    return newobj, (type(obj),), ((obj.__dict__ if type(obj).__dictoffset__ else None) or None, slots_of(obj))


def _reduce_not_creatable(obj: Any) -> Any:
    reduction = standard_reduction(obj)
    if isinstance(reduction, tuple) and (reduction[0] is type(obj) or reduction[0] is newobj):
        raise pickle.PicklingError("only the interpreter makes objects of its type")
    return reduction


def _reduce_with_constants(obj: Any) -> Any:
    return held.with_constants(standard_reduction(obj))


def _reduce_bound_to_loop(obj: Any) -> Any:
    """Take an object of asyncio apart. If its loop is closed, it belongs to the next loop that uses it."""
    reduction = standard_reduction(obj)
    if isinstance(reduction, tuple) and len(reduction) > 2 and type(reduction[2]) is dict:
        loop = reduction[2].get("_loop")
        if loop is not None and loop.is_closed():
            state = {name: value for name, value in reduction[2].items() if name != "_loop"}
            return *reduction[:2], state, *reduction[3:]
    return reduction


def _reduce_parents(obj: Any) -> Any:
    """Take the parents of a path apart: each version of Python keeps them in its own way."""
    if hasattr(obj, "_path"):
        return getattr, (obj._path, "parents")  # noqa: SLF001 - nothing public leads there
    cls, *parts = (getattr(obj, name) for name in ("_pathcls", "_drv", "_root", "_parts"))  # of Python 3.11
    return getattr, (cls._from_parsed_parts(*parts), "parents")


def refusing_own_keys(cls: type, reduce: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a rule that refuses an object which is a key of its own attribute, if a load would hash it wrong.

    Without its attributes it has no hash, or another one. A load waits for those of a key without a hash, but it can't
    wait with a frozen set.
    """
    if cls.__dictoffset__ == 0 or type(states.special(cls, "__hash__")) is not types.FunctionType:
        return reduce

    return functools.partial(reduce_unless_own_key, reduce)


def reduce_unless_own_key(reduce: Callable[[Any], Any], obj: Any) -> Any:
    """Take an object apart, unless it is a key of its own attribute that a load would hash wrong."""
    for name, value in obj.__dict__.items():
        if type(value) not in _HASHING or not any(key is obj for key in value):
            continue
        early = _hash_without_attributes(obj)
        if early != hash(obj) and (early is not None or type(value) is frozenset):
            raise pickle.PicklingError(
                f"it is a key of its own attribute {name}, and no load knows its hash before it has its attributes"
            )
    return reduce(obj)


_HASHING = frozenset({dict, set, frozenset})


def _hash_without_attributes(obj: Any) -> int | None:
    try:
        cls: Any = type(obj)
        return hash(cls.__new__(cls))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - any error says that it has none
        return None


# Containers


def _needs_filling(cls: type, definer: type) -> bool:
    """Tell whether a class above would call the class with its items, and the class has a constructor of its own."""
    if cls is definer or definer not in _CALLED_WITH_ITEMS:
        return False
    without = definer in (collections.Counter, collections.defaultdict)
    if _is_filled_by_c(cls):
        return False
    return _has_own_constructor(cls, definer) or (without and adds_attributes(cls, definer))


def _is_filled_by_c(cls: type) -> bool:
    """Tell whether a constructor that isn't written in Python makes parts which only it can see."""
    made: Any = cls.__init__  # type: ignore[misc]  # compared, not called
    owner = next(base for base in cls.__mro__ if "__init__" in base.__dict__)
    return not isinstance(made, types.FunctionType) and owner.__module__ not in ("builtins", "collections")


_CALLED_WITH_ITEMS = (
    *(set, bytearray, collections.Counter, collections.OrderedDict, collections.defaultdict, collections.deque),
)


def _reduce_container(container: type | None, obj: Any) -> Any:
    """Take a container apart into an empty one, its items and its attributes."""
    cls: Any = type(obj)
    if not _accepts(cls.__new__, cls):
        _reduce_without_arguments(obj)
    base: Any = container or next(base for base in actions.CONTAINERS if isinstance(obj, base))
    state = attributes_of(obj, base)
    if isinstance(obj, collections.defaultdict):
        attributes, slots = state if isinstance(state, tuple) else (state, {})
        state = (attributes, {**slots, "default_factory": obj.default_factory})
    if isinstance(obj, collections.deque) and obj.maxlen is not None:
        if _has_own_constructor(cls, collections.deque) and not _accepts(cls.__init__, obj, (), obj.maxlen):
            raise pickle.PicklingError(_TAKES_OTHERS % "deque")
        return cls, ((), obj.maxlen), state, base.__iter__(obj)
    if isinstance(obj, dict):
        return newobj, (cls,), state, None, iter(base.items(obj))
    return newobj, (cls,), state, base.__iter__(obj)


# Exceptions


def _reduce_builtin_exception(obj: BaseException) -> Any:
    """Take an exception of Python's own apart, with the attributes that its arguments don't give."""
    function, args, state = fields_of(standard_reduction(obj))[:3]
    changed = _members(obj, function(*args)) if function is type(obj) else {}
    return (function, args, (state or {}) | changed) if state or changed else (function, args)


def _reduce_exception(obj: BaseException) -> Any:
    """Take an exception apart so that its `__init__` isn't called again. It may take anything."""
    cls: Any = type(obj)
    native: Any = next(base for base in cls.__mro__ if base.__module__ == "builtins")
    args: tuple[Any, ...] = obj.args
    if isinstance(obj, BaseExceptionGroup) and isinstance(cls.__new__, types.FunctionType):
        function, args = native.__new__, (cls, obj.message, [*obj.exceptions])
    else:
        function, args = _made_by_new(obj, args)
    state = attributes_of(obj, native)
    own = has_own_state(cls, native)
    if not own:
        attributes, slots = state if isinstance(state, tuple) else (state, {})
        state = {**(attributes or {}), **slots, **_members(obj, native.__new__(cls, *args[1:]))} or None
    frozen = cls.__setattr__ is not BaseException.__setattr__
    return function, args, state, None, None, actions.set_state if frozen and state is not None and not own else None


_LEFT_OUT = frozenset({"obj", "message", "exceptions"})
"""Members that aren't set. Like pickle, without the objects that a lookup failed in: they may be anything."""


def _members(obj: BaseException, twin: BaseException) -> dict[str, Any]:
    """Return the attributes outside of `__dict__` in which an exception differs from a twin that was just made."""
    found: dict[str, Any] = {}
    for base in type(obj).__mro__:
        for name, member in base.__dict__.items() if base.__module__ == "builtins" else ():
            if isinstance(member, types.MemberDescriptorType) and not name.startswith("__") and name not in _LEFT_OUT:
                value, other = (getattr(one, name, None) for one in (obj, twin))
                if value is not other and (type(value) not in (int, str) or value != other):
                    found[name] = value
    if obj.args != twin.args:
        found["args"] = obj.args
    return found


# Proxies


def _may_be_proxy(cls: type) -> bool:
    """Tell whether an object of a class may pretend to be of another class."""
    lookup: Any = cls.__getattribute__
    owner = getattr(lookup, "__objclass__", cls)
    standard = owner not in weakref.ProxyTypes and str(owner.__module__).partition(".")[0] in sys.stdlib_module_names
    return not standard or definer_of(cls, "__class__") is not object


def _reduce_proxy(definer: type, rule: Callable[[Any], Any] | None, obj: Any) -> Any:
    cls = type(obj)
    if definer is object and obj.__class__ is not cls:
        raise pickle.PicklingError(
            f"a {cls.__qualname__} that stands for an object of another class: its own class has no __reduce__"
        )
    reduction = (rule or standard_reduction)(obj)
    if type(reduction) is tuple and obj.__class__ is not cls and _maker(reduction) is obj.__class__:
        raise pickle.PicklingError(
            f"a {cls.__qualname__} that stands for an object of another class: its __reduce__ would copy that object"
        )
    return reduction


def _maker(reduction: tuple[Any, ...]) -> Any:
    """Return the class whose object a reduction makes, or the function that it calls."""
    function, args = reduction[:2]
    return args[0] if function in _MAKERS and args else function


_MAKERS = (newobj, newobj_ex, copyreg._reconstructor)  # type: ignore[attr-defined]  # noqa: SLF001 - as in reductions
