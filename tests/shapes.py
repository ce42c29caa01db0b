# ruff: noqa: D102, N807, PLW0108, SLOT000, SLOT002 - small classes as people write them
"""Objects of classes that inherit their reduction from a builtin class: each with a check of the object that is loaded.

`main` loads a dictionary of them, and prints the names of those that aren't right.
"""

import argparse
import array
import collections
import ctypes
import dataclasses
import datetime as dt
import decimal
import fractions
import functools
import inspect
import io
import ipaddress
import json
import logging
import optparse
import pathlib
import random
import sys
import threading
import types
import xml.etree.ElementTree as ET

import numpy as np

from appsnap import load, open_snapshot

CASES = {}
FOR_OWN_FILES = {"notes", "argument_parser", "loggers"}
"""Cases that no stranger's file may have: an attribute that is Python's own, code, an object of the process."""


def case(check):
    """Add a check: its default argument `make` is a function that returns the object."""
    CASES[check.__name__] = (check.__defaults__[0], check)
    return check


def with_attributes(obj, **attributes):
    obj.__dict__.update(attributes)
    return obj


# Attributes of subclasses, and constructors of their own.


def _subclass(base, *bases):
    name = f"With{base.__name__.title()}"
    cls = type(name, (base, *bases), {"__module__": __name__})
    globals()[name] = cls
    return cls


_PLAIN = [
    *((int, (5,)), (float, (1.5,)), (complex, (1j,)), (str, ("x" * 100,)), (bytes, (b"x",)), (tuple, ([1, 2],))),
    *((frozenset, ([1, 2],)), (set, ([1, 2],)), (list, ([1, 2],)), (dict, ({1: 2},)), (bytearray, (b"abc",))),
    *((collections.OrderedDict, ({1: 2},)), (collections.Counter, ("aab",)), (collections.deque, ([1, 2], 5))),
    *((collections.defaultdict, (list, {1: [2]})), (collections.ChainMap, ({1: 2},)), (array.array, ("i", [1]))),
    *((dt.date, (2024, 2, 29)), (dt.datetime, (2024, 2, 29, 1, 2)), (dt.time, (1, 2)), (dt.timedelta, (1, 2))),
    *((decimal.Decimal, ("1.50",)), (fractions.Fraction, (1, 3)), (pathlib.PurePosixPath, ("/a/b",))),
    *((ipaddress.IPv4Address, ("1.2.3.4",)), (types.SimpleNamespace, ()), (io.BytesIO, (b"abc",))),
    *((io.StringIO, ("abc",)), (functools.partial, (int,)), (ValueError, ("a", 1)), (random.Random, (7,))),
]


def _content(obj):
    if isinstance(obj, (io.BytesIO, io.StringIO)):
        return obj.getvalue()
    if isinstance(obj, functools.partial):
        return obj.func, obj.args, obj.keywords
    if isinstance(obj, BaseException):
        return obj.args
    if isinstance(obj, random.Random):
        return obj.getstate()
    if isinstance(obj, types.SimpleNamespace):
        return None
    if isinstance(obj, (dt.date, dt.time, dt.timedelta)):
        return str(obj)
    if isinstance(obj, collections.defaultdict):
        return dict(obj), obj.default_factory
    if isinstance(obj, array.array):
        return obj.typecode, obj.tolist()
    if isinstance(obj, collections.deque):
        return list(obj), obj.maxlen
    return next(base for base in type(obj).__mro__[1:] if base.__module__ != __name__)(obj)


for _base, _args in _PLAIN:
    _cls = _subclass(_base)

    def _make(cls=_cls, args=_args):
        return with_attributes(cls(*args), note=["n"], other=1)

    def _check(x, cls=_cls, make=_make):
        assert type(x) is cls
        assert _content(x) == _content(make())
        assert (x.note, x.other) == (["n"], 1)

    CASES[f"attributes of a subclass of {_base.__name__}"] = (_make, _check)


def _own_init(base, fill, read):
    name = f"Init{base.__name__.title()}"

    def __init__(self, name):
        base.__init__(self)
        self.name = name

    cls = globals()[name] = type(name, (base,), {"__module__": __name__, "__init__": __init__})

    def make():
        obj = cls("me")
        fill(obj)
        return obj

    def check(x):
        assert type(x) is cls
        assert (x.name, read(x)) == ("me", read(make()))

    CASES[f"a {base.__name__} with its own __init__"] = (make, check)


