"""httpx: a client that has been used, with cookies, headers, and a base address."""

import httpx
from over_http import ask

GROUP = "web"
PACKAGES = ("httpx",)


def build(folder):
    client = httpx.Client(headers={"x-shop": "tea"})
    assert ask(client) == "tea None"
    return client


def facts(client):
    return {"header": client.headers["x-shop"], "cookie": client.cookies["shelf"]}


def use(client, folder):
    assert ask(client) == "tea shelf=three"
