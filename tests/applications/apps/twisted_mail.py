"""Twisted mail: an SMTP server with a domain in Maildir folders."""

import smtplib

import in_reactor
from twisted.application import internet, service
from twisted.cred import checkers
from twisted.mail import mail, maildir

GROUP = "twisted"
PACKAGES = ("twisted",)


def build(folder):
    application = service.Application("mail")
    server = mail.MailService()
    domain = maildir.MaildirDirdbmDomain(server, "mails")
    domain.addUser(b"ann", b"secret")
    server.addDomain(b"example.org", domain)
    server.smtpPortal.registerChecker(checkers.AllowAnonymousAccess())
    port = in_reactor.free_port()
    internet.TCPServer(port, server.getSMTPFactory(), interface="127.0.0.1").setServiceParent(server)
    server.setServiceParent(application)
    return application


def facts(application):
    (server,) = service.IServiceCollection(application)
    return {"services": in_reactor.names(application), "domains": [name.decode() for name in server.domains]}


def use(application, folder):
    (server,) = service.IServiceCollection(application)
    smtp = next(one for one in server if hasattr(one, "args"))

    def call():
        with smtplib.SMTP("127.0.0.1", smtp.args[0], timeout=60) as client:
            client.ehlo()
            client.mail("bob@example.com")
            assert client.rcpt("ann@example.org")[0] == 250
            assert client.rcpt("nobody@example.org")[0] == 550

    in_reactor.run(application, call)
