"""All errors of appsnap, under one base.

::

    AppsnapError                        exit code 1
     ├── CannotSave          TypeError  objects that no file can hold
     ├── Refused      PicklingError  one of these objects: a way to save raises this
     ├── CannotLoad                     a file that can't be loaded as asked
     │    ├── NoMemory       MemoryError no memory for something that the file announces
     │    ├── Damaged        ValueError exit code 5: truncated, altered, or no snapshot at all
     │    ├── NotInGrammar   ValueError exit code 6: source, with a line that isn't in its grammar
     │    ├── WrongKind      ValueError the kind asked for is unknown, or the file or its content is another
     │    │    └── UnknownExtension  KeyError  an extension that belongs to no kind
     │    ├── NewerFormat               written by a later appsnap
     │    ├── NotTrusted                exit code 3: the file uses names that aren't trusted
     │    └── CannotBuild               a step failed: a class is gone, a state doesn't fit
     ├── PassphraseError     ValueError exit code 4: wrong, empty, missing, or given for a plain file
     ├── PluginError                    a plugin that can't be used
     ├── ServiceError                   a service failed to start: phase, path, type
     └── Running                        another process holds the pidfile or the state

`str(error)` is one line of printable text, even if it quotes a hostile file. A very long one loses its middle.
`error.file` is the file that the error is about, and the begin of that line; or it is empty. `error.hint` names the
next thing to do, or is empty. It is a note of the exception, too, so a traceback shows it. `error.exit_code` is the
exit code of the command line.
"""

from __future__ import annotations

import contextlib
import itertools
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from appsnap import effects
from appsnap.printable import as_path, as_word, columns, escaped, in_words, plural, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "AppsnapError",
    "CannotBuild",
    "CannotLoad",
    "CannotSave",
    "Damaged",
    "NewerFormat",
    "NoMemory",
    "NotInGrammar",
    "NotTrusted",
    "Obstacle",
    "PassphraseError",
    "Place",
    "PluginError",
    "Refused",
    "Running",
    "ServiceError",
    "UnknownExtension",
    "Want",
    "WrongKind",
]


MOST_NAMED = 100
"""The most names that an error lists, and that a command in a hint allows."""


class AppsnapError(Exception):
    """Base of every error that appsnap raises."""

    exit_code: ClassVar[int] = 1
    file: str = ""
    _hint: str = ""
    _longest: ClassVar[int] = 2_000
    """The most characters of a message. It may quote a long text from a file."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(escaped(shortened(message, self._longest)))
        self.hint = hint

    def __str__(self) -> str:
        message = "".join(map(str, self.args))  # KeyError would quote it
        file = escaped(shortened(self.file, 1_000))
        # Some messages have the file as their subject.
        return f"{file}: {message}" if file and not message.startswith(f"{file} ") else message

    def __reduce__(self) -> Any:
        # The arguments of the subclasses are others than the message.
        return _made_again, (type(self), self.args), vars(self)

    @property
    def hint(self) -> str:
        """The next thing to do, in one line of printable text; or an empty text."""
        return self._hint

    @hint.setter
    def hint(self, text: str) -> None:
        notes = other_notes(self)
        self._hint = escaped(text)
        if self._hint:
            notes.append(f"{_HINT}{self._hint}")
        # A new list: a copy of the error may have the old one.
        self.__notes__ = notes

    def about(self, file: str) -> Self:
        """Note the file that the error is about, unless it is noted already."""
        self.file = self.file or file
        return self


_HINT = "hint: "


def _made_again(cls: type[AppsnapError], args: tuple[Any, ...]) -> AppsnapError:
    error = cls.__new__(cls)
    error.args = args
    return error


def other_notes(error: BaseException) -> list[str]:
    """Return the notes of an error without its hint."""
    notes: list[str] = getattr(error, "__notes__", [])
    hint = f"{_HINT}{error.hint}" if isinstance(error, AppsnapError) else ""
    return [note for note in notes if note != hint]


def hints(*texts: str | None) -> str:
    """Return hints as one: those that say something, one after the other."""
    return "; ".join(filter(None, texts))


@contextlib.contextmanager
def naming(file: str) -> Iterator[None]:
    """Note a file in the errors about loading it. An empty text notes nothing."""
    try:
        yield
    except (CannotLoad, PassphraseError) as error:
        error.about(file)
        raise


@dataclass(frozen=True, slots=True)
class Place:
    """One object that can't be saved: its path, its type, the reason, and advice."""

    path: str
    type: str
    reason: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path} ({self.type}): {self.reason}; {self.advice}"


