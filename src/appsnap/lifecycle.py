"""How the services of a collection start and stop: all asked at once, all waited for, rolled back when one fails.

Each service is asked by a plain call, and may return something to await. The same code serves a tree that has nothing
to wait for, without an event loop, and one that has: see `eagerly`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import operator
import traceback
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from typing import Any, Protocol

from appsnap.errors import ServiceError
from appsnap.interfaces import IProcess, IService, IServiceCollection

__all__ = ["Lifecycle", "eagerly", "hand_over", "path"]

_log = logging.getLogger("appsnap.service")

How = Callable[[IService], object]
"""A way to ask a service for something. If what it returns can be awaited, the service isn't done before that is."""


class Collection(Protocol):
    """What a `Lifecycle` needs of its collection. `_clear_away` is what `MultiService` has in place of it."""

    running: bool
    services: list[IService]

    def forget(self, service: IService) -> None: ...


class Lifecycle:
    """The starts of one collection that are under way, and all that may happen meanwhile.

    A service that joins a start becomes a part of it; one that leaves has its own start cancelled; stopping the
    collection cancels what has started so far.
    """

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._starts: list[_Round] = []

    def start(self, method: str) -> Awaitable[None] | None:
        """Ask every service, in order. Raises ServiceError, or the awaitable does, when all is rolled back."""
        return eagerly(self._start(method))
