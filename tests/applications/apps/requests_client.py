"""requests: a session that has been used, with cookies and headers."""

import requests
from over_http import ask

GROUP = "web"
PACKAGES = ("requests",)


def build(folder):
    client = requests.Session()
    client.headers["x-shop"] = "tea"
    assert ask(client) == "tea None"
    return client


def facts(client):
    return {"header": client.headers["x-shop"], "cookie": client.cookies["shelf"]}


def use(client, folder):
    assert ask(client) == "tea shelf=three"
