"""fastapi: models, dependencies, a router, middleware, a lifespan; served by uvicorn."""

import contextlib
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.params import _Unset
from over_http import client_of
from pydantic import BaseModel

GROUP = "web"
PACKAGES = ("fastapi", "uvicorn")


class Item(BaseModel):
    name: str
    price: float = 1.5


@contextlib.asynccontextmanager
async def lifespan(app):
    app.state.begun = True
    yield {"shelf": "three"}
    app.state.begun = False


def count(request: Request) -> int:
    request.app.state.hits += 1
    return request.app.state.hits


router = APIRouter(prefix="/items")


@router.get("/{number}")
async def item(number: int, hits: Annotated[int, Depends(count)], request: Request):
    if number > 100:
        raise HTTPException(404, "no such item")
    return {"item": number, "hits": hits, "shelf": request.state.shelf}


@router.post("/")
async def add(item: Item) -> Item:
    return item


def build(folder):
    app = FastAPI(title="Shop", lifespan=lifespan)
    app.add_middleware(GZipMiddleware, minimum_size=10)
    app.include_router(router)
    app.post("/more")(add)
    app.state.hits = 41
    return app


def facts(app):
    bodies = [route.body_field for route in app.routes if getattr(route, "body_field", None)]
    return {
        "title": app.title,
        "hits": app.state.hits,
        "paths": sorted(app.openapi()["paths"]),
        "no examples": [body.field_info.example is _Unset for body in bodies],
    }


async def use(app, folder):
    async with client_of(app) as client:
        assert app.state.begun
        assert (await client.get("/items/7")).json() == {"item": 7, "hits": 42, "shelf": "three"}
        assert (await client.get("/items/700")).status_code == 404
        assert (await client.post("/items/", json={"name": "tea"})).json() == {"name": "tea", "price": 1.5}
        assert (await client.post("/items/", json={})).status_code == 422
    assert not app.state.begun
