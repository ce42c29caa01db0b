"""Header and trailer: the plain data before and behind the body of a document."""

from __future__ import annotations

import datetime as dt
import functools
import os
import re
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from appsnap._version import __version__
from appsnap.errors import AppsnapError, Damaged, NewerFormat
from appsnap.recipe.steps import Name, check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.metadata import Distribution

    Signer = Callable[[str, dict[str, Any]], dict[str, Any]]
    """A function from a kind and the fields of a trailer to its last fields, which hold the signature."""

__all__ = ["FORMAT", "Header", "Trailer", "distributions_of", "function_of", "installed_version", "now"]

FORMAT = 1
"""The number of the format.

Raise it when a reader of the old number would misread a new file; then add a golden file of the new number to
`fixtures/`, and keep the reader of the old one. A new field that old readers may ignore doesn't raise it.
"""


_PLAIN = re.compile("[0-9A-Za-z.+:-]{1,40}")


def _python_version() -> str:
    import platform  # noqa: PLC0415 - only to write

    return platform.python_version()


@dataclass(frozen=True, slots=True)
class Header:
    """The header.

    `prepare` is the function (`shop.setup:prepare`) that a load calls before it imports anything of the file. `time`
    is UTC as `YYYY-MM-DDTHH:MM:SSZ`. It is None if equal objects have to give equal documents.
    """

    kind: str
    name: str | None = None
    tag: str | None = None
    prepare: str | None = None
    time: str | None = None
    python: str = field(default_factory=_python_version)
    version: str = __version__
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Return the header as it stands in a file. The first key is `appsnap`, with the number of the format."""
        fields = asdict(self)
        return {"appsnap": fields.pop("format"), **{key: value for key, value in fields.items() if value is not None}}

    @property
    def prepares(self) -> Name | None:
        """The name of the function that prepares a load, or None."""
        return None if self.prepare is None else function_of(self.prepare)

    @classmethod
    def from_dict(cls, fields: Any, kind: str) -> Header:
        """Return the header of a file of this kind.

        Raises Damaged for a malformed header and for one of another kind, NewerFormat for a number that is too high.
        """
        if not isinstance(fields, dict) or type(fields.get("appsnap")) is not int:
            raise Damaged("the header of a snapshot is missing")
        if fields["appsnap"] < 1:
            raise Damaged("the number of the format is missing")
        if fields["appsnap"] > FORMAT:
            raise NewerFormat(
                f"written in format {min(fields['appsnap'], 10**9)}; this appsnap ({__version__}) reads up to {FORMAT}",
                hint="install a newer appsnap",
            )
        rest = {key: value for key, value in fields.items() if key in cls.__slots__ and key != "format"}
        if rest.get("kind") != kind or not all(isinstance(value, str) for value in rest.values()):
            raise Damaged(f"malformed header, or not that of a {kind} snapshot")
        if not all(_PLAIN.fullmatch(rest[key]) for key in ("python", "version", "time") if key in rest):
            # These stand among our own words.
            raise Damaged("the header has a version or a time that is none")
        if "prepare" in rest:
            try:
                function_of(rest["prepare"])
            except ValueError as error:
                raise Damaged(f"malformed header: {error}") from None
        return cls(format=fields["appsnap"], **{"python": "", "version": "", **rest})


@dataclass(frozen=True, slots=True)
class Trailer:
    """The trailer of a document.

    `sha256` is the checksum of the bytes before the trailer, without large data. `buffers` are the checksums of the
    large data, if there is any. `steps` is the length of the recipe, and None if it is unknown. `distributions` are the
    installed distributions of the names in the recipe, with their versions. `restored_by_call` and `transient_digests`
    are fields of the pickle kind. `vouched` is False if the document was made from one that wasn't trusted as a whole.
    `signer` is the key of the signature, which has been verified.
    """

    sha256: str
    buffers: list[str] | None = None
    steps: int | None = None
    distributions: dict[str, str] = field(default_factory=dict)
    restored_by_call: list[str] | None = None
    transient_digests: dict[str, str] | None = None
    vouched: bool | None = None
    signer: str | None = None

    def to_dict(self, kind: str, sign: Signer | None) -> dict[str, Any]:
        """Return the trailer as it stands in a file of this kind. `sign` adds the signature, if there is one."""
        fields = {key: value for key, value in asdict(self).items() if value is not None}
        return fields if sign is None else {**fields, **sign(kind, fields)}

    @classmethod
    def from_dict(cls, fields: Any, kind: str, sha256: str, buffers: Sequence[str] | None = ()) -> Trailer:
        """Return the trailer of a file.

        Raises Damaged for a malformed trailer, for a checksum other than `sha256`, for checksums of large data other
        than `buffers` (None: they are unknown), and for a wrong signature.
        """
        if not isinstance(fields, dict) or not isinstance(fields.get("sha256"), str):
            raise Damaged(
                "the trailer of a snapshot is missing", hint="the file is truncated, or something was added to it"
            )
        if fields["sha256"] != sha256:
            raise Damaged("the checksum is wrong", hint="the file was altered; take another copy of it")
        sums = fields.get("buffers", [])
        if buffers is not None and sums != [*buffers]:
            raise Damaged("the checksum of large data is wrong", hint="the file was altered; take another copy of it")
        steps, distributions = fields.get("steps"), fields.get("distributions", {})
        by_call, digests, vouched = (fields.get(key) for key in ("restored_by_call", "transient_digests", "vouched"))
        maps = [distributions, {} if digests is None else digests]
        if (
            type(steps) not in (int, type(None))
            or not 0 <= (steps or 0) < 1 << 63
            or not isinstance(by_call, (list, type(None)))
            or not isinstance(sums, list)
            or not isinstance(vouched, (bool, type(None)))
            or not all(isinstance(texts, dict) for texts in maps)
            or not all(isinstance(text, str) for texts in maps for text in (*texts, *texts.values()))
            or not all(isinstance(text, str) for text in (*(by_call or ()), *sums))
        ):
            raise Damaged("the trailer of the snapshot has fields of the wrong type")
        signer = None
        if "signature" in fields:
            from appsnap.keys.signatures import signer_of  # noqa: PLC0415 - unsigned files do not need it

            signer = signer_of(kind, fields)
        return cls(sha256, sums or None, steps, distributions, by_call, digests, vouched, signer)


def function_of(text: str) -> Name:
    """Return the name of a function that is written as `shop.setup:prepare`. Raises ValueError for another form."""
    module, _, qualname = text.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *qualname.split("."))):
        raise ValueError(f"{text!r:.100} is no function: it is written as MODULE:FUNCTION")
    check_name(module, qualname)
    return Name(module, qualname)


def now() -> str:
    """Return the time of a save: SOURCE_DATE_EPOCH (seconds since 1970) if it is set, else the present time."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = dt.datetime.now(dt.UTC) if epoch is None else dt.datetime.fromtimestamp(int(epoch), dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise AppsnapError(f"SOURCE_DATE_EPOCH has to be a number of seconds since 1970, not {epoch!r:.60}") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def distributions_of(modules: Iterable[str]) -> dict[str, str]:
    """Return the installed distributions of modules, with their versions."""
    tops = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"__main__", "appsnap"}
    if not tops:
        return {}
    from importlib import metadata  # noqa: PLC0415 - few commands save

    found = {owner.metadata["Name"] for top in tops for owner in _owners().get(top, ())}
    return {name: metadata.version(name) for name in sorted(found)}


