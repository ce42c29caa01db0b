"""Services, collections, the application: children, and saved state. Starting is in test_lifecycle."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
import textwrap

import pytest
from zope.interface import Interface, implementer
from zope.interface.verify import verifyObject

from appsnap import errors, service, sob
from appsnap.service import (
    Application,
    IPersistable,
    IProcess,
    IService,
    IServiceCollection,
    MultiService,
    Process,
    Service,
    ServiceMaker,
    loadApplication,
)


def named(name, cls=Service):
    """Return a new service of that name."""
    made = cls()
    made.setName(name)
    return made


class Slotted(Service):
    """A service with an attribute in a slot."""

    __slots__ = ("port",)


class Forgetful(Service):
    """A service with transient attributes."""

    __transient__ = ("_port",)

    _port = None


@dataclasses.dataclass
class Twin(Service):
    """A service that is equal to another."""

    port: int = 80


class TestService:
    """A service alone."""

    def test_defaults(self):
        """A new service has no name, no parent, doesn't run, and keeps no attribute to say so."""
        made = Service()

        assert (made.name, made.parent, made.running) == (None, None, False)
        assert vars(made) == {}

    def test_set_name(self):
        """The name can be set until there is a parent."""
        made = named("web")
        made.setName("www")
        made.setServiceParent(MultiService())

        with pytest.raises(RuntimeError, match=r"'www'.* parent"):
            made.setName("other")
        assert made.name == "www"

    def test_disown_without_parent(self):
        """A service without a parent can't leave it, and the error says so."""
        with pytest.raises(RuntimeError, match="no parent"):
            Service().disownServiceParent()

    def test_getstate_drops_running(self):
        """The state lacks `running`, and the live service still runs."""
        made = named("web")
        made.startService()

        assert made.__getstate__() == {"name": "web"}
        assert made.running is True
        assert vars(made)["running"] is True

    @pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
    def test_copies_do_not_run(self, clone):
        """A copy of a running service doesn't run, and reads so without an attribute."""
        made = named("web")
        made.startService()

        cloned = clone(made)

        assert cloned.running is False
        assert vars(cloned) == {"name": "web"}
        assert made.running is True

    def test_getstate_drops_transient(self):
        """The transient attributes of a class, and of its bases, aren't in the state."""
        made = Forgetful()
        made.startService()
        made._port = object()
        made.host = "::1"

        assert made.__getstate__() == {"host": "::1"}
        assert made._port is not None

    def test_getstate_has_slots(self):
        """Slots of a subclass are a part of the state."""
        made = Slotted()
        made.port = 80
        made.startService()

        cloned = copy.copy(made)

        assert cloned.port == 80
        assert cloned.running is False

    def test_getstate_order(self):
        """In the state of a service, its name stands before its children."""
        parent = MultiService()
        child = MultiService()
        named("leaf").setServiceParent(child)
        child.host = "::1"
        child.setName("child")
        child.setServiceParent(parent)

        assert list(child.__getstate__()) == ["name", "parent", "services", "host"]

    def test_repr(self):
        """The repr says class, name, and whether it runs."""
        made = named("web")

        assert repr(made) == "<Service 'web' stopped>"
        made.startService()
        assert repr(made) == "<Service 'web' running>"
        assert repr(Service()) == "<Service stopped>"


