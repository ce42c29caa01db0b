"""`appsnap run --daemon`: the command returns when the application runs, or with its errors."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.running import ended, is_alive, parts, run, wait_until


def daemon(folder, *names, options=(), **settings):
    """Run the command, and return it when it has ended."""
    settings |= {"folder": folder, "PARTS": " ".join(names)}
    return run("--daemon", "--pidfile", "pid", *options, Path(__file__).with_name("parts.tac"), **settings)


def standard_files(pid):
    """Return the paths of stdin, stdout and stderr of a process."""
    return [str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)]


TERMINATE = """
import os, signal, subprocess
class Popen(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
if "APPSNAP_HANDOVER" not in os.environ:
    subprocess.Popen = Popen
"""


class TestStarted:
    def test_runs(self, tmp_path):
        """The command returns 0 when the application runs, in a session of its own, without the terminal."""
        command = daemon(tmp_path, "Facts", options=("--logfile", "log", "--rundir", "/"))
        pid = int((tmp_path / "pid").read_text())

        with ended(pid):
            links = standard_files(pid)
            session = os.getsid(pid)
            status = run("pid", command="status", folder=tmp_path)
            second = daemon(tmp_path, "Told")
            stop = run("pid", command="stop", folder=tmp_path)
            assert not is_alive(pid)

        assert (command.code, command.lines[-1]) == (0, f"appsnap: parts is running as process {pid}")
        assert "folder /, umask 022" in command.lines
        assert pid != command.pid
        assert session == pid
        assert links == [os.devnull, str(tmp_path / "log"), str(tmp_path / "log")]
        assert (status.code, status.lines) == (0, [f"pid is running as process {pid}"])
        assert second.code == 1
        assert second.errors[0].startswith(f"error: process {pid} is running, and holds ")
        assert stop.code == 0
        assert not (tmp_path / "pid").exists()
        assert (tmp_path / "log").read_text().splitlines()[-2] == "facts: stop"

    def test_without_log(self, tmp_path):
        """Without a log file its output goes nowhere."""
        command = daemon(tmp_path, "Told")
        pid = int((tmp_path / "pid").read_text())

        with ended(pid):
            assert standard_files(pid) == [os.devnull] * 3
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not is_alive(pid), lambda: "it never ended")

        assert command.code == 0


class TestFailed:
    @pytest.mark.parametrize(
        ("names", "options", "code", "error"),
        [
            ("FailingStart", (), 1, "error: error in startService of application"),
            ("DefaultExecutor FailingStart", ("--stop-timeout", "0.4"), 70, "error: not stopped within 0.4 s"),
            ("Told", ("--trust", "x.*"), 2, "error: a script is a program"),
            ("Told", ("--uid", "nosuch"), 1, "error: there is no user nosuch"),
        ],
    )
    def test_code(self, tmp_path, names, options, code, error):
        """Its errors come out on stderr, and its exit code is passed on."""
        command = daemon(tmp_path, names, options=options)

        assert command.code == code
        assert any(line.startswith(error) for line in command.errors), str(command)
        assert not (tmp_path / "pid").exists()

    def test_terminated(self, tmp_path):
        """TERM to the command stops what it has begun."""
        options = ("--daemon", "--pidfile", "pid")
        with parts("EndlessStart", "Told", options=options, folder=tmp_path) as command:
            command.until("starts for ever")
            pid = int((tmp_path / "pid").read_text())
            with ended(pid):
                code = command.stop()
                assert not is_alive(pid)

        assert (code, command.lines[-2:]) == (0, ["appsnap: stopping before it has started", "told: stop"])

    def test_terminated_at_once(self, tmp_path):
        """TERM to the command stops also a process that has just been made."""
        (tmp_path / "sitecustomize.py").write_text(TERMINATE)
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        command = daemon(tmp_path, "Told", PYTHONPATH=path)

        with ended(int(command.lines[0])):
            assert (command.code, command.lines[1:]) == (0, ["appsnap: stopping before it has started"])
            assert not (tmp_path / "pid").exists()

    def test_interrupted(self, tmp_path):
        """Ctrl-C goes to both processes, and ends the start once."""
        options = ("--daemon", "--pidfile", "pid")
        with parts("EndlessStart", "Told", options=options, folder=tmp_path, before=os.setpgrp) as command:
            command.until("starts for ever")
            with ended(int((tmp_path / "pid").read_text())):
                os.killpg(command.pid, signal.SIGINT)
                code = command.end()

        assert (code, command.lines[-2:]) == (0, ["appsnap: stopping before it has started", "told: stop"])


class TestPassphrase:
    @pytest.mark.slow
    def test_by_file(self, tmp_path):
        """A daemon opens an encrypted snapshot with a passphrase from a file."""
        (tmp_path / "secret").write_text("correct horse\n")
        code = "import appsnap; from appsnap.service import Application as A; "
        code += "appsnap.save(A('shop'), 'shop.etap', passphrase='correct horse')"
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)

        command = run("shop.etap", "--daemon", "--passphrase-file", "secret", "--pidfile", "pid", folder=tmp_path)

        assert command.code == 0
        with ended(int((tmp_path / "pid").read_text())):
            assert run("pid", command="stop", folder=tmp_path).code == 0
