"""Where a snapshot is: at a path, or in a file object."""

import bz2
import functools
import gzip
import io
import os
import pathlib
import socket
import tempfile
import threading
import types
import typing

import pytest

import appsnap
from appsnap.errors import AppsnapError, CannotLoad, Damaged, PassphraseError, WrongKind
from appsnap.kinds import KINDS
from appsnap.service import Application, Service, loadApplication
from appsnap.snapshot import places
from appsnap.sob import IPersistable, Persistent

STATE = {"numbers": [1, 2, 3], "text": "x" * 200_000}


def str_of_type(value):
    """Return the type of a value, for the name of a test."""
    return type(value).__name__


class Protocol(typing.Protocol):
    """A protocol."""


class Raw(io.RawIOBase):
    """A raw file that takes and gives few bytes at a time, and can't be positioned."""

    def __init__(self, data=b"", at_once=7):
        self.data = bytearray(data)
        self.at_once = at_once

    def readable(self):
        """Say that it can be read."""
        return True

    def writable(self):
        """Say that it can be written."""
        return True

    def readinto(self, room):
        """Give a few bytes."""
        some = self.data[: min(len(room), self.at_once)]
        del self.data[: len(some)]
        room[: len(some)] = some
        return len(some)

    def write(self, piece):
        """Take a few bytes."""
        self.data += bytes(piece[: self.at_once * 1_000])
        return min(len(piece), self.at_once * 1_000)


class Kept:
    """Anything with `write`: it keeps what it gets."""

    def __init__(self):
        self.pieces = []

    def write(self, piece):
        """Take all bytes."""
        self.pieces.append(piece)


class Given:
    """Anything with `read`."""

    def __init__(self, data):
        self.inner = io.BytesIO(data)

    def read(self, size):
        """Give the next bytes."""
        return self.inner.read(size)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


class TestSave:
    def test_into_memory(self, kind):
        """A file object gets the whole snapshot at its position, and stays open."""
        file = io.BytesIO()
        file.write(b"before")

        appsnap.save(STATE, file, kind=kind)

        assert file.getvalue()[:6] == b"before"
        assert appsnap.open_snapshot(io.BytesIO(file.getvalue()[6:])).kind == kind
        assert appsnap.loads(file.getvalue()[6:]) == STATE

    @pytest.mark.parametrize("layers", [{"compress": True}, {"passphrase": "tea"}], ids=["zstd", "age"])
    def test_layers(self, kind, layers):
        """With layers, too."""
        file = io.BytesIO()

        appsnap.save(STATE, file, kind=kind, **layers)
        file.seek(0)

        assert appsnap.load(file, passphrase=layers.get("passphrase")) == STATE

    @pytest.mark.parametrize("buffering", [0, -1])
    def test_open_file(self, tmp_path, buffering):
        """All bytes are in the file when `save` returns."""
        with (tmp_path / "x").open("wb", buffering=buffering) as file:
            appsnap.save(STATE, file)

            assert appsnap.load(tmp_path / "x") == STATE
            file.write(b"more")

    def test_few_bytes_at_a_time(self):
        """A raw file may take a part of the bytes. They are written until it has all of them."""
        raw = Raw()

        appsnap.save(STATE, raw)

        assert appsnap.loads(bytes(raw.data)) == STATE

    def test_anything_with_write(self):
        """The object may keep what it gets."""
        kept = Kept()

        appsnap.save(STATE, kept, compress=True)

        assert all(type(piece) is bytes for piece in kept.pieces)
        assert appsnap.loads(b"".join(kept.pieces)) == STATE

    def test_socket(self):
        """A socket carries a snapshot."""
        ours, theirs = socket.socketpair()
        loaded = []

        def receive():
            with theirs, theirs.makefile("rb") as file:
                loaded.append(appsnap.load(file))

        receiver = threading.Thread(target=receive)
        receiver.start()
        with ours, ours.makefile("wb") as file:
            appsnap.save(STATE, file)
        ours.close()
        receiver.join()

        assert loaded == [STATE]

    @pytest.mark.parametrize("module", [gzip, bz2])
    def test_compressed_by_others(self, tmp_path, module):
        """A file object that compresses has a descriptor of other bytes."""
        with module.open(tmp_path / "x", "wb") as file:
            appsnap.save(STATE, file)
        with module.open(tmp_path / "x", "rb") as file:
            assert appsnap.load(file) == STATE

    def test_the_name_counts(self, tmp_path):
        """The name of a file object decides as a path does."""
        with (tmp_path / "x.tas").open("wb") as file:
            appsnap.save(STATE, file)
        assert appsnap.open_snapshot(tmp_path / "x.tas").kind == "source"
        with (tmp_path / "x.etap").open("wb") as file:
            with pytest.raises(PassphraseError):
                appsnap.save(STATE, file)
            with pytest.raises(WrongKind):
                appsnap.save(STATE, file, kind="xml", passphrase="tea")
        assert (tmp_path / "x.etap").read_bytes() == b""

    def test_check_comes_first(self):
        """A file object gets nothing that the check refuses."""
        file = io.BytesIO()

        def check(path):
            assert appsnap.load(path) == STATE
            raise KeyError("refused")

        with pytest.raises(KeyError, match="refused"):
            places.write(file, [appsnap.dumps(STATE)], check=check)

        assert file.getvalue() == b""

    def test_what_cannot_be_saved(self):
        """Nothing is written of an object that no file can hold."""
        file = io.BytesIO()

        with pytest.raises(appsnap.CannotSave):
            appsnap.save([iter([1]).__reduce__, (x for x in ())], file)

        assert file.getvalue() == b""

    def test_descriptor(self, tmp_path):
        """A path of an open descriptor is written to from its position."""
        with (tmp_path / "x").open("wb", buffering=0) as file:
            file.write(b"before")
            appsnap.save(STATE, f"/dev/fd/{file.fileno()}", kind="source")

        assert appsnap.loads((tmp_path / "x").read_bytes().removeprefix(b"before")) == STATE

    def test_no_such_descriptor(self):
        """A descriptor that isn't open is an OSError with the path."""
        with pytest.raises(OSError, match="/dev/fd/987654") as caught:
            appsnap.save(STATE, "/dev/fd/987654")

        assert caught.value.filename == "/dev/fd/987654"


