"""The msgpack kind: see `document`."""

from __future__ import annotations

from appsnap.kinds.msgpack.document import locate, read, write

__all__ = ["locate", "read", "write"]
