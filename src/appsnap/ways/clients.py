"""Clients of servers: they come back unconnected, with empty pools, and connect again at the next request.

Left out are the sockets, streams and parsers of connections, and the handles and waiters of their event loops. A client
that has been used is saved like one that hasn't.
"""

from __future__ import annotations

import collections
import functools
import sys
from typing import Any

from appsnap.ways import transient

__all__: list[str] = []


def _nothing() -> None:
    return None


_EMPTY_LISTS: Any = functools.partial(collections.defaultdict, collections.deque)
_EMPTY_SETS: Any = functools.partial(collections.defaultdict, set)
_EMPTY_ORDERS: Any = functools.partial(collections.defaultdict, collections.OrderedDict)

# Python's own, urllib3, requests, and all that build on these.
transient(
    "http.client.HTTPConnection",
    {"sock": _nothing, "_HTTPConnection__response": _nothing, "_HTTPConnection__state": lambda: "Idle"},
)

# httpx.
for _pool in ("httpcore.ConnectionPool", "httpcore.AsyncConnectionPool"):
    transient(_pool, {"_connections": list, "_requests": list})

transient(
    "aiohttp.connector.BaseConnector",
    {
        "_acquired": set,
        "_acquired_per_host": _EMPTY_SETS,
        "_cleanup_closed_handle": _nothing,
        "_cleanup_closed_transports": list,
        "_cleanup_handle": _nothing,
        "_conns": _EMPTY_LISTS,
        "_waiters": _EMPTY_ORDERS,
    },
)
transient("aiohttp.connector.TCPConnector", {"_resolve_host_tasks": set, "_throttle_dns_futures": dict})
transient("aiohttp.connector._DNSCacheTable", {"_addrs_rr": collections.OrderedDict, "_timestamps": dict})

transient("redis.connection.AbstractConnection", {"_sock": _nothing})
transient("redis.asyncio.connection.AbstractConnection", {"_reader": _nothing, "_writer": _nothing})
transient("redis._parsers.base._RESPBase", {"_buffer": _nothing, "_sock": _nothing})
transient("redis._parsers.base.AsyncBaseParser", {"_stream": _nothing})
transient("redis._parsers.base._AsyncRESPBase", {"_connected": bool})
transient("redis._parsers.hiredis._HiredisParser", {"_reader": _nothing, "_sock": _nothing})
transient("redis._parsers.hiredis._AsyncHiredisParser", {"_connected": bool, "_reader": _nothing})


def _new() -> object:
    """Return the state of a client of paho-mqtt that has never connected."""
    module = sys.modules["paho.mqtt.client"]
    states = getattr(module, "_ConnectionState", None)  # since 2.0; a number before
    return 0 if states is None else states.MQTT_CS_NEW


# Its thread belongs to the connection: `loop_start` starts another one.
transient(
    "paho.mqtt.client.Client",
    {
        "_sock": _nothing,
        "_sockpairR": _nothing,
        "_sockpairW": _nothing,
        "_state": _new,
        "_thread": _nothing,
    },
)
