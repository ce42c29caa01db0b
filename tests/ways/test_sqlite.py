# ruff: noqa: D102 - the settings of a connection are as Python's manual has them
"""Connections of SQLite: database files are opened again, databases in memory come back with their content."""

import contextlib
import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

import appsnap
from appsnap import EVERYTHING, effects
from appsnap.errors import CannotBuild, CannotLoad, CannotSave, NotTrusted
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.recipe.steps import Call, Name, Recipe, Ref
from appsnap.ways import sqlite

KIND_NAMES = sorted(KINDS)
needs_autocommit = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 brings autocommit")


class Shop(sqlite3.Connection):
    """A connection with attributes, and an __init__ of its own."""

    def __init__(self, place, currency):
        super().__init__(place)
        self.currency = currency


def as_dict(cursor, row):
    """Make a dictionary of a row."""
    return {name: value for (name, *_), value in zip(cursor.description, row, strict=True)}


@pytest.fixture
def opened():
    """Close the connections that a test has opened or loaded."""
    with contextlib.ExitStack() as stack:
        yield lambda connection: stack.enter_context(contextlib.closing(connection))


@pytest.fixture
def path(tmp_path):
    """Return the path of a database with a table."""
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE sales (day date, price integer)")
        connection.execute("INSERT INTO sales VALUES ('2024-05-17', 12)")
    return path


@pytest.fixture
def again(opened):
    """Return a connection that was saved and loaded."""
    return lambda connection, kind="source": opened(
        appsnap.loads(appsnap.dumps(connection, kind=kind), trust=EVERYTHING)
    )


def pragma(connection, name):
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def refusal(obj):
    """Return the words of the refusal to save an object."""
    with pytest.raises(CannotSave) as caught:
        appsnap.dumps([obj])
    return str(caught.value)


class TestFile:
    @pytest.mark.parametrize("kind", KIND_NAMES)
    def test_again(self, path, opened, again, kind):
        """A connection to a file is one to that file again, and both see the changes of the other."""
        connection = opened(sqlite3.connect(path))

        loaded = again(connection, kind)

        with loaded:
            loaded.execute("INSERT INTO sales VALUES ('2024-05-18', 7)")
        assert connection.execute("SELECT sum(price) FROM sales").fetchone() == (19,)

    def test_source(self, path, opened):
        """The file reads as the call that opens it."""
        connection = opened(sqlite3.connect(path))

        text = appsnap.dumps([connection], kind="source").decode()

        assert f'open_database("{path}")' in text

    def test_odd_path(self, tmp_path, opened, again):
        """Each path that the system allows comes back: spaces, characters of URIs, bytes that are no text."""
        for name in (b"a b?c#d%20e&mode=memory.db", b"\xff\xfe.db"):
            path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
            connection = opened(sqlite3.connect(path))
            with connection:
                connection.execute("CREATE TABLE t (a)")

            loaded = again(connection)

            assert loaded.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]

    def test_fresh_process(self, path, tmp_path, opened):
        """Another process opens the file, and `appsnap.save` tries this first."""
        file = tmp_path / "shop.tas"
        connection = opened(sqlite3.connect(path, timeout=2))
        appsnap.save({"db": connection}, file, kind="source")
        script = "import appsnap, sys; print(*appsnap.load(sys.argv[1])['db'].execute('SELECT price FROM sales'))"

        done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=False)

        assert (done.stdout, done.stderr) == ("(12,)\n", "")

    def test_gone(self, path, opened):
        """A file that is gone is an error with its path, and no new file is made."""
        data = appsnap.dumps([opened(sqlite3.connect(path))])
        path.unlink()

        with pytest.raises(CannotLoad, match="no such file") as caught:
            appsnap.loads(data, trust=EVERYTHING)

        assert str(path) in str(caught.value)
        assert not path.exists()

    def test_folder_gone(self, tmp_path, opened):
        """So is a folder that is gone, with the whole path of the file, and the hint to move it."""
        folder = tmp_path / "data"
        folder.mkdir()
        connection = sqlite3.connect(folder / "shop.db")
        data = appsnap.dumps([opened(connection)])
        connection.close()
        shutil.rmtree(folder)

        with pytest.raises(CannotLoad, match=r"shop\.db: no such file") as caught:
            appsnap.loads(data, trust=EVERYTHING)

        assert repr(str(folder)) in caught.value.hint

    def test_folder(self, path, opened):
        """A path that is a folder by now is an error with its path."""
        data = appsnap.dumps([opened(sqlite3.connect(path))])
        path.unlink()
        path.mkdir()

        with pytest.raises(CannotLoad, match=r"shop\.db: is a directory"):
            appsnap.loads(data, trust=EVERYTHING)

    def test_no_database(self, path, opened):
        """A file that is no database any more is SQLite's error at the first use, and stays as it is."""
        data = appsnap.dumps([opened(sqlite3.connect(path))])
        path.write_text("a letter")

        loaded = opened(appsnap.loads(data, trust=EVERYTHING)[0])

        with pytest.raises(sqlite3.DatabaseError, match="not a database"):
            loaded.execute("SELECT 1 FROM sqlite_master")
        assert path.read_text() == "a letter"

    def test_read_only(self, path, opened, again):
        """A connection that may only read may only read again, whatever else has the file open."""
        writer = opened(sqlite3.connect(path))
        reader = opened(sqlite3.connect(f"file:{path}?mode=ro", uri=True))

        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            again(reader).execute("DELETE FROM sales")
        again(writer).execute("DELETE FROM sales").connection.rollback()

    def test_read_only_while_another_writes(self, path, opened):
        """Another connection that writes doesn't hold a save up."""
        writer = opened(sqlite3.connect(path, isolation_level=None))
        writer.execute("BEGIN IMMEDIATE")
        connection = opened(sqlite3.connect(path, timeout=3_000))

        data = appsnap.dumps(connection)

        writer.execute("COMMIT")
        opened(appsnap.loads(data, trust=EVERYTHING)).execute("DELETE FROM sales").connection.rollback()
        assert pragma(connection, "busy_timeout") == 3_000_000

    def test_gone_while_open(self, path, opened):
        """A file that was removed under its connection is refused."""
        connection = opened(sqlite3.connect(path))
        path.unlink()

        assert "without a file of its own" in refusal(connection)

    def test_moved_meanwhile(self, path, tmp_path, monkeypatch):
        """SQLite opens a path by itself: another file that takes its place meanwhile is noticed, and let go."""
        other = tmp_path / "other.db"
        shutil.copy(path, other)
        connect = sqlite._connect

        def late(cls, name, settings):
            other.replace(path)
            return connect(cls, name, settings)

        monkeypatch.setattr(sqlite, "_connect", late)

        with pytest.raises(OSError, match="another file took its place"):
            sqlite.open_database(str(path))


