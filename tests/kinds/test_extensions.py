"""The names of files: what an extension says, and the one rule for new files."""

import pathlib

import pytest

from appsnap.errors import PassphraseError, WrongKind
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.extensions import kind_to_write, naming_of


class TestNamingOf:
    @pytest.mark.parametrize("kind", KINDS)
    def test_kinds(self, kind):
        """The extension of a kind says the kind, in any case; with an e in front it says encrypted, too."""
        extension = kind_named(kind).extension

        for name in (f"a.{extension}", f"a.{extension.upper()}", pathlib.Path("x.tac", f"a.b.{extension}")):
            assert (naming_of(name).kind, naming_of(name).encrypted) == (kind, False)
        for name in (f"a.e{extension}", f"a.E{extension}", f"a.e{extension}".upper()):
            assert (naming_of(name).kind, naming_of(name).encrypted) == (kind, True)

    def test_layers(self):
        """Behind the extension of a kind, .zst and .age are layers."""
        assert naming_of("a.tas.zst") == naming_of("a.TAS.ZST") == type(naming_of("a"))("a", "source", compressed=True)
        assert naming_of("a.tam.zst.age") == type(naming_of("a"))("a", "msgpack", encrypted=True, compressed=True)
        assert naming_of("a.age") == type(naming_of("a"))("a", None, encrypted=True)

    @pytest.mark.parametrize("name", ["", "a", "a.json", "a.tap.bak", "a.tas.gz", ".tap", "tap", "a.etac", "a.tap~"])
    def test_foreign(self, name):
        """Any other extension says nothing."""
        assert (naming_of(name).kind, naming_of(name).encrypted, naming_of(name).compressed) == (None, False, False)


class TestKindToWrite:
    @pytest.mark.parametrize("kind", KINDS)
    def test_by_name(self, kind):
        """The extension decides where no kind is given."""
        extension = kind_named(kind).extension

        assert kind_to_write(f"a.{extension}", None, encrypts=False) == kind
        assert kind_to_write(f"a.{extension}", None, encrypts=True) == kind
        assert kind_to_write(f"a.e{extension}", None, encrypts=True) == kind
        assert kind_to_write(f"a.{extension}", kind, encrypts=False) == kind

    @pytest.mark.parametrize("name", ["", "a", "a.json"])
    def test_default(self, name):
        """A name that says nothing leaves the kind given, or the default."""
        assert kind_to_write(name, None, encrypts=False) == "pickle"
        assert kind_to_write(name, None, encrypts=False, default="xml") == "xml"
        assert kind_to_write(name, "source", encrypts=False) == "source"

    @pytest.mark.parametrize("given", KINDS)
    @pytest.mark.parametrize("named", KINDS)
    def test_contradiction(self, given, named):
        """An extension that contradicts the kind is an error, and the name in its hint is none."""
        if given == named:
            pytest.skip("no contradiction")
        name = f"folder.x/a.b.{kind_named(named).extension}"

        with pytest.raises(WrongKind, match=f"kind {named}, and the kind given is {given}") as caught:
            kind_to_write(name, given, encrypts=False)

        proposed = caught.value.hint.rpartition(" ")[2]
        assert kind_to_write(proposed, given, encrypts=False) == given

    @pytest.mark.parametrize("name", ["a.tac", "a.py", "A.PY"])
    def test_scripts(self, name):
        """A snapshot has the name of a script only if it is source, and the kind is given."""
        assert kind_to_write(name, "source", encrypts=False) == "source"
        for kind in (None, "pickle", "msgpack", "xml"):
            with pytest.raises(WrongKind, match="script") as caught:
                kind_to_write(name, kind, encrypts=False)
            assert kind_to_write(caught.value.hint.rpartition(" ")[2], kind, encrypts=False) == kind or "pickle"

    @pytest.mark.parametrize("name", ["a.etap", "a.ETAS", "a.etam", "a.etax", "a.tap.age", "a.age", "a.tas.zst.age"])
    def test_in_the_clear(self, name):
        """A file whose name says encrypted isn't written in the clear, and the name in the hint is that of one."""
        with pytest.raises(PassphraseError, match="extension of an encrypted file") as caught:
            kind_to_write(name, None, encrypts=False)

        proposed = caught.value.hint.rpartition(" ")[2]
        assert kind_to_write(proposed, None, encrypts=False) == kind_to_write(name, None, encrypts=True)

    @pytest.mark.parametrize("kind", ["", "PICKLE", "sourcee", b"pickle", 3, ("pickle",)])
    def test_unknown(self, kind):
        """A kind that doesn't exist is refused, with those that do."""
        with pytest.raises(WrongKind, match="unknown kind") as caught:
            kind_to_write("a.tap", kind, encrypts=False)

        assert caught.value.hint == "the kinds are pickle, source, msgpack, xml"

    def test_python(self):
        """The kind of scripts is none of snapshots."""
        with pytest.raises(WrongKind, match="a script") as caught:
            kind_to_write("a", "python", encrypts=False)

        assert "loadApplication" in caught.value.hint
