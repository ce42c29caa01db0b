# ruff: noqa: D102 - as people write them
import asyncio
import functools
import subprocess
import sys
import threading

import pytest

from appsnap import EVERYTHING, CannotSave, NotTrusted, dumps, loads, running
from appsnap.kinds import KINDS
from appsnap.service import Application, Service


def again(obj, kind, trust=()):
    return loads(dumps(obj, kind), trust=trust)


def refused(obj, kind):
    with pytest.raises(CannotSave) as caught:
        dumps(obj, kind)
    (place,) = caught.value.places
    return place


class Waiting:
    """A thread that waits for something in the block. At its end, `wake` lets it go on."""

    def __init__(self, wait, waiters, wake):
        self.wait, self.waiters, self.wake = wait, waiters, wake

    def __enter__(self):
        self.thread = threading.Thread(target=self.wait)
        self.thread.start()
        while not self.waiters():
            assert self.thread.is_alive()

    def __exit__(self, *_):
        self.wake()
        self.thread.join()


class Doubled(threading.Event):
    def __init__(self, twice):
        super().__init__()
        self.twice = twice


class OwnState(threading.Event):
    def __getstate__(self):
        return {"set": self.is_set()}

    def __setstate__(self, state):
        self.__init__()
        if state["set"]:
            self.set()


class Worker(threading.Thread):
    __transient__ = ("sock",)

    def __init__(self, port):
        super().__init__(name="worker", daemon=True)
        self.port = port
        self.sock = (x for x in ())
        self.ran = []

    def run(self):
        self.ran.append(self.port)


class Numbers(threading.local):
    def __init__(self, first=0, *, step=1):
        self.number = first
        self.step = step


class OwnLock:
    """A lock of another library."""

    def acquire(self, *_):
        return True

    def release(self):
        pass


class Bounded(threading.BoundedSemaphore):
    pass


@pytest.mark.parametrize("kind", KINDS)
class TestLocks:
    @pytest.mark.parametrize("make", [threading.Lock, threading.RLock, threading._RLock])
    def test_free(self, kind, make):
        """A lock comes back free, whoever holds it. Any file may have one."""
        lock = make()
        with lock:
            made = again([lock, lock], kind)

        assert type(made[0]) is type(lock)
        assert made[0] is made[1]
        assert made[0].acquire(blocking=False)

    def test_shared(self, kind):
        """Conditions that share a lock share it after the load."""
        lock = threading.Lock()

        made_lock, one, other = again([lock, threading.Condition(lock), threading.Condition(lock)], kind)

        with one:
            assert made_lock.locked()
            assert not other.acquire(blocking=False)

    def test_held_by_the_saver(self, kind):
        """A save within the block of a condition doesn't wait for its lock."""
        condition = threading.Condition()
        with condition:
            made = again(condition, kind)

        with made:
            made.notify_all()

    def test_lock_of_another_class(self, kind):
        """A condition over a lock of a class of its user is a call of `threading` itself."""
        condition = threading.Condition(OwnLock())

        assert type(again(condition, kind, EVERYTHING)._lock) is OwnLock
        with pytest.raises(NotTrusted, match=r"threading\.Condition to call"):
            again(condition, kind, [OwnLock])

    def test_method(self, kind):
        """A method of a lock may be a callback."""
        lock = threading.Lock()

        made, release = again([lock, lock.release], kind)

        made.acquire()
        release()
        assert not made.locked()

    @pytest.mark.parametrize("is_set", [True, False])
    def test_event(self, kind, is_set):
        """An event keeps its flag."""
        event = threading.Event()
        if is_set:
            event.set()

        assert again(event, kind).is_set() == is_set

    def test_semaphores(self, kind):
        """A semaphore keeps its value. A bounded one is a lock with many holders: all its permits come back."""
        plain, bounded, own = threading.Semaphore(3), threading.BoundedSemaphore(2), Bounded(2)
        for semaphore in (plain, bounded, own):
            semaphore.acquire()

        plain, bounded, own = again([plain, bounded, own], kind, EVERYTHING)

        assert (plain._value, bounded._value, own._value) == (2, 2, 2)
        with pytest.raises(ValueError, match="released too many times"):
            bounded.release()

    def test_barrier(self, kind):
        """A barrier keeps its parameters, and whether it is broken."""
        broken = threading.Barrier(2)
        broken.abort()

        one, other, broken = again([threading.Barrier(3), threading.Barrier(2, timeout=0.5), broken], kind)

        assert (one.parties, one._timeout, other._timeout, broken.broken) == (3, None, 0.5, True)

    def test_barrier_with_an_action(self, kind):
        """A barrier that calls a function is a call, which has to be trusted."""
        barrier = threading.Barrier(1, print)

        assert again(barrier, kind, EVERYTHING)._action is print
        with pytest.raises(NotTrusted, match=r"threading\.Barrier to call"):
            again(barrier, kind)

    def test_subclasses(self, kind):
        """An object of a subclass keeps its attributes, and its class may say itself how it is saved."""
        doubled, own = Doubled([1]), OwnState()
        doubled.set()
        own.set()

        doubled, own, plain = again([doubled, own, Doubled(2)], kind, EVERYTHING)

        assert (doubled.twice, doubled.is_set(), doubled.wait(0)) == ([1], True, True)
        assert own.is_set()
        assert not plain.is_set()

    def test_text(self, kind):
        """Source has them as people write them."""
        if kind == "source":
            text = dumps({"lock": threading.Lock(), "ready": threading.Event()}, kind).decode()

            assert '"lock": Lock()' in text
            assert '"ready": Event()' in text


