"""Objects by the C pickler, both ways: ten to twenty times as fast as steps.

The C pickler writes objects that are saved. The C unpickler makes the objects of a file that is trusted as code.
Both do the same as the steps: the same names, the same transient attributes, the same copies of arrays.

The C pickler writes to a `_Sink`, which keeps large byte strings and bytearrays as they are. CPython
(`_Pickler_write_bytes` in `Modules/_pickle.c`) hands a payload of 64 KiB and more to the file by a call of its own. The
call before ends with the payload's opcode and length, outside of any frame. Other bytes outside of frames are only
PROTO, and runs of opcodes of less than four bytes.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any

from appsnap import evolve, states
from appsnap.gc_pause import gc_paused
from appsnap.kinds.large import Body
from appsnap.kinds.pickle.writer import add_large
from appsnap.recipe.freeze import addresses
from appsnap.recipe.freeze.rules import PROTOCOL, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

    from appsnap.kinds.header import Trailer
    from appsnap.kinds.large import Data, Type
    from appsnap.recipe.freeze import Notes

__all__ = ["pickle_objects", "unpickle_objects"]


# Out


@gc_paused
def pickle_objects(obj: Any, notes: Notes | None = None) -> tuple[Body, Rules]:
    """Return the body of objects, and the rules by which they were taken apart. `notes` collects the facts to tell.

    Raises any error of pickle or of a class, and RecursionError for objects that are nested too deep.
    """
    rules = Rules(notes=notes)
    body = _pickled(obj, rules)
    sharing = rules.sharing.found()
    if sharing is not None:
        rules = Rules(sharing, notes)
        body = _pickled(obj, rules)
    return body, rules


def _pickled(obj: Any, rules: Rules) -> Body:
    sink = _Sink()
    pickler = _Pickler(sink, PROTOCOL)
    pickler.reducer_override = rules  # type: ignore[method-assign]  # the C pickler looks it up when it begins
    pickler.dump(obj)
    rules.notes.numbers(addresses.in_pickle(sink.body.small(), obj, pickler.memo.copy))
    return sink.body


class _Pickler(pickle.Pickler):
    """The C pickler, with room for the rules."""


class _Sink:
    """A file for the C pickler. `write` raises PicklingError if a Python puts its pickles together in another way."""

    def __init__(self) -> None:
        self.body = Body()
        self._announced = b""  # the opcode and length of a payload that comes next

    def write(self, piece: Buffer) -> None:
        """Take a piece, or the payload that the piece before has announced."""
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
        known = self._announced[:1] in _PAYLOADS if self._announced else 0 <= bare <= _BARE
        if not known:
            raise pickle.PicklingError("this Python puts its pickles together in an unknown way")
        self.body.add(piece)

    def _payload(self, head: bytes, data: memoryview) -> None:
        cls = _PAYLOADS[head[:1]]
        if int.from_bytes(head[1:], "little") != data.nbytes:
            raise pickle.PicklingError("this Python writes payloads in an unknown way")
        if cls is not None and not self.body.is_full:
            add_large(self.body, cls, data)
        else:
            self.body.add(head)
            self.body.add(data)


_PAYLOADS: dict[bytes, Type | None] = {
    pickle.BINBYTES: bytes,
    pickle.BINBYTES8: bytes,
    pickle.BYTEARRAY8: bytearray,
    pickle.BINUNICODE: None,
    pickle.BINUNICODE8: None,
}
"""The opcodes of payloads, each with its type as large data. Texts have none: they stay in the body."""

_BARE = 3
"""Bytes of opcodes that are too few for a frame."""


# In


@gc_paused
def unpickle_objects(body: Buffer, large: Iterable[Data], trailer: Trailer, *, copy: bool = True) -> Any:
    """Return the objects of a body that is trusted as code and is handed its large data out of band.

    Without `copy`, the large data itself becomes part of the objects. Raises UnpicklingError for a class that has other
    transient attributes today, and any other error of pickle or of a class.
    """
    with evolve.upgrades():
        return _Unpickler(io.BytesIO(body), map(_copied, large) if copy else large, trailer).load()


def _copied(data: Data) -> Data:
    return data if type(data) is bytes else bytearray(data)


class _Unpickler(pickle.Unpickler):
    """The C unpickler. It finds renamed classes, and refuses a class whose transient attributes are new."""

    def __init__(self, file: io.BytesIO, large: Iterable[Data], trailer: Trailer) -> None:
        super().__init__(file, buffers=large)
        self._restored_by_call = frozenset(trailer.restored_by_call or ())
        self._transient_digests = trailer.transient_digests or {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("types", "CodeType"):
            raise pickle.UnpicklingError("following the steps checks bytecode without a magic number")
        found = super().find_class(*evolve.current_name(module, name))
        dotted = f"{module}.{name}"
        if evolve.has_renamed_members(module, name):
            raise pickle.UnpicklingError(f"something in {dotted} was renamed")
        if isinstance(found, type) and (evolve.needs_restoring(found) or states.misleads_pickle(found)):
            digest = self._transient_digests.get(dotted)
            if dotted not in self._restored_by_call if digest is None else evolve.transients_digest(found) != digest:
                raise pickle.UnpicklingError(
                    f"{dotted} had other transient attributes, or other slots, when it was saved"
                )
        return found
