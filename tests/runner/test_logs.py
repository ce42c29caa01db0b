"""The log of `appsnap run`: to stderr or a file, the application's own lines too."""

import signal
import subprocess
import sys

import pytest

from runner.running import PARTS, parts, run, wait_until


def levels(text):
    return [line.rpartition(" ")[2] for line in text if "a line of level" in line]


class TestHandedOver:
    def test_is_not_opened(self, tmp_path):
        """A log that the process before this one has opened is gone on with, also where it can't be opened again."""
        script = """
import os, sys
from appsnap.runner.logs import Log
log = Log("/nowhere/at/all", "info", os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT))
log.write("info", "goes on")
try:
    log.reopen()
except FileNotFoundError:
    log.write("info", "still")
"""
        subprocess.run([sys.executable, "-c", script, tmp_path / "log"], check=True)

        lines = (tmp_path / "log").read_text().splitlines()
        assert [line.partition("appsnap.run: ")[2] for line in lines] == ["goes on", "still"]


class TestLevel:
    @pytest.mark.parametrize("level", ["debug", "WARNING"])
    def test_lines(self, tmp_path, level):
        """Lines of the application go to stderr or to the file, from a level on."""
        everything = ["debug", "info", "warning", "error"]
        wanted = everything[everything.index(level.lower()) :]
        for file in ((), ("--logfile", "log")):
            with parts("Logging", options=("--log-level", level, *file), folder=tmp_path) as process:
                process.ready().stop()

            assert levels(process.lines) == ([] if file else wanted)
        assert levels((tmp_path / "log").read_text().splitlines()) == wanted

    def test_own_logging(self, tmp_path):
        """An application that has set up logging itself keeps it. The file gets the lines about the process."""
        options = ("--log-level", "error", "--logfile", "log")

        with parts("Logging", options=options, folder=tmp_path, OWN_LOGGING=1) as process:
            process.ready().stop()

        assert process.lines.count("own format: a line of level debug") == 1
        log = (tmp_path / "log").read_text().splitlines()
        assert levels(log) == []
        assert "INFO appsnap.run: parts is running" in log[0]


class TestFile:
    @pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
    def test_link_of_another_user(self, tmp_path, link):
        """A link isn't followed where another user may have put it: the process may write to more files than they."""
        precious, folder = tmp_path / "precious", tmp_path / "log"
        precious.write_text("precious")
        folder.mkdir()
        getattr(folder / "shop.log", link)(precious)
        folder.chmod(0o777)

        process = run("--logfile", "log/shop.log", PARTS, folder=tmp_path, PARTS="Told")

        assert process.code == 1
        assert any("the log file" in line and "can't be opened: " in line for line in process.errors)
        assert precious.read_text() == "precious"

    def test_own_link(self, tmp_path):
        """A link in a folder of one's own leads to the file, as /dev/stdout does."""
        (tmp_path / "shop.log").symlink_to("there.log")
        tmp_path.chmod(0o755)

        with parts("Told", options=("--logfile", "shop.log"), folder=tmp_path) as process:
            process.ready().stop()

        assert "is running" in (tmp_path / "there.log").read_text()

    def test_reopened(self, tmp_path):
        """After USR1 the lines go to a new file of that name."""
        log, old = tmp_path / "log", tmp_path / "log.1"

        with parts("Told", options=("--logfile", "log"), folder=tmp_path) as process:
            process.ready()
            log.rename(old)
            process.send(signal.SIGUSR1)
            wait_until(log.exists, lambda: str(process))
            process.stop()

        assert "is running as process" in old.read_text()
        assert "stopping parts" not in old.read_text()
        assert log.read_text().splitlines()[-1].endswith("INFO appsnap.run: parts has stopped")

    def test_not_reopened(self, tmp_path):
        """A log that can't be opened anew is an error line, and the old file stays in use."""
        folder = tmp_path / "logs"
        folder.mkdir()

        with parts("Told", options=("--logfile", "logs/log"), folder=tmp_path) as process:
            process.ready()
            folder.rename(tmp_path / "moved")
            process.send(signal.SIGUSR1)
            process.until("error: the log file")
            assert process.stop() == 0

        log = (tmp_path / "moved" / "log").read_text()
        assert f"the log file {folder}/log can't be opened: No such file or directory" in log
        assert "parts has stopped" in log

    def test_not_opened(self, tmp_path):
        """A log that can't be opened is an error before anything starts."""
        process = run("--logfile", "nowhere/log", "--pidfile", "pid", PARTS, folder=tmp_path)

        error = f"the log file {tmp_path}/nowhere/log can't be opened: No such file or directory"
        assert (process.code, process.lines) == (1, [f"appsnap: error: {error}"])
        assert not (tmp_path / "pid").exists()

    def test_one_line(self, tmp_path):
        """Text of an application can't make a line of its own."""
        with parts("FailingStart", options=("--logfile", "log"), folder=tmp_path) as process:
            process.end()

        assert len((tmp_path / "log").read_text().splitlines()) == 1