class TestLoad:
    def test_from_the_middle(self, tmp_path, kind):
        """A file object is read from its position to its end, and stays open."""
        path = tmp_path / "x"
        path.write_bytes(b"before" + appsnap.dumps(STATE, kind))
        for buffering in (0, -1):
            with path.open("rb", buffering=buffering) as file:
                assert file.read(6) == b"before"
                assert appsnap.load(file) == STATE
                assert file.read() == b""
                file.seek(6)
                assert appsnap.open_snapshot(file).kind == kind
        memory = io.BytesIO(path.read_bytes())
        memory.seek(6)
        assert appsnap.load(memory) == STATE

    def test_written_and_read(self, kind):
        """What was written to a file object is read from it, though it is in no file yet."""
        with tempfile.TemporaryFile("w+b") as file:
            appsnap.save(STATE, file, kind=kind)
            file.seek(0)
            assert appsnap.load(file) == STATE

    @pytest.mark.parametrize("make", [tempfile.NamedTemporaryFile, tempfile.SpooledTemporaryFile])
    def test_temporary(self, make):
        """The wrappers of tempfile are file objects."""
        with make() as file:
            appsnap.save(STATE, file)
            file.seek(0)
            assert appsnap.load(file) == STATE

    @pytest.mark.parametrize("layers", [{}, {"compress": True}, {"passphrase": "tea", "armor": True}], ids=str)
    def test_no_position(self, kind, layers):
        """A raw file without a position, which gives a few bytes at a time."""
        data = appsnap.dumps(STATE if kind == "xml" else [1, "two"], kind, **layers)

        loaded = appsnap.load(Raw(data, at_once=11), passphrase=layers.get("passphrase"))

        assert loaded in (STATE, [1, "two"])

    def test_anything_with_read(self, kind):
        """Only `read` is needed."""
        assert appsnap.load(Given(appsnap.dumps(STATE, kind))) == STATE

    def test_pipe(self):
        """A pipe is read to its end."""
        reading, writing = os.pipe()
        data = appsnap.dumps(STATE)
        writer = threading.Thread(
            target=lambda: (
                [os.write(writing, data[i : i + 5_000]) for i in range(0, len(data), 5_000)] and os.close(writing)
            )
        )
        writer.start()
        with os.fdopen(reading, "rb") as file:
            loaded = appsnap.load(file)
        writer.join()

        assert loaded == STATE

    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_mapped(self, tmp_path, kind):
        """A file on a disk can be mapped from its position; other file objects can't."""
        numpy = pytest.importorskip("numpy")
        array = numpy.arange(100_000)
        path = tmp_path / "x"
        path.write_bytes(bytes(64) + appsnap.dumps([array], kind))
        with path.open("rb") as file:
            file.seek(64)
            (mapped,) = appsnap.load(file, mmap=True)
        assert (mapped == array).all()
        with pytest.raises(CannotLoad, match="BytesIO") as caught:
            appsnap.load(io.BytesIO(path.read_bytes()), mmap=True)
        assert caught.value.hint == "load it without mmap=True"

    def test_path_objects(self, tmp_path):
        """Any path object will do, those of bytes included."""
        path = tmp_path / "x"
        entry = types.new_class(
            "Entry", (os.PathLike,), exec_body=lambda body: body.update(__fspath__=lambda _: os.fsencode(path))
        )()

        appsnap.save(STATE, entry)

        assert appsnap.load(entry) == appsnap.load(str(path)) == appsnap.load(path) == STATE
        with os.scandir(os.fsencode(tmp_path)) as entries:
            assert appsnap.load(next(entries)) == STATE
        assert appsnap.open_snapshot(entry).name == "x"

    def test_twisted_names(self, tmp_path):
        """`sob` and `loadApplication` take file objects, too."""
        application = Application("shop")
        Service().setServiceParent(application)
        file = io.BytesIO()

        IPersistable(application).save(filename=file)
        file.seek(0)

        assert loadApplication(file, "pickle").name == "shop"
        with pytest.raises(TypeError, match="a script is run from a path, not from a BytesIO"):
            loadApplication(io.BytesIO(b"application = 1"), "python")