_own_init(set, lambda x: x.update("ab"), lambda x: set(x))
_own_init(list, lambda x: x.extend("ab"), lambda x: list(x))
_own_init(dict, lambda x: x.update(a=1), lambda x: dict(x))
_own_init(bytearray, lambda x: x.extend(b"ab"), lambda x: bytes(x))
_own_init(collections.OrderedDict, lambda x: x.update(b=1, a=2), lambda x: [*x.items()])
_own_init(collections.Counter, lambda x: x.update("aab"), lambda x: dict(x))
_own_init(collections.defaultdict, lambda x: setattr(x, "default_factory", list), lambda x: x["new"])
_own_init(collections.deque, lambda x: x.extend("ab"), lambda x: list(x))
_own_init(random.Random, lambda x: x.seed(5), lambda x: x.getstate())
_own_init(types.SimpleNamespace, lambda x: setattr(x, "a", 1), lambda x: x.a)
_own_init(io.BytesIO, lambda x: x.write(b"ab"), lambda x: x.getvalue())
_own_init(collections.UserDict, lambda x: x.update(a=1), lambda x: x.data)


def _own_new(base, args):
    name = f"New{base.__name__.title()}"

    def __new__(cls, *, label):
        obj = base.__new__(cls, *args)
        obj.label = label
        return obj

    def __init__(self, *, label):
        pass

    cls = globals()[name] = type(name, (base,), {"__module__": __name__, "__new__": __new__, "__init__": __init__})

    def make():
        return cls(label="me")

    def check(x):
        assert type(x) is cls
        assert (x.label, _content(x)) == ("me", _content(make()))

    CASES[f"a {base.__name__} with its own __new__"] = (make, check)


for _base, _args in _PLAIN:
    if _base in (int, float, complex, str, bytes, tuple, frozenset, dt.date, dt.datetime, dt.timedelta, dt.time):
        _own_new(_base, _args)
_own_new(decimal.Decimal, ("1.5",))
_own_new(fractions.Fraction, (1, 3))


class Celsius(float):
    def __new__(cls, fahrenheit):
        return super().__new__(cls, (float(fahrenheit) - 32) / 1.8)


@case
def converted(x, make=lambda: Celsius(212)):
    assert (type(x), float(x)) == (Celsius, 100.0)


class Interned(str):
    known: dict = {}  # noqa: RUF012 - as people write it

    def __new__(cls, text):
        return cls.known.setdefault(text, super().__new__(cls, text))


@case
def interned(x, make=lambda: [Interned("a"), Interned("b")]):
    assert x[0] is Interned("a")
    assert x[1] is Interned("b")


class Split(collections.namedtuple("Split", "left right")):  # noqa: PYI024 - as people write it
    def __new__(cls, text):
        return super().__new__(cls, *text.split("="))


@case
def named_tuple(x, make=lambda: Split("a=b")):
    assert (type(x), x.left, x.right) == (Split, "a", "b")


class Info(np.ndarray):
    def __array_finalize__(self, obj):
        self.info = getattr(obj, "info", None)


class Shared:
    state = {}  # noqa: RUF012 - all objects share it

    def __init__(self):
        self.__dict__ = Shared.state


class Open(dict):
    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self.__dict__ = self


@case
def shared_dict(x, make=lambda: [with_attributes(Shared(), a=1), Shared()]):
    x[0].b = 2
    assert (x[1].a, x[1].b) == (1, 2)


@case
def own_dict(x, make=lambda: Open(a=1)):
    x.b = 2
    x["c"] = 3
    assert (type(x), dict(x), x.a, x.c) == (Open, {"a": 1, "b": 2, "c": 3}, 1, 3)


@case
def numpy_array(x, make=lambda: with_attributes(np.arange(3).view(Info), info="note")):
    assert (type(x), x.tolist(), x.info) == (Info, [0, 1, 2], "note")


class Tag(ET.Element):
    pass


