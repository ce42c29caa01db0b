"""Twisted's objects as they are before their start: a restored service isn't running, and nothing of it is open.

Twisted's classes say of some attributes that they are volatile, and keep others that only a running reactor can fill.
"""

from __future__ import annotations

import copyreg
import functools
import gc
import sys
import types
from types import NoneType
from typing import Any

from appsnap import states
from appsnap.errors import Refused
from appsnap.ways import by_name, call, saves, transient
from appsnap.ways.files import reopen

__all__ = ["client_machine"]

_CLIENT = "twisted.application._client_service"

transient("twisted.application.internet.StreamServerEndpointService", {"_waitingForPort": NoneType})
transient("twisted.application.service.Service", ("running",))
# Those who wait for an item ask again when they are started.
transient("twisted.internet.defer.DeferredQueue", {"waiting": list})
transient("twisted.internet.protocol.AbstractDatagramProtocol", ("numPorts", "transport"))
transient("twisted.internet.protocol.Factory", ("numPorts",))
transient("twisted.internet.task.LoopingCall", ("_deferred", "call", "running"))
transient("twisted.web.http.HTTPFactory", {"_logDateTime": NoneType, "_logDateTimeCall": NoneType})
# A session ends at a time of this reactor's clock. Restored, it would never end.
transient("twisted.web.server.Site", {"sessions": dict})

# All of the process write to the one that a module holds.
by_name("twisted.logger._observer.LogPublisher")
by_name("twisted.python.log.LogPublisher")


@saves("automat._typed.InputImplementer", subclasses=True)
def _(machine: Any) -> Any:
    core = machine.__automat_core__
    module = sys.modules.get(type(core).__module__)
    if module is None or module.__name__ != _CLIENT:
        return NotImplemented  # it goes on in the state that it has
    policy = None if core.timeoutForAttempt is vars(module).get("_defaultPolicy") else core.timeoutForAttempt
    return call(client_machine, core.endpoint, core.factory, core.clock, core.log, policy, core.prepareConnection)


def client_machine(  # noqa: PLR0917 - a file names it
    endpoint: Any, factory: Any, clock: Any, log: Any, policy: Any = None, prepare: Any = None
) -> Any:
    """Return the machine of a client service that has not started. Without a `policy`, it has Twisted's default one."""
    from twisted.application import _client_service as client  # noqa: PLC0415 - old ones don't have it

    policy = client._defaultPolicy if policy is None else policy
    return client.ClientMachine(client._Core(endpoint, factory, policy, clock, prepare, log=log))


@saves("twisted.internet.base.DelayedCall", subclasses=True)
def _(_: Any) -> Any:
    raise Refused("a call that the reactor has scheduled", f"schedule it in startService, and {_LEAVE_OUT}")


@saves("twisted.internet.defer.Deferred", subclasses=True)
def _(deferred: Any) -> Any:
    held = states.dict_of(deferred)
    # The name is without the underscore before Twisted 25.5.
    waited = held.get("_callbacks", held.get("callbacks")) if deferred.called else _is_fired_elsewhere(deferred)
    if not waited:
        return NotImplemented
    raise Refused("a Deferred that is waited for", f"make it in startService, and {_LEAVE_OUT}")


def _is_fired_elsewhere(deferred: Any) -> bool:
    """Tell whether something of this process will fire a Deferred: it holds a method, a closure or a coroutine.

    Without these, an object that has the Deferred as an attribute fires it, or the Deferreds of a DeferredList do.
    """
    if deferred._canceller is not None:
        return True
    holders = gc.get_referrers(deferred)
    fired = (one.__name__ in ("callback", "errback") for one in holders if isinstance(one, types.MethodType))
    return any(fired) or any(isinstance(one, _RUNNING) for one in holders)


_RUNNING = (types.CellType, types.CoroutineType, types.GeneratorType, functools.partial)


class _Log:
    """Stands for the open file of a log: it goes on at the end, also where others have written to it meanwhile."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return call(reopen, self.path, mode="ab", raw=True)


@saves("twisted.python.logfile.BaseLogFile", subclasses=True)
def _(log: Any) -> Any:
    # Its own __getstate__ takes the size out of the log that lives.
    state = dict(states.dict_of(log))
    if "_file" in state:
        state["_file"] = _Log(log.path)
    return copyreg.__newobj__, (type(log),), state  # type: ignore[attr-defined]  # typeshed leaves it out


@saves("twisted.internet.abstract.FileDescriptor", subclasses=True)
def _(_: Any) -> Any:
    raise Refused("an open port or connection", f"open it in startService, and {_LEAVE_OUT}")


_LEAVE_OUT = "name the attribute in the __transient__ of the class that holds it"
