"""Sanic: an application keeps what belongs to a request and to a server, which are gone after a load."""

from __future__ import annotations

from appsnap.ways import transient

__all__: list[str] = []

transient("sanic.app.Sanic", ("_asgi_app", "_asgi_lifespan"))
