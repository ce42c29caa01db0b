"""A pause of the cyclic garbage collector, for functions that make many objects at once."""

from __future__ import annotations

import functools
import gc
import os
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["gc_paused"]

P = ParamSpec("P")
T = TypeVar("T")

_NEVER = 2**31 - 2
"""New objects before the collector runs, as long as a pause lasts: near the most that its counter holds.

The switch of the collector, `gc.disable`, belongs to the application. It may turn the collector off or on during a
pause, and nobody could tell its call from one of ours. So could it with a threshold of 0.
"""

_lock = threading.RLock()  # a signal handler may save while its own thread holds the lock
_pauses: set[int] = set()  # the threads that run such functions
_before = 0  # the threshold of the application
_paused = False  # whether it has to be looked at when the last pause ends


def gc_paused(function: Callable[P, T]) -> Callable[P, T]:
    """Pause the garbage collector while a function runs.

    The collector visits all objects again and again while their number grows, and finds no garbage. For a tree of
    10,000 objects that takes two thirds of the time of `freeze`, or of reading a recipe. A function that makes a recipe
    and drops it again is paused as a whole: then the recipe is gone before the collector runs.

    The pause is the process's: it ends when no thread runs such a function any more. A child that is forked in the
    meantime has the pauses of its own thread alone. `gc.disable`, `gc.enable` and `gc.set_threshold` are the
    application's, and count during a pause, too.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        thread = threading.get_ident()
        if thread in _pauses:
            return function(*args, **kwargs)
        try:
            try:
                _begin(thread)
                return function(*args, **kwargs)
            finally:
                _end(thread)
        finally:
            # Once more, because an interrupt may hit the first call. Without need, it would start the collector, which
            # looks at all the new objects, before the function returns.
            if _paused or thread in _pauses:
                _end(thread)

    return run


# An interrupt may hit each line of the functions below. `_end` puts right anything that the lines before it left.


def _begin(thread: int) -> None:
    global _before, _paused  # noqa: PLW0603 - the collector is the process's
    with _lock:
        _pauses.add(thread)
        least, *others = gc.get_threshold()
        if least != _NEVER:
            _before = least
            _paused = True
            if least:  # with 0 the application has turned the collector off
                gc.set_threshold(_NEVER, *others)


def _end(thread: int) -> None:
    global _paused  # noqa: PLW0603 - as above
    with _lock:
        _pauses.discard(thread)
        # A list that is made here would start the collector before the function returns.
        if _paused and not _pauses:
            least, *others = gc.get_threshold()
            if least == _NEVER:
                gc.set_threshold(_before, *others)
            _paused = False


def _forked() -> None:
    global _lock  # noqa: PLW0603 - a thread that is gone may have held it
    _lock = threading.RLock()
    for thread in _pauses - {threading.get_ident()}:
        _end(thread)
    _end(-1)  # in case that nobody is left


os.register_at_fork(after_in_child=_forked)
