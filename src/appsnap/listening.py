"""Listening sockets that the process begins with or opens, and that outlive it when it runs its program anew.

A service calls `listen`. The rest is for runners: they hand in the sockets that the process has inherited, from systemd
or from the process image before it, and take duplicates of all that listens for the one after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import shlex
import socket
import stat
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appsnap import effects
from appsnap.errors import AppsnapError
from appsnap.printable import escaped, label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping

__all__ = [
    "UNIX",
    "CannotListen",
    "Inherited",
    "close_unused",
    "duplicates",
    "inherit",
    "joined",
    "listen",
    "name_of",
    "parse_address",
    "placed",
    "stop_accepting",
    "take_systemd",
    "url_of",
]

_log = logging.getLogger(__name__)

UNIX = "unix:"
"""The begin of a host that is the path of a socket in the file system."""

_FIRST = 3
"""The descriptor of the first socket from systemd: SD_LISTEN_FDS_START in sd_listen_fds(3)."""

_DIGITS = 10
"""A process has fewer descriptors than there are numbers of so many digits."""

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - they are only compared


@dataclass(frozen=True, slots=True)
class Inherited:
    """A socket that the process begins with.

    `host`, `port` and `name` are the arguments for which the process before this one had it. A socket of systemd has
    no host and no port, and only its name in the unit, if any.
    """

    host: str | None
    port: int | None
    name: str | None
    descriptor: int

    def __str__(self) -> str:
        name = label(self.name) if self.name else f"descriptor {self.descriptor}"
        if self.host is not None:
            name = label(self.host) if self.host.startswith(UNIX) else f"{label(self.host)} port {self.port}"
        return escaped(name)


class CannotListen(effects.CannotOpen):
    """An address that can't be listened on. `filename` is the address, which the system doesn't name in its errors."""

    def __str__(self) -> str:
        return escaped(f"{self.filename}: {str(self.strerror).lower()}")

    @property
    def hint(self) -> str:
        """The way to get at the address."""
        is_path = self.filename.startswith("/")
        if self.errno == errno.EADDRINUSE:
            of_port = f"ss -lnp 'sport = :{self.filename.rpartition(':')[2]}'"
            return f"who has it: {f'ss -lxp | grep {shlex.quote(self.filename)}' if is_path else of_port}"
        if self.errno == errno.ENOENT and is_path:
            return f"mkdir -p {shlex.quote(os.path.dirname(self.filename))}"  # noqa: PTH120 - a text
        if self.errno == errno.EACCES:
            return "" if is_path else "only root may listen on ports below 1024, or who has CAP_NET_BIND_SERVICE"
        return _HINTS.get(self.errno or 0, "")


_HINTS = {
    errno.EADDRNOTAVAIL: "`ip -brief address` lists the addresses of this machine; 0.0.0.0 and [::] are all of them",
    errno.EEXIST: "only a socket is replaced: remove it, or choose another path",
    errno.ENAMETOOLONG: "the system takes about 100 bytes: choose a shorter path",
}


@contextlib.contextmanager
def placed(where: str) -> Iterator[None]:
    """Raise CannotListen for an error of the system about an address."""
    try:
        yield
    except effects.CannotOpen:
        raise
    except OSError as error:
        number = error.errno
        # Python writes the address into some texts, and has no number for a path that is too long.
        reason = os.strerror(number) if number and number > 0 else (error.strerror or str(error)).partition(" (")[0]
        if where.startswith("/") and number is None:
            number, reason = errno.ENAMETOOLONG, "the path is too long for a socket"
        raise CannotListen(number, reason, where) from error


_unused: dict[socket.socket, Inherited] = {}
_used: weakref.WeakKeyDictionary[socket.socket, Inherited] = weakref.WeakKeyDictionary()
"""The sockets that `listen` has returned. A socket that nobody holds any more isn't kept open."""


def listen(
    host: str,
    port: int = 0,
    name: str | None = None,
    *,
    reuse_port: bool = False,
    dualstack: bool = False,
    elsewhere: bool = True,
) -> socket.socket:
    """Return a socket that listens at an address: an inherited one, or else a new one. Raises CannotListen, an OSError.

    The socket doesn't block. A host with colons is an IPv6 address; an empty one stands for all addresses of IPv4. With
    port 0, the system chooses a port. The host `unix:` with a path is a socket in the file system. Its file stays
    there when the socket is closed, and is replaced by the next one. A new socket may share its port with others, and
    one for IPv6 may take connections of IPv4, too.

    An inherited socket is taken if the process before this one had it for the same arguments. Another one is taken if
    it listens at this address. One of systemd is taken before that if it has this name (FileDescriptorName= in the
    unit), unless it listens `elsewhere` and may not.
    """
    family = socket.AF_UNIX if host.startswith(UNIX) else socket.AF_INET6 if ":" in host else socket.AF_INET
    found = _handed_over(host, port, name) or _activated(host, port, name, family, elsewhere=elsewhere)
    if found is None:
        if family == socket.AF_UNIX:
            found = _at_path(host.removeprefix(UNIX))
        else:
            with placed(joined(host, port)):
                found = socket.create_server(
                    (host, port), family=family, reuse_port=reuse_port, dualstack_ipv6=dualstack
                )
        how = Inherited(host, port, name, found.fileno())
    else:
        how = _unused.pop(found)
    found.setblocking(False)
    _used[found] = how
    return found


def name_of(used: socket.socket) -> str | None:
    """Return the name for which `listen` returned a socket, if there is one."""
    how = _used.get(used)
    return None if how is None else how.name