class TestMemory:
    @pytest.mark.parametrize("kind", KIND_NAMES)
    def test_content(self, opened, again, kind):
        """The content of a database in memory comes back, as a copy."""
        connection = opened(sqlite3.connect(":memory:"))
        with connection:
            connection.execute("CREATE TABLE t (a)")
            connection.execute("INSERT INTO t VALUES ('ä')")

        loaded = again(connection, kind)

        assert loaded.execute("SELECT a FROM t").fetchall() == [("ä",)]
        with loaded:
            loaded.execute("DELETE FROM t")
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)

    def test_empty(self, opened, again):
        """A new database in memory is one again."""
        loaded = again(opened(sqlite3.connect(":memory:")))

        assert loaded.execute("SELECT * FROM sqlite_master").fetchall() == []

    def test_temporary(self, opened, again):
        """So is a temporary database, which has no name."""
        connection = opened(sqlite3.connect(""))
        with connection:
            connection.execute("CREATE TABLE t (a)")

        assert again(connection).execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]

    def test_page_size(self, opened, again):
        """The size of the pages is that of the content."""
        connection = opened(sqlite3.connect(":memory:"))
        connection.execute("PRAGMA page_size=1024")
        with connection:
            connection.execute("CREATE TABLE t (a)")

        assert pragma(again(connection), "page_size") == 1024

    def test_twice(self, opened):
        """Saved again, a loaded database gives the same bytes."""
        connection = opened(sqlite3.connect(":memory:"))
        with connection:
            connection.execute("CREATE TABLE t (a)")
        data = appsnap.dumps(connection)

        assert appsnap.dumps(opened(appsnap.loads(data, trust=EVERYTHING))) == data


