import enum
import hashlib
import io
import os
import pickle
import subprocess
import sys
import types

import msgpack
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import appsnap
import shop
from appsnap.errors import (
    AppsnapError,
    CannotBuild,
    CannotLoad,
    CannotSave,
    Damaged,
    NewerFormat,
    NotTrusted,
    PassphraseError,
    WrongKind,
)
from appsnap.files import age
from appsnap.keys.keyring import Keyring
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.recipe.steps import Name, New, Recipe, Ref
from appsnap.snapshot import open_legacy

PASSPHRASE = "tea and cake"


class Word(enum.StrEnum):
    """Texts of a class of its own."""

    SHOP = "shop"


class Items(dict):
    """Its items are its attributes."""

    __getattr__ = dict.__getitem__


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Encrypt with a work factor that takes no second: 2^1 instead of 2^18."""
    monkeypatch.setattr("appsnap.files.age.WORK_FACTOR", age.CHEAPEST)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


class TestSaveAndLoad:
    def test_the_same_application_comes_back(self, tmp_path, kind):
        """Stopped and clean, equal in every value, with the same sharing."""
        application = shop.make()
        path = tmp_path / "shop"

        appsnap.save(application, path, kind=kind)
        restored = appsnap.load(path, trust=["shop.*"])

        assert appsnap.dumps(restored, "source") == appsnap.dumps(application, "source")
        assert restored.getServiceNamed("web").stock is restored.getServiceNamed("stock")
        assert not restored.running

    @pytest.mark.parametrize("compress", [False, True])
    @pytest.mark.parametrize("armor", [False, True])
    def test_every_layer_is_recognised(self, tmp_path, kind, compress, armor):
        """Any kind, compressed, encrypted, armored, loads with nothing but its passphrase."""
        path = tmp_path / "file"

        appsnap.save({"a": [1]}, path, kind=kind, passphrase=PASSPHRASE, compress=compress, armor=armor)

        assert appsnap.load(path, passphrase=PASSPHRASE) == {"a": [1]}
        assert appsnap.open_snapshot(path, passphrase=PASSPHRASE).layers == ("age", "zstd")[: 1 + compress]
        assert path.read_bytes().startswith(b"-----BEGIN AGE" if armor else b"age-encryption.org/v1")

    def test_recipients(self, tmp_path, kind):
        """A file encrypted for a recipient opens with its identity."""
        identity = age.X25519Identity.generate()

        data = appsnap.dumps([1], kind, recipients=[str(identity.recipient)])

        assert appsnap.loads(data, identities=[str(identity)]) == [1]

    def test_a_file_of_ours_opens_without_appsnap(self):
        """The pickle kind is three pickles in a row, the msgpack kind three msgpack objects."""
        file = io.BytesIO(appsnap.dumps({"a": 1}, "pickle"))
        header, body, trailer = (pickle.load(file) for _ in range(3))
        unpacker = msgpack.Unpacker(io.BytesIO(appsnap.dumps({"a": 1}, "msgpack")))

        assert (header["appsnap"], body, trailer["distributions"]) == (1, {"a": 1}, {})
        assert [type(part) for part in unpacker] == [dict, list, dict]

    def test_running_never_enters_a_file(self, kind):
        """Saved while it runs, an application is restored stopped."""
        application = shop.make()
        application.getServiceNamed("stock").startService()

        data = appsnap.dumps(application, kind)

        assert b"running" not in data
        assert application.getServiceNamed("stock").running
        assert not appsnap.loads(data, trust=["shop.*"]).getServiceNamed("stock").running

    def test_everything_gives_the_same_as_names(self, kind):
        """Whether a file is trusted as a whole or by names, the objects are equal."""
        data = appsnap.dumps(shop.make(), kind)

        whole = appsnap.loads(data, trust=appsnap.EVERYTHING)

        assert appsnap.dumps(whole, "source") == appsnap.dumps(appsnap.loads(data, trust=["shop.*"]), "source")
        assert whole.getServiceNamed("stock").lock.acquire(blocking=False)

    def test_a_failed_save_leaves_the_old_file(self, tmp_path, kind):
        """Unsavable objects are reported before anything is written."""
        path = tmp_path / "file"
        path.write_bytes(b"old")

        with pytest.raises(CannotSave):
            appsnap.save([(x for x in ())], path, kind=kind)

        assert path.read_bytes() == b"old"
        assert [*tmp_path.iterdir()] == [path]

    def test_source_date_epoch(self, tmp_path, kind, monkeypatch):
        """With it, two saves of one application are equal files."""
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
        files = [tmp_path / "a", tmp_path / "b"]
        application = shop.make()

        for file in files:
            appsnap.save(application, file, kind=kind)

        assert files[0].read_bytes() == files[1].read_bytes()
        assert appsnap.open_snapshot(files[0]).header.time == (None if kind == "source" else "2001-09-09T01:46:40Z")

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["source", "msgpack", "xml"])
    def test_the_same_bytes_in_two_processes(self, kind):
        """Equal objects give equal bytes, with any hash seed."""
        code = (
            "import sys, shop, appsnap\n"
            "things = [shop.make(), {'b', 'a', 'c'}, {frozenset({str(n)}) for n in range(9)}]\n"
            f"sys.stdout.buffer.write(appsnap.dumps(things, {kind!r}))"
        )
        path = os.pathsep.join(sys.path)
        outputs = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        }

        assert len(outputs) == 1

    def test_distributions_are_written_down(self):
        """The trailer has the distributions that the names come from."""
        numpy = pytest.importorskip("numpy")

        data = appsnap.dumps([numpy.float64(1.5)], "msgpack")

        trailer = [*msgpack.Unpacker(io.BytesIO(data))][2]
        assert trailer["distributions"] == {"numpy": numpy.__version__}


class TestConvert:
    @pytest.mark.parametrize("target", KINDS)
    def test_without_a_line_of_the_application(self, tmp_path, kind, target):
        """A file goes from any kind to any kind, and the objects stay the same."""
        old, new = tmp_path / "old", tmp_path / "new"
        appsnap.save(shop.make(), old, kind=kind)

        appsnap.open_snapshot(old).save(new, kind=target)

        assert appsnap.open_snapshot(new).kind == target
        assert appsnap.dumps(appsnap.load(new, trust=["shop.*"]), "source") == appsnap.dumps(shop.make(), "source")


def said(document):
    """Return what a document says."""
    return document.header, document.trailer, document.recipe


class TestSignatures:
    """The signer of a file, and the trust that follows."""

    @pytest.fixture
    def stranger(self, monkeypatch, tmp_path):
        """Be somebody else from now on, when called."""
        return lambda: monkeypatch.setenv("APPSNAP_CONFIG_DIR", str(tmp_path / "stranger"))

    @pytest.fixture
    def opened(self, tmp_path):
        """Open bytes as a file."""

        def open_bytes(data):
            (tmp_path / "file").write_bytes(data)
            return appsnap.open_snapshot(tmp_path / "file")

        return open_bytes

    def test_own_file(self, kind, tmp_path):
        """Your own file loads without a question, in any layers; an unsigned file asks."""
        for number, layers in enumerate(({}, {"compress": True}, {"recipients": [str(IDENTITY.recipient)]})):
            path = tmp_path / f"{number}"
            appsnap.save(shop.make(), path, kind=kind, **layers)
            identities = [str(IDENTITY)] if "recipients" in layers else []

            snapshot = appsnap.open_snapshot(path, identities=identities)

            assert snapshot.provenance == "signed by you"
            assert appsnap.load(path, identities=identities).name == "shop"
            assert snapshot.build().name == "shop"
        appsnap.save(shop.make(), path, kind=kind, sign=False)
        assert appsnap.open_snapshot(path).provenance == "unsigned"
        with pytest.raises(NotTrusted):
            appsnap.load(path)

    def test_code(self, tmp_path, kind):
        """One's own file may carry code."""
        appsnap.save(lambda: 42, tmp_path / "file", kind=kind)

        assert appsnap.load(tmp_path / "file")() == 42

    def test_by_a_stranger(self, kind, tmp_path, stranger):
        """A file of somebody else asks, and says whose it is, until their key is trusted."""
        appsnap.save(shop.make(), tmp_path / "file", kind=kind)
        signer = appsnap.open_snapshot(tmp_path / "file").signer
        stranger()

        with pytest.raises(NotTrusted) as caught:
            appsnap.load(tmp_path / "file")
        assert f"appsnap keys trust {signer}" in caught.value.hint
        assert "trust=[" in caught.value.hint
        Keyring().trust(signer, "Ada")

        assert appsnap.load(tmp_path / "file").name == "shop"
        assert appsnap.open_snapshot(tmp_path / "file").provenance == f"signed by {signer} (Ada, trusted)"

        Keyring().revoke(signer)
        with pytest.raises(NotTrusted):
            appsnap.load(tmp_path / "file")

    @pytest.mark.slow
    def test_every_byte(self, kind, opened):
        """No change of a signed file, of any byte, leaves one that is vouched for and says something else."""
        data = appsnap.dumps({"a": [1, shop.make]}, kind, sign=True)
        before = opened(data)
        assert before.is_trusted_as_a_whole
        for position in range(len(data)):
            changed = bytearray(data)
            changed[position] ^= 1 << position % 7
            try:
                after = opened(bytes(changed))
                vouched = after.is_trusted_as_a_whole
            except CannotLoad:
                continue
            assert not vouched or said(after.document) == said(before.document)

    def test_moved_signature(self, kind, opened):
        """The signature of one document is none for another of the same signer."""
        one, other = (appsnap.dumps(value, kind, sign=True) for value in ([1], [2]))
        parts = [data.partition(MARKS[kind]) for data in (one, other)]

        swapped = parts[0][0] + parts[0][1] + parts[1][2]

        if kind == "source":
            assert not opened(swapped).is_trusted_as_a_whole
        else:
            with pytest.raises(Damaged):
                opened(swapped)

    def test_passphrase(self, kind, tmp_path):
        """The author of an encrypted file knew its passphrase; everybody may know a recipient."""
        appsnap.save(shop.make(), tmp_path / "secret", kind=kind, sign=False, passphrase="tea")
        appsnap.save(shop.make(), tmp_path / "for me", kind=kind, sign=False, recipients=[str(IDENTITY.recipient)])

        assert appsnap.load(tmp_path / "secret", passphrase="tea").name == "shop"
        with pytest.raises(NotTrusted):
            appsnap.load(tmp_path / "for me", identities=[str(IDENTITY)])
        with pytest.raises(NotTrusted):
            appsnap.load(tmp_path / "for me", identities=[str(IDENTITY)], passphrase=lambda: "tea")

    @pytest.mark.parametrize("to", KINDS)
    def test_no_laundering(self, kind, to, tmp_path, stranger):
        """A file made from a stranger's isn't signed, and isn't trusted for its passphrase, either."""
        appsnap.save(shop.make(), tmp_path / "file", kind=kind)
        own = appsnap.open_snapshot(tmp_path / "file")
        own.save(tmp_path / "mine", kind=to)
        assert appsnap.open_snapshot(tmp_path / "mine").provenance == "signed by you"
        stranger()

        foreign = appsnap.open_snapshot(tmp_path / "file")
        foreign.save(tmp_path / "copy", kind=to)
        foreign.save(tmp_path / "secret", kind=to, passphrase="tea")
        secret = appsnap.open_snapshot(tmp_path / "secret", passphrase="tea")
        secret.save(tmp_path / "again", passphrase="cake", compress=True)

        assert appsnap.open_snapshot(tmp_path / "copy").provenance == "unsigned, made from a file that wasn't trusted"
        for name, passphrase in {"copy": None, "secret": "tea", "again": "cake"}.items():
            with pytest.raises(NotTrusted):
                appsnap.load(tmp_path / name, passphrase=passphrase)
            assert appsnap.load(tmp_path / name, passphrase=passphrase, trust=["shop.*"]).name == "shop"

    def test_objects_of_a_stranger(self, kind, tmp_path):
        """A program can say that it saves objects of a stranger."""
        appsnap.save(shop.make(), tmp_path / "file", kind=kind, trusted_as_a_whole=False, passphrase="tea")

        with pytest.raises(NotTrusted):
            appsnap.load(tmp_path / "file", passphrase="tea")

    def test_edited_source(self, tmp_path):
        """A source file that was edited is no longer vouched for, and says since when."""
        path = tmp_path / "file"
        appsnap.save(shop.make(), path, kind="source")
        path.write_text(path.read_text("utf-8").replace('"tea": 12', '"tea": 99'), "utf-8")

        snapshot = appsnap.open_snapshot(path)

        assert snapshot.provenance == "edited since it was signed by you"
        with pytest.raises(NotTrusted) as caught:
            appsnap.load(path)
        assert "edited since it was signed by you" in caught.value.hint
        stock = appsnap.load(path, trust=["shop.*"]).getServiceNamed("stock")
        assert stock.goods["tea"] == 99

    def test_keys_may_change(self, tmp_path, stranger):
        """The trusted keys are looked up at each use, for the report and for the load alike."""
        appsnap.save(shop.make(), tmp_path / "file")
        stranger()
        snapshot = appsnap.open_snapshot(tmp_path / "file")
        assert "not trusted" in snapshot.provenance

        Keyring().trust(snapshot.signer)
        assert snapshot.build().name == "shop"
        Keyring().revoke(snapshot.signer)

        with pytest.raises(NotTrusted):
            snapshot.build()

    def test_keys_that_cannot_be_used(self, tmp_path):
        """A file can be looked at, but nothing is built of it, where the keys aren't one's own alone."""
        appsnap.save(shop.make(), tmp_path / "file")
        Keyring().own_path.chmod(0o644)
        try:
            snapshot = appsnap.open_snapshot(tmp_path / "file")

            assert "other users can read" in str(snapshot)
            with pytest.raises(AppsnapError, match="other users can read"):
                snapshot.build()
        finally:
            Keyring().own_path.chmod(0o600)

    def test_dumps(self, kind, stranger):
        """Bytes are the same for every writer, unless a signature is asked for."""
        one, signed = appsnap.dumps([1], kind), appsnap.dumps([1], kind, sign=True)
        assert appsnap.dumps([1], kind, sign=True) == signed
        stranger()

        assert appsnap.dumps([1], kind) == one
        assert appsnap.dumps([1], kind, sign=True) != signed


