"""The folder of a state: the generations of an application, its status, and the lock.

A *generation* is a snapshot in the folder. Its name is that of the application, a number that only grows, and the
extension of its kind: `shop-00000012.tap`.

A user who may write to the folder may put anything there. So no link is followed, and nothing but the folder itself
changes its owner.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from appsnap.errors import AppsnapError
from appsnap.kinds import KINDS, kind_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from appsnap.kinds import Kind

__all__ = ["LOCK", "STATUS", "Generation", "Generations"]

LOCK = "lock"
STATUS = "status.json"

_EXTENSIONS = "|".join(f"e?{kind_named(kind).extension}" for kind in KINDS)
_GENERATION = re.compile(rf"(?P<name>.+)-(?P<number>[0-9]{{8,}})\.(?:{_EXTENSIONS})", re.DOTALL)
_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{32}\.appsnap-tmp", re.DOTALL)
_LONGEST = 50
"""Characters of an application's name in the names of its files. A file name has at most 255 bytes."""

_MOST = 1 << 20
"""Bytes of a status that are read."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation: its number, its file name, and the path of the file."""

    number: int
    name: str
    path: Path


class Generations:
    """The folder of a state. It is made if it isn't there, unless `make` is false. Raises OSError.

    `keep` is the number of generations that stay when a new one is in place.
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 5, *, make: bool = True) -> None:
        self.folder = Path(folder).absolute()
        self.keep = keep
        if make:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._is_new = False
        name = self.folder.name or "/"
        parent = os.open(self.folder.parent, _FOLDER)
        try:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=parent)
                    self._is_new = True
            self._fd = os.open(name, _FOLDER | os.O_NOFOLLOW * self._is_new, dir_fd=parent)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.folder)) from error
        finally:
            os.close(parent)

    @property
    def is_private(self) -> bool:
        """Whether only the user of this process can write to the folder."""
        found = os.fstat(self._fd)
        return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

    def check_writer(self, uid: int) -> None:
        """Check that a user's files belong here. Raises AppsnapError: the owner of the folder could not read root's."""
        owner = os.fstat(self._fd).st_uid
        if os.geteuid() == 0 and owner not in (0, uid):
            raise AppsnapError(
                f"{self.folder} belongs to user {owner}, who could not read what user {uid} writes there",
                hint=f"--uid {owner} starts it as that user",
            )

    def close(self) -> None:
        """Close the folder."""
        os.close(self._fd)

    @property
    def lock_path(self) -> Path:
        """The path of the lock."""
        return self.folder / LOCK

    def list(self) -> list[Generation]:
        """Return the generations, the newest first. Links are none."""
        found = []
        with os.scandir(self._fd) as entries:
            for entry in entries:
                match = _GENERATION.fullmatch(entry.name)
                if match is not None and entry.is_file(follow_symlinks=False):
                    found.append(self._named(int(match["number"]), entry.name))
        return sorted(found, key=lambda one: (one.number, one.name), reverse=True)

    def _names(self) -> Iterable[str]:
        return os.listdir(self._fd)  # noqa: PTH208 - a descriptor has no Path

    def _named(self, number: int, name: str) -> Generation:
        return Generation(number, name, self.folder / name)

    def next(self, name: str | None, kind: Kind, *, encrypted: bool = False) -> Generation:
        """Return the generation to write next. Its number is greater than all that are in names in the folder."""
        numbers = [int(match["number"]) for match in map(_GENERATION.fullmatch, self._names()) if match]
        number = max(numbers, default=0) + 1
        extension = f"{'e' * encrypted}{kind_named(kind).extension}"
        return self._named(number, f"{safe_name(name)}-{number:08d}.{extension}")

    def open(self, generation: Generation) -> BinaryIO:
        """Open a generation to read it. Its name may have been given to something else meanwhile. Raises OSError."""

        def opener(_: str, flags: int) -> int:
            fd = os.open(generation.name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._fd)
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
                raise AppsnapError(f"{generation.path} is no file any more")
            return fd

        return open(generation.path, "rb", buffering=0, opener=opener)

    def prune(self, since: int = 0) -> None:
        """Remove all but the newest generations. Those with a number below `since` stay."""
        for generation in [one for one in self.list() if one.number >= since][self.keep :]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(generation.name, dir_fd=self._fd)

    def remove_leftovers(self) -> None:
        """Remove temporary files of saves that were killed. Only the process that holds the lock may do so."""
        for name in self._names():
            if _TEMPORARY.fullmatch(name):
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=self._fd)

    def size_of(self, generation: Generation) -> int:
        """Return the size of a generation in bytes."""
        return os.stat(generation.name, dir_fd=self._fd, follow_symlinks=False).st_size

    def give_to(self, uid: int, gid: int) -> None:
        """Give the folder to a user, unless it is theirs.

        Raises AppsnapError for a folder with other files in it, and for one that another user may have put in its place
        by a link: it may be any folder of the system.
        """
        found = os.fstat(self._fd)
        if (found.st_uid, found.st_gid) == (uid, gid):
            return
        if found.st_uid != uid and not self._is_new and not _is_fixed(self.folder):
            raise AppsnapError(
                f"another user may have put {self.folder} there, so it isn't given to user {uid}",
                hint=f"chown {uid}:{gid} {shlex.quote(str(self.folder))}",
            )
        foreign = [name for name in self._names() if not _is_ours(name)]
        if foreign:
            raise AppsnapError(
                f"{self.folder} has other files in it, as {foreign[0]}, so it isn't given to user {uid}",
                hint="name an empty folder, or one that belongs to that user",
            )
        os.fchown(self._fd, uid, gid)

    # The status

    def read_status(self) -> dict[str, Any]:
        """Return the last status, or an empty one if there is none that can be read."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            fd = os.open(STATUS, os.O_RDONLY | _FLAGS, dir_fd=self._fd)
            with os.fdopen(fd, "rb") as file:
                status = json.loads(file.read(_MOST))
            json.dumps(status, allow_nan=False)  # others read it as JSON, which has no such numbers
            if isinstance(status, dict):
                return status
        return {}

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Write a status. Raises OSError.

        On a full disk the new one is written over the old one, which has room enough: it says that the disk is full.
        """
        data = json.dumps(status).encode()
        data += b" " * (-len(data) % _ROOM)
        temporary = f".{STATUS}.{secrets.token_hex(16)}.appsnap-tmp"
        try:
            try:
                _write_new(temporary, data, self._fd)
                os.rename(temporary, STATUS, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=self._fd)
        except OSError:
            if not self._write_over(data):
                raise

    def _write_over(self, data: bytes) -> bool:
        try:
            fd = os.open(STATUS, os.O_RDWR | _FLAGS, dir_fd=self._fd)
        except OSError:
            return False
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size < len(data):
                return False
            return os.pwrite(fd, data.ljust(found.st_size), 0) == found.st_size
        except OSError:
            return False
        finally:
            os.close(fd)


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_ROOM = 4096
"""The size of a status, or the multiples that it has: a page, so that a longer one fits in its place."""


def _write_new(name: str, data: bytes, folder: int) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=folder)
    with os.fdopen(fd, "wb", buffering=0) as file:
        if file.write(data) != len(data):
            raise OSError(28, os.strerror(28), STATUS)


def safe_name(name: str | None) -> str:
    """Return the name of an application as a part of a file name. It may be `../../etc/x`, or missing."""
    return re.sub(r"[^\w.-]+", "_", name or "").strip("._-")[:_LONGEST].rstrip("._-") or "application"


def _is_fixed(folder: Path) -> bool:
    """Tell whether a path leads through no link, and only through folders of root and of this user."""
    above = [one.stat() for one in folder.parents]
    return folder == folder.resolve() and all(
        one.st_uid in (0, os.geteuid())
        and (one.st_mode & stat.S_ISVTX or not one.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
        for one in above
    )


def _is_ours(name: str) -> bool:
    return name in {LOCK, STATUS} or any(form.fullmatch(name) for form in (_GENERATION, _TEMPORARY))
