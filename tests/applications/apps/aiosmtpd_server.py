"""aiosmtpd: a mail server in a thread of its own, whose handler keeps the mails."""

import smtplib
import socket

from aiosmtpd.controller import Controller

GROUP = "unseen"
PACKAGES = ("aiosmtpd",)


class Box:
    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if not address.endswith("@example.org"):
            return "550 not here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append([envelope.mail_from, envelope.rcpt_tos, envelope.content.decode()])
        return "250 kept"


def build(folder):
    controller = Controller(Box(), hostname="127.0.0.1", port=0, server_kwargs={"decode_data": False})
    controller.handler.mails.append(["a@example.org", ["b@example.org"], "old\r\n"])
    return controller


def facts(controller):
    return {"mails": controller.handler.mails, "host": controller.hostname, "size": controller.SMTP_kwargs}


def use(controller, folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        controller.port = free.getsockname()[1]
    controller.start()
    with smtplib.SMTP("127.0.0.1", controller.port, timeout=30) as client:
        client.sendmail("c@example.org", ["d@example.org"], "new")
    controller.stop()
    assert [mail[2] for mail in controller.handler.mails] == ["old\r\n", "new\r\n"]
