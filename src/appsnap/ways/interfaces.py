"""zope.interface: interfaces that were made by a call, and registries of adapters, whose lookups are written in C.

An interface says of itself that a module holds it under its name. One that a framework makes while it runs is found
nowhere. A registry gets a new lookup: that is a cache, and the registry has its methods.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, TypeVar

from appsnap.ways import saves, transient

__all__ = ["fill"]

T = TypeVar("T")

transient("zope.interface.adapter.AdapterLookupBase", {"_required": dict})


@saves("zope.interface.interface.InterfaceClass")
def _(interface: Any) -> Any:
    cls, name, doc, module = type(interface), interface.__name__, interface.__doc__, interface.__module__
    if getattr(sys.modules.get(module), name or "", None) is interface:
        return NotImplemented
    without = vars(cls(name, (), None, doc, module))
    state = {key: one for key, one in vars(interface).items() if key not in without or without[key] != one}
    made = cls, (name, interface.__bases__, None, doc, module)
    return (*made, state) if state else made


def fill(registry: T, state: dict[str, Any], /) -> T:
    """Give a new registry of adapters its attributes. Returns the registry."""
    found: Any = registry
    if not isinstance(found, importlib.import_module("zope.interface.adapter").BaseAdapterRegistry):
        raise TypeError("it is no registry of adapters")
    vars(found).update((name, one) for name, one in state.items() if name != "__bases__")
    found._v_lookup.init_extendors()
    found.__bases__ = state["__bases__"]  # they tell the registry when they change
    return registry


_MADE = frozenset({"_generation", "_v_lookup", "_v_subregistries", "ro"})


@saves("zope.interface.adapter.AdapterRegistry")
@saves("zope.interface.adapter.VerifyingAdapterRegistry")
def _(registry: Any) -> Any:
    made = {*_MADE, *registry._delegated}
    state = {name: one for name, one in vars(registry).items() if name not in made}
    return type(registry), (), state, None, None, fill


@saves("zope.interface.adapter.AdapterLookup")
@saves("zope.interface.adapter.VerifyingAdapterLookup")
def _(lookup: Any) -> Any:
    registry = lookup._registry
    return (getattr, (registry, "_v_lookup")) if registry._v_lookup is lookup else NotImplemented
