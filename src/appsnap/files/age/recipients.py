"""Recipients and identities of age: a recipient wraps the file key in a stanza of the header, an identity unwraps it.

There are three types, the native ones of age v1 that need no hardware (https://age-encryption.org/v1, "Native recipient
types"): a passphrase (scrypt), X25519 keys, and hybrid post-quantum keys (MLKEM768-X25519). Keys are written in Bech32
(BIP 173), as the program age-keygen prints them.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from appsnap.errors import AppsnapError, Damaged, PassphraseError
from appsnap.files import bech32
from appsnap.files.age.armor import decode_base64, encode_base64
from appsnap.limits import LIMITS, over

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

__all__ = [
    "CHEAPEST",
    "FILE_KEY_SIZE",
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
    "encode_passphrase",
    "hkdf",
    "parse_identities",
    "parse_recipient",
]

FILE_KEY_SIZE = 16

WORK_FACTOR = 18
"""scrypt's work factor in new files: a second and 256 MiB of memory. The age program uses the same."""

CHEAPEST = 1  # Only for testing!

# A file key and its Poly1305 tag. A body of any other size is refused before it is decrypted. An attacker can make a
# long one that opens under many keys, and learn from the answer which of them is used (a partitioning oracle).
_BODY_SIZE = FILE_KEY_SIZE + 16

# Safe, because each key encrypts only one file key.
_ZERO_NONCE = bytes(12)

_SCRYPT_LABEL = b"age-encryption.org/v1/scrypt"
_X25519_LABEL = b"age-encryption.org/v1/X25519"
_HYBRID_LABEL = b"age-encryption.org/mlkem768x25519"

_KEYGEN_HINT = "the program age-keygen makes identities and prints their recipients"
_AGE_HINT = "the program age encrypts a finished file for them: age -R KEYS -o NEW_FILE FILE"


@dataclass(frozen=True, slots=True)
class Stanza:
    """The part of the header that wraps the file key for one recipient."""

    type: str
    arguments: tuple[str, ...]
    body: bytes

    def __bytes__(self) -> bytes:
        text = encode_base64(self.body)
        # The last line is always shorter than 64 columns, perhaps empty. So a reader finds the end.
        lines = [text[start : start + 64] for start in range(0, len(text) + 1, 64)]
        return b"\n".join([" ".join(("->", self.type, *self.arguments)).encode(), *lines, b""])


class Recipient(Protocol):
    """A public key or passphrase for which a file is encrypted."""

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap a file key of 16 bytes."""


class Identity(Protocol):
    """A secret key or passphrase that opens the files of its recipient."""

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Return the file key, or `None` where no stanza is meant for this identity.

        Raises `Damaged` for a malformed stanza of its own type.
        """


@dataclass(frozen=True, slots=True)
class ScryptRecipient:
    """A passphrase. It has to be the only recipient of its file.

    A `str` is encoded in UTF-8. `work_factor` is the binary logarithm of scrypt's N (with r = 8 and p = 1), from 1 to
    30, and is written in the file. One more doubles time and memory. Raises `PassphraseError` for an empty passphrase.
    """

    passphrase: str | bytes = field(repr=False)
    work_factor: int = WORK_FACTOR

    def __post_init__(self) -> None:
        encode_passphrase(self.passphrase)
        if not 1 <= self.work_factor <= 30:
            raise PassphraseError(f"scrypt work factor {self.work_factor} is not between 1 and 30")

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap a file key with a key that scrypt derives from the passphrase."""
        salt = os.urandom(16)
        body = _seal(_scrypt(self.passphrase, salt, self.work_factor), file_key)
        return Stanza("scrypt", (encode_base64(salt).decode(), str(self.work_factor)), body)


@dataclass(frozen=True, slots=True)
class ScryptIdentity:
    """A passphrase that opens the files of the same `ScryptRecipient`.

    `passphrase` may be a function, which is called only for a file that is encrypted with a passphrase. A file may ask
    for a work factor of at most `max_work_factor`; the age program accepts 22. Raises `PassphraseError` for an empty
    passphrase.
    """

    passphrase: str | bytes | Callable[[], str] = field(repr=False)
    max_work_factor: int = LIMITS.work_factor

    def __post_init__(self) -> None:
        if not callable(self.passphrase):
            encode_passphrase(self.passphrase)

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Unwrap the file key. Raises `CannotLoad` before any work for more than `max_work_factor`."""
        for stanza in stanzas:
            if stanza.type != "scrypt":
                continue
            salt, work_factor = _parse_stanza(stanza, arguments=2)
            if len(salt_bytes := decode_base64(salt.encode())) != 16:
                raise Damaged("malformed age header: the scrypt salt is not 16 bytes long")
            if not re.fullmatch("[1-9][0-9]*", work_factor):
                raise Damaged("malformed age header: the scrypt work factor is not a number")
            if len(work_factor) > 2 or int(work_factor) > self.max_work_factor:
                what = f"the age file asks for scrypt work factor {work_factor[:9]}"
                raise over("work_factor", self.max_work_factor, what)
            passphrase = self.passphrase() if callable(self.passphrase) else self.passphrase
            return _open(_scrypt(passphrase, salt_bytes, int(work_factor)), stanza.body)
        return None


