"""Files that hold the id of a process, and are locked as long as it lives: the pidfile, and the lock of a state folder.

The lock (`flock`) tells whether the process lives. The number doesn't: another process may have it by now. Such a file
may lie in a folder of another user. So no link is followed, and a file that is no file of ours stays as it is.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import time
from pathlib import Path

from appsnap.errors import AppsnapError, Running

__all__ = ["Lock", "Running", "holder", "is_held_by", "is_stopping"]

_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TRIES = 10
_LONG = 100
"""Tries to wait for others that hold the lock only for a moment. On a busy machine that takes its time."""
_PAUSE = 0.02
"""Seconds between two tries."""


class Lock:
    """A lock that this process holds. Raises Running if another one holds it, and OSError.

    `fd` is the descriptor of a lock that was inherited over `exec`.
    """

    def __init__(self, path: str | os.PathLike[str], fd: int | None = None) -> None:
        self.path = os.path.abspath(path)  # noqa: PTH100 - a Path would follow links
        if fd is None:
            self.fd = _locked(self.path)
        else:
            self.fd = fd
            os.set_inheritable(fd, False)
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()}\n".encode(), 0)
        _held.add(self)

    def tell_stopping(self) -> None:
        """Tell by a space behind the number that the process is stopping. Signal handlers may call this."""
        with contextlib.suppress(OSError):
            os.pwrite(self.fd, f"{os.getpid()} \n".encode(), 0)

    def release(self) -> None:
        """Remove the file, or empty it where this user can't remove it, and give up the lock.

        Nothing happens in a fork of the process.
        """
        if self not in _held:
            return
        _held.discard(self)
        try:
            if _is_at(self.fd, self.path):
                Path(self.path).unlink()
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self.fd, 0)
        finally:
            with contextlib.suppress(OSError):  # the application may have closed all descriptors
                os.close(self.fd)


_held: set[Lock] = set()


def _leave_to_parent() -> None:
    """Let go of all locks in a fork. It may end before the process or live on, and the lock tells of the process."""
    while _held:
        with contextlib.suppress(OSError):
            os.close(_held.pop().fd)


os.register_at_fork(after_in_child=_leave_to_parent)


def is_stopping(path: str | os.PathLike[str]) -> bool:
    """Tell whether the holder of a lock has said that it is stopping."""
    try:
        fd = os.open(path, os.O_RDONLY | _FLAGS)
    except OSError:
        return False
    with os.fdopen(fd, "rb") as file:
        return file.read(32).endswith(b" \n")


def holder(path: str | os.PathLike[str]) -> int | None:
    """Return the id of the process that holds a lock, or None if none does. Raises OSError for an unreadable file."""
    for _ in range(_LONG):
        try:
            fd = os.open(path, os.O_RDONLY | _FLAGS)
        except FileNotFoundError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode) or _lock(fd, fcntl.LOCK_SH):
                return None
            process = _process_in(fd)
            if process is not None:
                return process
        finally:
            os.close(fd)
        time.sleep(_PAUSE)
    return None  # nobody writes the number of a process there


def is_held_by(path: str | os.PathLike[str], process: int) -> bool:
    """Tell whether a process holds the lock of a file. The number in the file may be that of anybody's process.

    Where the system doesn't tell this, the answer is whether nobody but root and the user of the process could have
    written the number, and that of others than root is yes: they can signal only their own processes.
    """
    try:
        file = Path(path).lstat()
        for fd in os.listdir(f"/proc/{process}/fd"):  # noqa: PTH208 - texts are wanted
            # It may be closed by now.
            with contextlib.suppress(FileNotFoundError):
                at = Path(f"/proc/{process}/fd/{fd}").stat()
                if os.path.samestat(at, file) and "FLOCK" in Path(f"/proc/{process}/fdinfo/{fd}").read_text():
                    return True
    except FileNotFoundError:
        return not Path("/proc/self/fdinfo").is_dir()
    except PermissionError:
        return os.geteuid() != 0 or _is_written_by(path, process)
    return False


def _is_written_by(path: str | os.PathLike[str], process: int) -> bool:
    users = re.search(r"^Uid:((?:\s+[0-9]+)+)$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    places = [one.lstat() for one in (Path(path), Path(path).absolute().parent)]
    own = {0, *map(int, users[1].split()[:1])} if users else {0}
    return all(one.st_uid in own and not one.st_mode & (stat.S_IWGRP | stat.S_IWOTH) for one in places)


def _locked(path: str) -> int:
    held = 0
    for _ in range(_LONG):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o644)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise AppsnapError(
                    f"{path} is a symbolic link, which may lead anywhere", hint="remove it, or name the file itself"
                ) from None
            raise
        try:
            _check(fd, path)
            # Another process may have removed the file before it was locked.
            if _lock(fd, fcntl.LOCK_EX) and _is_at(fd, path):
                return fd
            # Commands that look at the lock share it, for a moment.
            held += not _lock(fd, fcntl.LOCK_SH)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        if held == _TRIES:
            break
        time.sleep(_PAUSE)
    raise Running(path, holder(path))


def _lock(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), Path(path).lstat())
    except FileNotFoundError:
        return False


def _process_in(fd: int) -> int | None:
    found = re.match(rb"\s*([1-9][0-9]{0,9})\s*\Z", os.pread(fd, 32, 0))
    return None if found is None else int(found[1])


def _check(fd: int, path: str) -> None:
    """Check that a file may be written to: it is empty, or a pidfile of anybody. Raises AppsnapError."""
    found = os.fstat(fd)
    empty = stat.S_ISREG(found.st_mode) and found.st_size == 0
    if found.st_nlink > 1 or not (empty or (stat.S_ISREG(found.st_mode) and _process_in(fd) is not None)):
        raise AppsnapError(f"{path} is no file with the id of a process", hint="name another file")
