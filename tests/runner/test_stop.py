"""How `appsnap run` stops: in order, within its time, and with every error told."""

import socket

import pytest

from runner.running import Running, parts, run


class TestErrors:
    def test_all_are_told(self):
        """Each error of a stop comes out with path and type, the last service first. The exit code shows it."""
        with parts("Told1", "FailingStop1", "FailingStop9") as process:
            process.ready()
            code = process.stop()

        place = "error: while stopping application.services"
        assert code == 1
        assert process.errors == [
            f'{place}["inner"].services["failingstop9"] (<parts.tac>.FailingStop): OSError: failingstop9 is stuck',
            f'{place}["failingstop1"] (<parts.tac>.FailingStop): OSError: failingstop1 is stuck',
        ]
        assert "told1: stop" in process.lines
        assert process.lines[-1] == "appsnap: parts has stopped, not without errors"

    def test_is_saved(self, tmp_path):
        """A state is saved after a stop with errors, too."""
        with parts("FailingStop", options=("--state", "state"), folder=tmp_path) as process:
            process.ready()
            assert process.stop() == 1

        assert (tmp_path / "state" / "parts-00000001.tap").exists()

    def test_not_saved(self, tmp_path):
        """A state that can't be saved at the end is an error, and the exit code shows it."""
        with parts("Unsaveable", options=("--state", "state"), folder=tmp_path) as process:
            process.ready()
            assert process.stop() == 1

        (error,) = process.errors
        assert error.startswith("error: not saved: cannot save 1 object: application.services")
        assert process.lines[-1] == "appsnap: parts has stopped, not without errors"


class TestCommand:
    def test_twice(self, tmp_path):
        """A second `appsnap stop` waits, too. A second signal would end the process unsaved."""
        options = ("--stop-timeout", "inf", "--state", "state")
        with parts("LingeringStop", options=options, folder=tmp_path) as process:
            process.ready()
            with Running("state", command="stop", folder=tmp_path) as first:
                process.until("lingers")
                second = run("state", "--timeout", "0.2", command="stop", folder=tmp_path)
                (tmp_path / "go on").touch()
                assert (first.end(), second.code, process.end()) == (0, 1, 0)

        assert "is still running after 0.2 s" in second.errors[0]

        assert not process.has("second SIG")
        assert (tmp_path / "state" / "parts-00000001.tap").exists()

    def test_not_saved(self, tmp_path):
        """The command fails if the last save did."""
        with parts("Unsaveable", options=("--state", "state"), folder=tmp_path) as process:
            process.ready()
            stop = run("state", command="stop", folder=tmp_path)
            assert (stop.code, process.end()) == (1, 1)

        (error,) = stop.errors
        assert error.startswith(f"error: process {process.pid} has ended, and its last save failed: cannot save")


class TestTimeout:
    @pytest.mark.parametrize(
        ("part", "late"),
        [
            ("HangingStop9", 'application.services["inner"].services["hangingstop9"] (<parts.tac>.HangingStop)'),
            ("BlockingStop", "the event loop, which is blocked in [PARTS], in BlockingStop.stopService"),
            ("OwnThread", "thread own thread"),
            ("DefaultExecutor", "thread asyncio_0"),
            ("StubbornTask", "(StubbornTask.stay)"),
        ],
    )
    def test_is_named(self, tmp_path, part, late):
        """All that has not stopped is named after a quarter of the time, and at its end. The exit code is 70."""
        with parts("Told", part, options=("--stop-timeout", "3", "--state", "state"), folder=tmp_path) as process:
            process.ready()
            code = process.stop()

        begin, _, end = late.partition("[PARTS]")
        first = [line for line in process.lines if "still stopping after" in line]
        last = [line for line in process.lines if "error: not stopped within 3 s: " in line]
        assert code == 70
        for lines in (first, last):
            assert any(begin in line and line.endswith(end) for line in lines), str(process)
        # As long as the loop lives, the state is saved.
        assert (tmp_path / "state" / "parts-00000001.tap").exists() == (part != "BlockingStop")

    @pytest.mark.slow
    def test_again(self):
        """While it waits for ever, it says so again and again."""
        with parts("HangingStop", options=("--stop-timeout", "inf")) as process:
            process.ready().send(15)
            process.until("still stopping after")
            process.until("still stopping after", 2)


class TestServer:
    def test_grace(self):
        """A request under way is answered, and no new connection is taken meanwhile."""
        with parts("Server") as process:
            port = int(process.until("serves port").rpartition(" ")[2])
            process.ready()
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"slow\n")
                process.until("slow request")
                process.send(15)
                process.until("stopping parts")
                answer = client.makefile().readline()
                code = process.end()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))

        assert (code, answer) == (0, f"{process.pid} got slow\n")


class TestEndedByApplication:
    @pytest.mark.parametrize(
        ("how", "code", "words"),
        [
            ("sys.exit(3)", 3, "error: ended by the application: sys.exit() with exit code 3"),
            ("sys.exit('no\\nluck')", 1, r"error: ended by the application: sys.exit(), no\x0aluck"),
            ("raised(KeyboardInterrupt())", 1, "error: ended by the application: KeyboardInterrupt with exit code 1"),
            ("asyncio.get_running_loop().stop()", 0, "ended by the application: loop.stop()"),
            ("[task.cancel() for task in asyncio.all_tasks()]", 0, "ended by the application: a cancellation"),
        ],
    )
    def test_stops_and_saves(self, tmp_path, how, code, words):
        """An application that ends the event loop, or cancels all tasks, is stopped and saved as by a signal."""
        script = f"""
import asyncio, sys
from appsnap.service import Application, Service
def raised(error):
    raise error
class Ends(Service):
    def startService(self):
        super().startService()
        asyncio.get_running_loop().call_later(0.2, lambda: {how})
    def stopService(self):
        super().stopService()
        print("stopped", flush=True)
application = Application("ends")
Ends().setServiceParent(application)
"""
        (tmp_path / "ends.tac").write_text(script)

        with Running("ends.tac", "--state", "state", "--pidfile", "pid", folder=tmp_path) as process:
            assert process.end() == code

        assert f"appsnap: {words}" in process.lines
        assert process.has("stopped")
        assert {path.name for path in tmp_path.glob("state/*")} == {"ends-00000001.tap", "status.json"}

    @pytest.mark.parametrize("method", ["def privilegedStartService", "def startService", "async def startService"])
    @pytest.mark.parametrize("code", [0, 3])
    def test_start(self, tmp_path, method, code):
        """A start that ends the process is rolled back, and told once."""
        script = f"""
import sys
from appsnap.service import Application, Service
class First(Service):
    def stopService(self):
        super().stopService()
        print("stopped", flush=True)
class Ends(Service):
    {method}(self):
        sys.exit({code})
application = Application("ends")
First().setServiceParent(application)
Ends().setServiceParent(application)
"""
        (tmp_path / "ends.tac").write_text(script)

        with Running("ends.tac", "--pidfile", "pid", folder=tmp_path) as process:
            assert process.end() == code

        told = f"appsnap: {'error: ' * bool(code)}ended by the application: sys.exit() with exit code {code}"
        assert process.lines.count(told) == 1
        assert process.has("stopped")
        assert not (tmp_path / "pid").exists()
