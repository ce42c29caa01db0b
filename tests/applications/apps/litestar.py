"""litestar: handlers, state, a dependency; served by uvicorn."""

import contextlib

import httpx
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.di import Provide

from appsnap.hosting.recognise import served

GROUP = "web"
PACKAGES = ("litestar", "uvicorn")


async def shelf() -> str:
    return "three"


@get("/items/{number:int}")
async def item(number: int, state: State, shelf: str) -> dict[str, object]:
    state.hits += 1
    return {"item": number, "hits": state.hits, "shelf": shelf}


@contextlib.asynccontextmanager
async def client_of(app):
    """Serve the application, and yield a client."""
    application = served(app, "shop", "127.0.0.1", 0)
    await application.startService()
    try:
        (bound,) = application.services[0].sockets
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}") as client:
            yield client
    finally:
        await application.stopService()


def build(folder):
    return Litestar([item], state=State({"hits": 41}), dependencies={"shelf": Provide(shelf)})


def facts(app):
    return {"hits": app.state.hits, "routes": sorted(route.path for route in app.routes)}


async def use(app, folder):
    async with client_of(app) as client:
        assert (await client.get("/items/7")).json() == {"item": 7, "hits": 42, "shelf": "three"}
        assert (await client.get("/nowhere")).status_code == 404
