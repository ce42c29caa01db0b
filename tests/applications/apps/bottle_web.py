"""bottle: an application with routes, hooks, a mounted one, an error page and a template."""

import io

import bottle

GROUP = "unseen"
PACKAGES = ("bottle",)


class Shop:
    def __init__(self):
        self.hits = 41
        self.app = bottle.Bottle()
        self.app.config["shop.name"] = "Bolts"
        self.app.route("/items/<number:int>", "GET", self.item, name="item")
        self.app.error(404)(self.not_found)
        self.app.add_hook("before_request", self.count)
        self.inner = bottle.Bottle()
        self.inner.route("/about", "GET", about)
        self.app.mount("/sub/", self.inner)
        self.template = bottle.SimpleTemplate("{{name}}: {{hits}}")

    def count(self):
        self.hits += 1

    def item(self, number):
        return self.template.render(name=number, hits=self.hits)

    def not_found(self, error):
        return "nothing here"


def about():
    return "about us"


def build(folder):
    return Shop()


def facts(shop):
    return {"url": shop.app.get_url("item", number=3), "name": shop.app.config["shop.name"], "hits": shop.hits}


def get(app, path):
    status = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO()}
    body = b"".join(app(environ, lambda line, headers, *more: status.append(line)))
    return status[0][:3], body.decode()


def use(shop, folder):
    assert get(shop.app, "/items/7") == ("200", "7: 42")
    assert get(shop.app, "/sub/about") == ("200", "about us")
    assert get(shop.app, "/none") == ("404", "nothing here")
