"""Databases, sockets and TLS contexts that are opened or made again, by the functions of `appsnap.ways`.

A database file and an address are effects, which the caller has to trust. So is the content of a database in memory: it
is pages and SQL of a stranger. Sockets without an address and TLS contexts are harmless.
"""

from __future__ import annotations

import importlib
import ipaddress
import sys
from typing import TYPE_CHECKING, Any

from appsnap.effects import Effect, check_path, on_path
from appsnap.recipe.values.arguments import check
from appsnap.recipe.values.installed import check_installed
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["PRAGMAS", "TYPES", "address"]


def address(host: object, port: object) -> str:
    """Return the target of the effect of listening: `127.0.0.1:8000`, `::1:8000`. Raises ValueError."""
    check(type(host) is str, "a host has to be a text")  # a number would be an address, too
    check(type(port) is int and 0 <= port < 1 << 16, "a port is a number from 0 to 65,535")
    return f"{ipaddress.ip_address(host)}:{port}"  # type: ignore[arg-type]  # checked


# The settings, each with its check


def _is_switch(value: object) -> bool:
    return type(value) is bool


def _is_number(least: int, most: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _is_text(most: int) -> Callable[[object], bool]:
    return lambda value: type(value) is str and len(value) <= most and value.isascii() and "\0" not in value


def _is_one_of(*texts: str | None) -> Callable[[object], bool]:
    return lambda value: (value is None or type(value) is str) and value in texts


def _is_time(value: object) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value < _LONG)  # type: ignore[operator]  # a number


def _is_row(value: object) -> bool:
    return value is sys.modules["sqlite3"].Row


def _are_protocols(value: object) -> bool:
    is_name = _is_text(255)
    return type(value) is tuple and len(value) < _FEW and all(is_name(one) and one for one in value)


_LONG = 1_000_000
"""Seconds that no operation takes."""

_FEW = 100

PRAGMAS = (
    "cache_size",
    "foreign_keys",
    "ignore_check_constraints",
    "query_only",
    "recursive_triggers",
    "synchronous",
    "temp_store",
    "trusted_schema",
)
"""The settings of an SQLite connection that no database file keeps."""

_Settings = dict[str, "Callable[[object], bool]"]

