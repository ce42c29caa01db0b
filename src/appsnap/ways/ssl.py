"""TLS contexts: their settings, and the certificates that they trust, those of the system or of certifi by name.

A context of a server has a certificate and a key that nobody can read back, so it is refused. A client's own
certificate, and a folder of certificates to trust, can't be seen. A file for the secrets of connections is left out.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import ssl
import sys
import warnings
from typing import Any

from appsnap.errors import Refused
from appsnap.ways import call, saves

__all__ = ["custom_tls_context", "tls_context"]

_IN_SERVICE = "make it in startService, and TRANSIENT"

# Applications choose old versions for old devices, and were warned when they did. The filter is for this module.
warnings.filterwarnings("ignore", r"ssl\.", DeprecationWarning, re.escape(__name__))

# A library may put a class of its own into the place of this one.
_CLASS: Any = next(cls for cls in ssl.SSLContext.__mro__ if cls.__module__ == "ssl")

VERSIONS = ("minimum_version", "maximum_version")
NUMBERS = ("options", "verify_flags")
SWITCHES = ("check_hostname", "hostname_checks_common_name", "post_handshake_auth")


def tls_context(protocol: str = "PROTOCOL_TLS_CLIENT", **settings: Any) -> ssl.SSLContext:
    """Return a TLS context.

    `certificates` is `"default"` for those that the system trusts, `"certifi"` for those of that package; `added` has
    further ones in PEM. The protocol, the mode of verification and the versions have the names that `ssl` gives them.
    """
    return _make(_CLASS, protocol, **settings)


def custom_tls_context(cls: type[ssl.SSLContext], protocol: str, **settings: Any) -> ssl.SSLContext:
    """Return a TLS context of a class of the application."""
    if not issubclass(cls, _CLASS):
        raise TypeError(f"{cls.__qualname__} is no class of TLS contexts")
    return _make(cls, protocol, **settings)


# Saving


@saves("ssl.SSLContext", subclasses=True, before_fork=True)
def _(context: ssl.SSLContext) -> Any:
    protocol = ssl._SSLMethod(_get(context, "protocol")).name
    if context.sni_callback is not None or _has_certificate(context):
        raise Refused("a TLS context with a certificate, whose key can't be read", _IN_SERVICE)
    settings = _settings(context, _make(_CLASS, protocol))
    if type(context) is _CLASS:
        reduction = call(tls_context, *([] if protocol == "PROTOCOL_TLS_CLIENT" else [protocol]), **settings)
    else:
        reduction = call(custom_tls_context, type(context), protocol, **settings)
    return (*reduction, context.__dict__.copy()) if context.__dict__ else reduction


def _refuse(name: str, reason: str) -> None:
    def refuse(_: Any) -> Any:
        raise Refused(reason, _IN_SERVICE)

    saves(name, subclasses=True)(refuse)


_refuse("ssl.SSLSocket", "a socket with TLS, which has a connection or a key")
_refuse("ssl.SSLObject", "one end of a connection with TLS")
_refuse("ssl.SSLSession", "a session of a connection with TLS")
_refuse("OpenSSL.SSL.Context", "a TLS context of OpenSSL, whose settings can't be read")
_refuse("OpenSSL.SSL.Connection", "one end of a connection with TLS")


def _get(context: ssl.SSLContext, name: str) -> Any:
    """Return a setting of a context itself. Its class may show those of another one."""
    return getattr(_CLASS, name).__get__(context)


def _settings(context: ssl.SSLContext, new: ssl.SSLContext) -> dict[str, Any]:
    """Return the settings of a context that aren't those of a new one."""
    found: dict[str, Any] = {}
    for name in (*SWITCHES, *NUMBERS, *VERSIONS, "verify_mode"):
        value = _get(context, name)
        if value != _get(new, name):
            found[name] = value.name if name in VERSIONS or name == "verify_mode" else value
            found[name] = int(found[name]) if name in NUMBERS else found[name]
    ciphers, level = _ciphers(context), context.security_level
    if (ciphers, level) != (_ciphers(new), new.security_level):
        found["ciphers"] = f"{ciphers}:@SECLEVEL={level}"
    alpn = _alpn(context)
    return found | ({"alpn": alpn} if alpn else {}) | _certificates(context)


def _ciphers(context: ssl.SSLContext) -> str:
    # Those of TLS 1.3 are always there.
    names = [one["name"] for one in _CLASS.get_ciphers(context) if one["protocol"] != "TLSv1.3"]
    return ":".join(names)


