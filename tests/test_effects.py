import contextlib
import os
import stat
import threading

import pytest

from appsnap import effects
from appsnap.effects import Denied, Effect, Grants


def reading(path):
    return effects.open_file(str(path), os.O_RDONLY)


def writing(path):
    return effects.open_file(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


def content(descriptor):
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a file, which is the current one, and allow to write below it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "shop" / "data").write_bytes(b"data")
    monkeypatch.chdir(tmp_path / "shop")
    with effects.allowed(Grants([f"write:{tmp_path}/shop/*"])):
        yield tmp_path / "shop"


class TestGrants:
    @pytest.mark.parametrize(
        ("grant", "effect"),
        [
            ("read:/a/b", Effect("read", "/a/b")),
            ("write:/a/b", Effect("read", "/a/b")),
            ("write:/a/b", Effect("write", "/a/b", "appends to")),
            ("read:/a/*", Effect("read", "/a/b")),
            ("read:/a/*", Effect("read", "/a/b/c")),
            ("read:/*", Effect("read", "/a")),
            ("read://a//b/", Effect("read", "/a/b")),
            ("listen:127.0.0.1:80", Effect("listen", "127.0.0.1:80")),
            ("listen:127.0.0.1:*", Effect("listen", "127.0.0.1:80")),
            ("listen:[::1]:*", Effect("listen", "[::1]:80")),
            ("listen:/run/*", Effect("listen", "/run/shop")),
            ("database:memory", Effect("database", "memory")),
        ],
    )
    def test_allow(self, grant, effect):
        """A grant has the use and the target. `write` includes `read`, and `*` stands for all below."""
        assert Grants([grant]).allow(effect)

    @pytest.mark.parametrize(
        ("grant", "effect"),
        [
            ("read:/a/b", Effect("write", "/a/b")),
            ("read:/a/b", Effect("read", "/a/bc")),
            ("read:/a/b", Effect("read", "/a/b/c")),
            ("read:/a/*", Effect("read", "/a")),
            ("read:/a/*", Effect("read", "/ab/c")),
            ("write:/a/*", Effect("listen", "/a/b")),
            ("listen:127.0.0.1:80", Effect("listen", "127.0.0.1:8")),
            ("listen:127.0.0.1:80", Effect("listen", "127.0.0.1:800")),
            ("listen:127.0.0.1:*", Effect("listen", "0.0.0.0:80")),
            ("listen:::*", Effect("listen", "::1:80")),
            ("database:memory", Effect("write", "/memory")),
        ],
    )
    def test_do_not_allow(self, grant, effect):
        """A grant is for whole parts of a path, and for no other use."""
        assert not Grants([grant]).allow(effect)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("read:shop.conf", "has to be absolute, as in 'read:/"),
            ("write:", "has to be absolute"),
            ("write:/var/lib/../etc", "'..' may lead anywhere"),
            ("write:/..", "'..' may lead anywhere"),
            ("read:/a*", "only at the end"),
            ("read:/*/a", "only at the end"),
            ("read:/a\0b", "NUL"),
            ("listen:8000", "write 'listen:127.0.0.1:8000'"),
            ("listen:*:8000", "write 'listen:127.0.0.1:8000'"),
            ("listen:127.0.0.1:http", "write 'listen:127.0.0.1:8000'"),
            ("listen:127.0.0.1:\u0661", "write 'listen:127.0.0.1:8000'"),
            ("database:/var/lib/shop.db", "database:memory"),
        ],
    )
    def test_malformed(self, text, reason):
        """A text that could be meant in another way is refused, with the reason."""
        with pytest.raises(ValueError, match="is no effect to trust") as info:
            Grants([text])

        assert reason in str(info.value)

    def test_folder_that_is_a_link(self, tmp_path):
        """A link in the folder that a grant names is followed: the user has named it."""
        (tmp_path / "releases").mkdir()
        (tmp_path / "current").symlink_to("releases")

        for grant in (f"read:{tmp_path}/current/*", f"read:{tmp_path}/current/a"):
            assert Grants([grant]).allow(Effect("read", f"{tmp_path}/releases/a"))

    def test_file_that_is_a_link(self, tmp_path):
        """A link in the place of the file itself isn't followed: it may lead anywhere."""
        (tmp_path / "a").symlink_to("/etc/passwd")

        assert not Grants([f"read:{tmp_path}/a"]).allow(Effect("read", "/etc/passwd"))


class TestOnPath:
    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("", "empty"),
            ("/a\0b", "NUL"),
            (b"/a", "a text"),
            (1, "a text"),
            ("/" + "a" * 5000, "4,096"),
            ("/a/*", r"\*"),
        ],
    )
    def test_bad_path(self, path, reason):
        """A path that no grant can name is refused."""
        with pytest.raises(ValueError, match=reason):
            effects.on_path("read", path)

    def test_resolved(self, tmp_path, monkeypatch):
        """A relative path is one from the current folder. Links are followed before `..` is."""
        (tmp_path / "far" / "away").mkdir(parents=True)
        (tmp_path / "near").symlink_to("far/away")
        monkeypatch.chdir(tmp_path)

        assert effects.on_path("read", "near/../a").target == f"{tmp_path}/far/a"


