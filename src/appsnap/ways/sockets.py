"""Sockets: those that listen are opened again, those without an address are made anew, connected ones are refused.

The port in the file is the one that the socket has, also where the system chose it. The backlog, the memberships in
multicast groups and the sizes of the buffers can't be seen.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import stat
import sys
import weakref
from typing import Any

from appsnap import effects, listening
from appsnap.errors import Refused
from appsnap.recipe.values.connections import address
from appsnap.ways import call, saves

__all__ = ["bind_tcp", "bind_udp", "closed_socket", "listen", "listen_unix", "new_selector", "new_socket"]

_IN_SERVICE = "open it in startService, and TRANSIENT"
_LISTEN = "listen in startService, and TRANSIENT"

OPTIONS = {
    "reuse_address": (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    "reuse_port": (socket.SOL_SOCKET, getattr(socket, "SO_REUSEPORT", None)),
    "keep_alive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "broadcast": (socket.SOL_SOCKET, socket.SO_BROADCAST),
    "no_delay": (socket.IPPROTO_TCP, socket.TCP_NODELAY),
}
"""The options that are switched on or off. Connections inherit those of the socket that listens."""

_tried: weakref.WeakKeyDictionary[socket.socket, Any] = weakref.WeakKeyDictionary()
"""The sockets that trials have made, each with its reduction: they have no address."""


def listen(
    host: str,
    port: int,
    *,
    name: str | None = None,
    timeout: float | None = None,
    dualstack: bool = False,
    reuse_address: bool = True,
    reuse_port: bool = False,
    **options: bool,
) -> socket.socket:
    """Return a socket that listens at an address, as `appsnap.listen` does. Raises OSError.

    `timeout` is that of its operations in seconds; None stands for a socket that blocks.
    """
    keywords = {"name": name, "timeout": timeout, "dualstack": dualstack, "reuse_address": reuse_address}
    keywords |= {"reuse_port": reuse_port, **options}
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if effects.is_trial():
        return _not_opened(family, socket.SOCK_STREAM, call(listen, host, port, **_kept(keywords, reuse_address=True)))
    effects.check(effects.Effect("listen", address(host, port)))
    with listening.placed(address(host, port)):
        made = listening.listen(
            host, port, name, reuse_port=reuse_port, dualstack=dualstack, elsewhere=not effects.is_limited()
        )
    return _set(made, timeout, {"reuse_address": reuse_address, **options})


def listen_unix(
    path: str, *, name: str | None = None, timeout: float | None = None, mode: int | None = None
) -> socket.socket:
    """Return a Unix socket that listens at a path. A stale socket there is removed. Raises OSError."""
    if effects.is_trial():
        keywords = _kept({"name": name, "timeout": timeout, "mode": mode})
        return _not_opened(socket.AF_UNIX, socket.SOCK_STREAM, call(listen_unix, path, **keywords))
    with effects.walked(path, "listen") as (folder, last), listening.placed(path):
        real = os.path.realpath(path)
        made = listening.listen(listening.UNIX + real, 0, name, elsewhere=not effects.is_limited())
        try:
            # The system knows no call that binds a socket in a folder. So it is looked at afterwards.
            found = os.stat(last, dir_fd=folder, follow_symlinks=False)
            if not (stat.S_ISSOCK(found.st_mode) and os.path.samestat(found, os.lstat(real))):
                raise effects.CannotOpen(errno.ESTALE, "another folder took its place", path)
            if mode is not None:
                _set_mode(folder, last, found, mode)
        except OSError:
            made.close()
            raise
    return _set(made, timeout, {})


def _set_mode(folder: int, name: str, expected: os.stat_result, mode: int) -> None:
    """Set the mode of a socket in a folder, and of no other file that somebody puts into its place."""
    if not hasattr(os, "O_PATH"):
        os.chmod(name, mode, dir_fd=folder, follow_symlinks=False)
        return
    # Linux has no such call. It has a path for each descriptor.
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not os.path.samestat(os.fstat(descriptor), expected):
            raise effects.CannotOpen(errno.ESTALE, "another file took its place", name)
        os.chmod(f"/proc/self/fd/{descriptor}", mode)  # noqa: PTH101 - a text
    finally:
        os.close(descriptor)


def bind_tcp(host: str, port: int, **settings: Any) -> socket.socket:
    """Return a socket for connections with an address, on which nobody listens yet. Raises OSError."""
    return _bind(bind_tcp, socket.SOCK_STREAM, host, port, **settings)


def bind_udp(host: str, port: int, **settings: Any) -> socket.socket:
    """Return a socket for datagrams with an address. Raises OSError."""
    return _bind(bind_udp, socket.SOCK_DGRAM, host, port, **settings)


def new_socket(
    family: str = "AF_INET", kind: str = "SOCK_STREAM", *, proto: int = 0, timeout: float | None = None, **options: bool
) -> socket.socket:
    """Return a socket without an address."""
    made = socket.socket(socket.AddressFamily[family], socket.SocketKind[kind], proto)
    return _set(made, timeout, options)


def closed_socket() -> socket.socket:
    """Return a socket that is closed."""
    made = socket.socket()
    made.close()
    return made


def new_selector(kind: str = "DefaultSelector") -> selectors.BaseSelector:
    """Return a selector without files: of this class of `selectors`, or of the best one that the system has."""
    cls = getattr(selectors, kind, selectors.DefaultSelector)
    if not issubclass(cls, selectors.BaseSelector):
        raise TypeError(f"{kind} is no selector")
    made: selectors.BaseSelector = cls()
    return made


# Saving


@saves("socket.socket", subclasses=True, before_fork=True)
def _(sock: socket.socket) -> Any:
    if type(sock) is not socket.socket:
        raise Refused("a socket of a class of its own", _IN_SERVICE)
    if sock in _tried:
        return _tried[sock]
    if sock.fileno() < 0:
        return call(closed_socket)
    if sock.family not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        raise Refused(f"a socket of the family {getattr(sock.family, 'name', sock.family)}", _IN_SERVICE)
    with contextlib.suppress(OSError):
        sock.getpeername()
        raise Refused("a connected socket", _IN_SERVICE)
    return _reduce_unix(sock) if sock.family == socket.AF_UNIX else _reduce_internet(sock)


def _reduce_internet(sock: socket.socket) -> Any:
    host, port, *scope = sock.getsockname()
    options = {
        name: bool(sock.getsockopt(level, option))
        for name, (level, option) in OPTIONS.items()
        if option is not None and (name != "no_delay" or sock.type == socket.SOCK_STREAM)
    }
    settings: dict[str, Any] = {"timeout": sock.gettimeout(), **options}
    if not port:
        return _reduce_new(sock, settings)
    if any(scope):
        raise Refused("a socket at an address of one link", _LISTEN)
    if sock.family == socket.AF_INET6:
        settings["dualstack"] = not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    if sock.type == socket.SOCK_DGRAM:
        return call(bind_udp, host, port, **_kept(settings))
    if not _listens(sock):
        if _is_connecting(sock):
            raise Refused("a socket that is being connected or closed", _IN_SERVICE)
        return call(bind_tcp, host, port, **_kept(settings))
    return call(listen, host, port, **_kept(settings | {"name": listening.name_of(sock)}, reuse_address=True))


def _listens(sock: socket.socket) -> bool:
    return sock.type == socket.SOCK_STREAM and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _is_connecting(sock: socket.socket) -> bool:
    # The first byte is the state. Other systems than Linux have the structure otherwise, or not at all.
    state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] if sys.platform == "linux" else _CLOSED
    return state != _CLOSED


_CLOSED = 7
"""TCP_CLOSE of the Linux kernel: the state of a socket that is bound at most."""


def _reduce_unix(sock: socket.socket) -> Any:
    path = sock.getsockname()
    settings = {"timeout": sock.gettimeout()}
    if not path:
        return _reduce_new(sock, settings)
    if isinstance(path, bytes) or not _listens(sock):
        raise Refused("a Unix socket that doesn't listen at a path", _LISTEN)
    path = os.path.abspath(path)  # noqa: PTH100 - a text
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 - as above
    except OSError as error:
        raise Refused(f"a Unix socket whose path is gone ({path})", _LISTEN) from error
    return call(listen_unix, path, **_kept(settings | {"name": listening.name_of(sock), "mode": mode}))


def _reduce_new(sock: socket.socket, settings: dict[str, Any]) -> Any:
    names = [socket.AddressFamily(sock.family).name, socket.SocketKind(sock.type).name]
    while names and names[-1] == ("AF_INET", "SOCK_STREAM")[len(names) - 1]:
        names.pop()
    return call(new_socket, *names, **_kept({"proto": sock.proto, **settings}))


def _kept(settings: dict[str, Any], **usual: Any) -> dict[str, Any]:
    """Return the settings that aren't the usual ones. Switches are usually off."""
    usual = {"mode": None, "name": None, "timeout": None} | usual
    return {name: value for name, value in settings.items() if value != usual.get(name, False)}


