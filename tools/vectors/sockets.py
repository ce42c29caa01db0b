"""Vectors of sockets, selectors and TLS contexts: addresses and settings of the file's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import all_kinds, in_kinds, two_kinds
from vectors.databases import call
from vectors.spelling import R

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

WAYS = "appsnap.ways.sockets"
LISTEN, UNIX = ("Name", WAYS, "listen"), ("Name", WAYS, "listen_unix")
BINDS = {"tcp": ("Name", WAYS, "bind_tcp"), "udp": ("Name", WAYS, "bind_udp")}
NEW, CLOSED, SELECTOR = ("Name", WAYS, "new_socket"), ("Name", WAYS, "closed_socket"), ("Name", WAYS, "new_selector")
TLS = ("Name", "appsnap.ways.ssl", "tls_context")
HERE = ("listen:127.0.0.1:*",)
EVERYWHERE = (*HERE, "listen:0.0.0.0:*", "listen::::*", "listen:/*")


def add(vectors: Vectors) -> None:
    """Add them."""
    each = in_kinds(lambda name, *rest, **more: vectors.add(f"sockets-{name}", *rest, **more), all_kinds)
    two = in_kinds(lambda name, *rest, **more: vectors.add(f"sockets-{name}", *rest, **more), two_kinds)
    _addresses(each, two)
    _paths(each, two)
    _without_address(each, two)
    _contexts(each, two)


def _addresses(each: Any, two: Any) -> None:
    each("listen", "loads", call(LISTEN, "127.0.0.1", 0), R(1), "An address that is granted.", trust=HERE)
    each("listen-not-granted", "not trusted", call(LISTEN, "127.0.0.1", 0), R(1), "An address to listen on.")
    for sort, function in BINDS.items():
        two(f"bind-{sort}", "loads", call(function, "127.0.0.1", 0), R(1), f"An address of {sort} that is granted.", trust=HERE)
        two(f"bind-{sort}-not-granted", "not trusted", call(function, "127.0.0.1", 0), R(1), f"An address of {sort}.")
        two(f"bind-{sort}-name", "not trusted", call(function, "127.0.0.1", 0, name="web"), R(1), "A name, which only a listening socket has.",
            trust=HERE)  # fmt: skip
    others = {
        "any": ("0.0.0.0", 0),
        "any-of-six": ("::", 0),
        "neighbour": ("127.0.0.2", 0),
        "mapped": ("::ffff:127.0.0.1", 0),
        "one-of-six": ("::1", 0),
    }
    for name, address in others.items():
        two(f"listen-{name}", "not trusted", call(LISTEN, *address), R(1), f"{address[0]} isn't granted.", trust=HERE)
    two("listen-port", "not trusted", call(LISTEN, "127.0.0.1", 80), R(1), "Another port is granted.", trust=("listen:127.0.0.1:8080",))
    two("listen-begin-of-port", "not trusted", call(LISTEN, "127.0.0.1", 80), R(1), "A port that begins so is granted.", trust=("listen:127.0.0.1:8",))
    two("listen-file", "not trusted", call(LISTEN, "127.0.0.1", 0), R(1), "Files are granted.", trust=("write:/*",))
    bad: dict[str, list[Any]] = {
        "nothing": [],
        "host-alone": ["127.0.0.1"],
        "name": ["localhost", 0],
        "empty": ["", 0],
        "number": [2130706433, 0],
        "bytes": [b"\x7f\0\0\1", 0],
        "short": ["127.1", 0],
        "octal": ["0127.0.0.1", 0],
        "space": ["127.0.0.1 ", 0],
        "unix": ["unix:stolen", 0],
        "port-in-host": ["127.0.0.1:80", 0],
        "port-text": ["127.0.0.1", "0"],
        "port-bool": ["127.0.0.1", True],
        "port-negative": ["127.0.0.1", -1],
        "port-large": ["127.0.0.1", 1 << 16],
        "backlog": ["127.0.0.1", 0, 10**9],
    }
    for name, args in bad.items():
        two(f"listen-{name}", "not trusted", call(LISTEN, *args), R(1), f"Arguments that no socket has: {args!r:.60}.", trust=EVERYWHERE)
    settings: dict[str, dict[str, Any]] = {
        "timeout-negative": {"timeout": -1.0},
        "timeout-nan": {"timeout": float("nan")},
        "timeout-for-ever": {"timeout": float("inf")},
        "timeout-text": {"timeout": "1"},
        "switch-number": {"reuse_port": 1},
        "switch-none": {"dualstack": None},
        "name-bytes": {"name": b"web"},
        "name-nul": {"name": "a\0"},
        "name-long": {"name": "a" * 256},
        "name-not-ascii": {"name": "ä"},
    }
    for name, keywords in settings.items():
        about = f"Settings that no socket has: {keywords!r:.60}."
        two(f"listen-{name}", "not trusted", call(LISTEN, "127.0.0.1", 0, **keywords), R(1), about, trust=HERE)
    two("listen-fileno", "not trusted", call(LISTEN, "127.0.0.1", 0, fileno=0), R(1), "A descriptor of the process.", trust=HERE)
    two("by-package", "not trusted", call(LISTEN, "127.0.0.1", 0), R(1), "The package of the function is trusted.", trust=("appsnap.*",))
    two("reference", "not trusted", [LISTEN], R(0), "The function is handed to something else.", trust=("appsnap.*", *HERE))
    two("class", "not trusted", call(("Name", "socket", "socket")), R(1), "Python's own class.", trust=EVERYWHERE)
    two("create-server", "not trusted", [("Name", "socket", "create_server"), ("Tuple", ["127.0.0.1", 0]), ("Call", R(0), [R(1)])], R(2),
        "Python's own function.", trust=EVERYWHERE)  # fmt: skip
    two("member", "not trusted", [NEW, ("Call", R(0), []), ("Member", R(1), "connect")], R(2), "A method of a socket.", trust=EVERYWHERE)


def _paths(each: Any, two: Any) -> None:
    each("unix-not-granted", "not trusted", call(UNIX, "stolen"), R(1), "A path to listen at.", trust=("write:/*", *HERE))
    two("unix-elsewhere", "not trusted", call(UNIX, "/run/other.sock"), R(1), "Another path is granted.", trust=("listen:/run/shop.sock",))
    two("unix-dots", "not trusted", call(UNIX, "/run/shop/../../run/other.sock"), R(1), "A path with `..`.", trust=("listen:/run/shop/*",))
    each("unix-kept", "cannot load", call(UNIX, "keep.txt"), R(1), "A file is at the path that is granted: it stays.", trust=EVERYWHERE)
    two("unix-below-a-file", "cannot load", call(UNIX, "keep.txt/stolen"), R(1), "A path below a file.", trust=EVERYWHERE)
    two("unix-long", "cannot load", call(UNIX, "/" + "a" * 200), R(1), "A path that is longer than the system's own.", trust=EVERYWHERE)
    bad: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "nothing": ([], {}),
        "empty": ([""], {}),
        "nul": (["stolen\0"], {}),
        "abstract": (["\0stolen"], {}),
        "bytes": ([b"stolen"], {}),
        "star": (["/run/*"], {}),
        "mode": (["stolen"], {"mode": 0o4777}),
        "mode-text": (["stolen"], {"mode": "777"}),
        "option": (["stolen"], {"reuse_port": True}),
    }
    for name, (args, keywords) in bad.items():
        about = f"Arguments that no socket has: {args!r} {keywords}."
        two(f"unix-{name}", "not trusted", call(UNIX, *args, **keywords), R(1), about, trust=EVERYWHERE)


def _without_address(each: Any, two: Any) -> None:
    each("new", "loads", call(NEW), R(1), "A socket without an address: it needs no trust.")
    two("new-options", "loads", call(NEW, "AF_INET6", "SOCK_DGRAM", timeout=0.5, broadcast=True), R(1), "One with settings.")
    two("new-local", "loads", call(NEW, "AF_UNIX"), R(1), "One of Unix.")
    bad: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "packets": (["AF_PACKET", "SOCK_RAW"], {}),
        "kernel": (["AF_NETLINK", "SOCK_RAW"], {}),
        "crypto": (["AF_ALG", "SOCK_SEQPACKET"], {}),
        "raw": (["AF_INET", "SOCK_RAW"], {}),
        "number": ([2, 1], {}),
        "none": ([None], {}),
        "three": (["AF_INET", "SOCK_STREAM", "x"], {}),
        "protocol": ([], {"proto": 132}),
        "protocol-bool": ([], {"proto": False}),
        "descriptor": ([], {"fileno": 0}),
        "switch": ([], {"keep_alive": "x"}),
    }
    for name, (args, keywords) in bad.items():
        two(f"new-{name}", "cannot load", call(NEW, *args, **keywords), R(1), f"Arguments that no new socket has: {args} {keywords}.")
    two("closed", "loads", call(CLOSED), R(1), "A closed socket.")
    two("closed-descriptor", "cannot load", call(CLOSED, 0), R(1), "A closed socket of a descriptor.")
    each("selector", "loads", call(SELECTOR), R(1), "A selector without files.")
    two("selector-named", "loads", call(SELECTOR, "SelectSelector"), R(1), "One of a named class.")
    for name, arg in {"base": "BaseSelector", "other": "select", "dunder": "__class__", "number": 1}.items():
        two(f"selector-{name}", "cannot load", call(SELECTOR, arg), R(1), f"{arg!r} is no class of selectors.")


def _contexts(each: Any, two: Any) -> None:
    each("tls", "loads", call(TLS), R(1), "A TLS context.")
    two("tls-settings", "loads", call(TLS, "PROTOCOL_TLS_SERVER", minimum_version="TLSv1_3", verify_mode="CERT_NONE"), R(1), "One with settings.")
    bad: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "protocol": (["PROTOCOL_SSLv3"], {}),
        "protocol-number": ([2], {}),
        "two": (["PROTOCOL_TLS", "x"], {}),
        "certificates-path": ([], {"certificates": "/etc/passwd"}),
        "added": ([], {"added": "no certificate"}),
        "added-bytes": ([], {"added": b"\x30\x03"}),
        "ciphers": ([], {"ciphers": "no such cipher"}),
        "ciphers-nul": ([], {"ciphers": "ALL\0"}),
        "version": ([], {"minimum_version": "TLSv9"}),
        "options": ([], {"options": -1}),
        "flags": ([], {"verify_flags": 1 << 40}),
        "switch": ([], {"check_hostname": 1}),
        "key-log": ([], {"keylog_filename": "stolen"}),
    }
    for name, (args, keywords) in bad.items():
        two(f"tls-{name}", "cannot load", call(TLS, *args, **keywords), R(1), f"Arguments that no context has: {args} {keywords}.")
    alpn = [TLS, ("List", ["h2"]), ("Call", R(0), [], ["alpn"], [R(1)])]
    two("tls-alpn", "cannot load", alpn, R(2), "Protocols in a list, which may change.")
    two("tls-many", "cannot load", [TLS, ("Tuple", [str(n) for n in range(200)]), ("Call", R(0), [], ["alpn"], [R(1)])], R(2), "200 protocols.")
    two("tls-chain", "not trusted", [TLS, ("Call", R(0), []), ("Member", R(1), "load_cert_chain")], R(2), "A method of a context.")
