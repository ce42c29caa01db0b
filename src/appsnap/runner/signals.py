"""The signals of a process that runs an application, from its first moment on.

Python calls the handlers between two steps of its own, so they run even while a service blocks the event loop. Until
the loop takes the signals, SIGINT and SIGTERM end the loading, and the others are kept.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

__all__ = ["HANDLED", "SIGNALS", "VARIABLE", "Stopped"]

VARIABLE = "APPSNAP_HANDOVER"
"""The environment variable for the message of a process image to the next one: see `handover`."""

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

_STOPS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """SIGTERM or SIGINT came while the application was loaded. Nothing of it had started.

    Code that is loaded may raise SystemExit itself, and that is an error. So this is none.
    """


class Signals:
    """The signals of this process. `kept` has those that nobody has taken yet."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self._thread = threading.local()
        self._take: Callable[[int], object] | None = None
        self._end: Callable[[int], NoReturn] | None = None

    def keep(self) -> None:
        """Install the handlers. Signals that the parent process has blocked are let through then.

        A process image that comes after another one has locks to take over first, and lets them through later.
        """
        for number in HANDLED:
            # nohup has SIGHUP ignored, and it stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._receive)
        if VARIABLE not in os.environ:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        atexit.register(self.ignore)
        # Python forgets signals that came between the fork and its own first step in the child.
        os.register_at_fork(before=self._block, after_in_parent=self._unblock, after_in_child=self._let_go)

    def ignore(self) -> None:
        """Ignore all signals from now on, as the last exit function of the process.

        Python gives up its handlers afterwards, and a late signal would change the exit code. To block signals isn't
        enough: threads that live on would take them.
        """
        for number in HANDLED:
            signal.signal(number, signal.SIG_IGN)

    def end_with(self, end: Callable[[int], NoReturn]) -> None:
        """Call a function for a second SIGTERM or SIGINT while the application is loaded."""
        self._end = end

    def hand_to(self, take: Callable[[int], object], earlier: Iterable[int] = ()) -> None:
        """Call a function for each signal from now on, and for those that were kept. It runs within the handler."""
        self._take = take
        kept, self.kept = [*earlier, *self.kept], []
        for number in kept:
            take(number)

    @contextlib.contextmanager
    def wake(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Wake an event loop for each signal, also for one that another thread takes.

        Python calls the handlers in the main thread alone, which would sleep on in the loop.
        """
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        loop.add_reader(reader, os.read, reader, 4096)
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reader)
            os.close(reader)
            os.close(writer)

    def _block(self) -> None:
        self._thread.mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)

    def _unblock(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._thread.mask)

    def _let_go(self) -> None:
        """Let signals end a fork: it can't do what they ask this process for."""
        for number in HANDLED:
            if signal.getsignal(number) == self._receive:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        self._unblock()

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._take is not None:
            self._take(number)
            return
        stops = number in _STOPS
        if stops and self._end is not None and not set(self.kept).isdisjoint(_STOPS):
            self._end(number)
        # Also those that end the loading: code that is loaded may swallow any exception, and a destructor does.
        self.kept.append(number)
        if stops:
            raise Stopped


SIGNALS = Signals()
"""Those of this process, which has one set of handlers."""
