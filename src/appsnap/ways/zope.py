"""Ways for `zope.interface`: registries of adapters and utilities, each with the object that looks them up.

That object has its caches in C. It is made again without them: they fill when something is looked up. The interfaces
that tell it about changes are left out, too: it subscribes to each again when it looks for it.
"""

from __future__ import annotations

from appsnap.ways import plain, transient

__all__: list[str] = []

_LOOKUP = "zope.interface.adapter.AdapterLookupBase"

plain(_LOOKUP)
transient(_LOOKUP, {"_required": dict})
