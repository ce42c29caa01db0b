"""pyramid: an application with routes, views, a renderer, an event and a security policy."""

import io

from pyramid.config import Configurator
from pyramid.events import NewRequest
from pyramid.response import Response

GROUP = "unseen"
PACKAGES = ("pyramid",)
STRANGER = "a state with __bases__, which is Python's own"


class Policy:
    def identity(self, request):
        return "ann"

    def authenticated_userid(self, request):
        return "ann"

    def permits(self, request, context, permission):
        return permission == "buy"


def item(request):
    request.registry.settings["hits"] += 1
    return {"item": request.matchdict["number"], "hits": request.registry.settings["hits"]}


def admin(request):
    return Response("admin")


def seen(event):
    event.request.registry.settings["seen"].append(event.request.path)


def build(folder):
    with Configurator(settings={"hits": 41, "seen": []}) as config:
        config.set_security_policy(Policy())
        config.add_route("item", "/items/{number}")
        config.add_view(item, route_name="item", renderer="json", permission="buy")
        config.add_route("admin", "/admin")
        config.add_view(admin, route_name="admin", permission="rule")
        config.add_subscriber(seen, NewRequest)
        return config.make_wsgi_app()


def facts(app):
    return {"hits": app.registry.settings["hits"], "routes": [one.pattern for one in app.routes_mapper.get_routes()]}


def get(app, path):
    status = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "shop",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
    return b"".join(app(environ, lambda line, headers, *more: status.append(line))), status[0][:3]


def use(app, folder):
    assert get(app, "/items/7") == (b'{"item": "7", "hits": 42}', "200")
    assert get(app, "/admin")[1] == "403"
    assert get(app, "/none")[1] == "404"
    assert app.registry.settings["seen"] == ["/items/7", "/admin", "/none"]