class TestParent:
    """Who is whose child."""

    def test_leaves_old_parent(self):
        """A service that gets a new parent leaves the old one."""
        old, new = MultiService(), MultiService()
        made = named("web")
        made.setServiceParent(old)

        made.setServiceParent(new)

        assert list(old) == []
        assert old.namedServices == {}
        assert list(new) == [made]
        assert made.parent is new

    def test_leaves_and_joins_running(self):
        """Between two that run, a service stops and starts again."""
        log = []

        class Logged(Service):
            def startService(self):
                log.append("start")
                super().startService()

            def stopService(self):
                log.append("stop")
                super().stopService()

        old, new = MultiService(), MultiService()
        old.startService()
        new.startService()
        made = Logged()
        made.setServiceParent(old)

        assert made.setServiceParent(new) is None

        assert log == ["start", "stop", "start"]
        assert made.running

    def test_adapts(self):
        """The parent is the adapter of the given object."""
        application = Application("shop")
        collection = MultiService()
        application.setComponent(IServiceCollection, collection)
        made = Service()

        made.setServiceParent(application)

        assert made.parent is collection
        assert list(application) == []

    def test_takes_what_does_not_adapt(self):
        """A parent that adapts to nothing is taken as it is."""

        class Duck:
            def __init__(self):
                self.added = []

            def addService(self, service):
                self.added.append(service)

        duck = Duck()
        made = Service()

        made.setServiceParent(duck)

        assert duck.added == [made]
        assert made.parent is duck

    def test_refused_duplicate(self):
        """A refused duplicate is named in the error, has no parent, and leaves the collection as it was."""
        collection = MultiService()
        first, second = named("web"), named("web")
        first.setServiceParent(collection)

        with pytest.raises(RuntimeError, match="'web'"):
            second.setServiceParent(collection)

        assert second.parent is None
        assert list(collection) == [first]
        assert collection.getServiceNamed("web") is first

    def test_refused_duplicate_of_another_parent(self):
        """A duplicate has left its old parent first, and has none then."""
        old, new = MultiService(), MultiService()
        named("web").setServiceParent(new)
        made = named("web")
        made.setServiceParent(old)

        with pytest.raises(RuntimeError):
            made.setServiceParent(new)

        assert made.parent is None
        assert list(old) == []

    def test_not_its_own_parent(self):
        """A collection can't be its own child."""
        made = named("loop", MultiService)

        with pytest.raises(RuntimeError, match=r"'loop'.* part of itself"):
            made.setServiceParent(made)

        assert made.parent is None
        assert list(made) == []

    def test_not_its_own_ancestor(self):
        """A collection can't be put anywhere below itself, and stays where it was."""
        top, middle, bottom = (named(name, MultiService) for name in ("top", "middle", "bottom"))
        middle.setServiceParent(top)
        bottom.setServiceParent(middle)

        with pytest.raises(RuntimeError, match="part of itself"):
            top.setServiceParent(bottom)

        assert top.parent is None
        assert list(bottom) == []

    @pytest.mark.slow
    @pytest.mark.timeout(100)
    def test_deep_tree(self):
        """A tree that grows downwards isn't climbed at every step: 50,000 levels are a matter of a moment."""
        parent = MultiService()
        for _ in range(50_000):
            child = MultiService()
            child.setServiceParent(parent)
            parent = child

        assert parent.parent is not None


