"""The layers around a document: zstd, and age around that. A file shows its layers by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appsnap.errors import PassphraseError
from appsnap.files import heads
from appsnap.files.streams import Stream
from appsnap.limits import LIMITS, limits_of
from appsnap.printable import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

    from appsnap.files.age import Identity, Recipient
    from appsnap.files.streams import Source
    from appsnap.limits import Limits

    Passphrase = str | Callable[[], str]

__all__ = ["Opening", "Unwrapped", "Wrapping", "unwrap", "wrap"]


@dataclass(frozen=True, slots=True)
class Wrapping:
    """The layers that a new file gets. The fields are the arguments of `appsnap.save`.

    `work_factor` is that of scrypt, for a passphrase. None is the usual one.
    """

    passphrase: str | None = None
    recipients: Iterable[str] = ()
    compress: bool = False
    armor: bool = False
    work_factor: int | None = None

    def __post_init__(self) -> None:
        """Raise TypeError for values of other types."""
        if not isinstance(self.passphrase, (str, bytes, type(None))):
            raise TypeError(f"passphrase is a text, not {type_of(self.passphrase)}")
        object.__setattr__(self, "recipients", _listed(self.recipients, "recipients", "age1…"))

    @property
    def encrypts(self) -> bool:
        """Whether the file gets a layer of age."""
        return self.passphrase is not None or bool(self.recipients)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a file is opened. The fields are the arguments of `appsnap.load`.

    The layers need all of them but `kind`, the kind that the document in the file has to be of.
    """

    kind: str | None = None
    passphrase: Passphrase | None = None
    identities: Iterable[str] = ()
    limits: Limits = LIMITS
    progress: Callable[[int, int], object] | None = None

    def __post_init__(self) -> None:
        """Raise TypeError for values of other types."""
        if not (isinstance(self.passphrase, (str, bytes, type(None))) or callable(self.passphrase)):
            raise TypeError(f"passphrase is a text, or a function that returns one, not {type_of(self.passphrase)}")
        object.__setattr__(self, "identities", _listed(self.identities, "identities", "AGE-SECRET-KEY-…"))
        limits_of(self.limits)


def _listed(texts: Iterable[str], name: str, example: str) -> list[str]:
    if isinstance(texts, (str, bytes)) or not hasattr(type(texts), "__iter__"):
        raise TypeError(f'{name} is a list of texts, as in {name}=["{example}"], not {type_of(texts)}')
    listed = [*texts]
    for text in listed:
        if not isinstance(text, str):
            raise TypeError(
                f'{name} is a list of texts, as in {name}=["{example}"], and there is {type_of(text)} in it'
            )
    return listed


def wrap(
    pieces: Iterable[Buffer], wrapping: Wrapping, room: Callable[[int], memoryview] | None = None
) -> Iterable[Buffer]:
    """Put layers around a document. `room` is an argument of `age.encrypt`. Raises PassphraseError."""
    readers: list[Recipient] = []
    if wrapping.encrypts:
        from appsnap.files import age  # noqa: PLC0415 - plain files need no cryptography

        readers += map(age.parse_recipient, wrapping.recipients)
        if wrapping.passphrase is not None:
            readers.append(age.ScryptRecipient(wrapping.passphrase, wrapping.work_factor or age.WORK_FACTOR))
    if wrapping.compress:
        from appsnap.files import zstd  # noqa: PLC0415 - as above

        pieces = zstd.compress(pieces)
    if readers:
        return age.encrypt(pieces, readers, armor=wrapping.armor, room=room)
    if wrapping.armor:
        raise PassphraseError("only an encrypted file can be armored", hint="give a passphrase or a recipient")
    return pieces


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A document whose layers are taken off while it is read. `layers` has their names, the outer one first.

    `with_passphrase` is true where a passphrase opened the file, because then its writer knew the passphrase.
    """

    source: Source
    layers: tuple[str, ...]
    with_passphrase: bool
    _sizes: list[int]  # of the file, and of its padding

    @property
    def weight(self) -> int:
        """The bytes of the file without padding. The number is known when all of the document has been read."""
        return self._sizes[0] - sum(self._sizes[1:])


def unwrap(source: Source, opening: Opening) -> Unwrapped:
    """Take off the layers. The document is known to be whole only **when all of it has been read**.

    Raises PassphraseError and Damaged, here and when the source is read.
    """
    layers = []
    sizes = [source.left]
    with_passphrase = False
    passphrase = opening.passphrase
    keys: list[Identity] = []
    is_encrypted = heads.is_encrypted(bytes(source.peek(heads.HEAD_SIZE)))
    if is_encrypted or opening.identities:
        from appsnap.files import age  # noqa: PLC0415 - plain files need no cryptography

        keys += (key for text in opening.identities for key in age.parse_identities(text))
    if is_encrypted:
        layers.append("age")
        if passphrase is not None:
            keys.append(age.ScryptIdentity(passphrase, opening.limits.work_factor))
        left = source.left
        decrypted = age.decrypt(source.pieces(), keys)
        # Only the key that decrypts these bytes tells who may have written them. The header of another read may differ.
        with_passphrase = isinstance(decrypted.identity, age.ScryptIdentity)
        source = Stream(decrypted, left)
    if not layers and (keys or not (passphrase is None or callable(passphrase))):
        raise PassphraseError(
            "a passphrase or identity was given, but the file isn't encrypted",
            hint="somebody may have put a plain file in its place; leave the passphrase out to load it all the same",
        )
    if heads.is_compressed(bytes(source.peek(heads.HEAD_SIZE))):
        from appsnap.files import zstd  # noqa: PLC0415 - as above

        layers.append("zstd")
        limit = zstd.limit_of(source.left, opening.limits.expansion)
        source = Stream(zstd.decompress(source.pieces(), limit=limit, padding=sizes.append), limit.size)
    return Unwrapped(source, tuple(layers), with_passphrase, sizes)
