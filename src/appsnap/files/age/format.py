"""The age v1 format (https://age-encryption.org/v1): files that only a passphrase or a secret key opens.

The program age reads these files, and this module reads those of the program. The payload is a sequence of chunks of
64 KiB. Each chunk is encrypted and authenticated by itself, together with its number and whether it is the last one.
Encryption and decryption both turn one stream into another, and hold only a few chunks at a time.
"""

from __future__ import annotations

import hmac
import os
import re
from dataclasses import dataclass, field
from itertools import chain, count
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from appsnap.errors import Damaged, PassphraseError
from appsnap.files.age.armor import armored, decode_base64, encode_base64, unarmored
from appsnap.files.age.recipients import (
    FILE_KEY_SIZE,
    HybridRecipient,
    Identity,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    Stanza,
    hkdf,
)
from appsnap.files.heads import AGE, HEAD_SIZE, is_armored, is_encrypted
from appsnap.files.streams import ChunkReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import Buffer

__all__ = ["HEAD_SIZE", "Decrypted", "decrypt", "encrypt", "is_encrypted"]

# Bounds for a header that isn't authenticated yet. The format has none; a hybrid stanza takes 1.6 KB.
MAX_STANZAS = 1024
MAX_HEADER_SIZE = 2 << 20

CHUNK_SIZE = 64 * 1024
_TAG_SIZE = 16
_NONCE_SIZE = 16

# The number of encrypted chunks that come out together. This saves a tenth of the time of writing to a file. Batches
# don't help decryption, and a second thread for writing doesn't help either.
_BATCH = 32

_VERSION_LINE = AGE + b"v1\n"
_STANZA = re.compile(rb"-> ([!-~]++(?: [!-~]++)*+)\n((?:[A-Za-z0-9+/]{64}\n)*+[A-Za-z0-9+/]{0,63}+)\n")
_MAC_LINE = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")

# The types that this module opens.
_NATIVE_TYPES = {"scrypt", "X25519", "mlkem768x25519"}


@dataclass(frozen=True, slots=True)
class Decrypted:
    """The content of an age file, which is read once, in pieces, and the identity that opened the file.

    `identity` unwrapped the file key that decrypts these very pieces.
    """

    identity: Identity
    pieces: Iterator[bytes] = field(repr=False)

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces


def encrypt(
    chunks: Iterable[Buffer],
    recipients: Iterable[Recipient],
    *,
    armor: bool = False,
    room: Callable[[int], memoryview] | None = None,
) -> Iterator[Buffer]:
    """Encrypt a stream of bytes, so that each of the recipients can open it.

    The pieces of the payload are the begins of memory that `room` returns for a size. Without it, they have new memory.

    The call wraps the file key. For a passphrase, scrypt takes a second for it. The stream is read while the result is
    read. Raises `PassphraseError` for no recipient, for a passphrase beside another recipient, and for post-quantum
    recipients beside others: a quantum computer could open the file through the others.
    """
    recipients = list(recipients)
    _check_recipients(recipients)
    file_key = os.urandom(FILE_KEY_SIZE)
    header = _VERSION_LINE + b"".join([bytes(recipient.wrap(file_key)) for recipient in recipients]) + b"---"
    header += b" " + encode_base64(_header_mac(file_key, header)) + b"\n"
    encrypted = chain([header], _encrypt_payload(ChunkReader(chunks), file_key, None if armor else room))
    return armored(encrypted) if armor else encrypted


def decrypt(chunks: Iterable[Buffer], identities: Iterable[Identity]) -> Decrypted:
    """Decrypt an age file, armored or not, with the first of the identities that opens it.

    The call reads the header and unwraps the file key. The payload is read while the result is read. **The output is
    known to be whole only when the iterator ends**: every piece is authentic, but the next step may raise `Damaged`,
    and then the caller has to throw all pieces away.

    Raises `PassphraseError` where the passphrase is wrong or no identity matches, and `Damaged` for a file that is
    malformed, altered, truncated or no age file at all.
    """
    identities = list(identities)
    reader = _binary(chunks)
    header, stanzas, mac = _read_header(reader)
    for identity in identities:
        file_key = identity.unwrap(stanzas)
        if file_key is not None:
            break
    else:
        raise _no_match({stanza.type for stanza in stanzas}, identities)
    if not hmac.compare_digest(mac, _header_mac(file_key, header)):
        raise Damaged("altered age header: its MAC is wrong")
    return Decrypted(identity, _decrypt_payload(reader, file_key))


def _binary(chunks: Iterable[Buffer]) -> ChunkReader:
    reader = ChunkReader(chunks)
    return ChunkReader(unarmored(reader)) if is_armored(reader.peek(HEAD_SIZE)) else reader


def _check_recipients(recipients: Sequence[Recipient]) -> None:
    if not recipients:
        raise PassphraseError("no recipient to encrypt for", hint="give a passphrase or a recipient")
    if len(recipients) > MAX_STANZAS:
        raise PassphraseError(f"more than {MAX_STANZAS} recipients")
    if len(recipients) > 1 and any(isinstance(recipient, ScryptRecipient) for recipient in recipients):
        raise PassphraseError("a passphrase must be the only recipient", hint="give either a passphrase or recipients")
    if len({isinstance(recipient, HybridRecipient) for recipient in recipients}) > 1:
        raise PassphraseError(
            "post-quantum recipients can't be mixed with others",
            hint="give only recipients that begin with age1pq1, or only others",
        )


