"""pluggy: a manager of plugins with hooks, wrappers and calls that are remembered."""

import pluggy

GROUP = "unseen"
PACKAGES = ("pluggy",)

spec, impl = pluggy.HookspecMarker("shop"), pluggy.HookimplMarker("shop")


class Specs:
    @spec
    def price(self, item):
        """Return the price of an item."""

    @spec(firstresult=True)
    def shelf(self, item):
        """Return the shelf of an item."""

    @spec(historic=True)
    def opened(self, day):
        """Tell that the shop is open."""


class Bolts:
    def __init__(self):
        self.days = []

    @impl
    def price(self, item):
        return 7

    @impl(tryfirst=True)
    def shelf(self, item):
        return "A"

    @impl
    def opened(self, day):
        self.days.append(day)


class Taxes:
    @impl(wrapper=True)
    def price(self, item):
        result = yield
        return [price * 2 for price in result]


def build(folder):
    manager = pluggy.PluginManager("shop")
    manager.add_hookspecs(Specs)
    manager.register(Bolts(), "bolts")
    manager.register(Taxes(), "taxes")
    manager.hook.opened.call_historic(kwargs={"day": "Monday"})
    return manager


def facts(manager):
    return {
        "plugins": sorted(name for name, _ in manager.list_name_plugin()),
        "days": manager.get_plugin("bolts").days,
        "callers": len(manager.get_hookcallers(manager.get_plugin("bolts"))),
    }


def use(manager, folder):
    assert manager.hook.price(item="bolt") == [14]
    assert manager.hook.shelf(item="bolt") == "A"
    late = Bolts()
    manager.register(late, "late")
    assert late.days == ["Monday"]
    manager.unregister(name="taxes")
    assert manager.hook.price(item="bolt") == [7, 7]
