"""What a file may refer to once more: what isn't written in full at each place."""

from __future__ import annotations

from typing import Any

from appsnap.recipe.steps import INLINE

__all__ = ["check_again"]


def check_again(item: Any) -> None:
    """Raise ValueError for a long integer: of no other atom is each use shown and written in full, however long it is.

    Writers never refer to integers.
    """
    if type(item) is int and item.bit_length() > 8 * INLINE:
        raise ValueError("a long integer that is used once more")
