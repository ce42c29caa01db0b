"""django: urls, a view, a template, middleware; settings of the module; served by waitress."""

import contextlib

import django
import httpx
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, JsonResponse
from django.template import engines
from django.urls import path, reverse

from appsnap.hosting.recognise import served

GROUP = "web"
PACKAGES = ("django", "waitress")

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="secret",
    ALLOWED_HOSTS=["127.0.0.1"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()


class Handler(WSGIHandler):
    """Counts the requests."""

    hits = 41

    def get_response(self, request):
        self.hits += 1
        request.hits = self.hits
        return super().get_response(request)


def item(request, number):
    return JsonResponse({"item": number, "hits": request.hits})


def page(request):
    return HttpResponse(engines["django"].from_string("Hello {{ name }}").render({"name": "Ann"}))


urlpatterns = [path("items/<int:number>", item, name="item"), path("", page)]


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
    return Handler()


def facts(app):
    return {"path": reverse("item", args=[3]), "hits": app.hits, "hosts": settings.ALLOWED_HOSTS}


async def use(app, folder):
    async with client_of(app) as client:
        assert (await client.get("/items/7")).json() == {"item": 7, "hits": 42}
        assert (await client.get("/")).text == "Hello Ann"
        assert (await client.get("/nowhere")).status_code == 404
