"""The age format, version 1."""

from __future__ import annotations

from appsnap.files.age.format import HEAD_SIZE, decrypt, encrypt, is_encrypted, is_for_passphrase
from appsnap.files.age.recipients import (
    CHEAPEST,
    WORK_FACTOR,
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
    "CHEAPEST",
    "HEAD_SIZE",
    "WORK_FACTOR",
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
