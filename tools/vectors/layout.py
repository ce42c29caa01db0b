"""Vectors, and the files of vectors. `tests/vectors/README.md` describes their form."""

from __future__ import annotations

import base64
import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["EXPECTATIONS", "FOLDER", "KINDS", "Record", "Vector", "Vectors", "read", "render"]

FOLDER = Path(__file__).parents[2] / "tests" / "vectors"
EXPECTATIONS = ("not trusted", "damaged", "newer format", "cannot load", "passphrase", "loads")
KINDS = ("pickle", "source", "msgpack", "xml", "any")
FORMS = ("text", "base64", "base64 xz")

_SEPARATOR = b"%%"
_REQUIRED = {"name", "expect", "kind", "about", "payload"}
_KEYS = _REQUIRED | {"source", "trust", "passphrase", "result"}

_COMPRESSED = 2_000
"""Bytes: a longer payload is compressed."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A payload for a reader, and the outcome that is expected.

    `trust` has the names that the caller trusts, `passphrase` what is given for an encrypted file. `result` is the
    `repr` of what is loaded.
    """

    name: str
    kind: str
    expect: str
    about: str
    payload: bytes
    source: str = ""
    trust: tuple[str, ...] = ()
    passphrase: str = ""
    result: str = ""


class Vectors:
    """All vectors, by the name of their file. `subject` is the subject of the vectors that are added next."""

    def __init__(self) -> None:
        self.subject = ""
        self.files: dict[str, list[Vector]] = {}
        self._names: set[str] = set()

    def under(self, kind: str, prefix: str) -> Callable[..., None]:
        """Return an `add` of vectors of one kind, whose names begin with a prefix."""

        def add(name: str, expect: str, payload: bytes, about: str, **more: Any) -> None:
            self.add(f"{prefix}-{name}", kind, expect, payload, about, **more)

        return add

    def add(
        self,
        name: str,
        kind: str,
        expect: str,
        payload: bytes,
        about: str,
        *,
        source: str = "",
        trust: tuple[str, ...] = (),
        passphrase: str = "",
        result: str = "",
    ) -> None:
        """Add one. Raises ValueError for a second vector of the same name, and for a field that no header can hold."""
        vector = Vector(f"{kind}-{name}", kind, expect, about, payload, source, trust, passphrase, result)
        if vector.name in self._names:
            raise ValueError(f"{vector.name} stands twice")
        if expect not in EXPECTATIONS or kind not in KINDS:
            raise ValueError(f"{vector.name}: there is no {expect!r} or {kind!r}")
        if any("\n" in text or text != text.strip() for text in (vector.name, about, source, passphrase, result)):
            raise ValueError(f"{vector.name}: a field has spaces at an end, or more than a line")
        self._names.add(vector.name)
        self.files.setdefault(f"{kind}-{self.subject}.txt", []).append(vector)


def render(vectors: Iterable[Vector]) -> bytes:
    """Return the file of some vectors."""
    return (b"\n%s\n" % _SEPARATOR).join(map(_rendered, vectors)) + b"\n"


def _rendered(vector: Vector) -> bytes:
    payload, form = vector.payload, _form(vector.payload)
    fields = {
        "name": vector.name,
        "expect": vector.expect,
        "kind": vector.kind,
        "about": vector.about,
        "source": vector.source,
        "trust": " ".join(vector.trust),
        "passphrase": vector.passphrase,
        "result": vector.result,
        "payload": form,
    }
    head = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
    if form != "text":
        packed = lzma.compress(payload, preset=9) if form == "base64 xz" else payload
        text = base64.b64encode(packed).decode()
        payload = "\n".join(text[at : at + 76] for at in range(0, len(text), 76)).encode()
    return f"{head}\n".encode() + payload


def _form(payload: bytes) -> str:
    if len(payload) > _COMPRESSED:
        return "base64 xz"
    if not all(byte == 10 or 32 <= byte < 127 for byte in payload) or _SEPARATOR in payload.split(b"\n"):
        return "base64"
    return "text"


@dataclass(frozen=True, slots=True)
class Record:
    """A vector in a file, which may be damaged. `name` is the vector's, or file and line of a record that has none."""

    name: str
    file: str
    line: int
    text: bytes

    @property
    def fields(self) -> dict[str, str]:
        """Return the header."""
        head = self.text.partition(b"\n\n")[0].decode(errors="backslashreplace")
        return {key: value for key, _, value in (line.partition(": ") for line in head.split("\n"))}

    def vector(self) -> Vector:
        """Return the vector. Raises ValueError with file, line and name of a damaged record."""
        try:
            return self._vector()
        except (ValueError, EOFError, lzma.LZMAError) as error:
            raise ValueError(f"{self.file}:{self.line}: {self.name}: {error}") from error

    def _vector(self) -> Vector:
        fields, payload = self.fields, self.text.partition(b"\n\n")[2]
        if wrong := (_REQUIRED - fields.keys()) | (fields.keys() - _KEYS):
            raise ValueError(f"missing or unknown in the header: {', '.join(sorted(wrong))}")
        if fields["name"] != self.name:
            raise ValueError("an earlier record has the same name, or the name isn't the first line")
        form = fields.pop("payload")
        for value, known in ((fields["expect"], EXPECTATIONS), (fields["kind"], KINDS), (form, FORMS)):
            if value not in known:
                raise ValueError(f"unknown in the header: {value!r}")
        if form != "text":
            payload = base64.b64decode(payload.replace(b"\n", b""), validate=True)
        if form == "base64 xz":
            payload = lzma.decompress(payload)
        trust = tuple(fields.pop("trust", "").split())
        return Vector(payload=payload, trust=trust, **fields)


def read(pattern: str = "*.txt") -> dict[str, Record]:
    """Return the records in the folder's files, by name. Only `Record.vector` decodes a payload."""
    found: dict[str, Record] = {}
    for path in sorted(FOLDER.glob(pattern)):
        line = 1
        for text in path.read_bytes().removesuffix(b"\n").split(b"\n%s\n" % _SEPARATOR):
            key, _, name = text.partition(b"\n")[0].decode(errors="backslashreplace").partition(": ")
            if key != "name" or not name or name in found:
                name = f"{path.name}:{line}"
            found[name] = Record(name, path.name, line, text)
            line += text.count(b"\n") + 2
    return found
