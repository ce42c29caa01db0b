import contextlib
import re
import shutil
import signal
import urllib.request
from pathlib import Path

import pytest

from runner.running import Manager, Running, run

pytest.importorskip("twisted")
pytestmark = pytest.mark.slow

PAGES = Path(__file__).with_name("twisted.tac")


class Pages(Running):
    """The application of twisted.tac as a process."""

    def get(self, path=""):
        """Return the text of a page."""
        port = re.search(r"starting on (\d+)", self.until("Site starting on"))[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60) as answer:
            return answer.read().decode()

    def order(self, *texts):
        """Return the places of lines that are these texts."""
        return [self.lines.index(text) for text in texts]


@pytest.fixture
def folder(tmp_path):
    """A folder with the script."""
    shutil.copy(PAGES, tmp_path / "pages.tac")
    return tmp_path


class TestRun:
    """A script of Twisted's."""

    def test_serves(self, folder):
        """The reactor runs before the services start: its pages, timers, threads and child processes work."""
        with Pages("pages.tac", folder=folder) as pages:
            pages.ready()

            assert pages.get() == "1 hits, 1 ticks"
            assert pages.get("thread") == ""
            assert pages.get("child") == "7"
            assert pages.order("privileged True", "started True") == sorted(
                pages.order("privileged True", "started True")
            )
            assert pages.stop() == 0

    def test_stop(self, folder):
        """SIGTERM stops the services, whose Deferreds are waited for, and fires the reactor's shutdown events then."""
        with Pages("pages.tac", folder=folder) as pages:
            code = pages.ready().stop()

            order = pages.order("stopping", "stopped", "before shutdown", "during shutdown", "after shutdown")
            assert order == sorted(order)
            assert code == 0
            assert pages.has("pages has stopped")

    def test_reactor_stop(self, folder):
        """`reactor.stop()` in the application stops it all the same."""
        with Pages("pages.tac", folder=folder) as pages:
            pages.ready().get("stop")

            assert pages.end() == 0
            assert pages.has("ended by the application: reactor.stop()")
            order = pages.order("stopping", "stopped", "during shutdown", "after shutdown")
            assert order == sorted(order)

    def test_log(self, folder):
        """Twisted's log goes to that of the process, errors with their tracebacks."""
        with Pages("pages.tac", "--logfile", "log", folder=folder) as pages:
            pages.until("is running as process")
            log = folder / "log"
            port = re.search(r"starting on (\d+)", log.read_text())[1]
            for path in ("log", "error"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60).close()
            pages.stop()

        assert "INFO twisted: a line for the log" in log.read_text()
        assert re.search(r"CRITICAL twisted: .*ValueError: an error for the log", log.read_text(), re.DOTALL)

    def test_name(self, folder):
        """The process has the name that the component IProcess wants for it."""
        with Pages("pages.tac", folder=folder) as pages:
            pages.ready()

            assert Path(f"/proc/{pages.pid}/cmdline").read_bytes().rstrip(b"\0") == b"the-pages"

    def test_user(self, folder):
        """A user that IProcess wants, and that the process can't become, is an error: the component counts."""
        with (folder / "pages.tac").open("a") as script:
            script.write("service.IProcess(application).uid = 4294967295\n")

        ended = run("pages.tac", folder=folder)

        assert ended.code == 1
        assert ended.errors[0] == "error: application.uid is 4294967295, and not a number from 0 to 4294967294"

    def test_failed_start(self, folder):
        """A start that fails is an error with its place, and what has started is stopped."""
        with Pages("pages.tac", folder=folder, FAIL="1") as pages:
            assert pages.end() == 1

        assert "application" in pages.errors[0]
        assert "ValueError: no start" in pages.errors[0]
        assert pages.has("Stopping factory")
        assert pages.has("during shutdown")

    def test_broken_stop(self, folder):
        """An error while stopping is told with the path of its service, and in the exit code. The state is saved."""
        with Pages("pages.tac", "--state", "state", folder=folder, BROKEN="1") as pages:
            assert pages.ready().stop() == 1

        assert any('application.services["slow"]' in line and "ZeroDivisionError" in line for line in pages.errors)
        assert [*(folder / "state").glob("pages-*.tap")] + [*(folder / "state").glob("application-*.tap")]

    def test_never_stops(self, folder):
        """A service whose Deferred never fires is given up after the time for a stop."""
        with Pages("pages.tac", "--stop-timeout", "0.5", folder=folder, NEVER="1") as pages:
            assert pages.ready().stop() == 70

        assert pages.has("not stopped within 0.5 s")

    def test_other_reactor(self, folder):
        """An application that installs a reactor of its own is refused."""
        (folder / "other.tac").write_text(
            "from twisted.internet import pollreactor\npollreactor.install()\n" + PAGES.read_text()
        )

        ended = run("other.tac", folder=folder)

        assert ended.code == 1
        assert "the application has installed a reactor of its own" in ended.errors[0]
        assert "leave the call of install() out" in ended.errors[1]

    def test_reactor_run(self, folder):
        """A script that runs the reactor itself is told to leave that."""
        (folder / "pages.tac").write_text(PAGES.read_text() + "reactor.run()\n")

        ended = run("pages.tac", folder=folder)

        assert ended.code == 1
        assert "leave the call of reactor.run() out" in ended.errors[0]

    def test_nothing_of_twisted(self, folder):
        """An application without Twisted doesn't import it."""
        (folder / "plain.tac").write_text(
            "import sys\nfrom appsnap.service import Application, Service\n"
            "class Told(Service):\n    def stopService(self):\n        print('twisted' in sys.modules, flush=True)\n"
            "application = Application('plain')\nTold().setServiceParent(application)\n"
        )

        with Running("plain.tac", folder=folder) as plain:
            assert plain.ready().stop() == 0

        assert "False" in plain.lines


