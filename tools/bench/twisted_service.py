"""The services that are measured, on Twisted's own classes, for the peers from Twisted."""

from __future__ import annotations

import sys
from typing import Any

from twisted.application import service

from bench.parts import mixed_tree, parts_of

__all__ = ["Cache", "Gauge", "Group", "Job", "Mail", "Peer", "Small", "Web", "make", "make_mixed"]


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


# The mixed tree: the classes of `bench.mixed`


class Web(service.Service):
    """Like `bench.mixed.Web`."""


class Mail(service.Service):
    """Like `bench.mixed.Mail`."""


class Job(service.Service):
    """Like `bench.mixed.Job`."""


class Peer(service.Service):
    """Like `bench.mixed.Peer`."""


class Cache(service.Service):
    """Like `bench.mixed.Cache`."""


class Gauge(service.Service):
    """Like `bench.mixed.Gauge`."""


class Group(service.MultiService):
    """Like `bench.mixed.Group`."""


def make_mixed(size: int) -> Any:
    """Return a mixed tree of `size` services."""
    return mixed_tree(sys.modules[__name__], service.MultiService, size)
