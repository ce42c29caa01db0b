"""Databases, sockets and TLS contexts of a stranger's file: each argument is checked."""

import contextlib
import importlib
import os
import sqlite3
import ssl
import struct

import pytest

from appsnap import effects
from appsnap.recipe import values
from appsnap.recipe.values import connections

WAYS = "appsnap.ways."


def make(name, *args, **keywords):
    """Make an object as the builder does, with nothing granted."""
    found = values.constructor(WAYS + name)
    assert keywords.keys() <= found.value_type.keywords
    with effects.allowed(effects.Grants(["database:memory"])):
        return found.make(args, **keywords)


def content(*statements):
    """Return the content of a database."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        return connection.serialize()


def rewritten(table):
    """Return the content of a database with a row, whose table has another definition since."""
    change = f"UPDATE sqlite_master SET sql = '{table}'"
    return content("CREATE TABLE t (a)", "INSERT INTO t VALUES (0)", "PRAGMA writable_schema=1", change)


def endless():
    """Return the content of a database whose table of tables takes for ever to read."""
    size, cells = 512, 60
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"PRAGMA page_size={size}")
        connection.execute("CREATE TABLE t (a UNIQUE)")
        data = connection.serialize()
    pages = [bytearray(data[at : at + size]) for at in range(0, len(data), size)]
    head = pages[0][:100]
    leaf = pages[0][100:112] + bytes(100) + pages[0][112:]  # the table and its index
    index = leaf[:3] + struct.pack(">H", 1) + leaf[5:8] + leaf[10:12] + leaf[10:]

    def parent(children, last, at=0):
        places = [size - 5 * number for number in range(1, len(children) + 1)]
        page = bytearray(size)
        page[at : at + 12] = struct.pack(">BHHHBI", 5, 0, len(children), places[-1], 0, last)
        page[at + 12 : at + 12 + 2 * len(places)] = struct.pack(f">{len(places)}H", *places)
        for place, child in zip(places, children, strict=True):
            page[place : place + 5] = struct.pack(">IB", child, 2)
        return page

    pages += [leaf, index]
    first = len(pages) - 1
    for _ in range(8):
        pages.append(parent([len(pages)] * cells, len(pages)))
    pages[0] = parent([first], len(pages), 100)
    pages[0][:100] = head
    pages[0][28:32] = struct.pack(">I", len(pages))
    return b"".join(pages)


TABLE = content("CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")


@pytest.mark.parametrize(
    "record", [one for one in connections.TYPES if one.name.startswith(WAYS)], ids=lambda one: one.name
)
def test_is_public(record):
    """Each record is that of a public function."""
    module, _, name = record.name.rpartition(".")

    assert name in importlib.import_module(module).__all__


class TestDatabases:
    @pytest.mark.parametrize(
        ("args", "keywords"),
        [
            ((), {}),
            ((5,), {}),
            ((b"shop.db",), {}),
            (("",), {}),
            (("shop\0.db",), {}),
            (("x" * 5_000,), {}),
            (("shop.db", "shop.db"), {}),
            (("shop.db",), {"timeout": float("nan")}),
            (("shop.db",), {"timeout": None}),
            (("shop.db",), {"isolation_level": "; DROP TABLE t"}),
            (("shop.db",), {"detect_types": True}),
            (("shop.db",), {"synchronous": "1; ATTACH 'x' AS y"}),
            (("shop.db",), {"cache_size": 1 << 40}),
            (("shop.db",), {"row_factory": print}),
            (("shop.db",), {"text_factory": os.system}),
            (("shop.db",), {"read_only": 1}),
        ],
    )
    def test_refused(self, args, keywords):
        """No path, no text of SQL and no function gets to SQLite."""
        with pytest.raises((TypeError, ValueError)):
            make("sqlite.open_database", *args, **keywords)

    def test_denied(self, tmp_path):
        """A path that isn't granted is denied, and nothing is made."""
        with pytest.raises(effects.Denied):
            make("sqlite.open_database", str(tmp_path / "shop.db"))
        assert [*tmp_path.iterdir()] == []

    @pytest.mark.parametrize(
        "damaged",
        [
            b"x",
            b"x" * 5_000,
            TABLE[:4_096],
            TABLE[:100] + b"\xff" * 8_092,
            TABLE[:16] + b"\xff\xff" + TABLE[18:],
            TABLE[:4_096] + b"\0" * 4_096,
        ],
    )
    def test_damaged(self, damaged):
        """Content that is no database, or one with damaged pages, is refused."""
        with pytest.raises(ValueError, match="the content of the database"):
            make("sqlite.database_in_memory", damaged)

    def test_any_byte(self):
        """No byte of the content ends the process: it is refused, or the tables can be read."""
        for at in range(0, len(TABLE), 7):
            changed = bytearray(TABLE)
            changed[at] ^= 0xFF
            with (
                contextlib.suppress(ValueError),
                contextlib.closing(make("sqlite.database_in_memory", bytes(changed))) as one,
            ):
                one.execute("SELECT * FROM sqlite_master").fetchall()

    def test_virtual(self):
        """A virtual table is refused: its module trusts its own tables."""
        with pytest.raises(ValueError, match="a virtual table"):
            make("sqlite.database_in_memory", content("CREATE VIRTUAL TABLE t USING rtree(i, a, b)"))

    def test_endless(self):
        """A check that takes too long is given up: the table of tables has the same page again and again."""
        with pytest.raises(ValueError, match="can't be read"):
            make("sqlite.database_in_memory", endless())

    def test_expressions(self):
        """The check computes no expression: a function on long texts can't be interrupted."""
        with contextlib.closing(
            make("sqlite.database_in_memory", rewritten("CREATE TABLE t (a CHECK (NOT instr(a, a)))"))
        ) as one:
            assert one.execute("SELECT 1").fetchall() == [(1,)]

    def test_computed_column(self):
        """A column that is computed at each look is refused: the check would look at it."""
        with pytest.raises(ValueError, match="computes a column of a table whenever it is read"):
            make("sqlite.database_in_memory", rewritten("CREATE TABLE t (a, b AS (instr(a, a)) VIRTUAL NOT NULL)"))

    def test_schema(self):
        """A view of a stranger calls no function of the application that isn't marked as harmless."""
        called = []
        with contextlib.closing(make("sqlite.database_in_memory", content("CREATE VIEW v AS SELECT spring()"))) as one:
            one.create_function("spring", 0, lambda: called.append(1))
            with pytest.raises(sqlite3.OperationalError, match="unsafe use of spring"):
                one.execute("SELECT * FROM v")
        assert called == []

    def test_not_granted(self):
        """The content needs a grant of its own."""
        with effects.allowed(effects.Grants()), pytest.raises(effects.Denied):
            values.constructor(f"{WAYS}sqlite.database_in_memory").make((TABLE,))

    def test_cursor(self):
        """A cursor is one of a plain connection."""

        class Mine(sqlite3.Connection):
            pass

        with contextlib.closing(Mine(":memory:")) as mine:
            for args in ((), (5,), (mine,)):
                with pytest.raises(ValueError, match="takes a connection"):
                    make("sqlite.idle_cursor", *args)


