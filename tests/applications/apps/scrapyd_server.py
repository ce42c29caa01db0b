"""scrapyd: the service that runs spiders, with its web API."""

import urllib.request

import in_reactor
from scrapyd import get_application
from scrapyd.config import Config
from twisted.application import service

GROUP = "twisted"
PACKAGES = ("scrapyd",)


def build(folder):
    config = Config()
    for name, value in {
        "bind_address": "127.0.0.1",
        "http_port": str(in_reactor.free_port()),
        "eggs_dir": "eggs",
        "logs_dir": "logs",
        "dbs_dir": "dbs",
    }.items():
        config.cp.set("scrapyd", name, value)
    return get_application(config)


def facts(application):
    return {"services": in_reactor.names(application)}


def use(application, folder):
    web = [*service.IServiceCollection(application)][-1]
    port = (getattr(web, "args", None) and web.args[0]) or web.endpoint._port

    def call():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/daemonstatus.json", timeout=60) as answer:
            assert b'"status": "ok"' in answer.read()

    in_reactor.run(application, call)
