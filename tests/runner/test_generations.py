import contextlib
import json
import os
import re

import pytest

from appsnap.errors import AppsnapError
from appsnap.kinds import KINDS
from appsnap.kinds.extensions import naming_of
from appsnap.runner.generations import Generations, safe_name


@pytest.fixture
def generations(tmp_path):
    generations = Generations(tmp_path / "state", keep=2)
    yield generations
    generations.close()


def put(generations, *names):
    for name in names:
        (generations.folder / name).write_text(name)


def content(generations):
    return {path.name for path in generations.folder.iterdir()}


def names(generations):
    return [one.name for one in generations.list()]


class TestNames:
    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ("shop", "shop"),
            ("../../etc/x", "etc_x"),
            (None, "application"),
            ("", "application"),
            ("..", "application"),
            ("a b\n\0c", "a_b_c"),
            ("-rf", "rf"),
            (".hidden", "hidden"),
            ("Bücher-Laden", "Bücher-Laden"),
            ("\ud800", "application"),
            ("x" * 10_000, "x" * 50),
        ],
    )
    def test_safe_name(self, generations, name, safe):
        """The name of an application makes the name of a file in the folder, in every case."""
        assert safe_name(name) == safe
        path = generations.next(name, "pickle").path
        assert path.parent == generations.folder
        put(generations, path.name)
        assert names(generations) == [f"{safe}-00000001.tap"]

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("encrypted", [False, True])
    def test_extension(self, generations, kind, encrypted):
        """The extension tells the kind, and whether the file is encrypted."""
        naming = naming_of(generations.next("shop", kind, encrypted=encrypted).path)

        assert (naming.kind, naming.encrypted) == (kind, encrypted)

    def test_numbers_grow(self, generations):
        """A number is greater than all in the folder, also those of other kinds and names, of links and folders."""
        put(generations, "shop-00000003.tap", "old-00000007.etas", "shop-x.tap", "note.txt")
        assert generations.next("shop", "pickle").name == "shop-00000008.tap"
        (generations.folder / "shop-00000010.tap").symlink_to("/etc/passwd")
        (generations.folder / "shop-00000011.tap").mkdir()

        assert generations.next("shop", "xml").name == "shop-00000012.tax"
        assert names(generations) == ["old-00000007.etas", "shop-00000003.tap"]

    @pytest.mark.parametrize("digits", [8, 18])
    def test_many_digits(self, generations, digits):
        """The number goes on growing behind eight digits, and the order is that of numbers."""
        put(generations, f"shop-{'9' * digits}.tap")

        put(generations, generations.next("shop", "pickle").name)

        assert names(generations) == [f"shop-1{'0' * digits}.tap", f"shop-{'9' * digits}.tap"]


class TestFolder:
    def test_mode(self, tmp_path):
        """A new folder is for its owner alone, and those above it are made."""
        Generations(tmp_path / "a" / "state").close()

        assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700

    def test_prune(self, generations):
        """The newest stay, and so does everything that is no generation."""
        put(generations, "shop-00000001.tap", "shop-00000002.tap", "web-00000003.tam", "lock", "notes.tap")

        generations.prune()

        assert names(generations) == ["web-00000003.tam", "shop-00000002.tap"]
        assert {"lock", "notes.tap"} < content(generations)

    def test_leftovers(self, generations):
        """Temporary files of killed writers go, and nothing else."""
        put(generations, f".shop-00000001.tap.{'0' * 32}.appsnap-tmp", ".other", "shop-00000001.tap")

        generations.remove_leftovers()

        assert content(generations) == {".other", "shop-00000001.tap"}

    def test_open(self, generations):
        """A generation is opened by its own name in the folder, and a link in its place isn't followed."""
        put(generations, "shop-00000001.tap")
        (one,) = generations.list()
        with generations.open(one) as file:
            assert file.read() == b"shop-00000001.tap"
        one.path.unlink()
        one.path.symlink_to("/etc/passwd")

        with pytest.raises(OSError, match="symbolic"):
            generations.open(one)

    def test_open_a_pipe(self, generations):
        """A pipe in the place of a generation is refused, and doesn't block."""
        put(generations, "shop-00000001.tap")
        (one,) = generations.list()
        one.path.unlink()
        os.mkfifo(one.path)

        with pytest.raises(AppsnapError, match="no file any more"):
            generations.open(one)


