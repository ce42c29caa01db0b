"""Objects that run, or start and stop, but aren't services: workers, schedulers, consumers."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from appsnap.hosting.variable import OfModule
from appsnap.waiting import path

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["ENDS", "ObjectService", "can_run", "can_start"]

_log = logging.getLogger("appsnap.hosting")

ENDS = ("stop", "shutdown", "close")
"""The methods that end an object, in the order in which they are looked for."""


def can_run(obj: Any) -> bool:
    """Tell whether an object has `async def run()`."""
    return inspect.iscoroutinefunction(getattr(type(obj), "run", None))


def can_start(obj: Any) -> bool:
    """Tell whether an object has a method `start`, and one that ends it."""
    return callable(getattr(type(obj), "start", None)) and _end_of(obj) is not None


def _end_of(obj: Any) -> str | None:
    return next((name for name in ENDS if callable(getattr(type(obj), name, None))), None)


class ObjectService(OfModule):
    """Runs an object: `start()` and `stop()`, or else `run()`. They may be coroutine functions.

    `shutdown` or `close` may stand for `stop`. `run` is cancelled, unless the object has such a method and returns
    within `grace` seconds after it. An error of `run` is logged with the path of the service, which isn't running any
    more.
    """

    __transient__ = ("_task",)

    grace: float = 10
    _task: asyncio.Task[object] | None = None

    def __init__(self, object: Any) -> None:  # noqa: A002 - it shows in snapshots
        self.object = object

    async def startService(self) -> None:
        """Start the object, unless it runs already."""
        if self.running:
            return
        self._put_back(self.object)
        if can_start(self.object):
            await _finished(self.object.start())
        else:
            self._task = asyncio.create_task(self.object.run(), name=f"run of {self.name or 'an object'}")
            self._task.add_done_callback(self._ended)
        super().startService()

    async def stopService(self) -> None:
        """Stop the object. An object that has ended by itself has nothing to stop."""
        task, was_running = self._task, self.running
        self._task = None
        super().stopService()
        end = _end_of(self.object)
        if task is None:
            if was_running and end is not None:
                await _finished(getattr(self.object, end)())
            return
        if task.done():
            return
        if end is not None:
            await _finished(getattr(self.object, end)())
            await asyncio.wait([task], timeout=self.grace)
        task.cancel()
        await asyncio.wait([task])

    def _ended(self, task: asyncio.Task[object]) -> None:
        if self._task is task:
            super().stopService()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("%s has stopped, because its run() failed", path(self), exc_info=error)


async def _finished(result: Awaitable[object] | object) -> None:
    if inspect.isawaitable(result):
        await result
