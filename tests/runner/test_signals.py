"""Signals to `appsnap run`, at every moment of its life."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from runner.running import LIMIT, PARTS, Manager, Running, ended, is_alive, parts, wait_until

HUP, INT, TERM, USR1, USR2 = (getattr(signal, f"SIG{name}") for name in ("HUP", "INT", "TERM", "USR1", "USR2"))


def numbers(*signals):
    return " ".join(str(int(number)) for number in signals)


class TestWhileLoading:
    def test_kept(self, tmp_path):
        """Early HUP, USR1 and USR2 kill nothing. They wait until the application runs."""
        options = ("--state", "state", "--autosave", "0", "--logfile", "log")

        with parts("Told", options=options, folder=tmp_path, SIGNALS=numbers(HUP, USR1, USR2)) as process:
            process.until("restarting parts")
            process.until("is running as process", 2)
            assert (tmp_path / "state" / "parts-00000001.tap").exists()
            assert process.stop() == 0

    @pytest.mark.parametrize("number", [TERM, INT])
    def test_stops(self, tmp_path, number):
        """TERM and INT end a script that is run, though it may raise SystemExit itself. That is no failure."""
        with parts("Told", options=("--pidfile", "pid"), folder=tmp_path, SIGNALS=numbers(number)) as process:
            code = process.end()

        assert (code, process.lines) == (0, ["appsnap: stopping before it has started"])
        assert not (tmp_path / "pid").exists()

    def test_twice(self, tmp_path):
        """A second TERM ends a script that swallows the first one. A line says so, and files are cleared away."""
        script = """
import time
while True:
    try:
        print("loads", flush=True)
        while True:
            time.sleep(0.01)  # a signal that comes just before a sleep is seen after it
    except BaseException:
        pass
"""
        (tmp_path / "swallows.tac").write_text(script)

        with Running("swallows.tac", "--state", "state", folder=tmp_path) as process:
            process.until("loads")
            process.send(TERM)
            process.until("loads", 2)
            code = process.stop()

        assert (code, process.errors) == (1, ["error: ended by a second SIGTERM, not stopped"])
        assert [*(tmp_path / "state").iterdir()] == []

    def test_swallowed(self, tmp_path):
        """A destructor swallows every exception, and no signal gets lost by that."""
        script = f"""
import os
from appsnap.service import Application
class Last:
    def __del__(self):
        os.kill(os.getpid(), {int(TERM)})
        [number for number in range(1000)]  # the handler runs here
Last()
application = Application("swallowed")
"""
        (tmp_path / "swallows.tac").write_text(script)

        with Running("swallows.tac", folder=tmp_path) as process:
            code = process.end()

        assert (code, process.lines[-1]) == (0, "appsnap: stopping before it has started")


class TestFork:
    def test_ended(self, tmp_path):
        """TERM ends a fork of the process, as those of multiprocessing, and clears nothing of the process away."""
        script = """
import multiprocessing, time
from appsnap.service import Application, Service
class Forks(Service):
    def startService(self):
        super().startService()
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
        child.start()
        child.terminate()
        child.join()
        print("ended by", -child.exitcode, flush=True)
application = Application("forks")
Forks().setServiceParent(application)
"""
        (tmp_path / "forks.tac").write_text(script)

        with Running("forks.tac", "--pidfile", "pid", folder=tmp_path) as process:
            process.until(f"ended by {int(TERM)}")
            process.ready()
            assert (tmp_path / "pid").read_text() == f"{process.pid}\n"
            assert process.stop() == 0


class TestWhileStarting:
    def test_cancelled(self, tmp_path):
        """TERM cancels a start that waits. What had started is stopped, and nothing is saved."""
        options = ("--pidfile", "pid", "--state", "state")

        with parts("Told1", "EndlessStart", "Told2", options=options, folder=tmp_path) as process:
            process.until("starts for ever")
            code = process.stop()

        assert code == 0
        assert process.lines[-3:] == ["appsnap: stopping before it has started", "told2: stop", "told1: stop"]
        assert not (tmp_path / "pid").exists()
        assert not [*(tmp_path / "state").glob("*.tap")]

    def test_twice(self):
        """A second TERM ends a start that blocks the loop."""
        with parts("BlockingStart") as process:
            process.until("blocks")
            process.send(TERM, INT)
            code = process.end()

        assert code == 1
        assert process.errors[0].startswith("error: ended by a second SIG")

    def test_late(self):
        """A start that blocks the loop has the time of a stop, and its place is named."""
        with parts("BlockingStart", options=("--stop-timeout", "0.4")) as process:
            process.until("blocks")
            code = process.stop()

        assert code == 70
        assert "error: not stopped within 0.4 s: the event loop, which is blocked in" in process.errors[0]
        assert process.errors[0].endswith("in BlockingStart.startService")


class TestWhileRunning:
    def test_save_without_state(self):
        """USR2 is a warning where there is no state, and USR1 nothing where there is no log file."""
        with parts("Told") as process:
            process.ready().send(USR1, USR2)
            process.until("warning: SIGUSR2 saves the state, and this application is run without --state")
            assert process.stop() == 0

    def test_save(self, tmp_path):
        """USR2 saves at once."""
        with parts("Told", options=("--state", "state", "--autosave", "0"), folder=tmp_path) as process:
            process.ready().send(USR2)
            wait_until((tmp_path / "state" / "parts-00000001.tap").exists, lambda: str(process))

    def test_ignored_from_the_start(self):
        """A signal that the parent process ignores, as nohup does with HUP, stays ignored."""
        with parts("Told", before=lambda: signal.signal(HUP, signal.SIG_IGN)) as process:
            process.ready().send(HUP, USR2)
            process.until("SIGUSR2")
            assert process.stop() == 0

        assert not process.has("restarting")

    @pytest.mark.parametrize("part", ["Told", "DaemonThread"])
    def test_late_signal(self, part):
        """A signal while Python ends changes no exit code, also if a thread could take it."""
        with parts(part, LATE_SIGNAL=1) as process:
            process.ready()
            code = process.stop()

        assert (code, process.lines[-1]) == (0, "late")

    def test_that_another_thread_takes(self, tmp_path):
        """A signal that a thread sends to itself, and that the main thread has to handle, stops the application."""
        script = f"""