def _no_match(types: set[str], identities: Sequence[Identity]) -> PassphraseError:
    """Return the error for a file with stanzas of these types that none of the identities opens."""
    if "scrypt" not in types:
        # A passphrase that nobody was asked for wasn't given.
        identities = [one for one in identities if not (isinstance(one, ScryptIdentity) and callable(one.passphrase))]
    with_passphrase = [isinstance(identity, ScryptIdentity) for identity in identities]
    if "scrypt" in types:
        if any(with_passphrase):
            return PassphraseError("wrong passphrase")
        given = "not for an identity" if identities else "and none was given"
        return PassphraseError(f"the file is encrypted with a passphrase, {given}", hint="give its passphrase")
    if all(with_passphrase):
        given = "not with a passphrase" if identities else "and no identity was given"
        return PassphraseError(
            f"the file is encrypted for recipients, {given}", hint="give the identity of one of them"
        )
    foreign = sorted(types - _NATIVE_TYPES)
    return PassphraseError(
        "no identity matches any of the file's recipients",
        hint=f"some recipients need the program age or a plugin: {', '.join(foreign)[:60]}" if foreign else "",
    )


def _header_mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(hkdf(file_key, salt=b"", info=b"header"), header, "sha256")


def _read_header(reader: ChunkReader) -> tuple[bytes, list[Stanza], bytes]:
    """Read the header. Returns the bytes under its MAC, its stanzas, and its MAC."""
    head = reader.peek(MAX_HEADER_SIZE)
    if not head.startswith(_VERSION_LINE):
        if head.startswith(AGE):
            raise Damaged("an age file of an unknown version", hint="versions other than v1 need the program age")
        raise Damaged("not an age file")
    position = len(_VERSION_LINE)
    stanzas: list[Stanza] = []
    while match := _STANZA.match(head, position):
        type_, *arguments = match[1].decode().split(" ")
        stanzas.append(Stanza(type_, tuple(arguments), decode_base64(match[2].replace(b"\n", b""))))
        position = match.end()
        if len(stanzas) > MAX_STANZAS:
            raise Damaged(f"malformed age header: more than {MAX_STANZAS} recipients")
    match = _MAC_LINE.match(head, position)
    if match is None or not stanzas:
        raise Damaged("malformed or truncated age header", offset=position)
    if len(stanzas) > 1 and any(stanza.type == "scrypt" for stanza in stanzas):
        raise Damaged("malformed age header: a passphrase is not the only recipient")
    reader.read(match.end())
    return head[: position + len(b"---")], stanzas, decode_base64(match[1])


def _chunk_nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _encrypt_payload(
    reader: ChunkReader, file_key: bytes, room: Callable[[int], memoryview] | None
) -> Iterator[Buffer]:
    nonce = os.urandom(_NONCE_SIZE)
    yield nonce
    cipher = ChaCha20Poly1305(hkdf(file_key, salt=nonce, info=b"payload"))
    number, last = 0, False
    while not last:
        # To fill one buffer again and again would save a twentieth of the time, but `b"".join` over the pieces would
        # get the last one many times.
        size = _BATCH * (CHUNK_SIZE + _TAG_SIZE)
        batch = memoryview(bytearray(size)) if room is None else room(size)
        end = 0
        while not last and end < len(batch):
            chunk = reader.read(CHUNK_SIZE)
            last = reader.at_end()
            start, end = end, end + len(chunk) + _TAG_SIZE
            cipher.encrypt_into(_chunk_nonce(number, last=last), chunk, None, batch[start:end])
            number += 1
        yield batch[:end]


def _decrypt_payload(reader: ChunkReader, file_key: bytes) -> Iterator[bytes]:
    nonce = bytes(reader.read(_NONCE_SIZE))
    if len(nonce) != _NONCE_SIZE:
        raise Damaged("truncated age file: it ends before its payload")
    cipher = ChaCha20Poly1305(hkdf(file_key, salt=nonce, info=b"payload"))
    for number in count():
        chunk = reader.read(CHUNK_SIZE + _TAG_SIZE)
        # Tried in this order because a full chunk is hardly ever the last one.
        for last in (False, True) if len(chunk) == CHUNK_SIZE + _TAG_SIZE else (True,):
            try:
                plain = cipher.decrypt(_chunk_nonce(number, last=last), chunk, None)
                break
            except InvalidTag:
                continue
        else:
            raise Damaged(f"altered or truncated age file: chunk {number} of its payload doesn't decrypt")
        if number and not plain:
            raise Damaged("malformed age file: its last chunk is empty")
        yield plain
        if last and not reader.at_end():
            raise Damaged("altered age file: something follows its last chunk")
        if not last and reader.at_end():
            raise Damaged("truncated age file: its last chunk is missing")
        if last:
            return
