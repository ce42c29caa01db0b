"""tornado: a web application with handlers, templates and a periodic callback."""

import asyncio

import tornado.httpserver
import tornado.ioloop
import tornado.template
import tornado.testing
import tornado.web
from tornado.httpclient import AsyncHTTPClient

GROUP = "unseen"
PACKAGES = ("tornado",)


class Item(tornado.web.RequestHandler):
    def initialize(self, shop):
        self.shop = shop

    def get(self, number):
        self.shop.hits += 1
        self.write({"item": int(number), "hits": self.shop.hits})


class Shop:
    def __init__(self):
        self.hits = 41
        self.beats = 0
        self.page = tornado.template.Template("Hello {{ name }}")
        self.app = tornado.web.Application([(r"/items/(\d+)", Item, {"shop": self}, "item")], cookie_secret="s")
        self.clock = tornado.ioloop.PeriodicCallback(self.beat, 10)

    def beat(self):
        self.beats += 1


def build(folder):
    return Shop()


def facts(shop):
    return {
        "path": shop.app.reverse_url("item", 3),
        "hits": shop.hits,
        "secret": shop.app.settings["cookie_secret"],
        "page": shop.page.generate(name="Ann").decode(),
        "running": shop.clock.is_running(),
    }


async def use(shop, folder):
    server = tornado.httpserver.HTTPServer(shop.app)
    socket, port = tornado.testing.bind_unused_port()
    server.add_socket(socket)
    shop.clock.start()
    client = AsyncHTTPClient()
    answer = await client.fetch(f"http://127.0.0.1:{port}/items/7")
    assert answer.body == b'{"item": 7, "hits": 42}'
    while not shop.beats:
        await asyncio.sleep(0.01)
    shop.clock.stop()
    client.close()
    server.stop()
    await server.close_all_connections()
