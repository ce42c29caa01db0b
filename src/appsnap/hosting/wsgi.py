"""WSGI applications (Flask, Django), served by waitress in threads; it comes with `appsnap[wsgi]`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any

from appsnap.hosting.server import Server, settled

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

__all__ = ["WSGIServer"]

_log = logging.getLogger("appsnap.hosting")


class WSGIServer(Server):
    """Serves a WSGI application. `options` are those of `waitress.serve`: `threads=4`, say.

    A thread accepts the connections, and others call the application. A request that takes longer than the grace is
    cut off, but Python can't end its thread.
    """

    __transient__ = ("_ended", "_ends", "_server")

    library = "waitress"
    extra = "wsgi"

    _ends: threading.Event | None = None
    _ended: asyncio.Future[None] | None = None
    _server: Any = None

    async def _serve(self, bound: socket.socket) -> None:
        create, run = self._import("waitress.server").create_server, self._import("waitress.wasyncore").loop
        loop = asyncio.get_running_loop()
        # waitress closes the socket that it has.
        own = bound.dup()
        # `select` can't take descriptors from 1024 on.
        options = {"asyncore_use_poll": True, **self.options}
        try:
            self._server = server = create(self.application, sockets=[own], **options)
        except BaseException:
            own.close()
            raise
        self._ends = ends = threading.Event()
        self._ended = ended = loop.create_future()

        def serve() -> None:
            connections, settings = server._map, server.adj  # noqa: SLF001 - `run` of the server has no end
            try:
                while not ends.is_set():
                    run(settings.asyncore_loop_timeout, settings.asyncore_use_poll, connections, count=1)
                for channel in [*server.active_channels.values()]:
                    channel.handle_close()
                server.del_channel()
                server.socket.close()
            finally:
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(ended.set_result, None)

        threading.Thread(target=serve, name="waitress", daemon=True).start()

    async def _end(self, bound: socket.socket) -> None:  # noqa: ARG002 - its signature
        server, ends, ended = self._server, self._ends, self._ended
        self._server = self._ends = self._ended = None
        if server is None or ends is None or ended is None:
            return
        loop, channels = asyncio.get_running_loop(), server.active_channels
        in_thread = server.trigger.pull_trigger

        def stop_accepting() -> None:
            server.accepting = False

        def close_idle() -> None:
            for channel in _idle(channels):
                channel.will_close = True

        def is_busy() -> bool:
            in_thread(close_idle)
            return bool(channels)

        # The thread may accept a connection in the round in which it is told to stop, and not in the next one.
        for step in (stop_accepting, lambda: None):
            done = loop.create_future()
            in_thread(lambda step=step, done=done: (step(), loop.call_soon_threadsafe(done.set_result, None)))
            await asyncio.wait([done, ended], return_when=asyncio.FIRST_COMPLETED)
        await settled(lambda: channels)
        if not await settled(is_busy, self.grace):
            _log.warning("requests are cut off after %s seconds: %s", self.grace, len(channels))
        server.task_dispatcher.set_thread_count(0)
        ends.set()
        in_thread()
        await asyncio.wait([ended])
        server.trigger.close()


def _idle(channels: dict[int, Any]) -> Iterator[Any]:
    """Yield the connections that have no request under way, and nothing left to send."""
    for channel in [*channels.values()]:
        if not channel.requests and channel.request is None and not channel.total_outbufs_len:
            yield channel
