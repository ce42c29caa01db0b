"""Value types that any snapshot may hold: how each is put together, where a snapshot isn't trusted as code.

Each constructor takes the arguments that a snapshot gives, checks them, and returns the value. It raises TypeError or
ValueError where they don't fit, and never calls or looks into anything that its caller didn't make.
"""

from __future__ import annotations

import array
import builtins
import collections
import datetime as dt
import decimal
import fractions
import functools
import logging
import re
import sys
import types
import uuid
import warnings
import zoneinfo
from typing import TYPE_CHECKING, Any

from appsnap import evolve
from appsnap.recipe import steps
from appsnap.recipe.values import ADDRESSES, PATHS, SCALARS, arrays

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

__all__ = [
    "CHANGING",
    "CREATABLE",
    "FILLED_BY",
    "REFERABLE",
    "WITH_HARMLESS_METHODS",
    "construct",
    "is_constructible",
    "keys_of",
    "work_of",
]


def _check(condition: object, what: str) -> None:
    if not condition:
        raise ValueError(what)


def _of(*types_: type, most: int, least: int = 0) -> Callable[[tuple[Any, ...]], None]:
    allowed = frozenset(types_)

    def check(args: tuple[Any, ...]) -> None:
        _check(least <= len(args) <= most, f"takes {least} to {most} arguments, not {len(args)}")
        for argument in args:
            _check(type(argument) in allowed, f"takes no {type(argument).__name__}")

    return check


def _plain(cls: Callable[..., Any], check: Callable[[tuple[Any, ...]], None]) -> Callable[[tuple[Any, ...]], Any]:
    def make(args: tuple[Any, ...]) -> Any:
        check(args)
        return cls(*args)

    return make


def _timed(cls: Callable[..., Any]) -> Callable[[tuple[Any, ...]], Any]:
    """`date`, `time`, `datetime`: numbers, or the packed bytes of their own `__reduce__`; then perhaps a time zone."""

    def make(args: tuple[Any, ...]) -> Any:
        zone = args[-1] if args and isinstance(args[-1], dt.tzinfo) else None
        fields = args[:-1] if zone is not None else tuple(x for x in args if x is not None)
        packed = [*map(type, fields)] == [bytes]
        _check(packed or all(type(x) is int for x in fields), "takes numbers and a time zone")
        made = cls(*args)
        return made.replace() if packed else made  # of what is packed, only that looks at the numbers

    return make


def _fraction(args: tuple[Any, ...]) -> fractions.Fraction:
    if len(args) == 1 and type(args[0]) is str:
        # Fraction("1e99999999") would compute the number.
        _check(re.fullmatch(r"-?[0-9]{1,4000}(/[0-9]{1,4000})?", args[0]), "takes two whole numbers")
    else:
        _of(int, least=2, most=2)(args)
        # Their common divisor takes quadratic time.
        _check(all(number.bit_length() <= 200_000 for number in args), "takes numbers of at most 60,000 digits")
    return fractions.Fraction(*args)


def _range(args: tuple[Any, ...]) -> range:
    _of(int, bool, least=1, most=3)(args)
    # Its length is a quotient, which takes quadratic time.
    _check(all(number.bit_length() <= 10_000 for number in args), "takes numbers of at most 3,000 digits")
    return range(*args)


def _pattern(args: tuple[Any, ...]) -> re.Pattern[Any]:
    pattern, flags = (*args, 0)[:2]
    _check(1 <= len(args) <= 2 and type(pattern) in (str, bytes) and type(flags) is int, "takes a pattern and flags")
    _check(not flags & re.DEBUG.value, "takes no debug flag")  # re.DEBUG prints the pattern to stdout
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sets that may mean something else one day
        return re.compile(pattern, flags)


def _deque(args: tuple[Any, ...]) -> collections.deque[Any]:
    items, maxlen = (*args, None, None)[:2]
    _check(len(args) <= 2 and type(items) in (list, tuple, type(None)), "takes a list and a length")
    _check(maxlen is None or type(maxlen) is int, "takes a list and a length")
    return collections.deque(items or (), maxlen)


def _defaultdict(args: tuple[Any, ...]) -> collections.defaultdict[Any, Any]:
    _check(len(args) <= 1, "takes one factory")
    return collections.defaultdict(*args)


