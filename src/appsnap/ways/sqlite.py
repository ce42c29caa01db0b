"""SQLite: connections to a database file are opened again; a database in memory is saved with its content.

The file has the path, or the content as bytes, never as SQL: a text could attach and write any other file. Functions,
collations, authorizers and callbacks of a connection can't be seen, nor the size of its cache of statements. The
application sets them again. Connections that share a database in memory come back with a copy each.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
import threading
import urllib.parse
from typing import Any

from appsnap import effects
from appsnap.errors import Refused
from appsnap.recipe.values.connections import PRAGMAS
from appsnap.ways import call, saves

__all__ = ["closed_database", "custom_database", "database_file", "database_in_memory", "idle_cursor", "open_database"]

_IN_SERVICE = "open it in startService, and TRANSIENT"

_LEGACY = -1
"""sqlite3.LEGACY_TRANSACTION_CONTROL, which Python 3.11 doesn't have: `isolation_level` decides."""

_INSTRUCTIONS = 1_000
_STEPS = 10_000
"""To look at a database, SQLite's machine may take so many times so many instructions, and one for each byte."""


def open_database(path: str, **settings: Any) -> sqlite3.Connection:
    """Open a database file again. A file that is gone is an error, and no new one is made. Raises OSError."""
    return _open(sqlite3.Connection, path, **settings)


def database_in_memory(content: bytes = b"", **settings: Any) -> sqlite3.Connection:
    """Return a new database in memory with the content of another one."""
    effects.check(effects.Effect("database", "memory"))
    return _fill(sqlite3.Connection, content, **settings)


def closed_database() -> sqlite3.Connection:
    """Return a connection that is closed."""
    connection = sqlite3.connect(":memory:")
    connection.close()
    return connection


class _File(str):
    """The path of a database file. It stands in a snapshot as a call of its own, which says what is opened."""

    __slots__ = ("read_only",)
    read_only: bool

    def __reduce__(self) -> Any:
        return call(database_file, str(self), **({"read_only": True} if self.read_only else {}))


def database_file(path: str, *, read_only: bool = False) -> str:
    """Return the path of a database file, for `custom_database`."""
    file = _File(path)
    file.read_only = read_only
    return file


def custom_database(cls: type[sqlite3.Connection], place: str | bytes | None, **settings: Any) -> sqlite3.Connection:
    """Return a connection of a class of the application, or one with functions of it that make rows and texts.

    `place` is a `database_file`, or the content in memory; None stands for a closed connection.
    """
    if not issubclass(cls, sqlite3.Connection):
        raise TypeError(f"{cls.__qualname__} is no class of connections")
    if isinstance(place, str):
        return _open(cls, place, read_only=getattr(place, "read_only", False), **settings)
    if place is not None:
        effects.check(effects.Effect("database", "memory"))
        if effects.is_limited():
            check_content(place)
            settings["trusted_schema"] = 0
        return _fill(cls, place, **settings)
    closed = _connect(cls, ":memory:", settings)
    closed.close()
    return closed


def idle_cursor(connection: sqlite3.Connection, arraysize: int = 1) -> sqlite3.Cursor:
    """Return a cursor without a result."""
    cursor = connection.cursor()
    cursor.arraysize = arraysize
    return cursor


# Saving

_tried: list[tuple[sqlite3.Connection, Any]] = []
"""The connections that trials have made, each with its reduction: their files weren't opened. A connection has no weak
references. Trials have processes of their own, and end soon."""


@saves("sqlite3.Connection", subclasses=True, before_fork=True)
def _(connection: sqlite3.Connection) -> Any:
    tried = next((reduction for one, reduction in _tried if one is connection), None)
    own = getattr(connection, "__dict__", None) or None
    reduction = tried or _reduce(connection)
    return (*reduction, own) if own else reduction


@saves("sqlite3.Cursor", subclasses=True, before_fork=True)
def _(cursor: sqlite3.Cursor) -> Any:
    if cursor.description is not None or type(cursor) is not sqlite3.Cursor:
        raise Refused("a cursor, whose result stays in this process", "keep the connection, and call its execute()")
    return call(idle_cursor, cursor.connection, **({} if cursor.arraysize == 1 else {"arraysize": cursor.arraysize}))


