"""From object to file and back, each one act: save, load, dumps, loads, and open_snapshot, which only looks."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotBuild, CannotLoad, Damaged, PassphraseError, WrongKind
from appsnap.files import age, atomic, zstd
from appsnap.files.header import Header, now
from appsnap.kinds import kind_named, pickle, recognise
from appsnap.limits import LIMITS
from appsnap.printable import escaped
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import Name
from appsnap.recipe.trust import Trust, wants

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from appsnap.errors import Want
    from appsnap.kinds import Document
    from appsnap.limits import Limits
    from appsnap.recipe.trust import Everything

    Passphrase = str | Callable[[], str]

__all__ = ["Snapshot", "dumps", "load", "loads", "open_snapshot", "save"]


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
    check: Callable[[Path], object] | None = None,
) -> None:
    """Save an object - an application, as a rule - to a file, which is there as a whole or not at all.

    `kind` is `pickle`, `source`, `msgpack` or `xml`. With a `passphrase`, or age `recipients` (`age1…`), the file is
    encrypted; `armor` makes that text. `compress` puts a layer of zstd below. `tag` is kept in the header.
    `check` is called with a path at which the new file can be read, before it takes the place of the old one; what it
    raises keeps the old one.

    Raises CannotSave with every place that no file can hold, WrongKind, PassphraseError, and OSError; then the old file
    is untouched.
    """
    name = getattr(obj, "name", None)
    header = Header(kind, name if isinstance(name, str) else None, tag, None if kind == "source" else now())
    pieces = _document(obj, header)
    atomic.write(path, _wrap(pieces, passphrase, recipients, compress=compress, armor=armor), check=check)


def dumps(
    obj: Any,
    kind: str = "pickle",
    *,
    passphrase: str | None = None,
    recipients: Iterable[str] = (),
    compress: bool = False,
    armor: bool = False,
) -> bytes:
    """Return the bytes of a snapshot, as `save` would write them, but without a time.

    As source, msgpack and xml, equal objects give equal bytes.
    """
    pieces = _document(obj, Header(kind))
    return b"".join(_wrap(pieces, passphrase, recipients, compress=compress, armor=armor))


def _document(obj: Any, header: Header) -> Sequence[Buffer]:
    module = kind_named(header.kind)
    if header.kind == "pickle":
        pickled = _pickled(header, obj)
        if pickled is not None:
            return pickled
    root = "application" if type(obj).__name__ == "Application" else "object"
    recipe = freeze(obj, root=root)
    return module.write(header, recipe, _distributions({x.module for x in recipe.steps if isinstance(x, Name)}))


def _pickled(header: Header, obj: Any) -> Sequence[Buffer] | None:
    """Return what the C pickler makes of an object, or None where it gives up.

    It does so at the first thing that can't be saved, and at what is nested too deep. `freeze` finds all the places of
    the one, and doesn't mind the other.
    """
    try:
        return pickle.write_objects(header, obj, _distributions)
    except Exception:  # noqa: BLE001 - whatever a __reduce__ raises, freeze meets it again and says where
        return None


def _wrap(
    pieces: Iterable[Buffer], passphrase: str | None, recipients: Iterable[str], *, compress: bool, armor: bool
) -> Iterable[Buffer]:
    readers: list[age.Recipient] = [age.parse_recipient(text) for text in recipients]
    if passphrase is not None:
        readers.append(age.ScryptRecipient(passphrase))
    if compress:
        pieces = zstd.compress(pieces, limited=True)
    if readers:
        return age.encrypt(pieces, readers, armor=armor)
    if armor:
        raise PassphraseError("only an encrypted file can be armored", hint="give a passphrase or a recipient")
    return pieces


def _distributions(modules: Iterable[str]) -> dict[str, str]:
    """Return the installed distributions that modules come from, with their versions."""
    tops = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"__main__", "appsnap"}
    if not tops:
        return {}
    from importlib import metadata  # noqa: PLC0415 - it looks at all that is installed

    owners = _owners()
    return {name: metadata.version(name) for name in sorted({x for top in tops for x in owners.get(top, ())})}


@functools.cache
def _owners() -> dict[str, list[str]]:
    from importlib import metadata  # noqa: PLC0415 - it looks at all that is installed

    return dict(metadata.packages_distributions())


# In


def load(
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    passphrase: Passphrase | None = None,
    identities: Iterable[str] = (),
    trust: Iterable[str] | Everything = (),
    limits: Limits = LIMITS,
) -> Any:
    """Load a snapshot from a file: whatever kind, compressed, encrypted, armored, it is recognised.

    `kind` is an expectation: a file of another kind is refused. `passphrase` may be a function, which is asked only if
    the file is encrypted with one. `identities` are age's (`AGE-SECRET-KEY-1…`). `trust` says which names the file may
    want, as `appsnap.recipe.trust` describes; `EVERYTHING` is for a file that is trusted as a program is. `limits` say
    what it may cost.

    Raises NotTrusted before anything is imported, CannotLoad for what is beyond the limits, and Damaged, WrongKind,
    NewerFormat, PassphraseError, CannotBuild, OSError.
    """
    return _load(_opened(_bytes_of(path), path, kind, passphrase, identities, limits=limits), Trust(trust), limits)


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
    return _load(_opened(memoryview(data), None, kind, passphrase, identities, limits=limits), Trust(trust), limits)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A document whose layers have been taken off. `layers` has their names, from outside to inside."""

    data: memoryview
    kind: str
    layers: tuple[str, ...]


