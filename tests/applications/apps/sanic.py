"""sanic: a blueprint, middleware, a listener, an error handler; served by uvicorn."""

from over_http import client_of
from sanic import Blueprint, Sanic, json, text

GROUP = "web"
PACKAGES = ("sanic", "uvicorn")

shop = Blueprint("shop", url_prefix="/items")


@shop.get("/<number:int>")
async def item(request, number):
    request.app.ctx.hits += 1
    return json({"item": number, "hits": request.app.ctx.hits, "begun": request.app.ctx.begun})


async def broken(request):
    raise KeyError("shelf")


async def no_such_key(request, error):
    return text(f"no {error}", 404)


async def begin(app):
    app.ctx.begun = True


async def add_header(request, response):
    response.headers["x-shop"] = "tea"


def build(folder):
    app = Sanic("Shop", configure_logging=False)
    app.ctx.hits = 41
    app.blueprint(shop)
    app.add_route(broken, "/broken")
    app.error_handler.add(KeyError, no_such_key)
    app.register_listener(begin, "before_server_start")
    app.register_middleware(add_header, "response")
    return app


def facts(app):
    return {"name": app.name, "hits": app.ctx.hits, "routes": sorted(route.path for route in app.router.routes)}


async def use(app, folder):
    async with client_of(app) as client:
        answer = await client.get("/items/7")
        assert answer.json() == {"item": 7, "hits": 42, "begun": True}
        assert answer.headers["x-shop"] == "tea"
        assert (await client.get("/broken")).text == "no 'shelf'"
