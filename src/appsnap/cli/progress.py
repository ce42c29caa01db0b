"""A sign of life on the terminal, for whatever takes longer than a second.

How far the work is, nobody can tell before it's done: what is shown is what is being done, and for how long.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from appsnap.printable import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Progress"]

_DELAY = 1.0
_INTERVAL = 0.1


class Progress:
    """Shows `phase`, which may change, from a second after the start on; only where stderr is a terminal."""

    def __init__(self, phase: str) -> None:
        self.phase = phase
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            self._done.clear()
            self._thread = threading.Thread(target=self._show, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal alone while somebody types. The second begins anew afterwards."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()

    def _show(self) -> None:
        began = time.monotonic()
        if self._done.wait(_DELAY):
            return
        # Slow to import, and most commands are done by now.
        from rich.console import Console  # noqa: PLC0415
        from rich.markup import escape  # noqa: PLC0415

        console = Console(stderr=True)
        with console.status("") as status:
            while True:
                status.update(f"{escape(escaped(self.phase))} … {time.monotonic() - began:.0f} s")
                if self._done.wait(_INTERVAL):
                    return