def waits():
    condition, event, semaphore, barrier = (
        threading.Condition(),
        threading.Event(),
        threading.Semaphore(0),
        threading.Barrier(2),
    )

    def wait():
        with condition:
            condition.wait()

    def notify():
        with condition:
            condition.notify()

    yield "a condition", condition, Waiting(wait, lambda: condition._waiters, notify)
    yield "an event", event, Waiting(event.wait, lambda: event._cond._waiters, event.set)
    yield "a semaphore", semaphore, Waiting(semaphore.acquire, lambda: semaphore._cond._waiters, semaphore.release)
    yield "a barrier", barrier, Waiting(barrier.wait, lambda: barrier.n_waiting, barrier.wait)


@pytest.mark.parametrize("kind", KINDS)
class TestWaiters:
    def test_refused(self, kind):
        """A thread that waits doesn't come back."""
        for name, obj, waiting in waits():
            with waiting:
                place = refused({"it": obj}, kind)

            assert place.path == 'object["it"]'
            assert place.reason == f"{name} that a thread or task waits for, which doesn't come back"

    def test_running(self, kind):
        """The services of an application that runs start their threads again. So nobody waits after the load."""
        application = Application("shop")
        service = Service()
        service.setServiceParent(application)

        async def main():
            application.startService()
            for _, obj, waiting in waits():
                service.it = obj
                with waiting:
                    data = dumps(application, kind)
                assert type(loads(data, trust=EVERYTHING).services[0].it) is type(obj)
                assert not running.is_application()

        asyncio.run(main())

    def test_other_thread_of_a_running_application(self, kind):
        """A started thread is refused even then: after the load it would say that it is alive, and do nothing."""
        application = Application("shop")
        application.running = True
        release = threading.Event()
        application.thread = threading.Thread(target=release.wait)
        application.thread.start()
        try:
            place = refused(application, kind)
        finally:
            release.set()
            application.thread.join()

        assert (place.path, place.reason) == ("application.thread", "a thread that has been started")
        assert place.advice == 'start it in startService, and name the attribute in __transient__ = ("thread",)'


@pytest.mark.parametrize("kind", KINDS)
class TestThreads:
    def test_main(self, kind):
        """The main thread is that of the process that loads."""
        assert again(threading.main_thread(), kind) is threading.main_thread()

    def test_not_started(self, kind):
        """A thread that isn't started can be started after the load."""
        made = again(
            threading.Thread(target=functools.partial(int), name="t", args=("5",), daemon=True), kind, EVERYTHING
        )

        assert (made.name, made.daemon, made.is_alive(), made._args) == ("t", True, False, ("5",))
        made.start()
        made.join()
        assert not made.is_alive()

    def test_subclass(self, kind):
        """A thread of a subclass keeps its attributes, without those that are transient."""
        worker = Worker(80)

        made = again(worker, kind, EVERYTHING)

        assert vars(made).keys() & {"port", "sock"} == {"port"}
        made.start()
        made.join()
        assert (made.name, made.ran) == ("worker", [80])

    def test_finished(self, kind):
        """A thread that has come to its end is at its end after the load."""
        worker = Worker(80)
        worker.start()
        worker.join()

        made = again(worker, kind, EVERYTHING)

        made.join()
        assert (made.is_alive(), made.ran) == (False, [80])
        with pytest.raises(RuntimeError, match="once"):
            made.start()

    def test_timer(self, kind):
        """A timer that isn't started keeps its function and its interval."""
        made = again(threading.Timer(0.5, print, ["x"]), kind, EVERYTHING)

        assert (made.interval, made.function, made.args) == (0.5, print, ["x"])
        assert not made.finished.is_set()

    def test_strangers(self, kind):
        """A thread in a stranger's file is a call that has to be trusted."""
        with pytest.raises(NotTrusted, match="new_thread to call"):
            again(threading.Thread(target=print), kind)


@pytest.mark.parametrize("kind", KINDS)
class TestLocal:
    def test_attributes(self, kind):
        """What this thread has comes back for the thread that loads."""
        local = threading.local()
        local.x = [1]
        seen = []

        made = again(local, kind)

        other = threading.Thread(target=lambda: seen.append(hasattr(made, "x")))
        other.start()
        other.join()
        assert (made.x, seen) == ([1], [False])

    def test_arguments(self, kind):
        """Other threads call `__init__` with the arguments of the constructor, so these come back, too."""
        local = Numbers(5, step=2)
        local.number = 6
        seen = []

        made = again(local, kind, EVERYTHING)

        other = threading.Thread(target=lambda: seen.append((made.number, made.step)))
        other.start()
        other.join()
        assert (made.number, made.step, seen) == (6, 2, [(5, 2)])
        assert type(again(Numbers(), kind, [Numbers])) is Numbers
        with pytest.raises(NotTrusted, match="local_of to call"):
            again(local, kind, [Numbers])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_fresh_process(kind, tmp_path):
    """A fresh process gets them without any trust."""
    file = tmp_path / "locks"
    file.write_bytes(dumps([threading.Lock(), threading.Condition(), threading.Event(), threading.local()], kind))
    code = "import appsnap, sys; [one.__class__ for one in appsnap.load(sys.argv[1], trust=())][0]; print('loaded')"

    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)

    assert done.stdout == "loaded\n"
