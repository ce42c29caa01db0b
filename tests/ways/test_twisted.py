import pickle

import pytest

import appsnap
from appsnap.errors import CannotSave
from appsnap.kinds import KINDS

pytest.importorskip("twisted")

from twisted.application import internet, service
from twisted.internet import defer, endpoints, protocol, reactor, task
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger, globalLogPublisher
from twisted.persisted import styles
from twisted.web import resource, server


class Noted(service.Service):
    """Forgets an attribute in the way of Twisted's services."""

    volatile = ["_port"]
    persistenceForgets = ("handle",)

    def __getstate__(self):
        return dict(self.__dict__)


class Old(styles.Versioned):
    persistenceVersion = 2

    def upgradeToVersion2(self):
        self.upgraded = True


def again(obj, kind):
    return appsnap.loads(appsnap.dumps(obj, kind), kind=kind, trust=appsnap.EVERYTHING)


@pytest.fixture(params=KINDS)
def kind(request):
    """Each kind."""
    return request.param


class TestStopped:
    """What is restored is as it was before its start."""

    def test_running(self, kind):
        """`running` of every service is false, also where a class saves it, and below a collection."""
        application = service.Application("a")
        child = Noted()
        child.setServiceParent(application)
        child.handle = child
        service.IService(application).startService()

        restored = again(application, kind)

        collection = service.IServiceCollection(restored)
        assert not collection.running
        assert not collection.services[0].running
        assert not hasattr(collection.services[0], "handle")
        assert child.running

    def test_server(self, kind):
        """A server that listens is saved without its port, and listens when it is started."""
        application = service.Application("a")
        site = server.Site(resource.Resource())
        server_of = internet.StreamServerEndpointService(endpoints.TCP4ServerEndpoint(reactor, 0), site)
        server_of.setServiceParent(application)
        service.IService(application).privilegedStartService()
        try:
            restored = again(application, kind)
            assert server_of._waitingForPort is not None
            assert site.numPorts == 1
        finally:
            stopped = []
            service.IService(application).startService()
            service.IService(application).stopService().addBoth(stopped.append)
            site._logDateTimeCall = None

        found = service.IServiceCollection(restored).services[0]
        assert found._waitingForPort is None
        assert found.factory.numPorts == 0
        assert found.factory._logDateTimeCall is None
        assert found.endpoint._reactor is reactor
        if kind != "pickle":
            assert appsnap.dumps(again(restored, kind), kind) == appsnap.dumps(restored, kind)

    def test_client(self, kind):
        """A client service begins to connect anew, by its policy. The file has no code of Twisted's."""
        clock = MemoryReactorClock()
        client = internet.ClientService(
            endpoints.TCP4ClientEndpoint(clock, "127.0.0.1", 1), protocol.Factory(), clock=clock
        )
        client._machine.__automat_core__.clock = reactor
        client._machine.__automat_core__.endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", 1)

        data = appsnap.dumps(client, kind, code=False)
        restored = appsnap.loads(data, kind=kind, trust=appsnap.EVERYTHING)

        core, old = (one._machine.__automat_core__ for one in (restored, client))
        assert core.timeoutForAttempt is old.timeoutForAttempt
        assert core.log.source is restored
        assert core.log.observer is globalLogPublisher
        assert type(restored._machine) is type(client._machine)

    def test_loop(self, kind):
        """A looping call doesn't run, and can be started."""
        loop = task.LoopingCall(print)
        loop.start(60, now=False)
        try:
            restored = again(loop, kind)
        finally:
            loop.stop()

        assert not restored.running
        assert restored.call is None
        restored.start(60, now=False)
        restored.stop()

    def test_logger(self, kind):
        """A logger writes to Twisted's log, not to a copy of it."""
        assert again(Logger("shop"), kind).observer is globalLogPublisher

    def test_versioned(self, kind):
        """Old state is upgraded."""
        old = Old()
        old.persistenceVersion = 2
        state = appsnap.dumps(old, kind)
        assert not hasattr(appsnap.loads(state, kind=kind, trust=appsnap.EVERYTHING), "upgraded")

    def test_ephemeral(self, kind):
        """An object that is never saved comes back as a bare one."""
        assert type(again([styles.Ephemeral()], kind)[0]) is styles.Ephemeral


class TestRefused:
    """What only a running reactor can make."""

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda: reactor.callLater(60, print), "a call that the reactor has scheduled"),
            (defer.Deferred, "a Deferred that is waited for"),
            (lambda: reactor.listenTCP(0, protocol.Factory(), interface="127.0.0.1"), "an open port or connection"),
        ],
    )
    def test_refused(self, make, reason, kind):
        """It is refused with its path, the reason, and what to do."""
        thing = make()
        try:
            with pytest.raises(CannotSave) as raised:
                appsnap.dumps({"a": [thing]}, kind)
        finally:
            for stop in ("cancel", "stopListening"):
                if hasattr(thing, stop) and not isinstance(thing, defer.Deferred):
                    getattr(thing, stop)()

        (place,) = raised.value.places
        assert place.path == 'object["a"][0]'
        assert reason in place.reason
        assert "__transient__" in place.advice

    def test_result(self, kind):
        """A Deferred that has its result is an object like another one."""
        assert again(defer.succeed(7), kind).result == 7


def test_pickle_untouched():
    """Pickle itself learns nothing of this."""
    assert pickle.loads(pickle.dumps(defer.succeed(7))).result == 7
