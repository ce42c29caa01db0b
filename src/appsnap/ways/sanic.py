"""Sanic: an application keeps parts of the last request and of its server, which are gone after a load.

The start compiles the routes, once for each process.
"""

from __future__ import annotations

from appsnap.ways import transient

__all__: list[str] = []

transient("sanic.app.Sanic", ("_asgi_app", "_asgi_lifespan"))
transient("sanic_routing.router.BaseRouter", {"_find_route": lambda: None, "finalized": bool})
