import pickle

import pytest
from hypothesis import given, strategies as st

from appsnap.errors import CannotLoad, PassphraseError
from appsnap.files import bech32
from appsnap.files.age.recipients import (
    HybridIdentity,
    HybridRecipient,
    ScryptIdentity,
    ScryptRecipient,
    Stanza,
    X25519Identity,
    X25519Recipient,
    parse_identities,
    parse_recipient,
)

FILE_KEY = bytes(range(16))

# As little work as scrypt can do. Only for testing!
CHEAP = ScryptRecipient("correct horse", work_factor=1)

# The examples of age-encryption.org/v1.
SECRET = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
PUBLIC = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
SECRET_PQ = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"
PUBLIC_PQ_START = "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdxz95paef6caq5aapdmwjjqpjfdyx"


class TestBech32:
    """Texts with a prefix and a checksum."""

    @given(st.binary(max_size=100), st.sampled_from(["age", "AGE-SECRET-KEY-"]))
    def test_round_trip(self, data, prefix):
        """What is encoded is of the prefix's case and decodes to what it was."""
        text = bech32.encode(prefix, data)

        assert text.startswith(prefix + "1")
        assert text in {text.lower(), text.upper()}
        assert bech32.decode(text, prefix, len(data)) == data

    def test_standard(self):
        """A valid text of BIP 173, section "Test vectors", is what this encodes."""
        text = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"

        assert bech32.encode("abcdef", bech32.decode(text, "abcdef", 20)) == text

    @pytest.mark.parametrize("position", range(len(PUBLIC)))
    def test_mistyped(self, position):
        """Any single wrong character is noticed."""
        wrong = PUBLIC[:position] + ("q" if PUBLIC[position] != "q" else "p") + PUBLIC[position + 1 :]

        with pytest.raises(PassphraseError):
            bech32.decode(wrong, "age", 32)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "1",
            "age1",
            "age1qqqqq",
            PUBLIC.upper(),
            PUBLIC[:-1] + PUBLIC[-1].upper(),
            PUBLIC + "q",
            PUBLIC[:-1],
            " " + PUBLIC,
            bech32.encode("age", bytes(31)),
            bech32.encode("age", bytes(33)),
            bech32.encode("bge", bytes(32)),
        ],
    )
    def test_refused(self, text):
        """Other prefixes, cases, characters and sizes are refused."""
        with pytest.raises(PassphraseError):
            bech32.decode(text, "age", 32)

    def test_kelvin(self):
        """A character that is no ASCII, but the same as one in lower case, is refused."""
        text = bech32.encode("AGE-SECRET-KEY-", bytes(range(32)))
        wrong = text[:15] + text[15:].replace("K", "\u212a")

        assert wrong.lower() == text.lower()
        assert wrong != text
        with pytest.raises(PassphraseError):
            bech32.decode(wrong, "AGE-SECRET-KEY-", 32)

    @pytest.mark.parametrize(
        ("size", "left_over", "accepted"),
        [
            (32, "0000", True),
            (32, "0001", False),
            (32, "1000", False),
            (33, "0", True),
            (33, "1", False),
            (33, "000000", False),
        ],
    )
    def test_left_over_bits(self, size, left_over, accepted):
        """The bits after the last byte are zero, whatever the checksum says, and fewer than a character has."""
        bits = "0" * size * 8 + left_over
        values = [int(bits[start : start + 5], 2) for start in range(0, len(bits), 5)]
        checksum = bech32._checksum("age", [*values, *bytes(6)]) ^ 1
        values += [checksum >> shift & 31 for shift in reversed(range(0, 30, 5))]
        text = "age1" + "".join(bech32._CHARACTERS[value] for value in values)

        if accepted:
            assert bech32.decode(text, "age", size) == bytes(size)
        else:
            with pytest.raises(PassphraseError, match=r"left over|characters"):
                bech32.decode(text, "age", size)


