import contextlib
import errno
import fcntl
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from functools import partial
from pathlib import Path

import pytest

from appsnap.files import atomic
from appsnap.files.atomic import write
from appsnap.files.streams import PIECE

OLD = b"old" * 50_000
NEW = b"new" * 100_000
LEFTOVER = ".{}.0123456789abcdef0123456789abcdef.appsnap-tmp"


@pytest.fixture(params=["unnamed", "named"])
def way(request, monkeypatch):
    """Write in both ways: as on Linux, and as where `O_TMPFILE` is missing."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("no O_TMPFILE here")
    return request.param


@pytest.fixture
def target(tmp_path, way):
    """Return the path of a file with old content, alone in its folder."""
    path = tmp_path / "folder" / "shop.tap"
    path.parent.mkdir()
    path.write_bytes(OLD)
    path.chmod(0o600)
    return path


def names(folder):
    """Return the names of everything in a folder."""
    return {path.name for path in Path(folder).iterdir()}


def alone(path):
    """Tell whether nothing else is in the folder of a file."""
    return names(path.parent) == {path.name}


def identity(path):
    """Return what of a file's status stays unless somebody changes it."""
    status = path.stat()
    return status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_mtime_ns


@contextlib.contextmanager
def unchanged(path):
    """Assert that the block leaves the file as it is, with nothing beside it and no descriptor open."""
    before = identity(path)
    descriptors = names("/dev/fd")
    yield
    assert path.read_bytes() == OLD
    assert identity(path) == before
    assert alone(path)
    assert names("/dev/fd") == descriptors


def start_child(function):
    """Run a function in a child process; return its number. Its status is 0, or 1 after an exception."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        function()
        status = 0
    except:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def in_child(function):
    """Run a function in a child process, wait for it, and return its status."""
    return os.waitpid(start_child(function), 0)[1]


class TestWrite:
    """What stands in its place afterwards."""

    def test_new(self, target):
        """A file that was not there is written whole, for its owner alone, whatever the umask."""
        path = target.with_name("new.tap")
        umask = os.umask(0o777)
        try:
            write(path, [b"new ", bytearray(b"content"), memoryview(b"1234").cast("I"), b""])
        finally:
            os.umask(umask)

        assert path.read_bytes() == b"new content1234"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert names(path.parent) == {"new.tap", "shop.tap"}

    @pytest.mark.parametrize("mode", [0o600, 0o644, 0o660, 0o400, 0o1640, 0o4755])
    def test_mode(self, target, mode):
        """A file that replaces another has its permissions, but none of its special bits."""
        target.chmod(mode)

        write(target, [NEW])

        assert target.read_bytes() == NEW
        assert stat.S_IMODE(target.stat().st_mode) == mode & 0o777
        assert alone(target)

    def test_empty(self, target):
        """No chunks make an empty file."""
        write(target, [])

        assert target.read_bytes() == b""
        assert alone(target)

    @pytest.mark.parametrize("size", [1, 4096, PIECE - 1, PIECE, PIECE + 1, 5_000_000])
    def test_pieces(self, target, size):
        """However the content is cut, and although one buffer is used for all of it, it is written as it is."""
        content = random.Random(size).randbytes(min(size * 1000, 20_000_003))
        buffer = bytearray(size)

        def chunks():
            for start in range(0, len(content), size):
                part = content[start : start + size]
                buffer[: len(part)] = part
                yield memoryview(buffer)[: len(part)]

        write(target, chunks())

        assert target.read_bytes() == content

    @pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="no posix_fadvise here")
    def test_flush_begins_early(self, target, monkeypatch):
        """What has been written is handed to the disk while more of it is written: all but the end."""
        advised = []
        monkeypatch.setattr(os, "posix_fadvise", lambda _, start, length, __: advised.append((start, start + length)))

        write(target, [bytes(5_000_000)] * 10)
        write(target, [NEW])

        assert advised == [(number * (8 << 20), (number + 1) * (8 << 20)) for number in range(5)]

    def test_path_as_text(self, target, monkeypatch):
        """A path may be text, and relative."""
        monkeypatch.chdir(target.parent)

        write("shop.tap", [NEW])

        assert target.read_bytes() == NEW

    def test_long_name(self, target):
        """The longest names that there are can be written."""
        path = target.with_name("é" * 127 + "x")

        for content in OLD, NEW:
            write(path, [content])

            assert path.read_bytes() == content
        assert names(path.parent) == {path.name, target.name}

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may change owners")
    def test_owner(self, target):
        """A file that root replaces keeps its owner and its group."""
        os.chown(target, 1234, 5678)
        target.chmod(0o640)

        write(target, [NEW])

        status = target.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o640)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
    def test_foreign_group(self, way):
        """Where the group can't be kept, another group isn't let in instead."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "shop.tap")
            path.write_bytes(OLD)
            path.chmod(0o664)
            Path(folder).chmod(0o777)

            def replace():
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                write(path, [NEW])

            assert in_child(replace) == 0
            status = path.stat()
            assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (65534, 65534, 0o604)
            assert path.read_bytes() == NEW


