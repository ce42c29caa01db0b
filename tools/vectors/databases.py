"""Vectors of databases: files that are opened again, and content in memory, both of the file's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectors.adding import all_kinds, in_kinds, two_kinds
from vectors.spelling import R, Steps

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

OPEN = ("Name", "appsnap.ways.sqlite", "open_database")
MEMORY = ("Name", "appsnap.ways.sqlite", "database_in_memory")
FILE = ("Name", "appsnap.ways.sqlite", "database_file")
CUSTOM = ("Name", "appsnap.ways.sqlite", "custom_database")
CURSOR = ("Name", "appsnap.ways.sqlite", "idle_cursor")
ROW = ("Name", "sqlite3", "Row")
ANYWHERE = ("write:/*",)
GRANTED = ("database:memory",)

PAGE = 1_024


def add(vectors: Vectors) -> None:
    """Add them."""
    each = in_kinds(lambda name, *rest, **more: vectors.add(f"databases-{name}", *rest, **more), all_kinds)
    two = in_kinds(lambda name, *rest, **more: vectors.add(f"databases-{name}", *rest, **more), two_kinds)
    _files(each, two)
    _contents(each, two)
    _settings(two)
    _ways_around(two)


def _files(each: Any, two: Any) -> None:
    each("file", "loads", call(OPEN, "keep.txt"), R(1), "A file that is granted: SQLite looks into it later.", trust=ANYWHERE)
    each("file-not-granted", "not trusted", call(OPEN, "keep.txt"), R(1), "A database file is opened.")
    two("file-read-only", "loads", call(OPEN, "keep.txt", read_only=True), R(1), "A file to be read.", trust=("read:/*",))
    two("file-to-write", "not trusted", call(OPEN, "keep.txt"), R(1), "A file to be read is opened to write.", trust=("read:/*",))
    two("file-elsewhere", "not trusted", call(OPEN, "/etc/passwd"), R(1), "Another folder is granted.",
        trust=("write:/var/lib/shop/*", *GRANTED))  # fmt: skip
    two("file-dots", "not trusted", call(OPEN, "/var/lib/shop/../../../etc/passwd"), R(1), "A path with `..`.", trust=("write:/var/lib/shop/*",))
    gone = {
        "gone": "stolen",
        "uri": "file:stolen?mode=rwc",
        "uri-in-memory": "file:stolen?mode=memory&cache=shared",
        "memory": ":memory:",
        "device": "/dev/zero",
        "below-a-file": "keep.txt/stolen",
    }
    for name, path in gone.items():
        two(f"file-{name}", "cannot load", call(OPEN, path), R(1), f"The path is {path}: nothing is made.", trust=ANYWHERE)
    bad: dict[str, Any] = {
        "empty": "", "nul": "keep.txt\0", "bytes": b"keep.txt", "number": 0, "none": None, "star": "/var/*", "folder": "/",
    }  # fmt: skip
    for name, path in bad.items():
        two(f"file-{name}", "not trusted", call(OPEN, path), R(1), f"The path is {path!r}.", trust=(*ANYWHERE, *GRANTED))
    two("file-of-two-paths", "not trusted", call(OPEN, "keep.txt", "stolen"), R(1), "Two paths.", trust=ANYWHERE)
    two("file-read-only-number", "not trusted", call(OPEN, "keep.txt", read_only=1), R(1), "A switch that is a number.", trust=ANYWHERE)


def _contents(each: Any, two: Any) -> None:
    table = database("CREATE TABLE a (b)")
    each("content", "loads", call(MEMORY, table), R(1), "An empty table.", trust=GRANTED)
    each("content-not-granted", "not trusted", call(MEMORY, table), R(1), "A database in memory.", trust=ANYWHERE)
    two("content-none", "loads", call(MEMORY), R(1), "A database in memory without content.", trust=GRANTED)
    two("content-view", "loads", call(MEMORY, database("CREATE VIEW a AS SELECT load_extension('stolen')")), R(1),
        "A view that would load code: it isn't read, and the connection doesn't trust the schema.", trust=GRANTED)  # fmt: skip
    hostile = {
        "sql": (b"ATTACH 'stolen' AS a; CREATE TABLE a.b (c);", "SQL in the place of the pages."),
        "truncated": (table[:-PAGE], "A page is missing."),
        "header-alone": (table[:100], "A header without pages."),
        "zeros": (bytes(PAGE), "A page of zeros."),
        "page-size": (table[:16] + b"\0\3" + table[18:], "A size of pages that no database has."),
        "cell-outside": (table[:108] + b"\xff\xff" + table[110:], "A cell beyond the end of the page."),
        "root-is-the-schema": (database("CREATE TABLE a (b)", root=1), "A table in the page of the schema."),
        "root-outside": (database("CREATE TABLE a (b)", root=99), "A table in a page that isn't there."),
        "computed": (database("CREATE TABLE a (b, c AS (hex(zeroblob(1e8))))"), "A column that is computed by each check."),
        "virtual": (database("CREATE VIRTUAL TABLE a USING fts5(b)", root=0), "A table of a module, which trusts its own tables."),
        "schema": (database("CREATE TRIGGER a AFTER INSERT ON b BEGIN SELECT 1"), "A schema that can't be parsed."),
    }
    for name, (content, about) in hostile.items():
        two(f"content-{name}", "cannot load", call(MEMORY, content), R(1), about, trust=GRANTED)
    two("content-text", "cannot load", call(MEMORY, "CREATE TABLE a (b)"), R(1), "A text in the place of the pages.", trust=GRANTED)
    two("content-twice", "cannot load", call(MEMORY, table, table), R(1), "Two contents.", trust=GRANTED)
    # The same with a mutable object: a check of it would say nothing about what is read later.
    two("content-bytearray", "cannot load", [MEMORY, ("ByteArray", table), ("Call", R(0), [R(1)])], R(2), "Pages that may change.", trust=GRANTED)


def _settings(two: Any) -> None:
    two("settings", "loads", call(MEMORY, isolation_level=None, timeout=1.5, detect_types=3, check_same_thread=False, foreign_keys=1),
        R(1), "Settings of a connection.", trust=GRANTED)  # fmt: skip
    two("settings-row", "loads", [MEMORY, ROW, ("Call", R(0), [], ["row_factory"], [R(1)])], R(2), "Python's own class of rows.", trust=GRANTED)
    two("settings-trusted-schema", "loads", call(MEMORY, trusted_schema=1), R(1), "A switch that a stranger's file can't turn on.", trust=GRANTED)
    bad: dict[str, dict[str, Any]] = {
        "isolation-level": {"isolation_level": "IMMEDIATE; ATTACH 'stolen' AS a"},
        "timeout-text": {"timeout": "5"},
        "timeout-none": {"timeout": None},
        "timeout-negative": {"timeout": -1.0},
        "timeout-nan": {"timeout": float("nan")},
        "timeout-for-ever": {"timeout": float("inf")},
        "detect-types": {"detect_types": 4},
        "check-same-thread": {"check_same_thread": 0},
        "autocommit": {"autocommit": 7},
        "pragma-text": {"cache_size": "1; ATTACH 'stolen' AS a"},
        "pragma-switch": {"foreign_keys": True},
        "pragma-large": {"cache_size": -(10**9)},
        "row-factory-text": {"row_factory": "Row"},
        "text-factory-text": {"text_factory": "bytes"},
    }
    for name, settings in bad.items():
        two(f"settings-{name}", "cannot load", call(MEMORY, **settings), R(1), f"A setting that no connection has: {settings}.", trust=GRANTED)
    unknown = {"factory": None, "uri": True, "cached_statements": 10**9, "writable_schema": 1, "__class__": 1}
    for name, value in unknown.items():
        about = f"The audit doesn't know the keyword {name}."
        two(f"settings-unknown-{name.strip('_').replace('_', '-')}", "not trusted", call(MEMORY, **{name: value}), R(1), about, trust=GRANTED)
        two(f"file-unknown-{name.strip('_').replace('_', '-')}", "not trusted", call(OPEN, "keep.txt", **{name: value}), R(1), about, trust=ANYWHERE)
    for name in ("row_factory", "text_factory"):
        two(f"settings-{name.replace('_', '-')}-called", "cannot load", [MEMORY, ("Name", "harmless", "callback"), ("Call", R(0), [], [name], [R(1)])],
            R(2), "A function that would be called for each row or text.", trust=(*GRANTED, "harmless.callback"))  # fmt: skip


def _ways_around(two: Any) -> None:
    plain = ("Name", "harmless", "Plain")
    two("reference", "not trusted", [OPEN], R(0), "The function is handed to something else.", trust=("appsnap.*", *ANYWHERE))
    two("by-package", "not trusted", call(OPEN, "stolen"), R(1), "The package of the function is trusted.", trust=("appsnap.*",))
    two("partial", "not trusted", [MEMORY, ("Name", "functools", "partial"), ("Call", R(1), [R(0)]), ("Call", R(2), [])], R(3),
        "A partial of the function is called.", trust=("call:functools.partial", *GRANTED))  # fmt: skip
    two("custom", "not trusted", [CUSTOM, ROW, ("Call", R(0), [R(1), None])], R(2), "The function for classes of applications.",
        trust=(*ANYWHERE, *GRANTED))  # fmt: skip
    two("custom-class", "cannot load", [CUSTOM, plain, ("Call", R(0), [R(1), None])], R(2), "A class that has no connections.",
        trust=("call:appsnap.ways.sqlite.custom_database", "harmless.Plain"))  # fmt: skip
    two("custom-path", "not trusted", [CUSTOM, plain, FILE, ("Call", R(2), ["stolen"]), ("Call", R(0), [R(1), R(3)])], R(4),
        "It is granted, and the path isn't.", trust=("call:appsnap.ways.sqlite.custom_database", "harmless.Plain"))  # fmt: skip
    two("driver", "not trusted", [("Name", "sqlite3", "connect"), ("Call", R(0), ["stolen"])], R(1), "Python's own function.", trust=ANYWHERE)
    two("class", "not trusted", [("Name", "sqlite3", "Connection"), ("Call", R(0), ["stolen"])], R(1), "Python's own class.", trust=ANYWHERE)
    two("cursor", "loads", [MEMORY, CURSOR, ("Call", R(0), []), ("Call", R(1), [R(2)])], R(3), "A cursor without a result.", trust=GRANTED)
    two("cursor-size", "cannot load", [MEMORY, CURSOR, ("Call", R(0), []), ("Call", R(1), [R(2)], ["arraysize"], [10**9])], R(3),
        "A cursor that fetches too many rows at a time.", trust=GRANTED)  # fmt: skip
    two("cursor-of-an-object", "cannot load", [CURSOR, plain, ("New", R(1), []), ("Call", R(0), [R(2)])], R(3),
        "A cursor of what is no connection.", trust=("harmless.Plain",))  # fmt: skip
    two("member", "not trusted", [MEMORY, ("Call", R(0), []), ("Member", R(1), "executescript")], R(2), "A method of a connection.", trust=GRANTED)
    two("closed", "loads", call(("Name", "appsnap.ways.sqlite", "closed_database")), R(1), "A closed connection.")
    two("closed-path", "cannot load", call(("Name", "appsnap.ways.sqlite", "closed_database"), "stolen"), R(1), "A closed connection of a path.")


def call(function: tuple[str, str, str], *args: Any, **keywords: Any) -> Steps:
    """Return the steps of a call."""
    return [function, ("Call", R(0), [*args], [*keywords], [*keywords.values()]) if keywords else ("Call", R(0), [*args])]


def database(sql: str, root: int | None = None) -> bytes:
    """Return a database with one entry in its schema, and an empty page for a table. The format is SQLite's, version 3.

    The library writes its own version into the file, so the bytes are made here: each time the same.
    """
    words = sql.split()
    sort = next(word for word in words if word in ("TABLE", "VIEW", "TRIGGER"))
    number = root if root is not None else 2 if sort == "TABLE" else 0
    texts = [sort.lower().encode(), b"a", b"a" if sort != "TRIGGER" else b"b"]
    types = [*(13 + 2 * len(text) for text in texts), 1, 13 + 2 * len(sql)]
    kinds = b"".join(map(_varint, types))
    record = _varint(len(kinds) + 1) + kinds + b"".join(texts) + bytes([number]) + sql.encode()
    cell = _varint(len(record)) + b"\x01" + record
    start = PAGE - len(cell)
    numbers = [1, 2, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0]  # changes, pages, free ones, schema, its form, and the encoding UTF-8
    header = b"SQLite format 3\0" + PAGE.to_bytes(2, "big") + b"\1\1\0\x40\x20\x20" + b"".join(one.to_bytes(4, "big") for one in numbers)
    leaf = b"\x0d\0\0" + (1).to_bytes(2, "big") + start.to_bytes(2, "big") + b"\0" + start.to_bytes(2, "big")
    first = header.ljust(92, b"\0") + (1).to_bytes(4, "big") + (3_040_000).to_bytes(4, "big") + leaf
    empty = b"\x0d\0\0\0\0" + PAGE.to_bytes(2, "big") + b"\0"
    return first.ljust(start, b"\0") + cell + empty.ljust(PAGE, b"\0")


def _varint(number: int) -> bytes:
    """Return a number as SQLite writes one of at most 14 bits."""
    return bytes([0x80 | number >> 7, number & 0x7F]) if number > 0x7F else bytes([number])
