"""Listening sockets: new ones, those of systemd, and those of the process image before this one."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import subprocess
import sys
import textwrap

import pytest

from appsnap import listening
from appsnap.errors import ServiceError
from appsnap.internet import StreamServerService, listen as public
from appsnap.listening import Inherited, close_unused, duplicates, inherit, listen, take_systemd
from appsnap.service import Application


@pytest.fixture(autouse=True)
def nothing_left():
    """Close what a failed test has left over."""
    yield
    close_unused()
    gc.collect()


def server(host="127.0.0.1", port=0, **options):
    """Return a listening socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, **options)


def passed(*sockets, names=None):
    """Take sockets in as those of systemd. This process keeps its own duplicates."""
    names = names or [None] * len(sockets)
    inherit(Inherited(None, None, name, os.dup(each.fileno())) for each, name in zip(sockets, names, strict=True))


def same(one, other):
    """Tell whether two sockets are one for the kernel."""
    return os.fstat(one.fileno()).st_ino == os.fstat(other.fileno()).st_ino


def ipv6():
    """Tell whether this machine has IPv6."""
    try:
        server("::1").close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not ipv6(), reason="no IPv6 here")


class TestNew:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "", pytest.param("::1", marks=needs_ipv6)])
    def test_address(self, host):
        """A new socket listens, doesn't block, and isn't inherited by children."""
        with listen(host, 0) as made:
            port = made.getsockname()[1]
            assert port > 0
            assert not made.getblocking()
            assert not made.get_inheritable()
            socket.create_connection((host or "127.0.0.1", port)).close()

    def test_taken(self):
        """A port that is taken is an OSError."""
        with server() as taken, pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", taken.getsockname()[1])

    def test_no_host(self):
        """A host that can't be found is an OSError, also where there are inherited sockets to compare with."""
        with server() as ours:
            passed(ours)
            with pytest.raises(OSError, match=r"(?i)name|address"):
                listen("no.such.host.invalid", 80)

    def test_public(self):
        """It is public as a function of `appsnap.internet`."""
        assert public is listen


class TestSystemd:
    def test_by_name(self):
        """A socket with the service's name is taken, at any address."""
        with server() as first, server() as second:
            passed(first, second, names=["web", "admin"])
            with listen("127.0.0.1", 1, "admin") as found:
                assert same(found, second)
                assert not found.getblocking()
                assert not found.get_inheritable()

    def test_by_address(self):
        """Else the socket of the address is taken."""
        with server() as first, server() as second:
            passed(first, second, names=["shop.socket", None])
            with listen("localhost", second.getsockname()[1], "web") as found:
                assert same(found, second)

    def test_name_first(self):
        """The name counts more than the address."""
        with server() as first, server() as second:
            passed(first, second, names=[None, "web"])
            with listen("127.0.0.1", first.getsockname()[1], "web") as found:
                assert same(found, second)

    def test_one_name_for_all(self):
        """Among sockets of one name, the one of the address is taken, and then the first one."""
        with server() as first, server() as second, server() as third:
            passed(first, second, third, names=["web"] * 3)
            with listen("127.0.0.1", second.getsockname()[1], "web") as found, listen("::1", 1, "web") as other:
                assert same(found, second)
                assert same(other, first)

    def test_once(self):
        """Each socket is taken once."""
        with server() as ours:
            port = ours.getsockname()[1]
            passed(ours, names=["web"])
            with listen("127.0.0.1", port, "web"), pytest.raises(OSError, match="in use"):
                listen("127.0.0.1", port, "web")

    @pytest.mark.parametrize("host", ["", "0.0.0.0"])
    def test_all_addresses(self, host):
        """A socket for all addresses is no socket for one of them."""
        with server("0.0.0.0") as ours:
            port = ours.getsockname()[1]
            passed(ours)
            with pytest.raises(OSError, match="in use"):
                listen("127.0.0.1", port)
            with listen(host, port) as found:
                assert same(found, ours)

    @needs_ipv6
    @pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
    def test_both_families(self, host):
        """A socket for all addresses of both families, as systemd makes one, is taken for those of either family."""
        with server("::", dualstack_ipv6=True) as ours:
            passed(ours)
            with listen(host, ours.getsockname()[1]) as found:
                assert same(found, ours)

    @needs_ipv6
    def test_one_family(self):
        """A socket for IPv6 alone isn't taken for IPv4."""
        with server("::") as ours:
            passed(ours)
            port = ours.getsockname()[1]
            with listen("0.0.0.0", port) as other:
                assert not same(other, ours)
            with listen("::", port) as found:
                assert same(found, ours)

    def test_others_by_name_only(self, tmp_path):
        """UNIX sockets, datagram sockets and sockets that don't listen are taken by name alone."""
        with (
            socket.socket(socket.AF_UNIX) as unix,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            socket.socket() as deaf,
            server() as taken,
        ):
            unix.bind(str(tmp_path / "socket"))
            unix.listen()
            deaf.bind(("127.0.0.1", 0))
            datagrams.bind(taken.getsockname())
            passed(unix, datagrams, deaf, names=["unix", "datagrams", "deaf"])
            for ours in (datagrams, deaf):
                with pytest.raises(OSError, match="in use"):
                    listen("127.0.0.1", ours.getsockname()[1])
            for name, ours in (("unix", unix), ("datagrams", datagrams), ("deaf", deaf)):
                with listen("127.0.0.1", 0, name) as found:
                    assert same(found, ours)

    def test_no_name(self):
        """A service without a name takes no socket for a lack of one."""
        with server() as ours:
            passed(ours)
            with listen("127.0.0.1", 0) as other:
                assert not same(other, ours)

    def test_no_socket(self, tmp_path, caplog):
        """A file among the sockets is closed, with a warning."""
        with (tmp_path / "file").open("w") as file:
            descriptor = os.dup(file.fileno())
        inherit([Inherited(None, None, "fifo", descriptor)])

        (record,) = caplog.records
        assert record.getMessage() == "fifo is no socket, and is closed"
        with pytest.raises(OSError):
            os.fstat(descriptor)


