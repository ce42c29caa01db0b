"""Applications of aiohttp, which comes with `appsnap[web]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appsnap.hosting.server import Server, settled, stop_accepting

if TYPE_CHECKING:
    import socket

__all__ = ["AiohttpServer", "end"]


class AiohttpServer(Server):
    """Serves an `aiohttp.web.Application`. `options` are those of `aiohttp.web.AppRunner`."""

    __transient__ = ("_runner",)

    library = "aiohttp"
    extra = "web"

    _runner: Any = None

    async def _serve(self, bound: socket.socket) -> None:
        # asyncio would import the second one at the first file that is sent, when privileges are dropped.
        web = self._import("aiohttp.web")
        import concurrent.futures.thread  # noqa: F401, PLC0415 - as above

        options = {"shutdown_timeout": self.grace, "handle_signals": False, **self.options}
        self._runner = web.AppRunner(self.application, **options)
        await self._runner.setup()
        await web.SockSite(self._runner, bound).start()

    async def _end(self, bound: socket.socket) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await end(runner, bound)


async def end(runner: Any, bound: socket.socket) -> None:
    """Let an `aiohttp.web.AppRunner` accept no connection any more, and end it once the requests under way are done."""
    if runner.server is not None:
        await stop_accepting(bound)
        for site in [*runner.sites]:
            await site.stop()
        # aiohttp closes all connections that have no request under way.
        await settled(lambda: runner.server is not None and runner.server.connections)
    await runner.cleanup()
