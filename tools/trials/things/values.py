"""Numbers, times, paths, addresses, random numbers and other values of the standard library."""

import calendar
import colorsys
import datetime as dt
import decimal
import fractions
import ipaddress
import numbers
import os
import pathlib
import random
import statistics
import sysconfig
import time
import uuid
import zoneinfo
from decimal import Decimal
from fractions import Fraction

from trials.things import filled

D = Decimal
ZONE = "Europe/Vienna"


class Date(dt.date):
    """A date with attributes."""


class DateTime(dt.datetime):
    """A datetime with attributes."""


class Time(dt.time):
    """A time with attributes."""


class Delta(dt.timedelta):
    """A timedelta with attributes."""


class Zone(dt.tzinfo):
    """A zone of its own."""

    def __init__(self, hours=1):
        self.hours = hours

    def utcoffset(self, when):
        return dt.timedelta(hours=self.hours)

    def dst(self, when):
        return None

    def tzname(self, when):
        return "own"


class Dec(Decimal):
    """A decimal with attributes."""


class Frac(Fraction):
    """A fraction with attributes."""


class Path(pathlib.PurePosixPath):
    """A path with attributes."""


class Rand(random.Random):
    """A generator with attributes."""


class Uid(uuid.UUID):
    """A UUID of its own."""


class Stamp(dt.datetime):
    """A datetime with a constructor of its own."""

    def __new__(cls, text):
        then = dt.datetime.fromisoformat(text)
        return super().__new__(cls, *then.timetuple()[:6])


class Fold(dt.datetime):
    """A datetime that keeps its zone's name."""

    zone_name = "x"


class Real(numbers.Number):
    """A number of its own."""

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other.n

    def __hash__(self):
        return hash(self.n)


def _random(cls=random.Random, seed=5):
    it = cls(seed)
    it.random()
    it.gauss(0, 1)
    return it


def _context():
    return decimal.Context(prec=5, rounding=decimal.ROUND_UP, traps=[decimal.Inexact], Emin=-9)


def _zone_from_file():
    for folder in zoneinfo.TZPATH:
        path = pathlib.Path(folder) / "Asia/Tokyo"
        if path.exists():
            with path.open("rb") as file:
                return zoneinfo.ZoneInfo.from_file(file, key=ZONE)
    import importlib.resources

    with importlib.resources.files("tzdata").joinpath("zoneinfo/Asia/Tokyo").open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file, key=ZONE)


def _offset(zone):
    return dt.datetime(2024, 7, 1, tzinfo=zone).utcoffset()


