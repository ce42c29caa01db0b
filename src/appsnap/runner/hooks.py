"""Methods that services may have for their state: `beforeSnapshot` and `afterSnapshot` around a save, `afterRestore`.

They are plain methods, called in the live process. Parents come before their children, and `afterSnapshot` comes in the
reverse order.
"""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

from appsnap.errors import ServiceError
from appsnap.lifecycle import path
from appsnap.runner.root import all_services, service_of
from appsnap.waiting import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["after_restore", "around_snapshot"]


def after_restore(application: Any) -> None:
    """Tell the services that they come from a generation. Raises ServiceError."""
    for service in _services_with(application, "afterRestore"):
        _call(service, "afterRestore")


@contextlib.contextmanager
def around_snapshot(application: Any, failed: Callable[[ServiceError], object]) -> Iterator[None]:
    """Tell the services that they are about to be saved, and that this is done. Raises ServiceError of the former.

    `afterSnapshot` is called whenever `beforeSnapshot` was. `failed` gets its errors: they don't undo the save.
    """
    told: list[Any] = []
    try:
        for service in _services_with(application, "beforeSnapshot", "afterSnapshot"):
            told.append(service)
            _call(service, "beforeSnapshot")
        yield
    finally:
        for service in reversed(told):
            try:
                _call(service, "afterSnapshot")
            except ServiceError as error:
                failed(error)


def _services_with(application: Any, *methods: str) -> Iterator[Any]:
    """Yield the services whose classes have one of these methods."""
    known: dict[type, bool] = {}
    for service in all_services(service_of(application)):
        cls = type(service)
        if cls not in known:
            known[cls] = any(hasattr(cls, name) for name in methods)
        if known[cls]:
            yield service


def _call(service: Any, method: str) -> None:
    function = getattr(service, method, None)
    if function is None:
        return
    try:
        result = function()
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError("it has to be a plain method, and not a coroutine")  # noqa: TRY301 - it fails as the others do
    except Exception as error:
        raise ServiceError(method, path(service), type_of(service), error) from error