@saves("selectors.BaseSelector", subclasses=True, before_fork=True)
def _(selector: selectors.BaseSelector) -> Any:
    if selector.get_map():
        raise Refused("a selector that waits for files", "register them in startService")
    if getattr(selectors, type(selector).__name__, None) is not type(selector) or selector.get_map() is None:
        raise Refused("a closed selector, or one of a class of its own", _IN_SERVICE)
    best = type(selector) is selectors.DefaultSelector
    return call(new_selector, *([] if best else [type(selector).__name__]))


def _refuse(*names: str, reason: str, advice: str) -> None:
    def refuse(_: Any) -> Any:
        raise Refused(reason, advice)

    for name in names:
        saves(name, subclasses=True)(refuse)


_refuse(
    "select.epoll",
    "select.poll",
    "select.kqueue",
    reason="descriptors that the system waits for",
    advice=_IN_SERVICE,
)
_refuse("multiprocessing.connection._ConnectionBase", reason="one end of a connection", advice=_IN_SERVICE)
_refuse(
    "multiprocessing.connection.Listener",
    reason="a listener for other processes, which has their connections",
    advice=_LISTEN,
)
_refuse(
    "asyncio.subprocess.Process",
    reason="a child process",
    advice="start it in startService, and TRANSIENT",
)