class Refused(AppsnapError, pickle.PicklingError):
    """One object that can't be saved, for a reason that a way or a `__reduce__` gives, and advice for its owner.

    `CannotSave` has the path and the type, too. `obj` is the object, if it isn't the one that is taken apart.
    """

    def __init__(self, reason: str, advice: str, obj: Any = None) -> None:
        super().__init__(reason, hint=advice)
        self.advice = advice
        self.obj = obj


class CannotSave(AppsnapError, TypeError):
    """There are objects that no snapshot can hold. `places` has all of them."""

    _longest = 100_000

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = tuple(places)
        super().__init__(
            f"cannot save {plural(len(self.places), 'object')}: " + " | ".join(map(str, self.places)),
            hint='name these attributes in the class\'s __transient__, as in __transient__ = ("_socket",); for a class '
            'that isn\'t yours: appsnap.transient("package.Class", ("_socket",)), or another way (docs/ways.md)'
            if any("__transient__" in place.advice for place in places)
            else "",
        )


class CannotLoad(AppsnapError):
    """The file can't be loaded as asked."""


class NoMemory(CannotLoad, MemoryError):
    """There is no memory for something that the file announces. The file may be whole."""


class Damaged(CannotLoad, ValueError):
    """The bytes are truncated, altered, or no snapshot. `offset` is the place of the first wrong byte, if known."""

    exit_code = 5

    def __init__(self, message: str, *, offset: int | None = None, hint: str = "") -> None:
        super().__init__(message if offset is None else f"{message}, at byte {offset}", hint=hint)
        self.offset = offset


class NotInGrammar(CannotLoad, ValueError):
    """A source file has something that isn't in the grammar of source.

    `line` and `column` are its place, counted from 1, `offset` is the number of characters before it. `excerpt` has the
    line's text around it, and a caret below it.
    """

    exit_code = 6

    def __init__(self, message: str, text: str, at: int, *, hint: str = "") -> None:
        self.offset = at
        begin = text.rfind("\n", 0, at) + 1
        self.line = text.count("\n", 0, begin) + 1
        self.column = at - begin + 1
        super().__init__(f"line {self.line}, column {self.column}: {message}", hint=hint)
        # A line of a megabyte is cut around the place.
        first = max(begin, at - 60)
        before = ("…" if first > begin else "") + escaped(text[first:at])
        self.excerpt = (before + escaped(text[at : at + 60].partition("\n")[0]), " " * columns(before) + "^")
        self.add_note("\n".join(f"    {line}" for line in self.excerpt))


class WrongKind(CannotLoad, ValueError):
    """The kind asked for is unknown, or the file is of another kind, or it holds an object of another class."""


class UnknownExtension(WrongKind, KeyError):
    """The extension of a file belongs to no kind."""


class NewerFormat(CannotLoad):
    """The file has a later format than this appsnap reads."""


