import ast
import asyncio
import contextlib
import email.parser
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

import appsnap
from appsnap import errors
from appsnap.hosting import server as base
from appsnap.service import Application
from appsnap.web import FileServer, Options, maker, makeService
from restarts import answers_over_restarts


@pytest.fixture
def site(tmp_path):
    """Return a folder to serve, beside a file that isn't in it."""
    (tmp_path / "secret.txt").write_text("secret")
    site = tmp_path / "site"
    (site / "docs" / "deep").mkdir(parents=True)
    (site / "docs" / "a b.txt").write_text("a and b")
    (site / "docs" / "deep" / "index.html").write_text("<p>deep</p>")
    (site / "page.html").write_text("<p>page</p>")
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("secret")
    (site / ".well-known").mkdir()
    (site / ".well-known" / "security.txt").write_text("well known")
    return site


def descriptors():
    """Return the number of descriptors that are open."""
    return len([*Path("/proc/self/fd").iterdir()])


def running(function, *arguments, **options):
    """Run `await function(server)` while a server runs."""

    async def main():
        server = FileServer(*map(str, arguments), 0, **options)
        server.privilegedStartService()
        await server.startService()
        try:
            return await function(server)
        finally:
            await server.stopService()

    return asyncio.run(main())


def port_of(server):
    return server.sockets[0].getsockname()[1]


async def ask(server, path, method="GET", headers=""):
    """Send a request with a path as it is. Returns the status, the headers and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n".encode("latin-1"))
        answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    line, _, rest = head.decode().partition("\r\n")
    return int(line.split()[1]), email.parser.Parser().parsestr(rest), body


def answers(site, *paths, **options):
    """Return the answers of a server to requests, one after the other."""

    async def all_of(server):
        return [await ask(server, path, **options) for path in paths]

    return running(all_of, site)


class TestFiles:
    def test_file(self, site):
        """A file comes with its type and length."""
        ((status, headers, body),) = answers(site, "/page.html")

        assert (status, body) == (200, b"<p>page</p>")
        assert headers["Content-Type"] == "text/html"
        assert headers["Content-Length"] == "11"

    @pytest.mark.parametrize(
        ("name", "kind"),
        [("a.css", "text/css"), ("a.tar.gz", "application/octet-stream"), ("a", "application/octet-stream")],
    )
    def test_type(self, site, name, kind):
        """The name says the type; of compressed and unknown files nothing is said."""
        (site / name).write_bytes(b"x")

        ((_, headers, _),) = answers(site, f"/{name}")

        assert headers["Content-Type"] == kind

    def test_names(self, site):
        """Any name of a file can be asked for."""
        names = [b"a b%#?", b"\xff.txt", "größe".encode(), b"new\nline"]
        for name in names:
            (site / os.fsdecode(name)).write_bytes(name)
        (_, _, listing), *found = answers(
            site, "/", *("/" + "".join(f"%{byte:02x}" for byte in name) for name in names)
        )

        assert [(status, body) for status, _, body in found] == [(200, name) for name in names]
        assert b'"./a%20b%25%23%3F"' in listing
        assert b'"./%FF.txt"' in listing

    def test_head(self, site):
        """HEAD is answered without the content."""
        ((status, headers, body),) = answers(site, "/page.html", method="HEAD")

        assert (status, headers["Content-Length"], body) == (200, "11", b"")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_other_methods(self, site, method):
        """Nothing can be changed."""
        ((status, _, _),) = answers(site, "/page.html", method=method)

        assert status == 405

    def test_range(self, site):
        """A part of a file can be asked for, and a file that has not changed isn't sent again."""

        async def conversation(server):
            part = await ask(server, "/page.html", headers="Range: bytes=3-6\r\n")
            return part, await ask(server, "/page.html", headers=f"If-None-Match: {part[1]['ETag']}\r\n")

        part, unchanged = running(conversation, site)

        assert (part[0], part[2]) == (206, b"page")
        assert (unchanged[0], unchanged[2]) == (304, b"")

    def test_descriptors(self, site):
        """No descriptor stays open: not of a file, of a folder, of a refused path."""

        async def conversation(server):
            await ask(server, "/page.html")
            before = descriptors()
            for path in ("/page.html", "/", "/docs", "/page.html/", "/docs/deep/", "/nothing") * 20:
                await ask(server, path)
            return descriptors() - before

        assert running(conversation, site) < 10

    def test_missing(self, site):
        """What isn't there is not found, and neither is a file by the name of a folder."""
        for status, _, _ in answers(
            site, "/nothing", "/docs/nothing", "/page.html/", "/page.html/x", "/%00", "/a%00b", "/" + "a" * 300
        ):
            assert status == 404

    def test_after_privileges_are_dropped(self, site):
        """A user who isn't root serves what that user may read; the rest is forbidden."""
        code = """
import asyncio, os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_web import ask
from appsnap.web import FileServer

async def main():
    server = FileServer(sys.argv[1], 0)
    server.privilegedStartService()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    await server.startService()
    found = [await ask(server, path) for path in ("/readable", "/unreadable", "/closed/", "/")]
    print([(status, body) for status, _, body in found])
    await server.stopService()

asyncio.run(main())
"""
        with tempfile.TemporaryDirectory() as folder:
            # Others may look into this one, but not into those of pytest.
            Path(folder).chmod(0o755)
            Path(folder, "readable").write_text("harmless")
            Path(folder, "unreadable").touch(0)
            Path(folder, "closed").mkdir(0)

            done = subprocess.run(
                [sys.executable, "-c", code, folder, Path(__file__).parent], capture_output=True, text=True, check=False
            )

        assert not done.stderr
        readable, unreadable, closed, listing = ast.literal_eval(done.stdout)
        assert readable == (200, b"harmless")
        assert (unreadable[0], closed[0], listing[0]) == (403, 403, 200)


