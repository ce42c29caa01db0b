"""The attributes of the services that are measured. Each service has a class of appsnap and one of Twisted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ROUND", "SHAPES", "mixed_tree", "parts_of", "walked"]


def parts_of(number: int) -> tuple[str, int, dict[str, Any], float]:
    """Return name, port, options and rate of the service with a number."""
    options = {"host": "localhost", "paths": ["/", f"/shop/{number}"], "secure": number % 2 == 0}
    return f"service-{number}", 8000 + number % 1000, options, number / 7


# The mixed tree: six shapes of services and groups of them, interleaved as in an application

SHAPES = ("Web", "Mail", "Job", "Web", "Peer", "Cache", "Job", "Web", "Peer", "Mail", "Gauge", "Job", "Web", "Gauge")
"""The classes of neighbours in the tree, again and again. The length has no factor in common with ROUND."""

ROUND = 25
"""Services from one group to the next. The first IN_GROUP services behind a group are in it."""

IN_GROUP = 8

CLUSTER = 4
"""Jobs that refer to each other. Longer chains would be too deep for pickle, which recurses."""


class _Mixed:
    """The services of one tree, and the parts that they share."""

    def __init__(self, config: dict[str, Any], tags: list[str]) -> None:
        self.config = config
        self.tags = tags
        self.jobs: list[Any] = []
        self.peer: Any = None

    def fill(self, service: Any, shape: str, number: int, options: dict[str, Any]) -> None:
        """Set the attributes of a service. `options` are those of its parent."""
        service.name = f"{shape.lower()}-{number}"
        getattr(self, f"_{shape.lower()}")(service, number, options)

    def _web(self, service: Any, number: int, _: dict[str, Any]) -> None:
        service.port = 8000 + number % 1000
        service.routes = {"/": "index", "/shop": f"shop {number}", "limits": {"burst": number % 9, "rate": number / 8}}
        service.tls = ("1.2", "1.3") if number % 3 else None
        service.config = self.config

    def _mail(self, service: Any, number: int, _: dict[str, Any]) -> None:
        service.domains = {f"{word}-{number}.example" for word in ("post", "news", "list")[: 1 + number % 3]}
        service.aliases = {f"user{n}": f"box-{number + n}" for n in range(number % 4)}
        service.retries = (number / 16, 1.5, 60.0)
        service.config = self.config

    def _job(self, service: Any, number: int, _: dict[str, Any]) -> None:
        if len(self.jobs) == CLUSTER:
            self.jobs = []
        service.command = ["run", f"task-{number}", "--fast"]
        service.schedule = ((number % 24, number % 60), "daily")
        service.tags = self.tags
        service.after = self.jobs[-1:]
        service.wanted_by = []
        for job in self.jobs:
            job.wanted_by.append(service)  # refers back
        self.jobs.append(service)

    def _peer(self, service: Any, number: int, _: dict[str, Any]) -> None:
        service.address = (f"10.0.{number % 256}.{number % 251}", 9000 + number % 100)
        service.weight = number / 3
        service.partner = self.peer
        if self.peer is None:
            self.peer = service
        else:
            self.peer.partner, self.peer = service, None

    def _cache(self, service: Any, number: int, options: dict[str, Any]) -> None:
        service.options = options
        service.entries = [{"key": f"k{n}", "value": number * n, "fresh": n % 2 == 0} for n in range(number % 5)]
        service.seen = set(range(number % 6))

    def _gauge(self, service: Any, number: int, _: dict[str, Any]) -> None:
        service.values = [number, number % 7, -number]
        service.labels = {"unit": "ms", "source": f"gauge {number}"}
        service.enabled = number % 2 == 0
        if number % 5 == 0:
            service.note = f"checked {number}"  # not every object of a class has all attributes


def mixed_tree(module: Any, collection: Any, size: int) -> Any:
    """Return a tree with `size` services below its root: objects of the classes in a module."""
    root = collection()
    root.options = {"level": "info", "zone": "eu"}
    mixed = _Mixed({"host": "localhost", "ciphers": ["a", "b"], "timeout": 2.5}, ["shop", "night"])
    parent = root
    for number in range(size):
        place = number % ROUND
        if place == 0:
            group = module.Group()
            group.name, group.options = f"group-{number}", {"level": "debug", "zone": f"zone-{number}"}
            group.setServiceParent(root)
            parent = group
            continue
        if place > IN_GROUP:
            parent = root
        shape = SHAPES[number % len(SHAPES)]
        service = getattr(module, shape)()
        mixed.fill(service, shape, number, parent.options)
        service.setServiceParent(parent)
    return root


def walked(collection: Any) -> Iterator[Any]:
    """Yield the services of a tree of two levels below its root."""
    for service in collection.services:
        yield service
        yield from getattr(service, "services", ())
