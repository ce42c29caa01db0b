"""simpy: a simulation under way, whose processes are generators."""

import simpy

GROUP = "data"
PACKAGES = ("simpy",)
REFUSED = "generator"


def customers(env, counter):
    for _ in range(10):
        with counter.request() as request:
            yield request
            yield env.timeout(3)


def build(folder):
    env = simpy.Environment()
    env.process(customers(env, simpy.Resource(env, 1)))
    env.run(until=10)
    return env


def facts(env):
    return {"now": env.now}


def use(env, folder):
    env.run()
    assert env.now == 30
