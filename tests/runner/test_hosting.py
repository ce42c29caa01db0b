"""Applications of web frameworks, saved with a server and run as processes."""

import contextlib
import shlex
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from runner.running import LIMIT, Running, run, wait_until

pytestmark = pytest.mark.slow

CODE = """\
import asyncio
import time
from pathlib import Path

from appsnap.hosting import server

server.SETTLING = 60.0  # the clients may be busy, and close their connections


class ASGI:
    hits = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            if Path("fail").exists():
                raise LookupError("no shelf")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = await answer(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


async def answer(path):
    if path == "/slow":
        Path("slow").touch()
        while not Path("go").exists():
            await asyncio.sleep(0.01)
    asgi.hits += 1
    return b"%d" % asgi.hits


class WSGI:
    hits = 0

    def __call__(self, environ, start_response):
        body = count(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


def count(path):
    if path == "/slow":
        Path("slow").touch()
        while not Path("go").exists():
            time.sleep(0.01)
    wsgi.hits += 1
    return b"%d" % wsgi.hits


class Worker:
    turns = 0

    async def run(self):
        while True:
            self.turns += 1
            print(f"turn {worker.turns}", flush=True)
            await asyncio.sleep(60)


asgi, wsgi, worker = ASGI(), WSGI(), Worker()
"""

of_each = pytest.mark.parametrize("name", ["asgi", "wsgi"])


@pytest.fixture(autouse=True)
def folder(tmp_path):
    """Return a folder with the applications, where the servers are installed."""
    pytest.importorskip("uvicorn")
    pytest.importorskip("waitress")
    (tmp_path / "shop.py").write_text(CODE)
    return tmp_path


def port_of(process):
    return int(process.ready().until("serves").rpartition(":")[2].strip("/"))


