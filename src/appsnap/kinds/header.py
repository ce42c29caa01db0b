"""What a snapshot says of itself: the header before its body, the trailer behind it. Plain data."""

from __future__ import annotations

import datetime as dt
import functools
import os
import platform
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from appsnap._version import __version__
from appsnap.errors import AppsnapError, Damaged, NewerFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Seal = Callable[[str, dict[str, Any]], dict[str, Any]]
    """From a kind and the trailer's fields so far to those that end it: the signature."""

__all__ = ["FORMAT", "Header", "Trailer", "distributions_of", "installed_version", "now"]

FORMAT = 1
"""The number of the format.

Raise it when a reader of the old number would misread a new file; then add a golden file of the new number to
`fixtures/`, and keep the reader of the old one. A new field that old readers may ignore doesn't raise it.
"""


@dataclass(frozen=True, slots=True)
class Header:
    """The header. `time` is UTC as `YYYY-MM-DDTHH:MM:SSZ`, and None in what must be equal for equal objects."""

    kind: str
    name: str | None = None
    tag: str | None = None
    time: str | None = None
    python: str = field(default_factory=platform.python_version)
    version: str = __version__
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Return the header as it stands in a file: the key `appsnap` with the format's number comes first."""
        fields = asdict(self)
        return {"appsnap": fields.pop("format"), **{key: value for key, value in fields.items() if value is not None}}

    @classmethod
    def from_dict(cls, fields: Any, kind: str) -> Header:
        """Return the header of a file of this kind.

        Raises Damaged where it is none, or another kind's; NewerFormat where its number is too high.
        """
        if not isinstance(fields, dict) or type(fields.get("appsnap")) is not int:
            raise Damaged("no header of a snapshot")
        if fields["appsnap"] < 1:
            raise Damaged("the header of the snapshot has no number of a format")
        if fields["appsnap"] > FORMAT:
            raise NewerFormat(
                f"written in format {min(fields['appsnap'], 10**9)}; this appsnap ({__version__}) reads up to {FORMAT}",
                hint="install a newer appsnap",
            )
        rest = {key: value for key, value in fields.items() if key in cls.__slots__ and key != "format"}
        if rest.get("kind") != kind or not all(isinstance(value, str) for value in rest.values()):
            raise Damaged(f"the header is none of a {kind} snapshot")
        return cls(format=fields["appsnap"], **{"python": "", "version": "", **rest})


@dataclass(frozen=True, slots=True)
class Trailer:
    """The trailer. `sha256` is of all bytes of the document before it but those of the buffers.

    `buffers` are the checksums of these, if there are any. `steps` counts the recipe (None: unknown).
    `distributions` maps the installed distributions that the names in the recipe come from to their versions.
    `restored` and `left_out` are the pickle kind's. `vouched` is False where the document was made from one that nobody
    vouched for, and who wrote it doesn't, either. `signer` is the key whose signature has been verified.
    """

    sha256: str
    buffers: list[str] | None = None
    steps: int | None = None
    distributions: dict[str, str] = field(default_factory=dict)
    restored: list[str] | None = None
    left_out: dict[str, str] | None = None
    vouched: bool | None = None
    signer: str | None = None

    def to_dict(self, kind: str, seal: Seal | None) -> dict[str, Any]:
        """Return the trailer as it stands in a file of this kind, sealed if something seals it."""
        fields = {key: value for key, value in asdict(self).items() if value is not None}
        return fields if seal is None else {**fields, **seal(kind, fields)}

    @classmethod
    def from_dict(cls, fields: Any, kind: str, sha256: str, buffers: Sequence[str] | None = ()) -> Trailer:
        """Return the trailer of a file.

        Raises Damaged where it is none, its checksum isn't `sha256`, those of the buffers aren't `buffers` (None: these
        aren't known), or its signature is wrong.
        """
        if not isinstance(fields, dict) or not isinstance(fields.get("sha256"), str):
            raise Damaged("no trailer of a snapshot", hint="the file is truncated, or something was added to it")
        if fields["sha256"] != sha256:
            raise Damaged("the checksum is wrong", hint="the file was altered; take another copy of it")
        sums = fields.get("buffers", [])
        if buffers is not None and sums != [*buffers]:
            raise Damaged("the checksum of a buffer is wrong", hint="the file was altered; take another copy of it")
        steps, distributions = fields.get("steps"), fields.get("distributions", {})
        restored, left_out, vouched = fields.get("restored"), fields.get("left_out"), fields.get("vouched")
        maps = [distributions, {} if left_out is None else left_out]
        if (
            type(steps) not in (int, type(None))
            or not 0 <= (steps or 0) < 1 << 63
            or not isinstance(restored, (list, type(None)))
            or not isinstance(sums, list)
            or not isinstance(vouched, (bool, type(None)))
            or not all(isinstance(texts, dict) for texts in maps)
            or not all(isinstance(text, str) for texts in maps for text in (*texts, *texts.values()))
            or not all(isinstance(text, str) for text in (*(restored or ()), *sums))
        ):
            raise Damaged("the trailer of the snapshot has fields of the wrong type")
        signer = None
        if "signature" in fields:
            from appsnap.keys.signatures import signer_of  # noqa: PLC0415 - what is unsigned has no need of it

            signer = signer_of(kind, fields)
        return cls(sha256, sums or None, steps, distributions, restored, left_out, vouched, signer)


def now() -> str:
    """Return the time of a save: that of SOURCE_DATE_EPOCH (seconds since 1970) if it is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = dt.datetime.now(dt.UTC) if epoch is None else dt.datetime.fromtimestamp(int(epoch), dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise AppsnapError(f"SOURCE_DATE_EPOCH is no number of seconds since 1970: {epoch!r:.60}") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def distributions_of(modules: Iterable[str]) -> dict[str, str]:
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


def installed_version(distribution: str) -> str | None:
    """Return the version of a distribution that is installed, or None."""
    from importlib import metadata  # noqa: PLC0415 - only where something went wrong

    try:
        return metadata.version(distribution)
    except (metadata.PackageNotFoundError, ValueError):  # what stands in a file may be no name at all
        return None
