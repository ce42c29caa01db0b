"""Starts and stops the services of a collection: it asks all at once, waits for all, and rolls a failed start back.

Asking a service is a plain call, which may return something to await. The same code runs without an event loop if there
is nothing to wait for: see `eagerly`.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import operator
import traceback
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator
from typing import Any

from appsnap.errors import ServiceError
from appsnap.interfaces import IProcess, IService, IServiceCollection

__all__ = ["Lifecycle", "eagerly", "hand_over", "path"]

_log = logging.getLogger("appsnap.service")  # the name that people look for in a log

How = Callable[[IService], object]
"""A way to ask a service to start or stop. If the result can be awaited, the service is busy until that ends."""


class Lifecycle:
    """Starts and stops the services of a collection, and keeps the starts that are running.

    A service that is added during a start becomes a part of that start. If a service is removed while it starts, or its
    whole collection is stopped, its start is cancelled first.
    """

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._starts: list[_Round] = []

    async def start(self, method: str) -> None:
        """Ask every service, in order. After a failure, raises ServiceError when everything is rolled back."""
        start = _Round(list(self._collection), operator.methodcaller(method), whole=True)
        with self._known(start):
            await start.run()
        if start.failed:
            self._collection.running = False
            raise await self._undo(start, method)

    async def stop(self) -> None:
        """Stop every service, the last one first. Raises an exception group when all have ended."""
        for start in self._starts:
            start.abandoned = True
        stop = await self._stop_all(reversed(list(self._collection)), self._stop_service)
        errors = [error for _, error in stop.errors]
        if stop.cancelled is not None:
            _log_errors(errors)
            raise stop.cancelled
        if errors:
            raise BaseExceptionGroup(f"errors while stopping {path(self._collection)}", errors)

    def added(self, service: IService, let_go: Callable[[IService], None]) -> Awaitable[object] | None:
        """Start a new service if the collection is running. If it fails, it leaves the collection again."""
        start = next((start for start in self._starts if start.whole), None)
        if start is None:
            return eagerly(self._start_newcomer(service, let_go)) if self._collection.running else None
        if self._collection.running:
            return start.ask(service, self._privileged_first)
        start.waiting[id(service)] = service
        return None

    def removed(self, service: IService) -> Awaitable[None] | None:
        """Stop a service that has left, if the collection is running."""
        if self._collection.running:
            return eagerly(self._stop_removed(service))
        for start in self._starts:
            start.waiting.pop(id(service), None)
        return None

    async def _start_newcomer(self, service: IService, let_go: Callable[[IService], None]) -> None:
        start = _Round([service], self._privileged_first)
        with self._known(start):
            await start.run()
        if start.failed:
            failure = await self._undo(start, "startService")
            if not start.abandoned:
                let_go(service)
            raise failure

    def _privileged_first(self, service: IService) -> Awaitable[None] | None:
        return eagerly(self._start_both(service))

    async def _start_both(self, service: IService) -> None:
        for method in ("privilegedStartService", "startService"):
            step = _Round([service], operator.methodcaller(method))
            await step.run()
            step.raise_cancelled()
            for _, error in step.errors:
                raise self._failure(method, service, error)

    @contextlib.contextmanager
    def _known(self, start: _Round) -> Iterator[None]:
        self._starts.append(start)
        try:
            yield
        finally:
            self._starts.remove(start)

    async def _undo(self, start: _Round, method: str) -> BaseException:
        """Stop the services that a failed start has started. Returns the error to raise."""
        failed = {id(service): service for service, _ in start.errors}
        undo = await self._stop_all(
            [*failed.values(), *reversed(start.up.values())],
            lambda service: _clear_away(service) if id(service) in failed else service.stopService(),
        )
        for service, error in start.errors:
            if not isinstance(error, ServiceError):  # a ServiceError has the place already
                error.add_note(f"while starting {path(service, self._collection)} ({_type(service)})")
        cancelled = start.cancelled or undo.cancelled
        if cancelled is not None:
            _log_errors(error for _, error in (*start.errors, *undo.errors))
            return cancelled
        if not start.errors:
            return self._failure(method, self._collection, RuntimeError("stopped before it had started"))
        (service, error), *further = *start.errors, *undo.errors
        failure = self._failure(method, service, error)
        for _, error in further:
            failure.add_note("".join(traceback.format_exception(error)))
        return failure

    def _failure(self, method: str, service: IService, error: BaseException) -> BaseException:
        if isinstance(error, ServiceError) or not isinstance(error, (Exception, asyncio.CancelledError)):
            return error
        place = path(service) if service is self._collection else path(service, self._collection)
        failure = ServiceError(method, place, _type(service), error)
        failure.__cause__ = error
        return failure

    async def _stop_removed(self, service: IService) -> None:
        stop = _Round([service], self._stop_service)
        await stop.run()
        stop.raise_cancelled()
        for _, error in stop.errors:
            self._note_stop(service, error)
            raise error

    async def _stop_all(self, services: Iterable[IService], how: How) -> _Round:
        """Stop services. Returns the round with a flat list of its errors, each with a note of its place."""
        stop = _Round(services, how, thorough=True)
        await stop.run()
        stop.errors = [(service, part) for service, error in stop.errors for part in _parts(service, error)]
        for service, error in stop.errors:
            self._note_stop(service, error)
        return stop

    def _note_stop(self, service: IService, error: BaseException) -> None:
        if not any(note.startswith("while stopping ") for note in getattr(error, "__notes__", ())):
            error.add_note(f"while stopping {path(service, self._collection)} ({_type(service)})")

    def _stop_service(self, service: IService) -> object:
        """Stop one service, unless no start has asked it yet. If it is starting, its start ends first."""
        key = id(service)
        for start in self._starts:
            if start.waiting.pop(key, None) is not None:
                return None
            start.up.pop(key, None)
            _, starting = start.pending.get(key, (None, None))
            if isinstance(starting, asyncio.Future):
                del start.pending[key]
                return _stop_starting(service, starting)
        return service.stopService()


class _Round:
    """One round of asking services: those to be asked, those that are busy, those that are up, and those that failed.

    A `thorough` round asks all services, another one none after the first failure. `whole` marks the start of a whole
    collection.
    """

    def __init__(self, services: Iterable[IService], how: How, *, whole: bool = False, thorough: bool = False) -> None:
        self.how = how
        self.whole = whole
        self.thorough = thorough
        self.waiting = {id(service): service for service in services}
        self.pending: dict[int, tuple[IService, Awaitable[object]]] = {}
        self.up: dict[int, IService] = {}
        self.errors: list[tuple[IService, BaseException]] = []
        self.cancelled: asyncio.CancelledError | None = None
        self.abandoned = False

    @property
    def failed(self) -> bool:
        return bool(self.errors) or self.cancelled is not None or self.abandoned

    def raise_cancelled(self) -> None:
        if self.cancelled is not None:
            raise self.cancelled

    async def run(self) -> None:
        """Ask, and wait until all services have ended. A cancellation is passed on to the busy ones."""
        while True:
            if self._goes_on():
                for key, service in list(self.waiting.items()):
                    if key in self.waiting and self._goes_on():
                        self.ask(service, self.how)
            elif self.pending:
                await self._wait()
            else:
                return

    def _goes_on(self) -> bool:
        return bool(self.waiting) and (self.thorough or not self.failed)

    def ask(self, service: IService, how: How) -> Awaitable[object] | None:
        """Ask one service. Returns a task that others may await as well, or None."""
        key = id(service)
        self.waiting.pop(key, None)
        self.up[key] = service
        try:
            result = how(service)
        except BaseException as error:  # noqa: BLE001 - an interrupted start is rolled back like any other
            self._fail(service, error)
            return None
        if not inspect.isawaitable(result):
            return None
        if not _loop_runs():
            self.pending[key] = service, result
            return None
        task: asyncio.Future[object] = asyncio.ensure_future(result)
        self.pending[key] = service, task
        return task

    async def _wait(self) -> None:
        try:
            await hand_over()
        except asyncio.CancelledError as error:
            self.cancelled = error
        tasks = {key: (service, asyncio.ensure_future(rest)) for key, (service, rest) in self.pending.items()}
        self.pending.update(tasks)
        if self.cancelled is not None:
            for _, task in tasks.values():
                task.cancel()
        try:
            await asyncio.gather(*(task for _, task in tasks.values()), return_exceptions=True)
        except asyncio.CancelledError as error:
            self.cancelled = error  # gather has passed it on and waited for all tasks
        for key, (service, task) in tasks.items():
            if self.pending.pop(key, None) is None:
                continue  # another call took it out of this round meanwhile
            failure = asyncio.CancelledError() if task.cancelled() else task.exception()
            if failure is not None:
                self._fail(service, failure)

    def _fail(self, service: IService, error: BaseException) -> None:
        self.up.pop(id(service), None)
        self.errors.append((service, error))


def _parts(service: IService, error: BaseException) -> Iterable[BaseException]:
    if isinstance(error, BaseExceptionGroup) and IServiceCollection.providedBy(service):
        return error.exceptions
    return (error,)


def _clear_away(service: IService) -> Awaitable[None] | None:
    """Stop the children of a service that failed to start. The service itself isn't asked to stop.

    A collection rolls its own start back. It doesn't if an override of a method fails after that.
    """
    if not service.running:
        return None
    service.running = False
    return eagerly(Lifecycle(service).stop()) if IServiceCollection.providedBy(service) else None


async def _stop_starting(service: IService, starting: asyncio.Future[object]) -> None:
    starting.cancel()
    await asyncio.wait([starting])
    started = not starting.cancelled() and starting.exception() is None
    rest = service.stopService() if started else _clear_away(service)
    if inspect.isawaitable(rest):
        await rest
    if not starting.cancelled():
        starting.result()


@types.coroutine
def hand_over() -> Generator[None, None, None]:
    """Mark the place in a coroutine where waiting begins. See `eagerly`."""
    yield


def eagerly(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Run a coroutine at once, to its end or to its first `await hand_over()`. Returns None, or the rest to await.

    The rest is a task. It runs whether it is awaited or not. Because the coroutine has begun already, even an early
    cancellation arrives within its own `try`; a task that hasn't begun would just be dropped. Without an event loop,
    the rest begins when it is awaited.
    """
    try:
        work.send(None)
    except StopIteration:
        return None
    if not _loop_runs():
        return _finish(work)
    rest = _Rest(work, loop=asyncio.get_running_loop())
    _under_way.add(rest)
    rest.add_done_callback(_under_way.discard)
    return rest


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    await _Begun(work)


