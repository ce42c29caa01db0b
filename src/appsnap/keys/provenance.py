"""Where a snapshot comes from, and whether that is enough to trust it as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appsnap.errors import AppsnapError

if TYPE_CHECKING:
    from appsnap.keys.keyring import Keyring

__all__ = ["Provenance", "user_keys"]


def user_keys() -> Keyring:
    """Return the keys of the user."""
    from appsnap.keys.keyring import Keyring  # noqa: PLC0415 - an unsigned snapshot needs no cryptography

    return Keyring()


@dataclass(frozen=True, slots=True)
class Provenance:
    """The facts that trust in a snapshot rests on. `str` tells them in words.

    `signer` is the key (`appsnap1…`) whose signature has been verified. `edited` is true for a source file that was
    changed by hand afterwards. `with_passphrase` is true where a passphrase opened the file. `disowned` is true where
    the writer of the file noted that its objects come from a file that wasn't trusted.
    """

    signer: str | None
    edited: bool
    with_passphrase: bool
    disowned: bool

    @property
    def is_trusted(self) -> bool:
        """Whether the snapshot is trusted as a whole: signed by a known key, or opened with a passphrase.

        Raises AppsnapError where the files of keys can't be used.
        """
        if self.disowned:
            return False
        signer = None if self.edited else self.signer
        return self.with_passphrase or (signer is not None and user_keys().knows(signer))

    def __str__(self) -> str:
        if self.disowned:
            return "unsigned, made from a file that wasn't trusted"
        known = False
        if self.signer is None:
            words = "edited since it was saved" if self.edited else "unsigned"
        else:
            who, known = _who(self.signer)
            words = f"{'edited since it was signed' if self.edited else 'signed'} by {who}"
        enough = known and not self.edited
        return f"{words}, opened with a passphrase" if self.with_passphrase and not enough else words

    def why_not_trusted(self) -> str:
        """Return why the signature isn't enough, as part of a hint, or an empty text where there never was one."""
        if self.edited:
            return f"the file was {self}; `appsnap sign FILE` signs it as it is now"
        if self.signer is None:
            return ""
        trusting = f"`appsnap keys trust {self.signer}` trusts all its files"
        return f"the file was signed by a key that isn't trusted ({trusting})"


def _who(signer: str) -> tuple[str, bool]:
    """Return in words who the signer is to the user, and whether the user trusts the signer."""
    try:
        keys = user_keys()
        if signer == keys.own():
            return "you", True
        trusted = keys.all_trusted()
    except AppsnapError as error:
        return f"{signer} ({error})", False
    if signer not in trusted:
        return f"{signer} (not trusted)", False
    return f"{signer} ({', '.join(filter(None, [trusted[signer], 'trusted']))})", True
