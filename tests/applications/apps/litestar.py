"""litestar: handlers, state, a dependency; served by uvicorn."""

from litestar import Litestar, get
from litestar.datastructures import State
from litestar.di import Provide
from over_http import client_of

GROUP = "web"
PACKAGES = ("litestar", "uvicorn")


async def shelf() -> str:
    return "three"


@get("/items/{number:int}")
async def item(number: int, state: State, shelf: str) -> dict[str, object]:
    state.hits += 1
    return {"item": number, "hits": state.hits, "shelf": shelf}


def build(folder):
    return Litestar([item], state=State({"hits": 41}), dependencies={"shelf": Provide(shelf)})


def facts(app):
    return {"hits": app.state.hits, "routes": sorted(route.path for route in app.routes)}


async def use(app, folder):
    async with client_of(app) as client:
        assert (await client.get("/items/7")).json() == {"item": 7, "hits": 42, "shelf": "three"}
        assert (await client.get("/nowhere")).status_code == 404