def _load(opened: _Opened, trust: Trust, limits: Limits) -> Any:
    if opened.kind == "pickle" and trust.everything:
        return pickle.unpickle_objects(opened.data)
    return _build(kind_named(opened.kind).read(opened.data, limits.steps), trust, limits)


def _build(document: Document, trust: Trust, limits: Limits) -> Any:
    try:
        return build(document.recipe, trust, limits)
    except CannotBuild as error:
        saved_with = document.trailer.distributions if document.trailer else {}
        others = [f"{name} {version}" for name, version in saved_with.items() if _installed(name) != version]
        if others:
            error.hint = f"the file was saved with {', '.join(others)}"
        raise


def _installed(distribution: str) -> str | None:
    from importlib import metadata  # noqa: PLC0415 - only where something went wrong

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _bytes_of(path: str | os.PathLike[str]) -> memoryview:
    return memoryview(Path(path).read_bytes())


def _opened(
    data: memoryview,
    path: str | os.PathLike[str] | None,
    kind: str | None,
    passphrase: Passphrase | None,
    identities: Iterable[str],
    *,
    limits: Limits,
) -> _Opened:
    """Take off the layers, and find out the kind."""
    layers = []
    keys: list[age.Identity] = [key for text in identities for key in age.parse_identities(text)]
    if age.is_encrypted(bytes(data[: age.HEAD_SIZE])):
        layers.append("age")
        if passphrase is not None:
            text = passphrase if isinstance(passphrase, str) else passphrase()
            keys.append(age.ScryptIdentity(text, limits.work_factor))
        if not keys:
            raise PassphraseError("the file is encrypted", hint="give its passphrase, or an identity that opens it")
        # All of it is decrypted and verified before any of it is looked at.
        data = memoryview(b"".join(age.decrypt([data], keys)))
    elif isinstance(passphrase, str) or keys:
        raise PassphraseError(
            "a passphrase or identity was given, but the file isn't encrypted",
            hint="somebody may have put a plain file in its place; leave the passphrase out to load it all the same",
        )
    if zstd.is_compressed(bytes(data[: zstd.HEAD_SIZE])):
        layers.append("zstd")
        data = memoryview(b"".join(zstd.decompress([data], limit=zstd.limit_of(len(data), limits.expansion))))
    return _Opened(data, _kind_of(data, path, kind), tuple(layers))


