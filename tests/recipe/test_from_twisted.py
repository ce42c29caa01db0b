import pytest

import appsnap
from appsnap import internet as our_internet, service as ours
from appsnap.kinds import KINDS
from appsnap.recipe.freeze import freeze
from appsnap.recipe.from_twisted import with_our_services

pytest.importorskip("twisted")

from twisted.application import internet, service
from twisted.internet import interfaces, protocol, task


class Shop(service.Service):
    """Refers to the application, and to a class that is renamed where there are objects of it."""

    base = None

    def tick(self):
        pass


def made():
    application = service.Application("shop", uid=1, gid=2)
    service.IProcess(application).processName = "shopd"
    shop = Shop()
    shop.setName("shop")
    shop.setServiceParent(application)
    shop.application = application
    shop.collection = service.IServiceCollection(application)
    shop.base = service.Service
    below = service.MultiService()
    below.setServiceParent(application)
    service.Service().setServiceParent(below)
    internet.TimerService(5, shop.tick).setServiceParent(below)
    internet.TCPServer(0, protocol.Factory()).setServiceParent(below)
    return application


@pytest.fixture(params=KINDS)
def kind(request):
    """Each kind."""
    return request.param


def converted(obj, kind, folder):
    appsnap.save(obj, folder / "old", kind=kind)
    snapshot, stayed = appsnap.open_snapshot(folder / "old").with_our_services()
    snapshot.save(folder / "new", kind=kind)
    return appsnap.load(folder / "new", trust=appsnap.EVERYTHING), stayed


def _plain(step):
    return type(step), [tuple(field) if isinstance(field, list) else field for field in step]


class TestApplication:
    """An application of Twisted's becomes one of ours."""

    def test_tree(self, kind, tmp_path):
        """Its services are ours where they correspond. Those that don't are theirs, and named."""
        application, stayed = converted(made(), kind, tmp_path)

        assert type(application) is ours.Application
        assert (application.name, application.uid, application.gid) == ("shop", 1, 2)
        assert application.processName == "shopd"
        shop, below = application.services
        assert type(shop) is Shop
        assert shop.parent is shop.application is shop.collection is application
        assert type(below) is ours.MultiService
        assert below.parent is application
        assert [type(one) for one in below] == [ours.Service, our_internet.TimerService, internet.TCPServer]
        assert below.services[1].call[0] == shop.tick
        assert vars(below.services[1]).keys() == {"step", "call", "parent"}
        assert "twisted.application.internet.TCPServer" in stayed
        assert "twisted.application.internet.TimerService" not in stayed
        assert not [name for name in stayed if "Componentized" in name or "sob" in name]

    def test_references_stay(self, kind, tmp_path):
        """A class of Twisted's that is only referred to is that class."""
        application, stayed = converted(made(), kind, tmp_path)

        assert application.services[0].base is service.Service
        assert "twisted.application.service.Service" in stayed

    def test_header(self, kind, tmp_path):
        """The header has the name."""
        converted(made(), kind, tmp_path)

        assert appsnap.open_snapshot(tmp_path / "new").header.name == "shop"

    def test_components(self, kind, tmp_path):
        """Components of other interfaces are components of the new application."""
        application = made()
        application.setComponent(interfaces.IProtocolFactory, protocol.Factory())

        found, _ = converted(application, kind, tmp_path)

        assert type(found.components["twisted.internet.interfaces.IProtocolFactory"]) is protocol.Factory

    def test_clock(self, kind, tmp_path):
        """A timer with a clock of its own has no counterpart."""
        timer = internet.TimerService(5, print)
        timer.clock = task.Clock()

        found, stayed = converted(timer, kind, tmp_path)

        assert type(found) is internet.TimerService
        assert "twisted.application.internet.TimerService" in stayed


class TestOthers:
    """Everything else."""

    def test_nothing_of_twisted(self):
        """A recipe without Twisted's names has the same steps afterwards."""
        recipe = freeze(ours.Application("x"))

        found, stayed = with_our_services(recipe)

        assert [_plain(step) for step in found.steps] == [_plain(step) for step in recipe.steps]
        assert found.root == recipe.root
        assert stayed == []

    def test_stable(self, tmp_path):
        """Converting twice changes nothing more."""
        converted(made(), "source", tmp_path)
        once = (tmp_path / "new").read_bytes()
        snapshot, _ = appsnap.open_snapshot(tmp_path / "new").with_our_services()
        snapshot.save(tmp_path / "again", kind="source")

        assert (tmp_path / "again").read_bytes() == once
