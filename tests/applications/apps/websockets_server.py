"""websockets: a server with paths and compression, and a client, neither of them started."""

import contextlib

from websockets.asyncio.client import connect
from websockets.asyncio.router import route
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from werkzeug.routing import Map, Rule

GROUP = "messaging"
PACKAGES = ("websockets", "werkzeug")
IN_LOOP = True


class Echo:
    def __init__(self):
        self.count = 0
        self.paths = Map([Rule("/echo/<name>", endpoint=self.handle)])
        extensions = [ServerPerMessageDeflateFactory(server_max_window_bits=11)]
        self.server = route(self.paths, "127.0.0.1", 0, ping_interval=None, extensions=extensions)
        self.client = connect("ws://127.0.0.1:1/echo/tea", open_timeout=60)

    async def handle(self, connection, name):
        async for message in connection:
            self.count += 1
            await connection.send(f"{name} {message} {self.count}")


async def build(folder):
    return Echo()


def facts(echo):
    return {"uri": echo.client.uri, "count": echo.count}


async def use(echo, folder):
    async with echo.server as server:
        _, port = server.sockets[0].getsockname()
        async with connect(f"ws://127.0.0.1:{port}/echo/tea") as connection:
            await connection.send("hot")
            assert await connection.recv() == "tea hot 1"
    with contextlib.suppress(OSError):
        await echo.client
        raise AssertionError("nobody listens there")
    del echo.server
