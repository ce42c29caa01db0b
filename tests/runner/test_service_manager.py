"""`appsnap run` and its service manager: systemd's protocol of readiness, and sockets that it passes on."""

import os
import re
import signal
import socket

import pytest

from runner.running import PARTS, Manager, Running, parts

VARIABLES = ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "APPSNAP_HANDOVER")


class TestNotify:
    @pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
    def test_life(self, tmp_path, abstract):
        """Readiness, a restart, the state in words, and the end are told. Children don't see the socket."""
        options = ("--state", "state", "--autosave", "0")

        with (
            Manager(abstract=abstract) as manager,
            parts("Child", "Told", options=options, folder=tmp_path, NOTIFY_SOCKET=manager.name) as process,
        ):
            assert manager.until("READY=1") == "READY=1\nSTATUS=running, 2 services"
            process.send(signal.SIGUSR2)
            saved = manager.until("saved")
            process.send(signal.SIGHUP)
            reloading = manager.until("RELOADING=1")
            manager.until("READY=1")
            process.stop()
            messages = manager.rest()

        assert re.fullmatch(r"STATUS=running, 2 services; saved \d+ s ago, pause \d+ ms", saved)
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", reloading)
        assert messages[-1].startswith("STOPPING=1\n")
        assert sum("READY=1" in message for message in messages) == 2
        assert [f"child has {name}: False" for name in VARIABLES] * 2 == [
            line for line in process.lines if line.startswith("child has")
        ]

    @pytest.mark.parametrize("part", ["FailingStart", "EndlessStart"])
    def test_not_ready(self, part):
        """A start that fails or is stopped is never ready."""
        with Manager() as manager, parts(part, NOTIFY_SOCKET=manager.name) as process:
            if part == "EndlessStart":
                process.until("starts for ever")
                process.send(signal.SIGTERM)
            process.end()
            messages = manager.rest()

        assert not any("READY=1" in message for message in messages)
        assert any("STOPPING=1" in message for message in messages) == (part == "EndlessStart")

    def test_nobody_listens(self):
        """A socket that nobody has is one warning, and the application runs."""
        with parts("Told", NOTIFY_SOCKET="/nowhere/notify") as process:
            assert process.ready().stop() == 0

        assert sum("/nowhere/notify" in line for line in process.lines) == 1


class TestSockets:
    @pytest.fixture
    def activated(self):
        """Return a function that runs a server with a socket of the manager, as systemd passes it."""
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def run(name, port):
                def before():
                    os.dup2(listening.fileno(), 3)
                    if listening.fileno() == 3:
                        os.set_inheritable(3, True)

                # The variable has the number of the process itself.
                return Running(
                    PARTS,
                    before=before,
                    shell='LISTEN_PID=$$ exec "$@"',
                    PARTS="Server Child",
                    PORT=port,
                    LISTEN_FDS=1,
                    LISTEN_FDNAMES=name,
                )

            run.port = listening.getsockname()[1]
            yield run

    @pytest.mark.parametrize(
        ("name", "same_port", "is_taken"),
        [("server", False, True), ("", True, True), ("other", True, True), ("other", False, False)],
    )
    def test_taken(self, activated, name, same_port, is_taken):
        """A service takes the socket that has its name, or else the one of its address. An unused one is named."""
        with activated(name, activated.port if same_port else 0) as process:
            process.ready()
            port = int(process.until("serves port").rpartition(" ")[2])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"hello\n")
                assert client.makefile().readline() == f"{process.pid} got hello\n"

        assert (port == activated.port) == is_taken
        assert process.has("warning: no service listens on the socket other") == (not is_taken)
        assert [f"child has {variable}: False" for variable in VARIABLES] == [
            line for line in process.lines if line.startswith("child has")
        ]

    def test_of_another_process(self):
        """Variables that are meant for another process mean nothing."""
        with parts("Server", LISTEN_FDS=1, LISTEN_PID=1) as process:
            assert process.ready().stop() == 0

    def test_too_many(self):
        """A count of more sockets than were passed is an error: the process has no others that could be meant."""
        settings = {"before": lambda: os.dup2(0, 3), "shell": 'exec 3<&-; LISTEN_PID=$$ exec "$@"'}
        for count, error in ((9, "no socket with descriptor 3: Bad"), ("9" * 5000, "LISTEN_FDS is 999")):
            with Running(PARTS, **settings, PARTS="Told", LISTEN_FDS=count) as process:
                assert process.end() == 1
            assert error in process.lines[0]
            assert len(process.lines) == 1
