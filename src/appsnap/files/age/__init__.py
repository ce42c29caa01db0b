"""The age format, version 1."""

from __future__ import annotations

from appsnap.files.age.format import (
    HEAD_SIZE,
    HybridIdentity,
    HybridRecipient,
    Identity,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    Stanza,
    X25519Identity,
    X25519Recipient,
    decrypt,
    encrypt,
    is_encrypted,
    is_for_passphrase,
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
    "encrypt",
    "is_encrypted",
    "is_for_passphrase",
    "parse_identities",
    "parse_recipient",
]
