"""Threads and queues: a pool, queues of three sorts, a condition, an event, a thread's local data."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

GROUP = "data"
PACKAGES = ()


class Mill:
    """Workers take numbers from a queue, and put squares into another one."""

    def __init__(self):
        self.todo = queue.Queue(100)
        self.done = queue.SimpleQueue()
        self.urgent = queue.PriorityQueue()
        self.undo = queue.LifoQueue()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.open = threading.Event()
        self.seats = threading.BoundedSemaphore(2)
        self.start_line = threading.Barrier(2)
        self.here = threading.local()
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="mill")
        self.count = 0

    def work(self):
        with self.seats:
            self.start_line.wait(10)
            while (number := self.todo.get(timeout=10)) is not None:
                self.here.last = number
                self.done.put(number * number)
                with self.changed:
                    self.count += 1
                    self.changed.notify_all()


def build(folder):
    mill = Mill()
    for number in range(5):
        mill.todo.put(number)
    mill.urgent.put((2, "later"))
    mill.urgent.put((1, "now"))
    mill.undo.put("first")
    mill.undo.put("last")
    mill.open.set()
    mill.here.last = 7
    return mill


def facts(mill):
    return {
        "todo": [mill.todo.qsize(), mill.todo.maxsize, mill.todo.unfinished_tasks],
        "urgent": mill.urgent.qsize(),
        "open": mill.open.is_set(),
        "shared lock": mill.changed._lock is mill.lock,
        "parties": mill.start_line.parties,
        "pool": [mill.pool._max_workers, mill.pool._thread_name_prefix],
    }


def use(mill, folder):
    assert mill.urgent.get_nowait() == (1, "now")
    assert mill.undo.get_nowait() == "last"
    futures = [mill.pool.submit(mill.work) for _ in range(2)]
    with mill.changed:
        assert mill.changed.wait_for(lambda: mill.count == 5, 10)
    for _ in futures:
        mill.todo.put(None)
    for future in futures:
        future.result(10)
    assert sorted(mill.done.get_nowait() for _ in range(5)) == [0, 1, 4, 9, 16]
    mill.pool.shutdown()
