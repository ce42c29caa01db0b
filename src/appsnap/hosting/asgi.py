"""ASGI applications (Starlette, FastAPI, Quart, Sanic, Litestar), served by uvicorn; it comes with `appsnap[asgi]`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from appsnap.hosting.server import Server, settled, stop_accepting

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["ASGIServer"]

_log = logging.getLogger("appsnap.hosting")


class ASGIServer(Server):
    """Serves an ASGI application, with its lifespan. `options` are those of `uvicorn.Config`.

    uvicorn handles no signals, and its log lines are those of the process. If the lifespan fails to start, the start of
    the service fails with that error.
    """

    __transient__ = ("_lifespan", "_server", "_task")

    library = "uvicorn"
    extra = "asgi"

    _lifespan: _Lifespan | None = None
    _server: Any = None
    _task: asyncio.Task[None] | None = None

    async def _serve(self, bound: socket.socket) -> None:
        uvicorn = self._import()
        self._lifespan = _Lifespan(self.application)
        await self._lifespan.startup()
        options = {"log_config": None, "timeout_graceful_shutdown": self.grace, **self.options}
        config = uvicorn.Config(self._answer, **options, lifespan="off", interface="asgi3")
        self._server = server = _server_class(uvicorn)(config)
        serves = asyncio.ensure_future(server.serves.wait())
        self._task = asyncio.create_task(server.serve([bound]), name="uvicorn")
        try:
            await asyncio.wait([self._task, serves], return_when=asyncio.FIRST_COMPLETED)
        finally:
            serves.cancel()
        if self._task.done():
            self._task.result()
            raise RuntimeError("uvicorn has ended, and its log says why")

    async def _end(self, bound: socket.socket) -> None:
        server, task, lifespan = self._server, self._task, self._lifespan
        self._server = self._task = self._lifespan = None
        try:
            if server is not None and task is not None:
                await stop_accepting(bound)
                await settled(lambda: server.server_state.connections)
                server.should_exit = True
                await asyncio.wait([task])
                for connection in [*server.server_state.connections]:
                    connection.transport.abort()
                if not task.cancelled():
                    task.result()
        finally:
            if lifespan is not None:
                await lifespan.shutdown()

    async def _answer(self, scope: Any, receive: Receive, send: Send) -> None:
        """Pass a request on, with the state of the lifespan. A server that stops says that the connection ends."""
        lifespan = self._lifespan
        if lifespan is not None and lifespan.state:
            scope["state"] = {**scope.get("state", {}), **lifespan.state}

        async def last(message: Message) -> None:
            if message["type"] == "http.response.start" and not self.running:
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        await self.application(scope, receive, last if scope["type"] == "http" else send)


def _server_class(uvicorn: Any) -> Any:
    """Return a class of servers that leave signals alone, and tell when they serve."""

    class Quiet(uvicorn.Server):  # type: ignore[misc]  # it is imported when it is needed
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.serves = asyncio.Event()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.serves.set()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Quiet


class _Lifespan:
    """The conversation with an application about its start and its end: the ASGI lifespan protocol, version 2.0.

    An application that raises an error before it takes the first message has no lifespan, as the protocol says.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self.state: dict[str, Any] = {}
        self._taken = False
        self._failed: str | None = None
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._ends = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Start the application. Raises its error, or RuntimeError with its words."""
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = asyncio.ensure_future(self._application(scope, self._receive, self._send))
        try:
            answer = await self._answer()
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        except Exception as error:
            if self._taken:
                raise
            _log.debug("no lifespan: %r", error)
            return
        if answer == "lifespan.startup.failed":
            await self._raise("startup")

    async def shutdown(self) -> None:
        """End the application. Raises its error, or RuntimeError with its words."""
        task = self._task
        if task is None or task.done():
            return
        self._ends.set()
        if await self._answer() == "lifespan.shutdown.failed":
            await self._raise("shutdown")
        await asyncio.wait([task], timeout=_PATIENCE)
        task.cancel()

    async def _answer(self) -> str:
        """Return the next message of the application, or an empty text if it has returned. Raises its error."""
        assert self._task is not None
        answer = asyncio.ensure_future(self._answers.get())
        try:
            await asyncio.wait([answer, self._task], return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            answer.cancel()
        if not self._task.cancelled():
            self._task.result()
        return ""

    async def _raise(self, phase: str) -> None:
        """Raise the error of the application, which most frameworks raise again when they have told it."""
        assert self._task is not None
        await asyncio.wait([self._task], timeout=_PATIENCE)
        if self._task.done() and not self._task.cancelled():
            self._task.result()
        self._task.cancel()
        await asyncio.wait([self._task])
        words = (self._failed or "").strip()
        if "\n" in words:
            _log.error("the %s of the application failed: %s", phase, words)
        raise RuntimeError(words.rpartition("\n")[2] or f"the {phase} failed, and the application doesn't say why")

    async def _receive(self) -> Message:
        if not self._taken:
            self._taken = True
            return {"type": "lifespan.startup"}
        await self._ends.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        if message["type"].endswith(".failed"):
            self._failed = message.get("message", "")
        self._answers.put_nowait(message["type"])


_PATIENCE = 1.0
"""Seconds from the last message of an application to its return."""
