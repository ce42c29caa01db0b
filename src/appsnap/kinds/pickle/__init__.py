"""The pickle kind: see `document`."""

from __future__ import annotations

from appsnap.kinds.pickle.document import (
    Frame,
    assemble,
    has_header,
    locate,
    open_frame,
    read,
    unpickle_objects,
    write,
    write_objects,
)

__all__ = [
    "Frame",
    "assemble",
    "has_header",
    "locate",
    "open_frame",
    "read",
    "unpickle_objects",
    "write",
    "write_objects",
]
