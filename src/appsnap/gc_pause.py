"""A pause of the cyclic garbage collector, for functions that make many objects at once."""

from __future__ import annotations

import functools
import gc
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["gc_paused"]

P = ParamSpec("P")
T = TypeVar("T")


def gc_paused(function: Callable[P, T]) -> Callable[P, T]:
    """Pause the garbage collector while a function runs.

    The collector visits all objects again and again while their number grows, and finds no garbage. For a tree of
    10,000 objects that takes two thirds of the time of `freeze`, or of reading a recipe. A function that makes a recipe
    and drops it again is paused as a whole: then the recipe is gone before the collector runs.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            gc.enable()

    return run
