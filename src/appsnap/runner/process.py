"""Runs a restored application in this process until a signal comes.

`serve` does all of it. `stop_signal`, `start` and `stop` are its steps, for other runners.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from typing import TYPE_CHECKING, Any, NoReturn

from appsnap.errors import AppsnapError, CannotLoad
from appsnap.interfaces import IProcess, IService
from appsnap.printable import label

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType

__all__ = ["serve", "start", "stop", "stop_signal"]


def serve(load: Callable[[], Any], report: Callable[[str], object]) -> int:
    """Load an application, run it until a signal comes, stop it, and return the exit code.

    `load` is called within the event loop, because a snapshot may refer to the loop. `report` gets a line of text at
    each step. A second signal ends the process at once. Raises the errors of loading and starting, and an exception
    group where services fail to stop.
    """
    # asyncio's own handler would wait for the loop while a file is being loaded.
    signal.signal(signal.SIGINT, _interrupt)
    with asyncio.Runner() as runner:
        return runner.run(_serve(load, report))


_HINT_OF_TWISTED = (
    "Twisted's own reactor runs it, in a program: from twisted.application import app; from twisted.internet import "
    "reactor; app.startApplication(application, False); reactor.run()"
)


async def _serve(load: Callable[[], Any], report: Callable[[str], object]) -> int:
    application = load()
    service: IService | None = IService(application, None)
    if service is None or not IService.providedBy(service):
        kind = type(application)
        twisted = kind.__module__.partition(".")[0] == "twisted"
        raise CannotLoad(
            f"a {kind.__module__}.{kind.__qualname__} is not a service, so it can't be run",
            hint=_HINT_OF_TWISTED if twisted else "",
        )
    _check_process(application)
    name = label(service.name or type(service).__qualname__)
    asked = stop_signal()
    if not await start(service, asked, report):
        return 0
    if not asked.is_set():
        report(f"{name} is running as process {os.getpid()}; Ctrl-C stops it")
    await asked.wait()
    report(f"stopping {name}")
    await stop(service)
    report(f"{name} has stopped")
    return 0


def stop_signal() -> asyncio.Event:
    """Return an event that the first SIGINT, SIGTERM or SIGHUP sets. The second one ends the process at once.

    The handlers are Python's and not the event loop's, so they run even while a service blocks the loop.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    received = False

    def receive(number: int, _: FrameType | None) -> None:
        nonlocal received
        if received:
            os.write(2, f"appsnap: error: ended by a second {signal.Signals(number).name}, not stopped\n".encode())
            os._exit(1)
        received = True
        loop.call_soon_threadsafe(asked.set)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup has SIGHUP ignored, and it stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, receive)
    return asked


async def start(service: IService, asked: asyncio.Event, report: Callable[[str], object]) -> bool:
    """Start a service, its privileged part first. Returns False if `asked` is set before the service has started.

    In that case the start is cancelled, and the service has rolled itself back. Raises the errors of starting.
    """
    starting = asyncio.ensure_future(_start(service))
    waiting = asyncio.ensure_future(asked.wait())
    await asyncio.wait([starting, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not starting.done():
        report("stopping before it has started")
        starting.cancel()
        await asyncio.wait([starting])
        if starting.cancelled():
            return False
    starting.result()
    return True


async def _start(service: IService) -> None:
    privileged = service.privilegedStartService()
    try:
        await _finished(privileged)
    except asyncio.CancelledError:
        if isinstance(privileged, asyncio.Future) and privileged.done() and not privileged.cancelled():
            await stop(service)  # the cancellation came when the privileged part had just been done
        raise
    await _finished(service.startService())


async def stop(service: IService) -> None:
    """Stop a service, and wait until it has stopped. Raises an exception group where services fail to stop."""
    await _finished(service.stopService())


async def _finished(result: Awaitable[object] | None) -> None:
    if inspect.isawaitable(result):
        await result


def _check_process(application: Any) -> None:
    """Refuse an application that wants another user or group. This process can't change its user or group."""
    process: IProcess | None = IProcess(application, None)
    for owner, wanted, actual in (
        ("user", getattr(process, "uid", None), os.geteuid()),
        ("group", getattr(process, "gid", None), os.getegid()),
    ):
        if wanted is not None and (type(wanted) is not int or wanted != actual):
            raise AppsnapError(
                f"the application wants to run as {owner} {label(wanted)}, and this is {owner} {actual}",
                hint=f"start it as that {owner}",
            )


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
