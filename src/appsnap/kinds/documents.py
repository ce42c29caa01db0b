"""Documents of any kind: written from objects, and opened from a source of bytes or from a mapped file."""

from __future__ import annotations

import contextlib
import errno
import functools
import sys
from typing import TYPE_CHECKING, Any, Literal

from appsnap.errors import AppsnapError, CannotLoad, Damaged, WrongKind
from appsnap.files import layers
from appsnap.files.heads import HEAD_SIZE, is_compressed, is_encrypted
from appsnap.files.streams import File, Mapped, has_descriptor
from appsnap.gc_pause import gc_paused
from appsnap.keys.provenance import Provenance
from appsnap.kinds import KINDS, Document, foreign, kind_named, recognise
from appsnap.kinds.header import distributions_of
from appsnap.kinds.large import DocumentStream, table_of, take_apart
from appsnap.limits import steps_of
from appsnap.printable import type_of
from appsnap.recipe import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer

    from appsnap.files.layers import Opening, Unwrapped
    from appsnap.files.streams import Readable, Source
    from appsnap.kinds import Format, Kind, MostSteps
    from appsnap.kinds.header import Header, Signer, Trailer
    from appsnap.limits import Limits
    from appsnap.recipe.freeze import Notes

    Progress = Callable[[int, int], object]

__all__ = ["LargeData", "check_head", "counted", "map_document", "open_document", "provenance_of", "write_document"]


# Out


@gc_paused
def write_document(obj: Any, header: Header, sign: Signer | None, notes: Notes | None = None) -> DocumentStream:
    """Return the document of objects, in pieces. Raises CannotSave for objects that no file can hold.

    `notes` collects the facts to tell.
    """
    from appsnap.recipe.freeze import Notes, freeze  # noqa: PLC0415 - few commands save

    notes = notes or Notes()
    kind = kind_named(header.kind)
    if kind.objects:
        # The C pickler fails at the first object that cannot be saved, and at objects that are nested too deep.
        # `freeze` finds the places of all the former, and has no trouble with the latter.
        try:
            return kind.write_objects(header, obj, sign, notes)
        except MemoryError:
            raise
        except (Exception, SystemExit):  # noqa: BLE001, S110 - as above; no method of the objects runs twice
            pass
    root = "application" if type(obj).__name__ == "Application" else "object"
    recipe = freeze(obj, root=root, notes=notes, runs=kind.runs)
    notes.recipe = lambda: recipe
    modules = {step.module for step in recipe.compact if isinstance(step, steps.Name)}
    return kind.write(header, recipe, distributions_of(modules), sign)


def counted(pieces: DocumentStream, progress: Progress | None) -> Iterator[Buffer]:
    """Tell `progress` how many bytes have been taken, and how many there are."""
    if progress is None:
        yield from pieces
        return
    done = 0
    for piece in pieces:
        yield piece
        done += memoryview(piece).nbytes
        progress(min(done, pieces.size), pieces.size)


# In


LargeData = Literal["held", "mapped", "hashed"]
"""Three ways to read large data. It is *held*: verified, and in memory. Or it is *hashed*: verified, and not kept. Or a
file without layers is *mapped*, if it has much large data: the data of arrays stays in the file, and isn't verified. A
recipe whose data isn't held must not be built."""

_MUCH = 8 << 20
"""Bytes of large data that take 10 ms to read and to verify."""


def open_document(
    unwrapped: Unwrapped, kind: str | None, limits: Limits, large: LargeData = "held"
) -> tuple[Kind, Document]:
    """Return the kind of a document, and the document. `kind` is the one that is expected, if any."""
    try:
        return _open(unwrapped.source, kind, functools.partial(_most_steps, unwrapped, limits), large)
    except CannotLoad:
        # If a layer is damaged, the error of the layer comes first: nobody can tell what is in it.
        for _ in unwrapped.source.pieces() if unwrapped.layers else ():
            pass
        raise


def check_head(head: bytes, kind: str | None) -> None:
    """Check the first bytes of a file that may have no end. Raises Damaged if they belong to no layer and no kind."""
    if not is_encrypted(head[:HEAD_SIZE]) and not is_compressed(head):
        _kind_of(head, kind)