@functools.cache
def _owners() -> dict[str, list[Distribution]]:
    """Return the installed distributions by the top-level modules in them, as `metadata.packages_distributions` does.

    That takes ten times as long: it parses each line about a file, and the metadata of each distribution.
    """
    from importlib import metadata  # noqa: PLC0415 - few commands save

    owners: dict[str, list[Distribution]] = {}
    for distribution in metadata.distributions():
        declared = distribution.read_text("top_level.txt")
        for top in declared.split() if declared else _tops(distribution.read_text("RECORD") or ""):
            owners.setdefault(top, []).append(distribution)
    return owners


def _tops(record: str) -> set[str]:
    """Return the top-level modules in a list of files: a path, a digest and a size on each line."""
    paths = (line.lstrip('"').partition(",")[0] for line in record.splitlines())
    parts = (path.partition("/") for path in paths if path.endswith((".py", ".so")))
    return {folder if slash else folder.partition(".")[0] for folder, slash, _ in parts}


def installed_version(distribution: str) -> str | None:
    """Return the version of a distribution, or None if it is not installed."""
    from importlib import metadata  # noqa: PLC0415 - only after an error

    try:
        return metadata.version(distribution)
    except (metadata.PackageNotFoundError, ValueError):  # a text of a file may be malformed as a name
        return None
