"""The watch over a stop: it says who hasn't stopped yet, and ends the process when its time is over.

A thread watches, so it works while a service blocks the event loop. It begins within a signal handler, where no lock
of `threading` may be taken.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from appsnap.calls import stopping
from appsnap.errors import MOST_NAMED
from appsnap.files.tasks import start_thread
from appsnap.waiting import path, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from appsnap.runner.logs import Level

__all__ = ["NOT_IN_TIME", "Guard", "say_in_time"]

NOT_IN_TIME = 70
"""The exit code of a process whose application has not stopped in time."""

_EVERY = 5.0
"""Seconds between two reports."""

_FIRST = 7.5
"""Seconds until the first report where there is no limit. Else it comes after a quarter of it."""

_AGAIN = 0.25
"""Seconds between two looks."""

_ANSWER = 1.0
"""Seconds that the event loop has to answer in."""

_PATIENCE = 1.0
"""Seconds that a line may take to be written. Nobody may read it: a terminal is stopped by Ctrl-S."""


def say_in_time(say: Callable[[Level, str], object], level: Level, lines: Iterable[str]) -> None:
    """Say something without waiting for readers that don't come. A signal handler may call this."""
    said = threading.Event()

    def speak() -> None:
        for line in lines:
            say(level, line)
        said.set()

    if start_thread(speak):
        said.wait(_PATIENCE)
    else:  # Python 3.12 starts no thread when it has begun to end
        speak()


class Guard:
    """The watch. `limit` is in seconds, and may be infinite.

    `say` gets a level and a line of text, and `end` ends the process with an exit code: they are called from threads.
    `late` is set in the event loop when the time is over, so that the state can still be saved. If the loop doesn't
    answer, the process ends at once.
    """

    def __init__(self, limit: float, say: Callable[[Level, str], object], end: Callable[[int], object]) -> None:
        self.late = asyncio.Event()
        self._limit = limit
        self._say = say
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._main = threading.get_ident()
        self._begun: float | None = None
        self._deadline = 0.0
        self._saving: float | None = None
        self._saved_from = 0.0
        self._is_over = False
        self._is_last = False
        self.tasks: set[asyncio.Task[object]] = set()
        """Those that were cancelled at the end."""

    def begin(self) -> None:
        """Start the clock. A second call changes nothing."""
        if self._begun is None:
            self._begun = time.monotonic()
            self._deadline = self._begun + self._limit
            start_thread(self._watch)

    def cancel(self) -> None:
        """End the watch."""
        self._is_over = True

    def last(self) -> None:
        """End the process itself when the time is over: nobody waits for `late` any more."""
        self._is_last = True
        self.begin()

    def saving(self, stand_still: float) -> None:
        """Stop the clock while the state is saved. A save that does nothing for so many seconds ends the process."""
        self._saved_from = time.monotonic()
        self._saving = stand_still

    def saved(self) -> None:
        """Let the clock go on."""
        self._deadline += time.monotonic() - self._saved_from
        self._saving = None

    def _watch(self) -> None:
        # Signals are for the main thread, which may keep them for the next process image.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        assert self._begun is not None
        report = self._begun + (_FIRST if math.isinf(self._limit) else self._limit / 4)
        while not self._is_over:
            if self._saving is not None:
                self._watch_save(self._saving)
                continue
            now = time.monotonic()
            if now >= self._deadline:
                self._give_up()
                return
            if now >= report:
                names = self._late(self._answers())
                # Nobody has begun to stop yet where the machine is busy, or a save has just ended.
                report += _EVERY if names else _AGAIN
                after = f"still stopping after {round(now - self._begun, 1):g} s"
                say_in_time(self._say, "info", [f"{after}: {name}" for name in names])
            time.sleep(max(0.0, min(report - now, self._deadline - now, _AGAIN)))

    def _watch_save(self, stand_still: float) -> None:
        clock = time.pthread_getcpuclockid(self._main)
        used, since = time.clock_gettime(clock), time.monotonic()
        while self._saving is not None:
            time.sleep(_AGAIN)
            now = time.clock_gettime(clock)
            if now - used > 0.005 * stand_still or self._answers():
                used, since = now, time.monotonic()
            elif time.monotonic() - since > stand_still:
                say_in_time(self._say, "error", ["the save at the end stands still, and was given up"])
                self._end(NOT_IN_TIME)

    def _give_up(self) -> None:
        answers = self._answers()
        names = self._late(answers) or ["the application"]
        say_in_time(self._say, "error", [f"not stopped within {self._limit:g} s: {name}" for name in names])
        if self._is_last or not answers:
            self._end(NOT_IN_TIME)
        self._loop.call_soon_threadsafe(self.late.set)

    def _late(self, answers: bool) -> list[str]:
        """Return those that have not stopped: services, an event loop that doesn't answer, tasks, threads."""
        names = [f"{path(service)} ({type_of(service)})" for service in stopping()]
        if not answers:
            names.append(f"the event loop, which is blocked in {self._place()}")
        names += [f"task {task.get_name()} ({_name_of(task)})" for task in [*self.tasks] if not task.done()]
        names = names or [f"thread {thread.name}" for thread in _threads()]
        more = [f"{len(names) - MOST_NAMED:,} more"] if len(names) > MOST_NAMED else []
        return names[:MOST_NAMED] + more

    def _answers(self) -> bool:
        """Tell whether the event loop runs. One that is closed waits for threads alone."""
        answered = threading.Event()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:
            return True
        return answered.wait(_ANSWER)

    def _place(self) -> str:
        """Return the place at which the event loop is blocked: in the code of the application if there is any."""
        frame: FrameType | None = sys._current_frames().get(self._main)  # noqa: SLF001 - Python has no other way
        places = []
        while frame is not None:
            places.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname))
            frame = frame.f_back
        of_library = os.path.dirname(os.__file__)  # noqa: PTH120 - texts
        own = next((at for at in places if not at[0].startswith((of_library, "<frozen "))), places[0])
        return "{}, line {}, in {}".format(*own)


def _name_of(task: asyncio.Task[object]) -> str:
    return getattr(task.get_coro(), "__qualname__", type(task.get_coro()).__name__)


def _threads() -> list[threading.Thread]:
    """Return the threads that keep the process from ending. One of asyncio's waits for the others itself."""
    return [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon and "(_do_shutdown)" not in thread.name
    ]
