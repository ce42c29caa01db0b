"""Twisted words: an IRC server with a realm of users and groups."""

import socket

import in_reactor
from twisted.application import internet, service
from twisted.cred import checkers, portal
from twisted.words import service as words

GROUP = "twisted"
PACKAGES = ("twisted",)


def build(folder):
    realm = words.InMemoryWordsRealm("example")
    realm.createGroupOnRequest = True
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse()
    checker.users = {"ann": "secret"}
    factory = words.IRCFactory(realm, portal.Portal(realm, [checker]))
    application = service.Application("words")
    internet.TCPServer(in_reactor.free_port(), factory, interface="127.0.0.1").setServiceParent(application)
    return application


def facts(application):
    (server,) = service.IServiceCollection(application)
    factory = server.args[1]
    return {"services": in_reactor.names(application), "same": factory.portal.realm is factory.realm}


def use(application, folder):
    (server,) = service.IServiceCollection(application)

    def call():
        with socket.create_connection(("127.0.0.1", server.args[0]), 60) as client:
            client.sendall(b"PASS secret\r\nNICK ann\r\nUSER ann 0 * :Ann\r\n")
            said = b""
            while b"connected to Twisted IRC" not in said:
                more = client.recv(1000)
                assert more, said
                said += more

    in_reactor.run(application, call)