def _certificates(context: ssl.SSLContext) -> dict[str, Any]:
    """Return the certificates that a context trusts, by the name of a set, and those besides it."""
    own = dict.fromkeys(_CLASS.get_ca_certs(context, binary_form=True))
    hidden = _hidden(context)
    for name in ("default", "certifi"):
        if name == "certifi" and name not in sys.modules:
            continue
        known = _make(_CLASS, "PROTOCOL_TLS_CLIENT", certificates=name)
        there = set(known.get_ca_certs(binary_form=True))
        # Where the system has its certificates in a folder, a context loads each when it needs it.
        loads_later = not there and name == "default" and context.verify_mode != ssl.CERT_NONE
        if (there or loads_later) and there.issubset(own) and hidden == _hidden(known):
            return {"certificates": name, **_added(one for one in own if one not in there)}
    if hidden:
        raise Refused("a TLS context with certificates that can't be read", _IN_SERVICE)
    return _added(own)


def _hidden(context: ssl.SSLContext) -> int:
    """Return the number of the certificates and lists that a context doesn't show."""
    counts = _CLASS.cert_store_stats(context)
    return int(counts["x509"] - counts["x509_ca"] + counts["crl"])


def _added(certificates: Any) -> dict[str, str]:
    text = "".join(map(ssl.DER_cert_to_PEM_cert, certificates))
    return {"added": text} if text else {}


def _alpn(context: ssl.SSLContext) -> tuple[str, ...]:
    """Return the protocols that a context offers. Only its first message to a server shows them: RFC 7301."""
    hello = ssl.MemoryBIO()
    if context.protocol == ssl.PROTOCOL_TLS_SERVER or context.keylog_filename is not None:
        return ()
    end = _CLASS.wrap_bio(context, ssl.MemoryBIO(), hello, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLError):
        end.do_handshake()
    data = hello.read()
    at = 5 + 4 + 2 + 32  # the heads of the record and of the message, the version, the random bytes
    for size in (1, 2, 1):  # the session, the ciphers, the compressions
        at += size + int.from_bytes(data[at : at + size], "big")
    at += 2
    while at < len(data):
        kind, size = (int.from_bytes(data[place : place + 2], "big") for place in (at, at + 2))
        at += 4
        if kind == _ALPN:
            return _names(data[at + 2 : at + size])
        at += size
    return ()


_ALPN = 16


def _names(data: bytes) -> tuple[str, ...]:
    found = []
    while data:
        found.append(data[1 : 1 + data[0]].decode("latin-1"))
        data = data[1 + data[0] :]
    return tuple(found)


def _has_certificate(context: ssl.SSLContext) -> bool:
    """Tell whether a context has a certificate of its own: the begin of a handshake in memory shows it."""
    if context.protocol == ssl.PROTOCOL_TLS_CLIENT:
        return False
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_ciphers("ALL:!aNULL:@SECLEVEL=0")
    client.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(here, there), _CLASS.wrap_bio(context, there, here, server_side=True)]
    for end in ends:  # the client asks, and a server without a certificate has no answer
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            return False
    return True


# Loading


def _make(
    cls: Any,
    protocol: str,
    *,
    certificates: str = "",
    added: str = "",
    verify_mode: str = "",
    ciphers: str = "",
    alpn: tuple[str, ...] = (),
    **settings: Any,
) -> ssl.SSLContext:
    context: ssl.SSLContext = _CLASS.__new__(cls, ssl._SSLMethod[protocol])
    unknown = settings.keys() - {*VERSIONS, *NUMBERS, *SWITCHES}
    if unknown:
        raise TypeError(f"a TLS context has no setting {min(unknown)}")
    if verify_mode:
        # A context that checks names doesn't go without verification.
        checks = _get(context, "check_hostname") and verify_mode != "CERT_NONE"
        settings = {"check_hostname": checks} | settings
        _set(context, "check_hostname", value=False)
        _set(context, "verify_mode", ssl.VerifyMode[verify_mode])
    for name, value in settings.items():
        _set(context, name, ssl.TLSVersion[value] if name in VERSIONS else value)
    if ciphers:
        _CLASS.set_ciphers(context, ciphers)
    if certificates == "default":
        _CLASS.load_default_certs(context)
    elif certificates:
        _CLASS.load_verify_locations(context, importlib.import_module("certifi").where())
    if added:
        _CLASS.load_verify_locations(context, cadata=added)
    if alpn:
        _CLASS.set_alpn_protocols(context, [*alpn])
    return context


def _set(context: ssl.SSLContext, name: str, value: Any) -> None:
    getattr(_CLASS, name).__set__(context, value)
