"""simpy: a simulation that is built and hasn't run, whose processes are generators that haven't begun."""

import simpy

GROUP = "data"
PACKAGES = ("simpy",)
STRANGER = "is made by something without a name"


class Bank:
    def __init__(self):
        self.env = simpy.Environment()
        self.counter = simpy.Resource(self.env, 1)
        self.letters = simpy.Store(self.env)
        self.served = []
        self.customers = [self.env.process(self.customer(number, delay=number * 2)) for number in range(3)]
        self.env.process(post(self.env, self.letters))

    def customer(self, number, *, delay):
        yield self.env.timeout(delay)
        with self.counter.request() as request:
            yield request
            yield self.env.timeout(3)
            self.served.append((number, self.env.now))


def post(env, letters):
    for number in range(3):
        yield env.timeout(1)
        yield letters.put(number)


def build(folder):
    return Bank()


def facts(bank):
    return {"now": bank.env.now, "served": bank.served, "alive": [one.is_alive for one in bank.customers]}


def use(bank, folder):
    bank.env.run()
    assert bank.served == [(0, 3), (1, 6), (2, 9)]
    assert bank.letters.items == [0, 1, 2]
