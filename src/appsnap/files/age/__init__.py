"""The age format, version 1 (https://age-encryption.org/v1), which the program age reads and writes too.

* The *file key* encrypts the content. It is drawn for one file.
* A *recipient* is a public key or passphrase for which a file is encrypted: it wraps the file key.
* An *identity* is the secret key or passphrase that unwraps it.
* A *stanza* is the part of a header with the file key, wrapped for one recipient.
* The *payload* is the encrypted content. *Armor* is the whole file as text.

`format` has header and payload, `recipients` the three native types of recipients, `armor` the text.
"""

from __future__ import annotations

from appsnap.files.age.format import HEAD_SIZE, Decrypted, decrypt, encrypt, is_encrypted
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
    "Decrypted",
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
    "parse_identities",
    "parse_recipient",
]
