"""Twisted's reactor in a process that runs an application: it stands on asyncio's event loop.

Nothing here imports Twisted before the application does. If the names of a snapshot or its trailer tell that Twisted
comes, the reactor is installed before anything of the application is imported. For all else, a finder gives another
module in the place of `twisted.internet.default`, which installs the reactor that nobody has chosen.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import signal
import sys
from typing import TYPE_CHECKING, Any

from appsnap import listening
from appsnap.errors import AppsnapError
from appsnap.interfaces import IService
from appsnap.printable import type_of
from appsnap.runner.root import all_services
from appsnap.twisted_services import adapted, service_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from appsnap.snapshot import Snapshot

__all__ = ["Host", "names_twisted"]

_DEFAULT = "twisted.internet.default"
_REACTOR = "twisted.internet.reactor"


def names_twisted(snapshot: Snapshot) -> bool:
    """Tell whether a snapshot needs Twisted, without importing anything."""
    trailer = snapshot.document.trailer
    if trailer is not None and not snapshot.edited:
        return any(name.lower() == "twisted" for name in trailer.distributions)
    return any(want.name.split(".")[0] == "twisted" for want in snapshot.names)


class Host:
    """The reactor of this process, if there is one. It is made within the event loop.

    `asked` is called when the application stops the reactor.
    """

    def __init__(self, asked: Callable[[], object]) -> None:
        self._asked = asked
        self._loop = asyncio.get_running_loop()
        self._reactor: Any = None
        self._starts = False
        self._released: Any = None
        self._is_over: asyncio.Future[None] = self._loop.create_future()
        sys.meta_path.insert(0, _Finder(self.install))

    def prepare(self, snapshot: Snapshot) -> None:
        """Install the reactor if a snapshot, which isn't built yet, needs Twisted. Raises AppsnapError."""
        # A stranger's file has nothing imported before its names are known to be trusted. Then the finder does it.
        if _REACTOR not in sys.modules and snapshot.is_trusted_as_a_whole and names_twisted(snapshot):
            try:
                self.install()
            except ModuleNotFoundError as error:
                if error.name != "twisted":
                    raise
                raise AppsnapError(
                    f"{snapshot.name or 'the snapshot'} needs Twisted, which isn't installed",
                    hint="pip install 'appsnap[twisted]'",
                ) from error

    def install(self) -> None:
        """Install the reactor. Raises ReactorAlreadyInstalledError."""
        from twisted.internet import main  # noqa: PLC0415 - only applications of Twisted's need it

        reactor = _made(self._loop, self._stopped_by_application)
        main.installReactor(reactor)  # type: ignore[no-untyped-call]  # of Twisted's
        self._reactor = reactor
        if self._starts:
            self._start()

    def check(self, application: Any) -> None:
        """Check that an application of Twisted's that has been loaded uses this reactor. Raises AppsnapError."""
        found: Any = sys.modules.get(_REACTOR)
        if found is not None and found is not self._reactor and _is_of_twisted(application):
            raise AppsnapError(
                f"the application has installed a reactor of its own ({type_of(found)}), and appsnap runs on asyncio's",
                hint="leave the call of install() out: a reactor on the event loop of appsnap is there already",
            )

    def log(self, application: Any) -> None:
        """Let Twisted's log go to the log of this process, or to the observer that the application has for it."""
        if self._reactor is None:
            return
        from twisted.logger import (  # noqa: PLC0415 - as above
            ILogObserver,
            LegacyLogObserverWrapper,
            STDLibLogObserver,
            globalLogBeginner,
        )
        from twisted.python import log  # noqa: PLC0415 - as above

        if getattr(globalLogBeginner, "_temporaryObserver", None) is None:
            return  # the application has begun it, and has observers of its own
        component = getattr(application, "getComponent", lambda *_: None)
        old: Any = component(log.ILogObserver, None)
        own = component(ILogObserver, None) or (old and LegacyLogObserverWrapper(old))
        globalLogBeginner.beginLoggingTo([own or STDLibLogObserver()], redirectStandardIO=False)

    def start(self) -> None:
        """Start the reactor, which fires its startup events. One that is installed later starts then."""
        self._starts = True
        if self._reactor is not None:
            self._start()

    def _start(self) -> None:
        reactor = self._reactor
        if reactor.running:
            return
        with contextlib.suppress(NotImplementedError, RuntimeError):  # a loop of another thread
            self._loop.add_signal_handler(signal.SIGCHLD, _reap)
        reactor.addSystemEventTrigger("before", "shutdown", self._hold)
        reactor.startRunning(installSignalHandlers=False)

    def _hold(self) -> Any:
        """Let the reactor's shutdown wait until the services have stopped, and have been saved."""
        from twisted.internet.defer import Deferred, succeed  # noqa: PLC0415 - as above

        if self._released is not None:
            return succeed(None)
        self._released = Deferred()
        return self._released

    def _stopped_by_application(self) -> None:
        if not self._is_over.done():
            self._asked()

    async def stop(self) -> None:
        """Fire the reactor's shutdown events, and wait until all of them are done."""
        reactor = self._reactor
        if reactor is None or not reactor.running:
            return
        reactor.addSystemEventTrigger("after", "shutdown", lambda: self._loop.call_soon(self._is_over.set_result, None))
        held, self._released = self._released, True
        if held is not None:
            held.callback(None)
        else:
            reactor.stop_by_host()
        await self._is_over


