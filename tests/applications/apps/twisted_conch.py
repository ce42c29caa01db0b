"""Twisted conch: an SSH server with a key of its own and a shell in Python."""

import socket

import in_reactor
from twisted.application import service, strports
from twisted.conch.insults import insults
from twisted.conch.manhole import ColoredManhole
from twisted.conch.manhole_ssh import ConchFactory, TerminalRealm
from twisted.conch.ssh import keys
from twisted.cred import checkers, portal

GROUP = "twisted"
PACKAGES = ("twisted",)


def shell():
    return insults.ServerProtocol(ColoredManhole, {})


def build(folder):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = keys.Key(Ed25519PrivateKey.generate())
    realm = TerminalRealm()
    realm.chainedProtocolFactory = shell
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
    factory = ConchFactory(portal.Portal(realm, [checker]))
    factory.publicKeys = {b"ssh-ed25519": key.public()}
    factory.privateKeys = {b"ssh-ed25519": key}
    application = service.Application("conch")
    strports.service(f"tcp:{in_reactor.free_port()}:interface=127.0.0.1", factory).setServiceParent(application)
    return application


def facts(application):
    (ssh,) = service.IServiceCollection(application)
    return {
        "services": in_reactor.names(application),
        "key": ssh.factory.privateKeys[b"ssh-ed25519"].fingerprint(),
        "users": [[*map(bytes.decode, checker.users)] for checker in ssh.factory.portal.checkers.values()],
    }


def use(application, folder):
    (ssh,) = service.IServiceCollection(application)

    def call():
        with socket.create_connection(("127.0.0.1", ssh.endpoint._port), 60) as client:
            assert client.recv(100).startswith(b"SSH-2.0-Twisted")

    in_reactor.run(application, call)