class TestLinks:
    """A symbolic link stays, what it points to is written."""

    def test_target_is_written(self, target, tmp_path):
        """Through two links in other folders."""
        first, second = tmp_path / "first", tmp_path / "second"
        first.symlink_to("folder/shop.tap")
        second.symlink_to(first)

        write(second, [NEW])

        assert second.readlink() == first
        assert first.readlink() == Path("folder/shop.tap")
        assert target.read_bytes() == NEW
        assert not target.is_symlink()
        assert alone(target)

    def test_dangling(self, target, tmp_path):
        """A link to nothing yet makes what it points to."""
        link = tmp_path / "link"
        link.symlink_to("folder/new.tap")

        write(link, [NEW])

        assert link.is_symlink()
        assert (target.parent / "new.tap").read_bytes() == NEW

    def test_loop(self, tmp_path, way):
        """A link to itself is refused."""
        link = tmp_path / "link"
        link.symlink_to("link")

        with pytest.raises(OSError, match="symbolic links") as caught:
            write(link, [NEW])

        assert caught.value.errno == errno.ELOOP
        assert caught.value.filename == str(link)
        assert link.is_symlink()

    def test_hard_link(self, target):
        """The file's other names keep the old content."""
        other = target.with_name("other.tap")
        other.hardlink_to(target)

        write(target, [NEW])

        assert (target.read_bytes(), other.read_bytes()) == (NEW, OLD)


class TestRefused:
    """What can't be written says so, under the name that was given."""

    def test_folder(self, tmp_path, way):
        """A folder is refused, also the root of all."""
        for path in str(tmp_path), "/":
            with pytest.raises(IsADirectoryError) as caught:
                write(path, [NEW])

            assert caught.value.filename == path
        assert not names(tmp_path)

    @pytest.mark.parametrize("end", ["/", "/.", "/.."])
    def test_name_of_folder(self, tmp_path, way, end):
        """A path that can only be that of a folder is refused, also where a file has the name, or nothing."""
        (tmp_path / "file").write_bytes(OLD)
        for path in f"{tmp_path}/file{end}", f"{tmp_path}/new{end}":
            with pytest.raises(IsADirectoryError) as caught:
                write(path, [NEW])

            assert caught.value.filename == path
        assert names(tmp_path) == {"file"}
        assert (tmp_path / "file").read_bytes() == OLD

    def test_pipe(self, tmp_path, way):
        """A pipe is refused, and nobody waits for its other end."""
        path = tmp_path / "pipe"
        os.mkfifo(path)

        with pytest.raises(OSError, match="Not a regular file") as caught:
            write(path, [NEW])

        assert caught.value.errno == errno.EINVAL
        assert caught.value.filename == str(path)
        assert alone(path)

    def test_device(self, way):
        """A device is refused."""
        with pytest.raises(OSError, match="Not a regular file: '/dev/null'"):
            write("/dev/null", [NEW])

    def test_no_folder(self, tmp_path, way):
        """A folder that isn't there is not made."""
        path = tmp_path / "nowhere" / "shop.tap"

        with pytest.raises(FileNotFoundError) as caught:
            write(path, [NEW])

        assert caught.value.filename == str(path)

    def test_not_bytes(self, target):
        """Anything but buffers is refused, also a single one where an iterable of them belongs."""
        for chunks in [NEW, "text"], [None], NEW:
            with unchanged(target), pytest.raises(TypeError):
                write(target, chunks)


