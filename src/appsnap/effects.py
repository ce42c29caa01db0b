"""Effects: the files that a load opens, the addresses that it listens on, and the grants for them.

A grant in `trust` is the use and the target: `"read:/etc/shop/*"`, `"write:/var/lib/shop/*"`, `"listen:127.0.0.1:*"`,
`"database:memory"`. `write` includes `read`, and a database file is written. `/*` at the end stands for all that is
below a folder, and another path for itself alone. Links in the folder that a grant names are followed, once, when the
grant is made.

The path of an effect is compared after its `..` and its links are resolved: by the audit, and again by the opening
itself. That goes from folder to folder by descriptors and follows no link by itself, so that nobody can put another
folder or a link into the path meanwhile.

In a *trial*, a snapshot is loaded only to find out whether it can be. Then nothing is written, created or listened on.
"""

from __future__ import annotations

import contextlib
import contextvars
import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "CannotOpen",
    "Denied",
    "Effect",
    "Grants",
    "Use",
    "allowed",
    "check",
    "check_path",
    "granted",
    "is_grant",
    "is_limited",
    "is_trial",
    "on_path",
    "open_file",
    "trial",
    "walked",
]

Use = Literal["read", "write", "listen", "database"]

_DOES = {"read": "reads", "write": "writes", "listen": "listens on", "database": "opens a database in"}
_LONGEST = 4_096
"""The longest path of Linux."""

_MOST_LINKS = 40
"""The links that Linux follows in one path."""


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect: its use and its target, which are those of a grant, and the words for both: `appends to /a.log`."""

    use: Use
    target: str
    does: str = ""
    """The verb, if it says more than the use: `"appends to"`."""

    @property
    def grant(self) -> str:
        """The entry of `trust` that allows it."""
        return f"{self.use}:{self.target}"

    @property
    def verb(self) -> str:
        """The verb of the sentence about it."""
        return self.does or _DOES[self.use]

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"


class Denied(Exception):
    """An effect that isn't granted, and the path that was asked for."""

    def __init__(self, effect: Effect, asked: str = "") -> None:
        super().__init__(effect, asked)
        self.effect = effect
        self.asked = asked


class CannotOpen(OSError):
    """A file that a snapshot had open can't be opened. `hint` says how to open another one in its place."""

    @property
    def hint(self) -> str:
        """The way to give another path."""
        folder, name = os.path.split(self.filename)
        old, new = (folder, "/NEW") if folder else (name, f"/NEW/{name}")
        return f"if it is in another folder now: open_snapshot(FILE).moved({{{old!r}: {new!r}}}).build()"


def on_path(use: Use, path: object, does: str = "") -> Effect:
    """Return an effect on a file, with its path resolved from the current folder. Raises ValueError for a bad path."""
    real = os.path.realpath(check_path(path))
    if "*" in real:
        raise ValueError("a path with a * in it can't be granted")
    return Effect(use, real, does)


def check_path(path: object) -> str:
    """Return a path in a file. Raises ValueError unless it may be that of a file."""
    if type(path) is not str:
        raise ValueError("a path has to be a text")
    if not path or "\0" in path:
        raise ValueError("a path is empty, or has a NUL in it")
    if len(path) > _LONGEST:
        raise ValueError(f"a path has more than {_LONGEST:,} characters")
    return path


# Grants


def is_grant(text: str) -> bool:
    """Tell whether a text in `trust` is about an effect."""
    return text.partition(":")[0] in get_args(Use) and ":" in text


class Grants:
    """The effects that a caller allows. Raises ValueError for a text of another form."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._exact: set[tuple[str, str]] = set()
        self._below: set[tuple[str, str]] = set()
        for text in texts:
            use, _, target = text.partition(":")
            if use in ("read", "write") or (use == "listen" and target.startswith("/")):
                self._add_path(text, use, target)
            elif use == "listen":
                self._add_address(text, target)
            elif target != "memory":
                raise ValueError(f"{text!r} is no effect to trust: write 'database:memory', or 'write:/…' for a file")
            else:
                self._exact.add((use, target))

    def _add_path(self, text: str, use: str, path: str) -> None:
        reason = ""
        if not path.startswith("/"):
            reason = f"the path has to be absolute, as in {f'{use}:{os.path.abspath(path)}'!r}"  # noqa: PTH100 - a text
        elif ".." in path.split("/"):
            reason = "'..' may lead anywhere if a folder is a link: write the path without it"
        elif "\0" in path:
            reason = "the path has a NUL in it"
        elif "*" in path.removesuffix("/*"):
            reason = "* stands only at the end, after a /, for all that is below a folder"
        if reason:
            raise ValueError(f"{text!r} is no effect to trust: {reason}")
        folder, name = (path[:-2], "") if path.endswith("/*") else os.path.split(os.path.normpath(path))
        real = os.path.realpath(folder or "/")
        # The path as it stands counts, too: a folder may become a link only later, and then it isn't followed.
        for one in {os.path.normpath(folder or "/").replace("//", "/"), real}:
            at = "" if one == "/" else one
            if name:
                self._exact.add((use, f"{at}/{name}"))
            else:
                self._below.add((use, f"{at}/"))

    def _add_address(self, text: str, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not host or "*" in host or not (port == "*" or (port.isdecimal() and port.isascii())):
            raise ValueError(
                f"{text!r} is no effect to trust: write 'listen:127.0.0.1:8000', or 'listen:127.0.0.1:*' for all ports"
            )
        if port == "*":
            self._below.add(("listen", f"{host}:"))
        else:
            self._exact.add(("listen", address))

    def allow(self, effect: Effect) -> bool:
        """Tell whether an effect is allowed."""
        uses = ("read", "write") if effect.use == "read" else (effect.use,)
        for use in uses:
            if (use, effect.target) in self._exact:
                return True
            for other, begin in self._below:
                if use == other and effect.target.startswith(begin) and effect.target != begin:
                    # No host ends with a colon and more: the rest is the port alone.
                    return use != "listen" or begin.startswith("/") or effect.target[len(begin) :].isdecimal()
        return False


# The load under way

_granted: contextvars.ContextVar[Grants | None] = contextvars.ContextVar("_granted", default=None)
_trial: contextvars.ContextVar[bool] = contextvars.ContextVar("_trial", default=False)


@contextlib.contextmanager
def allowed(grants: Grants | None) -> Iterator[None]:
    """Allow only these effects while objects are built. None allows all, for a file that is trusted as code."""
    token = _granted.set(grants)
    try:
        yield
    finally:
        _granted.reset(token)


@contextlib.contextmanager
def trial() -> Iterator[None]:
    """Make all loads trials."""
    token = _trial.set(True)
    try:
        yield
    finally:
        _trial.reset(token)


def is_trial() -> bool:
    """Tell whether the load under way is a trial."""
    return _trial.get()


def is_limited() -> bool:
    """Tell whether the load under way is that of a stranger's file."""
    return _granted.get() is not None


