"""Exceptions of all shapes."""

import asyncio
import builtins
import configparser
import json
import re
import socket
import subprocess
import urllib.error
import xml.etree.ElementTree as ET

import zlib

from trials.things import filled


class Plain(Exception):
    """Plain."""


class WithState(Exception):
    """Sets attributes, passes all arguments on."""

    def __init__(self, a, b):
        super().__init__(a, b)
        self.sum = a + b


class Formatted(Exception):
    """Passes another text on."""

    def __init__(self, item, left):
        super().__init__(f"{item}: {left}")
        self.item = item
        self.left = left


class ByKeyword(Exception):
    """Has keywords only."""

    def __init__(self, *, job):
        super().__init__(f"job {job}")
        self.job = job


class RequiredKeyword(Exception):
    """Needs a keyword."""

    def __init__(self, a, *, b):
        super().__init__(a)
        self.b = b


class NoSuper(Exception):
    """Never calls super().__init__."""

    def __init__(self, a, b):
        self.a = a
        self.b = b


class OwnStr(Exception):
    """With __str__."""

    def __init__(self, n):
        self.n = n

    def __str__(self):
        return f"n={self.n}"


class Reduced(Exception):
    """With __reduce__."""

    def __init__(self, a, b):
        super().__init__("text")
        self.a = a
        self.b = b

    def __reduce__(self):
        return type(self), (self.a, self.b)


class Counting(Exception):
    """Counts the calls of its constructor."""

    made = 0

    def __init__(self, text):
        Counting.made += 1
        super().__init__(text.upper() + "!")


class Both(Plain, KeyError):
    """With two bases."""


class Slots(Exception):
    """With slots."""

    __slots__ = ("code",)

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Os(OSError):
    """An OSError of its own."""

    def __init__(self, *args, retry=True):
        super().__init__(*args)
        self.retry = retry


class OsOwn(OSError):
    """An OSError with other arguments."""

    def __init__(self, service):
        super().__init__(5, f"{service} failed", service)
        self.service = service


class Unicode(UnicodeDecodeError):
    """A UnicodeDecodeError of its own."""


class Group(ExceptionGroup):
    """A group of its own."""

    def derive(self, errors):
        return Group(self.message, errors)


class GroupOwn(ExceptionGroup):
    """A group with other arguments."""

    def __new__(cls, errors, code):
        self = super().__new__(cls, f"code {code}", errors)
        self.code = code
        return self

    def __init__(self, errors, code):
        pass


class New(Exception):
    """With __new__."""

    def __new__(cls, a, b):
        self = super().__new__(cls, a)
        self.b = b
        return self

    def __init__(self, a, b):
        super().__init__(a)


class Stateful(Exception):
    """With __getstate__ and __setstate__."""

    def __init__(self, text):
        super().__init__(text)
        self.lock = object()

    def __getstate__(self):
        return {"saved": True}

    def __setstate__(self, state):
        self.__dict__.update(state)


class Required(Exception):
    """Its argument isn't passed on."""

    def __init__(self, required):
        super().__init__()
        self.required = required


class Warn(UserWarning):
    """A warning."""


class Stop(StopIteration):
    """A StopIteration of its own."""

    def __init__(self, value, more):
        super().__init__(value)
        self.more = more


def _raised():
    try:
        {}["x"]
    except KeyError as error:
        return error


def _chained():
    try:
        try:
            {}["x"]
        except KeyError as error:
            raise Plain("y") from error
    except Plain as error:
        return error


def _noted():
    it = ValueError("a")
    it.add_note("one")
    it.add_note("two")
    return it


def _cyclic():
    it = Plain("a")
    it.me = it
    return it


def _args_changed():
    it = Plain("a")
    it.args = ("b", [1])
    return it


def _json():
    try:
        json.loads("{")
    except ValueError as error:
        return error


def _re():
    try:
        re.compile("(")
    except re.error as error:
        return error


def _xml():
    try:
        ET.fromstring("<a")
    except ET.ParseError as error:
        return error


def _syntax():
    try:
        compile("a b", "f", "exec")
    except SyntaxError as error:
        return error


def _import():
    try:
        import does_not_exist  # noqa: F401
    except ImportError as error:
        return error


def _name():
    try:
        undefined  # noqa: B018, F821
    except NameError as error:
        return error


def _attribute():
    try:
        (5).x  # noqa: B018
    except AttributeError as error:
        return error


def _http():
    return urllib.error.HTTPError("http://a", 404, "m", {}, None)


