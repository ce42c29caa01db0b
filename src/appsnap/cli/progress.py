"""A sign of life on the terminal, for whatever takes longer than a second.

What is shown is what is being done, for how long, and, as long as bytes are written or read, how many of them.
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
        self._counted = (0, 0)  # bytes that are done, and all
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

    def count(self, done: int, total: int) -> None:
        """Note how many bytes have been written or read, and how many there are."""
        self._counted = (done, total)

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
                done, total = self._counted
                share = f", {100 * done // total} % of {total / 1e6:,.0f} MB" if done < total else ""
                status.update(f"{escape(escaped(self.phase))} … {time.monotonic() - began:.0f} s{share}")
                if self._done.wait(_INTERVAL):
                    return
