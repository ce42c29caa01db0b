"""tinydb: a database of documents in a file with a cache before it, a table, a query."""

from tinydb import TinyDB, where
from tinydb.middlewares import CachingMiddleware
from tinydb.storages import JSONStorage, MemoryStorage

GROUP = "unseen"
PACKAGES = ("tinydb",)


class Stock:
    def __init__(self, folder):
        self.db = TinyDB(folder / "stock.json", storage=CachingMiddleware(JSONStorage))
        self.memory = TinyDB(storage=MemoryStorage)
        self.cheap = (where("price") < 10) & ~(where("name") == "nut")


def build(folder):
    stock = Stock(folder)
    stock.db.table("items").insert_multiple([{"name": "bolt", "price": 7}, {"name": "nut", "price": 2}])
    stock.db.storage.flush()
    stock.memory.insert({"seen": 1})
    return stock


def facts(stock):
    return {
        "items": [dict(one) for one in stock.db.table("items").all()],
        "cheap": [dict(one) for one in stock.db.table("items").search(stock.cheap)],
        "memory": [dict(one) for one in stock.memory.all()],
    }


def use(stock, folder):
    stock.db.table("items").update({"price": 9}, where("name") == "bolt")
    stock.memory.insert({"seen": 2})
    stock.db.close()
    with TinyDB(folder / "stock.json") as other:
        assert other.table("items").get(where("name") == "bolt")["price"] == 9
    assert len(stock.memory) == 2
