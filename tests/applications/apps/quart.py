"""quart: a blueprint, a template, hooks of its serving; served by uvicorn."""

from over_http import client_of
from quart import Blueprint, Quart, current_app, render_template_string

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
