import asyncio
import concurrent.futures
import multiprocessing
import threading

import pytest

from appsnap import EVERYTHING, CannotBuild, CannotSave, NotTrusted, dumps, loads
from appsnap.kinds import KINDS
from appsnap.service import Application


class Jobs(asyncio.Queue):
    """A queue with a name."""

    def __init__(self, name):
        super().__init__()
        self.name = name


class Holder:
    """An object with attributes."""


class Pool(concurrent.futures.ThreadPoolExecutor):
    """A pool with a name."""

    def __init__(self, name):
        super().__init__(2)
        self.name = name


def again(obj, kind, trust=()):
    return loads(dumps(obj, kind), trust=trust)


def refused(obj, kind):
    with pytest.raises(CannotSave) as caught:
        dumps(obj, kind)
    (place,) = caught.value.places
    return place.reason


@pytest.mark.parametrize("kind", KINDS)
class TestPrimitives:
    def test_any_loop(self, kind):
        """They are saved in one loop, loaded outside of any, and used in another one."""

        async def make():
            lock, event, jobs = asyncio.Lock(), asyncio.Event(), asyncio.Queue(2)
            semaphore, bounded = asyncio.Semaphore(3), asyncio.BoundedSemaphore(2)
            await lock.acquire()
            await semaphore.acquire()
            await bounded.acquire()
            await jobs.put(1)
            event.set()
            heap, last = asyncio.PriorityQueue(), asyncio.LifoQueue()
            for number in (2, 1):
                heap.put_nowait(number)
                last.put_nowait(number)
            condition = asyncio.Condition(lock)
            return dumps([lock, condition, event, jobs, semaphore, bounded, heap, last, asyncio.Barrier(2)], kind)

        made = loads(asyncio.run(make()))

        async def use():
            lock, condition, event, jobs, semaphore, bounded, heap, last, barrier = made
            assert (lock.locked(), event.is_set(), semaphore._value, bounded._value) == (False, True, 2, 2)
            async with condition:
                assert lock.locked()
            assert (jobs.maxsize, await jobs.get(), jobs._unfinished_tasks, barrier.parties) == (2, 1, 1, 2)
            jobs.task_done()
            await jobs.join()
            assert (heap.get_nowait(), heap.get_nowait(), last.get_nowait()) == (1, 2, 1)
            await asyncio.gather(barrier.wait(), barrier.wait())

        asyncio.run(use())

    def test_in_itself(self, kind):
        """The items of a queue may lead back to it."""
        jobs, holder = asyncio.Queue(), Holder()
        holder.jobs = jobs
        jobs.put_nowait(holder)

        made = again(jobs, kind, [Holder])

        assert made.get_nowait().jobs is made

    def test_subclass(self, kind):
        """A queue of a subclass keeps its attributes, and no loop."""

        async def make():
            jobs = Jobs("a")
            jobs.put_nowait(1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(Jobs("b").get(), 0)
            return dumps(jobs, kind)

        made = loads(asyncio.run(make()), trust=EVERYTHING)

        assert (made.name, asyncio.run(made.get())) == ("a", 1)

    def test_waiters(self, kind):
        """A task that waits doesn't come back, unless the application runs and its services start it again."""

        async def main():
            jobs, event = asyncio.Queue(), asyncio.Event()
            tasks = [asyncio.create_task(jobs.get()), asyncio.create_task(event.wait())]
            await asyncio.sleep(0)

            assert refused(jobs, kind).startswith("a queue that a thread or task waits for")
            assert refused(event, kind).startswith("an event that a thread or task waits for")

            application = Application("shop")
            application.running = True
            application.jobs = jobs
            made = again(application, kind, EVERYTHING)
            assert not made.jobs._getters
            for task in tasks:
                task.cancel()

        asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
class TestFutures:
    def test_done(self, kind):
        """A future that is done keeps its result, its error, or that it was cancelled. A task comes back as one."""

        async def make():
            loop = asyncio.get_running_loop()
            done, failed, cancelled = loop.create_future(), loop.create_future(), loop.create_future()
            done.set_result([1])
            failed.set_exception(ValueError("no"))
            cancelled.cancel()
            task = asyncio.create_task(asyncio.sleep(0, "slept"))
            await task
            data = dumps([done, failed, cancelled, task], kind)
            failed.exception()
            return data

        done, failed, cancelled, task = loads(asyncio.run(make()))

        async def use():
            assert (await done, await task) == ([1], "slept")
            with pytest.raises(ValueError, match="no"):
                await failed
            called = asyncio.Event()
            done.add_done_callback(lambda _: called.set())
            await called.wait()

        assert cancelled.cancelled()
        asyncio.run(use())

    def test_pending(self, kind):
        """A future that nobody waits for belongs to the loop that loads it. One that is waited for is refused."""

        async def main():
            future = asyncio.get_running_loop().create_future()
            data = dumps(future, kind)
            made = loads(data)
            made.set_result(1)
            assert await made == 1
            waiting = asyncio.ensure_future(asyncio.wait([future]))
            await asyncio.sleep(0)
            assert refused(future, kind).startswith("a future that a thread or task waits for")
            assert refused(waiting, kind) == "a task that isn't done"
            waiting.cancel()
            return data

        data = asyncio.run(main())
        with pytest.raises(CannotBuild, match="load it in a coroutine"):
            loads(data)

    def test_handles(self, kind):
        """A call that a loop is to make is refused. The handle of one that was cancelled or made comes back."""

        async def main():
            loop = asyncio.get_running_loop()
            later, soon = loop.call_later(60, print), loop.call_soon(int)
            for handle in (later, soon):
                assert refused(handle, kind) == "a call that an event loop is to make"
            later.cancel()
            await asyncio.sleep(0)
            return dumps([later, soon], kind), later.when()

        data, when = asyncio.run(main())
        later, soon = loads(data, trust=EVERYTHING)

        assert (later.cancelled(), later.when()) == (True, when)
        later.cancel()
        soon.cancel()


@pytest.mark.parametrize("kind", KINDS)
class TestPools:
    def test_parameters(self, kind):
        """A pool comes back idle, and starts its threads when it gets work."""
        with concurrent.futures.ThreadPoolExecutor(3, "shop") as pool:
            assert pool.submit(int, "5").result() == 5
            made = again(pool, kind)
        closed = again(pool, kind)

        with made:
            assert (made._max_workers, made._thread_name_prefix, len(made._threads)) == (3, "shop", 0)
            assert made.submit(int, "6").result() == 6
        with pytest.raises(RuntimeError, match="shutdown"):
            closed.submit(int)

    def test_work(self, kind):
        """A pool that has work is refused: its futures would never be done."""
        release = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            running, waiting = pool.submit(release.wait), pool.submit(int)
            try:
                assert refused(pool, kind) == "a pool of threads that has work"
                assert waiting.cancel()
                while not running.running():
                    pass
                assert refused(pool, kind) == "a pool of threads that has work"
                assert refused(running, kind) == "a future whose function runs"
            finally:
                release.set()

    def test_initializer(self, kind):
        """The initializer of a pool is called, and has to be trusted."""
        with concurrent.futures.ThreadPoolExecutor(1, initializer=int, initargs=("5",)) as pool:
            made = again(pool, kind, EVERYTHING)
            assert (made._initializer, made._initargs) == (int, ("5",))
            with pytest.raises(NotTrusted, match=r"pools\.pool to call"):
                again(pool, kind)

    def test_subclass(self, kind):
        """A pool of a subclass keeps its attributes."""
        with Pool("a") as pool, again(pool, kind, EVERYTHING) as made:
            assert (type(made), made.name, made.submit(int, "5").result()) == (Pool, "a", 5)

    def test_processes(self, kind):
        """A pool of processes keeps its parameters, too. What processes share is refused."""
        context = multiprocessing.get_context("fork")
        with concurrent.futures.ProcessPoolExecutor(2, context) as pool, again(pool, kind) as made:
            assert (made._max_workers, made._mp_context.get_start_method()) == (2, "fork")
        for shared in (context.Lock(), context.Event(), context.SimpleQueue()):
            assert "that processes share" in refused(shared, kind)

    def test_process_at_once(self, kind):
        """A pool that starts a process when it is made has to be trusted."""
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
            with again(pool, kind, EVERYTHING) as made:
                assert (made._max_workers, made._mp_context.get_start_method()) == (2, "spawn")
            with pytest.raises(NotTrusted, match=r"pools\.pool to call"):
                again(pool, kind)

    def test_futures(self, kind):
        """A future keeps its outcome. One that a thread waits for is refused."""
        done, failed, cancelled, pending = (concurrent.futures.Future() for _ in range(4))
        done.set_result(1)
        failed.set_exception(ValueError("no"))
        cancelled.cancel()

        done, failed, cancelled, made = again([done, failed, cancelled, pending], kind)

        assert (done.result(), str(failed.exception()), cancelled.cancelled(), made.done()) == (1, "no", True, False)
        thread = threading.Thread(target=pending.result)
        thread.start()
        while not pending._condition._waiters:
            pass
        assert refused(pending, kind).startswith("a future that a thread or task waits for")
        pending.set_result(1)
        thread.join()


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("failed_future(5)", "takes an exception"),
        ("Semaphore('x')", "takes no str"),
        ("Condition([])", "takes a lock"),
        ("Queue([])", "takes no list"),
        ("spent_handle('x')", "takes no str"),
        ("Event(1)", "takes no int"),
    ],
)
def test_hostile(call, reason):
    """Other arguments are refused."""
    name = call.partition("(")[0]
    text = f"# appsnap 1 source: {{}}\nfrom appsnap.ways.asyncio import {name}\napplication = {call}\n"

    with pytest.raises(CannotBuild, match=reason):
        loads(text.encode(), kind="source")
