"""Preparing: a function of the application that is called before the first name of a file is imported.

Some modules read the settings of the process when they are imported, as Django's models do. The header of a file may
name the function that makes the settings. It is called without arguments, once in a process for each name: also
functions like `django.setup` expect that.
"""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING

from appsnap.errors import CannotBuild
from appsnap.printable import in_words
from appsnap.recipe.trust.finding import find

if TYPE_CHECKING:
    from appsnap.recipe.steps import Name
    from appsnap.recipe.trust.audit import Audited

__all__ = ["prepare"]

_done: set[Name] = set()
_lock = threading.RLock()  # another load waits until the settings are made


def prepare(name: Name, audited: Audited) -> None:
    """Import the module of a function, and call it, unless that was done before.

    Raises CannotBuild if it isn't found, or fails: then the next load calls it again.
    """
    with _lock:
        if name in _done:
            return
        _done.add(name)  # now, for the function may load another file
        done = False
        try:
            _call(name, audited)
            done = True
        finally:
            if not done:
                _done.discard(name)


def _call(name: Name, audited: Audited) -> None:
    try:
        _, function = find(name, audited)
    except (ImportError, AttributeError) as error:
        raise CannotBuild("the header", name.dotted, in_words(error), hint=_hint(name, error)) from error
    try:
        result = function()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        hint = "it prepares the process for this file, and has to succeed before anything is loaded"
        raise CannotBuild("the header", name.dotted, in_words(error), hint=hint) from error
    if inspect.iscoroutine(result):
        result.close()
        hint = "a plain function prepares the process"
        raise CannotBuild("the header", name.dotted, "it returns a coroutine", hint=hint)


def _hint(name: Name, error: Exception) -> str:
    missing = getattr(error, "name", None)
    if isinstance(error, ModuleNotFoundError) and missing and not f"{name.module}.".startswith(f"{missing}."):
        return f"install {missing}, which {name.module} imports"
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{name.module}:{name.qualname} prepares the process for this file: "
            f"run it where {name.module} can be imported, or install that"
        )
    return f"was it renamed? appsnap.evolve.renamed({name.dotted!r}, TheNewFunction) says so"
