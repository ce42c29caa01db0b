"""The first bytes of the layers: they are recognised without an import of the layers themselves."""

from __future__ import annotations

__all__ = ["AGE", "ARMOR", "HEAD_SIZE", "WHITESPACE", "ZSTD", "is_armored", "is_compressed", "is_encrypted"]

AGE = b"age-encryption.org/"
ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"

HEAD_SIZE = 2048
"""The most bytes that these functions need."""

# RFC 7468, section 3: W = WSP / CR / LF / %x0B / %x0C.
WHITESPACE = b" \t\r\n\v\f"

# RFC 8878, section 3.1.1.
ZSTD = b"\x28\xb5\x2f\xfd"


def is_encrypted(head: bytes) -> bool:
    """Tell by its first bytes (`HEAD_SIZE` are enough) whether a file is an age file of any version, armored or not."""
    return head.startswith(AGE) or is_armored(head)


def is_armored(head: bytes) -> bool:
    """Tell by its first bytes whether a file is armored."""
    return head.lstrip(WHITESPACE).startswith(ARMOR)


def is_compressed(head: bytes) -> bool:
    """Tell by its first bytes whether a file is a zstd frame."""
    return head.startswith(ZSTD)