def _container(cls: Callable[..., Any], *sources: type) -> Callable[[tuple[Any, ...]], Any]:
    return _plain(cls, _of(*sources, most=1))


def _partial(args: tuple[Any, ...]) -> functools.partial[Any]:
    (function,) = args
    _check(callable(function), "takes one callable")
    return functools.partial(function)


def _logger(args: tuple[Any, ...]) -> logging.Logger:
    _of(str, least=0, most=1)(args)
    # Each dot makes another logger, for good.
    _check(all(len(name) <= 500 and name.count(".") <= 50 for name in args), "takes a name of a module")
    return logging.getLogger(*args)


def _running_loop(args: tuple[Any, ...]) -> asyncio.AbstractEventLoop:
    import asyncio  # noqa: PLC0415 - asyncio is half the time of starting the command line

    _of(least=0, most=0)(args)
    return asyncio.get_running_loop()


def _unpickled_zone(args: tuple[Any, ...]) -> zoneinfo.ZoneInfo:
    key, _from_cache = args
    _check(type(key) is str, "takes a key")
    return zoneinfo.ZoneInfo(key)


def _rebuilt_array(args: tuple[Any, ...]) -> Any:
    cls, typecode, format_code, data = args
    _check(cls is array.array and type(data) is bytes, "takes bytes")
    return array._array_reconstructor(cls, typecode, format_code, data)  # type: ignore[attr-defined]  # noqa: SLF001 - what pickles of arrays name


def _exception(cls: type[BaseException]) -> Callable[[tuple[Any, ...]], Any]:
    def make(args: tuple[Any, ...]) -> Any:
        if issubclass(cls, (BaseExceptionGroup, SyntaxError)):
            # They make a tuple of what they are given: of a range of 100 billion, too.
            _check(all(type(argument) in (list, tuple) for argument in args[1:2]), "takes a list or a tuple")
        return cls(*args)

    return make


def _scalar(name: str) -> Callable[[tuple[Any, ...]], Any]:
    def make(args: tuple[Any, ...]) -> Any:
        import numpy as np  # noqa: PLC0415 - only where a snapshot holds numpy's numbers

        # bytes_(5) would be five bytes, int64("…") would read digits.
        _of(_ITEMS[name.rstrip("_0123456789")], least=1, most=1)(args)
        with np.errstate(over="ignore"):
            return getattr(np, name)(*args)

    return make


_ITEMS: dict[str, type] = {"uint": int, "str": str, "bytes": bytes} | {
    cls.__name__: cls for cls in (bool, int, float, complex)
}
"""What the numbers and texts of numpy are made of, by the beginning of their names."""


def _time64(name: str) -> Callable[[tuple[Any, ...]], Any]:
    def make(args: tuple[Any, ...]) -> Any:
        import numpy as np  # noqa: PLC0415 - only where a snapshot holds numpy's times

        count, unit = args
        _check(type(count) is int and type(unit) is str and _UNIT.fullmatch(unit), "takes a number and a unit")
        return getattr(np, name)(count, unit)

    return make


_UNIT = re.compile("[0-9]{0,9}[A-Za-z]{1,2}")


def _bytearray(args: tuple[Any, ...]) -> bytearray:
    if len(args) == 2:
        return bytearray(_latin1(args))
    _of(bytes, bytearray, most=1)(args)
    return bytearray(*args)


def _memoryview(args: tuple[Any, ...]) -> memoryview:
    (base,) = args
    arrays = getattr(sys.modules.get("numpy"), "ndarray", array.array)
    _check(type(base) in (bytes, bytearray, array.array, arrays), "takes bytes or an array")
    return memoryview(base)


def _latin1(args: tuple[Any, ...]) -> bytes:
    """`_codecs.encode(text, "latin1")`: how protocols below 3 spell bytes. No other codec: some of them run code."""
    text, codec = args
    _check(type(text) is str and codec in ("latin1", "latin-1"), "takes a text and latin1")
    return bytes(text, "latin-1")


_EXCEPTIONS = [x for x in vars(builtins).values() if isinstance(x, type) and issubclass(x, BaseException)]
_BUILTIN_TYPES = (
    *(bool, bytearray, bytes, complex, dict, float, frozenset, int, list, memoryview, object, range, set, slice, str),
    tuple,
)

