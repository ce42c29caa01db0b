"""falcon: an ASGI application with resources, a middleware and an error handler."""

import falcon.asgi
import falcon.testing

GROUP = "unseen"
PACKAGES = ("falcon",)


class Items:
    def __init__(self):
        self.hits = 41

    async def on_get(self, request, response, number):
        self.hits += 1
        response.media = {"item": number, "hits": self.hits, "user": request.context.user}

    async def on_get_broken(self, request, response):
        raise KeyError("shelf")


class User:
    async def process_request(self, request, response):
        request.context.user = "ann"


async def no_such_key(request, response, error, params):
    response.status, response.text = falcon.HTTP_404, "no shelf"


class Shop:
    def __init__(self):
        self.items = Items()
        self.app = falcon.asgi.App(middleware=[User()])
        self.app.add_route("/items/{number:int}", self.items)
        self.app.add_route("/broken", self.items, suffix="broken")
        self.app.add_error_handler(KeyError, no_such_key)


def build(folder):
    return Shop()


def facts(shop):
    return {"hits": shop.items.hits, "media": sorted(shop.app.req_options.media_handlers)}


def use(shop, folder):
    client = falcon.testing.TestClient(shop.app)
    assert client.simulate_get("/items/7").json == {"item": 7, "hits": 42, "user": "ann"}
    assert client.simulate_get("/broken").text == "no shelf"
    assert client.simulate_get("/none").status_code == 404
