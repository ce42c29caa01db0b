"""The interfaces, and that the classes keep them."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyClass, verifyObject

from appsnap import internet, service, sob
from appsnap.interfaces import IPersistable, IProcess, IService, IServiceCollection, IServiceMaker


async def _handler(reader, writer):
    """Do nothing."""


class TestProviders:
    """Who provides which interface."""

    @pytest.mark.parametrize(
        ("interface", "provider"),
        [
            (IService, service.Service()),
            (IService, service.MultiService()),
            (IServiceCollection, service.MultiService()),
            (IService, internet.TimerService(1, print)),
            (IService, internet.StreamServerService(_handler)),
            (IProcess, service.Process()),
            (IPersistable, sob.Persistent(None, "x")),
            (IServiceMaker, service.ServiceMaker("Colors", "colorsys", "Makes colors.", "colors")),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_provides(self, interface, provider):
        """Each class provides its interface, down to the signatures."""
        if interface is IServiceMaker:
            assert interface.providedBy(provider)
            assert interface.implementedBy(type(provider))
        else:
            assert verifyObject(interface, provider)

    def test_application_answers_all(self):
        """The answer of an application for an interface provides it."""
        application = service.Application("shop")

        for interface in (IService, IServiceCollection, IProcess, IPersistable):
            assert verifyObject(interface, interface(application))

    def test_signatures(self):
        """The classes implement the interfaces without an object at hand, too."""
        assert verifyClass(IService, service.Service)
        assert verifyClass(IServiceCollection, service.MultiService)

    @pytest.mark.parametrize("name", ["name", "parent", "running"])
    def test_attributes(self, name):
        """The interface names the attributes as well as the methods."""
        assert name in IService

    def test_no_adapter(self):
        """An object that isn't a service doesn't become one."""
        assert IService(object(), None) is None
        with pytest.raises(TypeError, match="Could not adapt"):
            IService(object())
