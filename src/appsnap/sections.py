"""Critical sections: changes that span an `await`, and that no save may see in halves.

Where no runner keeps the application, a section works and costs next to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["Keeper", "closed", "critical_section", "keep_with", "saved"]


class Keeper(Protocol):
    """Something that saves the application of this process."""

    async def saved(self) -> None:
        """Return when a save that began after the call has succeeded, or raise its error."""


_keeper: Keeper | None = None
_open: dict[_Section, asyncio.Task[object] | None] = {}  # each with the task that entered it
_within: contextvars.ContextVar[_Section | None] = contextvars.ContextVar("_within", default=None)
_opening: asyncio.Future[None] | None = None  # done when sections may begin again
_ended: asyncio.Future[None] | None = None  # done when the last open section ends


def critical_section() -> contextlib.AbstractAsyncContextManager[object]:
    """Keep saves out of a change that spans an `await`: `async with appsnap.critical_section(): ...`.

    No save begins while a section is open. A save that is due holds new sections back, and waits for the open ones for
    at most 10 s. A task may enter a section within a section, and so may tasks that it has started there.
    """
    return _Section()


async def saved() -> None:
    """Return when the state of now is on the disk. Many callers share one save.

    Raises the error of a save that fails: CannotSave, OSError, AppsnapError. Raises RuntimeError where the application
    isn't run with `--state`, and within a critical section, which would wait for itself.
    """
    if _keeper is None:
        raise RuntimeError("nothing saves this application: `appsnap run --state DIR` does")
    if _surrounding() is not None:
        raise RuntimeError("saved() would wait for the critical section that it is called in: call it behind that")
    await _keeper.saved()


def keep_with(keeper: Keeper | None) -> None:
    """Let `saved` ask this keeper."""
    global _keeper  # noqa: PLW0603 - there is one application in a process
    _keeper = keeper


@contextlib.asynccontextmanager
async def closed(after: float, warn: Callable[[str], object]) -> AsyncIterator[None]:
    """Let no section begin, and wait until the open ones have ended, or so many seconds.

    Behind these, `warn` gets a line with the tasks that are still within sections. No other callback of the loop runs
    between the end of the last section and the begin of the block.
    """
    global _opening, _ended  # noqa: PLW0603 - as above
    loop = asyncio.get_running_loop()
    _opening = loop.create_future()
    try:
        end = loop.time() + after
        while _open and (left := end - loop.time()) > 0:
            _ended = loop.create_future()
            await asyncio.wait([_ended], timeout=left)
        if _open:
            names = dict.fromkeys(map(_name_of, _open.values()))
            warn(f"not waiting any longer for critical sections, which are still open in {', '.join(names)}")
        yield
    finally:
        _opening.set_result(None)
        _opening = _ended = None


class _Section:
    """A section, and the one around it."""

    _around: _Section | None = None

    async def __aenter__(self) -> Self:
        self._around = _surrounding()
        while self._around is None and _opening is not None and _opening.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([_opening])
        _open[self] = asyncio.current_task()
        _within.set(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        del _open[self]
        # Tasks that were started in here look further from here. No chain of ended sections grows.
        self._around = None if self._around is None else self._around.nearest()
        _within.set(self._around)
        if not _open and _ended is not None and not _ended.done():
            _ended.get_loop().call_soon_threadsafe(_end, _ended)

    def nearest(self) -> _Section | None:
        """Return this section or the nearest around it that is open."""
        section: _Section | None = self
        while section is not None and section not in _open:
            section = section._around  # noqa: SLF001 - of the same class
        return section


def _surrounding() -> _Section | None:
    """Return the open section that this task has entered, or that it was started in."""
    within = _within.get()
    return None if within is None else within.nearest()


def _end(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def _name_of(task: asyncio.Task[object] | None) -> str:
    if task is None:
        return "a callback"
    return f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', type(task.get_coro()).__name__)})"
