# ruff: noqa: D102 - the options of a socket are as Python's manual has them
"""Sockets: listening ones listen again, those without an address are made anew, connected ones are refused."""

import asyncio
import contextlib
import errno
import http.server
import multiprocessing
import os
import select
import selectors
import socket
import socketserver
import stat
import subprocess
import sys
import threading
import urllib.request

import pytest

import appsnap
from appsnap import EVERYTHING, dumps, effects, listening, loads
from appsnap.errors import CannotLoad, CannotSave, NotTrusted
from appsnap.kinds import KINDS
from appsnap.ways import sockets

KIND_NAMES = sorted(KINDS)


def ipv6():
    """Tell whether this machine has IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not ipv6(), reason="no IPv6 here")


@pytest.fixture
def closing():
    """Close what a test opens or loads."""
    with contextlib.ExitStack() as stack:
        yield lambda thing: stack.enter_context(contextlib.closing(thing))


@pytest.fixture
def again(closing):
    """Return a socket that was saved, closed and loaded."""

    def save_and_load(sock, kind="source"):
        data = appsnap.dumps(sock, kind=kind)
        sock.close()
        return closing(appsnap.loads(data, trust=EVERYTHING))

    return save_and_load


def refusal(obj):
    """Return the words of the refusal to save an object."""
    with pytest.raises(CannotSave) as caught:
        appsnap.dumps([obj])
    return str(caught.value)


def at_path(path):
    """Return a socket that listens at a path."""
    return listening.listen(f"unix:{path}")


def echo(sock):
    """Connect to a listening socket, and return the bytes that its end sends."""
    with socket.socket(sock.family) as client:
        client.connect(sock.getsockname())
        end, _ = sock.accept()
        with end:
            end.setblocking(True)
            end.sendall(b"hello")
            return client.recv(5)


class TestListening:
    @pytest.mark.parametrize("kind", KIND_NAMES)
    def test_again(self, again, kind):
        """A listening socket listens at its address, and connections reach it."""
        sock = socket.create_server(("127.0.0.1", 0))
        where = sock.getsockname()

        loaded = again(sock, kind)

        assert loaded.getsockname() == where
        assert loaded.gettimeout() is None
        assert echo(loaded) == b"hello"

    def test_source(self, closing):
        """The file reads as the call that listens."""
        sock = closing(socket.create_server(("127.0.0.1", 0)))

        text = appsnap.dumps([sock], kind="source").decode()

        assert f'[listen("127.0.0.1", {sock.getsockname()[1]})]' in text

    @pytest.mark.parametrize("timeout", [None, 0.0, 2.5])
    def test_timeout(self, again, timeout):
        sock = socket.create_server(("127.0.0.1", 0))
        sock.settimeout(timeout)

        assert again(sock).gettimeout() == timeout

    def test_options(self, again):
        """The options of the socket come back, those that are on and those that are off."""
        sock = socket.create_server(("127.0.0.1", 0), reuse_port=True)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        before = [sock.getsockopt(*option) for option in sockets.OPTIONS.values()]

        loaded = again(sock)

        assert [loaded.getsockopt(*option) for option in sockets.OPTIONS.values()] == before

    @needs_ipv6
    @pytest.mark.parametrize("dualstack", [True, False])
    def test_ipv6(self, again, dualstack):
        """A socket for IPv6 alone is one again, and so is one for both."""
        sock = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=dualstack)
        where = sock.getsockname()

        loaded = again(sock)

        assert loaded.getsockname() == where
        assert bool(loaded.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)) is not dualstack

    def test_in_use(self, closing):
        """An address that is in use is an error with the path, the address and a hint."""
        sock = closing(socket.create_server(("127.0.0.1", 0)))
        data = appsnap.dumps({"web": sock})

        with pytest.raises(CannotLoad) as caught:
            appsnap.loads(data, trust=EVERYTHING)

        port = sock.getsockname()[1]
        assert f"127.0.0.1:{port}: {os.strerror(errno.EADDRINUSE).lower()}" in str(caught.value)
        assert 'object["web"]' in str(caught.value)
        assert caught.value.hint == f"who has it: ss -lnp 'sport = :{port}'"

    def test_fresh_process(self, tmp_path):
        """`appsnap.save` tries the file while the socket listens; another process listens later."""
        file = tmp_path / "shop.tas"
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
            appsnap.save({"web": sock}, file, kind="source")
        script = "import appsnap, sys; print(appsnap.load(sys.argv[1])['web'].getsockname())"

        done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=False)

        assert done.stdout == f"('127.0.0.1', {port})\n", done.stderr

    def test_handed_over(self, again):
        """A socket of the process image before this one is taken, also where the system had chosen its port."""
        sock = listening.listen("127.0.0.1", 0, "web")
        [passed] = [one for one in listening.duplicates() if one.name == "web"]
        inode = os.fstat(sock.fileno()).st_ino
        data = appsnap.dumps(sock)
        sock.close()
        listening.inherit([passed])

        with contextlib.closing(appsnap.loads(data, trust=EVERYTHING)) as loaded:
            assert os.fstat(loaded.fileno()).st_ino == inode
            assert listening.name_of(loaded) == "web"
        assert listening.close_unused() == []


class TestUnix:
    @pytest.mark.parametrize("kind", KIND_NAMES)
    def test_again(self, tmp_path, again, kind):
        """A socket at a path listens there again, with the rights of the old one, which was left over."""
        path = tmp_path / "shop.sock"
        sock = at_path(path)
        path.chmod(0o600)

        loaded = again(sock, kind)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert loaded.gettimeout() == 0.0
        assert echo(loaded) == b"hello"

    def test_in_use(self, tmp_path, closing):
        """A path that somebody listens at is left to them."""
        sock = closing(at_path(tmp_path / "shop.sock"))
        data = appsnap.dumps(sock)

        with pytest.raises(CannotLoad, match=f"shop.sock: {os.strerror(errno.EADDRINUSE).lower()}"):
            appsnap.loads(data, trust=EVERYTHING)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(sock.getsockname())

    def test_file(self, tmp_path):
        """A file at the path stays."""
        path = tmp_path / "shop.sock"
        with at_path(path) as sock:
            data = appsnap.dumps(sock)
        path.unlink()
        path.write_text("a letter")

        with pytest.raises(CannotLoad, match=r"shop\.sock"):
            appsnap.loads(data, trust=EVERYTHING)
        assert path.read_text() == "a letter"

    def test_handed_over(self, tmp_path):
        """A socket of the process image before this one is taken."""
        path = tmp_path / "shop.sock"
        with at_path(path) as sock:
            [passed] = [one for one in listening.duplicates() if one.host == f"unix:{path}"]
            data = appsnap.dumps(sock)
            inode = os.fstat(sock.fileno()).st_ino
        listening.inherit([passed])

        with contextlib.closing(appsnap.loads(data, trust=EVERYTHING)) as loaded:
            assert os.fstat(loaded.fileno()).st_ino == inode
        assert listening.close_unused() == []

    def test_refused(self, tmp_path):
        """A socket whose path is gone, one that doesn't listen, and one without a file are refused."""
        path = tmp_path / "shop.sock"
        with at_path(path) as sock:
            path.unlink()
            assert "a Unix socket whose path is gone" in refusal(sock)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(str(path))
            assert "a Unix socket that doesn't listen" in refusal(sock)


