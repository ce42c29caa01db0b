"""Ways for `threading`: locks and the like come back as new ones, with their parameters, flags and values.

A lock comes back free, whoever holds it: its holder is a thread that doesn't come back. Threads that wait for a lock or
a permit of a semaphore can't be seen in all cases.
"""

from __future__ import annotations

import functools
import gc
import threading
from typing import Any

from appsnap import running
from appsnap.errors import Refused
from appsnap.recipe.freeze.attributes import slot_names
from appsnap.recipe.freeze.inherited import newobj
from appsnap.ways import saves
from appsnap.ways.anew import attributes, has_own_protocol, reduction

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Lock",
    "PythonRLock",
    "RLock",
    "Semaphore",
    "finished_thread",
    "local",
    "main_thread",
    "new_thread",
    "refuse_waiters",
]

_LOCK = type(threading.Lock())
_RLOCK = type(threading.RLock())
_PYTHON_RLOCK: Any = threading._RLock
_LOCAL: Any = threading.local


# Rebuild functions: files have their names


def Lock() -> Any:
    """Return a lock that nobody holds."""
    return threading.Lock()


def RLock() -> Any:
    """Return a reentrant lock that nobody holds."""
    return threading.RLock()


def PythonRLock() -> Any:
    """Return a reentrant lock of the version that is written in Python."""
    return _PYTHON_RLOCK()


def Condition(lock: Any, /) -> threading.Condition:
    """Return a condition over a lock, which it may share."""
    return threading.Condition(lock)


def Event(is_set: bool = False, /) -> threading.Event:
    """Return an event with this flag."""
    event = threading.Event()
    if is_set:
        event.set()
    return event


def Semaphore(value: int, /) -> threading.Semaphore:
    """Return a semaphore of this value."""
    return threading.Semaphore(value)


def BoundedSemaphore(initial: int, /) -> threading.BoundedSemaphore:
    """Return a bounded semaphore with all its permits."""
    return threading.BoundedSemaphore(initial)


def Barrier(parties: int, timeout: float | None = None, broken: bool = False, /) -> threading.Barrier:
    """Return a barrier that nobody waits at."""
    barrier = threading.Barrier(parties, timeout=timeout)
    if broken:
        barrier.abort()
    return barrier


def local() -> Any:
    """Return an object with attributes for each thread."""
    return threading.local()


def local_of(cls: Any, args: tuple[Any, ...], keywords: dict[str, Any], /) -> Any:
    """Return an object of a subclass of `local`, which calls its `__init__` with these arguments in each new thread."""
    return cls.__new__(cls, *args, **keywords)


def main_thread() -> threading.Thread:
    """Return the main thread."""
    return threading.main_thread()


def new_thread(cls: Any, /) -> Any:
    """Return a thread that isn't started."""
    thread = cls.__new__(cls)
    threading.Thread.__init__(thread)
    return thread


def finished_thread(cls: Any, /) -> Any:
    """Return a thread that has come to its end."""
    thread = new_thread(cls)
    thread._started.set()
    if hasattr(thread, "_handle"):  # Python 3.13
        thread._handle._set_done()
    else:
        thread._is_stopped = True
    return thread


# Ways


def refuse_waiters(thing: str, *waiting: Any) -> None:
    """Raise Refused for an object that a thread or task waits for, unless a running application starts that again."""
    if any(waiting) and not running.is_application():
        raise Refused(
            f"{thing} that a thread or task waits for, which doesn't come back",
            "end the threads and tasks first, or save the application while it runs: its services start them again",
        )


@saves(_LOCK)
def _lock(_: Any) -> Any:
    return Lock, ()


@saves(_RLOCK)
def _rlock(_: Any) -> Any:
    return RLock, ()


@saves(_PYTHON_RLOCK, subclasses=True)
def _python_rlock(lock: Any) -> Any:
    if type(lock) is _PYTHON_RLOCK:
        return PythonRLock, ()
    return _of_subclass(lock, _PYTHON_RLOCK, _owner=None, _count=0)


@saves(threading.Condition, subclasses=True)
def _condition(condition: Any) -> Any:
    refuse_waiters("a condition", condition._waiters)
    cls: Any = type(condition)
    if cls is not threading.Condition:
        return _of_subclass(condition, threading.Condition)
    lock = condition._lock
    # Another class may have its own idea of a lock: its objects are handed to `threading` itself.
    ours = type(lock) in (_LOCK, _RLOCK, _PYTHON_RLOCK)
    state = _added(condition, threading.Condition())
    return reduction(condition, Condition if ours else threading.Condition, (lock,), state)


