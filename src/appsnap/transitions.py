"""Starts and stops under way: the transition of a collection, which makes the calls of its services.

Nothing here recurses. A transition makes its calls from a stack, and a collection whose methods aren't overridden is
walked by putting its own transition on that stack. So the depth of a tree has no limit. Errors come up in the same way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from appsnap.calls import (
    BUSY,
    PRIVILEGED,
    STOP,
    Call,
    Errors,
    Stack,
    adopt,
    is_walked,
    push,
    run,
    waiting_for,
)
from appsnap.errors import ServiceError
from appsnap.interfaces import IService, IServiceCollection
from appsnap.waiting import (
    Report,
    asking,
    deliver,
    eagerly,
    failure,
    hand_over,
    is_over,
    log_errors,
    note,
    stop_errors,
    stopped_before,
    with_notes,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from appsnap.lifecycle import Lifecycle

__all__ = ["Transition"]


class Transition:
    """A start or stop of a collection, or of one service alone that joins or leaves it.

    A start asks services as long as none has failed. When all calls have ended, a failed start becomes a stop of all
    that is up: it is rolled back. So does, at once, the start of a collection that is asked to stop.
    """

    abandoned = advancing = begun = cancelled = done = given_up = left = stacked = False
    held: Call | None = None
    """The call from within which a stop was asked for. The stop waits for its end."""
    let_go: Callable[[IService], None] | None = None
    _ending: asyncio.Future[None] | None = None
    _kept = False
    # Most transitions of a large tree have none of these.
    failures: Errors | None = None
    errors: Errors | None = None
    unstopped: list[IService] | None = None
    dropped: list[Report | Call] | None = None

    def __init__(self, lifecycle: Lifecycle, method: str, alone: IService | None = None) -> None:
        self.lifecycle = lifecycle
        self.method = method
        self.alone = alone
        self.stopping = method == STOP
        self.order: list[IService] = []
        """The services to be asked, the next one last."""
        self.pending: dict[int, Call] = {}
        self.starters: list[Report | Call] = []
        self.stoppers: list[Report | Call] = []

    @property
    def healthy(self) -> bool:
        """Whether it is a start that can still succeed."""
        return not (self.stopping or self.failures or self.given_up or self.abandoned or self.done)

    def above(self) -> Iterator[Any]:
        """Yield all that waits for it."""
        yield from self.starters
        yield from self.stoppers
        yield from self.dropped or ()
        if self.lifecycle.current is self:
            yield from self.lifecycle.queue

    def proceed(self, stack: Stack) -> None:
        """Go on, because a call has ended."""
        push(self, stack)

    def withdraw(self, service: IService) -> bool:
        """Don't ask a service. Tells whether it was to be asked."""
        for index, waiting in enumerate(self.order):
            if waiting is service:
                del self.order[index]
                return True
        return False

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
            self._ask_all(stack)
        elif self.pending:
            return False
        elif self.stopping or self.healthy:
            self._finish(stack)
        else:
            self._turn()
        return True

    def _ask_all(self, stack: Stack) -> None:
        """Ask the services, until one has to be asked in a transition of its own.

        Most services are in no call, and return None. This is the short way for them: nothing but `BUSY` knows their
        calls. The long way is `ask`.
        """
        order, calls, up = self.order, self.lifecycle.calls, self.lifecycle.up
        stopping = self.stopping
        method = STOP if stopping else self.method
        usual = self.alone is None and not self.failures
        while order:
            service = order.pop()
            key = id(service)
            if not usual or key in calls or key in BUSY:
                self.ask(service, stack)
            elif is_walked(service, method):
                self._walk(service, method, stack)
            else:
                if key in up:
                    del up[key]
                if not stopping:
                    up[key] = service
                BUSY[key] = call = Call(self, service, method)
                result, error = None, None
                before = asking.set(call)
                try:
                    result = getattr(service, method)()
                except BaseException as failed:  # noqa: BLE001 - an interrupted start is rolled back like any other
                    error = failed
                asking.reset(before)
                if result is None and error is None and call.waiters is None and call.owner is self:
                    del BUSY[key]
                    call.ended = True
                else:
                    call.came(result, error, stack)
            if self.stacked or (not stopping and (self.failures or self.given_up or self.abandoned)):
                return

    def _walk(self, service: Any, method: str, stack: Stack) -> None:
        """Ask a collection that isn't to be called. This is the short way if it has no transition."""
        below = service._lifecycle  # noqa: SLF001
        if below.current is not None:
            self.ask(service, stack)
            return
        key = id(service)
        call = Call(self, service, method)
        call.began = True
        BUSY[key] = self.lifecycle.calls[key] = self.pending[key] = call
        below.current = call.asked = transition = Transition(below, method)
        if self.stopping:
            self.lifecycle.up.pop(key, None)
            transition.stoppers.append(call)
        else:
            self.lifecycle.up[key] = service
            transition.starters.append(call)
        push(self, stack)
        push(transition, stack)

    def ask(self, service: IService, stack: Stack) -> None:
        """Start or stop one service."""
        lifecycle = self.lifecycle
        key = id(service)
        earlier = lifecycle.call_of(service)
        was_up = lifecycle.up.pop(key, None) is not None
        if self.stopping:
            call = Call(self, service, STOP)
            call.clears = not was_up and any(service is failed for failed, _ in self.failures or ())
        else:
            call = Call(self, service, self.method if self.alone is None else PRIVILEGED)
            call.newcomer = self.alone is not None
            lifecycle.up[key] = service
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
                owner.pending.pop(id(call.service), None)
                push(owner, stack)
        if call not in waiting_for(asking.get()):
            call.cancel(stack)

    def join(self, service: IService, report: Report, stack: Stack) -> None:
        """Start a newcomer as a part of this start."""
        report.asked = call = Call(self, service, PRIVILEGED)
        call.newcomer = True
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
                if call.failed_down():
                    self.lifecycle.up.pop(id(call.service), None)
                self.failures = self.failures or []
                self.failures.append((call.service, call.error))
        elif call.error is not None or call.parts:
            self._failed_to_stop(call)
        if not self.advancing:
            push(self, stack)

    def _failed_to_stop(self, call: Call) -> None:
        self.unstopped = self.unstopped or []
        self.unstopped.append(call.service)
        if self.alone is not None:
            reason = call.reason()
            if reason is not None:
                self.errors = [(call.service, reason)]
            return
        further = () if call.error is None else [(call.service, part) for part in _parts(call.service, call.error)]
        self.errors = self.errors or []
        self.errors += [*call.parts, *further]

    def abandon(self, held: Call | None) -> None:
        """Let a start be rolled back, or a stop begin: at once, or when the call has ended that asks for it."""
        self.abandoned = self.abandoned or not self.stopping
        self.held = held
        if held is not None:
            held.wait(self)

    def close(self) -> None:
        """End without having begun."""
        self.done = True
        if self._ending is not None and not is_over(self._ending):
            self._ending.set_result(None)

    def _turn(self) -> None:
        """Become a stop of all that is up or about to be."""
        self.stopping = True
        if self.alone is not None:
            self.order = [] if self.abandoned else [self.alone]
            if self.order and self.let_go is not None:
                self.let_go(self.alone)  # at once, so that no start of the whole meets it
            return
        self.lifecycle.switch(self)
        self.pending = {}
        up, collection = self.lifecycle.up, self.lifecycle.collection
        failed = [service for service, _ in reversed(self.failures or ()) if service is not collection]
        if failed:  # one that is in another collection since may be up there
            members = self.lifecycle.members() - up.keys()
            failed = [one for one in failed if id(one) in members or (one.parent is None and id(one) not in up)]
        self.order = [*up.values(), *failed]

    def _finish(self, stack: Stack) -> None:
        if not self.errors and (not self.stopping or self.method == STOP) and self._ending is None and not self.dropped:
            self.done = True
            self.lifecycle.ended(self, stack)
            for askers in (self.starters, self.stoppers):
                if askers:
                    self._tell(askers, None, stack)
            return
        collection = self.lifecycle.collection
        for service, error in self.errors or ():
            note("stopping", service, collection, error)
        stopped = [error for _, error in self.errors or ()]
        failed = self._failure(stopped) if self.stopping and self.method != STOP and not self.left else None
        self.close()
        self.lifecycle.ended(self, stack)
        # The stop that ended this start has the errors, if there is any.
        self._tell(self.starters, failed, stack, taken=bool(self.stoppers) and not self.failures)
        if self.dropped:
            self._tell(self.dropped, stopped_before(self.lifecycle.collection), stack, taken=True)
        if self.stoppers:
            self._tell_errors(stopped, stack)
        self.starters, self.stoppers, self.dropped = [], [], None

    def _tell_errors(self, errors: list[BaseException], stack: Stack) -> None:
        calls = [asker for asker in self.stoppers if isinstance(asker, Call)]
        for call in calls:
            call.parts = self.errors or ()
        if calls or not errors:
            error = None
        else:
            error = errors[0] if self.alone is not None else stop_errors(self.lifecycle.collection, errors)
        self._tell(self.stoppers, error, stack)

    def _tell(
        self, askers: Sequence[Report | Call], error: BaseException | None, stack: Stack, *, taken: bool = False
    ) -> None:
        for asker in askers:
            if isinstance(asker, Call):
                taken = True
                asker.finished(error, stack)
        deliver([asker for asker in askers if isinstance(asker, Report)], error, taken=taken)

    def _failure(self, stopped: list[BaseException]) -> BaseException:
        """Return the error of a start that is rolled back."""
        failures = self.failures or []
        if self.cancelled:
            failures = [(service, error) for service, error in failures if not _is_cancelled(error)]
        for service, error in failures:
            if not isinstance(error, ServiceError):  # a ServiceError has the place already
                note("starting", service, self.lifecycle.collection, error)
        failed = [error for _, error in failures]
        if self.cancelled:
            log_errors(failed if self.stoppers else [*failed, *stopped])
            return asyncio.CancelledError()
        if not failed:
            return with_notes(stopped_before(self.lifecycle.collection), stopped)
        service, error = failures[0]
        first = failure(self.method, service, self.lifecycle.collection, error)
        return with_notes(first, [*failed[1:], *stopped])

    # For reports: see `Asked`.

    def waited_for_by(self, call: Call) -> bool:
        """Tell whether code within a call would wait for itself if it waited for this."""
        return self in waiting_for(call)

    def adopt(self) -> None:
        """Let the event loop run all that was left to it."""
        adopt(self)

    def adopt_result(self) -> None:
        """Do nothing: the results belong to its calls."""

    def below(self) -> list[Call | Transition]:
        """Return all that it waits for, the first one last."""
        current = self.lifecycle.current
        return [current] if current is not None and self in self.lifecycle.queue else [*reversed(self.pending.values())]

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
                    if self not in self.lifecycle.queue:  # its turn comes
                        push(self, stack)
                run(stack)
            waiting = self._ending = asyncio.get_running_loop().create_future()


def _is_cancelled(error: BaseException) -> bool:
    return isinstance(error, asyncio.CancelledError)


def _parts(service: IService, error: BaseException) -> Iterable[BaseException]:
    if isinstance(error, BaseExceptionGroup) and IServiceCollection.providedBy(service):
        return error.exceptions
    return (error,)
