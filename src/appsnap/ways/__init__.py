"""Ways to save objects of classes that one doesn't own.

A way takes an object apart, into a function and the arguments that make the object again, in the form of `__reduce__`::

    @appsnap.saves(sqlite3.Connection)
    def _(connection):
        return appsnap.call(open_database, path_of(connection), isolation_level=connection.isolation_level)

The file names the function, so it has to be in a module that can be imported. All kinds of files, `show`, `audit` and
`convert` treat the call like any other one. The registry belongs to appsnap alone: pickle and `copyreg` don't see it.

The modules here are *families*: the ways for the types of one part of the standard library, or of one library. Each is
imported when the first object of a class of that part turns up (`recipe.values.ways`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from appsnap import actions
from appsnap.errors import Refused
from appsnap.recipe.values.ways import Way, register_way

__all__ = ["Refused", "call", "saves"]

F = TypeVar("F", bound=Callable[[Any], Any])


def saves(
    cls: type | str, *, subclasses: bool = False, before_fork: bool = False, weak: bool = False
) -> Callable[[F], F]:
    """Register the decorated function as the way to save the objects of a class.

    `cls` is the class, or its dotted name, which imports nothing. The way is for objects of exactly that class; with
    `subclasses`, also for those of its subclasses. `before_fork` is for a way that asks the operating system or a
    library: `appsnap run` calls it before it forks, not in its child. `weak` is for a way whose reductions have a
    `recipe.values.ways.Weakly`.

    The function returns a reduction, as `__reduce__` does, or `call(...)`, or NotImplemented for an object that is
    saved as if there were no way. It raises `Refused` for one that can't be saved.

    Raises ValueError if the class has a way already.
    """
    name = cls if isinstance(cls, str) else f"{cls.__module__}.{cls.__qualname__}"

    def register(function: F) -> F:
        register_way(Way(name, function, None if isinstance(cls, str) else cls, subclasses, before_fork, weak))
        return function

    return register


def call(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> tuple[Any, ...]:
    """Return the reduction of an object that `function(*args, **keywords)` makes again."""
    return (actions.called, (function, args, keywords)) if keywords else (function, args)
