"""Clients that have been used: they come back unconnected, and connect again."""

import asyncio
import http.client
import http.server
import subprocess
import sys
import threading

import pytest

import appsnap
from appsnap.kinds import KINDS


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer with the client's port."""
        body = str(self.client_address[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def port():
    """Return the port of a server that keeps connections."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def restored(obj, kind):
    return appsnap.loads(appsnap.dumps(obj, kind=kind), trust=appsnap.EVERYTHING)


@pytest.mark.parametrize("kind", KINDS)
class TestClients:
    def test_http(self, port, kind):
        """A connection of Python's own, between two requests."""

        def ask(client):
            client.request("GET", "/")
            return client.getresponse().read()

        client = http.client.HTTPConnection("127.0.0.1", port)
        first = ask(client)

        other = restored(client, kind)

        assert other.sock is None
        assert ask(other) != first
        assert ask(client) == first
        other.close()
        client.close()

    def test_aiohttp(self, port, kind):
        """A session with a connection in its pool, in a running loop."""
        aiohttp = pytest.importorskip("aiohttp")

        async def ask(session):
            async with session.get(f"http://127.0.0.1:{port}/") as answer:
                return await answer.read()

        async def main():
            async with aiohttp.ClientSession() as session:
                first = await ask(session)
                async with restored(session, kind) as other:
                    assert await ask(other) != first
                assert await ask(session) == first

        asyncio.run(main())

    def test_headers_of_aiohttp(self, port, kind):
        """A client may keep an answer: its headers are a view, in C."""
        aiohttp = pytest.importorskip("aiohttp")

        async def main():
            async with aiohttp.request("GET", f"http://127.0.0.1:{port}/") as answer:
                await answer.read()
                headers = restored(answer.headers, kind)
            assert type(headers) is type(answer.headers)
            assert headers["content-LENGTH"] == answer.headers["Content-Length"]

        asyncio.run(main())

    def test_fresh_process(self, port, kind, tmp_path):
        """A process that has saved nothing makes the left-out attributes anew."""
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.request("GET", "/")
        client.getresponse().read()
        (tmp_path / "client").write_bytes(appsnap.dumps(client, kind=kind))
        client.close()
        code = (
            "import appsnap; client = appsnap.load('client', trust=appsnap.EVERYTHING)\n"
            "client.request('GET', '/'); print(client.getresponse().status, client.sock is not None)"
        )

        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
        )

        assert (done.stdout, done.stderr) == ("200 True\n", "")
