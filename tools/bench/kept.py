"""The application of the benchmark of running: state of some size, and a server that answers at once."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from appsnap.internet import StreamServerService
from appsnap.service import Application, Service

if TYPE_CHECKING:
    import asyncio

__all__ = ["application"]

_RECORD = 300
"""Bytes that a record takes in memory, more or less."""


def _objects(size: int) -> Any:
    return [{"id": number, "name": f"record {number}", "price": number / 7} for number in range(size // _RECORD)]


def _arrays(size: int) -> Any:
    import numpy as np  # noqa: PLC0415 - only these need it

    return [np.arange(size // 80, dtype=np.int64) + number for number in range(10)]


_KINDS = {"objects": _objects, "arrays": _arrays}


class Kept(Service):
    """The state. Its hooks are as cheap as hooks can be. The data is made at the first start."""

    def __init__(self, kind: str, size: int) -> None:
        self.kind, self.size = kind, size
        self.data: Any = None
        self.requests = 0

    def startService(self) -> None:
        """Make the data, unless it comes from a generation."""
        if self.data is None:
            self.data = _KINDS[self.kind](self.size)
        super().startService()

    def beforeSnapshot(self) -> None:
        """Do nothing."""

    def afterSnapshot(self) -> None:
        """Do nothing."""


class Front(StreamServerService):
    """Answers lines. `fork` forks the process as it is, and answers how long that took, in milliseconds."""

    def __init__(self, kept: Kept, port: int) -> None:
        super().__init__(self.answer, port=port)
        self.kept = kept

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the lines of a connection."""
        while line := await reader.readline():
            self.kept.requests += 1
            answer = _fork() if line == b"fork\n" else 0.0
            writer.write(f"{answer}\n".encode())
            await writer.drain()


def _fork() -> float:
    begin = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(0)
    took = (time.perf_counter() - begin) * 1000
    os.waitpid(child, 0)
    return took


application = Application("kept")
_kept = Kept(os.environ.get("BENCH_KIND", "objects"), int(os.environ.get("BENCH_SIZE", "0")))
_kept.setServiceParent(application)
Front(_kept, int(os.environ.get("BENCH_PORT", "0"))).setServiceParent(application)
