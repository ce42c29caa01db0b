"""Types that pickle can't take apart: cloudpickle's table, and the entries that differ from it."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import functools
import io
import logging
import pickle
import sys
import types
import typing
from typing import TYPE_CHECKING, Any

import cloudpickle

from appsnap.code import skeletons
from appsnap.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    Reducer = Callable[[Any], Any]

__all__ = [
    "DECIDED_OTHERWISE",
    "NeedsModule",
    "by_reference",
    "is_dispatching",
    "is_found",
    "is_script",
    "reduce_dispatching",
    "reducer",
    "refuse_script",
]

DECIDED_OTHERWISE: frozenset[type] = frozenset({
    io.TextIOWrapper,  # cloudpickle saves the content of the file
    memoryview,  # a value type
    types.MethodType,
    types.ModuleType,
})  # fmt: skip
"""Types in cloudpickle's table that other rules decide about."""


def reducer(cls: type) -> Reducer | None:
    """Return the function that takes apart objects of exactly this class, or None."""
    own = _OWN.get(cls)
    if own is not None:
        return own
    if cls in DECIDED_OTHERWISE:
        return None
    return _table().get(cls) or next((own for base, own in _DESCRIPTORS.items() if _adds_nothing(cls, base)), None)


def _adds_nothing(cls: type, base: type) -> bool:
    """Tell whether a class is made like its base, and has no protocol of its own."""
    names = ("__new__", "__init__", "__reduce__", "__reduce_ex__")
    return issubclass(cls, base) and all(getattr(cls, name) is getattr(base, name) for name in names)


def _table() -> dict[type, Reducer]:
    # The first map of this chain is cloudpickle's own, the others are those of the process.
    table: dict[type, Reducer] = cloudpickle.Pickler.dispatch_table.maps[0]
    return table


# Names


class NeedsModule(Refused):
    """An object that can only go by its name, and has none that can be imported."""

    def __init__(
        self, message: str, advice: str = "put it into a module that can be imported", obj: Any = None
    ) -> None:
        super().__init__(message, advice, obj)


def is_script(module: Any) -> bool:
    """Tell whether a module is a script: no other process can import it by this name."""
    return isinstance(module, str) and (module in ("__main__", "__mp_main__") or module.startswith("<"))


def refuse_script(module: Any, qualname: str) -> None:
    """Raise NeedsModule for a name in a script, which no load can find."""
    if is_script(module):
        raise NeedsModule(f"{qualname} is a name of the script {_file_of(module)}, which no load can import")


