"""Serves applications over HTTP, and answers clients, for the scripts of web frameworks and of clients."""

import contextlib
import http.server
import threading

from appsnap.hosting.recognise import served


@contextlib.asynccontextmanager
async def address_of(app):
    """Serve an application on 127.0.0.1, and yield the address."""
    application = served(app, "shop", "127.0.0.1", 0)
    await application.startService()
    try:
        (bound,) = application.services[0].sockets
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        await application.stopService()


@contextlib.asynccontextmanager
async def client_of(app):
    """Serve an application, and yield a client of httpx."""
    import httpx

    async with address_of(app) as address, httpx.AsyncClient(base_url=address) as client:
        yield client


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the header and the cookie of a request, and sets a cookie."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer a request."""
        body = f"{self.headers['x-shop']} {self.headers['cookie']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "shelf=three")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Log nothing."""


def ask(client):
    """Let a client ask a server, and keep its connection. Returns the answer."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            return client.get(f"http://127.0.0.1:{server.server_port}/").text
        finally:
            server.shutdown()
            thread.join()
