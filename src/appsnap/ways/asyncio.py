"""Ways for `asyncio`: locks and the like come back as new ones, without a loop, with their flags, values and items.

The first loop that uses one of them makes it its own. A lock comes back free, whoever holds it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from appsnap.errors import Refused
from appsnap.recipe.freeze.inherited import newobj
from appsnap.ways import saves
from appsnap.ways.anew import attributes, has_own_protocol, reduction
from appsnap.ways.threads import refuse_waiters

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "LifoQueue",
    "Lock",
    "PriorityQueue",
    "Queue",
    "Semaphore",
    "cancelled_future",
    "closed_loop",
    "event_loop",
    "failed_future",
    "finished_future",
    "pending_future",
    "spent_handle",
]


# Rebuild functions: files have their names


def Lock() -> asyncio.Lock:
    """Return a lock that nobody holds."""
    return asyncio.Lock()


def Condition(lock: Any, /) -> asyncio.Condition:
    """Return a condition over a lock, which it may share."""
    return asyncio.Condition(lock)


def Event(is_set: bool = False, /) -> asyncio.Event:
    """Return an event with this flag."""
    event = asyncio.Event()
    if is_set:
        event.set()
    return event


def Semaphore(value: int, /) -> asyncio.Semaphore:
    """Return a semaphore of this value."""
    return asyncio.Semaphore(value)


def BoundedSemaphore(initial: int, /) -> asyncio.BoundedSemaphore:
    """Return a bounded semaphore with all its permits."""
    return asyncio.BoundedSemaphore(initial)


def Barrier(parties: int, /) -> asyncio.Barrier:
    """Return a barrier that nobody waits at."""
    return asyncio.Barrier(parties)


def Queue(items: Any, maxsize: int = 0, unfinished: int = 0, /) -> Any:
    """Return a queue that has this deque of items."""
    return _filled(asyncio.Queue(maxsize), items, unfinished)


def LifoQueue(items: Any, maxsize: int = 0, unfinished: int = 0, /) -> Any:
    """Return a queue that has this list of items, of which the last one comes first."""
    return _filled(asyncio.LifoQueue(maxsize), items, unfinished)


def PriorityQueue(items: Any, maxsize: int = 0, unfinished: int = 0, /) -> Any:
    """Return a queue that has this heap of items."""
    return _filled(asyncio.PriorityQueue(maxsize), items, unfinished)


def _filled(made: Any, items: Any, unfinished: int) -> Any:
    # The file may fill the container later, if its items lead back to the queue.
    made._queue = items
    made._unfinished_tasks = unfinished
    if unfinished:
        made._finished.clear()
    return made


def finished_future(result: Any = None, /) -> asyncio.Future[Any]:
    """Return a future with a result."""
    future: asyncio.Future[Any] = asyncio.Future(loop=_loop())
    future.set_result(result)
    return future


def failed_future(error: BaseException, /) -> asyncio.Future[Any]:
    """Return a future with an error, which counts as seen."""
    future: asyncio.Future[Any] = asyncio.Future(loop=_loop())
    future.set_exception(error)
    future.exception()
    return future


def cancelled_future() -> asyncio.Future[Any]:
    """Return a future that was cancelled."""
    future: asyncio.Future[Any] = asyncio.Future(loop=_loop())
    future.cancel()
    return future


def pending_future() -> asyncio.Future[Any]:
    """Return a future of the running loop that nobody waits for. Raises RuntimeError where no loop runs."""
    return asyncio.get_running_loop().create_future()


def event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop that nothing waits for."""
    return asyncio.new_event_loop()


def closed_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop that is closed: an object that has run in one refers to it until it runs again."""
    loop = asyncio.new_event_loop()
    loop.close()
    return loop


def spent_handle(when: float | None = None, /) -> asyncio.Handle:
    """Return the handle of a call that was cancelled, or that an event loop has made. `when` is its time."""
    loop: Any = _Later()
    handle = asyncio.Handle(print, (), loop) if when is None else asyncio.TimerHandle(when, print, (), loop)
    asyncio.Handle.cancel(handle)
    return handle


class _Later:
    """Stands for the loop of a future that is done, where none runs yet: it is the one that runs when it is used."""

    def get_debug(self) -> bool:
        """Tell whether the loop looks for mistakes."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio.get_running_loop(), name)


def _loop() -> Any:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return _Later()


# Ways


def reduced_loop(loop: Any) -> Any:
    """Take apart an event loop that doesn't run here: a new one takes its place, if nothing waits for it."""
    if loop.is_closed():
        return closed_loop, ()
    if not isinstance(loop, asyncio.BaseEventLoop):
        raise Refused("an event loop that isn't running here", "make it in startService, and TRANSIENT")
    found: Any = loop
    waiting = [handle for handle in (*found._ready, *found._scheduled) if not handle.cancelled()]
    # It listens to a socket of its own.
    watched = len(found._selector.get_map()) - 1
    if loop.is_running() or waiting or watched or asyncio.all_tasks(loop):
        raise Refused("an event loop that has work", "make it in startService, and TRANSIENT")
    return event_loop, ()