import pathlib, signal, threading, time
import appsnap.runner.process
from appsnap.service import Application, Service
appsnap.runner.process._STATUS_EVERY = 600.0  # nothing else wakes the loop
class Sends(Service):
    def startService(self):
        super().startService()
        threading.Thread(target=self.send).start()
    def send(self):
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
        signal.raise_signal({int(TERM)})
application = Application("sends")
Sends().setServiceParent(application)
"""
        (tmp_path / "sends.tac").write_text(script)

        with Running("sends.tac", folder=tmp_path) as process:
            process.ready()
            (tmp_path / "go").touch()
            assert process.end() == 0


class TestForkedChildren:
    """Child processes of the application are other processes."""

    def test_signals(self, tmp_path):
        """TERM ends a forked child, and the pidfile stays when one ends."""
        with parts("Forking", options=("--pidfile", "pid"), folder=tmp_path) as process:
            process.ready()
            assert (tmp_path / "pid").read_text() == f"{process.pid}\n"
            assert process.stop() == 0

        assert "other ended: 0" in process.lines
        assert "child ended: -15" in process.lines
        assert not process.errors

    def test_locks(self, tmp_path):
        """A child that outlives its parent holds no locks."""
        options = ("--pidfile", "pid", "--state", "state")
        with parts("Forking", options=options, folder=tmp_path) as process:
            child = int(process.until("forked").rpartition(" ")[2])
            with ended(child):
                process.ready().send(signal.SIGKILL)
                wait_until(lambda: not is_alive(process.pid), lambda: str(process))
                assert is_alive(child)
                with parts("Told", options=options, folder=tmp_path) as second:
                    second.ready()


class TestSecond:
    @pytest.mark.parametrize("part", ["HangingStop", "BlockingStop"])
    def test_ends_at_once(self, tmp_path, part):
        """A second TERM ends a stop that hangs or blocks the loop. A line says so, and files are cleared away."""
        options = ("--pidfile", "pid", "--state", "state", "--logfile", "log")

        with parts(part, options=options, folder=tmp_path) as process:
            process.ready().send(TERM)
            process.until("hangs" if part == "HangingStop" else "blocks")
            code = process.stop()

        line = "ended by a second SIGTERM, not stopped"
        assert (code, process.errors) == (1, [f"error: {line}"])
        assert f"ERROR appsnap.run: {line}" in (tmp_path / "log").read_text()
        assert not (tmp_path / "pid").exists()
        assert not (tmp_path / "state" / "lock").exists()

    def test_nobody_reads(self, tmp_path):
        """A process ends in time though nobody reads its stderr, which is full: a terminal after Ctrl-S."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(writer, b"x" * 4096):
                pass
        os.set_blocking(writer, True)
        pidfile = tmp_path / "pid"

        with Manager() as manager:
            process = subprocess.Popen(
                [sys.executable, "-m", "appsnap", "run", "--stop-timeout", "0.4", "--pidfile", pidfile, PARTS],
                stdout=subprocess.DEVNULL,
                stderr=writer,
                env={**os.environ, "NOTIFY_SOCKET": manager.name},
            )
            try:
                manager.until("READY=1")
                process.terminate()
                code = process.wait(LIMIT)
            finally:
                process.kill()
                process.wait()
                os.close(reader)
                os.close(writer)

        assert code == 70
        assert not pidfile.exists()


class TestBehindTheLoop:
    def test_late(self, tmp_path):
        """Signals that come while the process exits disturb nothing: the pidfile goes, and the exit code stays."""
        late = [*map(int, (HUP, USR1, USR2))]
        script = f"""
import atexit, os
from appsnap.service import Application, Service
class Late(Service):
    def startService(self):
        super().startService()
        atexit.register(lambda: [os.kill(os.getpid(), number) for number in {late}])
application = Application("late")
Late().setServiceParent(application)
"""
        (tmp_path / "late.tac").write_text(script)

        with Running("late.tac", "--pidfile", "pid", folder=tmp_path) as process:
            process.ready()
            assert process.stop() == 0

        assert process.lines[-1] == "appsnap: late has stopped"
        assert not (tmp_path / "pid").exists()
