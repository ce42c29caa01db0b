"""docs/running.md: its session, its code, its unit and its tables are true."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import appsnap
from papers import PROJECT, blocks, check_session, copy_project

PAPER = (PROJECT / "docs" / "running.md").read_text(encoding="utf-8")
UNIT = PROJECT / "docs" / "shop.service"


def free_port():
    """Return a free port, of those that the system gives to nobody by itself: other tests run beside this one."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")


def example(name):
    """Return the example with this file name, on a free port."""
    (found,) = (block for block in blocks(PAPER, "python") if block.startswith(f"# {name}\n"))
    return found


@contextlib.contextmanager
def running(*arguments, cwd):
    """Run an application, and kill it at the end if it still lives."""
    command = [sys.executable, "-m", "appsnap", "run", *arguments]
    with subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stderr:
                if " is running as process " in line:
                    break
            yield process
        finally:
            process.kill()


def stopped(process):
    """Stop an application, and return its exit code and its last lines."""
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[1]
    return process.returncode, said


def said_at_start(*arguments, cwd):
    """Run an application, stop it, and return the lines until it was running."""
    command = [sys.executable, "-m", "appsnap", "run", *arguments]
    lines = []
    with subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if " is running as process " in line:
                break
            lines.append(line)
        stopped(process)
    return "".join(lines)


def generations(state):
    return sorted(state.glob("*.tap"))


def wait_for(found):
    """Wait until a function returns something true."""
    end = time.monotonic() + 120
    while not found():
        assert time.monotonic() < end
        time.sleep(0.05)


class TestSession:
    @pytest.mark.slow
    def test_it_works_as_pasted(self, tmp_path):
        """The five minutes with the shop: start, kill -9, start again, new code, broken code, stop."""
        session = "".join(blocks(PAPER, "console")).replace("8077", str(free_port()))
        copy_project(tmp_path)
        try:
            check_session(session, tmp_path, 19)
        finally:
            with contextlib.suppress(OSError, ValueError):
                os.kill(int((tmp_path / "state" / "lock").read_text()), signal.SIGKILL)

    @pytest.mark.slow
    def test_web_application(self, tmp_path):
        """The web application goes on where it was, and is served by the commands as they stand there."""
        pytest.importorskip("uvicorn")
        pytest.importorskip("fastapi")
        if shutil.which("curl") is None:
            pytest.skip("no curl here")
        (session,) = blocks(PAPER, "shell-session")
        install, _, rest = session.partition("$ appsnap save")
        copy_project(tmp_path)
        (tmp_path / "tea.py").write_text(example("tea.py"))
        try:
            check_session(
                f"$ . .venv/bin/activate\n$ appsnap save{rest}".replace("8079", str(free_port())), tmp_path, 9
            )
        finally:
            with contextlib.suppress(OSError, ValueError):
                os.kill(int((tmp_path / "tea" / "lock").read_text()), signal.SIGKILL)

        assert install == "$ pip install 'appsnap[asgi]' fastapi\n...\n"


