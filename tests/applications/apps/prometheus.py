"""prometheus_client: counters, gauges and histograms with labels, in a registry that is served over HTTP."""

import urllib.request

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary, start_http_server

GROUP = "libraries"
PACKAGES = ("prometheus_client",)


class Metrics:
    def __init__(self):
        self.registry = CollectorRegistry()
        self.requests = Counter("requests", "Requests", ["path"], registry=self.registry)
        self.seats = Gauge("seats", "Free seats", registry=self.registry)
        self.seconds = Histogram("seconds", "Time", buckets=(1, 2, 5), registry=self.registry)
        self.sizes = Summary("sizes", "Sizes", registry=self.registry)
        self.state = Enum("state", "State", states=["open", "closed"], registry=self.registry)
        self.info = Info("build", "Build", registry=self.registry)


def build(folder):
    metrics = Metrics()
    metrics.requests.labels("/").inc(41)
    metrics.seats.set(3)
    metrics.seconds.observe(1.5)
    metrics.sizes.observe(10)
    metrics.state.state("closed")
    metrics.info.info({"version": "1"})
    return metrics


def facts(metrics):
    return [str(family) for family in metrics.registry.collect()]


def use(metrics, folder):
    metrics.requests.labels("/").inc()
    metrics.requests.labels("/other").inc()
    server, thread = start_http_server(0, "127.0.0.1", metrics.registry)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    server.shutdown()
    server.server_close()
    thread.join(10)
    assert 'requests_total{path="/"} 42.0' in text
    assert 'requests_total{path="/other"} 1.0' in text
    assert 'seconds_bucket{le="2.0"} 1.0' in text