class TestFailure:
    """Whatever fails, the old file is whole, nothing else is left behind, and no descriptor stays open."""

    @pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit, OSError("theirs")])
    def test_chunks(self, target, error):
        """An exception from the chunks comes through as it is."""

        def chunks():
            yield NEW
            raise error

        with unchanged(target), pytest.raises(error if isinstance(error, type) else type(error)) as caught:
            write(target, chunks())

        assert getattr(caught.value, "filename", None) is None

    def test_interrupt(self, target):
        """So does Ctrl-C while it writes."""

        def chunks():
            while True:
                yield NEW
                signal.raise_signal(signal.SIGINT)

        with unchanged(target), pytest.raises(KeyboardInterrupt):
            write(target, chunks())

    @pytest.mark.slow
    def test_interrupt_anywhere(self, target):
        """So does what a signal raises, wherever in the loop that writes. CPython 3.13 skips a `finally` around one."""

        def interrupt(*_):
            raise ZeroDivisionError

        def chunks(delay):
            signal.setitimer(signal.ITIMER_REAL, delay)
            while True:
                yield NEW

        handler = signal.signal(signal.SIGALRM, interrupt)
        try:
            with unchanged(target):
                for number in range(200):
                    with pytest.raises(ZeroDivisionError):
                        write(target, chunks(0.001 + number / 100_000))
        finally:
            signal.signal(signal.SIGALRM, handler)

    @pytest.mark.slow
    @pytest.mark.parametrize("encrypted", [False, True])
    def test_interrupt_process(self, target, way, encrypted):
        """Ctrl-C ends a process that has written hundreds of megabytes, encrypted or not."""
        code = """
import os, sys
from appsnap.files import age, atomic
path, way, encrypted = sys.argv[1:]
if way == "named":
    del os.O_TMPFILE
def chunks():
    for megabytes in range(20_000):
        print(megabytes, flush=True)
        yield bytes(1 << 20)
content = chunks()
if encrypted == "True":
    content = age.encrypt(content, [age.X25519Identity.generate().recipient])
atomic.write(path, content)
"""

        command = [sys.executable, "-c", code, target, way, str(encrypted)]
        with unchanged(target):
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                while int(process.stdout.readline()) < 300:
                    pass
                process.send_signal(signal.SIGINT)
                _, complaint = process.communicate()

            assert process.returncode == -signal.SIGINT
            assert complaint.endswith("KeyboardInterrupt\n")

    def test_size_limit(self, target):
        """A limit on the size of files is an error and no signal that kills."""

        def replace():
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(OLD) + 1000, len(OLD) + 1000))
            with pytest.raises(OSError, match="File too large") as caught:
                write(target, [NEW])
            assert caught.value.errno == errno.EFBIG
            assert caught.value.filename == str(target)

        with unchanged(target):
            assert in_child(replace) == 0

    def test_disk_full(self, target, tmp_path):
        """A full disk is an error, and the disk is as empty afterwards as it was before."""
        mounted = target.parent
        command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(mounted)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("mounting a small disk takes root")
        try:
            target.write_bytes(OLD)
            free = os.statvfs(mounted).f_bfree
            with unchanged(target), pytest.raises(OSError, match="No space left") as caught:
                write(target, [NEW])
            assert caught.value.errno == errno.ENOSPC
            assert caught.value.filename == str(target)
            assert os.statvfs(mounted).f_bfree == free
        finally:
            subprocess.run(["umount", str(mounted)], check=True)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda file: os.pwrite(file, b"!", 1000),
            lambda file: os.pwrite(file, b"!", 17 << 20),
            lambda file: os.ftruncate(file, os.fstat(file).st_size - 1),
            lambda file: os.pwrite(file, b"\0", len(NEW) * 100),
        ],
        ids=["flushed", "not yet flushed", "shorter", "longer"],
    )
    def test_read_back(self, target, spoil):
        """What reads back differently from what was written, as from a bad disk, is noticed."""
        spoilt = []

        def chunks():
            yield NEW * 100
            for descriptor in map(int, names("/dev/fd")):
                with contextlib.suppress(OSError):
                    if os.fstat(descriptor).st_size == len(NEW) * 100 // PIECE * PIECE:
                        spoil(descriptor)
                        spoilt.append(descriptor)

        with unchanged(target), pytest.raises(OSError, match="reads back differently") as caught:
            write(target, chunks())

        assert len(spoilt) == 1
        assert caught.value.errno == errno.EIO
        assert caught.value.filename == str(target)


@pytest.mark.memory
class TestMemory:
    """What is written is not held."""

    def test_bounded(self, target, peak_memory):
        """250 MB take as much memory as 15 do."""
        code = f"""
from appsnap.files.atomic import write
write({str(target)!r}, (bytes(100_000) for _ in range({{count}} * 10)))
"""

        assert peak_memory(code.format(count=250)) < 1.1 * peak_memory(code.format(count=15))


