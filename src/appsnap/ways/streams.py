"""Connections of `asyncio`: a closed one, which a client has left in an attribute, comes back closed."""

from __future__ import annotations

from typing import Any

from appsnap.errors import Refused
from appsnap.recipe.freeze.inherited import newobj
from appsnap.ways import call, saves
from appsnap.ways.anew import attributes, reduction

__all__: list[str] = []

_ENDS = ("_sock", "_pipe")
"""The attributes of transports that are None when the connection is closed."""


def _connected() -> Refused:
    return Refused("one end of a connection", "open it in startService, and TRANSIENT")


def _refuse_connected(transport: Any) -> None:
    ends = [getattr(transport, name) for name in _ENDS if hasattr(transport, name)]
    if not ends or ends != [None] * len(ends) or not transport.is_closing():
        raise _connected()


def _as_attributes(obj: Any, **changes: Any) -> Any:
    return reduction(obj, newobj, (type(obj),), attributes(obj, **changes))


@saves("asyncio.transports.BaseTransport", subclasses=True)
def _(transport: Any) -> Any:
    _refuse_connected(transport)
    return _as_attributes(transport)


@saves("asyncio.streams.StreamWriter", subclasses=True)
def _(writer: Any) -> Any:
    _refuse_connected(writer.transport)
    return NotImplemented


@saves("asyncio.streams.StreamReader", subclasses=True)
def _(reader: Any) -> Any:
    # One without a transport is a buffer, that some library fills.
    if reader._transport is not None:
        _refuse_connected(reader._transport)
    return NotImplemented


@saves("asyncio.trsock.TransportSocket")
def _(wrapper: Any) -> Any:
    if wrapper.fileno() >= 0:
        raise _connected()
    return call(type(wrapper), wrapper._sock)


@saves("asyncio.base_events.Server")
def _(server: Any) -> Any:
    if server._sockets is not None:
        raise Refused(
            "a server of asyncio, which belongs to a running loop",
            "start it in startService, or make a StreamServerService of it",
        )
    return _as_attributes(server, _protocol_factory=None)
