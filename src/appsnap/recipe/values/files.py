"""Files that are opened again: the rights of a stranger's snapshot over `appsnap.ways.files` and `logging`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from appsnap import effects
from appsnap.recipe.values.arguments import check
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["TYPES"]

_ENCODINGS = frozenset(
    (
        *("utf8", "latin1"),  # as many people write them
        *("ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
        *("latin-1", "iso-8859-1", "iso-8859-2", "iso-8859-15", "iso8859-1", "iso8859-2", "iso8859-15", "mac-roman"),
        *("cp437", "cp850", "cp852", "cp866", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256"),
        *("cp1257", "cp1258", "koi8-r", "koi8-u", "gbk", "gb18030", "big5", "shift-jis", "cp932", "euc-jp", "euc-kr"),
    )
)
"""Others may be names of modules, or take quadratic time, or read memory by the state in a position (ISO 2022)."""

_ERRORS = frozenset(
    ("strict", "ignore", "replace", "surrogateescape", "surrogatepass", "backslashreplace", "namereplace")
) | {"xmlcharrefreplace"}
_NEWLINES = frozenset({None, "", "\n", "\r", "\r\n"})
_COMPRESSIONS = frozenset({"gzip", "bz2", "lzma"})

_WORD = (1 << 64) - 1

_MOST_UNPACKED = 1 << 30
"""The furthest position in a compressed file: some seconds of reading."""

_MOST = 1 << 16
"""The bytes and characters beyond a place in a text that decoding may begin at."""


def _check_mode(mode: Any) -> bool:
    """Check the mode of a file, and tell whether it is one of text. Raises ValueError."""
    check(type(mode) is str and len(mode) <= 3, "a mode is a text as 'r' or 'rb+'")
    letters = set(mode)
    once = len(letters) == len(mode) and letters <= set("rwaxbt+")
    check(once and len(letters & set("rwax")) == 1 and not letters >= {"b", "t"}, f"{mode!r} is no mode of a file")
    return "b" not in letters


def _check_position(number: Any, *, text: bool) -> None:
    check(type(number) is int and number >= 0, "a position is a number")
    if not text:
        check(number < 1 << 63, "a position is beyond the end of any file")
        return
    # In text, a position also has the state of the decoder there (see the source of `_pyio.TextIOWrapper.tell`).
    begin, flags, feed, skip, end = (number >> 64 * at & _WORD for at in range(5))
    fits = number >> 320 == 0 and begin < 1 << 63 and flags < 8 and end < 2
    check(fits and feed <= _MOST and skip <= _MOST, "a position in a text is none that a file gives")


def _check_text(encoding: object, errors: object, newline: object) -> None:
    known = type(encoding) is str and encoding.lower().replace("_", "-") in _ENCODINGS
    check(known, f"a stranger's file can't be in the encoding {str(encoding)[:40]!r}")
    check(type(errors) is str and errors in _ERRORS, "errors of an encoding are handled in another way")
    check(newline is None or (type(newline) is str and newline in _NEWLINES), "no such newline")


def _checked(
    path: object,
    /,
    mode: Any = "r",
    *,
    encoding: object = None,
    errors: object = "strict",
    newline: object = None,
    position: Any = None,
    compression: object = None,
    **switches: object,
) -> str:
    """Check the arguments of `reopen`, and return the mode. Raises TypeError and ValueError."""
    effects.check_path(path)
    text = _check_mode(mode)
    _check_text("utf-8" if encoding is None else encoding, errors, newline)
    check(text or (encoding is None and errors == "strict" and newline is None), "a binary file has no encoding")
    if position is not None:
        _check_position(position, text=text)
    check(switches.keys() <= {"line_buffering", "write_through", "raw", "closed"}, "no such argument")
    if compression is not None:
        check(type(compression) is str and compression in _COMPRESSIONS, "no such compression")
        check(mode in ("rb", "rt"), "a compressed file is opened again for reading alone")
        check(position is None or position & _WORD <= _MOST_UNPACKED, "a position is too far in a compressed file")
    check(all(type(switch) is bool for switch in switches.values()), "a switch is true or false")
    return str(mode)


def _make(args: tuple[Any, ...], **keywords: Any) -> Any:
    _checked(*args, **keywords)
    return importlib.import_module("appsnap.ways.files").reopen(*args, **keywords)


def _effects(args: Sequence[Any], keywords: Mapping[str, Any]) -> list[effects.Effect]:
    mode = _checked(*args, **keywords)
    if keywords.get("closed"):
        return []
    if "+" not in mode and "r" in mode:
        return [effects.on_path("read", args[0])]
    does = "appends to" if "a" in mode else "writes"
    return [effects.on_path("write", args[0], does if "+" not in mode else f"reads and {does}")]


def _make_opener(args: tuple[Any, ...], **keywords: Any) -> Any:
    _checked(*args, **keywords)
    return importlib.import_module("appsnap.ways.logging").opener(*args, **keywords)


def _make_text(args: tuple[Any, ...], **keywords: Any) -> Any:
    check(len(args) == 1, "takes one file")
    # Others may have methods of any sort, which the text would call.
    name = f"{type(args[0]).__module__}.{type(args[0]).__qualname__}"
    check(name in _BINARY, f"a text can't be over {name}")
    _check_text(keywords.get("encoding"), keywords.get("errors", "strict"), keywords.get("newline"))
    if keywords.get("position") is not None:
        _check_position(keywords["position"], text=True)
    check(all(type(keywords.get(name, False)) is bool for name in _SWITCHES), "a switch is true or false")
    return importlib.import_module("appsnap.ways.files").text_over(*args, **keywords)


_BINARY = frozenset(
    ("_io.BytesIO", "_io.BufferedReader", "_io.BufferedWriter", "_io.BufferedRandom", "gzip.GzipFile", "bz2.BZ2File")
) | {"lzma.LZMAFile"}
_SWITCHES = ("line_buffering", "write_through")
_OF_TEXT = frozenset({"encoding", "errors", "newline", "position", *_SWITCHES})

TYPES = (
    ValueType(
        name="appsnap.ways.files.reopen",
        make=_make,
        keywords=_OF_TEXT | {"mode", "raw", "compression", "closed"},
        effects=_effects,
        paths=(0,),
        work=lambda _: 30,
        referable=False,
        identity=True,
    ),
    ValueType(
        name="appsnap.ways.logging.opener",
        make=_make_opener,
        keywords=frozenset({"mode"}),
        effects=_effects,
        paths=(0,),
        work=lambda _: 30,
        referable=False,
        identity=True,
    ),
    ValueType(
        name="appsnap.ways.files.text_over",
        make=_make_text,
        keywords=_OF_TEXT,
        work=lambda _: 200,  # to decode up to the position
        referable=False,
        identity=True,
    ),
)
