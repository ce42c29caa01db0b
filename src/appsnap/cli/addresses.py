"""The option `--listen`: it makes a server of an application of a web framework, or moves the server that is there."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import click

from appsnap.cli import output
from appsnap.errors import ServiceError
from appsnap.interfaces import IService
from appsnap.listening import CannotListen, joined
from appsnap.printable import plural
from appsnap.runner.root import all_services
from appsnap.twisted_services import adapted
from appsnap.waiting import path, type_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["elsewhere", "served"]

_MOST_NAMED = 5


def served(obj: Any, source: str, listen: tuple[str, int]) -> Any:
    """Return an application that serves an object at an address. An application with one server gets its address.

    Raises UsageError for one that has none, or more than one, and for any other object.
    """
    from appsnap.hosting import recognise  # noqa: PLC0415 - few commands need it

    root = adapted(IService, obj)
    if root is None:
        application = recognise.served(obj, source, *listen)
        if application is not None:
            return application
        kind = type_of(obj).removeprefix("builtins.")
        why = f"--listen is for an ASGI, WSGI or aiohttp application, and {source} is none ({kind})"
    else:
        servers = _servers(root)
        if len(servers) == 1:
            servers[0].host, servers[0].port = listen
            return obj
        named = [f"{path(server)} ({type_of(server)})" for server in servers[:_MOST_NAMED]]
        more = f" and {len(servers) - len(named):,} more" if len(servers) > len(named) else ""
        which = (
            f"{plural(len(servers), 'server')}: {', '.join(named)}{more}" if servers else "none with a host and a port"
        )
        why = f"--listen is for an application with one server, and {source} has {which}"
    raise click.UsageError(why, click.get_current_context(silent=True))


def elsewhere(error: Exception, application: Any, arguments: Sequence[str]) -> str:
    """Return a hint with the command that serves at another address, for an error of the one server about its own."""
    reason = error.__cause__
    if not isinstance(error, ServiceError) or not isinstance(reason, CannotListen) or reason.filename.startswith("/"):
        return ""
    servers = _servers(adapted(IService, application))
    if len(servers) != 1 or path(servers[0]) != error.path:
        return ""
    host = servers[0].host if reason.errno in (errno.EADDRINUSE, errno.EACCES) else "127.0.0.1"
    words = [*arguments]
    for at in reversed(range(len(words))):
        if words[at] == "--listen":
            del words[at : at + 2]
        elif words[at].startswith("--listen="):
            del words[at]
    return f"at a port that is free: {output.command_line([*words, '--listen', joined(host, 0)])}"


def _servers(root: Any) -> list[Any]:
    """Return the services that listen at a host and a port of their own."""
    return [
        service
        for service in all_services(root)
        if hasattr(type(service), "sockets")
        and isinstance(getattr(service, "host", None), str)
        and isinstance(getattr(service, "port", None), int)
    ]