BUILTIN = [
    *("ArithmeticError", "AssertionError", "BaseException", "BlockingIOError", "BrokenPipeError", "BufferError"),
    *(
        "ConnectionResetError",
        "EOFError",
        "FileExistsError",
        "FileNotFoundError",
        "FloatingPointError",
        "GeneratorExit",
    ),
    *("IndexError", "InterruptedError", "IsADirectoryError", "KeyError", "KeyboardInterrupt", "LookupError"),
    *("MemoryError", "NotImplementedError", "OverflowError", "PermissionError", "ProcessLookupError", "RecursionError"),
    *("ReferenceError", "RuntimeError", "StopAsyncIteration", "SystemError", "TimeoutError", "TypeError"),
    *("UnicodeError", "ValueError", "ZeroDivisionError", "DeprecationWarning"),
]
THINGS = {
    **{name: (lambda name=name: getattr(builtins, name)("a", 1)) for name in BUILTIN},
    "no arguments": lambda: ValueError(),
    "nested arguments": lambda: ValueError([1], {"a": KeyError("b")}),
    "SystemExit": lambda: SystemExit(3),
    "StopIteration": lambda: StopIteration([1]),
    "OSError": lambda: OSError(2, "no", "file"),
    "OSError of two files": lambda: OSError(2, "no", "a", None, "b"),
    "OSError of one argument": lambda: OSError("text"),
    "BlockingIOError written": lambda: BlockingIOError(11, "again", 5),
    "ImportError": lambda: ImportError("a", name="n", path="p"),
    "ImportError raised": _import,
    "NameError raised": _name,
    "AttributeError raised": _attribute,
    "SyntaxError": _syntax,
    "UnicodeDecodeError": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    "UnicodeEncodeError": lambda: UnicodeEncodeError("ascii", "ä", 0, 1, "bad"),
    "UnicodeTranslateError": lambda: UnicodeTranslateError("ä", 0, 1, "bad"),
    "with attributes": lambda: filled(ValueError("a"), note=[1]),
    "with notes": _noted,
    "raised": _raised,
    "chained": _chained,
    "cyclic": _cyclic,
    "args changed": _args_changed,
    "group": lambda: ExceptionGroup("g", [ValueError(1), TypeError("b")]),
    "group nested": lambda: ExceptionGroup("g", [ExceptionGroup("h", [ValueError(1)]), TypeError("b")]),
    "group base": lambda: BaseExceptionGroup("g", [KeyboardInterrupt()]),
    "group subclass": lambda: filled(Group("g", [ValueError(1)]), note=[1]),
    "group own": lambda: GroupOwn([ValueError(1)], 5),
    "plain": lambda: Plain("a"),
    "with state": lambda: WithState(1, 2),
    "formatted": lambda: Formatted("tea", 3),
    "by keyword": lambda: ByKeyword(job="j"),
    "required keyword": lambda: RequiredKeyword(1, b=2),
    "without super": lambda: NoSuper(1, 2),
    "own str": lambda: OwnStr(3),
    "reduced": lambda: Reduced(1, 2),
    "counting": lambda: Counting("a"),
    "two bases": lambda: Both("a"),
    "slots": lambda: Slots(5),
    "os own": lambda: Os(2, "no", "file", retry=False),
    "os other arguments": lambda: OsOwn("db"),
    "unicode own": lambda: filled(Unicode("utf-8", b"\xff", 0, 1, "bad"), note=1),
    "new": lambda: New(1, 2),
    "stateful": lambda: Stateful("a"),
    "required": lambda: Required(5),
    "warning": lambda: Warn("w"),
    "stop": lambda: Stop(1, 2),
    "json": _json,
    "re": _re,
    "xml": _xml,
    "http": _http,
    "url": lambda: urllib.error.URLError("reason"),
    "subprocess": lambda: subprocess.CalledProcessError(3, ["a"], b"out", b"err"),
    "subprocess timeout": lambda: subprocess.TimeoutExpired("a", 5),
    "asyncio": lambda: [asyncio.CancelledError(), asyncio.IncompleteReadError(b"a", 5), asyncio.TimeoutError("x")],
    "socket": lambda: socket.gaierror(2, "no name"),
    "configparser": lambda: configparser.NoOptionError("o", "s"),
    "configparser duplicate": lambda: configparser.DuplicateOptionError("s", "o", "src", 3),
    "zlib": lambda: zlib.error("e"),
    "class": lambda: Plain,
    "shared": lambda: [e := ValueError("a"), e],
    "list of errors": lambda: [Formatted("a", n) for n in range(3)],
}


def _attributes(*names):
    return lambda e: [getattr(e, name) for name in names]


CHECKS = {
    "StopIteration": _attributes("value"),
    "SystemExit": _attributes("code"),
    "OSError": _attributes("errno", "strerror", "filename"),
    "OSError of two files": _attributes("filename", "filename2"),
    "BlockingIOError written": _attributes("characters_written"),
    "ImportError": _attributes("name", "path", "msg"),
    "SyntaxError": _attributes("lineno", "offset", "text", "filename", "msg", "end_offset"),
    "UnicodeDecodeError": _attributes("reason", "start", "object"),
    "UnicodeEncodeError": _attributes("reason", "start", "object"),
    "group": _attributes("message", "exceptions"),
    "group own": _attributes("message", "exceptions", "code"),
    "os own": _attributes("errno", "filename", "retry"),
    "os other arguments": _attributes("errno", "filename", "service", "strerror"),
    "unicode own": _attributes("reason", "note"),
    "formatted": _attributes("item", "left"),
    "counting": str,
    "slots": _attributes("code"),
    "stop": _attributes("value", "more"),
    "json": _attributes("pos", "lineno", "msg"),
    "re": _attributes("pos", "msg"),
    "xml": _attributes("position", "code"),
    "http": _attributes("code", "url"),
    "subprocess": _attributes("returncode", "output", "stderr"),
    "stateful": _attributes("args"),
    "NameError raised": str,
}
OPAQUE = {"stateful", "http"}
