"""python-socketio: a server of asyncio with events and a namespace, served by uvicorn, and a client."""

import asyncio

import socketio
from over_http import address_of

GROUP = "services"
PACKAGES = ("python-socketio", "aiohttp", "uvicorn")


class Chat(socketio.AsyncNamespace):
    async def on_say(self, sid, words):
        await self.emit("said", words.upper(), room=sid)
        return "ok"


class Shop:
    def __init__(self):
        self.server = socketio.AsyncServer(async_mode="asgi")
        self.server.on("order", self.order)
        self.server.register_namespace(Chat("/chat"))
        self.app = socketio.ASGIApp(self.server)
        self.client = socketio.AsyncClient(reconnection=False)
        self.client.on("said", self.said, namespace="/chat")
        self.orders = []
        self.heard = asyncio.Queue()

    async def order(self, sid, order):
        self.orders.append(order)
        return len(self.orders)

    async def said(self, words):
        await self.heard.put(words)


def build(folder):
    return Shop()


def facts(shop):
    return {"events": sorted(shop.server.handlers["/"]), "orders": shop.orders} | {
        "namespaces": sorted(shop.server.namespace_handlers)
    }


async def use(shop, folder):
    async with address_of(shop.app) as address:
        await shop.client.connect(address, namespaces=["/", "/chat"])
        assert await shop.client.call("order", {"tea": 1}) == 1
        assert await shop.client.call("say", "tea", namespace="/chat") == "ok"
        assert await shop.heard.get() == "TEA"
        await shop.client.disconnect()
        await shop.server.shutdown()
    assert shop.orders == [{"tea": 1}]