class TestGiving:
    def test_own(self, generations):
        """A folder that is the user's stays as it is, with all that is in it."""
        put(generations, "notes.txt")

        generations.give_to(os.getuid(), os.getgid())

    def test_foreign_files(self, generations):
        """A folder with other files in it isn't given away: it may be any folder of the system."""
        put(generations, "shadow")

        with pytest.raises(AppsnapError, match=r"other files in it, as shadow"):
            generations.give_to(os.getuid() + 1, os.getgid())

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
    def test_folder_alone(self, generations):
        """The folder gets the owner, and no file in it does."""
        put(generations, "shop-00000001.tap", "lock")

        generations.give_to(65534, 65534)

        assert generations.folder.stat().st_uid == 65534
        assert {one.path.stat().st_uid for one in generations.list()} == {0}

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
    def test_folder_of_another_user(self, tmp_path):
        """Below a folder of another user, only a new folder is given away: that user may put links to others there."""
        home, precious = tmp_path / "home", tmp_path / "precious"
        for folder in (home, precious):
            folder.mkdir()
        os.chown(home, 65534, 65534)
        (home / "state").symlink_to(precious)

        refused = pytest.raises(AppsnapError, match=r"another user may have put .* there")
        with contextlib.closing(Generations(home / "state")) as generations, refused:
            generations.give_to(65534, 65534)
        with contextlib.closing(Generations(home / "new")) as generations:
            generations.give_to(65534, 65534)

        assert (precious.stat().st_uid, (home / "new").stat().st_uid) == (0, 65534)


class TestStatus:
    def test_round_trip(self, generations):
        """What was written is read, for its owner alone, and no temporary file is left."""
        generations.write_status({"failed": None, "name": "Bücher"})

        assert generations.read_status() == {"failed": None, "name": "Bücher"}
        assert content(generations) == {"status.json"}
        assert (generations.folder / "status.json").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "\0", '{"size": NaN}', '{"size": 1e999}'])
    def test_malformed(self, generations, text):
        """Anything else counts as none."""
        (generations.folder / "status.json").write_text(text)

        assert generations.read_status() == {}

    def test_link(self, generations, tmp_path):
        """A link isn't followed: neither to read nor to write."""
        (tmp_path / "target").write_text(json.dumps({"name": "target"}))
        (generations.folder / "status.json").symlink_to(tmp_path / "target")

        assert generations.read_status() == {}
        generations.write_status({"name": "own"})

        assert json.loads((tmp_path / "target").read_text()) == {"name": "target"}
        assert generations.read_status() == {"name": "own"}

    def test_no_room(self, generations, monkeypatch):
        """Without room for a second file the status is written over the first one."""
        generations.write_status({"failed": None})
        monkeypatch.setattr("appsnap.runner.generations._write_new", _full)

        generations.write_status({"failed": "the disk is full"})

        assert generations.read_status() == {"failed": "the disk is full"}

    def test_no_room_and_a_link(self, generations, tmp_path, monkeypatch):
        """That isn't done to a file that has another name, too."""
        generations.write_status({"failed": None})
        (tmp_path / "second").hardlink_to(generations.folder / "status.json")
        monkeypatch.setattr("appsnap.runner.generations._write_new", _full)

        with pytest.raises(OSError, match=re.escape(os.strerror(28))):
            generations.write_status({"failed": "the disk is full"})
        assert generations.read_status() == {"failed": None}


def _full(*_):
    raise OSError(28, os.strerror(28))
