"""The plugin `web`: files over HTTP, on aiohttp, which comes with `appsnap[web]`.

Nothing outside the folder is served. A symbolic link is followed only to places within the folder. Names that begin
with a dot aren't served, except `.well-known`: they are those of passwords and histories. A folder is shown by its
`index.html`, or else as a list.
"""

from __future__ import annotations

import asyncio
import html
import importlib.util
import logging
import mimetypes
import os
import stat
import urllib.parse
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError
from appsnap.hosting.aiohttp import end
from appsnap.listening import listen, url_of
from appsnap.service import Service, ServiceMaker

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Sequence

    from aiohttp.web import AppRunner, Request, StreamResponse

__all__ = ["FileServer", "Options", "makeService", "maker"]

_log = logging.getLogger(__name__)

maker = ServiceMaker("Web", "appsnap.web", "Serve the files of a folder over HTTP.", "web")


@dataclass(frozen=True)
class Options:
    """The options of the plugin."""

    path: Path = field(default=Path(), metadata={"help": "The folder to serve."})
    port: int = field(default=8080, metadata={"help": "The port to listen on. With 0, the system chooses one."})
    host: str = field(default="127.0.0.1", metadata={"help": "The address to listen on. 0.0.0.0 is for every network."})

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535, not {self.port}")


def makeService(options: Options) -> FileServer:
    """Return the service. Raises AppsnapError if aiohttp isn't installed."""
    if importlib.util.find_spec("aiohttp") is None:
        raise AppsnapError(_MISSING)
    server = FileServer(str(options.path.absolute()), options.port, options.host)
    server.setName("web")
    return server


_MISSING = "serving files needs aiohttp: pip install 'appsnap[web]'"


class FileServer(Service):
    """Serves the files of a folder. `privilegedStartService` binds the port, or else `startService` does.

    Stopping closes the port. Requests under way may take `grace` seconds more, and then they are cancelled.
    """

    __transient__ = ("_loop", "_runner", "_socket")

    grace: float = 5
    _loop: asyncio.AbstractEventLoop | None = None
    _runner: AppRunner | None = None
    _socket: socket.socket | None = None

    def __init__(self, path: str, port: int = 8080, host: str = "127.0.0.1") -> None:
        self.path = path
        self.port = port
        self.host = host

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The sockets on which the running server listens."""
        return () if self._socket is None else (self._socket,)

    def privilegedStartService(self) -> Awaitable[object] | None:
        """Bind the port; connections wait until the service starts. Raises OSError, and AppsnapError."""
        # Once privileges are dropped, Python's libraries may not be readable any more.
        _web()
        if self._socket is None:
            self._socket = listen(self.host, self.port, self.name)
        return None

    async def startService(self) -> None:
        """Serve, unless it does already. Raises OSError if there is no such folder, or the port can't be bound."""
        loop = asyncio.get_running_loop()
        if self._runner is not None and self._loop is loop:
            return
        self.privilegedStartService()
        assert self._socket is not None
        try:
            os.close(os.open(self.path, _FOLDER))
            web = _web()
            application = web.Application()
            application.router.add_get(r"/{path:[\s\S]*}", self._answer)
            self._runner = web.AppRunner(application, shutdown_timeout=self.grace)
            self._loop = loop
            await self._runner.setup()
            await web.SockSite(self._runner, self._socket).start()
        except BaseException:
            await self.stopService()
            raise
        super().startService()
        _log.info("serves %s on %s", self.path, url_of(self._socket))

    async def stopService(self) -> None:
        """Close the port, and wait for requests under way."""
        super().stopService()
        runner, bound, loop = self._runner, self._socket, self._loop
        self._runner = self._socket = self._loop = None
        try:
            if runner is not None and bound is not None and loop is asyncio.get_running_loop():
                await end(runner, bound)
        finally:
            if bound is not None:
                bound.close()

    async def _answer(self, request: Request) -> StreamResponse:
        web = _web()
        try:
            response = await self._response(request)
        except web.HTTPException as error:
            if not self.running:
                error.force_close()
            raise
        if not self.running:
            response.force_close()
        return response

    async def _response(self, request: Request) -> StreamResponse:
        web = _web()
        # The bytes as they were sent: names of files may be any.
        path = os.fsdecode(urllib.parse.unquote_to_bytes(request.rel_url.raw_path))
        try:
            file = await asyncio.to_thread(_found, self.path, path)
        except PermissionError:
            raise web.HTTPForbidden from None
        except (OSError, ValueError):  # a name with a zero is the latter
            raise web.HTTPNotFound from None
        if file is None:
            # A path of two slashes and a host would lead there. So only the last name is given.
            name = urllib.parse.quote(os.fsencode(path.rpartition("/")[2]), safe="")
            raise web.HTTPMovedPermanently(f"./{name}/")
        if isinstance(file, bytes):
            page: StreamResponse = web.Response(body=file, content_type="text/html", charset="utf-8")
            return page
        kind, encoding = mimetypes.guess_type(file.name)
        headers = {"Content-Type": "application/octet-stream" if kind is None or encoding else kind}
        # The file that was found, even if another one has its name by now.
        response: StreamResponse = web.FileResponse(f"/dev/fd/{file.number}", headers=headers)
        weakref.finalize(response, os.close, file.number)
        return response


