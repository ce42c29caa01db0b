"""loguru: a logger of one's own, with a file, a filter and bound words."""

from loguru._logger import Core, Logger

GROUP = "unseen"
PACKAGES = ("loguru",)


class Shop:
    def __init__(self, folder):
        self.log = Logger(Core(), None, 0, False, False, False, False, True, [], {})
        self.number = self.log.add(folder / "shop.log", format="{level} {extra[shop]} {message}", filter=wanted)
        self.bound = self.log.bind(shop="bolts")


def wanted(record):
    return "secret" not in record["message"]


def build(folder):
    shop = Shop(folder)
    shop.bound.info("open")
    return shop


def facts(shop):
    return {"levels": sorted(shop.log._core.levels), "handlers": [*shop.log._core.handlers]}


def use(shop, folder):
    shop.bound.warning("a secret")
    shop.bound.warning("closing")
    shop.log.remove(shop.number)
    assert (folder / "shop.log").read_text().splitlines() == ["INFO bolts open", "WARNING bolts closing"]
