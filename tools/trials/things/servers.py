"""Twisted's services, protocols and deferreds, and appsnap's own services."""

import asyncio

from twisted.application import internet, service
from twisted.cred import checkers, portal
from twisted.internet import defer, protocol, reactor, task
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.python import failure, filepath, log, logfile, usage
from twisted.web import resource, server, static

import appsnap.service
from appsnap import evolve

from trials.things import filled


class Echo(protocol.Protocol):
    """A protocol."""


class EchoFactory(protocol.Factory):
    """A factory."""

    protocol = Echo

    def __init__(self):
        self.seen = []


class Page(resource.Resource):
    """A page."""

    isLeaf = True

    def __init__(self, text):
        super().__init__()
        self.text = text


class Own(appsnap.service.Service):
    """A service of appsnap."""

    def __init__(self, n):
        self.n = n


class OwnMany(appsnap.service.MultiService):
    """Several of them."""

    __transient__ = ("cache",)

    def __init__(self):
        super().__init__()
        self.cache = [1]


class Forgets(service.Service):
    """A service of Twisted that keeps all of its state."""

    def __getstate__(self):
        return dict(vars(self))


class Versioned(evolve.Versioned):
    """With a version."""

    persistenceVersion = 2

    def __init__(self):
        self.a = 1


def tick(n=1):
    """Tick."""
    return n


def _application():
    it = service.Application("shop")
    internet.TCPServer(8080, server.Site(static.File("."))).setServiceParent(it)
    internet.TimerService(5, tick).setServiceParent(it)
    return it


def _multi():
    it = service.MultiService()
    it.setName("m")
    filled(service.Service(), a=1).setServiceParent(it)
    return it


def _own():
    it = appsnap.service.Application("own")
    many = OwnMany()
    many.setServiceParent(it)
    Own(3).setServiceParent(many)
    return it


def _running(cls):
    it = cls()
    it.running = 1
    return it


def _root():
    root = Page("root")
    root.putChild(b"a", Page("a"))
    return root


def _failure():
    try:
        raise ValueError("x")
    except ValueError:
        return failure.Failure()


def _names(application):
    return [type(s).__name__ for s in service.IServiceCollection(application)]


THINGS = {
    "application": _application,
    "multi service": _multi,
    "service running": lambda: _running(service.Service),
    "service that forgets": lambda: _running(Forgets),
    "tcp server": lambda: internet.TCPServer(80, EchoFactory()),
    "tcp client": lambda: internet.TCPClient("localhost", 80, EchoFactory()),
    "stream server": lambda: internet.StreamServerEndpointService(TCP4ServerEndpoint(reactor, 80), EchoFactory()),
    "timer service": lambda: internet.TimerService(1, tick, n=2),
    "factory": EchoFactory,
    "factory for protocol": lambda: protocol.Factory.forProtocol(Echo),
    "site": lambda: server.Site(_root()),
    "resource": _root,
    "static file": lambda: static.File("/tmp"),  # noqa: S108
    "static data": lambda: static.Data(b"a", "text/plain"),
    "file path": lambda: filepath.FilePath("/tmp"),  # noqa: S108
    "reactor": lambda: reactor,
    "reactor in a part": lambda: {"clock": reactor},
    "looping call": lambda: task.LoopingCall(tick),
    "clock": task.Clock,
    "deferred": defer.Deferred,
    "deferred done": lambda: defer.succeed(1),
    "deferred lock": defer.DeferredLock,
    "deferred queue": defer.DeferredQueue,
    "failure": _failure,
    "checker": lambda: checkers.InMemoryUsernamePasswordDatabaseDontUse(a=b"b"),
    "portal": lambda: portal.Portal(None),
    "options": usage.Options,
    "log file": lambda: logfile.LogFile("zoo.log", __import__("tempfile").mkdtemp()),
    "log function": lambda: log.msg,
    "own application": _own,
    "own service": lambda: Own(5),
    "own running": lambda: _running(OwnMany),
    "own versioned": Versioned,
    "own future": asyncio.Future if False else lambda: asyncio.new_event_loop().create_future(),
}
CHECKS = {
    "application": lambda a: (_names(a), service.IService(a).name, list(service.IServiceCollection(a))[0].args[0]),
    "multi service": lambda m: (m.name, m.services[0].a, m.services[0].parent is m),
    "service running": lambda s: type(s),
    "service that forgets": lambda s: type(s),
    "tcp server": lambda t: (t.args[0], t.args[1].seen, t.method),
    "stream server": lambda s: (s.endpoint._reactor is reactor, s.factory.seen),
    "timer service": lambda t: (t.step, t.call),
    "reactor": lambda r: r is reactor,
    "reactor in a part": lambda r: r["clock"] is reactor,
    "looping call": lambda c: (c.f, c.clock is reactor),
    "site": lambda s: s.resource.children[b"a"].text,
    "resource": lambda r: r.children[b"a"].text,
    "own application": lambda a: [s.n for m in appsnap.service.IServiceCollection(a) for s in m],
    "own running": lambda s: getattr(s, "services", None),
    "failure": lambda f: (f.type, f.getErrorMessage()),
    "own versioned": lambda v: v.a,
    "clock": lambda c: c.seconds(),
    "log file": lambda f: f.name,
    "factory": lambda f: (f.seen, f.protocol),
    "checker": lambda c: c.users,
    "options": dict,
    "deferred done": lambda d: d.result,
}
OPAQUE = set(CHECKS) | {"deferred", "own future", "stream server"}
