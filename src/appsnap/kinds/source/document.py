"""The source kind: a Python module in UTF-8, of a small fixed grammar, made to be read, edited and compared.

Python can run such a file; `read` never does. It divides the text into pieces of whole statements, parses each with
`ast`, and turns the trees into steps. A statement begins in column 0, and only there. The first line says what the file
is, the last one carries the trailer; a file edited by hand has another checksum, and is read all the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from appsnap.errors import Damaged
from appsnap.gc_pause import gc_paused
from appsnap.kinds import Document
from appsnap.kinds.expressions import fold
from appsnap.kinds.header import Header, Trailer
from appsnap.kinds.source.reader import Reader, pieces
from appsnap.kinds.source.scanner import UnusualError
from appsnap.kinds.source.writer import Printer
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from appsnap.kinds.header import Signer
    from appsnap.recipe.steps import Recipe

__all__ = ["read", "write"]

_FIRST_LINE = re.compile(r"# appsnap ([0-9]{1,9}) source(?:: (\{.*\}))?\n")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?')  # one without an end takes the rest: no other is looked for in there
_MOST_NESTED = 100
_LAST_LINE = re.compile(r"# appsnap trailer: (\{.*\})\n\Z")

# By these a text can look other than it is: controls, other line ends, bidirectional marks, what isn't seen at all. Of
# the latter only those that `repr`, and so the writer, escapes.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def write(header: Header, recipe: Recipe, distributions: dict[str, str], sign: Signer | None = None) -> list[bytes]:
    """Return the text of a recipe, in UTF-8, in pieces."""
    statements, root = fold(recipe)
    printer = Printer(recipe, statements)
    body = list(printer.lines(statements, root))
    imports = printer.imports()
    about = {key: value for key, value in header.to_dict().items() if key not in ("appsnap", "kind")}
    first = f"# appsnap {header.format} source: {json.dumps(about)}\n"
    lines = [line.encode() for line in (first, "\n", *imports, "\n" if imports else "", *body, "\n")]
    trailer = Trailer(hashlib.sha256(b"".join(lines)).hexdigest(), steps=len(recipe.steps), distributions=distributions)
    return [*lines, f"# appsnap trailer: {json.dumps(trailer.to_dict('source', sign))}\n".encode()]


def read(data: memoryview, steps: int = LIMITS.steps) -> Document:
    """Return the document that a text spells. Raises Damaged, with the line, for what isn't of the grammar."""
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise Damaged(f"no valid UTF-8 ({error.reason})", offset=error.start) from None
    bad = _FORBIDDEN.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise Damaged(
            f"line {line} has the character U+{ord(bad[0]):04X}, by which a text can look other than it is",
            hint='write it as an escape, as in "\\u202e"',
        )
    header = _read_header(text)
    trailer, edited = _read_trailer(text)
    try:
        recipe = _read_statements(text, steps, fast=True)
    except (UnusualError, Damaged):
        recipe = _read_statements(text, steps, fast=False)
    return Document(header, trailer, lambda: recipe, edited=edited)


@gc_paused
def _read_statements(text: str, steps: int, *, fast: bool) -> Recipe:
    reader = Reader(steps, fast=fast)
    for start, piece in pieces(text):
        reader.read(start, piece)
    return reader.finish()


def _read_header(text: str) -> Header:
    found = _FIRST_LINE.match(text)
    if found is None:
        raise Damaged('line 1 is no header: it should begin "# appsnap 1 source"')
    return Header.from_dict({**_json(found[2] or "{}", 1), "appsnap": int(found[1]), "kind": "source"}, "source")


def _read_trailer(text: str) -> tuple[Trailer | None, bool]:
    # From its beginning: a search would try each place of a long line.
    found = _LAST_LINE.match(text, text.rfind("\n", 0, -1) + 1)
    if found is None:
        return None, True
    fields = _json(found[1], text.count("\n"))
    sha256 = hashlib.sha256(text[: found.start()].encode()).hexdigest()
    edited = fields.get("sha256") != sha256
    # Whoever signed it vouched for the checksum that stands there.
    claimed = fields["sha256"] if isinstance(fields.get("sha256"), str) else sha256
    try:
        return Trailer.from_dict(fields | {"sha256": claimed}, "source", claimed), edited
    except Damaged:
        # The trailer itself has been edited.
        fields.pop("signature", None)
        return Trailer.from_dict(fields | {"sha256": claimed}, "source", claimed), True


def _json(text: str, line: int) -> dict[str, Any]:
    bare = _STRING.sub("", text)
    if bare.count("[") + bare.count("{") > _MOST_NESTED:
        # json goes down into them on the interpreter's stack, and Python 3.13 doesn't look how much is left of it.
        raise Damaged(f"line {line} has lists or maps in more than {_MOST_NESTED} places")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"line {line} is no JSON ({error})") from None
    if not isinstance(fields, dict):
        raise Damaged(f"line {line} has no JSON object")
    return fields