@pytest.mark.slow
class TestExamples:
    """The blocks of Python run, and do as the paper says."""

    def test_critical_section(self, tmp_path):
        """No generation has a purchase in halves, though the application is saved within them all the time."""
        (tmp_path / "account.py").write_text(example("account.py"))

        with running("account.py", "--state", "state", "--autosave", "0.02", "--keep", "999", cwd=tmp_path) as process:
            wait_for(lambda: len(generations(tmp_path / "state")) > 15)
            code, _ = stopped(process)

        assert code == 0
        for path in generations(tmp_path / "state"):
            account = appsnap.load(path).getServiceNamed("account")
            assert 1_000 - account.euros == 4 * account.cakes, path

    def test_saved(self, tmp_path):
        """A letter that was answered is there after a kill -9."""
        port = free_port()
        (tmp_path / "mailbox.py").write_text(example("mailbox.py").replace("8078", str(port)))

        with running("mailbox.py", "--state", "state", "--autosave", "0", cwd=tmp_path) as process:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"hello\n")
                assert client.makefile().read() == "kept\n"
            process.kill()

        (path,) = generations(tmp_path / "state")
        assert appsnap.load(path).getServiceNamed("mailbox").letters == [b"hello\n"]

    def test_hooks(self, tmp_path):
        """No generation has a measurement of the thread in halves, and a start from one is counted."""
        (tmp_path / "meter.py").write_text(example("meter.py"))
        options = ("--state", "state", "--autosave", "0.02", "--keep", "999")

        for restores in range(2):
            with running("meter.py", *options, cwd=tmp_path) as process:
                there = len(generations(tmp_path / "state"))
                wait_for(lambda there=there: len(generations(tmp_path / "state")) > there + 10)
                code, _ = stopped(process)
            assert code == 0
            meters = [appsnap.load(path).getServiceNamed("meter") for path in generations(tmp_path / "state")]
            assert all(meter.begun == meter.done for meter in meters)
            assert meters[-1].restores == restores

    def test_types(self, tmp_path):
        """They pass mypy's strict checks."""
        pytest.importorskip("mypy")
        names = ["account.py", "mailbox.py", "meter.py"]
        for name in names:
            (tmp_path / name).write_text(example(name))
        (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\ncache_dir = cache\n")

        result = subprocess.run(
            [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", *names],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
class TestCommands:
    def test_start_from_an_older_generation(self, tmp_path):
        """It is started in the place of WHAT, and WHAT doesn't count as changed for that."""
        (tmp_path / "account.py").write_text(example("account.py"))
        state = ("--state", "state", "--autosave", "0")
        for _ in range(2):
            with running("account.py", *state, cwd=tmp_path) as process:
                assert stopped(process)[0] == 0
        first, _ = generations(tmp_path / "state")

        from_older = said_at_start(str(first), "--fresh", *state, cwd=tmp_path)
        again = said_at_start("account.py", *state, cwd=tmp_path)

        assert "resumed" not in from_older
        assert "resumed from account-00000003.tap\n" in again


class TestUnit:
    def test_it_is_the_file(self):
        """The paper shows the unit that is shipped."""
        assert UNIT.read_text() in blocks(PAPER, "ini")

    def test_options(self):
        """Its command line has options that there are."""
        command = re.search(r"^ExecStart=\S+/appsnap run (.*)$", UNIT.read_text(), re.MULTILINE)[1]
        told = subprocess.run(
            [sys.executable, "-m", "appsnap", "run", "--help"], capture_output=True, text=True, check=True
        ).stdout

        assert re.findall(r"--[a-z-]+", command) == ["--state", "--passphrase-file"]
        assert all(option in told for option in re.findall(r"--[a-z-]+", command))

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
    def test_systemd_takes_it(self, tmp_path):
        """`systemd-analyze verify` has nothing to say, of the unit and of the socket."""
        version = re.match(r"systemd (\d+)", subprocess.check_output(["systemd-analyze", "--version"], text=True))
        unit = UNIT.read_text().replace("/opt/shop/venv/bin/appsnap", sys.executable)
        if int(version[1]) < 253:  # as the paper says
            unit = unit.replace("Type=notify-reload\n", "Type=notify\nExecReload=/bin/kill -HUP $MAINPID\n")
        (tmp_path / "shop.service").write_text(unit)
        (tmp_path / "shop.socket").write_text(next(one for one in blocks(PAPER, "ini") if "[Socket]" in one))

        done = subprocess.run(
            ["systemd-analyze", "verify", "shop.service", "shop.socket"],
            cwd=tmp_path,
            env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
            capture_output=True,
            text=True,
            check=False,
        )

        complaints = [line for line in done.stderr.splitlines() if "shop." in line]
        assert (done.returncode, complaints) == (0, []), done.stderr

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
    def test_systemd_would_complain(self, tmp_path):
        """The check above finds a line that systemd doesn't know."""
        unit = UNIT.read_text().replace("/opt/shop/venv/bin/appsnap", sys.executable)
        (tmp_path / "shop.service").write_text(unit.replace("StateDirectory=", "StateDirektory="))

        done = subprocess.run(
            ["systemd-analyze", "verify", str(tmp_path / "shop.service")], capture_output=True, text=True, check=False
        )

        assert "StateDirektory" in done.stderr


class TestTables:
    def test_twistd(self):
        """Each option of twistd is in the table of those who know it."""
        pytest.importorskip("twisted")
        twistd = Path(sys.executable).with_name("twistd")
        told = subprocess.run([sys.executable, twistd, "--help"], capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"^ +(?:-\w, )?(--[a-z_-]+)", told, re.MULTILINE))
        table = PAPER[PAPER.index("| twistd |") :]

        assert len(options) > 20
        assert {option for option in options if not re.search(rf"{option}\b", table)} == set()

    def test_signals(self):
        """Each signal that a process handles is in the table of signals, and no other one."""
        from appsnap.runner.signals import HANDLED

        table = PAPER[PAPER.index("| signal |") : PAPER.index("| exit code |")]

        assert {f"SIG{name}" for name in re.findall(r"\b(TERM|INT|HUP|USR1|USR2)\b", table)} == {
            number.name for number in HANDLED
        }

    def test_exit_codes(self):
        """Each exit code has a row: done, those of the errors, usage, and the one of a stop that takes too long."""
        from appsnap.errors import AppsnapError
        from appsnap.runner.guard import NOT_IN_TIME

        errors = [AppsnapError]
        for error in errors:
            errors += error.__subclasses__()
        table = PAPER[PAPER.index("| exit code |") : PAPER.index("Each error of the process")]

        found = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}

        assert found == {0, 2, NOT_IN_TIME} | {error.exit_code for error in errors}