@case
def xml_element(x, make=lambda: with_attributes(Tag("a", {"b": "c"}), note=1)):
    assert (type(x), x.tag, x.attrib, x.note) == (Tag, "a", {"b": "c"}, 1)


class Zone(dt.tzinfo):
    def __init__(self, hours):
        self.hours = hours

    def utcoffset(self, when):
        return dt.timedelta(hours=self.hours)

    def dst(self, when):
        return None


@case
def time_zone(x, make=lambda: dt.datetime(2024, 1, 1, tzinfo=Zone(3))):
    assert x.utcoffset() == dt.timedelta(hours=3)


class SlotDate(dt.date):
    __slots__ = ("note",)


def _slot_date():
    made = SlotDate(2024, 1, 2)
    made.note = "n"
    return made


@case
def slots(x, make=_slot_date):
    assert (type(x), x.day, x.note) == (SlotDate, 2, "n")


# Containers whose own methods need their attributes


class Logged(dict):
    def __init__(self):
        self.log = []

    def __setitem__(self, key, value):
        self.log.append(key)
        super().__setitem__(key, value)


def _logged(cls=Logged):
    made = cls()
    made["a"] = [made]
    made["b"] = 2
    return made


@case
def logged(x, make=_logged):
    assert (x.log, [*x], x["a"][0] is x, x["b"]) == (["a", "b"], ["a", "b"], True, 2)


class LoggedOrdered(collections.OrderedDict):
    def __init__(self):
        super().__init__()
        self.log = []

    __setitem__ = lambda self, key, value: (self.log.append(key), collections.OrderedDict.__setitem__(self, key, value))  # noqa: E731


@case
def logged_ordered(x, make=lambda: _logged(LoggedOrdered)):
    assert (x.log, [*x], x["a"][0] is x) == (["a", "b"], ["a", "b"], True)


class Wrapping(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, [value])

    def __getitem__(self, key):
        return super().__getitem__(key)[0]

    def items(self):
        return [(key, value[0]) for key, value in super().items()]


def _wrapping():
    made = Wrapping()
    made["a"] = 1
    return made


@case
def wrapping(x, make=_wrapping):
    assert (x["a"], dict.__getitem__(x, "a")) == (1, [1])


class Counted(list):
    def __init__(self, unit):
        self.unit = unit
        self.count = 0

    def append(self, item):
        self.extend([item])

    def extend(self, items):
        for item in items:
            self.count += 1
            super().append(f"{item} {self.unit}")


def _counted():
    made = Counted("kg")
    made.append(1)
    made.append(2)
    return made


@case
def counted(x, make=_counted):
    assert (x, x.count, x.unit) == (["1 kg", "2 kg"], 2, "kg")


class Allowed(set):
    def __init__(self, allowed):
        super().__init__()
        self.allowed = allowed

    def add(self, item):
        assert item in self.allowed
        super().add(item)


def _allowed():
    made = Allowed("abc")
    made.add("a")
    made.add("c")
    return made


@case
def allowed(x, make=_allowed):
    assert (x, x.allowed) == ({"a", "c"}, "abc")


class Forgetful(set):
    __transient__ = ("lock",)

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.lock = threading.Lock()

    def add(self, item):
        assert self.name
        super().add(item)


def _forgetful():
    made = Forgetful("n")
    made.add("a")
    return made


@case
def forgetful(x, make=_forgetful):
    assert (x, x.name, hasattr(x, "lock")) == ({"a"}, "n", False)


class Indexed(dict):
    """It leaves its index out of its state, and makes it anew when it is filled."""

    def __init__(self):
        self.index = {}
        self.note = "n"

    def __setitem__(self, key, value):
        self.index[value] = key
        super().__setitem__(key, value)

    def __getstate__(self):
        return {"index": {}, "note": self.note}


def _indexed():
    made = Indexed()
    made["a"] = 1
    return made


@case
def indexed(x, make=_indexed):
    assert (x, x.index, x.note) == ({"a": 1}, {1: "a"}, "n")


class Fixed(frozenset):
    def __new__(cls, text, note):
        made = super().__new__(cls, text)
        made.note = note
        return made


@case
def fixed(x, make=lambda: Fixed("ab", "n")):
    assert (type(x), set(x), x.note) == (Fixed, {"a", "b"}, "n")


