"""Ways for `concurrent.futures`: pools come back idle, with their parameters. Their workers are made anew."""

from __future__ import annotations

import concurrent.futures.thread
import sys
from typing import Any

from appsnap.errors import Refused
from appsnap.ways import saves
from appsnap.ways.anew import attributes, has_own_protocol, reduction
from appsnap.ways.threads import refuse_waiters

__all__ = [
    "ProcessPoolExecutor",
    "ThreadPoolExecutor",
    "cancelled_future",
    "failed_future",
    "finished_future",
    "pending_future",
    "pool",
]

_ADVICE = "wait for it, as shutdown() does, before the save, or make the pool in startService, and TRANSIENT"


# Rebuild functions: files have their names


def ThreadPoolExecutor(
    max_workers: int, thread_name_prefix: str = "", is_shut_down: bool = False, /
) -> concurrent.futures.ThreadPoolExecutor:
    """Return a pool of threads, which starts them when it gets work."""
    made = concurrent.futures.ThreadPoolExecutor(max_workers, thread_name_prefix)
    if is_shut_down:
        made.shutdown()
    return made


def ProcessPoolExecutor(
    max_workers: int, start_method: str, max_tasks_per_child: int | None = None, is_shut_down: bool = False, /
) -> concurrent.futures.ProcessPoolExecutor:
    """Return a pool of processes, which starts them when it gets work. `fork` alone starts none before."""
    made = concurrent.futures.ProcessPoolExecutor(
        max_workers, _context(start_method), max_tasks_per_child=max_tasks_per_child
    )
    if is_shut_down:
        made.shutdown()
    return made


def pool(cls: Any, keywords: dict[str, Any], start_method: str | None = None, /) -> Any:
    """Return a pool of a subclass, or with an initializer."""
    made = cls.__new__(cls)
    if start_method is not None:
        keywords = keywords | {"mp_context": _context(start_method)}
    _pool_of(cls).__init__(made, **keywords)
    return made


def _context(start_method: str) -> Any:
    import multiprocessing  # noqa: PLC0415 - pools of threads don't need it

    return multiprocessing.get_context(start_method)


def _pool_of(cls: type) -> Any:
    """Return the class of the standard library that a pool is of."""
    return next(base for base in cls.__mro__ if base.__module__.startswith("concurrent.futures."))


def finished_future(result: Any = None, /) -> concurrent.futures.Future[Any]:
    """Return a future with a result."""
    future = concurrent.futures.Future[Any]()
    future.set_result(result)
    return future


def failed_future(error: BaseException, /) -> concurrent.futures.Future[Any]:
    """Return a future with an error."""
    future = concurrent.futures.Future[Any]()
    future.set_exception(error)
    return future


def cancelled_future() -> concurrent.futures.Future[Any]:
    """Return a future that was cancelled."""
    future = concurrent.futures.Future[Any]()
    future.cancel()
    future.set_running_or_notify_cancel()
    return future


def pending_future() -> concurrent.futures.Future[Any]:
    """Return a future that nobody waits for."""
    return concurrent.futures.Future()


# Ways


@saves(concurrent.futures.thread.ThreadPoolExecutor, subclasses=True, before_fork=True)
def _threads(executor: Any) -> Any:
    cls = type(executor)
    base = _pool_of(cls)
    if has_own_protocol(cls, base):
        return NotImplemented
    if executor._work_queue.qsize() - executor._shutdown > 0 or any(map(_works, executor._threads)):
        raise Refused("a pool of threads that has work", _ADVICE)
    if cls is base and executor._initializer is None:
        args = (executor._max_workers, executor._thread_name_prefix, executor._shutdown)
        return ThreadPoolExecutor, args if args[2] else args[:2] if args[1] else args[:1]
    keywords = {
        "max_workers": executor._max_workers,
        "thread_name_prefix": executor._thread_name_prefix,
        "initializer": executor._initializer,
        "initargs": executor._initargs,
    }
    return reduction(executor, pool, (cls, keywords), _added(executor, base()))


def _works(thread: Any) -> bool:
    """Tell whether a thread of a pool has work whose future isn't done.

    The pool itself counts a thread as idle a moment after its last future is done.
    """
    frame = sys._current_frames().get(thread.ident)
    while frame is not None:
        if frame.f_code is concurrent.futures.thread._WorkItem.run.__code__:
            return not frame.f_locals["self"].future.done()
        if frame.f_code is concurrent.futures.thread._worker.__code__:
            item = frame.f_locals.get("work_item")
            return item is not None and not item.future.done()
        frame = frame.f_back
    return False


@saves("concurrent.futures.process.ProcessPoolExecutor", subclasses=True)
def _processes(executor: Any) -> Any:
    cls = type(executor)
    base = _pool_of(cls)
    if has_own_protocol(cls, base):
        return NotImplemented
    if executor._pending_work_items:
        raise Refused("a pool of processes that has work", _ADVICE)
    method = executor._mp_context.get_start_method()
    most = getattr(executor, "_max_tasks_per_child", None)
    if cls is base and executor._initializer is None and method == "fork":
        args = (executor._max_workers, method, most, executor._shutdown_thread)
        return ProcessPoolExecutor, args if args[3] else args[:2] if most is None else args[:3]
    keywords = {
        "max_workers": executor._max_workers,
        "initializer": executor._initializer,
        "initargs": executor._initargs,
        "max_tasks_per_child": most,
    }
    return reduction(executor, pool, (cls, keywords, method), _added(executor, base()))


def _added(obj: Any, fresh: Any) -> Any:
    return attributes(obj, vars(fresh).keys() | {"_max_tasks_per_child"})


@saves(concurrent.futures.Future, subclasses=True)
def _future(future: Any) -> Any:
    if has_own_protocol(type(future), concurrent.futures.Future):
        return NotImplemented
    refuse_waiters("a future", future._waiters, future._condition._waiters)
    if future.running():
        raise Refused("a future whose function runs", _ADVICE)
    cls: Any = type(future)
    if cls is not concurrent.futures.Future:
        return NotImplemented
    if not future.done():
        refuse_waiters("a future", future._done_callbacks)
        return pending_future, ()
    if future.cancelled():
        return cancelled_future, ()
    error = future.exception()
    return (finished_future, (future.result(),)) if error is None else (failed_future, (error,))
