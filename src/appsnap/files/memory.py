"""Memory for bytes that are about to come. Nothing is written there before."""

from __future__ import annotations

import contextlib
import io
import mmap
import pickle
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["filled"]

T = TypeVar("T", bound=bytes | bytearray)


def filled(cls: type[T], size: int, fill: Callable[[memoryview], object]) -> T:
    """Return a `bytes` or `bytearray` of so many bytes, after `fill` has written all of them into its memory.

    `bytearray(size)` would write zeros there, which takes about as long as to read the bytes from the system's cache.
    `fill` may keep its view of a bytearray, but not that of `bytes`. Raises MemoryError, and any error of `fill`.
    """
    made: T = _unfilled(pickle.BYTEARRAY8 if cls is bytearray else pickle.BINBYTES8, size)
    if isinstance(made, bytearray):
        _fill(memoryview(made), fill)
        return made
    # A BytesIO has bytes that can be written, and gives them away. Nobody else refers to them, so it doesn't
    # copy them first.
    file = io.BytesIO(made)
    del made
    with file.getbuffer() as room:
        _fill(room, fill)
    return file.getvalue()  # type: ignore[return-value]  # T is bytes here


def _fill(room: memoryview, fill: Callable[[memoryview], object]) -> None:
    if len(room) >= _LARGE:
        _ask_for_huge_pages(room)
    fill(room)


class _Announced:
    """A file of a pickle that announces more bytes than the file has. It claims to have read them."""

    def __init__(self, pickled: bytes) -> None:
        self.read = io.BytesIO(pickled).read

    def readline(self) -> bytes:
        """Raise an error: no opcode here ends with a line."""
        raise EOFError

    def readinto(self, room: memoryview) -> int:
        """Leave the room as it is."""
        return len(room)


def _unfilled(opcode: bytes, size: int) -> Any:
    """Return an object whose bytes may have any values, which only the C unpickler makes."""
    return pickle.Unpickler(_Announced(opcode + size.to_bytes(8, "little") + pickle.STOP)).load()


_LARGE = 4 << 20
"""Bytes from which huge pages (of 2 MiB) are asked for, as numpy does. Each page costs a call of the system."""


def _ask_for_huge_pages(room: memoryview) -> None:
    """Ask the system for huge pages, where it has some. Only `mmap` objects have a method for that."""
    advice = getattr(mmap, "MADV_HUGEPAGE", None)
    if advice is None:
        return
    # A Python may be built without ctypes, and a system may refuse.
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import ctypes  # noqa: PLC0415 - only for large data

        begin = ctypes.addressof(ctypes.c_char.from_buffer(room))
        first, end = -(-begin // mmap.PAGESIZE), (begin + len(room)) // mmap.PAGESIZE
        ctypes.CDLL(None).madvise(
            ctypes.c_void_p(first * mmap.PAGESIZE), ctypes.c_size_t((end - first) * mmap.PAGESIZE), advice
        )
