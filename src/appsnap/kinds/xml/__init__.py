"""The xml kind: see `document`."""

from __future__ import annotations

from appsnap.kinds.xml.document import read, write

__all__ = ["read", "write"]