class TestFolders:
    def test_index(self, site):
        """A folder with an index.html is shown by that."""
        ((status, headers, body),) = answers(site, "/docs/deep/")

        assert (status, body) == (200, b"<p>deep</p>")
        assert headers["Content-Type"] == "text/html"

    def test_list(self, site):
        """A folder without one is a list, which has no hidden names."""
        (root, docs) = answers(site, "/", "/docs/")

        assert root[1]["Content-Type"] == "text/html; charset=utf-8"
        assert b'<a href="./docs/">docs/</a>' in root[2]
        assert b'<a href="./page.html">page.html</a>' in root[2]
        assert b".git" not in root[2]
        assert b"../" not in root[2]
        assert b'<a href="./a%20b.txt">a b.txt</a>' in docs[2]
        assert b'<a href="../">../</a>' in docs[2]

    def test_escapes(self, site):
        """The name of a file or folder is no markup, and no scheme."""
        folder = site / "<b>&amp;"
        folder.mkdir()
        (folder / '"><script>alert(1)').touch()
        (folder / "javascript:alert(1)").touch()

        ((_, _, body),) = answers(site, "/%3Cb%3E&amp;/")

        assert b"<script" not in body
        assert b"<b>" not in body
        assert b'href="./%22%3E%3Cscript%3Ealert%281%29"' in body
        assert b'href="./javascript%3Aalert%281%29"' in body
        assert b"<title>/&lt;b&gt;&amp;amp;/</title>" in body

    @pytest.mark.parametrize(
        ("path", "place"), [("/docs", "./docs/"), ("//docs", "./docs/"), ("/docs/deep?x=/y", "./deep/")]
    )
    def test_slash(self, site, path, place):
        """A folder without its slash is one with it, on the same server."""
        ((status, headers, _),) = answers(site, path)

        assert (status, headers["Location"]) == (301, place)

    def test_redirect_leads_nowhere_else(self, site):
        """A folder with the name of a host or a scheme is no way to another server."""
        for name in ("evil.example", "javascript:x", "a%2f"):
            (site / name).mkdir()

        for _, headers, _ in answers(site, "//evil.example", "/javascript:x", "/a%252f"):
            assert headers["Location"] in ("./evil.example/", "./javascript:x/", "./a%252f/")


