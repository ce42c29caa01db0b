"""Starts and stops the services of a collection: it asks all at once, waits for all, and rolls a failed start back.

A collection has one transition at a time: it is starting, stopping, or neither. A second start joins the first one, and
a second stop does. A start waits for the stop that is under way. A stop rolls back the start that is under way.

Asking a service is a plain call, which may return something to await. The same code runs without an event loop if there
is nothing to wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appsnap.calls import (
    PRIVILEGED,
    START,
    STOP,
    Call,
    Stack,
    bury,
    busy_with,
    is_walked,
    push,
    run,
    waiting_for,
    walked,
)
from appsnap.interfaces import IService, IServiceCollection
from appsnap.transitions import Transition
from appsnap.waiting import Report, asking, both, eagerly, hand_over, loop_runs, path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Lifecycle", "both", "eagerly", "hand_over", "path", "walked"]


class Lifecycle:
    """The state of a collection: its transition, the calls of its children, and those that are up.

    `base` has the methods of the class above the collection's, which make the collection itself start and stop.
    """

    def __init__(self, collection: Any, base: Any = None) -> None:
        self.collection = collection
        self.current: Transition | None = None
        self.queue: list[Transition] = []
        """The starts that wait for the current transition."""
        self.calls: dict[int, Call] = {}
        """The last call of each child that is in one or waits for one, by identity."""
        self.up: dict[int, IService] = {}
        """The children that have been started, in that order, and not been asked to stop since."""
        self._base = base
        self._settled: str | None = None
        """The last method that has come to an end."""
        self._skipped: dict[int, bool] = {}
        """Whether another call skips those children whose `running` doesn't tell."""
        self._rolled_back = False

    def start(self, method: str) -> Awaitable[object] | None:
        """Ask every service, in order. After a failure, raises ServiceError when everything is rolled back."""
        report = Report()
        stack: Stack = []
        self.request(method, report, stack)
        run(stack)
        return report.result()

    def stop(self) -> Awaitable[object] | None:
        """Stop every service, the last one first. Raises an exception group when all have ended."""
        report = Report()
        stack: Stack = []
        self._stop(report, stack, waiting_for(asking.get()))
        run(stack)
        return report.result()

    def added(self, service: IService, let_go: Callable[[IService], None]) -> Awaitable[object] | None:
        """Start a new service if the collection is running. If it fails, it leaves the collection again."""
        bury(self.current)
        current, report = self.current, Report()
        stack: Stack = []
        if current is None:
            if not self.collection.running:
                return None
            report.asked = joining = Transition(self, START, service)
            joining.starters.append(report)
            joining.let_go = let_go
            push(joining, stack)
        elif not current.healthy or not current.begun:
            return None
        elif current.method == START or self.collection.running:
            current.join(service, report, stack)
        else:
            current.order.insert(0, service)
        run(stack)
        if current is not None and (report.done or report.asked is None):
            return None  # its error is that of the whole start
        return report.result()

    def removed(self, service: IService) -> Awaitable[object] | None:
        """Stop a service that has left, if it is up or about to be."""
        bury(self.current)
        bury(busy_with(service))
        key, current = id(service), self.current
        stack: Stack = []
        self._skipped.pop(key, None)
        call = self.call_of(service)
        if call is not None and call.owner is not None:
            call.owner.let_go = None  # it is gone, and may come back
        asked = self.call_of(service) is not None or self.collection.running
        if current is not None and current.withdraw(service):
            if current.stopping:
                current.ask(service, stack)  # its turn comes at once
                run(stack)
            asked = self.call_of(service) is not None or key in self.up
        elif current is not None and current.begun and not current.stopping:
            asked = self.call_of(service) is not None or (key in self.up and self.collection.running)
        self.up.pop(key, None)
        if not asked and busy_with(service) is None:
            return None
        report = Report()
        # Whether its start has ended is a matter of a tick. Who lets it go may wait in any case.
        report.awaitable = current is not None and not current.stopping
        report.asked = leaving = Transition(self, STOP, service)
        leaving.stoppers.append(report)
        push(leaving, stack)
        run(stack)
        return report.result()

    def _is_starting(self, service: IService) -> bool:
        call = self.call_of(service)
        return call is not None and not call.stops and not call.left

    # For transitions.

    def call_of(self, service: IService) -> Call | None:
        """Return the last call of a child that is in one or waits for one."""
        call = self.calls.get(id(service)) or busy_with(service)
        return call if call is not None and call.lifecycle is self else None

    def members(self) -> set[int]:
        """Return the identities of the children."""
        return {id(service) for service in _children(self.collection)}

    def request(self, method: str, asker: Report | Call, stack: Stack) -> None:
        """Begin a transition, or join it, or let it wait for the current one."""
        if method == STOP:
            self._stop(asker, stack, {})
            return
        bury(self.current)
        last = self.queue[-1] if self.queue else self.current
        if last is None or last.method != method or not last.healthy:
            last = Transition(self, method)
            if self.current is not None:
                self.queue.append(last)
            else:
                self.current = last
                push(last, stack)
        last.starters.append(asker)
        asker.asked = last

    def _stop(self, asker: Report | Call, stack: Stack, within: dict[Any, Any]) -> None:
        """Stop the collection. A stop that comes from within the start of a child waits for the end of that call."""
        bury(self.current)
        current = self.current
        if current is None:
            current = self.current = Transition(self, STOP)
        current.stoppers.append(asker)
        asker.asked = current
        for start in self.queue:
            for starter in start.starters:
                starter.asked = current
            current.dropped = [*(current.dropped or ()), *start.starters]
            start.close()
        self.queue.clear()
        if current.stopping and current.begun:
            return
        held = next(
            (call for call in within if isinstance(call, Call) and call.lifecycle is self and not call.stops), None
        )
        current.abandon(held)
        below = None if held is None else within[held]
        while below is not None:  # the starts between this one and the code that asks end, too
            if isinstance(below, Transition) and below.healthy and below.alone is None:
                call = within[below]
                below.abandon(call if isinstance(call, Call) else None)  # a start that waits for a stop has no call
            below = within[below]
        push(current, stack)

    def begin(self, transition: Transition) -> None:
        """Set the services that a transition asks, and the collection itself running or not."""
        if transition.alone is not None:
            transition.order = [transition.alone]
            return
        self.switch(transition)
        services = self._to_ask(transition)
        if not transition.stopping:
            services = [service for service in reversed(services) if not self._is_starting(service)]
        transition.order = services

    def switch(self, transition: Transition) -> None:
        """Start or stop the collection without its children."""
        if self._base is None:
            self.collection.running = not transition.stopping
            return
        try:
            getattr(self._base, STOP if transition.stopping else transition.method)()
        except BaseException as error:  # noqa: BLE001 - it is reported as an error of a child is
            self._fail(transition, error)

    def _fail(self, transition: Transition, error: BaseException) -> None:
        if transition.stopping:
            transition.errors = [*(transition.errors or ()), (self.collection, error)]
        else:
            transition.failures = [*(transition.failures or ()), (self.collection, error)]

    def _to_ask(self, transition: Transition) -> list[IService]:
        """Return the children to be asked.

        Without an event loop, each call asks every child, as Twisted's does. Within one, and after a roll-back, another
        call of the same method asks just those that somebody else has started or stopped since. It returns something
        to await nevertheless, because the first one did if it took time.
        """
        try:
            services = list(self.collection)
        except Exception as error:  # noqa: BLE001 - its class may say how to iterate
            self._fail(transition, error)
            return []
        method = transition.method
        if self._settled != method or not (self._rolled_back or loop_runs()):
            return services
        for asker in (*transition.starters, *transition.stoppers):
            if isinstance(asker, Report):
                asker.awaitable = True
        wanted, skipped = method == START, self._skipped
        return [service for service in services if not skipped.get(id(service), _running(service) == wanted)]

    def ended(self, transition: Transition, stack: Stack) -> None:
        """Keep the outcome, and begin the start that waits."""
        if transition.alone is not None:
            return
        self.current = None
        method = STOP if transition.stopping else transition.method
        if method == PRIVILEGED and self._settled == START:
            self._next(stack)  # it was running, and is
            return
        self._rolled_back = transition.stopping and (transition.method != STOP or self._rolled_back)
        self._settled = method
        wanted = method == START
        self._skipped = {
            id(service): True
            for service in _children(self.collection)
            if _running(service) != wanted and busy_with(service) is None
        }
        for service in transition.unstopped or ():
            # Another stop asks again those that are still up, and looks for them further below.
            if _running(service) or is_walked(service, STOP):
                self._skipped[id(service)] = False
        self._next(stack)

    def _next(self, stack: Stack) -> None:
        if self.queue:
            self.current = self.queue.pop(0)
            push(self.current, stack)

    def below(self, service: IService, method: str) -> Lifecycle | None:
        """Return the lifecycle of a collection that isn't to be called, because none of its own code would run."""
        return service._lifecycle if is_walked(service, method) else None  # type: ignore[attr-defined]  # noqa: SLF001

    def to_clear(self, service: IService) -> Lifecycle | None:
        """Return the lifecycle of a collection that failed to start and has children to stop."""
        lifecycle = getattr(service, "_lifecycle", None)
        if isinstance(lifecycle, Lifecycle) and (lifecycle.current is not None or lifecycle.calls):
            return lifecycle
        if not service.running:
            return None
        if isinstance(lifecycle, Lifecycle):
            return lifecycle
        service.running = False
        return Lifecycle(service) if IServiceCollection.providedBy(service) else None


def _running(service: Any) -> bool:
    return bool(getattr(service, "running", False))


def _children(collection: Any) -> list[IService]:
    try:
        return list(collection)
    except Exception:  # noqa: BLE001 - it is told when the children are asked
        return []
