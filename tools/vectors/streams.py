"""Vectors of pickles with wrong lengths, frames, protocols and numbers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from vectors.adding import PLAIN
from vectors.spelling import short

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]


def add(vectors: Vectors) -> None:
    """Add the vectors."""
    bare = vectors.under("pickle", "stream")
    _lies(bare)
    _numbers(bare)
    _atoms(bare)
    _growth(vectors)


def _lies(bare: Any) -> None:
    """Add wrong lengths, frames and ends of streams, and streams that cost much."""
    evil = b"cos\nsystem\n(S'touch stolen'\ntR."
    for name, length in [("short", 2), ("long", 1 << 40), ("largest", 2**64 - 1), ("zero", 0), ("by-one", len(evil) + 1)]:
        bare(
            f"frame-{name}", "damaged" if length > len(evil) else "not trusted", b"\x80\x04\x95" + struct.pack("<Q", length) + evil,
            f"A frame that says it has {length} bytes.", source="cpython#154848",
        )  # fmt: skip
    bare("frame-nested", "not trusted", b"\x80\x04\x95" + struct.pack("<Q", 9 + len(evil)) + b"\x95" + struct.pack("<Q", len(evil)) + evil,
         "A frame in a frame.", source="cpython#154848")  # fmt: skip
    bare("frame-in-text", "not trusted",
         b"\x80\x04\x95" + struct.pack("<Q", 4) + b"\x8c\x0cN.          0" + evil, "A frame that ends in a text.", source="cpython#154848")  # fmt: skip
    for name, opcode, size in [
        ("text", b"X", "<I"), ("text8", b"\x8d", "<Q"), ("bytes", b"B", "<I"), ("bytes8", b"\x8e", "<Q"), ("bytearray", b"\x96", "<Q"),
        ("old-text", b"T", "<i"), ("integer", b"\x8b", "<i"),
    ]:  # fmt: skip
        most = 2 ** (8 * struct.calcsize(size)) - 1 if size != "<i" else 2**31 - 1
        for length in (most, 100):
            bare(f"length-{name}-{length}", "damaged", b"\x80\x05" + opcode + struct.pack(size, length) + b"abc.",
                 f"{length} bytes are announced, 4 are there.")  # fmt: skip
    bare("length-old-text-negative", "damaged", b"T\xff\xff\xff\xffabc.", "A text of -1 bytes.")
    bare("length-integer-negative", "damaged", b"\x80\x02\x8b\xff\xff\xff\xffabc.", "An integer of -1 bytes.")
    bare("second-stream", "damaged", b"\x80\x04N." + evil, "A second pickle behind the first.")
    bare("trailing-byte", "damaged", b"\x80\x04N.\n", "A line feed behind the pickle.")
    bare("text-not-utf8", "damaged", b"\x80\x04\x8c\x02\xff\xfe.", "A text that isn't UTF-8.")
    bare("text-surrogate", "loads", b"\x80\x04\x8c\x03\xed\xa0\x80.", "A lone surrogate.", result="'\\ud800'")
    bare("text-overlong", "damaged", b"\x80\x04\x8c\x02\xc0\x80.", "A NUL in two bytes.")
    for protocol in (6, 255):
        bare(f"protocol-{protocol}", "damaged", bytes([0x80, protocol]) + b"N.", f"Protocol {protocol}, which there isn't.")
    bare("protocol-twice", "not trusted", b"\x80\x02\x80\x04" + b"cos\nsystem\n.", "PROTO twice.")
    bare("protocol-lowered", "not trusted", b"\x80\x04\x80\x02c__builtin__\neval\n.", "PROTO 2 behind PROTO 4: old names count again.")
    bare("protocol-raised", "not trusted", b"\x80\x02\x80\x04c__builtin__\neval\n.", "PROTO 4 behind PROTO 2.")
    bare("opcode-unknown", "damaged", b"\x80\x04\xff.", "An opcode that there isn't.")
    bare("opcode-nul", "damaged", b"\x00.", "A NUL.")
    bare("empty", "damaged", b"", "Nothing.")
    bare("ends-early", "damaged", b"\x80\x04]", "No STOP.")
    bare("ends-in-number", "damaged", b"J\x01", "An integer of one byte instead of four.")
    bare("ends-in-line", "damaged", b"I12", "A line without end.")
    bare("marks", "damaged", b"(" * 1_000_000 + b".", "A million marks.")
    bare("lists", "loads", b"]" * 20_000 + b"a" * 19_999 + b".", "20,000 lists in each other, in protocol 0.")
    bare("tuples", "loads", b"\x80\x02)" + b"\x85" * 20_000 + b".", "20,000 tuples in each other.")
    bare("tuple-dag", "loads", b"\x80\x02)" + b"2\x86" * 200 + b".", "A tuple of a tuple twice, 200 times.")
    bare("tuple-dag-as-key", "cannot load", b"\x80\x02})" + b"2\x86" * 60 + b"Ns.", "A tuple of a tuple twice, 60 times, as key: 130 bytes.")
    bare("dicts-as-states", "loads", b"\x80\x04" + b"charmless\nPlain\n)\x81}\x8c\x01a" * 5_000 + b"N" + b"sb" * 5_000 + b".",
         "5,000 objects, each in the state of another.", trust=PLAIN)  # fmt: skip
    big = b"\x8b" + struct.pack("<i", 200_000) + b"\x01" * 200_000
    bare("integer-shared", "damaged", b"\x80\x02" + big + b"q\x000](" + b"h\x00" * 20_000 + b"e.",
         "An integer of 1.6 million bits, 20,000 times: it may be neither shown nor written so often.")  # fmt: skip
    bare("member-name-shared", "damaged",
         b"\x80\x04X" + struct.pack("<I", 200_000) + b"a" * 200_000 + b"q\x000cbuiltins\ngetattr\nq\x010]("
         + b"h\x01]h\x00\x86R" * 5_000 + b"e.", "A method with a name of 200,000 letters, 5,000 times.")  # fmt: skip
    plain = b"\x80\x04charmless\nPlain\nq\x00"
    bare("arguments-shared", "cannot load", plain + b"0(" + b"N" * 15_000 + b"tq\x010(" + b"h\x00h\x01\x81" * 3_000 + b"t.",
         "15,000 arguments, of 3,000 objects.", trust=PLAIN)  # fmt: skip
    bare("arguments-shared-long", "cannot load", plain + b"0" + big + b"\x85q\x010(" + b"h\x00h\x01\x81" * 3_000 + b"t.",
         "An integer of 1.6 million bits, an argument of 3,000 objects.", trust=PLAIN)  # fmt: skip
    bare("frames", "loads", b"\x80\x04" + (b"\x95" + bytes(8)) * 100_000 + b"N.", "100,000 empty frames.", result="None")


def _numbers(bare: Any) -> None:
    bare("integer-digits", "damaged", b"I" + b"9" * 5000 + b"\n.", "An integer of 5,000 digits in base 10: reading it takes quadratic time.")
    bare("long-digits", "damaged", b"L" + b"9" * 5000 + b"L\n.", "A long of 5,000 digits in base 10.")
    bare("integer-binary", "loads", b"\x80\x02\x8b\x00\x10\x00\x00" + b"\x7f" * 4096 + b".", "An integer of 32,768 bits.")
    bare("integer-empty", "loads", b"\x80\x02\x8a\x00.", "An integer of no bytes.", result="0")
    bare("integer-letters", "damaged", b"Iabc\n.", "An integer of letters.")
    bare("integer-empty-line", "damaged", b"I\n.", "An integer of nothing.")
    bare("integer-underscores", "damaged", b"I1_0\n.", "An integer with an underscore, which pickle never wrote.")
    bare("integer-spaces", "damaged", b"I 1 \n.", "An integer with spaces, which pickle never wrote.")
    bare("boolean", "loads", b"I01\n.", "A boolean of protocol 0.", result="True")
    bare("float-letters", "damaged", b"Fabc\n.", "A float of letters.")
    bare("float-underscores", "damaged", b"F1_0.0\n.", "A float with an underscore.")
    bare("float-nan", "loads", b"Fnan\n.", "A float that is no number.", result="nan")
    bare("float-digits", "loads", b"F0." + b"1" * 100_000 + b"\n.", "A float of 100,000 digits.")
    bare("float-exponent", "loads", b"F1e999999999\n.", "A float beyond all.", result="inf")
    bare("string-escape", "loads", b"S'\\x41\\n'\n.", "An escape in a str.", result="'A\\n'")
    bare("string-without-quotes", "damaged", b"Sabc\n.", "A str without quotes.")
    bare("string-one-quote", "damaged", b"S'\n.", "A str of one quote.")
    bare("string-bad-escape", "damaged", b"S'\\x4'\n.", "An escape that is cut off.")
    bare("string-odd-escape", "loads", b"S'\\q'\n.", "An escape that there isn't: no warning.", result="'\\\\q'")
    bare("unicode-bad-escape", "damaged", b"V\\u00\n.", "An escape that is cut off.")
    bare("unicode-large-escape", "damaged", b"V\\Uffffffff\n.", "A character beyond Unicode.")


def _atoms(bare: Any) -> None:
    bare("bytearray-shared", "loads", b"\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00aq\x00h\x00\x86.", "A bytearray twice.",
         result="(bytearray(b'a'), bytearray(b'a'))")  # fmt: skip
    bare("true-as-tuple", "damaged", b"\x80\x02cos\nsystem\n\x88R.", "Arguments that are True.")
    bare("name-as-arguments", "damaged", b"cos\nsystem\ncos\nsystem\nR.", "Arguments that are a name.")
    bare("tuple-twice-as-arguments", "not trusted", b"\x80\x02)q\x000cos\nsystem\nh\x00Rcos\nsystem\nh\x00R\x86.", "Arguments that are shared.")


def _growth(vectors: Vectors) -> None:
    """Add a pickle that took more than linear time to show."""
    imports = b"".join(short(f"a{number}") + short("X") + b"\x93" for number in range(10_000))
    vectors.add(
        "grows-imports",
        "pickle",
        "not trusted",
        b"\x80\x04(" + imports + b"t.",
        "10,000 names that end alike: in source, each is imported as another.",
    )
