"""The files of a command: the input that it reads, and the output that it writes."""

from __future__ import annotations

import gc
import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

import appsnap
from appsnap.cli import output, standard
from appsnap.cli.progress import Progress
from appsnap.cli.project import search_current_folder, trust_in
from appsnap.errors import NotTrusted, PassphraseError, naming
from appsnap.kinds.extensions import naming_of
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from appsnap.cli.passphrase import Sources
    from appsnap.files.layers import Passphrase
    from appsnap.files.streams import Readable, Writable
    from appsnap.kinds import Kind
    from appsnap.kinds.documents import LargeData
    from appsnap.limits import Limits
    from appsnap.recipe.trust import Everything
    from appsnap.snapshot import Snapshot

__all__ = ["Input", "Output", "Secrets", "read_recipients"]


@dataclass(slots=True)
class Secrets:
    """The keys that have opened a file: nobody is asked for them again. `identities` are texts of age."""

    passphrase: str | None = None
    identities: list[str] | None = None

    def recipients(self) -> list[str]:
        """Return the age recipients of the identities."""
        from appsnap.files.age import parse_identities  # noqa: PLC0415 - few files need it

        return [str(key.recipient) for text in self.identities or () for key in parse_identities(text)]


@dataclass(frozen=True, slots=True)
class Input:
    """A snapshot to be read: its path, and the options that open it."""

    path: str
    kind: str | None
    sources: Sources
    identity_files: tuple[str, ...]
    limits: Limits
    secrets: Secrets = field(default_factory=Secrets)
    folders: Mapping[str, str] = field(default_factory=dict)
    """The folders of files that are moved, each with the new one."""

    @property
    def label(self) -> str:
        """The name of the file in messages."""
        return standard.label(self.path, "standard input")

    @property
    def is_keyed(self) -> bool:
        """Whether an option gives a passphrase or an identity."""
        return self.sources.are_named or bool(self.identity_files)

    def open(self, data: bytes | None = None, *, large: LargeData = "held") -> Snapshot:
        """Read the snapshot without building it, from `data` if those are the bytes of the file.

        If `large` data isn't held, the snapshot can only be looked at.
        """
        with Progress(f"reading {self.label}") as progress:
            # Steps that are changed have no part that stays in the file.
            snapshot = self._open(progress, data=data, large="held" if self.folders else large)
            snapshot = self._moved(snapshot)
            _ = snapshot.document.recipe  # read now, so that an error is one of reading
            # It lives until the process ends. The collector needn't look at it again, nor at the modules.
            gc.freeze()
            return snapshot

    def open_other(self, file: BinaryIO, path: str) -> Snapshot:
        """Read another snapshot with the same keys. `file` is open, and `path` is its name in messages.

        A file that isn't encrypted is read without a key.
        """
        from appsnap import snapshot  # noqa: PLC0415 - help doesn't need it
        from appsnap.files.heads import HEAD_SIZE, is_encrypted  # noqa: PLC0415 - as above
        from appsnap.files.layers import Opening  # noqa: PLC0415 - as above

        encrypted = is_encrypted(os.pread(file.fileno(), HEAD_SIZE, 0))
        with Progress(f"reading {path}") as progress:
            keys = (self._passphrase(progress), self._identities()) if encrypted else (None, [])
            found = snapshot.open_file(file, Opening(None, *keys, self.limits, progress.count), path)
            _ = found.document.recipe if found.document.objects is None else None
            return found.moved(self.folders) if self.folders else found

    def open_legacy(self) -> Snapshot:
        """Read a pickle in Twisted's old encryption without building it."""
        if self.identity_files or self.kind not in (None, "pickle"):
            raise click.UsageError(
                "--legacy-etap reads a pickle, and a passphrase opens it: give no --source-identity, "
                "and no other --source-kind"
            )
        with Progress(f"reading {self.label}") as progress:
            return self._open(progress, legacy=True)

    def load(
        self,
        trust: Sequence[str] | Everything,
        *,
        check: Callable[[Snapshot], object] | None = None,
        code_from: str | None = None,
        notes: list[str] | None = None,
    ) -> tuple[Any, Sequence[str] | Everything]:
        """Read the snapshot and build its objects. Returns them, and how far the file was trusted.

        Where anything is trusted, modules are found in the current folder too. `check` may look at the snapshot before
        anything is built. `notes` gets a line for each attribute that isn't as its class declares.
        """
        application, enough, _ = self.restore(trust, check=check, code_from=code_from, notes=notes)
        return application, enough

    def restore(
        self,
        trust: Sequence[str] | Everything,
        *,
        check: Callable[[Snapshot], object] | None = None,
        code_from: str | None = None,
        notes: list[str] | None = None,
    ) -> tuple[Any, Sequence[str] | Everything, Snapshot]:
        """Do what `load` does, and return the snapshot, too."""
        from appsnap.snapshot.looped import built  # noqa: PLC0415 - help doesn't need it

        with Progress(f"loading {self.label}") as progress:
            snapshot = self._moved(self._open(progress))
            if check is not None:
                check(snapshot)
            enough = trust_in(snapshot, trust)
            if enough is appsnap.EVERYTHING and self.limits != LIMITS:
                output.note(f"note: the limits on building don't apply to {self.path}, which is trusted as a whole")
            if enough:
                search_current_folder()
            try:
                application = built(lambda: snapshot.build(enough, copy=False, code_from=code_from, notes=notes))
            except NotTrusted as error:
                # A snapshot knows the name of its file without the folders, and people copy this command.
                sign = output.command_line(["sign", self.path])
                error.provenance = error.provenance.replace("appsnap sign FILE", sign)
                raise
            return application, enough, snapshot

    def _moved(self, snapshot: Snapshot) -> Snapshot:
        if not self.folders:
            return snapshot
        notes: list[str] = []
        snapshot = snapshot.moved(self.folders, notes=notes)
        for line in notes:
            output.note(f"warning: {line}")
        return snapshot

    def _open(
        self, progress: Progress, *, legacy: bool = False, data: bytes | None = None, large: LargeData = "held"
    ) -> Snapshot:
        from appsnap import snapshot  # noqa: PLC0415 - help doesn't need it
        from appsnap.files.layers import Opening  # noqa: PLC0415 - as above

        passphrase = self._passphrase(progress)
        opening = Opening(self.kind, passphrase, self._identities(), self.limits, progress.count)
        place: Readable | str = standard.stdin() if self.path == "-" else self.path
        if data is not None:
            place = io.BytesIO(data)
        try:
            if not legacy:
                return snapshot.open_file(place, opening, self.label, large=large)
            assert passphrase is not None, "without identities there is one, or a function that asks for it"
            return snapshot.open_legacy(place, passphrase, limits=self.limits, name=self.label)
        except PassphraseError as error:
            if str(error).endswith("wrong passphrase"):
                error.hint = f"it came from {self.sources.origin}"
            raise

    def _passphrase(self, progress: Progress) -> Passphrase | None:
        secrets = self.secrets
        if self.sources.are_named:
            if secrets.passphrase is None:
                secrets.passphrase = self.sources.named()
            return secrets.passphrase
        if self.identity_files:
            return None

        def ask() -> str:
            if secrets.passphrase is None:
                with progress.paused():
                    secrets.passphrase = self.sources.to_open(self.label)
            return secrets.passphrase

        # A function: the passphrase of the environment and the prompt are for encrypted files only.
        return ask

    def _identities(self) -> list[str]:
        if not self.identity_files:
            return []
        if self.secrets.identities is None:
            from appsnap.files.age import parse_identities  # noqa: PLC0415 - few files need it

            texts = []
            for path in self.identity_files:
                texts.append(_text_of(path))
                with naming(standard.label(path, "standard input")):
                    parse_identities(texts[-1])
            self.secrets.identities = texts
        return self.secrets.identities


