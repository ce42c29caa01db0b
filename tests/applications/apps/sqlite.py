"""sqlite3: a database in a file, and one in memory, with row factories and tables."""

import sqlite3

GROUP = "libraries"
PACKAGES = ()


class Stock:
    def __init__(self, folder):
        self.db = sqlite3.connect(folder / "stock.db", isolation_level="IMMEDIATE")
        self.db.row_factory = sqlite3.Row
        self.cache = sqlite3.connect(":memory:", isolation_level=None)


def build(folder):
    stock = Stock(folder)
    stock.db.execute("create table items (name text primary key, number integer)")
    with stock.db:
        stock.db.executemany("insert into items values (?, ?)", [("bolt", 7), ("nut", 9)])
    stock.cache.execute("create table seen (name text)")
    stock.cache.execute("insert into seen values ('bolt')")
    return stock


def facts(stock):
    return {
        "items": [dict(row) for row in stock.db.execute("select * from items order by name")],
        "seen": stock.cache.execute("select * from seen").fetchall(),
        "levels": [stock.db.isolation_level, stock.cache.isolation_level],
    }


def use(stock, folder):
    with stock.db:
        stock.db.execute("update items set number = 8 where name = 'bolt'")
    stock.cache.execute("insert into seen values ('nut')")
    assert len(stock.cache.execute("select * from seen").fetchall()) == 2
    with sqlite3.connect(folder / "stock.db") as other:
        assert other.execute("select number from items where name = 'bolt'").fetchone() == (8,)
    other.close()
