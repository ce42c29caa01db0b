"""The same assertions on Twisted's `application.service` and ours: a port is a change of import."""

from __future__ import annotations

import copy
import copyreg
import importlib
import random
from typing import ClassVar

import pytest
from zope.interface.verify import verifyObject


@pytest.fixture(params=["twisted.application.service", "appsnap.service"])
def service(request):
    """Give one of the two modules."""
    if request.param.startswith("twisted"):
        pytest.importorskip("twisted")
    before = dict(copyreg.dispatch_table)
    module = importlib.import_module(request.param)
    # Twisted changes how the whole process pickles, which is no business of other tests.
    copyreg.dispatch_table.clear()
    copyreg.dispatch_table.update(before)
    return module


@pytest.fixture
def named(service):
    """Give a function that makes a service of a name."""

    def make(name):
        made = service.Service()
        made.setName(name)
        return made

    return make


@pytest.fixture
def logged(service):
    """Give a class of services that write down their calls, and the list of these calls."""

    class Logged(service.Service):
        log: ClassVar = []

        def privilegedStartService(self):
            self.log.append(f"privileged {self.name}")
            service.Service.privilegedStartService(self)

        def startService(self):
            self.log.append(f"start {self.name}")
            service.Service.startService(self)

        def stopService(self):
            self.log.append(f"stop {self.name}")
            service.Service.stopService(self)

    return Logged


def family(service, cls, names):
    """Return a collection with children of these names."""
    parent = service.MultiService()
    for name in names:
        child = cls()
        child.setName(name)
        child.setServiceParent(parent)
    return parent


class TestNames:
    """The names that can be imported."""

    def test_all(self, service):
        """The names that a program imports are there."""
        for name in (
            *("Application", "IProcess", "IService", "IServiceCollection", "IServiceMaker", "MultiService", "Process"),
            *("Service", "ServiceMaker", "loadApplication"),
        ):
            assert hasattr(service, name)

    def test_interfaces(self, service):
        """Objects provide their interfaces."""
        assert verifyObject(service.IService, service.Service())
        assert verifyObject(service.IService, service.MultiService())
        assert verifyObject(service.IServiceCollection, service.MultiService())
        assert verifyObject(service.IProcess, service.Process())

    def test_methods(self, service):
        """The interfaces have the same names."""
        assert sorted(service.IService) == [
            *("disownServiceParent", "name", "parent", "privilegedStartService", "running", "setName"),
            *("setServiceParent", "startService", "stopService"),
        ]
        assert sorted(service.IServiceCollection) == ["__iter__", "addService", "getServiceNamed", "removeService"]
        assert sorted(service.IProcess) == ["gid", "processName", "uid"]
        assert sorted(service.IServiceMaker) == ["description", "makeService", "options", "tapname"]


class TestService:
    """A service alone."""

    def test_defaults(self, service):
        """A new service is nameless, alone, and stopped."""
        made = service.Service()

        assert made.name is None
        assert made.parent is None
        assert not made.running
        assert made.__getstate__() == {}

    def test_running(self, service):
        """Starting and stopping say so, and return None."""
        made = service.Service()

        assert made.privilegedStartService() is None
        assert not made.running
        assert made.startService() is None
        assert made.running
        assert made.stopService() is None
        assert not made.running

    def test_name(self, service, named):
        """The name is fixed once there is a parent, and free again without."""
        made = named("web")
        made.setServiceParent(service.MultiService())

        with pytest.raises(RuntimeError):
            made.setName("other")
        made.disownServiceParent()
        made.setName("other")
        assert made.name == "other"

    def test_getstate(self, named):
        """The state is without `running`, and the live object keeps it."""
        made = named("web")
        made.startService()

        assert made.__getstate__() == {"name": "web"}
        assert made.running

    def test_copy(self, named):
        """A copy of a running service is stopped."""
        made = named("web")
        made.startService()

        assert not copy.copy(made).running
        assert not copy.deepcopy(made).running
        assert copy.copy(made).name == "web"


