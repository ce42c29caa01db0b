"""dramatiq: a broker with middleware, actors, a worker that takes their messages."""

import dramatiq
from dramatiq.brokers.stub import StubBroker

GROUP = "libraries"
PACKAGES = ("dramatiq",)

RECEIVED = []


def receive(number):
    RECEIVED.append(number)


def build(folder):
    broker = StubBroker()
    actor = dramatiq.actor(receive, broker=broker, queue_name="shop", max_retries=2)
    actor.send(1)
    broker.flush_all()
    return {"broker": broker, "actor": actor}


def facts(application):
    return {
        "queues": sorted(application["broker"].queues),
        "actors": sorted(application["broker"].actors),
        "options": application["actor"].options,
    }


def use(application, folder):
    RECEIVED.clear()
    worker = dramatiq.Worker(application["broker"], worker_threads=1)
    worker.start()
    application["actor"].send(5)
    application["broker"].join("shop")
    worker.stop()
    assert RECEIVED == [5]
