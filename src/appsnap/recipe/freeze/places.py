"""Objects that can't be saved: the labels in the path to an object, and the advice about its class."""

from __future__ import annotations

from typing import Any

from appsnap.recipe import steps
from appsnap.recipe.outline import quoted

__all__ = ["advice", "label"]


def label(form: str, key: Any, child: Any) -> str:
    """Return one step of a path. As in an outline, a service in a list is labelled by its name."""
    if form == "[%d]":
        try:
            attributes = object.__getattribute__(child, "__dict__")
        except AttributeError:
            attributes = {}
        name = attributes.get("name")
        return f"[{quoted(name)}]" if type(name) is str and "parent" in attributes else f"[{key}]"
    if form == "[%r]":
        # Atoms only: the __repr__ of another class may do anything.
        return f"[{quoted(key) if type(key) in steps.ATOMS else f'<{type(key).__qualname__}>'}]"
    if form == ".%s" and not key.isidentifier():
        return f".__dict__[{quoted(key)}]"
    return form % (key,) if "%" in form else form


def advice(cls: type) -> str:
    """Return what a user can do about an object of this class."""
    for text, names in _ADVICE.items():
        if any(f"{base.__module__}.{base.__qualname__}" in names for base in cls.__mro__):
            return text
    return "name the attribute in the __transient__ of the class that holds it, or write a __reduce__ for its own class"


_ADVICE = {
    "keep only the values that you need from it, or move them to a module that can be imported": ("builtins.module",),
    "keep its key, and make the zone by zoneinfo.ZoneInfo(key)": ("zoneinfo.ZoneInfo",),
    "keep the path of the file, and open it in startService": ("_io._IOBase",),
    "keep the arguments of its function, and call that in startService": (
        "builtins.generator",
        "builtins.coroutine",
        "builtins.async_generator",
    ),
    "open it in startService, and name the attribute in __transient__": (
        "socket.socket",
        "_socket.socket",
        "ssl.SSLSocket",
    ),
    "make it in startService, and name the attribute in __transient__": (
        "_asyncio.Task",
        "_asyncio.Future",
        "asyncio.events.AbstractEventLoop",
        "asyncio.base_events.Server",
    ),
    'have it made anew by every load: __transient__ = {"lock": threading.Lock}': (
        "_thread.lock",
        "_thread.RLock",
        "threading.Thread",
        "threading.Event",
        "threading.Condition",
    ),
}
