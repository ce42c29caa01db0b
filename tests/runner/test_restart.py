import signal
import socket

import pytest

from runner.counting import REFUSED, Counted
from runner.running import LIMIT, Manager, Running, wait_until

pytestmark = pytest.mark.slow


class TestRestart:
    """SIGHUP with code that fits."""

    @pytest.mark.parametrize("what", ["module", "script", "snapshot"])
    def test_state_goes_on(self, tmp_path, what):
        """With a state folder, process, port, and state stay, and the code is the new one."""
        with Counted(tmp_path, what) as counted:
            before = [counted.ask(), counted.ask()]
            counted.edit("VERSION = 1", "VERSION = 2")

            after = counted.restart().ask()

            pid = counted.pid
            assert [found[:3] for found in (*before, after)] == [(pid, 1, 1), (pid, 1, 2), (pid, 2, 3)]
            assert after[3] == "{'made': 1}"
            assert counted.process.has("restored at 2")
            assert [line for line in counted.process.lines if "serves" in line] == [f"serves port {counted.port}"] * 2
            assert counted.process.stop() == 0

    @pytest.mark.parametrize("what", ["module", "snapshot"])
    def test_without_state(self, tmp_path, what):
        """Without a state folder, WHAT is read again, by the same process on the same port."""
        with Counted(tmp_path, what, ()) as counted:
            counted.ask()
            counted.edit("VERSION = 1", "VERSION = 2")

            after = counted.restart().ask()

            assert after[:3] == (counted.pid, 2, 1)
            assert after[3] == ("{'made': 1}" if what == "snapshot" else "{'made': 2}")
            assert not counted.process.has("restored")
            assert [*tmp_path.glob("state*")] == []
            assert counted.process.stop() == 0

    def test_plugin(self, tmp_path):
        """A plugin keeps its port, and its options are those of the command line."""
        pytest.importorskip("aiohttp")
        (tmp_path / "hello.txt").write_text("hello")
        with Running("web", "--port", "0", "--path", ".", folder=tmp_path) as process:
            port = int(process.ready().until("on http://").rpartition(":")[2].strip("/"))

            process.send(signal.SIGHUP).until("is running as process", 2)

            with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
                connection.sendall(b"GET /hello.txt HTTP/1.0\r\n\r\n")
                assert connection.makefile().read().endswith("hello")
            assert process.stop() == 0

    def test_threads_of_the_first_task(self, tmp_path):
        """Threads that a library ends when the first task of the event loop does, as anyio, hold up no restart."""
        lines = [
            "import asyncio, queue, threading",
            "from appsnap.service import Application, Service",
            "class Worker(Service):",
            "    def startService(self):",
            "        super().startService()",
            "        orders = queue.Queue()",
            "        threading.Thread(target=orders.get).start()",
            "        is_first = lambda task: any('_run_until_complete_cb' in str(one) for one in task._callbacks)",
            "        (first,) = filter(is_first, asyncio.all_tasks())",
            "        first.add_done_callback(orders.put)",
            "application = Application('worker')",
            "Worker().setServiceParent(application)",
        ]
        (tmp_path / "worker.py").write_text("\n".join(lines))
        with Running("worker.py", folder=tmp_path) as process:
            process.ready()
            for count in (2, 3):
                process.send(signal.SIGHUP).until("is running as process", count)
            assert process.stop() == 0
            assert process.errors == []

    def test_upgrade(self, tmp_path):
        """Objects of older versions are upgraded."""
        with Counted(tmp_path) as counted:
            counted.ask()
            counted.edit("persistenceVersion = 1", "persistenceVersion = 2")
            counted.edit("def upgradeToVersion1(self):\n        pass", UPGRADES)

            assert counted.restart().ask()[2:] == (2, "{'made': 1, 'upgraded': True}")

    def test_fresh_start(self, tmp_path):
        """A process that was started with --fresh goes on with its own state."""
        with Counted(tmp_path, options=("--state", "state", "--fresh")) as counted:
            counted.ask()

            assert counted.restart().ask()[2] == 2

    def test_class_that_is_gone(self, tmp_path):
        """An edited script gives its code to the state. A class that it has no more is named, and goes on as it was."""
        with Counted(tmp_path, "script") as counted:
            counted.edit("class Counter(", "class Renamed(")
            counted.edit("counter = Counter()", "counter = Renamed()")
            counted.edit("VERSION = 1", "VERSION = 2")

            after = counted.restart().ask()

            assert after[1:3] == (1, 1)
            assert counted.process.has("warning: counted.py has no Counter any more")


