import bz2
import gc
import gzip
import io
import lzma
import mmap
import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest

import appsnap
from appsnap import EVERYTHING, effects
from appsnap.errors import CannotBuild, CannotSave
from appsnap.kinds import KINDS
from appsnap.recipe.freeze.rules import Rules

TEXT = "first\nsécond\r\nthird\rlast\n"


@pytest.fixture(params=KINDS)
def again(request):
    """Return a function that saves an object and loads it, in each kind."""

    def restore(obj):
        return appsnap.loads(appsnap.dumps(obj, request.param), trust=EVERYTHING)

    return restore


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, with a text file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(TEXT.encode())
    return tmp_path


@pytest.fixture
def opened(folder):
    """Return a function that opens files, which the end of the test closes."""
    found = []

    def keep(path="a.txt", *args, **keywords):
        found.append(open(path, *args, **keywords))  # noqa: SIM115 - closed below
        return found[-1]

    yield keep
    for file in found:
        file.close()


def said(obj):
    """Return the statement of an object in a source file."""
    return appsnap.dumps(obj, "source", sign=False).decode().partition("application = ")[2].partition("\n\n")[0]


class TestText:
    @pytest.mark.parametrize("mode", ["r", "rt", "r+", "w", "a", "a+", "x", "w+"])
    def test_mode(self, opened, again, mode):
        """A text file comes back at its position, in its mode, with its encoding."""
        Path("a.txt").write_text(TEXT, "utf-16")
        file = opened("new.txt" if mode == "x" else "a.txt", mode, encoding="utf-16", errors="replace")
        if file.writable():
            file.write("some\n")
        else:
            file.read(3)

        with again(file) as found:
            assert (found.name, found.mode) == (file.name, mode)
            assert (found.encoding, found.errors) == ("utf-16", "replace")
            assert found.tell() == file.tell()
            assert (found.readable(), found.writable()) == (file.readable(), file.writable())

    def test_statement(self, opened):
        """A source file has the keywords that say something."""
        assert said(opened("shop.log", "a", encoding="utf-8")) == 'reopen("shop.log", mode="a", encoding="utf-8")'
        assert said(opened(encoding="utf-8")) == 'reopen("a.txt", encoding="utf-8")'

    @pytest.mark.parametrize("newline", [None, "", "\n", "\r", "\r\n"])
    @pytest.mark.parametrize("mode", ["r", "w", "a", "r+", "a+"])
    @pytest.mark.parametrize("read", [0, 1, 100])
    def test_newline(self, opened, newline, mode, read):
        """The newline comes back, whether the file was read or not, to its end or not."""
        file = opened("a.txt", mode, encoding="utf-8", newline=newline)
        if file.readable():
            file.seek(0)
            file.read(read)
            file.readline()
        at_end = read == 100 and file.readable()

        _, (_, _, keywords) = Rules()(file)

        assert at_end or keywords.get("newline") == newline

    def test_newline_after_a_seek(self, opened):
        """A file that was opened again tells the same newline."""
        file = opened("a.txt", encoding="utf-8", newline="")
        file.seek(6)

        assert 'newline=""' in said(file)

    def test_goes_on(self, opened, again):
        """Both read on from the same place."""
        file = opened(encoding="utf-8")
        file.readline()

        with again(file) as found:
            assert found.read() == file.read() == "sécond\nthird\nlast\n"

    def test_buffering(self, opened, again):
        """The buffering by lines, and that of nothing at all, come back."""
        file = opened("new.txt", "w", encoding="utf-8", buffering=1)
        file.reconfigure(write_through=True)

        with again(file) as found:
            assert (found.line_buffering, found.write_through) == (True, True)

    def test_attributes(self, opened, again):
        """Attributes that a program has set come back."""
        file = opened(encoding="utf-8")
        file.owner = "me"

        with again(file) as found:
            assert (found.owner, found.mode) == ("me", "r")

    def test_that_is_gone_through(self, opened):
        """A loop over the lines has no position, and the error says so."""
        file = opened()
        next(file)

        with pytest.raises(CannotSave, match=r"can't tell its position.*between two passes"):
            appsnap.dumps(file)

    def test_without_its_binary_file(self, folder):
        """A text file that was detached is no file."""
        file = io.TextIOWrapper(io.BytesIO())
        file.detach()

        with pytest.raises(CannotSave, match="without the binary file"):
            appsnap.dumps(file)

    def test_over_bytes(self, again):
        """A text file over bytes in memory comes back with them."""
        text = io.TextIOWrapper(io.BytesIO(TEXT.encode()), "utf-8", newline="")
        text.readline()

        assert again([text, text.buffer])[0].read() == TEXT[6:]

    def test_over_a_binary_file(self, opened, again):
        """The binary file below, which something else has, too, is still the same one."""
        binary = opened("a.txt", "rb")
        with io.TextIOWrapper(binary, "utf-8") as text:
            found, below = again([text, binary])

        with found:
            assert found.buffer is below


