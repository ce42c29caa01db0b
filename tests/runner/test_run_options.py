"""Options of `appsnap run` for its process: folder, mask, user, pidfile."""

import os
import pwd
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from appsnap.cli.app import run as command_line
from runner.running import PARTS, Running, parts, run

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


class TestValues:
    @pytest.mark.parametrize(
        "option",
        [
            "--stop-timeout 0",
            "--stop-timeout nan",
            "--stop-timeout -1",
            "--save-timeout 0",
            "--autosave -1",
            "--autosave nan",
            "--keep 0",
            "--umask 888",
            "--umask 1777",
            "--umask -1",
            "--rundir nowhere",
            "--log-level loud",
            "--pidfile .",
            "--logfile .",
        ],
    )
    def test_refused(self, tmp_path, monkeypatch, capsys, option):
        """A value that makes no sense is an error of usage."""
        monkeypatch.chdir(tmp_path)

        assert command_line(["run", *option.split(), str(PARTS), "--state", "state"]) == 2
        assert f"error: invalid value for '{option.split()[0]}'" in capsys.readouterr().err
        assert [*tmp_path.iterdir()] == []


class TestFolder:
    def test_relative_paths(self, tmp_path):
        """Paths are those of the folder where the command was given. Folder and mask hold before the start."""
        folder = tmp_path / "rundir"
        folder.mkdir()
        shutil.copy(PARTS, tmp_path / "own.tac")
        options = ["--rundir", "rundir", "--umask", "027", "--state", "state", "--pidfile", "pid", "--logfile", "log"]

        with Running(*options, "own.tac", folder=tmp_path, PARTS="Facts") as process:
            process.ready()
            assert (tmp_path / "pid").read_text() == f"{process.pid}\n"
            process.stop()

        assert f"folder {folder}, umask 027" in process.lines
        assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "own.tac", "rundir", "state"]
        assert [*folder.iterdir()] == []


class TestPidfile:
    def test_stale(self, tmp_path):
        """A number in a pidfile that nobody has locked is stale, though another process has it by now."""
        pidfile = tmp_path / "pid"
        pidfile.write_text(f"{os.getpid()}\n")

        with parts("Told", options=("--pidfile", pidfile)) as process:
            process.ready()
            assert pidfile.read_text() == f"{process.pid}\n"
            second = run("--pidfile", pidfile, PARTS)
            assert process.stop() == 0

        assert (second.code, second.errors) == (
            1,
            [
                f"error: process {process.pid} is running, and holds {pidfile}",
                f"hint: appsnap stop {pidfile} ends it",
            ],
        )
        assert not pidfile.exists()

    def test_killed(self, tmp_path):
        """What a killed process has left behind stops no other one."""
        options = ("--pidfile", "pid", "--state", "state")
        with parts("Told", options=options, folder=tmp_path) as process:
            process.ready()
        assert (tmp_path / "pid").exists()

        with parts("Told", options=options, folder=tmp_path) as process:
            process.ready()

    @pytest.mark.parametrize("way", ["link", "text"])
    def test_not_ours(self, tmp_path, way):
        """No link is followed, and no file of somebody else is written."""
        victim = tmp_path / "victim"
        victim.write_text("precious")
        (tmp_path / "link").symlink_to(victim)

        process = run("--pidfile", "link" if way == "link" else "victim", PARTS, folder=tmp_path)

        assert (process.code, len(process.errors)) == (1, 2)
        assert victim.read_text() == "precious"


@pytest.fixture
def open_folder():
    """Return a folder that every user may look into. Those of pytest are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@AS_ROOT
class TestUser:
    """Root's process becomes nobody's."""

    @pytest.mark.parametrize(
        ("options", "uid", "gid"),
        [
            ("--uid nobody", 65534, pwd.getpwnam("nobody").pw_gid),
            ("--uid 12345 --gid 54321", 12345, 54321),
        ],
    )
    def test_becomes(self, open_folder, options, uid, gid):
        """A port below 1024 is bound before. Then no group and no capability of root is left, nor can one come back."""
        port = next(number for number in range(1023, 600, -1) if is_free(number))
        options = (*options.split(), "--pidfile", open_folder / "pid", "--state", open_folder / "state")

        with parts("Facts", "Server", options=options, PORT=port) as process:
            process.ready()
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            status = dict(line.split(":", 1) for line in lines if ":" in line)
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"hello\n")
                answer = client.makefile().readline()
            code = process.stop()

        assert (code, answer) == (0, f"{process.pid} got hello\n")
        assert status["Uid"].split() == [str(uid)] * 4
        assert status["Gid"].split() == [str(gid)] * 4
        assert status["Groups"].split() == [str(gid)]
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(status[name], 16) == 0
        entry = pwd.getpwuid(uid) if uid == 65534 else None
        home = f"HOME={entry.pw_dir} USER=nobody LOGNAME=nobody" if entry else "HOME=/ USER=None LOGNAME=None"
        assert home in process.lines
        # The dropped user can't remove a file of root's, and empties it.
        assert (open_folder / "pid").read_text() == ""
        (generation,) = (open_folder / "state").glob("*.tap")
        assert (generation.stat().st_uid, generation.parent.stat().st_uid) == (uid, uid)

    def test_of_application(self, tmp_path):
        """Without options, the application's IProcess decides."""
        script = "from appsnap.service import Application\napplication = Application('own', uid=65534, gid=12)\n"
        (tmp_path / "own.tac").write_text(script)

        with Running("own.tac", folder=tmp_path) as process:
            process.ready()
            status = Path(f"/proc/{process.pid}/status").read_text()

        assert "Uid:\t65534\t65534\t65534\t65534\nGid:\t12\t12\t12\t12\n" in status

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ("--uid nosuch", "error: there is no user nosuch"),
            ("--gid nosuch", "error: there is no group nosuch"),
            ("--uid 12345", "error: user 12345 is in no list of users"),
        ],
    )
    def test_refused(self, options, error):
        """An error before anything starts."""
        process = run(*options.split(), PARTS)

        assert process.code == 1
        assert process.errors[0].startswith(error)
        assert not process.has("privileged")

    def test_not_permitted(self):
        """A process that may not change its user says so before anything starts."""

        def become_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        if not os.access(sys.executable, os.X_OK) or not readable_by_all(Path(sys.executable).resolve()):
            pytest.skip("nobody can't run this interpreter")
        process = run("--uid", "root", PARTS, before=become_nobody)

        assert (process.code, "this process can't become user root" in process.errors[0]) == (1, True)


class TestName:
    def test_set(self):
        """The process gets the name that the application wants, or a warning says what is missing."""
        with parts("Told", PROCESS_NAME="corner shop") as process:
            process.ready()
            named = Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"corner shop\0")

        assert named or process.has("warning: the process isn't named corner shop: that needs setproctitle")


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def readable_by_all(path):
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in path.parents)
