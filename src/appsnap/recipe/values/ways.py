"""Ways to save: functions that take objects apart whose classes don't say how, or say it wrongly.

A way is registered for a type, or for its dotted name: then nothing is imported until an object of that type turns up.
There are two more things to say of a class that one doesn't own: its objects are found by name, and some of its
attributes are transient (`evolve`). A load has to know the latter, too, so it imports the families of each class.

A *family* is a module of ways. It is imported when the first object of a class of its package turns up. The families of
appsnap stand in `FAMILIES`. Distributions announce theirs in the entry-point group `appsnap.ways`, by the name of the
package.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import pickle
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import evolve
from appsnap.errors import Refused
from appsnap.recipe.values.installed import is_beside

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FAMILIES",
    "GROUP",
    "Way",
    "Weakly",
    "Where",
    "import_families",
    "import_wanted",
    "register_module",
    "register_way",
    "registered_modules",
    "way_of",
]

GROUP = "appsnap.ways"
"""The entry-point group."""

_PACKAGES: dict[str, tuple[str, ...]] = {
    "aiohttp": ("aiohttp", "frozenlist", "multidict"),
    "anyio": ("anyio",),
    "apscheduler": ("apscheduler",),
    "asyncio": ("_asyncio", "asyncio"),
    "blinker": ("blinker",),
    "carbon": ("carbon",),
    "celery": ("celery",),
    "clients": ("aiohttp", "http", "httpcore", "paho", "redis"),
    "contexts": ("_contextvars",),
    "cryptography": ("cryptography",),
    "django": ("django",),
    "fastapi": ("fastapi",),
    "files": ("_csv", "_io", "bz2", "gzip", "lzma", "mmap", "tempfile"),
    "flask_sqlalchemy": ("flask_sqlalchemy",),
    "graphql": ("graphql",),
    "interfaces": ("zope",),
    "jinja2": ("jinja2",),
    "kombu": ("kombu",),
    "litestar": ("litestar",),
    "logging": ("logging",),
    "loguru": ("loguru",),
    "matches": ("_regex", "re"),
    "mock": ("unittest",),
    "msgpack": ("msgpack",),
    "msgspec": ("msgspec",),
    "pools": ("concurrent",),
    "processes": ("multiprocessing", "subprocess"),
    "prompt_toolkit": ("prompt_toolkit",),
    "queues": ("_queue", "queue"),
    "sanic": ("sanic", "sanic_routing"),
    "sockets": ("asyncio", "multiprocessing", "select", "selectors", "socket"),
    "sqlalchemy": ("sqlalchemy",),
    "sqlite": ("aiosqlite", "sqlite3"),
    "ssl": ("OpenSSL", "_ssl", "ssl"),
    "streams": ("asyncio",),
    "structlog": ("structlog",),
    "telegram": ("telegram",),
    "threads": ("_thread", "threading"),
    "twisted": ("automat", "twisted"),
    "weak": ("_weakrefset", "tempfile", "weakref"),
    "web_states": ("aiohttp", "litestar", "starlette"),
    "werkzeug": ("werkzeug",),
    "wrapt": ("_wrappers", "wrapt"),
    "zodb": ("ZODB", "zc"),
}
"""The families of appsnap, each with the packages of its classes."""

FAMILIES: dict[str, tuple[str, ...]] = {
    package: tuple(f"appsnap.ways.{family}" for family, packages in _PACKAGES.items() if package in packages)
    for package in sorted({package for packages in _PACKAGES.values() for package in packages})
}
"""The families of appsnap, by the first part of the name of the module that a class belongs to."""


class Where(NamedTuple):
    """The statement that registers a way."""

    namespace: dict[str, Any]
    line: int

    def __str__(self) -> str:
        return f"{self.namespace.get('__name__')}, line {self.line}"

    @classmethod
    def of_caller(cls) -> Where:
        """Return the statement that has called the function which calls this."""
        frame = sys._getframe(2)  # noqa: SLF001 - inspect is slow to import
        return cls(frame.f_globals, frame.f_lineno)

    def is_again(self, other: Where) -> bool:
        """Tell whether this is the same statement, or one of the same module that runs again."""
        if self.namespace.get("__name__") != other.namespace.get("__name__"):
            return False
        return self.line == other.line or self.namespace is not other.namespace


@dataclass(frozen=True, slots=True)
class Way:
    """A way to save the objects of one type.

    `reduce` returns a reduction, or NotImplemented for an object that is saved as if there were no way.
    """

    name: str
    reduce: Callable[[Any], Any]
    where: Where
    cls: type | None = None
    subclasses: bool = False
    by_name: bool = False
    """An object that a module holds under a name is saved by that name. `reduce` is asked about the others."""
    before_fork: bool = False
    """`reduce` asks the operating system or a library. So it runs before a save forks, and not in the child."""
    weak: bool = False
    """The reduction is a `Weakly`, or the items in it are."""

    @property
    def is_own(self) -> bool:
        """Tell whether the way is one of appsnap's."""
        return str(self.where).startswith("appsnap.")

    def is_for(self, base: type) -> bool:
        """Tell whether a class is the one of the way."""
        return self.cls is base if self.cls is not None else evolve.goes_by(base, self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Weakly:
    """A value that only refers weakly to an object: the file has it if something else in the graph holds the object.

    The value is a reduction, or an item of a reduction's container. Otherwise, there is another reduction in its place,
    and no item: after the load nothing would hold the object.
    """

    obj: Any
    value: Any
    otherwise: Any = None


_ways: dict[str, list[Way]] = {}  # by the first part of the name of the module
_imported: set[str] = set()
_modules: dict[str, None] = {}


def register_way(way: Way) -> None:
    """Add a way.

    Raises ValueError if there is another one for the type, or if no object of the type is ever asked about. The
    statement of a module that runs again replaces the way from before.
    """
    if way.name in _NEVER_ASKED:
        raise ValueError(f"{way.name} can't have a way: its values are part of the format")
    if "." not in way.name:
        raise ValueError(f"{way.name!r} is no dotted name of a class: write it with its module, as in 'shop.web.Web'")
    package = _package(way.name)
    ways = _ways.setdefault(package, [])
    known = next((one for one in ways if one.name == way.name and one.cls in (None, way.cls, *_any(way))), None)
    if known is not None:
        if not known.where.is_again(way.where):
            raise ValueError(f"{way.name} has a way to save it already: in {known.where}, now in {way.where}")
        ways.remove(known)
    ways.append(way)
    register_module(way.where)


def register_module(where: Where) -> None:
    """Note the module of a statement: other interpreters of this program have to import it."""
    module = where.namespace.get("__name__")
    if isinstance(module, str) and where.namespace.get("__spec__") is not None:
        _modules[module] = None


def registered_modules() -> list[str]:
    """Return the names of the modules that have registered ways, except those that are found by themselves."""
    found = {name for names in (*FAMILIES.values(), *_announced().values()) for name in names}
    return [name for name in _modules if name not in found]


def _any(way: Way) -> tuple[type, ...]:
    """Return the classes that a name may stand for."""
    return tuple(one.cls for one in _ways[_package(way.name)] if one.cls is not None) if way.cls is None else ()


_NEVER_ASKED = frozenset(
    f"builtins.{cls.__name__}"
    for cls in (object, type(None), bool, int, float, str, bytes, bytearray, dict, list, tuple, set, frozenset)
) | {f"{pickle.PickleBuffer.__module__}.PickleBuffer"}
"""Types that the C pickler asks no rule about, and the class that all others have above them."""


def _package(name: str) -> str:
    return name.partition(".")[0]


def way_of(cls: type) -> Way | None:
    """Return the way for objects of a class, or None. The nearest base of the class has the first say."""
    import_families(cls)
    for base in cls.__mro__[:-1]:
        for way in _ways.get(_package(str(base.__module__)), ()):
            if (base is cls or way.subclasses) and way.is_for(base):
                return way
    return None


def import_families(cls: type) -> None:
    """Import the families for a class and its bases. Raises Refused if one can't be imported."""
    for base in cls.__mro__[:-1]:
        _import_families(_package(str(base.__module__)))


def import_wanted() -> None:
    """Import the families for all packages that are imported: a forked child must not do so itself."""
    for package in sys.modules.keys() & {*FAMILIES, *_announced()}:
        with contextlib.suppress(Refused):  # it counts for objects of the package
            _import_families(package)


def _import_families(package: str) -> None:
    if package not in _imported:
        for name in FAMILIES.get(package, ()):
            importlib.import_module(name)
        for name in _announced().get(package, ()):
            _import_announced(package, name)
        # Noted at the end: another thread that comes in between waits for the import of the same modules.
        _imported.add(package)


def _import_announced(package: str, name: str) -> None:
    try:
        importlib.import_module(name)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        raise Refused(
            f"the entry point {package} = {name} in the group {GROUP} can't be imported: "
            f"{type(error).__name__}: {error}",
            "mend or uninstall the distribution that announces it",
        ) from error


evolve.before_transients(import_families)


@functools.cache
def _announced() -> dict[str, tuple[str, ...]]:
    """Return the families of distributions, by package. What lies beside the program or a file isn't installed."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - it brings the parser of mails

    found: dict[str, tuple[str, ...]] = {}
    # A program may look for its own distributions in the first folder of sys.path.
    program = os.path.dirname(getattr(sys.modules.get("__main__"), "__file__", None) or "")  # noqa: PTH120 - a text
    for point in entry_points(group=GROUP):
        if point.dist is not None and is_beside(str(point.dist.locate_file("")), program):
            continue
        found[point.name] = (*found.get(point.name, ()), point.value)
    return found