def _file_of(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    return file.rpartition("/")[2] if isinstance(file, str) else module


def by_reference(obj: Any) -> bool:
    """Tell whether a class or function is saved by its name."""
    # A child that multiprocessing has spawned imports the script of its parent under this name. No load does.
    return obj.__module__ != "__mp_main__" and cloudpickle.cloudpickle._should_pickle_by_reference(obj)  # type: ignore[no-any-return]  # noqa: SLF001 - it has no public name


def is_found(obj: Any, qualname: str) -> bool:
    """Tell whether an object goes by this name in its module, and its module can be imported."""
    module = getattr(obj, "__module__", None)
    if not isinstance(module, str) or is_script(module) or module in cloudpickle.list_registry_pickle_by_value():
        return False
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found is obj


# Entries of our own


def _reduce_type_parameter(obj: Any) -> Any:
    if is_found(obj, obj.__name__):
        return NotImplemented
    keywords = {
        name: value
        for name, without in _OF_TYPE_PARAMETERS.items()
        if (value := getattr(obj, f"__{name}__", without)) is not without
    }
    if not isinstance(obj, typing.TypeVar):
        keywords = {name: value for name, value in keywords.items() if name == "default" or value is True}
    constraints = getattr(obj, "__constraints__", ())
    made_from = skeletons.identity(obj), type(obj), obj.__name__, obj.__module__, tuple(constraints), keywords
    return skeletons.type_parameter, made_from


_OF_TYPE_PARAMETERS = {
    "bound": None,
    "covariant": False,
    "contravariant": False,
    "infer_variance": False,
    "default": getattr(typing, "NoDefault", None),
}
"""The keywords of a type parameter, each with the value that it has when it isn't given."""


def _reduce_new_type(obj: Any) -> Any:
    if is_found(obj, obj.__qualname__):
        return NotImplemented
    return typing.NewType, (obj.__name__, obj.__supertype__), vars(obj)


def _reduce_forward(obj: Any) -> Any:
    # Its code is compiled again, and its value is looked up again.
    state = {name: getattr(obj, name) for name in ("__forward_is_class__",) if getattr(obj, name, False)}
    args = (obj.__forward_arg__, obj.__forward_is_argument__, obj.__forward_module__)
    return typing.ForwardRef, args, (None, state) if state else None


def _reduce_cached(function: Any) -> Any:
    if is_found(function, getattr(function, "__qualname__", "")):
        return NotImplemented
    parameters = function.cache_parameters()
    # `__wrapped__` is the first argument, and functools.update_wrapper takes the others from it.
    of_function = getattr(function.__wrapped__, "__dict__", {})
    more = {
        name: value
        for name, value in vars(function).items()
        if name not in ("__wrapped__", "cache_parameters") and of_function.get(name, function) is not value
    }
    return skeletons.cached, (function.__wrapped__, parameters["maxsize"], parameters["typed"]), more or None


_DISPATCHING = functools.singledispatch(len).__code__  # type: ignore[attr-defined]  # it is a function
_OF_DISPATCHING = frozenset({"register", "dispatch", "registry", "_clear_cache", "__wrapped__"})


def is_dispatching(function: Any) -> bool:
    """Tell whether `functools.singledispatch` made a function."""
    return type(function) is types.FunctionType and function.__code__ is _DISPATCHING


def reduce_dispatching(function: Any) -> Any:
    """Return the reduction of such a function. Its cache has weak references, and stays here."""
    registry = dict(function.registry)
    of_function = getattr(registry[object], "__dict__", {})
    more = {
        name: value
        for name, value in vars(function).items()
        if name not in _OF_DISPATCHING and of_function.get(name, function) is not value
    }
    made_from = (function.__name__,)
    return skeletons.dispatching, made_from, (registry, more), None, None, skeletons.finish_dispatching


def _reduce_with_func(obj: Any) -> Any:
    # Its lock, or its cache with weak references, is made anew.
    state = {name: value for name, value in vars(obj).items() if name not in ("func", "lock", "_method_cache")}
    return type(obj), (obj.func,), state


def _reduce_getset(descriptor: Any) -> Any:
    owner, name = descriptor.__objclass__, descriptor.__name__
    if getattr(owner, name, None) is not descriptor:
        raise pickle.PicklingError(f"the descriptor {name} of {owner.__qualname__} can't be reached by its name")
    return getattr, (owner, name)


def _reduce_logger(logger: Any) -> Any:
    with contextlib.suppress(pickle.PicklingError):
        return logger.__reduce__()
    return logging.getLogger, (logger.name,)  # it has the name of another one, which takes its place


def _reduce_property(obj: Any) -> Any:
    return type(obj), (obj.fget, obj.fset, obj.fdel, obj.__doc__), getattr(obj, "__dict__", None) or None


def _reduce_method_descriptor(obj: Any) -> Any:
    wrapped = getattr(obj.__func__, "__dict__", {})
    names = ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__wrapped__", "__type_params__")
    own = {
        name: value for name, value in vars(obj).items() if name not in names and wrapped.get(name, obj) is not value
    }
    return type(obj), (obj.__func__,), own or None


def _by_name(module: types.ModuleType, names: tuple[str, ...]) -> dict[type, Reducer]:
    """Return reducers of objects that are compared with `is`: the names that a module has for them."""

    def reduce(obj: Any) -> Any:
        name = next(name for name in names if getattr(module, name) is obj)
        return getattr, (module, name)

    return {type(getattr(module, name)): reduce for name in names}


_DESCRIPTORS: dict[type, Reducer] = {
    property: _reduce_property,
    classmethod: _reduce_method_descriptor,
    staticmethod: _reduce_method_descriptor,
}
"""Reducers of subclasses, too."""

_OWN: dict[type, Reducer] = {
    typing.TypeVar: _reduce_type_parameter,
    typing.ParamSpec: _reduce_type_parameter,
    typing.TypeVarTuple: _reduce_type_parameter,
    typing.NewType: _reduce_new_type,
    typing.ParamSpecArgs: lambda obj: (typing.ParamSpecArgs, (obj.__origin__,)),
    typing.ParamSpecKwargs: lambda obj: (typing.ParamSpecKwargs, (obj.__origin__,)),
    typing.ForwardRef: _reduce_forward,
    type(functools.lru_cache(len)): _reduce_cached,
    functools.cached_property: _reduce_with_func,
    functools.singledispatchmethod: _reduce_with_func,
    types.GetSetDescriptorType: _reduce_getset,
    abc.abstractproperty: _reduce_property,
    **dict.fromkeys((logging.Logger, logging.RootLogger), _reduce_logger),
    **_by_name(dataclasses, ("MISSING", "KW_ONLY", "_HAS_DEFAULT_FACTORY")),
}
