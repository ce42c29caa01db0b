"""A snapshot that has been read, and whose objects can be built."""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError, CannotBuild, NotTrusted, hints, naming
from appsnap.files import layers
from appsnap.files.layers import Wrapping
from appsnap.kinds import documents, kind_named
from appsnap.kinds.header import Header, installed_version
from appsnap.limits import FREE_OUTPUT, LIMITS, limits_of, over
from appsnap.printable import as_path, as_word, escaped, plural, shortened
from appsnap.recipe.carried import carried_code, code_facts
from appsnap.recipe.steps import Ref, spelled
from appsnap.snapshot import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import ModuleType

    from appsnap.errors import Obstacle, Want
    from appsnap.files.streams import Writable
    from appsnap.keys.provenance import Provenance
    from appsnap.kinds import Document, Kind
    from appsnap.kinds.documents import LargeData, Progress
    from appsnap.limits import Limits
    from appsnap.recipe.carried import CarriedCode
    from appsnap.recipe.outline import Outline
    from appsnap.recipe.steps import Name, Recipe
    from appsnap.recipe.trust import Trust, Trusted
    from appsnap.snapshot.places import FilePath

__all__ = ["Snapshot", "unverified_facts"]


class Snapshot:
    """A snapshot that has been read, and whose objects aren't built. Nothing that it names has been imported.

    `layers` has `age` and `zstd`, the outer one first, or `legacy` for Twisted's old encryption. `size` is the size of
    the file in bytes, `weight` that of a compressed file without padding. `with_passphrase` is true where a passphrase
    opened a layer of age. `large` is the way in which large data was read: if it isn't held, the
    snapshot can only be looked at.
    """

    _is_strangers = False

    def __init__(
        self,
        document: Document,
        *,
        kind: Kind,
        layers: tuple[str, ...] = (),
        size: int = 0,
        weight: int | None = None,
        file: str = "",
        with_passphrase: bool = False,
        limits: Limits = LIMITS,
        large: LargeData = "held",
    ) -> None:
        self.document = document
        self._limits = limits
        self.kind = kind
        self.layers = layers
        self.size = size
        self._weight = weight
        self._file = file
        self.with_passphrase = with_passphrase
        self._large = large

    @functools.cached_property
    def name(self) -> str:
        """The name of the file, without folders."""
        return PurePath(self._file).name

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
    def prepares(self) -> Name | None:
        """The function that a load calls before it imports anything of the snapshot, or None. The header names it."""
        return None if self.header is None else self.header.prepares

    @property
    def is_trusted_as_a_whole(self) -> bool:
        """Whether a known key signed the snapshot, or a passphrase opened it.

        A snapshot isn't trusted if its writer noted that its objects come from an untrusted file. Raises AppsnapError
        where the files of keys can't be used.
        """
        return not self._is_strangers and self._provenance.is_trusted

    @property
    def most_output(self) -> int | None:
        """The characters that may be shown of the snapshot, or None if it is trusted as a whole."""
        with contextlib.suppress(AppsnapError):  # keys that can't be used vouch for nothing
            if self.is_trusted_as_a_whole:
                return None
        return FREE_OUTPUT + self._limits.output * self.size

    @property
    def provenance(self) -> str:
        """Who signed the snapshot, or why it isn't signed, in words."""
        return str(self._provenance)

    @property
    def _provenance(self) -> Provenance:
        trailer = self.document.trailer
        return documents.provenance_of(trailer, edited=self.edited, with_passphrase=self.with_passphrase)

    @functools.cached_property
    def outline(self) -> Outline:
        """The tree of paths and values."""
        from appsnap.recipe.outline import Outline  # noqa: PLC0415 - a load without errors doesn't need it

        return Outline(self.document.recipe, unverified=self.document.unverified)

    @property
    def unverified(self) -> int:
        """The number of arrays whose data nobody has verified, because it stayed in the file."""
        return len(self.document.unverified)

    @functools.cached_property
    def code(self) -> list[CarriedCode]:
        """The functions and classes that the snapshot carries as code."""
        return carried_code(self.document.recipe, self.outline)

    @functools.cached_property
    def names(self) -> list[Want]:
        """Every name that the snapshot uses, with its use and the first path that uses it.

        The function that the header names comes first. Its path is "the header".
        """
        from appsnap.recipe.trust import wants  # noqa: PLC0415 - `appsnap show` doesn't need it

        return wants(self.document.recipe, self.prepares)

    @functools.cached_property
    def obstacles(self) -> list[Obstacle]:
        """All that no trust in names allows, or only for some classes: each reason once, with its first path.

        If there is none, `load` needs no more than the grants of `names`.
        """
        from appsnap.recipe.trust import obstacles  # noqa: PLC0415 - as above

        return obstacles(self.document.recipe)

    def build(
        self,
        trust: Trusted | Trust = (),
        *,
        limits: Limits | None = None,
        copy: bool = True,
        code_from: str | None = None,
        notes: list[str] | None = None,
    ) -> Any:
        """Build the objects and return them. Raises the errors of `load`.

        `limits` are those that the snapshot was opened with, unless others are given. Without `copy`, the objects get
        the snapshot's own large bytearrays and arrays. Changes to them then change the snapshot. `notes` gets a line
        for each attribute that isn't as its class declares.
        """
        from appsnap.recipe.trust import EVERYTHING, Trust  # noqa: PLC0415 - as above

        self._check_held()
        limits = self._limits if limits is None else limits_of(limits)
        if code_from is not None:
            from appsnap.code.texts import version_of  # noqa: PLC0415 - few files need it

            code_from = version_of(code_from)
        trusted = trust if isinstance(trust, Trust) else Trust(trust)
        with naming(self._file):
            trusted = Trust(EVERYTHING) if self.is_trusted_as_a_whole else trusted
            return self._build(trusted, limits, copy, code_from, notes)

    def replacing(self, module: ModuleType) -> tuple[Snapshot, list[str]]:
        """Return the snapshot with the classes and functions of a script as it was run now, and what is gone.

        The module is that of the script. The code that the snapshot carries for the script gives way to it; the list
        has the names that the script has no more, whose code is kept. The new snapshot is trusted as this one is.
        """
        from appsnap.recipe.scripts import with_script  # noqa: PLC0415 - few snapshots have a script

        self._check_held()
        recipe, gone = with_script(self.document.recipe, module)
        return self._with(recipe), gone

    def moved(self, folders: Mapping[str, str], *, notes: list[str] | None = None) -> Snapshot:
        """Return the snapshot with files of some folders in others: `{"/home/a": "/srv/a"}`.

        These are the files that a load opens again. A path is moved if it begins with all parts of an old folder, or
        is the old path. The new snapshot is trusted as this one is. `notes` gets a line for each folder that has no
        such file.
        """
        from appsnap.recipe.moving import moved  # noqa: PLC0415 - few snapshots are moved

        self._check_held()
        recipe, used = moved(self.document.recipe, folders)
        if notes is not None:
            notes += [f"the snapshot has no open file in {as_path(folder)}" for folder in folders if folder not in used]
        return self._with(recipe)

    def with_our_services(self) -> tuple[Snapshot, list[str]]:
        """Return the snapshot with services of ours in the place of Twisted's, and the names of Twisted's that stay."""
        from appsnap.recipe.from_twisted import with_our_services  # noqa: PLC0415 - few snapshots are of Twisted's

        self._check_held()
        recipe, stayed = with_our_services(self.document.recipe)
        return self._with(recipe), stayed

    def _with(self, recipe: Recipe) -> Snapshot:
        """Return the snapshot with another recipe."""
        if recipe is self.document.recipe:
            return self
        old = self.document
        new = copy.copy(self)
        new.document = type(old)(old.header, old.trailer, lambda: recipe, edited=old.edited)
        for name in ("outline", "code", "names", "obstacles"):
            new.__dict__.pop(name, None)
        return new

    def as_strangers(self) -> Snapshot:
        """Return the snapshot without the trust that its signature or its passphrase gives."""
        new = copy.copy(self)
        new._is_strangers = True  # noqa: SLF001 - of this class
        return new

    def _check_held(self) -> None:
        if self._large != "held":
            raise RuntimeError("this snapshot was opened without its large data, to be looked at")

    def _build(self, trusted: Trust, limits: Limits, copy: bool, code_from: str | None, notes: list[str] | None) -> Any:
        try:
            if self.document.objects is not None and trusted.everything and notes is None:
                if self.prepares is not None:
                    from appsnap.recipe.preparing import prepare  # noqa: PLC0415 - few files name a function
                    from appsnap.recipe.trust.audit import Audited  # noqa: PLC0415 - as above

                    prepare(self.prepares, Audited())
                try:
                    return self.document.objects(copy=copy)
                except (AppsnapError, MemoryError):
                    raise
                except (Exception, SystemExit):  # noqa: BLE001, S110 - only the steps can do it, so the objects are made anew
                    pass
            from appsnap.recipe.build import build  # noqa: PLC0415 - pickles of one's own don't need it

            return build(
                self.document.recipe,
                trusted,
                limits,
                copy=copy,
                code_from=code_from,
                size=self._weight,
                edited=self.document.edited,
                notes=notes,
                prepare=self.prepares,
            )
        except CannotBuild as error:
            if self.document.line is not None and error.step is not None:
                error.args = (f"{error.args[0]}, in the statement of line {self.document.line(error.step)}",)
            _tell_distributions(self.document, error)
            raise
        except NotTrusted as error:
            # No trust in a key would help where its signature doesn't count.
            error.provenance = "" if self._is_strangers else self._provenance.why_not_trusted()
            error.hint = hints(error.provenance, error.hint)
            raise

    @property
    def _name_inside(self) -> str | None:
        """The name of the application, where no header has it."""
        root = self.outline.services_root
        name = self.outline.nodes[root].attributes.get("name") if isinstance(root, Ref) else None
        return name if isinstance(name, str) else None

    def save(
        self,
        path: FilePath | Writable,
        *,
        kind: Kind | None = None,
        passphrase: str | None = None,
        recipients: Iterable[str] = (),
        compress: bool = False,
        armor: bool = False,
        sign: bool = True,
        check: Callable[[Path], object] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write the snapshot to a file, in another kind or with other layers. Nothing is built.

        Without `kind`, the extension decides, and then the new file has the kind of the snapshot. The other arguments
        are those of `appsnap.save`. If the snapshot isn't trusted as a whole, the new file isn't signed, and notes the
        lack of trust.
        """
        from appsnap.recipe.services import without_running  # noqa: PLC0415 - most snapshots are only read
        from appsnap.snapshot.saving import by_name, signer, time_for  # noqa: PLC0415 - as above

        self._check_held()
        wrapping = Wrapping(passphrase, recipients, compress, armor)
        kind, wrapping = by_name(path, kind, wrapping, default=self.kind)
        old = self.header or Header(kind, self._name_inside)
        header = Header(kind, old.name, old.tag, old.prepare, time_for(kind))
        known = self.document.trailer
        seal = signer(sign=sign, trusted_as_a_whole=self.is_trusted_as_a_whole)
        recipe = without_running(self.document.recipe)
        most = self.most_output
        if most is not None and spelled(recipe) > most:
            raise over("output", self._limits.output, "the new file would be very much larger than the old one")
        pieces = kind_named(kind).write(header, recipe, known.distributions if known else {}, seal)
        places.write(path, layers.wrap(documents.counted(pieces, progress), wrapping), check=check)

    def lines(self, *, depth: int = 20, most: int | None = 50, way: str = "--all") -> Iterator[str]:
        """Yield the lines that `appsnap show` prints: at most so many levels, and parts of one list or the like.

        Where parts are left out, a line has the `way` to see them.
        """
        from appsnap.recipe.outline import counts_in_words, text_lines  # noqa: PLC0415 - as for `outline`

        yield self._summary()
        yield escaped(counts_in_words(self.outline, self.document.recipe.size))
        yield from map(escaped, text_lines(self.outline, depth=depth, most=most, way=way))

    def _summary(self) -> str:
        from appsnap.recipe.outline import quoted  # noqa: PLC0415 - as for `outline`

        words = [" in ".join([self.kind, *reversed(self.layers)]), f"{self.size:,} bytes"]
        if self.header is None:
            words.append(f"{'a bare pickle' if self.kind == 'pickle' else 'of Twisted'}, without header")
        else:
            if self.header.tag:
                words.append(f"tag {quoted(self.header.tag)}")
            if self.header.version:
                words.append(f"saved {self.header.time or ''} by appsnap {self.header.version}".replace("  ", " "))
                words.append(f"Python {self.header.python}")
            else:
                words.append("written by hand")
        if self.header is not None and self.header.prepare is not None:
            words.append(f"prepared by {shortened(self.header.prepare, 100)}")
        words += code_facts(self.code)
        words += unverified_facts(self.unverified)
        words.append(self.provenance)
        return escaped(f"{self.name or 'snapshot'}: " + ", ".join(words))

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._summary()}>"


def unverified_facts(arrays: int) -> list[str]:
    """Return the sentence about arrays whose data nobody has verified, or nothing."""
    return [f"data of {plural(arrays, 'array')} not verified"] if arrays else []


def _tell_distributions(document: Document, error: CannotBuild) -> None:
    """Add to the hint of an error which distributions had another version when the file was saved."""
    saved_with = document.trailer.distributions if document.trailer else {}
    # Each look at an installed distribution takes a moment, and a file has room for very many.
    first = itertools.islice(saved_with.items(), 1_000)
    others = [
        shortened(f"{as_word(name)} {as_word(version)}", 100)
        for name, version in first
        if installed_version(name) != version
    ]
    if others:
        error.hint = hints(error.hint, f"the file was saved with {', '.join(others[:50])}")
