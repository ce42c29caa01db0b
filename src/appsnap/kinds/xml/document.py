"""An xml document: the element `snapshot`, without entities or a DTD.

Its attributes are the header. Its children are the statements, `root` and `trailer`. The checksum in the trailer covers
every byte before the line of the trailer. `docs/format.md` lists the elements.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any
from xml.sax import SAXParseException

import defusedxml

from appsnap.errors import CannotLoad, Damaged, NoMemory
from appsnap.kinds import Document, most_steps
from appsnap.kinds.expressions import Assignment, expressions, names
from appsnap.kinds.header import Header, Trailer
from appsnap.kinds.large import Body, DocumentStream
from appsnap.kinds.xml.reader import Reader
from appsnap.kinds.xml.writer import ElementWriter, attribute
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from appsnap.kinds import MostSteps
    from appsnap.kinds.header import Signer
    from appsnap.recipe.steps import Recipe

__all__ = ["read", "write"]

_TRAILER = b"<trailer "

_HEAD = 4096
"""The root element begins in as many bytes, unless the document has a long comment before it."""
_DECLARATION = re.compile(rb"""<\?xml version=["']1\.0["'](?: encoding=["'](?i:utf-8)["'])? ?\?>""")


def write(header: Header, recipe: Recipe, distributions: dict[str, str], sign: Signer | None = None) -> DocumentStream:
    """Return the document of a recipe, in pieces."""
    statements, root = expressions(recipe)
    writer = ElementWriter(names(recipe, [one.register for one in statements if isinstance(one, Assignment)]))
    attributes = "".join(attribute(key, str(value)) for key, value in header.to_dict().items())
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<snapshot{attributes}>\n'
    lines: list[str] = []
    for statement in statements:
        lines += writer.statement(statement)
    lines += ["  <root>", *writer.element(root, 2), "  </root>", ""]

    def trailer(sha256: str, _: list[str] | None) -> bytes:
        return _trailer(Trailer(sha256, steps=len(recipe.steps), distributions=distributions), sign)

    return DocumentStream(head.encode(), Body(["\n".join(lines).encode()]), trailer)


def _trailer(trailer: Trailer, sign: Signer | None) -> bytes:
    owners = "".join(
        f"    <distribution{attribute('name', name)}{attribute('version', version)}/>\n"
        for name, version in trailer.distributions.items()
    )
    fields = trailer.to_dict("xml", sign)
    if "signature" in fields:
        owners += f'    <signature key="{fields["signature"]["key"]}">{fields["signature"]["value"]}</signature>\n'
    end = f'  <trailer sha256="{trailer.sha256}" steps="{trailer.steps}"'
    end += ' vouched="false"' if fields.get("vouched") is False else ""
    end += f">\n{owners}  </trailer>\n" if owners else "/>\n"
    return f"{end}</snapshot>\n".encode()


def read(data: memoryview, most: MostSteps = LIMITS.steps) -> Document:
    """Return the document that bytes spell. Raises Damaged, CannotLoad."""
    raw = bytes(data)
    if not _DECLARATION.match(raw):
        raise Damaged("no XML declaration of a document in UTF-8")
    if b"<snapshot" not in raw[:_HEAD]:
        raise Damaged("no snapshot, but another document in XML")
    start = raw.rfind(b"\n  " + _TRAILER) + 1
    if not start or not raw.endswith(b"</snapshot>\n"):
        raise Damaged(
            "no trailer of a snapshot", offset=len(raw), hint="the file is truncated; take another copy of it"
        )
    parsed = _parsed(raw, start, most)
    if parsed is None:  # raised here, where the frames of the error don't hold the elements any more
        raise NoMemory("there is no memory for the content of the file")
    header, trailer, recipe = parsed
    digest = hashlib.sha256(raw[:start]).hexdigest()
    return Document(Header.from_dict(header, "xml"), Trailer.from_dict(trailer, "xml", digest), lambda: recipe)


def _parsed(raw: bytes, start: int, most: MostSteps) -> tuple[dict[str, Any], dict[str, Any], Recipe] | None:
    """Return the fields of header and trailer, and the recipe; None if there is no memory for them."""
    try:
        reader = Reader(most_steps(most, _trailer_before(raw, start)) if callable(most) else most)
        header, trailer = reader.read(raw)
        return header, trailer, reader.finish()
    except Damaged:
        raise
    except defusedxml.DefusedXmlException as error:
        raise Damaged(f"a snapshot has no DTD and no entities ({type(error).__name__})") from None
    except SAXParseException as error:
        if error.getMessage() == "out of memory":
            return None
        raise Damaged(f"invalid XML ({error.getMessage()}: line {error.getLineNumber()})") from None
    except RecursionError:
        raise Damaged("elements are nested too deep") from None
    except MemoryError:
        return None
    except (ValueError, TypeError, LookupError) as error:
        raise Damaged(f"an element can't be read ({error})") from None


def _trailer_before(raw: bytes, start: int) -> Trailer | None:
    """Return the trailer that begins at byte `start`, before the rest is read: it tells how much may be read.

    The elements in front of it decide whether it is the trailer of the document, and they are read after it. A trailer
    that can't be read is None: to read the document tells why.
    """
    try:
        _, fields = Reader(_MOST_IN_TRAILER).read(_EMPTY + raw[start:])
        return Trailer.from_dict(fields, "xml", hashlib.sha256(raw[:start]).hexdigest())
    except _UNREADABLE:
        return None


_UNREADABLE = (
    *(CannotLoad, SAXParseException, defusedxml.DefusedXmlException),
    *(RecursionError, ValueError, TypeError, LookupError),
)
_EMPTY = b'<snapshot appsnap="1" kind="xml">\n'
_MOST_IN_TRAILER = 100_000
"""Elements of a trailer, which has one for each distribution."""
