"""Registries of `zope.interface` come back, and find adapters and utilities as before."""

import pytest
from zope.interface import Interface, implementer, providedBy
from zope.interface.adapter import AdapterRegistry, VerifyingAdapterRegistry
from zope.interface.registry import Components

from appsnap import EVERYTHING, dumps, loads
from appsnap.kinds import KINDS


class IThing(Interface):
    pass


class IPrice(Interface):
    pass


class ILate(Interface):
    pass


@implementer(IThing)
class Thing:
    price = 3


class Plain:
    pass


class Price:
    def __init__(self, thing):
        self.thing = thing


def told(thing):
    """Note that a thing has come."""
    thing.told = True


def shop():
    """Return a registry, and one that asks it, both of them used."""
    shop, corner = Components("shop"), Components("corner")
    corner.__bases__ = (shop,)
    shop.registerAdapter(Price, [IThing], IPrice)
    shop.registerUtility(Thing(), IThing, "one")
    shop.registerHandler(told, [IThing])
    assert corner.getAdapter(Thing(), IPrice).thing.price == 3
    return [shop, corner]


@pytest.mark.parametrize("kind", KINDS)
class TestRegistries:
    def test_used(self, kind):
        """Adapters, utilities and handlers are found, also in the registry below."""
        shop_, corner = loads(dumps(shop(), kind), trust=EVERYTHING)

        assert corner.getUtility(IThing, "one") is shop_.getUtility(IThing, "one")
        assert type(corner.getAdapter(Thing(), IPrice)) is Price
        thing = Thing()
        corner.handle(thing)
        assert thing.told

    def test_changed(self, kind):
        """A change of a registry is seen in the one below, and so is an interface that a class gets later."""
        shop_, corner = loads(dumps(shop(), kind), trust=EVERYTHING)
        assert corner.queryAdapter(Plain(), IPrice) is None

        shop_.unregisterAdapter(Price, [IThing], IPrice)
        assert corner.queryAdapter(Thing(), IPrice) is None
        shop_.registerAdapter(Price, [providedBy(Plain())], IPrice)
        assert type(corner.queryAdapter(Plain(), IPrice)) is Price

    @pytest.mark.parametrize("cls", [AdapterRegistry, VerifyingAdapterRegistry])
    def test_changed_interface(self, kind, cls):
        """A registry hears of it when an interface that it has looked up gets a base."""
        registry = cls()
        registry.register([IThing], IPrice, "", 5)
        assert registry.lookup1(ILate, IPrice) is None

        again = loads(dumps(registry, kind), trust=EVERYTHING)

        assert again.lookup1(ILate, IPrice) is None
        ILate.__bases__ = (IThing,)
        try:
            assert again.lookup1(ILate, IPrice) == 5
        finally:
            ILate.__bases__ = (Interface,)


def test_fills_registries_alone():
    """The function that gives a registry its attributes takes no other object."""
    from appsnap.ways.interfaces import fill

    thing = Thing()
    with pytest.raises(TypeError, match="it is no registry of adapters"):
        fill(thing, {"price": 0, "__bases__": ()})
    assert vars(thing) == {}
