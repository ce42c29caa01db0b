"""Interfaces that are made by a call come back, and registries of adapters with lookups that work."""

import pytest
from zope.interface import Attribute, Interface, implementer
from zope.interface.adapter import AdapterRegistry, VerifyingAdapterRegistry
from zope.interface.interface import InterfaceClass
from zope.interface.registry import Components

from appsnap import EVERYTHING, NotTrusted, dumps, loads
from appsnap.kinds import KINDS


class IShop(Interface):
    """An interface that a module holds."""

    name = Attribute("the name")


@implementer(IShop)
class Shop:
    """Has the interface of the module."""


def made(name="IMade", **attributes):
    """Return an interface that no module holds."""
    interface = InterfaceClass(name, (IShop,), {"price": Attribute("the price")}, "An interface.", "shop.made")
    interface.setTaggedValue("colour", "red")
    vars(interface).update(attributes)
    return interface


@pytest.mark.parametrize("kind", KINDS)
class TestInterfaces:
    def test_of_module(self, kind):
        """An interface that its module holds is the same one."""
        assert loads(dumps([IShop], kind), trust=EVERYTHING)[0] is IShop

    def test_made(self, kind):
        """An interface that a call made has its name, its bases, its attributes and its tags."""
        interface = made()
        interface.combined = made("ICombined", above=interface)

        restored = loads(dumps(interface, kind), trust=EVERYTHING)

        assert restored is not interface
        assert restored == interface
        assert (restored.__name__, restored.__module__, restored.__doc__) == ("IMade", "shop.made", "An interface.")
        assert restored.isOrExtends(IShop)
        assert restored.__bases__ == (IShop,)
        assert [*restored.names()] == ["price"]
        assert restored["price"].interface is restored
        assert restored["price"].__doc__ == "the price"
        assert restored.getTaggedValue("colour") == "red"
        assert restored.combined.above is restored

    def test_strangers(self, kind):
        """A stranger's file makes an interface by a call that its audit lists."""
        data = dumps(InterfaceClass("IMade", (), None, "An interface.", "shop.made"), kind)

        with pytest.raises(NotTrusted):
            loads(data)
        assert loads(data, trust=["call:zope.interface.interface.InterfaceClass"]).getName() == "IMade"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cls", [AdapterRegistry, VerifyingAdapterRegistry])
class TestRegistries:
    def test_lookups(self, kind, cls):
        """A registry finds its adapters and those of its bases, by methods that others refer to, too."""
        interface = made()
        base = cls()
        base.register([IShop], interface, "small", 1)
        registry = cls((base,))
        registry.register([IShop], interface, "", 2)
        registry.subscribe([IShop], interface, 3)
        assert registry.lookup1(IShop, interface) == 2  # fills its caches

        restored, lookup, known = loads(dumps([registry, registry.lookup1, interface], kind), trust=EVERYTHING)

        assert lookup(IShop, known) == 2
        assert lookup.__self__ is restored._v_lookup is not registry._v_lookup
        assert lookup(IShop, known, "small") == 1
        assert lookup(IShop, IShop, "small") == 1  # an interface that the adapter's extends
        assert [*restored.subscriptions([IShop], known)] == [3]

    def test_changes(self, kind, cls):
        """A restored registry looks up what it, or its base, gets after the load."""
        base = cls()
        registry = cls((base,))
        registry.register([IShop], IShop, "one", 1)

        restored, above = loads(dumps([registry, base], kind), trust=EVERYTHING)
        assert restored.lookup1(IShop, IShop, "two") is None
        above.register([IShop], IShop, "two", 2)
        restored.register([IShop], IShop, "three", 3)

        assert [restored.lookup1(IShop, IShop, name) for name in ("one", "two", "three")] == [1, 2, 3]
        assert restored.ro == [restored, above]


@pytest.mark.parametrize("kind", KINDS)
def test_components(kind):
    """A registry of components finds utilities and adapters, and calls subscribers."""
    components = Components("shop")
    shop = Shop()
    components.registerUtility(shop, IShop, "main")
    components.registerAdapter(str, [IShop], IShop, "text")

    restored = loads(dumps(components, kind), trust=EVERYTHING)

    assert type(restored.getUtility(IShop, "main")) is Shop
    assert restored.queryAdapter(shop, IShop, "text") == str(shop)
    restored.registerUtility(shop, IShop, "second")
    assert restored.getUtility(IShop, "second") is shop
