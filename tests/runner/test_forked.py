import asyncio
import atexit
import contextlib
import fcntl
import gc
import importlib.util
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from appsnap.errors import AppsnapError, CannotSave, PassphraseError, Place
from appsnap.files import tasks
from appsnap.runner import forked
from appsnap.runner.forked import Child, StoodStill
from processes import is_alive

pytestmark = pytest.mark.skipif(not forked.can_fork(), reason="this system has no pidfd")

LONG = 200


@pytest.fixture(autouse=True)
def thawed():
    """Undo what commands of other tests have frozen in this process."""
    gc.unfreeze()


_hooks = []
os.register_at_fork(after_in_child=lambda: [hook() for hook in _hooks])


def run(work, window=LONG, *, meanwhile=None):
    """Do work in a child, and return its outcome. `meanwhile` gets the child."""

    async def main():
        child = Child(work)
        if meanwhile is not None:
            await meanwhile(child)
        return await child.outcome(window)

    return asyncio.run(main())


def python(code, *arguments, **options):
    """Run a script in a fresh Python, and return its lines. Nothing may stand on stderr."""
    head = "import asyncio, os, signal, sys, threading, time\nfrom appsnap.runner.forked import Child\n"
    command = [sys.executable, *options.pop("flags", ()), "-c", head + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


LOOPS = ["asyncio"] + ["uvloop"] * (importlib.util.find_spec("uvloop") is not None)


class TestOutcome:
    def test_facts(self):
        """The facts of the work come back from another process."""
        outcome = run(lambda: {"process": os.getpid(), "words": ["a", "é\ud800"]})

        assert outcome["process"] != os.getpid()
        assert outcome["words"] == ["a", "é\ud800"]

    def test_places(self):
        """Objects that can't be saved come back with all their places."""
        places = [Place(f"application.x[{n}]", "lock", "can't be saved", "leave it out") for n in range(50)]

        def work():
            raise CannotSave(places)

        with pytest.raises(CannotSave) as caught:
            run(work)
        assert caught.value.places == tuple(places)

    def test_many_places(self):
        """If they are too many for the pipe, the first ones come back."""
        places = [Place(f"application.x[{n}]" * 1_000, "lock", "é" * 1_000, "leave it out") for n in range(1_000)]

        def work():
            raise CannotSave(places)

        with pytest.raises(CannotSave) as caught:
            run(work)
        assert 0 < len(caught.value.places) < 100
        assert caught.value.places[0].path.startswith("application.x[0]")

    def test_system(self):
        """An error of the system keeps its number and its file."""

        def work():
            raise OSError(28, "No space left on device", "/state/shop-00000001.tap")

        with pytest.raises(OSError, match="No space left") as caught:
            run(work)
        assert (caught.value.errno, caught.value.filename) == (28, "/state/shop-00000001.tap")

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (PassphraseError("it is empty", hint="type one"), "it is empty"),
            (ZeroDivisionError("x" * 100_000), "ZeroDivisionError: xxx"),
            (KeyboardInterrupt(), "KeyboardInterrupt"),
            (SystemExit(3), "SystemExit: 3"),
        ],
    )
    def test_other(self, error, text):
        """Any other error comes back in words."""

        def work():
            raise error

        with pytest.raises(AppsnapError) as caught:
            run(work)
        assert str(caught.value).startswith(text)
        assert caught.value.hint == getattr(error, "hint", "")

    def test_killed(self):
        """A child that is killed is told with the signal."""

        async def kill(child):
            os.kill(child.process, signal.SIGKILL)

        with pytest.raises(AppsnapError, match="was killed by signal 9"):
            run(lambda: time.sleep(LONG), meanwhile=kill)

    def test_ended_without_a_result(self):
        """So is one that ends by itself."""
        with pytest.raises(AppsnapError, match="ended without a result"):
            run(lambda: os._exit(0))

    def test_no_process(self, monkeypatch):
        """Where the system has no room for a process, its error comes, and nothing stays open or frozen."""
        files = descriptors()

        def refuse():
            raise BlockingIOError(11, "no more processes")

        monkeypatch.setattr(os, "fork", refuse)
        with pytest.raises(BlockingIOError):
            run(dict)
        assert gc.get_freeze_count() <= forked._FROZEN_AT_START
        assert descriptors() == files