class TestInside:
    """Nothing outside the folder is served."""

    @pytest.mark.parametrize(
        "path",
        [
            "/../secret.txt",
            "/docs/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/docs/..%2f..%2fsecret.txt",
            "/%2fetc/passwd",
            "//etc/passwd",
            "/..%5csecret.txt",
            "/.git/config",
            "/%2egit/config",
            "/docs/%2e./%2e./secret.txt",
        ],
    )
    def test_paths(self, site, path):
        """No way of writing a path leads out, nor to hidden names."""
        ((status, _, body),) = answers(site, path)

        assert status == 404
        assert b"secret" not in body

    def test_absolute(self, site, tmp_path):
        """An absolute path in a path is one within the folder."""
        (answer, raw) = answers(site, f"/{tmp_path}/secret.txt", f"http://a{tmp_path}/secret.txt")

        assert (answer[0], raw[0]) == (404, 404)

    def test_links(self, site, tmp_path):
        """A symbolic link is followed to places within the folder alone."""
        (site / "inside").symlink_to("docs/a b.txt")
        (site / "absolute").symlink_to(site / "docs")
        (site / "out").symlink_to(tmp_path / "secret.txt")
        (site / "up").symlink_to("..")
        (site / "root").symlink_to("/")
        (site / "docs" / "by").symlink_to("../up/secret.txt")
        (site / "loop").symlink_to("loop")
        (site / "beside").symlink_to(tmp_path / "site-secret")
        (tmp_path / "site-secret").write_text("secret")

        inside, below = answers(site, "/inside", "/absolute/a%20b.txt")
        others = answers(
            site,
            "/out",
            "/up/",
            "/up/secret.txt",
            "/root/",
            f"/root{tmp_path}/secret.txt",
            "/docs/by",
            "/loop",
            "/beside",
        )

        assert (inside[2], below[2]) == (b"a and b", b"a and b")
        assert [status for status, _, _ in others] == [404] * len(others)

    @pytest.mark.parametrize("name", ["index.html", "page.html.gz", "page.html.br"])
    def test_links_of_companions(self, site, tmp_path, name):
        """Nor is a link followed that the path doesn't name: an index, or a compressed form."""
        (site / name).symlink_to(tmp_path / "secret.txt")

        for _, _, body in answers(site, "/", "/page.html", headers="Accept-Encoding: gzip, br\r\n"):
            assert b"secret" not in body

    def test_link_that_changes(self, site, tmp_path):
        """A link that is put in the place of a file or folder while it is asked for isn't followed."""
        (tmp_path / "a.txt").write_text("secret")
        real, other = site / "real", site / "other"
        real.mkdir()
        (real / "a.txt").write_text("harmless")
        other.symlink_to(tmp_path)
        done = threading.Event()

        def exchange():
            spare = site / "spare"
            while not done.is_set():
                for before, after in ((real, spare), (other, real), (real, other), (spare, real)):
                    before.rename(after)

        async def conversation(server):
            return [await ask(server, "/real/a.txt") for _ in range(300)]

        thread = threading.Thread(target=exchange)
        thread.start()
        try:
            found = running(conversation, site)
        finally:
            done.set()
            thread.join()

        assert {body for status, _, body in found if status == 200} <= {b"harmless"}
        assert {status for status, _, _ in found} <= {200, 404}

    def test_special_files(self, site):
        """A pipe isn't opened for reading, and no device or socket is served."""
        os.mkfifo(site / "pipe")
        bound = socket.socket(socket.AF_UNIX)
        with contextlib.closing(bound):
            bound.bind(str(site / "socket"))

            found = answers(site, "/pipe", "/socket")

        assert [status for status, _, _ in found] == [404, 404]

    def test_well_known(self, site):
        """`.well-known` is for everybody (RFC 8615)."""
        ((status, _, body),) = answers(site, "/.well-known/security.txt")

        assert (status, body) == (200, b"well known")


