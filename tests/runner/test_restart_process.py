import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pexpect
import pytest

from appsnap.files.age.recipients import X25519Identity
from runner.counting import Counted, copy_to
from runner.running import LIMIT, ended, run, wait_until

pytestmark = pytest.mark.slow

SECRET = "correct horse"


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def seen_by_others(pid):
    """Return the arguments and the environment of a process."""
    return [Path(f"/proc/{pid}/{name}").read_bytes().decode() for name in ("cmdline", "environ")]


def descriptors(pid):
    """Return where the descriptors of a process lead."""
    found = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            found.append(re.sub(r"[0-9]+", "N", str(path.readlink())))
    return sorted(found)


class TestProcess:
    """What the process is after a restart."""

    def test_many(self, tmp_path):
        """No descriptor is left open, no signal is blocked, and children have none of the sockets."""
        with Counted(tmp_path, options=("--state", "state", "--pidfile", "pid")) as counted:
            before = descriptors(counted.pid)
            for _ in range(5):
                counted.restart()

            child = counted.ask("child")[3]

            wait_until(lambda: descriptors(counted.pid) == before, lambda: str(descriptors(counted.pid)))
            assert "socket" not in child
            assert "counted" not in child
            assert set(status_of(counted.pid)["SigBlk"][0]) == {"0"}
            assert counted.children == []
            assert counted.process.stop() == 0

    def test_flags_of_the_interpreter(self, tmp_path):
        """They stay as they are, and a strict interpreter has nothing to say."""
        with Counted(tmp_path, shell=f'shift; exec {sys.executable} -X dev -W error "$@"') as counted:
            before = seen_by_others(counted.pid)[0]

            counted.restart()

            assert seen_by_others(counted.pid)[0] == before
            assert counted.ask()[0] == counted.pid
            assert counted.process.stop() == 0
            assert not [line for line in counted.process.lines if "Warning" in line or "rror" in line]

    def test_installed_program(self, tmp_path):
        """The program of an installation is run again, also by a path that is relative to the folder of the command."""
        program = tmp_path / "appsnap-program"
        program.write_text(f"#!{sys.executable}\nfrom appsnap.cli import main\nmain()\n")
        program.chmod(0o755)
        (tmp_path / "elsewhere").mkdir()
        options = ("--state", "state", "--rundir", "elsewhere")
        with Counted(tmp_path, options=options, shell='shift 3; exec ./appsnap-program "$@"') as counted:
            counted.ask()

            assert counted.restart().ask()[:3] == (counted.pid, 1, 2)

            assert "./appsnap-program" in seen_by_others(counted.pid)[0]
            assert Path(f"/proc/{counted.pid}/cwd").readlink() == tmp_path / "elsewhere"

    def test_background(self, tmp_path):
        """A process in the background stays there, with its log."""
        copy_to(tmp_path)
        command = ("--daemon", "--logfile", "log", "--pidfile", "pid", "--state", "state", "counted:application")
        assert run(*command, folder=tmp_path).code == 0
        pid = int((tmp_path / "pid").read_text())
        log = tmp_path / "log"
        with ended(pid):
            os.kill(pid, signal.SIGHUP)
            wait_until(lambda: log.read_text().count("is running as process") == 2, log.read_text)
            assert log.read_text().count("restored at 0") == 1
            assert (tmp_path / "pid").read_text() == f"{pid}\n"
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not (tmp_path / "pid").exists(), log.read_text)

    def test_sockets_of_systemd(self, tmp_path):
        """A socket of systemd is passed on as such."""
        activate = (
            "import os, socket, sys\n"
            "made = socket.create_server(('127.0.0.1', 0))\n"
            "made.fileno() == 3 or os.dup2(made.fileno(), 3)\n"
            "os.set_inheritable(3, True)\n"
            "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'counter'}\n"
            "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
        )
        shell = f'shift; exec {shlex.join([sys.executable, "-c", activate])} "$@"'
        with Counted(tmp_path, shell=shell, PORT=1) as counted:
            assert counted.port > 1

            assert counted.restart().ask()[0] == counted.pid

    def test_uvloop(self, tmp_path):
        """Another event loop does all that, too."""
        pytest.importorskip("uvloop")
        (tmp_path / "sitecustomize.py").write_text(
            "import asyncio, uvloop; asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())"
        )
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        with Counted(tmp_path, PYTHONPATH=path) as counted:
            counted.ask()
            counted.edit("VERSION = 1", "VERSION = 2")
            assert counted.restart().restart().ask()[:3] == (counted.pid, 2, 2)
            counted.edit("VERSION = 2", "VERSION = (")
            assert "never closed" in counted.refuse()
            assert counted.process.stop() == 0

    def test_threads_and_exit_functions(self, tmp_path):
        """They end as at the exit: pools and temporary folders are cleared away, and threads are awaited."""
        code = copy_to(tmp_path)
        code.write_text(code.read_text().replace("# AT IMPORT", LEFT))
        with Counted(tmp_path, options=()) as counted:
            counted.ask("leave")

            counted.restart()

            assert sorted(path.name for path in tmp_path.glob("left *")) == ["left atexit", "left pool", "left thread"]
            assert counted.children == []


LEFT = """
def leave(self):
    import atexit, concurrent.futures
    pool = self._v_pool = concurrent.futures.ThreadPoolExecutor()
    later = lambda name: (time.sleep(0.2), Path(name).touch())
    pool.submit(later, "left pool")
    threading.Thread(target=later, args=["left thread"]).start()
    atexit.register(later, "left atexit")

Counter.leave = leave
Counter.__transient__ = ("_v_pool",)
"""