LAUNCHER = """
import fcntl, os, socket, sys
names, pid, count, code = sys.argv[1:]
servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
for number, server in enumerate([fcntl.fcntl(server, fcntl.F_DUPFD, 50) for server in servers]):
    os.dup2(server, 3 + number)
    os.close(server)
os.environ.update(LISTEN_PID=pid or str(os.getpid()), LISTEN_FDS=count, LISTEN_FDNAMES=names)
ports = []
for number in range(2):
    with socket.socket(fileno=os.dup(3 + number)) as server:
        ports.append(str(server.getsockname()[1]))
os.execv(sys.executable, [sys.executable, "-c", code, *ports])
"""

PROGRAM = """
import os, subprocess, sys
from appsnap import listening
from appsnap.errors import AppsnapError
try:
    listening.take_systemd()
except AppsnapError as error:
    sys.exit(f"refused: {error}")
print(sorted(name for name in os.environ if name.startswith("LISTEN")))
found = [listening.listen("127.0.0.1", int(sys.argv[2])), listening.listen("127.0.0.1", 0, "web")]
print([found[0].fileno(), found[1].fileno()], [str(each.getsockname()[1]) for each in found] == sys.argv[2:0:-1])
print(subprocess.run(["ls", "/proc/self/fd"], capture_output=True, close_fds=False, text=True).stdout.split())
"""


class TestVariables:
    """The variables of systemd, in a process with two sockets that was started as systemd does it."""

    @staticmethod
    def run(names="web:admin", pid="", count="2", code=PROGRAM):
        """Return the lines that the process prints, or its last line to stderr if it fails."""
        command = [sys.executable, "-c", LAUNCHER, names, pid, count, code]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        return result.stdout.splitlines() if result.returncode == 0 else result.stderr.splitlines()[-1]

    @pytest.mark.parametrize("names", ["web:admin", "web", "web:"])
    def test_taken(self, names):
        """Both are found by name and by address; no child gets the variables or the sockets."""
        variables, found, of_the_child = self.run(names)

        assert variables == "[]"
        assert found == "[4, 3] True"
        assert of_the_child == "['0', '1', '2', '3']"  # the last one is the folder that ls reads

    def test_of_another_process(self):
        """Variables for another process are removed only; a shell between systemd and this one leaves them."""
        variables, found, _ = self.run(pid="1", code=PROGRAM.replace("int(sys.argv[2])", "0"))

        assert variables == "[]"
        assert found.endswith("False")

    @pytest.mark.parametrize("count", ["", "-1", "x", "²"])
    def test_no_number(self, count):
        """A count that is no number is refused."""
        assert self.run(count=count) == f"refused: LISTEN_FDS is {count}, and not the number of sockets"

    def test_too_many(self):
        """A count above the number of the sockets is refused."""
        assert self.run(count="3") == "refused: there is no socket with descriptor 5: Bad file descriptor"

    def test_none(self):
        """Without the variables there is nothing to take."""
        take_systemd({})

        assert close_unused() == []