class TestCollection:
    """The children of a collection."""

    def test_order(self):
        """Iteration has the children in the order in which they joined."""
        collection = MultiService()
        children = [named(name) for name in "cab"]
        for child in children:
            child.setServiceParent(collection)

        assert list(collection) == collection.services == children

    def test_named(self):
        """A child is found by its name, and KeyError says that there is none."""
        collection = MultiService()
        child = named("web")
        child.setServiceParent(collection)
        Service().setServiceParent(collection)

        assert collection.getServiceNamed("web") is child
        assert collection.namedServices == {"web": child}
        with pytest.raises(KeyError, match="other"):
            collection.getServiceNamed("other")

    def test_empty_name(self):
        """The empty name is a name like any other: found, refused a second time, free again after removal."""
        collection = MultiService()
        child = named("")
        child.setServiceParent(collection)

        assert collection.getServiceNamed("") is child
        with pytest.raises(RuntimeError):
            named("").setServiceParent(collection)
        child.disownServiceParent()
        assert collection.namedServices == {}
        named("").setServiceParent(collection)

    def test_remove_stranger(self):
        """Removing a stranger is a ValueError, named or not, and leaves the names of others."""
        collection = MultiService()
        child = named("web")
        child.setServiceParent(collection)

        for stranger in (Service(), named("web")):
            with pytest.raises(ValueError, match="no child"):
                collection.removeService(stranger)
        assert collection.getServiceNamed("web") is child

    def test_remove_equal(self):
        """Children are told apart by identity, not by equality."""
        collection = MultiService()
        first, second = Twin(), Twin()
        first.setServiceParent(collection)
        second.setServiceParent(collection)

        second.disownServiceParent()

        assert collection.services[0] is first
        assert len(collection.services) == 1

    def test_disown_clears_parent(self):
        """A service that has left has no parent."""
        collection = MultiService()
        child = Service()
        child.setServiceParent(collection)

        assert child.disownServiceParent() is None

        assert child.parent is None
        assert list(collection) == []

    def test_named_services_are_not_saved(self):
        """The names follow from the services: they aren't in the state, and are there after a copy."""
        collection = MultiService()
        child = named("web")
        child.setServiceParent(collection)

        assert collection.__getstate__() == {"services": [child]}
        cloned = pickle.loads(pickle.dumps(collection))
        assert list(cloned.namedServices) == ["web"]
        assert cloned.getServiceNamed("web").parent is cloned

    def test_running_is_not_saved(self):
        """Nothing in a copy of a running tree runs, and the tree goes on."""
        collection = MultiService()
        named("web").setServiceParent(collection)
        collection.startService()

        cloned = copy.deepcopy(collection)

        assert not cloned.running
        assert not cloned.getServiceNamed("web").running
        assert collection.running
        assert collection.getServiceNamed("web").running

    def test_repr(self):
        """The repr counts the children and doesn't go into them."""
        collection = named("main", MultiService)

        assert repr(collection) == "<MultiService 'main' stopped, 0 services>"
        Service().setServiceParent(collection)
        assert repr(collection) == "<MultiService 'main' stopped, 1 service>"


class TestProcess:
    """The parameters of the process."""

    def test_defaults(self):
        """None means: leave it as it is. Nothing is kept to say so."""
        process = Process()

        assert (process.processName, process.uid, process.gid) == (None, None, None)
        assert vars(process) == {}

    def test_ids(self):
        """User and group are numbers, root's among them."""
        assert vars(Process(0, 5)) == {"uid": 0, "gid": 5}
        assert vars(Process(gid=6)) == {"gid": 6}


class IColor(Interface):
    """An interface that only a component has."""


@implementer(IColor)
class Red:
    """A component."""


class TestApplication:
    """The root of the tree."""

    def test_answers(self):
        """An application is its own service, collection and process."""
        application = Application("shop", 5, 6)

        assert IService(application) is application
        assert IServiceCollection(application) is application
        process = IProcess(application)
        assert (process.processName, process.uid, process.gid) == (None, 5, 6)
        assert application.name == "shop"
        assert application.parent is None

    def test_state(self):
        """Its attributes are few, and in the order in which people want to read them."""
        application = Application("shop", gid=6)
        application.startService()

        assert list(application.__getstate__().items()) == [("name", "shop"), ("gid", 6), ("services", [])]

    def test_persistable(self):
        """It can be saved under its name; the kind sticks, and is a part of its state once it isn't the default."""
        application = Application("shop")
        persistable = IPersistable(application)
        assert isinstance(persistable, sob.Persistent)
        assert (persistable.original, persistable.name, persistable.style) == (application, "shop", "pickle")

        persistable.setStyle("pickle")
        assert "style" not in vars(application)

        persistable.setStyle("source")
        assert IPersistable(application).style == "source"
        assert IPersistable(copy.copy(application)).style == "source"

    def test_components(self):
        """A component is found by its interface, by adaptation as well, and survives a copy."""
        application = Application("shop")
        red = Red()
        assert application.getComponent(IColor) is None
        assert application.getComponent(IColor, red) is red

        application.setComponent(IColor, red)

        assert application.getComponent(IColor) is IColor(application) is red
        cloned = pickle.loads(pickle.dumps(application))
        assert isinstance(IColor(cloned), Red)

    def test_component_wins(self):
        """A component takes the application's own place, until it is unset."""
        application = Application("shop")
        process = Process(7)

        application.setComponent(IColor, Red())
        application.setComponent(IProcess, process)
        assert IProcess(application) is application.getComponent(IProcess) is process

        application.unsetComponent(IProcess)
        assert IProcess(application) is application
        with pytest.raises(KeyError):
            application.unsetComponent(IProcess)
        assert isinstance(IColor(application), Red)

    def test_components_and_attributes(self):
        """No attribute of a file is called in the place of a method, when an application is asked for an interface."""
        application = Application("shop")
        vars(application)["getComponent"] = lambda _: pytest.fail("is called")

        assert IServiceCollection(application) is application

    def test_components_of_two(self):
        """Applications don't share their components."""
        one, other = Application("one"), Application("other")

        one.setComponent(IColor, Red())

        assert other.getComponent(IColor) is None

    def test_repr(self):
        """The repr is a service's."""
        assert repr(Application("shop")) == "<Application 'shop' stopped, 0 services>"


