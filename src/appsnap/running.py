"""The attribute `running` of services: it is in no file under its own name, and false after every load.

It is a transient attribute, and so it is left out of the states that we know. A service may save it under another name,
or in a place of its own. So every load stops the services that it has made. This holds for Twisted's services, too.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from typing import TYPE_CHECKING, Any

from appsnap import states

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["application", "is_application", "is_kept_elsewhere", "is_service", "is_service_class", "saving", "stop"]

_application: contextvars.ContextVar[bool] = contextvars.ContextVar("_application", default=False)


@contextlib.contextmanager
def application(is_running: bool = True) -> Iterator[None]:
    """Let the saves within the context be those of an application that runs."""
    token = _application.set(is_running or _application.get())
    try:
        yield
    finally:
        _application.reset(token)


def saving(obj: Any) -> contextlib.AbstractContextManager[None]:
    """Return the context for a save of an object: it may be a service that runs."""
    return application(is_service(type(obj)) and getattr(obj, "running", False) is True)


def is_application() -> bool:
    """Tell whether the objects of this save belong to an application that runs.

    After a load its services start the threads and tasks again that wait for something now.
    """
    return _application.get()


_SERVICES = {("appsnap.service", "Service"), ("twisted.application.service", "Service")}


def is_service_class(cls: type) -> bool:
    """Tell whether a class is appsnap's or Twisted's `Service` itself, whose attribute it is."""
    return (cls.__module__, cls.__qualname__) in _SERVICES


def is_service(cls: type) -> bool:
    """Tell whether a class is a `Service`, of appsnap or of Twisted."""
    return _is_service(cls)


@functools.cache
def _is_service(cls: type) -> bool:
    return any(map(is_service_class, cls.__mro__))


def is_kept_elsewhere(cls: type) -> bool:
    """Tell whether a class of services has a property or a slot in the place of the attribute."""
    return is_service(cls) and hasattr(type(states.special(cls, "running")), "__set__")


def stop(service: Any) -> None:
    """Make `running` false."""
    cls = type(service)
    if states.special(cls, "__dict__") is not None:
        service.__dict__.pop("running", None)
    found: Any = states.special(cls, "running")
    if not hasattr(type(found), "__set__"):
        return
    if isinstance(found, property):
        try:
            on = found.__get__(service, cls)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - of a service that isn't complete before it starts
            return
        if not on or found.fset is None:
            return
    found.__set__(service, False)
