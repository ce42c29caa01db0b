"""A source document: a header line, statements, a trailer line.

Python can run such a file; `read` never does. A file edited by hand has another checksum than its trailer says, and is
read all the same.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

from appsnap.errors import Damaged, NotInGrammar
from appsnap.kinds import Document, most_steps
from appsnap.kinds.expressions import expressions
from appsnap.kinds.header import Header, Trailer
from appsnap.kinds.large import Body, DocumentStream
from appsnap.kinds.source import twisted
from appsnap.kinds.source.reader import read_statements
from appsnap.kinds.source.tokens import FORBIDDEN
from appsnap.kinds.source.writer import SourceWriter
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from appsnap.kinds import MostSteps
    from appsnap.kinds.header import Signer
    from appsnap.recipe.steps import Recipe

__all__ = ["read", "signed", "write"]

_FIRST_LINE = re.compile(r"# appsnap ([0-9]{1,9}) source(?:: (\{.*\}))?\n")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?')  # a text without an end takes the rest: the search stays linear
_BEGINS_TEXT = re.compile("[bBrRuU]{0,2}[\"']")
_STATEMENT = re.compile(r"\n(?=[A-Za-z_])")
_MOST_NESTED = 100
_EDITABLE = 1_000_000
"""Characters of a text that is kept to tell lines in later errors. Nobody edits a longer one by hand."""

_LAST_LINE = re.compile(r"# appsnap trailer: (\{.*\})\n\Z")


def write(header: Header, recipe: Recipe, distributions: dict[str, str], sign: Signer | None = None) -> DocumentStream:
    """Return the text of a recipe, in UTF-8, in pieces."""
    statements, root = expressions(recipe)
    printer = SourceWriter(recipe, statements)
    body = list(printer.lines(statements, root))
    imports = printer.imports()
    about = {key: value for key, value in header.to_dict().items() if key not in ("appsnap", "kind")}
    first = f"# appsnap {header.format} source: {json.dumps(about)}\n"
    lines = ["\n", *imports, "\n" if imports else "", *body, "\n"]

    def trailer(sha256: str, _: list[str] | None) -> bytes:
        fields = Trailer(sha256, steps=len(recipe.steps), distributions=distributions).to_dict("source", sign)
        return f"# appsnap trailer: {json.dumps(fields)}\n".encode()

    return DocumentStream(first.encode(), Body(map(str.encode, lines)), trailer)


def signed(data: bytes, steps: int, distributions: dict[str, str], sign: Signer) -> bytes:
    """Return a text with a trailer for it as it is now, in the place of the trailer that it has, if any."""
    begin = data.rfind(b"\n", 0, -1) + 1
    body = data[:begin] if data.startswith(b"# appsnap trailer: ", begin) else data + b"\n\n"[data.endswith(b"\n") :]
    trailer = Trailer(hashlib.sha256(body).hexdigest(), steps=steps, distributions=distributions)
    return body + f"# appsnap trailer: {json.dumps(trailer.to_dict('source', sign))}\n".encode()


def read(data: memoryview, most: MostSteps = LIMITS.steps) -> Document:
    """Return the document that a text spells. Raises Damaged, and NotInGrammar with the place."""
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as error:
        before = bytes(data[: error.start]).count(b"\n")
        hint = "a source file is in UTF-8: save it as that, or take another copy if nobody edited it"
        raise Damaged(f"line {before + 1}: invalid UTF-8 ({error.reason})", offset=error.start, hint=hint) from None
    bad = FORBIDDEN.search(text)
    if bad:
        raise _refused(text, bad.start())
    if data[:16].tobytes().startswith(twisted.FIRST_BYTES):
        return Document(None, None, lambda: twisted.read_assignment(text, most_steps(most, None)), edited=False)
    header, start = _read_header(text)
    trailer, stop, edited = _read_trailer(text)
    begins: list[int] = []
    try:
        recipe = read_statements(text, start, stop, most_steps(most, trailer, edited=edited), begins)
    except NotInGrammar as error:
        rest = text[error.offset :]
        if trailer is None and (not rest.strip() or ("\n" not in rest and _BEGINS_TEXT.match(rest))):
            raise Damaged(f"the file ends within a statement: {error}", hint="the file is truncated") from None
        raise
    line = functools.partial(_line, text, start, begins) if len(text) < _EDITABLE else None
    return Document(header, trailer, lambda: recipe, edited=edited, line=line)


def _line(text: str, start: int, begins: list[int], number: int) -> int:
    """Return the line on which the statement begins that has this step: only statements begin with a letter."""
    found = itertools.islice(_STATEMENT.finditer(text, start), bisect.bisect_right(begins, number) - 1, None)
    match = next(found, None)
    return text.count("\n", 0, match.end() if match else len(text)) + 1


def _refused(text: str, at: int) -> NotInGrammar:
    """Return the error for a character that may not occur."""
    if text.startswith("\r\n", at):
        why = "the line ends with CR LF, as on Windows, where a source file has LF alone"
        return NotInGrammar(why, text, at, hint="save it with the line ends of Unix, as `sed -i 's/\\r$//' FILE` does")
    code = ord(text[at])
    escape = text[at].encode("ascii", "backslashreplace").decode() if code > 255 else f"\\x{code:02x}"
    why = f"the character U+{code:04X} can make a text look other than it is"
    return NotInGrammar(why, text, at, hint=f'write it in a text as an escape, "{escape}"')


def _read_header(text: str) -> tuple[Header, int]:
    """Return the header, and where its line ends."""
    found = _FIRST_LINE.match(text)
    if found is None:
        raise Damaged('line 1 isn\'t a header: it should begin "# appsnap 1 source"')
    fields = {**_json(found[2] or "{}", 1), "appsnap": int(found[1]), "kind": "source"}
    return Header.from_dict(fields, "source"), found.end() - 1


def _read_trailer(text: str) -> tuple[Trailer | None, int, bool]:
    """Return the trailer, where its line begins, and whether the file was edited since the trailer was written."""
    # Match from the beginning of the line: a search would try each place of a long one.
    found = _LAST_LINE.match(text, text.rfind("\n", 0, -1) + 1)
    if found is None:
        return None, len(text), True
    fields = _json(found[1], text.count("\n"))
    sha256 = hashlib.sha256(text[: found.start()].encode()).hexdigest()
    edited = fields.get("sha256") != sha256
    # The signature is over the checksum in the file, be it right or wrong.
    claimed = fields["sha256"] if isinstance(fields.get("sha256"), str) else sha256
    try:
        return Trailer.from_dict(fields | {"sha256": claimed}, "source", claimed), found.start(), edited
    except Damaged:
        # The trailer itself has been edited.
        fields.pop("signature", None)
        return Trailer.from_dict(fields | {"sha256": claimed}, "source", claimed), found.start(), True


def _json(text: str, line: int) -> dict[str, Any]:
    bare = _STRING.sub("", text)
    if bare.count("[") + bare.count("{") > _MOST_NESTED:
        # json reads nested ones by recursion in C, and Python 3.13 doesn't check how much stack is left.
        raise Damaged(f"line {line} has lists or maps in more than {_MOST_NESTED} places")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"line {line} isn't JSON ({error})") from None
    if not isinstance(fields, dict):
        raise Damaged(f"line {line} has no JSON object")
    return fields
