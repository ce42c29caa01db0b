"""Vectors of the msgpack kind: other spellings of steps, and lengths that lie."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import msgpack

from vectors.spelling import R, document, pack

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add_packed"]

PLAIN = ("harmless.Plain",)
SYSTEM = [1, "os", "system"]


def add_packed(vectors: Vectors) -> None:
    """Add them."""

    def steps(name: str, expect: str, body: Any, about: str, **more: Any) -> None:
        vectors.add(f"packed-{name}", "msgpack", expect, document("msgpack", pack(body)), about, **more)

    def raw(name: str, expect: str, body: bytes, about: str, **more: Any) -> None:
        vectors.add(f"packed-{name}", "msgpack", expect, document("msgpack", body), about, **more)

    def whole(name: str, expect: str, payload: bytes, about: str, **more: Any) -> None:
        vectors.add(f"packed-{name}", "msgpack", expect, payload, about, **more)

    _steps(steps)
    _raw(raw)
    _documents(whole)


def _steps(steps: Any) -> None:
    plain = [1, "harmless", "Plain"]
    for name, body in [
        ("none", [None]),
        ("empty", []),
        ("root-two", [[1, 2]]),
        ("root-number", [5]),
        ("root-of-list", [[[]]]),
        ("root-map", [[{}]]),
        ("root-later", [[R(0)]]),
        ("root-negative", [[4], [R(-1)]]),
        ("map", {"a": 1}),
        ("step-number", [5, [None]]),
        ("step-text", ["abc", [None]]),
        ("step-bytes", [b"\x03\x01\x02", [None]]),
        ("step-none", [None, [None]]),
        ("step-map", [{"0": 3}, [None]]),
        ("step-empty", [[], [None]]),
        ("step-ref", [R(0), [None]]),
        ("code-unknown", [[99], [None]]),
        ("code-zero", [[0], [None]]),
        ("code-negative", [[-1], [None]]),
        ("code-float", [[3.0], [R(0)]]),
        ("code-true", [[True, "os", "system"], [R(0)]]),
        ("code-list", [[[3]], [None]]),
        ("code-text", [["3"], [None]]),
        ("name-short", [[1, "os"], [R(0)]]),
        ("name-long", [[1, "os", "system", "x"], [R(0)]]),
        ("name-number", [[1, 5, "x"], [R(0)]]),
        ("name-bytes", [[1, b"os", b"system"], [R(0)]]),
        ("name-ref", [[2, "os"], [1, R(0), "system"], [R(1)]]),
        ("name-empty-module", [[1, "", "system"], [R(0)]]),
        ("value-number", [[2, 5], [R(0)]]),
        ("value-none", [[2, None], [R(0)]]),
        ("item-list", [[3, [1]], [R(0)]]),
        ("item-map", [[4, {"a": 1}], [R(0)]]),
        ("item-later", [[3, R(1)], [4], [R(0)]]),
        ("item-itself", [[4, R(0)], [R(0)]]),
        ("item-negative", [[4], [4, R(-1)], [R(0)]]),
        ("item-huge", [[4, R(2**80)], [None]]),
        ("item-digits", [[4, R(10**5000)], [None]]),
        ("dict-nothing", [[5], [R(0)]]),
        ("dict-number", [[5, 5], [R(0)]]),
        ("dict-uneven", [[5, [1, 2], [1]], [R(0)]]),
        ("dict-three", [[5, [1], [1], [1]], [R(0)]]),
        ("dict-map-and-list", [[5, {"a": 1}, [1]], [R(0)]]),
        ("bytearray-text", [[8, "abc"], [R(0)]]),
        ("bytearray-number", [[8, 10**9], [R(0)]]),
        ("new-class-later", [[9, 1, []], plain, [R(0)]]),
        ("new-class-text", [[9, "harmless.Plain", []], [R(0)]]),
        ("new-class-true", [plain, [9, True, []], [R(0)]]),
        ("new-arguments-map", [plain, [9, 0, {}], [R(1)]]),
        ("new-names-number", [plain, [9, 0, [], [1], [2]], [R(1)]]),
        ("new-names-uneven", [plain, [9, 0, [], ["a"], []], [R(1)]]),
        ("new-names-bytes", [plain, [9, 0, [], {b"a": 1}], [R(1)]]),
        ("call-nothing", [[10], [None]]),
        ("call-text", [[10, "os.system", "x"], [None]]),
        ("call-ref", [SYSTEM, [10, R(0), "touch stolen"], [R(1)]]),
        ("member-number", [[11, "a", 5], [R(0)]]),
        ("member-owner-list", [[11, [], "append"], [R(0)]]),
        ("target-ref", [[4], [12, R(0), 1], [R(0)]]),
        ("target-later", [[12, 0, 1], [4], [R(0)]]),
        ("target-negative", [[4], [12, -1, 1], [R(0)]]),
        ("target-none", [[12, None], [None]]),
        ("state-number", [plain, [9, 0, []], [15, 1, 5], [R(1)]]),
        ("state-names", [plain, [9, 0, []], [15, 1, [1], [2]], [R(1)]]),
        ("state-nothing", [plain, [9, 0, []], [15, 1], [R(1)]]),
        ("set-state-two", [plain, [9, 0, []], [16, 1, 2, 3], [R(1)]]),
        ("set-state-map", [plain, [9, 0, []], [16, 1, {"a": 1}], [R(1)]]),
        ("timestamp", [[3, msgpack.Timestamp(1)], [R(0)]]),
        ("extension-unknown", [[3, msgpack.ExtType(9, b"x")], [R(0)]]),
        ("extension-application", [[3, msgpack.ExtType(127, b"os\nsystem")], [R(0)]]),
    ]:
        steps(f"step-{name}", "damaged", body, f"A step that is none: {name.replace('-', ' ')}.", trust=PLAIN)
    # Other spellings of what could be spelled: harmless, and not worth the time to look for them.
    steps("step-empty-reference", "loads", [[4], [3, msgpack.ExtType(0, b"")], [R(1)]], "A reference of no bytes.")
    steps("step-padded-reference", "loads", [[4], [3, msgpack.ExtType(0, bytes(100))], [R(1)]], "A reference of 100 bytes.")
    steps("step-empty-integer", "loads", [[3, msgpack.ExtType(1, b"")], [R(0)]], "An integer of no bytes.")
    steps("step-small-integer", "loads", [[3, msgpack.ExtType(1, b"\x05")], [R(0)]], "An integer of 8 bits as an extension.")
    steps("call", "not trusted", [SYSTEM, [10, 0, "touch stolen"], [R(1)]], "os.system is called.")
    steps("name-twice", "not trusted", [[1, "builtins", "list"], SYSTEM, [1, "os", "system"], [10, 2, "touch stolen"], [R(3)]], "A name twice.")
    steps("unused-name", "not trusted", [[1, "canary_module", "Class"], [None]], "A name that nothing refers to, which would be imported.")
    steps("state-same-attribute", "damaged", [plain, [9, 0, []], [15, 1, ["a", "a"], [1, 2]], [R(1)]], "An attribute twice.", trust=PLAIN)
    steps(
        "state-dunder-in-lists",
        "not trusted",
        [plain, [9, 0, []], [15, 1, ["a", "__class__"], [1, 2]], [R(1)]],
        "An attribute that is Python's own.",
        trust=PLAIN,
    )
    steps("name-with-colon", "damaged", [[1, "harmless:Plain.x", "y"], [R(0)]], "A module with a colon, which other kinds would divide elsewhere.", trust=PLAIN)
    steps("name-of-helpers", "not trusted", [[1, "appsnap.source", "new"], [R(0)]], "A helper of source files, which can't be imported there under its name.")
    steps("name-escape", "not trusted", [[1, "os\x1b[2J\u202e", "x\n├── y"], [R(0)]], "A name that clears the screen, where it is shown.")
    steps("integer", "loads", [[10**5000]], "An integer of 5,001 digits.")
    steps("long-atom", "loads", [["x" * 1_000_000]], "A text of a million letters that isn't a Value.")


def _raw(raw: Any) -> None:
    for name, body in [
        ("array32", b"\xdd\xff\xff\xff\xff"),
        ("array16", b"\xdc\xff\xff"),
        ("map32", b"\xdf\xff\xff\xff\xff"),
        ("bin32", b"\x91\x92\x02\xc6\xff\xff\xff\xff"),
        ("str32", b"\x91\x92\x02\xdb\xff\xff\xff\xff"),
        ("ext32", b"\x91\x92\x02\xc9\xff\xff\xff\xff\x00"),
        ("never-used", b"\xc1"),
        ("array32-in-array", b"\x91" * 500 + b"\xdd\x00\x01\x00\x00"),
        ("str-not-utf8", b"\x92\x92\x02\xa1\xff\x91\xc0"),
        ("trailing", b"\x91\x91\xc0\xc0"),
        ("two", b"\x91\x91\xc0\x91\x91\xc0"),
        ("empty", b""),
        ("int-keys", b"\x92\x92\x05\x81\x01\x02\x91\xc0"),
    ]:
        raw(f"length-{name}", "damaged", body, f"A body that says more than is there, or is none: {name}.")
    raw("deep-1000", "damaged", b"\x91" * 1000 + b"\xc0", "1,000 arrays in each other.")
    raw("deep-100000", "damaged", b"\x91" * 100_000 + b"\xc0", "100,000 arrays in each other.")
    claim = b"\xdd" + struct.pack(">I", 500_000)
    raw(
        "cost-arrays-that-claim", "damaged", claim * 900 + bytes(500_000),
        "900 arrays in each other, each of which says that it has 500,000 items: their room is 3.6 GB.",
    )  # fmt: skip
    claim = b"\x81\xa1a\xdd" + struct.pack(">I", 500_000)
    state = pack([[1, "harmless", "Plain"], [9, 0, []], [15, 1, {"a": 1, "b": 2}], [R(1)]])
    raw("map-key-twice", "damaged", state.replace(b"\xa1b", b"\xa1a"), "A state whose map has one key twice.", trust=("harmless.Plain",))
    raw("cost-maps-that-claim", "damaged", claim * 450 + bytes(500_000), "Maps and arrays in each other, which claim 1.8 GB.")
    raw("cost-nils", "damaged", b"\xdd" + struct.pack(">I", 1_000_000) + b"\xc0" * 1_000_000, "A million steps that are none.")
    raw("cost-empty-arrays", "damaged", b"\xdd" + struct.pack(">I", 1_000_000) + b"\x90" * 1_000_000, "A million empty steps.")
    raw("float32", "loads", b"\x91\x91\xca\x3f\xc0\x00\x00", "A float of 32 bits.", result="1.5")


def _documents(whole: Any) -> None:
    body = b"\x91\x91\xc0"
    good = document("msgpack", body)
    whole("document", "loads", good, "Header, body and trailer.", result="None")
    for name, number in [("zero", 0), ("negative", -1), ("newer", 2), ("text", "1"), ("float", 1.0), ("true", True), ("huge", 2**63), ("digits", 10**5000)]:
        expect = "newer format" if name in ("newer", "huge", "digits") else "damaged"
        whole(f"format-{name}", expect, document("msgpack", body, {"appsnap": number}), "A format number that this is not.")
    for name, size in [("more", 4), ("less", 2), ("negative", -1), ("huge", 2**63), ("text", "3"), ("true", True), ("none", None)]:
        whole(f"size-{name}", "damaged", document("msgpack", body, {"size": size}), f"A body that should have the size {size}.")
    whole("kind-other", "damaged", document("msgpack", body, {"kind": "pickle"}), "A header that says pickle.")
    whole("tag-surrogate", "loads", document("msgpack", body, {"tag": "\ud800"}), "A tag that is a lone surrogate.", result="None")
    whole("tag-controls", "loads", document("msgpack", body, {"tag": "a\n\x1b[2J\u202eb\0"}), "A tag with controls.", result="None")
    whole("trust-in-header", "not trusted", document("msgpack", pack([SYSTEM, [10, 0, "touch stolen"], [R(1)]]), {"trust": ["*", "call:os.system"]}),
          "The header says what may be trusted.", source="mlflow GHSA-w582-9x45-8mpx")  # fmt: skip
    whole("checksum-wrong", "damaged", document("msgpack", body, None, {"sha256": "0" * 64}), "A wrong checksum.")
    whole("checksum-before-body", "damaged", document("msgpack", b"\xdd\xff\xff\xff\xff", None, {"sha256": "0" * 64}), "A wrong checksum and a body that lies.")
    whole("checksum-missing", "damaged", document("msgpack", body, None, {"sha256": None}), "No checksum.")
    whole("trailer-missing", "damaged", good[: good.index(body) + 3], "No trailer.")
    whole("trailer-followed", "damaged", good + b"\xc0", "Something behind the trailer.")
    whole("truncated", "damaged", good[:-1], "A truncated trailer.")
    whole("altered", "damaged", good.replace(b"3.11.0", b"3.11.1"), "An altered header.")
    whole("header-array", "damaged", b"\x91\xa7appsnap", "A header that is an array.")
    whole("header-int-keys", "damaged", b"\x82\xa7appsnap\x01\x05\x05", "A key that is a number.")
    whole("header-deep", "damaged", b"\x82\xa7appsnap\x01\xa1a" + b"\x91" * 5000 + b"\xc0", "A header of 5,000 arrays in each other.")
    whole("header-map16", "damaged", b"\xde\x00\x01\xa7appsnap\x01", "A header of another spelling.")
