"""Twisted mail: an SMTP server with a domain in Maildir folders, made by the options of its plugin."""

import smtplib
from pathlib import Path

import in_reactor
from twisted.application import service
from twisted.mail import tap

GROUP = "twisted"
PACKAGES = ("twisted",)


def build(folder):
    where = f"tcp:{in_reactor.free_port()}:interface=127.0.0.1"
    options = ["--smtp", where, "--pop3", "tcp:0:interface=127.0.0.1"]
    domain = ["--maildirdbmdomain", "example.org=mails", "--user", "ann=secret"]
    return in_reactor.made("mail", tap, *options, *domain)


def facts(application):
    (mail,) = service.IServiceCollection(application)
    return {"services": in_reactor.names(application), "domains": [name.decode() for name in mail.domains]}


def use(application, folder):
    ports = [one.endpoint._port for (mail,) in [service.IServiceCollection(application)] for one in mail]
    port = next(port for port in ports if port)

    def call():
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.sendmail("bob@example.com", ["ann@example.org"], "Subject: x\n\nhello\n")
        (mail,) = Path("mails/ann/new").iterdir()
        assert "hello" in mail.read_text()

    in_reactor.run(application, call)