class TestMultiService:
    """A collection and its children."""

    def test_empty(self, service):
        """A new collection is empty."""
        made = service.MultiService()

        assert list(made) == made.services == []
        assert made.namedServices == {}

    def test_children(self, service, named):
        """Children are in order, know their parent, and are found by name."""
        parent = service.MultiService()
        first, nameless, last = named("b"), service.Service(), named("a")
        for child in (first, nameless, last):
            child.setServiceParent(parent)

        assert list(parent) == parent.services == [first, nameless, last]
        assert parent.namedServices == {"b": first, "a": last}
        assert parent.getServiceNamed("a") is last
        assert first.parent is parent
        with pytest.raises(KeyError):
            parent.getServiceNamed("c")

    def test_duplicate(self, service, named):
        """A second child of one name is refused, by name."""
        parent = service.MultiService()
        named("web").setServiceParent(parent)

        with pytest.raises(RuntimeError, match="web"):
            named("web").setServiceParent(parent)
        assert len(list(parent)) == 1

    def test_disown(self, service, named):
        """A child that leaves is gone from all places."""
        parent = service.MultiService()
        child = named("web")
        child.setServiceParent(parent)

        assert child.disownServiceParent() is None

        assert child.parent is None
        assert list(parent) == []
        assert parent.namedServices == {}

    def test_remove_stranger(self, service):
        """A nameless service that isn't a child can't be removed."""
        with pytest.raises(ValueError):
            service.MultiService().removeService(service.Service())

    def test_moves(self, service, named):
        """A new parent takes the child from the old one."""
        old, new = service.MultiService(), service.MultiService()
        child = named("web")
        child.setServiceParent(old)

        child.setServiceParent(new)

        assert list(old) == []
        assert list(new) == [child]
        assert child.parent is new

    def test_order(self, service, logged):
        """Children start in order and stop in reverse."""
        parent = family(service, logged, "abc")

        parent.privilegedStartService()
        parent.startService()
        assert parent.running
        assert all(child.running for child in parent)
        parent.stopService()

        assert logged.log == [
            *("privileged a", "privileged b", "privileged c"),
            *("start a", "start b", "start c"),
            *("stop c", "stop b", "stop a"),
        ]
        assert not parent.running
        assert not any(child.running for child in parent)

    def test_joins_running(self, service, logged):
        """A newcomer of a running collection starts, privileged first; one that leaves stops."""
        parent = service.MultiService()
        parent.startService()
        child = logged()
        child.setName("a")

        child.setServiceParent(parent)
        assert child.running
        child.disownServiceParent()
        assert not child.running

        assert logged.log == ["privileged a", "start a", "stop a"]

    def test_stopped_anyway(self, service, logged):
        """Stopping asks every child, whether it runs or not."""
        family(service, logged, "ab").stopService()

        assert logged.log == ["stop b", "stop a"]

    def test_nested(self, service, logged):
        """A collection in a collection starts in its place."""
        inner = family(service, logged, "bc")
        outer = family(service, logged, "a")
        inner.setServiceParent(outer)

        outer.startService()
        outer.stopService()

        assert logged.log == ["start a", "start b", "start c", "stop c", "stop b", "stop a"]

    def test_subclass(self, service):
        """A subclass calls its base by name, and finds attributes of its own undisturbed."""

        class Shop(service.MultiService):
            def __init__(self, port):
                service.MultiService.__init__(self)
                self.port = port
                self.opened = 0

            def startService(self):
                service.MultiService.startService(self)
                self.opened += 1

        shop = Shop(80)
        service.Service().setServiceParent(shop)
        shop.startService()

        assert shop.opened == 1
        assert shop.services[0].running
        state = shop.__getstate__()
        assert "running" not in state
        assert (state["port"], state["opened"], state["services"]) == (80, 1, shop.services)

    def test_copy(self, service, named):
        """A deep copy is a stopped tree of its own."""
        parent = service.MultiService()
        named("web").setServiceParent(parent)
        parent.startService()

        cloned = copy.deepcopy(parent)

        assert cloned.getServiceNamed("web").parent is cloned
        assert not cloned.running
        assert not cloned.getServiceNamed("web").running