class TestStanza:
    """The form of a stanza."""

    @pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 95, 96])
    def test_last_line(self, size):
        """The last line of a body is shorter than 64 columns, if need be empty."""
        lines = bytes(Stanza("type", ("argument",), bytes(size))).split(b"\n")

        assert lines[0] == b"-> type argument"
        assert [len(line) for line in lines[1:-2]] == [64] * (size // 48)
        assert len(lines[-2]) < 64
        assert lines[-1] == b""


class TestKeys:
    """Key pairs."""

    def test_standard(self):
        """The examples of the standard: secret keys, and the recipients that belong to them."""
        assert str(X25519Identity.parse(SECRET)) == SECRET
        assert str(X25519Identity.parse(SECRET).recipient) == PUBLIC
        assert str(X25519Recipient.parse(PUBLIC)) == PUBLIC
        assert str(HybridIdentity.parse(SECRET_PQ)) == SECRET_PQ
        assert str(HybridIdentity.parse(SECRET_PQ).recipient).startswith(PUBLIC_PQ_START)

    @pytest.mark.parametrize("kind", [X25519Identity, HybridIdentity])
    def test_round_trip(self, kind):
        """A new identity and its recipient survive being written and read, and each opens what is meant for it."""
        identity = kind.generate()
        recipient = parse_recipient(str(identity.recipient))

        assert parse_identities(str(identity)) == [identity]
        assert recipient == identity.recipient
        assert identity.unwrap([kind.generate().recipient.wrap(FILE_KEY), recipient.wrap(FILE_KEY)]) == FILE_KEY
        assert kind.generate().unwrap([recipient.wrap(FILE_KEY)]) is None
        assert kind.generate() != identity

    @pytest.mark.parametrize("secret", [X25519Identity.parse(SECRET), HybridIdentity.parse(SECRET_PQ)])
    def test_secret_key_stays_secret(self, secret):
        """The secret is in `str`, which asks for it, and not in `repr`, which lands in logs."""
        assert repr(secret) == f"{type(secret).__name__}()"

    @pytest.mark.parametrize("secret", [ScryptIdentity("hunter2"), ScryptRecipient("hunter2")])
    def test_passphrase_stays_secret(self, secret):
        """No way of printing a passphrase prints it."""
        assert "hunter2" not in repr(secret) + str(secret)

    @pytest.mark.parametrize(
        "recipient", [X25519Recipient(bytes(32)), HybridRecipient(b"\xff" * 1216), X25519Recipient(b"")]
    )
    def test_unusable(self, recipient):
        """A public key of low order, which would make a file that anybody can open, or no public key, is refused."""
        with pytest.raises(PassphraseError, match="can't be used as a recipient"):
            recipient.wrap(FILE_KEY)


class TestScrypt:
    """Passphrases."""

    def test_round_trip(self):
        """A passphrase opens what it wrapped, another one doesn't, and the salt is new each time."""
        stanza = CHEAP.wrap(FILE_KEY)

        assert stanza.arguments[1] == "1"
        assert CHEAP.wrap(FILE_KEY).arguments != stanza.arguments
        assert ScryptIdentity("correct horse").unwrap([stanza]) == FILE_KEY
        assert ScryptIdentity(b"correct horse").unwrap([stanza]) == FILE_KEY
        assert ScryptIdentity("battery staple").unwrap([stanza]) is None

    @pytest.mark.slow
    def test_default_work_factor(self):
        """The default is 18, the one of the age program."""
        stanza = ScryptRecipient("correct horse").wrap(FILE_KEY)

        assert stanza.arguments[1] == "18"
        assert ScryptIdentity("correct horse", max_work_factor=18).unwrap([stanza]) == FILE_KEY
        with pytest.raises(CannotLoad, match=r"(?m)work factor 18: the limit is work_factor=17$"):
            ScryptIdentity("correct horse", max_work_factor=17).unwrap([stanza])

    def test_huge_work_factor(self):
        """A work factor of more digits than Python reads is too large and nothing else."""
        stanza = CHEAP.wrap(FILE_KEY)
        salt, _ = stanza.arguments

        with pytest.raises(CannotLoad, match=r"(?m)work factor 111111111: the limit is work_factor=20$"):
            ScryptIdentity("correct horse").unwrap([Stanza("scrypt", (salt, "1" * 5000), stanza.body)])

    def test_a_function(self):
        """A function is asked for the passphrase only if there is a stanza for it, and its work isn't refused."""
        stanza = CHEAP.wrap(FILE_KEY)
        asked = []
        identity = ScryptIdentity(lambda: asked.append(1) or "correct horse", max_work_factor=1)
        dear = Stanza("scrypt", (stanza.arguments[0], "2"), stanza.body)

        assert identity.unwrap([X25519Identity.generate().recipient.wrap(FILE_KEY)]) is None
        with pytest.raises(CannotLoad, match="work factor 2"):
            identity.unwrap([dear])
        assert not asked
        assert identity.unwrap([stanza]) == FILE_KEY
        assert asked == [1]

    def test_undecodable(self):
        """A passphrase with bytes that are no UTF-8 is the same one as text from the environment and as bytes."""
        stanza = ScryptRecipient("caf\udce9", work_factor=1).wrap(FILE_KEY)

        assert ScryptIdentity(b"caf\xe9").unwrap([stanza]) == FILE_KEY

    @pytest.mark.parametrize("kind", [ScryptIdentity, ScryptRecipient])
    @pytest.mark.parametrize("passphrase", ["", b"", "\ud800"])
    def test_refused(self, kind, passphrase):
        """An empty passphrase is refused, and text that is none."""
        with pytest.raises(PassphraseError, match="passphrase"):
            kind(passphrase)

    @pytest.mark.parametrize("work_factor", [-1, 0, 31, 1000])
    def test_work_factor(self, work_factor):
        """Work factors that no reader would accept are refused."""
        with pytest.raises(PassphraseError, match="work factor"):
            ScryptRecipient("correct horse", work_factor=work_factor)


class TestParse:
    """What people type and keep in files."""

    def test_identity_file(self):
        """Comments, empty lines, white space and Windows' ends of lines are skipped."""
        text = f"# created: 2024\r\n\r\n  {SECRET}\t\r\n\n#{SECRET}\n{SECRET_PQ}"

        assert parse_identities(text) == [X25519Identity.parse(SECRET), HybridIdentity.parse(SECRET_PQ)]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "no identity"),
            ("# nothing\n", "no identity"),
            (f"{SECRET}\n{SECRET[:-1]}Q", "line 2 of the identity file: mistyped"),
            (SECRET.lower(), "line 1 of the identity file: not of the form AGE-SECRET-KEY-1…"),
            (PUBLIC, "line 1 of the identity file: not of the form"),
            ("AGE-PLUGIN-YUBIKEY-1QQPQQYZ", "line 1 of the identity file: not of the form"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "line 1 of the identity file: not of the form"),
            ("-----BEGIN AGE ENCRYPTED FILE-----\nAAAA", "itself encrypted"),
            ("age-encryption.org/v1\n", "itself encrypted"),
        ],
    )
    def test_identities_refused(self, text, message):
        """The error names the line and never quotes it."""
        with pytest.raises(PassphraseError, match=message) as caught:
            parse_identities(text)

        assert SECRET[20:30] not in str(caught.value) + caught.value.hint

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "not of the form age1…"),
            (PUBLIC[:-1] + "x", "mistyped"),
            (SECRET, "not of the form age1…"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", "not supported"),
            ("age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e", "not supported"),
            ("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "not supported"),
            (bech32.encode("age1pq", bytes(1215)), "1,957 characters, not 1,959"),
        ],
    )
    def test_recipient_refused(self, text, message):
        """The error never quotes the text, which may be the secret key by mistake."""
        with pytest.raises(PassphraseError, match=message) as caught:
            parse_recipient(text)

        assert SECRET[20:30] not in str(caught.value) + caught.value.hint

    def test_white_space(self):
        """White space around a recipient, as from a file or a terminal, doesn't matter."""
        assert parse_recipient(f" {PUBLIC}\n") == X25519Identity.parse(SECRET).recipient

    def test_frozen(self):
        """Recipients and identities are values: equal, hashable, and they can be pickled."""
        identity = X25519Identity.parse(SECRET)

        assert {identity, pickle.loads(pickle.dumps(identity))} == {X25519Identity.parse(SECRET)}
