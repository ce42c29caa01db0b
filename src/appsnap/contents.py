"""What is in a document: of which kind it is, and what its reader finds, whether it is read or mapped into memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING

from appsnap.errors import CannotLoad, Damaged, WrongKind
from appsnap.files import age, layers, zstd
from appsnap.files.streams import Memory
from appsnap.kinds import Document, kind_named, pickle, recognise
from appsnap.kinds.large import checker, map_apart, take_apart
from appsnap.kinds.views import with_copies

if TYPE_CHECKING:
    import os

    from appsnap.files.layers import Opening, Unwrapped
    from appsnap.files.streams import Source
    from appsnap.limits import Limits

__all__ = ["map_file", "read"]


def read(unwrapped: Unwrapped, kind: str | None, limits: Limits) -> tuple[str, Document | pickle.Frame]:
    """Find out the kind of a document, read it, and check that it is whole. Of a pickle, the body isn't read yet."""
    try:
        return _read(unwrapped.source, kind, limits)
    except CannotLoad:
        # What is wrong with a layer is said first: then nobody can tell what is in it.
        for _ in unwrapped.source.pieces() if unwrapped.layers else ():
            pass
        raise


def _read(source: Source, kind: str | None, limits: Limits) -> tuple[str, Document | pickle.Frame]:
    found = _kind_of(bytes(source.peek(16)), kind)
    if found == "pickle":
        return found, pickle.open_frame(take_apart(source, pickle.locate))
    if found == "msgpack":
        from appsnap.kinds import msgpack  # noqa: PLC0415 - the other kinds have no need of it

        return found, msgpack.read(take_apart(source, msgpack.locate), limits.steps)
    return found, kind_named(found).read(source.rest(), limits.steps)


def map_file(path: str | os.PathLike[str], opening: Opening) -> tuple[str, Document]:
    """Map a snapshot into memory; return its kind, and what is in it: the data of arrays is views of the file.

    What is written to them never reaches the file. All of the file but the data of these arrays is verified. Raises
    CannotLoad for what can't be mapped, because it is in layers or of a kind that has no buffers.
    """
    with Path(path).open("rb") as file:
        try:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        except ValueError:
            raise Damaged("the file is empty") from None
    head = bytes(view[: age.HEAD_SIZE])
    if age.is_encrypted(head) or zstd.is_compressed(head):
        raise _cannot_map(f"this one is {'encrypted' if age.is_encrypted(head) else 'compressed'}")
    source = layers.unwrap(Memory(view), opening).source
    found = _kind_of(head[:16], opening.kind)
    if found == "pickle":
        parts = map_apart(source.rest(), pickle.locate)
        document = pickle.open_frame(parts).document(opening.limits.steps)
    elif found == "msgpack":
        from appsnap.kinds import msgpack  # noqa: PLC0415 - the other kinds have no need of it

        parts = map_apart(source.rest(), msgpack.locate)
        document = msgpack.read(parts, opening.limits.steps)
    else:
        raise _cannot_map(f"this one is of kind {found}")
    sums = document.trailer.buffers or [] if document.trailer else []
    recipe = with_copies(document.recipe, checker(parts, sums))
    return found, Document(recipe, document.header, document.trailer)


def _cannot_map(what: str) -> CannotLoad:
    return CannotLoad(
        f"only a pickle or msgpack without other layers can be mapped, and {what}",
        hint="load it without mmap=True, or convert it to one that can be",
    )


def _kind_of(head: bytes, expected: str | None) -> str:
    if expected is not None:
        kind_named(expected)
    try:
        found = recognise(head)
    except Damaged:
        if expected == "pickle" and head:
            return expected  # protocols 0 and 1 have no first bytes of their own
        raise
    if expected not in (None, found):
        raise WrongKind(f"the file is a {found} snapshot, not {expected}", hint=f"give kind {found}, or none")
    return found
