"""Ways for `cryptography`: keys and certificates, in the bytes that other programs exchange them in.

A private key stands in the snapshot as it is. Encrypt the file.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from appsnap.ways import saves

__all__ = ["certificate", "private_key", "public_key"]


def private_key(der: bytes, /) -> Any:
    """Return the private key that PKCS #8 has in these bytes."""
    return serialization.load_der_private_key(der, None)


def public_key(der: bytes, /) -> Any:
    """Return the public key that SubjectPublicKeyInfo has in these bytes."""
    return serialization.load_der_public_key(der)


def certificate(der: bytes, /) -> x509.Certificate:
    """Return the certificate of X.509 in these bytes."""
    return x509.load_der_x509_certificate(der)


_PACKAGE = "cryptography.hazmat.bindings._rust"
_KEYS = {"dh": "DH", "dsa": "DSA", "ec": "EC", "rsa": "RSA", "ed25519": "Ed25519", "ed448": "Ed448"} | {
    "x25519": "X25519",
    "x448": "X448",
}


def _private(key: Any) -> Any:
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return private_key, (key.private_bytes(encoding, form, serialization.NoEncryption()),)


def _public(key: Any) -> Any:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public_key, (key.public_bytes(serialization.Encoding.DER, form),)


for _module, _name in _KEYS.items():
    saves(f"{_PACKAGE}.openssl.{_module}.{_name}PrivateKey")(_private)
    saves(f"{_PACKAGE}.openssl.{_module}.{_name}PublicKey")(_public)


@saves(x509.Certificate)
def _(found: x509.Certificate) -> Any:
    return certificate, (found.public_bytes(serialization.Encoding.DER),)