class TestSettings:
    @pytest.mark.parametrize("level", [None, "", "IMMEDIATE"])
    def test_isolation_level(self, path, opened, again, level):
        assert again(opened(sqlite3.connect(path, isolation_level=level))).isolation_level == level

    def test_timeout(self, path, opened, again):
        assert pragma(again(opened(sqlite3.connect(path, timeout=2.5))), "busy_timeout") == 2500

    @pytest.mark.parametrize("option", range(4))
    def test_detect_types(self, path, opened, again, option, monkeypatch):
        """The types that a connection converts can't be seen, but are found out."""
        monkeypatch.setitem(sqlite3.converters, "DATE", lambda text: dt.date.fromisoformat(text.decode()))
        loaded = again(opened(sqlite3.connect(path, detect_types=option)))

        row = loaded.execute("SELECT day, 'x' AS 'c [date_]' FROM sales").fetchone()
        declared = isinstance(row[0], dt.date)
        named = loaded.execute("SELECT 1 AS 'c [date_]'").description[0][0] == "c"
        assert (declared, named) == (bool(option & sqlite3.PARSE_DECLTYPES), bool(option & sqlite3.PARSE_COLNAMES))

    @pytest.mark.parametrize("option", [0, sqlite3.PARSE_DECLTYPES])
    def test_own_converters(self, path, opened, option, monkeypatch):
        """Converters of an application don't get in the way, and stay."""
        monkeypatch.setitem(sqlite3.converters, "INT", float)
        before = dict(sqlite3.converters)

        data = appsnap.dumps(opened(sqlite3.connect(path, detect_types=option)))

        assert (b"detect_types" in data) == bool(option)
        assert sqlite3.converters == before

    def test_other_threads(self, path, opened, again):
        """A connection for all threads is one again, and one for its own thread, too."""
        for checked in (False, True):
            loaded = again(opened(sqlite3.connect(path, check_same_thread=checked)))
            found = []

            def ask(loaded=loaded, found=found):
                try:
                    loaded.execute("SELECT 1")
                except sqlite3.ProgrammingError:
                    found.append("refused")

            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
            assert found == ["refused"] * checked

    def test_rows(self, path, opened, again):
        """Classes of rows and texts come back, those of the application, too."""
        connection = opened(sqlite3.connect(path))
        connection.row_factory = sqlite3.Row
        connection.text_factory = bytes

        row = again(connection).execute("SELECT 'x' AS word").fetchone()

        assert (type(row), row["word"]) == (sqlite3.Row, b"x")
        connection.row_factory = as_dict
        assert again(connection).execute("SELECT 'x' AS word").fetchone() == {"word": b"x"}

    def test_pragmas(self, path, opened, again):
        """Settings that hold for a connection alone come back."""
        connection = opened(sqlite3.connect(path))
        wanted = {"foreign_keys": 1, "synchronous": 1, "cache_size": -5000, "recursive_triggers": 1, "query_only": 1}
        for name, value in wanted.items():
            connection.execute(f"PRAGMA {name}={value}")

        loaded = again(connection)

        assert {name: pragma(loaded, name) for name in wanted} == wanted
        assert {name: pragma(connection, name) for name in wanted} == wanted

    @needs_autocommit
    @pytest.mark.parametrize("autocommit", [True, False])
    def test_autocommit(self, path, opened, again, autocommit):
        connection = opened(sqlite3.connect(path, autocommit=autocommit))

        loaded = again(connection)

        assert loaded.autocommit is autocommit
        assert loaded.in_transaction is connection.in_transaction is not autocommit

    def test_subclass(self, path, opened, again):
        """An object of a subclass has its attributes, and its __init__ isn't called."""
        for place in (path, ":memory:"):
            loaded = again(opened(Shop(place, "EUR")))

            assert (type(loaded), loaded.currency) == (Shop, "EUR")
            assert loaded.execute("SELECT 1").fetchone() == (1,)

    @pytest.mark.parametrize("make", [lambda: sqlite3.connect(":memory:"), lambda: Shop(":memory:", "EUR")])
    def test_closed(self, make, again):
        """A closed connection comes back closed."""
        connection = make()
        connection.close()

        loaded = again(connection)

        assert type(loaded) is type(connection)
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            loaded.execute("SELECT 1")


