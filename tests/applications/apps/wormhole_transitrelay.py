"""magic-wormhole: the transit relay."""

import socket

import in_reactor
from twisted.application import service
from wormhole_transit_relay import server_tap

GROUP = "twisted"
PACKAGES = ("magic-wormhole-transit-relay",)


def build(folder):
    return in_reactor.made("relay", server_tap, "--port", f"tcp:{in_reactor.free_port()}:interface=127.0.0.1")


def facts(application):
    return {"services": in_reactor.names(application)}


def use(application, folder):
    (relay,) = service.IServiceCollection(application)
    port = next(one.endpoint._port for one in relay if hasattr(one, "endpoint"))

    def call():
        with socket.create_connection(("127.0.0.1", port), 60) as client:
            client.sendall(b"nonsense\n")
            assert client.recv(100) == b"bad handshake\n"

    in_reactor.run(application, call)
