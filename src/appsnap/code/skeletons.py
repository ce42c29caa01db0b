"""Classes without a source text, type parameters and caches: the functions that files name to make them.

Such a class is made in two moments, because its methods and attributes may lead back to it: first the class without
attributes, then the attributes. A class has an identity. If the class of that identity is alive, it stays as it is.

Only a file that is trusted as code may call these functions. Their names are part of the format.
"""

from __future__ import annotations

import collections
import functools
import threading
import types
import typing
import uuid
import weakref
from typing import TYPE_CHECKING, Any

from appsnap.code.effects import undone
from appsnap.code.texts import MAGIC, WrongPython

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "alive",
    "cached",
    "dispatching",
    "enumeration",
    "finish",
    "finish_dispatching",
    "identity",
    "remember",
    "row",
    "sentinel",
    "sentinel_identity",
    "skeleton",
    "type_parameter",
]

_TYPED_DICT = type(typing.cast("Any", typing.TypedDict)("_", {}))

_lock = threading.Lock()
_alive: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_sentinels: dict[str, object] = {}  # a bare object takes no weak references, and scripts have few of them
_identities: dict[int, tuple[weakref.ref[Any], str]] = {}  # by id: a metaclass may take two classes for equal


def identity(obj: Any) -> str:
    """Return the identity of a class or type parameter: a text that no other one has, in any process."""
    with _lock:
        known = _identities.get(id(obj))
        return known[1] if known is not None and known[0]() is obj else remember(obj, uuid.uuid4().hex)


def alive(identity: str) -> Any:
    """Return the class or type parameter of an identity, if it is in this process, else None."""
    return _alive.get(identity)


def remember(obj: Any, name: str) -> str:
    """Give an object an identity, and return it."""
    number = id(obj)
    _identities[number] = weakref.ref(obj, lambda _: _identities.pop(number, None)), name
    _alive[name] = obj
    return name


def sentinel_identity(obj: Any, *, is_new: bool) -> str | None:
    """Return the identity of a bare `object`, or None. A new one gets an identity, and is kept for good."""
    with _lock:
        known = next((name for name, one in _sentinels.items() if one is obj), None)
        if known is None and is_new:
            known = uuid.uuid4().hex
            _sentinels[known] = obj
        return known


def sentinel(identity: str, /) -> object:
    """Return the bare object of an identity: code compares it by `is`, also with that of a class that is alive."""
    with _lock:
        return _sentinels.setdefault(identity, object())


def _check(magic: int, version: str, name: str) -> None:
    """Check that this Python saved a class. Its attributes may be parts of another standard library."""
    if magic != MAGIC:
        raise WrongPython(version, f"the class {name} can't be made from its source text")


def skeleton(  # noqa: PLR0917 - a recipe has no keywords for a call
    magic: int,
    version: str,
    identity: str,
    metaclass: type,
    name: str,
    bases: tuple[type, ...],
    namespace: Mapping[str, Any],
    /,
) -> type:
    """Return the class of an identity: the one that is alive, or else a new one without its attributes.

    Raises WrongPython if another version of Python, with another `magic` number, saved it.
    """
    _check(magic, version, name)
    known: type | None = _alive.get(identity)
    if known is not None:
        return known
    if metaclass is _TYPED_DICT:
        # It would refuse the real bases.
        made: type = type.__new__(metaclass, name, bases, dict(namespace))
        return made
    # A base or a metaclass may register the class, or count it. The objects of the file have seen that already.
    with undone({}, [metaclass, *bases]):
        return types.new_class(name, bases, {"metaclass": metaclass}, lambda body: body.update(namespace))


