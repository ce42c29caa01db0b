"""Tells the service manager how the process is: systemd's protocol, sd_notify(3)."""

from __future__ import annotations

import logging
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["Notifier"]

_log = logging.getLogger(__name__)

_VARIABLE = "NOTIFY_SOCKET"

_PATIENCE = 1.0
"""Seconds that a message may wait for room in the manager's queue. The event loop stands still meanwhile."""


class Notifier:
    """Sends the fields of each call as one message, as in `notify(READY=1, STATUS="running")`.

    It takes the socket's name out of the environment, so that no child passes for the process. Without a name, it says
    nothing. The first error is logged, and none is raised: no service depends on its manager.
    """

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        self._name = environ.pop(_VARIABLE, "")
        self._failed = False
        self._socket: socket.socket | None = None
        if self._name:
            try:
                # A user that the process becomes later may not reach the path any more.
                self._socket = self._connected()
            except OSError as error:
                self._fail(error)

    @property
    def environment(self) -> dict[str, str]:
        """The variable, for a program that this process runs next in its own place."""
        return {_VARIABLE: self._name} if self._name else {}

    def __call__(self, **fields: object) -> None:
        """Send one message."""
        if not self._name:
            return
        lines = (f"{field}={' '.join(str(value).splitlines())}" for field, value in fields.items())
        message = "\n".join(lines).encode(errors="replace")
        try:
            try:
                self._send(message)
            except OSError:
                self.close()  # the manager may have a new socket of that name
                self._send(message)
        except OSError as error:
            self.close()
            self._fail(error)

    def reloading(self) -> None:
        """Say that a reload has begun. Type=notify-reload needs the time in the same message."""
        self(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)

    def _send(self, message: bytes) -> None:
        if self._socket is None:
            self._socket = self._connected()
        self._socket.send(message)

    def _connected(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            made.settimeout(_PATIENCE)
            # A name that begins with @ is in Linux' abstract namespace: unix(7).
            made.connect(f"\0{self._name[1:]}" if self._name.startswith("@") else self._name)
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Close the socket. A message after that opens it again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _fail(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            _log.warning("the service manager can't be told anything at %s (%s): %s", self._name, _VARIABLE, error)
