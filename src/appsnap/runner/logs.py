"""The log of a running application: standard logging, to stderr or to a file that can be opened anew."""

from __future__ import annotations

import errno
import io
import logging
import os
import stat
from typing import Literal

from appsnap.errors import AppsnapError
from appsnap.printable import escaped

__all__ = ["Level", "Log"]

Level = Literal["info", "warning", "error"]


class Log:
    """Where log lines go. An application that has set up logging itself keeps its own handlers.

    With a file, the lines about the process itself go there, too. `descriptor` is that of a file that is open already:
    the user may not be able to open it again after a restart. Raises AppsnapError if it can't be opened.
    """

    def __init__(self, path: str | None, level: str, descriptor: int | None = None) -> None:
        self._file: _File | None = None
        form = _Lines("%(asctime)s %(levelname)s %(name)s: %(message)s")
        root = logging.getLogger()
        if path is not None:
            try:
                self._file = _File(path, descriptor)
            except OSError as error:
                raise AppsnapError(f"the log file {path} can't be opened: {error.strerror}") from None
            self._file.setFormatter(form)
        if root.handlers:
            return
        handler = self._file or logging.StreamHandler()
        handler.setFormatter(form)
        root.addHandler(handler)
        root.setLevel(level.upper())

    @property
    def descriptor(self) -> int | None:
        """The descriptor of the file, or None."""
        return None if self._file is None or self._file.stream is None else self._file.stream.fileno()

    def write(self, level: Level, text: str) -> None:
        """Write a line about the process to the file, if there is one."""
        if self._file is not None:
            number = logging.getLevelNamesMapping()[level.upper()]
            record = logging.LogRecord("appsnap.run", number, __file__, 0, text, None, None)
            self._file.handle(record)

    def reopen(self) -> None:
        """Open the file again: its name may belong to a new one by now. After an error the old one stays open."""
        if self._file is not None:
            self._file.reopen()


class _Lines(logging.Formatter):
    """Text of strangers can't make a line of its own in a log, but a traceback has several."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(escaped, super().format(record).split("\n")))


def _is_private(folder: os.stat_result) -> bool:
    """Tell whether nobody but root and this user can put something into a folder."""
    return folder.st_uid in (0, os.geteuid()) and not folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


class _File(logging.FileHandler):
    def __init__(self, path: str, descriptor: int | None) -> None:
        self._inherited = descriptor
        super().__init__(path, encoding="utf-8", errors="backslashreplace")

    def reopen(self) -> None:
        stream = self._open()
        self.acquire()
        try:
            old, self.stream = self.stream, stream
        finally:
            self.release()
        if old is not None:
            old.close()

    def _open(self) -> io.TextIOWrapper:
        number, self._inherited = self._inherited, None
        if number is None:
            number = self._opened()
        return io.TextIOWrapper(os.fdopen(number, "ab", 0), self.encoding, self.errors, write_through=True)

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        folder = os.open(os.path.dirname(self.baseFilename), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # noqa: PTH120 - a text
        try:
            # Whoever else may write to the folder could put a link there, to any file that this process may write to.
            private = _is_private(os.fstat(folder))
            flags |= 0 if private else os.O_NOFOLLOW | os.O_NONBLOCK
            number = os.open(os.path.basename(self.baseFilename), flags, 0o640, dir_fd=folder)  # noqa: PTH119 - as above
        except OSError as error:
            if error.errno != errno.ELOOP or private:
                raise
            raise OSError(errno.ELOOP, "it is a symbolic link in a folder to which others may write") from None
        finally:
            os.close(folder)
        found = os.fstat(number)
        if not private and (found.st_nlink > 1 or not stat.S_ISREG(found.st_mode)):
            os.close(number)
            raise OSError(errno.EPERM, "it is no file of one name, in a folder to which others may write")
        return number
