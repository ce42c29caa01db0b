"""The results of starting and stopping: None, or something to await that may be left without harm.

A `Report` belongs to one request. Its caller gets an error at once if everything is done at once, and a future
otherwise. Several reports may have the same error. It is logged if nobody takes it from any of them.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import traceback
import types
from typing import TYPE_CHECKING, Any, Protocol

from appsnap.errors import ServiceError
from appsnap.interfaces import IProcess, IService, IServiceCollection
from appsnap.printable import in_words, label
from appsnap.twisted_services import is_root, provides

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Generator, Iterable, Iterator, Sequence

__all__ = [
    "Asked",
    "Report",
    "asking",
    "both",
    "deliver",
    "eagerly",
    "failure",
    "hand_over",
    "is_over",
    "log_errors",
    "loop_runs",
    "note",
    "path",
    "stop_errors",
    "stopped_before",
    "type_of",
    "with_notes",
]

_log = logging.getLogger("appsnap.service")  # the name that people look for in a log


class Asked(Protocol):
    """The work behind a report."""

    def adopt(self) -> None:
        """Let the event loop run all that was left to it."""

    def keep(self) -> None:
        """Keep the event loop from closing before the end."""

    def lose(self) -> bool:
        """Give up if no caller wants it any more. Tells whether the caller has to wait for that."""

    def waited_for_by(self, call: Any) -> bool:
        """Tell whether the code that this call runs would wait for itself."""


asking: contextvars.ContextVar[Any] = contextvars.ContextVar("asking", default=None)
"""The call of a service within which code runs. Tasks and callbacks that are made there inherit it."""


class Report:
    """How the caller of one request learns the outcome."""

    __slots__ = ("asked", "awaitable", "cancelled", "done", "error", "handle", "nobody", "within")

    def __init__(self) -> None:
        self.within = asking.get()
        self.asked: Asked | None = None
        self.handle: _Handle | None = None
        self.error: BaseException | None = None
        self.cancelled = False
        self.done = False
        self.nobody = False
        self.awaitable = False
        """Whether the result can be awaited in any case."""

    def above(self) -> Iterator[Any]:
        """Yield the call whose code waits for this."""
        if self.within is not None:
            yield self.within

    def result(self) -> Awaitable[None] | None:
        """Return None or raise the error if all is done; else return an awaitable.

        Code that would wait for itself gets an awaitable that is done.
        """
        if self.done:
            if self.error is not None:
                raise self.error
            return nothing() if self.awaitable else None
        assert self.asked is not None
        if self.within is not None and self.asked.waited_for_by(self.within):
            self.nobody = True
            return nothing()
        return self._watch(self.asked) if loop_runs() else self._later(self.asked)

    def release(self) -> None:
        """End the waiting of the caller, before the work has ended."""
        if self.handle is not None and not is_over(self.handle):
            self.nobody = True
            self.handle.report = None
            self.handle.set_result(None)

    def _watch(self, asked: Asked) -> _Handle:
        asked.adopt()
        asked.keep()
        self.handle = _Handle(loop=asyncio.get_running_loop())
        self.handle.report = self
        return self.handle

    async def _later(self, asked: Asked) -> None:
        asked.adopt()
        waiting = self.result()
        if waiting is not None:
            await waiting


class _Handle(asyncio.Future[None]):
    """The future of a report.

    Cancelling it gives a start up, and the future ends when that is rolled back. Another cancellation leaves at once,
    as the first one does where a stop or a roll-back has begun.
    """

    report: Report | None = None
    shielded = False
    _share: _Share | None = None

    def cancel(self, msg: Any | None = None) -> bool:
        report = self.report
        if self._share is not None and self._log_traceback:
            self._share.dropped()
        elif not self.done() and report is not None and not report.cancelled:
            report.cancelled = not self.shielded
            if report.cancelled and report.asked is not None and report.asked.lose():
                return True
        return super().cancel(msg)

    def end(self, error: BaseException | None, share: _Share) -> None:
        if error is None and not (self.report is not None and self.report.cancelled):
            self.set_result(None)
        elif error is None or isinstance(error, asyncio.CancelledError):
            super().cancel()
        else:
            if isinstance(error, StopIteration):  # a future refuses it
                error = _reason(error)
            share.left += 1
            self._share = share
            self.set_exception(error)
        self.report = None

    def __del__(self) -> None:
        if self._share is not None:
            self._share.leave(taken=not self._log_traceback)
            self._log_traceback = False
        super().__del__()


def nothing() -> Awaitable[None] | None:
    """Return something to await that is done. Without an event loop it is None."""
    if not loop_runs():
        return None
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def both(leaving: Awaitable[object] | None, joining: Awaitable[object] | None) -> Awaitable[object] | None:
    """Return the result of a move. It goes on when its caller leaves, because the service has no other place to be."""
    if isinstance(joining, _Handle):
        joining.shielded = True
    if leaving is None or joining is None:
        return leaving or joining
    if not loop_runs():
        return _both_later(leaving, joining)
    report = Report()
    report.handle = handle = _Handle(loop=asyncio.get_running_loop())
    parts = [asyncio.ensure_future(leaving), asyncio.ensure_future(joining)]

    def ended(_: asyncio.Future[object]) -> None:
        if all(part.done() for part in parts):
            errors = [asyncio.CancelledError() if part.cancelled() else part.exception() for part in parts]
            found = [error for error in errors if error is not None]
            deliver([report], with_notes(found[0], found[1:]) if found else None)

    for part in parts:
        part.add_done_callback(ended)
    return handle


async def _both_later(leaving: Awaitable[object], joining: Awaitable[object]) -> None:
    moving = both(leaving, joining)
    if moving is not None:
        await moving


class _Share:
    """An error in several futures."""

    def __init__(self, error: BaseException | None, *, taken: bool) -> None:
        self.error = error
        self.left = 0
        self.taken = taken

    def dropped(self) -> None:
        """Log the error at once. A task that is cancelled in the tick of an error drops it."""
        if not self.taken:
            self.taken = True
            log_errors([self.error])

    def leave(self, *, taken: bool) -> None:
        self.left -= 1
        self.taken = self.taken or taken
        if not self.left and not self.taken:
            log_errors([self.error])


def deliver(reports: Iterable[Report], error: BaseException | None, *, taken: bool = False) -> None:
    """Tell the outcome to all who asked. The error is logged if nobody is there to take it."""
    handles = []
    for report in reports:
        report.done, report.error = True, error
        if report.handle is None:
            taken = taken or not report.nobody
        elif not is_over(report.handle):
            handles.append(report.handle)
        report.asked = report.handle = None
    share = _Share(error, taken=taken)
    for handle in handles:
        handle.end(error, share)
    if error is not None and not taken and not handles:
        log_errors(error.exceptions if isinstance(error, BaseExceptionGroup) else [error])


def log_errors(errors: Iterable[BaseException | None]) -> None:
    """Log errors that nobody takes. A cancellation is none."""
    for error in errors:
        if error is not None and not isinstance(error, asyncio.CancelledError):
            _log.error("an error that nobody awaited: %s", in_words(error), exc_info=error)


def is_over(future: asyncio.Future[Any]) -> bool:
    """Tell whether nobody can wait for a future any more."""
    return future.done() or future.get_loop().is_closed()


def loop_runs() -> bool:
    """Tell whether an event loop is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


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
    if not loop_runs():
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
    """The rest of a coroutine. An error that nobody awaited is logged with its notes."""

    def __del__(self) -> None:
        if self._log_traceback:
            log_errors([self.exception()])
        super().__del__()


