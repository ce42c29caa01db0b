"""Objects by the C pickler, both ways: ten to twenty times as fast as steps.

The C pickler writes objects that are saved. The C unpickler makes the objects of a file that is trusted as code.
Both do the same as the steps: the same names, the same transient attributes, the same copies of arrays.

The C pickler writes to a `_Sink`, which keeps large byte strings and bytearrays as they are. CPython
(`_Pickler_write_bytes` in `Modules/_pickle.c`) hands a payload of 64 KiB and more to the file by a call of its own. The
call before ends with the payload's opcode and length, outside of any frame. Other bytes outside of frames are only
PROTO, and runs of opcodes of less than four bytes.
"""

from __future__ import annotations

import importlib
import io
import pickle
from typing import TYPE_CHECKING, Any

from appsnap import actions, evolve, running, states
from appsnap.errors import AppsnapError
from appsnap.gc_pause import gc_paused
from appsnap.kinds.large import Body
from appsnap.kinds.pickle.writer import add_large
from appsnap.recipe.steps import PROTOCOL

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

    from appsnap.kinds.header import Trailer
    from appsnap.kinds.large import Data, Type
    from appsnap.recipe.freeze import Notes
    from appsnap.recipe.freeze.rules import Rules

__all__ = ["StoppedError", "pickle_objects", "unpickle_objects"]


# Out


@gc_paused
def pickle_objects(obj: Any, notes: Notes | None = None) -> tuple[Body, Rules]:
    """Return the body of objects, and the rules by which they were taken apart. `notes` collects the facts to tell.

    Raises any error of pickle or of a class, and RecursionError for objects that are nested too deep.
    """
    from appsnap.recipe.freeze.rules import Rules  # noqa: PLC0415 - to load needs none of this

    with running.saving(obj), Rules(notes) as rules:
        body = _pickled(obj, rules)
        if not rules.need_another_walk:
            return body, rules
        with Rules(rules.notes, rules) as again:
            return _pickled(obj, again), again


def _pickled(obj: Any, rules: Rules) -> Body:
    from appsnap.recipe.freeze import addresses  # noqa: PLC0415 - as above

    sink = _Sink()
    pickler = _Pickler(sink, PROTOCOL)
    pickler.reducer_override = rules  # type: ignore[method-assign]  # the C pickler looks it up when it begins
    pickler.dump(obj)
    if not rules.referents.is_complete:
        rules.referents.end(set(pickler.memo.copy()))
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
def unpickle_objects(
    body: Buffer, large: Iterable[Data], trailer: Trailer, locate: Callable[[Any, list[Any]], str], *, copy: bool = True
) -> Any:
    """Return the objects of a body that is trusted as code and is handed its large data out of band.

    `locate` returns the path of an object. Its second argument has the objects of the memo, in the order of the opcodes
    that have put them there. Without `copy`, the large data itself becomes part of the objects. Raises StoppedError for
    any error of pickle or of a class, and CannotBuild if an upgrade fails.
    """
    unpickler = _Unpickler(io.BytesIO(body), map(_copied, large) if copy else large, trailer)
    try:
        with evolve.upgrades(lambda obj: locate(obj, unpickler.made)):
            try:
                return unpickler.load()
            except MemoryError:
                # Python retries some handlers of exceptions for ever while there is no memory (3.11 to 3.13): the first
                # one that is reached lets the objects go.
                del unpickler
                raise
    except evolve.VersionError as error:
        from appsnap.recipe.failures import version_failure  # noqa: PLC0415 - only for an error

        raise version_failure(locate(error.obj, unpickler.made), error) from None
    except (AppsnapError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        renamed = unpickler.renames != evolve.renames()
        raise StoppedError(error, unpickler.made, unpickler.name, renamed=renamed) from error


class StoppedError(Exception):
    """The C unpickler has stopped at an error. `made` are the objects of its memo.

    `name` is the name that it was looking for, if any. `renamed` is true if an import renamed something meanwhile.
    """

    def __init__(self, error: BaseException, made: list[Any], name: tuple[str, str] | None, *, renamed: bool) -> None:
        super().__init__(error)
        self.renamed = renamed
        self.error = error
        self.made = made
        self.name = name

    @property
    def frame(self) -> types.FrameType | None:
        """The first call of a function of other people on the way to the error."""
        trace = self.error.__traceback__
        own = actions.called.__code__
        while trace is not None and (trace.tb_frame.f_code.co_filename == __file__ or trace.tb_frame.f_code is own):
            trace = trace.tb_next
        return None if trace is None else trace.tb_frame

    @property
    def is_by_nature(self) -> bool:
        """Whether the C unpickler alone fails here, so that the steps have to be followed from the start.

        It gives up before a class that it can't restore, and can't wait for the attributes that a hash needs. It sets
        slots where a class refuses that, and doesn't know new names of members.
        """
        frame = self.frame
        own = isinstance(self.error, _UnfitError) or self.renamed or (frame is None and self.name is None)
        if own or frame is None or frame.f_code.co_name in _LEFT_TO_STEPS:
            return own or frame is not None
        first = frame.f_locals.get(frame.f_code.co_varnames[0]) if frame.f_code.co_argcount else None
        methods = (states.special(type(first), name) for name in _LEFT_TO_STEPS)
        return any(getattr(method, "__code__", None) is frame.f_code for method in methods)


_LEFT_TO_STEPS = frozenset({"__hash__", "__eq__", "__getattr__", "__setattr__"})


class _UnfitError(pickle.UnpicklingError):
    """Only the steps can restore this."""


def _copied(data: Data) -> Data:
    return data if type(data) is bytes else bytearray(data)


class _Unpickler(pickle.Unpickler):
    """The C unpickler. It finds renamed classes, and refuses a class whose transient attributes are new."""

    def __init__(self, file: io.BytesIO, large: Iterable[Data], trailer: Trailer) -> None:
        super().__init__(file, buffers=large)
        self._restored_by_call = frozenset(trailer.restored_by_call or ())
        self._transient_digests = trailer.transient_digests or {}
        self.name: tuple[str, str] | None = None  # as long as it is looked for
        self.renames = evolve.renames()

    def _find(self, name: tuple[str, str]) -> Any:
        try:
            return super().find_class(*name)
        except AttributeError:
            return actions.named(*name)  # fails, too, and its error tells the part that is missing

    @property
    def made(self) -> list[Any]:
        """The objects of the memo so far."""
        return [*self.memo.copy().values()]

    def _was_restored(self, dotted: str) -> bool:
        return dotted in self._restored_by_call or dotted in self._transient_digests

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("types", "CodeType"):
            raise _UnfitError("following the steps checks bytecode without a magic number")
        self.name = module, name
        _, found = evolve.follow((module, name), self._find)
        self.name = None
        dotted = f"{module}.{name}"
        if evolve.has_renamed_members(module, name):
            raise _UnfitError(f"something in {dotted} was renamed")
        if isinstance(found, type) and self._was_restored(dotted) and not evolve.needs_restoring(found):
            # The families say which attributes of libraries are transient.
            importlib.import_module("appsnap.recipe.values.ways")
        if isinstance(found, type) and (evolve.needs_restoring(found) or states.misleads_pickle(found)):
            digest = self._transient_digests.get(dotted)
            if dotted not in self._restored_by_call if digest is None else evolve.transients_digest(found) != digest:
                raise _UnfitError(f"{dotted} had other transient attributes, or other slots, when it was saved")
        return found
