"""aiohttp's server: an application that has been started keeps its event loop, and generators that wait for its end."""

from __future__ import annotations

from appsnap.ways import transient

__all__: list[str] = []

transient("aiohttp.web_app.Application", {"_loop": lambda: None})
transient("aiohttp.web_app.CleanupContext", {"_exits": list})
