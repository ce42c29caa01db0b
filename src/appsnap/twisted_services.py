"""Twisted's services, seen as ours. Nothing here imports Twisted: where nobody has, there are none.

Twisted's interfaces have the names of ours, and their methods do the same. They return a Deferred where ours return an
awaitable.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["adapted", "as_awaitable", "implements", "is_root", "provides", "service_in"]

MODULE = "twisted.application.service"


def _theirs(name: str) -> Any:
    """Return the interface of a name in Twisted, or None."""
    return getattr(sys.modules.get(MODULE), name, None)


def adapted(interface: Any, obj: Any) -> Any:
    """Return an object as one that provides an interface of ours, or Twisted's of that name. Else return None."""
    found = interface(obj, None)
    return _component(interface.__name__, obj) if found is None else found


def service_in(obj: Any) -> Any:
    """Return an object as a service of Twisted, or None."""
    return _component("IService", obj)


def _component(name: str, obj: Any) -> Any:
    theirs = _theirs(name)
    if theirs is None:
        return None
    try:
        found = theirs(obj, None)
    except (AttributeError, TypeError):  # a file may have anything in the place of the components
        return None
    return found if found is not None and theirs.providedBy(found) else None


def provides(interface: Any, obj: Any) -> bool:
    """Tell whether an object provides an interface of ours, or Twisted's of that name."""
    theirs = _theirs(interface.__name__)
    return interface.providedBy(obj) or (theirs is not None and theirs.providedBy(obj))


def implements(interface: Any, cls: type) -> bool:
    """Tell whether the objects of a class provide an interface of ours, or Twisted's of that name."""
    theirs = _theirs(interface.__name__)
    return interface.implementedBy(cls) or (theirs is not None and theirs.implementedBy(cls))


def is_root(service: Any) -> bool:
    """Tell whether a service that has no parent is the collection of an application of Twisted's."""
    return (type(service).__module__, type(service).__qualname__) == (MODULE, "MultiService")


def as_awaitable(result: Any) -> Any:
    """Return the result of a service's method as asyncio can wait for it: a Deferred as a future.

    The future has the loop that runs. Without one, the result is returned as it is.
    """
    if getattr(type(result), "asFuture", None) is None:
        return result
    import asyncio  # noqa: PLC0415 - who has a Deferred has asyncio

    try:
        return result.asFuture(asyncio.get_running_loop())
    except RuntimeError:
        return result
