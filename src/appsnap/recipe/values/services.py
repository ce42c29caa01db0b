"""appsnap's own classes: a snapshot of services needs no trust in them. They are above this room, so not imported."""

from __future__ import annotations

from appsnap.evolve import Ephemeral
from appsnap.recipe.values.arguments import call
from appsnap.recipe.values.registry import ValueType

__all__ = ["OBJECTS", "TYPES"]

TYPES = (
    ValueType(name="appsnap.evolve.Ephemeral", cls=Ephemeral, make=call(Ephemeral, most=0)),
    *(
        ValueType(name=f"appsnap.{name}", creatable=True)
        for name in (
            "hosting.aiohttp.AiohttpServer",
            "hosting.asgi.ASGIServer",
            "hosting.objects.ObjectService",
            "hosting.wsgi.WSGIServer",
            "internet.StreamServerService",
            "internet.TimerService",
            "service.Application",
            "service.MultiService",
            "service.Process",
            "service.Service",
            "sob.Persistent",
        )
    ),
)

OBJECTS = tuple(
    f"appsnap.interfaces.{name}"
    for name in ("IPersistable", "IProcess", "IService", "IServiceCollection", "IServiceMaker")
)
