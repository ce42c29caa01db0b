import pickle
import subprocess
import sys

import pytest

import appsnap
from appsnap import effects
from appsnap.errors import CannotSave
from appsnap.kinds import KINDS

pytest.importorskip("twisted")

from twisted.application import internet, service
from twisted.internet import defer, endpoints, protocol, reactor, task
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger, globalLogPublisher
from twisted.persisted import styles
from twisted.python import logfile
from twisted.web import resource, server


class Noted(service.Service):
    """Forgets an attribute in the way of Twisted's services."""

    persistenceForgets = ("handle",)  # noqa: N815 - Twisted's name

    def __getstate__(self):
        return dict(self.__dict__)


class Old(styles.Versioned):
    persistenceVersion = 1  # noqa: N815 - as above

    def upgradeToVersion2(self):
        """Upgrade."""
        self.upgraded = True


class Client:
    """Fires its own Deferreds."""

    def __init__(self):
        self.connected = defer.Deferred()
        self.ready = defer.Deferred()

    def note(self, results):
        """Keep the results."""
        self.noted = results


def waited():
    """Return a Deferred that a method of another object fires, and that object."""
    waiting = defer.Deferred()
    call = reactor.callLater(60, waiting.callback, None)
    waiting.addErrback(lambda _: call.cancel())
    return waiting, call


async def wait_for(one):
    await one


def awaited():
    """Return a Deferred that a coroutine waits for, and the Deferred of the coroutine."""
    waiting = defer.Deferred()
    return waiting, defer.Deferred.fromCoroutine(wait_for(waiting)).addErrback(lambda _: None)


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

    def test_versioned(self, kind, monkeypatch):
        """Old state is upgraded."""
        monkeypatch.setattr(styles, "versionedsToUpgrade", {})
        data = appsnap.dumps(Old(), kind)
        monkeypatch.setattr(Old, "persistenceVersion", 2)

        assert appsnap.loads(data, kind=kind, trust=appsnap.EVERYTHING).upgraded

    def test_ephemeral(self, kind):
        """An object that is never saved comes back as a bare one."""
        assert type(again([styles.Ephemeral()], kind)[0]) is styles.Ephemeral


class TestRefused:
    """What only a running reactor can make."""

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda: reactor.callLater(60, print), "a call that the reactor has scheduled"),
            (lambda: task.deferLater(reactor, 60, print), "a Deferred that is waited for"),
            (lambda: waited()[0], "a Deferred that is waited for"),
            (lambda: awaited()[0], "a Deferred that is waited for"),
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
            if isinstance(thing, defer.Deferred):
                thing.addErrback(lambda _: None)
            for stop in ("cancel", "stopListening"):
                if hasattr(thing, stop):
                    getattr(thing, stop)()

        (place,) = raised.value.places
        assert place.path == 'object["a"][0]'
        assert reason in place.reason
        assert "__transient__" in place.advice

    def test_result(self, kind):
        """A Deferred that has its result is an object like another one."""
        assert again(defer.succeed(7), kind).result == 7

    def test_of_the_tree(self, kind):
        """A Deferred that an object of the tree will fire is fired by the restored object."""
        client = Client()
        both = defer.DeferredList([client.connected, client.ready])
        both.addCallback(client.note)

        restored = again(client, kind)
        restored.connected.callback(1)
        restored.ready.callback(2)

        assert restored.noted == [(True, 1), (True, 2)]
        assert not client.connected.called


class TestLogFile:
    """A log of Twisted's."""

    @pytest.mark.parametrize("made", [logfile.LogFile, logfile.DailyLogFile])
    def test_goes_on(self, made, kind, tmp_path):
        """It goes on at its end, also where it was written to meanwhile, and rotates. The live one goes on, too."""
        log = made("shop.log", str(tmp_path))
        log.write("one\n")
        data = appsnap.dumps(log, kind)
        log.write("two\n")

        restored = appsnap.loads(data, kind=kind, trust=appsnap.EVERYTHING)
        restored.write("three\n")

        assert (tmp_path / "shop.log").read_text() == "one\ntwo\nthree\n"
        assert not restored.shouldRotate()
        restored.rotate()
        restored.write("five\n")
        assert (tmp_path / "shop.log").read_text() == "five\n"
        restored.close()
        log.close()

    def test_in_a_trial(self, tmp_path):
        """Nothing is made or written by a trial."""
        log = logfile.LogFile("shop.log", str(tmp_path))
        data = appsnap.dumps(log, "msgpack")
        log.close()
        (tmp_path / "shop.log").unlink()

        with effects.trial():
            restored = appsnap.loads(data, kind="msgpack", trust=appsnap.EVERYTHING)
            restored.write("lost\n")
        restored.close()

        assert not [*tmp_path.iterdir()]

    def test_of_a_stranger(self, tmp_path):
        """A stranger's log is written where its path is granted."""
        log = logfile.LogFile("shop.log", str(tmp_path))
        data = appsnap.dumps(log, "msgpack", sign=False)
        log.close()

        with pytest.raises(appsnap.NotTrusted) as refused:
            appsnap.loads(data, kind="msgpack")
        grants = [want.grant for want in refused.value.wants]
        restored = appsnap.loads(data, kind="msgpack", trust=grants)
        restored.write("one\n")
        restored.close()

        assert grants == ["twisted.python.logfile.LogFile", f"write:{tmp_path / 'shop.log'}"]
        assert (tmp_path / "shop.log").read_text() == "one\n"


def test_pickle_untouched():
    """Pickle itself learns nothing of this."""
    assert pickle.loads(pickle.dumps(defer.succeed(7))).result == 7


@pytest.mark.parametrize("kind", KINDS)
def test_fresh_process(kind, tmp_path):
    """A process that has saved nothing makes the attributes anew, too."""
    appsnap.save(server.Site(resource.Resource()), tmp_path / "site", kind=kind)
    program = (
        "import sys, appsnap; site = appsnap.load(sys.argv[1], trust=appsnap.EVERYTHING); "
        "assert site.sessions == {} and site._logDateTimeCall is None and site.numPorts == 0"
    )

    subprocess.run([sys.executable, "-c", program, tmp_path / "site"], check=True)