def lifecycle(service, seed):
    """Return the calls and the states of some services that are moved, started and stopped at random."""
    chance, log = random.Random(seed), []

    class Leaf(service.Service):
        def startService(self):
            log.append(f"start {self.number}")
            service.Service.startService(self)

        def stopService(self):
            log.append(f"stop {self.number}")
            service.Service.stopService(self)

    parts = [(Leaf, service.MultiService)[chance.randrange(2)]() for _ in range(6)] + [service.MultiService()]
    for number, part in enumerate(parts):
        part.number = number
    for _ in range(chance.randrange(5, 30)):
        part, act = chance.choice(parts), chance.choice(["move", "move", "leave", "start", "stop", "privileged"])
        above = parent = chance.choice([part for part in parts if hasattr(part, "services")])
        while above is not None and above is not part:
            above = above.parent
        if act == "move" and above is None:
            part.setServiceParent(parent)
        elif act == "leave" and part.parent is not None:
            part.disownServiceParent()
        elif act in ("start", "stop", "privileged"):
            getattr(part, {"privileged": "privilegedStartService"}.get(act, f"{act}Service"))()
        log += [(part.number, bool(part.running), getattr(part.parent, "number", None)) for part in parts]
    return log


def test_lifecycles(twisted):
    """Lifecycles at random, without an event loop, are those of Twisted."""
    theirs, ours = twisted("twisted.application.service"), importlib.import_module("appsnap.service")

    for seed in range(300):
        assert lifecycle(ours, seed) == lifecycle(theirs, seed)


class TestProcess:
    """The parameters of the process."""

    def test_process(self, service):
        """User and group are as given, and None otherwise."""
        process = service.Process(5)

        assert (process.uid, process.gid, process.processName) == (5, None, None)
        assert (service.Process(gid=6).uid, service.Process(gid=6).gid) == (None, 6)
        process.processName = "shop"
        assert process.processName == "shop"


class TestApplication:
    """The root of the tree."""

    def test_service(self, service):
        """An application is a service and a collection, the same one, of its name."""
        application = service.Application("shop")

        assert service.IService(application) is service.IServiceCollection(application)
        assert service.IService(application).name == "shop"
        assert service.IService(application).parent is None
        assert verifyObject(service.IService, service.IService(application))
        assert verifyObject(service.IServiceCollection, service.IServiceCollection(application))

    def test_process(self, service):
        """Its user and group are as given."""
        process = service.IProcess(service.Application("shop", 5, 6))

        assert (process.uid, process.gid, process.processName) == (5, 6, None)
        assert service.IProcess(service.Application("shop")).uid is None

    def test_persistable(self, service):
        """It can be saved under its name, as a pickle unless told otherwise."""
        application = service.Application("shop")
        persistable = importlib.import_module(
            "twisted.persisted.sob" if service.__name__.startswith("twisted") else "appsnap.sob"
        ).IPersistable(application)

        assert (persistable.name, persistable.style) == ("shop", "pickle")
        assert persistable.original is application
        persistable.setStyle("source")
        assert persistable.style == "source"

    def test_parent(self, service):
        """It is a parent by adaptation."""
        application = service.Application("shop")
        child = service.Service()

        child.setServiceParent(application)

        assert list(service.IServiceCollection(application)) == [child]
        assert child.parent is service.IServiceCollection(application)

    def test_components(self, service):
        """Components are set and found by interface."""
        application = service.Application("shop")
        process = service.Process(7)

        application.setComponent(service.IProcess, process)

        assert service.IProcess(application) is process
        assert application.getComponent(service.IProcess) is process
        application.unsetComponent(service.IProcess)
        assert service.IProcess(application, None) is not process

    def test_setup(self, service):
        """A whole application starts and stops through its interfaces."""
        application = service.Application("shop")
        child = service.Service()
        child.setServiceParent(application)

        service.IService(application).privilegedStartService()
        service.IService(application).startService()
        assert child.running
        service.IService(application).stopService()
        assert not child.running


class TestServiceMaker:
    """Makers of services from options."""

    def test_lazy(self, service):
        """A maker has its arguments, and looks into its module only when it has to."""
        maker = service.ServiceMaker("Colors", "no.such.module", "Makes colors.", "colors")

        assert (maker.name, maker.module, maker.description, maker.tapname) == (
            *("Colors", "no.such.module"),
            *("Makes colors.", "colors"),
        )
        assert service.IServiceMaker.providedBy(maker)
        with pytest.raises(Exception, match="no"):
            _ = maker.options


class TestLoadApplication:
    """The loading of an application."""

    def test_python(self, service, tmp_path):
        """A script is run for the application that it makes."""
        script = tmp_path / "shop.tac"
        script.write_text(f"from {service.__name__} import Application\napplication = Application('shop')\n")

        application = service.loadApplication(str(script), "python")

        assert service.IService(application).name == "shop"
