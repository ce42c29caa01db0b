"""The places that a save complains about: their paths, and the advice for each."""

from __future__ import annotations

from typing import Any

from appsnap.recipe import steps
from appsnap.recipe.outline import quoted

__all__ = ["advice", "label"]


def label(form: str, key: Any, child: Any) -> str:
    """Return one step of a path: services in a list by their name, as the outline of a snapshot has it."""
    if form == "[%d]":
        try:
            attributes = object.__getattribute__(child, "__dict__")
        except AttributeError:
            attributes = {}
        name = attributes.get("name")
        return f"[{quoted(name)}]" if type(name) is str and "parent" in attributes else f"[{key}]"
    if form == "[%r]":
        # Never by a __repr__ that isn't Python's own.
        return f"[{quoted(key) if type(key) in steps.ATOMS else f'<{type(key).__qualname__}>'}]"
    if form == ".%s" and not key.isidentifier():
        return f".__dict__[{quoted(key)}]"
    return form % (key,) if "%" in form else form


def advice(cls: type) -> str:
    """Return what to do about an object of a class that can't be saved."""
    for names, text in _ADVICE.items():
        if any(f"{base.__module__}.{base.__qualname__}" in names for base in cls.__mro__):
            return text
    return "name the attribute in its class's __transient__, or give its class a __reduce__"


_ADVICE = {
    ("builtins.module",): "keep what you need of it instead, or move that to a module that can be imported",
    ("socket.socket", "_socket.socket", "ssl.SSLSocket"): "open it in startService, and name it in __transient__",
    ("_io._IOBase",): "keep the file's path instead, and open it in startService",
    ("_thread.lock", "_thread.RLock", "threading.Thread", "threading.Event", "threading.Condition"): (
        'let it be made anew at loading: __transient__ = {"lock": threading.Lock}'
    ),
    ("builtins.generator", "builtins.coroutine", "builtins.async_generator"): "keep what it is made from instead",
    ("_asyncio.Task", "_asyncio.Future", "asyncio.events.AbstractEventLoop", "asyncio.base_events.Server"): (
        "make it in startService, and name it in __transient__"
    ),
}
