"""Kinds: the ways to spell a recipe in bytes, and to read it back.

* A *kind* is a format of documents: pickle, source, msgpack or xml. Each has a package of its own here.
* A *document* is one snapshot without layers: a header, a body that spells the recipe, and a trailer.
* The *header* says who wrote the document, and when; the *trailer* has checksums and the signature.
* *Large data* are long byte strings and bytearrays. They stand in the document as they are: a file can be mapped.
* The *objects* of a document are made without a recipe, by a faster way, if the document is trusted as code.

The package of a kind has `document`, `reader` and `writer`. To read makes no object and imports nothing that a document
names. To write is deterministic.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from appsnap.errors import Damaged, WrongKind
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appsnap.kinds.header import Header, Signer, Trailer
    from appsnap.kinds.large import DocumentParts, DocumentStream, Place
    from appsnap.recipe.freeze import Notes
    from appsnap.recipe.steps import Recipe

    MostSteps = int | Callable[[Trailer | None, bool], int]
    """The most steps of a document: a number, or a function of its trailer, and whether the document was edited."""

__all__ = ["KINDS", "Document", "Format", "Kind", "MostSteps", "kind_named", "most_steps", "recognise"]

Kind = Literal["pickle", "source", "msgpack", "xml"]
"""The names of the kinds. `python` is not among them: it is a script that makes an application."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Document:
    """A document that has been opened: its header and trailer are verified. A bare pickle has neither.

    `read` gives the recipe. `edited` is true for a source file that was changed by hand since it was saved. `objects`
    makes the objects without the recipe, if the kind can do so for this document: a document that is trusted as code.
    Its argument `copy` is that of `build`. If it raises an error, the recipe tells the place. `line` returns the line
    on which the statement with the step of a number begins, in a source file that people may have edited. `unverified`
    has the registers of the data of arrays that stayed in a mapped file, each with the checksums in the trailer.
    """

    header: Header | None
    trailer: Trailer | None
    read: Callable[[], Recipe]
    edited: bool = False
    objects: Callable[..., Any] | None = None
    line: Callable[[int], int] | None = None
    unverified: Mapping[int, Sequence[str]] = field(default_factory=dict)

    @functools.cached_property
    def recipe(self) -> Recipe:
        """The recipe, which is read when it is first asked for."""
        return self.read()


def most_steps(most: MostSteps, trailer: Trailer | None, *, edited: bool = False) -> int:
    """Return the most steps of a document with this trailer."""
    return most(trailer, edited) if callable(most) else most


@dataclass(frozen=True, slots=True)
class Format:
    """The format of a kind: facts that need no import, and functions of its package, imported when one is called.

    `extension` is the extension of file names. `first_bytes` are the possible begins of documents. If `unmarked` is
    true, some documents begin otherwise. If `dated` is true, headers have a time. Three fields are capabilities. With
    `objects`, the kind can write and make objects without a recipe. With `large_data`, documents can be mapped. With
    `text`, documents are made to be edited, and can be signed as they are. With `runs`, the kind has runs of steps.
    """

    name: Kind
    extension: str
    first_bytes: tuple[bytes, ...]
    unmarked: bool = False
    dated: bool = True
    objects: bool = False
    large_data: bool = False
    text: bool = False
    runs: bool = False

    def write(
        self, header: Header, recipe: Recipe, distributions: dict[str, str], sign: Signer | None = None
    ) -> DocumentStream:
        """Return the document of a recipe, in pieces. `sign` adds the last fields of the trailer."""
        if recipe.has_runs and not self.runs:
            # Only conversions need it, so other saves don't import it.
            recipe = importlib.import_module("appsnap.recipe.ordering").in_order(recipe)
        pieces: DocumentStream = self._package().write(header, recipe, distributions, sign)
        return pieces

    def write_objects(self, header: Header, obj: Any, sign: Signer | None, notes: Notes) -> DocumentStream:
        """Return the document of objects, in pieces, if the kind has `objects`. Raises any error of a class.

        `notes` collects the facts to tell.
        """
        pieces: DocumentStream = self._package().write_objects(header, obj, sign, notes)
        return pieces

    def signed(self, data: bytes, steps: int, distributions: dict[str, str], sign: Signer) -> bytes:
        """Return a document of so many steps with a new trailer, and as it is otherwise, if the kind has `text`."""
        document: bytes = self._package().signed(data, steps, distributions, sign)
        return document

    def read(self, data: memoryview | DocumentParts, most: MostSteps = LIMITS.steps) -> Document:
        """Return the document in these bytes, of at most so many steps. A kind with large data takes parts, too.

        Raises Damaged, with the offset if it is known, for a document that `write` could not have written. Raises
        CannotLoad for a recipe of more steps.
        """
        document: Document = self._package().read(data, most)
        return document

    def locate(self, head: memoryview) -> Sequence[Place]:
        """Return the table of large data of a document that begins with `head`, if the kind has `large_data`.

        Raises Damaged if the header is not whole.
        """
        table: Sequence[Place] = self._package().locate(head)
        return table

    def _package(self) -> Any:
        return importlib.import_module(f"appsnap.kinds.{self.name}")


_FORMATS: dict[str, Format] = {
    kind.name: kind
    for kind in (
        Format("pickle", "tap", (b"\x80",), unmarked=True, objects=True, large_data=True),
        # The others are those of Twisted's source.
        Format(
            "source",
            "tas",
            (b"# appsnap ", b"app=Ref(", b"app = Ref(", b"app=Instance(", b"app = Instance("),
            dated=False,
            text=True,
        ),
        # A map of up to 15 keys, the first of which is appsnap.
        Format(
            "msgpack",
            "tam",
            tuple(bytes([0x80 | n]) + b"\xa7appsnap" for n in range(1, 16)),
            large_data=True,
            runs=True,
        ),
        Format("xml", "tax", (b"<?xml",)),
    )
}


def kind_named(name: str) -> Format:
    """Return the format of a kind. Raises WrongKind if there is none of that name."""
    if name == "python":
        raise WrongKind(
            "kind python is a script, and no snapshot",
            hint="appsnap.service.loadApplication runs it; the kinds of snapshots are " + ", ".join(KINDS),
        )
    if name not in KINDS:
        raise WrongKind(f"unknown kind {name!r:.60}", hint=f"the kinds are {', '.join(KINDS)}")
    return _FORMATS[name]


_FIRST_BYTES = [(first, kind.name) for kind in _FORMATS.values() for first in kind.first_bytes]


def recognise(head: bytes) -> Kind:
    """Return the kind of a document by its first bytes, 16 or more. Raises Damaged if they belong to no kind.

    The error names formats of other programs; the first `foreign.HEAD_SIZE` bytes tell most of them.
    """
    for first, kind in _FIRST_BYTES:
        if head.startswith(first):
            return kind
    if not head:
        raise Damaged("the file is empty", hint="its content was lost, or was never written; take another copy of it")
    from appsnap.kinds.foreign import describe  # noqa: PLC0415 - only for an error

    name, hint = describe(head)
    raise Damaged(f"no snapshot, but {name}" if name else "no snapshot", hint=hint)
