"""wrapt: decorated functions and methods in a table of commands, and a proxy of an object."""

import wrapt

GROUP = "unseen"
PACKAGES = ("wrapt",)

calls = []


@wrapt.decorator
def counted(wrapped, instance, args, keywords):
    calls.append(wrapped.__name__)
    return wrapped(*args, **keywords)


@counted
def add(one, other):
    return one + other


class Till:
    def __init__(self):
        self.sum = 0
        self.commands = {"add": add, "pay": self.pay, "name": Till.name}
        self.prices = {"tea": 3}
        self.proxy = wrapt.ObjectProxy(self.prices)

    @counted
    def pay(self, amount):
        self.sum = self.commands["add"](self.sum, amount)

    @counted
    @classmethod
    def name(cls):
        return cls.__name__


def build(folder):
    till = Till()
    till.commands["pay"](5)
    return till


def facts(till):
    return {"sum": till.sum, "name": till.commands["name"](), "price": till.proxy["tea"]}


def use(till, folder):
    calls.clear()
    till.commands["pay"](amount=2)
    assert till.sum == 7
    assert calls == ["pay", "add"]
    assert till.commands["add"] is add
    till.proxy["milk"] = 1
    assert till.prices == {"tea": 3, "milk": 1}
