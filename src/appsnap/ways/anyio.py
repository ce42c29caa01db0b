"""Ways for `anyio`."""

from __future__ import annotations

from typing import Any

from appsnap.errors import Refused
from appsnap.ways import saves

__all__: list[str] = []


@saves("anyio._backends._asyncio.CapacityLimiter")
def _(limiter: Any) -> Any:
    if limiter.borrowed_tokens:
        raise Refused("a limiter that somebody has tokens of", "save it when all of them are back")
    return type(limiter), (limiter.total_tokens,)
