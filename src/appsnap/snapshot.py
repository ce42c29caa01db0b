"""Save objects to a file and load them: save, load, dumps, loads. `open_snapshot` only looks at a file."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap import twisted_encryption
from appsnap.errors import AppsnapError, CannotBuild, NotTrusted
from appsnap.files import atomic, layers
from appsnap.files.layers import Opening, Wrapping
from appsnap.files.streams import Memory, joined, of_file
from appsnap.gc_pause import gc_paused
from appsnap.keys.provenance import Provenance, user_keys
from appsnap.kinds import documents, kind_named
from appsnap.kinds.header import Header, installed_version, now
from appsnap.limits import LIMITS
from appsnap.printable import escaped, shortened
from appsnap.recipe.build import build
from appsnap.recipe.carried import carried_code, code_facts
from appsnap.recipe.freeze import Notes
from appsnap.recipe.outline import Outline, text_lines
from appsnap.recipe.services import without_running
from appsnap.recipe.trust import EVERYTHING, Trust, obstacles, wants

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

    from appsnap.errors import Obstacle, Want
    from appsnap.files.layers import Passphrase
    from appsnap.files.streams import Source
    from appsnap.kinds import Document
    from appsnap.kinds.documents import Progress
    from appsnap.kinds.header import Signer
    from appsnap.limits import Limits
    from appsnap.recipe.carried import CarriedCode
    from appsnap.recipe.trust import Everything

__all__ = ["Snapshot", "dumps", "load", "loads", "open_file", "open_legacy", "open_snapshot", "save"]


# Save


def save(
    obj: Any,
    path: str | os.PathLike[str],
    *,
    kind: str = "pickle",
    passphrase: str | None = None,
    recipients: Iterable[str] = (),
    compress: bool = False,
    armor: bool = False,
    tag: str | None = None,
    sign: bool = True,
    trusted_as_a_whole: bool = True,
    code: bool = True,
    note: Callable[[str], object] | None = None,
    check: Callable[[Path], object] | None = None,
    progress: Progress | None = None,
) -> None:
    """Save an object, as a rule an application, to a file. The file is there as a whole or not at all.

    `kind` is `pickle`, `source`, `msgpack` or `xml`. A `passphrase` encrypts the file, and so do age `recipients`
    (`age1…`). `armor` writes the encrypted file as text. `compress` compresses with zstd before that. The header has
    the `tag`. The user's key signs the file unless `sign` is false. The first save makes that key.

    Set `trusted_as_a_whole` to false for objects from a file that wasn't trusted as a whole. The new file isn't signed
    then, and no passphrase makes it trusted.

    Functions and classes that can't be imported, those of a script for example, are saved as code. With `code` false
    they are refused. `note` is called with each fact about the new file that its user would miss later, a line each:
    code is one. Without `note`, the logger `appsnap` gets the lines as warnings.

    `check` is called with a path at which the new file can be read, before the new file takes the place of the old one.
    An error in it keeps the old file. `progress` is called repeatedly with two numbers of bytes: those written so far,
    and all. They are counted before compression and encryption.

    Raises CannotSave with the place of every object that no file can hold, WrongKind, PassphraseError, AppsnapError
    where there is no key to sign with, TypeError for a tag that isn't a text, and OSError. After an error, the old file
    is untouched.
    """
    if not isinstance(tag, (str, type(None))):
        raise TypeError(f"tag is a text, not {tag!r:.60}")
    header = Header(kind, _name_of(obj), tag if tag is None else str.__str__(tag), _time_for(kind))
    notes = Notes(code=code)
    pieces = documents.write_document(obj, header, _signer(sign=sign, trusted_as_a_whole=trusted_as_a_whole), notes)
    atomic.write(
        path,
        layers.wrap(documents.counted(pieces, progress), Wrapping(passphrase, recipients, compress, armor)),
        check=check,
    )
    for line in notes.lines():
        (note or _log)(line)


def _name_of(obj: Any) -> str | None:
    """Return the name of an application for the header: a plain text, for a header holds no objects."""
    try:
        name = obj.name
    except Exception:  # noqa: BLE001 - an object may answer in any way when it is asked for an attribute
        return None
    return str.__str__(name) if isinstance(name, str) else None


def _log(line: str) -> None:
    import logging  # noqa: PLC0415 - most saves have nothing to tell

    logging.getLogger("appsnap").warning("%s", line)


def dumps(
    obj: Any,
    kind: str = "pickle",
    *,
    passphrase: str | None = None,
    recipients: Iterable[str] = (),
    compress: bool = False,
    armor: bool = False,
    sign: bool = False,
    trusted_as_a_whole: bool = True,
    code: bool = True,
) -> bytes:
    """Return the bytes that `save` would write, but without a time, and unsigned unless `sign` is true.

    Nothing is noted. With `code` false, functions and classes that can't be imported are refused.

    As source, msgpack and xml, equal objects give equal bytes.
    """
    seal = _signer(sign=sign, trusted_as_a_whole=trusted_as_a_whole)
    pieces = documents.write_document(obj, Header(kind), seal, Notes(code=code))
    return joined(layers.wrap(pieces, Wrapping(passphrase, recipients, compress, armor)))


def _time_for(kind: str) -> str | None:
    return now() if kind_named(kind).dated else None


def _signer(*, sign: bool, trusted_as_a_whole: bool) -> Signer | None:
    if not trusted_as_a_whole:
        return lambda _kind, _fields: {"vouched": False}
    return user_keys().signing_key().sign if sign else None


# Load


@gc_paused
def load(
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    trust: Iterable[str] | Everything = (),
    limits: Limits = LIMITS,
    mmap: bool = False,
    code_from: str | None = None,
    progress: Progress | None = None,
) -> Any:
    """Load a snapshot from a file. The first bytes show its kind and its layers: age, armored or not, and zstd.

    `kind` is the kind that the file has to be of. `passphrase` may be a function. It is called only if the file is
    encrypted with a passphrase. `identities` are age's (`AGE-SECRET-KEY-1…`). `trust` has the names that the file may
    use, as `appsnap.recipe.trust` describes. `EVERYTHING` trusts the file as you trust a program. Two sorts of files
    are trusted like that without being asked for: those signed by the user's key or by a trusted one, and those opened
    with a passphrase, because their writer knew it. `limits` say how much reading may cost. `progress` is called
    repeatedly with two numbers of bytes of the file: those read so far, and all.

    `code_from` is for pickles of cloudpickle, whose bytecode doesn't tell its version: the version of the Python that
    wrote them, as `"3.11"`. Another version of Python refuses them.

    With `mmap`, numpy's arrays of 64 KiB and more are read from the file when they are first used, and changes to them
    never reach the file. The file has to be a pickle or msgpack without layers. The data of those arrays isn't
    verified; `appsnap verify` does that. Nobody may write to the file or truncate it as long as the arrays are in use.
    `save` does neither: it puts a new file in the place of the old one.

    Raises NotTrusted before anything is imported, CannotLoad for a file that is beyond the limits or can't be mapped,
    and Damaged, WrongKind, NewerFormat, PassphraseError, CannotBuild, OSError.
    """
    opening = Opening(kind, passphrase, identities, limits, progress)
    if mmap:
        twisted_encryption.refuse(Path(path))
        found, document = documents.map_document(path, opening)
        return Snapshot(document, kind=found, name=Path(path).name, limits=limits).build(trust, copy=False)
    return open_file(path, opening).build(trust, copy=False, code_from=code_from)


@gc_paused
def loads(
    data: Buffer,
    *,
    kind: str | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    trust: Iterable[str] | Everything = (),
    limits: Limits = LIMITS,
    code_from: str | None = None,
) -> Any:
    """Load a snapshot from bytes, as `load` does from a file."""
    # The caller may change a buffer while it is read. The bytes that are verified have to be those that are built.
    source = Memory(data if type(data) is bytes else bytes(memoryview(data)))
    snapshot = _opened(source, Opening(kind, passphrase, identities, limits))
    return snapshot.build(trust, copy=False, code_from=code_from)


def _build(document: Document, trust: Trust, limits: Limits, *, copy: bool, code_from: str | None) -> Any:
    try:
        return build(document.recipe, trust, limits, copy=copy, code_from=code_from)
    except CannotBuild as error:
        saved_with = document.trailer.distributions if document.trailer else {}
        # Each look at an installed distribution takes a moment, and a file has room for very many.
        first = itertools.islice(saved_with.items(), 1_000)
        others = [shortened(f"{name} {version}", 100) for name, version in first if installed_version(name) != version]
        if others:
            error.hint = "; ".join(filter(None, [error.hint, f"the file was saved with {', '.join(others[:50])}"]))
        raise


def open_file(path: str | os.PathLike[str], opening: Opening) -> Snapshot:
    """Open a snapshot as `open_snapshot` does, but read the body of a pickle only when it is first needed."""
    twisted_encryption.refuse(Path(path))
    with Path(path).open("rb", buffering=0) as file:
        return _opened(of_file(file, opening.progress), opening, Path(path).name)


def _opened(source: Source, opening: Opening, name: str = "") -> Snapshot:
    size = source.left
    unwrapped = layers.unwrap(source, opening)
    found, document = documents.open_document(unwrapped, opening.kind, opening.limits)
    return Snapshot(
        document,
        kind=found,
        layers=unwrapped.layers,
        size=size,
        name=name,
        with_passphrase=unwrapped.with_passphrase,
        limits=opening.limits,
    )


class Snapshot:
    """A snapshot that has been read, and whose objects aren't built. Nothing that it names has been imported.

    `layers` has `age` and `zstd`, the outer one first, or `legacy` for Twisted's old encryption. `size` is the size of
    the file in bytes. `with_passphrase` is true where a passphrase opened a layer of age.
    """

    def __init__(
        self,
        document: Document,
        *,
        kind: str,
        layers: tuple[str, ...] = (),
        size: int = 0,
        name: str = "",
        with_passphrase: bool = False,
        limits: Limits = LIMITS,
    ) -> None:
        self.document = document
        self._limits = limits
        self.kind = kind
        self.layers = layers
        self.size = size
        self.name = name
        self.with_passphrase = with_passphrase

    @property
    def header(self) -> Header | None:
        """The header: kind, name, tag, time, versions. A bare pickle has none."""
        return self.document.header

    @property
    def edited(self) -> bool:
        """Whether this is a source file that was changed by hand after it was saved."""
        return self.document.edited

    @property
    def signer(self) -> str | None:
        """The key (`appsnap1…`) that signed the file, or None. The signature has been verified.

        The signature of an edited file is that of the file before the edit.
        """
        return self.document.trailer.signer if self.document.trailer else None

    @property
    def is_trusted_as_a_whole(self) -> bool:
        """Whether a known key signed the snapshot, or a passphrase opened it.

        A snapshot isn't trusted if its writer noted that its objects come from an untrusted file. Raises AppsnapError
        where the files of keys can't be used.
        """
        return self._provenance.is_trusted

    @property
    def provenance(self) -> str:
        """Who signed the snapshot, or why it isn't signed, in words."""
        return str(self._provenance)

    @property
    def _provenance(self) -> Provenance:
        trailer = self.document.trailer
        disowned = trailer is not None and trailer.vouched is False
        return Provenance(self.signer, self.edited, self.with_passphrase, disowned)

    @functools.cached_property
    def outline(self) -> Outline:
        """The tree of paths and values."""
        return Outline(self.document.recipe)

    @functools.cached_property
    def code(self) -> list[CarriedCode]:
        """The functions and classes that the snapshot carries as code."""
        return carried_code(self.document.recipe, self.outline)

    @functools.cached_property
    def names(self) -> list[Want]:
        """Every name that the snapshot uses, with its use and the first path that uses it."""
        return wants(self.document.recipe)

    @functools.cached_property
    def obstacles(self) -> list[Obstacle]:
        """All that no trust in names allows, or only for some classes: each reason once, with its first path.

        If there is none, `load` needs no more than the grants of `names`.
        """
        return obstacles(self.document.recipe)

    def build(
        self,
        trust: Iterable[str] | Everything = (),
        *,
        limits: Limits | None = None,
        copy: bool = True,
        code_from: str | None = None,
    ) -> Any:
        """Build the objects and return them. Raises the errors of `load`.

        `limits` are those that the snapshot was opened with, unless others are given. Without `copy`, the objects get
        the snapshot's own large bytearrays and arrays. Changes to them then change the snapshot.
        """
        limits = limits or self._limits
        trusted = Trust(EVERYTHING if self.is_trusted_as_a_whole else trust)
        if self.document.objects is not None and trusted.everything:
            try:
                return self.document.objects(copy=copy)
            except AppsnapError:
                raise
            except Exception:  # noqa: BLE001, S110 - building from the steps succeeds, or names the place
                pass
        try:
            return _build(self.document, trusted, limits, copy=copy, code_from=code_from)
        except NotTrusted as error:
            error.provenance = self._provenance.why_not_trusted()
            error.hint = "; ".join(filter(None, [error.provenance, error.hint]))
            raise

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        kind: str | None = None,
        passphrase: str | None = None,
        recipients: Iterable[str] = (),
        compress: bool = False,
        armor: bool = False,
        sign: bool = True,
        check: Callable[[Path], object] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write the snapshot to a file, in another kind or with other layers. Nothing is built.

        Without `kind`, the new file has the kind of the snapshot. The other arguments are those of `appsnap.save`. If
        the snapshot isn't trusted as a whole, the new file isn't signed, and notes the lack of trust.
        """
        kind = kind or self.kind
        old = self.header or Header(kind)
        header = Header(kind, old.name, old.tag, _time_for(kind))
        known = self.document.trailer
        seal = _signer(sign=sign, trusted_as_a_whole=self.is_trusted_as_a_whole)
        recipe = without_running(self.document.recipe)
        pieces = kind_named(kind).write(header, recipe, known.distributions if known else {}, seal)
        wrapping = Wrapping(passphrase, recipients, compress, armor)
        atomic.write(path, layers.wrap(documents.counted(pieces, progress), wrapping), check=check)

    def lines(self, *, depth: int = 20) -> Iterator[str]:
        """Yield the lines that `appsnap show` prints."""
        yield self._summary()
        yield from map(escaped, text_lines(self.outline, depth=depth))

    def _summary(self) -> str:
        words = [" in ".join([self.kind, *reversed(self.layers)]), f"{self.size:,} bytes"]
        if self.header is None:
            words.append("a bare pickle, without header")
        else:
            if self.header.tag:
                words.append(f"tag {self.header.tag}")
            words.append(f"saved {self.header.time or ''} by appsnap {self.header.version}".replace("  ", " "))
            words.append(f"Python {self.header.python}")
        words += code_facts(self.code)
        words.append(self.provenance)
        return escaped(f"{self.name or 'snapshot'}: " + ", ".join(words))

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._summary()}>"


def open_snapshot(
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    limits: Limits = LIMITS,
    progress: Progress | None = None,
) -> Snapshot:
    """Read a snapshot without building its objects. Nothing is imported. Raises the errors of `load`."""
    snapshot = open_file(path, Opening(kind, passphrase, identities, limits, progress))
    _ = snapshot.document.recipe
    return snapshot


def open_legacy(path: str | os.PathLike[str], passphrase: Passphrase, *, limits: Limits = LIMITS) -> Snapshot:
    """Read a pickle in Twisted's old encryption as any bare pickle is read, for `appsnap convert` alone.

    Its passphrase is no reason to trust it. Raises the errors of `appsnap.twisted_encryption.read`.
    """
    document, size = twisted_encryption.read(Path(path), passphrase, limits)
    name = Path(path).name
    return Snapshot(document, kind="pickle", layers=("legacy",), size=size, name=name, limits=limits)