class TestServiceMaker:
    """Makers of services from options, and how they are found."""

    @pytest.fixture
    def module(self, monkeypatch, tmp_path):
        """Give a module that isn't imported yet, with options and a maker."""
        source = """
            from dataclasses import dataclass
            from appsnap.service import Service

            @dataclass
            class Options:
                port: int = 80

            def makeService(options):
                made = Service()
                made.port = options.port
                return made
        """
        (tmp_path / "colors_tap.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(tmp_path)
        yield "colors_tap"
        sys.modules.pop("colors_tap", None)

    def test_lazy(self, module):
        """The module is imported when its options are asked for, not before; the options make a service."""
        maker = ServiceMaker("Colors", module, "Serves colors.", "colors")
        assert module not in sys.modules

        made = maker.makeService(maker.options(port=81))

        assert made.port == 81
        assert verifyObject(service.IServiceMaker, maker)
        assert (maker.name, maker.description, maker.tapname) == ("Colors", "Serves colors.", "colors")


class TestLoadApplication:
    """The loading of an application."""

    def test_python(self, tmp_path):
        """A script is run, and makes the application."""
        script = tmp_path / "shop.tac"
        script.write_text("from appsnap.service import Application\napplication = Application('shop')\n")

        assert loadApplication(script, "python").name == "shop"

    def test_python_with_passphrase(self, tmp_path):
        """A script isn't encrypted: a passphrase for it is refused before it runs."""
        script = tmp_path / "shop.tac"
        script.write_text("raise SystemError")

        with pytest.raises(errors.PassphraseError, match=r"shop\.tac"):
            loadApplication(script, "python", "secret")

    def test_unknown_kind(self, tmp_path):
        """A kind that doesn't exist is refused, with those that do."""
        with pytest.raises(errors.WrongKind, match="'aot'") as caught:
            loadApplication(tmp_path / "shop.tap", "aot")
        assert "msgpack" in caught.value.hint

    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_snapshot(self, tmp_path, kind):
        """An application that saved itself is loaded again, and saves as the same kind."""
        application = Application("shop")
        named("web").setServiceParent(application)
        path = tmp_path / "file"
        IPersistable(application).setStyle(kind)
        IPersistable(application).save(filename=path)

        loaded = loadApplication(path, kind)

        assert loaded.getServiceNamed("web").parent is loaded
        assert IPersistable(loaded).style == kind


class TestPort:
    """A port from Twisted is a change of import."""

    def test_all(self):
        """Every name of Twisted's is here."""
        twisted_names = {
            "IServiceMaker",
            "IService",
            "Service",
            "IServiceCollection",
            "MultiService",
            "IProcess",
            "Process",
            "Application",
            "loadApplication",
        }

        assert twisted_names <= set(service.__all__)
        assert sorted(service.__all__) == service.__all__
