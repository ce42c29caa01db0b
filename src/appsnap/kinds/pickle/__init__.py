"""The pickle kind: see `document`."""

from __future__ import annotations

from appsnap.kinds.pickle.document import assemble, has_header, locate, read, write, write_objects

__all__ = ["assemble", "has_header", "locate", "read", "write", "write_objects"]
