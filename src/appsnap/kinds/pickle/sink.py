"""What the C pickler writes to: pieces, among which large byte strings and bytearrays stay as they are.

CPython (`_Pickler_write_bytes` in `Modules/_pickle.c`) hands a payload of 64 KiB and more to the file as it is, by a
call of its own; the call before ends with the payload's opcode and length, outside of any frame. Nothing else is
written outside of frames but PROTO, and opcodes of less than four bytes together.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from appsnap.kinds.large import Body
from appsnap.kinds.pickle.writer import add_buffer

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Sink"]

_LARGE = {
    pickle.BINBYTES: pickle.BINBYTES8,
    pickle.BINBYTES8: pickle.BINBYTES8,
    pickle.BYTEARRAY8: pickle.BYTEARRAY8,
    pickle.BINUNICODE: b"",
    pickle.BINUNICODE8: b"",
}
"""The opcodes of payloads: what they are called as a buffer, or nothing for texts, which are none."""

_BARE = 3
"""Bytes of opcodes that are too few for a frame."""


class Sink:
    """A file for the C pickler. Its `write` raises PicklingError where Python writes otherwise than it ever did."""

    def __init__(self) -> None:
        self.body = Body()
        self._announced = b""  # the opcode and length of a payload that comes next

    def write(self, piece: Buffer) -> None:
        """Take a piece, or the payload that the one before has announced."""
        head, self._announced = self._announced, b""
        if head:
            self._payload(head, piece.raw() if isinstance(piece, pickle.PickleBuffer) else memoryview(piece))
            return
        assert isinstance(piece, bytes)
        at = 2 if piece[:1] == pickle.PROTO and not self.body.size else 0
        while piece[at : at + 1] == pickle.FRAME:
            at += 9 + int.from_bytes(piece[at + 1 : at + 9], "little")
        bare = len(piece) - at
        for size in (5, 9):
            if size <= bare <= size + _BARE:
                piece, self._announced = piece[:-size], piece[-size:]
        known = self._announced[:1] in _LARGE if self._announced else 0 <= bare <= _BARE
        if not known:
            raise pickle.PicklingError("this Python puts its pickles together in a way that isn't known")
        self.body.add(piece)

    def _payload(self, head: bytes, data: memoryview) -> None:
        opcode = _LARGE[head[:1]]
        if int.from_bytes(head[1:], "little") != data.nbytes:
            raise pickle.PicklingError("this Python writes payloads in a way that isn't known")
        if opcode and not self.body.is_full:
            add_buffer(self.body, opcode, data)
        else:
            self.body.add(head)
            self.body.add(data)
