"""Values that people write as a text: patterns, UUIDs, paths and IP addresses."""

from __future__ import annotations

import ipaddress
import pathlib
import re
import uuid
import warnings
from typing import TYPE_CHECKING, Any

from appsnap.recipe.values.arguments import call, check
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OBJECTS", "TYPES"]

_ADDRESSES: tuple[type, ...] = (
    ipaddress.IPv4Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Address,
    ipaddress.IPv6Interface,
    ipaddress.IPv6Network,
)
_PATHS: tuple[type, ...] = (
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePath,
    pathlib.Path,
)


def _reduce_to_text(value: Any) -> Any:
    return type(value), (str(value),)


# Patterns


def _reduce_pattern(value: re.Pattern[Any]) -> Any:
    if value.pattern is None:
        raise TypeError("a pattern of re.Scanner, which has no text to compile")
    implied = re.DEBUG | (re.UNICODE if isinstance(value.pattern, str) else 0)
    flags = value.flags & ~int(implied)
    return re.compile, (value.pattern, flags) if flags else (value.pattern,)


def _make_pattern(args: tuple[Any, ...]) -> re.Pattern[Any]:
    pattern, flags = (*args, 0)[:2]
    check(1 <= len(args) <= 2 and type(pattern) in (str, bytes) and type(flags) is int, "takes a pattern and flags")
    check(not flags & re.DEBUG.value, "takes no debug flag")  # re.DEBUG prints the pattern to stdout
    return re.compile(pattern, flags & ~_TEMPLATE)


_TEMPLATE = 1
"""A flag that never changed what a pattern matches. Python 3.11 warns of it, and 3.13 doesn't know it."""


# Of sets that may mean something else one day. To catch the warnings of one call is to change the filters of the whole
# process, for its other threads as well.
warnings.filterwarnings("ignore", "Possible ", FutureWarning, re.escape(__name__))


def _pattern_work(args: Sequence[Any]) -> int:
    if not args or type(args[0]) not in (str, bytes):
        return 0
    pattern = args[0] if type(args[0]) is str else str(args[0], "latin-1")
    of_set = _WIDE_SET_WORK if type(args[0]) is str and _WIDE.search(pattern) else _SET_WORK
    # `re` takes the common begin of alternatives off letter by letter, and copies the rest each time.
    common = max(map(len, pattern.split("|"))) if "|" in pattern else 0
    return _PATTERN_WORK + 2 * len(pattern) + pattern.count("[") * of_set + common * len(pattern) // 20_000


_WIDE = re.compile(r"[^\x00-\xff]|\\[NUu]")
# Microseconds.
_PATTERN_WORK = 100
_SET_WORK = 100
_WIDE_SET_WORK = 4_000
"""For a set of characters beyond Latin-1, `re` looks at up to 65,536 of them: 5 ms, where their case is ignored."""


# UUIDs


def _reduce_uuid(value: uuid.UUID) -> Any:
    return (uuid.UUID, (str(value),)) if value.is_safe is uuid.SafeUUID.unknown else NotImplemented


def _is_uuid_state(state: Any) -> bool:
    if type(state) is not dict or type(state.get("is_safe")) not in (int, type(None)):
        return False  # `SafeUUID` hashes it, and prints it in its error
    # A UUID is hashed as its number, anew each time.
    return type(state.get("int")) is int and 0 <= state["int"] < 1 << 128


TYPES = (
    ValueType(
        name="re.Pattern",
        cls=re.Pattern,
        reduce=_reduce_pattern,
        made_by={"re.compile": _make_pattern, "re._compile": _make_pattern},
        referable=False,
        methods=True,
        work=_pattern_work,
        plain=True,
    ),
    ValueType(
        name="uuid.UUID",
        cls=uuid.UUID,
        reduce=_reduce_uuid,
        make=call(uuid.UUID, str, least=1, most=1),
        creatable=True,
        state_fits=_is_uuid_state,
        plain=True,
    ),
    *(
        ValueType(
            name=f"pathlib.{cls.__name__}", cls=cls, reduce=_reduce_to_text, make=call(cls, str, most=1000), plain=True
        )
        for cls in _PATHS
    ),
    *(
        ValueType(
            name=f"ipaddress.{cls.__name__}",
            cls=cls,
            reduce=_reduce_to_text,
            make=call(cls, str, int, least=1, most=1),
            plain=True,
        )
        for cls in _ADDRESSES
    ),
)

OBJECTS = ("uuid.SafeUUID.safe", "uuid.SafeUUID.unknown", "uuid.SafeUUID.unsafe")
