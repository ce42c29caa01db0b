import gzip
import io
import logging
import logging.handlers
import os
import tarfile
import zipfile

import pytest

import appsnap
from appsnap import EVERYTHING
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.recipe.steps import Name, New, Recipe, Ref, State

threads = pytest.importorskip("appsnap.ways.threads")


@pytest.fixture(params=KINDS)
def again(request):
    """Return a function that saves an object and loads it, in each kind."""

    def restore(obj):
        return appsnap.loads(appsnap.dumps(obj, request.param), trust=EVERYTHING)

    return restore


RECORD = logging.makeLogRecord({"msg": "said", "levelno": logging.INFO, "levelname": "INFO"})


@pytest.mark.parametrize(
    "make",
    [
        lambda path: logging.FileHandler(path, encoding="utf-8"),
        lambda path: logging.FileHandler(path, delay=True),
        lambda path: logging.handlers.RotatingFileHandler(path, maxBytes=20, backupCount=1),
        logging.handlers.TimedRotatingFileHandler,
        logging.handlers.WatchedFileHandler,
    ],
)
def test_handlers_of_files(tmp_path, again, make):
    """A handler goes on writing to its file. One that has not opened it yet opens it later."""
    handler = make(tmp_path / "log")
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    opened = handler.stream is not None

    found = again(handler)

    assert (found.stream is not None) == opened
    found.emit(RECORD)
    for one in (handler, found):
        one.close()
    assert (tmp_path / "log").read_text() == "INFO said\n"


@pytest.mark.parametrize("kind", KINDS)
class TestStrangers:
    """A stranger's handler needs a grant for its file, and opens no other one."""

    def stranger(self, tmp_path, kind, **attributes):
        """Return the file of a handler, and the grants that its audit lists."""
        handler = logging.FileHandler(tmp_path / "log", delay=True, encoding="utf-8")
        vars(handler).update(attributes)
        data = appsnap.dumps(handler, kind, sign=False)
        return data, [want.grant for want in appsnap.open_snapshot(io.BytesIO(data)).names]

    def test_grants(self, tmp_path, kind):
        """The audit lists the file, and no function that opens files. The handler then opens it, also once more."""
        data, trust = self.stranger(tmp_path, kind)

        assert f"write:{os.path.realpath(tmp_path / 'log')}" in trust
        assert "open" not in str([text for text in trust if not text.startswith("write:")])
        found = appsnap.loads(data, trust=trust)
        for _ in range(2):
            found.emit(RECORD)
            found.close()
            found._closed = False
        assert (tmp_path / "log").read_text() == "said\nsaid\n"
        again = appsnap.loads(appsnap.dumps(found, kind), trust=EVERYTHING)
        assert again._builtin_open is open

    def test_without_grant(self, tmp_path, kind):
        """Without the grant, the load is refused, though nothing would be opened yet."""
        data, trust = self.stranger(tmp_path, kind)

        with pytest.raises(appsnap.NotTrusted, match="appends to"):
            appsnap.loads(data, trust=[text for text in trust if not text.startswith("write:")])

    def test_other_files(self, tmp_path, kind):
        """A handler that was granted one file doesn't open another one later, and truncates none."""
        (tmp_path / "log").write_text("line\n")
        (tmp_path / "link").symlink_to(tmp_path / "other")
        data, trust = self.stranger(tmp_path, kind, mode="w")
        found = appsnap.loads(data, trust=trust)

        for name in ("other", "link"):
            found.baseFilename = str(tmp_path / name)
            with pytest.raises(PermissionError, match="isn't granted"):
                found._open()
        assert not (tmp_path / "other").exists()
        found.baseFilename = str(tmp_path / "log")
        found.emit(RECORD)
        found.close()
        assert (tmp_path / "log").read_text() == "line\nsaid\n"

    def test_made_by_hand(self, tmp_path, kind):
        """An opener that a file makes of its class, and fills, opens nothing."""
        steps = [
            Name("appsnap.ways.logging", "_Opener"),
            New(Ref(0), ["log", "a", None]),
            State(Ref(1), ["_grants", "_saved"], [None, None]),
        ]
        data = b"".join(kind_named(kind).write(Header(kind), Recipe(steps, Ref(1)), {}, None))
        found = appsnap.loads(data, trust=["appsnap.ways.logging._Opener"])

        with pytest.raises(PermissionError, match="isn't granted"):
            found(str(tmp_path / "log"), "a")

        assert not (tmp_path / "log").exists()


def test_own_open(again, tmp_path):
    """A handler with another function to open files keeps that function."""
    handler = logging.FileHandler(tmp_path / "log", delay=True)
    handler._builtin_open = gzip.open

    assert again(handler)._builtin_open is gzip.open


def test_handlers_in_memory(tmp_path, again):
    """A handler that collects records hands them on to its target."""
    target = logging.FileHandler(tmp_path / "log")
    handler = logging.handlers.MemoryHandler(10, target=target)
    handler.emit(RECORD)

    found = again(handler)

    found.flush()
    for one in (found.target, found, target):
        one.close()
    assert (tmp_path / "log").read_text() == "said\n"
    handler.buffer.clear()
    handler.close()


def test_archives(tmp_path, again, monkeypatch):
    """Archives that are read come back open, for they are objects with a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("text")
    with zipfile.ZipFile("a.zip", "w") as archive, tarfile.open("a.tar", "w") as tape:
        archive.write("a")
        tape.add("a")
    os.remove("a")  # noqa: PTH107 - in the current folder
    with zipfile.ZipFile("a.zip") as archive, tarfile.open("a.tar") as tape:
        with again(archive) as found:
            assert found.read("a") == b"text"
        with again(tape) as found:
            assert found.extractfile("a").read() == b"text"