@saves(threading.Event, subclasses=True)
def _event(event: Any) -> Any:
    refuse_waiters("an event", event._cond._waiters)
    if type(event) is not threading.Event:
        return _of_subclass(event, threading.Event)
    return reduction(event, Event, (True,) if event.is_set() else (), _added(event, threading.Event()))


@saves(threading.Semaphore, subclasses=True)
def _semaphore(semaphore: Any) -> Any:
    refuse_waiters("a semaphore", semaphore._cond._waiters)
    cls: Any = type(semaphore)
    if cls is threading.Semaphore:
        return reduction(semaphore, Semaphore, (semaphore._value,), _added(semaphore, threading.Semaphore()))
    if cls is threading.BoundedSemaphore:
        state = _added(semaphore, threading.BoundedSemaphore())
        return reduction(semaphore, BoundedSemaphore, (semaphore._initial_value,), state)
    if issubclass(cls, threading.BoundedSemaphore):
        return _of_subclass(semaphore, threading.BoundedSemaphore, _value=semaphore._initial_value)
    return _of_subclass(semaphore, threading.Semaphore)


@saves(threading.Barrier, subclasses=True)
def _barrier(barrier: Any) -> Any:
    refuse_waiters("a barrier", barrier._count)
    cls: Any = type(barrier)
    if cls is not threading.Barrier:
        return _of_subclass(barrier, threading.Barrier)
    if barrier._action is not None:
        return threading.Barrier, (barrier._parties, barrier._action, barrier._timeout)
    args: tuple[Any, ...] = (barrier._parties, barrier._timeout, barrier.broken)
    args = args if args[2] else args[:1] if args[1] is None else args[:2]
    return reduction(barrier, Barrier, args, _added(barrier, threading.Barrier(1)))


@saves(_LOCAL, subclasses=True)
def _local(obj: Any) -> Any:
    cls = type(obj)
    if has_own_protocol(cls, _LOCAL):
        return NotImplemented
    state: Any = dict(obj.__dict__)  # of this thread
    slots = {name: getattr(obj, name) for name in slot_names(cls) if hasattr(obj, name)}
    state = (state, slots) if slots else state
    if cls is _LOCAL:
        return reduction(obj, local, (), state)
    # CPython keeps the arguments of its constructor, behind the class, for the `__init__` of other threads.
    found = gc.get_referents(obj)
    args = next((one for one in found if type(one) is tuple), ())
    keywords = next((one for one in found if type(one) is dict and one and set(map(type, one)) == {str}), {})
    if args or keywords:
        return reduction(obj, local_of, (cls, args, keywords), state)
    return reduction(obj, newobj, (cls,), state)


@saves(threading.Thread, subclasses=True)
def _thread(thread: Any) -> Any:
    cls = type(thread)
    if thread is threading.main_thread():
        return main_thread, ()
    if has_own_protocol(cls, threading.Thread):
        return NotImplemented
    if not hasattr(thread, "_started"):
        raise Refused("a thread whose class doesn't call Thread.__init__", "let its __init__ call super().__init__()")
    if thread.is_alive():
        raise Refused("a thread that has been started", "start it in startService, and TRANSIENT")
    made = finished_thread if thread._started.is_set() else new_thread
    without = _fresh_thread() - _OF_THREADS
    if made is finished_thread:
        without |= {"_target", "_args", "_kwargs"}  # `run` has deleted them
    return reduction(thread, made, (cls,), attributes(thread, without))


_OF_THREADS = {"_target", "_name", "_args", "_kwargs", "_daemonic"}


@functools.cache
def _fresh_thread() -> frozenset[str]:
    return frozenset(vars(threading.Thread()))


def _of_subclass(obj: Any, base: type, **changes: Any) -> Any:
    """Take apart an object of a subclass: it gets all its attributes, some of them changed."""
    cls = type(obj)
    if not changes or has_own_protocol(cls, base):
        return NotImplemented
    return reduction(obj, newobj, (cls,), attributes(obj, **changes))


def _added(obj: Any, fresh: Any) -> Any:
    """Return the attributes that somebody has added to an object of a class of `threading`."""
    return attributes(obj, vars(fresh).keys()) if vars(obj).keys() > vars(fresh).keys() else None