@dataclass(frozen=True, slots=True)
class Output:
    """A snapshot to be written: its path, its kind, and its layers."""

    path: str
    kind: Kind
    ask: bool
    sources: Sources
    recipients: tuple[str, ...]
    recipient_files: tuple[str, ...]
    armor: bool
    compress: bool
    plain: bool
    sign: bool

    @property
    def label(self) -> str:
        """The name of the file in messages."""
        return standard.label(self.path, "standard output")

    @property
    def place(self) -> str | Writable:
        """The path to write to, or standard output."""
        return output.BINARY if standard.is_stdout(self.path) else self.path

    @property
    def is_text(self) -> bool:
        """Whether the file can be shown on a terminal."""
        return self.armor or (self.kind in ("source", "xml") and not self.compress and not self.encrypts)

    @property
    def has_passphrase(self) -> bool:
        """Whether an option or the extension says to encrypt the file with a passphrase."""
        by_name = naming_of(self.path).encrypted
        return self.ask or self.sources.are_named or (by_name and not self.has_recipients)

    @property
    def has_recipients(self) -> bool:
        """Whether an option says to encrypt the file for recipients."""
        return bool(self.recipients or self.recipient_files)

    @property
    def encrypts(self) -> bool:
        """Whether the file is to be encrypted."""
        return self.has_passphrase or self.has_recipients

    def keep_secret(self, source: Snapshot) -> None:
        """Refuse to write an encrypted snapshot to a plain file, unless --plain says so."""
        if not {"age", "legacy"}.isdisjoint(source.layers) and not self.encrypts and not self.plain:
            raise PassphraseError(
                f"{source.name} is encrypted, and {self.label} wouldn't be",
                hint="add -p or -r AGE_RECIPIENT to encrypt it, or --plain to write it unencrypted",
            )

    def passphrase(self) -> str | None:
        """Return the passphrase to encrypt with, or None. The user may have to type it.

        A passphrase in the environment alone doesn't encrypt the file. A warning says so.
        """
        if self.has_passphrase:
            return self.sources.to_close(self.label)
        if not self.encrypts and not self.plain and "APPSNAP_PASSPHRASE" in os.environ:
            output.note(f"warning: APPSNAP_PASSPHRASE is set, but nothing says to encrypt {self.label}: give -p")
        return None

    def tell_unsigned(self, source: str, command: str) -> None:
        """Say that the file isn't signed, because its source isn't trusted as a whole, and which command signs it."""
        if self.sign:
            output.note(
                f"note: {self.label} isn't signed, because {source} isn't trusted as a whole; if you trust it as you "
                f"trust a program: {command}"
            )

    def tell_other_format(self) -> None:
        """Say that the file isn't of the format that its extension names."""
        extension = Path(self.path).suffix.lower()
        if extension in _OF_OTHERS and extension != f".{self.kind}":
            output.note(f"note: {self.path} is a snapshot of kind {self.kind}, and no {extension[1:].upper()} file")

    def layers(self) -> dict[str, Any]:
        """Return the arguments of `save` and `Snapshot.save` for recipients, armor, compression and signature."""
        return {
            "recipients": read_recipients(self.recipients, self.recipient_files),
            "armor": self.armor,
            "compress": self.compress,
            "sign": self.sign,
        }


