"""carbon-aggregator: it receives metrics, and sends their sums to its destination."""

import carbon_daemons
import in_reactor
from carbon import conf

GROUP = "twisted"
PACKAGES = ("carbon",)
PREPARE = "apps.carbon_aggregator:prepare"


def prepare():
    carbon_daemons.settings_of(conf.CarbonAggregatorOptions, "carbon-aggregator")


def build(folder):
    destination = f"127.0.0.1:{in_reactor.free_port()}:a"
    carbon_daemons.configure(
        "aggregator",
        RELAY_METHOD="consistent-hashing",
        DESTINATIONS=destination,
        DESTINATION_PROTOCOL="line",
        FORWARD_ALL="False",
    )
    prepare()
    from carbon import service

    return carbon_daemons.built(service.createAggregatorService)


def facts(application):
    return {"services": in_reactor.names(application)}


def use(application, folder):
    carbon_daemons.wire(application, ["rewrite:pre", "aggregate", "rewrite:post", "relay"])
    assert carbon_daemons.received(application, "shop.a.hits 3", "shop.b.hits 4") == ["shop.total", "7"]
