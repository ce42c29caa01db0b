"""A running application, from another process: found by the folder of its state, or by its pidfile.

On Linux a signal is sent through a descriptor of the process (`pidfd`). So it never reaches another process that has
the same number by now.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError
from appsnap.runner.generations import LOCK, Generations
from appsnap.runner.locks import holder, is_held_by, is_stopping

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Process", "running", "snapshot", "status", "stop"]

_PAUSE = 0.05
"""Seconds between two looks."""


class Process:
    """A process that holds a lock. `pidfd` is its descriptor, or None where the system has none."""

    def __init__(self, lock: str, pid: int, pidfd: int | None) -> None:
        self.pid = pid
        self._lock = lock
        self._pidfd = pidfd

    def send(self, number: signal.Signals) -> None:
        """Send a signal. Raises AppsnapError if the process has ended, and PermissionError."""
        try:
            if self._pidfd is None:
                os.kill(self.pid, number)
            else:
                signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            raise AppsnapError(f"process {self.pid} has just ended") from None
        except PermissionError as error:
            raise AppsnapError(
                f"process {self.pid} belongs to another user", hint="give the command as that user, or as root"
            ) from error

    def wait(self, seconds: float | None) -> bool:
        """Wait until the process has ended, for at most so many seconds, and tell whether it has."""
        if self._pidfd is not None:
            poll = select.poll()
            poll.register(self._pidfd, select.POLLIN)
            return bool(poll.poll(None if seconds is None else seconds * 1000))
        end = None if seconds is None else time.monotonic() + seconds
        while holder(self._lock) == self.pid:
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(_PAUSE)
        return True


@contextlib.contextmanager
def running(where: str) -> Iterator[Process]:
    """Open the process that holds a state folder or a pidfile. Raises AppsnapError if there is none, and OSError."""
    lock = _lock_of(where)
    pid = holder(lock)
    pidfd = None
    if pid is not None and hasattr(os, "pidfd_open"):
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
    try:
        # The number may have been given to another process before it was opened.
        if pid is None or holder(lock) != pid:
            raise AppsnapError(f"{where}: nothing is running")
        if not is_held_by(lock, pid):
            raise AppsnapError(
                f"{lock} names process {pid}, which doesn't hold this lock: somebody else has written the number"
            )
        yield Process(lock, pid, pidfd)
    finally:
        if pidfd is not None:
            os.close(pidfd)


def status(where: str) -> dict[str, Any]:
    """Return the status of an application. `running` is always there, and `generations` if `where` is a folder."""
    facts: dict[str, Any] = {}
    names: dict[str, Any] = {}
    if Path(where).is_dir():
        with _opened(where) as generations:
            facts = generations.read_status()
            names = {"generations": [one.name for one in generations.list()]}
    pid = holder(_lock_of(where))
    return {**facts, **names, "pid": pid, "running": pid is not None}


def stop(where: str, timeout: float | None) -> int:
    """Stop an application, wait until its process has ended, and return its id. Raises AppsnapError, OSError."""
    with running(where) as process:
        # A second signal would end it at once, and unsaved.
        if not is_stopping(_lock_of(where)):
            process.send(signal.SIGTERM)
        if not process.wait(timeout):
            raise AppsnapError(
                f"process {process.pid} is still running after {timeout:g} s",
                hint=f"it may still stop; `kill -KILL {process.pid}` ends it at once, and loses the changes since its "
                "last save",
            )
    if Path(where).is_dir():
        with _opened(where) as generations:
            failed = generations.read_status().get("failed")
        if failed:
            raise AppsnapError(f"process {process.pid} has ended, and its last save failed: {failed}")
    return process.pid


def snapshot(folder: str) -> str:
    """Save an application, and return the path of the new generation, or of the last one if nothing has changed.

    Raises AppsnapError if it isn't saved, and OSError.
    """
    with _opened(folder) as generations, running(folder) as process:
        asked = time.monotonic()
        process.send(signal.SIGUSR2)
        while True:
            ended = process.wait(_PAUSE)
            facts = generations.read_status()
            began = facts.get("began")
            if isinstance(began, float) and began >= asked and facts.get("pid") == process.pid:
                break
            if ended:
                raise AppsnapError(f"process {process.pid} has ended before it was saved")
        if facts.get("failed"):
            raise AppsnapError(f"not saved: {facts['failed']}")
        found = generations.list()
        last = next((one for one in found if one.number == facts.get("generation")), None)
        if last is None:
            raise AppsnapError(f"the generation {facts.get('generation')} is gone from {folder}")
        return str(last.path)


def _opened(folder: str) -> contextlib.closing[Generations]:
    return contextlib.closing(Generations(folder, make=False))


def _lock_of(where: str) -> str:
    return os.path.join(where, LOCK) if Path(where).is_dir() else where  # noqa: PTH118 - a text, as it was typed
