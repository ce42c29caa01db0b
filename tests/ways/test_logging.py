import logging
import logging.handlers
import os
import tarfile
import zipfile

import pytest

import appsnap
from appsnap import EVERYTHING
from appsnap.kinds import KINDS

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
