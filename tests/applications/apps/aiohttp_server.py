"""aiohttp's server: routes, a sub-application, keys, middleware, a context that ends with the server."""

import contextlib

from aiohttp import ClientSession, web
from over_http import address_of

GROUP = "web"
PACKAGES = ("aiohttp",)

HITS = web.AppKey("HITS", list)
BEGUN = web.AppKey("BEGUN", list)


async def item(request):
    request.app[HITS].append(request.match_info["number"])
    return web.json_response({"item": int(request.match_info["number"]), "hits": len(request.app[HITS])})


async def hello(request):
    return web.Response(text="hello")


@web.middleware
async def add_header(request, handler):
    answer = await handler(request)
    answer.headers["x-shop"] = "tea"
    return answer


async def context(app):
    app[BEGUN].append(True)
    yield
    app[BEGUN].append(False)


@contextlib.asynccontextmanager
async def client_of(app):
    """Serve the application, and yield a client."""
    async with address_of(app) as address, ClientSession(address) as client:
        yield client


def build(folder):
    app = web.Application(middlewares=[add_header])
    app[HITS] = ["1"]
    app[BEGUN] = []
    app.router.add_get(r"/items/{number:\d+}", item, name="item")
    app.cleanup_ctx.append(context)
    below = web.Application()
    below.router.add_get("/hello", hello)
    app.add_subapp("/sub", below)
    return app


def facts(app):
    return {"path": str(app.router["item"].url_for(number="3")), "hits": len(app[HITS]), "begun": app[BEGUN]}


async def use(app, folder):
    async with client_of(app) as client:
        answer = await client.get("/items/7")
        assert await answer.json() == {"item": 7, "hits": 2}
        assert answer.headers["x-shop"] == "tea"
        assert await (await client.get("/sub/hello")).text() == "hello"
        assert app[BEGUN] == [True]
    assert app[BEGUN] == [True, False]
