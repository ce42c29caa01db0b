"""Files by Twisted's conventions: name and kind, and a loaded object saves as the same kind."""

from __future__ import annotations

import pathlib

import pytest

from appsnap import errors, snapshot, sob
from appsnap.interfaces import IPersistable
from appsnap.recipe.trust import EVERYTHING
from appsnap.service import Application, Service

KINDS = {"pickle": "tap", "source": "tas", "msgpack": "tam", "xml": "tax"}
OBJECTS = [1, "hello", (1, "hello"), [1, "hello"], {1: "hello"}]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of its own, and give it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestNames:
    """Which file is written."""

    @pytest.mark.parametrize(("kind", "extension"), KINDS.items())
    def test_by_kind(self, folder, kind, extension):
        """The name of the file is that of the object, with the extension of the kind; a tag stands between."""
        persistent = sob.Persistent([1, 2, 3], "list")
        persistent.setStyle(kind)

        persistent.save()
        persistent.save("blue")
        persistent.save(tag="green")

        assert sorted(path.name for path in folder.iterdir()) == [
            f"list-blue.{extension}",
            f"list-green.{extension}",
            f"list.{extension}",
        ]
        assert sob.load(f"list-blue.{extension}", kind) == [1, 2, 3]
        assert snapshot.open_snapshot(f"list-blue.{extension}").header.tag == "blue"
        assert snapshot.open_snapshot(f"list.{extension}").header.tag is None

    @pytest.mark.slow
    @pytest.mark.parametrize(("kind", "extension"), KINDS.items())
    def test_encrypted(self, folder, kind, extension):
        """An encrypted file has an `e` in front of its extension, and is opened by its passphrase only."""
        persistent = sob.Persistent([1, 2, 3], "list")
        persistent.setStyle(kind)

        persistent.save("blue", passphrase="correct horse")

        (path,) = folder.iterdir()
        assert path.name == f"list-blue.e{extension}"
        assert b"age-encryption.org" in path.read_bytes()
        assert sob.load(path, kind, "correct horse") == [1, 2, 3]
        for passphrase in (None, "wrong horse"):
            with pytest.raises(errors.PassphraseError):
                sob.load(path, kind, passphrase)

    def test_filename(self, folder):
        """A file name given is taken as it is, wherever it is."""
        (folder / "deep").mkdir()

        sob.Persistent([1], "list").save("blue", folder / "deep" / "file")
        sob.Persistent([1], "a/b").save(filename="plain")

        assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == ["deep", "deep/file", "plain"]

    @pytest.mark.parametrize("name", ["", "a/b", "../up", "/etc/shop", "nul\0"])
    def test_no_file_name(self, folder, name):
        """A name that leads somewhere else is refused: it may come from a snapshot."""
        persistent = sob.Persistent([1], name)

        with pytest.raises(errors.AppsnapError, match="name of a file") as caught:
            persistent.save()

        assert "filename" in caught.value.hint
        assert list(folder.iterdir()) == []

    def test_tag_is_no_path(self, folder):
        """Nor does a tag lead somewhere else."""
        with pytest.raises(errors.AppsnapError, match="name of a file"):
            sob.Persistent([1], "list").save("x/../../up")

    def test_dots(self, folder):
        """Dots are a part of the name."""
        sob.Persistent([1], "shop.example.org").save("1.5")

        assert [path.name for path in folder.iterdir()] == ["shop.example.org-1.5.tap"]


