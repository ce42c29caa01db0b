"""kombu: a connection in memory that has been used, an exchange, a queue, a pool of producers, a consumer."""

from kombu import Connection, Exchange, Queue
from kombu.mixins import ConsumerMixin
from kombu.pools import ProducerPool

GROUP = "services"
PACKAGES = ("kombu",)


class Worker(ConsumerMixin):
    def __init__(self, connection, queue):
        self.connection = connection
        self.queue = queue
        self.seen = []

    def get_consumers(self, consumer, channel):
        return [consumer([self.queue], callbacks=[self.take], accept=["json"])]

    def take(self, body, message):
        self.seen.append(body)
        message.ack()
        self.should_stop = True


class Bus:
    def __init__(self):
        self.connection = Connection("memory://", transport_options={"polling_interval": 0.01})
        self.exchange = Exchange("shop", type="topic", durable=True)
        self.queue = Queue("orders", self.exchange, routing_key="orders.#", max_priority=3)
        self.producers = ProducerPool(connections=self.connection.Pool(3), limit=3)
        self.worker = Worker(self.connection, self.queue)

    def work(self, **body):
        with self.producers.acquire(block=True) as producer:
            producer.publish(body, exchange=self.exchange, routing_key="orders.new", declare=[self.queue])
        self.worker.should_stop = False
        self.worker.run()
        self.connection.release()


def build(folder):
    bus = Bus()
    bus.work(number=1)
    return bus


def facts(bus):
    return {"uri": bus.connection.as_uri(), "queue": bus.queue.name, "seen": bus.worker.seen} | {
        "limit": bus.producers.limit,
        "same": [bus.worker.queue is bus.queue, bus.queue.exchange == bus.exchange],
    }


def use(bus, folder):
    bus.work(number=2)
    assert bus.worker.seen == [{"number": 1}, {"number": 2}]
