"""Ways for `wrapt`: decorated functions and methods, and proxies. Their classes refuse to be pickled."""

from __future__ import annotations

import gc
from typing import Any, TypeVar

import wrapt

from appsnap.errors import Refused
from appsnap.ways import saves

__all__ = ["fill", "function_wrapper", "object_proxy"]

T = TypeVar("T")

_OWN = "_self_"
"""The names of a proxy's own attributes begin so. Others are those of what it is over."""

_MADE = frozenset({"binding", "enabled", "instance", "owner", "parent", "wrapper"})


def function_wrapper(wrapped: Any, wrapper: Any, enabled: Any = None, /) -> Any:
    """Return a function with a decorator of wrapt."""
    return wrapt.FunctionWrapper(wrapped, wrapper, enabled)


def object_proxy(wrapped: Any, /) -> Any:
    """Return a proxy of an object."""
    return wrapt.ObjectProxy(wrapped)


def fill(proxy: T, attributes: dict[str, Any], /) -> T:
    """Give a proxy attributes of its own. Returns the proxy."""
    if type(proxy) not in (wrapt.FunctionWrapper, wrapt.ObjectProxy):
        raise TypeError("it is no proxy of wrapt")
    for name, value in attributes.items():
        setattr(proxy, _OWN + name, value)
    return proxy


@saves(wrapt.FunctionWrapper, subclasses=True, by_name=True)
def _(found: Any) -> Any:
    if type(found) is not wrapt.FunctionWrapper:
        return NotImplemented
    return _with_own(found, function_wrapper, (found.__wrapped__, found._self_wrapper, found._self_enabled))


@saves(wrapt.BoundFunctionWrapper, subclasses=True)
def _(found: Any) -> Any:
    owner = found._self_owner if found._self_instance is None else found._self_instance
    for base in (owner if isinstance(owner, type) else type(owner)).__mro__:
        for name, value in vars(base).items():
            if value is found._self_parent:
                return getattr, (owner, name)
    raise Refused("a bound function that its class doesn't have under a name", "keep the object, and its method's name")


@saves(wrapt.ObjectProxy)
def _(found: Any) -> Any:
    return _with_own(found, object_proxy, (found.__wrapped__,))


def _with_own(proxy: Any, function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    # The dictionary that a proxy shows is that of what it is over. Only the garbage collector sees the other one.
    names = [
        name.removeprefix(_OWN)
        for own in gc.get_referents(proxy)
        if type(own) is dict and own is not args[0]
        for name in own
        if type(name) is str and name.startswith(_OWN)
    ]
    state = {name: getattr(proxy, _OWN + name) for name in names if name not in _MADE}
    return (function, args, state, None, None, fill) if state else (function, args)
