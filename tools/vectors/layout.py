"""What a vector is, and its file: lines of `key: value`, an empty line, the payload."""

from __future__ import annotations

import base64
import lzma
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["EXPECTATIONS", "KINDS", "Vector", "Vectors", "parse", "render"]

EXPECTATIONS = ("not trusted", "damaged", "newer format", "cannot load", "passphrase", "loads")
KINDS = ("pickle", "source", "msgpack", "xml", "any")

_COMPRESSED = 2_000
"""Bytes: a longer payload is compressed."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One file that a reader is given, and what it must do with it.

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
    """All vectors, by name."""

    def __init__(self) -> None:
        self._all: dict[str, Vector] = {}

    def __iter__(self) -> Iterator[Vector]:
        return iter(self._all.values())

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
        """Add one. Raises ValueError for a name that stands twice, and for what can't stand in a header."""
        vector = Vector(f"{kind}-{name}", kind, expect, about, payload, source, trust, passphrase, result)
        if vector.name in self._all:
            raise ValueError(f"{vector.name} stands twice")
        if expect not in EXPECTATIONS or kind not in KINDS:
            raise ValueError(f"{vector.name}: there is no {expect!r} or {kind!r}")
        if any("\n" in text or text != text.strip() for text in (about, source, passphrase, result)):
            raise ValueError(f"{vector.name}: a field with more than a line")
        self._all[vector.name] = vector


def render(vector: Vector) -> bytes:
    """Return a vector's file."""
    payload, form = vector.payload, _form(vector.payload)
    fields = {
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
        payload = "".join(f"{text[at : at + 76]}\n" for at in range(0, len(text), 76)).encode()
    return f"{head}\n".encode() + payload


def _form(payload: bytes) -> str:
    if len(payload) > _COMPRESSED:
        return "base64 xz"
    if not all(byte == 10 or 32 <= byte < 127 for byte in payload):
        return "base64"
    return "text"


def parse(name: str, data: bytes) -> Vector:
    """Return the vector of a file."""
    head, _, payload = data.partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
    form = fields.pop("payload")
    if form != "text":
        payload = base64.b64decode(payload)
    if form == "base64 xz":
        payload = lzma.decompress(payload)
    trust = tuple(fields.pop("trust", "").split())
    return Vector(name=name, payload=payload, trust=trust, **fields)
