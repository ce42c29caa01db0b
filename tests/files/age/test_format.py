import hashlib
import itertools
import os
import shutil
import subprocess
import zlib
from pathlib import Path

import pexpect
import pyrage
import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings, strategies as st

from appsnap.errors import AppsnapError, CannotLoad, Damaged, PassphraseError
from appsnap.files.age import format as age
from appsnap.files.age.format import CHUNK_SIZE, decrypt, encrypt, is_encrypted
from appsnap.files.age.recipients import (
    CHEAPEST,
    HybridIdentity,
    ScryptIdentity,
    ScryptRecipient,
    Stanza,
    X25519Identity,
    parse_identities,
    parse_recipient,
)
from appsnap.files.streams import ChunkReader

PASSPHRASE = "correct horse battery staple"
IDENTITY = X25519Identity.parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
HYBRID = HybridIdentity.parse("AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR")

CHEAP = ScryptRecipient(PASSPHRASE, CHEAPEST)

KEYS = {
    "passphrase": (CHEAP, ScryptIdentity(PASSPHRASE)),
    "X25519": (IDENTITY.recipient, IDENTITY),
    "hybrid": (HYBRID.recipient, HYBRID),
}

# Neither of them compresses, repeats at a chunk's distance, or is made anew for each test.
CONTENT = hashlib.shake_256(b"appsnap").digest(3 * CHUNK_SIZE)


def seal(data, *recipients, armor=False):
    """Return bytes as an age file."""
    return b"".join(encrypt([data], recipients, armor=armor))


def unseal(data, *identities):
    """Return what an age file holds."""
    return b"".join(decrypt([data], identities))


def header_of(file):
    """Return the length of a binary file's header."""
    return file.index(b"\n", file.index(b"\n--- ") + 1) + 1


class TestVectors:
    """The test vectors that the implementations of age share (C2SP/CCTV)."""

    FOLDER = Path(os.environ.get("APPSNAP_AGE_VECTORS") or Path(__file__).parents[3] / ".cache" / "cctv-age")
    VECTORS = sorted(FOLDER.iterdir()) if FOLDER.is_dir() else []

    def test_present(self):
        """All 143 vectors of version 0.2.0 are there."""
        if not self.VECTORS:
            message = f"NO AGE TEST VECTORS in {self.FOLDER}: run tools/fetch_age_vectors.py"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)

        assert len(self.VECTORS) == 143

    @pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.name)
    def test_vector(self, path):
        """The result, the failure and what came out before it are those that the vector says."""
        text, _, file = path.read_bytes().partition(b"\n\n")
        fields = [line.split(": ", 1) for line in text.decode().splitlines()]
        expected = dict(fields)
        assert expected.keys() <= {
            "expect", "payload", "file key", "identity", "passphrase", "armored", "compressed", "comment",
        }  # fmt: skip
        if expected.get("compressed") == "zlib":
            file = zlib.decompress(file)
        identities = [identity for key, value in fields if key == "identity" for identity in parse_identities(value)]
        identities += [ScryptIdentity(value, max_work_factor=22) for key, value in fields if key == "passphrase"]

        error, stage, content = None, "header", b""
        try:
            payload = decrypt([file], identities)
            stage = "payload"
            for piece in payload:
                content += piece
        except AppsnapError as caught:
            error = caught

        match expected["expect"]:
            case "success":
                assert error is None
            case "no match":
                assert type(error) is PassphraseError
            case "HMAC failure":
                assert type(error) is Damaged
                assert "MAC" in str(error)
            case "payload failure":
                assert type(error) is Damaged
                assert stage == "payload"
            case _:
                # CannotLoad itself where more work is asked for than is allowed.
                assert type(error) in (Damaged, CannotLoad)
                assert "MAC" not in str(error)
        assert hashlib.sha256(content).hexdigest() == expected.get("payload", hashlib.sha256(b"").hexdigest())


@pytest.fixture
def age_program(tmp_path):
    """Run the program age in a folder; a passphrase is typed at its terminal."""
    if shutil.which("age") is None:
        message = "THE PROGRAM age IS NOT INSTALLED: no test against it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)

    def run(*arguments, data, passphrase=None):
        source, target = tmp_path / "source", tmp_path / "target"
        source.write_bytes(data)
        # For empty content age doesn't even open the file.
        target.write_bytes(b"")
        command = ["age", *arguments, "-o", str(target), str(source)]
        if passphrase is None:
            subprocess.run(command, check=True, capture_output=True)
        else:
            terminal = pexpect.spawn(command[0], command[1:], timeout=200)
            while terminal.expect(["passphrase.*: ", pexpect.EOF]) == 0:
                terminal.sendline(passphrase)
            terminal.close()
            assert terminal.exitstatus == 0, terminal.before
        return target.read_bytes()

    return run


