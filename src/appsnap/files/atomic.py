"""Atomic, durable writing: at any failure, at any moment, the file is whole, either the old one or the new one.

On Linux the new file has no name while it is written (`O_TMPFILE`), so a killed writer leaves nothing behind. Then it
gets its name in one step. If an old file has that name, the new one needs a temporary name for some microseconds,
because no link can replace an existing name. Without `O_TMPFILE`, the file has a temporary name from the start.

A killed writer may leave a temporary name. The next writer of the same path removes it. A living writer holds a lock
(`flock`) on its file, and that tells it from a dead one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from appsnap.files.streams import PIECE, ChunkReader
from appsnap.files.tasks import Task, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext
    from typing_extensions import Buffer

__all__ = ["errors_about", "write"]

_SUFFIX = ".appsnap-tmp"

# The bytes that are handed to the disk at a time: enough to keep it busy, and few to wait for at the end.
_STRIDE = 8 << 20


def write(
    path: str | os.PathLike[str],
    chunks: Iterable[Buffer],
    *,
    check: Callable[[Path], object] | None = None,
) -> None:
    """Write a file. It is there as a whole or not at all.

    The new file is written, read back, compared by a checksum, and flushed to the disk. Only then it takes the place of
    `path`, or of the target if `path` is a symbolic link. A new file has mode 0600. A file that replaces another one
    gets its permissions, and its owner and group where that is permitted, but not its access control lists.

    `check` is called before the new file is in its place, with a path at which it can be read. On Linux that path is
    below `/proc`, so it has no extension. An error in `check` or in `chunks` keeps the old file.

    Raises `OSError` with `path` as its `filename`: any error of writing, `IsADirectoryError` for a folder, `EINVAL` for
    a device or a pipe. After an error, nothing is left behind, and the old file is untouched. There is one exception:
    if only the flush of the folder fails, the new file is in its place, and a power failure may undo that.
    """
    import secrets  # noqa: PLC0415 - few processes write

    path = os.fspath(path)
    if os.path.basename(path) in {"", ".", ".."}:  # noqa: PTH119 - a Path forgets the slash at its end
        # A name of a folder, whether it is there or not. `realpath` would take a file of that name for it.
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    folder_path, name = os.path.split(os.path.realpath(path))
    temporary = f"{_prefix(name)}{secrets.token_hex(16)}{_SUFFIX}"
    with errors_about(path):
        folder = os.open(folder_path, os.O_RDONLY | os.O_DIRECTORY)
    file = -1
    try:
        with errors_about(path):
            old = _stat_old(folder, name)
            _remove_leftovers(folder, name)
            file = _create(folder, temporary)
        key = os.urandom(16)
        # No loop stands here: an interrupt where a `while` jumps back skips the `finally` around it in CPython 3.13
        # (its issue 130279).
        checksum = _write_all(file, chunks, key, path)
        with errors_about(path):
            _set_permissions(file, old)
        # The disk takes the rest of the bytes meanwhile. It is waited for before the file gets its name.
        flush = Task(functools.partial(os.fsync, file))
        try:
            start_thread(flush.run)
            with errors_about(path):
                _read_back(file, key, checksum)
            if check is not None:
                unnamed = not os.fstat(file).st_nlink
                check(Path(f"/proc/{os.getpid()}/fd/{file}") if unnamed else Path(folder_path, temporary))
            with errors_about(path):
                flush.result()
        finally:
            flush.drop()
        with errors_about(path):
            _put_in_place(file, folder, temporary, name)
            _sync_folder(folder)
    finally:
        # The name goes before the lock does.
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        if file >= 0:
            os.close(file)
        os.close(folder)


@contextlib.contextmanager
def errors_about(path: str) -> Iterator[None]:
    """Give every `OSError` the name that the caller knows; system calls on descriptors have none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def _prefix(name: str) -> str:
    # Names have at most 255 bytes; two dots, 32 digits and the suffix need 46 of them.
    return f".{os.fsdecode(os.fsencode(name)[:200])}."


