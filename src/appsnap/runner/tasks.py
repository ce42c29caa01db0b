"""Tells at once of a background task that has died, where asyncio tells it when the task is thrown away.

A service that keeps its task keeps it until the process ends, so the service would be dead without a word.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from appsnap.printable import escaped, label
from appsnap.waiting import asking, path

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Context

__all__ = ["install"]

_MOMENT = 0.1
"""Seconds after its end in which somebody may ask a task for its error."""


def install(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop tell of each task that has died with an error that nobody waits for.

    The loop's exception handler is told once: the message has the task's name, and the path of the service that made
    it, if it is known. The handler that a loop has by default logs that with the traceback. A loop with a task factory
    of the application's keeps that, and tells of a task when it is thrown away.
    """
    if loop.get_task_factory() is None:
        loop.set_task_factory(_made)


class _Task(asyncio.Task[Any]):
    """A task that knows how much of asyncio waits for it."""

    waiting = 0
    """How often asyncio waits: by await, gather, wait or a TaskGroup. It may not look at the error in a moment."""
    service: Any = None

    def add_done_callback(self, function: Callable[[Any], object], /, *, context: Context | None = None) -> None:
        self.waiting += _is_asyncio(function)
        super().add_done_callback(function, context=context)

    def remove_done_callback(self, function: Callable[[Any], object], /) -> int:
        removed = super().remove_done_callback(function)
        self.waiting -= removed * _is_asyncio(function)
        return removed


def _made(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **options: Any
) -> asyncio.Task[Any]:
    task = _Task(coroutine, loop=loop, **options)
    context: Context | None = options.get("context")
    call = asking.get() if context is None else context.get(asking)
    if call is not None:
        task.service = call.service
    task.add_done_callback(_ended)
    return task


def _ended(task: _Task) -> None:
    if _is_untold(task) and not task.waiting:
        task.get_loop().call_later(_MOMENT, _tell, task)


def _tell(task: _Task) -> None:
    if not _is_untold(task):
        return
    error = task.exception()  # asked for it, the task doesn't tell it once more
    if isinstance(error, Exception):
        whose = "" if task.service is None else f" of {path(task.service)}"
        message = f"a background task{whose} has died: {escaped(label(task.get_name()))}"
        task.get_loop().call_exception_handler({"message": message, "exception": error, "task": task})


def _is_untold(task: _Task) -> bool:
    """Tell whether a task has an error that nobody has asked for."""
    return not task.cancelled() and task._log_traceback  # noqa: SLF001 - nothing public tells it


def _is_asyncio(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    # A task that awaits another one is woken up by a method of its own.
    return isinstance(getattr(function, "__self__", None), asyncio.Task) or str(
        getattr(function, "__module__", None)
    ).startswith("asyncio.")