class TestSnapshot:
    """A snapshot of it."""

    def test_runs(self, folder):
        """`appsnap save` and `appsnap run` work for it, in every kind."""
        for name in ("pages.tap", "pages.tas", "pages.tam", "pages.tax"):
            assert run("pages.tac", name, command="save", folder=folder).code == 0

            with Pages(name, folder=folder) as pages:
                assert pages.ready().get() == "1 hits, 1 ticks"
                assert pages.stop() == 0

    def test_strangers(self, folder):
        """A stranger's file runs with its names granted, and not without."""
        (folder / "pages.py").write_text(PAGES.read_text())
        assert run("pages:application", "pages.tas", "--no-sign", command="save", folder=folder).code == 0

        refused = run("pages.tas", folder=folder)
        trust = ["--trust=pages.*", "--trust=twisted.*", "--trust=twisted.web.http.combinedLogFormatter"]
        with Pages("pages.tas", *trust, folder=folder) as pages:
            pages.ready()
            assert pages.get() == "1 hits, 1 ticks"
            assert pages.stop() == 0

        assert refused.code == 3
        assert not refused.has("Traceback")


class TestState:
    """The state of a running application."""

    def test_saved_while_running(self, folder):
        """A running server, timer and web site are saved by a fork, and go on after a kill."""
        with Pages("pages.tac", "--state", "state", folder=folder) as pages:
            pages.ready()
            for _ in range(3):
                pages.get()
            assert run("state", command="snapshot", folder=folder).code == 0
            pages.send(signal.SIGKILL).end()

        with Pages("pages.tac", "--state", "state", folder=folder) as again:
            again.ready()
            assert again.get() == "4 hits, 1 ticks"
            assert again.stop() == 0

        assert not pages.errors
        assert not again.errors

    def test_saved_at_the_end(self, folder):
        """Also where the application has stopped the reactor."""
        with Pages("pages.tac", "--state", "state", folder=folder) as pages:
            pages.ready().get("stop")
            assert pages.end() == 0

        with Pages("pages.tac", "--state", "state", folder=folder) as again:
            assert again.ready().get() == "2 hits, 1 ticks"

    def test_reload(self, folder):
        """SIGHUP runs new code with the old state, and the listening socket stays: no connection is refused."""
        with (
            Manager() as manager,
            Pages("pages.tac", "--state", "state", folder=folder, NOTIFY_SOCKET=manager.name) as pages,
        ):
            manager.until("READY=1")
            pages.get()
            script = folder / "pages.tac"
            script.write_text(script.read_text().replace("hits, %d", "visits, %d"))

            pages.send(signal.SIGHUP)
            with contextlib.suppress(ConnectionResetError):  # one that was under way
                pages.get()
            manager.until("READY=1")

            assert re.fullmatch("[23] visits, 1 ticks", pages.get())
            assert len({line.rpartition(" ")[2] for line in pages.lines if "Site starting on" in line}) == 1
            assert pages.stop() == 0


class TestMixed:
    """Services of Twisted's below an application of ours."""

    def test_runs(self, folder):
        """A converted application runs, and its stop waits for Deferreds."""
        assert run("pages.tac", "pages.tap", command="save", folder=folder).code == 0
        assert run("--from-twisted", "pages.tap", "ours.tap", command="convert", folder=folder).code == 0

        with Pages("ours.tap", "--state", "state", folder=folder) as pages:
            assert pages.ready().get() == "1 hits, 1 ticks"
            assert run("state", command="snapshot", folder=folder).code == 0
            assert pages.stop() == 0

        order = pages.order("stopping", "stopped", "during shutdown")
        assert order == sorted(order)
