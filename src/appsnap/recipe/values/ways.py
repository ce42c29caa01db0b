"""Ways to save: functions that take objects apart whose classes don't say how, or say it wrongly.

A way is registered for a type, or for its dotted name: then nothing is imported until an object of that type turns up.
A *family* is a module of ways. It is imported when the first object of a class of its package turns up. The families of
appsnap stand in `FAMILIES`. Distributions announce theirs in the entry-point group `appsnap.ways`, by the name of the
package.
"""

from __future__ import annotations

import functools
import importlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAMILIES", "GROUP", "Way", "import_families", "register_way", "way_of"]

GROUP = "appsnap.ways"
"""The entry-point group."""

_FILES = ("appsnap.ways.files",)

FAMILIES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("_io", "gzip", "bz2", "lzma", "tempfile", "mmap", "_csv"), _FILES),
}
"""The families of appsnap, by the first part of the name of the module that a class belongs to."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to save the objects of one type.

    `reduce` returns a reduction, or NotImplemented for an object that is saved as if there were no way.
    """

    name: str
    reduce: Callable[[Any], Any]
    cls: type | None = None
    subclasses: bool = False
    before_fork: bool = False
    """`reduce` asks the operating system or a library. So it runs before a save forks, and not in the child."""

    def is_for(self, base: type) -> bool:
        """Tell whether a class is the one of the way."""
        if self.cls is not None:
            return self.cls is base
        if f"{base.__module__}.{base.__qualname__}" == self.name:
            return True
        # A library offers classes of its inner modules under shorter names.
        module, _, qualname = self.name.rpartition(".")
        return vars(sys.modules[module]).get(qualname) is base if module in sys.modules else False


_ways: dict[str, list[Way]] = {}  # by the first part of the name of the module
_imported: set[str] = set()


def register_way(way: Way) -> None:
    """Add a way. Raises ValueError if there is another one for the type."""
    package = _package(way.name)
    known = next((one for one in _ways.get(package, ()) if one.name == way.name), None)
    if known is not None:
        first, second = (f"{one.reduce.__module__}, line {_line(one.reduce)}" for one in (known, way))
        raise ValueError(f"{way.name} has a way to save it already: in {first}, now in {second}")
    _ways.setdefault(package, []).append(way)


def _line(function: Any) -> int:
    code = getattr(function, "__code__", None)
    return 0 if code is None else code.co_firstlineno


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
    """Import the families for a class and its bases."""
    for base in cls.__mro__[:-1]:
        package = _package(str(base.__module__))
        if package not in _imported:
            _imported.add(package)
            for name in (*FAMILIES.get(package, ()), *_announced().get(package, ())):
                importlib.import_module(name)


@functools.cache
def _announced() -> dict[str, tuple[str, ...]]:
    """Return the families of distributions, by package."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - it brings the parser of mails

    found: dict[str, tuple[str, ...]] = {}
    for point in entry_points(group=GROUP):
        found[point.name] = (*found.get(point.name, ()), point.value)
    return found