@saves("sqlite3.Blob", before_fork=True)
def _(_: Any) -> Any:
    raise Refused("an open blob of a database", "open it again with blobopen() where it is needed")


@saves("aiosqlite.core.Connection", subclasses=True)
def _(_: Any) -> Any:
    raise Refused("a connection of aiosqlite, whose thread belongs to this process", _IN_SERVICE)


def _reduce(connection: sqlite3.Connection) -> Any:
    cls = type(connection)
    try:
        connection.in_transaction  # noqa: B018 - it asks
    except sqlite3.ProgrammingError:
        return call(closed_database) if cls is sqlite3.Connection else call(custom_database, cls, None)
    try:
        path = _path(connection)
        _check_idle(connection)
        settings = _settings(connection)
        place = path or _content(connection)
        read_only = {"read_only": True} if path and _is_read_only(connection) else {}
    except sqlite3.ProgrammingError as error:
        raise Refused(
            "a connection of another thread", "open it with check_same_thread=False, or in startService"
        ) from error
    except sqlite3.Error as error:
        raise Refused(f"a database that gives no information ({error})", "save again later") from error
    if cls is not sqlite3.Connection or not _is_plain(settings):
        return call(custom_database, cls, database_file(path, **read_only) if path else place, **settings)
    if path:
        return call(open_database, path, **read_only, **settings)
    return call(database_in_memory, *([place] if place else []), **settings)


def _ask(connection: sqlite3.Connection, question: str) -> list[Any]:
    """Return the answer to a question, whatever the connection makes of rows."""
    cursor = sqlite3.Cursor(connection)
    cursor.row_factory = None
    try:
        return cursor.execute(question).fetchall()
    finally:
        cursor.close()


def _path(connection: sqlite3.Connection) -> str:
    """Return the path of the database file, or an empty text for one in memory."""
    found = _ask(connection, "SELECT CAST(name AS BLOB), CAST(file AS BLOB) FROM pragma_database_list")
    files = {name.decode(): os.fsdecode(file or b"") for name, file in found}
    attached = [name for name in files if name not in ("main", "temp")]
    if attached:
        raise Refused(f"a connection with attached databases ({', '.join(attached)})", "attach them in startService")
    if "temp" in files and _ask(connection, "SELECT 1 FROM temp.sqlite_master LIMIT 1"):
        raise Refused("a connection with temporary tables", "make them in startService, and drop them before a save")
    path = files["main"]
    if path and not os.path.exists(path):  # noqa: PTH110 - a text
        raise Refused(f"a database without a file of its own ({path})", _IN_SERVICE)
    return path


def _check_idle(connection: sqlite3.Connection) -> None:
    """Check that no change waits for its commit."""
    waits = connection.in_transaction
    if waits and getattr(connection, "autocommit", _LEGACY) is False:
        # There is always a transaction. SQLite copies no page as long as there are changes in it.
        waits = _is_locked(connection)
    if waits:
        raise Refused("a connection with an open transaction", "commit before saving, as in beforeSnapshot")


def _is_locked(connection: sqlite3.Connection) -> bool:
    states: list[int] = []

    def first(state: int, *_: int) -> None:
        states.append(state)
        raise StopIteration

    with contextlib.closing(sqlite3.connect(":memory:")) as copy, contextlib.suppress(StopIteration):
        sqlite3.Connection.backup(connection, copy, pages=1, progress=first)
    return states[:1] in ([sqlite3.SQLITE_BUSY], [sqlite3.SQLITE_LOCKED])


def _is_read_only(connection: sqlite3.Connection) -> bool:
    """Tell whether a connection may not write. A begin of a change tells it, which is given up at once.

    Where it may not, SQLite begins to read only.
    """
    [(timeout,)] = _ask(connection, "PRAGMA busy_timeout")
    [(query_only,)] = _ask(connection, "PRAGMA query_only")
    within = connection.in_transaction
    _ask(connection, "PRAGMA busy_timeout=0")
    try:
        if query_only:
            _ask(connection, "PRAGMA query_only=0")
        if within:
            _ask(connection, "COMMIT")
        _ask(connection, "BEGIN IMMEDIATE")
        writes = _is_locked(connection)
        _ask(connection, "ROLLBACK")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        writes = True  # and another one is doing so
    finally:
        _ask(connection, f"PRAGMA busy_timeout={timeout}")
        if query_only:
            _ask(connection, "PRAGMA query_only=1")
        if within and not connection.in_transaction:
            _ask(connection, "BEGIN")
    return not writes


