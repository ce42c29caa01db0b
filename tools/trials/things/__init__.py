"""Kinds of objects: each module has THINGS, functions that make an object, by name.

CHECKS has functions that use an object. Their result has to be the same for the loaded object and a new one. The objects
named in OPAQUE are compared by that result alone. Packages that aren't installed leave out their objects.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES = (
    "builtin",
    "iteration",
    "containers",
    "functional",
    "records",
    "values",
    "texts",
    "hints",
    "errors",
    "states",
    "running",
    "servers",
    "models",
    "libraries",
    "arrays",
    "frames",
    "science",
)
BY_VALUE = ("functional", "records", "hints", "models")
"""The modules with classes and functions by value."""


PRELOADED: dict[str, tuple[str, ...]] = {
    "frames": ("pandas", "pyarrow", "polars"),
    "science": ("scipy.stats", "sklearn.ensemble", "networkx"),
}
"""Packages that take long to import: a process that loads objects of these modules has them."""


@dataclass(frozen=True)
class Thing:
    """A kind of object: the function that makes one, and perhaps one that uses it."""

    make: Callable[[], Any]
    check: Callable[[Any], Any] | None
    opaque: bool


def filled(obj: Any, **attributes: Any) -> Any:
    """Return an object with attributes."""
    for name, value in attributes.items():
        setattr(obj, name, value)
    return obj


def things_of(module: str) -> dict[str, Thing]:
    """Return the things of a module. Raises ImportError where a package isn't installed."""
    found = importlib.import_module(f"{__name__}.{module}")
    checks, opaque = getattr(found, "CHECKS", {}), getattr(found, "OPAQUE", ())
    unknown = {*checks, *opaque} - found.THINGS.keys()
    assert not unknown, unknown
    return {name: Thing(make, checks.get(name), name in opaque) for name, make in found.THINGS.items()}
