"""structlog: a bound logger with processors, that writes lines of JSON into a file."""

import json
import logging

import structlog

GROUP = "unseen"
PACKAGES = ("structlog",)


class Shop:
    def __init__(self, folder):
        self.file = (folder / "shop.log").open("a", encoding="utf-8")
        self.log = structlog.wrap_logger(
            structlog.WriteLogger(self.file),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            shop="bolts",
        ).bind(day=1)


def build(folder):
    shop = Shop(folder)
    shop.log.info("open")
    return shop


def facts(shop):
    return {"bound": structlog.get_context(shop.log)}


def use(shop, folder):
    shop.log.debug("unheard")
    shop.log.bind(day=2).warning("closing")
    shop.file.close()
    lines = [json.loads(line) for line in (folder / "shop.log").read_text().splitlines()]
    assert [(line["message"], line["day"], line["level"]) for line in lines] == [
        ("open", 1, "info"),
        ("closing", 2, "warning"),
    ]
