"""An application of Twisted's for the tests: a web server, a timer, and things that the tests ask for by a URL."""

import os

from twisted.application import internet, service, strports
from twisted.internet import defer, reactor, task, threads
from twisted.python import log
from twisted.web import resource, server


class Pages(resource.Resource):
    isLeaf = True
    hits = ticks = 0

    def tick(self):
        self.ticks += 1

    def render_GET(self, request):
        self.hits += 1
        match request.path:
            case b"/stop":
                reactor.callLater(0, reactor.stop)
            case b"/thread":
                threads.deferToThread(os.getpid).addCallback(lambda pid: request.finish())
                return server.NOT_DONE_YET
            case b"/child":
                from twisted.internet import utils

                utils.getProcessValue("/bin/sh", ("-c", "exit 7")).addCallback(
                    lambda code: (request.write(b"%d" % code), request.finish())
                )
                return server.NOT_DONE_YET
            case b"/log":
                log.msg("a line for the log")
            case b"/error":
                log.err(ValueError("an error for the log"))
        return b"%d hits, %d ticks" % (self.hits, self.ticks > 0)


class Slow(service.Service):
    """Takes its time to stop, fails, or never ends, as the environment says."""

    def privilegedStartService(self):
        print("privileged", reactor.running)
        for phase in ("before", "during", "after"):
            reactor.addSystemEventTrigger(phase, "shutdown", print, phase, "shutdown", flush=True)

    def startService(self):
        super().startService()
        print("started", reactor.running, flush=True)
        if "FAIL" in os.environ:
            raise ValueError("no start")

    def stopService(self):
        super().stopService()
        print("stopping", flush=True)
        if "NEVER" in os.environ:
            return defer.Deferred()
        stopped = task.deferLater(reactor, 0.05, print, "stopped", flush=True)
        if "BROKEN" in os.environ:
            stopped.addCallback(lambda _: 1 / 0)
        return stopped


application = service.Application("pages")
service.IProcess(application).processName = "the-pages"
pages = Pages()
web = strports.service("tcp:0:interface=127.0.0.1", server.Site(pages))
web.setName("web")
web.setServiceParent(application)
timer = internet.TimerService(0.01, pages.tick)
timer.setName("timer")
timer.setServiceParent(application)
slow = Slow()
slow.setName("slow")
slow.setServiceParent(application)
