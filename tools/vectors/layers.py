"""Vectors of the layers around a document: age and zstd."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

from appsnap.files import age, zstd
from vectors.spelling import document

if sys.version_info >= (3, 14):
    from compression.zstd import get_frame_size
else:
    from backports.zstd import get_frame_size

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

PASSPHRASE = "tea and cake"


def add(vectors: Vectors) -> None:
    """Add them."""

    def layer(name: str, expect: str, payload: bytes, about: str, **more: Any) -> None:
        vectors.add(f"layer-{name}", "any", expect, payload, about, **more)

    body = document("pickle", b"\x80\x04N.")
    _zstd(layer, body)
    _age(layer, body)
    _recognised(layer)


def _compressed(data: bytes) -> bytes:
    packed = b"".join(zstd.compress([data]))
    # An attacker leaves out the padding.
    return packed[: get_frame_size(packed)]


def _zstd(layer: Any, body: bytes) -> None:
    good = _compressed(body)
    layer("zstd", "loads", good, "A compressed document.", result="None")
    layer("zstd-truncated", "damaged", good[:-1], "A frame without the end of its checksum.")
    layer("zstd-altered", "damaged", good[:-1] + bytes([good[-1] ^ 1]), "A frame with a wrong checksum.")
    layer("zstd-followed", "damaged", good + b"x", "Something behind the frame.")
    layer("zstd-two-frames", "damaged", good + good, "Two frames.")
    layer("zstd-twice", "damaged", _compressed(good), "A frame in a frame.")
    layer("zstd-alone", "damaged", good[:4], "The first bytes of a frame.")
    layer("zstd-empty", "damaged", _compressed(b""), "A frame of nothing.")
    layer("zstd-skippable", "damaged", b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + good, "A frame that is skipped, and one that isn't.")
    # RFC 8878: a frame header with a window of 128 MiB or more, then blocks of one byte repeated (RLE).
    block = (1 << 1 | (128 * 1024) << 3).to_bytes(3, "little") + b"\0"
    last = (1 << 1 | 1 | 8 << 3).to_bytes(3, "little") + b"\0"
    bomb = b"\x28\xb5\x2f\xfd\x00" + bytes([17 << 3]) + block * 40_000 + last
    layer("zstd-bomb", "cannot load", bomb, "A frame of 160 KB that holds 5 GB of zeros.")
    start = b"\x80\x04\x8e" + (5 * 10**9).to_bytes(8, "little")
    first = (0 << 1 | len(start) << 3).to_bytes(3, "little") + start
    layer(
        "zstd-bomb-in-pickle", "cannot load", b"\x28\xb5\x2f\xfd\x00" + bytes([17 << 3]) + first + block * 40_000 + last,
        "A frame of 160 KB that holds a pickle of 5 GB.",
    )  # fmt: skip
    for name, opcode in [("lists", b"]"), ("dictionaries", b"}"), ("marks", b"("), ("sets", b"\x8f"), ("tuples", b")")]:
        layer(
            f"zstd-open-{name}", "cannot load", _compressed(b"\x80\x05" + opcode * 2_000_000 + b"."),
            f"A frame of some bytes that holds a pickle with 2 million open {name}.",
        )  # fmt: skip
    layer("zstd-msgpack", "cannot load", _compressed(b"\x81\xa7appsnap\x01" + b"\x90" * 4_000_000), "A frame of some bytes with 4 million msgpack arrays.")
    layer(
        "zstd-xml", "cannot load", _compressed(b'<?xml version="1.0" encoding="UTF-8"?>\n<snapshot>' + b"<none/>" * 1_000_000),
        "A frame of some bytes with a million XML elements.",
    )  # fmt: skip
    layer("zstd-window", "damaged", b"\x28\xb5\x2f\xfd\x00" + bytes([31 << 3]) + last, "A frame that asks for a window of 2 TB.")
    layer("zstd-size", "damaged", b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + last, "A frame that says it holds 16 EB.")
    layer("zstd-dictionary", "damaged", b"\x28\xb5\x2f\xfd\x03" + bytes([17 << 3]) + b"\x01\0\0\0" + last, "A frame that needs a dictionary.")


def _age(layer: Any, body: bytes) -> None:
    # Always the same salt, nonce and file key: a vector isn't made anew each time.
    with mock.patch.object(os, "urandom", lambda size: bytes(range(size))):
        good = b"".join(age.encrypt([body], [age.ScryptRecipient(PASSPHRASE, work_factor=2)]))
        armored = b"".join(age.encrypt([body], [age.ScryptRecipient(PASSPHRASE, work_factor=2)], armor=True))
        inner = b"".join(age.encrypt([good], [age.ScryptRecipient(PASSPHRASE, work_factor=2)]))
        evil = document("pickle", b"cos\nsystem\n(S'touch stolen'\ntR.", tail={"vouched": False})
        call = b"".join(age.encrypt([_compressed(evil)], [age.ScryptRecipient(PASSPHRASE, work_factor=2)]))
        bomb = b"\x28\xb5\x2f\xfd\x00" + bytes([17 << 3]) + ((1 << 1 | (128 * 1024) << 3).to_bytes(3, "little") + b"\0") * 40_000
        bombed = b"".join(age.encrypt([bomb], [age.ScryptRecipient(PASSPHRASE, work_factor=2)]))
    key = {"passphrase": PASSPHRASE}
    layer("age", "loads", good, "An encrypted document.", result="None", **key)
    layer("age-armor", "loads", armored, "An encrypted document in text.", result="None", **key)
    layer("age-call", "not trusted", call, "A document that nobody vouches for, and that calls os.system, encrypted with a passphrase.", **key)
    layer("age-twice", "damaged", inner, "An encrypted document in an encrypted one.", **key)
    layer("age-bomb", "cannot load", bombed, "A zstd bomb in an encrypted file.", **key)
    layer("age-without-passphrase", "passphrase", good, "No passphrase is given.")
    layer("age-wrong-passphrase", "passphrase", good, "Another passphrase is given.", passphrase="coffee")
    layer("age-plain", "passphrase", body, "A passphrase is given, and the file is plain.", **key)
    layer("age-truncated", "damaged", good[:-1], "A file without its last byte.", **key)
    layer("age-altered", "damaged", good[:-1] + bytes([good[-1] ^ 1]), "A file whose last byte is another.", **key)
    layer("age-header-altered", "damaged", good.replace(b"--- ", b"---  ", 1), "A header whose end has a space more.", **key)
    layer("age-header-cut", "damaged", good[: good.index(b"---")], "A header without its end.", **key)
    layer("age-version", "damaged", good.replace(b"/v1", b"/v2", 1), "Another version of age.", **key)
    layer("age-crlf", "damaged", good[:60].replace(b"\n", b"\r\n") + good[60:], "Line ends of another system.", **key)
    scrypt = good[good.index(b"-> scrypt") : good.index(b" 2\n")]
    for number in ("21", "22", "23", "30", "31", "63", "64", "255", "1000000", "9" * 5000, "0", "-1", "02", "2 ", "+2", "2.0", "x", "\u0662"):
        payload = good.replace(scrypt + b" 2\n", scrypt + f" {number}\n".encode(), 1)
        name = {"9" * 5000: "digits", "-1": "negative", "02": "zero-before", "2 ": "space", "+2": "plus", "2.0": "float", "\u0662": "other-digit"}.get(
            number, number
        )
        expect = "cannot load" if re.fullmatch("[1-9][0-9]*", number, re.ASCII) else "damaged"
        layer(f"age-work-factor-{name}", expect, payload, "A work factor of scrypt that is none, or asks for more than 1 GB.", **key)
    layer(
        "age-two-passphrases",
        "damaged",
        good.replace(b"-> scrypt", good[good.index(b"-> scrypt") : good.index(b"---")] + b"-> scrypt", 1),
        "Two passphrases.",
        **key,
    )
    layer("age-short-salt", "damaged", good.replace(b"-> scrypt AAEC", b"-> scrypt ", 1), "A salt that is too short.", **key)
    layer("age-magic", "damaged", b"age-encryption.org/v1\n", "Nothing but the first line.", **key)
    layer("age-long-line", "damaged", b"age-encryption.org/v1\n-> " + b"x" * 3_000_000, "A stanza of 3 million letters.", **key)
    layer("age-stanzas", "damaged", b"age-encryption.org/v1\n" + b"-> x\n\n" * 100_000, "100,000 stanzas.", **key)
    layer("age-arguments", "damaged", b"age-encryption.org/v1\n-> x" + b" y" * 500_000 + b"\n\n---", "A stanza of 500,000 arguments.", **key)
    layer("armor-alone", "damaged", b"-----BEGIN AGE ENCRYPTED FILE-----\n", "The first line of an armor.", **key)
    layer("armor-letters", "damaged", armored.replace(b"\n", b"\n*", 1), "A letter that isn't base64.", **key)
    layer("armor-followed", "damaged", armored + b"x", "Something behind the armor.", **key)
    layer("armor-cut", "damaged", armored[:-10], "An armor without its end.", **key)
    layer("armor-spaces", "damaged", b"-----BEGIN AGE ENCRYPTED FILE-----\n" + b" " * 1_000_000, "A million spaces in an armor.", **key)


def _recognised(layer: Any) -> None:
    for name, payload in [
        ("empty", b""),
        ("text", b"hello\n"),
        ("zeros", bytes(1000)),
        ("zip", b"PK\x03\x04"),
        ("gzip", b"\x1f\x8b\x08"),
        ("elf", b"\x7fELF"),
        ("python", b"import os\nos.system('touch stolen')\n"),
        ("pickle-0", b"cos\nsystem\n(S'touch stolen'\ntR."),
        ("json", b'{"py/object": "os.system"}'),
        ("yaml", b"!!python/object/apply:os.system ['touch stolen']\n"),
        ("html", b"<html></html>"),
        ("xml-without-declaration", b"<snapshot/>"),
        ("msgpack-without-header", b"\x91\x91\xc0"),
        ("msgpack-other-key", b"\x81\xa7appsnaq\x01"),
        ("source-without-space", b"#appsnap 1 source: {}\napplication = None\n"),
        ("bom", b"\xef\xbb\xbf# appsnap 1 source: {}\napplication = None\n"),
        ("twisted", bytes(range(16)) * 2),
    ]:
        layer(f"recognised-{name}", "damaged", payload, "What is no snapshot.")
