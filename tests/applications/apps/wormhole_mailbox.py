"""magic-wormhole: the mailbox server, with its database."""

import urllib.request

import in_reactor
from twisted.application import service
from wormhole_mailbox_server import server_tap

GROUP = "twisted"
PACKAGES = ("magic-wormhole-mailbox-server",)


def build(folder):
    where = f"tcp:{in_reactor.free_port()}:interface=127.0.0.1"
    return in_reactor.made("mailbox", server_tap, "--port", where, "--channel-db", "relay.sqlite")


def facts(application):
    return {"services": in_reactor.names(application)}


def use(application, folder):
    (mailbox,) = service.IServiceCollection(application)
    port = next(one.endpoint._port for one in mailbox if hasattr(one, "endpoint"))

    def call():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            assert b"Wormhole Relay" in answer.read()

    in_reactor.run(application, call)