class TestOthers:
    def test_udp(self, again):
        """A socket for datagrams gets its address again."""
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind(("127.0.0.1", 0))
        where = sock.getsockname()

        loaded = again(sock)

        assert loaded.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)
        with socket.socket(type=socket.SOCK_DGRAM) as other:
            other.sendto(b"hello", where)
        assert loaded.recv(5) == b"hello"

    @pytest.mark.parametrize(
        "family", [socket.AF_INET, socket.AF_UNIX, pytest.param(socket.AF_INET6, marks=needs_ipv6)]
    )
    @pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
    def test_new(self, again, family, kind):
        """A socket without an address is made anew."""
        sock = socket.socket(family, kind)
        sock.settimeout(3)

        loaded = again(sock)

        assert (loaded.family, loaded.type, loaded.gettimeout()) == (family, kind, 3)

    def test_closed(self, again):
        """A closed socket comes back closed."""
        sock = socket.socket()
        sock.close()

        assert again(sock).fileno() == -1

    def test_connected(self):
        """Both ends of a connection are refused, with advice."""
        advice = "open it in startService, and name the attribute in the __transient__ of the class that holds it"
        one, other = socket.socketpair()
        with one, other:
            assert f"(socket.socket): a connected socket; {advice}" in refusal(one)
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
            assert "a connected socket" in refusal(client)
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", 9))
            assert "a connected socket" in refusal(sock)

    def test_bound(self, again):
        """A socket that has an address has it again, and can listen then."""
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        where = sock.getsockname()

        loaded = again(sock)

        assert loaded.getsockname() == where
        assert not loaded.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        loaded.listen()
        assert echo(loaded) == b"hello"

    def test_connecting(self):
        """A socket that waits for its connection is refused."""
        with socket.socket() as server, contextlib.ExitStack() as waiting:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            clients = [waiting.enter_context(socket.socket()) for _ in range(4)]
            for client in clients:
                client.setblocking(False)
                client.connect_ex(server.getsockname())

            words = [refusal(client) for client in clients]

        assert "a socket that is being connected or closed" in words[-1]

    def test_own_class(self):
        class Mine(socket.socket):
            pass

        with Mine() as sock:
            assert "a socket of a class of its own" in refusal(sock)

    def test_family(self):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as sock:
            assert "a socket of the family AF_NETLINK" in refusal(sock)


