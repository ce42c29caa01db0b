"""faststream: an application with a broker of redis, publishers, a router and a dependency, tried in memory."""

from faststream import Depends, FastStream
from faststream.redis import RedisBroker, RedisRouter, TestRedisBroker
from pydantic import BaseModel

GROUP = "services"
PACKAGES = ("faststream", "pydantic", "redis")
STRANGER = "takes a weak set and a set"

seen = []


class Order(BaseModel):
    name: str
    count: int = 1


def shop():
    return "bolts"


async def order(body: Order, owner: str = Depends(shop)) -> str:
    seen.append([owner, body.name, body.count])
    return f"{body.name}!"


async def done(body: str):
    seen.append(body)


async def started():
    seen.append("started")


class Shop:
    def __init__(self):
        self.broker = RedisBroker("redis://127.0.0.1:1")
        self.order = self.broker.publisher("orders-done")(self.broker.subscriber("orders")(order))
        self.router = RedisRouter(prefix="orders-")
        self.done = self.router.subscriber("done")(done)
        self.broker.include_router(self.router)
        self.app = FastStream(self.broker)
        self.app.on_startup(started)


async def build(folder):
    return Shop()


def facts(shop):
    return {"subscribers": len(shop.broker.subscribers), "same": shop.app.broker is shop.broker}


async def use(shop, folder):
    seen.clear()
    async with TestRedisBroker(shop.broker) as broker:
        await shop.app.start()
        await broker.publish({"name": "tea", "count": 3}, "orders")
        shop.order.mock.assert_called_once_with({"name": "tea", "count": 3})
        await shop.app.stop()
    assert seen == ["started", ["bolts", "tea", 3], "tea!"]
