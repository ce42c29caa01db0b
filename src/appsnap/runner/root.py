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
from appsnap.twisted_services import adapted, as_awaitable, implements, provides
from appsnap.waiting import failure, log_errors, path, stop_errors, type_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping

__all__ = ["all_services", "finished", "in_words", "placed", "service_of", "stopped", "undone"]


def service_of(application: Any) -> IService:
    """Return the root of an application. Raises CannotLoad for anything that is no service."""
    service: IService | None = adapted(IService, application)
    if service is None or not provides(IService, service):
        kind = type(application)
        raise CannotLoad(f"a {kind.__module__}.{kind.__qualname__} is not a service, so it can't be run")
    return service


async def finished(result: Awaitable[object] | None) -> object:
    """Wait for the result of a call, if it is one to wait for, and return its value."""
    result = as_awaitable(result)
    return await result if inspect.isawaitable(result) else None


async def stopped(service: IService) -> None:
    """Stop a service. Raises an exception group, each error with a note of its place."""
    try:
        failed = [*_failures(await finished(service.stopService()), service)]
    except BaseExceptionGroup:
        raise
    except Exception as error:  # noqa: BLE001 - it goes into the group
        error.add_note(f"while stopping {path(service)} ({type_of(service)})")
        raise stop_errors(service, [error]) from None
    if failed:
        raise stop_errors(service, failed)


async def undone(service: IService) -> None:
    """Stop what has started of a tree that failed to start.

    A collection of Twisted's would stop all of its services, and those that have not started may fail then.
    """
    if IService.providedBy(service):
        await stopped(service)
        return
    for one in reversed([*all_services(service)]):
        if getattr(one, "running", False) and not implements(IServiceCollection, type(one)):
            try:
                await stopped(one)
            except BaseExceptionGroup as error:
                log_errors(error.exceptions)


def _failures(result: Any, service: Any) -> Iterator[BaseException]:
    """Yield the errors in the result of the stop of a Twisted collection, each with a note of its place.

    The result has a pair for each child, in the order of stopping, and such lists below.
    """
    waiting = [(result, service)]
    while waiting:
        found, service = waiting.pop()
        if isinstance(found, list) and implements(IServiceCollection, type(service)):
            parts = [one[1] for one in found if isinstance(one, tuple) and len(one) == 2]
            children = [*service][::-1]
            # Another one may have left meanwhile, and nobody knows which.
            places = children if len(children) == len(parts) else [service] * len(parts)
            waiting += [*zip(parts, places, strict=True)][::-1]
        elif isinstance(getattr(found, "value", None), BaseException):  # Twisted's Failure
            found.value.add_note(f"while stopping {path(service)} ({type_of(service)})")
            yield found.value


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
            is_collection[cls] = implements(IServiceCollection, cls)
        yield service
        if is_collection[cls]:
            stack.extend(reversed([*service]))
