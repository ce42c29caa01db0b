"""Files: they are opened again, by their path, in their mode, at their place.

The newline of a text file can't be asked for. It is among the objects that the file refers to.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import stat
import sys
import weakref
from typing import IO, TYPE_CHECKING, Any

from appsnap import effects
from appsnap.errors import Refused
from appsnap.ways import call, saves

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["reopen", "text_over"]

_stand_ins: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
"""The files of trials, each with its reduction: the null device in the place of another file doesn't know it."""


def reopen(
    path: str,
    mode: str = "r",
    *,
    encoding: str | None = None,
    errors: str = "strict",
    newline: str | None = None,
    line_buffering: bool = False,
    write_through: bool = False,
    raw: bool = False,
    compression: str | None = None,
    position: int | None = None,
    closed: bool = False,
) -> Any:
    """Return a file that is open at a position, or closed.

    A relative path is one from the current folder. Nothing is truncated: `w` goes on at the position. A file that is
    only written, or appended to, is made if it is gone. A file that is shorter by now goes on at its end. The text is
    in UTF-8 if there is no encoding. `raw` is a binary file without a buffer. `compression` is `gzip`, `bz2` or `lzma`.
    """
    binary = "b" in mode
    file: Any = io.FileIO(path, "".join(x for x in mode if x not in "bt"), opener=_null if closed else _opener(mode))
    try:
        if not raw:
            file = _buffered(file)
        if compression is not None:
            file = _unpacking(file, path, compression)
        if not binary:
            file = io.TextIOWrapper(
                file, encoding or "utf-8", errors, newline, line_buffering=line_buffering, write_through=write_through
            )
            if compression is None:
                file.mode = mode  # as `open` does
        if closed:
            file.close()
        elif position is not None:
            _go_to(file, position)
    except BaseException:
        file.close()
        raise
    if effects.is_trial() and not closed and not _is_there(file, mode):
        given: dict[str, Any] = {"encoding": encoding, "errors": errors, "newline": newline, "position": position}
        given |= {"line_buffering": line_buffering, "write_through": write_through, "raw": raw}
        _stand_ins[file] = _reopening(path, mode, compression=compression, **given)
    return file


def text_over(
    buffer: Any,
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    newline: str | None = None,
    line_buffering: bool = False,
    write_through: bool = False,
    position: int | None = None,
) -> io.TextIOWrapper:
    """Return a text file over a binary one, at a position."""
    text = io.TextIOWrapper(buffer, encoding, errors, newline, line_buffering, write_through)
    if position is not None:
        text.seek(position)
    return text


def _opener(mode: str) -> Callable[[str, int], int]:
    # A file that is read, too, is of no use if it is empty.
    left_out = os.O_CREAT if "+" in mode and "a" not in mode else 0
    return lambda path, flags: effects.open_file(path, flags & ~left_out)


def _null(_path: str, flags: int) -> int:
    return os.open(os.devnull, flags & os.O_ACCMODE | os.O_CLOEXEC)


def _buffered(raw: io.FileIO) -> Any:
    if raw.readable() and raw.writable():
        return io.BufferedRandom(raw)
    return io.BufferedReader(raw) if raw.readable() else io.BufferedWriter(raw)


def _unpacking(file: Any, path: str, compression: str) -> Any:
    module: Any = importlib.import_module(compression)
    if compression == "gzip":
        found = module.GzipFile(path, "rb", fileobj=file)
        found.myfileobj = file  # it closes the file
    else:
        found = getattr(module, "BZ2File" if compression == "bz2" else "LZMAFile")(file)
        found._closefp = True
    return found


def _go_to(file: Any, position: int) -> None:
    # The position in a text begins with that in the file.
    is_text = isinstance(file, io.TextIOWrapper)
    begin = position & ((1 << 64) - 1) if is_text else position
    is_packed = not is_text and not isinstance(file, (io.FileIO, *_BUFFERED))
    if is_packed or begin <= os.fstat(file.fileno()).st_size:
        file.seek(position)
    else:
        file.seek(0, io.SEEK_END)


