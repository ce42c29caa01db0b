"""logging: handlers of an application, a rotating file, a queue handler and its listener."""

import logging
import logging.handlers
import queue

GROUP = "libraries"
PACKAGES = ()


class OnlyOrders(logging.Filter):
    def filter(self, record):
        return record.getMessage().startswith("order")


class Shop:
    def __init__(self, folder):
        self.log = logging.getLogger("shop")
        text = logging.Formatter("{levelname} {name} {message}", style="{")
        self.file = logging.FileHandler(folder / "shop.log", encoding="utf-8")
        self.rotating = logging.handlers.RotatingFileHandler(folder / "rotating.log", maxBytes=10_000, backupCount=2)
        self.memory = logging.handlers.MemoryHandler(10, logging.ERROR, self.rotating)
        for handler in (self.file, self.rotating):
            handler.setFormatter(text)
        self.file.addFilter(OnlyOrders())
        self.queue = queue.Queue()
        self.handler = logging.handlers.QueueHandler(self.queue)
        self.listener = logging.handlers.QueueListener(self.queue, self.file, self.memory, respect_handler_level=True)

    def begin(self):
        # Loggers are the process's own: an application that is restored adds its handler again.
        self.log.setLevel(logging.INFO)
        self.log.addHandler(self.handler)

    def stop(self):
        self.log.removeHandler(self.handler)
        self.listener.stop()
        self.memory.flush()
        for handler in (self.memory, self.rotating, self.file):
            handler.close()


def build(folder):
    shop = Shop(folder)
    shop.begin()
    shop.log.info("order 0")
    shop.log.info("not yet written")
    shop.file.handle(shop.log.makeRecord("shop", logging.INFO, __file__, 1, "order -1", (), None))
    return shop


def facts(shop):
    return {
        "waiting": shop.queue.qsize(),
        "shared queue": shop.handler.queue is shop.listener.queue,
        "target": shop.memory.target is shop.rotating,
        "encoding": shop.file.encoding,
        "backups": shop.rotating.backupCount,
    }


def use(shop, folder):
    shop.begin()
    shop.listener.start()
    shop.log.warning("order %d", 1)
    shop.log.debug("unheard")
    shop.stop()
    assert (folder / "shop.log").read_text().splitlines() == [
        "INFO shop order -1",
        "INFO shop order 0",
        "WARNING shop order 1",
    ]
    assert "INFO shop not yet written" in (folder / "rotating.log").read_text()
