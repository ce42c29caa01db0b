"""Vectors of signatures, and of other fields of the trailer that could make a file trusted: none of these do."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vectors.spelling import KINDS, R, pack, pickle_plain, spell

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = "appsnap1qwss00lnecgtu8tsm5vwwj7qn9n7f43snwjs6hcamjrxgyj4xxuqzrzsn9"
OTHER_KEY = "appsnap18d4z00xwk6jz6c4r4rgz5mcdwdjny9thrh3y8f36cpy2rz6emg5sayfxq7"
CALL = [("Name", "os", "system"), ("Call", R(0), ["touch stolen"])]

_TRAILERS = {"pickle": b"\x80\x05", "msgpack": b"\x82\xa6sha256", "source": b"# appsnap trailer: ", "xml": b"  <trailer "}


def add(vectors: Vectors) -> None:
    """Add them."""
    for kind in KINDS:
        evil = spell(kind, CALL, R(1))
        before = evil[: evil.rindex(_TRAILERS[kind])]
        fields: dict[str, Any] = {"sha256": hashlib.sha256(before).hexdigest(), "distributions": {}}
        if kind == "xml":
            fields["steps"] = 0
        good = _signature(kind, fields)
        # A source file with a wrong signature was edited, and is read as such.
        wrong = "not trusted" if kind == "source" else "damaged"

        def each(name: str, expect: str, about: str, tail: dict[str, Any], *, kind: str = kind, before: bytes = before) -> None:
            vectors.add(name, kind, expect, before + _trailer(kind, tail), about)

        each("signature-of-a-stranger", "not trusted", "A right signature, by a key that nobody trusts.", {**fields, "signature": good})
        others: dict[str, tuple[str, Any]] = {
            "altered": ("Another last byte.", {**good, "value": _altered(good["value"])}),
            "of-another-kind": ("That of another kind.", _signature("pickle" if kind == "xml" else "xml", fields)),
            "of-other-fields": ("That of another trailer.", _signature(kind, {**fields, "sha256": "0" * 64})),
            "by-another-key": ("Another key than signed.", {**good, "key": OTHER_KEY}),
            "without-value": ("An empty one.", {**good, "value": ""}),
            "in-no-base64": ("Letters that aren't base64.", {**good, "value": "*" * 88}),
            "by-an-age-key": ("By a recipient of age.", {**good, "key": "age1qqq"}),
            "by-a-mistyped-key": ("By a key with a wrong checksum.", {**good, "key": KEY[:-1] + "q"}),
            "by-a-long-key": ("By a key of a million letters.", {**good, "key": "appsnap1" + "q" * 1_000_000}),
            "by-a-long-right-key": ("By one with the right checksum.", {**good, "key": "appsnap1p" + "q" * 1_000_000 + "dngtvx"}),
        }
        if kind != "xml":
            others |= {
                "true": ("Not a map, but true.", True),
                "empty": ("An empty map.", {}),
                "numbers": ("A map of numbers.", {"key": 1, "value": 2}),
                "lists": ("A map of lists.", {"key": [KEY], "value": [good["value"]]}),
            }
        for name, (about, signature) in others.items():
            each(f"signature-{name}", wrong, about, {**fields, "signature": signature})
        each("signature-and-a-field-more", wrong, "A field that it doesn't cover.", {**fields, "more": "1", "signature": good})
        if kind == "pickle":
            shared = [None] * 20_000
            each(
                "signature-and-shared-lists", wrong, "One list in 2,000 fields.", {**fields, **dict.fromkeys(map(str, range(2_000)), shared), "signature": good}
            )
        each("vouched-false", "not trusted", "Who wrote it doesn't vouch for it.", {**fields, "vouched": False})
        if kind != "xml":
            each("vouched-true", "not trusted", "Who wrote it vouches for it.", {**fields, "vouched": True})
            each("vouched-text", "damaged", "A text instead of true or false.", {**fields, "vouched": "true"})
            each("trailer-that-trusts", "not trusted", "Fields that say what to trust.", {**fields, **_GRANTS})
        else:
            each("vouched-true", "damaged", "What a trailer never says.", {**fields, "vouched": "true"})
            each("trailer-that-trusts", "damaged", "Attributes that say what to trust.", {**fields, **_GRANTS})


_GRANTS = {"trust": "everything", "trusted": "os.system", "signer": KEY, "is_vouched_for": "true"}


def _signature(kind: str, fields: dict[str, Any]) -> dict[str, str]:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    value = SECRET.sign(f"appsnap signature 1\n{kind}\n{text}\n".encode())
    return {"key": KEY, "value": base64.b64encode(value).decode()}


def _altered(value: str) -> str:
    raw = base64.b64decode(value)
    return base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()


def _trailer(kind: str, fields: dict[str, Any]) -> bytes:
    if kind == "source":
        return f"# appsnap trailer: {json.dumps(fields)}\n".encode()
    if kind == "xml":
        signature = fields.pop("signature", None)
        more = "".join(f" {key}={quoteattr(_text(value))}" for key, value in fields.items() if key != "distributions")
        inner = f"<signature key={quoteattr(signature['key'])}>{signature['value']}</signature>" if signature else ""
        return f"  <trailer{more}>{inner}</trailer>\n</snapshot>\n".encode()
    return pack(fields) if kind == "msgpack" else pickle_plain(fields)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
