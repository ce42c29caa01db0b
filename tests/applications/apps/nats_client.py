"""nats: a client that has been connected, with its JetStream and a subscription's callback."""

import asyncio

from nats.aio.client import Client
from nats.js.api import StreamConfig

GROUP = "services"
PACKAGES = ("nats-py",)


async def serve(reader, writer):
    """Speak a few words of the protocol: each message goes to the last subscription."""
    writer.write(b'INFO {"server_id":"x","version":"2.10.0","max_payload":1000,"headers":true}\r\n')
    subscription = b""
    while words := (await reader.readline()).split():
        if words[0] == b"PING":
            writer.write(b"PONG\r\n")
        elif words[0] == b"SUB":
            subscription = words[-1]
        elif words[0] == b"PUB":
            body = await reader.readexactly(int(words[-1]) + 2)
            writer.write(b"MSG %s %s %s\r\n%s" % (words[1], subscription, words[-1], body))
    writer.close()


class Bus:
    def __init__(self):
        self.client = Client()
        self.streams = self.client.jetstream(timeout=3)
        self.stream = StreamConfig(name="shop", subjects=["orders.*"], max_age=5)
        self.seen = []

    async def take(self, message):
        self.seen.append(message.data.decode())
        self.came.set()

    async def work(self):
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            _, port = server.sockets[0].getsockname()
            self.came = asyncio.Event()
            await self.client.connect(f"nats://127.0.0.1:{port}", name="shop", allow_reconnect=False)
            await self.client.subscribe("orders.new", cb=self.take)
            await self.client.publish("orders.new", b"tea")
            await self.came.wait()
            await self.client.close()


async def build(folder):
    bus = Bus()
    await bus.work()
    return bus


def facts(bus):
    return {"seen": bus.seen, "closed": bus.client.is_closed, "stream": bus.stream.as_dict()} | {
        "same": bus.streams._nc is bus.client
    }


async def use(bus, folder):
    await bus.work()
    assert bus.seen == ["tea", "tea"]
