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
    from collections.abc import Callable, Iterator

__all__ = ["WSGIServer"]

_log = logging.getLogger("appsnap.hosting")


class WSGIServer(Server):
    """Serves a WSGI application. `options` are those of `waitress.serve`: `threads=4`, say.

    A thread accepts the connections, and others call the application. A request that takes longer than the grace is
    cut off, but Python can't end its thread.
    """

    __transient__ = ("_ended", "_server")

    library = "waitress"
    extra = "wsgi"

    _ended: asyncio.Future[None] | None = None
    _server: Any = None

    async def _serve(self, bound: socket.socket) -> None:
        create = self._import("waitress.server").create_server
        loop = asyncio.get_running_loop()
        # waitress closes the socket that it has.
        own = bound.dup()
        try:
            self._server = server = create(self.application, sockets=[own], **self.options)
        except BaseException:
            own.close()
            raise
        self._ended = ended = loop.create_future()

        def serve() -> None:
            try:
                server.run()
            finally:
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(ended.set_result, None)

        threading.Thread(target=serve, name="waitress", daemon=True).start()

    async def _end(self, bound: socket.socket) -> None:  # noqa: ARG002 - its signature
        server, ended = self._server, self._ended
        self._server = self._ended = None
        if server is None or ended is None:
            return
        channels = server.active_channels

        def stop_accepting() -> None:
            server.accepting = False

        def close_idle() -> None:
            for channel in _idle(channels):
                channel.will_close = True

        def in_thread(function: Callable[[], object]) -> None:
            if not ended.done():
                server.trigger.pull_trigger(function)

        def is_busy() -> bool:
            in_thread(close_idle)
            return bool(channels)

        in_thread(stop_accepting)
        await settled(lambda: channels)
        if not await settled(is_busy, self.grace):
            _log.warning("requests are cut off after %s seconds: %s", self.grace, len(channels))
        server.task_dispatcher.set_thread_count(0)

        def close_all() -> None:
            for each in [*server._map.values()]:  # noqa: SLF001 - as `wasyncore.close_all` does
                each.close()

        in_thread(close_all)
        await asyncio.wait([ended])


def _idle(channels: dict[int, Any]) -> Iterator[Any]:
    """Yield the connections that have no request under way, and nothing left to send."""
    for channel in [*channels.values()]:
        if not channel.requests and channel.request is None and not channel.total_outbufs_len:
            yield channel