def _stat_old(folder: int, name: str) -> os.stat_result | None:
    try:
        # The root of a file system has no name in its folder.
        old = os.stat(name or ".", dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(old.st_mode):
        # realpath leaves a link where it stands only if it leads back to itself.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file")
    return old


def _create(folder: int, temporary: str) -> int:
    """Create a locked file, without a name if possible."""
    if hasattr(os, "O_TMPFILE"):
        # An error here is ignored: if a named file can't be created either, its error says more.
        with contextlib.suppress(OSError):
            file = os.open(".", os.O_RDWR | os.O_TMPFILE, 0o600, dir_fd=folder)
            if Path(f"/proc/self/fd/{file}").exists():
                _lock(file)
                return file
            os.close(file)
    while True:
        file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        _lock(file)
        if os.fstat(file).st_nlink:
            return file
        # Another writer took the file for a leftover before it was locked.
        os.close(file)


def _lock(file: int) -> None:
    # Some file systems have no locks. There, leftovers are never removed.
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)


def _write_all(file: int, chunks: Iterable[Buffer], key: bytes, path: str) -> bytes:
    """Write the chunks, and return their checksum."""
    checksum = _checksum(key)
    written = handed_over = 0
    # Pieces of this size, at round offsets, take half of the time.
    reader = ChunkReader(chunks)
    while piece := reader.read(PIECE):
        checksum.authenticate_additional_data(piece)
        view = memoryview(piece)
        written += len(view)
        with errors_about(path):
            while view:
                view = view[os.write(file, view) :]
        if written - handed_over >= _STRIDE:
            _begin_flush(file, handed_over, written)
            handed_over = written
    return _result(checksum)


def _begin_flush(file: int, start: int, end: int) -> None:
    """Let the disk take these bytes while the next ones are written. Waiting for it at the end took half of a save.

    Told that nobody needs the bytes, Linux begins to write them to the disk, and returns at once. It drops only bytes
    that are on the disk already, hardly ever any of these. So `_read_back` finds them in memory.
    """
    if hasattr(os, "posix_fadvise"):
        # An error does no harm here. If the disk fails, fsync says so.
        with contextlib.suppress(OSError):
            os.posix_fadvise(file, start, end - start, os.POSIX_FADV_DONTNEED)


def _set_permissions(file: int, old: os.stat_result | None) -> None:
    mode = 0o600
    if old is not None:
        mode = stat.S_IMODE(old.st_mode) & 0o777
        try:
            os.fchown(file, -1, old.st_gid)
        except OSError:
            # The new file has another group, which has no right to the permissions of the old one.
            mode &= ~stat.S_IRWXG
    os.fchmod(file, mode)
    if old is not None:
        with contextlib.suppress(OSError):
            os.fchown(file, old.st_uid, -1)


def _read_back(file: int, key: bytes, expected: bytes) -> None:
    checksum = _checksum(key)
    offset = 0
    while piece := os.pread(file, PIECE, offset):
        checksum.authenticate_additional_data(piece)
        offset += len(piece)
    if _result(checksum) != expected:
        raise OSError(errno.EIO, "The file reads back differently")


def _checksum(key: bytes) -> AEADEncryptionContext:
    """Begin a checksum: AES-GMAC (NIST SP 800-38D), with a key that is drawn for one file and kept nowhere.

    A change in a terabyte stays unnoticed with a chance of 2^-90. SHA-256 takes twelve times as long, longer than
    writing.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - reading doesn't

    return Cipher(algorithms.AES(key), modes.GCM(bytes(12))).encryptor()


def _result(checksum: AEADEncryptionContext) -> bytes:
    checksum.finalize()
    return checksum.tag


def _put_in_place(file: int, folder: int, temporary: str, name: str) -> None:
    if not os.fstat(file).st_nlink:
        unnamed = f"/proc/self/fd/{file}"
        try:
            os.link(unnamed, name, dst_dir_fd=folder, follow_symlinks=True)
        except FileExistsError:
            os.link(unnamed, temporary, dst_dir_fd=folder, follow_symlinks=True)
        else:
            return
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def _sync_folder(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        # Some network file systems can't flush a folder, and say so.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise


def _remove_leftovers(folder: int, name: str) -> None:
    leftover = re.compile(re.escape(_prefix(name)) + "[0-9a-f]{32}" + re.escape(_SUFFIX))
    for entry in os.listdir(folder):
        if leftover.fullmatch(entry):
            # A leftover that can't be removed doesn't keep the new file from being written.
            with contextlib.suppress(OSError):
                _remove_if_dead(folder, entry)


def _remove_if_dead(folder: int, entry: str) -> None:
    # To lock it exclusively, NFS wants a file open for writing.
    file = os.open(entry, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(entry, dir_fd=folder)
    finally:
        os.close(file)
