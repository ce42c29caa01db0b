"""The layers around a document: zstd, and age around that. They are put on, recognised by their first bytes, taken off.

Twisted's old encryption has no first bytes: it is only taken off, and only where that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appsnap import twisted as legacy
from appsnap.errors import CannotLoad, Damaged, PassphraseError, WrongKind
from appsnap.files import age, zstd
from appsnap.files.streams import Memory, Stream
from appsnap.kinds import pickle, recognise

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

    from appsnap.files.streams import Source
    from appsnap.limits import Limits

    Passphrase = str | Callable[[], str]

__all__ = ["Unwrapped", "unwrap", "unwrap_legacy", "wrap"]


def wrap(
    pieces: Iterable[Buffer], *, passphrase: str | None, recipients: Iterable[str], compress: bool, armor: bool
) -> Iterable[Buffer]:
    """Put the layers around a document that these arguments of `save` ask for. Raises PassphraseError."""
    readers: list[age.Recipient] = [age.parse_recipient(text) for text in recipients]
    if passphrase is not None:
        readers.append(age.ScryptRecipient(passphrase))
    if compress:
        pieces = zstd.compress(pieces)
    if readers:
        return age.encrypt(pieces, readers, armor=armor)
    if armor:
        raise PassphraseError("only an encrypted file can be armored", hint="give a passphrase or a recipient")
    return pieces


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A document whose layers come off while it is read. `layers` has their names, from outside to inside.

    `with_passphrase` is true where a passphrase opened it, so that whoever wrote it knew that.
    """

    source: Source
    layers: tuple[str, ...]
    with_passphrase: bool


def unwrap(
    source: Source,
    path: str | os.PathLike[str] | None,
    *,
    passphrase: Passphrase | None,
    identities: Iterable[str],
    limits: Limits,
) -> Unwrapped:
    """Take off the layers. What comes out of them is known to be whole only **when all of it has been read**.

    Raises PassphraseError, Damaged, here and when the source is read, and CannotLoad for what by its name and size is
    in Twisted's old encryption.
    """
    layers = []
    with_passphrase = False
    keys: list[age.Identity] = [key for text in identities for key in age.parse_identities(text)]
    if age.is_encrypted(bytes(source.peek(age.HEAD_SIZE))):
        layers.append("age")
        with_passphrase = age.is_for_passphrase(source.peek(_AGE_HEADER))
        if passphrase is not None and (with_passphrase or isinstance(passphrase, str)):
            text = passphrase if isinstance(passphrase, str) else passphrase()
            keys.append(age.ScryptIdentity(text, limits.work_factor))
        left = source.left
        source = Stream(age.decrypt(source.pieces(), keys), left)
    elif _is_named_legacy(path) and legacy.has_its_size(source.left):
        source = Memory(source.rest())
        if not _is_plain(source.peek(source.left)):
            raise CannotLoad(
                f"{path} looks like Twisted's old encryption (AES-ECB, no salt, no authentication), "
                "which is read only to be converted",
                hint="convert it with `appsnap convert --legacy-etap OLD NEW`",
            )
    if not layers and (keys or not (passphrase is None or callable(passphrase))):
        raise PassphraseError(
            "a passphrase or identity was given, but the file isn't encrypted",
            hint="somebody may have put a plain file in its place; leave the passphrase out to load it all the same",
        )
    if zstd.is_compressed(bytes(source.peek(zstd.HEAD_SIZE))):
        layers.append("zstd")
        limit = zstd.limit_of(source.left, limits.expansion)
        source = Stream(zstd.decompress(source.pieces(), limit=limit), limit.size)
    return Unwrapped(source, tuple(layers), with_passphrase)


_AGE_HEADER = 3 << 20
"""Bytes in which a header of age ends, armored or not: it has at most 2 MiB."""


def unwrap_legacy(data: memoryview, passphrase: Passphrase) -> Unwrapped:
    """Take off Twisted's old encryption. Its passphrase vouches for nothing.

    Nothing but that a pickle comes out says whether the passphrase is right, and whether somebody changed the file.
    Raises PassphraseError where none comes out, WrongKind for a file that isn't encrypted, or not by Twisted, and
    CannotLoad for Twisted's source kind.
    """
    if age.is_encrypted(bytes(data[: age.HEAD_SIZE])):
        raise WrongKind("the file is encrypted with age, not by Twisted", hint="leave --legacy-etap out")
    if _is_plain(data):
        raise WrongKind("the file isn't encrypted", hint="leave --legacy-etap out")
    if not legacy.has_its_size(len(data)):
        raise WrongKind(
            f"the file isn't one of Twisted's: their size is a multiple of {legacy.BLOCK} bytes, not {len(data)}"
        )
    content = legacy.decrypt(data, passphrase if isinstance(passphrase, str) else passphrase())
    if legacy.is_source(content):
        raise CannotLoad(
            "what comes out is Twisted's source kind, a program, which appsnap doesn't read",
            hint="load it with the Twisted that wrote it, save it as a pickle there, and convert that",
        )
    if not _seems_pickle(memoryview(content)):
        raise PassphraseError(
            "no pickle comes out: the passphrase is wrong, or the file is damaged or none of Twisted's"
        )
    return Unwrapped(Memory(content), ("legacy",), with_passphrase=False)


def _is_named_legacy(path: str | os.PathLike[str] | None) -> bool:
    """Tell whether Twisted would have encrypted a file of this name: what it encrypts has no first bytes of its own."""
    return path is not None and Path(path).suffix.lower() in (".etap", ".etas")


def _is_plain(data: memoryview) -> bool:
    """Tell whether data isn't encrypted: it begins as a snapshot does, or is a pickle, whole or not.

    What is encrypted begins with pickle's first byte once in 256 files, and pickles of the protocols 0 and 1 have none.
    """
    head = bytes(data[:16])
    if zstd.is_compressed(head) or pickle.has_header(data):
        return True
    try:
        if recognise(head) != "pickle":
            return True
    except Damaged:
        pass
    return _seems_pickle(data)


def _seems_pickle(data: memoryview) -> bool:
    """Tell whether data is a pickle, or begins and ends as one: what is decrypted with a wrong key doesn't."""
    try:
        _ = pickle.read(data).recipe
    except CannotLoad as error:
        begins = not isinstance(error, Damaged) or (error.offset or 0) >= legacy.BLOCK
        return begins and bytes(data[-1:]) == b"."
    return True