IDENTITY = age.X25519Identity(bytes(range(32)))
MARKS = {"pickle": b"\x8c\tsignature", "msgpack": b"\xa9signature", "source": b'"signature"', "xml": b"<signature"}


class TestWrongInput:
    @pytest.mark.parametrize("kind", KINDS)
    def test_name(self, tmp_path, kind):
        """A name or tag of a class of its own is a plain text in the header."""
        saved = types.SimpleNamespace(name=Word.SHOP)

        appsnap.save(saved, tmp_path / "file", kind=kind, tag=Word.SHOP)

        header = appsnap.open_snapshot(tmp_path / "file").header
        assert [(type(text), text) for text in (header.name, header.tag)] == [(str, "shop")] * 2
        assert appsnap.load(tmp_path / "file").name is Word.SHOP

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_name(self, tmp_path, kind):
        """The name isn't looked for in earnest: an object that answers with an error is saved all the same."""
        appsnap.save(Items(a=1), tmp_path / "file", kind=kind)

        assert appsnap.load(tmp_path / "file") == {"a": 1}
        assert appsnap.open_snapshot(tmp_path / "file").header.name is None

    def test_tag(self, tmp_path):
        """A tag is a text: nothing is written for another one."""
        with pytest.raises(TypeError, match="tag is a text"):
            appsnap.save(1, tmp_path / "file", tag=3)

        assert not (tmp_path / "file").exists()

    def test_distributions_that_are_none(self, kind):
        """For a missing class, the error has a hint, and quotes the distribution in the file."""
        names = {"": "1", "a\x1b[2J": "2\n"}
        recipe = Recipe([Name("shop.services", "Gone"), New(Ref(0), [])], Ref(1))
        data = b"".join(kind_named(kind).write(Header(kind), recipe, names))

        with pytest.raises(CannotBuild) as caught:
            appsnap.loads(data, trust=["shop.services.Gone"])

        assert "appsnap.evolve.renamed" in caught.value.hint
        assert caught.value.hint.endswith(r'saved with "" 1, "a\x1b[2J" "2\x0a"')

    def test_very_many_distributions(self, monkeypatch):
        """Of very many, only the first are looked for: each takes a moment."""
        looked = []
        monkeypatch.setattr("appsnap.snapshot.opened.installed_version", looked.append)
        recipe = Recipe([Name("shop.services", "Gone"), New(Ref(0), [])], Ref(1))
        names = {f"name{number}" + "x" * 1_000: "1" for number in range(5_000)}
        data = b"".join(kind_named("msgpack").write(Header("msgpack"), recipe, names))

        with pytest.raises(CannotBuild) as caught:
            appsnap.loads(data, trust=["shop.services.Gone"])

        assert len(looked) == 1_000
        assert len(caught.value.hint) < 10_000

    @pytest.mark.parametrize("epoch", ["x", "1" * 30, "nan"])
    def test_source_date_epoch(self, epoch, monkeypatch, tmp_path):
        """A time that is none is an error of ours, and nothing is written."""
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)

        with pytest.raises(AppsnapError, match="SOURCE_DATE_EPOCH"):
            appsnap.save([1], tmp_path / "file")
        assert not (tmp_path / "file").exists()

    def test_truncated_at_every_length(self, kind):
        """Each is refused in one line."""
        data = appsnap.dumps({"a": [1, 2.5, "x", {3}], "b": b"y" * 100}, kind)

        for length in range(len(data)):
            if kind == "source" and data[:length].endswith((b"application = dict_1\n", b"}\n")):
                continue
            try:
                result = appsnap.loads(data[:length])
            except appsnap.AppsnapError as error:
                assert "\n" not in str(error), length
                # Half a statement of a source file may as well be a mistake of a person who edited it.
                assert error.exit_code in ((1, 5, 6) if kind == "source" else (1, 5)), length
            else:
                # The last lines of a source file are its trailer; without it, the file counts as edited.
                assert kind == "source", length
                assert result == {"a": [1, 2.5, "x", {3}], "b": b"y" * 100}

    def test_each_byte_flipped(self, kind):
        """Each is refused in one line; a source file may be an edited one."""
        data = appsnap.dumps({"a": [1, 2.5, "x", {3}], "b": b"y" * 100}, kind)

        for at in range(len(data)):
            altered = bytearray(data)
            altered[at] ^= 1
            try:
                result = appsnap.loads(altered)
            except appsnap.AppsnapError as error:
                assert "\n" not in str(error), at
            else:
                assert kind == "source" or result == {"a": [1, 2.5, "x", {3}], "b": b"y" * 100}, at

    def test_encrypted_and_flipped(self, kind):
        """No altered byte of an encrypted file gets through to a parser."""
        data = appsnap.dumps([1], kind, passphrase=PASSPHRASE)

        for at in range(0, len(data), 7):
            altered = bytearray(data)
            altered[at] ^= 1
            with pytest.raises((Damaged, PassphraseError)):
                appsnap.loads(altered, passphrase=PASSPHRASE)

    def test_passphrases(self, kind):
        """Wrong, empty, missing, or given for a plain file: each has its own message."""
        data = appsnap.dumps([1], kind, passphrase=PASSPHRASE)

        for arguments, says in (
            ({"passphrase": "wrong"}, "wrong passphrase"),
            ({"passphrase": ""}, "empty"),
            ({}, "encrypted"),
        ):
            with pytest.raises(PassphraseError, match=says):
                appsnap.loads(data, **arguments)
        with pytest.raises(PassphraseError, match="isn't encrypted"):
            appsnap.loads(appsnap.dumps([1], kind), passphrase=PASSPHRASE)
        with pytest.raises(PassphraseError, match="empty"):
            appsnap.dumps([1], kind, passphrase="")

    def test_a_passphrase_is_asked_for_only_if_needed(self, kind):
        """A function is called only for an encrypted file."""
        asked = []

        def ask():
            asked.append(1)
            return PASSPHRASE

        appsnap.loads(appsnap.dumps([1], kind), passphrase=ask)
        appsnap.loads(appsnap.dumps([1], kind, passphrase=PASSPHRASE), passphrase=ask)

        assert asked == [1]

    def test_kinds(self, kind):
        """An unknown kind, and one that the content contradicts."""
        with pytest.raises(WrongKind, match="unknown kind 'toml'"):
            appsnap.dumps([1], "toml")
        other = KINDS[KINDS.index(kind) - 1]
        with pytest.raises(WrongKind, match=f"is a {kind} snapshot, not {other}"):
            appsnap.loads(appsnap.dumps([1], kind), kind=other)

    def test_a_newer_format(self, kind):
        """The error gives the number and a hint."""
        data = appsnap.dumps([1], kind)
        for old, new in (
            (b"appsnap\x94K\x01", b"appsnap\x94K\x02"),
            (b"\xa7appsnap\x01", b"\xa7appsnap\x02"),
            (b"# appsnap 1", b"# appsnap 2"),
            (b'appsnap="1"', b'appsnap="2"'),
        ):
            data = data.replace(old, new, 1)

        with pytest.raises(NewerFormat, match="format 2") as caught:
            appsnap.loads(data)

        assert caught.value.hint == "install a newer appsnap"

    def test_not_trusted_lists_every_name(self, kind):
        """Each with its use and its first path; the hint allows exactly these names."""
        data = appsnap.dumps(shop.make(), kind)

        with pytest.raises(NotTrusted) as caught:
            appsnap.loads(data)

        wants = {want.name: (want.use, want.path) for want in caught.value.wants}
        assert wants["shop.services.Web"] == ("create", 'application.services["web"]')
        assert len(wants) == 6
        appsnap.loads(data, trust=[want.grant for want in caught.value.wants])

    @pytest.mark.parametrize("name", ["web.etap", "web.etas", "WEB.ETAP"])
    @pytest.mark.parametrize("arguments", [{}, {"passphrase": "x"}, {"kind": "pickle"}, {"trust": appsnap.EVERYTHING}])
    @pytest.mark.parametrize("first", [0x00, 0x80])
    def test_old_twisted_encryption(self, tmp_path, name, arguments, first):
        """It is recognised by its name and size, with any arguments of the load, and explained."""
        path = tmp_path / name
        path.write_bytes(bytes([first, *range(1, 48)]))

        with pytest.raises(CannotLoad, match="Twisted's old encryption") as caught:
            appsnap.load(path, **arguments)

        assert caught.value.hint == "convert it with `appsnap convert --legacy-etap OLD NEW`"

    @pytest.mark.parametrize("protocol", range(6))
    def test_a_plain_pickle_in_an_encrypted_ones_name(self, tmp_path, protocol):
        """It isn't taken for Twisted's old encryption, at any size."""
        path = tmp_path / "web.etap"

        for size in range(16):
            path.write_bytes(pickle.dumps("x" * size, protocol))

            assert appsnap.load(path, kind="pickle") == "x" * size

    def test_a_damaged_pickle_in_an_encrypted_ones_name(self, tmp_path):
        """It isn't taken for Twisted's old encryption, either."""
        path = tmp_path / "web.etap"
        for size in range(16):
            data = bytearray(appsnap.dumps(["x" * size]))
            data[150] ^= 1
            path.write_bytes(data)

            with pytest.raises(Damaged):
                appsnap.load(path)

    @pytest.mark.parametrize("data", [b"", b"\0", b"hello", b"PK\x03\x04", b"\x89PNG\r\n", b"{}"])
    def test_what_is_no_snapshot(self, data):
        """It says so."""
        with pytest.raises(Damaged):
            appsnap.loads(data)

    def test_names_to_trust_have_a_form(self):
        """An impossible name is refused, and one text isn't taken for many."""
        with pytest.raises(ValueError, match="no name to trust"):
            appsnap.loads(appsnap.dumps([1]), trust=["os system"])
        with pytest.raises(TypeError):
            appsnap.loads(appsnap.dumps([1]), trust="os.system")


