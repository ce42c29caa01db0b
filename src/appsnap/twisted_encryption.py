"""The old encryption of Twisted's `persisted.sob`: read to be converted, never written.

It is AES-128 in ECB mode. The key is the MD5 digest of the passphrase, and spaces pad the content to whole blocks.
There is no salt, no authentication, and no first byte to know it by. Anybody who can write such a file can change it
unseen.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from appsnap.errors import CannotLoad, Damaged, PassphraseError, WrongKind
from appsnap.files.heads import HEAD_SIZE, is_compressed, is_encrypted
from appsnap.kinds import kind_named, recognise
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from appsnap.files.layers import Passphrase
    from appsnap.kinds import Document, Kind
    from appsnap.limits import Limits

__all__ = ["BLOCK", "decrypt", "has_its_name", "has_its_size", "is_source", "read", "refuse"]

BLOCK = 16
"""The bytes of a block of AES. Every encrypted file is a whole number of them."""

_DROP_OPTION = "leave --legacy-etap out"


def read(data: memoryview, passphrase: Passphrase, limits: Limits) -> tuple[Kind, Document]:
    """Read the pickle or the source in the bytes of an encrypted file. Returns its kind, too.

    Only the form of a pickle shows that the passphrase is right. Raises PassphraseError where no pickle comes out,
    WrongKind for a file that isn't encrypted or not by Twisted, CannotLoad for a source of several statements, and the
    errors of reading.
    """
    if is_encrypted(bytes(data[:HEAD_SIZE])):
        raise WrongKind("the file is encrypted with age, not by Twisted", hint=_DROP_OPTION)
    if _is_plain(data):
        raise WrongKind("the file isn't encrypted", hint=_DROP_OPTION)
    if not has_its_size(len(data)):
        raise WrongKind(f"Twisted encrypted only whole blocks of {BLOCK} bytes, and this file has {len(data):,} bytes")
    text = passphrase if isinstance(passphrase, str) else passphrase()
    from appsnap.files.age import encode_passphrase  # noqa: PLC0415 - seldom needed
    from appsnap.kinds.source.twisted import FIRST_BYTES  # noqa: PLC0415 - as above

    content = decrypt(data, encode_passphrase(text))
    if content.startswith(FIRST_BYTES):
        return "source", kind_named("source").read(memoryview(content), limits.steps)
    if is_source(content):
        raise CannotLoad(
            "the decrypted file is of Twisted's source kind, with more than one statement, which appsnap doesn't read",
            hint="load it with the Twisted that wrote it, save it as a pickle there, and convert that",
        )
    document = _bare_pickle(memoryview(content), limits)
    if document is None:
        raise PassphraseError(
            "the decrypted file is no pickle: the passphrase is wrong, the file is damaged, or it isn't Twisted's"
        )
    return "pickle", document


def refuse(name: str) -> None:
    """Raise CannotLoad for a file that must be in the old encryption, by its name and size, because it isn't plain."""
    path = Path(name)
    if not (has_its_name(path) and path.is_file() and has_its_size(path.stat().st_size)):
        return
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
        if is_encrypted(head) or _is_plain(memoryview(head + file.read())):
            return
    raise CannotLoad(
        f"{name} looks like Twisted's old encryption (AES-ECB, no salt, no authentication), "
        "which is read only to be converted",
        hint="convert it with `appsnap convert --legacy-etap OLD NEW`",
    )


def has_its_name(path: Path) -> bool:
    """Tell whether Twisted gave encrypted files names like this."""
    return path.suffix.lower() in (".etap", ".etas")


def has_its_size(size: int) -> bool:
    """Tell whether a file of so many bytes may be encrypted."""
    return size > 0 and size % BLOCK == 0


def decrypt(data: memoryview, passphrase: bytes) -> bytes:
    """Return the content of an encrypted file, without the up to 15 spaces behind it. `data` is whole blocks.

    A wrong passphrase gives garbage.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - seldom needed

    key = hashlib.md5(passphrase, usedforsecurity=False).digest()
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 - as Twisted wrote it
    padded = decryptor.update(data) + decryptor.finalize()
    spaces = BLOCK - len(padded[-BLOCK:].rstrip(b" "))
    # A whole block of spaces is no padding.
    return padded[:-spaces] if 0 < spaces < BLOCK else padded


def is_source(content: bytes) -> bool:
    """Tell whether decrypted content is Twisted's source kind: Python code that assigns `app`."""
    if _SOURCE.match(content) is None:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# People may have put an import or a comment above the assignment.
_SOURCE = re.compile(rb"app\s*=|import\s|from\s|#")


def _is_plain(data: memoryview) -> bool:
    """Tell whether data begins as a snapshot does, or is a bare pickle, whole or not.

    Encrypted data begins with the first byte of a pickle once in 256 files. Pickles of protocols 0 and 1 have no first
    byte of their own.
    """
    from appsnap.kinds import pickle  # noqa: PLC0415 - few files look like this

    head = bytes(data[:16])
    if is_compressed(head) or pickle.has_header(data):
        return True
    try:
        if recognise(head) != "pickle":
            return True
    except Damaged:
        pass
    try:
        return _bare_pickle(data, LIMITS) is not None
    except CannotLoad:
        return True


def _bare_pickle(data: memoryview, limits: Limits) -> Document | None:
    """Return the document of a pickle, or None for data that doesn't begin and end as a pickle does.

    Decryption with a wrong key gives no pickle. Raises CannotLoad for data that begins and ends as a pickle, and still
    can't be read.
    """
    from appsnap.kinds import pickle  # noqa: PLC0415 - as above

    try:
        document = pickle.read(data, limits.steps)
        _ = document.recipe
    except CannotLoad as error:
        begins = not isinstance(error, Damaged) or (error.offset or 0) >= BLOCK
        if begins and bytes(data[-1:]) == b".":
            raise
        return None
    return document