def granted() -> Grants | None:
    """Return the effects that the load under way may have, or None for all."""
    return _granted.get()


def check(effect: Effect) -> None:
    """Check that the load under way may have an effect that isn't on a path. Raises Denied."""
    grants = _granted.get()
    if grants is not None and not grants.allow(effect):
        raise Denied(effect)


def open_file(path: str, flags: int, mode: int = 0o666) -> int:
    """Open a file for the load under way, and return its descriptor. It is an `opener` for `open`.

    Nothing is truncated, and it is no error that a file is there already. A stranger's load opens regular files alone.

    In a trial, a regular file is opened for reading at most. The null device stands for all that is only written, for
    pipes and devices, and for a file that this process may not read: another process may have opened it before it
    dropped its privileges.

    Raises Denied, and CannotOpen.
    """
    try:
        return _open(path, flags, mode)
    except OSError as error:
        raise CannotOpen(error.errno, error.strerror, path) from None


def _open(path: str, flags: int, mode: int) -> int:
    flags = flags & ~(os.O_TRUNC | os.O_EXCL) | os.O_CLOEXEC
    access = flags & os.O_ACCMODE
    use: Use = "read" if access == os.O_RDONLY else "write"
    if not is_trial():
        if _granted.get() is None:
            return _checked(_check_no_folder, os.open(path, flags, mode))
        with walked(path, use) as (folder, name):
            return _open_regular(name, flags, mode, folder)
    with walked(path, use) as (folder, name):
        if access != os.O_WRONLY:
            try:
                return _open_regular(name, os.O_RDONLY | os.O_CLOEXEC, 0, folder)
            except FileNotFoundError:
                if not flags & os.O_CREAT:
                    raise
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EPERM, errno.EINVAL):
                    raise
    return os.open(os.devnull, access | os.O_CLOEXEC)


def _open_regular(name: str, flags: int, mode: int, folder: int) -> int:
    # To open a pipe may take for ever, and to open a device may change something.
    with contextlib.suppress(FileNotFoundError):
        _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, mode, dir_fd=folder)
    return _checked(_check_regular, descriptor)


def _checked(check: Callable[[int], None], descriptor: int) -> int:
    try:
        check(os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_no_folder(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def _check_regular(mode: int) -> None:
    _check_no_folder(mode)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file")


_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@contextlib.contextmanager
def walked(path: str, use: Use) -> Iterator[tuple[int, str]]:
    """Go to the folder of a file, and check that the load under way may use the file there.

    The context has a descriptor of the folder, and the name of the file in it, to be opened with `O_NOFOLLOW`. Raises
    Denied, and OSError.
    """
    waiting = _parts(os.path.join(os.getcwd(), path))  # noqa: PTH109, PTH118 - a path may end with a slash
    folders = [(os.open("/", _FOLDER), "")]
    links = 0
    try:
        while True:
            name = waiting.pop() if waiting else ".."
            if name == "..":
                if not waiting:
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
                if len(folders) > 1:
                    os.close(folders.pop()[0])
                continue
            target = _target(name, folders[-1][0])
            if target is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                while target.startswith("/") and len(folders) > 1:
                    os.close(folders.pop()[0])
                waiting += _parts(target)
            elif waiting:
                folders.append((os.open(name, _FOLDER, dir_fd=folders[-1][0]), name))
            else:
                break
        real = "/".join([*(part for _, part in folders), name])
        grants = _granted.get()
        if grants is not None and not grants.allow(Effect(use, real)):
            raise Denied(Effect(use, real), path)
        yield folders[-1][0], name
    finally:
        for folder, _ in folders:
            os.close(folder)


def _parts(path: str) -> list[str]:
    """Return the parts of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _target(name: str, folder: int) -> str | None:
    """Return the target of a link, or None for all that is no link."""
    try:
        return os.readlink(name, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return None
