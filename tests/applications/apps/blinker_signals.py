"""blinker: signals of its namespace and of an object, with receivers for any sender, and for one."""

import blinker

GROUP = "web"
PACKAGES = ("blinker",)

ordered = blinker.signal("ordered")


def count(sender, **more):
    sender.counted += 1


class Shop:
    def __init__(self, name):
        self.name = name
        self.counted = 0
        self.seen = []
        self.ordered = blinker.signal("ordered")
        self.paid = blinker.signal("paid")
        self.closed = blinker.Signal()
        self.ordered.connect(self.on_order, sender=self)
        self.paid.connect(self.on_payment)
        self.closed.connect(count, weak=False)

    def on_order(self, sender, number):
        self.seen.append(("ordered", number))

    def on_payment(self, sender, number):
        self.seen.append(("paid", sender.name, number))


def build(folder):
    return [Shop("first"), Shop("second")]


def facts(shops):
    return {shop.name: [len(shop.ordered.receivers), len(shop.closed.receivers), shop.seen] for shop in shops}


def use(shops, folder):
    first, second = shops
    assert first.ordered is second.ordered is ordered
    assert first.paid is blinker.signal("paid")
    blinker.signal("ordered").send(first, number=1)
    blinker.signal("paid").send(second, number=2)
    second.closed.send(second)
    assert first.seen == [("ordered", 1), ("paid", "second", 2)]
    assert second.seen == [("paid", "second", 2)]
    assert (first.counted, second.counted) == (0, 1)
    first.ordered.disconnect(first.on_order)
    first.ordered.send(first, number=3)
    assert len(first.seen) == 2
