"""Ways for `weakref`: the referent comes back if something else in the graph holds it. A dead reference stays dead."""

from __future__ import annotations

import gc
import tempfile
import weakref
from typing import TYPE_CHECKING, Any

from appsnap import actions
from appsnap.errors import Refused
from appsnap.recipe.freeze.attributes import attributes_of
from appsnap.recipe.values.ways import Weakly
from appsnap.ways import saves
from appsnap.ways.anew import attributes, has_own_protocol, reduction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "KeyedRef",
    "WeakKeyDictionary",
    "WeakMethod",
    "WeakSet",
    "WeakValueDictionary",
    "add_items",
    "container",
    "finalize",
    "finalized",
    "method_with_callback",
    "proxy",
    "proxy_with_callback",
    "ref",
    "ref_with_callback",
    "subclass_ref",
]


# Rebuild functions: files have their names. None stands for an object that is gone.


class _Gone:
    """Nothing holds an object of this class."""

    def method(self) -> None:
        """Be the method of a weak reference."""


def ref(obj: Any = None, /) -> weakref.ref[Any]:
    """Return a weak reference to an object."""
    return weakref.ref(_Gone() if obj is None else obj)


def ref_with_callback(obj: Any, callback: Callable[[Any], object], /) -> weakref.ref[Any]:
    """Return a weak reference to an object, and call a function when that is gone."""
    return weakref.ref(obj, callback)


def subclass_ref(cls: Any, obj: Any, callback: Any = None, /) -> Any:
    """Return a weak reference of a subclass, made without its constructor."""
    return weakref.ref.__new__(cls, _Gone() if obj is None else obj, None if obj is None else callback)


def KeyedRef(obj: Any, key: Any, /) -> Any:
    """Return a weak reference with a key."""
    return weakref.KeyedRef(_Gone() if obj is None else obj, None, key)  # type: ignore[arg-type]  # no callback


def WeakMethod(method: Any = None, /) -> weakref.WeakMethod[Any]:
    """Return a weak reference to a method of an object."""
    return weakref.WeakMethod(_Gone().method if method is None else method)


def method_with_callback(method: Any, callback: Callable[[Any], object], /) -> weakref.WeakMethod[Any]:
    """Return a weak reference to a method of an object, and call a function when that is gone."""
    return weakref.WeakMethod(method, callback)


def proxy(obj: Any = None, /) -> Any:
    """Return a weak proxy of an object."""
    return weakref.proxy(_Gone() if obj is None else obj)


def proxy_with_callback(obj: Any, callback: Callable[[Any], object], /) -> Any:
    """Return a weak proxy of an object, and call a function when that is gone."""
    return weakref.proxy(obj, callback)


def WeakSet() -> weakref.WeakSet[Any]:
    """Return a set without items, which it only refers to weakly."""
    return weakref.WeakSet()


def WeakKeyDictionary() -> weakref.WeakKeyDictionary[Any, Any]:
    """Return a dictionary without items. It only refers weakly to its keys."""
    return weakref.WeakKeyDictionary()


def WeakValueDictionary() -> weakref.WeakValueDictionary[Any, Any]:
    """Return a dictionary without items. It only refers weakly to its values."""
    return weakref.WeakValueDictionary()


def container(cls: Any, /) -> Any:
    """Return a container of a subclass, made without its constructor."""
    made = cls.__new__(cls)
    next(base for base in _CONTAINERS if issubclass(cls, base)).__init__(made)
    return made


def add_items(target: weakref.WeakSet[Any], items: Iterable[Any], /) -> weakref.WeakSet[Any]:
    """Add items to a weak set, or a pair of those and of attributes. Returns the set."""
    if type(items) is tuple:
        items, state = items
        actions.set_state(target, state)
    for item in items:
        weakref.WeakSet.add(target, item)
    return target


def finalize(obj: Any, function: Any, args: tuple[Any, ...], keywords: dict[str, Any], atexit: bool, /) -> Any:
    """Return a finalizer: it calls a function when an object is gone, and at the end of the process too."""
    made = weakref.finalize(obj, function, *args, **keywords)
    made.atexit = atexit
    return made


def finalized() -> Any:
    """Return a finalizer that has been called."""
    return object.__new__(weakref.finalize)


# Ways