class TestHandedOver:
    """Sockets of the process image before this one."""

    def test_duplicates(self):
        """There is one for each open socket in use, with the arguments as they were given."""
        closed = listen("127.0.0.1", 0, "closed")
        closed.close()
        thrown_away = listen("127.0.0.1", 0, "thrown away")
        with server() as ours, listen("localhost", 0, "web") as web:
            with pytest.warns(ResourceWarning):
                del thrown_away
            passed(ours, names=["systemd"])
            with listen("127.0.0.1", 1, "systemd") as activated:
                found = duplicates()
                assert [(each.host, each.port, each.name) for each in found] == [
                    ("localhost", 0, "web"),
                    (None, None, "systemd"),
                ]
                for each, original in zip(found, (web, activated), strict=True):
                    with socket.socket(fileno=each.descriptor) as duplicate:
                        assert same(duplicate, original)
                        assert not duplicate.get_inheritable()

    def test_matched_as_asked(self):
        """A socket is taken for exactly the same arguments, in order, also with port 0."""
        asked = [("127.0.0.1", 0, None), ("127.0.0.1", 0, "web"), ("127.0.0.1", 0, None), ("localhost", 0, None)]
        before = [listen(*each) for each in asked]
        inherit(duplicates())
        numbers = [os.fstat(each.fileno()).st_ino for each in before]
        for each in before:
            each.close()

        after = [listen(*each) for each in reversed(asked)]

        assert [os.fstat(each.fileno()).st_ino for each in after] == [numbers[index] for index in (3, 0, 1, 2)]
        for each in after:
            each.close()

    def test_other_arguments(self):
        """A socket isn't taken for other arguments: new code may want another address."""
        with listen("127.0.0.1", 0, "web") as before:
            inherit(duplicates())
            with listen("127.0.0.1", 0, "other") as after:
                assert not same(before, after)

    def test_systemd_again(self):
        """A socket of systemd is matched after a restart as it was at first: by its name, for another address, too."""
        with server() as ours:
            passed(ours, names=["web"])
            with listen("127.0.0.1", 1, "web"):
                inherit(duplicates())
            with listen("127.0.0.1", 2, "web") as after:
                assert same(after, ours)

    def test_unused(self):
        """Sockets that nobody takes are closed, and named; one that is open when the next image begins is handed on."""
        with server() as first, server() as second:
            passed(first, second, names=["web", None])
            with listen("::1" if ipv6() else "127.0.0.1", 0) as ours:
                inherit([Inherited("127.0.0.1", 80, "old", os.dup(ours.fileno()))])
            handed_on = duplicates()
            assert {each.name for each in handed_on} == {"web", None, "old"}
            for each in handed_on:
                os.close(each.descriptor)

            words = close_unused()

        assert words[0] == "web"
        assert words[1].startswith("descriptor ")
        assert words[2] == "127.0.0.1 port 80"
        assert (close_unused(), duplicates()) == ([], [])

    def test_exec(self):
        """A client that connects while no program has the port open is answered by the next program of the process."""
        program = """
            import json, os, socket, sys
            from appsnap.listening import Inherited, close_unused, duplicates, inherit, listen
            if len(sys.argv) == 1:
                server = listen("127.0.0.1", 0, "web")
                handed_over = duplicates()
                server.close()
                print(os.getpid(), socket.socket(fileno=os.dup(handed_over[0].descriptor)).getsockname()[1], flush=True)
                input()
                os.set_inheritable(handed_over[0].descriptor, True)
                fields = [getattr(handed_over[0], name) for name in Inherited.__slots__]
                os.execv(sys.executable, [sys.executable, "-c", sys.orig_argv[2], json.dumps(fields)])
            inherit([Inherited(*json.loads(sys.argv[1]))])
            server = listen("127.0.0.1", 0, "web")
            server.setblocking(True)
            connection, _ = server.accept()
            connection.sendall(f"{os.getpid()} {server.getsockname()[1]} {close_unused()}".encode())
        """
        command = [sys.executable, "-c", textwrap.dedent(program)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            pid, port = child.stdout.readline().split()
            with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as client:
                child.stdin.write("\n")
                child.stdin.flush()
                assert client.makefile().read() == f"{pid} {port} []"
            assert child.wait() == 0


class TestService:
    def test_by_its_name(self):
        """A server takes the socket that has its name, and serves it; after the stop it is closed."""

        async def handler(reader, writer):
            writer.write(b"hello\n")

        async def main(port):
            application = Application("shop")
            service = StreamServerService(handler)
            service.setName("web")
            service.setServiceParent(application)
            await application.startService()
            assert service.port == port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.readline() == b"hello\n"
            writer.close()
            await application.stopService()

        ours = server()
        port = ours.getsockname()[1]
        passed(ours, names=["web"])
        ours.close()

        asyncio.run(main(port))

        server(port=port).close()
        assert listening.duplicates() == []


class TestStopAccepting:
    def test_connections_wait(self):
        """The loop accepts no connection any more. A new one waits for the next holder of the socket."""
        accepted = []

        async def handler(reader, writer):
            accepted.append(await reader.readline())
            writer.close()

        async def main():
            bound = listen("127.0.0.1", 0)
            running = await asyncio.start_server(handler, sock=bound)
            with socket.create_connection(bound.getsockname()) as early:
                early.sendall(b"early\n")
                assert await asyncio.to_thread(early.recv, 1) == b""
            (handed,) = duplicates()

            listening.stop_accepting()

            with (
                socket.create_connection(bound.getsockname()) as late,
                socket.socket(fileno=handed.descriptor) as next_holder,
            ):
                late.sendall(b"late\n")
                for _ in range(10):
                    await asyncio.sleep(0)
                running.close()
                await running.wait_closed()
                next_holder.setblocking(True)
                connection, _ = next_holder.accept()
                with connection:
                    assert connection.recv(10) == b"late\n"

        asyncio.run(main())

        assert accepted == [b"early\n"]


class TestErrors:
    """Addresses that can't be listened on."""

    @pytest.mark.parametrize(
        ("error", "where", "words", "hint"),
        [
            (
                PermissionError(errno.EACCES, "Permission denied"),
                "127.0.0.1:80",
                "permission denied",
                "only root may listen on ports below 1024, or who has CAP_NET_BIND_SERVICE",
            ),
            (PermissionError(errno.EACCES, "Permission denied"), "/run/a b", "permission denied", ""),
            (
                OSError(errno.EADDRINUSE, "(x)"),
                "/run/a b",
                "address already in use",
                "who has it: ss -lxp | grep '/run/a b'",
            ),
            (OSError(errno.EADDRINUSE, "(x)"), "[::1]:8", "address already in use", "who has it: ss -lnp 'sport = :8'"),
            (FileNotFoundError(errno.ENOENT, ""), "/run/a b/c", "no such file or directory", "mkdir -p '/run/a b'"),
            (OSError(-2, "Not known (while attempting it)"), "nowhere:80", "not known", ""),
        ],
    )
    def test_each(self, error, where, words, hint):
        """The error has the address, the reason, and a hint."""
        with pytest.raises(listening.CannotListen) as caught, listening.placed(where):
            raise error

        assert str(caught.value) == f"{where}: {words}"
        assert caught.value.hint == hint
        assert caught.value.errno == error.errno

    def test_start(self):
        """The error of a start has the hint, too."""
        with server() as other:
            host, port = other.getsockname()
            application = Application("shop")
            StreamServerService(print, host, port).setServiceParent(application)

            with pytest.raises(ServiceError) as caught:
                application.privilegedStartService()

        assert f"CannotListen: 127.0.0.1:{port}: address already in use" in str(caught.value)
        assert caught.value.hint == f"who has it: ss -lnp 'sport = :{port}'"

    def test_socket_of_killed_process(self, tmp_path):
        """The file of a socket whose process was killed makes room. A relative path is told from the root."""
        code = "import os, socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('s')\ns.listen()\nos.kill(os.getpid(), 9)"
        assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == -9

        with listen(f"unix:{tmp_path}/s"), pytest.raises(OSError, match=f"{tmp_path}/s: address already in use"):
            listen(f"unix:{os.path.relpath(tmp_path)}/s")

    def test_port_of_path(self, tmp_path):
        """A server on a path has the port that it was given."""
        service = StreamServerService(print, f"unix:{tmp_path}/s")
        service.privilegedStartService()
        try:
            assert service.port == 0
        finally:
            service.stopService()