class TestStandingStill:
    def test_lock(self):
        """A lock that another thread held is held in the child for ever, so the child is killed."""
        lock = threading.Lock()
        lock.acquire()
        processes = []

        async def note(child):
            processes.append(child.process)

        with pytest.raises(StoodStill, match=r"stood still for 0\.2 s"):
            run(lambda: {"locked": lock.acquire()}, 0.2, meanwhile=note)
        with pytest.raises(ProcessLookupError):
            os.kill(processes[0], 0)

    def test_long_work(self):
        """A child that works longer than that is left alone, also where others have the processors."""

        def work():
            end = time.monotonic() + 1
            while time.monotonic() < end:
                pass
            return {"done": True}

        assert run(work, 0.25) == {"done": True}

    @pytest.mark.parametrize(
        ("used", "state", "still"),
        [
            (0.0, "S", True),
            (0.2, "S", True),
            (0.4, "S", False),
            (0.0, "R", False),
            (0.0, "D", False),
        ],
    )
    def test_window(self, used, state, still):
        """Half a hundredth of the time has to be used, unless the system lets the child wait."""
        assert forked.stands_still(used, 60, state) is still


class TestParent:
    def test_collector(self):
        """The collector leaves alone the objects of the parent as long as the child lives."""
        counts = []

        async def look(child):
            counts.append(gc.get_freeze_count())

        run(dict, meanwhile=look)

        assert counts[0] > forked._FROZEN_AT_START + 1_000
        assert gc.get_freeze_count() <= forked._FROZEN_AT_START

    def test_collector_of_the_application(self):
        """Objects that the application itself has frozen stay frozen."""
        gc.freeze()
        try:
            frozen = gc.get_freeze_count()
            run(dict)
            assert gc.get_freeze_count() >= frozen - 1_000
        finally:
            gc.unfreeze()

    def test_signal_at_the_fork(self, tmp_path):
        """A signal that reaches the child before its handlers stand doesn't run a handler of the parent."""
        log = tmp_path / "log"

        def handle(*_):
            with log.open("a") as file:
                file.write("called in the child" if os.getpid() != parent else "")

        parent = os.getpid()
        old = signal.signal(signal.SIGUSR1, handle)
        _hooks.append(lambda: os.kill(os.getpid(), signal.SIGUSR1))
        try:
            assert run(lambda: {"done": True}) == {"done": True}
        finally:
            _hooks.clear()
            signal.signal(signal.SIGUSR1, old)
        assert not log.exists()
        assert signal.SIGUSR1 not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    @pytest.mark.parametrize("loop", LOOPS)
    def test_children_of_the_application(self, loop):
        """Other children keep their exit codes, and a handler of SIGCHLD is called for them."""
        lines = python(
            """
if sys.argv[1] == "uvloop":
    import uvloop
    run = uvloop.run
else:
    run = asyncio.run
called = []
async def main():
    if sys.argv[1] == "asyncio":
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, called.append, 1)
    first = await asyncio.create_subprocess_exec("sh", "-c", "sleep 0.1; exit 3")
    child = Child(lambda: time.sleep(0.3) or {"done": 1})
    second = await asyncio.create_subprocess_exec("sh", "-c", "exit 4")
    print(await first.wait(), await second.wait(), await child.outcome(60), bool(called) or sys.argv[1] == "uvloop")
run(main())
""",
            loop,
        )

        assert lines == ["3 4 {'done': 1} True"]

    def test_child_that_nobody_has_reaped(self):
        """A child of the application that has ended before keeps its exit code."""
        with subprocess.Popen(["sh", "-c", "exit 3"]) as other:
            while is_alive(other.pid):
                time.sleep(0.01)

            run(dict)

            assert other.wait() == 3

    @pytest.mark.parametrize("seconds", ["0", "0.2"])
    def test_ignored_sigchld(self, seconds):
        """Where SIGCHLD is ignored, the system reaps the child, and its outcome comes all the same."""
        lines = python(
            """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
async def main():
    child = Child(lambda: time.sleep(float(sys.argv[1])) or {"done": 1})
    time.sleep(0.1)
    print(await child.outcome(60))
    child = Child(lambda: os._exit(0))
    try:
        await child.outcome(60)
    except Exception as error:
        print(error)
asyncio.run(main())
""",
            seconds,
        )

        assert lines == ["{'done': 1}", "the saving process ended without a result"]

    def test_reaped_by_the_application(self):
        """An application that waits for any child takes the status, and the outcome comes all the same."""

        async def steal(child):
            os.waitpid(-1, 0)  # noqa: ASYNC222 - as some libraries do

        assert run(lambda: {"done": 1}, meanwhile=steal) == {"done": 1}

    def test_no_warning(self):
        """Python's warning about forks beside threads isn't shown, and no other warning is shown twice for that."""
        lines = python(
            """
import warnings
async def main():
    threading.Thread(target=time.sleep, args=(0.5,)).start()
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            print(await Child(lambda: {"done": 1}).outcome(60), caught)
        version = len(warnings.filters)
    print(len(warnings.filters) == version)
asyncio.run(main())
""",
            flags=["-W", "error"],
        )

        assert lines == ["{'done': 1} []", "{'done': 1} []", "True"]

    def test_nothing_stays_open(self):
        """The pipe and the descriptor of the process are closed."""
        run(dict)
        files = descriptors()

        run(dict)

        assert descriptors() == files

    def test_cancelled(self):
        """A child whose result nobody waits for any more is killed and reaped."""
        processes = []

        async def main():
            child = Child(lambda: time.sleep(LONG))
            processes.append(child.process)
            task = asyncio.create_task(child.outcome(LONG))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(main())

        with pytest.raises(ProcessLookupError):
            os.kill(processes[0], 0)