def ask(address, path="/"):
    """Return the body of the answer."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(LIMIT)
        client.connect(address)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        with client.makefile("rb") as answer:
            return answer.read().rpartition(b"\r\n\r\n")[2].decode()


def saved(folder, name, *options):
    done = run(f"shop:{name}", f"{name}.tap", *options, command="save", folder=folder)
    assert done.code == 0, str(done)
    return done


class TestHosting:
    @of_each
    def test_snapshot(self, folder, name):
        """A snapshot is served, a restart in place loses no request, and the state goes on."""
        assert saved(folder, name, "--listen", "127.0.0.1:0").lines == []
        options = (f"{name}.tap", "--state", "state", "--autosave", "0.05")
        ended = threading.Event()
        found = []

        def ask_often(address):
            while not ended.is_set():
                found.append(ask(address))

        with Running(*options, folder=folder) as process:
            address = ("127.0.0.1", port_of(process))
            clients = [threading.Thread(target=ask_often, args=(address,)) for _ in range(2)]
            for client in clients:
                client.start()
            try:
                wait_until(lambda: len(found) > 20, lambda: str(process))
                for count in (2, 3):
                    process.send(signal.SIGHUP).until("is running as process", count)
                    seen = len(found)
                    wait_until(lambda seen=seen: len(found) > seen + 20, lambda: str(process))
            finally:
                ended.set()
                for client in clients:
                    client.join()
            assert process.stop() == 0
            assert process.errors == []
        with Running(*options, folder=folder) as process:
            last = ask(("127.0.0.1", port_of(process)))
            assert process.stop() == 0

        assert sorted(map(int, found)) == [*range(1, len(found) + 1)]
        assert int(last) == len(found) + 1

    @of_each
    def test_stop(self, folder, name):
        """A request under way is answered before the process has stopped."""
        answers = []
        with Running(f"shop:{name}", "--listen", "127.0.0.1:0", folder=folder) as process:
            address = ("127.0.0.1", port_of(process))
            client = threading.Thread(target=lambda: answers.append(ask(address, "/slow")))
            client.start()
            wait_until((folder / "slow").exists, lambda: str(process))
            process.send(signal.SIGTERM).until("stopping")
            (folder / "go").touch()
            client.join()
            assert process.end() == 0

        assert answers == ["1"]

    @of_each
    def test_unix(self, folder, name):
        """A socket in the file system keeps its place at a restart, and a later process takes that."""
        path = str(folder / "socket")
        for _ in range(2):
            with Running(f"shop:{name}", "--listen", "unix:socket", folder=folder) as process:
                process.ready()
                assert ask(path) == "1"
                before = Path(path).stat().st_ino
                process.send(signal.SIGHUP).until("is running as process", 2)
                assert ask(path) == "1"
                assert Path(path).stat().st_ino == before
                assert process.stop() == 0

    @of_each
    def test_socket_activation(self, folder, name):
        """A socket of systemd is taken by its address, or by the name of the service."""
        activate = (
            "import os, socket, sys\n"
            "made = socket.create_server(('127.0.0.1', 0))\n"
            "print('made', made.getsockname()[1], flush=True)\n"
            "made.fileno() == 3 or os.dup2(made.fileno(), 3)\n"
            "os.set_inheritable(3, True)\n"
            f"os.environ |= {{'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': '{name}'}}\n"
            "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
        )
        shell = f'shift; exec {shlex.join([sys.executable, "-c", activate])} "$@"'
        with Running(f"shop:{name}", "--listen", "127.0.0.1:1", folder=folder, shell=shell) as process:
            port = int(process.until("made").split()[1])

            assert port_of(process) == port
            assert ask(("127.0.0.1", port)) == "1"
            assert process.stop() == 0

    def test_failing_lifespan(self, folder):
        """A lifespan that fails ends the start with its place and its error."""
        (folder / "fail").touch()

        process = run("shop:asgi", "--listen", "127.0.0.1:0", folder=folder)

        assert process.code == 1
        (error,) = [line for line in process.errors if line.startswith("error")]
        assert error == (
            'error: error in startService of application.services["asgi"] (appsnap.hosting.asgi.ASGIServer): '
            "LookupError: no shelf"
        )

    def test_worker(self, folder):
        """An object with `run` needs no option, and its state goes on."""
        for turn in (1, 2):
            with Running("shop:worker", "--state", "state", folder=folder) as process:
                process.ready().until(f"turn {turn}")
                assert process.stop() == 0
                assert process.errors == []


class TestHints:
    """The words where something is missing, and the commands in them."""

    def test_without_listen(self, folder):
        """An application without a server is saved as it is; notes and errors have the command that serves it."""
        done = saved(folder, "asgi")
        from_file = run("asgi.tap", folder=folder)
        from_module = run("shop:asgi", folder=folder)

        assert done.lines[-1] == (
            "appsnap: note: shop:asgi is saved without a server (shop.ASGI); to save it with one: "
            "appsnap save shop:asgi asgi.tap --listen 127.0.0.1:8000"
        )
        for process, what in ((from_file, "asgi.tap"), (from_module, "shop:asgi")):
            assert process.code == 1
            assert process.errors == [
                f"error: {what} is an application of ASGI, and has no server",
                f"hint: to serve it: appsnap run {what} --listen 127.0.0.1:8000",
            ]
        with Running("asgi.tap", "--listen", "127.0.0.1:0", folder=folder) as process:
            assert ask(("127.0.0.1", port_of(process))) == "1"
            assert process.stop() == 0

    def test_function(self, folder):
        """A function is served by its name."""
        code = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n"
        (folder / "plain.py").write_text(code)

        with Running("plain:app", "--listen", "127.0.0.1:0", folder=folder) as process:
            assert ask(("127.0.0.1", port_of(process))) == "hello"
            assert process.stop() == 0

    @pytest.mark.parametrize("command", ["save", "run"])
    def test_wrong_usage(self, folder, command):
        """An application has one server to move, and other objects can't be served."""
        (folder / "more.py").write_text(
            "from appsnap.service import Application\n"
            "from appsnap.web import FileServer\n"
            "application, two = Application('shop'), Application('two')\n"
            "numbers = [1]\n"
            "for name in ('left', 'right'):\n"
            "    server = FileServer('.', 0)\n"
            "    server.setName(name)\n"
            "    server.setServiceParent(two)\n"
        )
        target = ["shop.tap"] if command == "save" else []

        found = [
            run(what, *target, "--listen", listen, command=command, folder=folder)
            for what, listen in (
                ("more:application", "127.0.0.1:0"),
                ("more:two", "127.0.0.1:0"),
                ("more:numbers", "127.0.0.1:0"),
                ("shop:asgi", "8000"),
            )
        ]

        only = "error: --listen is for an application with one server, and"
        two = [f'application.services["{name}"] (appsnap.web.FileServer)' for name in ("left", "right")]
        assert [process.code for process in found] == [2] * 4
        assert [process.errors[0] for process in found] == [
            f"{only} more:application has none with a host and a port",
            f"{only} more:two has 2 servers: " + ", ".join(two),
            "error: --listen is for an ASGI, WSGI or aiohttp application, and more:numbers is none (list)",
            "error: invalid value for '--listen': '8000' is no HOST:PORT, [HOST]:PORT or unix:PATH",
        ]
        assert not (folder / "shop.tap").exists()

    def test_used_path(self, folder):
        """A path that isn't a socket which is left over is an error of the start."""
        (folder / "file").write_text("")
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
            other.bind(str(folder / "socket"))
            other.listen()

            names = ("file", "socket", "gone/socket", "long" * 40)
            found = [run("shop:asgi", "--listen", f"unix:{name}", folder=folder) for name in names]

        begin = f"{PLACE}: CannotListen: {folder}"
        assert [process.code for process in found] == [1] * 4
        assert [process.errors for process in found] == [
            [f"{begin}/file: file exists", "hint: only a socket is replaced: remove it, or choose another path"],
            [f"{begin}/socket: address already in use", f"hint: who has it: ss -lxp | grep {folder}/socket"],
            [f"{begin}/gone/socket: no such file or directory", f"hint: mkdir -p {folder}/gone"],
            [
                f"{begin}/{'long' * 40}: the path is too long for a socket",
                "hint: the system takes about 100 bytes: choose a shorter path",
            ],
        ]
        assert (folder / "file").exists()

    def test_used_port(self, folder):
        """A port in use is told with its place, its address and the reason, and the command in the hint runs."""
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
            port = other.getsockname()[1]
            saved(folder, "asgi", "--listen", f"127.0.0.1:{port}")
            options = ("asgi.tap", "--state", "state", "--autosave", "0")
            for start in ("fresh", "resumed"):
                process = run(*options, f"--listen=127.0.0.1:{port}", folder=folder)

                command = f"appsnap run {' '.join(options)} --listen 127.0.0.1:0"
                assert process.errors == [
                    f"{PLACE}: CannotListen: 127.0.0.1:{port}: address already in use",
                    f"hint: who has it: ss -lnp 'sport = :{port}'; at a port that is free: {command}",
                ], start
                with Running(*shlex.split(command)[2:], folder=folder) as process:
                    assert ask(("127.0.0.1", port_of(process))) == {"fresh": "1", "resumed": "2"}[start]
                    assert process.stop() == 0


