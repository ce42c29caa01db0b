"""Sign a file that is there already: only its trailer is written anew."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from appsnap.errors import CannotLoad
from appsnap.files import layers
from appsnap.files.layers import Opening, Wrapping
from appsnap.files.streams import Memory, joined
from appsnap.kinds import kind_named
from appsnap.kinds.header import Header, distributions_of
from appsnap.recipe import steps
from appsnap.snapshot.saving import signer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

    from appsnap.snapshot.opened import Snapshot

__all__ = ["signed"]


def signed(snapshot: Snapshot, data: bytes, path: str = "") -> Iterable[Buffer]:
    """Return a file, in pieces, signed by the user's key. `data` are the bytes that the snapshot was opened from.

    `path` is the file, as it is typed in a command.

    A text that was made to be edited stays as it is, but for its trailer. A file of another kind is written anew from
    its steps, with its header. Raises CannotLoad for an encrypted file: nobody but its reader knows for whom it was
    encrypted.
    """
    if not {"age", "legacy"}.isdisjoint(snapshot.layers):
        raise CannotLoad(
            f"{snapshot.name} is encrypted, and only plain files are signed as they are",
            hint=f"appsnap save {shlex.quote(path or snapshot.name)} NEW_FILE --trust-everything writes it anew, "
            "signed by you",
        )
    seal = signer(sign=True, trusted_as_a_whole=True)
    assert seal is not None, "sign=True"
    recipe, trailer = snapshot.document.recipe, snapshot.document.trailer
    modules = {step.module for step in recipe.compact if isinstance(step, steps.Name)}
    known = distributions_of(modules) | (trailer.distributions if trailer else {})
    kind = kind_named(snapshot.kind)
    if kind.text:
        document = joined(layers.unwrap(Memory(data), Opening()).source.pieces())
        pieces: Iterable[Buffer] = [kind.signed(document, recipe.size, known, seal)]
    else:
        pieces = kind.write(snapshot.header or Header(snapshot.kind), recipe, known, seal)
    return layers.wrap(pieces, Wrapping(compress="zstd" in snapshot.layers))