def enumeration(  # noqa: PLR0917 - as above
    magic: int,
    version: str,
    identity: str,
    metaclass: Any,
    name: str,
    bases: tuple[type, ...],
    namespace: Mapping[str, Any],
    members: Mapping[str, Sequence[Any]],
    /,
) -> type:
    """Return the enumeration of an identity as `skeleton` does, with its members.

    For each name, in order, `members` has the value, and the arguments of the type that is mixed in, or nothing.
    """
    _check(magic, version, name)
    known: type | None = _alive.get(identity)
    if known is not None:
        return known
    # The members are made from their numbers: their own class may have had other arguments for them.
    numbered = list(members.values())

    def new(cls: type, at: Any) -> Any:
        value, *data = numbered[at[0] if isinstance(at, tuple) else at]
        member = cls._member_type_.__new__(cls, *data)  # type: ignore[attr-defined]  # of an enumeration
        member._value_ = value
        return member

    body = metaclass.__prepare__(name, bases)
    body.update(namespace)
    body["__new__"] = new
    body["__init__"] = lambda *_: None
    for at, member in enumerate(members):
        body[member] = at
    made: type = metaclass.__new__(metaclass, name, bases, body)
    for helper in ("__init__", "__new_member__"):
        if helper in vars(made):
            type.__delattr__(made, helper)
    return made


def finish(
    cls: type,
    state: tuple[str, Mapping[str, Any], Sequence[type], Mapping[str, Mapping[str, Any]]],
    /,
) -> None:
    """Give a new class its attributes. A class that was alive before the load keeps those that it has.

    The state has the identity, the attributes, the classes that are registered with an abstract class, and the
    attributes of each member of an enumeration.
    """
    identity, attributes, registered, of_members = state
    with _lock:
        if _alive.get(identity) is cls:
            return
    # The `__setattr__` of a metaclass may refuse, or do more. That of a type in C keeps its own data up to date.
    put: Callable[..., None] = type.__setattr__ if type(type(cls).__setattr__) is types.FunctionType else setattr
    for name, value in attributes.items():
        put(cls, name, value)
    for name, more in of_members.items():
        vars(cls._member_map_[name]).update(more)  # type: ignore[attr-defined]  # of an enumeration
    for one in registered:
        cls.register(one)  # type: ignore[attr-defined]  # an abstract class
    with _lock:
        # Not earlier: another thread must not find a class without its attributes.
        if identity not in _alive:
            remember(cls, identity)


def row(  # noqa: PLR0917 - as above
    identity: str, name: str, fields: Sequence[str], defaults: Sequence[Any] | None, module: str, qualname: str, /
) -> Any:
    """Return the class of an identity that `collections.namedtuple` makes."""
    make: Any = collections.namedtuple  # noqa: PYI024 - the fields are only known now
    with _lock:
        made = _alive.get(identity)
        if made is None:
            made = make(name, fields, rename=True, defaults=defaults, module=module)  # `rename` lets its names pass
            made.__qualname__ = qualname
            remember(made, identity)
    return made


def type_parameter(  # noqa: PLR0917 - as above
    identity: str, cls: Callable[..., Any], name: str, module: str, constraints: Sequence[Any], keywords: Any, /
) -> Any:
    """Return the type variable, parameter specification or tuple of type variables of an identity."""
    with _lock:
        made = _alive.get(identity)
        if made is None:
            # Later Pythons have more keywords.
            keywords = {key: value for key, value in keywords.items() if hasattr(typing.AnyStr, f"__{key}__")}
            made = cls(name, *constraints, **keywords)
            made.__module__ = module
            remember(made, identity)
    return made


def cached(function: Callable[..., Any], maxsize: int | None, typed: bool, /) -> Any:
    """Return a function with an empty cache, as `functools.lru_cache` makes it."""
    return functools.lru_cache(maxsize, typed)(function)


def dispatching(name: str, /) -> Any:
    """Return a function as `functools.singledispatch` makes it, without the functions that it chooses from."""

    def chosen(*_: Any) -> Any:
        raise TypeError(f"{name} isn't loaded yet")

    chosen.__name__ = name
    return functools.singledispatch(chosen)


def finish_dispatching(target: Any, state: tuple[Mapping[type, Callable[..., Any]], Mapping[str, Any]], /) -> None:
    """Register the functions for each class, and set the function's own attributes."""
    registry, attributes = state
    for cls, function in registry.items():
        target.register(cls, function)
    functools.update_wrapper(target, registry[object])
    vars(target).update(attributes)
