"""Ways for `zope.interface`: registries of adapters and utilities, each with the object that looks them up.

That object has its caches in C. It is made again without them: they fill when something is looked up.
"""

from __future__ import annotations

from typing import Any

from appsnap.recipe.freeze.inherited import newobj
from appsnap.ways import saves

__all__: list[str] = []


@saves("zope.interface.adapter.AdapterLookupBase", subclasses=True)
def _(lookup: Any) -> Any:
    # The interfaces that tell it about changes: it subscribes to them again, when it looks them up.
    return newobj, (type(lookup),), lookup.__dict__ | {"_required": {}}
