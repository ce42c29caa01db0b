"""httpx: a client that has been used, with cookies, headers, and a base address."""

import http.server
import threading

import httpx

GROUP = "web"
PACKAGES = ("httpx",)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"{self.headers['x-shop']} {self.headers['cookie']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "shelf=three")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def ask(client):
    """Let the client ask a server, and keep its connection. Returns the answer."""
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


def build(folder):
    client = httpx.Client(headers={"x-shop": "tea"})
    assert ask(client) == "tea None"
    return client


def facts(client):
    return {"header": client.headers["x-shop"], "cookie": client.cookies["shelf"]}


def use(client, folder):
    assert ask(client) == "tea shelf=three"