def map_document(file: Readable, opening: Opening) -> tuple[Kind, Document]:
    """Map a file into memory; return the kind and the document in it. The data of arrays are views of the file.

    Changes to the arrays never reach the file. Everything but the data of arrays is verified. Raises CannotLoad for
    a file that cannot be mapped: it has layers, or its kind has no large data, or it isn't on a disk.
    """
    import mmap  # noqa: PLC0415 - few files are mapped

    if not has_descriptor(file):
        raise CannotLoad(f"only a file on a disk can be mapped, not {type_of(file)}", hint=_NO_MMAP)
    try:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    except ValueError:
        _kind_of(b"", None)  # raises Damaged
        raise
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        raise CannotLoad("only a file on a disk can be mapped", hint=_NO_MMAP) from None
    view = whole[file.tell() :]
    head = bytes(view[:HEAD_SIZE])
    if is_encrypted(head) or is_compressed(head):
        raise _cannot_map("encrypted" if is_encrypted(head) else "compressed")
    unwrapped = layers.unwrap(Mapped(view), opening)
    return _open(unwrapped.source, opening.kind, functools.partial(_most_steps, unwrapped, opening.limits))


_NO_MMAP = "load it without mmap=True"


def _cannot_map(why: str) -> CannotLoad:
    kinds = " or ".join(name for name in KINDS if kind_named(name).large_data)
    return CannotLoad(
        f"only a {kinds} without other layers can be mapped, and this one is {why}",
        hint=f"{_NO_MMAP}, or convert it to one that can be",
    )


def provenance_of(trailer: Trailer | None, *, edited: bool, with_passphrase: bool) -> Provenance:
    """Return where a document comes from. `with_passphrase` is true where a passphrase opened it."""
    disowned = trailer is not None and trailer.vouched is False
    return Provenance(trailer.signer if trailer else None, edited, with_passphrase, disowned)


def _most_steps(unwrapped: Unwrapped, limits: Limits, kind: Format) -> MostSteps:
    def most(trailer: Trailer | None, edited: bool) -> int:
        provenance = provenance_of(trailer, edited=edited, with_passphrase=unwrapped.with_passphrase)
        with contextlib.suppress(AppsnapError):  # keys that can't be used vouch for nothing
            if provenance.is_trusted:
                return sys.maxsize
        # Otherwise each step takes a byte of the file.
        is_dense = "zstd" in unwrapped.layers or kind.runs
        return steps_of(unwrapped.weight, limits) if is_dense else limits.steps

    return most


def _open(
    source: Source, expected: str | None, most_of: Callable[[Format], MostSteps], large: LargeData = "held"
) -> tuple[Kind, Document]:
    kind = _kind_of(bytes(source.peek(foreign.HEAD_SIZE)), expected)
    most = most_of(kind)
    if not kind.large_data:
        if isinstance(source, Mapped):
            raise _cannot_map(f"of kind {kind.name}")
        return kind.name, kind.read(source.rest(), most)
    if large == "mapped" and isinstance(source, File):
        size = sum(place.size for place in table_of(source, kind.locate))
        source = (source.mapped() if size > _MUCH else None) or source
    parts = take_apart(source, kind.locate, keep=large != "hashed")
    document = kind.read(parts, most)
    if isinstance(source, Mapped):
        from appsnap.kinds.mapped import with_copies  # noqa: PLC0415 - few files are mapped

        sums = document.trailer.buffers or [] if document.trailer else []
        recipe, unverified = with_copies(document.recipe, parts, sums, to_build=large == "held")
        return kind.name, Document(document.header, document.trailer, lambda: recipe, unverified=unverified)
    return kind.name, document


def _kind_of(head: bytes, expected: str | None) -> Format:
    wanted = None if expected is None else kind_named(expected)
    try:
        found = kind_named(recognise(head))
    except Damaged:
        if wanted is not None and wanted.unmarked and head.strip(b"\0"):
            return wanted
        raise
    if wanted not in (None, found):
        raise WrongKind(f"the file is a {found.name} snapshot, not {expected}", hint=f"give kind {found.name}, or none")
    return found