class TestRefusal:
    """SIGHUP with code or a state that doesn't fit."""

    def test_code_that_does_not_fit(self, tmp_path):
        """One line says why, and nothing was touched: neither services, nor generations, nor locks."""
        edits = [
            ("VERSION = 1", "VERSION = (", "was never closed"),
            ("import time", "import no_such_module", "No module named 'no_such_module'"),
            ("class Counter(", "class Other(", "Counter"),
            ("def upgradeToVersion1(self):\n        pass", UPGRADE_THAT_FAILS, "no upgrade today"),
            ("VERSION = 1", "VERSION = 1\nos.kill(os.getpid(), 9)", "a fresh interpreter was killed by signal 9"),
        ]
        with Manager() as manager, Counted(tmp_path, NOTIFY_SOCKET=manager.name) as counted:
            good = counted.code.read_text()
            manager.until("READY=1")
            for number, (old, new, reason) in enumerate(edits):
                counted.ask()
                counted.edit(old, new)
                if "upgrade" in new:
                    counted.edit("persistenceVersion = 1", "persistenceVersion = 2")
                started = counted.process.lines.count(f"serves port {counted.port}")

                counted.process.send(signal.SIGHUP)
                said = counted.process.until(REFUSED, number + 1).partition(REFUSED)[2]

                assert reason in said
                assert manager.until("RELOADING=1").startswith("RELOADING=1\nMONOTONIC_USEC=")
                assert manager.until("READY=1") == f"READY=1\nSTATUS=not restarted: {said}"
                assert counted.process.lines.count(f"serves port {counted.port}") == started == 1
                assert not counted.process.has("stopping the counter")
                assert counted.ask()[2] == 2 * number + 2
                counted.code.write_text(good)
            assert counted.restart().ask()[2] == 2 * len(edits) + 1
            manager.until("RELOADING=1")
            assert manager.until("READY=1").startswith("READY=1\nSTATUS=running, 1 service")
            assert len(counted.process.errors) == len(edits)

    def test_script_that_fails(self, tmp_path):
        """The line has the place in the script, and the error."""
        with Counted(tmp_path, "script") as counted:
            counted.edit("VERSION = 1", "VERSION = 1 / 0")

            reason = counted.refuse()

            assert "counted.py" in reason
            assert "ZeroDivisionError: division by zero" in reason
            assert counted.ask()[:3] == (counted.pid, 1, 1)

    def test_trial_without_traces(self, tmp_path):
        """A trial writes and removes no generation, takes no lock, and starts nothing."""
        options = ("--state", "state", "--keep", "1", "--pidfile", "pid")
        with Counted(tmp_path, options=options) as counted:
            counted.ask()
            folder = tmp_path / "state"
            counted.edit("# AT IMPORT", LOOK)

            counted.refuse()

            names = sorted(path.name for path in folder.iterdir())
            assert (tmp_path / "seen").read_text() == repr(names)
            assert names == ["counted-00000001.tap", "lock", "status.json"]
            assert (folder / "lock").read_text() == (tmp_path / "pid").read_text() == f"{counted.pid}\n"
            assert not counted.process.has("restored")
            assert counted.process.lines.count(f"serves port {counted.port}") == 1

    def test_save_that_fails(self, tmp_path):
        """A state that can't be saved isn't lost: the process goes on with it."""
        with Counted(tmp_path) as counted:
            counted.ask("spoil")

            reason = counted.refuse()

            assert reason.startswith("the state can't be saved: ")
            assert "spoiled" in reason
            assert counted.ask("mend")[2] == 2
            assert counted.restart().ask()[2] == 3

    def test_save_that_fails_after_the_stop(self, tmp_path):
        """The application is started again in the same process, with its sockets and its state, and saves go on."""
        options = ("--state", "state", "--autosave", "0.1")
        with Manager() as manager, Counted(tmp_path, options=options, NOTIFY_SOCKET=manager.name) as counted:
            counted.ask("spoil_at_stop")
            manager.until("READY=1")

            assert counted.refuse() == "the state can't be saved"

            manager.until("RELOADING=1")
            assert manager.until("READY=1") == "READY=1\nSTATUS=not restarted: the state can't be saved"
            assert counted.process.has("stopping the counter")
            assert counted.process.until("serves port", 2) == f"serves port {counted.port}"
            assert counted.ask()[:3] == (counted.pid, 1, 2)
            assert not counted.process.has("restored")
            count = len(counted.generations)
            counted.ask("mend")
            wait_until(lambda: len(counted.generations) > count, lambda: "no autosave")
            counted.edit("VERSION = 1", "VERSION = 2")
            assert counted.restart().ask()[:3] == (counted.pid, 2, 4)

    def test_no_way_back(self, tmp_path):
        """If the application doesn't start again either, that is the end."""
        with Counted(tmp_path, options=("--state", "state", "--pidfile", "pid")) as counted:
            counted.ask("spoil_for_good")

            assert counted.process.send(signal.SIGHUP).end() == 1

            assert "spoiled" in counted.process.errors[0]
            assert "LookupError: no way back" in counted.process.errors[1]
            assert not counted.process.has("Traceback")
            assert not (tmp_path / "pid").exists()


UPGRADES = """def upgradeToVersion1(self):
        pass

    def upgradeToVersion2(self):
        self.facts["upgraded"] = True"""

UPGRADE_THAT_FAILS = """def upgradeToVersion2(self):
        raise ValueError("no upgrade today")"""
LOOK = """Path("seen").write_text(repr(sorted(os.listdir("state"))))
raise RuntimeError("seen")"""