class TestStyles:
    """Which kind is written and read."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("obj", OBJECTS, ids=repr)
    def test_round_trip(self, kind, obj):
        """Any object can be saved, not only applications."""
        persistent = sob.Persistent(obj, "")
        persistent.setStyle(kind)

        persistent.save(filename="file")

        assert sob.load("file", kind) == obj

    def test_default(self):
        """The default is pickle."""
        assert sob.Persistent(None, "x").style == "pickle"

    @pytest.mark.parametrize("style", ["aot", "python", "PICKLE", ""])
    def test_unknown(self, style):
        """A kind that doesn't exist is refused at once, with those that do."""
        persistent = sob.Persistent(None, "x")

        with pytest.raises(errors.WrongKind) as caught:
            persistent.setStyle(style)

        assert persistent.style == "pickle"
        assert "pickle, source, msgpack, xml" in caught.value.hint
        with pytest.raises(errors.WrongKind):
            sob.load("nowhere", style)

    @pytest.mark.parametrize("kind", KINDS)
    def test_loaded_saves_as_the_same(self, kind):
        """An object loaded from a kind saves as that kind, even if it was of another kind before."""
        application = Application("shop")
        service = Service()
        service.setName("web")
        service.setServiceParent(application)
        persistable = IPersistable(application)
        persistable.setStyle(kind)
        persistable.save()
        path = f"shop.{KINDS[kind]}"

        loaded = sob.load(path, kind)
        IPersistable(loaded).save("again")

        assert loaded.getServiceNamed("web").parent is loaded
        assert IPersistable(loaded).style == kind
        again = sob.load(f"shop-again.{KINDS[kind]}", kind, trust=EVERYTHING)
        assert again.getServiceNamed("web").parent is again

    def test_loaded_saves_as_it_was_loaded(self):
        """This holds for objects saved in another way, too."""
        snapshot.save(Application("shop"), "shop.tas", kind="source")

        assert IPersistable(sob.load("shop.tas", "source")).style == "source"

    def test_default_style_leaves_no_trace(self):
        """An application that was saved as pickle and loaded again has no attribute to say so."""
        IPersistable(Application("shop")).save()

        assert vars(sob.load("shop.tap", "pickle")) == {"name": "shop", "services": []}

    def test_extension_decides_where_nobody_has_set_a_style(self):
        """The default gives way to the extension of the file, and a style that was set contradicts it."""
        for persistent in (sob.Persistent([1], "list"), IPersistable(Application("shop"))):
            persistent.save(filename="any.tas")
            assert snapshot.open_snapshot("any.tas").kind == "source"

            persistent.setStyle("xml")
            with pytest.raises(errors.WrongKind, match="kind source, and the kind given is xml"):
                persistent.save(filename="any.tas")
        plain = sob.Persistent([1], "list")
        plain.setStyle("pickle")
        with pytest.raises(errors.WrongKind):
            plain.save(filename="any.tas")

    def test_other_kind(self):
        """A file of one kind isn't loaded as another."""
        sob.Persistent([1], "list").save()

        with pytest.raises(errors.WrongKind):
            sob.load("list.tap", "source")

    def test_passphrase_for_plain(self):
        """A passphrase for a file that isn't encrypted is an error."""
        sob.Persistent([1], "list").save()

        with pytest.raises(errors.PassphraseError):
            sob.load("list.tap", "pickle", "secret")

    def test_no_file(self):
        """A file that isn't there is an OSError."""
        with pytest.raises(FileNotFoundError):
            sob.load("nowhere.tap", "pickle")


class TestGuessType:
    """Which kind an extension means."""

    @pytest.mark.parametrize(
        ("extension", "kind"),
        [
            *((extension, kind) for kind, extension in KINDS.items()),
            *((f"e{extension}", kind) for kind, extension in KINDS.items()),
            ("tac", "python"),
            ("py", "python"),
            ("TAP", "pickle"),
        ],
    )
    def test_known(self, extension, kind):
        """The extension says the kind."""
        assert sob.guessType(f"shop.{extension}") == kind
        assert sob.guessType(pathlib.Path("folder.x", f"shop-blue.{extension}")) == kind

    @pytest.mark.parametrize("name", ["shop", "shop.aot", "shop.etac", "shop.tap.old", ".tap", "shop."])
    def test_unknown(self, name):
        """An unknown extension is an error with a hint. It is a KeyError, too, as Twisted's is."""
        with pytest.raises(KeyError) as caught:
            sob.guessType(name)

        assert "pickle, source, msgpack, xml, python" in caught.value.hint


class TestLoadValueFromFile:
    """Scripts."""

    def test_variable(self, folder):
        """The variable is looked up when the script has run."""
        (folder / "script.py").write_text("foo = [1, 2]\nfoo.append(3)\n")

        assert sob.loadValueFromFile("script.py", "foo") == [1, 2, 3]

    def test_missing(self, folder):
        """A variable that isn't there is an error of ours."""
        (folder / "script.py").write_text("foo = 1\n")

        with pytest.raises(errors.CannotLoad, match="'bar'"):
            sob.loadValueFromFile("script.py", "bar")
