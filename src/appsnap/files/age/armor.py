"""ASCII armor for age files: strict PEM (RFC 7468, section 3, figure 3) with 64 columns and canonical base64.

A lenient reader would accept altered files with the same content. This one accepts only the freedom that
age-encryption.org/v1 permits: white space before and after the block, and LF or CRLF at the end of a line.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from appsnap.errors import Damaged
from appsnap.files.heads import ARMOR, WHITESPACE, is_armored
from appsnap.files.streams import ChunkReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

__all__ = ["armored", "decode_base64", "encode_base64", "is_armored", "unarmored"]

END = b"-----END AGE ENCRYPTED FILE-----"

# The most bytes of white space before the block, and after it. The age program has the same limit.
MAX_WHITESPACE = 1024

_COLUMNS = 64
_BYTES_PER_LINE = 48
_LINES_PER_BLOCK = 16 * 1024

_BEGIN_LINE = re.compile(rb"((?:[ \t\r\v\f]*\n)*)" + ARMOR + rb"\r?\n")
_END_LINE = re.compile(END + rb"(?:\r?\n[" + WHITESPACE + rb"]*)?")


def encode_base64(data: bytes) -> bytes:
    """Encode in base64 without padding (RFC 4648, section 4)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def decode_base64(text: bytes) -> bytes:
    """Decode base64 without padding (RFC 4648, section 4), or raise `Damaged`.

    Python's decoder skips foreign characters and ignores surplus bits in the last one, so many texts decode to the same
    bytes. Only the canonical text is accepted (section 3.5).
    """
    try:
        data = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        data = b""
    if encode_base64(data) != text:
        raise Damaged("malformed age file: its base64 is not canonical")
    return data


def armored(chunks: Iterable[Buffer]) -> Iterator[bytes]:
    """Yield a stream of bytes as an armored file."""
    reader = ChunkReader(chunks)
    yield ARMOR + b"\n"
    while block := reader.read(_BYTES_PER_LINE * _LINES_PER_BLOCK):
        starts = range(0, len(block), _BYTES_PER_LINE)
        yield b"".join([binascii.b2a_base64(block[start : start + _BYTES_PER_LINE]) for start in starts])
    yield END + b"\n"


def unarmored(chunks: Iterable[Buffer]) -> Iterator[bytes]:
    """Yield the bytes that an armored file holds.

    Raises `Damaged` for any difference from the output of `armored`, except white space at both ends, and CRLF.
    """
    reader = ChunkReader(chunks)
    begin = _BEGIN_LINE.match(reader.peek(MAX_WHITESPACE + len(ARMOR) + 2))
    if begin is None or len(begin[1]) > MAX_WHITESPACE:
        raise Damaged("malformed age armor: no proper BEGIN line")
    reader.read(begin.end())

    text = b""
    # "-" is no character of base64. It can only begin the END line.
    while (end := text.find(b"-")) < 0:
        block = reader.read((_COLUMNS + 1) * _LINES_PER_BLOCK)
        if not block:
            raise Damaged("truncated age armor: no END line")
        text += block
        if b"-" not in text:
            # The last line stays: it may be shorter than the others, but only if the END line follows.
            cut = text.rfind(b"\n", 0, -1) + 1
            yield _decode_lines(text[:cut])
            text = text[cut:]
            if len(text) > _COLUMNS + len(b"\r\n"):
                raise Damaged("malformed age armor: a line is longer than 64 columns")
    body = text[:end]
    last = body.rfind(b"\n", 0, -1) + 1
    yield _decode_lines(body[:last])
    yield _decode_last_line(body[last:])

    tail = text[end:] + reader.read(len(END) + MAX_WHITESPACE)
    if _END_LINE.fullmatch(tail) is None or len(tail) > len(END) + MAX_WHITESPACE or not reader.at_end():
        raise Damaged("malformed age armor: no proper END line, or something after it")


def _decode_lines(text: bytes) -> bytes:
    """Decode lines of exactly 64 columns each."""
    text = text.replace(b"\r\n", b"\n")
    count, rest = divmod(len(text), _COLUMNS + 1)
    if rest or text.count(b"\n") != count or text[_COLUMNS :: _COLUMNS + 1] != b"\n" * count:
        raise Damaged("malformed age armor: a line is not 64 columns long")
    return decode_base64(text.replace(b"\n", b""))


def _decode_last_line(line: bytes) -> bytes:
    """Decode the last line: up to 64 columns, with padding. Only an empty file has no last line."""
    if not line:
        return b""
    body = line.removesuffix(b"\n").removesuffix(b"\r")
    unpadded = body.rstrip(b"=")
    padded = unpadded + b"=" * (-len(unpadded) % 4)
    if not line.endswith(b"\n") or not 0 < len(body) <= _COLUMNS or body != padded:
        raise Damaged("malformed age armor: the last line is not padded base64 of up to 64 columns")
    return decode_base64(unpadded)