PLACE = 'error: error in privilegedStartService of application.services["asgi"] (appsnap.hosting.asgi.ASGIServer)'


class TestMoved:
    """`--listen` for an application that has a server."""

    def test_state(self, folder):
        """The server listens at the address of the option, also after a reload, and the state keeps that."""
        saved(folder, "asgi", "--listen", "unix:old")
        options = ("asgi.tap", "--state", "state", "--autosave", "0")

        with Running(*options, "--listen", "127.0.0.1:0", folder=folder) as process:
            port = port_of(process)
            assert ask(("127.0.0.1", port)) == "1"
            process.send(signal.SIGHUP).until("is running as process", 2)
            assert ask(("127.0.0.1", port)) == "2"
            assert process.stop() == 0
        with Running(*options, folder=folder) as process:
            assert ask(("127.0.0.1", port_of(process))) == "3"
            assert process.stop() == 0
        with Running(*options, "--listen", "unix:new", folder=folder) as process:
            process.ready()
            assert ask(str(folder / "new")) == "4"
            assert process.stop() == 0
        assert not (folder / "old").exists()

    def test_save(self, folder):
        """A snapshot is saved anew with another address."""
        saved(folder, "wsgi", "--listen", "127.0.0.1:1")

        done = run("wsgi.tap", "other.tas", "--listen", "[::1]:2", command="save", folder=folder)

        assert done.code == 0, str(done)
        text = (folder / "other.tas").read_text()
        assert 'host="::1"' in text
        assert "port=2" in text
