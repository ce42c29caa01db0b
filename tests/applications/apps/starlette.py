"""starlette: routes, state, middleware, a lifespan, an error handler."""

import contextlib

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route

GROUP = "web"
PACKAGES = ("starlette",)


@contextlib.asynccontextmanager
async def lifespan(app):
    app.state.begun = True
    yield
    app.state.begun = False


async def item(request):
    request.app.state.hits += 1
    return JSONResponse({"item": request.path_params["number"], "hits": request.app.state.hits})


async def broken(request):
    raise KeyError("shelf")


async def no_such_key(request, error):
    return PlainTextResponse(f"no {error}", 404)


def build(folder):
    app = Starlette(
        routes=[Route("/items/{number:int}", item, name="item"), Mount("/sub", routes=[Route("/broken", broken)])],
        middleware=[Middleware(GZipMiddleware, minimum_size=10)],
        exception_handlers={KeyError: no_such_key},
        lifespan=lifespan,
    )
    app.state.hits = 41
    return app


def facts(app):
    return {"path": app.url_path_for("item", number=3), "hits": app.state.hits, "routes": len(app.routes)}


async def use(app, folder):
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        assert app.state.begun
        answer = await client.get("/items/7")
        assert answer.json() == {"item": 7, "hits": 42}
        assert (await client.get("/sub/broken")).text == "no 'shelf'"
    assert not app.state.begun
