"""The end of a process: the services stop, the state is saved, and all that the application leaves behind ends.

A guard watches over the time that this takes.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, NoReturn

from appsnap.runner.guard import NOT_IN_TIME, Guard
from appsnap.runner.root import stopped

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from appsnap.interfaces import IService
    from appsnap.runner.locks import Lock
    from appsnap.runner.options import Options
    from appsnap.runner.reactor import Host
    from appsnap.runner.saver import Saver
    from appsnap.runner.voice import Voice

__all__ = ["NOT_IN_TIME", "Ending"]


class Ending:
    """The end. `locks` are those of the process, which go at last. It is made within the event loop."""

    def __init__(self, options: Options, voice: Voice, host: Host) -> None:
        self.locks: dict[str, Lock] = {}
        self._options = options
        self._voice = voice
        self._host = host
        self._own: set[asyncio.Future[Any]] = set()
        self._guard = self._new_guard()

    def _new_guard(self) -> Guard:
        return Guard(self._options.stop_timeout, self._voice.report, self.at_once)

    def begin(self) -> None:
        """Let the time for stopping begin. Signal handlers may call this."""
        self._guard.begin()

    def give_up(self) -> None:
        """Begin anew: the application goes on."""
        self._guard.cancel()
        self._guard = self._new_guard()

    async def stop(self, service: IService) -> int:
        """Stop the services. Returns the exit code."""
        stopping = asyncio.ensure_future(stopped(service))
        if not await self.in_time(asyncio.wait([stopping])):
            return NOT_IN_TIME
        error = stopping.exception()
        if error is None:
            return 0
        self._voice.failed(error)
        return 1

    async def save(self, saver: Saver | None) -> int:
        """Save the application for the last time. Returns the exit code."""
        if saver is None:
            return 0
        self._guard.saving(self._options.save_timeout)
        try:
            await saver.finish()
        except Exception:  # noqa: BLE001 - the saver has reported it
            return 1
        finally:
            self._guard.saved()
        return 0

    async def leave(self) -> None:
        """Wait for the tasks and threads that the application leaves behind. Ends the process if they take too long."""
        if task := asyncio.current_task():
            self._own.add(task)
        if self._guard.late.is_set() or not await self.in_time(self._left()):
            self.at_once(NOT_IN_TIME)
        self._guard.last()

    async def _left(self) -> None:
        await self._host.stop()
        self._guard.tasks = left = asyncio.all_tasks() - self._own
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        await asyncio.get_running_loop().shutdown_default_executor()

    async def in_time(self, work: Awaitable[object]) -> bool:
        """Wait for something. Returns False when the time for stopping is over before."""
        working = asyncio.ensure_future(work)
        late = asyncio.ensure_future(self._guard.late.wait())
        self._own |= {working, late}
        await asyncio.wait([working, late], return_when=asyncio.FIRST_COMPLETED)
        late.cancel()
        return working.done()

    def at_once(self, code: int) -> NoReturn:
        """End the process now. Any thread may call this, and signal handlers."""
        self.clear_away()
        os._exit(code)

    def clear_away(self) -> None:
        """Remove the pidfile, and give up the lock of the state."""
        while self.locks:
            self.locks.popitem()[1].release()