class TestRefused:
    @pytest.mark.parametrize(
        "place", [None, 3, True, b"x", bytearray(b"x"), [1], object(), io.BytesIO, open], ids=str_of_type
    )
    def test_neither(self, place):
        """Anything that is neither a path nor a file object is a TypeError that says so."""
        for act in (
            lambda: appsnap.load(place),
            lambda: appsnap.open_snapshot(place),
            lambda: appsnap.save([1], place),
        ):
            with pytest.raises(TypeError, match="a path or a file object that is open in binary mode, not "):
                act()

    def test_bytes_say_loads(self):
        """Bytes belong to `loads`, and a path to `load`."""
        with pytest.raises(TypeError, match="not a bytes; loads takes bytes"):
            appsnap.load(appsnap.dumps([1]))
        for data in ("x.tap", pathlib.Path("x.tap"), None, io.BytesIO(b"")):
            with pytest.raises(TypeError, match=r"loads takes bytes, not .*; load takes a path or a file"):
                appsnap.loads(data)

    def test_text_files(self, tmp_path):
        """A file that is open as text is a TypeError with the way to open it."""
        (tmp_path / "x").write_text("")
        for make in (
            io.StringIO,
            (tmp_path / "x").open,
            functools.partial(tempfile.NamedTemporaryFile, "w+"),
            functools.partial(tempfile.SpooledTemporaryFile, mode="w+"),
        ):
            with make() as file:
                with pytest.raises(TypeError, match=r"binary mode, as in open\(path, 'rb'\)"):
                    appsnap.load(file)
                with pytest.raises(TypeError, match=r"binary mode, as in open\(path, 'wb'\)"):
                    appsnap.save([1], file)

    def test_text_by_other_classes(self):
        """A file object of any class that gives texts is a TypeError, too."""

        class Texts:
            def read(self, size):
                return "text"[:size]

        with pytest.raises(TypeError, match="gives a str instead of bytes: open it in binary mode"):
            appsnap.load(Texts())

    def test_other_direction(self, tmp_path):
        """A file that is open for the other direction is refused before anything happens."""
        appsnap.save([1], tmp_path / "x")
        with (tmp_path / "x").open("rb") as file, pytest.raises(io.UnsupportedOperation, match="to write it"):
            appsnap.save([1], file)
        with (tmp_path / "y").open("wb") as file, pytest.raises(io.UnsupportedOperation, match="to read it"):
            appsnap.load(file)

    def test_nothing_to_read_yet(self):
        """A file that doesn't block and has nothing is an error, not the end."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        with os.fdopen(reading, "rb", buffering=0) as file, pytest.raises(BlockingIOError):
            appsnap.load(file)
        os.close(writing)

    @pytest.mark.parametrize("url", ["s3://bucket/a.tap", "https://example.org/a.tap", "gs://b/c"])
    def test_urls(self, url, tmp_path, monkeypatch):
        """A URL is told from a path, where no such path is there."""
        monkeypatch.chdir(tmp_path)
        for place in (url, pathlib.Path(url)):
            with pytest.raises(CannotLoad, match="is a URL") as caught:
                appsnap.load(place)
            assert "file object" in caught.value.hint
            with pytest.raises(AppsnapError, match="is a URL"):
                appsnap.save([1], place)
        folder = tmp_path / url.replace("://", ":/")
        folder.parent.mkdir(parents=True)

        appsnap.save([1], url)

        assert appsnap.load(url) == [1]

    @pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
    @pytest.mark.parametrize("kind", [None, "pickle", "source"])
    def test_endless(self, device, kind):
        """A device without end is refused by its first bytes."""
        with pytest.raises(OSError, match="Not a regular file"):
            appsnap.load(device, kind=kind)

    def test_endless_pipe(self):
        """So is a stream that begins as no snapshot does."""

        class Zeros(io.RawIOBase):
            def readable(self):
                return True

            def readinto(self, room):
                assert self.tell_count() < 10
                room[:] = bytes(len(room))
                return len(room)

            count = 0

            def tell_count(self):
                self.count += 1
                return self.count

        with pytest.raises(Damaged):
            appsnap.load(Zeros())

    def test_empty_path(self):
        """An empty path is no folder."""
        with pytest.raises(FileNotFoundError):
            appsnap.load("")

    def test_nothing(self):
        """An empty file, device or stream is empty."""
        for place in ("/dev/null", io.BytesIO(), Raw()):
            with pytest.raises(Damaged, match="the file is empty"):
                appsnap.load(place)


class TestRule:
    """One rule for all doors: see `appsnap.kinds.extensions`."""

    @pytest.mark.parametrize("name", ["x.tas", "x.TAS", "x.tas.zst"])
    def test_kind(self, tmp_path, name):
        """The extension decides the kind, and .zst compresses."""
        appsnap.save([1], tmp_path / name)
        appsnap.open_snapshot(io.BytesIO(appsnap.dumps([1]))).save(tmp_path / f"copy-{name}")
        Persistent([1], "x").save(filename=tmp_path / f"sob-{name}")

        for path in tmp_path.iterdir():
            snapshot = appsnap.open_snapshot(path)
            assert snapshot.kind == "source"
            assert snapshot.layers == (("zstd",) if name.endswith(".zst") else ())
        assert len([*tmp_path.iterdir()]) == 3

    def test_encrypted(self, tmp_path):
        """No door writes in the clear under the name of an encrypted file."""
        snapshot = appsnap.open_snapshot(io.BytesIO(appsnap.dumps([1])))
        for save in (
            lambda path: appsnap.save([1], path),
            snapshot.save,
            lambda path: Persistent([1], "x").save(filename=path),
        ):
            with pytest.raises(PassphraseError, match="extension of an encrypted file"):
                save(tmp_path / "x.etap")
        with pytest.raises(PassphraseError):
            appsnap.save([1], tmp_path / "x.etap", recipients=iter([]))
        assert [*tmp_path.iterdir()] == []

    def test_encrypted_under_a_plain_name(self, tmp_path):
        """A passphrase stays allowed for any name."""
        appsnap.save([1], tmp_path / "x.tap", passphrase="tea")

        assert appsnap.load(tmp_path / "x.tap", passphrase="tea") == [1]

    def test_contradiction(self, tmp_path):
        """No door writes one kind under the name of another."""
        snapshot = appsnap.open_snapshot(io.BytesIO(appsnap.dumps([1])))
        persistent = Persistent([1], "x")
        persistent.setStyle("xml")
        for save in (
            lambda path: appsnap.save([1], path, kind="xml"),
            lambda path: snapshot.save(path, kind="xml"),
            lambda path: persistent.save(filename=path),
        ):
            with pytest.raises(WrongKind, match="kind pickle, and the kind given is xml"):
                save(tmp_path / "x.tap")
        assert [*tmp_path.iterdir()] == []

    def test_own_kind(self, tmp_path):
        """`Snapshot.save` keeps the kind where the name says nothing."""
        appsnap.open_snapshot(io.BytesIO(appsnap.dumps([1], "xml"))).save(tmp_path / "x")

        assert appsnap.open_snapshot(tmp_path / "x").kind == "xml"

    def test_content_alone_decides_when_loading(self, tmp_path):
        """Loading looks at the content, whatever the name is."""
        (tmp_path / "x.etax").write_bytes(appsnap.dumps([1], "source"))

        assert appsnap.load(tmp_path / "x.etax") == [1]


class TestArguments:
    """Arguments of another type are TypeErrors that say so, before anything is read or written."""

    @pytest.mark.parametrize("limits", [3, {"steps": 3}, None, "steps=3"], ids=repr)
    def test_limits(self, limits):
        """Limits are Limits."""
        data = appsnap.dumps([1])
        for act in (
            lambda: appsnap.loads(data, limits=limits),
            lambda: appsnap.load("missing", limits=limits),
            lambda: appsnap.open_snapshot("missing", limits=limits),
        ):
            with pytest.raises(TypeError, match="limits are appsnap"):
                act()
        if limits is not None:
            with pytest.raises(TypeError, match="limits are appsnap"):
                appsnap.open_snapshot(io.BytesIO(data)).build(limits=limits)

    @pytest.mark.parametrize("texts", ["age1x", b"age1x", 3, None])
    def test_single_texts(self, tmp_path, texts):
        """One text is no list of texts."""
        with pytest.raises(TypeError, match=r'recipients is a list of texts, as in recipients=\["age1…"\]'):
            appsnap.save([1], tmp_path / "x", recipients=texts)
        with pytest.raises(TypeError, match="identities is a list of texts"):
            appsnap.load("missing", identities=texts)
        with pytest.raises(TypeError, match=r"recipients is a list of texts.* in it"):
            appsnap.save([1], tmp_path / "x", recipients=iter([3]))
        with pytest.raises(TypeError, match=r"identities is a list of texts.* in it"):
            appsnap.load("missing", identities=[b"AGE-SECRET-KEY-1"])
        assert not (tmp_path / "x").exists()

    @pytest.mark.parametrize("passphrase", [3, ["tea"]], ids=repr)
    def test_passphrase(self, tmp_path, passphrase):
        """A passphrase is a text."""
        with pytest.raises(TypeError, match="passphrase is a text, not "):
            appsnap.save([1], tmp_path / "x", passphrase=passphrase)
        with pytest.raises(TypeError, match="passphrase is a text, or a function"):
            appsnap.load("missing", passphrase=passphrase)

    def test_kind(self, tmp_path):
        """A kind that doesn't exist is refused before a file is looked for."""
        for act in (
            lambda: appsnap.load("missing", kind="sourcee"),
            lambda: appsnap.open_snapshot("missing", kind="sourcee"),
            lambda: appsnap.loads(b"", kind="sourcee"),
            lambda: appsnap.save([1], tmp_path / "x", kind="sourcee"),
            lambda: appsnap.dumps([1], "sourcee"),
        ):
            with pytest.raises(WrongKind, match="unknown kind 'sourcee'"):
                act()


