"""The states of web applications: mappings that the start of an application fills, too.

An application that starts a task, and keeps it in its state to cancel it at the end, starts another one next time. So
tasks that aren't done are left out. Other values stay: the start may set them only where they are missing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from appsnap.ways import objects, saves
from appsnap.ways.anew import has_own_protocol

__all__: list[str] = []


_CLASSES = {
    "aiohttp.web_app.Application",
    "litestar.datastructures.state.ImmutableState",
    "starlette.datastructures.State",
}


def _take_apart(holder: Any) -> Any:
    cls = type(holder)
    known = next(base for base in cls.__mro__ if f"{base.__module__}.{base.__qualname__}" in _CLASSES)
    if has_own_protocol(cls, known):
        return NotImplemented
    found = object.__getattribute__(holder, "_state")
    kept = {key: value for key, value in found.items() if not _is_under_way(value)}
    if len(kept) == len(found):
        return NotImplemented
    made, args, state, *rest = objects.take_apart((), holder)
    return made, args, {**state, "_state": kept}, *rest


for _name in _CLASSES:
    saves(_name, subclasses=True)(_take_apart)


def _is_under_way(value: object) -> bool:
    return isinstance(value, asyncio.Task) and not value.done()