def parse_address(text: str) -> tuple[str, int]:
    """Return the host and the port of `HOST:PORT`, `[HOST]:PORT` or `unix:PATH`, for `listen`. Raises ValueError."""
    if text.startswith(UNIX) and len(text) > len(UNIX):
        return UNIX + os.path.abspath(text.removeprefix(UNIX)), 0  # noqa: PTH100 - links in it stay
    host, colon, port = text.rpartition(":")
    is_number = port.isascii() and port.isdigit() and len(port) < _DIGITS and int(port) <= _LAST_PORT
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not (colon and is_number):
        raise ValueError(f"{text!r} is no HOST:PORT, [HOST]:PORT or unix:PATH")
    return host, int(port)


_LAST_PORT = 65535


def url_of(used: socket.socket) -> str:
    """Return the address of an HTTP server for people: `http://127.0.0.1:8000/`, or `unix:` and a path."""
    address = used.getsockname()
    return f"{UNIX}{address}" if isinstance(address, str) else f"http://{joined(*address[:2])}/"


def joined(host: str, port: int) -> str:
    """Return a host and a port as one text: `127.0.0.1:8000`, `[::1]:8000`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _at_path(path: str) -> socket.socket:
    """Return a new socket in the file system. One that nobody listens on any more makes room for it."""
    found = socket.socket(socket.AF_UNIX)
    try:
        with placed(os.path.abspath(path)):  # noqa: PTH100 - links in it stay
            try:
                found.bind(path)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or not _is_left_over(path):
                    raise
                os.unlink(path)  # noqa: PTH108 - a text, as it was given
                found.bind(path)
            found.listen()
    except BaseException:
        found.close()
        raise
    return found


def _is_left_over(path: str) -> bool:
    """Tell whether a socket in the file system belongs to no process any more. Raises OSError for other files."""
    mode = os.lstat(path).st_mode
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "")
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        return client.connect_ex(path) == errno.ECONNREFUSED


def inherit(sockets: Iterable[Inherited]) -> None:
    """Take in sockets that the process begins with. Its children don't inherit them. Raises AppsnapError."""
    for each in sockets:
        try:
            os.set_inheritable(each.descriptor, False)
            _unused[socket.socket(fileno=each.descriptor)] = each
        except OSError as error:
            if error.errno == errno.ENOTSOCK:
                _log.warning("%s is no socket, and is closed", each)
                os.close(each.descriptor)
                continue
            raise AppsnapError(f"there is no socket with descriptor {each.descriptor}: {error.strerror}") from error


def take_systemd(environ: MutableMapping[str, str] = os.environ) -> None:
    """Take in the sockets that systemd has passed, and remove its variables. Raises AppsnapError.

    Variables for another process (LISTEN_PID) are removed only. See sd_listen_fds(3).
    """
    pid, count, names, _ = (
        environ.pop(variable, "") for variable in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")
    )
    if pid != str(os.getpid()):
        return
    if not (count.isascii() and count.isdigit() and len(count) < _DIGITS):
        raise AppsnapError(f"LISTEN_FDS is {label(count)}, and not the number of sockets")
    given = names.split(":")
    inherit(
        Inherited(None, None, (given[index] if index < len(given) else "") or None, _FIRST + index)
        for index in range(int(count))
    )


def duplicates() -> list[Inherited]:
    """Return duplicates of all sockets that are open, for the program that this process runs next.

    Connections wait in their queues also while this process has closed its own. The descriptors aren't inheritable
    yet. A socket of systemd is handed on as one of systemd.
    """
    return [
        Inherited(how.host, how.port, how.name, os.dup(used.fileno()))
        for used, how in [*_used.items(), *_unused.items()]
        if used.fileno() >= 0
    ]


def stop_accepting() -> None:
    """Let the event loop accept no connection any more. They wait in the queues of the sockets.

    A server that is closed drops the connections that it accepts in the same round. Not all loops can do this.
    """
    loop = asyncio.get_running_loop()
    for each in [*_used]:
        if each.fileno() >= 0:
            with contextlib.suppress(RuntimeError, NotImplementedError):
                loop.remove_reader(each)


def close_unused() -> list[str]:
    """Close the inherited sockets that no service has taken. Returns them in words."""
    words = []
    while _unused:
        unused, how = _unused.popitem()
        unused.close()
        words.append(str(how))
    return words[::-1]


def _handed_over(host: str, port: int, name: str | None) -> socket.socket | None:
    wanted = (host, port, name)
    return next((each for each, how in _unused.items() if (how.host, how.port, how.name) == wanted), None)


def _activated(host: str, port: int, name: str | None, family: int, *, elsewhere: bool) -> socket.socket | None:
    if not _unused:
        return None
    if family == socket.AF_UNIX:
        there = [each for each in _unused if each.family == family and each.getsockname() == host[len(UNIX) :]]
    else:
        addresses = _addresses(host, port, family)
        there = [each for each in _unused if _listens_at(each, addresses)]
    # All sockets of one unit have its name, unless the unit gives them others.
    named = [each for each, how in _unused.items() if how.host is None and how.name is not None and how.name == name]
    return next((each for each in named if each in there), None) or next(iter((elsewhere and named) or there), None)


def _addresses(host: str, port: int, family: int) -> set[tuple[str, int]]:
    """Return the addresses that a new socket could be bound to. There are none if the host can't be found."""
    with contextlib.suppress(OSError):
        found = socket.getaddrinfo(host or None, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return {(str(address[0]), port) for *_, address in found}
    return set()


def _listens_at(each: socket.socket, addresses: set[tuple[str, int]]) -> bool:
    if each.family not in (socket.AF_INET, socket.AF_INET6) or each.type != socket.SOCK_STREAM:
        return False
    if not each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return False
    host, port = each.getsockname()[:2]
    if host == "::" and not each.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        # systemd's ListenStream=80 is one socket for both families.
        return any((wildcard, port) in addresses for wildcard in _WILDCARDS)
    return (host, port) in addresses
