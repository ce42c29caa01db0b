"""Messages to a service manager, whose socket is a real one."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from appsnap.runner import notify
from appsnap.runner.notify import Notifier
from runner.running import LIMIT


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """Return the socket of a manager, and its name as in NOTIFY_SOCKET."""
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("Linux has abstract sockets")
    name = str(tmp_path / "notify") if request.param == "path" else f"@appsnap/{os.getpid()}/{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(name.replace("@", "\0") if request.param == "abstract" else name)
        made.settimeout(LIMIT)
        yield made, name


def warnings(caplog):
    """Return the warnings of the notifier."""
    return [record.getMessage() for record in caplog.records if record.name == notify.__name__]


class TestNotifier:
    def test_messages(self, manager):
        """Each call is one message, with a line for each field."""
        receiver, name = manager

        with closing(Notifier({"NOTIFY_SOCKET": name})) as say:
            say(READY=1, STATUS="running, 5 services")
            say(STOPPING=1)

        assert receiver.recv(1000) == b"READY=1\nSTATUS=running, 5 services"
        assert receiver.recv(1000) == b"STOPPING=1"

    def test_environment(self, manager):
        """The variable is gone for children, and can be had back for the next program of the process."""
        _, name = manager
        environ = {"NOTIFY_SOCKET": name, "HOME": "/"}

        with closing(Notifier(environ)) as say:
            assert environ == {"HOME": "/"}
            assert say.environment == {"NOTIFY_SOCKET": name}

    @pytest.mark.parametrize("text", ["one\ntwo\r\nthree", "one\x0btwo\u2028three"])
    def test_one_line(self, manager, text):
        """A text with several lines adds no fields."""
        receiver, name = manager

        with closing(Notifier({"NOTIFY_SOCKET": name})) as say:
            say(STATUS=text)

        assert receiver.recv(1000) == b"STATUS=one two three"

    def test_no_utf8(self, manager):
        """A text that UTF-8 can't hold is sent with replacements."""
        receiver, name = manager

        with closing(Notifier({"NOTIFY_SOCKET": name})) as say:
            say(STATUS="a \udcff b")

        assert receiver.recv(1000) == b"STATUS=a ? b"

    def test_reloading(self, manager):
        """A reload comes with the time of the monotonic clock in the same message."""
        receiver, name = manager
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000

        with closing(Notifier({"NOTIFY_SOCKET": name})) as say:
            say.reloading()

        found = re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=(\d+)", receiver.recv(1000))
        assert before <= int(found[1]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000

    @pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}])
    def test_nobody(self, environ, caplog):
        """Without a manager nothing is said, and nothing is wrong."""
        say = Notifier(environ)

        say(READY=1)
        say.reloading()

        assert (say.environment, environ, caplog.records) == ({}, {}, [])

    def test_its_own_environment(self, manager):
        """In a real process, the variable comes from the environment, and a child of the process hasn't got it."""
        receiver, name = manager
        code = (
            "import subprocess, sys; from appsnap.runner.notify import Notifier\n"
            "say = Notifier()\n"
            "child = subprocess.run([sys.executable, '-c', 'import os; print(os.environ.get(\"NOTIFY_SOCKET\"))'],"
            " capture_output=True, text=True)\n"
            "say(STATUS=child.stdout)"
        )

        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "NOTIFY_SOCKET": name})

        assert receiver.recv(1000) == b"STATUS=None"


class TestErrors:
    @pytest.mark.parametrize("name", ["/no/such/socket", "vsock:2:1234", "@", "/" + "x" * 200])
    def test_unreachable(self, name, caplog):
        """A manager that can't be reached is logged once, and no error."""
        say = Notifier({"NOTIFY_SOCKET": name})
        for _ in range(3):
            say(READY=1)

        assert len(warnings(caplog)) == 1
        assert say.environment == {"NOTIFY_SOCKET": name}

    def test_gone(self, tmp_path, caplog):
        """A manager that goes is logged once; one that comes back at the same name gets the next messages."""
        name = str(tmp_path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as first:
            first.bind(name)
            say = Notifier({"NOTIFY_SOCKET": name})
            say(READY=1)
            assert first.recv(1000) == b"READY=1"
        for _ in range(2):
            say(STATUS="alone")
        Path(name).unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as second:
            second.bind(name)
            second.settimeout(LIMIT)
            say(STATUS="found")
            say.close()
            assert second.recv(1000) == b"STATUS=found"

        assert len(warnings(caplog)) == 1

    def test_full(self, tmp_path, caplog, monkeypatch):
        """A manager that doesn't read can't hold up the process for long."""
        monkeypatch.setattr(notify, "_PATIENCE", 0.01)
        name = str(tmp_path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
            deaf.bind(name)
            say = Notifier({"NOTIFY_SOCKET": name})
            with caplog.at_level(logging.WARNING):
                for _ in range(2000):
                    say(STATUS="x")
                    if caplog.records:
                        break
            say.close()

        assert len(warnings(caplog)) == 1

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
    def test_after_privileges_were_dropped(self, tmp_path):
        """A user who can't reach the path any more still sends: the socket was connected before."""
        name = str(tmp_path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(name)
            Path(name).chmod(0o700)
            code = (
                "import os; from appsnap.runner.notify import Notifier\n"
                "say = Notifier(); os.setgroups([]); os.setgid(65534); os.setuid(65534); say(STATUS='still here')"
            )
            subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "NOTIFY_SOCKET": name})
            receiver.settimeout(LIMIT)
            assert receiver.recv(1000) == b"STATUS=still here"
