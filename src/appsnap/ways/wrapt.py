"""Ways for `wrapt`: decorated functions and methods, and proxies. Their classes refuse to be pickled."""

from __future__ import annotations

from typing import Any

import wrapt

from appsnap.errors import Refused
from appsnap.ways import saves

__all__ = ["function_wrapper", "object_proxy"]


def function_wrapper(wrapped: Any, wrapper: Any, enabled: Any = None, /) -> Any:
    """Return a function with a decorator of wrapt."""
    return wrapt.FunctionWrapper(wrapped, wrapper, enabled)


def object_proxy(wrapped: Any, /) -> Any:
    """Return a proxy of an object."""
    return wrapt.ObjectProxy(wrapped)


@saves(wrapt.FunctionWrapper, subclasses=True, by_name=True)
def _(found: Any) -> Any:
    if type(found) is not wrapt.FunctionWrapper:
        return NotImplemented
    return function_wrapper, (found.__wrapped__, found._self_wrapper, found._self_enabled)


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
    return object_proxy, (found.__wrapped__,)
