import contextlib
import datetime as dt
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

import appsnap
from appsnap.cli.app import run as command
from appsnap.errors import AppsnapError
from appsnap.runner import control
from appsnap.runner.generations import Generations
from appsnap.runner.locks import Lock
from processes import is_alive

LONG = 200

RUNS = """
import asyncio, os, signal, sys, threading
from appsnap.runner.generations import Generations
from appsnap.runner.locks import Lock
from appsnap.runner.saver import Layers, Saver
from appsnap.service import Application

async def main():
    generations = Generations(sys.argv[1])
    lock = Lock(generations.lock_path)
    application = Application("shop")
    application.count = 0
    saver = Saver(application, generations, Layers(sign=False), autosave=0, timeout=60, report=lambda *_: None)
    saver.warm_up()
    saver.start()
    ended = asyncio.Event()

    def change():
        application.count += 1

    def spoil():
        application.rows = (row for row in ())

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_signal_handler(signal.SIGUSR2, saver.request)
    loop.add_signal_handler(signal.SIGUSR1, change)
    loop.add_signal_handler(signal.SIGHUP, spoil)
    print("running", flush=True)
    await ended.wait()
    await saver.finish()
    lock.release()

asyncio.run(main())
"""


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@contextlib.contextmanager
def started(state, code=RUNS):
    """Run an application in a process of its own, and end that by its id."""
    with subprocess.Popen([sys.executable, "-c", code, state], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "running\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def shop(state):
    with started(state) as process:
        yield process


def given(capsys, *words):
    """Give a command, and return its exit code and the lines on stdout and stderr."""
    code = command([*map(str, words)])
    shown = capsys.readouterr()
    return code, shown.out.splitlines(), shown.err.splitlines()


def test_forged_number(tmp_path):
    """A number that the holder of the lock has not written itself gets no signal: it may be that of any process."""
    with subprocess.Popen(["sleep", "600"]) as victim, (tmp_path / "lock").open("w") as lock:
        try:
            lock.write(f"{victim.pid}\n")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            for ask in (lambda: control.stop(str(tmp_path), 5), lambda: control.snapshot(str(tmp_path))):
                with pytest.raises(AppsnapError, match=f"names process {victim.pid}, which doesn't hold this lock"):
                    ask()
            assert victim.poll() is None
        finally:
            victim.kill()


class TestSnapshot:
    def test_new_generation(self, shop, state, capsys):
        """It saves, waits, and prints the path of the new file."""
        code, out, err = given(capsys, "snapshot", state)

        assert (code, out, err) == (0, [str(state / "shop-00000001.tap")], [])
        assert appsnap.load(out[0], trust=appsnap.EVERYTHING).count == 0

        os.kill(shop.pid, signal.SIGUSR1)
        assert given(capsys, "snapshot", state) == (0, [str(state / "shop-00000002.tap")], [])

    def test_unchanged(self, shop, state, capsys):
        """Where nothing has changed, the path is that of the newest file."""
        first = control.snapshot(str(state))

        assert given(capsys, "snapshot", state) == (0, [first], [])
        assert control.status(str(state))["unchanged"] == 1

    def test_fails(self, shop, state, capsys):
        """The reason comes out, and so it does in the status until a save succeeds."""
        os.kill(shop.pid, signal.SIGHUP)

        code, out, err = given(capsys, "snapshot", state)

        assert (code, out) == (1, [])
        assert "not saved: cannot save 1 object: application.rows (builtins.generator)" in err[0]
        code, out, err = given(capsys, "status", state)
        assert code == 0
        assert out[0].startswith("the last save failed: cannot save 1 object: application.rows")

    def test_process_ends_meanwhile(self, state, capsys):
        """A process that ends before it has saved is told."""
        code = RUNS.replace("saver.request", "lambda: os._exit(1)")
        with started(state, code) as process:
            code, out, err = given(capsys, "snapshot", state)

        assert (code, out) == (1, [])
        assert err == [f"appsnap: error: process {process.pid} has ended before it was saved"]

    def test_nothing_runs(self, state, capsys):
        """Without a process there is nothing to save."""
        state.mkdir()

        assert given(capsys, "snapshot", state)[::2] == (1, [f"appsnap: error: {state}: nothing is running"])
        missing = state / "missing"
        assert given(capsys, "snapshot", missing)[::2] == (1, [f"appsnap: error: {missing}: no such file or directory"])

    def test_many_at_once(self, shop, state):
        """Many commands at once share saves, and all get a path."""
        paths = []
        threads = [threading.Thread(target=lambda: paths.append(control.snapshot(str(state)))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert paths == [str(state / "shop-00000001.tap")] * 8


class TestStop:
    def test_waits(self, shop, state, capsys):
        """It returns when the process has ended, and has saved its state before."""
        code, out, err = given(capsys, "stop", state)

        assert (code, out, err) == (0, [f"process {shop.pid} has ended"], [])
        assert not is_alive(shop.pid)
        assert shop.wait() == 0
        assert control.status(str(state))["generations"] == ["shop-00000001.tap"]

    def test_pidfile(self, shop, state, capsys):
        """A pidfile does as well as the folder."""
        assert given(capsys, "stop", state / "lock")[0] == 0
        assert shop.wait() == 0

    def test_nothing_runs(self, state, tmp_path, capsys):
        """Neither a stale pidfile nor a missing one has a process, whatever number stands in it."""
        (tmp_path / "stale.pid").write_text(f"{os.getppid()}\n")

        for name in ("stale.pid", "missing.pid"):
            path = tmp_path / name
            assert given(capsys, "stop", path) == (1, [], [f"appsnap: error: {path}: nothing is running"])

    def test_timeout(self, state, capsys):
        """A process that doesn't stop in time is told, with the way to end it."""
        code = RUNS.replace("await saver.finish()", "await asyncio.sleep(100)")
        with started(state, code) as process:
            code, out, err = given(capsys, "stop", state, "--timeout", "0.2")
            assert is_alive(process.pid)

        assert (code, out) == (1, [])
        assert err[0] == f"appsnap: error: process {process.pid} is still running after 0.2 s"
        assert f"`kill -KILL {process.pid}` ends it at once" in err[1]

    @pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
    def test_process_of_another_user(self):
        """A process that this user may not signal is told."""
        with tempfile.TemporaryDirectory() as folder:  # that user may not look into the one of pytest
            Path(folder).chmod(0o755)
            lock = Lock(Path(folder, "pidfile"))
            child = os.fork()
            if child == 0:
                try:
                    os.setresuid(65534, 65534, 65534)
                    control.stop(lock.path, None)
                except AppsnapError as error:
                    os._exit(0 if "belongs to another user" in str(error) else 1)
                finally:
                    os._exit(2)
            _, status = os.waitpid(child, 0)
            lock.release()

        assert os.waitstatus_to_exitcode(status) == 0

    def test_another_process_with_the_number(self, tmp_path, monkeypatch):
        """A process that has ended between two looks isn't signalled by its number."""
        path = tmp_path / "pidfile"
        with subprocess.Popen(["sleep", "100"]) as bystander:
            looks = iter([bystander.pid, None])
            monkeypatch.setattr(control, "holder", lambda _: next(looks))

            with pytest.raises(AppsnapError, match="nothing is running"):
                control.stop(str(path), None)
            assert bystander.poll() is None
            bystander.kill()

    def test_without_pidfd(self, shop, state, monkeypatch):
        """Where the system has no descriptors of processes, the lock tells the end."""
        monkeypatch.delattr(os, "pidfd_open")

        assert control.stop(str(state), LONG) == shop.pid


class TestStatus:
    def test_running(self, shop, state, capsys):
        """It says that the application runs, and when and how it was saved."""
        control.snapshot(str(state))

        code, out, err = given(capsys, "status", state)

        assert (code, err) == (0, [])
        assert out[0] == f"shop is running as process {shop.pid}"
        pattern = r"saved \d+ s ago: shop-00000001\.tap, [\d,]+ bytes, by fork, pause [\d.e+]+ ms \(most [\d.e+]+ ms\)"
        assert re.fullmatch(pattern, out[1])
        assert len(out) == 2

    def test_not_saved(self, shop, state, capsys):
        """Before the first save it says so."""
        assert given(capsys, "status", state)[1][1] == "not saved yet"

    def test_json(self, shop, state, capsys):
        """As JSON it has all facts."""
        control.snapshot(str(state))

        code, (line,), _ = given(capsys, "status", state, "--json")
        facts = json.loads(line)

        assert code == 0
        assert facts["running"] is True
        assert facts["pid"] == shop.pid
        assert facts["generations"] == ["shop-00000001.tap"]
        assert {
            *("how", "pause_ms", "pause_max_ms", "save_s", "generation", "saved", "size", "unchanged", "failed"),
            *("pid", "name", "generations", "running"),
        } <= {*facts}

    def test_not_running(self, shop, state, capsys):
        """Behind a stop, or a kill, the exit code says so, and the facts of the last save stay."""
        control.snapshot(str(state))
        shop.kill()
        shop.wait()

        code, out, _ = given(capsys, "status", state)

        assert code == 1
        assert out[0] == "shop is not running"
        assert "shop-00000001.tap" in out[1]
        code, (line,), _ = given(capsys, "status", state, "--json")
        assert code == 1
        assert (json.loads(line)["running"], json.loads(line)["pid"]) == (False, None)

    def test_pidfile(self, shop, state, capsys):
        """A pidfile tells whether the process runs."""
        code, out, _ = given(capsys, "status", state / "lock")

        assert (code, out) == (0, [f"{state / 'lock'} is running as process {shop.pid}"])
        code, (line,), _ = given(capsys, "status", state / "missing", "--json")
        assert (code, json.loads(line)) == (1, {"running": False, "pid": None})

    @pytest.mark.parametrize(
        "facts",
        [
            {"name": ["x"], "saved": 3, "size": "many", "generation": "x", "failed": 7},
            {"name": "\x1b[2J", "saved": "2026-01-01T00:00:00", "failed": "\x1b]0;x\x07"},
            {"saved": "2026-01-01T00:00:00Z", "generation": 10**30, "size": -1, "pause_ms": "x", "how": []},
            {"saved": "9999-12-31T23:59:59+00:00", "pause_ms": 1e308, "pause_max_ms": 1e308, "how": {}},
        ],
    )
    def test_hostile(self, state, capsys, facts):
        """A status that somebody else wrote is shown without a control character, and without an error."""
        generations = Generations(state)
        generations.write_status(facts)
        generations.close()

        code, out, err = given(capsys, "status", state)

        assert (code, err) == (1, [])
        assert all(line.isprintable() for line in out)

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [(30, "3"), (330, "5 min ago"), (8000, "2 h ago"), (9**6, "6 d ago")],
    )
    def test_age(self, state, capsys, seconds, words):
        """The age of the state is told in words."""
        saved = dt.datetime.fromtimestamp(time.time() - seconds, dt.UTC)
        generations = Generations(state)
        generations.write_status({"saved": saved.isoformat()})
        generations.close()

        assert given(capsys, "status", state)[1][1].startswith(f"saved {words}")
