"""ZODB: a database in a file, closed, with a tree of objects, and one in memory."""

import transaction
import ZODB
import ZODB.FileStorage
from BTrees.OOBTree import OOBTree
from persistent import Persistent

GROUP = "unseen"
PACKAGES = ("ZODB",)


class Account(Persistent):
    def __init__(self, owner):
        self.owner, self.balance = owner, 0


class Bank:
    def __init__(self, folder):
        self.path = str(folder / "bank.fs")
        self.mapping = OOBTree({"a": 1, "b": 2})
        self.sample = Account("Sam")
        self.db = ZODB.DB(None)

    def open(self):
        return ZODB.DB(ZODB.FileStorage.FileStorage(self.path))


def build(folder):
    bank = Bank(folder)
    db = bank.open()
    with db.transaction() as connection:
        connection.root.accounts = OOBTree()
        connection.root.accounts["ann"] = Account("Ann")
    db.close()
    bank.closed = db
    with bank.db.transaction() as connection:
        connection.root.note = "kept in memory"
    return bank


def facts(bank):
    with bank.db.transaction() as connection:
        note = connection.root.note
    return {"mapping": dict(bank.mapping), "sample": [bank.sample.owner, bank.sample.balance], "note": note}


def use(bank, folder):
    db = bank.open()
    with db.transaction() as connection:
        connection.root.accounts["ann"].balance += 5
    with db.transaction() as connection:
        assert connection.root.accounts["ann"].balance == 5
    db.close()
    transaction.abort()
