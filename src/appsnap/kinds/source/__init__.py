"""The source kind: see `document`."""

from __future__ import annotations

from appsnap.kinds.source.document import read, write

__all__ = ["read", "write"]