class TestTrial:
    @pytest.mark.parametrize("unix", [True, False])
    def test_no_address(self, tmp_path, closing, unix):
        """A trial listens nowhere, and saves what it has loaded as it was."""
        path = tmp_path / "shop.sock"
        sock = at_path(path) if unix else socket.create_server(("127.0.0.1", 0))
        closing(sock)
        data = appsnap.dumps(sock)

        with effects.trial():
            loaded = closing(appsnap.loads(data, trust=EVERYTHING))

        assert loaded.getsockname() in (("0.0.0.0", 0), "")
        assert appsnap.dumps(loaded) == data
        assert echo(sock) == b"hello"

    def test_udp(self, closing):
        """So does a socket for datagrams."""
        sock = closing(socket.socket(type=socket.SOCK_DGRAM))
        sock.bind(("127.0.0.1", 0))
        data = appsnap.dumps(sock)

        with effects.trial():
            assert appsnap.dumps(closing(appsnap.loads(data, trust=EVERYTHING))) == data


class TestStranger:
    def test_granted(self, tmp_path, closing):
        """A stranger's file listens at exactly the addresses that are granted."""
        path = tmp_path / "shop.sock"
        with socket.create_server(("127.0.0.1", 0)) as web, at_path(path) as unix:
            port = web.getsockname()[1]
            data = appsnap.dumps({"web": web, "unix": unix, "new": closing(socket.socket())})

        for trust in (["listen:127.0.0.1:*", f"listen:{tmp_path}/*"], [f"listen:127.0.0.1:{port}", f"listen:{path}"]):
            for loaded in appsnap.loads(data, trust=trust).values():
                loaded.close()
        for trust in ([], [f"listen:127.0.0.1:{port + 1}", f"write:{tmp_path}/*"], ["listen:0.0.0.0:*"]):
            with pytest.raises(NotTrusted, match=rf"listens on 127\.0\.0\.1:{port} at .*listens on .*shop\.sock at"):
                appsnap.loads(data, trust=trust)

    def test_name(self, closing):
        """A name leads to no socket of systemd at another address than the one that is granted."""
        with socket.create_server(("127.0.0.1", 0)) as web:
            with listening.listen("127.0.0.1", 0, "web") as named:
                address = named.getsockname()
                data = appsnap.dumps(named)
            listening.inherit([listening.Inherited(None, None, "web", os.dup(web.fileno()))])
            try:
                loaded = closing(appsnap.loads(data, trust=["listen:127.0.0.1:*"]))
            finally:
                listening.close_unused()

            assert loaded.getsockname() == address

    def test_mode(self, tmp_path, closing, monkeypatch):
        """The mode is that of the socket, and of no file that somebody puts into its place."""
        secret = tmp_path / "secret"
        secret.touch(0o600)
        path = tmp_path / "shop.sock"
        with at_path(path) as sock:
            path.chmod(0o666)
            data = appsnap.dumps(sock)
        path.unlink()
        closing(appsnap.loads(data, trust=[f"listen:{path}"]))
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        path.unlink()
        listen = listening.listen

        def swapped(*args, **keywords):
            made = closing(listen(*args, **keywords))
            path.unlink()
            path.symlink_to(secret)
            return made

        monkeypatch.setattr(listening, "listen", swapped)
        with pytest.raises(CannotLoad):
            appsnap.loads(data, trust=[f"listen:{path}"])
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600

    def test_way_out(self, tmp_path, closing):
        """No link leads out of a folder that is granted, also not one that was put there later."""
        granted = tmp_path / "granted"
        granted.mkdir()
        with at_path(granted / "shop.sock") as sock:
            data = appsnap.dumps(sock)
        (granted / "shop.sock").unlink()
        (granted / "shop.sock").symlink_to(tmp_path / "other.sock")

        with pytest.raises(NotTrusted, match=r"other\.sock"):
            appsnap.loads(data, trust=[f"listen:{granted}/*"])
        assert not (tmp_path / "other.sock").exists()