@saves(weakref.ref, subclasses=True, weak=True)
def _ref(reference: Any) -> Any:
    cls = type(reference)
    if has_own_protocol(cls, weakref.ref):
        return NotImplemented
    obj, callback = weakref.ref.__call__(reference), reference.__callback__
    if cls is weakref.ref:
        return _reduce(obj, ref, ref_with_callback, callback)
    if cls is weakref.KeyedRef and callback is None:
        return Weakly(obj, (KeyedRef, (obj, reference.key)), (KeyedRef, (None, reference.key)))
    state = attributes_of(reference, weakref.ref)
    living = (cls, obj) if callback is None else (cls, obj, callback)
    return Weakly(
        obj, reduction(reference, subclass_ref, living, state), reduction(reference, subclass_ref, (cls, None), state)
    )


@saves(weakref.WeakMethod, weak=True)
def _weak_method(reference: Any) -> Any:
    method = reference()
    # Its own callback is a function of `weakref`, which calls that of its user.
    inner = reference.__callback__
    cells = {} if inner is None else dict(zip(inner.__code__.co_freevars, inner.__closure__, strict=True))
    callback = cells["callback"].cell_contents if "callback" in cells else None
    if method is None:
        return WeakMethod, ()
    found = _reduce(method, WeakMethod, method_with_callback, callback)
    return Weakly(method.__self__, found.value, found.otherwise)


@saves(weakref.ProxyType, weak=True)
@saves(weakref.CallableProxyType, weak=True)
def _proxy(reference: Any) -> Any:
    callback = next(iter(gc.get_referents(reference)), None)
    try:
        obj = reference.__reduce_ex__.__self__
    except ReferenceError:
        return proxy, ()
    if not any(known is reference for known in weakref.getweakrefs(obj)):
        raise Refused("a weak proxy of an object that hides itself", "keep a weakref.ref of it")
    return _reduce(obj, proxy, proxy_with_callback, callback)


def _reduce(obj: Any, plain: Any, calling: Any, callback: Any) -> Any:
    return Weakly(obj, (plain, (obj,)) if callback is None else (calling, (obj, callback)), (plain, ()))


_CONTAINERS: dict[Any, Any] = {
    weakref.WeakSet: WeakSet,
    weakref.WeakKeyDictionary: WeakKeyDictionary,
    weakref.WeakValueDictionary: WeakValueDictionary,
}


@saves(weakref.WeakSet, subclasses=True, weak=True)
def _weak_set(obj: Any) -> Any:
    if has_own_protocol(type(obj), weakref.WeakSet):
        return NotImplemented
    function, args, state = _empty(obj, weakref.WeakSet)
    items = frozenset(Weakly(item, item) for item in obj)
    return function, args, (items, state) if state else items, None, None, add_items


@saves(weakref.WeakKeyDictionary, subclasses=True, weak=True)
def _weak_keys(obj: Any) -> Any:
    if has_own_protocol(type(obj), weakref.WeakKeyDictionary):
        return NotImplemented
    pairs = [Weakly(pair[0], pair) for pair in weakref.WeakKeyDictionary.items(obj)]
    function, args, state = _empty(obj, weakref.WeakKeyDictionary)
    return reduction(obj, function, args, state, None, iter(pairs))


@saves(weakref.WeakValueDictionary, subclasses=True, weak=True)
def _weak_values(obj: Any) -> Any:
    if has_own_protocol(type(obj), weakref.WeakValueDictionary):
        return NotImplemented
    pairs = [Weakly(pair[1], pair) for pair in weakref.WeakValueDictionary.items(obj)]
    function, args, state = _empty(obj, weakref.WeakValueDictionary)
    return reduction(obj, function, args, state, None, iter(pairs))


def _empty(obj: Any, base: Any) -> tuple[Any, tuple[Any, ...], Any]:
    """Return the function that makes an empty container, its arguments, and the attributes beside those of its base."""
    cls = type(obj)
    made = _CONTAINERS.get(cls)
    state = attributes(obj, vars(base()).keys() | {"data"})
    return (container, (cls,), state) if made is None else (made, (), state)


@saves(weakref.finalize, weak=True)
def _finalizer(finalizer: Any) -> Any:
    found = finalizer.peek()
    if found is None:
        return finalized, ()
    obj, function, args, keywords = found
    living = finalize, (obj, function, args, keywords, finalizer.atexit)
    return Weakly(obj, living, (finalized, ()))


@saves(tempfile.TemporaryDirectory, subclasses=True)
def _temporary_folder(_: Any) -> Any:
    reason = "a temporary folder, which each process that has it removes"
    raise Refused(reason, "make it in startService, and TRANSIENT")