# Exceptions


class ByKeyword(Exception):
    def __init__(self, *, job, code=3):
        super().__init__(f"{job} failed")
        self.job = job
        self.code = code


@case
def keyword_only(x, make=lambda: ByKeyword(job="j")):
    assert (type(x), x.args, x.job, x.code, str(x)) == (ByKeyword, ("j failed",), "j", 3, "j failed")


class ParseError(json.JSONDecodeError):
    def __init__(self, msg, doc, pos, line=None):
        super().__init__(msg, doc, pos)
        self.line = line


@case
def inherited_reduce(x, make=lambda: ParseError("m", "doc", 1, line=[5])):
    assert (type(x), x.line, x.doc, x.pos, str(x)) == (ParseError, [5], "doc", 1, "m: line 1 column 2 (char 1)")


class Many(KeyError):
    def __init__(self, one, two):
        super().__init__(one, two, "third")
        self.pair = [one, two]


@case
def required(x, make=lambda: Many(1, 2)):
    assert (type(x), x.args, x.pair) == (Many, (1, 2, "third"), [1, 2])


class NoSuper(Exception):
    def __init__(self, one, two):
        self.two = two


@case
def without_super(x, make=lambda: NoSuper(1, two=2)):
    assert (type(x), x.args, x.two) == (NoSuper, (1,), 2)


class SlotError(Exception):
    __slots__ = ("reason",)

    def __init__(self, reason):
        self.reason = reason


@case
def error_with_slots(x, make=lambda: SlotError("r")):
    assert (type(x), x.args, x.reason) == (SlotError, ("r",), "r")


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    job: str


@case
def frozen_error(x, make=lambda: FrozenError("j")):
    assert (type(x), x.job) == (FrozenError, "j")


class NetError(OSError):
    def __init__(self, host):
        super().__init__(2, "no such host", host)
        self.host = host


@case
def os_error(x, make=lambda: NetError("h")):
    assert (x.errno, x.strerror, x.filename, x.host, x.args) == (2, "no such host", "h", "h", (2, "no such host"))


class NewError(ValueError):
    def __new__(cls, one, *, two):
        made = super().__new__(cls, one)
        made.two = two
        return made

    def __init__(self, one, *, two):
        super().__init__("said")


@case
def error_by_new(x, make=lambda: NewError(1, two=2)):
    assert (type(x), x.args, x.two) == (NewError, ("said",), 2)


class Group(ExceptionGroup):
    def __new__(cls, errors, code):
        made = super().__new__(cls, "several", errors)
        made.code = code
        return made


@case
def group(x, make=lambda: Group([ValueError(1)], 5)):
    assert (type(x), x.message, type(x.exceptions[0]), x.code) == (Group, "several", ValueError, 5)


def _changed():
    made = [
        OSError(2, "no"),
        StopIteration(1),
        SystemExit(3),
        SyntaxError("bad", ("f", 1, 2, "text")),
        ImportError("x", name="n", path="p"),
    ]
    made[0].filename = "late"
    made[1].value = [2]
    made[3].lineno = 7
    made.append(UnicodeDecodeError("utf-8", b"ab", 0, 1, "bad"))
    made[5].reason = "worse"
    made.append(NameError("x", name="y") if sys.version_info >= (3, 10) else NameError("x"))
    return made


@case
def builtin_errors(x, make=_changed):
    assert (x[0].errno, x[0].filename, x[1].value, x[2].code) == (2, "late", [2], 3)
    assert (x[3].lineno, x[3].text, x[3].filename, x[4].name, x[4].path) == (7, "text", "f", "n", "p")
    assert (x[5].object, x[5].reason, x[6].name) == (b"ab", "worse", "y")


class Stop(StopIteration):
    def __init__(self, *, result):
        super().__init__(result)


@case
def stop_with_keyword(x, make=lambda: Stop(result=[5])):
    assert (type(x), x.value, x.args) == (Stop, [5], ([5],))


def _noted():
    made = ByKeyword(job="j")
    made.add_note("a note")
    return made


@case
def notes(x, make=_noted):
    assert x.__notes__ == ["a note"]


# Attributes that are looked up elsewhere