_CONSTRUCTORS: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    "_codecs.encode": _latin1,
    "appsnap.evolve.Ephemeral": _plain(evolve.Ephemeral, _of(most=0)),
    "appsnap.actions.read_only": arrays.read_only,
    "array._array_reconstructor": _rebuilt_array,
    "_asyncio.get_running_loop": _running_loop,
    "builtins.bytearray": _bytearray,
    "builtins.bytes": _container(bytes),
    "builtins.complex": _plain(complex, _of(int, float, least=1, most=2)),
    "builtins.frozenset": _container(frozenset, list, tuple),
    "builtins.memoryview": _memoryview,
    "builtins.object": _plain(object, _of(most=0)),
    "builtins.range": _range,
    "builtins.set": _container(set, list, tuple),
    "builtins.slice": _plain(slice, _of(int, float, str, bytes, bool, type(None), least=1, most=3)),
    "collections.Counter": _container(collections.Counter, dict),
    "collections.OrderedDict": _container(collections.OrderedDict, dict, list),
    "collections.defaultdict": _defaultdict,
    "collections.deque": _deque,
    "datetime.date": _timed(dt.date),
    "datetime.datetime": _timed(dt.datetime),
    "datetime.time": _timed(dt.time),
    "datetime.timedelta": _plain(dt.timedelta, _of(int, most=3)),
    "datetime.timezone": _plain(dt.timezone, _of(dt.timedelta, str, least=1, most=2)),
    "decimal.Decimal": _plain(decimal.Decimal, _of(str, least=1, most=1)),
    "fractions.Fraction": _fraction,
    "functools.partial": _partial,
    "logging.getLogger": _logger,
    "numpy.dtype": arrays.dtype,
    "numpy.ndarray": arrays.ndarray,
    "re._compile": _pattern,
    "re.compile": _pattern,
    "types.MappingProxyType": _plain(types.MappingProxyType, _of(dict, least=1, most=1)),
    "types.SimpleNamespace": _plain(types.SimpleNamespace, _of(most=0)),
    "uuid.UUID": _plain(uuid.UUID, _of(str, least=1, most=1)),
    "zoneinfo.ZoneInfo": _plain(zoneinfo.ZoneInfo, _of(str, least=1, most=1)),
    "zoneinfo.ZoneInfo._unpickle": _unpickled_zone,
    **{f"ipaddress.{cls.__name__}": _plain(cls, _of(str, int, least=1, most=1)) for cls in ADDRESSES},
    **{f"pathlib.{cls.__name__}": _plain(cls, _of(str, most=1000)) for cls in PATHS},
    **{f"numpy.{name}": _scalar(name) for name in SCALARS},
    **{f"numpy.{name}": _time64(name) for name in ("datetime64", "timedelta64")},
    **{f"builtins.{cls.__name__}": _exception(cls) for cls in _EXCEPTIONS},
}


CREATABLE = frozenset(
    {
        "builtins.object",
        "collections.ChainMap",
        "collections.UserDict",
        "collections.UserList",
        "collections.UserString",
        "uuid.UUID",
        "appsnap.internet.StreamServerService",
        "appsnap.internet.TimerService",
        "appsnap.service.Application",
        "appsnap.service.MultiService",
        "appsnap.service.Process",
        "appsnap.service.Service",
        "appsnap.service.ServiceMaker",
        "appsnap.sob.Persistent",
    }
)
"""Classes of which any snapshot may make objects and set their state: they do nothing with it but keep it."""

REFERABLE = (
    CREATABLE
    | {f"builtins.{cls.__name__}" for cls in (*_BUILTIN_TYPES, *_EXCEPTIONS)}
    | {name for name in _CONSTRUCTORS if name.rpartition(".")[2][0].isupper()}
    | {"builtins.Ellipsis", "builtins.NotImplemented", "array.array"}
    | {"collections.defaultdict", "collections.deque", "datetime.date", "datetime.datetime", "datetime.time"}
    | {"datetime.timedelta", "datetime.timezone", "functools.partial", "numpy.dtype", "numpy.ndarray"}
    | {f"appsnap.interfaces.{name}" for name in ("IPersistable", "IProcess", "IService", "IServiceCollection")}
    | {"appsnap.interfaces.IServiceMaker", "types.EllipsisType", "types.NoneType", "types.NotImplementedType"}
    | {"os.environ", "sys.stderr", "sys.stdin", "sys.stdout", "sys.__stderr__", "sys.__stdin__", "sys.__stdout__"}
    | {"twisted.internet.reactor", "uuid.SafeUUID.safe", "uuid.SafeUUID.unknown", "uuid.SafeUUID.unsafe"}
)
"""Names to which any snapshot may refer."""

