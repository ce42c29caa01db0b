import subprocess
import sys
import time

import pytest

import appsnap
from appsnap.errors import CannotSave
from appsnap.files.layers import Wrapping
from appsnap.kinds import KINDS
from appsnap.recipe.freeze import Notes
from appsnap.snapshot import saving


def state():
    """Return a state with large data, and with small."""
    return {"n": 1, "words": ["a", "b"], "data": bytearray(range(250)) * 40_000, "more": bytes(100_000)}


def write(obj, path, kind, **options):
    return saving.write(obj, path, kind, wrapping=Wrapping(), seal=None, notes=Notes(), **options)


@pytest.mark.parametrize("kind", KINDS)
class TestWrite:
    def test_unchanged(self, tmp_path, kind, monkeypatch):
        """An object that is as it was is not written again, whatever the time in the header."""
        app = state()
        first = write(app, tmp_path / "first", kind)
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(time.time()) + 1_000_000))

        assert write(app, tmp_path / "second", kind, unless=first.digest) is None
        assert not (tmp_path / "second").exists()

    @pytest.mark.parametrize("key", ["n", "words", "data", "more"])
    def test_changed(self, tmp_path, kind, key):
        """An object that has changed anywhere is written, and can be loaded."""
        app = state()
        first = write(app, tmp_path / "first", kind)
        match app[key]:
            case int():
                app[key] = 2
            case list() as words:
                words[1] = "c"
            case bytearray() as data:
                data[-1] ^= 1
            case _:
                app[key] = bytes(99_999) + b"\1"

        second = write(app, tmp_path / "second", kind, unless=first.digest)

        assert second.digest != first.digest
        assert appsnap.load(tmp_path / "second", trust=appsnap.EVERYTHING) == app

    def test_digest_of_the_file_that_is_written(self, tmp_path, kind):
        """The digest is the same before the document is written and after that, and the file can be verified."""
        app = state()

        before = write(app, tmp_path / "first", kind, unless="").digest
        after = write(app, tmp_path / "second", kind)
        appsnap.open_snapshot(tmp_path / "first")

        assert before == after.digest


class TestThreads:
    @pytest.mark.parametrize("kind", KINDS)
    def test_forbidden(self, tmp_path, kind):
        """Where threads are forbidden, none is started: not for checksums, nor for the disk, nor by zstd."""
        # In a process of its own: threads of other tests would count.
        subprocess.run([sys.executable, "-c", FORBIDDEN, tmp_path / "file", kind], check=True)

    def test_error_of_an_object(self, tmp_path):
        """An object that can't be saved raises its error here, too, and leaves no file."""
        with pytest.raises(CannotSave):
            write([(x for x in ())], tmp_path / "file", "pickle", unless="")
        assert not (tmp_path / "file").exists()


FORBIDDEN = """
import sys
import threading
from appsnap.files import tasks
from appsnap.files.layers import Wrapping
from appsnap.recipe.freeze import Notes
from appsnap.snapshot import saving

def threads():
    with open("/proc/self/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[17])

tasks.forbid_threads()
path, kind = sys.argv[1:]
most = []
over = threading.Event()

def count():
    while not over.is_set():
        most.append(threads())

counter = threading.Thread(target=count)
counter.start()
before = threads()
state = {"data": bytearray(range(250)) * 40_000, "text": "x" * 20_000_000}
saving.write(state, path, kind, wrapping=Wrapping(compress=True), seal=None, notes=Notes())
over.set()
counter.join()
assert before == 2, before
assert {*most} <= {before}, most
"""
