import os
import signal
import socket
import sys
import threading

import pytest

from appsnap.runner import restart
from appsnap.runner.signals import HANDLED
from runner.counting import REFUSED, Counted, copy_to
from runner.running import LIMIT, Manager, is_alive, run, wait_until

pytestmark = pytest.mark.slow


def count_later(folder):
    """Start it once more, and return its next count."""
    with Counted(folder) as counted:
        count = counted.ask()[2]
        assert counted.process.stop() == 0
        return count


TERMINATE = """
import os, signal
if signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ()):
    os.kill(os.getpid(), signal.SIGTERM)
"""

ALL = ("--state", "state", "--pidfile", "pid")


class TestAgain:
    """Signals that ask for something else meanwhile."""

    def test_in_the_trial(self, tmp_path):
        """SIGUSR2 saves while the trial runs. A second SIGHUP restarts once more."""
        with Counted(tmp_path) as counted:
            counted.begin()
            counted.ask()
            count = len(counted.generations)
            counted.process.send(signal.SIGUSR2)
            wait_until(lambda: len(counted.generations) > count, lambda: str(counted.process))
            counted.process.send(signal.SIGHUP, signal.SIGHUP)

            counted.let_go(0, 1, 2, 3)

            counted.process.until("is running as process", 3)
            assert counted.ask()[:3] == (counted.pid, 1, 2)
            assert counted.process.stop() == 0
            assert not (tmp_path / "import 4").exists()

    def test_in_a_trial_that_fails(self, tmp_path):
        """The next trial follows at once."""
        with Counted(tmp_path) as counted:
            (tmp_path / "fail 0").touch()
            counted.begin()
            counted.process.send(signal.SIGHUP)

            counted.let_go(0, 1, 2)

            assert "import 0 fails" in counted.process.until(REFUSED)
            counted.process.until("is running as process", 2)

    def test_while_it_stops(self, tmp_path):
        """They reach the next process image."""
        with Counted(tmp_path, options=()) as counted:
            counted.ask("linger_at_stop")
            counted.process.send(signal.SIGHUP).until("stopping the counter")
            counted.process.send(signal.SIGUSR2, signal.SIGHUP)
            (tmp_path / "go on").touch()

            counted.process.until("warning: SIGUSR2 saves the state")
            counted.process.until("is running as process", 3)
            assert counted.ask()[0] == counted.pid

    def test_while_it_starts(self, tmp_path):
        """SIGHUP waits until it has started."""
        code = copy_to(tmp_path)
        early = "if not Path('came').exists():\n    Path('came').touch()\n    os.kill(os.getpid(), 1)"
        code.write_text(code.read_text().replace("# AT IMPORT", early))
        with Counted(tmp_path) as counted:
            counted.process.until("is running as process", 2)

    def test_that_another_thread_takes(self):
        """A signal that comes when the main thread takes none any more goes into the pipe for the next image."""
        came = []
        before = signal.signal(signal.SIGUSR2, lambda number, _: came.append(number))
        waiting = threading.Event()
        thread = threading.Thread(target=waiting.wait)
        thread.start()
        try:
            with restart.signals_kept() as pipe:
                os.kill(os.getpid(), signal.SIGUSR2)
                wait_until(lambda: came, lambda: "it never came")
                assert os.read(pipe, 10) == bytes([signal.SIGUSR2])
        finally:
            waiting.set()
            thread.join()
            signal.signal(signal.SIGUSR2, before)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(HANDLED) == set()