_OF_OTHERS = frozenset(
    (
        *(".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".csv", ".tsv", ".txt", ".md", ".html", ".xml"),
        *(".db", ".sqlite", ".h5", ".hdf5", ".npy", ".npz", ".parquet", ".feather", ".joblib", ".pt", ".xls", ".xlsx"),
        *(".zip", ".gz", ".bz2", ".xz", ".7z", ".tar", ".tgz", ".pdf", ".pyc"),
    )
)
"""Extensions of other formats."""


def read_recipients(recipients: Iterable[str], files: Iterable[str]) -> list[str]:
    """Return the age recipients of options, and those in files. Raises PassphraseError for one that is malformed."""
    found = [*recipients]
    if found:
        from appsnap.files.age import parse_recipient  # noqa: PLC0415 - few files need it

        with naming("--recipient"):
            for text in found:
                parse_recipient(text)
    return [*found, *(line for path in files for line in _lines_of(path))]


def _text_of(path: str) -> str:
    try:
        return standard.read_small(path).decode()
    except UnicodeDecodeError:
        name = standard.label(path, "standard input")
        raise PassphraseError(f"{name} is not text in UTF-8, so it has no keys of age") from None


def _lines_of(path: str) -> list[str]:
    name = standard.label(path, "standard input")
    lines = [(number, line.strip()) for number, line in enumerate(_text_of(path).splitlines(), 1)]
    found = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not found:
        raise PassphraseError(f"there is no recipient in {name}", hint="write one age1… a line")
    from appsnap.files.age import parse_recipient  # noqa: PLC0415 - few files need it

    for number, line in found:
        with naming(f"{name}, line {number}"):
            parse_recipient(line)
    return [line for _, line in found]
