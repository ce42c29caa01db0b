"""Twisted's objects as they are before their start: a restored service isn't running, and nothing of it is open.

Twisted's classes say of some attributes that they are volatile, and keep others that only a running reactor can fill.
"""

from __future__ import annotations

import sys
from types import NoneType
from typing import Any

from appsnap import states
from appsnap.errors import Refused
from appsnap.ways import by_name, call, saves, transient

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
    if deferred.called and not held.get("_callbacks", held.get("callbacks")):
        return NotImplemented
    raise Refused("a Deferred that is waited for", f"make it in startService, and {_LEAVE_OUT}")


@saves("twisted.internet.abstract.FileDescriptor", subclasses=True)
def _(_: Any) -> Any:
    raise Refused("an open port or connection", f"open it in startService, and {_LEAVE_OUT}")


_LEAVE_OUT = "name the attribute in the __transient__ of the class that holds it"
