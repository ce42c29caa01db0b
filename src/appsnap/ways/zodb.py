"""Databases of ZODB: they come back without their connections, which they keep for the next one who opens one.

A file of a database belongs to the process that has locked it. No load can lock it again while that process runs.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from appsnap.errors import Refused
from appsnap.ways import saves, transient

__all__: list[str] = []

transient("ZODB.DB.AbstractConnectionPool", {"all": WeakSet})
transient("ZODB.DB.ConnectionPool", {"available": list})
transient("ZODB.mvccadapter.MVCCAdapter", {"_instances": set})


@saves("ZODB.Connection.Connection", subclasses=True)
def _(_connection: Any) -> Any:
    raise Refused("a connection to a database of ZODB", "keep the database, and open a connection when you need it")


@saves("ZODB.FileStorage.FileStorage.FileStorage", subclasses=True)
def _(storage: Any) -> Any:
    if storage._file.closed:
        return NotImplemented
    raise Refused("a file of ZODB that is open, and locked by this process", "open it in startService")


@saves("zc.lockfile.SimpleLockFile", subclasses=True)
def _(lock: Any) -> Any:
    if lock._fp is None:
        return NotImplemented
    raise Refused("a file that this process has locked", "lock it in startService")
