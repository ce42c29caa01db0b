"""Objects to a file, or to bytes."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from appsnap.files import layers
from appsnap.files.layers import Wrapping
from appsnap.files.memory import Result
from appsnap.files.streams import joined
from appsnap.keys.provenance import user_keys
from appsnap.kinds import documents, kind_named
from appsnap.kinds.extensions import kind_to_write, naming_of
from appsnap.kinds.header import Header, function_of, now
from appsnap.printable import type_of
from appsnap.recipe.freeze import Notes
from appsnap.recipe.trust import EVERYTHING
from appsnap.snapshot import places
from appsnap.twisted_services import service_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from appsnap.files.streams import Writable
    from appsnap.kinds import Kind
    from appsnap.kinds.documents import Progress
    from appsnap.kinds.header import Signer
    from appsnap.kinds.large import DocumentStream
    from appsnap.snapshot.places import FilePath
    from appsnap.snapshot.trial import Trial

__all__ = ["Unasked", "by_name", "dumps", "save", "signer", "time_for", "write"]


def save(
    obj: Any,
    path: FilePath | Writable,
    *,
    kind: Kind | None = None,
    passphrase: str | None = None,
    recipients: Iterable[str] = (),
    compress: bool = False,
    armor: bool = False,
    tag: str | None = None,
    prepare: str | None = None,
    sign: bool = True,
    trusted_as_a_whole: bool = True,
    code: bool = True,
    note: Callable[[str], object] | None = None,
    verify: bool | Trial = False,
    progress: Progress | None = None,
) -> None:
    """Save an object, as a rule an application, to a file. The file is there as a whole or not at all.

    `path` is a path, or a file object that is open in binary mode. A file object gets the snapshot at its position,
    and stays open. After an error it may have a part of it.

    `kind` is `pickle`, `source`, `msgpack` or `xml`. Without it, the extension `.tap`, `.tas`, `.tam` or `.tax`
    decides, and then it is `pickle`. A `passphrase` encrypts the file, and so do age `recipients` (`age1…`). A file
    with an extension like `.etap` has to be encrypted. `armor` writes the encrypted file as text. `compress`, or the
    extension `.zst`, compresses with zstd before that. The header has the `tag`. The user's key signs the file unless
    `sign` is false. The first save makes that key.

    `prepare` names a function (`"shop.setup:prepare"`) for applications whose modules need something of the process
    when they are imported, settings for example. A load calls it, without arguments, before it imports anything else
    of the file. In one process it is called once, however many files name it.

    Set `trusted_as_a_whole` to false for objects from a file that wasn't trusted as a whole. The new file isn't signed
    then, and no passphrase makes it trusted.

    Functions and classes that can't be imported, those of a script for example, are saved as code. With `code` false
    they are refused. `note` is called with each fact about the new file that its user would miss later, a line each:
    code is one. Without `note`, the logger `appsnap` gets the lines as warnings.

    With `verify`, the new file is loaded in a fresh interpreter before it takes the place of the old one, as this
    program would load it, and saved again there. The first path at which the restored objects differ from the saved
    ones is noted. Items and attributes that got lost are an error, and so is a load that fails. That costs an
    interpreter, its imports, and about the time of two saves and a load. A file for recipients alone is tried without
    encryption. `progress` is called repeatedly with two numbers of bytes: those written so far, and all. They are
    counted before compression and encryption.

    Raises CannotSave with the place of every object that no file can hold or that `verify` found losing something,
    CannotLoad where the fresh interpreter can't load the file, WrongKind for an unknown kind and for one that the
    extension contradicts, PassphraseError, AppsnapError where there is no key to sign with, TypeError for an argument
    of another type, ValueError for a `prepare` of another form, and OSError. After an error, the old file is untouched.
    """
    wrapping = Wrapping(passphrase, recipients, compress, armor)
    kind, wrapping = by_name(path, kind, wrapping)
    if not isinstance(tag, (str, type(None))):
        raise TypeError(f"tag is a text, not {tag!r:.60}")
    tag = tag if tag is None else str.__str__(tag)
    prepare = _checked(prepare)
    notes = Notes(code=code)
    lines: list[str] = []
    with contextlib.ExitStack() as stack:
        interpreter = None
        if verify:
            from appsnap.snapshot.trial import Trial  # noqa: PLC0415 - most saves don't need it

            trial = verify if isinstance(verify, Trial) else Trial(EVERYTHING if trusted_as_a_whole else None)
            interpreter = stack.enter_context(trial.interpreter(kind))
        seal = signer(sign=sign, trusted_as_a_whole=trusted_as_a_whole)

        def check(file: Path, pieces: DocumentStream) -> None:
            assert interpreter is not None
            if wrapping.recipients and passphrase is None:
                lines.extend(interpreter.try_document(obj, notes, pieces))
            else:
                lines.extend(interpreter.try_file(obj, notes, file, passphrase))

        write(
            obj,
            path,
            kind,
            wrapping=wrapping,
            seal=seal,
            notes=notes,
            tag=tag,
            prepare=prepare,
            check=check if interpreter else None,
            progress=progress,
        )
    for line in (*notes.lines(), *lines):
        (note or _log)(line)


def write(
    obj: Any,
    path: FilePath | Writable,
    kind: Kind,
    *,
    wrapping: Wrapping,
    seal: Signer | None,
    notes: Notes,
    tag: str | None = None,
    prepare: str | None = None,
    unless: str | None = None,
    check: Callable[[Path, DocumentStream], object] | None = None,
    progress: Progress | None = None,
) -> DocumentStream | None:
    """Write the snapshot of an object, and return its document, or write nothing and return None.

    Nothing is written if `unless` is the digest of the document: the object is as it was at that save. `check` is
    called with the new file before it is in its place. Raises Unasked in a forked child: see `Notes`.
    """
    header = Header(kind, _name_of(obj), tag, prepare, time_for(kind))
    document = documents.write_document(obj, header, seal, notes)
    if notes.unasked:
        raise Unasked([*notes.unasked])
    if unless is not None and document.digest == unless:
        return None
    wrapped = layers.wrap(documents.counted(document, progress), wrapping)
    places.write(path, wrapped, check=check and (lambda file: check(file, document)))
    return document


class Unasked(Exception):
    """Objects at these addresses have to be asked before the fork."""

    def __init__(self, addresses: list[int]) -> None:
        super().__init__(f"{len(addresses)} objects")
        self.addresses = addresses


def _checked(prepare: str | None) -> str | None:
    """Return the name of a function for the header. Raises TypeError and ValueError."""
    if prepare is None:
        return None
    if not isinstance(prepare, str):
        raise TypeError(f"prepare is a text, as 'shop.setup:prepare', not {type_of(prepare)}")
    function_of(prepare)
    return str.__str__(prepare)


def by_name(
    place: FilePath | Writable, kind: Kind | None, wrapping: Wrapping, default: Kind = "pickle"
) -> tuple[Kind, Wrapping]:
    """Return the kind and the layers of a new file, which its name decides if the caller doesn't. See `kind_to_write`.

    Raises TypeError for a place that is neither a path nor a binary file.
    """
    path = places.path_of(place, to="write")
    name = places.name_of(place)
    chosen = kind_to_write(name, kind, encrypts=wrapping.encrypts, default=default)
    # A file object may compress by itself.
    compress = wrapping.compress or (path is not None and naming_of(path).compressed)
    return chosen, dataclasses.replace(wrapping, compress=compress)


def _name_of(obj: Any) -> str | None:
    """Return the name of an application for the header: a plain text, for a header holds no objects."""
    try:
        service = service_in(obj)
        name = obj.name if service is None else service.name
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - an object may answer in any way when it is asked for an attribute
        return None
    return str.__str__(name) if isinstance(name, str) else None


def _log(line: str) -> None:
    import logging  # noqa: PLC0415 - most saves have nothing to tell

    logging.getLogger("appsnap").warning("%s", line)


def dumps(
    obj: Any,
    kind: Kind = "pickle",
    *,
    passphrase: str | None = None,
    recipients: Iterable[str] = (),
    compress: bool = False,
    armor: bool = False,
    prepare: str | None = None,
    sign: bool = False,
    trusted_as_a_whole: bool = True,
    code: bool = True,
) -> bytes:
    """Return the bytes that `save` would write, but without a time, and unsigned unless `sign` is true.

    Nothing is noted. With `code` false, functions and classes that can't be imported are refused.

    As source, msgpack and xml, equal objects give equal bytes.
    """
    seal = signer(sign=sign, trusted_as_a_whole=trusted_as_a_whole)
    header = Header(kind, prepare=_checked(prepare))
    pieces = documents.write_document(obj, header, seal, Notes(code=code))
    wrapping = Wrapping(passphrase, recipients, compress, armor)
    if compress or pieces.size < _LARGE:
        return joined(layers.wrap(pieces, wrapping))
    # Trailer and tags of age take less room than that, unless the trailer has very many names.
    result = Result(pieces.size + (_LARGE >> 4) + (pieces.size >> 11))
    for piece in layers.wrap(pieces, wrapping, room=result.room):
        result.add(piece)
    return result.value()


_LARGE = 1 << 20
"""Bytes of a document that is worth memory of its size from the start."""


def time_for(kind: Kind) -> str | None:
    """Return the time that the header of a new snapshot gets, or None for a kind without."""
    return now() if kind_named(kind).dated else None


def signer(*, sign: bool, trusted_as_a_whole: bool) -> Signer | None:
    """Return the function that signs a new snapshot with the user's key or says that nobody vouches for it, or None."""
    if not trusted_as_a_whole:
        return lambda _kind, _fields: {"vouched": False}
    return user_keys().signing_key().sign if sign else None
