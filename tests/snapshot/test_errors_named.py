"""Errors of a load: hints are notes, and the file is named."""

import copy
import io
import pickle
import traceback

import pytest

import appsnap
from appsnap import errors
from appsnap.cli.errors import explain
from appsnap.errors import CannotBuild, CannotSave, Damaged, NotTrusted, PassphraseError, Place, ServiceError, Want

EACH = [
    errors.AppsnapError("bad", hint="do this"),
    CannotSave([Place("application.x", "t.T", "it is open", "set __transient__")]),
    Damaged("bad", offset=3, hint="do this"),
    NotTrusted([Want("a.B", "create", "object")], hint="do this"),
    CannotBuild("object", "a.B", "it is gone", hint="do this"),
    PassphraseError("bad", hint="do this"),
    ServiceError("startService", "application", "a.B", KeyError("x")),
    errors.UnknownExtension("bad", hint="do this"),
]


class TestHints:
    @pytest.mark.parametrize("error", EACH, ids=lambda error: type(error).__name__)
    def test_copies(self, error):
        """An error can be copied and pickled, with its hint, its file and other notes."""
        error = copy.copy(error)
        error.about("x.tap")
        error.add_note("more")

        for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
            assert type(other) is type(error)
            assert (str(other), other.hint, other.__notes__) == (str(error), error.hint, error.__notes__)
            assert vars(other).keys() == vars(error).keys()
            other.hint = "another"
            assert error.hint != "another"
            assert f"hint: {error.hint}" in error.__notes__ or not error.hint

    def test_note(self):
        """A hint is a note of the exception, and stays one when it changes."""
        error = Damaged("bad", hint="one")
        assert error.__notes__ == ["hint: one"]

        error.add_note("more")
        error.hint = "two\n"
        assert error.__notes__ == ["more", "hint: two\\x0a"]
        error.hint = ""
        assert error.__notes__ == ["more"]
        assert "hint" not in "".join(traceback.format_exception(error))

    def test_command_line_says_it_once(self):
        """The command line has a line of its own for the hint, and leaves the note out."""
        error = ServiceError("startService", "application", "a.B", KeyError("x"))
        error.hint = "do this"
        error.add_note("more")

        explanation = explain(error, [])

        assert [*explanation.lines][1:] == ["  more"]
        assert explanation.hint == "do this"
        group = explain(ExceptionGroup("", [Damaged("bad", hint="do this")]), [])
        assert [*group.lines] == ["Damaged: bad"]


class TestFiles:
    """`str(error)` begins with the file, once."""

    @pytest.fixture
    def files(self, tmp_path):
        """Files with a fault each, and the error that each makes."""
        (tmp_path / "none.tap").write_bytes(b"none")
        (tmp_path / "empty.tap").write_bytes(b"")
        data = appsnap.dumps({"a": [1] * 500})
        (tmp_path / "short.tap").write_bytes(data[: len(data) // 2])
        appsnap.save([1], tmp_path / "secret.etap", passphrase="tea")
        appsnap.save([ValueError, io.StringIO], tmp_path / "foreign.tap", sign=False)
        (tmp_path / "gone.tap").write_bytes(b"\x80\x04cgone_away\nGone\n.")
        return tmp_path

    @pytest.mark.parametrize(
        ("name", "cls"),
        [
            ("none.tap", Damaged),
            ("empty.tap", Damaged),
            ("short.tap", Damaged),
            ("secret.etap", PassphraseError),
            ("foreign.tap", NotTrusted),
        ],
    )
    def test_load(self, files, name, cls):
        """A path as it was given, or the name of a file object."""
        path = files / name
        for place in (path, str(path)):
            with pytest.raises(cls) as caught:
                appsnap.load(place)
            assert str(caught.value).startswith(f"{path}: ")
            assert str(caught.value).count(str(path)) == 1
            assert caught.value.file == str(path)
        with path.open("rb") as file, pytest.raises(cls) as caught:
            appsnap.load(file)
        assert str(caught.value).count(f"{path}: ") == 1
        with pytest.raises(cls) as caught:
            appsnap.load(io.BytesIO(path.read_bytes()))
        assert caught.value.file == ""

    def test_later(self, files):
        """An error of `build` names the file, too, and so does one of a body that is read later."""
        snapshot = appsnap.open_snapshot(files / "foreign.tap")
        with pytest.raises(NotTrusted) as caught:
            snapshot.build()
        assert str(caught.value).startswith(f"{files / 'foreign.tap'}: not trusted: ")
        with pytest.raises(CannotBuild) as caught:
            appsnap.load(files / "gone.tap", trust=appsnap.EVERYTHING)
        assert str(caught.value).startswith(f"{files / 'gone.tap'}: cannot build object")

    def test_of_somebody_else(self, files):
        """An error that the passphrase's function raises stays as it is."""

        def ask():
            raise ConnectionRefusedError(111, "Connection refused")

        with pytest.raises(ConnectionRefusedError) as caught:
            appsnap.load(files / "secret.etap", passphrase=ask)

        assert caught.value.filename is None

    def test_operating_system(self):
        """An error of the system has the name of the file that was being read."""
        with pytest.raises(OSError, match="Not a regular file: '/dev/zero'"):
            appsnap.load("/dev/zero")

    def test_once(self, tmp_path, monkeypatch):
        """A message that has the file as its subject names it once, however the path is written."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "old.etap").write_bytes(bytes(range(1, 33)))
        for path in ("old.etap", "./old.etap", f"../{tmp_path.name}/old.etap"):
            with pytest.raises(errors.CannotLoad, match="Twisted's old encryption") as caught:
                appsnap.load(path)
            assert str(caught.value).startswith(f"{path} looks like ")

    def test_hostile_name(self, tmp_path):
        """The name of a file is one printable line, however it is made."""
        path = tmp_path / "a\n\x1b[2J"
        path.write_bytes(b"none")

        with pytest.raises(Damaged) as caught:
            appsnap.load(path)

        assert r"a\x0a\x1b[2J: no snapshot" in str(caught.value)