_OF_DATABASE: _Settings = {
    "isolation_level": _is_one_of(None, "", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"),
    "timeout": lambda value: value is not None and _is_time(value),
    "detect_types": _is_number(0, 3),
    "check_same_thread": _is_switch,
    "autocommit": lambda value: _is_switch(value) or (type(value) is int and value == -1),
    "row_factory": _is_row,
    "text_factory": lambda value: value is bytes,
    **dict.fromkeys(PRAGMAS, _is_number(-_LONG, _LONG)),
}
_OF_SOCKET: _Settings = {
    "timeout": _is_time,
    **dict.fromkeys(("reuse_address", "reuse_port", "keep_alive", "broadcast", "no_delay", "dualstack"), _is_switch),
}
_NAMED: _Settings = {"name": lambda value: value is None or _is_text(255)(value)}
_OF_UNIX: _Settings = {"timeout": _is_time, "mode": _is_number(0, 0o777)} | _NAMED
_VERSIONS = _is_one_of("MINIMUM_SUPPORTED", "MAXIMUM_SUPPORTED", "SSLv3", "TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
_OF_TLS: _Settings = {
    "certificates": _is_one_of("default", "certifi"),
    "added": _is_text(_LONG),
    "verify_mode": _is_one_of("CERT_NONE", "CERT_OPTIONAL", "CERT_REQUIRED"),
    "ciphers": _is_text(10_000),
    "alpn": _are_protocols,
    "minimum_version": _VERSIONS,
    "maximum_version": _VERSIONS,
    "options": _is_number(0, (1 << 63) - 1),
    "verify_flags": _is_number(0, (1 << 31) - 1),
    **dict.fromkeys(("check_hostname", "hostname_checks_common_name", "post_handshake_auth"), _is_switch),
}


def _check_settings(settings: Mapping[str, Any], checks: _Settings) -> None:
    for name, value in settings.items():
        check(checks[name](value), f"takes no {type(value).__name__} of this value as its {name}")


def _of_way(name: str) -> Any:
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


# The functions of the ways


def _open_database(args: tuple[Any, ...], **settings: Any) -> Any:
    check(len(args) == 1, "takes a path")
    check_path(args[0])
    _check_settings(settings, _OF_DATABASE | {"read_only": _is_switch})
    return _of_way("appsnap.ways.sqlite.open_database")(*args, **settings)


def _database_file(args: tuple[Any, ...], *, read_only: object = False) -> Any:
    _opens(args, {"read_only": read_only})
    return _of_way("appsnap.ways.sqlite.database_file")(*args, read_only=read_only)


def _opens(args: Sequence[Any], settings: Mapping[str, Any]) -> list[Effect]:
    check(len(args) == 1, "takes a path")
    read_only = settings.get("read_only", False)
    check(type(read_only) is bool, "takes a switch as its read_only")
    return [on_path("read", args[0]) if read_only else on_path("write", args[0], "opens the database")]


def _database_in_memory(args: tuple[Any, ...], **settings: Any) -> Any:
    check(len(args) <= 1 and all(type(one) is bytes for one in args), "takes the content as bytes")
    _check_settings(settings, _OF_DATABASE)
    for content in args:
        _of_way("appsnap.ways.sqlite.check_content")(content)
    # Views and triggers of a stranger may not call functions that do more than compute.
    return _of_way("appsnap.ways.sqlite.database_in_memory")(*args, **settings | {"trusted_schema": 0})


def _idle_cursor(args: tuple[Any, ...], arraysize: object = 1) -> Any:
    connection_class = getattr(sys.modules.get("sqlite3"), "Connection", None)
    check(len(args) == 1 and type(args[0]) is connection_class, "takes a connection")
    check(_is_number(1, _LONG)(arraysize), "takes a number as its arraysize")
    return _of_way("appsnap.ways.sqlite.idle_cursor")(*args, arraysize)


def _listen(args: tuple[Any, ...], **settings: Any) -> Any:
    _listens(args, settings)
    return _of_way("appsnap.ways.sockets.listen")(*args, **settings)


def _listens(args: Sequence[Any], settings: Mapping[str, Any]) -> list[Effect]:
    _check_settings(settings, _OF_SOCKET | _NAMED)
    check(len(args) == 2, "takes a host and a port")
    return [Effect("listen", address(*args))]


def _listen_unix(args: tuple[Any, ...], **settings: Any) -> Any:
    _listens_at_path(args, settings)
    return _of_way("appsnap.ways.sockets.listen_unix")(*args, **settings)


def _listens_at_path(args: Sequence[Any], settings: Mapping[str, Any]) -> list[Effect]:
    _check_settings(settings, _OF_UNIX)
    check(len(args) == 1, "takes a path")
    return [on_path("listen", args[0])]


def _bind(name: str) -> Callable[..., Any]:
    def make(args: tuple[Any, ...], **settings: Any) -> Any:
        _listens(args, settings)
        return _of_way(name)(*args, **settings)

    return make


def _receives(args: Sequence[Any], settings: Mapping[str, Any]) -> list[Effect]:
    return [Effect("listen", one.target, "receives datagrams on") for one in _listens(args, settings)]


_FAMILIES = ("AF_INET", "AF_INET6", "AF_UNIX")
_KINDS = ("SOCK_STREAM", "SOCK_DGRAM")
_PROTOCOLS = (0, 6, 17)
"""Any, TCP and UDP. The system loads modules for others."""


def _new_socket(args: tuple[Any, ...], proto: object = 0, **settings: Any) -> Any:
    sorts = (_is_one_of(*_FAMILIES), _is_one_of(*_KINDS))
    check(len(args) <= len(sorts) and all(is_one(one) for is_one, one in zip(sorts, args, strict=False)), _OF_NEW)
    check(type(proto) is int and proto in _PROTOCOLS, _OF_NEW)
    _check_settings(settings, _OF_SOCKET)
    return _of_way("appsnap.ways.sockets.new_socket")(*args, proto=proto, **settings)


_OF_NEW = "takes a family and a kind of sockets of the internet, or of Unix"


def _closed(name: str) -> Callable[[tuple[Any, ...]], Any]:
    def make(args: tuple[Any, ...]) -> Any:
        check(not args, "takes no arguments")
        return _of_way(name)()

    return make


def _new_selector(args: tuple[Any, ...]) -> Any:
    is_kind = _is_one_of(*(f"{kind}Selector" for kind in ("Default", "Devpoll", "Epoll", "Kqueue", "Poll", "Select")))
    check(len(args) <= 1 and all(map(is_kind, args)), "takes the name of a class of selectors")
    return _of_way("appsnap.ways.sockets.new_selector")(*args)


def _tls_context(args: tuple[Any, ...], **settings: Any) -> Any:
    is_protocol = _is_one_of("PROTOCOL_TLS", "PROTOCOL_TLS_CLIENT", "PROTOCOL_TLS_SERVER")
    check(len(args) <= 1 and all(one is not None and is_protocol(one) for one in args), "takes the name of a protocol")
    _check_settings(settings, _OF_TLS)
    if settings.get("certificates") == "certifi":
        check_installed("certifi")
    return _of_way("appsnap.ways.ssl.tls_context")(*args, **settings)


_SOCKET_WORK = 1_000
_CERTIFICATES_WORK = 30_000
"""Microseconds: the system may have 150 certificates."""


def _way(name: str, make: Callable[..., Any], settings: Sequence[str] = (), **fields: Any) -> ValueType:
    return ValueType(
        name=f"appsnap.ways.{name}",
        make=make,
        keywords=frozenset(settings),
        referable=False,
        identity=True,
        **fields,
    )


TYPES = (
    _way(
        "sqlite.open_database",
        _open_database,
        [*_OF_DATABASE, "read_only"],
        effects=_opens,
        paths=(0,),
        work=lambda _: 1_000,
    ),
    _way("sqlite.database_file", _database_file, ["read_only"], effects=_opens, paths=(0,), work=lambda _: 100),
    _way(
        "sqlite.database_in_memory",
        _database_in_memory,
        [*_OF_DATABASE],
        effects=lambda *_: [Effect("database", "memory")],
        work=lambda args: 1_000 + sum(len(one) for one in args if type(one) is bytes) // 10,
    ),
    _way("sqlite.closed_database", _closed("appsnap.ways.sqlite.closed_database"), work=lambda _: 1_000),
    _way("sqlite.idle_cursor", _idle_cursor, ["arraysize"]),
    ValueType(name="sqlite3.Row"),
    _way("sockets.listen", _listen, [*_OF_SOCKET, "name"], effects=_listens, work=lambda _: _SOCKET_WORK),
    _way(
        "sockets.listen_unix",
        _listen_unix,
        [*_OF_UNIX],
        effects=_listens_at_path,
        paths=(0,),
        work=lambda _: _SOCKET_WORK,
    ),
    _way(
        "sockets.bind_tcp",
        _bind("appsnap.ways.sockets.bind_tcp"),
        [*_OF_SOCKET],
        effects=_listens,
        work=lambda _: _SOCKET_WORK,
    ),
    _way(
        "sockets.bind_udp",
        _bind("appsnap.ways.sockets.bind_udp"),
        [*_OF_SOCKET],
        effects=_receives,
        work=lambda _: _SOCKET_WORK,
    ),
    _way("sockets.new_socket", _new_socket, [*_OF_SOCKET, "proto"], work=lambda _: _SOCKET_WORK),
    _way("sockets.closed_socket", _closed("appsnap.ways.sockets.closed_socket"), work=lambda _: 10),
    _way("sockets.new_selector", _new_selector, work=lambda _: _SOCKET_WORK),
    _way("ssl.tls_context", _tls_context, [*_OF_TLS], work=lambda _: _CERTIFICATES_WORK),
)
