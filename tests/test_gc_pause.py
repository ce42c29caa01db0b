import gc
import os
import sys
import threading
from pathlib import Path

import pytest

import appsnap
from appsnap import gc_pause
from appsnap.gc_pause import gc_paused
from appsnap.kinds import KINDS


def collections_of(count):
    """Return how often the collector ran while so many lists were made."""
    runs = []
    note = lambda phase, _info: runs.append(phase)  # noqa: E731 - removed by identity
    gc.callbacks.append(note)
    try:
        _ = [[] for _ in range(count)]
    finally:
        gc.callbacks.remove(note)
    return len(runs)


@gc_paused
def work(fail=False):
    if fail:
        raise ValueError
    return collections_of(100_000), inner()


@gc_paused
def inner():
    return collections_of(100_000)


class Restored:
    """Calls a function when it is restored."""

    action = staticmethod(print)

    def __setstate__(self, state):
        self.__dict__ |= state
        type(self).action()

    def __getstate__(self):
        return {"kept": 1}


@pytest.fixture(autouse=True)
def _as_it_was():
    before = gc.get_threshold()

    yield

    gc.enable()
    gc.set_threshold(*before)


@pytest.fixture
def action(monkeypatch):
    return lambda function: monkeypatch.setattr(Restored, "action", staticmethod(function))


class TestGcPaused:
    def test_off_and_on(self):
        """The collector doesn't run while the function runs, nested calls included, and runs again afterwards."""
        assert work() == (0, 0)
        assert collections_of(100_000)

    def test_not_at_the_end(self):
        """The collector doesn't look at the new objects before the function has returned."""
        runs = []
        note = lambda phase, _info: runs.append((phase, sys._getframe(1).f_code.co_filename))  # noqa: E731
        gc.callbacks.append(note)
        try:
            made = gc_paused(lambda: [[] for _ in range(100_000)])()
            _ = [[] for _ in range(100_000)]
        finally:
            gc.callbacks.remove(note)

        assert len(made) == 100_000
        assert runs
        assert gc_pause.__file__ not in {file for _, file in runs}

    def test_errors(self):
        """After an error the collector is as it was."""
        before = gc.get_threshold()

        with pytest.raises(ValueError):
            work(fail=True)

        assert gc.get_threshold() == before

    def test_left_off(self):
        """A collector that was off stays off, in either way."""
        gc.disable()
        work()
        assert not gc.isenabled()

        gc.enable()
        gc.set_threshold(0)
        work()
        assert gc.get_threshold()[0] == 0

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        ("change", "seen"),
        [
            (gc.disable, lambda: not gc.isenabled()),
            (lambda: gc.set_threshold(0), lambda: gc.get_threshold()[0] == 0),
            (lambda: gc.set_threshold(123, 4), lambda: gc.get_threshold()[:2] == (123, 4)),
        ],
        ids=["disable", "threshold-0", "threshold-123"],
    )
    def test_changed_by_the_application(self, kind, change, seen, action):
        """A change that the application makes while it is restored lasts."""
        data = appsnap.dumps(Restored(), kind)
        action(change)

        appsnap.loads(data, trust=appsnap.EVERYTHING)

        assert seen()

    def test_turned_on_by_the_application(self, action):
        """An application that turns its collector on while it is restored finds it on."""
        data = appsnap.dumps(Restored())
        gc.disable()
        action(gc.enable)

        appsnap.loads(data, trust=appsnap.EVERYTHING)

        assert gc.isenabled()


class TestInterrupts:
    @pytest.mark.parametrize("outside", [False, True], ids=["outer", "nested"])
    def test_each_line(self, outside):
        """An interrupt in any line of the pause leaves nothing off.

        Python looks for interrupts after calls and where functions begin, so never between `with` and its lock.
        """
        lines = Path(gc_pause.__file__).read_text("utf-8").splitlines()
        before = gc.get_threshold()
        interrupted = 0

        for number in range(100):
            seen = 0

            def trace(frame, event, _arg, number=number):
                nonlocal seen
                if frame.f_code.co_filename != gc_pause.__file__:
                    return None
                if event == "line" and not lines[frame.f_lineno - 1].lstrip().startswith("with "):
                    seen += 1
                    if seen == number:
                        raise KeyboardInterrupt
                return trace

            called = gc_paused(inner_only) if outside else inner_only
            old = sys.gettrace()
            sys.settrace(trace)
            try:
                called()
            except KeyboardInterrupt:
                interrupted += 1
            finally:
                sys.settrace(old)
            assert gc.get_threshold() == before, f"interrupted in line {number}"
            assert not gc_pause._pauses

        assert 15 < interrupted < 100


@gc_paused
def inner_only():
    return None


class TestThreads:
    def test_ends_with_the_last_one(self):
        """The pause lasts until no thread is in it, however they overlap."""
        before = gc.get_threshold()
        first, second = threading.Event(), threading.Event()
        began = threading.Semaphore(0)

        @gc_paused
        def wait_for(event):
            began.release()
            event.wait()

        threads = [threading.Thread(target=wait_for, args=(event,)) for event in (first, second)]
        for thread in threads:
            thread.start()
            began.acquire()
        first.set()
        threads[0].join()
        assert collections_of(100_000) == 0
        second.set()
        threads[1].join()

        assert gc.get_threshold() == before
        assert collections_of(100_000)


class TestForks:
    @staticmethod
    def in_child(function):
        """Return the outcome of a function in a forked child."""
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.write(writer, repr(function()).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return text

    @pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
    def test_beside_a_load(self):
        """A child that is forked while another thread is in a pause has its collector, and can pause it."""
        before = gc.get_threshold()
        began, leave = threading.Event(), threading.Event()

        @gc_paused
        def wait():
            began.set()
            leave.wait()

        thread = threading.Thread(target=wait)
        thread.start()
        began.wait()
        try:
            assert self.in_child(lambda: (gc.get_threshold(), work(), gc.get_threshold())) == repr(
                (before, (0, 0), before)
            )
        finally:
            leave.set()
            thread.join()

    def test_within_a_pause(self):
        """A child that is forked by the thread of a pause ends the pause itself."""
        before = gc.get_threshold()
        inside = gc_paused(lambda: self.in_child(lambda: (inner(), gc.get_threshold() != before)))

        assert inside() == "(0, True)"
        assert gc.get_threshold() == before

    @pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
    def test_lock_held_elsewhere(self):
        """A child can pause its collector, although another thread held the lock of the pauses when it was forked."""
        held, leave = threading.Event(), threading.Event()

        def hold():
            with gc_pause._lock:
                held.set()
                leave.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        try:
            assert self.in_child(inner) == "0"
        finally:
            leave.set()
            thread.join()
