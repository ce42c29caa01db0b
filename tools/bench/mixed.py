"""The classes of the mixed tree. `bench.twisted_service` has the same on Twisted's own classes."""

from __future__ import annotations

from appsnap import service

__all__ = ["Cache", "Gauge", "Group", "Job", "Mail", "Peer", "Web"]


class Web(service.Service):
    """Serves routes."""


class Mail(service.Service):
    """Serves domains."""


class Job(service.Service):
    """Runs a command after other jobs."""


class Peer(service.Service):
    """Has a partner, whose partner it is."""


class Cache(service.Service):
    """Keeps entries, with the options of its parent."""


class Gauge(service.Service):
    """Has values, and a note at times."""


class Group(service.MultiService):
    """A part of the tree with options of its own."""
