"""Runs an application of Twisted's within the reactor, for the scripts of its applications."""

import socket

from twisted.application import service
from twisted.internet import defer, reactor, threads


def free_port():
    """Return a port that is free on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def run(application, call):
    """Start an application, call a function on another thread, stop the application, and raise what has failed."""
    failures = []

    async def work():
        root = service.IService(application)
        try:
            root.privilegedStartService()
            await defer.maybeDeferred(root.startService)
            await threads.deferToThread(call)
        finally:
            await defer.maybeDeferred(root.stopService)

    def begin():
        working = defer.Deferred.fromCoroutine(work())
        working.addErrback(failures.append)
        working.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    for failure in failures:
        failure.raiseException()


def names(application):
    """Return the classes of an application's services, each with its name, depth first."""
    found = []
    stack = [service.IService(application)]
    while stack:
        one = stack.pop()
        found.append([type(one).__qualname__, one.name, bool(one.running)])
        if service.IServiceCollection.providedBy(one):
            stack += [*one][::-1]
    return found


def made(name, module, *arguments):
    """Return the application that twistd makes of the options of a module."""
    options = module.Options()
    options.parseOptions(arguments)
    application = service.Application(name)
    module.makeService(options).setServiceParent(application)
    return application
