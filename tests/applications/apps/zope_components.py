"""zope.interface: registries of components, one below the other, with adapters, utilities and handlers."""

from zope.interface import Interface, alsoProvides, implementer
from zope.interface.registry import Components

GROUP = "unseen"
PACKAGES = ("zope.interface",)
STRANGER = "has a state with __bases__, which is Python's own"


class IThing(Interface):
    pass


class IPrice(Interface):
    def amount():
        pass


@implementer(IThing)
class Thing:
    def __init__(self, price):
        self.price = price
        self.seen = 0


class Price:
    def __init__(self, thing):
        self.thing = thing

    def amount(self):
        return self.thing.price


def see(thing):
    thing.seen += 1


class Shop:
    def __init__(self):
        self.whole = Components("shop")
        self.corner = Components("corner", (self.whole,))
        self.tea = Thing(3)
        alsoProvides(self.tea, IPrice)
        self.whole.registerAdapter(Price, [IThing], IPrice)
        self.whole.registerUtility(self.tea, IThing, "tea")
        self.whole.registerHandler(see, [IThing])
        self.corner.handle(self.tea)


def build(folder):
    return Shop()


def facts(shop):
    return {
        "price": shop.corner.getAdapter(Thing(5), IPrice).amount(),
        "seen": shop.corner.getUtility(IThing, "tea").seen,
        "provides": IPrice.providedBy(shop.tea),
    }


def use(shop, folder):
    assert shop.corner.getUtility(IThing, "tea") is shop.tea
    shop.corner.handle(shop.tea)
    assert shop.tea.seen == 2
    shop.whole.registerUtility(Thing(1), IThing, "milk")
    assert shop.corner.getUtility(IThing, "milk").price == 1
    shop.whole.unregisterAdapter(Price, [IThing], IPrice)
    assert shop.corner.queryAdapter(Thing(5), IPrice) is None
