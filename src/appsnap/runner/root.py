"""The root of an application that runs: its calls, each error with its place, and the whole in words."""

from __future__ import annotations

import contextlib
import datetime as dt
import inspect
import itertools
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad, ServiceError
from appsnap.interfaces import IService, IServiceCollection
from appsnap.printable import plural
from appsnap.waiting import failure, path, stop_errors, type_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping

__all__ = ["all_services", "finished", "in_words", "placed", "service_of", "stopped"]


def service_of(application: Any) -> IService:
    """Return the root of an application. Raises CannotLoad for anything that is no service."""
    service: IService | None = IService(application, None)
    if service is None or not IService.providedBy(service):
        kind = type(application)
        twisted = kind.__module__.partition(".")[0] == "twisted"
        raise CannotLoad(
            f"a {kind.__module__}.{kind.__qualname__} is not a service, so it can't be run",
            hint=_HINT_OF_TWISTED if twisted else "",
        )
    return service


_HINT_OF_TWISTED = (
    "Twisted's own reactor runs it, in a program: from twisted.application import app; from twisted.internet import "
    "reactor; app.startApplication(application, False); reactor.run()"
)


async def finished(result: Awaitable[object] | None) -> None:
    """Wait for the result of a call, if it is one to wait for."""
    if inspect.isawaitable(result):
        await result


async def stopped(service: IService) -> None:
    """Stop a service. Raises an exception group, each error with a note of its place."""
    try:
        await finished(service.stopService())
    except BaseExceptionGroup:
        raise
    except Exception as error:  # noqa: BLE001 - it goes into the group
        error.add_note(f"while stopping {path(service)} ({type_of(service)})")
        raise stop_errors(service, [error]) from None


@contextlib.contextmanager
def placed(method: str, service: IService) -> Iterator[None]:
    """Raise ServiceError for an error of the root itself, as its children's are."""
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        raise failure(method, service, service, error) from error


_MOST_COUNTED = 1_000
"""Services that are counted, in a millisecond: the event loop stands still meanwhile."""


def in_words(root: IService, status: Mapping[str, Any], refused: str) -> str:
    """Return the state of an application for people: the number of its services, and how old its last save is.

    `refused` is the reason why the last restart was refused, if it was.
    """
    count = sum(1 for _ in itertools.islice(all_services(root), _MOST_COUNTED + 2)) - 1
    more = count > _MOST_COUNTED
    words = f"running, {'more than ' * more}{plural(count - more, 'service')}"
    words += f"; not restarted: {refused}" if refused else ""
    if status.get("failed"):
        return f"{words}; not saved: {status['failed']}"
    if status.get("saved"):
        ago = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(status["saved"])
        words += f"; saved {max(ago.total_seconds(), 0):.0f} s ago"
        words += f", pause {status['pause_ms']:.0f} ms" if status["pause_ms"] is not None else ""
    return words


def all_services(root: Any) -> Iterator[Any]:
    """Yield a service and all below it, each before its children. A tree may be deep, and its services many."""
    stack = [root]
    seen: set[int] = set()
    is_collection: dict[type, bool] = {}
    while stack:
        service = stack.pop()
        if id(service) in seen:
            continue
        seen.add(id(service))
        cls = type(service)
        if cls not in is_collection:
            is_collection[cls] = IServiceCollection.implementedBy(cls)
        yield service
        if is_collection[cls]:
            stack.extend(reversed([*service]))
