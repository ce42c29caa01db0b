"""Ways for `queue`: a queue keeps its items, its size, and the number of its unfinished tasks.

They are read without a lock, each by one call of C, while other threads may use the queue.
"""

from __future__ import annotations

import gc
import operator
import queue
import sys
from typing import Any

from appsnap.ways import saves
from appsnap.ways.anew import attributes, reduction
from appsnap.ways.threads import refuse_waiters

__all__ = ["LifoQueue", "PriorityQueue", "Queue", "SimpleQueue", "put"]


# Rebuild functions: files have their names


def Queue(items: Any, maxsize: int = 0, unfinished: int = 0, /) -> Any:
    """Return a queue that has this deque of items."""
    return _filled(queue.Queue(maxsize), items, unfinished)


def LifoQueue(items: Any, maxsize: int = 0, unfinished: int = 0, /) -> Any:
    """Return a queue that has this list of items, of which the last one comes first."""
    return _filled(queue.LifoQueue(maxsize), items, unfinished)


def PriorityQueue(items: Any, maxsize: int = 0, unfinished: int = 0, /) -> Any:
    """Return a queue that has this heap of items."""
    return _filled(queue.PriorityQueue(maxsize), items, unfinished)


def _filled(made: Any, items: Any, unfinished: int) -> Any:
    # The file may fill the container later, if its items lead back to the queue.
    made.queue = items
    made.unfinished_tasks = unfinished
    return made


def SimpleQueue() -> queue.SimpleQueue[Any]:
    """Return an empty queue."""
    return queue.SimpleQueue()


def put(made: queue.SimpleQueue[Any], items: list[Any], /) -> queue.SimpleQueue[Any]:
    """Put items into a queue, and return it."""
    for item in items:
        made.put(item)
    return made


# Ways

_MADE = {queue.Queue: Queue, queue.LifoQueue: LifoQueue, queue.PriorityQueue: PriorityQueue}


@saves(queue.Queue, subclasses=True)
def _queue(obj: Any) -> Any:
    waiting = (obj.not_empty._waiters, obj.not_full._waiters, obj.all_tasks_done._waiters)
    refuse_waiters("a queue", *waiting)
    made = _MADE.get(type(obj))
    if made is None or getattr(obj, "is_shutdown", False):
        return NotImplemented
    names = vars(type(obj)())
    added = attributes(obj, names) if vars(obj).keys() > names.keys() else None
    args: tuple[Any, ...] = (obj.queue.copy(), obj.maxsize, obj.unfinished_tasks)
    args = args if args[2] else args[:2] if args[1] else args[:1]
    return reduction(obj, made, args, added)


@saves("_queue.SimpleQueue")
def _simple_queue(obj: Any) -> Any:
    items = _items(obj)
    return (SimpleQueue, (), items, None, None, put) if items else (SimpleQueue, ())


def _items(obj: Any) -> list[Any]:
    """Return the items of a simple queue, which stay in it.

    To take them out and put them back would change their order, if another thread came in between.
    """
    if sys.version_info >= (3, 13):
        return gc.get_referents(obj)[:-1]  # its class comes last
    held = gc.get_referents(obj)[0]
    # The list begins with places of items that are out already. No other thread runs within a call of `map`.
    copy, size = map(operator.call, (held.copy, obj.qsize))
    return [*copy[len(copy) - size :]]
