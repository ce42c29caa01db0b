import contextlib
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from appsnap.errors import AppsnapError
from appsnap.runner import locks
from appsnap.runner.locks import Lock, Running, holder, is_held_by

HOLDS = """
import sys
from appsnap.runner.locks import Lock
lock = Lock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def another_process(path):
    """Let another process hold a lock, and end it by its own id."""
    command = [sys.executable, "-c", HOLDS, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


class TestLock:
    def test_holds_the_id(self, tmp_path):
        """The file has the id of the process, and is gone behind the release."""
        path = tmp_path / "lock"

        lock = Lock(path)

        assert path.read_text() == f"{os.getpid()}\n"
        assert holder(path) == os.getpid()
        lock.release()
        assert not path.exists()
        assert holder(path) is None

    def test_second_process(self, tmp_path):
        """A lock that another process holds tells which, and stays as it is."""
        path = tmp_path / "lock"
        with another_process(path) as process:
            with pytest.raises(Running, match=f"process {process.pid} is running") as caught:
                Lock(path)

            assert caught.value.process == process.pid
            assert holder(path) == process.pid
            process.kill()
            process.wait()

            assert holder(path) is None
            Lock(path).release()

    def test_looked_at(self, tmp_path, monkeypatch):
        """Commands that look at the lock hold up the next process, and don't refuse it, however busy the machine is."""
        path = tmp_path / "lock"
        path.touch()
        pauses = []
        with path.open() as looks:
            fcntl.flock(looks, fcntl.LOCK_SH)

            def pause(_):
                pauses.append(1)
                if len(pauses) == 3 * locks._TRIES:
                    fcntl.flock(looks, fcntl.LOCK_UN)

            monkeypatch.setattr(locks.time, "sleep", pause)
            Lock(path).release()

        assert len(pauses) == 3 * locks._TRIES

    def test_number_that_comes_late(self, tmp_path, monkeypatch):
        """A process that has the lock, and hasn't written its number yet, is waited for."""
        path = tmp_path / "lock"
        pauses = []
        with path.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)

            def pause(_):
                pauses.append(1)
                if len(pauses) == 3 * locks._TRIES:
                    path.write_text("17\n")

            monkeypatch.setattr(locks.time, "sleep", pause)
            assert holder(path) == 17

    def test_stale(self, tmp_path):
        """A number of a process that lives, but holds no lock, is stale."""
        path = tmp_path / "lock"
        path.write_text(f"{os.getppid()}\n")

        assert holder(path) is None
        lock = Lock(path)
        assert holder(path) == os.getpid()
        lock.release()

    def test_new_file_in_its_place(self, tmp_path):
        """A release doesn't remove a file that another process has put there."""
        path = tmp_path / "lock"
        lock = Lock(path)
        path.unlink()
        path.write_text("other")

        lock.release()

        assert path.read_text() == "other"

    def test_folder_of_another_user(self, tmp_path, monkeypatch):
        """Where the file can't be removed any more, it is emptied."""
        path = tmp_path / "lock"
        lock = Lock(path)

        def refuse(*_, **__):
            raise PermissionError(13, "not permitted")

        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", refuse)
            lock.release()

        assert path.read_text() == ""
        assert holder(path) is None
        Lock(path).release()

    def test_over_exec(self, tmp_path):
        """A descriptor that was inherited over exec goes on holding the lock, and nobody else gets it meanwhile."""
        path = tmp_path / "lock"
        first = f"""
import os, sys
from appsnap.runner.locks import Lock
lock = Lock({str(path)!r})
os.set_inheritable(lock.fd, True)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1], str(lock.fd)])
"""
        second = f"""
import fcntl, os, sys
from appsnap.runner import locks
from appsnap.runner.locks import Lock, holder
lock = Lock({str(path)!r}, int(sys.argv[1]))
assert holder(lock.path) == os.getpid()
assert not os.get_inheritable(lock.fd)
lock.release()
assert not os.path.exists(lock.path)
"""
        subprocess.run([sys.executable, "-c", first, second], check=True)

    def test_not_passed_on(self, tmp_path):
        """A program that the application starts doesn't hold the lock."""
        lock = Lock(tmp_path / "lock")

        assert not os.get_inheritable(lock.fd)
        lock.release()

    def test_not_held_by_a_worker(self, tmp_path):
        """A process that was forked, and lives on, doesn't keep the lock from the next one."""
        path, (reader, writer) = tmp_path / "lock", os.pipe()
        lock = Lock(path)
        worker = os.fork()
        if not worker:
            os.close(writer)
            os.read(reader, 1)  # until the parent has seen enough
            os._exit(0)
        try:
            assert holder(path) == os.getpid()
            fd, lock.fd = lock.fd, -1
            os.close(fd)  # as the end of the process does
            Lock(path).release()
        finally:
            os.close(writer)
            os.close(reader)
            os.waitpid(worker, 0)


class TestHostileFolder:
    """The folder may belong to another user."""

    def test_symbolic_link(self, tmp_path):
        """A link is refused, and its target stays as it is."""
        target = tmp_path / "target"
        target.write_text("1")
        (tmp_path / "lock").symlink_to(target)

        with pytest.raises(AppsnapError, match="symbolic link"):
            Lock(tmp_path / "lock")
        assert target.read_text() == "1"

    def test_hard_link(self, tmp_path):
        """A second name of another file is refused, even if that looks like a pidfile."""
        target = tmp_path / "target"
        target.write_text("1")
        (tmp_path / "lock").hardlink_to(target)

        with pytest.raises(AppsnapError, match="no file with the id"):
            Lock(tmp_path / "lock")
        assert target.read_text() == "1"

    def test_another_file(self, tmp_path):
        """A file with anything else in it isn't overwritten."""
        (tmp_path / "lock").write_text("a letter to somebody")

        with pytest.raises(AppsnapError, match="no file with the id"):
            Lock(tmp_path / "lock")
        assert (tmp_path / "lock").read_text() == "a letter to somebody"

    def test_fork(self, tmp_path):
        """A fork that ends clears nothing away, and one that lives on doesn't hold the lock."""
        path = tmp_path / "lock"
        lock = Lock(path)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            lock.release()
            os.write(writer, b"released")
            signal.pause()
        try:
            os.close(writer)
            assert os.read(reader, 8) == b"released"
            assert path.exists()
            assert is_held_by(path, os.getpid())
            assert not is_held_by(path, child)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            lock.release()

    def test_pipe(self, tmp_path):
        """A pipe without a reader doesn't block, neither the lock nor the look at it."""
        os.mkfifo(tmp_path / "lock")

        with pytest.raises(AppsnapError):
            Lock(tmp_path / "lock")
        assert holder(tmp_path / "lock") is None

    def test_locked_without_a_number(self, tmp_path, monkeypatch):
        """A lock that anybody holds on an empty file counts, and no process is named."""
        monkeypatch.setattr(locks, "_LONG", 3)
        path = tmp_path / "lock"
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

            with pytest.raises(Running, match="another process is running"):
                Lock(path)
            assert holder(path) is None
