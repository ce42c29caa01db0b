"""Vectors of value types that any recipe may hold, with arguments that don't fit: the same steps in each kind."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from vectors.adding import two_kinds
from vectors.spelling import R, Script, Steps, spell

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add"]

# The callable, its arguments (a list is a List of its own, a tuple a Tuple, a Steps in braces stands before it).
ODD: list[tuple[str, str, str, list[Any], str]] = [
    ("range-nothing", "builtins", "range", [], "range() without arguments."),
    ("range-four", "builtins", "range", [1, 2, 3, 4], "range() with four arguments."),
    ("range-float", "builtins", "range", [1.5], "A range to 1.5."),
    ("range-text", "builtins", "range", ["a"], "A range to a text."),
    ("range-step-zero", "builtins", "range", [0, 1, 0], "A range with a step of 0."),
    ("slice-list", "builtins", "slice", [[]], "A slice to a list."),
    ("complex-text", "builtins", "complex", ["1_000j"], "A complex number from a text."),
    ("complex-huge", "builtins", "complex", [10**400], "A complex number of an integer that no float can hold."),
    ("decimal-float", "decimal", "Decimal", [0.1], "A Decimal from a float."),
    ("decimal-tuple", "decimal", "Decimal", [(0, 1, 2)], "A Decimal from a tuple."),
    ("decimal-text", "decimal", "Decimal", ["1.2.3"], "A Decimal that is no number."),
    ("decimal-context", "decimal", "Decimal", ["1", 2], "A Decimal with a context."),
    ("fraction-exponent", "fractions", "Fraction", ["1e99999999"], "A Fraction whose numerator has 100 million digits."),
    ("fraction-zero", "fractions", "Fraction", [1, 0], "A Fraction with a denominator of 0."),
    ("fraction-float", "fractions", "Fraction", [0.5, 1], "A Fraction from a float."),
    ("fraction-spaces", "fractions", "Fraction", [" 1/2 "], "A Fraction with spaces."),
    ("fraction-digits", "fractions", "Fraction", ["1" * 5000], "A Fraction of 5,000 digits."),
    ("fraction-long", "fractions", "Fraction", [1 << 400_000, 1], "A Fraction of 400,000 bits."),
    ("date-year-zero", "datetime", "date", [0, 1, 1], "A date in the year 0."),
    ("date-february-30", "datetime", "date", [2024, 2, 30], "The thirtieth of February."),
    ("date-text", "datetime", "date", ["2024-01-01"], "A date from a text."),
    ("date-bytes-short", "datetime", "date", [b"\x07"], "A date from one byte."),
    ("date-bytes-month", "datetime", "date", [b"\x07\xe8\xff\x01"], "A packed date with the month 255."),
    ("date-bytes-day", "datetime", "date", [b"\x07\xe8\x01\xff"], "A packed date with the day 255."),
    ("date-bytes-year", "datetime", "date", [b"\x00\x00\x01\x01"], "A packed date in the year 0."),
    ("datetime-bytes-hour", "datetime", "datetime", [b"\x07\xe8\x01\x01\xff\x00\x00\x00\x00\x00"], "A packed datetime with the hour 255."),
    ("datetime-bytes-second", "datetime", "datetime", [b"\x07\xe8\x01\x01\x00\x00\xff\x00\x00\x00"], "A packed datetime with the second 255."),
    ("datetime-bytes-micro", "datetime", "datetime", [b"\x07\xe8\x01\x01\x00\x00\x00\xff\xff\xff"], "A packed datetime with 16 million microseconds."),
    ("datetime-bytes-long", "datetime", "datetime", [b"\x07\xe8\x01\x01" + bytes(60)], "A packed datetime of 64 bytes."),
    ("datetime-zone", "datetime", "datetime", [2024, 1, 1, 0, 0, 0, 0, "UTC"], "A time zone that is a text."),
    ("time-bytes-hour", "datetime", "time", [b"\x1f\x00\x00\x00\x00\x00"], "A packed time with the hour 31."),
    ("time-hour", "datetime", "time", [24], "A time with the hour 24."),
    ("timedelta-huge", "datetime", "timedelta", [10**10], "A difference of 10 billion days."),
    ("timedelta-float", "datetime", "timedelta", [0.1], "A difference of a tenth of a day."),
    ("timezone-number", "datetime", "timezone", [3600], "A time zone from a number."),
    ("pattern-debug", "re", "compile", ["a", 128], "A pattern that prints itself."),
    ("pattern-unclosed", "re", "compile", ["("], "A pattern that is none."),
    ("pattern-number", "re", "compile", [1], "A pattern that is a number."),
    ("pattern-deep", "re", "compile", ["(" * 5000 + ")" * 5000], "A pattern of 5,000 groups in each other."),
    ("pattern-flags", "re", "compile", ["a", 1 << 70], "Flags of 70 bits."),
    ("pattern-locale", "re", "compile", ["a", 4], "A text with LOCALE, which is for bytes."),
    ("pattern-sets", "re", "compile", ["(?i)" + "[\x00-\U0010ffff]" * 2000], "Sets of all characters without case: each takes a million steps."),
    ("pattern-alternatives", "re", "compile", ["a" * 400_000 + "|" + "a" * 400_000], "Alternatives that begin with the same 400,000 letters."),
    ("pattern-long", "re", "compile", ["[a\u1000-\u2000\u4000-\u5000]" * 50_000], "A pattern of 50,000 sets: each takes a map of 64 KiB."),
    ("decode-error-before", "builtins", "UnicodeDecodeError", ["u", b"x", -(2**40), 1, "r"], "A place before the bytes: Python would read the memory there."),
    ("decode-error-behind", "builtins", "UnicodeDecodeError", ["u", b"x", 2**40, 2**40 + 1, "r"], "A place behind the bytes."),
    ("encode-error-behind", "builtins", "UnicodeEncodeError", ["u", "x", 0, 2, "r"], "A place that ends behind the text."),
    ("encode-error-bytes", "builtins", "UnicodeEncodeError", ["u", b"x", 0, 1, "r"], "Bytes that can't be encoded."),
    ("translate-error-empty", "builtins", "UnicodeTranslateError", ["", 0, 1, "r"], "A place in a text of no characters."),
    ("syntax-error-carets", "builtins", "SyntaxError", ["m", ("f", 1, 1, "x", 1, 10**11)], "An error that is printed with 100 billion carets."),
    ("time-unit-zero", "numpy", "datetime64", [1, "0s"], "A time in units of 0 seconds, by which numpy would divide."),
    ("time-unit-zeros", "numpy", "datetime64", [1, "00s"], "The same, with two zeros."),
    ("time-difference-unit-zero", "numpy", "timedelta64", [1, "0D"], "A difference in units of 0 days."),
    ("time-dtype-zero", "numpy", "dtype", ["<M8[0s]"], "A dtype of times in units of 0 seconds."),
    ("time-dtype-field-zero", "numpy", "dtype", [[("a", "m8[0s]")]], "The same in a field."),
    ("deque-text", "collections", "deque", ["abc"], "A deque of a text."),
    ("deque-number", "collections", "deque", [5], "A deque of a number."),
    ("deque-negative", "collections", "deque", [[], -1], "A deque of a negative length."),
    ("deque-length", "collections", "deque", [[], 1.5], "A deque of a length of 1.5."),
    ("counter-list", "collections", "Counter", [[1, 1]], "A Counter that would count."),
    ("ordered-dict-text", "collections", "OrderedDict", ["ab"], "An OrderedDict of a text."),
    ("ordered-dict-pairs", "collections", "OrderedDict", [[(1, 2, 3)]], "An OrderedDict of threes."),
    ("default-dict-number", "collections", "defaultdict", [5], "A defaultdict whose factory is a number."),
    ("default-dict-items", "collections", "defaultdict", [None, [(1, 2)]], "A defaultdict that is given its items."),
    ("uuid-text", "uuid", "UUID", ["zz"], "A UUID that is none."),
    ("uuid-bytes", "uuid", "UUID", [None, bytes(16)], "A UUID from bytes."),
    ("zone-parent", "zoneinfo", "ZoneInfo", ["../../../etc/passwd"], "A time zone outside of the folder of time zones."),
    ("zone-absolute", "zoneinfo", "ZoneInfo", ["/etc/passwd"], "A time zone with an absolute path."),
    ("zone-empty", "zoneinfo", "ZoneInfo", [""], "A time zone without name."),
    ("zone-nul", "zoneinfo", "ZoneInfo", ["UTC\0"], "A time zone with a NUL."),
    ("zone-folder", "zoneinfo", "ZoneInfo", ["Europe"], "A time zone that is a folder."),
    ("zone-long", "zoneinfo", "ZoneInfo", ["a" * 5000], "A time zone with a name that no file can have."),
    ("zone-surrogate", "zoneinfo", "ZoneInfo", ["\ud800"], "A time zone with a lone surrogate."),
    ("zone-module", "zoneinfo", "ZoneInfo", ["canary_module/zone"], "A time zone that would be looked for in a package."),
    ("address-huge", "ipaddress", "IPv4Address", [2**32], "An address of 33 bits."),
    ("address-bits", "ipaddress", "IPv4Network", ["10.0.0.1/8"], "A network with bits of a host."),
    ("address-digits", "ipaddress", "IPv6Address", [10**5000], "An address of 5,000 digits."),
    ("path-bytes", "pathlib", "PurePosixPath", [b"a"], "A path of bytes."),
    ("path-of-windows", "pathlib", "WindowsPath", ["a"], "A path that this system hasn't."),
    ("bytearray-size", "builtins", "bytearray", [10**11], "A bytearray of 100 GB."),
    ("bytearray-codec", "builtins", "bytearray", ["a", "rot13"], "A bytearray from a text and a codec that isn't Latin-1."),
    ("bytes-size", "builtins", "bytes", [10**11], "Bytes of 100 GB."),
    ("bytes-codec", "_codecs", "encode", ["a", "zlib_codec"], "A codec that isn't Latin-1."),
    ("bytes-latin", "_codecs", "encode", ["\u20ac", "latin1"], "A letter that Latin-1 hasn't."),
    ("memoryview-list", "builtins", "memoryview", [[1]], "A memoryview of a list."),
    ("mapping-proxy-list", "types", "MappingProxyType", [[1]], "A mapping proxy of a list."),
    ("namespace-keyword", "types", "SimpleNamespace", [1], "A namespace with an argument."),
    ("object-argument", "builtins", "object", [1], "object(1)."),
    ("partial-number", "functools", "partial", [5], "A partial of a number."),
    ("loop", "_asyncio", "get_running_loop", [], "The running event loop, where there is none."),
    ("logger-number", "logging", "getLogger", [5], "A logger whose name is a number."),
    ("logger-dots", "logging", "getLogger", ["." * 100_000], "A logger below 100,000 others, each of which would stay for good."),
    ("group-empty", "builtins", "ExceptionGroup", ["x", []], "An exception group of nothing."),
    ("group-number", "builtins", "ExceptionGroup", ["x", [1]], "An exception group of a number."),
    ("unicode-error", "builtins", "UnicodeDecodeError", ["a", "b", 1, 2, "c"], "A UnicodeDecodeError of a text."),
    ("unicode-error-range", "builtins", "UnicodeEncodeError", ["a", "b", 10**30, 2, "c"], "A UnicodeEncodeError at a place of 100 bits."),
    ("numpy-object-list", "numpy", "dtype", ["O"], "A dtype of objects in a spelling that nothing writes."),
    ("numpy-object-field", "numpy", "dtype", [[("a", "|O")]], "A dtype with a field of objects."),
    ("numpy-descr", "numpy", "dtype", ["i4,O"], "A dtype of several fields in a text."),
    ("numpy-number", "numpy", "dtype", [5], "A dtype from a number."),
    ("numpy-digits", "numpy", "dtype", ["V9999999999"], "A dtype of 10 GB."),
    ("numpy-alias", "numpy", "dtype", ["|a8"], "A dtype by a letter that numpy warns of, and doesn't write."),
    ("numpy-same-fields", "numpy", "dtype", [[("a", "<i4"), ("a", "<i4")]], "A dtype with two fields of one name."),
    ("numpy-bytes-size", "numpy", "bytes_", [10**10], "Bytes of 10 GB."),
    ("numpy-int-text", "numpy", "int64", ["1" * 5000], "A number of 5,000 digits in a text."),
    ("numpy-unit", "numpy", "datetime64", [1, "generic"], "A time of no unit."),
    ("numpy-count", "numpy", "timedelta64", [1 << 70, "s"], "A difference of 70 bits."),
]  # fmt: skip


def add(vectors: Vectors) -> None:
    """Add them."""
    for name, module, qualname, arguments, about in ODD:
        steps: Steps = [("Name", module, qualname)]
        operands = [_made(steps, argument) for argument in arguments]
        steps.append(("Call", R(0), operands))
        root = R(len(steps) - 1)
        numpy = "needs numpy" if module == "numpy" else ""
        for kind in two_kinds(name):
            vectors.add(f"value-{name}", kind, "cannot load", spell(kind, steps, root), about, source=numpy)

    def each(name: str, expect: str, steps: Steps, root: Any, about: str, **more: Any) -> None:
        # What is long is in one kind: the builder follows the same steps, whatever they were read from.
        for kind in two_kinds(name) if len(steps) < 3_000 else ("pickle",):
            vectors.add(f"value-{name}", kind, expect, spell(kind, steps, root), about, **more)

    _ranges(each)
    _states(each)
    _arrays(each)


def _made(steps: Steps, value: Any) -> Any:
    """Add the steps for an argument, and return its operand."""
    if isinstance(value, (list, tuple)):
        items = [_made(steps, item) for item in value]
        steps.append(("List" if isinstance(value, list) else "Tuple", items))
        return R(len(steps) - 1)
    if isinstance(value, (str, bytes)) and len(value) > 64:
        steps.append(("Value", value))
        return R(len(steps) - 1)
    return value


def _ranges(each: Any) -> None:
    """Add what turns a range of 100 billion numbers into a tuple, by way of an exception."""
    huge: Steps = [("Name", "builtins", "range"), ("Call", R(0), [10**11])]
    for name, cls, arguments in [("group", "ExceptionGroup", ["x", R(1)]), ("syntax-error", "SyntaxError", ["x", R(1)])]:
        each(
            f"range-in-{name}", "cannot load", [*huge, ("Name", "builtins", cls), ("Call", R(2), arguments)], R(3),
            f"{cls} makes a tuple of what it is given: here of 100 billion numbers.",
        )  # fmt: skip
    states: list[tuple[str, Steps]] = [
        ("state", [("State", R(3), ["args"], [R(1)])]),
        ("given-state", [("Dict", ["args"], [R(1)]), ("SetState", R(3), R(4))]),
    ]
    for name, steps in states:
        each(
            f"range-as-arguments-by-{name}", "cannot load",
            [*huge, ("Name", "builtins", "ValueError"), ("Call", R(2), []), *steps], R(3),
            "The attribute args of an exception becomes a tuple: here of 100 billion numbers.",
        )  # fmt: skip


def _states(each: Any) -> None:
    letters: Steps = [("Name", "array", "array"), ("Name", "array", "_array_reconstructor")]
    each(
        "array-no-characters", "cannot load", [*letters, ("Call", R(1), [R(0), "u", 21, b"\xff" * 4])], R(2),
        "An array of characters, with a number that is none.",
    )  # fmt: skip
    for cls, attribute in [("ChainMap", "maps"), ("UserList", "data"), ("UserDict", "data")]:
        going: Steps = [("Name", "collections", cls), ("New", R(0), []), ("Name", "builtins", "range"), ("Call", R(2), [10**11])]
        each(
            f"{cls.lower()}-of-range", "cannot load", [*going, ("State", R(1), [attribute], [R(3)])], R(1),
            f"A {cls} of 100 billion numbers: to print it would have no end.",
        )  # fmt: skip
    noted: Steps = [("Name", "builtins", "ValueError"), ("Call", R(0), []), ("Name", "builtins", "range"), ("Call", R(2), [10**11])]
    each(
        "exception-notes-range", "cannot load", [*noted, ("State", R(1), ["__notes__"], [R(3)])], R(1),
        "An error with 100 billion notes, which are printed with it.",
    )  # fmt: skip
    decoding: Steps = [("Name", "builtins", "UnicodeDecodeError"), ("Call", R(0), ["u", b"x", 0, 1, "r"])]
    syntax: Steps = [("Name", "builtins", "SyntaxError"), ("Call", R(0), ["m"])]
    for name, error, key, value, about in [
        ("decode-error-start", decoding, "start", -(2**40), "A place before the bytes: Python would read the memory there."),
        ("decode-error-end", decoding, "end", 2**40, "A place behind the bytes."),
        ("decode-error-object", decoding, "object", 5, "A number in the place of the bytes."),
        ("syntax-error-state", syntax, "end_offset", 10**11, "An error that is printed with 100 billion carets."),
    ]:
        each(name, "cannot load", [*error, ("State", R(1), [key], [value])], R(1), about)
        each(
            f"{name}-beside", "cannot load", [*error, ("Dict", [".state", key], [None, value]), ("SetState", R(1), R(2))], R(1),
            f"{about} The attribute stands beside a state for the builtin class.",
        )  # fmt: skip
    each(
        "uuid-state", "cannot load",
        [("Name", "uuid", "UUID"), ("New", R(0), []), ("List", []), ("State", R(1), ["int"], [R(2)])], R(1),
        "A UUID whose number is a list.",
    )  # fmt: skip
    each(
        "uuid-state-long", "cannot load", [("Name", "uuid", "UUID"), ("New", R(0), []), ("State", R(1), ["int"], [1 << 100_000])], R(1),
        "A UUID whose number has 100,000 bits, and is hashed anew each time.",
    )  # fmt: skip
    each(
        "user-string-state", "cannot load",
        [("Name", "collections", "UserString"), ("New", R(0), []), ("List", []), ("State", R(1), ["data"], [R(2)])], R(1),
        "A UserString whose text is a list.",
    )  # fmt: skip
    states: list[tuple[str, tuple[Any, ...]]] = [
        ("short", (None,)),
        ("no-callable", (1, (), {}, None)),
        ("arguments", (R(0), 1, None, None)),
        ("attributes", (R(0), (), {}, 255)),
    ]
    for name, filled in states:
        steps: Steps = [("Name", "builtins", "list"), ("Name", "functools", "partial"), ("Call", R(1), [R(0)])]
        items: list[Any] = []
        for part in filled:
            if isinstance(part, tuple):
                steps.append(("Tuple", list(part)))
                items.append(R(len(steps) - 1))
            elif isinstance(part, dict):
                steps.append(("Dict", [], []))
                items.append(R(len(steps) - 1))
            else:
                items.append(part)
        steps += [("Tuple", items), ("SetState", R(2), R(len(steps)))]
        refused = "not trusted" if name == "attributes" else "cannot load"
        each(f"partial-state-{name}", refused, steps, R(2), "The state of a partial that isn't one.")
    for attribute, cls in [
        ("filename", "OSError"), ("value", "StopIteration"), ("code", "SystemExit"), ("name", "ImportError"),
        ("name", "NameError"), ("obj", "AttributeError"), ("text", "SyntaxError"), ("reason", "UnicodeTranslateError"),
    ]:  # fmt: skip
        arguments: list[Any] = ["a", 0, 1, "b"] if cls.startswith("Unicode") else []
        steps = [("Name", "builtins", cls)]
        for number in range(5_000):
            steps.append(("Call", R(0), arguments))
            if number:
                steps.append(("State", R(number + 1), [attribute], [R(number)]))
        each(
            f"exception-chain-{cls.lower()}", "cannot load", steps, R(5_000),
            f"5,000 exceptions in each other, by their attribute {attribute}: taking them apart could overflow the stack.",
        )  # fmt: skip
    for name, expect, levels, about in [
        ("partial-chain", "cannot load", 5_000, "5,000 partials in each other: taking them apart could overflow the stack."),
        ("partial-chain-short", "loads", 900, "900 partials in each other."),
    ]:
        script, partial, inner = _partial()
        for _ in range(levels):
            made = script.make("Call", partial, [R(0)])
            _give(script, made, inner)
            inner = made
        each(name, expect, script.steps, inner, about)
    script, partial, first = _partial()
    chain = [first, *(script.make("Call", partial, [R(0)]) for _ in range(5_000))]
    for outer, inner in zip(chain, [*chain[1:], first], strict=True):
        _give(script, outer, inner)
    each("partial-ring", "cannot load", script.steps, first, "5,000 partials, each with the next, and the last with the first.")
    script, partial, inner = _partial()
    for _ in range(5_000):
        inner = script.make("Tuple", [script.make("Call", partial, [inner])])
    each("partial-tuples", "cannot load", script.steps, inner, "5,000 partials in each other, with a tuple between any two.")
    for name, module, qualname in [("deque", "collections", "deque"), ("default-dict", "collections", "defaultdict"), ("cause", "builtins", "ValueError")]:
        script = Script()
        function, maker = script.make("Name", "builtins", "list"), script.make("Name", module, qualname)
        inner = script.make("Call", maker, [])
        for number in range(5_000):
            made = script.make("Call", maker, [function] if name == "default-dict" else [])
            if name == "cause":
                script.do("State", made, ["__cause__"], [inner])
            elif name == "deque":
                script.do("Extend", made, [inner])
            else:
                script.do("Update", made, [number], [inner])
            inner = made
        each(f"{name}-chain", "cannot load", script.steps, inner, f"5,000 of {qualname} in each other: taking them apart could overflow the stack.")


def _partial() -> tuple[Script, R, R]:
    """Return steps with a function, `partial`, and one of these."""
    script = Script()
    function, partial = script.make("Name", "builtins", "list"), script.make("Name", "functools", "partial")
    return script, partial, script.make("Call", partial, [function])


def _give(script: Script, partial: R, function: R) -> None:
    nothing, empty = script.make("Tuple", []), script.make("Dict", [], [])
    script.do("SetState", partial, script.make("Tuple", [function, nothing, empty, None]))


def _arrays(each: Any) -> None:
    def array(name: str, dtype: Any, shape: list[Any], data: Any, about: str, *rest: Any) -> None:
        steps: Steps = [("Name", "numpy", "dtype"), ("Name", "numpy", "ndarray")]
        descr = _made(steps, dtype)
        steps += [("Call", R(0), [descr]), ("Tuple", shape)]
        at = len(steps)
        steps.append(("Call", R(1), [R(at - 1), R(at - 2), data, *(rest or (0, None, "C"))]))
        each(f"array-{name}", "cannot load", steps, R(at), about, source="needs numpy")

    array("shape", "<f8", [10**6], b"\0" * 8, "An array of more numbers than there are bytes for.")
    array("short", "<f8", [1], b"\0" * 7, "An array of fewer bytes than a number has.")
    array("negative", "<f8", [-1], b"", "An array of a negative shape.")
    array("product", "<f8", [-1, -1], b"\0" * 8, "An array whose negative shapes multiply to what is there.")
    array("overflow", "<f8", [2**61, 8], b"", "An array whose size is 0 in 64 bits.")
    array("empty-texts", "|S0", [10**11], b"", "An array of 100 billion empty texts: numpy gives each a byte.")
    array("empty-unicode", "<U0", [10**10], b"", "An array of 10 billion empty texts: numpy gives each four bytes.")
    array("empty-void", "|V0", [10**11], b"", "An array of 100 billion items of no bytes.")
    array("dimensions", "<f8", [0] * 100, b"", "An array of 100 dimensions.")
    array("no-data", "<f8", [5], None, "An array without bytes: it would show what was in memory before.")
    array("offset", "<f8", [1], b"\0" * 8, "An array that begins before its bytes.", -(2**40), None, "C")
    array("strides", "<f8", [1], b"\0" * 8, "An array with strides.", 0, 8, "C")
    array("order", "<f8", [1], b"\0" * 8, "An array in an order that there isn't.", 0, None, "A")
    array("text", "<f8", [1], "\0" * 8, "An array of a text.")
    array("subarray", [("a", "<f8", (2**40,))], [1], b"\0" * 8, "A field of a shape of 8 TB.")
    array("subarray-negative", [("a", "<f8", (-1,))], [1], b"\0" * 8, "A field of a negative shape.")
    fields: Any = "|u1"
    steps: Steps = [("Name", "numpy", "dtype")]
    for _ in range(7):
        names = [f"f{number}" for number in range(20)]
        start = len(steps)
        steps += [("Tuple", [name, R(start - 1) if start > 1 else fields]) for name in names]
        steps.append(("List", [R(start + number) for number in range(20)]))
    steps.append(("Call", R(0), [R(len(steps) - 1)]))
    each(
        "dtype-fields", "cannot load", steps, R(len(steps) - 1),
        "A dtype of 20 fields, each of 20 fields, and so on: a billion, in a few lists.", source="needs numpy",
    )  # fmt: skip
    for name, arguments, about in [
        ("code", ["zz", 1, b""], "An array of a type code that there isn't."),
        ("format", ["i", 99, b""], "An array of a machine format that there isn't."),
        ("length", ["i", 8, struct.pack("b", 1)], "An array of less than an item."),
    ]:
        each(
            f"array-module-{name}", "cannot load",
            [("Name", "array", "_array_reconstructor"), ("Name", "array", "array"), ("Call", R(0), [R(1), *arguments])],
            R(2), about,
        )  # fmt: skip
