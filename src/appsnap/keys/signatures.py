"""Ed25519 signatures (RFC 8032) of snapshots.

The signed message has three lines, each with a line end: `appsnap signature 1`, the kind, and the other fields of the
trailer as JSON, in ASCII, with sorted keys and without spaces. One of the fields is the checksum of header and body, so
the signature covers the whole document. Keys are written in Bech32 (BIP 173), like age's.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appsnap.errors import AppsnapError, Damaged, PassphraseError
from appsnap.files import bech32

if TYPE_CHECKING:
    from typing import Self

__all__ = ["SigningKey", "check_key", "signer_of"]

_PREFIX = "appsnap"
_SECRET_PREFIX = "APPSNAP-SECRET-KEY-"  # noqa: S105 - only the prefix of a secret
_LABEL = "appsnap signature 1"

_SECRETS = ("APPSNAP-SECRET", "AGE-SECRET")
_SHORT, _LONGEST = 20, 100
"""Errors quote any text of up to `_SHORT` characters, and up to `_LONGEST` characters of a public key."""

_MOST = 16 << 20
"""The most characters of a signed trailer."""

_MOST_ITEMS = 200_000
"""The most items in all lists and maps of a signed trailer. Each 8 MiB of large data have one item."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 secret key of 32 bytes; `str` gives its `APPSNAP-SECRET-KEY-1…`, `repr` doesn't."""

    secret_key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key from the system's random numbers."""
        return cls(os.urandom(32))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an `APPSNAP-SECRET-KEY-1…`, or raise AppsnapError, which doesn't quote it."""
        return cls(_decoded(text, _SECRET_PREFIX))

    def __str__(self) -> str:
        return bech32.encode(_SECRET_PREFIX, self.secret_key)

    @property
    def public_key(self) -> str:
        """The public key, which others may see: `appsnap1…`."""
        return bech32.encode(_PREFIX, self._private_key().public_key().public_bytes_raw())

    def sign(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the field `signature` for the trailer of a document of this kind, which has these other fields."""
        value = self._private_key().sign(_message(kind, fields))
        return {"signature": {"key": self.public_key, "value": base64.b64encode(value).decode()}}

    def _private_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret_key)


def check_key(text: str) -> str:
    """Return a public key (`appsnap1…`) as it is. Raises AppsnapError for any other text."""
    _decoded(text, _PREFIX, _quoted(text))
    return text


def signer_of(kind: str, fields: dict[str, Any]) -> str | None:
    """Return the key that signed a trailer, or None for an unsigned one. Raises Damaged for a wrong signature."""
    others = dict(fields)
    signature = others.pop("signature", None)
    if signature is None:
        return None
    try:
        key, value = signature["key"], base64.b64decode(signature["value"], validate=True)
        Ed25519PublicKey.from_public_bytes(_decoded(key, _PREFIX)).verify(value, _message(kind, others))
    except (AppsnapError, InvalidSignature, AttributeError, KeyError, TypeError, ValueError, binascii.Error):
        raise Damaged("the signature is wrong", hint="the file was altered; take another copy of it") from None
    return str(key)


def _message(kind: str, fields: dict[str, Any]) -> bytes:
    # Checked before the fields become JSON: a small pickle can hold one list or text a million times.
    if len(fields) + sum(len(value) for value in fields.values() if type(value) in (dict, list)) > _MOST_ITEMS:
        raise ValueError(f"a trailer with more than {_MOST_ITEMS:,} items")
    texts: list[Any] = []
    for name, value in fields.items():
        parts = [*value.values()] if type(value) is dict else value if type(value) is list else [value]
        texts += [name, *value] if type(value) is dict else [name]
        texts += [part for part in parts if type(part) not in (int, bool, type(None))]
    # In JSON, a number as a key would look like its text.
    if any(type(text) is not str for text in texts):
        raise ValueError("a trailer with something that isn't plain")
    if sum(map(len, texts)) > _MOST:
        raise ValueError(f"a trailer of more than {_MOST:,} characters")
    "".join(texts).encode()  # refuses surrogates: in JSON, a pair of them looks like another character
    import json  # noqa: PLC0415 - an unsigned snapshot needs no JSON

    return f"{_LABEL}\n{kind}\n{json.dumps(fields, sort_keys=True, separators=(',', ':'))}\n".encode()


def _quoted(text: str) -> str:
    """Quote a text that should be a key, for an error. A text that may be a secret isn't quoted."""
    if text.startswith(f"{_PREFIX}1") or (len(text) <= _SHORT and not text.upper().startswith(_SECRETS)):
        return f"'{text[:_LONGEST]}'"
    return "the text"


def _decoded(text: str, prefix: str, quoted: str = "the text") -> bytes:
    try:
        return bech32.decode(text, prefix, 32)
    except PassphraseError as error:
        hint = "`appsnap keys show` prints the key of the user who runs it"
        if text.startswith("age1"):
            hint = f"an age recipient says who may read a file, not who wrote it; {hint}"
        raise AppsnapError(f"{quoted} is not a signing key: {error}", hint=hint) from None