class TestChild:
    @pytest.mark.parametrize("loop", LOOPS)
    def test_connection(self, loop):
        """A client sees its connection close while the child lives."""
        lines = python(
            """
import socket
if sys.argv[1] == "uvloop":
    import uvloop
    run = uvloop.run
else:
    run = asyncio.run
async def main():
    begun = asyncio.Event()
    async def handle(reader, writer):
        begun.set()
        await reader.read(1)
        writer.close()
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await begun.wait()
    read, write = os.pipe()
    child = Child(lambda: time.sleep(60) or {})
    writer.write(b"x")
    print(await reader.read())
    os.close(write)  # of a pipe that the child has inherited, too
    print(os.read(read, 1))
    os.kill(child.process, 0)
    child.kill()
    try:
        await child.outcome(60)
    except Exception as error:
        print(error)
    server.close()
run(main())
""",
            loop,
        )

        assert lines == ["b''", "b''", "the saving process was killed by signal 9"]

    def test_files(self, tmp_path):
        """Sockets and pipes of the parent are the null device in the child, and files are themselves."""
        with (tmp_path / "file").open("w+") as file, socket.socket() as one:
            read, write = os.pipe()

            def work():
                numbers = (one.fileno(), read, write, 0, 1, 2)
                null = Path(os.devnull).stat()
                return {
                    "null": [os.path.samestat(os.fstat(number), null) for number in numbers],
                    "file": os.path.samestat(os.fstat(file.fileno()), Path(file.name).stat()),
                }

            outcome = run(work)
            os.close(read)
            os.close(write)

        assert outcome == {"null": [True] * 6, "file": True}

    def test_signals(self):
        """There is no wake-up descriptor; TERM ends the child, and all other signals are ignored."""

        def work():
            handlers = {
                number: signal.getsignal(number)
                for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGCHLD}
            }
            return {
                "wakeup": signal.set_wakeup_fd(-1),
                "term": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
                "others": [int(number) for number, handler in handlers.items() if handler is not signal.SIG_IGN],
                "blocked": [*map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))],
            }

        async def main():
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: None)
            return await Child(work).outcome(LONG)

        assert asyncio.run(main()) == {"wakeup": -1, "term": True, "others": [], "blocked": []}

    def test_ctrl_c(self):
        """Ctrl-C, which goes to the whole group, leaves the child alone; TERM ends it."""

        async def interrupt(child):
            while not ignores(child.process, signal.SIGINT):  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.01)
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
                os.kill(child.process, number)
            await asyncio.sleep(0.05)
            os.kill(child.process, 0)
            os.kill(child.process, signal.SIGTERM)

        with pytest.raises(AppsnapError, match="was killed by signal 15"):
            run(lambda: time.sleep(LONG), meanwhile=interrupt)

    def test_dies_with_its_parent(self):
        """A parent that is killed takes the child along."""
        code = """
async def main():
    child = Child(lambda: time.sleep(100) or {})
    print(child.process, flush=True)
    await asyncio.sleep(100)
asyncio.run(main())
"""
        head = "import asyncio, time\nfrom appsnap.runner.forked import Child\n"
        with subprocess.Popen([sys.executable, "-c", head + code], stdout=subprocess.PIPE, text=True) as parent:
            child = int(parent.stdout.readline())
            while not ignores(child, signal.SIGINT) or oom_score(child) != 1000:
                time.sleep(0.01)
            parent.kill()
        while is_alive(child):
            time.sleep(0.01)

    def test_check_parent(self, monkeypatch):
        """A child whose parent has ended doesn't give a name to its file."""
        forked.check_parent()

        def work():
            monkeypatch.setattr(os, "getppid", lambda: 1)
            forked.check_parent()

        with pytest.raises(AppsnapError, match="has ended"):
            run(work)

    def test_priority(self):
        """The child is the first to be killed when memory runs short, and the last to get a processor."""
        nice = os.nice(0)

        outcome = run(lambda: {"oom": oom_score("self"), "nice": os.nice(0)})

        assert outcome == {"oom": 1000, "nice": min(nice + 10, 19)}

    def test_calm(self):
        """No collection, no line of a log, no thread; and the loop is the running one for objects that refer to it."""
        records = []

        class Handler(logging.Handler):
            def emit(self, record):
                records.append(record.getMessage())

        handler = Handler()
        logging.getLogger().addHandler(handler)
        loops = []

        def work():
            logging.getLogger("shop").critical("lost")
            return {
                "collects": gc.isenabled(),
                "records": records,
                "threads": threading.active_count(),
                "may": tasks.may_start(),
                "loop": asyncio.get_running_loop() is loops[0],
            }

        async def main():
            loops.append(asyncio.get_running_loop())
            return await Child(work).outcome(LONG)

        try:
            outcome = asyncio.run(main())
        finally:
            logging.getLogger().removeHandler(handler)
        assert outcome == {"collects": False, "records": [], "threads": 1, "may": False, "loop": True}
        assert tasks.may_start()
        assert gc.isenabled()

    def test_end(self, tmp_path):
        """The child runs no exit handlers, and flushes no buffers that are the parent's, too."""
        atexit.register(note := (lambda: (tmp_path / "exit").write_text("called")))
        try:
            with (tmp_path / "file").open("w") as file:
                file.write("once")
                run(dict)
        finally:
            atexit.unregister(note)
        assert (tmp_path / "file").read_text() == "once"
        assert not (tmp_path / "exit").exists()

    def test_prints(self):
        """Nothing of the child reaches the streams of the application, which may be files."""
        lines = python(
            """
def work():
    print("of the child", flush=True)
    print("of the child", file=sys.stderr, flush=True)
    return {}
async def main():
    print("of the parent")  # it waits in a buffer
    await Child(work).outcome(60)
asyncio.run(main())
"""
        )

        assert lines == ["of the parent"]

    def test_lock_of_a_file(self, tmp_path):
        """A child that ends doesn't give up the locks of the parent."""
        with (tmp_path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            run(dict)
            with (tmp_path / "lock").open() as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def descriptors():
    """Return how many descriptors are open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def ignores(process, number):
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{process}/status") as file:
        ignored = next(line for line in file if line.startswith("SigIgn:"))
        return bool(int(ignored.split()[1], 16) >> (number - 1) & 1)
    return False


def oom_score(process):
    with open(f"/proc/{process}/oom_score_adj") as file:
        return json.load(file)