class TestRefused:
    def test_open_transaction(self, path, opened):
        """Changes without a commit are refused, with advice that works."""
        connection = opened(sqlite3.connect(path))
        connection.execute("DELETE FROM sales")

        assert "object[0] (sqlite3.Connection): a connection with an open transaction; commit" in refusal(connection)
        connection.commit()
        appsnap.dumps(connection)

    @needs_autocommit
    @pytest.mark.parametrize("memory", [True, False])
    def test_open_transaction_without_autocommit(self, path, opened, memory):
        """Where a transaction is always open, only changes count."""
        connection = opened(sqlite3.connect(":memory:" if memory else path, autocommit=False))
        connection.execute("CREATE TABLE t (a)")

        assert "open transaction" in refusal(connection)
        connection.commit()
        connection.execute("SELECT * FROM t").fetchall()
        appsnap.dumps(connection)

    def test_attached(self, path, opened):
        connection = opened(sqlite3.connect(":memory:"))
        connection.execute("ATTACH ? AS shop", (str(path),))

        assert "attached databases (shop); attach them in startService" in refusal(connection)

    def test_temporary_tables(self, path, opened):
        connection = opened(sqlite3.connect(path))
        connection.execute("CREATE TEMP TABLE t (a)")

        assert "a connection with temporary tables" in refusal(connection)
        connection.execute("DROP TABLE t")
        appsnap.dumps(connection)

    def test_other_thread(self, path):
        found = []

        def open_one():
            found.append(sqlite3.connect(path))
            ready.set()
            done.wait()
            found.pop().close()

        ready, done = threading.Event(), threading.Event()
        thread = threading.Thread(target=open_one)
        thread.start()
        ready.wait()
        try:
            assert "a connection of another thread" in refusal(found[0])
        finally:
            done.set()
            thread.join()

    def test_cursor(self, path, opened):
        """A cursor with a result is refused; an idle one is made anew, for its connection."""
        connection = opened(sqlite3.connect(path))
        cursor = connection.cursor()
        cursor.arraysize = 7

        loaded, new = appsnap.loads(appsnap.dumps((connection, cursor)), trust=EVERYTHING)

        opened(loaded)
        assert (new.connection, new.arraysize) == (loaded, 7)
        cursor.execute("SELECT * FROM sales")
        assert "a cursor, whose result stays in this process; keep the connection" in refusal(cursor)
        cursor.close()

    def test_blob(self, path, opened):
        connection = opened(sqlite3.connect(path))
        with connection:
            connection.execute("CREATE TABLE t (a)")
            connection.execute("INSERT INTO t VALUES (x'00')")

        with connection.blobopen("t", "a", 1) as blob:
            assert "an open blob" in refusal(blob)


class TestTrial:
    def test_not_opened(self, path, tmp_path, opened, again):
        """A trial opens no file, and saves what it has loaded as it was."""
        connection = opened(sqlite3.connect(path, timeout=1))
        data = appsnap.dumps(connection)

        with effects.trial():
            loaded = opened(appsnap.loads(data, trust=EVERYTHING))

        assert loaded.execute("PRAGMA database_list").fetchone()[2] == ""
        assert appsnap.dumps(loaded) == data
        assert [*tmp_path.iterdir()] == [path]

    def test_gone(self, path, opened):
        """A trial needs the file."""
        data = appsnap.dumps(opened(sqlite3.connect(path)))
        path.unlink()

        with effects.trial(), pytest.raises(CannotLoad, match="no such file"):
            appsnap.loads(data, trust=EVERYTHING)