def _kind_of(data: memoryview, path: str | os.PathLike[str] | None, expected: str | None) -> str:
    if expected is not None:
        kind_named(expected)
    try:
        found = recognise(bytes(data[:16]))
    except Damaged:
        if expected == "pickle" and data:
            return expected  # protocols 0 and 1 have no first bytes of their own
        if path is not None and Path(path).suffix in (".etap", ".etas") and len(data) % 16 == 0 and data:
            raise CannotLoad(
                "this looks like Twisted's old encryption (AES-ECB without authentication), which appsnap doesn't read",
                hint="load it with the Twisted that wrote it, save it plain there, and convert that",
            ) from None
        raise
    if expected not in (None, found):
        raise WrongKind(f"the file is a {found} snapshot, not {expected}", hint=f"give kind {found}, or none")
    return found


class Snapshot:
    """A snapshot that has been read, not built: what is in it can be looked at, and nothing of it was imported.

    `header` is None for a bare pickle. `layers` has `age` and `zstd`, from outside to inside. `size` is in bytes, of
    the file.
    """

    def __init__(
        self, document: Document, *, kind: str, layers: tuple[str, ...] = (), size: int = 0, name: str = ""
    ) -> None:
        self.document = document
        self.kind = kind
        self.layers = layers
        self.size = size
        self.name = name

    @property
    def header(self) -> Header | None:
        """The header: kind, name, tag, time, and who wrote it."""
        return self.document.header

    @functools.cached_property
    def outline(self) -> Outline:
        """The tree of paths and values."""
        return Outline(self.document.recipe)

    @functools.cached_property
    def names(self) -> list[Want]:
        """Every name that the snapshot needs, with its use and the first path that needs it."""
        return wants(self.document.recipe)

    def build(self, trust: Iterable[str] | Everything = (), limits: Limits = LIMITS) -> Any:
        """Return the objects. Raises what `load` raises."""
        return _build(self.document, Trust(trust), limits)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        kind: str | None = None,
        passphrase: str | None = None,
        recipients: Iterable[str] = (),
        compress: bool = False,
        armor: bool = False,
        check: Callable[[Path], object] | None = None,
    ) -> None:
        """Write what is in the snapshot to a file, in another kind or other layers. Nothing is built.

        `kind` is that of the snapshot if it is None; the other arguments are those of `appsnap.save`.
        """
        kind = kind or self.kind
        old = self.header or Header(kind)
        header = Header(kind, old.name, old.tag, None if kind == "source" else now())
        known = self.document.trailer
        pieces = kind_named(kind).write(header, self.document.recipe, known.distributions if known else {})
        atomic.write(path, _wrap(pieces, passphrase, recipients, compress=compress, armor=armor), check=check)

    def lines(self, *, depth: int = 20) -> Iterator[str]:
        """Yield what `appsnap show` prints."""
        yield self._summary()
        yield from self.outline.lines(depth=depth)

    def _summary(self) -> str:
        words = [" in ".join([self.kind, *reversed(self.layers)]), f"{self.size:,} bytes"]
        if self.header is None:
            words.append("a bare pickle, without header")
        else:
            if self.header.tag:
                words.append(f"tag {self.header.tag}")
            words.append(f"saved {self.header.time or ''} by appsnap {self.header.version}".replace("  ", " "))
            words.append(f"Python {self.header.python}")
        if self.document.edited:
            words.append("edited since")
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
) -> Snapshot:
    """Read a snapshot without building it. Nothing is imported, whatever it names. Raises what `load` raises."""
    raw = _bytes_of(path)
    opened = _opened(raw, path, kind, passphrase, identities, limits=limits)
    document = kind_named(opened.kind).read(opened.data, limits.steps)
    return Snapshot(document, kind=opened.kind, layers=opened.layers, size=len(raw), name=Path(path).name)
