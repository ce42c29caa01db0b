"""Arrays in one line: dtype, shape, size, and the first items, from the steps that make them.

Nothing of numpy is imported: its arrays are recognised by the names in the recipe.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
import struct
from typing import TYPE_CHECKING

from appsnap.printable import shortened
from appsnap.recipe.outline.tree import quoted
from appsnap.recipe.steps import Operand, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from appsnap.recipe.outline.tree import Node, Outline

__all__ = [
    "FIRST",
    "array_line",
    "array_parts",
    "as_shown",
    "brief",
    "bytes_of",
    "digest",
    "items_of",
    "ndarray_line",
    "nodes",
    "tuple_line",
]

FIRST = 6
"""Items of an array that are shown."""


# Parts


def digest(outline: Outline, register: Ref) -> str:
    """Return the SHA-256 of the text or bytes in a register, in hexadecimal digits.

    Data that nobody has verified isn't read. The SHA-256 is that of its checksums then, or its only checksum.
    """
    known = outline.digests.get(register)
    if known is None:
        value = outline.nodes[register].value
        sums = outline.unverified.get(register)
        if sums is not None and len(sums) == 1:
            known = sums[0]
        else:
            data = " ".join(sums) if sums is not None else value
            data = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
            known = hashlib.sha256(data).hexdigest()
        outline.digests[register] = known
    return known


def brief(outline: Outline, operand: Operand | bytearray | memoryview) -> str:
    """Return the begin of the SHA-256 of a text or bytes, as it is shown."""
    known = digest(outline, operand) if isinstance(operand, Ref) else hashlib.sha256(operand).hexdigest()  # type: ignore[arg-type]  # bytes, or the line fails
    return as_shown(known, verified=operand not in outline.unverified if isinstance(operand, Ref) else True)


def as_shown(known: str, *, verified: bool) -> str:
    """Return the begin of a SHA-256, or of one of checksums that nobody has compared with their data."""
    return f"sha256 {known[:8]}" if verified else f"checksum {known[:8]}, not verified"


def _value(outline: Outline, operand: Operand) -> object:
    return outline.nodes[operand].value if isinstance(operand, Ref) else operand


def bytes_of(outline: Outline, operand: Operand) -> memoryview:
    """Return an operand that is bytes. It may be large, and no copy is made."""
    value = _value(outline, operand)
    if isinstance(value, str):
        raise TypeError
    return memoryview(value)  # type: ignore[arg-type]  # bytes, or the line fails


def _ints(outline: Outline, operand: Operand) -> list[int]:
    """Return the integers of a tuple."""
    (node,) = nodes(outline, operand)
    if len(node.items) > 64 or not all(type(item) is int and item < 1 << 63 for item in node.items):
        raise TypeError
    return node.items  # type: ignore[return-value]  # as just checked


def nodes(outline: Outline, *operands: Operand) -> Iterator[Node]:
    """Yield the nodes of registers. Raises TypeError for an operand that is none, and for a call with keywords."""
    for operand in operands:
        if not isinstance(operand, Ref) or outline.nodes[operand].keywords:
            raise TypeError
        yield outline.nodes[operand]


def _dtype(outline: Outline, operand: Operand) -> str:
    """Return a dtype as numpy spells it, without quotes: `float64`, `<U3`, `[a int16, b <U3]`."""
    (node,) = nodes(outline, operand)
    (spelled,) = node.args[:1]
    if isinstance(spelled, str):
        return _short(spelled)
    (fields,) = nodes(outline, spelled)
    found = []
    for field in nodes(outline, *fields.items[:FIRST]):
        name, of = field.items[:2]
        short = _short(of) if isinstance(of, str) else "…"
        found.append(f"{outline.cut(name) if isinstance(name, str) else '…'} {short}")
    return f"[{', '.join(found)}{', …' if len(fields.items) > FIRST else ''}]"


def _short(spelled: str) -> str:
    if not re.fullmatch(r"[<>|=]?[A-Za-z][\w\[\]]{0,20}", spelled):
        raise ValueError
    return spelled if spelled[0] == ">" else _NAMES.get(spelled.lstrip("<|="), spelled)


_NAMES = {
    **{f"f{size}": f"float{8 * size}" for size in (2, 4, 8, 16)},
    **{f"c{size}": f"complex{8 * size}" for size in (8, 16, 32)},
    **{f"i{size}": f"int{8 * size}" for size in (1, 2, 4, 8)},
    **{f"u{size}": f"uint{8 * size}" for size in (1, 2, 4, 8)},
    **{f"M8[{unit}]": f"datetime64[{unit}]" for unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns")},
    **{f"m8[{unit}]": f"timedelta64[{unit}]" for unit in ("W", "D", "h", "m", "s", "ms", "us", "ns")},
    "b1": "bool",
    "O": "object",
}

_FORMATS = {
    "f2": "e",
    "f4": "f",
    "f8": "d",
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "c8": "ff",
    "c16": "dd",
}


def items_of(data: bytes | bytearray | memoryview, spelled: str, count: int) -> list[str] | None:
    """Return the first items of an array as numpy prints them, or None for those that take more than a number."""
    order = ">" if spelled[:1] == ">" else "<"
    code = spelled.lstrip("<>|=")
    kind = code[:1]
    if kind == "U" and code[1:].isdigit():
        size = 4 * int(code[1:])
        raw = [bytes(data[at : at + min(size, 120)]) for at in range(0, size * count, size)] if size else []
        coding = "utf-32-be" if order == ">" else "utf-32-le"
        return [quoted(shortened(item.decode(coding, "replace").rstrip("\0"), 20)) for item in raw]
    if kind == "S" and code[1:].isdigit():
        size = int(code[1:])
        raw = [bytes(data[at : at + size]).rstrip(b"\0") for at in range(0, size * count, size)] if size else []
        return [quoted(item[:20]) + "…" * (len(item) > 20) for item in raw]
    unit = re.fullmatch(r"M8\[(D|s|ms|us|ns)\]", code)
    if unit:
        return [_moment(number, unit[1]) for (number,) in struct.iter_unpack(f"{order}q", data[: 8 * count])]
    form = _FORMATS.get(code)
    if form is None:
        return None
    size = struct.calcsize(f"{order}{form}")
    numbers = struct.iter_unpack(f"{order}{form}", data[: size * count])
    return [_number(*parts) for parts in numbers]


def _number(real: float, imaginary: float | None = None) -> str:
    if imaginary is not None:
        return repr(complex(real, imaginary)).strip("()")
    text = repr(real)
    return text[:-1] if text.endswith(".0") else text


def _moment(number: int, unit: str) -> str:
    if number == -(1 << 63):
        return "NaT"
    if unit == "D":
        return str(dt.date(1970, 1, 1) + dt.timedelta(days=number))
    step = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1}[unit]
    micro = number // 1_000 if unit == "ns" else number * step
    return (dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=micro)).isoformat()  # noqa: DTZ001 - numpy's has none


def array_parts(outline: Outline, operand: Operand, levels: int = 3) -> tuple[str, list[int]]:
    """Return the dtype and the shape of an array, or of an array of pandas, which has others in it."""
    if not levels:
        raise ValueError
    node: Node
    (node,) = nodes(outline, operand)
    if node.name == "numpy.ndarray":
        size = outline.nodes[node.state].items[1] if isinstance(node.state, Ref) else node.args[0]
        return _dtype(outline, node.args[1]), _ints(outline, size)
    if node.name.endswith(("ArrowStringArray", "ArrowStringArrayNumpySemantics")):
        (arrow,) = nodes(outline, node.attributes["_pa_array"])
        (parts,) = nodes(outline, arrow.args[0])
        return "str", [parts.items[1]]  # type: ignore[list-item]  # a number, or the line fails
    if node.name.endswith("__pyx_unpickle_NDArrayBacked"):
        state = next(nodes(outline, node.state)).items
        kind = outline.nodes[node.args[0]].name.rpartition(".")[2] if isinstance(node.args[0], Ref) else ""
        _, shape = array_parts(outline, state[1], levels - 1)
        return "category" if kind == "Categorical" else _dtype(outline, state[0]), shape
    return outline.cut(node.name.rpartition(".")[2] or node.form), [_length(outline, node, levels)]


def _length(outline: Outline, node: Node, levels: int) -> int:
    """Return the length of an array of pandas with a mask or data in its attributes."""
    for name in ("_data", "_ndarray", "_values"):
        if name in node.attributes:
            return array_parts(outline, node.attributes[name], levels - 1)[1][-1]
    raise LookupError


# Arrays


def ndarray_line(outline: Outline, register: Ref) -> str:
    """Return the line of an array of numpy."""
    node = outline.nodes[register]
    dtype, shape = array_parts(outline, register)
    start = f"ndarray {dtype} {tuple_line(shape)}"
    count = math.prod(shape)
    data = node.args[2]
    if node.state is not None:
        return f"{start}{_objects(outline, node)}"
    if data is None:
        return f"{start} 0 bytes []"
    if isinstance(data, Ref) and outline.nodes[data].form not in ("value", "bytearray"):
        return start  # a part of another array
    value = _value(outline, data)
    if not isinstance(value, (bytes, bytearray, memoryview)):
        return start
    spelled = outline.nodes[node.args[1]].args[0]  # type: ignore[index]  # a Ref, or `_dtype` had failed
    contiguous = (node.args[4:] == () or node.args[4] is None) and (
        len(shape) < 2 or node.args[5:] in ((), ("C",), ["C"])
    )
    offset = node.args[3] if len(node.args) > 3 else 0
    first = None
    if contiguous and isinstance(spelled, str) and type(offset) is int:
        first = items_of(memoryview(value)[offset:], spelled, min(count, FIRST))
    more = "" if first is None else f" [{' '.join(first)}{' …' if count > FIRST else ''}]"
    cut = ""
    if first is None or "…" in more:
        cut = f" {brief(outline, data if isinstance(data, Ref) else value)}"
    return f"{start} {len(value):,} bytes{more}{cut}"


def _objects(outline: Outline, node: Node) -> str:
    """Return the items of an array of objects, if there are few and plain ones."""
    (state,) = nodes(outline, node.state)
    (items,) = nodes(outline, state.items[4])
    plain = [quoted(item) for item in items.items[:FIRST] if not isinstance(item, Ref)]
    if len(plain) < min(len(items.items), FIRST):
        raise LookupError
    return f" [{' '.join(plain)}{' …' if len(items.items) > FIRST else ''}]"


def tuple_line(numbers: Sequence[int]) -> str:
    """Return a shape as Python writes it."""
    return f"({', '.join(map(str, numbers))}{',' if len(numbers) == 1 else ''})"


def array_line(outline: Outline, register: Ref) -> str:
    """Return the line of an array of the standard library."""
    _, code, form, data = outline.nodes[register].args
    order, letter = _MACHINE_FORMATS[form]  # type: ignore[index]  # a number, or the line fails
    value = bytes_of(outline, data)
    if not isinstance(code, str) or len(code) != 1:
        raise TypeError
    size = struct.calcsize(order + letter)
    count = len(value) // size
    first = [repr(number) for (number,) in struct.iter_unpack(order + letter, value[: size * FIRST])]
    text = f"array({code!r}, [{', '.join(first)}{', …' if count > FIRST else ''}])"
    if count <= FIRST:
        return text
    return f"{text} {count:,} items {brief(outline, data)}"


_MACHINE_FORMATS = {
    **dict(enumerate([("<", "B"), ("<", "b")])),
    **dict(enumerate([(order, letter) for letter in "HhIiQqfd" for order in "<>"], 2)),
}
"""The order of bytes and the letter in `struct` for each format of `array._array_reconstructor`."""
