"""quart: a blueprint, a template, hooks of its serving; served by uvicorn."""

import contextlib

import httpx
from quart import Blueprint, Quart, current_app, render_template_string

from appsnap.hosting.recognise import served

GROUP = "web"
PACKAGES = ("quart", "uvicorn")

shop = Blueprint("shop", __name__, url_prefix="/items")


@shop.get("/<int:number>")
async def item(number):
    current_app.config["HITS"] += 1
    return {"item": number, "hits": current_app.config["HITS"], "begun": current_app.config["BEGUN"]}


async def page():
    return await render_template_string("Hello {{ name }}", name="Ann")


async def begin():
    current_app.config["BEGUN"] = True


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
    app = Quart(__name__)
    app.config["HITS"] = 41
    app.register_blueprint(shop)
    app.add_url_rule("/", view_func=page)
    app.before_serving(begin)
    return app


def facts(app):
    return {"rules": sorted(rule.rule for rule in app.url_map.iter_rules()), "hits": app.config["HITS"]}


async def use(app, folder):
    async with client_of(app) as client:
        assert (await client.get("/items/7")).json() == {"item": 7, "hits": 42, "begun": True}
        assert (await client.get("/")).text == "Hello Ann"
        assert (await client.get("/nowhere")).status_code == 404
