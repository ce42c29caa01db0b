"""Ways to add many vectors: the same steps in several kinds, texts as bodies of documents."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from vectors.spelling import KINDS, Steps, document, spell

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PLAIN", "all_kinds", "in_document", "in_kinds", "rooted", "two_kinds"]

PLAIN = ("harmless.Plain",)
"""For `trust`: the harmless class that most vectors use."""


def in_kinds(add: Callable[..., None], choose: Callable[[str], tuple[str, ...]]) -> Callable[..., None]:
    """Return an `add` of vectors that takes steps in the place of the payload, and spells them in the chosen kinds."""

    def each(name: str, expect: str, steps: Steps, root: Any, about: str, **more: Any) -> None:
        for kind in choose(name):
            add(name, kind, expect, spell(kind, steps, root), about, **more)

    return each


def all_kinds(_name: str) -> tuple[str, ...]:
    """Return all kinds."""
    return KINDS


def two_kinds(name: str) -> tuple[str, str]:
    """Return pickle and one other kind. Enough for a check that is the same for every kind."""
    return KINDS[0], KINDS[1 + zlib.crc32(name.encode()) % 3]


def in_document(kind: str, add: Callable[..., None]) -> Callable[..., None]:
    """Return an `add` of vectors that takes the body of a document in the place of the payload."""

    def body(name: str, expect: str, text: str | bytes, about: str, **more: Any) -> None:
        add(name, expect, document(kind, text), about, **more)

    return body


def rooted(text: str) -> str:
    """Return xml's root element around a text."""
    return f"  <root>{text}</root>\n"