class TestBinary:
    @pytest.mark.parametrize("buffering", [0, -1])
    @pytest.mark.parametrize("mode", ["rb", "rb+", "wb", "ab", "ab+", "xb"])
    def test_mode(self, opened, again, mode, buffering):
        """A binary file comes back at its position, with or without a buffer."""
        file = opened("new" if mode == "xb" else "a.txt", mode, buffering=buffering)
        if file.writable():
            file.write(b"some")
        file.seek(2)

        with again(file) as found:
            assert type(found) is type(file)
            assert (found.name, found.mode) == (file.name, mode)
            assert found.tell() == (Path("a.txt").stat().st_size if mode == "ab" else 2)

    def test_truncates_nothing(self, opened, again, folder):
        """The mode `w` goes on at its position, and keeps the content."""
        file = opened("new", "wb")
        file.write(b"0123456789")
        file.seek(3)

        with again(file) as found:
            found.write(b"ab")

        assert (folder / "new").read_bytes() == b"012ab56789"

    def test_appends(self, opened, again, folder):
        """A file that is appended to needs no position."""
        file = opened("a.txt", "ab")

        with again(file) as found:
            file.write(b"1")
            file.flush()
            found.write(b"2")

        assert (folder / "a.txt").read_bytes() == TEXT.encode() + b"12"
        assert "position" not in said(file)

    def test_start_of_what_is_appended_to(self, opened, again):
        """The place to read is kept, the start of the file too."""
        file = opened("a.txt", "ab+")
        file.seek(0)

        with again(file) as found:
            assert found.tell() == 0

    def test_output_that_waits(self, opened, folder):
        """A save writes the output that waits: the position counts it."""
        file = opened("new", "wb")
        file.write(b"some")

        assert "position=4" in said(file)
        assert (folder / "new").read_bytes() == b"some"

    def test_bytes_as_path(self, opened, again):
        """A path of bytes comes back as a text."""
        with again(opened(b"a.txt", "rb")) as found:
            assert found.name == "a.txt"

    def test_path_object(self, folder, again):
        """A path object that a raw file got as its name comes back as a text."""
        with io.FileIO(Path("a.txt")) as file, again(file) as found:
            assert found.name == "a.txt"


class TestClosed:
    @pytest.mark.parametrize("mode", ["r", "w", "a+", "rb", "wb", "rb+"])
    def test_closed(self, opened, again, folder, mode):
        """A closed file comes back closed, also where its path leads nowhere."""
        file = opened("new", "w")
        file = opened("new", mode)
        file.close()
        (folder / "new").unlink()

        found = again(file)

        assert (found.closed, found.name, found.mode) == (True, "new", mode)
        assert not (folder / "new").exists()


class TestGone:
    @pytest.mark.parametrize("mode", ["w", "a", "ab", "xb"])
    def test_written(self, opened, folder, mode):
        """A file that is only written is made anew, as the application made it."""
        file = opened(folder / "log", mode)
        file.write("some" if "b" not in mode else b"some")
        data = appsnap.dumps(file)
        (folder / "log").unlink()

        with appsnap.loads(data, trust=EVERYTHING) as found:
            assert found.tell() == 0
        assert (folder / "log").read_bytes() == b""

    @pytest.mark.parametrize("mode", ["r", "rb", "r+", "w+", "wb+"])
    def test_read(self, opened, folder, mode):
        """A file that is read can't be made anew: the error has the path, and how to name another one."""
        data = appsnap.dumps([opened(folder / "a.txt", mode)])
        (folder / "a.txt").unlink()

        with pytest.raises(CannotBuild, match=r"object\[0\] .*reopen.*: /.*/a.txt: no such file") as info:
            appsnap.loads(data, trust=EVERYTHING)

        assert f".moved({{{str(folder)!r}: '/NEW'}})" in info.value.hint
        assert not (folder / "a.txt").exists()

    def test_folder(self, opened, folder):
        """A path that is that of a folder by now is an error with the path."""
        data = appsnap.dumps(opened("a.txt"))
        (folder / "a.txt").unlink()
        (folder / "a.txt").mkdir()

        with pytest.raises(CannotBuild, match=r"a\.txt: is a directory"):
            appsnap.loads(data, trust=EVERYTHING)

    def test_shorter(self, opened, again, folder):
        """A file that is shorter by now goes on at its end: no hole is written."""
        file = opened("a.txt", "r+b")
        file.seek(20)
        data = appsnap.dumps(file)
        (folder / "a.txt").write_bytes(b"ab")

        with appsnap.loads(data, trust=EVERYTHING) as found:
            assert found.tell() == 2

    def test_deleted(self, opened, folder):
        """A file that is deleted while it is open is refused if it is read."""
        file = opened("a.txt", "r")
        (folder / "a.txt").unlink()

        with pytest.raises(CannotSave, match=r"a\.txt, leads nowhere by now: no such file"):
            appsnap.dumps(file)

    def test_replaced(self, opened, folder):
        """A file in whose place another one is by now is refused if it is read."""
        file = opened("a.txt", "r+")
        (folder / "b.txt").write_bytes(b"")
        (folder / "b.txt").replace("a.txt")

        with pytest.raises(CannotSave, match=r"a\.txt, leads to another file by now"):
            appsnap.dumps(file)

    def test_rotated(self, opened, folder, again):
        """A log that was rotated away begins anew."""
        file = opened(folder / "log", "a")
        (folder / "log").rename("log.1")

        with again(file) as found:
            found.write("new")

        assert (folder / "log").read_text() == "new"

    def test_other_folder(self, opened, folder, monkeypatch):
        """A relative path that was one from another folder is refused."""
        file = opened("log", "a")
        (folder / "other").mkdir()
        monkeypatch.chdir("other")

        with pytest.raises(CannotSave, match="its path, log, leads nowhere by now"):
            appsnap.dumps(file)