def _is_of_twisted(application: Any) -> bool:
    """Tell whether an application has a service in the sense of Twisted's interface."""
    root = adapted(IService, application)
    return root is not None and any(service_in(service) is not None for service in all_services(root))


def _reap() -> None:
    """Take the exit codes of the reactor's child processes, and of no others."""
    process = sys.modules.get("twisted.internet.process")
    if process is not None:
        process.reapAllProcesses()


class _Finder:
    """Finds a module whose `install` is the host's in the place of that for Twisted's default reactor."""

    def __init__(self, install: Callable[[], None]) -> None:
        self._install = install

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 - Python's signature
        return importlib.util.spec_from_loader(name, self) if name == _DEFAULT else None  # type: ignore[arg-type]  # it has the two methods of a loader

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its function."""
        module.install = self._install  # type: ignore[attr-defined]  # new in the module


def _made(loop: asyncio.AbstractEventLoop, stopped: Callable[[], object]) -> Any:
    """Return a new reactor on an event loop."""
    from twisted.internet import error, tcp  # noqa: PLC0415 - as above
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor  # noqa: PLC0415 - as above
    from twisted.internet.base import ReactorBase  # noqa: PLC0415 - as above

    class HostedReactor(AsyncioSelectorReactor):
        """A reactor that leaves the event loop running, and whose listening sockets outlive a restart."""

        def run(self, installSignalHandlers: bool = True) -> None:  # noqa: ARG002, N803 - Twisted's names
            raise error.ReactorAlreadyRunning("appsnap runs the reactor: leave the call of reactor.run() out")

        def stop(self) -> None:
            super().stop()  # type: ignore[no-untyped-call]  # of Twisted's
            stopped()

        def stop_by_host(self) -> None:
            super().stop()  # type: ignore[no-untyped-call]  # of Twisted's

        def crash(self) -> None:
            ReactorBase.crash(self)
            if not self._stopped:
                stopped()

        def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
            made = tcp.Port(port, factory, backlog, interface, self)
            try:
                found = listening.listen(interface, port)
                found.listen(backlog)
            except OSError as failed:
                reason = OSError(failed.errno, failed.strerror)  # Twisted's error has the address, too
                raise error.CannotListenError(interface, port, reason) from failed  # type: ignore[no-untyped-call]  # as above
            made._preexistingSocket = found  # noqa: SLF001 - as Twisted's adoptStreamPort does it
            made.startListening()
            return made

    return HostedReactor(loop)
