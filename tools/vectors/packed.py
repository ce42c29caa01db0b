"""Vectors of the msgpack kind: other spellings of steps, and lengths that lie."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any

import msgpack

from vectors.adding import PLAIN
from vectors.spelling import R, document, pack

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

SYSTEM = [1, "os", "system"]


# A name, two new objects, and two empty lists: registers 1 to 4.
OBJECTS = [[1, "harmless", "Plain"], [17, 9, 2, 0], [17, 4, 2]]
LONG = "x" * 65
MANY = 10**9


def add(vectors: Vectors) -> None:
    """Add them."""

    def steps(name: str, expect: str, body: Any, about: str, **more: Any) -> None:
        vectors.add(f"packed-{name}", "msgpack", expect, document("msgpack", pack(body)), about, **more)

    def raw(name: str, expect: str, body: bytes, about: str, **more: Any) -> None:
        vectors.add(f"packed-{name}", "msgpack", expect, document("msgpack", body), about, **more)

    def whole(name: str, expect: str, payload: bytes, about: str, **more: Any) -> None:
        vectors.add(f"packed-{name}", "msgpack", expect, payload, about, **more)

    _steps(steps)
    _runs(steps)
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
        ("root-two-numbers", [[4], [[0, 0]]]),
        ("root-extension", [[4], [msgpack.ExtType(0, b"\0")]]),
        ("root-later", [[R(0)]]),
        ("root-negative", [[4], [R(-1)]]),
        ("map", {"a": 1}),
        ("step-number", [5, [None]]),
        ("step-text", ["abc", [None]]),
        ("step-bytes", [b"\x03\x01\x02", [None]]),
        ("step-none", [None, [None]]),
        ("step-map", [{"0": 3}, [None]]),
        ("step-empty", [[], [None]]),
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
        ("item-map-empty", [[4, {}], [R(0)]]),
        ("item-later", [[3, R(1)], [4], [R(0)]]),
        ("item-itself", [[4, R(0)], [R(0)]]),
        ("item-negative", [[4], [4, R(-1)], [R(0)]]),
        ("item-huge", [[4, R(2**80)], [None]]),
        ("item-digits", [[4, R(10**5000)], [None]]),
        ("reference-empty", [[4], [3, []], [R(1)]]),
        ("reference-two", [[4], [3, [0, 0]], [R(1)]]),
        ("reference-of-reference", [[4], [3, [[[0]]]], [R(1)]]),
        ("reference-of-no-name", [[4], [3, [[0]]], [R(1)]]),
        ("reference-of-negative-name", [plain, [3, [[-1]]], [R(1)]]),
        ("reference-of-true-name", [plain, plain, [3, [[True]]], [R(2)]]),
        ("reference-true", [[4], [4], [3, [True]], [R(2)]]),
        ("reference-false", [[4], [3, [False]], [R(1)]]),
        ("reference-float", [[4], [3, [0.0]], [R(1)]]),
        ("reference-text", [[4], [3, ["0"]], [R(1)]]),
        ("reference-none", [[4], [3, [None]], [R(1)]]),
        ("reference-map", [[4], [3, [{}]], [R(1)]]),
        ("extension-zero", [[4], [3, msgpack.ExtType(0, b"\0")], [R(1)]]),
        ("extension-zero-empty", [[4], [3, msgpack.ExtType(0, b"")], [R(1)]]),
        ("extension-zero-padded", [[4], [3, msgpack.ExtType(0, bytes(100))], [R(1)]]),
        ("extension-zero-target", [[4], [12, msgpack.ExtType(0, b"\0"), 1], [R(0)]]),
        ("dict-nothing", [[5], [R(0)]]),
        ("dict-number", [[5, 5], [R(0)]]),
        ("dict-map", [[5, {"a": 1}], [R(0)]]),
        ("dict-map-empty", [[5, {}], [R(0)]]),
        ("dict-map-and-value", [[5, {"a": 1}, 1], [R(0)]]),
        ("dict-two-lists", [[5, ["a"], [1]], [R(0)]]),
        ("dict-uneven", [[5, [1, 2], 1], [R(0)]]),
        ("dict-uneven-more", [[5, [1], 1, 2], [R(0)]]),
        ("dict-uneven-none", [[5, ["a"]], [R(0)]]),
        ("dict-key-map", [[5, [{}], 1], [R(0)]]),
        ("dict-key-itself", [[5, [R(0)], 1], [R(0)]]),
        ("update-uneven", [[5, []], [13, 1, ["a"]], [R(0)]]),
        ("update-map", [[5, []], [13, 1, {"a": 1}], [R(0)]]),
        ("keys-of-itself", [[5, 0, 1], [R(0)]]),
        ("keys-later", [[5, 0, 1], [5, ["a"], 1], [R(0)]]),
        ("keys-out-of-range", [[5, ["a"], 1], [5, 1, 1], [R(1)]]),
        ("keys-negative", [[5, ["a"], 1], [5, -1, 1], [R(1)]]),
        ("keys-huge", [[5, ["a"], 1], [5, 2**64 - 1, 1], [R(1)]]),
        ("keys-digits", [[5, ["a"], 1], [5, 10**5000, 1], [R(1)]]),
        ("keys-false", [[5, ["a"], 1], [5, False, 1], [R(1)]]),
        ("keys-true", [[5, []], [5, ["a"], 1], [5, True, 1], [R(2)]]),
        ("keys-float", [[5, ["a"], 1], [5, 0.0, 1], [R(1)]]),
        ("keys-text", [[5, ["a"], 1], [5, "a", 1], [R(1)]]),
        ("keys-text-of-number", [[5, ["a"], 1], [5, "0", 1], [R(1)]]),
        ("keys-bytes", [[5, ["a"], 1], [5, b"a", 1], [R(1)]]),
        ("keys-none", [[5, ["a"], 1], [5, None, 1], [R(1)]]),
        ("keys-extension", [[5, ["a"], 1], [5, msgpack.ExtType(0, b"\0"), 1], [R(1)]]),
        ("keys-number-uneven", [[5, ["a"], 1], [5, 0], [R(1)]]),
        ("keys-number-uneven-more", [[5, ["a"], 1], [5, 0, 1, 2], [R(1)]]),
        ("keys-of-a-number", [[5, [1], 1], [5, 0, 1], [R(1)]]),
        ("keys-of-a-reference", [[4], [5, [R(0)], 1], [5, 0, 1], [R(2)]]),
        ("keys-of-a-long-text", [[5, ["x" * 17], 1], [5, 0, 1], [R(1)]]),
        ("bytearray-text", [[8, "abc"], [R(0)]]),
        ("bytearray-number", [[8, 10**9], [R(0)]]),
        ("new-class-later", [[9, 0, []], plain, [R(0)]]),
        ("new-class-later-distance", [[9, -1, []], plain, [R(0)]]),
        ("new-class-text", [[9, "harmless.Plain", []], [R(0)]]),
        ("new-class-true", [plain, [9, True, []], [R(0)]]),
        ("new-arguments-map", [plain, [9, 0, {}], [R(1)]]),
        ("new-arguments-number", [plain, [9, 0, 5], [R(1)]]),
        ("new-names-number", [plain, [9, 0, [], [1], 2], [R(1)]]),
        ("new-names-uneven", [plain, [9, 0, [], ["a"]], [R(1)]]),
        ("new-names-bytes", [plain, [9, 0, [], [b"a"], 1], [R(1)]]),
        ("new-names-map", [plain, [9, 0, [], {"a": 1}], [R(1)]]),
        ("new-names-twice", [plain, [9, 0, [], ["a", "a"], 1, 2], [R(1)]]),
        ("new-names-twice-by-number", [plain, [5, ["a", "a"], 1, 2], [9, 0, [], 0, 1, 2], [R(2)]]),
        ("new-names-later", [plain, [9, 0, [], 0, 1], [R(1)]]),
        ("call-nothing", [[10], [None]]),
        ("call-text", [[10, "os.system", "x"], [None]]),
        ("call-ref", [SYSTEM, [10, R(0), "touch stolen"], [R(1)]]),
        ("member-number", [[11, "a", 5], [R(0)]]),
        ("member-owner-list", [[11, [], "append"], [R(0)]]),
        ("target-ref", [[4], [12, R(0), 1], [R(0)]]),
        ("target-later", [[12, 0, 1], [4], [R(0)]]),
        ("target-beyond", [[4], [12, 2, 1], [R(0)]]),
        ("target-true", [[4], [12, True, 1], [R(0)]]),
        ("target-negative", [[4], [12, -1, 1], [R(0)]]),
        ("target-none", [[12, None], [None]]),
        ("state-number", [plain, [9, 0, []], [15, 1, 5], [R(1)]]),
        ("state-names", [plain, [9, 0, []], [15, 1, [1], 2], [R(1)]]),
        ("state-names-reference", [[2, "x" * 65], plain, [9, 0, []], [15, 1, [R(0)], 2], [R(2)]]),
        ("state-uneven", [plain, [9, 0, []], [15, 1, ["a", "b"], 2], [R(1)]]),
        ("state-map", [plain, [9, 0, []], [15, 1, {"a": 1}], [R(1)]]),
        ("state-by-number-uneven", [plain, [9, 0, []], [15, 1, ["a"], 1], [15, 1, 0], [R(1)]]),
        ("state-by-number-negative", [plain, [9, 0, []], [15, 1, ["a"], 1], [15, 1, -1, 2], [R(1)]]),
        ("state-by-number-false", [plain, [9, 0, []], [15, 1, ["a"], 1], [15, 1, False, 2], [R(1)]]),
        ("state-of-keys-twice", [plain, [9, 0, []], [5, ["a", "a"], 1, 2], [15, 2, 0, 1, 2], [R(1)]]),
        ("state-nothing", [plain, [9, 0, []], [15, 1], [R(1)]]),
        ("set-state-two", [plain, [9, 0, []], [16, 1, 2, 3], [R(1)]]),
        ("set-state-map", [plain, [9, 0, []], [16, 1, {"a": 1}], [R(1)]]),
        ("timestamp", [[3, msgpack.Timestamp(1)], [R(0)]]),
        ("extension-unknown", [[3, msgpack.ExtType(9, b"x")], [R(0)]]),
        ("extension-application", [[3, msgpack.ExtType(127, b"os\nsystem")], [R(0)]]),
    ]:
        steps(f"step-{name}", "damaged", body, f"A step that is none: {name.replace('-', ' ')}.", trust=PLAIN)
    # Other spellings of what could be spelled: harmless, and not worth the time to look for them.
    steps("step-empty-integer", "loads", [[3, msgpack.ExtType(1, b"")], [R(0)]], "An integer of no bytes.")
    steps("step-small-integer", "loads", [[3, msgpack.ExtType(1, b"\x05")], [R(0)]], "An integer of 8 bits as an extension.")
    steps("call", "not trusted", [SYSTEM, [10, 0, "touch stolen"], [R(1)]], "os.system is called.")
    steps("name-twice", "not trusted", [[1, "builtins", "list"], SYSTEM, [1, "os", "system"], [10, 2, "touch stolen"], [R(3)]], "A name twice.")
    steps("unused-name", "not trusted", [[1, "canary_module", "Class"], [None]], "A name that nothing refers to, which would be imported.")
    steps("state-same-attribute", "damaged", [plain, [9, 0, []], [15, 1, ["a", "a"], 1, 2], [R(1)]], "An attribute twice.", trust=PLAIN)
    steps("state-dunder", "not trusted", [plain, [9, 0, []], [15, 1, ["a", "__class__"], 1, 2], [R(1)]], "An attribute that is Python's own.", trust=PLAIN)
    steps("keys-twice", "loads", [[5, ["a", "a"], 1, 2], [5, 0, 3, 4], [R(1)]], "A key twice, and once more by the number of the keys.", result="{'a': 4}")
    steps("keys-of-several", "loads", [[5, ["a"], 1], [5, [0], 2], [5, []], [5, ["b"], 3], [13, 4, 2, 4], [5, 0, 5], [5, 1], [3, R(0), R(1), R(4), R(5)], [R(6)]],
          "Numbers of keys: empty ones have one, those that aren't texts have none.", result="({'a': 1, 'b': 4}, {0: 2}, {'a': 5}, {})")  # fmt: skip
    steps("keys-written-again", "loads", [[5, ["a"], 1], [5, ["a"], 2], [5, ["b"], 3], [5, 2, 4], [5, 1, 5], [3, R(3), R(4)], [R(5)]],
          "An array of keys that is there already has a number of its own.", result="({'b': 4}, {'a': 5})")  # fmt: skip
    steps(
        "keys-of-16-letters",
        "loads",
        [[5, ["x" * 31, "y"], 0, 1], [5, 0, 2, 3], [R(1)]],
        "Keys as long as those with a number are at the most, on average.",
        result=repr({"x" * 31: 2, "y": 3}),
    )
    steps("state-dunder-by-number", "not trusted", [[5, ["__class__"], 1], plain, [9, 0, []], [15, 1, 0, 1], [R(2)]],
          "An attribute that is Python's own, by the number of the keys of a dictionary.", trust=PLAIN)  # fmt: skip
    steps("state-dunder-behind-harmless", "not trusted", [plain, [9, 0, []], [15, 1, ["a"], 1], [15, 1, 0, 2], [15, 1, ["__class__"], 3], [15, 1, 1, 4], [R(1)]],
          "Attributes by number, the second of which is Python's own.", trust=PLAIN)  # fmt: skip
    for name, length, expect in [("long", 100_000, "damaged"), ("short", 16, "loads")]:
        many = [plain, [9, 0, []], [15, 1, ["x" * length], 0], *[[15, 1, 0, number] for number in range(1, 5_000)], [R(1)]]
        steps(f"cost-{name}-attribute-by-number", expect, many, f"An attribute of {length:,} letters is set 5,000 times, by its number.", trust=PLAIN)
    keys = [f"k{number}" for number in range(5_000)]
    steps(
        "cost-keys-by-number", "damaged", [[5, keys, *range(5_000)], *[[5, 0]] * 100_000, [R(0)]], "Many dictionaries of 5,000 keys by number, without values."
    )
    steps("name-with-colon", "damaged", [[1, "harmless:Plain.x", "y"], [R(0)]], "A module with a colon, which other kinds would divide elsewhere.", trust=PLAIN)
    steps("name-of-helpers", "not trusted", [[1, "appsnap.actions", "new"], [R(0)]], "A helper of source files, which can't be imported there under its name.")
    steps("name-escape", "not trusted", [[1, "os\x1b[2J\u202e", "x\n├── y"], [R(0)]], "A name that clears the screen, where it is shown.")
    steps("integer", "loads", [[10**5000]], "An integer of 5,001 digits.")
    steps("long-atom", "loads", [["x" * 1_000_000]], "A text of a million letters that isn't a Value.")


def _runs(steps: Any) -> None:
    run: Any
    body: Any
    for name, run in [
        ("nothing", []),
        ("no-steps", [4, 0]),
        ("negative", [4, -1]),
        ("count-true", [4, True]),
        ("count-float", [4, 2.0]),
        ("count-text", [4, "2"]),
        ("names", [1, 2, ["os", "os"], ["system", "getcwd"]]),
        ("calls", [10, 2]),
        ("calls-later", [10, 2, 1]),
        ("calls-short", [10, 2, 0, [1]]),
        ("members", [11, 2, ["a", "b"], "upper"]),
        ("extend", [12, 2, 2, [1, 2]]),
        ("runs", [17, 2, 4]),
        ("code-true", [True, 2]),
        ("texts-short", [2, 2, [LONG, "x" * 64]]),
        ("texts-fewer", [2, 2, [LONG]]),
        ("texts-bytes", [2, 2, [LONG, b"x" * 65]]),
        ("new-arguments", [9, 2, 0, [1, 2]]),
        ("new-later", [9, 2, 1]),
        ("new-keywords-none", [9, 2, 0, []]),
        ("new-keywords-fewer", [9, 2, 0, ["a", "b"], [1, 2]]),
        ("new-keywords-twice", [9, 2, 0, ["a", "a"], [1, 2], [3, 4]]),
        ("new-keywords-long", [9, 2, 0, [LONG], [1, 2]]),
        ("column-short", [4, 2, [1]]),
        ("column-long", [4, 2, [1, 2, 3]]),
        ("column-number", [4, 2, 5]),
        ("column-map", [4, 2, [{}, 1]]),
        ("column-later", [4, 2, [[0], 1]]),
        ("column-code", [4, 2, [[4, 1, 2]]]),
        ("column-code-true", [4, 2, [[True, 1, 2]]]),
        ("span-short", [4, 2, [[0, 2, 1]]]),
        ("span-itself", [4, 2, [[0, 1, 2]]]),
        ("span-before", [4, 2, [[0, 6, 2]]]),
        ("span-negative", [4, 2, [[0, 2, -2]]]),
        ("span-true", [4, 1, [[0, True, 1]]]),
        ("same-short", [4, 2, [[1, None, 1]]]),
        ("same-none", [4, 1, [[1, None, 0]]]),
        ("same-later", [4, 2, [[1, [0], 2]]]),
        ("same-column", [4, 2, [[1, [0, 2, 2], 2]]]),
        ("same-long-text", [4, 2, [[1, LONG, 2]]]),
        ("same-long-bytes", [4, 2, [[1, b"x" * 65, 2]]]),
        ("same-long-integer", [4, 2, [[1, 1 << 512, 2]]]),
        ("references-short", [4, 2, [[2, 1]]]),
        ("references-itself", [4, 2, [[2, 0, 2]]]),
        ("references-true", [4, 2, [[2, True, 2]]]),
        ("references-before", [4, 2, [[2, 6, 2]]]),
        ("merged-empty", [4, 1, [[3, b"", [1]]]]),
        ("merged-text", [4, 2, [[3, "\0\1", [1], [2]]]]),
        ("merged-beyond", [4, 2, [[3, b"\0\2", [1], [2]]]]),
        ("merged-short", [4, 2, [[3, b"\0", [1]]]]),
        ("merged-uneven", [4, 3, [[3, b"\0\1\0", [1], [2]]]]),
        ("merged-unused", [4, 2, [[3, b"\0\0", [1, 2], [3]]]]),
        ("merged-merged", [4, 2, [[3, b"\0\1", [[3, b"\0", [1]]], [2]]]]),
        ("merged-257", [4, 257, [[3, bytes(range(256)) + b"\0", [1, 2], *[[1]] * 256]]]),
        ("sets-none", [6, 2, [None, None]]),
        ("sets-floats", [6, 2, [1.5, 2.5]]),
        ("sets-mixed", [7, 2, [1, 2], ["a", "b"]]),
        ("sets-references", [7, 2, [[0, 2, 2]]]),
        ("keys-numbers", [5, 2, [1], [1, 2]]),
        ("keys-twice", [5, 2, ["a", "a"], [1, 2], [3, 4]]),
        ("keys-long", [5, 2, [LONG], [1, 2]]),
        ("keys-fewer", [5, 2, ["a"], [1, 2], [3, 4]]),
        ("keys-more", [5, 2, ["a", "b"], [1, 2]]),
        ("keys-columns", [5, 2, ["a", "b"], [1, 5, 2]]),
        ("state-later", [15, 2, 1, ["a"], [1, 2]]),
        ("state-before", [15, 2, 6, ["a"], [1, 2]]),
        ("state-true", [15, 1, True, ["a"], [1]]),
        ("state-twice", [15, 2, 4, ["a", "a"], [1, 2], [3, 4]]),
        ("state-long", [15, 2, 4, [LONG], [1, 2]]),
        ("state-fewer", [15, 2, 4, ["a", "b"], [1, 2]]),
        ("state-ahead", [15, 2, 4, ["a"], [[2, 0, -4]]]),
        ("set-state-two", [16, 2, 4, [1, 2], [3, 4]]),
    ]:
        steps(f"run-{name}", "damaged", [*OBJECTS, [17, *run], [5]], f"A run that is none: {name.replace('-', ' ')}.", trust=PLAIN)
    one = "A run of"
    filled = [*OBJECTS, [17, 15, 2, 4, ["a"], [[2, -2, -2]]], [17, 5, 2, ["b"], [[0, 2, 2]]], [12, 4, [0, 2, 2]], [None]]
    steps("run-good", "loads", filled, "Runs of new objects, lists, states and dictionaries.", trust=PLAIN, result="None")
    for name, run, result in [
        ("values", [2, 2, [LONG, LONG]], repr(LONG)),
        ("tuples", [3, 2, [1, 2], [[1, None, 2]]], "(2, None)"),
        ("lists", [4, 2, [[2, 2, 3]]], "[[]]"),
        ("dictionaries", [5, 2, ["a", "b"], [1, 2], [[3, b"\1\0", [3], [4]]]], "{'a': 2, 'b': 3}"),
        ("sets", [6, 2, ["a", "b"]], "{'b'}"),
        ("frozen-sets", [7, 2, [1, 2], [[1, 3, 2]]], "frozenset({2, 3})"),
        ("empty-tuples", [3, 2], "()"),
    ]:
        steps(f"run-of-{name}", "loads", [*OBJECTS, [17, *run], [R(6)]], f"{one} {name.replace('-', ' ')}.", result=result, trust=PLAIN)
    for name, run in [
        ("attribute", [15, 2, 4, ["a", "__class__"], [1, 2], [1, 2]]),
        ("target", [15, 2, 2, ["a"], [1, 2]]),
        ("set-target", [16, 2, 2, [None, None]]),
        ("class", [9, 2, -1]),
        ("call", [10, 2, 0, [1, 2]]),
        ("function", [10, 2, -1, [1, 2]]),
    ]:
        steps(f"run-bad-{name}", "not trusted", [*OBJECTS, [17, *run], [R(1)]], f"A run with an untrusted {name.replace('-', ' ')}.", trust=PLAIN)
    steps("run-untrusted", "not trusted", [[1, "canary_module", "Class"], [17, 9, 2, 0], [R(1)]], "A run of objects of a class that isn't trusted.")
    steps("run-spelled", "damaged", [[1, "builtins", "getattr"], [17, 10, 2, 0, ["a", "b"], ["upper", "lower"]], [R(1)]], "A run of getattr.")
    when = [1, "datetime", "datetime"]
    dates = [17, 10, 3, 0, [[1, 2026, 3]], [1, 2, 3], [4, 5, 6]]
    steps("run-of-calls", "loads", [when, dates, [R(1)]], "A run of dates.", result="datetime.datetime(2026, 1, 4, 0, 0)")
    steps("run-of-calls-bad", "cannot load", [when, [*dates[:6], [4, 50, 6]], [R(1)]], "A run of dates, one of which is no day.")
    steps("run-of-calls-types", "cannot load", [when, [*dates[:6], [4, "5", 6]], [R(1)]], "A run of dates, one of which has a text.")
    steps("run-of-eval", "not trusted", [[1, "builtins", "eval"], [17, 10, 2, 0, ["1", "2"]], [R(1)]], "A run of eval.")
    steps(
        "run-of-partials", "not trusted", [[1, "functools", "partial"], SYSTEM, [17, 10, 2, 0, [[1, [[1]], 2]], [[1, "touch sprung", 2]]], [R(1)]],
        "A run of partials of a function that isn't trusted.",
    )  # fmt: skip
    steps("run-name", "not trusted", [SYSTEM, [17, 4, 2, [[1, [[0]], 2]]], [R(1)]], "A function in all lists of a run.")
    steps(
        "run-state-data", "not trusted", [OBJECTS[0], [17, 9, 2, 0], [17, 5, 2, ["__class__"], [1, 2]], [17, 16, 2, 4, [[0, -2, 2]]], [R(1)]],
        "A run of states, with an attribute that is Python's own.", trust=PLAIN,
    )  # fmt: skip
    for name, body in [
        ("new", [[17, 9, MANY, 0]]),
        ("lists", [[17, 4, MANY]]),
        ("tuples", [[17, 3, MANY, [[1, None, MANY]]]]),
        ("dictionaries", [[17, 5, MANY, []]]),
        ("sets", [[17, 6, MANY, [[1, 5, MANY]]]]),
        ("items", [[4, [1, None, MANY]]]),
        ("arguments", [[9, 0, [[1, None, MANY]]]]),
        ("attributes", [[15, 4, ["a"], [1, None, MANY]]]),
        ("call", [[1, "builtins", "getattr"], [10, 1, [1, "a", MANY]]]),
        ("spans", [[17, 4, 100_000], *[[4, [0, 100_000 + number, 100_000]] for number in range(100)]]),
        ("columns", [[17, 4, 100_000, *[[[1, None, 100_000]]] * 50]]),
        ("runs", [[17, 4, 100_000]] * 50),
        ("calls", [[1, "datetime", "timedelta"], [17, 10, MANY, 1, [[1, 5, MANY]]]]),
        ("keywords", [[17, 9, MANY, 0, ["a"], [[1, 5, MANY]]]]),
    ]:
        steps(f"run-cost-{name}", "cannot load", [*OBJECTS, *body, [None]], f"A few bytes for very many {name}.", trust=PLAIN)
    for name, count, columns in [("merged", 10_000, 200), ("names", 10_000, 1)]:
        order = bytes(number % columns for number in range(count))
        merged = [[3, order, *[[*range(count // columns)]] * columns]]
        key = "x" * (100_000 if name == "names" else 1)
        expect = "damaged" if name == "names" else "loads"
        steps(f"run-cost-{name}", expect, [[17, 5, count, [key], merged], [None]], f"A run of dictionaries: {name}.")
    steps("run-cost-hashes", "cannot load", [[17, 7, 2, *[[number * (2**61 - 1)] * 2 for number in range(5_000)]], [R(0)]],
          "Two sets of 5,000 numbers with one hash.")  # fmt: skip


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
    raw("timestamp", "damaged", b"\x92\x92\x04\xd4\xff\x00\x91\xc0", "A timestamp of one byte.")
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
    twice = pack({"appsnap": 1, "kind": "msgpack", "size": len(body), "naMe": "a", "name": "b"}).replace(b"naMe", b"name")
    whole("header-key-twice", "damaged", twice + body + pack({"sha256": hashlib.sha256(twice + body).hexdigest()}), "A header with one key twice.")
    tail = {"distributions": {"a": "1", "b": "2"}, "steps": 0, "sTeps": 0}
    whole("trailer-key-twice", "damaged", document("msgpack", body, None, tail).replace(b"sTeps", b"steps"), "A trailer with one key twice.")
    whole(
        "distribution-twice",
        "damaged",
        document("msgpack", body, None, {"distributions": {"a": "1", "b": "2"}}).replace(b"\xa1b", b"\xa1a"),
        "A distribution twice.",
    )
    whole("header-int-keys", "damaged", b"\x82\xa7appsnap\x01\x05\x05", "A key that is a number.")
    whole("header-deep", "damaged", b"\x82\xa7appsnap\x01\xa1a" + b"\x91" * 5000 + b"\xc0", "A header of 5,000 arrays in each other.")
    whole("header-map16", "damaged", b"\xde\x00\x01\xa7appsnap\x01", "A header of another spelling.")
