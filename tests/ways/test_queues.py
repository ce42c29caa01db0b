import queue
import sys
import threading

import pytest

from appsnap import EVERYTHING, CannotBuild, CannotSave, dumps, loads
from appsnap.kinds import KINDS

CLASSES = [queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue, queue._PySimpleQueue]


class Jobs(queue.Queue):
    def __init__(self, name):
        super().__init__(5)
        self.name = name


class Holder:
    pass


def again(obj, kind, trust=()):
    return loads(dumps(obj, kind), trust=trust)


def taken(jobs):
    return [jobs.get_nowait() for _ in range(jobs.qsize())]


@pytest.mark.parametrize("kind", KINDS)
class TestItems:
    @pytest.mark.parametrize("cls", CLASSES)
    def test_kept(self, kind, cls):
        """The items stay in the live queue, and are in the restored one, in the same order."""
        jobs, other = cls(), cls()
        for number in (3, 1, 2, 5):
            jobs.put(number)
            other.put(number)
        first = other.get()

        made = again([jobs, other], kind, EVERYTHING)

        assert taken(made[0]) == taken(jobs)
        left = taken(made[1])
        assert left == taken(other)
        assert first not in left

    @pytest.mark.parametrize("cls", CLASSES[:4])
    def test_strangers(self, kind, cls):
        """Any file may have a queue, with items that it may have."""
        jobs = cls()
        jobs.put((1, "x"))

        assert taken(again(jobs, kind)) == [(1, "x")]

    @pytest.mark.parametrize("cls", [queue.Queue, queue.LifoQueue, queue.SimpleQueue])
    def test_in_itself(self, kind, cls):
        """The items may lead back to the queue."""
        jobs, holder = cls(), Holder()
        holder.jobs = jobs
        jobs.put(holder)
        jobs.put(jobs)

        made, first = again([jobs, holder], kind, EVERYTHING)

        items = taken(made)
        assert first.jobs is made
        assert {*map(id, items)} == {id(first), id(made)}

    def test_size_and_tasks(self, kind):
        """A queue keeps its size, and the number of unfinished tasks."""
        jobs = queue.Queue(2)
        for _ in range(2):
            jobs.put(1)
        jobs.get()

        made = again(jobs, kind)

        assert (made.maxsize, made.qsize(), made.unfinished_tasks) == (2, 1, 2)
        made.put(2)
        with pytest.raises(queue.Full):
            made.put_nowait(3)
        for _ in range(3):
            made.task_done()
        made.join()

    def test_subclass(self, kind):
        """A queue of a subclass keeps its attributes, and works."""
        jobs = Jobs("a")
        jobs.put(1)

        made = again(jobs, kind, EVERYTHING)

        assert (made.name, made.maxsize, taken(made)) == ("a", 5, [1])
        made.put(2, timeout=0)
        assert made.mutex is made.not_empty._lock is made.not_full._lock

    def test_waiter(self, kind):
        """A queue that a thread waits for is refused, with the queue's own path."""
        jobs = queue.Queue()
        thread = threading.Thread(target=jobs.get)
        thread.start()
        while not jobs.not_empty._waiters:
            pass
        try:
            with pytest.raises(
                CannotSave, match=r'object\["jobs"\] \(queue.Queue\): a queue that a thread or task waits'
            ):
                dumps({"jobs": jobs}, kind)
        finally:
            jobs.put(1)
            thread.join()

    @pytest.mark.parametrize("cls", [queue.Queue, queue.SimpleQueue])
    def test_in_use(self, kind, cls):
        """Another thread uses the queue meanwhile: a save has a row of items without a hole, and takes none away."""
        jobs = cls()
        seen, stop = [], threading.Event()

        def use():
            number = 0
            while not stop.is_set() or number % 100:
                jobs.put(number)
                number += 1
                if number > 50:
                    seen.append(jobs.get())
            seen.extend(taken(jobs))

        thread = threading.Thread(target=use)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        thread.start()
        try:
            for _ in range(20):
                items = taken(again(jobs, kind))
                assert items == [*range(items[0], items[0] + len(items))] if items else True
        finally:
            sys.setswitchinterval(interval)
            stop.set()
            thread.join()

        assert seen == [*range(len(seen))]


HOSTILE = [
    "Queue(5)",
    "Queue([1])",
    "LifoQueue(5)",
    "PriorityQueue({})",
    "Queue(deque(), 'x')",
    "Queue(deque(), 1, 'x')",
    "Queue(deque(), 1, 2, 3)",
    "put([], [1])",
    "put(SimpleQueue(), 5)",
    "put(Queue(deque()), [5])",
]


@pytest.mark.parametrize("call", HOSTILE)
def test_hostile(call):
    """A stranger's file can't make a queue of something else, nor put items into something else."""
    names = "LifoQueue, PriorityQueue, Queue, SimpleQueue, put"
    head = f"# appsnap 1 source: {{}}\nfrom appsnap.ways.queues import {names}\nfrom collections import deque\n"
    text = f"{head}application = {call}\n"

    with pytest.raises(CannotBuild, match="takes"):
        loads(text.encode(), kind="source")
