"""A restored application in this process: started, and stopped when a signal says so."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from typing import TYPE_CHECKING, Any, NoReturn

from appsnap.cli import output
from appsnap.errors import AppsnapError, CannotLoad
from appsnap.interfaces import IProcess, IService

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType

__all__ = ["serve"]


def serve(load: Callable[[], Any]) -> int:
    """Load an application, run it until a signal comes, stop it, and return the exit code.

    It is loaded within the event loop, because a snapshot may refer to that. A second signal ends the process at once.
    Raises what loading and starting raise, and an exception group where services fail to stop.
    """
    # Not asyncio's own handler, which would wait for the loop while a file is being loaded.
    signal.signal(signal.SIGINT, _interrupt)
    with asyncio.Runner() as runner:
        return runner.run(_serve(load))


async def _serve(load: Callable[[], Any]) -> int:
    application = load()
    service: IService | None = IService(application, None)
    if service is None:
        kind = type(application)
        raise CannotLoad(f"a {kind.__module__}.{kind.__qualname__} is no service, and can't be run")
    _check_process(application)
    switch = _Switch()
    starting = asyncio.ensure_future(_start(service))
    asked = asyncio.ensure_future(switch.asked.wait())
    await asyncio.wait([starting, asked], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        output.note("stopping before it has started")
        starting.cancel()
        await asyncio.wait([starting])
        if starting.cancelled():
            return 0
    starting.result()
    if not asked.done():
        output.note(f"{_name(service)} is running as process {os.getpid()}; Ctrl-C stops it")
    await asked
    output.note(f"stopping {_name(service)}")
    await _finished(service.stopService())
    output.note(f"{_name(service)} has stopped")
    return 0


async def _start(service: IService) -> None:
    await _finished(service.privilegedStartService())
    await _finished(service.startService())


async def _finished(result: Awaitable[object] | None) -> None:
    if inspect.isawaitable(result):
        await result


class _Switch:
    """The signals that stop: the first one sets `asked`, the second one ends the process.

    The handlers are Python's, not the loop's: they are called even while a service blocks the loop.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._count = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup, SIGHUP is ignored, and stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)

    def _receive(self, number: int, _: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            os.write(2, f"appsnap: error: ended by a second {signal.Signals(number).name}, not stopped\n".encode())
            os._exit(1)
        self._loop.call_soon_threadsafe(self.asked.set)


def _check_process(application: Any) -> None:
    """Refuse to run as somebody else than the application wants: to become another user isn't done here."""
    process: IProcess | None = IProcess(application, None)
    for what, wanted, actual in (
        ("user", getattr(process, "uid", None), os.geteuid()),
        ("group", getattr(process, "gid", None), os.getegid()),
    ):
        if wanted not in (None, actual):
            raise AppsnapError(
                f"the application wants to run as {what} {wanted}, and this is {what} {actual}",
                hint=f"start it as that {what}",
            )


def _name(service: IService) -> str:
    return service.name or type(service).__qualname__


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