@saves("multiprocessing.process.BaseProcess", subclasses=True)
def _(process: Any) -> Any:
    if process._popen is not None:
        raise Refused("a process that has been started", "start it in startService, and TRANSIENT")
    return NotImplemented


# Loading


def _bind(
    function: Any,
    kind: socket.SocketKind,
    host: str,
    port: int,
    *,
    timeout: float | None = None,
    dualstack: bool = False,
    **options: bool,
) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if effects.is_trial():
        keywords = _kept({"timeout": timeout, "dualstack": dualstack, **options})
        return _not_opened(family, kind, call(function, host, port, **keywords))
    effects.check(effects.Effect("listen", address(host, port)))
    made = socket.socket(family, kind)
    try:
        _set(made, timeout, options)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dualstack)
        with listening.placed(address(host, port)):
            made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def _not_opened(family: socket.AddressFamily, kind: socket.SocketKind, reduction: Any) -> socket.socket:
    made = socket.socket(family, kind)
    _tried[made] = reduction
    return made


def _set(sock: socket.socket, timeout: float | None, options: dict[str, bool]) -> socket.socket:
    sock.settimeout(timeout)
    for name, value in options.items():
        level, option = OPTIONS[name]
        if option is not None and sock.getsockopt(level, option) != value:
            sock.setsockopt(level, option, value)
    return sock
