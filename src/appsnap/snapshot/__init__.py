"""Save objects to a file and load them: save, load, dumps, loads. `open_snapshot` only looks at a file.

`saving` writes objects, `opened` has the snapshot that has been read, and `loading` reads one and builds its objects.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from appsnap.snapshot.loading import load, loads, open_file, open_legacy, open_snapshot
    from appsnap.snapshot.opened import Snapshot
    from appsnap.snapshot.saving import dumps, save

__all__ = ["Snapshot", "dumps", "load", "loads", "open_file", "open_legacy", "open_snapshot", "save"]

_HOMES = {"Snapshot": "opened", **dict.fromkeys(("dumps", "save"), "saving")}


def __getattr__(name: str) -> Any:
    """Import a function when it is first used: to load a file needs nothing of saving one."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'loading')}"), name)
    globals()[name] = value
    return value
