"""Loading of objects that exist only inside of an event loop: client sessions, futures, the loop itself.

A program loads them in a coroutine. For the commands that only look at the objects there is `built`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from appsnap.errors import CannotBuild

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["built"]

T = TypeVar("T")


def built(build: Callable[[], T]) -> T:
    """Return the objects that a function builds. If they need a running loop, they get one that runs nothing.

    The thread is in that loop from then on, so that the objects can be saved, too. It is for the end of a process.
    """
    try:
        return build()
    except CannotBuild as error:
        from appsnap.recipe.failures import needs_loop  # noqa: PLC0415 - only for an error

        if not needs_loop(error.__cause__):
            raise
    import asyncio  # noqa: PLC0415 - few objects need it

    loop = asyncio.new_event_loop()
    # Nobody will close them, and that isn't to be told.
    loop.set_exception_handler(lambda *_: None)
    asyncio._set_running_loop(loop)  # noqa: SLF001 - asyncio has it for whoever makes loops
    return build()
