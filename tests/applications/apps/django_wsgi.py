"""django: urls, a view, a template, middleware; settings of the module; served by waitress."""

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, JsonResponse
from django.template import engines
from django.urls import path, reverse
from over_http import client_of

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


def build(folder):
    return Handler()


def facts(app):
    return {"path": reverse("item", args=[3]), "hits": app.hits, "hosts": settings.ALLOWED_HOSTS}


async def use(app, folder):
    async with client_of(app) as client:
        assert (await client.get("/items/7")).json() == {"item": 7, "hits": 42}
        assert (await client.get("/")).text == "Hello Ann"
        assert (await client.get("/nowhere")).status_code == 404