class TestSockets:
    @pytest.mark.parametrize("name", ["listen", "bind_udp"])
    @pytest.mark.parametrize(
        ("args", "keywords"),
        [
            ((), {}),
            (("127.0.0.1",), {}),
            ((2130706433, 80), {}),
            (("localhost", 80), {}),
            (("evil.example", 80), {}),
            (("127.0.0.1", "80"), {}),
            (("127.0.0.1", True), {}),
            (("127.0.0.1", 1 << 16), {}),
            (("127.0.0.1", 80), {"timeout": -1}),
            (("127.0.0.1", 80), {"timeout": float("inf")}),
            (("127.0.0.1", 80), {"reuse_address": 5}),
        ],
    )
    def test_refused(self, name, args, keywords):
        """No name of a host is looked up, and no other value gets to the system."""
        with pytest.raises((TypeError, ValueError)):
            make(f"sockets.{name}", *args, **keywords)

    def test_denied(self, tmp_path):
        """An address that isn't granted is denied, and so is a path."""
        for name in ("listen", "bind_udp"):
            with pytest.raises(effects.Denied):
                make(f"sockets.{name}", "127.0.0.1", 0)
        with pytest.raises(effects.Denied):
            make("sockets.listen_unix", str(tmp_path / "shop.sock"))
        assert [*tmp_path.iterdir()] == []

    @pytest.mark.parametrize("keywords", [{"mode": 0o4777}, {"mode": "rwx"}, {"name": 5}])
    def test_unix(self, tmp_path, keywords):
        """The rights of a path and its name are checked."""
        with pytest.raises((TypeError, ValueError)):
            make("sockets.listen_unix", str(tmp_path / "shop.sock"), **keywords)

    @pytest.mark.parametrize(
        ("args", "keywords"),
        [
            (("AF_NETLINK", "SOCK_RAW"), {}),
            (("AF_PACKET",), {}),
            (("AF_INET", "SOCK_RAW"), {}),
            (("AF_ALG",), {}),
            ((2,), {}),
            ((None,), {}),
            (("AF_INET", "SOCK_STREAM"), {"proto": 262}),
            (("AF_INET", "SOCK_STREAM", 0), {}),
        ],
    )
    def test_new(self, args, keywords):
        """Sockets of the internet and of Unix are made, and no others."""
        with pytest.raises((TypeError, ValueError)):
            make("sockets.new_socket", *args, **keywords)

    def test_made(self):
        """Those are harmless, and so is a selector."""
        with make("sockets.new_socket", "AF_INET6", "SOCK_DGRAM", timeout=1.5) as one:
            assert one.gettimeout() == 1.5
        make("sockets.new_selector").close()
        for kind in ("os", "BaseSelector", "_PollLikeSelector", 5):
            with pytest.raises(ValueError, match="takes the name of a class"):
                make("sockets.new_selector", kind)


class TestTls:
    @pytest.mark.parametrize(
        ("args", "keywords"),
        [
            ((5,), {}),
            ((None,), {}),
            (("PROTOCOL_SSLv2",), {}),
            ((), {"certificates": "/etc/passwd"}),
            ((), {"added": b"\x30\x82"}),
            ((), {"added": "x" * 2_000_000}),
            ((), {"verify_mode": 0}),
            ((), {"ciphers": "ä"}),
            ((), {"alpn": "h2"}),
            ((), {"alpn": ("h2", 5)}),
            ((), {"options": -1}),
            ((), {"minimum_version": "__class__"}),
            ((), {"check_hostname": None}),
        ],
    )
    def test_refused(self, args, keywords):
        """No path gets to OpenSSL, and no value of another type."""
        with pytest.raises((TypeError, ValueError)):
            make("ssl.tls_context", *args, **keywords)

    @pytest.mark.parametrize("keywords", [{"added": "no certificate"}, {"ciphers": "NONE"}, {"options": (1 << 63) - 1}])
    def test_of_openssl(self, keywords):
        """OpenSSL refuses the rest, or takes it."""
        with contextlib.suppress(ValueError, OSError, DeprecationWarning):
            assert isinstance(make("ssl.tls_context", **keywords), ssl.SSLContext)

    def test_made(self):
        """A context needs no grant."""
        assert make("ssl.tls_context", certificates="default", verify_mode="CERT_REQUIRED").check_hostname
