"""Twisted web: a site with pages, files and a virtual host, a server endpoint, and a timer."""

import urllib.request
from pathlib import Path

import in_reactor
from twisted.application import internet, service, strports
from twisted.web import resource, server, static, vhost

GROUP = "twisted"
PACKAGES = ("twisted",)


class Counter(resource.Resource):
    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self):
        super().__init__()
        self.hits, self.ticks = 41, 0

    def tick(self):
        self.ticks += 1

    def render_GET(self, request):
        self.hits += 1
        return b"%d" % self.hits


def build(folder):
    Path("public").mkdir(exist_ok=True)
    Path("public/hello.txt").write_text("hello")
    root = static.File("public")
    counter = Counter()
    root.putChild(b"counter", counter)
    hosts = vhost.NameVirtualHost()
    hosts.default = root
    other = static.Data(b"other", "text/plain")
    other.isLeaf = True
    hosts.addHost(b"other.example", other)
    application = service.Application("web")
    web = strports.service(f"tcp:{in_reactor.free_port()}:interface=127.0.0.1", server.Site(hosts))
    web.setName("web")
    web.setServiceParent(application)
    internet.TimerService(0.01, counter.tick).setServiceParent(application)
    return application


def facts(application):
    web = service.IServiceCollection(application).getServiceNamed("web")
    return {
        "services": in_reactor.names(application),
        "hits": web.factory.resource.default.children[b"counter"].hits,
        "hosts": [name.decode() for name in web.factory.resource.hosts],
    }


def use(application, folder):
    web = service.IServiceCollection(application).getServiceNamed("web")
    counter = web.factory.resource.default.children[b"counter"]

    def get(path, **headers):
        url = f"http://127.0.0.1:{web.endpoint._port}/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.read()

    def call():
        assert get("counter") == b"42"
        assert get("hello.txt") == b"hello"
        assert get("", Host="other.example") == b"other"
        while not counter.ticks:
            pass

    in_reactor.run(application, call)
