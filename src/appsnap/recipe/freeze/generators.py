"""Generators that haven't begun: no code of theirs has run, so a call with the same arguments makes the same one.

One that has ended has nothing left but its type.

A generator doesn't know its function. The function has to be found by its name, in its module or in the class of the
first argument. Generators that have begun are left to pickle, which refuses them.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap import actions, states
from appsnap.recipe.freeze.found import look_up

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["reduce"]


def reduce(generator: types.GeneratorType[Any, Any, Any]) -> Any:
    """Return the call that makes a generator which hasn't begun, or has ended, and NotImplemented for any other one."""
    frame = generator.gi_frame
    if frame is None:
        return importlib.import_module("appsnap.ways.generators").ended, ()
    if inspect.getgeneratorstate(generator) != inspect.GEN_CREATED:
        return NotImplemented
    code, given = generator.gi_code, dict(frame.f_locals)
    count = code.co_argcount + code.co_kwonlyargcount
    stars = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    names = code.co_varnames[: count + stars]
    if not all(name in given for name in names):
        return NotImplemented  # a debugger has taken one away
    args = [given[name] for name in names[: code.co_argcount]]
    keywords = {name: given[name] for name in names[code.co_argcount : count]}
    rest = [given[name] for name in names[count:]]
    if code.co_flags & inspect.CO_VARARGS:
        args += rest.pop(0)
    if rest:
        keywords |= rest[0]
    function = _method(code, args) or _function(code, frame.f_globals.get("__name__"))
    if function is None or not _has_closure(function, given):
        return NotImplemented
    args = args[1:] if type(function) is types.MethodType else args
    return (actions.called, (function, tuple(args), keywords)) if keywords else (function, tuple(args))


def _method(code: types.CodeType, args: list[Any]) -> Callable[..., Any] | None:
    """Return the bound method that has this code in the class of the first argument, or None."""
    if not args:
        return None
    owner = args[0]
    if isinstance(owner, type):
        found = states.special(owner, code.co_name)
        found = found.__func__ if isinstance(found, classmethod) else None
    else:
        found = states.special(type(owner), code.co_name)
    return types.MethodType(found, owner) if _has(found, code) else None


def _function(code: types.CodeType, module: Any) -> Callable[..., Any] | None:
    """Return the function that has this code in its module, or None."""
    found = look_up(module, code.co_qualname) if module in sys.modules else None
    found = found.__func__ if isinstance(found, staticmethod) else found
    return found if _has(found, code) else None


def _has(found: Any, code: types.CodeType) -> bool:
    return type(found) is types.FunctionType and found.__code__ is code


def _has_closure(function: Any, given: dict[str, Any]) -> bool:
    """Tell whether a function has the free variables of a generator: others may have the same code."""
    try:
        return all(value is given[name] for name, value in _closure(function))
    except (KeyError, ValueError):
        return False  # an empty cell


def _closure(function: Any) -> list[tuple[str, Any]]:
    function = getattr(function, "__func__", function)
    cells = function.__closure__ or ()
    return [(name, cell.cell_contents) for name, cell in zip(function.__code__.co_freevars, cells, strict=True)]
