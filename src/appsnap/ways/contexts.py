"""Context variables, by the name that a module has for them, and contexts.

A variable that no module holds is made anew, with its name and its default. Values belong to a context, so a variable
has none in a snapshot. A context has the values that it held.
"""

from __future__ import annotations

import contextvars
from typing import Any

from appsnap.ways import call, saves

__all__ = ["context"]


def context(*items: tuple[contextvars.ContextVar[Any], Any]) -> contextvars.Context:
    """Return a context with these values of variables."""
    made = contextvars.Context()
    for variable, value in items:
        made.run(variable.set, value)
    return made


@saves(contextvars.ContextVar, by_name=True)
def _(variable: contextvars.ContextVar[Any]) -> Any:
    try:
        default = contextvars.Context().run(variable.get)
    except LookupError:
        return contextvars.ContextVar, (variable.name,)
    return call(contextvars.ContextVar, variable.name, default=default)


@saves(contextvars.Context)
def _(found: contextvars.Context) -> Any:
    return context, tuple(sorted(found.items(), key=lambda item: item[0].name))
