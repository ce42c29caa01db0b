import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appsnap.errors import AppsnapError, Damaged
from appsnap.keys.signatures import SigningKey, check_key, signer_of

# RFC 8032, section 7.1, TEST 1.
SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")

FIELDS = {"sha256": "00", "steps": 3, "distributions": {"b": "1", "a": "é"}, "restored": ["x.Y"], "vouched": True}


class TestSigningKey:
    def test_key_of_the_standard(self):
        """Secret and public key belong together as RFC 8032 says, and read back from their texts."""
        key = SigningKey(SECRET)

        assert key.public_key == check_key(key.public_key)
        assert SigningKey.parse(str(key)) == key
        assert Ed25519PrivateKey.from_private_bytes(SECRET).public_key().public_bytes_raw() == PUBLIC
        assert str(key).startswith("APPSNAP-SECRET-KEY-1")

    def test_secret(self):
        """Neither `repr` nor an error shows a secret key."""
        key = SigningKey.generate()

        assert key != SigningKey.generate()
        assert str(key) not in repr(key)
        with pytest.raises(AppsnapError) as caught:
            check_key(str(key))
        assert str(key)[20:] not in f"{caught.value} {caught.value.hint}"

    def test_message(self):
        """What is signed can be put together by anybody, from the format's description."""
        key = SigningKey(SECRET)

        value = base64.b64decode(key.sign("xml", FIELDS)["signature"]["value"])

        fields = '{"distributions":{"a":"\\u00e9","b":"1"},"restored":["x.Y"],"sha256":"00","steps":3,"vouched":true}'
        message = f"appsnap signature 1\nxml\n{fields}\n".encode()
        Ed25519PrivateKey.from_private_bytes(SECRET).public_key().verify(value, message)

    @pytest.mark.parametrize("text", ["", "x", "appsnap1x", "APPSNAP-SECRET-KEY-1QQQQ", "age1x", "appsnap1é", "\0"])
    def test_no_key(self, text):
        """What is no key is an error of ours."""
        for parse in (SigningKey.parse, check_key):
            with pytest.raises(AppsnapError, match="is not a signing key"):
                parse(text)

    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("foo", True),
            ("appsnap1" + "q" * 60, True),
            ("AGE-SECRET-KEY-1Q", False),
            ("appsnap-secret-key", False),
            ("a passphrase of several words", False),
        ],
    )
    def test_no_secret_is_quoted(self, text, quoted):
        """What was taken for a key is quoted where it can't be a secret one."""
        with pytest.raises(AppsnapError) as caught:
            check_key(text)

        assert (text in str(caught.value)) == quoted


class TestSignerOf:
    def test_signed(self):
        """A signature tells the key; without one there is none."""
        key = SigningKey(SECRET)

        assert signer_of("pickle", FIELDS | key.sign("pickle", FIELDS)) == key.public_key
        assert signer_of("pickle", FIELDS) is None

    @pytest.mark.parametrize("name", [*FIELDS, "new"])
    def test_every_field_is_covered(self, name):
        """A field that is changed, added or left out makes the signature wrong."""
        signed = FIELDS | SigningKey(SECRET).sign("pickle", FIELDS)

        for other in ({**signed, name: "other"}, {key: value for key, value in signed.items() if key != name}):
            if other != signed:
                with pytest.raises(Damaged, match="signature is wrong"):
                    signer_of("pickle", other)

    def test_the_kind_is_covered(self):
        """A signature for one kind is none for another."""
        signed = FIELDS | SigningKey(SECRET).sign("pickle", FIELDS)

        with pytest.raises(Damaged):
            signer_of("msgpack", signed)

    def test_another_key(self):
        """Nobody can put a name to what somebody else signed."""
        signed = FIELDS | SigningKey(SECRET).sign("pickle", FIELDS)
        signed["signature"]["key"] = SigningKey.generate().public_key

        with pytest.raises(Damaged):
            signer_of("pickle", signed)

    @pytest.mark.parametrize(
        "signature",
        [
            *(False, 0, "", [], {}, "x", {"key": "appsnap1x", "value": ""}, {"key": None, "value": None}, [1, 2]),
            {"key": SigningKey(SECRET).public_key, "value": "x"},
            {"key": SigningKey(SECRET).public_key, "value": 5},
            {"key": SigningKey(SECRET).public_key.upper(), "value": ""},
        ],
        ids=repr,
    )
    def test_no_signature(self, signature):
        """What has the place of a signature and is none is damage."""
        with pytest.raises(Damaged):
            signer_of("pickle", {**FIELDS, "signature": signature})

    def test_cost(self):
        """A trailer of pickle's that spells one text a million times isn't spelled out."""
        value = SigningKey(SECRET).sign("pickle", FIELDS)
        fields = {**FIELDS, "restored": ["x" * 1_000_000] * 1_000_000}

        with pytest.raises(Damaged):
            signer_of("pickle", fields | value)

    @pytest.mark.parametrize(
        "odd",
        [{"a": {"b": "c"}}, [[1]], b"x", 1.5, {1: "a", "b": 1}, 10**5000, [object()]],
        ids=lambda odd: type(odd).__name__,
    )
    def test_only_plain_fields(self, odd):
        """Fields that JSON could spell in two ways, or not at all, are never signed."""
        value = SigningKey(SECRET).sign("pickle", FIELDS)

        with pytest.raises(Damaged):
            signer_of("pickle", {**FIELDS, "odd": odd} | value)