class TestOpenFile:
    @pytest.mark.parametrize("path", ["data", "./data", "../shop/data", "in/../data", "link", "over/data"])
    def test_inside(self, folder, path):
        """A file in an allowed folder opens, by whichever path it is named."""
        (folder / "in").mkdir()
        (folder / "link").symlink_to("data")
        (folder / "over").symlink_to(folder)

        assert content(reading(path)) == b"data"
        assert content(reading(folder / path)) == b"data"

    @pytest.mark.parametrize("path", ["../secret", "in/../../secret", "link", "in/up/secret", "absolute", "new"])
    @pytest.mark.parametrize("opening", [reading, writing])
    def test_outside(self, folder, path, opening):
        """Neither `..` nor a link leads out of an allowed folder. Nothing is made there."""
        (folder / "in").mkdir()
        (folder / "in" / "up").symlink_to("../..")
        (folder / "link").symlink_to("../secret")
        (folder / "absolute").symlink_to(folder.parent / "secret")
        (folder / "new").symlink_to("../new")

        with pytest.raises(Denied) as info:
            opening(path)

        assert info.value.effect.target in (f"{folder.parent}/secret", f"{folder.parent}/new")
        assert info.value.asked == path
        assert {path.name for path in folder.parent.iterdir()} == {"secret", "shop"}
        assert (folder.parent / "secret").read_bytes() == b"secret"

    def test_makes_a_file(self, folder):
        """A file to write is made where it is allowed."""
        os.close(writing("new"))

        assert (folder / "new").read_bytes() == b""

    def test_truncates_nothing(self, folder):
        """The mode `w` keeps the content."""
        os.close(writing("data"))
        os.close(effects.open_file("data", os.O_WRONLY | os.O_CREAT | os.O_EXCL))

        assert (folder / "data").read_bytes() == b"data"

    def test_links_without_end(self, folder):
        """Links that lead to each other are an error."""
        (folder / "a").symlink_to("b")
        (folder / "b").symlink_to("a")

        with pytest.raises(effects.CannotOpen, match="symbolic links"):
            reading("a")

    @pytest.mark.parametrize("path", ["pipe", "/dev/zero", "/dev/tty", ".", "/"])
    def test_no_regular_file(self, folder, path):
        """A pipe isn't waited for, and no device is opened."""
        os.mkfifo(folder / "pipe")

        with effects.allowed(Grants(["write:/*"])):
            for opening in (reading, writing):
                with pytest.raises(effects.CannotOpen, match=r"regular|directory"):
                    opening(path)

    @pytest.mark.parametrize("path", ["/proc/self/fd/{}", "/dev/fd/{}", "/proc/thread-self/fd/{}"])
    def test_open_descriptor(self, folder, path):
        """A path by way of an open descriptor is that of its file."""
        with open(folder.parent / "secret", "rb") as file, pytest.raises(Denied) as info:
            reading(path.format(file.fileno()))

        assert info.value.effect.target == f"{folder.parent}/secret"

    def test_of_the_user(self, tmp_path):
        """A file that is trusted as a whole opens any path."""
        (tmp_path / "a").write_bytes(b"a")

        assert content(reading(tmp_path / "a")) == b"a"

    def test_hint(self, tmp_path):
        """A file that is gone: the hint says how to open another one."""
        with pytest.raises(effects.CannotOpen) as info:
            reading(tmp_path / "gone")

        assert f".moved({{{str(tmp_path)!r}: '/NEW'}})" in info.value.hint

    def test_swapped_meanwhile(self, folder):
        """Nobody wins by a swap of a folder and a link: no descriptor is that of a file outside."""
        (folder / "in").mkdir()
        (folder / "in" / "secret").write_bytes(b"data")
        (folder / "out").symlink_to("..")
        ended = threading.Event()

        def swap():
            while not ended.is_set():
                (folder / "in").rename(folder / "other")
                (folder / "out").rename(folder / "in")
                (folder / "in").rename(folder / "out")
                (folder / "other").rename(folder / "in")

        thread = threading.Thread(target=swap)
        thread.start()
        found = set()
        try:
            for _ in range(2000):
                with contextlib.suppress(Denied, OSError):
                    found.add(content(reading("in/secret")))
        finally:
            ended.set()
            thread.join()

        assert found <= {b"data"}


class TestTrial:
    def test_reads(self, folder):
        """A file that is read is opened in a trial, too: a load would fail otherwise."""
        with effects.trial():
            assert content(reading("data")) == b"data"
            with pytest.raises(effects.CannotOpen, match="No such file"):
                reading("gone")

    def test_writes_nothing(self, folder):
        """A file that is written is neither made nor changed."""
        with effects.trial():
            for path in ("data", "new"):
                descriptor = writing(path)
                assert stat.S_ISCHR(os.fstat(descriptor).st_mode)
                os.write(descriptor, b"more")
                os.close(descriptor)

        assert [path.name for path in folder.iterdir()] == ["data"]
        assert (folder / "data").read_bytes() == b"data"

    def test_reads_and_writes(self, folder):
        """A file that is read and written can be read alone."""
        with effects.trial():
            descriptor = effects.open_file("data", os.O_RDWR)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(descriptor, b"more")

        assert content(descriptor) == b"data"

    def test_folder_that_is_gone(self, folder):
        """A trial fails where the load would fail."""
        with effects.trial(), pytest.raises(effects.CannotOpen, match="No such file"):
            writing("gone/new")

    def test_outside(self, folder):
        """A trial has no more rights than the load."""
        with effects.trial(), pytest.raises(Denied):
            writing("../secret")

    def test_pipe(self, folder):
        """The null device stands for a pipe, which might be waited for."""
        os.mkfifo(folder / "pipe")

        with effects.trial():
            assert content(reading("pipe")) == b""

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_unreadable(self, folder):
        """The null device stands for a file that was opened before the process dropped its privileges."""
        (folder / "data").chmod(0)

        with effects.trial():
            assert content(reading("data")) == b""
        with pytest.raises(effects.CannotOpen, match="Permission denied"):
            reading("data")
