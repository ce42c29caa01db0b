"""litestar: handlers, state, a dependency, a listener, a task of the run; served by uvicorn, and saved meanwhile."""

import asyncio

from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.events import listener
from over_http import client_of

import appsnap

GROUP = "web"
PACKAGES = ("litestar", "uvicorn")


async def shelf() -> str:
    return "three"


@get("/items/{number:int}")
async def item(number: int, state: State, shelf: str, request: Request) -> dict[str, object]:
    state.hits += 1
    request.app.emit("hit", state)
    return {"item": number, "hits": state.hits, "shelf": shelf}


@listener("hit")
async def count(state):
    state.heard += 1


async def begin(app):
    app.state.task = asyncio.create_task(asyncio.sleep(60))


async def end(app):
    app.state.task.cancel()


def build(folder):
    return Litestar(
        [item],
        state=State({"hits": 41, "heard": 0}),
        dependencies={"shelf": Provide(shelf)},
        listeners=[count],
        on_startup=[begin],
        on_shutdown=[end],
    )


def facts(app):
    return {"hits": app.state.hits, "routes": sorted(route.path for route in app.routes)}


async def use(app, folder):
    async with client_of(app) as client:
        assert (await client.get("/items/7")).json() == {"item": 7, "hits": 42, "shelf": "three"}
        assert (await client.get("/nowhere")).status_code == 404
        assert app.state.heard == 1
        saved = appsnap.loads(appsnap.dumps(app), trust=appsnap.EVERYTHING)
        assert saved.state.dict() == {"hits": 42, "heard": 1}