@dataclass(frozen=True, slots=True)
class Want:
    """A name that a snapshot uses, the use (`reference`, `create`, `call`), and the first path with that use.

    `carries_code` is true for a name that makes functions or classes from code in the file. An effect is a want, too:
    `use` is then `read`, `write`, `listen` or `database`, `name` the target, and `does` the verb: `"appends to"`.
    """

    name: str
    use: str
    path: str
    carries_code: bool = False
    does: str = ""

    @property
    def grant(self) -> str:
        """The entry of `trust` that allows it."""
        return self.name if self.use in ("reference", "create") else f"{self.use}:{self.name}"

    @property
    def words(self) -> str:
        """The use and the name in words: `shop.Web to create`, `appends to /var/log/shop.log`."""
        return f"{self.does} {as_path(self.name)}" if self.does else f"{as_word(self.name)} to {self.use}"

    def __str__(self) -> str:
        return f"{self.words} at {self.path}{' (it carries code)' if self.carries_code else ''}"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in a snapshot that no trust in names allows: its path, and the reason as a sentence about that.

    `depends_on` is a class, or empty. The snapshot loads all the same if that class has a `__setstate__`, and so takes
    its state as data.
    """

    path: str
    reason: str
    depends_on: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


class NotTrusted(CannotLoad):
    """The snapshot uses names that aren't trusted, or does something that no trust in names allows.

    `wants` has all of the names, `obstacles` the rest. Nothing was imported, unless an obstacle depends on a class. The
    message has the first ones. `provenance` tells in words who signed the snapshot, or is empty. `instead` tells how to
    do without the snapshot, where the user hasn't named it.
    """

    exit_code = 3
    _longest = 100_000
    provenance: str = ""
    instead: str = ""

    def __init__(
        self, wants: Sequence[Want], *, obstacles: Sequence[Obstacle] = (), message: str = "", hint: str = ""
    ) -> None:
        self.wants = tuple(wants)
        self.obstacles = tuple(obstacles)
        more = len(self.wants) - MOST_NAMED
        parts = [str(obstacle) for obstacle in self.obstacles[:MOST_NAMED]]
        # The effects stand at the end.
        for begin, group in itertools.groupby(self.wants[:MOST_NAMED], lambda want: "" if want.does else "wants "):
            parts.append(f"the file {begin}{', '.join(map(str, group))}")
        if more > 0:
            parts[-1] += f", and {more:,} more"
        super().__init__(message or f"not trusted: {'; '.join(parts)}", hint=hint)


class CannotBuild(CannotLoad):
    """A step of the recipe failed. `path` is its place, `type` its class or function, `step` its number, if known."""

    def __init__(self, path: str, type_: str, reason: str, *, hint: str = "", step: int | None = None) -> None:
        super().__init__(f"cannot build {path} ({type_}): {reason}", hint=hint)
        self.step = step
        self.path = path
        self.type = type_


class PassphraseError(AppsnapError, ValueError):
    """The passphrase is wrong, empty, missing, or was given for a file that isn't encrypted."""

    exit_code = 4


class PluginError(AppsnapError):
    """A plugin can't be used: it can't be imported, or makes no service. `plugin` is its name."""

    def __init__(self, plugin: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"cannot use plugin {as_word(plugin)}: {reason}", hint=hint)
        self.plugin = plugin
        self.reason = reason


class ServiceError(AppsnapError):
    """A service failed to start. `phase` is the method, `path` the service's place in its tree, `type` its class."""

    def __init__(self, phase: str, path: str, type_: str, error: BaseException) -> None:
        # Twisted's errors have ours as their cause.
        known = (one for one in (error, error.__cause__) if isinstance(one, AppsnapError | effects.CannotOpen))
        hint = next((one.hint for one in known), "")
        super().__init__(f"error in {phase} of {path} ({type_}): {in_words(error)}", hint=hint)
        self.phase = phase
        self.path = path
        self.type = type_


class Running(AppsnapError):
    """Another process holds the pidfile or the lock of the state. `process` is its id, or None if it is unknown."""

    def __init__(self, path: str, process: int | None) -> None:
        who = "another process" if process is None else f"process {process}"
        where = path.removesuffix("/lock")
        super().__init__(f"{who} is running, and holds {path}", hint=f"appsnap stop {where} ends it")
        self.process = process
