"""The small service on Twisted's own class, for the peers from Twisted."""

from __future__ import annotations

from typing import Any

from twisted.application import service

from bench.parts import parts_of

__all__ = ["make"]


class Small(service.Service):
    """A service with the attributes of `bench.workloads.Small`."""

    def __init__(self, number: int) -> None:
        self.name, self.port, self.options, self.rate = parts_of(number)


def make(size: int) -> Any:
    """Return a tree of `size` services."""
    root = service.MultiService()  # type: ignore[no-untyped-call]  # Twisted has few type hints
    for number in range(size):
        child: Any = Small(number)
        child.setServiceParent(root)
    return root
