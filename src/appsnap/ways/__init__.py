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

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from appsnap import actions, evolve
from appsnap.errors import Refused
from appsnap.recipe.values.ways import Way, Where, register_module, register_way

__all__ = ["Refused", "by_name", "call", "plain", "saves", "transient"]

F = TypeVar("F", bound=Callable[[Any], Any])


def saves(
    cls: type | str,
    *,
    subclasses: bool = False,
    by_name: bool = False,
    before_fork: bool = False,
    weak: bool = False,
) -> Callable[[F], F]:
    """Register the decorated function as the way to save the objects of a class.

    `cls` is the class, or its dotted name, which imports nothing. The way is for objects of exactly that class; with
    `subclasses`, also for those of its subclasses. With `by_name`, an object that a module holds under a name is saved
    by that name, as the function `by_name` says, and the decorated function is asked about the others. `before_fork` is
    for a way that asks the operating system or a library: `appsnap run` calls it before it forks, not in its child.
    `weak` is for a way whose reductions have a `recipe.values.ways.Weakly`.

    The function returns a reduction, as `__reduce__` does, or `call(...)`, or NotImplemented for an object that is
    saved as if there were no way. It raises `Refused` for one that can't be saved.

    Raises ValueError if the class has a way already, and for a type whose values are part of the format: `int`, `list`.
    """
    where = Where.of_caller()
    name = _name(cls)

    def register(function: F) -> F:
        register_way(
            Way(
                *(name, function, where, _class(cls)),
                subclasses=subclasses,
                by_name=by_name,
                before_fork=before_fork,
                weak=weak,
            )
        )
        return function

    return register


def call(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> tuple[Any, ...]:
    """Return the reduction of an object that `function(*args, **keywords)` makes again."""
    return (actions.called, (function, args, keywords)) if keywords else (function, args)


def plain(cls: type | str, *, without: Iterable[str] = ()) -> None:
    """Save the objects of a class and its subclasses as objects with attributes, and nothing more.

    Their attributes and slots are saved by name, except those in `without`. `__reduce__`, `__getstate__`,
    `__getnewargs__`, `__setstate__`, `__new__` and `__init__` aren't asked. A list or a dictionary keeps its items.

    Raises ValueError as `saves` does.
    """
    from appsnap.ways import objects  # noqa: PLC0415 - few processes have a class like that

    reduce = functools.partial(objects.take_apart, _texts(without))
    register_way(Way(_name(cls), reduce, Where.of_caller(), _class(cls), subclasses=True))


def transient(cls: type | str, names: Iterable[str] | Mapping[str, Callable[[], Any] | None]) -> None:
    """Name attributes of a class that never enter a snapshot, as `__transient__` does in a class that one owns.

    They hold for subclasses, too. A mapping has a factory for each attribute that is made anew at the load, or None.
    A file has no factory, so each program that loads it has to make this call before the load. Otherwise the attribute
    is missing after it, without an error. A module of ways that the program, `[tool.appsnap]` or an entry point imports
    is the place for the call. The file brings the module along if its `prepare` is a function there.
    """
    register_module(Where.of_caller())
    evolve.transient(_name(cls), dict(names) if isinstance(names, Mapping) else dict.fromkeys(_texts(names)))


def by_name(cls: type | str, *, subclasses: bool = True) -> None:
    """Save the objects of a class that a module holds under a name by that name: the load finds the same object.

    That is for objects which are compared by `is`: keys, markers, context variables. The module has to be importable,
    and has to have the object under that name as soon as it is imported. The same is true of an object that only a
    dictionary in a module of its library holds: it goes by its key, a text. Any other object is saved as if there were
    no way: all parts of the snapshot that refer to it get the same copy.

    Raises ValueError as `saves` does.
    """
    register_way(Way(_name(cls), _leave, Where.of_caller(), _class(cls), subclasses=subclasses, by_name=True))


def _leave(_: Any) -> Any:
    return NotImplemented


def _name(cls: type | str) -> str:
    if isinstance(cls, str):
        return cls
    if not isinstance(cls, type):
        raise TypeError(f"a way is for a class, or its dotted name, not for {cls!r:.100}")
    return f"{cls.__module__}.{cls.__qualname__}"


def _class(cls: type | str) -> type | None:
    return None if isinstance(cls, str) else cls


def _texts(names: Iterable[str]) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(names)
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"names of attributes are texts, not {found!r:.100}")
    return found
