"""Work that another thread does meanwhile, where threads can be had.

There are none at the exit of the interpreter, or beyond the limits of the system. The threads are the system's own:
those of `threading` refuse to start at the exit, and its locks would block a signal handler that saves.
"""

from __future__ import annotations

import _thread
import contextlib
import sys
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Task", "forbid_threads", "may_start", "start_thread"]

T = TypeVar("T")

_forbidden = False


def forbid_threads() -> None:
    """Start no thread any more in this process: a forked child has only one, and C libraries don't expect others."""
    global _forbidden  # noqa: PLW0603 - it is the process's
    _forbidden = True


def may_start() -> bool:
    """Tell whether threads may be started."""
    return not _forbidden


def start_thread(function: Callable[..., object], *arguments: object) -> bool:
    """Call a function in a new thread, and tell whether there is one."""
    # A thread that starts while the interpreter ends would never run, nor raise an error in Python 3.11.
    if may_start() and not sys.is_finalizing():
        with contextlib.suppress(RuntimeError):
            _thread.start_new_thread(function, arguments)
            return True
    return False


class Task(Generic[T]):
    """A call, for the first thread that takes it. Its locks show that it is taken, and that it is done."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._made: list[T] = []
        self._error: BaseException | None = None
        self._taken = _thread.allocate_lock()
        self._done = _thread.allocate_lock()
        self._done.acquire()

    def run(self) -> None:
        """Make the call, if no thread has taken it."""
        if self._taken.acquire(blocking=False):
            try:
                self._made.append(self._call())
            except BaseException as error:  # noqa: BLE001 - `result` raises it
                self._error = error
            finally:
                self._done.release()

    def result(self) -> T:
        """Return the result of the call, or raise its error. This thread makes the call if none has taken it."""
        self.run()
        with self._done:
            pass
        if self._error is not None:
            raise self._error
        return self._made[0]

    def drop(self) -> None:
        """See to it that no thread takes the call any more, and wait for one that has."""
        if not self._taken.acquire(blocking=False):
            with self._done:
                pass
