"""The base of servers: an application, an address, and a socket from the start to the stop."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from typing import TYPE_CHECKING, Any, ClassVar

from appsnap.errors import AppsnapError
from appsnap.hosting.variable import OfModule
from appsnap.listening import listen, url_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Sequence

__all__ = ["Server", "settled", "stop_accepting"]

_log = logging.getLogger("appsnap.hosting")


class Server(OfModule):
    """Serves an application at an address. `options` are those of the library that does it.

    `privilegedStartService` binds the address, or else `startService` does. The host may be `unix:` and the path of a
    socket, and then the port is 0. Stopping accepts no connection any more; requests under way may take `grace`
    seconds.
    """

    __transient__: ClassVar[tuple[str, ...] | dict[str, Callable[[], object] | None]] = ("_loop", "_socket")

    library: ClassVar[str]
    """The module that serves."""
    extra: ClassVar[str]
    """The extra of appsnap that installs it."""

    grace: float = 10
    options: dict[str, Any] = {}  # noqa: RUF012 - it is never changed, and shows in snapshots only where there are any
    _loop: asyncio.AbstractEventLoop | None = None
    _socket: socket.socket | None = None

    def __init__(self, application: Any, host: str = "127.0.0.1", port: int = 0, **options: Any) -> None:
        self.application = application
        self.host = host
        self.port = port
        if options:
            self.options = options

    @classmethod
    def check_installed(cls) -> None:
        """Raise AppsnapError, with the extra to install, if the library isn't there."""
        if importlib.util.find_spec(cls.library) is None:
            raise cls._missing()

    @classmethod
    def _missing(cls) -> AppsnapError:
        what = f"{cls.__module__}.{cls.__qualname__}"
        return AppsnapError(f"{what} needs {cls.library}", hint=f"pip install 'appsnap[{cls.extra}]'")

    @classmethod
    def _import(cls, module: str = "") -> Any:
        try:
            return importlib.import_module(module or cls.library)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != cls.library:
                raise
            raise cls._missing() from error

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The sockets on which the running server listens."""
        return () if self._socket is None else (self._socket,)

    def privilegedStartService(self) -> Awaitable[object] | None:
        """Bind the address; connections wait until the service starts. Raises OSError, and AppsnapError."""
        # Once privileges are dropped, Python's libraries may not be readable any more.
        self._import()
        if self._socket is None:
            self._socket = listen(self.host, self.port, self.name)
        return None

    async def startService(self) -> None:
        """Serve, unless it does already. Raises OSError, and the error of an application that doesn't start."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self.privilegedStartService()
        assert self._socket is not None
        self._loop = loop
        self._put_back(self.application)
        try:
            await self._serve(self._socket)
        except BaseException:
            await self._close()
            raise
        super().startService()
        _log.info("serves %s on %s", self._title(), url_of(self._socket))

    async def stopService(self) -> None:
        """Accept no connection any more, wait for the requests under way, and end the application."""
        super().stopService()
        await self._close()

    async def _close(self) -> None:
        bound, loop = self._socket, self._loop
        self._socket = self._loop = None
        try:
            if bound is not None and loop is asyncio.get_running_loop():
                await self._end(bound)
        finally:
            if bound is not None:
                bound.close()

    def _title(self) -> str:
        cls = type(self.application)
        return self.name or f"{cls.__module__}.{cls.__qualname__}"

    async def _serve(self, bound: socket.socket) -> None:
        """Begin to serve on a socket. The server may close it."""
        raise NotImplementedError

    async def _end(self, bound: socket.socket) -> None:
        """End all that `_serve` has begun, even if it has failed."""
        raise NotImplementedError


async def stop_accepting(bound: socket.socket) -> None:
    """Let the event loop accept no more connections: others wait for the process that has a duplicate of the socket."""
    # asyncio loses connections that it accepts in the round in which the server is closed.
    asyncio.get_running_loop().remove_reader(bound)
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


_ROUNDS = 3
"""The rounds of the loop from accepting a connection to its protocol."""


async def settled(connections: Callable[[], object], seconds: float | None = None) -> bool:
    """Wait until there are no connections, but not for long: requests of the newest ones are on their way.

    Servers close connections without a request at once when they stop. Browsers keep some open without any. Tells
    whether there are none.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + (SETTLING if seconds is None else seconds)
    while connections() and loop.time() < end:  # noqa: ASYNC110 - servers tell nobody
        await asyncio.sleep(0.01)
    return not connections()


SETTLING = 0.2
"""Seconds for requests on their way."""
