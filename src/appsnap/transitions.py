"""Starts and stops under way: the calls of services, one by one, and the transition of a collection that makes them.

Nothing here recurses. A transition makes its calls from a stack, and a collection whose methods aren't overridden is
walked by putting its own transition on that stack. So the depth of a tree has no limit. Errors come up in the same way.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from appsnap.errors import ServiceError
from appsnap.interfaces import IService, IServiceCollection
from appsnap.waiting import (
    Report,
    asking,
    deliver,
    eagerly,
    failure,
    hand_over,
    log_errors,
    loop_runs,
    note,
    path,
    with_notes,
)

if TYPE_CHECKING:
    from appsnap.lifecycle import Lifecycle

__all__ = ["START", "STOP", "Call", "Stack", "Transition", "busy_with", "is_walked", "push", "run", "waiting_for", "walked"]

START = "startService"
STOP = "stopService"
NEWCOMER = ("privilegedStartService", START)

Stack = list["Transition"]
Errors = list[tuple[IService, BaseException]]

_busy: dict[int, Call] = {}
"""The call that each busy service is in, by identity, whichever collection makes it. It keeps both alive."""

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
    return _busy.get(id(service))


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

    __slots__ = (
        *("began", "behind", "cancelled", "clears", "deferred", "ended", "error", "future", "left", "lifecycle"),
        *("methods", "newcomer", "owner", "parts", "reports", "service", "stops", "asked", "waiters"),
    )

    def __init__(self, owner: Transition, service: IService, methods: tuple[str, ...]) -> None:
        self.owner: Transition | None = owner
        self.lifecycle = owner.lifecycle
        self.service = service
        self.methods = methods
        self.stops = methods[0] == STOP
        self.newcomer = len(methods) > 1
        self.began = self.cancelled = self.clears = self.ended = self.left = False
        self.behind: Call | None = None
        self.error: BaseException | None = None
        self.parts: Errors = []
        self.future: asyncio.Future[Any] | None = None
        self.deferred: Awaitable[Any] | None = None
        self.asked: Transition | None = None
        self.reports: list[Report] | None = None
        self.waiters: list[Call | Transition] | None = None

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
        busy = _busy.get(id(self.service))
        if busy is not None:
            self.behind = busy
            busy.wait(self)
            return
        before, self.behind = self.behind, None
        self.began = True
        if before is not None and self.stops:
            if before.stops:  # the service has been stopped just now, and the error has its report
                alone = self.owner is not None and self.owner.alone is not None
                self.end(before.reason() if alone else None, stack)
                return
            if before.error is not None:
                self.clears = True
                if not isinstance(before.error, asyncio.CancelledError):
                    self.error = before.error
        _busy[id(self.service)] = self
        self._ask(stack)

    def _ask(self, stack: Stack) -> None:
        service, method = self.service, self.methods[0]
        below = self.lifecycle.to_clear(service) if self.clears else self.lifecycle.below(service, method)
        if below is not None:
            if self.owner is not None:
                push(self.owner, stack)  # it goes on when the collection below has gone as far as it can
            below.request(method, self, stack)
            return
        if self.clears:
            self.finished(None, stack)
            return
        error: BaseException | None = None
        before = asking.set(self)
        try:
            result = getattr(service, method)()
            if result is not None and inspect.isawaitable(result):
                self.deferred = result
                if loop_runs():
                    self._schedule()
        except BaseException as failed:  # noqa: BLE001 - an interrupted start is rolled back like any other
            error = failed
        finally:
            asking.reset(before)
        if self.deferred is None and self.future is None:
            self.finished(error, stack)
        elif self.cancelled:
            self._pass_on(stack)

    def _schedule(self) -> None:
        assert self.deferred is not None
        result, self.deferred = self.deferred, None
        self.future = asyncio.ensure_future(result)
        self.future.add_done_callback(self._done)

    def adopt_result(self) -> None:
        """Let the event loop run the result of a call that was made without one."""
        before = asking.set(self)
        try:
            self._schedule()
        finally:
            asking.reset(before)

    def _done(self, future: asyncio.Future[Any]) -> None:
        self.future = None
        stack: Stack = []
        self.finished(asyncio.CancelledError() if future.cancelled() else future.exception(), stack)
        run(stack)

    def finished(self, error: BaseException | None, stack: Stack) -> None:
        """Take the result of one method, and call the next one."""
        self.asked = None
        if error is None and len(self.methods) > 1 and not self.cancelled and not self.left:
            self.methods = self.methods[1:]
            self._ask(stack)
            return
        if error is not None and self.newcomer and not self.cancelled:
            error = failure(self.methods[0], self.service, self.lifecycle.collection, error)
        self.end(self.error if error is None else error, stack)

    def end(self, error: BaseException | None, stack: Stack) -> None:
        """End, and let all proceed that waits for it."""
        self.ended = True
        self.error = error
        key = id(self.service)
        if _busy.get(key) is self:
            del _busy[key]
        if self.lifecycle.calls.get(key) is self:
            del self.lifecycle.calls[key]
        owner, self.owner = self.owner, None
        if self.reports is not None:
            reports, self.reports = self.reports, None
            deliver(reports, self._outcome(owner, reports), taken=True)
        if owner is not None:
            owner.take(self, stack)
        waiters, self.waiters = self.waiters, None
        for waiter in waiters or ():
            waiter.proceed(stack)

    def _outcome(self, owner: Transition | None, reports: list[Report]) -> BaseException | None:
        """Return the error for those who wait for a newcomer. One that has left needed no start."""
        if self.left:
            return None
        given_up = isinstance(self.error, asyncio.CancelledError) and not any(report.cancelled for report in reports)
        return stopped_before(self.lifecycle) if owner is None or given_up else self.error

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


class Transition:
    """A start or stop of a collection, or of one service alone that joins or leaves it.

    A start asks services as long as none has failed. When all calls have ended, a failed start becomes a stop of all
    that is up: it is rolled back. So does, at once, the start of a collection that is asked to stop.
    """

    def __init__(self, lifecycle: Lifecycle, method: str, alone: IService | None = None) -> None:
        self.lifecycle = lifecycle
        self.method = method
        self.alone = alone
        self.stopping = method == STOP
        self.order: list[IService] = []
        """The services to be asked, the next one last. Those that aren't in `waiting` have left."""
        self.waiting: dict[int, IService] = {}
        self.pending: dict[int, Call] = {}
        self.failures: Errors = []
        self.errors: Errors = []
        self.starters: list[Report | Call] = []
        self.stoppers: list[Report | Call] = []
        self.dropped: list[Report | Call] = []
        self.held: Call | None = None
        """The call from within which a stop was asked for. The stop waits for its end."""
        self.unstopped: list[IService] = []
        self.begun = self.given_up = self.cancelled = self.abandoned = self.left = False
        self.stacked = self.advancing = self.done = False
        self.let_go: Callable[[IService], None] | None = None
        self._kept = False
        self._ending: asyncio.Future[None] | None = None

    @property
    def healthy(self) -> bool:
        """Whether it is a start that can still succeed."""
        return not (self.stopping or self.failures or self.given_up or self.abandoned or self.done)

    def above(self) -> Iterator[Any]:
        """Yield all that waits for it."""
        yield from self.starters
        yield from self.stoppers
        yield from self.dropped
        if self.lifecycle.current is self:
            yield from self.lifecycle.queue

    def proceed(self, stack: Stack) -> None:
        """Go on, because a call has ended."""
        push(self, stack)

    def plan(self, services: list[IService]) -> None:
        """Set the services to be asked, the next one last."""
        self.order = services
        self.waiting = {id(service): service for service in services}

    def advance(self, stack: Stack) -> None:
        """Make calls until there is something to wait for, or until all has ended."""
        if self.advancing:
            return
        self.advancing = True
        try:
            while not self.done and not self.stacked and self._step(stack):
                pass
        finally:
            self.advancing = False

    def _step(self, stack: Stack) -> bool:
        if self.held is not None and self.held.ended:
            self.held = None
        if self.given_up and not self.cancelled and not self.stopping:
            self.cancelled = True
            for call in list(self.pending.values()):
                call.cancel(stack)
            return True
        if not self.begun:
            if self.held is not None:
                return False
            self.begun = True
            self.lifecycle.begin(self)
        elif self.abandoned and not self.stopping:
            if self.held is not None:
                return False
            self._turn()
        elif self.order and (self.stopping or self.healthy):
            service = self.order.pop()
            if self.waiting.pop(id(service), None) is not None:
                self.ask(service, stack)
        elif self.pending:
            return False
        elif self.stopping or self.healthy:
            self._finish(stack)
        else:
            self._turn()
        return True

    def ask(self, service: IService, stack: Stack) -> None:
        """Start or stop one service."""
        lifecycle = self.lifecycle
        key = id(service)
        earlier = lifecycle.calls.get(key)
        if not self.stopping:
            methods = NEWCOMER if self.alone is not None else (self.method,)
            call = Call(self, service, methods)
            lifecycle.up.pop(key, None)
            lifecycle.up[key] = service
        else:
            call = Call(self, service, (STOP,))
            lifecycle.up.pop(key, None)
            call.clears = any(service is failed for failed, _ in self.failures)
        lifecycle.calls[key] = self.pending[key] = call
        if earlier is not None and self.stopping and not earlier.stops:
            self._end_start(earlier, stack)
        call.proceed(stack)

    def _end_start(self, call: Call, stack: Stack) -> None:
        """End a start before a stop of the same service. It is cancelled, unless this is a request of its own."""
        owner = call.owner
        call.left = self.alone is not None
        if owner is not None and owner.alone is not None:
            owner.left = call.left
            owner.abandoned = True
        elif owner is not None:
            call.owner = None
            if owner is not self:
                del owner.pending[id(call.service)]
                push(owner, stack)
        if self.alone is None or call not in waiting_for(asking.get()):
            call.cancel(stack)

    def join(self, service: IService, report: Report, stack: Stack) -> None:
        """Start a newcomer as a part of this start."""
        report.asked = call = Call(self, service, NEWCOMER)
        call.reports = [report]
        key = id(service)
        self.lifecycle.calls[key] = self.pending[key] = call
        self.lifecycle.up[key] = service
        call.proceed(stack)

    def take(self, call: Call, stack: Stack) -> None:
        """Take the end of a call."""
        del self.pending[id(call.service)]
        if not call.stops:
            if call.error is not None and not (self.abandoned and self.alone is not None):
                self.lifecycle.up.pop(id(call.service), None)
                self.failures.append((call.service, call.error))
        elif call.error is not None or call.parts:
            self._failed_to_stop(call)
        if not self.advancing:
            push(self, stack)

    def _failed_to_stop(self, call: Call) -> None:
        self.unstopped.append(call.service)
        if self.alone is not None:
            reason = call.reason()
            if reason is not None:
                self.errors.append((call.service, reason))
            return
        self.errors += call.parts
        if call.error is not None:
            self.errors += [(call.service, part) for part in _parts(call.service, call.error)]

    def abandon(self, held: Call | None) -> None:
        """Let a start be rolled back, or a stop begin: at once, or when the call has ended that asks for it."""
        self.abandoned = self.abandoned or not self.stopping
        self.held = held
        if held is not None:
            held.wait(self)

    def close(self) -> None:
        """End without having begun."""
        self.done = True
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(None)

    def _turn(self) -> None:
        """Become a stop of all that is up or about to be."""
        self.stopping = True
        if self.alone is not None:
            self.plan([] if self.abandoned else [self.alone])
            return
        self.lifecycle.switch(self)
        self.pending = {}
        failed = [service for service, _ in reversed(self.failures) if service is not self.lifecycle.collection]
        self.plan([*self.lifecycle.up.values(), *failed])

    def _finish(self, stack: Stack) -> None:
        collection = self.lifecycle.collection
        for service, error in self.errors:
            note("stopping", service, collection, error)
        stopped = [error for _, error in self.errors]
        failed = self._failure(stopped) if self.stopping and self.method != STOP and not self.left else None
        self.close()
        if failed is not None and self.let_go is not None and not self.abandoned and self.alone is not None:
            self.let_go(self.alone)
        self.lifecycle.ended(self, stack)
        # The stop that ended this start has the errors, if there is any.
        self._tell(self.starters, failed, stack, taken=bool(self.stoppers) and not self.failures)
        if self.dropped:
            self._tell(self.dropped, stopped_before(self.lifecycle), stack, taken=True)
        if self.stoppers:
            self._tell_errors(stopped, stack)
        self.starters, self.stoppers, self.dropped = [], [], []

    def _tell_errors(self, errors: list[BaseException], stack: Stack) -> None:
        calls = [asker for asker in self.stoppers if isinstance(asker, Call)]
        for call in calls:
            call.parts = self.errors
        if calls or not errors:
            error = None
        else:
            error = errors[0] if self.alone is not None else stop_errors(self.lifecycle.collection, errors)
        self._tell(self.stoppers, error, stack)

    def _tell(
        self, askers: list[Report | Call], error: BaseException | None, stack: Stack, *, taken: bool = False
    ) -> None:
        for asker in askers:
            if isinstance(asker, Call):
                taken = True
                asker.finished(error, stack)
        deliver([asker for asker in askers if isinstance(asker, Report)], error, taken=taken)

    def _failure(self, stopped: list[BaseException]) -> BaseException:
        """Return the error of a start that is rolled back."""
        for service, error in self.failures:
            if not isinstance(error, ServiceError):  # a ServiceError has the place already
                note("starting", service, self.lifecycle.collection, error)
        failed = [error for _, error in self.failures]
        if self.cancelled:
            log_errors(failed if self.stoppers else [*failed, *stopped])
            return asyncio.CancelledError()
        if not failed:
            return with_notes(stopped_before(self.lifecycle), stopped)
        service, error = self.failures[0]
        first = failure(self.method, service, self.lifecycle.collection, error)
        return with_notes(first, [*failed[1:], *stopped])

    # For reports: see `Asked`.

    def waited_for_by(self, call: Call) -> bool:
        """Tell whether code within a call would wait for itself if it waited for this."""
        return self in waiting_for(call)

    def adopt(self) -> None:
        """Let the event loop run all that was left to it."""
        adopt(self)

    def lose(self) -> bool:
        """Give a start up if nobody wants it any more. Tells whether it is rolled back for that."""
        stack: Stack = []
        given_up = self.give_up(stack)
        run(stack)
        return given_up

    def give_up(self, stack: Stack) -> bool:
        """Do the same as a part of something else."""
        if self.stopping or self.given_up or self.done or not all(asker.cancelled for asker in self.starters):
            return False
        self.given_up = True
        if self in self.lifecycle.queue:
            self.lifecycle.queue.remove(self)
            self.close()
            return False
        push(self, stack)
        return True

    def keep(self) -> None:
        """Keep the event loop from closing before the end: it waits for its tasks when it has cancelled them."""
        if not self._kept:
            self._kept = True
            eagerly(self._keep())

    async def _keep(self) -> None:
        waiting: Awaitable[None] = hand_over()
        while not self.done:
            try:
                await waiting
            except asyncio.CancelledError:
                stack: Stack = []
                if not self.stopping:
                    self.given_up = True
                    push(self, stack)
                run(stack)
            waiting = self._ending = asyncio.get_running_loop().create_future()


def adopt(work: Transition | Call) -> None:
    """Let the event loop run all results that were left to it."""
    todo: list[Transition | Call] = [work]
    while todo:
        work = todo.pop()
        if isinstance(work, Transition):
            todo.extend(reversed(work.pending.values()))
            if work in work.lifecycle.queue and work.lifecycle.current is not None:
                todo.append(work.lifecycle.current)
            continue
        if work.deferred is not None:
            work.adopt_result()
        todo.extend(part for part in (work.behind, work.asked) if part is not None)


def stopped_before(lifecycle: Lifecycle) -> BaseException:
    """Return the error of a start that a stop has ended."""
    collection = lifecycle.collection
    return failure("startService", collection, collection, RuntimeError("stopped before it had started"))


def stop_errors(collection: Any, errors: list[BaseException]) -> BaseException:
    """Return the errors of a stop together."""
    return BaseExceptionGroup(f"errors while stopping {path(collection)}", errors)


def _parts(service: IService, error: BaseException) -> Iterable[BaseException]:
    if isinstance(error, BaseExceptionGroup) and IServiceCollection.providedBy(service):
        return error.exceptions
    return (error,)