class TestLoad:
    """Clients that ask all the time."""

    def test_nothing_is_lost(self, tmp_path):
        """Each request is answered, and counted once, by the old code or by the new one."""
        over = threading.Event()
        answers, errors = [], []

        def ask():
            try:
                while not over.is_set():
                    answers.append(counted.ask())
            except (OSError, ValueError) as error:
                errors.append(error)

        with Counted(tmp_path) as counted:
            clients = [threading.Thread(target=ask) for _ in range(4)]
            try:
                for client in clients:
                    client.start()
                for version in (1, 2, 3):
                    counted.edit(f"VERSION = {version}", f"VERSION = {version + 1}")
                    counted.restart()
                    count = len(answers)
                    wait_until(lambda count=count: len(answers) > count, lambda: str(counted.process))
            finally:
                over.set()
                for client in clients:
                    client.join()

            assert errors == []
            assert sorted(answer[2] for answer in answers) == [*range(1, len(answers) + 1)]
            assert {answer[1] for answer in answers} >= {1, 4}
            assert {answer[0] for answer in answers} == {counted.pid}


class TestSecrets:
    """Passphrases and identities."""

    def test_identity(self, tmp_path):
        """A file is read once. Neither arguments nor environment have its content."""
        secret = X25519Identity.generate()
        (tmp_path / "key").write_text(f"{secret}\n")
        copy_to(tmp_path)
        saved = ("counted:application", "counted.tap", "--recipient", secret.recipient)
        assert run(*saved, command="save", folder=tmp_path).code == 0
        with Counted(tmp_path, "snapshot", ("--state", "state", "--identity", "key")) as counted:
            counted.ask()
            (tmp_path / "key").unlink()
            counted.begin()
            (trial,) = counted.children
            texts = seen_by_others(trial)
            counted.let_go(0)
            counted.until_import(1)
            texts += seen_by_others(counted.pid)
            counted.let_go(1)
            counted.process.until("is running as process", 2)

            assert counted.ask()[2] == 2
            assert len(texts) == 4
            assert not [text for text in texts if str(secret)[:16] in text]
            assert sorted(path.suffix for path in (tmp_path / "state").glob("counted-*")) == [".etap"]

    def test_prompt(self, tmp_path):
        """A passphrase that was typed isn't asked for again."""
        copy_to(tmp_path)
        (tmp_path / "secret").write_text(SECRET)
        saved = ("--passphrase-file", "secret", "counted:application", "counted.tap")
        assert run(*saved, command="save", folder=tmp_path).code == 0
        arguments = ["-m", "appsnap", "run", "--state", "state", "counted.tap"]
        with pexpect.spawn(sys.executable, arguments, cwd=tmp_path, encoding="utf-8", timeout=LIMIT) as terminal:
            terminal.expect_exact("Passphrase for counted.tap: ")
            terminal.sendline(SECRET)
            terminal.expect_exact("is running as process")
            terminal.kill(signal.SIGHUP)
            terminal.expect_exact("is running as process")
            assert "Passphrase" not in terminal.before
            assert "resumed from counted-00000001.etap" in terminal.before
            terminal.sendintr()
            terminal.expect(pexpect.EOF)
            terminal.close()
            assert terminal.exitstatus == 0


@pytest.fixture
def public():
    """Return a folder that each user may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        copy_to(folder)
        yield folder


@pytest.fixture
def interpreter(monkeypatch):
    """Let an interpreter run that each user may run, with the packages of this one."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    monkeypatch.setenv("PYTHONPATH", path)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        command = [candidate, "-c", "import appsnap.cli.app, appsnap.runner.process"]
        with contextlib.suppress(OSError):
            if subprocess.run(command, user="nobody", cwd="/", check=False).returncode == 0:
                monkeypatch.setattr(sys, "executable", candidate)
                return
    pytest.skip("no interpreter that every user may run")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
class TestDropped:
    """A process that has given up its privileges."""

    OPTIONS = ("--state", "state", "--uid", "nobody", "--pidfile", "pid")

    def test_goes_on(self, public, interpreter):
        """It restarts as the user that it is by now."""
        with Counted(public, "script", self.OPTIONS) as counted:
            before = status_of(counted.pid)
            counted.ask()
            counted.edit("VERSION = 1", "VERSION = 2")

            assert counted.restart().restart().ask()[:3] == (counted.pid, 2, 2)

            after = status_of(counted.pid)
            for name in ("Uid", "Gid", "Groups", "CapPrm", "CapEff"):
                assert before[name] == after[name], name
            assert set(after["Uid"]) != {"0"}
            assert counted.process.stop() == 0
            assert (public / "pid").read_text() == ""

    @pytest.mark.parametrize("what", ["folder", "script", "interpreter"])
    def test_refused(self, public, interpreter, what, monkeypatch):
        """It is refused where that user can't read the folder, WHAT, or the interpreter."""
        if what == "interpreter":
            copied = public / "python"
            shutil.copy(sys.executable, copied)
            monkeypatch.setattr(sys, "executable", str(copied))
        with Counted(public, "script", self.OPTIONS) as counted:
            closed = {"folder": public, "script": counted.code, "interpreter": public / "python"}[what]
            closed.chmod(0o600)

            reason = counted.refuse()

            assert "ermission denied" in reason
            assert str(closed.name) in reason
            assert counted.ask()[:3] == (counted.pid, 1, 1)
