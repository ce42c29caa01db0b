"""flask: a blueprint, a template, hooks, an error handler; served by waitress."""

import contextlib

import httpx
from flask import Blueprint, Flask, current_app, g, render_template_string

from appsnap.hosting.recognise import served

GROUP = "web"
PACKAGES = ("flask", "waitress")

shop = Blueprint("shop", __name__, url_prefix="/items")


@shop.before_request
def count():
    current_app.config["HITS"] += 1
    g.hits = current_app.config["HITS"]


@shop.get("/<int:number>")
def item(number):
    return {"item": number, "hits": g.hits}


def page():
    return render_template_string("Hello {{ name }}", name="Ann")


def broken():
    raise KeyError("shelf")


def no_such_key(error):
    return f"no {error}", 404


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
    app = Flask(__name__)
    app.config["HITS"] = 41
    app.register_blueprint(shop)
    app.add_url_rule("/", view_func=page)
    app.add_url_rule("/broken", view_func=broken)
    app.register_error_handler(KeyError, no_such_key)
    return app


def facts(app):
    return {"rules": sorted(rule.rule for rule in app.url_map.iter_rules()), "hits": app.config["HITS"]}


async def use(app, folder):
    async with client_of(app) as client:
        assert (await client.get("/items/7")).json() == {"item": 7, "hits": 42}
        assert (await client.get("/")).text == "Hello Ann"
        assert (await client.get("/broken")).text == "no 'shelf'"