@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
class TestAgeProgram:
    """Both ways against the program age, the reference."""

    def options(self, armor):
        """Return what makes age write an armored file."""
        return ["-a"] if armor else []

    @pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE, len(CONTENT) - 1])
    def test_recipient(self, age_program, tmp_path, armor, size):
        """What either encrypts for an X25519 recipient, the other decrypts."""
        (tmp_path / "identity").write_text(f"# a comment\n{IDENTITY}\n")
        ours = seal(CONTENT[:size], IDENTITY.recipient, armor=armor)
        theirs = age_program(*self.options(armor), "-r", str(IDENTITY.recipient), data=CONTENT[:size])

        assert is_encrypted(theirs[: age.HEAD_SIZE])
        assert unseal(theirs, IDENTITY) == CONTENT[:size]
        assert age_program("-d", "-i", str(tmp_path / "identity"), data=ours) == CONTENT[:size]
        if armor:
            assert [len(line) for line in ours.splitlines()[2:-2]] == [len(line) for line in theirs.splitlines()[2:-2]]

    @pytest.mark.slow
    def test_passphrase(self, age_program, armor):
        """What either encrypts with a passphrase, the other decrypts."""
        ours = seal(CONTENT, CHEAP, armor=armor)
        theirs = age_program("-p", *self.options(armor), data=CONTENT, passphrase=PASSPHRASE)

        assert unseal(theirs, ScryptIdentity(PASSPHRASE)) == CONTENT
        assert age_program("-d", data=ours, passphrase=PASSPHRASE) == CONTENT
        with pytest.raises(PassphraseError, match=r"^wrong passphrase$"):
            unseal(theirs, ScryptIdentity("battery"))


class TestPyrage:
    """Both ways against rage, written in Rust."""

    @pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
    @pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE, len(CONTENT)])
    def test_recipient(self, armor, size):
        """What either encrypts for X25519 recipients, the other decrypts; rage adds stanzas that mean nothing."""
        other = X25519Identity.generate()
        keys = [str(other.recipient), str(IDENTITY.recipient)]
        ours = seal(CONTENT[:size], *map(parse_recipient, keys), armor=armor)
        theirs = pyrage.encrypt(CONTENT[:size], [pyrage.x25519.Recipient.from_str(key) for key in keys], armored=armor)

        for identity in other, IDENTITY:
            assert unseal(theirs, X25519Identity.generate(), identity) == CONTENT[:size]
            assert pyrage.decrypt(ours, [pyrage.x25519.Identity.from_str(str(identity))]) == CONTENT[:size]

    @pytest.mark.slow
    def test_passphrase(self):
        """What either encrypts with a passphrase, the other decrypts."""
        ours = seal(CONTENT, CHEAP)
        theirs = pyrage.passphrase.encrypt(CONTENT, PASSPHRASE)

        assert unseal(theirs, ScryptIdentity(PASSPHRASE)) == CONTENT
        assert pyrage.passphrase.decrypt(ours, PASSPHRASE) == CONTENT


