"""Twisted words: an IRC server with users, made by the options of its plugin."""

import socket
from pathlib import Path

import in_reactor
from twisted.application import service
from twisted.words import tap

GROUP = "twisted"
PACKAGES = ("twisted",)


def build(folder):
    Path("passwords").write_text("ann:secret\n")
    where = f"tcp:{in_reactor.free_port()}:interface=127.0.0.1"
    return in_reactor.made("words", tap, "--irc-port", where, "--auth", "file:passwords")


def facts(application):
    return {"services": in_reactor.names(application)}


def use(application, folder):
    (words,) = service.IServiceCollection(application)
    port = next(iter(words)).endpoint._port

    def call():
        with socket.create_connection(("127.0.0.1", port), 60) as client:
            client.sendall(b"PASS secret\r\nNICK ann\r\nUSER ann 0 * :Ann\r\n")
            said = b""
            while b" 001 " not in said:
                said += client.recv(1000)

    in_reactor.run(application, call)
