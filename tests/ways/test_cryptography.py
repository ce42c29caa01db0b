"""Keys and certificates come back, in the bytes that other programs exchange them in."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519

from appsnap import EVERYTHING, NotTrusted, dumps, loads
from appsnap.kinds import KINDS

MAKERS = {
    "dsa": lambda: dsa.generate_private_key(1024),
    "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "x25519": x25519.X25519PrivateKey.generate,
    "x448": x448.X448PrivateKey.generate,
}


@pytest.mark.parametrize("kind", KINDS)
class TestKeys:
    @pytest.mark.parametrize("algorithm", MAKERS)
    def test_keys(self, kind, algorithm):
        """A private key and its public key are each of the same type, and the same key."""
        key = MAKERS[algorithm]()

        private, public = loads(dumps([key, key.public_key()], kind), trust=EVERYTHING)

        assert (type(private), type(public)) == (type(key), type(key.public_key()))
        assert private.public_key() == public == key.public_key()

    def test_strangers(self, kind):
        """A stranger's file has to be trusted with the function that reads keys."""
        data = dumps(MAKERS["ed25519"](), kind)

        with pytest.raises(NotTrusted):
            loads(data)
        assert loads(data, trust=["call:appsnap.ways.cryptography.private_key"])


def test_certificate():
    """A certificate is the same one."""
    key = MAKERS["ed25519"]()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop")])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 5, day, day.replace(year=2030)).sign(key, None)

    assert loads(dumps(made), trust=EVERYTHING).fingerprint(hashes.SHA256()) == made.fingerprint(hashes.SHA256())