class TestSelectors:
    def test_empty(self, closing):
        """An empty selector is made anew, and the best one of this system is the best one of another."""
        for cls in (selectors.DefaultSelector, selectors.SelectSelector):
            data = appsnap.dumps(closing(cls()), kind="source")

            loaded = closing(appsnap.loads(data, trust=EVERYTHING))

            assert type(loaded) is cls
            assert not loaded.get_map()
            assert (b"new_selector()" in data) is (cls is selectors.DefaultSelector)

    def test_waiting(self, closing):
        selector = closing(selectors.DefaultSelector())
        selector.register(closing(socket.socket()), selectors.EVENT_READ)

        assert "a selector that waits for files" in refusal(selector)

    def test_descriptors(self):
        poll = select.poll()
        assert "descriptors that the system waits for" in refusal(poll)
        with select.epoll() as epoll:
            assert "descriptors that the system waits for" in refusal(epoll)


class TestAsyncio:
    def test_refused(self):
        """Servers and both ends of streams are refused by kind."""

        async def handle(_reader, writer):
            ends.append(writer)

        async def main():
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            async with server:
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                things = [server, server.sockets[0], reader, writer, writer.transport]
                words = [refusal(thing) for thing in things]
                for one in (writer, *ends):
                    one.close()
                return words

        ends = []
        words = asyncio.run(main())

        assert "a server of asyncio" in words[0]
        assert "make a StreamServerService of it" in words[0]
        assert all("one end of a connection" in one for one in words[1:])

    @pytest.mark.parametrize("kind", KINDS)
    def test_closed(self, kind):
        """A connection that is closed comes back closed, with the bytes that nobody has read; so does a server."""

        async def main():
            async def handle(_reader, writer):
                writer.write(b"rest")
                writer.close()

            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            wrapper = writer.get_extra_info("socket")
            await reader.readexactly(1)
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0)
            return reader, writer, wrapper, server

        reader, writer, wrapper, server = loads(dumps(asyncio.run(main()), kind), trust=EVERYTHING)

        assert asyncio.run(reader.read()) == b"est"
        assert (writer.is_closing(), wrapper.fileno(), server.is_serving()) == (True, -1, False)
        assert writer.get_extra_info("peername")[0] == "127.0.0.1"
        writer.close()
        writer.write(b"nobody reads it")
        assert loads(dumps(writer, kind), trust=EVERYTHING).is_closing()


class TestProcesses:
    def test_child(self):
        async def main():
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
            words = refusal(child)
            child.kill()
            await child.wait()
            return words

        assert "a child process; start it in startService" in asyncio.run(main())

    def test_connection(self):
        one, other = multiprocessing.Pipe()
        with one, other:
            assert "one end of a connection" in refusal(one)

    def test_process(self):
        process = multiprocessing.get_context("spawn").Process(target=print)
        process.start()
        assert "a process that has been started" in refusal(process)
        process.join()
        process.close()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each request with one word."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.word)

    def log_message(self, *args):
        pass


class TestServers:
    @pytest.mark.parametrize("cls", [http.server.HTTPServer, http.server.ThreadingHTTPServer])
    def test_http(self, cls, closing):
        """A server of `http.server` serves again, also when it was saved while it served."""
        server = cls(("127.0.0.1", 0), Handler)
        server.word = b"hello"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            data = appsnap.dumps(server)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

        loaded = appsnap.loads(data, trust=EVERYTHING)

        thread = threading.Thread(target=loaded.serve_forever, args=(0.01,))
        thread.start()
        try:
            with urllib.request.urlopen("http://{}:{}/".format(*loaded.server_address)) as answer:
                assert answer.read() == b"hello"
        finally:
            loaded.shutdown()
            thread.join()
            loaded.server_close()

    def test_udp(self):
        """So does one for datagrams."""
        with socketserver.UDPServer(("127.0.0.1", 0), socketserver.DatagramRequestHandler) as server:
            data = appsnap.dumps(server)

        with appsnap.loads(data, trust=EVERYTHING) as loaded:
            assert loaded.socket.getsockname() == loaded.server_address
