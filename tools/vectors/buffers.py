"""Vectors of buffers: tables that lie, and data that isn't where they say."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any

import msgpack

from vectors.spelling import HEAD, pack, pickle_plain

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

SIZE = 65_536
DATA = bytes(SIZE)
BYTES, BYTEARRAY, TEXT = b"\x8e", b"\x96", b"\x8d"

Span = tuple[int, int, int]
"""Offset, size, and type: 0 for bytes, 1 for a bytearray."""


def add(vectors: Vectors) -> None:
    """Add them."""
    for kind in ("pickle", "msgpack"):
        _tables(vectors, kind)
        _sums(vectors, kind)
    _opcodes(vectors)
    _numbers(vectors)


def _document(kind: str, body: bytes, spans: list[Span], *, size: int = -1, tail: Any = None, **head: Any) -> bytes:
    """Return a document whose table has these buffers; `head` and `tail` change what stands in header and trailer.

    `body` is all between these, `size` is what the header calls that. The checksums are right, for what is there.
    """
    packed = pack if kind == "msgpack" else pickle_plain
    fields: dict[str, Any] = {"appsnap": 1, "kind": kind, **HEAD, "size": len(body) if size < 0 else size}
    fields |= {"buffers": [number for span in spans for number in span], "padding": "", **head}
    while len(packed(fields)) % 64:
        fields["padding"] += " "
    rest = bytearray(body)
    for offset, length, _ in reversed(spans):
        del rest[max(offset, 0) : max(offset + length, 0)]
    buffers = [body[offset : offset + length] for offset, length, _ in spans]
    trailer = {"sha256": hashlib.sha256(packed(fields) + rest).hexdigest(), "buffers": [*map(_sum, buffers)]}
    return packed(fields) + body + packed({**trailer, "distributions": {}, **(tail or {})})


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _pickled(*opcodes: bytes, data: bytes = DATA, end: bytes = b"0K\x05.") -> tuple[bytes, list[Span]]:
    """Return a pickle of five, before which stand buffers that nothing refers to; and these."""
    body = bytearray(b"\x80\x05")
    spans = []
    for opcode in opcodes:
        head = opcode + struct.pack("<Q", len(data))
        gap = -(len(body) + len(head)) % 64
        gap += 64 * (gap in {1, 2})
        body += (b"C" + bytes([gap - 3]) + bytes(gap - 3) + b"0" if gap else b"") + head
        spans.append((len(body), len(data), int(opcode == BYTEARRAY)))
        body += data + (b"0" if opcode != opcodes[-1] else b"")
    return bytes(body) + end, spans


def _steps(*steps: Any, types: tuple[int, ...] = (1,), gap: bytes = b"") -> tuple[bytes, int, list[Span]]:
    """Return a body of msgpack with buffers behind it, the size of the body alone, and the buffers."""
    body = bytearray(pack([*steps, [5]]))
    size = len(body)
    spans = []
    for number in types:
        body += gap or bytes(-len(body) % 64)
        spans.append((len(body), SIZE, number))
        body += DATA
    return bytes(body), size, spans


def _number(number: int) -> Any:
    return msgpack.ExtType(2, number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True))


_TWO = [2, _number(0)], [8, _number(1)]


def _good(kind: str, **more: Any) -> bytes:
    """Return a document with two buffers, changed in some way."""
    if kind == "pickle":
        body, spans = _pickled(BYTES, BYTEARRAY)
        return _document(kind, body, spans, **more)
    body, size, spans = _steps(*_TWO, types=(0, 1))
    return _document(kind, body, spans, size=size, **more)


def _tables(vectors: Vectors, kind: str) -> None:
    vectors.add("buffers", kind, "loads", _good(kind), "two buffers, where the header says", result="5")
    (first, *_), (second, *_) = _pickled(BYTES, BYTEARRAY)[1] if kind == "pickle" else _steps(*_TWO, types=(0, 1))[2]
    table = [first, SIZE, 0, second, SIZE, 1]
    changes: dict[str, tuple[Any, str]] = {
        "missing": ([], "buffers that the header doesn't have"),
        "none": (None, "a table that is none"),
        "text": ("64", "a table that is a text"),
        "map": ({"0": 64}, "a table that is a map"),
        "odd": (table[:4], "an offset without a size"),
        "one-of-two": (table[:3], "one of two buffers"),
        "floats": ([float(number) for number in table], "offsets that aren't whole"),
        "booleans": ([True, *table[1:]], "an offset that is a boolean"),
        "texts": ([str(number) for number in table], "offsets that are texts"),
        "nested": ([table], "a table in a table"),
        "pairs": ([first, SIZE, second, SIZE], "offsets and sizes without types"),
        "type-missing": (table[:5], "a buffer without a type"),
        "type-other": ([*table[:5], 0], "a bytearray whose type is that of a byte string"),
        "type-unknown": ([*table[:5], 2], "a type that is neither"),
        "type-huge": ([*table[:5], 1 << 61], "a type that is a large number"),
        "type-negative": ([*table[:5], -1], "a type below zero"),
        "type-boolean": ([*table[:5], True], "a type that is a boolean"),
        "negative-offset": ([-64, SIZE, 0, second, SIZE, 1], "a buffer in the header"),
        "negative-size": ([first, -SIZE, 0, second, SIZE, 1], "a buffer of less than nothing"),
        "empty": ([first, 0, 0, second, SIZE, 1], "a buffer of nothing"),
        "small": ([first, SIZE - 1, 0, second, SIZE, 1], "a buffer that is too small to be one"),
        "misaligned": ([first + 1, SIZE, 0, second, SIZE, 1], "a buffer that isn't at a multiple of 64 bytes"),
        "at-32": ([first + 32, SIZE, 0, second, SIZE, 1], "a buffer at a multiple of 32 bytes"),
        "unsorted": ([second, SIZE, 0, first, SIZE, 1], "the second buffer before the first"),
        "twice": ([first, SIZE, 0, first, SIZE, 1], "one buffer twice"),
        "overlapping": ([first, second - first + 64, 0, second, SIZE, 1], "two buffers that have bytes in common"),
        "large": ([first, SIZE, 0, second, 1 << 40, 1], "a buffer of a terabyte, of which 64 KiB are there"),
        "huge": ([first, SIZE, 0, second, (1 << 63) - 64, 1], "a buffer of more than any memory"),
        "far": ([first, SIZE, 0, 1 << 40, SIZE, 1], "a buffer a terabyte behind the end"),
        "beyond": ([first, SIZE, 0, second + SIZE + 64, SIZE, 1], "a buffer behind the end"),
        "in-trailer": ([first, SIZE, 0, second, SIZE + 64, 1], "a buffer that goes on in the trailer"),
        "many": ([first, SIZE, 0] * 131_073, "more buffers than a document may have"),
        "late": ([first + 64, SIZE, 0, second, SIZE, 1], "a buffer 64 bytes behind where it is"),
        "early": ([first, SIZE - 64, 0, second, SIZE, 1], "a buffer that ends 64 bytes before its end"),
    }
    for name, (value, about) in changes.items():
        vectors.add(f"buffers-table-{name}", kind, "damaged", _good(kind, buffers=value), about)
    tiny = _document("pickle", b"\x80\x05K\x05.", []) if kind == "pickle" else _document("msgpack", pack([[5]]), [])
    vectors.add("buffers-of-none", kind, "loads", tiny, "an empty table", result="5")
    body = b"\x80\x05K\x05." if kind == "pickle" else pack([[5]])
    small = _document(kind, body, [], buffers=[64, SIZE, 1])
    vectors.add("buffers-in-little", kind, "damaged", small, "a buffer that is larger than the file")


def _sums(vectors: Vectors, kind: str) -> None:
    right = _sum(DATA)
    for name, sums, about in (
        ("none", None, "none"),
        ("empty", [], "an empty list"),
        ("one", [right], "one for two buffers"),
        ("three", [right] * 3, "three for two buffers"),
        ("wrong", [right, _sum(b"")], "one that is wrong"),
        ("upper", [right, right.upper()], "one in capitals"),
        ("numbers", [1, 2], "numbers"),
        ("text", right * 2, "one text"),
        ("map", {right: right}, "a map"),
        ("bytes", [bytes.fromhex(right)] * 2, "bytes"),
    ):
        payload = _good(kind, tail={"buffers": sums})
        vectors.add(f"buffers-sums-{name}", kind, "damaged", payload, f"checksums of two buffers: {about}")
    altered = bytearray(_good(kind))
    altered[1_000] ^= 1
    vectors.add("buffers-altered", kind, "damaged", bytes(altered), "an altered bit in a buffer")
    vectors.add("buffers-cut", kind, "damaged", _good(kind)[: SIZE + 1000], "a document that ends in its second buffer")
    vectors.add("buffers-followed", kind, "damaged", _good(kind) + b"\0", "a byte behind the trailer")
    stranger = _good(kind, tail={"sha256": _sum(_good(kind))})
    vectors.add("buffers-sum-of-all", kind, "damaged", stranger, "a checksum of the buffers as well")


def _opcodes(vectors: Vectors) -> None:
    """Add buffers of pickles where no opcode, or no such opcode, holds them."""

    def add(name: str, expect: str, body: bytes, spans: list[Span], about: str, **more: Any) -> None:
        result = "5" if expect == "loads" else ""
        vectors.add(f"buffers-{name}", "pickle", expect, _document("pickle", body, spans, **more), about, result=result)

    body, spans = _pickled(BYTES)
    ((offset, *_),) = spans
    add("in-text", "damaged", *_pickled(TEXT), "a buffer in a text")
    add(
        "four-bytes",
        "damaged",
        body[: offset - 9] + b"NNNNB" + struct.pack("<I", SIZE) + body[offset:],
        spans,
        "a buffer behind an opcode with four bytes of length",
    )
    add("other-length", "damaged", body[: offset - 8] + struct.pack("<Q", SIZE + 1) + body[offset:], spans, "a buffer behind an opcode with another length")
    add("long-length", "damaged", body[: offset - 8] + struct.pack("<Q", 1 << 63) + body[offset:], spans, "a buffer behind an opcode with a huge length")
    wrapped = b"\x80\x05\x8d" + struct.pack("<Q", offset + SIZE - 11) + body[11 : offset + SIZE] + b"0K\x05."
    add("bait", "damaged", wrapped, spans, "a text in which stand the opcode, the length, and the data of a buffer")
    behind = b"\x80\x05K\x05." + body[5:]
    add("behind-stop", "damaged", behind, spans, "a buffer behind the end of the pickle")
    framed = b"\x80\x05\x95" + struct.pack("<Q", len(body) - 11) + b"C" + bytes([offset - 9 - 14]) + bytes(offset - 9 - 14) + b"0" + body[offset - 9 :]
    add("in-frame", "damaged", framed, spans, "a buffer within a frame")
    out_of_band = body[: offset - 9] + b"NNNNNNNN\x97" + body[offset:]
    add("out-of-band", "damaged", out_of_band, spans, "a buffer behind the opcode of one out of band")
    close = _pickled(BYTES, data=bytes(SIZE + 64))[0]
    add("close", "damaged", close, [(offset, SIZE, 0), (offset + SIZE, SIZE, 0)], "two buffers without an opcode between")
    add("only-one-marked", "loads", _pickled(BYTES, BYTES)[0], spans, "a byte string that could be a buffer, and isn't one")
    gap = -(2 + 11 + 3 + 9) % 64
    called = b"\x80\x05cos\nsystem\nC" + bytes([gap]) + bytes(gap) + b"0\x8e" + struct.pack("<Q", SIZE) + DATA + b"\x85R."
    vectors.add("buffers-call", "pickle", "not trusted", _document("pickle", called, [(64, SIZE, 0)]), "a call with a buffer")


def _numbers(vectors: Vectors) -> None:
    """Add steps of msgpack that have other buffers than they may."""

    def add(name: str, steps: list[Any], about: str, *, types: tuple[int, ...] = (1,), gap: bytes = b"", **head: Any) -> None:
        body, size, spans = _steps(*steps, types=types, gap=gap)
        vectors.add(f"buffers-{name}", "msgpack", "damaged", _document("msgpack", body, spans, size=size, **head), about)

    one = [8, _number(0)]
    add("number-twice", [one, one], "one buffer for two steps")
    add("number-unused", [one], "a buffer that no step has", types=(1, 1))
    add("number-none", [], "a buffer, and no step")
    add("number-beyond", [one, [8, _number(1)]], "a number that no buffer has")
    add("number-negative", [[8, _number(-1)]], "a number below zero")
    add("number-large", [[8, _number(1 << 64)]], "a number of more than 64 bits")
    add("number-bare", [[8, 0]], "a number that is no extension")
    add("number-item", [one, [4, _number(0)]], "a number as an item of a list")
    add("number-name", [one, [1, "os", _number(0)]], "a number as a name")
    add("number-code", [[_number(8), _number(0)]], "a number as that of a step")
    add("number-more", [[8, _number(0), _number(0)]], "a step with two numbers")
    add("type-value", [[2, _number(0)]], "a bytearray for a step of a byte string")
    add("type-bytearray", [one], "a byte string for a step of a bytearray", types=(0,))
    add("gap-filled", [one], "something between the body and a buffer", gap=b"x" * (64 - len(pack([one, [5]]))))
    add("gap-wide", [one], "a gap of more than 63 bytes", gap=bytes(128 - len(pack([one, [5]]))))
    body, size, _ = _steps(one)
    inside = pack([[2, b"a" * (SIZE + 200)], one, [5]])
    vectors.add("buffers-in-body", "msgpack", "damaged", _document("msgpack", inside, [(64, SIZE, 1)], size=len(inside)), "a buffer within the body")
    without = _document("msgpack", body[:size], [])
    vectors.add("buffers-number-without", "msgpack", "damaged", without, "a number where there are no buffers")
