"""The age format, version 1."""

from __future__ import annotations

from appsnap.files.age.format import HEAD_SIZE, decrypt, encrypt, is_encrypted, is_for_passphrase
from appsnap.files.age.recipients import (
    HybridIdentity,
    HybridRecipient,
    Identity,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    Stanza,
    X25519Identity,
    X25519Recipient,
    encode_passphrase,
    parse_identities,
    parse_recipient,
)

__all__ = [
    "HEAD_SIZE",
    "HybridIdentity",
    "HybridRecipient",
    "Identity",
    "Recipient",
    "ScryptIdentity",
    "ScryptRecipient",
    "Stanza",
    "X25519Identity",
    "X25519Recipient",
    "decrypt",
    "encode_passphrase",
    "encrypt",
    "is_encrypted",
    "is_for_passphrase",
    "parse_identities",
    "parse_recipient",
]