_under_way: set[_Rest] = set()
"""The running rests. The set keeps them alive, because an event loop has only weak references to its tasks."""


def failure(method: str, service: IService, collection: Any, error: BaseException) -> BaseException:
    """Return the error to raise when a service failed to start: a ServiceError with its place, or an interrupt."""
    if isinstance(error, ServiceError) or not isinstance(error, (Exception, asyncio.CancelledError)):
        return error
    failed = ServiceError(method, _place(service, collection), type_of(service), error)
    failed.__cause__ = error
    return failed


def stopped_before(collection: Any) -> BaseException:
    """Return the error of a start that a stop has ended."""
    return failure("startService", collection, collection, RuntimeError("stopped before it had started"))


def stop_errors(collection: Any, errors: list[BaseException]) -> BaseException:
    """Return the errors of a stop together."""
    return BaseExceptionGroup(f"errors while stopping {path(collection)}", errors)


def _reason(error: BaseException) -> BaseException:
    reason = RuntimeError(in_words(error))
    reason.__cause__ = error
    return reason


def note(what: str, service: IService, collection: Any, error: BaseException) -> None:
    """Note the place of a service on its error, unless a collection below has done that."""
    notes = getattr(error, "__notes__", None) or ()
    if not any(str(note).startswith(f"while {what} ") for note in notes):
        _add_note(error, f"while {what} {_place(service, collection)} ({type_of(service)})")


def _add_note(error: BaseException, text: str) -> None:
    try:
        error.add_note(text)
    except Exception as failed:  # noqa: BLE001 - for instance a frozen dataclass takes none
        _log.debug("an error takes no note: %s: %s", in_words(failed), text)


def with_notes(error: BaseException, further: Sequence[BaseException]) -> BaseException:
    """Attach further errors to the first one."""
    for other in further:
        if other is not error:
            _add_note(error, "".join(traceback.format_exception(other)))
    return error


def _place(service: IService, collection: Any) -> str:
    return path(service) if service is collection else path(service, collection)


def path(service: Any, parent: Any = None) -> str:
    """Return the place of a service in its tree, as in `application.services["web"].services[0]`."""

    def climb() -> Iterator[str]:
        child, above = service, service.parent if parent is None else parent
        seen: set[int] = set()  # a stranger's file may lead back to where it began
        while above is not None and id(child) not in seen:
            seen.add(id(child))
            yield _label(child, above)
            child, above = above, getattr(above, "parent", None)
        if provides(IProcess, child) or is_root(child):
            yield "application"

    return ".".join(reversed(list(climb()))) or type(service).__qualname__


def _label(service: IService, parent: IServiceCollection) -> str:
    if service.name is not None:
        return f'services["{label(service.name)}"]'
    return next((f"services[{index}]" for index, child in enumerate(parent) if child is service), "services[?]")


def type_of(service: object) -> str:
    """Return the name of a service's class, for messages."""
    return f"{type(service).__module__}.{type(service).__qualname__}"