class Delegating:
    def __init__(self, target):
        self.target = target

    def __getattr__(self, name):
        return getattr(self.target, name)


@case
def delegating(x, make=lambda: Delegating([1, 2])):
    assert (x.target, x.index(2)) == ([1, 2], 1)


class Keyed:
    def __init__(self):
        self.data = {"a": 1}

    def __getattr__(self, name):
        return self.data[name]


@case
def key_error(x, make=Keyed):
    assert x.a == 1


class DelegatingSlots:
    __slots__ = ("target",)

    def __init__(self, target):
        self.target = target

    def __getattr__(self, name):
        return getattr(self.target, name)


@case
def delegating_with_slots(x, make=lambda: DelegatingSlots([1, 2])):
    assert (x.target, x.index(2)) == ([1, 2], 1)


# Objects that are compared by `is`


class Missing:
    """A sentinel as most libraries have it."""

    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self):
        return "missing"

    def __bool__(self):
        return False


class Absent:
    __slots__ = ()


UNSET = object()
MISSING = Missing()
ABSENT = Absent()
SENTINELS = [UNSET, MISSING, ABSENT, dataclasses.MISSING, dataclasses.KW_ONLY, inspect.Parameter.empty]


@case
def sentinels(
    x, make=lambda: [UNSET, MISSING, ABSENT, dataclasses.MISSING, dataclasses.KW_ONLY, inspect.Parameter.empty]
):
    expected = [UNSET, MISSING, ABSENT, dataclasses.MISSING, dataclasses.KW_ONLY, inspect.Parameter.empty]
    assert all(one is other for one, other in zip(x, expected, strict=True))


@case
def sentinel_in_objects(x, make=lambda: {"a": [types.SimpleNamespace(default=UNSET)], UNSET: (UNSET, object())}):
    assert x["a"][0].default is UNSET
    assert x[UNSET][0] is UNSET
    assert x[UNSET][1] is not UNSET


class Settings:
    """The application's own: an object with attributes is never saved by name, nor one that may get some."""

    def __init__(self):
        self.debug = False


class Job:
    def start(self):
        self.started = True


SETTINGS = Settings()
SETTINGS.debug = True
JOB = Job()
ITEMS: list = []


@case
def own_objects(x, make=lambda: [SETTINGS, JOB, ITEMS]):
    assert x[0] is not SETTINGS
    assert x[0].debug
    assert x[1] is not JOB
    assert x[2] is not ITEMS


def _parser():
    parser = argparse.ArgumentParser("x")
    parser.add_argument("-n", type=int)
    parser.add_argument("-q", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_subparsers().add_parser("sub").add_argument("--z", dest="z")
    return parser


@case
def argument_parser(x, make=_parser):
    assert vars(x.parse_args(["-n", "3"])) == {"n": 3}
    assert vars(x.parse_args(["-q", "1", "sub", "--z", "5"])) == {"n": None, "q": "1", "z": "5"}
    assert x.format_help() == _parser().format_help()


def _options():
    parser = optparse.OptionParser(prog="p")
    parser.add_option("-x", help=optparse.SUPPRESS_HELP)
    parser.add_option("-y")
    return parser


@case
def option_parser(x, make=_options):
    assert x.parse_args(["-y", "5"])[0].y == "5"
    assert x.format_help() == _options().format_help()


@case
def c_arrays(x, make=lambda: (ctypes.c_int * 3)(1, 2, 3)):
    assert (type(x), list(x)) == (ctypes.c_int * 3, [1, 2, 3])


@case
def loggers(x, make=lambda: [logging.getLogger("shop.web"), logging.getLogger(), logging.lastResort]):
    assert x[0] is logging.getLogger("shop.web")
    assert x[1] is logging.getLogger()
    assert x[2] is logging.lastResort


def main(path, trust):
    """Check the objects in a file."""
    if trust == "own":
        objects = load(path)
    else:
        snapshot = open_snapshot(path)
        objects = snapshot.build(trust=[want.grant for want in snapshot.names])
    for name, x in objects.items():
        try:
            CASES[name][1](x)
        except BaseException as error:  # noqa: BLE001 - all faults are listed
            sys.stdout.write(f"{name}: {type(error).__name__}: {error}".splitlines()[0] + "\n")
