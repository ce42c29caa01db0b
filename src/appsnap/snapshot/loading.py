"""Files and bytes to snapshots, and to objects."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, overload

from appsnap import twisted_encryption
from appsnap.errors import NotTrusted, WrongKind, hints, naming
from appsnap.files import layers
from appsnap.files.layers import Opening
from appsnap.files.streams import Memory, of_file
from appsnap.gc_pause import gc_paused
from appsnap.kinds import documents, kind_named
from appsnap.limits import LIMITS
from appsnap.printable import type_of
from appsnap.snapshot import places
from appsnap.snapshot.opened import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from typing_extensions import Buffer

    from appsnap.files.layers import Passphrase
    from appsnap.files.streams import Readable, Source
    from appsnap.kinds import Document, Kind
    from appsnap.kinds.documents import LargeData, Progress
    from appsnap.limits import Limits
    from appsnap.recipe.steps import Recipe
    from appsnap.recipe.trust import Trust, Trusted
    from appsnap.snapshot.places import FilePath

__all__ = ["as_expected", "load", "loads", "open_file", "open_legacy", "open_snapshot", "opened"]

T = TypeVar("T")


class _BytesOptions(TypedDict, total=False):
    """The options of `loads`, for type checkers."""

    kind: Kind | None
    passphrase: Passphrase | None
    identities: Iterable[str]
    trust: Trusted
    limits: Limits
    code_from: str | None


class _Options(_BytesOptions, total=False):
    """The options of `load`, for type checkers."""

    mmap: bool
    progress: Progress | None


@overload
def load(path: FilePath | Readable, expected: None = None, **options: Unpack[_Options]) -> Any: ...
@overload
def load(path: FilePath | Readable, expected: type[T], **options: Unpack[_Options]) -> T: ...
@gc_paused
def load(
    path: FilePath | Readable,
    expected: type[Any] | None = None,
    *,
    kind: Kind | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    trust: Trusted = (),
    limits: Limits = LIMITS,
    mmap: bool = False,
    code_from: str | None = None,
    progress: Progress | None = None,
) -> Any:
    """Load a snapshot from a file. The first bytes show its kind and its layers: age, armored or not, and zstd.

    `path` is a path, or a file object that is open in binary mode. A file object is read from its position to its end,
    and stays open. `expected` is the class that the object has to be of; type checkers take it for the type of the
    result.

    `kind` is the kind that the file has to be of. `passphrase` may be a function. It is called only if the file is
    encrypted with a passphrase. `identities` are age's (`AGE-SECRET-KEY-1…`). `trust` has what the file may use:
    classes, functions, modules or their names, as `appsnap.recipe.trust` describes. `EVERYTHING` trusts the file as you
    trust a program. Two sorts of files are trusted like that without being asked for: those signed by the user's key or
    by a trusted one, and those opened with a passphrase, because their writer knew it. `limits` say how much reading
    may cost. `progress` is called repeatedly with two numbers of bytes of the file: those read so far, and all.

    `code_from` is for pickles of cloudpickle, whose bytecode doesn't tell its version: the version of the Python that
    wrote them, as `"3.11"`. Another version of Python refuses them.

    With `mmap`, numpy's arrays of 64 KiB and more are read from the file when they are first used, and changes to them
    never reach the file. The file has to be a pickle or msgpack without layers. The data of those arrays isn't
    verified; `appsnap verify` does that. Nobody may write to the file or truncate it as long as the arrays are in use.
    `save` does neither: it puts a new file in the place of the old one.

    Raises NotTrusted before anything is imported, CannotLoad for a file that is beyond the limits or can't be mapped,
    and Damaged, WrongKind, NewerFormat, PassphraseError, CannotBuild, OSError. They name the file. Raises TypeError for
    an argument of another type.
    """
    trusted = _checked(expected, kind, trust)
    opening = Opening(kind, passphrase, identities, limits, progress)
    snapshot = _map(path, opening) if mmap else open_file(path, opening)
    return as_expected(snapshot.build(trusted, copy=False, code_from=code_from), expected, path)


def _checked(expected: object, kind: Kind | None, trust: Trusted) -> Trust:
    """Check arguments before anything is read. Returns the trust."""
    from appsnap.recipe.trust import Trust  # noqa: PLC0415 - `appsnap show` doesn't need it

    if not isinstance(expected, (type, type(None))):
        raise TypeError(f"the class that is expected is a class, not {type_of(expected)}")
    if expected is not None:
        isinstance(None, expected)  # raises TypeError for a class that answers no such question
    if kind is not None:
        kind_named(kind)
    return Trust(trust)


def as_expected(value: Any, expected: type[Any] | None, place: FilePath | Readable = "") -> Any:
    """Return an object that was loaded. Raises WrongKind, about this place, if it isn't of the expected class."""
    if expected is None or isinstance(value, expected):
        return value
    names = [f"{cls.__module__}.{cls.__qualname__}".removeprefix("builtins.") for cls in (type(value), expected)]
    with naming(places.name_of(place)):
        raise WrongKind(f"the snapshot holds an object of class {names[0]}, and {names[1]} was expected")


