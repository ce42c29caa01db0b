"""A line on the terminal for work that takes longer than a second.

It shows the phase, the seconds since the start, and, while bytes are written or read, how many of them.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from appsnap.cli import output
from appsnap.printable import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Progress"]

_DELAY = 1.0
_INTERVAL = 0.1

# The columns that time and bytes take.
_FIGURES = 30


class Progress:
    """Shows `phase`, which may change, from a second after the start on. It needs a terminal on stderr."""

    def __init__(self, phase: str) -> None:
        self.phase = phase
        self._counted = (0, 0)  # bytes that are done, and all
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._done.clear()
            thread = threading.Thread(target=self._show, daemon=True)
            with contextlib.suppress(RuntimeError):  # where no thread can be started, nothing is shown
                thread.start()
                self._thread = thread
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
        """Show nothing while somebody types. A second after that, the line comes back."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()

    def _show(self) -> None:
        began = time.monotonic()
        if self._done.wait(_DELAY):
            return
        import shutil  # noqa: PLC0415 - most commands take less than a second

        while not self._done.wait(_INTERVAL):
            done, total = self._counted
            share = f", {100 * done // total} % of {total / 1e6:,.0f} MB" if done < total else ""
            phase = shortened(self.phase, max(shutil.get_terminal_size().columns - _FIGURES, _FIGURES))
            output.status(f"{phase} … {time.monotonic() - began:.0f} s{share}")
        output.status("")
