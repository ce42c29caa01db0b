"""Every error of appsnap, under one base.

::

    AppsnapError                        exit code 1
     ├── CannotSave          TypeError  places in the objects that no file can hold
     ├── CannotLoad                     a file that can't be loaded as asked
     │    ├── Damaged        ValueError exit code 5: truncated, altered, or no snapshot at all
     │    ├── WrongKind      ValueError the kind asked for is unknown, or isn't what the file holds
     │    ├── NewerFormat               written by a later appsnap
     │    ├── NotTrusted                exit code 3: names that nobody agreed to
     │    └── CannotBuild               a step that failed: a class that is gone, a state that doesn't fit
     ├── PassphraseError     ValueError exit code 4: wrong, empty, missing, or given for a plain file
     └── ServiceError                   a service that failed to start: phase, path, type

`str(error)` is one line that can be printed, whatever it quotes of a file, and has no middle where that is very long;
`error.hint` says what to do next, or is empty; `error.exit_code` is what the command line returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from appsnap.printable import escaped, plural, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AppsnapError",
    "CannotBuild",
    "CannotLoad",
    "CannotSave",
    "Damaged",
    "NewerFormat",
    "NotTrusted",
    "PassphraseError",
    "Place",
    "ServiceError",
    "Want",
    "WrongKind",
]


MOST_NAMED = 100
"""How many of the names that a file wants are told at once, and put in one line, as what would allow them."""


class AppsnapError(Exception):
    """Base of every error that appsnap raises."""

    exit_code: ClassVar[int] = 1
    _longest: ClassVar[int] = 2_000
    """How many characters of a message are kept: it may quote a text of a file, or what Python says of one."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(escaped(shortened(message, self._longest)))
        self.hint = hint

    @property
    def hint(self) -> str:
        """What to do next, in one line that can be printed; or an empty text."""
        return self._hint

    @hint.setter
    def hint(self, text: str) -> None:
        self._hint = escaped(text)


@dataclass(frozen=True, slots=True)
class Place:
    """One object that can't be saved: where it is, what it is, why not, and what to do about it."""

    path: str
    type: str
    reason: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path} ({self.type}): {self.reason}; {self.advice}"


class CannotSave(AppsnapError, TypeError):
    """Objects that no snapshot can hold. `places` has them all."""

    _longest = 100_000

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = tuple(places)
        super().__init__(
            f"cannot save {plural(len(self.places), 'object')}: " + " | ".join(map(str, self.places)),
            hint='name such attributes in the class\'s __transient__, as in __transient__ = ("_socket",)',
        )


class CannotLoad(AppsnapError):
    """A file that can't be loaded as asked."""


class Damaged(CannotLoad, ValueError):
    """The bytes are truncated, altered, or no snapshot. `offset` is the byte at which that shows, if known."""

    exit_code = 5

    def __init__(self, message: str, *, offset: int | None = None, hint: str = "") -> None:
        super().__init__(message if offset is None else f"{message}, at byte {offset}", hint=hint)
        self.offset = offset


class WrongKind(CannotLoad, ValueError):
    """The kind asked for is unknown, or isn't what the file holds."""


class NewerFormat(CannotLoad):
    """The file has a format version that this appsnap doesn't know."""


@dataclass(frozen=True, slots=True)
class Want:
    """A name that a snapshot wants, for which use (`reference`, `create`, `call`), and the first path of it.

    What `carries_code` makes functions or classes from what the file holds.
    """

    name: str
    use: str
    path: str
    carries_code: bool = False

    @property
    def grant(self) -> str:
        """What has to stand in `trust` for it."""
        return f"call:{self.name}" if self.use == "call" else self.name

    def __str__(self) -> str:
        return f"{self.name} to {self.use} at {self.path}{' (it carries code)' if self.carries_code else ''}"


class NotTrusted(CannotLoad):
    """The snapshot wants names that nobody agreed to. `wants` has them all; nothing was imported, nothing was run.

    The message has the first ones. `provenance` says in words what is known of whoever signed it, if anybody did.
    """

    exit_code = 3
    _longest = 100_000
    provenance: str = ""

    def __init__(self, wants: Sequence[Want], *, message: str = "", hint: str = "") -> None:
        self.wants = tuple(wants)
        more = len(self.wants) - MOST_NAMED
        super().__init__(
            message
            or "not trusted: the file wants "
            + ", ".join(map(str, self.wants[:MOST_NAMED]))
            + (f", and {more:,} more" if more > 0 else ""),
            hint=hint,
        )


class CannotBuild(CannotLoad):
    """A step of the recipe failed. `path` is the place, `type` the class or function."""

    def __init__(self, path: str, type_: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"cannot build {path} ({type_}): {reason}", hint=hint)
        self.path = path
        self.type = type_


class PassphraseError(AppsnapError, ValueError):
    """The passphrase is wrong, empty, missing, or was given for a file that isn't encrypted."""

    exit_code = 4


class ServiceError(AppsnapError):
    """A service failed to start. `phase` is the method, `path` the service's place in its tree, `type` its class."""

    def __init__(self, phase: str, path: str, type_: str, error: BaseException) -> None:
        super().__init__(f"error in {phase} of {path} ({type_}): {type(error).__name__}: {error}")
        self.phase = phase
        self.path = path
        self.type = type_