class TestStranger:
    def test_granted(self, path, tmp_path, opened):
        """A stranger's file opens exactly the files that are granted, for reading those that are only read."""
        connection = opened(sqlite3.connect(path, timeout=1))
        reader = opened(sqlite3.connect(f"file:{path}?mode=ro", uri=True))
        data = appsnap.dumps({"db": connection, "reader": reader})

        for loaded in appsnap.loads(data, trust=[f"write:{path}"]).values():
            assert opened(loaded).execute("SELECT price FROM sales").fetchone() == (12,)
        with pytest.raises(NotTrusted, match=r"opens the database .*shop\.db at object\[\"db\"\]") as caught:
            appsnap.loads(data, trust=[f"read:{tmp_path}/*"])
        assert f"write:{path}" in caught.value.hint

    @pytest.mark.parametrize("middle", ["link.db", "inner/../../secret.db", "inner/folder/secret.db"])
    def test_way_out(self, path, tmp_path, opened, middle):
        """No link and no .. leads out of a folder that is granted."""
        granted = tmp_path / "granted"
        (granted / "inner").mkdir(parents=True)
        secret = path.rename(tmp_path / "secret.db")
        (granted / "link.db").symlink_to(secret)
        (granted / "inner" / "folder").symlink_to(tmp_path)
        data = written("open_database", f"{granted}/{middle}")

        with pytest.raises(NotTrusted, match=f"opens the database {secret}"):
            appsnap.loads(data, trust=[f"write:{granted}/*"])

    def test_later_link(self, path, tmp_path, opened, monkeypatch):
        """Nor does one that is put there after the audit."""
        granted = tmp_path / "granted"
        granted.mkdir()
        secret = path.rename(tmp_path / "secret.db")
        shop = granted / "shop.db"
        shop.touch()
        open_database = sqlite.open_database

        def late(*args):
            shop.unlink()
            shop.symlink_to(secret)
            return open_database(*args)

        monkeypatch.setattr(sqlite, "open_database", late)

        with pytest.raises(NotTrusted, match=str(secret)):
            appsnap.loads(written("open_database", str(shop)), trust=[f"write:{granted}/*"])

    def test_memory(self, opened):
        """The content of a database in memory needs a grant of its own."""
        connection = opened(sqlite3.connect(":memory:"))
        with connection:
            connection.execute("CREATE TABLE t (a)")
        data = appsnap.dumps(connection)

        with pytest.raises(NotTrusted, match="opens a database in memory"):
            appsnap.loads(data)
        loaded = opened(appsnap.loads(data, trust=["database:memory"]))
        assert (pragma(loaded, "trusted_schema"), pragma(connection, "trusted_schema")) == (0, 1)

    def test_own_function(self, path, opened):
        """A file that makes rows by a function is granted by the name of a call, and opens what is granted besides."""
        connection = opened(sqlite3.connect(path))
        connection.row_factory = as_dict
        data = appsnap.dumps(connection)
        names = ["call:appsnap.ways.sqlite.custom_database", sqlite3.Connection, as_dict]

        with pytest.raises(NotTrusted, match=f"opens the database {path}"):
            appsnap.loads(data, trust=names)
        opened(appsnap.loads(data, trust=[*names, f"write:{path}"]))

    def test_own_function_and_path(self, path, opened):
        """That function opens nothing else, whatever a file gives it."""
        names = ["call:appsnap.ways.sqlite.custom_database", sqlite3.Connection]
        steps = [Name("appsnap.ways.sqlite", "custom_database"), Name("sqlite3", "Connection")]
        recipe = Recipe([*steps, Call(Ref(0), [Ref(1), str(path)])], Ref(2))
        data = b"".join(kind_named("msgpack").write(Header("msgpack"), recipe, {}, None))

        with pytest.raises(NotTrusted, match=f"opens the database {path}|writes {path}"):
            appsnap.loads(data, trust=names)

    def test_own_class_and_damaged_content(self):
        """Nor does it take a content that isn't checked."""
        names = ["call:appsnap.ways.sqlite.custom_database", sqlite3.Connection, "database:memory"]
        steps = [Name("appsnap.ways.sqlite", "custom_database"), Name("sqlite3", "Connection")]
        recipe = Recipe([*steps, Call(Ref(0), [Ref(1), b"no pages"])], Ref(2))
        data = b"".join(kind_named("msgpack").write(Header("msgpack"), recipe, {}, None))

        with pytest.raises(CannotBuild, match="the content of the database can't be read"):
            appsnap.loads(data, trust=names)

    def test_moved(self, path, tmp_path, opened):
        """The paths of databases can be moved to another folder."""
        connection = opened(sqlite3.connect(path))
        connection.row_factory = as_dict
        file = tmp_path / "shop.tap"
        appsnap.save([connection, opened(sqlite3.connect(path))], file)
        (tmp_path / "new").mkdir()
        path.rename(tmp_path / "new" / "shop.db")

        snapshot = appsnap.open_snapshot(file).moved({str(tmp_path): str(tmp_path / "new")})

        for loaded in snapshot.build(EVERYTHING):
            opened(loaded).execute("SELECT * FROM sales")


def written(function, *args):
    """Return a file that calls a function of this family."""
    recipe = Recipe([Name("appsnap.ways.sqlite", function), Call(Ref(0), list(args))], Ref(1))
    return b"".join(kind_named("msgpack").write(Header("msgpack"), recipe, {}, None))


class TestUntouched:
    def test_live(self, path, opened):
        """A save changes nothing of a connection, and no open result of it."""
        connection = opened(sqlite3.connect(path))
        connection.row_factory = as_dict
        with connection:
            connection.execute("INSERT INTO sales VALUES ('2024-05-18', 7)")
        rows = connection.execute("SELECT price FROM sales ORDER BY price")
        first = next(rows)

        appsnap.dumps(connection)

        assert [first, *rows] == [{"price": 7}, {"price": 12}]
        assert not connection.in_transaction
        assert connection.row_factory is as_dict
