"""The calls of services, one by one: each waits until its service is in no other call, and tells its end to others."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from appsnap.interfaces import IService
from appsnap.twisted_services import as_awaitable
from appsnap.waiting import (
    Report,
    asking,
    deliver,
    failure,
    loop_runs,
    stop_errors,
    stopped_before,
)

if TYPE_CHECKING:
    from appsnap.transitions import Transition

__all__ = [
    "BUSY",
    "PRIVILEGED",
    "START",
    "STOP",
    "Call",
    "Errors",
    "Stack",
    "adopt",
    "bury",
    "busy_with",
    "is_walked",
    "push",
    "run",
    "stopping",
    "waiting_for",
    "walked",
]

START = "startService"
STOP = "stopService"
PRIVILEGED = "privilegedStartService"

Stack = list["Transition"]
Errors = list[tuple[IService, BaseException]]

BUSY: dict[int, Call] = {}
"""The call that each busy service is in, by identity, whichever collection makes it. It keeps both alive."""

_LOOPS: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
"""The loops that have run results."""

_Method = TypeVar("_Method", bound=Callable[..., Any])
_walked: set[int] = set()


def walked(method: _Method) -> _Method:
    """Mark a method of a collection that needs no call, because its lifecycle does the same."""
    _walked.add(id(method))
    return method


def is_walked(service: IService, method: str) -> bool:
    """Tell whether a method of a service is marked, and not overridden."""
    return id(getattr(type(service), method, None)) in _walked and method not in vars(service)


def busy_with(service: IService) -> Call | None:
    """Return the call that a service is in, or None."""
    return BUSY.get(id(service))


def stopping() -> list[IService]:
    """Return the services that were asked to stop and have not ended yet. Any thread may call this."""
    return [call.service for call in [*BUSY.values()] if call.stops and call.asked is None]


def push(transition: Transition, stack: Stack) -> None:
    """Put a transition on a stack, unless it stands on one."""
    if not transition.stacked:
        transition.stacked = True
        stack.append(transition)


def run(stack: Stack) -> None:
    """Let the transitions on a stack go on, the last one first, until each has ended or has to wait."""
    while stack:
        transition = stack.pop()
        transition.stacked = False
        transition.advance(stack)


def waiting_for(call: Call | None) -> dict[Any, Any]:
    """Return all that waits for a call: other calls, transitions, reports. Each has the one before it as its value."""
    found: dict[Any, Any] = {} if call is None or call.ended else {call: None}
    todo: list[Any] = list(found)
    while todo:
        thing = todo.pop()
        for above in thing.above():
            if above not in found and not (isinstance(above, Call) and above.ended):
                found[above] = thing
                todo.append(above)
    return found


class Call:
    """A start or stop of one service, from the request of its collection to its end.

    It waits for the call that the service is in, of this collection or another. A start of a newcomer calls two
    methods, the privileged one first. A stop that only clears away doesn't ask the service itself.
    """

    began = cancelled = clears = ended = left = False
    asked: Transition | None = None
    behind: Call | None = None
    deferred: Awaitable[Any] | None = None
    error: BaseException | None = None
    future: asyncio.Future[Any] | None = None
    newcomer = False
    owner: Transition | None
    parts: Sequence[tuple[IService, BaseException]] = ()
    reports: list[Report] | None = None
    waiters: list[Call | Transition] | None = None

    # Most calls of a large tree return None. So all attributes but these keep the values above.
    def __init__(self, owner: Transition, service: IService, method: str) -> None:
        self.owner = owner
        self.lifecycle = owner.lifecycle
        self.service = service
        self.method = method

    @property
    def stops(self) -> bool:
        """Whether it is a stop."""
        return self.method == STOP

    def above(self) -> Iterator[Any]:
        """Yield all that waits for it."""
        if self.owner is not None:
            yield self.owner
        yield from self.waiters or ()
        yield from self.reports or ()

    def wait(self, waiter: Call | Transition) -> None:
        """Let somebody proceed when it has ended."""
        if self.waiters is None:
            self.waiters = []
        self.waiters.append(waiter)

    def proceed(self, stack: Stack) -> None:
        """Ask the service, if it is in no other call."""
        if self.ended:
            return
        bury(BUSY.get(id(self.service)))
        busy = BUSY.get(id(self.service))
        if busy is not None:
            self.behind = busy
            busy.wait(self)
            self._release()
            return
        before, self.behind = self.behind, None
        if self.left:  # its service has gone before its turn
            self.end(None, stack)
            return
        if before is not None and self.stops:
            if before.stops:  # the service has been stopped just now, and the error has its report
                alone = self.owner is not None and self.owner.alone is not None
                self.end(before.reason() if alone else None, stack)
                return
            if before.failed_down():
                self.clears = True
                if not isinstance(before.error, asyncio.CancelledError):
                    self.error = before.error
        self.began = True
        BUSY[id(self.service)] = self
        self._ask(stack)

    def _ask(self, stack: Stack) -> None:
        service, method = self.service, self.method
        below = self.lifecycle.to_clear(service) if self.clears else self.lifecycle.below(service, method)
        if below is not None:
            if self.owner is not None:
                push(self.owner, stack)  # it goes on when the collection below has gone as far as it can
            busy = below.current is not None
            below.request(method, self, stack)
            if busy:
                self._release()
            return
        if self.clears:
            self.finished(None, stack)
            return
        error: BaseException | None = None
        before = asking.set(self)
        try:
            result = getattr(service, method)()
            if result is not None and inspect.isawaitable(result):
                self._keep(result)
        except BaseException as failed:  # noqa: BLE001 - an interrupted start is rolled back like any other
            error = failed
        finally:
            asking.reset(before)
        self._go_on(error, stack)

    def _release(self) -> None:
        """Let code go on that began to wait for itself when this call began to wait."""
        for above in waiting_for(self):
            if isinstance(above, Report) and self in waiting_for(above.within):
                above.release()

    def came(self, result: object, error: BaseException | None, stack: Stack) -> None:
        """Take the result of a method that the transition has called itself."""
        self.began = True
        if self.owner is not None:
            self.owner.pending[id(self.service)] = self.lifecycle.calls[id(self.service)] = self
        if error is None and inspect.isawaitable(result):
            self._keep(result)
        self._go_on(error, stack)

    def _keep(self, result: Awaitable[Any]) -> None:
        self.deferred = result
        if loop_runs():
            self.adopt_result()

    def _go_on(self, error: BaseException | None, stack: Stack) -> None:
        if self.deferred is None and self.future is None:
            self.finished(error, stack)
        elif self.cancelled:
            self._pass_on(stack)

    def below(self) -> list[Call | Transition]:
        """Return all that it waits for."""
        return [part for part in (self.behind, self.asked) if part is not None]

    def adopt_result(self) -> None:
        """Let the event loop run a result that waits for it."""
        if self.deferred is None:
            return
        result, self.deferred = self.deferred, None
        before = asking.set(self)
        try:
            self.future = asyncio.ensure_future(as_awaitable(result))
        finally:
            asking.reset(before)
        _LOOPS.add(self.future.get_loop())
        self.future.add_done_callback(self._done)

    def _done(self, future: asyncio.Future[Any]) -> None:
        self.future = None
        stack: Stack = []
        self.finished(asyncio.CancelledError() if future.cancelled() else future.exception(), stack)
        run(stack)

    def finished(self, error: BaseException | None, stack: Stack) -> None:
        """Take the result of one method, and call the next one."""
        self.asked = None
        if error is None and self.method == PRIVILEGED and self.newcomer and not self.cancelled and not self.left:
            self.method = START
            self._ask(stack)
            return
        if error is not None and self.newcomer and not self.cancelled:
            error = failure(self.method, self.service, self.lifecycle.collection, error)
        self.end(self.error if error is None else error, stack)

    def end(self, error: BaseException | None, stack: Stack) -> None:
        """End, and let all proceed that waits for it."""
        self.ended = True
        self.error = error
        key = id(self.service)
        if BUSY.get(key) is self:
            del BUSY[key]
        if self.lifecycle.calls.get(key) is self:
            del self.lifecycle.calls[key]
        owner, self.owner = self.owner, None
        if self.reports is not None:
            reports, self.reports = self.reports, None
            deliver(reports, self._outcome(owner, reports), taken=True)
        if owner is not None:
            owner.take(self, stack)
        waiters, self.waiters = self.waiters, None
        last = self
        for waiter in waiters or ():
            if isinstance(waiter, Call):
                waiter.behind = last
            waiter.proceed(stack)
            if isinstance(waiter, Call) and waiter.began and waiter.ended:
                last = waiter  # it took no time, and the next one comes after it

    def _outcome(self, owner: Transition | None, reports: list[Report]) -> BaseException | None:
        """Return the error for those who wait for a newcomer. One that has left needed no start."""
        if self.left:
            return None
        given_up = isinstance(self.error, asyncio.CancelledError) and not any(report.cancelled for report in reports)
        return stopped_before(self.lifecycle.collection) if owner is None or given_up else self.error

    def failed_down(self) -> bool:
        """Tell whether it is a start that failed, and its service is down. A privileged part may fail when it is up."""
        up = self.method == PRIVILEGED and not self.newcomer and getattr(self.service, "running", False)
        return self.error is not None and not up

    def reason(self) -> BaseException | None:
        """Return the error of an ended stop."""
        return stop_errors(self.service, [error for _, error in self.parts]) if self.parts else self.error

    def cancel(self, stack: Stack) -> None:
        """Give up a start. A service is told only once, so that nothing disturbs it when it cleans up."""
        if self.cancelled or self.ended:
            return
        self.cancelled = True
        if not self.began:
            if self.behind is not None and self.behind.waiters is not None:
                self.behind.waiters.remove(self)
            self.end(asyncio.CancelledError(), stack)
        else:
            self._pass_on(stack)

    def _pass_on(self, stack: Stack) -> None:
        if self.future is not None:
            within = loop_runs() and asyncio.current_task() is self.future
            if within or self._half_begun():
                # A task that is cancelled in its last step counts as cancelled, although its service is up then.
                self.future.get_loop().call_soon(self.future.cancel)
            else:
                self.future.cancel()
        elif self.deferred is not None:
            close = getattr(self.deferred, "close", None)
            self.deferred = None
            if close is not None:
                close()
            self.finished(asyncio.CancelledError(), stack)
        elif self.asked is not None and not self.asked.give_up(stack):
            if self in self.asked.starters:
                self.asked.starters.remove(self)
            self.finished(asyncio.CancelledError(), stack)

    def _half_begun(self) -> bool:
        """Tell whether a coroutine waits to begin. Cancelled now, the service could not undo its privileged part."""
        rest = self.future.get_coro() if isinstance(self.future, asyncio.Task) else None
        if inspect.isgenerator(rest):  # Python 3.11 makes one of an awaitable that is no coroutine
            return inspect.getgeneratorstate(rest) == inspect.GEN_CREATED
        return inspect.iscoroutine(rest) and inspect.getcoroutinestate(rest) == inspect.CORO_CREATED

    # For reports of newcomers: see `Asked`.

    def waited_for_by(self, call: Call) -> bool:
        """Tell whether code within a call would wait for itself if it waited for this."""
        return self in waiting_for(call)

    def adopt(self) -> None:
        """Let the event loop run all that was left to it."""
        adopt(self)

    def keep(self) -> None:
        """Do nothing: the start of the whole collection keeps the loop open."""

    def lose(self) -> bool:
        """Give up the start, because its caller has."""
        stack: Stack = []
        self.cancel(stack)
        run(stack)
        return True


def adopt(work: Call | Transition) -> None:
    """Let the event loop run all results that were left to it, in order."""
    todo: list[Call | Transition] = [work]
    while todo:
        work = todo.pop()
        work.adopt_result()
        todo += work.below()


def bury(work: Call | Transition | None) -> None:
    """End the calls whose event loop was closed before their end, as if it had cancelled them."""
    if work is None or not any(loop.is_closed() for loop in _LOOPS):
        return
    stack: Stack = []
    todo: list[Call | Transition] = [work]
    while todo:
        work = todo.pop()
        todo += work.below()
        if isinstance(work, Call) and work.future is not None and work.future.get_loop().is_closed():
            work.future = None
            work.finished(asyncio.CancelledError(), stack)
    run(stack)