@overload
def loads(data: Buffer, expected: None = None, **options: Unpack[_BytesOptions]) -> Any: ...
@overload
def loads(data: Buffer, expected: type[T], **options: Unpack[_BytesOptions]) -> T: ...
@gc_paused
def loads(
    data: Buffer,
    expected: type[Any] | None = None,
    *,
    kind: Kind | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    trust: Trusted = (),
    limits: Limits = LIMITS,
    code_from: str | None = None,
) -> Any:
    """Load a snapshot from bytes, as `load` does from a file.

    Bytes from `dumps` load without trust if they are signed: `dumps(obj, sign=True)`. Otherwise `trust` has to have the
    classes of the objects.
    """
    try:
        # The caller may change a buffer while it is read. The bytes that are verified have to be those that are built.
        source = Memory(data if type(data) is bytes else bytes(memoryview(data)))
    except TypeError:
        raise TypeError(f"loads takes bytes, not {type_of(data)}; load takes a path or a file") from None
    trusted = _checked(expected, kind, trust)
    snapshot = opened(source, Opening(kind, passphrase, identities, limits))
    try:
        value = snapshot.build(trusted, copy=False, code_from=code_from)
    except NotTrusted as error:
        trailer = snapshot.document.trailer
        if trailer is not None and trailer.signer is None and trailer.vouched is not False:
            own = "if this program made the bytes, let it sign them: dumps(…, sign=True)"
            error.hint = hints(own, error.hint)
        raise
    return as_expected(value, expected)


def open_snapshot(
    path: FilePath | Readable,
    *,
    kind: Kind | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    limits: Limits = LIMITS,
    progress: Progress | None = None,
) -> Snapshot:
    """Read a snapshot without building its objects. Nothing is imported. Takes the files that `load` takes.

    Raises the errors of `load`.
    """
    _checked(None, kind, ())
    snapshot = open_file(path, Opening(kind, passphrase, identities, limits, progress))
    _ = snapshot.document.recipe
    return snapshot


def open_legacy(
    path: FilePath | Readable, passphrase: Passphrase, *, limits: Limits = LIMITS, name: str = ""
) -> Snapshot:
    """Read a pickle in Twisted's old encryption as any bare pickle is read, for `appsnap convert` alone.

    Its passphrase is no reason to trust it. Raises the errors of `appsnap.twisted_encryption.read`.
    """
    name = name or places.name_of(path)
    with naming(name), places.reading(path) as file:
        data = memoryview(_source(file, name).rest())
        kind, document = twisted_encryption.read(data, passphrase, limits)
    return Snapshot(document, kind=kind, layers=("legacy",), size=len(data), file=name, limits=limits)


def open_file(path: FilePath | Readable, opening: Opening, name: str = "", *, large: LargeData = "held") -> Snapshot:
    """Open a snapshot as `open_snapshot` does, but read the body of a pickle only when it is first needed.

    `name` is the name in messages, if it isn't that of the file. A snapshot whose large data isn't held can only be
    looked at.
    """
    name = name or places.name_of(path)
    with naming(name), places.reading(path) as file:
        _refuse_legacy(path)
        check = functools.partial(documents.check_head, kind=opening.kind)
        return opened(_source(file, name, opening.progress, check), opening, name, large)


def _source(file: Readable, name: str, *facts: Any) -> Source:
    try:
        return of_file(file, *facts)
    except OSError as error:
        # Errors of descriptors have no name.
        if not name or error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, name) from error


def opened(source: Source, opening: Opening, name: str = "", large: LargeData = "held") -> Snapshot:
    """Open a snapshot of this name as `open_file` does."""
    size = source.left
    unwrapped = layers.unwrap(source, opening)
    found, document = documents.open_document(unwrapped, opening.kind, opening.limits, large)
    return Snapshot(
        _naming(document, name),
        kind=found,
        layers=unwrapped.layers,
        size=size,
        weight=unwrapped.weight if "zstd" in unwrapped.layers else None,
        file=name,
        with_passphrase=unwrapped.with_passphrase,
        limits=opening.limits,
        large=large,
    )


def _naming(document: Document, name: str) -> Document:
    """Return a document that names its file in the errors of its recipe, which is read later."""
    if not name:
        return document

    def read() -> Recipe:
        with naming(name):
            return document.read()

    return dataclasses.replace(document, read=read)


def _map(path: FilePath | Readable, opening: Opening) -> Snapshot:
    name = places.name_of(path)
    with naming(name), places.reading(path) as file:
        _refuse_legacy(path)
        found, document = documents.map_document(file, opening)
    return Snapshot(document, kind=found, file=name, limits=opening.limits)


def _refuse_legacy(path: FilePath | Readable) -> None:
    text = places.path_of(path, to="read")
    if text is not None:
        twisted_encryption.refuse(text)
