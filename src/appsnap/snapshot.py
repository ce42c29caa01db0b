"""From object to file and back, each one act: save, load, dumps, loads, and open_snapshot, which only looks."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap import contents
from appsnap.errors import CannotBuild, NotTrusted
from appsnap.files import atomic, layers
from appsnap.files.layers import Opening, Wrapping
from appsnap.files.streams import Memory, joined, of_file
from appsnap.keys.provenance import Provenance, user_keys
from appsnap.kinds import Document, documents, kind_named, pickle
from appsnap.kinds.header import Header, installed_version, now
from appsnap.limits import LIMITS
from appsnap.printable import escaped, shortened
from appsnap.recipe.build import build
from appsnap.recipe.garbage import collected_later
from appsnap.recipe.outline import Outline
from appsnap.recipe.trust import EVERYTHING, Trust, wants
from appsnap.twisted import encryption

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

    from appsnap.errors import Want
    from appsnap.files.layers import Passphrase
    from appsnap.files.streams import Source
    from appsnap.kinds.documents import Progress
    from appsnap.kinds.header import Seal
    from appsnap.limits import Limits
    from appsnap.recipe.trust import Everything

__all__ = ["Snapshot", "dumps", "load", "loads", "open_file", "open_legacy", "open_snapshot", "save"]


# Out


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
    vouched: bool = True,
    check: Callable[[Path], object] | None = None,
    progress: Progress | None = None,
) -> None:
    """Save an object - an application, as a rule - to a file, which is there as a whole or not at all.

    `kind` is `pickle`, `source`, `msgpack` or `xml`. With a `passphrase`, or age `recipients` (`age1…`), the file is
    encrypted; `armor` makes that text. `compress` puts a layer of zstd below. `tag` is kept in the header. The file is
    signed with the user's key, which the first save makes, unless `sign` is false. Where `vouched` is false, it isn't,
    and no passphrase makes up for that: the objects came from a file that wasn't trusted as a whole.
    `check` is called with a path at which the new file can be read, before it takes the place of the old one; what it
    raises keeps the old one. `progress` is called again and again with the number of bytes that have been written, as
    they were before they were compressed or encrypted, and of all.

    Raises CannotSave with every place that no file can hold, WrongKind, PassphraseError, AppsnapError where there is no
    key to sign with, and OSError; then the old file is untouched.
    """
    name = getattr(obj, "name", None)
    header = Header(kind, name if isinstance(name, str) else None, tag, None if kind == "source" else now())
    pieces = documents.counted(documents.document(obj, header, _seal(sign=sign, vouched=vouched)), progress)
    atomic.write(path, layers.wrap(pieces, Wrapping(passphrase, recipients, compress, armor)), check=check)


def dumps(
    obj: Any,
    kind: str = "pickle",
    *,
    passphrase: str | None = None,
    recipients: Iterable[str] = (),
    compress: bool = False,
    armor: bool = False,
    sign: bool = False,
    vouched: bool = True,
) -> bytes:
    """Return the bytes of a snapshot as `save` would write them, but without a time, and as a rule unsigned.

    As source, msgpack and xml, equal objects give equal bytes.
    """
    pieces = documents.document(obj, Header(kind), _seal(sign=sign, vouched=vouched))
    return joined(layers.wrap(pieces, Wrapping(passphrase, recipients, compress, armor)))


def _seal(*, sign: bool, vouched: bool) -> Seal | None:
    if not vouched:
        return lambda _kind, _fields: {"vouched": False}
    return user_keys().signing_key().sign if sign else None


# In


@collected_later
def load(
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    trust: Iterable[str] | Everything = (),
    limits: Limits = LIMITS,
    mmap: bool = False,
    progress: Progress | None = None,
) -> Any:
    """Load a snapshot from a file: whatever kind, compressed, encrypted, armored, it is recognised.

    `kind` is an expectation: a file of another kind is refused. `passphrase` may be a function, which is asked only if
    the file is encrypted with one. `identities` are age's (`AGE-SECRET-KEY-1…`). `trust` says which names the file may
    want, as `appsnap.recipe.trust` describes; `EVERYTHING` is for a file that is trusted as a program is. A file that
    the user's key or a trusted one has signed is, without being asked for; so is one that `passphrase` opened, because
    whoever wrote it knew that. `limits` say what reading it may cost. `progress` is called again and again with the
    number of bytes of the file that have been read, and of all.

    With `mmap`, numpy's arrays of 64 KiB and more are read from the file when they are looked at, not before, and
    what is written to them never reaches it. That is for a pickle or msgpack without other layers. All is verified but
    the data of those arrays, which `appsnap verify` verifies; and nobody may write to the file, or truncate it, as long
    as they are in use: `save` doesn't, it puts a new file in its place.

    Raises NotTrusted before anything is imported, CannotLoad for what is beyond the limits or can't be mapped, and
    Damaged, WrongKind, NewerFormat, PassphraseError, CannotBuild, OSError.
    """
    opening = Opening(kind, passphrase, identities, limits, progress)
    if mmap:
        encryption.refuse(Path(path))
        found, document = contents.map_file(path, opening)
        return Snapshot(document, kind=found, name=Path(path).name, limits=limits).build(trust, once=True)
    return open_file(path, opening).build(trust, once=True)


@collected_later
def loads(
    data: Buffer,
    *,
    kind: str | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    trust: Iterable[str] | Everything = (),
    limits: Limits = LIMITS,
) -> Any:
    """Load a snapshot from bytes, as `load` does from a file."""
    # What is verified, audited and built has to stay the same bytes; what can't be changed through a view may change.
    source = Memory(data if type(data) is bytes else bytes(memoryview(data)))
    return _opened(source, Opening(kind, passphrase, identities, limits)).build(trust, once=True)


def _build(document: Document, trust: Trust, limits: Limits, *, once: bool) -> Any:
    try:
        return build(document.recipe, trust, limits, once=once)
    except CannotBuild as error:
        saved_with = document.trailer.distributions if document.trailer else {}
        # To look for one takes a moment, and there may be as many as a file has room for.
        first = itertools.islice(saved_with.items(), 1_000)
        others = [shortened(f"{name} {version}", 100) for name, version in first if installed_version(name) != version]
        if others:
            error.hint = "; ".join(filter(None, [error.hint, f"the file was saved with {', '.join(others[:50])}"]))
        raise


def open_file(path: str | os.PathLike[str], opening: Opening) -> Snapshot:
    """Open a snapshot as `open_snapshot` does, but leave the body of a pickle for when it is needed."""
    encryption.refuse(Path(path))
    with Path(path).open("rb", buffering=0) as file:
        return _opened(of_file(file, opening.progress), opening, Path(path).name)


def _opened(source: Source, opening: Opening, name: str = "") -> Snapshot:
    size = source.left
    unwrapped = layers.unwrap(source, opening)
    found, content = contents.read(unwrapped, opening.kind, opening.limits)
    return Snapshot(
        content,
        kind=found,
        layers=unwrapped.layers,
        size=size,
        name=name,
        with_passphrase=unwrapped.with_passphrase,
        limits=opening.limits,
    )


class Snapshot:
    """A snapshot that has been read, not built: what is in it can be looked at, and nothing of it was imported.

    `layers` has `age` and `zstd`, from outside to inside, or `legacy` for Twisted's old encryption. `size` is in bytes,
    of the file. `with_passphrase` is true where a passphrase opened a layer of age.
    """

    def __init__(
        self,
        content: Document | pickle.Frame,
        *,
        kind: str,
        layers: tuple[str, ...] = (),
        size: int = 0,
        name: str = "",
        with_passphrase: bool = False,
        limits: Limits = LIMITS,
    ) -> None:
        self._content = content
        self._limits = limits
        self.kind = kind
        self.layers = layers
        self.size = size
        self.name = name
        self.with_passphrase = with_passphrase

    @functools.cached_property
    def document(self) -> Document:
        """What the reader of the kind found. Of a pickle, the body is read when it is first asked for."""
        return self._content if isinstance(self._content, Document) else self._content.document(self._limits.steps)

    @property
    def header(self) -> Header | None:
        """The header: kind, name, tag, time, and who wrote it. A bare pickle has none."""
        return self._content.header

    @property
    def edited(self) -> bool:
        """Whether it is a source file that was changed by hand since it was saved."""
        return isinstance(self._content, Document) and self._content.edited

    @property
    def signer(self) -> str | None:
        """The key (`appsnap1…`) that signed it, before it was edited if it is. The signature has been verified."""
        return self._content.trailer.signer if self._content.trailer else None

    @property
    def is_vouched_for(self) -> bool:
        """Whether it is trusted as a whole: signed by a known key, or opened with a passphrase.

        It isn't where its writer noted that its objects come from a file that wasn't trusted. Raises AppsnapError where
        the files of keys can't be used.
        """
        return self._provenance.is_trusted

    @property
    def provenance(self) -> str:
        """Who signed it, or why it isn't signed, in words."""
        return str(self._provenance)

    @property
    def _provenance(self) -> Provenance:
        trailer = self._content.trailer
        disowned = trailer is not None and trailer.vouched is False
        return Provenance(self.signer, self.edited, self.with_passphrase, disowned)

    @functools.cached_property
    def outline(self) -> Outline:
        """The tree of paths and values."""
        return Outline(self.document.recipe)

    @functools.cached_property
    def names(self) -> list[Want]:
        """Every name that the snapshot needs, with its use and the first path that needs it."""
        return wants(self.document.recipe)

    def build(self, trust: Iterable[str] | Everything = (), *, limits: Limits | None = None, once: bool = False) -> Any:
        """Return the objects. The limits are those it was opened with, if not given. Raises what `load` raises.

        Where that happens `once`, large bytearrays and arrays are handed over, not copied: what is in the snapshot may
        change with them from then on.
        """
        limits = limits or self._limits
        trusted = Trust(EVERYTHING if self.is_vouched_for else trust)
        if isinstance(self._content, pickle.Frame) and trusted.everything:
            return pickle.unpickle_objects(self._content, limits.steps, once=once)
        try:
            return _build(self.document, trusted, limits, once=once)
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
        """Write what is in the snapshot to a file, in another kind or other layers. Nothing is built.

        `kind` is that of the snapshot if it is None; the other arguments are those of `appsnap.save`. It is signed only
        if it is vouched for, and says so if it isn't: what the user doesn't know doesn't become the user's.
        """
        kind = kind or self.kind
        old = self.header or Header(kind)
        header = Header(kind, old.name, old.tag, None if kind == "source" else now())
        known = self.document.trailer
        seal = _seal(sign=sign, vouched=self.is_vouched_for)
        pieces = kind_named(kind).write(header, self.document.recipe, known.distributions if known else {}, seal)
        wrapping = Wrapping(passphrase, recipients, compress, armor)
        atomic.write(path, layers.wrap(documents.counted(pieces, progress), wrapping), check=check)

    def lines(self, *, depth: int = 20) -> Iterator[str]:
        """Yield what `appsnap show` prints."""
        yield self._summary()
        yield from map(escaped, self.outline.lines(depth=depth))

    def _summary(self) -> str:
        words = [" in ".join([self.kind, *reversed(self.layers)]), f"{self.size:,} bytes"]
        if self.header is None:
            words.append("a bare pickle, without header")
        else:
            if self.header.tag:
                words.append(f"tag {self.header.tag}")
            words.append(f"saved {self.header.time or ''} by appsnap {self.header.version}".replace("  ", " "))
            words.append(f"Python {self.header.python}")
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
    """Read a snapshot without building it. Nothing is imported, whatever it names. Raises what `load` raises."""
    snapshot = open_file(path, Opening(kind, passphrase, identities, limits, progress))
    _ = snapshot.document
    return snapshot


def open_legacy(path: str | os.PathLike[str], passphrase: Passphrase, *, limits: Limits = LIMITS) -> Snapshot:
    """Read a pickle in Twisted's old encryption as any bare pickle is read, for `appsnap convert` alone.

    Its passphrase is no reason to trust it. Raises what `appsnap.twisted.encryption.read` raises.
    """
    document, size = encryption.read(Path(path), passphrase, limits)
    name = Path(path).name
    return Snapshot(document, kind="pickle", layers=("legacy",), size=size, name=name, limits=limits)
