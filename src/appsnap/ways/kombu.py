"""Kombu: the objects in a pool have a method of the pool, which gives it to them at each use."""

from appsnap.ways import transient

__all__: list[str] = []

transient("kombu.messaging.Producer", ("release",))