_STATEFUL = frozenset({steps.State, steps.SetState})
FILLED_BY: dict[str, frozenset[type]] = {
    "collections.Counter": frozenset({steps.Update}),
    "collections.OrderedDict": _STATEFUL | {steps.Update},
    "collections.defaultdict": frozenset({steps.Update}),
    "collections.deque": frozenset({steps.Extend}),
    "functools.partial": _STATEFUL,
    "types.SimpleNamespace": _STATEFUL,
    **{f"builtins.{cls.__name__}": _STATEFUL for cls in _EXCEPTIONS},
}
"""The constructors whose results may be filled, and by which steps.

All others make values that are complete, or belong to the process (loggers, numpy's dtypes).
"""

CHANGING = FILLED_BY.keys() | {
    *("array._array_reconstructor", "builtins.bytearray", "builtins.memoryview", "builtins.object", "builtins.set"),
    "numpy.ndarray",
}
"""The constructors of whose results one isn't as good as another that is equal: they can change, or are told apart."""

WITH_HARMLESS_METHODS = frozenset(
    {
        *("builtins.bytearray", "builtins.bytes", "builtins.frozenset", "builtins.range", "builtins.set"),
        *("collections.Counter", "collections.OrderedDict", "collections.defaultdict", "collections.deque"),
        *("logging.getLogger", "re._compile", "re.compile"),
    }
)
"""The constructors of whose results any snapshot may refer to methods: as a callback, such a method does no harm.

Those of a path do, and an array's write files.
"""


def is_constructible(name: str) -> bool:
    """Tell whether `construct` knows the function or type of this name."""
    return name in _CONSTRUCTORS


def construct(name: str, args: tuple[Any, ...]) -> Any:
    """Make a value of the type `name` (`"datetime.date"`). Raises TypeError or ValueError where `args` don't fit."""
    return _CONSTRUCTORS[name](args)


def keys_of(name: str, args: Sequence[Any]) -> Sequence[Any]:
    """Return what `construct` will hash of the arguments."""
    if name not in _HASHING or not args or type(args[0]) not in (list, tuple, dict):
        return ()
    items = tuple(args[0])
    if name == "collections.OrderedDict" and type(args[0]) is list:
        return [item[0] for item in items if type(item) in (list, tuple) and item]
    return items


def work_of(name: str, args: Sequence[Any]) -> int:
    """Return what `construct` has to do beyond going through its arguments: in microseconds, about."""
    if name == "numpy.dtype" and args:
        return _FIELD_WORK * arrays.fields(args[0])
    if name not in ("re.compile", "re._compile") or not args or type(args[0]) not in (str, bytes):
        return 0
    pattern = args[0] if type(args[0]) is str else str(args[0], "latin-1")
    of_set = _WIDE_SET_WORK if type(args[0]) is str and _WIDE.search(pattern) else _SET_WORK
    # What alternatives have in common at their begin is taken off letter by letter, and the rest copied each time.
    common = max(map(len, pattern.split("|"))) if "|" in pattern else 0
    return _PATTERN_WORK + 2 * len(pattern) + pattern.count("[") * of_set + common * len(pattern) // 20_000


_HASHING = frozenset({"builtins.frozenset", "builtins.set", "collections.Counter", "collections.OrderedDict"})

_WIDE = re.compile(r"[^\x00-\xff]|\\[NUu]")
# Microseconds. A field is counted five times, for it stays: 1,800 dtypes of 2,900 fields take 700 MB.
_FIELD_WORK = 5
_PATTERN_WORK = 100
_SET_WORK = 100
_WIDE_SET_WORK = 4_000
"""For a set of characters beyond Latin-1, re looks at up to 65,536 of them: 5 ms, where its case is ignored."""