class _Begun:
    """Makes a coroutine awaitable after it has begun. Python itself refuses to await it."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, Any, None]:
        return self._work.__await__()


class _Rest(asyncio.Task[None]):
    """The rest of a start or stop. An error that nobody awaited is logged with its notes."""

    def __del__(self) -> None:
        if self._log_traceback:
            _log_errors([self.exception()])
        super().__del__()


_under_way: set[_Rest] = set()
"""The running rests. The set keeps them alive, because an event loop has only weak references to its tasks."""


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _log_errors(errors: Iterable[BaseException | None]) -> None:
    for error in errors:
        if error is not None and not isinstance(error, asyncio.CancelledError):
            _log.error("an error that nobody awaited: %s: %s", type(error).__name__, error, exc_info=error)


def path(service: Any, parent: Any = None) -> str:
    """Return the place of a service in its tree, as in `application.services["web"].services[0]`."""

    def climb() -> Iterator[str]:
        child, above = service, service.parent if parent is None else parent
        while above is not None:
            yield _label(child, above)
            child, above = above, getattr(above, "parent", None)
        if IProcess.providedBy(child):
            yield "application"

    return ".".join(reversed(list(climb()))) or type(service).__qualname__


def _label(service: IService, parent: IServiceCollection) -> str:
    if service.name is not None:
        return f'services["{service.name}"]'
    return next((f"services[{index}]" for index, child in enumerate(parent) if child is service), "services[?]")


def _type(service: object) -> str:
    return f"{type(service).__module__}.{type(service).__qualname__}"