@dataclass(frozen=True, slots=True)
class X25519Recipient:
    """An X25519 public key of 32 bytes; `str` gives its `age1…`."""

    public_key: bytes

    PREFIX: ClassVar[str] = "age"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an `age1…`, or raise `PassphraseError`."""
        return cls(bech32.decode(text, cls.PREFIX, 32))

    def __str__(self) -> str:
        return bech32.encode(self.PREFIX, self.public_key)

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap a file key. Raises `PassphraseError` for a public key of low order, whose files anybody can open."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        try:
            secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.public_key))
        except ValueError:
            raise PassphraseError(f"{self} can't be used as a recipient") from None
        key = hkdf(secret, salt=share + self.public_key, info=_X25519_LABEL)
        return Stanza("X25519", (encode_base64(share).decode(),), _seal(key, file_key))


@dataclass(frozen=True, slots=True)
class X25519Identity:
    """An X25519 secret key of 32 bytes; `str` gives its `AGE-SECRET-KEY-1…`, `repr` doesn't."""

    secret_key: bytes = field(repr=False)

    PREFIX: ClassVar[str] = "AGE-SECRET-KEY-"

    @classmethod
    def generate(cls) -> Self:
        """Return a new identity from the system's random numbers."""
        return cls(os.urandom(32))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an `AGE-SECRET-KEY-1…`, or raise `PassphraseError`, which doesn't quote it."""
        return cls(bech32.decode(text, cls.PREFIX, 32))

    def __str__(self) -> str:
        return bech32.encode(self.PREFIX, self.secret_key)

    @property
    def recipient(self) -> X25519Recipient:
        """The recipient whose files this identity opens."""
        return X25519Recipient(self._private_key().public_key().public_bytes_raw())

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Unwrap the file key from the first stanza that this identity opens."""
        public_key = self.recipient.public_key
        for stanza in stanzas:
            if stanza.type != "X25519":
                continue
            (argument,) = _parse_stanza(stanza, arguments=1)
            if len(share := decode_base64(argument.encode())) != 32:
                raise Damaged("malformed age header: an X25519 share is not 32 bytes long")
            key = hkdf(_exchange(self._private_key(), share), salt=share + public_key, info=_X25519_LABEL)
            if (file_key := _open(key, stanza.body)) is not None:
                return file_key
        return None

    def _private_key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.secret_key)


@dataclass(frozen=True, slots=True)
class HybridRecipient:
    """An MLKEM768-X25519 public key of 1,216 bytes, safe from quantum computers; `str` gives its `age1pq1…`."""

    public_key: bytes

    PREFIX: ClassVar[str] = "age1pq"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an `age1pq1…`, or raise `PassphraseError`."""
        return cls(bech32.decode(text, cls.PREFIX, 1216))

    def __str__(self) -> str:
        return bech32.encode(self.PREFIX, self.public_key)

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap a file key. Raises `PassphraseError` for bytes that are no public key."""
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(self.public_key[:1184])
            x25519 = X25519PublicKey.from_public_bytes(self.public_key[1184:])
            sealed = _hpke().encrypt(file_key, hpke.MLKEM768X25519PublicKey(mlkem, x25519), info=_HYBRID_LABEL)
        except ValueError:
            raise PassphraseError(f"{str(self)[:20]}… can't be used as a recipient") from None
        return Stanza("mlkem768x25519", (encode_base64(sealed[:-_BODY_SIZE]).decode(),), sealed[-_BODY_SIZE:])


@dataclass(frozen=True, slots=True)
class HybridIdentity:
    """The seed, 32 bytes, of an MLKEM768-X25519 secret key; `str` gives its `AGE-SECRET-KEY-PQ-1…`, `repr` doesn't."""

    seed: bytes = field(repr=False)

    PREFIX: ClassVar[str] = "AGE-SECRET-KEY-PQ-"

    @classmethod
    def generate(cls) -> Self:
        """Return a new identity from the system's random numbers."""
        return cls(os.urandom(32))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an `AGE-SECRET-KEY-PQ-1…`, or raise `PassphraseError`, which doesn't quote it."""
        return cls(bech32.decode(text, cls.PREFIX, 32))

    def __str__(self) -> str:
        return bech32.encode(self.PREFIX, self.seed)

    @property
    def recipient(self) -> HybridRecipient:
        """The recipient whose files this identity opens."""
        mlkem, x25519 = self._private_keys()
        return HybridRecipient(mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Unwrap the file key from the first stanza that this identity opens."""
        for stanza in stanzas:
            if stanza.type != "mlkem768x25519":
                continue
            (argument,) = _parse_stanza(stanza, arguments=1)
            if len(share := decode_base64(argument.encode())) != 1120:
                raise Damaged("malformed age header: an mlkem768x25519 share is not 1120 bytes long")
            mlkem, x25519 = self._private_keys()
            # Raises Damaged for a share of low order. HPKE would only say that the key is wrong.
            _exchange(x25519, share[-32:])
            try:
                private_key = hpke.MLKEM768X25519PrivateKey(mlkem, x25519)
                return _hpke().decrypt(share + stanza.body, private_key, info=_HYBRID_LABEL)
            except InvalidTag:
                continue
        return None

    def _private_keys(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        # draft-ietf-hpke-pq-03, MLKEM768-X25519: the seed is expanded to ML-KEM's seed (d and z) and X25519's scalar.
        expanded = hashlib.shake_256(self.seed).digest(64 + 32)
        return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])


def parse_recipient(text: str) -> X25519Recipient | HybridRecipient:
    """Parse a recipient as age-keygen prints it: `age1…` or `age1pq1…`.

    Raises `PassphraseError` if it is malformed, an SSH key, or the recipient of an age plugin.
    """
    text = text.strip()
    if text.startswith("age1pq1"):
        return HybridRecipient.parse(text)
    if text.startswith("ssh-") or text.rpartition("1")[0].startswith("age1"):
        raise PassphraseError("recipients for SSH keys and age plugins are not supported", hint=_AGE_HINT)
    return X25519Recipient.parse(text)


def parse_identities(text: str) -> list[X25519Identity | HybridIdentity]:
    """Parse an identity file: one `AGE-SECRET-KEY-…` a line, besides empty lines and lines that begin with `#`.

    Raises `PassphraseError` for a malformed line, and for a file without identity. It names the line but never quotes
    it.
    """
    if text.lstrip().startswith(("age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE-----")):
        raise PassphraseError("the identity file is itself encrypted", hint="decrypt it first, with: age -d")
    identities: list[X25519Identity | HybridIdentity] = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        try:
            parse = HybridIdentity.parse if word.startswith(HybridIdentity.PREFIX) else X25519Identity.parse
            identities.append(parse(word))
        except PassphraseError as error:
            raise PassphraseError(f"line {number} of the identity file: {error}", hint=error.hint) from None
    if not identities:
        raise PassphraseError("the identity file has no identity", hint=_KEYGEN_HINT)
    return identities


def hkdf(key: bytes, *, salt: bytes, info: bytes) -> bytes:
    """Derive a key of 32 bytes (HKDF-SHA-256, RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=salt, info=info).derive(key)


def encode_passphrase(passphrase: str | bytes) -> bytes:
    """Return a passphrase as bytes, in UTF-8. Raises `PassphraseError` for an empty one."""
    if not passphrase:
        raise PassphraseError("the passphrase is empty")
    if isinstance(passphrase, bytes):
        return passphrase
    try:
        # Python decodes foreign bytes in a variable of the environment to surrogates. This gives the bytes back.
        return passphrase.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise PassphraseError("the passphrase is not valid Unicode") from None


def _scrypt(passphrase: str | bytes, salt: bytes, work_factor: int) -> bytes:
    scrypt = Scrypt(salt=_SCRYPT_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1)
    try:
        return scrypt.derive(encode_passphrase(passphrase))
    except MemoryError:
        # RFC 7914, section 2: 128 * r * N bytes.
        memory = (1 << work_factor) >> 10
        raise AppsnapError(f"scrypt with work factor {work_factor} needs {memory} MiB of memory") from None


def _exchange(private_key: X25519PrivateKey, share: bytes) -> bytes:
    try:
        return private_key.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise Damaged("malformed age header: an X25519 share of low order") from None


def _hpke() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


def _seal(key: bytes, file_key: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, file_key, None)


def _open(key: bytes, body: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None


def _parse_stanza(stanza: Stanza, *, arguments: int) -> tuple[str, ...]:
    if len(stanza.arguments) != arguments:
        raise Damaged(f"malformed age header: {stanza.type} with {len(stanza.arguments)} arguments, not {arguments}")
    if len(stanza.body) != _BODY_SIZE:
        raise Damaged(f"malformed age header: the body of {stanza.type} is not {_BODY_SIZE} bytes long")
    return stanza.arguments