class TestOpenSnapshot:
    def test_it_shows_without_the_code(self, tmp_path, kind):
        """A snapshot of classes that don't exist here can be looked at."""
        path = tmp_path / "shop"
        appsnap.save(shop.make(), path, kind=kind)
        code = "import sys, appsnap; print(appsnap.open_snapshot(sys.argv[1])); assert 'shop' not in sys.modules"

        text = subprocess.run(
            [sys.executable, "-c", code, path], cwd=tmp_path, capture_output=True, check=True, text=True
        ).stdout

        assert f"shop: {kind}, " in text
        assert '["stock"]: shop.services.Stock' in text
        assert '["tea"]: 12' in text or '"tea": 12' in text
        assert "parent: → application" in text

    def test_names(self, tmp_path, kind):
        """`names` has every name that the file wants, trusted or not."""
        path = tmp_path / "file"
        appsnap.save({"a": shop.Till()}, path, kind=kind)

        names = {(want.name, want.use, want.path) for want in appsnap.open_snapshot(path).names}

        assert ("shop.services.Till", "create", "object['a']") in names or (
            "shop.services.Till",
            "create",
            'object["a"]',
        ) in names


class TestOpenLegacy:
    """Twisted's old encryption."""

    @pytest.fixture
    def encrypted(self, tmp_path):
        """Write a file as Twisted did, its passphrase being PASSPHRASE."""
        cipher = Cipher(algorithms.AES(hashlib.md5(PASSPHRASE.encode()).digest()), modes.ECB())

        def write(data, *, spaces=None):
            encryptor = cipher.encryptor()
            padded = data + b" " * (-len(data) % 16 if spaces is None else spaces)
            path = tmp_path / "web.etap"
            path.write_bytes(encryptor.update(padded) + encryptor.finalize())
            return path

        return write

    @pytest.mark.parametrize("protocol", range(6))
    def test_every_protocol(self, encrypted, protocol):
        """A pickle of any protocol and size comes out, as it would from a file of its own."""
        for size in range(16):
            snapshot = open_legacy(encrypted(pickle.dumps(["x" * size], protocol)), PASSPHRASE)

            assert snapshot.build() == ["x" * size]
            assert (snapshot.kind, snapshot.layers, snapshot.header) == ("pickle", ("legacy",), None)

    @pytest.mark.parametrize(("at", "byte"), [(0, 0x80), (-1, ord("."))])
    def test_what_is_encrypted_may_look_plain(self, encrypted, at, byte):
        """It may begin or end as a pickle does, and is read, or explained, all the same."""
        for number in range(10_000):
            path = encrypted(pickle.dumps([number + 10_000], 0))
            if path.read_bytes()[at] == byte:
                break

        assert open_legacy(path, PASSPHRASE).build() == [number + 10_000]
        with pytest.raises(CannotLoad, match="Twisted's old encryption"):
            appsnap.load(path)

    def test_wrong_passphrases(self, encrypted):
        """Each of them gives garbage, and that is what is said."""
        path = encrypted(pickle.dumps({"name": "web", "port": 80}, 2))

        for number in range(1_000):
            with pytest.raises(PassphraseError, match="the passphrase is wrong"):
                open_legacy(path, f"wrong {number}")

    def test_passphrase_of_bytes(self, tmp_path):
        """Bytes of a passphrase that are no UTF-8, as Python decodes them, are taken as they were typed."""
        path = tmp_path / "web.etap"
        encryptor = Cipher(algorithms.AES(hashlib.md5(b"h\xe4schen").digest()), modes.ECB()).encryptor()
        path.write_bytes(encryptor.update(b"N." + b" " * 14))

        assert open_legacy(path, "h\udce4schen").build() is None

    def test_empty_passphrase(self, encrypted):
        """It is refused."""
        with pytest.raises(PassphraseError, match="empty"):
            open_legacy(encrypted(b"N."), "")

    def test_one_bit(self, encrypted):
        """Whatever block is changed, what comes out is refused, or another pickle: nothing authenticates it."""
        path = encrypted(pickle.dumps({"name": "web", "port": 80}, 2))
        data = path.read_bytes()

        for block in range(len(data) // 16):
            path.write_bytes(bytes(byte ^ (at == 16 * block) for at, byte in enumerate(data)))
            try:
                changed = open_legacy(path, PASSPHRASE).build()
            except (CannotLoad, PassphraseError):
                continue
            assert changed != {"name": "web", "port": 80}

    def test_spaces(self, encrypted, tmp_path):
        """More than Twisted appended are refused there, and any at all in a file that isn't encrypted."""
        data = b"S'0123456789a'\n."
        assert len(data) == 16

        assert open_legacy(encrypted(data), PASSPHRASE).build() == "0123456789a"
        with pytest.raises(PassphraseError):
            open_legacy(encrypted(data, spaces=16), PASSPHRASE)
        (tmp_path / "web.tap").write_bytes(data + b" ")
        with pytest.raises(Damaged, match="something stands behind the pickle"):
            appsnap.load(tmp_path / "web.tap", kind="pickle")

    def test_the_right_passphrase_of_a_pickle_that_is_not_read(self, encrypted):
        """The passphrase isn't blamed for a persistent id."""
        with pytest.raises(CannotLoad, match="persistent"):
            open_legacy(encrypted(b"(lp0\nS'a name'\np1\naP1\na."), PASSPHRASE)

    def test_twisteds_source(self, encrypted):
        """It is read, without running it."""
        snapshot = open_legacy(encrypted(b"app=Ref(1,\n  Instance('os.system'))\n"), PASSPHRASE)

        assert [want.grant for want in snapshot.names] == ["os.system"]

    def test_nothing_is_called(self, encrypted, capfd):
        """What comes out is read as any pickle is: not trusted, not run."""
        snapshot = open_legacy(encrypted(b"cos\nsystem\n(S'echo hacked'\ntR."), PASSPHRASE)

        assert [want.grant for want in snapshot.names] == ["call:os.system"]
        with pytest.raises(NotTrusted):
            snapshot.build()
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("compress", [False, True])
    def test_plain_files(self, tmp_path, kind, compress):
        """They are refused before anybody is asked for a passphrase."""
        path = tmp_path / "web.etap"
        path.write_bytes(appsnap.dumps([1], kind, compress=compress))

        with pytest.raises(WrongKind, match="isn't encrypted") as caught:
            open_legacy(path, pytest.fail)

        assert caught.value.hint == "leave --legacy-etap out"

    def test_age(self, tmp_path):
        """What is encrypted otherwise is refused likewise."""
        path = tmp_path / "web.etap"
        appsnap.save([1], path, passphrase=PASSPHRASE)

        with pytest.raises(WrongKind, match="encrypted with age"):
            open_legacy(path, pytest.fail)

    @pytest.mark.parametrize("size", [0, 1, 15, 17])
    def test_size(self, tmp_path, size):
        """What isn't whole blocks is none of Twisted's."""
        path = tmp_path / "web.etap"
        path.write_bytes(bytes(size))

        with pytest.raises(WrongKind, match="whole blocks of 16 bytes"):
            open_legacy(path, pytest.fail)


def test_nothing_of_cryptography_leaks():
    """A wrong passphrase is our error, not the library's."""
    with pytest.raises(PassphraseError) as caught:
        appsnap.loads(appsnap.dumps([1], passphrase=PASSPHRASE), passphrase="no")

    assert not isinstance(caught.value, InvalidTag)
