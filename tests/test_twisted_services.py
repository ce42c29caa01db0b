import asyncio
import copy
import subprocess
import sys
from types import SimpleNamespace

import pytest

import appsnap
from appsnap import service as ours
from appsnap.interfaces import IProcess, IService, IServiceCollection
from appsnap.runner.root import service_of
from appsnap.twisted_services import adapted, as_awaitable, implements, is_root, provides, service_in
from appsnap.waiting import path

pytest.importorskip("twisted")

from twisted.application import service
from twisted.internet import defer
from twisted.python.components import Componentized


@pytest.fixture
def application():
    """Return an application of Twisted's with one service."""
    made = service.Application("shop", uid=3)
    child = service.Service()
    child.setName("web")
    child.setServiceParent(made)
    return made


class TestSeen:
    """Objects of Twisted's as those of our interfaces."""

    def test_components(self, application):
        """An application is all three, by its components. It stays as it was."""
        before = dict(application._adapterCache)

        assert adapted(IService, application) is service.IService(application)
        assert adapted(IServiceCollection, application) is service.IServiceCollection(application)
        assert adapted(IProcess, application).uid == 3
        assert service_of(application) is service_in(application) is service.IService(application)
        assert application._adapterCache == before

    def test_classes(self, application):
        """Services and their classes answer for themselves."""
        child = service.IServiceCollection(application).getServiceNamed("web")

        assert provides(IService, child)
        assert implements(IService, type(child))
        assert not implements(IServiceCollection, type(child))
        assert implements(IServiceCollection, service.MultiService)
        assert path(child) == 'application.services["web"]'
        assert is_root(service.IService(application))

    def test_ours(self):
        """Ours are seen as before."""
        made = ours.Application("x")

        assert adapted(IService, made) is adapted(IProcess, made) is made
        assert service_in(made) is None
        assert not is_root(made)

    @pytest.mark.parametrize("thing", [7, "text", None, [], SimpleNamespace(name="x"), service.IService])
    def test_others(self, thing):
        """Anything else is no service."""
        assert adapted(IService, thing) is None

    @pytest.mark.parametrize("components", [7, {}, [], {"twisted.application.service.IService": 7}])
    def test_hostile(self, components):
        """A file may have anything in the place of the components."""
        made = Componentized()
        made._adapterCache = copy.copy(components)

        assert adapted(IService, made) is None


class TestSnapshot:
    def test_header(self, application, tmp_path):
        """The header has the application's name, and the paths are those of the tree."""
        appsnap.save(application, tmp_path / "shop.tas")

        snapshot = appsnap.open_snapshot(tmp_path / "shop.tas")
        child = next(
            number for number, node in enumerate(snapshot.outline.nodes) if node.attributes.get("name") == "web"
        )
        assert snapshot.header.name == "shop"
        assert "1 service, " in str(snapshot)
        assert snapshot.outline.path(appsnap.recipe.steps.Ref(child)) == 'application.services["web"]'

    def test_show_imports_nothing(self, application, tmp_path):
        """A look at it doesn't import Twisted."""
        appsnap.save(application, tmp_path / "shop.tas")
        program = "import sys, appsnap; print(appsnap.open_snapshot(sys.argv[1])); sys.exit('twisted' in sys.modules)"

        done = subprocess.run([sys.executable, "-c", program, tmp_path / "shop.tas"], capture_output=True, check=True)

        assert b"\napplication: twisted.python.components.Componentized\n" in done.stdout


class Late(service.Service):
    """Returns a Deferred from its start and its stop."""

    def __init__(self):
        self.results = []

    def startService(self):
        """Start."""
        super().startService()
        self.results.append(defer.Deferred())
        return self.results[-1]

    def stopService(self):
        """Stop."""
        super().stopService()
        self.results.append(defer.Deferred())
        return self.results[-1]


class TestMixed:
    """Services of Twisted's below a collection of ours."""

    def test_deferred(self):
        """Its start and stop wait for Deferreds."""

        async def main():
            application, late = ours.Application("x"), Late()
            late.setServiceParent(application)
            loop = asyncio.get_running_loop()
            starting = application.startService()
            loop.call_later(0.01, lambda: late.results[0].callback(None))
            await starting
            stopping = application.stopService()
            loop.call_later(0.01, lambda: late.results[1].errback(ValueError("x")))
            with pytest.raises(BaseExceptionGroup) as raised:
                await stopping
            return raised.value

        (error,) = asyncio.run(main()).exceptions

        assert isinstance(error, ValueError)
        assert "services[0]" in error.__notes__[0]

    def test_awaitables(self):
        """A Deferred becomes a future of the loop that runs. Without one it is left as it is."""
        waiting = defer.succeed(1)

        async def main():
            return await as_awaitable(waiting), as_awaitable(None)

        assert as_awaitable(waiting) is waiting
        assert asyncio.run(main()) == (1, None)
