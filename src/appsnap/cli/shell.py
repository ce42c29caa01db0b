"""A Python shell with a loaded application in it."""

from __future__ import annotations

import code
import contextlib
from typing import Any

__all__ = ["talk"]


def talk(application: Any) -> None:
    """Read Python from stdin and run it, until stdin ends."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - its import makes lines editable; not every Python has it

    kind = type(application)
    try:
        code.interact(
            banner=f"application: {kind.__module__}.{kind.__qualname__}, not started. Ctrl-D leaves.",
            exitmsg="",
            local={"application": application},
        )
    except SystemExit as left:
        if left.code:
            raise