def _web() -> Any:
    """Import aiohttp: neither making nor loading the service needs it. Raises AppsnapError."""
    import concurrent.futures.thread  # noqa: F401, PLC0415 - asyncio would import it at the first request

    try:
        from aiohttp import web  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise AppsnapError(_MISSING) from error
    return web


@dataclass(frozen=True, slots=True)
class _File:
    """An open file: its descriptor, and its name."""

    number: int
    name: str


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CONTENT = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
"""How files are opened. A pipe without a writer would block."""


def _found(folder: str, path: str) -> _File | bytes | None:
    """Return the file at the path of a URL, or a page for a folder. None stands for a folder without its slash.

    Raises OSError and ValueError if there is none.
    """
    names = [name for name in path.split("/") if name]
    if any(name.startswith(".") and name != ".well-known" for name in names):
        raise FileNotFoundError(path)
    number = _opened(folder, names)
    if not stat.S_ISDIR(os.fstat(number).st_mode):
        if path.endswith("/"):
            os.close(number)
            raise NotADirectoryError(path)
        return _File(number, names[-1])
    try:
        if not path.endswith("/"):
            return None
        try:
            return _File(_opened(folder, [*names, "index.html"]), "index.html")
        except FileNotFoundError:
            return _listing("/".join(["", *names, ""]), number)
    finally:
        os.close(number)


def _opened(folder: str, names: Sequence[str]) -> int:
    """Open a file or folder below a folder. Raises OSError.

    Links are resolved first. Then each part of the path is opened as what it is, so a link that somebody puts there in
    between isn't followed.
    """
    root = os.path.realpath(folder, strict=True)
    place = os.path.realpath(os.path.join(root, *names), strict=True)  # noqa: PTH118 - as `realpath`
    if os.path.commonpath([root, place]) != root:
        raise FileNotFoundError(place)
    parts = Path(place).relative_to(root).parts
    number = os.open(root, _FOLDER)
    for at, part in enumerate(parts, 1):
        above = number
        try:
            number = os.open(part, (_FOLDER if at < len(parts) else _CONTENT) | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
    mode = os.fstat(number).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        os.close(number)
        raise FileNotFoundError(place)
    return number


def _listing(title: str, folder: int) -> bytes:
    """Return a page with links to the files of an open folder."""
    with os.scandir(folder) as entries:
        names = sorted(f"{entry.name}{'/' * entry.is_dir()}" for entry in entries if not entry.name.startswith("."))
    rows = [("../", "../")] * (title != "/") + [
        # A name may have a colon: "./" keeps it from being read as a scheme.
        (f"./{urllib.parse.quote(os.fsencode(name))}", name)
        for name in names
    ]
    lines = [
        "<!DOCTYPE html>",
        f'<html><head><meta charset="utf-8"><title>{html.escape(title)}</title></head>',
        f"<body><h1>{html.escape(title)}</h1><ul>",
        *(f'<li><a href="{html.escape(link)}">{html.escape(name)}</a></li>' for link, name in rows),
        "</ul></body></html>",
    ]
    return "\n".join(lines).encode("utf-8", "replace")