class TestRefused:
    def check(self, thing, reason):
        """Check that a thing is refused for a reason, with its place and advice."""
        with pytest.raises(CannotSave) as info:
            appsnap.dumps([thing])

        [place] = info.value.places
        assert place.path == "object[0]"
        assert reason in place.reason
        assert "startService" in place.advice

    def test_pipe(self):
        """The other end of a pipe knows nothing of a load."""
        reader, writer = os.pipe()
        with open(reader) as file, open(writer, "w") as other:
            self.check(file, "opened by its descriptor")
            self.check(other.buffer, "opened by its descriptor")

    def test_named_pipe(self, folder):
        """Nor does that of a named one."""
        os.mkfifo("pipe")
        with open("pipe", "rb+", buffering=0) as file:
            self.check(file, "a pipe")

    def test_socket(self):
        """A stream over a socket says so."""
        ours, other = socket.socketpair()
        with ours, other, ours.makefile("r") as text, ours.makefile("rwb") as both:
            self.check(text, "a buffer over a socket")
            self.check(both, "a pair of streams")

    def test_temporary(self):
        """Temporary files and folders are gone when the process ends."""
        with tempfile.NamedTemporaryFile() as named, tempfile.TemporaryFile() as unnamed:
            self.check(named, "a temporary file")
            self.check(unnamed, "opened by its descriptor")
        folder = tempfile.TemporaryDirectory()
        self.check(folder, "a temporary folder")
        folder.cleanup()

    def test_memory_map(self):
        """A memory map doesn't tell its file."""
        with mmap.mmap(-1, 10) as found:
            self.check(found, "a memory map")

    @pytest.mark.parametrize("opening", [gzip.open, bz2.open, lzma.open])
    def test_compressed_and_written(self, folder, opening):
        """A compressed file that is being written can't be gone on with."""
        with opening("a", "wb") as file:
            self.check(file, "that is being written")


class TestOthers:
    @pytest.mark.parametrize("opening", [gzip.open, bz2.open, lzma.open])
    @pytest.mark.parametrize("mode", ["rb", "rt"])
    def test_compressed(self, folder, again, opening, mode):
        """A compressed file is read on from its position, and closes its file."""
        with opening("a", "wb") as file:
            file.write(TEXT.encode() * 3)
        with opening("a", mode) as file:
            file.readline()

            found = again(file)

            assert (type(found), found.tell()) == (type(file), file.tell())
            assert found.read() == file.read()
            found.close()
            gc.collect()

    def test_closed_gzip(self, folder, again):
        """A closed file of gzip comes back closed."""
        with gzip.open("a", "wb") as file:
            pass

        assert again(file).closed

    @pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
    def test_standard_streams(self, stream):
        """The binary streams below the standard ones go by name, as these do."""
        program = f"import sys, appsnap; s = sys.{stream}; d = appsnap.dumps([s, s.buffer], 'source'); "
        program += "a = appsnap.loads(d, trust=appsnap.EVERYTHING); sys.exit(not (a[0] is s and a[1] is s.buffer))"

        assert os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-c", program], {**os.environ}) == 0

    def test_memory(self, again):
        """Streams in memory are values, as they were."""
        text, data = io.StringIO("abc"), io.BytesIO(b"abc")
        text.read(1)
        data.read(2)

        found = again([text, data])

        assert [found[0].read(), found[1].read()] == ["bc", b"c"]


class TestTrial:
    @pytest.mark.parametrize("mode", ["r", "rb", "r+", "w", "wb", "a", "ab+", "x"])
    def test_saves_the_same(self, opened, folder, mode):
        """In a trial, nothing is made and nothing changes; saved again, the file is the same."""
        file = opened(folder / "new" if mode == "x" else folder / "a.txt", mode)
        file.write("") if file.writable() and "b" not in mode else None
        data = appsnap.dumps(file, "source", sign=False)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}

        with effects.trial(), appsnap.loads(data, trust=EVERYTHING) as found:
            if found.writable():
                found.write("x" if "b" not in mode else b"x")
            assert appsnap.dumps(found, "source", sign=False) == data or found.readable()
            if "+" in mode:
                os.dup2(os.open(os.devnull, os.O_RDWR), found.fileno())

        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

    def test_save_with_a_trial(self, folder):
        """`save` tries the file in a fresh interpreter: a log that is written meanwhile gets no line twice."""
        with open(folder / "log", "a") as log:
            log.write("one\n")
            appsnap.save({"log": log}, folder / "shop.tas", verify=True)
            log.write("two\n")

        assert (folder / "log").read_text() == "one\ntwo\n"
