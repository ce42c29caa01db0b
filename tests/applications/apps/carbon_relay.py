"""carbon-relay: it receives metrics, and sends each to the destination of a hash ring."""

import carbon_daemons
import in_reactor
from carbon import conf

GROUP = "twisted"
PACKAGES = ("carbon",)
PREPARE = "apps.carbon_relay:prepare"


def prepare():
    carbon_daemons.settings_of(conf.CarbonRelayOptions, "carbon-relay")


def build(folder):
    destination = f"127.0.0.1:{in_reactor.free_port()}:a"
    carbon_daemons.configure(
        "relay", RELAY_METHOD="consistent-hashing", DESTINATIONS=destination, DESTINATION_PROTOCOL="line"
    )
    prepare()
    from carbon import service

    return carbon_daemons.built(service.createRelayService)


def facts(application):
    manager = next(one for one in carbon_daemons.root(application) if hasattr(one, "client_factories"))
    return {
        "services": in_reactor.names(application),
        "destinations": [[*destination] for destination in manager.client_factories if destination],
        "ring": len(manager.router.ring.ring),
    }


def use(application, folder):
    carbon_daemons.wire(application, ["relay"])
    assert carbon_daemons.received(application, "shop.hits 7") == ["shop.hits", "7"]