class TestCheck:
    """A check sees the new file before anybody else does."""

    def test_passes(self, target):
        """It can read the whole file, also from another process, while the old one is still in place."""
        seen = []

        def check(path):
            assert target.read_bytes() == OLD
            assert subprocess.run(["cat", path], check=True, capture_output=True).stdout == NEW
            seen.append(path.read_bytes())

        write(target, [NEW[:100], NEW[100:]], check=check)

        assert seen == [NEW]
        assert target.read_bytes() == NEW
        assert alone(target)

    @pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, OSError])
    def test_fails(self, target, error):
        """What it raises comes through as it is and keeps the old file."""

        def check(path):
            raise error

        with unchanged(target), pytest.raises(error) as caught:
            write(target, [NEW], check=check)

        assert getattr(caught.value, "filename", None) is None


@pytest.mark.slow
class TestKilled:
    """A writer that is killed at any moment leaves the old file or the new one."""

    def kill(self, path, function):
        """Yield after each of 200 children that ran a function over and over has been killed."""
        start = time.perf_counter()
        for _ in range(10):
            function()
        duration = (time.perf_counter() - start) / 10

        def forever():
            while True:
                function()

        for _ in range(200):
            child = start_child(forever)
            time.sleep(random.uniform(0, 3 * duration))
            os.kill(child, signal.SIGKILL)
            assert os.waitpid(child, 0)[1] == signal.SIGKILL
            yield

    def test_replacing(self, target, way):
        """One of both is there as a whole, and what may be left beside it is gone after the next writer."""

        def function():
            write(target, [NEW[:1000], NEW[1000:]])
            write(target, [OLD])

        left = 0
        for _ in self.kill(target, function):
            assert target.read_bytes() in {OLD, NEW}
            left += not alone(target)
            write(target, [OLD])
            assert alone(target)
        if way == "unnamed":
            # The moment between two system calls is hard to hit even for one who tries nothing else.
            assert left <= 10

    def test_creating(self, target, way):
        """There is the whole file or none; where Linux writes without a name, there never is anything else."""

        def function():
            target.unlink(missing_ok=True)
            write(target, [NEW])

        for _ in self.kill(target, function):
            if target.exists():
                assert target.read_bytes() == NEW
            if way == "unnamed":
                assert names(target.parent) <= {target.name}
        write(target, [NEW])

        assert alone(target)

    def test_two_writers(self, target):
        """Writers of the same path don't get into each other's way."""

        def function(content):
            for _ in range(100):
                write(target, [content])

        children = [start_child(partial(function, content)) for content in (OLD, NEW)]

        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        assert target.read_bytes() in {OLD, NEW}
        assert alone(target)


class TestLeftovers:
    """Leftovers of dead writers of the same path are removed, and nothing else."""

    def test_dead(self, target):
        """A leftover that nobody holds is removed, also if the write fails."""
        leftover = target.with_name(LEFTOVER.format(target.name))
        for chunks in [NEW], [None]:
            leftover.write_bytes(b"half")

            with contextlib.suppress(TypeError):
                write(target, chunks)

            assert alone(target)

    def test_alive(self, target):
        """One that its writer holds stays."""
        leftover = target.with_name(LEFTOVER.format(target.name))
        with leftover.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            write(target, [NEW])

        assert leftover.exists()

    @pytest.mark.parametrize(
        "name",
        [
            LEFTOVER.format("other.tap"),
            LEFTOVER.format("shopXtap"),
            ".shop.tap.appsnap-tmp",
            ".shop.tap.0123456789abcdef.appsnap-tmp",
            LEFTOVER.format("shop.tap") + "x",
            "shop.tap.0123456789abcdef0123456789abcdef.appsnap-tmp",
        ],
    )
    def test_others(self, target, name):
        """Leftovers of other paths stay, and whatever isn't called like one."""
        target.with_name(name).write_bytes(b"something else")

        write(target, [NEW])

        assert target.with_name(name).read_bytes() == b"something else"

    def test_removed_before_locked(self, target):
        """A writer whose file is taken for a leftover, because it is not locked yet, starts again."""
        folder = os.open(target.parent, os.O_RDONLY)
        done = threading.Event()

        def remove():
            while not done.is_set():
                atomic._remove_leftovers(folder, target.name)

        remover = threading.Thread(target=remove)
        remover.start()
        try:
            for number in range(1000):
                temporary = f".{target.name}.{number:032x}.appsnap-tmp"
                file = atomic._create(folder, temporary)
                atomic._put_in_place(file, folder, temporary, target.name)
                os.close(file)
        finally:
            done.set()
            remover.join()
            os.close(folder)

        assert alone(target)

    @pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("shop.tap")])
    def test_no_file(self, target, make):
        """Nobody waits for a pipe, follows a link or fails at a folder that is called like a leftover."""
        make(target.with_name(LEFTOVER.format(target.name)))

        write(target, [NEW])

        assert target.read_bytes() == NEW