def _content(connection: sqlite3.Connection) -> bytes:
    [(pages,)] = _ask(connection, "PRAGMA page_count")
    return sqlite3.Connection.serialize(connection) if pages else b""


def _settings(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the settings of a connection that aren't those of a new one."""
    [(timeout,)] = _ask(connection, "PRAGMA busy_timeout")
    with contextlib.closing(sqlite3.connect(":memory:")) as new:
        usual = {name: _pragma(new, name) for name in PRAGMAS}
    settings = {
        "isolation_level": connection.isolation_level,
        "timeout": timeout / 1000,
        "detect_types": _detect_types(connection),
        "check_same_thread": _checks_thread(connection),
        "autocommit": getattr(connection, "autocommit", _LEGACY),
        "row_factory": connection.row_factory,
        "text_factory": connection.text_factory,
        **{name: _pragma(connection, name) for name in PRAGMAS},
    }
    return {name: value for name, value in settings.items() if value != (_USUAL | usual)[name]}


_USUAL = {
    "isolation_level": "",
    "timeout": 5.0,
    "detect_types": 0,
    "check_same_thread": True,
    "autocommit": _LEGACY,
    "row_factory": None,
    "text_factory": str,
}


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = _ask(connection, f"PRAGMA {name}")[0][0]
    return value


class _Here(str):
    """A key that is in a dictionary for one thread only."""

    __slots__ = ("thread",)
    thread: int
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return threading.get_ident() == self.thread and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


def _detect_types(connection: sqlite3.Connection) -> int:
    """Return the option of that name, which can be seen in its effects alone."""
    cursor = sqlite3.Cursor(connection)
    [(name, *_)] = cursor.execute('SELECT 1 AS "a [b]"').description
    cursor.close()
    found = sqlite3.PARSE_COLNAMES if name == "a" else 0
    # Each database has columns of these types. A converter for one of them, in this thread only, tells more.
    for kind, column in (("INT", "rootpage"), ("TEXT", "name")):
        if kind not in sqlite3.converters:
            seen: list[Any] = []
            key = _Here(kind)
            key.thread = threading.get_ident()
            sqlite3.converters[key] = seen.append
            try:
                _ask(connection, f"SELECT {column} FROM sqlite_master WHERE 0 UNION ALL SELECT 1")  # noqa: S608
            finally:
                del sqlite3.converters[key]
            return found | (sqlite3.PARSE_DECLTYPES if seen else 0)
    return found | sqlite3.PARSE_DECLTYPES  # an application that converts both


def _checks_thread(connection: sqlite3.Connection) -> bool:
    """Tell whether other threads may not use a connection: one asks for a cursor."""
    refused: list[sqlite3.ProgrammingError] = []

    def ask() -> None:
        try:
            sqlite3.Cursor(connection).close()
        except sqlite3.ProgrammingError as error:
            refused.append(error)

    thread = threading.Thread(target=ask)
    try:
        thread.start()
    except RuntimeError:  # at the exit of the process
        return True
    thread.join()
    return bool(refused)


# Loading


_COMPUTED = """
    SELECT tables.name FROM sqlite_master AS tables, pragma_table_xinfo(tables.name) AS columns
    WHERE tables.type = 'table' AND columns.hidden = 2
"""


def check_content(content: bytes) -> None:
    """Check the content of a stranger's database: its pages, and that no module of SQLite reads it. Raises ValueError.

    Such a module reads tables of its own, and trusts them. The check computes no expression of the database: one call
    of a function on long texts takes minutes, and nothing can interrupt it.
    """
    left = iter(range(_STEPS + len(content) // _INSTRUCTIONS))
    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as trial:
            trial.deserialize(content)
            trial.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(len(content), 1_000_000))
            # SQLite ends as soon as this function gives something that is true.
            trial.set_progress_handler(lambda: next(left, None) is None, _INSTRUCTIONS)
            for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "ignore_check_constraints=ON"):
                trial.execute(f"PRAGMA {pragma}")
            computed = trial.execute(_COMPUTED).fetchall()
            [found] = [("ok",)] if computed else trial.execute("PRAGMA quick_check(1)").fetchall()
            virtual = trial.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND NOT rootpage").fetchall()
    except sqlite3.Error as error:
        raise ValueError(f"the content of the database can't be read: {error}") from error
    if found != ("ok",):
        raise ValueError("the content of the database is damaged")
    if computed:
        raise ValueError(f"the database computes a column of a table whenever it is read ({computed[0][0]!r:.60})")
    if virtual:
        raise ValueError("the database has a virtual table")


def _open(cls: type[sqlite3.Connection], path: str, *, read_only: bool = False, **settings: Any) -> sqlite3.Connection:
    found = _file(path, read_only=read_only)
    if effects.is_trial():
        connection = _connect(cls, ":memory:", settings)
        keywords = {"read_only": True} if read_only else {}
        if cls is not sqlite3.Connection or not _is_plain(settings):
            reduction = call(custom_database, cls, database_file(path, **keywords), **settings)
        else:
            reduction = call(open_database, path, **keywords, **settings)
        _tried.append((connection, reduction))
        return connection
    name = urllib.parse.quote(os.fsencode(os.path.realpath(path)))
    connection = _connect(cls, f"file:{name}?mode={'ro' if read_only else 'rw'}", settings)
    if not _is_open(found):
        connection.close()
        raise effects.CannotOpen(errno.ESTALE, "another file took its place", path)
    return _set(connection, settings)


def _file(path: str, *, read_only: bool) -> os.stat_result:
    """Return the status of a database file that the load under way may open.

    To open the file and close it again would take the locks of all other connections in this process.
    """
    try:
        with effects.walked(path, "read" if read_only else "write") as (folder, name):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:  # a folder above may be gone, too
        raise effects.CannotOpen(error.errno, error.strerror, path) from error
    if stat.S_ISDIR(found.st_mode):
        raise effects.CannotOpen(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(found.st_mode):
        raise effects.CannotOpen(errno.EINVAL, "not a regular file", path)
    return found


def _is_open(file: os.stat_result) -> bool:
    """Tell whether this process has a file open. SQLite opens a path, which may lead elsewhere meanwhile."""
    for number in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers
        with contextlib.suppress(OSError, ValueError):
            if os.path.samestat(os.fstat(int(number)), file):
                return True
    return False


def _fill(cls: type[sqlite3.Connection], content: bytes, **settings: Any) -> sqlite3.Connection:
    connection = _connect(cls, ":memory:", settings)
    if content:
        # A connection that takes the bytes themselves couldn't grow beyond 1 GiB.
        with contextlib.closing(sqlite3.connect(":memory:")) as source:
            source.deserialize(content)
            source.backup(connection)
    return _set(connection, settings)


def _connect(cls: type[sqlite3.Connection], name: str, settings: dict[str, Any]) -> sqlite3.Connection:
    unknown = settings.keys() - _USUAL.keys() - {*PRAGMAS}
    if unknown:
        raise TypeError(f"a connection has no setting {min(unknown)}")
    connection = cls.__new__(cls)
    given = ("timeout", "detect_types", "isolation_level", "check_same_thread")
    keywords = {name: settings[name] for name in given if name in settings}
    # The __init__ of the class may do more, and takes other arguments.
    sqlite3.Connection.__init__(connection, name, uri=True, **keywords)
    return connection


def _set(connection: sqlite3.Connection, settings: dict[str, Any]) -> sqlite3.Connection:
    for name in PRAGMAS:
        if name in settings:
            _ask(connection, f"PRAGMA {name}={int(settings[name])}")
    for name in ("row_factory", "text_factory", "autocommit"):
        if name in settings:
            setattr(connection, name, settings[name])
    return connection


def _is_plain(settings: dict[str, Any]) -> bool:
    """Tell whether no function of the application makes rows or texts."""
    return settings.get("row_factory") in (None, sqlite3.Row) and settings.get("text_factory") in (None, bytes)
