"""The names of files: the kind that an extension means, and the one rule for the kind of a file that is written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from appsnap.errors import PassphraseError, WrongKind
from appsnap.kinds import KINDS, kind_named

if TYPE_CHECKING:
    from appsnap.kinds import Kind

__all__ = ["Naming", "kind_to_write", "naming_of"]


@dataclass(frozen=True, slots=True)
class Naming:
    """The facts that the extensions of a file name tell. `kind` is `python` for a script, None for a foreign extension.

    `stem` is the name without extensions of ours.
    """

    stem: str
    kind: str | None = None
    encrypted: bool = False
    compressed: bool = False

    def renamed(self, kind: str) -> str:
        """Return the name that a plain file of a kind would have."""
        return f"{self.stem}.{kind_named(kind).extension}"


_EXTENSIONS: dict[str, tuple[str, bool]] = {".tac": ("python", False), ".py": ("python", False)}
for _kind in KINDS:
    _EXTENSIONS[f".{kind_named(_kind).extension}"] = _kind, False
    _EXTENSIONS[f".e{kind_named(_kind).extension}"] = _kind, True


def naming_of(name: str | os.PathLike[str]) -> Naming:
    """Return the facts that a file name tells. Behind the extension of a kind, `.zst` and `.age` say its layers."""
    path = PurePath(os.fsdecode(name))
    layers = set()
    while path.suffix.lower() in (".zst", ".age"):
        layers.add(path.suffix.lower())
        path = path.with_suffix("")
    kind, encrypted = _EXTENSIONS.get(path.suffix.lower(), (None, False))
    stem = str(path if kind is None else path.with_suffix(""))
    return Naming(stem, kind, encrypted or ".age" in layers, ".zst" in layers)


def kind_to_write(name: str, kind: Kind | None, *, encrypts: bool, default: Kind = "pickle") -> Kind:
    """Return the kind of a file that is written under a name. An empty name is that of a stream.

    It is the given kind, or else the one that the extension means, or else the default. Raises WrongKind for an unknown
    kind and for one that the extension contradicts. Raises PassphraseError for a name that says encrypted, unless the
    file is encrypted.
    """
    if kind is not None:
        kind_named(kind)
    naming = naming_of(name)
    # A snapshot in source is Python, too.
    if naming.kind == "python" and kind != "source":
        raise WrongKind(
            f"{name} has the extension of a script, and a snapshot is none",
            hint=f"give the file another extension, as in {naming.renamed(kind or default)}",
        )
    known = next((known for known in KINDS if known == naming.kind), None)
    if None not in (kind, known) and kind != known:
        raise WrongKind(
            f"{name} has the extension of kind {known}, and the kind given is {kind}",
            hint=f"leave out the kind, or give the file another extension, as in {naming.renamed(str(kind))}",
        )
    chosen = kind or known or default
    if naming.encrypted and not encrypts:
        raise PassphraseError(
            f"{name} has the extension of an encrypted file, and there is neither a passphrase nor a recipient",
            hint=f"give passphrase=… or recipients=[…], or another extension, as in {naming.renamed(chosen)}",
        )
    return chosen