class TestExpected:
    """`load(path, Application)` says which class is loaded."""

    def test_it_is(self, tmp_path):
        """An object of the class, or of a subclass, is returned."""
        appsnap.save(Application("shop"), tmp_path / "x.tap")

        assert appsnap.load(tmp_path / "x.tap", Application).name == "shop"
        assert appsnap.load(tmp_path / "x.tap", object).name == "shop"
        assert appsnap.loads(appsnap.dumps(True), int) is True

    def test_it_is_another(self, tmp_path):
        """Another class is WrongKind, which names both and the file."""
        appsnap.save([1], tmp_path / "x.tap")

        with pytest.raises(WrongKind) as caught:
            appsnap.load(tmp_path / "x.tap", Application)

        assert str(caught.value) == (
            f"{tmp_path / 'x.tap'}: the snapshot holds an object of class list, "
            "and appsnap.service.Application was expected"
        )
        with pytest.raises(WrongKind, match="class NoneType, and int was expected"):
            appsnap.loads(appsnap.dumps(None), int)
        with pytest.raises(WrongKind, match="class list"):
            loadApplication(tmp_path / "x.tap", "pickle")

    @pytest.mark.parametrize("expected", ["Application", list[int], (int, str), 3, OSError()], ids=str_of_type)
    def test_no_class(self, expected):
        """What is no class is a TypeError before anything is read."""
        with pytest.raises(TypeError, match="is a class, not"):
            appsnap.load("missing", expected)

    def test_no_answer(self):
        """So is a protocol that can't be asked."""
        with pytest.raises(TypeError, match="runtime_checkable"):
            appsnap.load("missing", Protocol)
