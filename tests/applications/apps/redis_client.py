"""redis: a client that has been used, with its pool of connections."""

import socketserver
import threading

import redis

GROUP = "libraries"
PACKAGES = ("redis",)


class Handler(socketserver.StreamRequestHandler):
    """Speaks a few words of the protocol."""

    def handle(self):
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2].decode())
            self.wfile.write(self.answer(words[0].upper(), *words[1:]).encode())

    def answer(self, command, *arguments):
        values = self.server.values
        if command == "SET":
            values[arguments[0]] = arguments[1]
        elif command == "GET":
            value = values.get(arguments[0])
            return "$-1\r\n" if value is None else f"${len(value)}\r\n{value}\r\n"
        return "+OK\r\n"


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def ask(shop):
    """Let the client ask a server, and keep its connection."""
    with Server(("127.0.0.1", shop["port"]), Handler) as server:
        shop["port"] = server.server_address[1]
        server.values = {"tea": "12"}
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            if shop["client"] is None:
                shop["client"] = redis.Redis(port=shop["port"], protocol=2, decode_responses=True)
            client = shop["client"]
            assert client.set("coffee", "3")
            return [client.get("tea"), client.get("coffee")]
        finally:
            server.shutdown()
            thread.join()


def build(folder):
    shop = {"port": 0, "client": None}
    assert ask(shop) == ["12", "3"]
    return shop


def facts(shop):
    pool = shop["client"].connection_pool
    return {"port": pool.connection_kwargs["port"], "most": pool.max_connections}


def use(shop, folder):
    assert ask(shop) == ["12", "3"]