class TestRoundTrip:
    """What is encrypted comes back."""

    @pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
    @pytest.mark.parametrize("kind", KEYS)
    def test_kinds(self, kind, armor):
        """Each kind of key opens what was encrypted for it."""
        recipient, identity = KEYS[kind]

        file = seal(CONTENT, recipient, armor=armor)

        assert is_encrypted(file[: age.HEAD_SIZE])
        assert file.startswith(b"-----BEGIN" if armor else b"age-encryption.org/v1\n")
        assert unseal(file, identity) == CONTENT

    @pytest.mark.slow
    @given(
        size=st.builds(
            lambda chunks, delta: max(0, min(chunks * CHUNK_SIZE + delta, len(CONTENT))),
            st.integers(0, 3),
            st.integers(-17, 17),
        ),
        before=st.integers(1, 100_000),
        between=st.integers(1, 100_000),
        armor=st.booleans(),
    )
    def test_sizes(self, size, before, between, armor):
        """Sizes around the bounds of chunks come back, however the buffers are cut; a chunk adds 16 bytes."""
        chunks = [CONTENT[:size][start : start + before] for start in range(0, size, before)]
        file = b"".join(encrypt(chunks, [IDENTITY.recipient], armor=armor))
        parts = [file[start : start + between] for start in range(0, len(file), between)]

        assert b"".join(decrypt(parts, [IDENTITY])) == CONTENT[:size]
        if not armor:
            assert len(file) == header_of(file) + 16 + size + 16 * max(1, -(-size // CHUNK_SIZE))

    def test_many_recipients(self):
        """A file can have many recipients, and each of them opens it; the bounds hold for both sides."""
        identities = [X25519Identity.generate() for _ in range(20)]
        file = seal(b"data", *[identity.recipient for identity in identities])

        assert [unseal(file, identity) for identity in identities] == [b"data"] * 20
        with pytest.raises(PassphraseError, match="more than 1024 recipients"):
            seal(b"data", *[IDENTITY.recipient] * 1025)

    def test_most_recipients(self):
        """As many recipients as may be written can be read, also of the largest kind."""
        file = seal(b"data", *[HYBRID.recipient] * 1024)

        assert unseal(file, HYBRID) == b"data"

    def test_never_twice(self):
        """Two files of the same content have not one chunk, key share or salt in common."""
        for recipient, _ in KEYS.values():
            first, second = seal(CONTENT, recipient), seal(CONTENT, recipient)

            assert first[header_of(first) :] != second[header_of(second) :]
            assert first.splitlines()[1] != second.splitlines()[1]

    def test_lazy(self):
        """The stream is read as the result is, and an error in it comes through as it is."""

        def source():
            for _ in range(40):
                yield CONTENT
            raise ZeroDivisionError

        encrypted = encrypt(source(), [IDENTITY.recipient])

        assert len(b"".join(itertools.islice(encrypted, 4))) > 64 * CHUNK_SIZE
        with pytest.raises(ZeroDivisionError):
            list(encrypted)


class TestBatches:
    """Many chunks are encrypted together."""

    KEY = bytes(range(16))
    SIZE = 130 * CHUNK_SIZE
    LONG = hashlib.shake_256(b"batches").digest(SIZE + 17)

    def reference(self, content):
        """Return a payload as age-encryption.org/v1 says it, in the plainest way."""
        nonce = bytes(16)
        payload = nonce
        key = HKDF(SHA256(), 32, nonce, b"payload").derive(self.KEY)
        for number, start in enumerate(range(0, max(len(content), 1), CHUNK_SIZE)):
            last = start + CHUNK_SIZE >= len(content)
            chunk = content[start : start + CHUNK_SIZE]
            payload += ChaCha20Poly1305(key).encrypt(number.to_bytes(11) + (b"\1" if last else b"\0"), chunk, None)
        return payload

    @pytest.mark.slow
    @settings(max_examples=30)
    @given(
        chunks=st.sampled_from([0, 1, 31, 32, 33, 63, 64, 65, 130]),
        delta=st.integers(-17, 17),
        cut=st.integers(10_000, 10_000_000),
    )
    def test_reference(self, chunks, delta, cut):
        """However the buffers are cut, the payload is that of the reference, and comes back."""
        content = self.LONG[: max(0, chunks * CHUNK_SIZE + delta)]
        parts = [content[start : start + cut] for start in range(0, len(content), cut)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "urandom", bytes)
            payload = b"".join(age._encrypt_payload(ChunkReader(parts), self.KEY, None))
        parts = [payload[start : start + cut] for start in range(0, len(payload), cut)]

        assert payload == self.reference(content)
        assert b"".join(age._decrypt_payload(ChunkReader(parts), self.KEY)) == content

    def test_reused_buffer(self):
        """The buffers that go in may be used again; those that come out are not."""

        def again(data, size):
            buffer = bytearray(size)
            for start in range(0, len(data), size):
                part = data[start : start + size]
                buffer[: len(part)] = part
                yield memoryview(buffer)[: len(part)]

        for size in CHUNK_SIZE, CHUNK_SIZE + 16, 1_000_000:
            file = b"".join(list(encrypt(again(self.LONG, size), [IDENTITY.recipient])))

            assert b"".join(list(decrypt(again(file, size), [IDENTITY]))) == self.LONG

    @pytest.mark.parametrize("bad", [0, 1, 31, 32, 130])
    def test_damaged(self, bad):
        """What comes out before the error is what stands before the damaged chunk, and nothing of that."""
        payload = bytearray(self.reference(self.LONG))
        payload[16 + bad * (CHUNK_SIZE + 16) + 1] ^= 1
        pieces = []

        # A list keeps what it has got when the iterator fails.
        with pytest.raises(Damaged, match=f"chunk {bad} of its payload"):
            pieces.extend(age._decrypt_payload(ChunkReader([payload]), self.KEY))

        assert b"".join(pieces) == self.LONG[: bad * CHUNK_SIZE]


class TestDamage:
    """No altered or truncated file gives content."""

    @pytest.fixture(params=KEYS)
    def small(self, request):
        """Return a small file and the identity that opens it."""
        recipient, identity = KEYS[request.param]
        if isinstance(identity, ScryptIdentity):
            identity = ScryptIdentity(PASSPHRASE, max_work_factor=1)
        return seal(b"content", recipient), identity

    def test_truncated(self, small):
        """A file cut off at any length is refused."""
        file, identity = small

        for length in range(len(file)):
            with pytest.raises(Damaged):
                unseal(file[:length], identity)

    @pytest.mark.slow
    @pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
    def test_flipped(self, small, mask):
        """A file with any byte changed is refused."""
        file, identity = small

        for position in range(len(file)):
            altered = bytearray(file)
            altered[position] ^= mask
            with pytest.raises((CannotLoad, PassphraseError)):
                unseal(altered, identity)

    def test_flipped_armor(self):
        """An armored file with any byte changed is refused."""
        file = seal(b"content", IDENTITY.recipient, armor=True)

        for position, mask in itertools.product(range(len(file)), [0x01, 0x20]):
            altered = bytearray(file)
            altered[position] ^= mask
            with pytest.raises((CannotLoad, PassphraseError)):
                unseal(altered, IDENTITY)

    @pytest.mark.parametrize("extra", [b"\0", b"\n", bytes(CHUNK_SIZE + 16), b"age-encryption.org/v1\n"])
    @pytest.mark.parametrize("size", [0, 7, CHUNK_SIZE])
    def test_extended(self, extra, size):
        """A file with anything after its end is refused."""
        file = seal(CONTENT[:size], IDENTITY.recipient)

        with pytest.raises(Damaged):
            unseal(file + extra, IDENTITY)

    def test_chunks(self):
        """Chunks can't be left out, swapped or repeated; what says so is the number in each one's nonce."""
        file = seal(CONTENT, IDENTITY.recipient)
        start = header_of(file) + 16
        head, rest = file[:start], file[start:]
        first, second, third = (rest[index * (CHUNK_SIZE + 16) :][: CHUNK_SIZE + 16] for index in range(3))

        assert unseal(head + first + second + third, IDENTITY) == CONTENT
        for chunks in [
            (first, third),
            (second, third),
            (second, first, third),
            (first, first, second, third),
            (third,),
        ]:
            with pytest.raises(Damaged, match="altered or truncated"):
                unseal(head + b"".join(chunks), IDENTITY)
        with pytest.raises(Damaged, match="truncated age file: its last chunk is missing"):
            unseal(head + first + second, IDENTITY)

    def test_foreign_stanzas(self):
        """Stanzas of unknown types are skipped; one that is added later breaks the MAC."""

        class Grease:
            def wrap(self, file_key):
                return Stanza("x-grease", ("!~", "1"), bytes(100))

        file = seal(b"content", Grease(), IDENTITY.recipient, Grease())
        line = file.index(b"-> X25519")

        assert unseal(file, IDENTITY) == b"content"
        with pytest.raises(Damaged, match="MAC"):
            unseal(file[:line] + bytes(Stanza("added", (), b"")) + file[line:], IDENTITY)

    @pytest.mark.parametrize(
        "header",
        [
            b"",
            b"\n",
            b"age",
            b"age-encryption.org/v1",
            b"age-encryption.org/v1\n",
            b"age-encryption.org/v1\n--- " + b"A" * 43 + b"\n",
            b"age-encryption.org/v2\n",
            b"age-encryption.org/v1\n" + b"-> a\n\n" * 1025 + b"--- " + b"A" * 43 + b"\n",
            b"age-encryption.org/v1\n-> " + b"a " * 5_000_000,
            b"age-encryption.org/v1\n-> " + b"a" * 5_000_000,
            b"age-encryption.org/v1\n-> a\n" + (b"A" * 64 + b"\n") * 100_000,
        ],
        ids=lambda header: f"{header[:40]}-{len(header)}",
    )
    def test_hostile_header(self, header):
        """Headers that are none, or too long, are refused, and at once."""
        with pytest.raises(Damaged):
            unseal(header, IDENTITY)

    def test_header_is_bounded(self):
        """No more than the bound is read of a header that doesn't end."""
        source = iter([b"age-encryption.org/v1\n-> a\n", *[(b"A" * 64 + b"\n") * 1000] * 1000])

        with pytest.raises(Damaged):
            decrypt(source, [IDENTITY])

        assert len(list(source)) > 950


class TestKeys:
    """The errors say what to do about keys."""

    X25519 = seal(b"content", IDENTITY.recipient)
    SCRYPT = seal(b"content", CHEAP)

    @pytest.mark.parametrize(
        ("file", "identities", "message"),
        [
            (SCRYPT, [ScryptIdentity("wrong")], "wrong passphrase"),
            (SCRYPT, [ScryptIdentity("wrong"), IDENTITY], "wrong passphrase"),
            (SCRYPT, [IDENTITY], "the file is encrypted with a passphrase, not for an identity"),
            (SCRYPT, [], "the file is encrypted with a passphrase, and none was given"),
            (X25519, [ScryptIdentity(PASSPHRASE)], "the file is encrypted for recipients, not with a passphrase"),
            (X25519, [], "the file is encrypted for recipients, and no identity was given"),
            (X25519, [X25519Identity.generate()], "no identity matches any of the file's recipients"),
            (X25519, [HYBRID, ScryptIdentity("wrong")], "no identity matches any of the file's recipients"),
        ],
    )
    def test_no_match(self, file, identities, message):
        """A key of the wrong kind is told from a wrong one, before anything of the payload is read."""
        with pytest.raises(PassphraseError) as caught:
            decrypt([file], identities)

        assert str(caught.value) == message

    def test_ssh(self):
        """A file only for an SSH key is one that no identity matches, and the hint says why."""
        key = pyrage.ssh.Recipient.from_str(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN"
        )

        with pytest.raises(PassphraseError, match="no identity matches") as caught:
            unseal(pyrage.encrypt(b"content", [key]), IDENTITY)

        assert "ssh-ed25519" in caught.value.hint

    def test_any_of_several(self):
        """The first identity that matches is taken."""
        identities = [HYBRID, ScryptIdentity("wrong"), ScryptIdentity(PASSPHRASE), IDENTITY]

        assert unseal(self.SCRYPT, *identities) == b"content"
        assert unseal(self.X25519, *identities) == b"content"

    @pytest.mark.parametrize(
        ("recipients", "message"),
        [
            ([], "no recipient"),
            ([CHEAP, CHEAP], "only recipient"),
            ([IDENTITY.recipient, CHEAP], "only recipient"),
            ([IDENTITY.recipient, HYBRID.recipient], "can't be mixed"),
        ],
    )
    def test_recipients_refused(self, recipients, message):
        """Recipients that would weaken each other are refused, before anything is read."""
        with pytest.raises(PassphraseError, match=message):
            encrypt(iter(()), recipients)


class TestIsEncrypted:
    """Files are recognised by their first bytes."""

    @pytest.mark.parametrize(
        "head",
        [b"age-encryption.org/v1\n->", b"age-encryption.org/v9\n", b"-----BEGIN AGE ENCRYPTED FILE-----\n"],
    )
    def test_yes(self, head):
        """Binary files of any version, and armored ones."""
        assert is_encrypted(head)

    def test_white_space(self):
        """As much white space as may stand before an armored file is no obstacle, and none may before a binary one."""
        assert is_encrypted((b"\n" * 1024 + seal(b"", IDENTITY.recipient, armor=True))[: age.HEAD_SIZE])
        assert not is_encrypted(b"\n" + seal(b"", IDENTITY.recipient))

    @pytest.mark.parametrize(
        "head", [b"", b"age-encryption.or", b"-----BEGIN PGP MESSAGE-----", b"\x28\xb5\x2f\xfd", b"\x80\x05"]
    )
    def test_no(self, head):
        """Everything else."""
        assert not is_encrypted(head)


@pytest.mark.memory
class TestMemory:
    """A stream takes no more memory if it is longer."""

    CODE = """
from appsnap.files.age import X25519Identity, decrypt, encrypt
identity = X25519Identity.generate()
chunk = bytes(1 << 20)
size = sum(map(len, decrypt(encrypt((chunk for _ in range({count})), [identity.recipient], armor={armor}), [identity])))
assert size == {count} << 20
"""

    @pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
    def test_bounded(self, peak_memory, armor):
        """160 MiB take as much memory as 32 do, give or take some pieces."""
        short = peak_memory(self.CODE.format(count=32, armor=armor))
        long = peak_memory(self.CODE.format(count=160, armor=armor))

        assert long - short < 16 << 20
