"""The small service once more, on Twisted's own class: for the peers that come from there."""

from __future__ import annotations

from typing import Any

from twisted.application import service

from bench.parts import parts_of

__all__ = ["make"]


class Small(service.Service):
    """Has what `bench.workloads.Small` has."""

    def __init__(self, number: int) -> None:
        self.name, self.port, self.options, self.rate = parts_of(number)


def make(size: int) -> Any:
    """Return a tree of that many services."""
    root = service.MultiService()  # type: ignore[no-untyped-call]  # Twisted has few hints
    for number in range(size):
        child: Any = Small(number)
        child.setServiceParent(root)
    return root