def _is_there(file: Any, mode: str) -> bool:
    """Tell whether a trial has opened the very file: it is only read, and no other stands for it."""
    return "r" in mode and "+" not in mode and stat.S_ISREG(os.fstat(file.fileno()).st_mode)


# Taking apart

_BUFFERED = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
_PACKED = ("gzip.GzipFile", "bz2.BZ2File", "lzma.LZMAFile")
_ADVICE = "open it in startService, and name the attribute in the class's __transient__"


_KEYWORDS = (
    "compression",
    "encoding",
    "errors",
    "newline",
    "line_buffering",
    "write_through",
    "raw",
    "position",
    "closed",
)


def _reopening(path: str, mode: str, **keywords: Any) -> tuple[Any, ...]:
    """Return the call of `reopen` that makes a file, with the keywords that say something."""
    return call(reopen, path, **({} if mode == "r" else {"mode": mode}), **_told(keywords))


def _told(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords that say something, in order."""
    given = {name: keywords.get(name) for name in _KEYWORDS}
    if given["errors"] == "strict":
        del given["errors"]
    return {name: value for name, value in given.items() if value is not None and value is not False}


@saves(io.FileIO, before_fork=True)
def _(raw: io.FileIO) -> Any:
    return _file(raw, raw, raw.mode, raw=True)


@saves(io.BufferedReader, before_fork=True)
@saves(io.BufferedWriter, before_fork=True)
@saves(io.BufferedRandom, before_fork=True)
def _(buffer: Any) -> Any:
    return _file(buffer, _raw(buffer), _raw(buffer).mode)


@saves(io.TextIOWrapper, before_fork=True)
def _(text: io.TextIOWrapper) -> Any:
    buffer: Any = text.buffer
    if buffer is None:  # it was detached
        raise Refused("a text file without the binary file that it was made of", _ADVICE)
    if not text.closed and text.writable() and text not in _stand_ins:
        text.flush()
    said: dict[str, Any] = {"encoding": text.encoding, "errors": text.errors, "newline": _newline(text)}
    said |= {"line_buffering": text.line_buffering, "write_through": text.write_through}
    attributes = {name: value for name, value in vars(text).items() if name != "mode"}
    opened = "mode" in vars(text) and type(buffer) in _BUFFERED
    if opened:
        reduction = _file(text, _raw(buffer), vars(text)["mode"], **said)
    elif _name(type(buffer)) in _PACKED and not text.closed:
        reduction = _packed(text, buffer, "rt", **said)
    elif text.closed:
        raise Refused(f"a closed text file over {_a(buffer)}", "leave it out: name the attribute in __transient__")
    else:
        said["position"] = _tell(text) or None if text.seekable() else None
        reduction = call(text_over, buffer, **_told(said))
    return (*reduction, attributes) if attributes else reduction


@saves(io.BufferedRWPair)
def _(_pair: Any) -> Any:
    raise Refused("a pair of streams", _ADVICE)


def _raw(buffer: Any) -> io.FileIO:
    """Return the file below a buffer. Raises Refused if there is none."""
    try:
        raw = buffer.raw
    except ValueError:
        raise Refused("a buffer without the file that it was made of", _ADVICE) from None
    if type(raw) is not io.FileIO:
        raise Refused(f"a buffer over {_a(raw)}", _ADVICE)
    return raw


def _a(thing: Any) -> str:
    return "a socket" if type(thing).__module__ == "socket" else _name(type(thing))


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _file(file: Any, below: io.FileIO, mode: str, **said: Any) -> Any:
    """Return the reduction of a file, its `FileIO` below it, and all that is said of it beside mode and position."""
    if file in _stand_ins:
        return _stand_ins[file]
    standard = _standard(file)
    if standard is not None:
        return standard
    path = _path(below)
    if file.closed:
        return _reopening(path, mode, closed=True, **said)
    if file.writable():
        file.flush()
    _check_place(below, path)
    position = _tell(file) if file.seekable() and (below.readable() or "a" not in mode) else None
    begin = os.fstat(below.fileno()).st_size if "a" in mode else 0
    return _reopening(path, mode, position=None if position == begin else position, **said)


def _path(raw: io.FileIO) -> str:
    path: Any = raw.name
    if isinstance(path, int):
        raise Refused("a file that was opened by its descriptor and has no path", _ADVICE)
    return os.fsdecode(path)


def _standard(file: Any) -> Any:
    """Return the reduction of a stream below a standard stream, or None."""
    for name in ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"):
        stream: Any = getattr(sys, name)
        if type(stream) is io.TextIOWrapper and file is stream.buffer:
            return getattr, (stream, "buffer")
    return None


def _tell(file: IO[Any]) -> int:
    try:
        return file.tell()
    except OSError as error:
        reason = f"a file that can't tell its position: {str(error).lower()}"
        raise Refused(reason, "save between two passes through it, or read it by readline") from None


def _check_place(raw: io.FileIO, path: str) -> None:
    """Check that a load finds the file by its path."""
    found = os.fstat(raw.fileno())
    if stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        raise Refused("a pipe", _ADVICE)
    try:
        if os.path.samestat(found, os.stat(path)):  # noqa: PTH116 - a text
            return
        reason = f"its path, {path}, leads to another file by now"
    except OSError as error:
        reason = f"its path, {path}, leads nowhere by now: {str(error.strerror).lower()}"
    # A log that was rotated away begins anew. A relative path may have been one from another folder.
    if raw.readable() or not os.path.isabs(path):  # noqa: PTH117 - a text
        raise Refused(reason, f"open it by an absolute path, and don't remove it; or {_ADVICE}")


def _newline(text: io.TextIOWrapper) -> str | None:
    """Return the newline that a text file was opened with.

    The file refers to: the encoding; an encoder and a decoder; the newline, unless it is None; the text that was
    decoded ahead; the errors. Without output that waits, all other texts among them are these.
    """
    texts = [x for x in gc.get_referents(text) if type(x) is str][1:-1]
    universal = any(type(x) is io.IncrementalNewlineDecoder for x in gc.get_referents(text))
    if not universal:
        return texts[0] if texts else None
    if len(texts) == 2 or not texts or texts[0]:
        return "" if len(texts) == 2 else None
    # The one empty text is the newline; or no text was left at the end of the file, where the newline is of no account.
    ahead = any(type(x) is tuple for x in gc.get_referents(text))
    return None if ahead and text.tell() >= os.fstat(text.fileno()).st_size else ""


# Other files


@saves("gzip.GzipFile", before_fork=True)
@saves("bz2.BZ2File", before_fork=True)
@saves("lzma.LZMAFile", before_fork=True)
def _(file: Any) -> Any:
    if file.closed and _name(type(file)) == "gzip.GzipFile":
        return _reopening(file.name, "rb", compression="gzip", closed=True)
    return _packed(file, file, "rb")


def _packed(file: Any, packed: Any, mode: str, **said: Any) -> Any:
    """Return the reduction of a compressed file, or of a text file over one."""
    if file in _stand_ins:
        return _stand_ins[file]
    compression = type(packed).__module__
    below = packed.myfileobj if compression == "gzip" else packed._closefp and packed._fp
    if type(below) is not io.BufferedReader:
        raise Refused("a compressed file that is being written, or that wasn't opened by its path", _ADVICE)
    path = _path(_raw(below))
    _check_place(_raw(below), path)
    return _reopening(path, mode, compression=compression, position=_tell(file) or None, **said)


@saves("tempfile._TemporaryFileWrapper")
def _(file: Any) -> Any:
    if file._closer.delete:
        raise Refused("a temporary file, which is gone when this process ends", _ADVICE)
    return NotImplemented


@saves("tempfile.TemporaryDirectory", subclasses=True)
def _(_folder: Any) -> Any:
    raise Refused("a temporary folder, which is gone when this process ends", _ADVICE.replace("open", "make"))


@saves("mmap.mmap")
def _(_map: Any) -> Any:
    raise Refused("a memory map, which doesn't tell its file", _ADVICE)
