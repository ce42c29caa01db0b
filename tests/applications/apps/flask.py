"""flask: a blueprint, a template, hooks, an error handler; served by waitress."""

from flask import Blueprint, Flask, current_app, g, render_template_string
from over_http import client_of

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