THINGS = {
    "decimal": lambda: D("-0.10"),
    "decimal nan": lambda: D("sNaN12"),
    "decimal huge": lambda: D("1E+999999"),
    "decimal infinite": lambda: D("-Infinity"),
    "decimal subclass": lambda: filled(Dec("1.5"), note=[1]),
    "decimal context": _context,
    "decimal tuple": lambda: D("1.5").as_tuple(),
    "decimal signal": lambda: decimal.Inexact,
    "fraction": lambda: Fraction(-2, 3),
    "fraction subclass": lambda: filled(Frac(1, 3), note=[1]),
    "number of its own": lambda: Real(5),
    "date": lambda: dt.date(2024, 2, 29),
    "date min": lambda: [dt.date.min, dt.date.max, dt.date.resolution],
    "date subclass": lambda: filled(Date(2024, 1, 1), note=[1]),
    "time": lambda: dt.time(1, 2, 3, 4),
    "time fold": lambda: dt.time(2, 30, fold=1),
    "time zone": lambda: dt.time(5, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET")),
    "time subclass": lambda: filled(Time(1, 2), note=[1]),
    "datetime": lambda: dt.datetime(2024, 2, 29, 1, 2, 3, 4),
    "datetime utc": lambda: dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
    "datetime fold": lambda: dt.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo(ZONE), fold=1),
    "datetime first": lambda: [dt.datetime.min, dt.datetime.max],
    "datetime subclass": lambda: filled(DateTime(2024, 1, 1, tzinfo=dt.UTC), note=[1]),
    "datetime subclass bare": lambda: Fold(2024, 1, 1, fold=1),
    "datetime own constructor": lambda: Stamp("2024-01-01T10:00:00"),
    "datetime own zone": lambda: dt.datetime(2024, 1, 1, tzinfo=Zone(3)),
    "timedelta": lambda: dt.timedelta(-1, 2, 3),
    "timedelta max": lambda: [dt.timedelta.max, dt.timedelta.min],
    "timedelta subclass": lambda: filled(Delta(1), note=[1]),
    "timezone": lambda: dt.timezone(-dt.timedelta(hours=3, minutes=30)),
    "timezone utc": lambda: [dt.UTC, dt.timezone.utc],
    "timezone named": lambda: dt.timezone(dt.timedelta(0), "GMT"),
    "tzinfo": lambda: Zone(2),
    "zoneinfo": lambda: zoneinfo.ZoneInfo(ZONE),
    "zoneinfo shared": lambda: [zoneinfo.ZoneInfo(ZONE), zoneinfo.ZoneInfo(ZONE)],
    "zoneinfo no cache": lambda: zoneinfo.ZoneInfo.no_cache(ZONE),
    "zoneinfo from file": _zone_from_file,
    "calendar": lambda: calendar.TextCalendar(6),
    "calendar locale": lambda: calendar.HTMLCalendar(0),
    "path": lambda: pathlib.Path("/a/b"),
    "path pure": lambda: [pathlib.PurePosixPath("/a/../b"), pathlib.PureWindowsPath(r"C:\a")],
    "path relative": lambda: pathlib.Path(),
    "path surrogate": lambda: pathlib.Path("a\udcff"),
    "path subclass": lambda: filled(Path("/a"), note=[1]),
    "path used": lambda: (p := pathlib.Path("/a/b.txt"), p.name, p.parts, hash(p), p)[4],
    "path parents": lambda: pathlib.Path("/a/b/c").parents,
    "uuid": lambda: uuid.UUID(int=7),
    "uuid safe": lambda: uuid.UUID(int=8, is_safe=uuid.SafeUUID.safe),
    "uuid named": lambda: uuid.uuid5(uuid.NAMESPACE_DNS, "a"),
    "uuid subclass": lambda: Uid(int=9),
    "ip address": lambda: [ipaddress.ip_address("1.2.3.4"), ipaddress.ip_address("::1%eth0")],
    "ip network": lambda: [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fe80::/10")],
    "ip interface": lambda: [ipaddress.ip_interface("10.1.2.3/8"), ipaddress.ip_interface("::1/64")],
    "ip network used": lambda: (n := ipaddress.ip_network("10.0.0.0/30"), n.broadcast_address, list(n.hosts()), n)[3],
    "random": _random,
    "random subclass": lambda: filled(_random(Rand), note=[1]),
    "random system": lambda: random.SystemRandom(),
    "random method": lambda: _random().randint,
    "statistics": lambda: statistics.NormalDist(1, 2),
    "colorsys": lambda: colorsys.rgb_to_hsv(0.1, 0.2, 0.3),
    "time function": lambda: [time.time, time.monotonic, time.sleep],
    "os path function": lambda: [os.path.join, os.getcwd, os.fspath],
    "sysconfig": lambda: sysconfig.get_python_version,
    "uuid shared": lambda: [u := uuid.UUID(int=3), u, {u: 1}],
    "dates shared": lambda: [d := dt.datetime(2024, 1, 1), d, (d, dt.date(2024, 1, 1))],
    "keys": lambda: {
        dt.date(2024, 1, 1): 1,
        D("1.5"): 2,
        Fraction(1, 3): 3,
        uuid.UUID(int=1): 4,
        pathlib.Path("/a"): 5,
    },
}
CHECKS = {
    "zoneinfo from file": _offset,
    "zoneinfo": lambda z: (z.key, _offset(z)),
    "datetime fold": lambda d: (d.utcoffset(), d.fold),
    "datetime own zone": lambda d: d.utcoffset(),
    "tzinfo": lambda z: z.utcoffset(None),
    "random": lambda r: (r.random(), r.gauss(0, 1)),
    "random subclass": lambda r: (r.random(), r.note),
    "random method": lambda m: m(1, 1000),
    "decimal context": lambda c: c.divide(D(1), D(8)),
    "path used": lambda p: (p.name, p.parent),
    "path parents": list,
    "statistics": lambda n: n.mean,
    "ip network used": lambda n: list(n.hosts()),
    "uuid named": str,
    "keys": lambda k: k[D("1.5")],
    "datetime subclass": lambda d: d + dt.timedelta(1),
    "uuid subclass": str,
}
OPAQUE = {"path parents", "random system", "random method", "zoneinfo from file"}
