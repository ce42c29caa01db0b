"""Werkzeug's proxies: they stand for an object of the current request, and go by their name in a module."""

from __future__ import annotations

from typing import Any

from appsnap.errors import Refused
from appsnap.ways import saves

__all__: list[str] = []


@saves("werkzeug.local.LocalProxy", by_name=True)
def _(_: Any) -> Any:
    raise Refused("a proxy that no module holds under a name", "assign it to a global name of a module")
