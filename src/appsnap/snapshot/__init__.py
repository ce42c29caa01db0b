"""Save objects to a file and load them: save, load, dumps, loads. `open_snapshot` only looks at a file.

`saving` writes objects, `opened` has the snapshot that has been read, and `loading` reads one and builds its objects.
"""

from __future__ import annotations

from appsnap.snapshot.loading import load, loads, open_file, open_legacy, open_snapshot
from appsnap.snapshot.opened import Snapshot
from appsnap.snapshot.saving import dumps, save

__all__ = ["Snapshot", "dumps", "load", "loads", "open_file", "open_legacy", "open_snapshot", "save"]