def _rest(obj: Any) -> Any:
    """Return the attributes that somebody has added to an object of a class of `asyncio`."""
    fresh = type(obj)(1) if isinstance(obj, asyncio.Barrier) else type(obj)()
    names = vars(fresh).keys() | {"_loop"}
    return attributes(obj, names) if vars(obj).keys() > names else None


def _of_subclass(obj: Any, base: type, **changes: Any) -> Any:
    """Take apart an object of a subclass: it gets all its attributes but the loop, some of them changed."""
    cls = type(obj)
    if has_own_protocol(cls, base):
        return NotImplemented
    return reduction(obj, newobj, (cls,), attributes(obj, {"_loop"}, **changes))


@saves(asyncio.Lock, subclasses=True)
def _lock(lock: Any) -> Any:
    refuse_waiters("a lock", lock._waiters)
    if type(lock) is asyncio.Lock:
        return reduction(lock, Lock, (), _rest(lock))
    return _of_subclass(lock, asyncio.Lock, _locked=False, _waiters=None)


@saves(asyncio.Condition, subclasses=True)
def _condition(condition: Any) -> Any:
    refuse_waiters("a condition", condition._waiters)
    cls: Any = type(condition)
    if cls is not asyncio.Condition:
        return _of_subclass(condition, asyncio.Condition, _waiters=type(condition._waiters)())
    lock = condition._lock
    made = Condition if type(lock) is asyncio.Lock else asyncio.Condition
    return reduction(condition, made, (lock,), _rest(condition))


@saves(asyncio.Event, subclasses=True)
def _event(event: Any) -> Any:
    refuse_waiters("an event", event._waiters)
    if type(event) is asyncio.Event:
        return reduction(event, Event, (True,) if event.is_set() else (), _rest(event))
    return _of_subclass(event, asyncio.Event, _waiters=type(event._waiters)())


@saves(asyncio.Semaphore, subclasses=True)
def _semaphore(semaphore: Any) -> Any:
    refuse_waiters("a semaphore", semaphore._waiters)
    cls: Any = type(semaphore)
    if cls is asyncio.Semaphore:
        return reduction(semaphore, Semaphore, (semaphore._value,), _rest(semaphore))
    if cls is asyncio.BoundedSemaphore:
        return reduction(semaphore, BoundedSemaphore, (semaphore._bound_value,), _rest(semaphore))
    changes = {"_value": semaphore._bound_value} if issubclass(cls, asyncio.BoundedSemaphore) else {}
    return _of_subclass(semaphore, asyncio.Semaphore, _waiters=None, **changes)


@saves(asyncio.Barrier, subclasses=True)
def _barrier(barrier: Any) -> Any:
    refuse_waiters("a barrier", barrier._count)
    cls: Any = type(barrier)
    if cls is not asyncio.Barrier or barrier.broken:
        return _of_subclass(barrier, asyncio.Barrier)
    return reduction(barrier, Barrier, (barrier._parties,), _rest(barrier))


_QUEUES: dict[Any, Any] = {
    asyncio.Queue: Queue,
    asyncio.LifoQueue: LifoQueue,
    asyncio.PriorityQueue: PriorityQueue,
}


@saves(asyncio.Queue, subclasses=True)
def _queue(queue: Any) -> Any:
    refuse_waiters("a queue", queue._getters, queue._putters, queue._finished._waiters)
    made = _QUEUES.get(type(queue))
    if made is None or getattr(queue, "_is_shutdown", False):
        nobody = type(queue._getters)
        return _of_subclass(queue, asyncio.Queue, _getters=nobody(), _putters=nobody())
    args: tuple[Any, ...] = (queue._queue.copy(), queue._maxsize, queue._unfinished_tasks)
    args = args if args[2] else args[:2] if args[1] else args[:1]
    return reduction(queue, made, args, _rest(queue))


@saves(asyncio.Task, subclasses=True)
def _task(task: Any) -> Any:
    if not task.done():
        raise Refused("a task that isn't done", "start it in startService, and TRANSIENT")
    return _done(task)


@saves(asyncio.Future, subclasses=True)
def _future(future: Any) -> Any:
    if type(future) is not asyncio.Future:
        return NotImplemented
    if future.done():
        return _done(future)
    refuse_waiters("a future", future._callbacks)
    return pending_future, ()


def _done(future: Any) -> Any:
    """Take apart a future or a task that is done: the one comes back as the other."""
    if future.cancelled():
        return cancelled_future, ()
    # Its methods would note that somebody has seen the error.
    error = future._exception
    return (finished_future, (future._result,)) if error is None else (failed_future, (error,))


@saves(asyncio.Handle, subclasses=True)
def _handle(handle: Any) -> Any:
    timed = isinstance(handle, asyncio.TimerHandle)
    due = handle._scheduled if timed else False
    if not handle.cancelled() and (due or handle in getattr(handle._loop, "_ready", (handle,))):
        raise Refused("a call that an event loop is to make", "ask for it in startService, and TRANSIENT")
    return (spent_handle, (handle._when,)) if timed else (spent_handle, ())
