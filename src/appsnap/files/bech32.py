"""Bech32 (BIP 173): text with a prefix and a checksum, in which age writes recipients and identities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appsnap.errors import PassphraseError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["decode", "encode"]

# BIP 173, section "Bech32".
_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_SIZE = 6


def encode(prefix: str, data: bytes) -> str:
    """Encode bytes behind a prefix. The letters are upper or lower case, like the prefix."""
    padding = -len(data) * 8 % 5
    number = int.from_bytes(data) << padding
    values = [number >> shift & 31 for shift in reversed(range(0, len(data) * 8 + padding, 5))]
    checksum = _checksum(prefix, [*values, *bytes(_CHECKSUM_SIZE)]) ^ 1
    values += [checksum >> shift & 31 for shift in reversed(range(0, 30, 5))]
    text = prefix.lower() + "1" + "".join([_CHARACTERS[value] for value in values])
    return text if prefix.islower() else text.upper()


def decode(text: str, prefix: str, size: int) -> bytes:
    """Decode exactly `size` bytes behind a prefix, in the case of the prefix, without the length limit of BIP 173.

    Raises `PassphraseError`. It never quotes the text, which may be a secret even where a public key is wanted.
    """
    found, _, rest = text.rpartition("1")
    if found != prefix or not text.isascii() or text not in {text.lower(), text.upper()}:
        raise PassphraseError(f"not of the form {prefix}1…", hint="the program age-keygen makes such keys")
    padding = -8 * size % 5
    count = (8 * size + padding) // 5 + _CHECKSUM_SIZE
    if len(rest) != count:
        # Checked before anything is computed: a stranger's text may have millions of characters.
        raise PassphraseError(
            f"mistyped {prefix}1…: it has {len(text):,} characters, not {len(prefix) + 1 + count:,}",
            hint="copy it again, as a whole",
        )
    values = [_CHARACTERS.find(character) for character in rest.lower()]
    if min(values) < 0 or _checksum(prefix, values) != 1:
        raise PassphraseError(f"mistyped {prefix}1…: its checksum is wrong", hint="copy it again, as a whole")
    number = 0
    for value in values[:-_CHECKSUM_SIZE]:
        number = number << 5 | value
    if number & ((1 << padding) - 1):
        raise PassphraseError(f"malformed {prefix}1…: bits are left over behind its {size} bytes")
    return (number >> padding).to_bytes(size)


def _checksum(prefix: str, values: Iterable[int]) -> int:
    """Return the checksum of BIP 173, section "Checksum", which is 1 for a valid text."""
    letters = prefix.lower().encode()
    checksum = 1
    for value in (*[letter >> 5 for letter in letters], 0, *[letter & 31 for letter in letters], *values):
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                checksum ^= generator
    return checksum
