"""Files and bytes to snapshots, and to objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap import twisted_encryption
from appsnap.files import layers
from appsnap.files.layers import Opening
from appsnap.files.streams import Memory, of_file
from appsnap.gc_pause import gc_paused
from appsnap.kinds import documents
from appsnap.limits import LIMITS
from appsnap.snapshot.opened import Snapshot

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from typing_extensions import Buffer

    from appsnap.files.layers import Passphrase
    from appsnap.files.streams import Source
    from appsnap.kinds.documents import Progress
    from appsnap.limits import Limits
    from appsnap.recipe.trust import Everything

__all__ = ["load", "loads", "open_file", "open_legacy", "open_snapshot", "opened"]


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
    snapshot = opened(source, Opening(kind, passphrase, identities, limits))
    return snapshot.build(trust, copy=False, code_from=code_from)


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


def open_file(path: str | os.PathLike[str], opening: Opening) -> Snapshot:
    """Open a snapshot as `open_snapshot` does, but read the body of a pickle only when it is first needed."""
    twisted_encryption.refuse(Path(path))
    with Path(path).open("rb", buffering=0) as file:
        return opened(of_file(file, opening.progress), opening, Path(path).name)


def opened(source: Source, opening: Opening, name: str = "") -> Snapshot:
    """Open a snapshot of this name as `open_file` does."""
    size = source.left
    unwrapped = layers.unwrap(source, opening)
    found, document = documents.open_document(unwrapped, opening.kind, opening.limits)
    return Snapshot(
        document,
        kind=found,
        layers=unwrapped.layers,
        size=size,
        weight=unwrapped.weight if "zstd" in unwrapped.layers else None,
        name=name,
        with_passphrase=unwrapped.with_passphrase,
        limits=opening.limits,
    )
