"""The states of web applications: mappings that the start of an application fills, too.

An application that starts a task, and keeps it in its state to cancel it at the end, starts another one next time. So
tasks that aren't done are left out. Other values stay: the start may set them only where they are missing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from appsnap.ways import objects, saves

__all__: list[str] = []


@saves("aiohttp.web_app.Application", subclasses=True)
@saves("litestar.datastructures.state.ImmutableState", subclasses=True)
@saves("starlette.datastructures.State", subclasses=True)
def _(holder: Any) -> Any:
    found = object.__getattribute__(holder, "_state")
    kept = {key: value for key, value in found.items() if not _is_under_way(value)}
    if len(kept) == len(found):
        return NotImplemented
    made, args, state, *rest = objects.take_apart((), holder)
    return made, args, {**state, "_state": kept}, *rest


def _is_under_way(value: object) -> bool:
    return isinstance(value, asyncio.Task) and not value.done()
