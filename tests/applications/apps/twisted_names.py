"""Twisted names: a DNS server with a zone, over UDP and TCP."""

from pathlib import Path

import in_reactor
from twisted.application import internet, service
from twisted.internet import reactor, threads
from twisted.names import authority, client, dns, server

GROUP = "twisted"
PACKAGES = ("twisted",)

ZONE = """zone = [
    SOA("example.org", mname="ns.example.org", rname="ann.example.org", serial=7, refresh="1H", retry="1H",
        expire="1H", minimum="1H"),
    A("www.example.org", "192.0.2.7"),
]
"""


def build(folder):
    Path("zone.py").write_text(ZONE)
    zone = authority.PySourceAuthority("zone.py")
    factory = server.DNSServerFactory(authorities=[zone])
    protocol = dns.DNSDatagramProtocol(factory)
    port = in_reactor.free_port()
    application = service.Application("names")
    internet.UDPServer(port, protocol, interface="127.0.0.1").setServiceParent(application)
    internet.TCPServer(port, factory, interface="127.0.0.1").setServiceParent(application)
    return application


def facts(application):
    udp, tcp = service.IServiceCollection(application)
    return {
        "services": in_reactor.names(application),
        "zones": [zone.soa[0].decode() for zone in tcp.args[1].resolver.resolvers],
        "serial": tcp.args[1].resolver.resolvers[0].soa[1].serial,
        "same": udp.args[1].controller is tcp.args[1],
    }


def use(application, folder):
    port = next(iter(service.IServiceCollection(application))).args[0]

    def ask():
        resolver = client.Resolver(servers=[("127.0.0.1", port)])
        return resolver.lookupAddress(b"www.example.org")

    def call():
        answers, _, _ = threads.blockingCallFromThread(reactor, ask)
        assert answers[0].payload.dottedQuad() == "192.0.2.7"

    in_reactor.run(application, call)
