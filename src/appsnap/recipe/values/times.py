"""Dates, times and time zones."""

from __future__ import annotations

import datetime as dt
import pickle
import zoneinfo
from typing import TYPE_CHECKING, Any

from appsnap.recipe.values.arguments import call, check
from appsnap.recipe.values.installed import check_installed
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.recipe.values.registry import Make

__all__ = ["OBJECTS", "TYPES"]


def _clock(value: dt.datetime | dt.time) -> tuple[Any, ...]:
    """Return hour, minute, and the rest of a time. Defaults at the end (0 and None) are left out."""
    fields: tuple[Any, ...] = (value.hour, value.minute, value.second, value.microsecond, value.tzinfo)
    while len(fields) > 2 and (fields[-1] is None or fields[-1] == 0):
        fields = fields[:-1]
    return fields


def _reduce_datetime(value: dt.datetime) -> Any:
    if value.fold:
        return NotImplemented
    return dt.datetime, (value.year, value.month, value.day, *_clock(value))


def _reduce_time(value: dt.time) -> Any:
    return NotImplemented if value.fold else (dt.time, _clock(value))


def _timed(cls: Callable[..., Any]) -> Make:
    """Return the constructor of a date or a time. Its arguments are numbers, or the packed bytes of a pickle.

    A time zone may come last.
    """

    def make(args: tuple[Any, ...]) -> Any:
        zone = args[-1] if args and isinstance(args[-1], dt.tzinfo) else None
        fields = args[:-1] if zone is not None else tuple(x for x in args if x is not None)
        packed = [*map(type, fields)] == [bytes]
        check(packed or all(type(x) is int for x in fields), "takes numbers and a time zone")
        made = cls(*args)
        return made.replace() if packed else made  # the constructor doesn't check packed numbers, `replace` does

    return make


def _reduce_zone(value: zoneinfo.ZoneInfo) -> Any:
    try:
        reduction = value.__reduce__()
    except pickle.PicklingError as error:
        # With a key, a load would find the zone of its machine, which may have other rules.
        raise TypeError("a zone that was made from a file, which no load finds again") from error
    arguments: Any = reduction[1]
    key, from_cache = arguments
    return (zoneinfo.ZoneInfo, (key,)) if from_cache else reduction


def _make_zone(args: tuple[Any, ...]) -> zoneinfo.ZoneInfo:
    (key,) = args
    check(type(key) is str, "takes a key")
    check_installed("tzdata")  # zoneinfo looks there for zones that the system lacks
    return zoneinfo.ZoneInfo(key)


def _make_zone_by_key(args: tuple[Any, ...]) -> zoneinfo.ZoneInfo:
    key, from_cache = args
    check(type(key) is str, "takes a key")
    check_installed("tzdata")
    return zoneinfo.ZoneInfo(key) if from_cache else zoneinfo.ZoneInfo.no_cache(key)


TYPES = (
    ValueType(
        name="datetime.date",
        cls=dt.date,
        reduce=lambda value: (dt.date, (value.year, value.month, value.day)),
        make=_timed(dt.date),
        plain=True,
    ),
    ValueType(name="datetime.datetime", cls=dt.datetime, reduce=_reduce_datetime, make=_timed(dt.datetime), plain=True),
    ValueType(name="datetime.time", cls=dt.time, reduce=_reduce_time, make=_timed(dt.time), plain=True),
    ValueType(name="datetime.timedelta", cls=dt.timedelta, make=call(dt.timedelta, int, most=3), plain=True),
    ValueType(
        name="datetime.timezone",
        cls=dt.timezone,
        reduce=lambda value: (getattr, (dt.timezone, "utc")) if value is dt.UTC else NotImplemented,
        make=call(dt.timezone, dt.timedelta, str, least=1, most=2),
    ),
    ValueType(
        name="zoneinfo.ZoneInfo",
        cls=zoneinfo.ZoneInfo,
        reduce=_reduce_zone,
        make=_make_zone,
        made_by={"zoneinfo.ZoneInfo._unpickle": _make_zone_by_key},
        plain=True,
    ),
)

OBJECTS = ("datetime.timezone.utc", "datetime.UTC")