class TestService:
    def test_restart(self, site):
        """A stopped server has let go of its port, and serves again; a second start or stop does nothing."""

        async def main():
            server = FileServer(str(site), 0)
            ports = []
            for _ in range(2):
                await server.startService()
                await server.startService()
                assert (await ask(server, "/page.html"))[0] == 200
                ports.append(port_of(server))
                await server.stopService()
                await server.stopService()
                assert not server.sockets
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", ports[-1])

        asyncio.run(main())

    def test_another_loop(self, site):
        """A server whose loop was closed serves in another one."""
        server = FileServer(str(site), 0)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(server.startService())
        loop.close()

        async def again():
            await server.startService()
            try:
                return await ask(server, "/page.html")
            finally:
                await server.stopService()

        assert asyncio.run(again())[0] == 200

    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_state(self, site, kind):
        """A running server is saved as what it was made from."""
        application = Application("web")
        server = makeService(Options(site, 0))
        server.setServiceParent(application)

        async def saved():
            application.privilegedStartService()
            await application.startService()
            try:
                return appsnap.dumps(application, kind=kind)
            finally:
                await application.stopService()

        restored = appsnap.loads(asyncio.run(saved()), trust=appsnap.EVERYTHING)

        (restored_server,) = restored
        assert vars(restored_server) == {
            "name": "web",
            "parent": restored,
            "path": str(site),
            "port": 0,
            "host": "127.0.0.1",
        }

    def test_grace(self, site):
        """A request under way is answered before the server has stopped; an idle connection isn't waited for."""

        async def main():
            server = FileServer(str(site), 0)
            (site / "large").write_bytes(bytes(20_000_000))
            await server.startService()
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
            _, idle = await asyncio.open_connection("127.0.0.1", port_of(server))
            writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            first = await reader.read(1)
            stopping = asyncio.ensure_future(server.stopService())
            rest = await reader.read()
            await stopping
            idle.close()
            writer.close()
            return first + rest

        assert asyncio.run(main()).partition(b"\r\n\r\n")[2] == bytes(20_000_000)

    def test_grace_ends(self, site):
        """A client that doesn't read is cut when the grace is over."""

        async def main():
            server = FileServer(str(site), 0)
            server.grace = 0.1
            (site / "large").write_bytes(bytes(20_000_000))
            await server.startService()
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server), limit=1000)
            writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            first = await reader.read(1)
            await server.stopService()
            with contextlib.suppress(ConnectionError):
                first += await reader.read()
            writer.close()
            return first

        assert 0 < len(asyncio.run(main())) < 20_000_000

    def test_no_request_is_lost(self, site, monkeypatch):
        """While a server stops and another one takes over its socket, each request is answered."""
        monkeypatch.setattr(base, "SETTLING", 60)  # the machine may be busy
        request = b"GET /page.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

        found = answers_over_restarts(
            lambda: [FileServer(str(site), 0), FileServer(str(site), 0)],
            request,
            size=11,
            pauses=(0, 0, 0.001, 0.02),
            times=10,
            limit=60,
        )

        assert {*found} == {b"<p>page</p>"}

    def test_last_answers(self, site, monkeypatch):
        """A server that stops answers what is on its way, and says that the connection ends."""
        monkeypatch.setattr(base, "SETTLING", 60)

        async def main():
            server = FileServer(str(site), 0)
            await server.startService()
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
            request = b"GET /page.html HTTP/1.1\r\nHost: a\r\n\r\n"
            writer.write(request)
            first = await reader.readuntil(b"</p>")
            stopping = asyncio.ensure_future(server.stopService())
            await asyncio.sleep(0)
            writer.write(request)
            second = await reader.read()
            writer.close()
            await stopping
            return first, second

        first, second = asyncio.run(main())

        assert b"Connection: close" not in first
        assert b"Connection: close" in second
        assert second.endswith(b"<p>page</p>")

    def test_no_folder(self, tmp_path):
        """A folder that isn't there is an error of the start, which leaves no socket."""
        server = FileServer(str(tmp_path / "nothing"), 0)

        with pytest.raises(FileNotFoundError, match="nothing"):
            asyncio.run(server.startService())
        assert not server.sockets

    def test_used_port(self, site):
        """A port that another server has is an error of the start."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            server = FileServer(str(site), other.getsockname()[1])

            with pytest.raises(OSError, match="in use"):
                server.privilegedStartService()

    def test_ipv6(self, site):
        """An address of IPv6 is one to listen on."""
        if not socket.has_ipv6:
            pytest.skip("no IPv6 here")

        async def main():
            server = FileServer(str(site), 0, "::1")
            await server.startService()
            family = server.sockets[0].family
            await server.stopService()
            return family

        try:
            assert asyncio.run(main()) == socket.AF_INET6
        except OSError as error:
            pytest.skip(f"no IPv6 here: {error}")


class TestPlugin:
    def test_defaults(self, tmp_path, monkeypatch):
        """The current folder is served on port 8080, to this machine alone."""
        monkeypatch.chdir(tmp_path)

        server = maker.makeService(maker.options())

        assert (server.name, server.path, server.port, server.host) == ("web", str(tmp_path), 8080, "127.0.0.1")

    @pytest.mark.parametrize("port", [-1, 65536])
    def test_port(self, port):
        """A port is a number that a port can be."""
        with pytest.raises(ValueError, match=f"a port is a number from 0 to 65535, not {port}"):
            Options(Path(), port)

    def test_without_aiohttp(self, monkeypatch, site):
        """Without aiohttp, the error says what to install: when it is made, and when a restored one starts."""
        monkeypatch.setitem(sys.modules, "aiohttp", None)

        with pytest.raises(errors.AppsnapError, match=r"pip install 'appsnap\[web\]'"):
            makeService(Options(site))
        with pytest.raises(errors.AppsnapError, match=r"pip install 'appsnap\[web\]'"):
            asyncio.run(FileServer(str(site), 0).startService())

    def test_imports(self, site):
        """To make it imports no aiohttp."""
        code = (
            "import sys; from pathlib import Path; from appsnap.web import maker;"
            f"maker.makeService(maker.options(Path({str(site)!r}))); print('aiohttp' in sys.modules)"
        )

        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert done.stdout == "False\n"
