"""Memory for bytes that are about to come. Nothing is written there before.

Huge pages aren't asked for. Where they are at hand, they take a third of the time of small ones. But virtual machines
may have given them back to their host, and then they take four times as long.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

__all__ = ["Result", "filled"]

T = TypeVar("T", bound=bytes | bytearray)


def filled(cls: type[T], size: int, fill: Callable[[memoryview], object]) -> T:
    """Return a `bytes` or `bytearray` of so many bytes, after `fill` has written all of them into its memory.

    `bytearray(size)` would write zeros there, which takes about as long as to read the bytes from the system's cache.
    `fill` may keep its view of a bytearray, but not that of `bytes`. Raises MemoryError, and any error of `fill`.
    """
    made: T = _unfilled(pickle.BYTEARRAY8 if cls is bytearray else pickle.BINBYTES8, size)
    if isinstance(made, bytearray):
        fill(memoryview(made))
        return made
    # A BytesIO has bytes that can be written, and gives them away. Nobody else refers to them, so it doesn't
    # copy them first.
    file = io.BytesIO(made)
    del made
    with file.getbuffer() as room:
        fill(room)
    return file.getvalue()  # type: ignore[return-value]  # T is bytes here


class Result:
    """One byte string that is put together in its place. `size` is its probable size, and memory is taken for that."""

    def __init__(self, size: int) -> None:
        self._file = io.BytesIO(_unfilled(pickle.BINBYTES8, size))
        self._all = self._file.getbuffer()
        self._end = 0
        self._more: list[bytes] = []

    def room(self, size: int) -> memoryview:
        """Return memory for the next bytes, in their place if there is so much left. `add` has to get its begin."""
        left = self._all[self._end : self._end + size]
        return left if len(left) == size and not self._more else memoryview(bytearray(size))

    def add(self, piece: Buffer) -> None:
        """Append bytes."""
        view = memoryview(piece).cast("B")
        end = self._end + len(view)
        if self._more or end > len(self._all):
            self._more.append(bytes(view))
            return
        if view.obj is not self._all.obj:
            self._all[self._end : end] = view
        self._end = end

    def value(self) -> bytes:
        """Return the byte string. No `room` may be in use any more."""
        self._all.release()
        self._file.truncate(self._end)
        return b"".join([self._file.getvalue(), *self._more]) if self._more else self._file.getvalue()


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
    """Return an object whose bytes may have any values. Only the C unpickler makes one."""
    return pickle.Unpickler(_Announced(opcode + size.to_bytes(8, "little") + pickle.STOP)).load()
