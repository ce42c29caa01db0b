"""Recipe to bytes and back: one module a kind.

A kind that snapshots are written in has two functions::

    write(header: Header, recipe: Recipe, distributions: dict[str, str], sign: Signer | None = None) -> Iterable[Buffer]
    read(data: memoryview, steps: int = ...) -> Document

`write` is deterministic; `sign` says what more stands in the trailer. `read` makes no object, imports nothing that the
data names, checks the trailer, and raises Damaged (with the offset, where there is one) for whatever isn't exactly what
`write` could have written, and CannotLoad for a recipe of more than `steps`. A kind with buffers has a third one,
`locate(head) -> Layout | None`, which tells where they stand; it also reads documents that were taken apart by that.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from appsnap.errors import Damaged, WrongKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

    from appsnap.kinds.header import Header, Signer, Trailer
    from appsnap.recipe.steps import Recipe

__all__ = ["KINDS", "Document", "Kind", "kind_named", "recognise"]

KINDS = ("pickle", "source", "msgpack", "xml")
"""The kinds that snapshots are written in. `python` is none: it is a script that makes an application."""


@dataclass(frozen=True)
class Document:
    """A document that has been opened: its header and trailer are verified. A bare pickle has neither.

    `read` gives the recipe. `edited` is true for a source file that was changed by hand since it was saved. `objects`
    makes the objects without the recipe, if the kind can do so for this document: a document that is trusted as code.
    Its argument `copy` is that of `build`. If it raises an error, the recipe tells the place.
    """

    header: Header | None
    trailer: Trailer | None
    read: Callable[[], Recipe]
    edited: bool = False
    objects: Callable[..., Any] | None = None

    @functools.cached_property
    def recipe(self) -> Recipe:
        """The recipe, which is read when it is first asked for."""
        return self.read()


class Kind(Protocol):
    """The functions of a kind's module."""

    @staticmethod
    def write(
        header: Header, recipe: Recipe, distributions: dict[str, str], sign: Signer | None = None
    ) -> Iterable[Buffer]:
        """Return the bytes of a document, in pieces."""

    @staticmethod
    def read(data: memoryview, steps: int = ...) -> Document:
        """Return the document that bytes spell, unless that has more than so many steps."""


def kind_named(name: str) -> Kind:
    """Return the module of a kind. Raises WrongKind for a name that is none."""
    if name not in KINDS:
        raise WrongKind(f"unknown kind {name!r}", hint=f"the kinds are {', '.join(KINDS)}")
    module: Kind = importlib.import_module(f"appsnap.kinds.{name}")  # type: ignore[assignment]  # a module has its functions
    return module


_FIRST_BYTES = {
    b"\x80": "pickle",
    b"# appsnap ": "source",
    b"<?xml": "xml",
    **{bytes([0x80 | count]) + b"\xa7appsnap": "msgpack" for count in range(1, 16)},
}


def recognise(head: bytes) -> str:
    """Return the kind of a document by its first 16 bytes. Raises Damaged for what is none."""
    for first, kind in _FIRST_BYTES.items():
        if head.startswith(first):
            return kind
    raise Damaged(
        "no snapshot" if head else "the file is empty",
        hint="a pickle of protocol 0 or 1 is read as kind pickle, a script that makes an application as kind python",
    )
