"""Objects in files with names by convention, like Twisted's `persisted.sob`. It stands on `appsnap.snapshot`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from appsnap.errors import AppsnapError, UnknownExtension
from appsnap.interfaces import IPersistable
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.extensions import naming_of
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from appsnap.files.streams import Readable, Writable
    from appsnap.kinds import Kind
    from appsnap.limits import Limits
    from appsnap.recipe.trust import Trusted
    from appsnap.snapshot.places import FilePath

__all__ = ["IPersistable", "Persistent", "guessType", "load", "loadValueFromFile"]


@implementer(IPersistable)
class Persistent:
    """Saves an object under a name: `NAME[-TAG].tap`, or `.tas`, `.tam`, `.tax`; `.etap` and so on if encrypted."""

    style: Kind = "pickle"

    def __init__(self, original: Any, name: str) -> None:
        self.original = original
        self.name = name

    def setStyle(self, style: Kind) -> None:
        """Set the kind of file. Raises WrongKind for an unknown kind."""
        kind_named(style)
        self.style = style

    def save(
        self,
        tag: str | None = None,
        filename: FilePath | Writable | None = None,
        passphrase: str | None = None,
        *,
        sign: bool = True,
    ) -> None:
        """Save to `filename`, or else to a file in the current folder that is named by name and tag.

        The kind is the style. Where the style is the default, the extension of `filename` decides, as it does for
        `appsnap.save`. The user's key signs the file unless `sign` is false.
        """
        # Imported late: services run without it.
        from appsnap import snapshot  # noqa: PLC0415

        target = self._filename(tag, encrypted=passphrase is not None) if filename in (None, "") else filename
        snapshot.save(self.original, target, kind=self._chosen, passphrase=passphrase, tag=tag or None, sign=sign)

    @property
    def _chosen(self) -> Kind | None:
        """The style, or None for the default that nobody has set."""
        return None if self.style == Persistent.style and "style" not in vars(self) else self.style

    def _filename(self, tag: str | None, *, encrypted: bool) -> str:
        stem = f"{self.name}-{tag}" if tag else self.name
        # The name may come from a snapshot, and a snapshot must not choose the folder of the next one.
        if not self.name or "\0" in stem or Path(stem).name != stem:
            raise AppsnapError(
                f"{stem!r} can't be the name of a file", hint="give the name of the file, as in save(filename=…)"
            )
        return f"{stem}.{'e' * encrypted}{kind_named(self.style).extension}"


def load(
    filename: FilePath | Readable,
    style: Kind,
    passphrase: str | None = None,
    *,
    trust: Trusted = (),
    limits: Limits = LIMITS,
) -> Any:
    """Load an object from a file of one kind. A persistable object then saves as that kind again.

    See `appsnap.load` for `trust` and `limits`. Raises CannotLoad or one of its subclasses, PassphraseError, OSError.
    """
    kind_named(style)
    from appsnap import snapshot  # noqa: PLC0415 - as above

    value = snapshot.load(filename, kind=style, passphrase=passphrase, trust=trust, limits=limits)
    persistable = IPersistable(value, None)
    # The method of the class: the file may set an attribute of this name to anything.
    set_style = getattr(type(persistable), "setStyle", None)
    if set_style is not None:
        set_style(persistable, style)
    return value


def loadValueFromFile(filename: str | os.PathLike[str], variable: str) -> Any:
    """Run a Python script, and return the value of a variable at its end. Raises CannotLoad, OSError."""
    from appsnap import script  # noqa: PLC0415 - as above

    return script.run(filename, variable)


def guessType(filename: str | os.PathLike[str]) -> str:
    """Return the kind of a file by its extension. Raises UnknownExtension for any other extension."""
    kind = naming_of(filename).kind
    if kind is None:
        raise UnknownExtension(
            f"the extension of {os.fspath(filename)!r} belongs to no kind",
            hint="name the kind: " + ", ".join([*KINDS, "python"]),
        )
    return kind
