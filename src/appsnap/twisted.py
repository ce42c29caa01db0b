"""The old encryption of Twisted's `persisted.sob`, which is none by today's measure: read here, never written.

AES-128 in ECB mode, its key the MD5 digest of the passphrase, what it encrypts padded with spaces to whole blocks. No
salt, no authentication, no first bytes to know it by.
"""

from __future__ import annotations

import hashlib
import re

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from appsnap.files.age.recipients import encode_passphrase

__all__ = ["BLOCK", "decrypt", "has_its_size", "is_source"]

BLOCK = 16
"""The size of what is encrypted at a time, in bytes."""


def has_its_size(size: int) -> bool:
    """Tell whether so many bytes are a number of whole blocks, as all that Twisted encrypted is."""
    return size > 0 and size % BLOCK == 0


def decrypt(data: memoryview, passphrase: str) -> bytes:
    """Return what was encrypted, without the up to 15 spaces behind it. A wrong passphrase gives garbage.

    `data` is whole blocks. The passphrase is encoded in UTF-8. Raises PassphraseError for one that is empty.
    """
    key = hashlib.md5(encode_passphrase(passphrase), usedforsecurity=False).digest()
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 - as it was written
    padded = decryptor.update(data) + decryptor.finalize()
    spaces = BLOCK - len(padded[-BLOCK:].rstrip(b" "))
    # A whole block of spaces is no padding.
    return padded[:-spaces] if 0 < spaces < BLOCK else padded


def is_source(content: bytes) -> bool:
    """Tell whether what was encrypted is Twisted's source kind: Python that assigns `app`."""
    if _SOURCE.match(content) is None:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# An import or a comment may have been put above it by hand.
_SOURCE = re.compile(rb"app\s*=|import\s|from\s|#")
