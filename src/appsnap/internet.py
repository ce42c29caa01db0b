"""Two services on asyncio: a periodic call, and a server for streams."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
import math
import types
from typing import TYPE_CHECKING, Any

from appsnap.listening import listen
from appsnap.service import Service
from appsnap.twisted_services import as_awaitable
from appsnap.waiting import path

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Mapping, Sequence

__all__ = ["StreamServerService", "TimerService", "listen"]

_log = logging.getLogger(__name__)

_ROUNDS = 3
"""Rounds of the event loop, at most, from the acceptance of a connection to the begin of its handler."""


class TimerService(Service):
    """Calls a function or coroutine function when it starts, and then every `step` seconds at fixed times.

    If a call isn't done when the next one is due, the next one is left out. A call that raises an error is the last
    one: the error is logged with the path of the service, which isn't running any more. Stopping waits for a running
    call.
    """

    __transient__ = ("_due", "_next", "_under_way")

    _due: float = 0.0
    _next: asyncio.TimerHandle | None = None
    _under_way: asyncio.Future[object] | None = None

    def __init__(self, step: float, callable: Callable[..., object], *args: Any, **kwargs: Any) -> None:  # noqa: A002 - Twisted's name
        if not step > 0:
            raise ValueError(f"step is a number of seconds above 0, not {step!r}")
        self.step = step
        self.call = (callable, args, kwargs)

    def startService(self) -> Awaitable[object] | None:
        """Make the first call. Raises RuntimeError if no event loop is running. A second start begins anew."""
        if self._next is not None:
            self._next.cancel()
        self._due = asyncio.get_running_loop().time()
        super().startService()
        self._tick()
        return None

    def stopService(self) -> Awaitable[object] | None:
        """Make no more calls. Returns something that waits for a running call, or None."""
        super().stopService()
        if self._next is not None:
            self._next.cancel()
            self._next = None
        call = self._under_way
        # A call that stops its own timer can't wait for itself.
        if call is None or call is asyncio.current_task():
            return None
        return asyncio.gather(call, return_exceptions=True)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        late = max(loop.time() - self._due, 0.0)
        self._due += self.step * (late // self.step + 1)
        self._next = loop.call_at(self._due, self._tick)
        if self._under_way is not None:
            return
        function, args, kwargs = self.call
        try:
            result = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - see the docstring of the class
            self._fail(error)
            return
        if inspect.isawaitable(result):
            self._under_way = asyncio.ensure_future(as_awaitable(result))
            self._under_way.add_done_callback(self._done)

    def _done(self, call: asyncio.Future[object]) -> None:
        self._under_way = None
        error = None if call.cancelled() else call.exception()
        if isinstance(error, Exception):
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        super().stopService()
        if self._next is not None:
            self._next.cancel()
            self._next = None
        _log.error("%s has stopped, because its call failed: %r", path(self), self.call[0], exc_info=error)


class StreamServerService(Service):
    """Serves streams. Each connection calls the coroutine function `handler(reader, writer)`, and is closed at its end.

    With `port` 0, the system chooses a port; `port` is the chosen one while the server runs. `asyncio.start_server`
    gets the `options`. `privilegedStartService` binds the port, or else `startService` does. A socket that the process
    has inherited for this address, or for the name of the service, is taken instead: see `listen`. Stopping closes the
    port, lets the handlers finish for `grace` seconds, and cancels those that are left. It waits for all.
    """

    __transient__ = ("_connections", "_server", "_socket")

    grace: float = 5
    options: Mapping[str, Any] = types.MappingProxyType({})
    _server: asyncio.Server | None = None
    _socket: socket.socket | None = None

    def __init__(
        self,
        handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]],
        host: str = "127.0.0.1",
        port: int = 0,
        **options: Any,
    ) -> None:
        self.handler = handler
        self.host = host
        self.port = port
        if options:
            self.options = options

    @functools.cached_property
    def _connections(self) -> _Connections:
        return _Connections()

    @property
    def port(self) -> int:
        """The port of the running server, or else the port that was given."""
        address = None if self._socket is None else self._socket.getsockname()
        # The address of a socket in the file system is a path.
        port: int = address[1] if isinstance(address, tuple) else self.__dict__["port"]
        return port

    @port.setter
    def port(self, port: int) -> None:
        # The attribute of the same name shows in snapshots that people read.
        self.__dict__["port"] = port

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The sockets on which the running server listens."""
        return () if self._socket is None else (self._socket,)

    def privilegedStartService(self) -> Awaitable[object] | None:
        """Bind the port; connections wait until the service starts. Raises OSError."""
        if self._socket is None:
            self._socket = listen(self.host, self.port, self.name)
        return None

    async def startService(self) -> None:
        """Serve, unless it does already. Raises OSError if the port can't be bound."""
        if self._server is not None and self._server.get_loop() is asyncio.get_running_loop():
            return
        self.privilegedStartService()
        super().startService()
        connected = functools.partial(self._connected, self._connections)
        try:
            # In two steps. Nothing can cancel the first one, so the server always gets into self._server and is closed.
            self._server = await asyncio.start_server(connected, sock=self._socket, start_serving=False, **self.options)
            await self._server.start_serving()
        except BaseException:
            super().stopService()
            self._close()
            raise

    def stopService(self) -> Awaitable[object] | None:
        """Close the port, and end the handlers. Returns something that waits for them, or None."""
        super().stopService()
        loop = None if self._server is None else self._server.get_loop()
        self._close()
        connections, self._connections = self._connections, _Connections()
        if loop is None or loop.is_closed() or not (loop.is_running() or connections.handlers):
            return None
        # A handler that stops its server can't wait for itself.
        return loop.create_task(connections.end(self.grace, asyncio.current_task(loop)))

    def _close(self) -> None:
        server, listening = self._server, self._socket
        self._server = self._socket = None
        if server is None or listening is None:
            if listening is not None:
                listening.close()
            return
        loop = server.get_loop()
        if loop.is_running() and loop.remove_reader(listening):
            # asyncio drops a connection that it accepts in this round, unless the server is closed in the next one.
            loop.call_soon(server.close)
        else:
            server.close()

    def _connected(self, connections: _Connections, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if connections.ended:
            writer.transport.abort()
            return
        handler = asyncio.get_running_loop().create_task(self._handle(reader, writer))
        connections.handlers.add(handler)
        handler.add_done_callback(functools.partial(connections.handled, writer))

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.handler(reader, writer)
        except ConnectionError as error:
            _log.debug("a connection was lost: %s", error)
        except Exception:  # noqa: BLE001 - an error in one connection must not end the others
            _log.exception("the handler of a connection failed: %r", self.handler)
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()


class _Connections:
    """The connections of a server, from its start to its stop."""

    def __init__(self) -> None:
        self.handlers: set[asyncio.Task[None]] = set()
        self.ended = False

    def handled(self, writer: asyncio.StreamWriter, handler: asyncio.Task[None]) -> None:
        """Take note that a handler has ended."""
        self.handlers.discard(handler)
        # After a cancellation, even one before the handler began, nobody waits for a client that doesn't read.
        writer.transport.abort()

    async def end(self, grace: float, caller: asyncio.Task[Any] | None) -> None:
        """Wait until the handlers have ended, all but the caller. After `grace` seconds they are cancelled."""
        try:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            async with asyncio.timeout(None if grace == math.inf else grace):
                # More may come meanwhile: a connection with TLS has its handler after the handshake.
                while under_way := self.handlers - {caller}:
                    await asyncio.wait(under_way)
        except TimeoutError:
            _log.debug("handlers are cancelled after %s seconds", grace)
        finally:
            self.ended = True
            left = self.handlers - {caller}
            for handler in left:
                handler.cancel()
            if left:
                await asyncio.wait(left)