class TestEnd:
    """SIGTERM, and other ends of the process, while it restarts."""

    @pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGKILL]])
    def test_in_a_trial_that_hangs(self, tmp_path, numbers):
        """The trial ends with it. SIGTERM saves."""
        with Counted(tmp_path, options=ALL) as counted:
            counted.begin()
            (trial,) = counted.children
            counted.ask()

            code = counted.process.send(*numbers).end()

            assert code == (0 if numbers == [signal.SIGTERM] else -signal.SIGKILL)
            wait_until(lambda: not is_alive(trial), lambda: "the trial lives")
            assert (tmp_path / "pid").exists() == (code != 0)
        copy_to(tmp_path)
        assert count_later(tmp_path) == (2 if code == 0 else 1)

    def test_while_it_stops(self, tmp_path):
        """It is stopped once, and saved."""
        with Manager() as manager, Counted(tmp_path, options=ALL, NOTIFY_SOCKET=manager.name) as counted:
            counted.ask("linger_at_stop")
            counted.process.send(signal.SIGHUP).until("stopping the counter")
            counted.process.send(signal.SIGTERM)
            (tmp_path / "go on").touch()

            assert counted.process.end() == 0

            manager.until("STOPPING=1")
            assert counted.process.lines.count("stopping the counter") == 1
            assert counted.process.errors == []
            assert not (tmp_path / "pid").exists()
        assert count_later(tmp_path) == 2

    def test_after_the_exec(self, tmp_path):
        """No other process gets the state or the pidfile meanwhile, and clients wait. SIGTERM ends it cleanly."""
        with Counted(tmp_path, options=ALL) as counted:
            counted.ask()
            counted.begin()
            counted.let_go(0, 2)
            counted.until_import(1)

            for options in (ALL[:2], ALL[2:]):
                other = run(*options, "counted:application", folder=tmp_path)
                assert other.code == 1
                assert f"process {counted.pid}" in other.errors[0]
            with socket.create_connection(("127.0.0.1", counted.port), LIMIT) as client:
                client.sendall(b"\n")
                counted.process.send(signal.SIGTERM)
                assert counted.process.end() == 0

            assert counted.process.lines[-1] == "appsnap: stopping before it has started"
            assert not (tmp_path / "pid").exists()
        copy_to(tmp_path)
        assert count_later(tmp_path) == 2

    def test_before_the_handlers(self, tmp_path):
        """SIGTERM that comes right after the exec waits until there is somebody to clear the locks away."""
        (tmp_path / "sitecustomize.py").write_text(TERMINATE)
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        with Counted(tmp_path, options=ALL, PYTHONPATH=path) as counted:
            counted.ask()

            assert counted.process.send(signal.SIGHUP).end() == 0

            assert counted.process.lines[-1] == "appsnap: stopping before it has started"
            assert counted.process.errors == []
            assert not (tmp_path / "pid").exists()
            assert not (tmp_path / "state" / "lock").exists()

    def test_second_load_fails(self, tmp_path):
        """It exits with 1, and the next start finds the state."""
        with Counted(tmp_path, options=ALL) as counted:
            counted.ask()
            (tmp_path / "fail 1").touch()
            counted.begin()
            counted.let_go(0, 1)

            assert counted.process.end() == 1

            assert any("import 1 fails" in line for line in counted.process.errors)
            assert not (tmp_path / "pid").exists()
        copy_to(tmp_path)
        assert count_later(tmp_path) == 2

    def test_interpreter_that_is_gone(self, tmp_path, monkeypatch):
        """It exits with 1, and says that the state is saved."""
        interpreter = tmp_path / "python"
        interpreter.symlink_to(sys.executable)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entry for entry in sys.path if entry))
        monkeypatch.setattr(sys, "executable", str(interpreter))
        with Counted(tmp_path, options=ALL) as counted:
            counted.ask("linger_at_stop")
            counted.process.send(signal.SIGHUP).until("stopping the counter")
            interpreter.unlink()
            (tmp_path / "go on").touch()

            assert counted.process.end() == 1

            assert counted.process.errors == [
                f"error: the interpreter can't be run again: No such file or directory: {interpreter}",
                "hint: the state is saved: start the application again",
            ]
            assert counted.generations == ["counted-00000001.tap", "counted-00000002.tap"]
            assert not (tmp_path / "pid").exists()

    def test_stop_that_hangs(self, tmp_path):
        """It is named in time, and the state is saved."""
        with Counted(tmp_path, options=(*ALL, "--stop-timeout", "0.5")) as counted:
            counted.ask("hang_at_stop")

            assert counted.process.send(signal.SIGHUP).end() == 70

            assert any("counter" in line for line in counted.process.errors)
            assert not (tmp_path / "pid").exists()
        (generation,) = (tmp_path / "state").glob("counted-*.tap")
        assert run(generation, command="show", folder=tmp_path).has('at_stop: "hang"')

    def test_stop_that_fails(self, tmp_path):
        """The error comes out, and the restart goes on."""
        with Counted(tmp_path, options=ALL) as counted:
            counted.ask("fail_at_stop")

            assert counted.restart().ask()[:3] == (counted.pid, 1, 2)

            assert "the counter is stuck" in counted.process.errors[0]
