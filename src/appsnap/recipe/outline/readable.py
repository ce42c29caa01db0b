"""Values as people know them: arrays, frames, dates and the like, in one line, from the steps that make them.

Only the standard library is imported. Values of numpy or pandas are recognised by the names in the recipe.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import math
import re
import struct
from typing import TYPE_CHECKING, Any

from appsnap.printable import shortened
from appsnap.recipe.outline.tree import quoted
from appsnap.recipe.steps import Operand, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from appsnap.recipe.outline.tree import Node, Outline

__all__ = ["data_text", "digest", "readable"]

_LONGEST = 60
"""Characters or bytes of a value that is shown whole."""

_FIRST = 6
"""Items of an array that are shown."""


def readable(outline: Outline, register: Ref) -> str | None:
    """Return the line of a value that people know by another form than the steps that make it, else None."""
    node = outline.nodes[register]
    make = _READABLE.get(node.name) if node.form in ("call", "object") else None
    if make is None:
        return None
    known = outline.lines.get(register)
    if known is None:
        try:
            known = make(outline, register)
        except (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError, struct.error):
            known = ""  # the call is malformed, or has a form that no writer gives it
        outline.lines[register] = known
    return known or None


def digest(outline: Outline, register: Ref) -> str:
    """Return the SHA-256 of the text or bytes in a register, in hexadecimal digits."""
    known = outline.digests.get(register)
    if known is None:
        value = outline.nodes[register].value
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        known = outline.digests[register] = hashlib.sha256(data).hexdigest()
    return known


def data_text(outline: Outline, register: Ref) -> str:
    """Return a long text or bytes as people write it. The middle of a longer one is left out, with size and digest."""
    value = outline.nodes[register].value
    if len(value) <= _LONGEST:
        return quoted(value)
    if isinstance(value, str):
        return f"{quoted(shortened(value, 40))} {len(value):,} characters {_brief(outline, register)}"
    return f"{quoted(value[:12])[:-1]}…{quoted(value[-8:])[2:]} {len(value):,} bytes {_brief(outline, register)}"


def _brief(outline: Outline, register: Ref) -> str:
    return f"sha256 {digest(outline, register)[:8]}"


# Parts


def _ints(outline: Outline, operand: Operand) -> list[int]:
    """Return the integers of a tuple."""
    (node,) = _nodes(outline, operand)
    if len(node.items) > 64 or not all(type(item) is int and item < 1 << 63 for item in node.items):
        raise TypeError
    return node.items  # type: ignore[return-value]  # as just checked


def _nodes(outline: Outline, *operands: Operand) -> Iterator[Node]:
    for operand in operands:
        if not isinstance(operand, Ref):
            raise TypeError
        yield outline.nodes[operand]


def _dtype(outline: Outline, operand: Operand) -> str:
    """Return a dtype as numpy spells it, without quotes: `float64`, `<U3`, `[a int16, b <U3]`."""
    (node,) = _nodes(outline, operand)
    (spelled,) = node.args[:1]
    if isinstance(spelled, str):
        return _short(spelled)
    (fields,) = _nodes(outline, spelled)
    found = []
    for field in _nodes(outline, *fields.items[:_FIRST]):
        name, of = field.items[:2]
        short = _short(of) if isinstance(of, str) else "…"
        found.append(f"{outline.cut(name) if isinstance(name, str) else '…'} {short}")
    return f"[{', '.join(found)}{', …' if len(fields.items) > _FIRST else ''}]"


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


def _items(data: bytes | memoryview, spelled: str, count: int) -> list[str] | None:
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


def _array_parts(outline: Outline, operand: Operand, levels: int = 3) -> tuple[str, list[int]]:
    """Return the dtype and the shape of an array, or of an array of pandas, which has others in it."""
    if not levels:
        raise ValueError
    node: Node
    (node,) = _nodes(outline, operand)
    if node.name == "numpy.ndarray":
        size = outline.nodes[node.state].items[1] if isinstance(node.state, Ref) else node.args[0]
        return _dtype(outline, node.args[1]), _ints(outline, size)
    if node.name.endswith(("ArrowStringArray", "ArrowStringArrayNumpySemantics")):
        (arrow,) = _nodes(outline, node.attributes["_pa_array"])
        (parts,) = _nodes(outline, arrow.args[0])
        return "str", [parts.items[1]]  # type: ignore[list-item]  # a number, or the line fails
    if node.name.endswith("__pyx_unpickle_NDArrayBacked"):
        state = next(_nodes(outline, node.state)).items
        kind = outline.nodes[node.args[0]].name.rpartition(".")[2] if isinstance(node.args[0], Ref) else ""
        _, shape = _array_parts(outline, state[1], levels - 1)
        return "category" if kind == "Categorical" else _dtype(outline, state[0]), shape
    return outline.cut(node.name.rpartition(".")[2] or node.form), [_length(outline, node, levels)]


def _length(outline: Outline, node: Node, levels: int) -> int:
    """Return the length of an array of pandas with a mask or data in its attributes."""
    for name in ("_data", "_ndarray", "_values"):
        if name in node.attributes:
            return _array_parts(outline, node.attributes[name], levels - 1)[1][-1]
    raise LookupError


# Values


def _ndarray(outline: Outline, register: Ref) -> str:
    node = outline.nodes[register]
    dtype, shape = _array_parts(outline, register)
    start = f"ndarray {dtype} {_tuple(shape)}"
    count = math.prod(shape)
    data = node.args[2]
    if node.state is not None:
        return f"{start}{_objects(outline, node)}"
    if data is None:
        return f"{start} 0 bytes []"
    if isinstance(data, Ref) and outline.nodes[data].form not in ("value", "bytearray"):
        return start  # a part of another array
    value = outline.nodes[data].value if isinstance(data, Ref) else data
    if not isinstance(value, (bytes, bytearray, memoryview)):
        return start
    spelled = outline.nodes[node.args[1]].args[0]  # type: ignore[index]  # a Ref, or `_dtype` had failed
    contiguous = (node.args[4:] == () or node.args[4] is None) and (
        len(shape) < 2 or node.args[5:] in ((), ("C",), ["C"])
    )
    offset = node.args[3] if len(node.args) > 3 else 0
    first = None
    if contiguous and isinstance(spelled, str) and type(offset) is int:
        first = _items(value[offset:], spelled, min(count, _FIRST))
    more = "" if first is None else f" [{' '.join(first)}{' …' if count > _FIRST else ''}]"
    cut = ""
    if first is None or "…" in more:
        known = digest(outline, data) if isinstance(data, Ref) else hashlib.sha256(value).hexdigest()
        cut = f" sha256 {known[:8]}"
    return f"{start} {len(value):,} bytes{more}{cut}"


def _objects(outline: Outline, node: Node) -> str:
    """Return the items of an array of objects, if there are few and plain ones."""
    (state,) = _nodes(outline, node.state)
    (items,) = _nodes(outline, state.items[4])
    plain = [quoted(item) for item in items.items[:_FIRST] if not isinstance(item, Ref)]
    if len(plain) < min(len(items.items), _FIRST):
        raise LookupError
    return f" [{' '.join(plain)}{' …' if len(items.items) > _FIRST else ''}]"


def _tuple(numbers: Sequence[int]) -> str:
    return f"({', '.join(map(str, numbers))}{',' if len(numbers) == 1 else ''})"


def _array(outline: Outline, register: Ref) -> str:
    """Return the line of an array of the standard library."""
    _, code, form, data = outline.nodes[register].args
    order, letter = _MACHINE_FORMATS[form]  # type: ignore[index]  # a number, or the line fails
    value = outline.nodes[data].value if isinstance(data, Ref) else data
    if not isinstance(value, bytes) or not isinstance(code, str) or len(code) != 1:
        raise TypeError
    size = struct.calcsize(order + letter)
    count = len(value) // size
    first = [repr(number) for (number,) in struct.iter_unpack(order + letter, value[: size * _FIRST])]
    text = f"array({code!r}, [{', '.join(first)}{', …' if count > _FIRST else ''}])"
    if count <= _FIRST:
        return text
    sha256 = _brief(outline, data) if isinstance(data, Ref) else f"sha256 {hashlib.sha256(value).hexdigest()[:8]}"
    return f"{text} {count:,} items {sha256}"


_MACHINE_FORMATS = {
    **dict(enumerate([("<", "B"), ("<", "b")])),
    **dict(enumerate([(order, letter) for letter in "HhIiQqfd" for order in "<>"], 2)),
}
"""The order of bytes and the letter in `struct` for each format of `array._array_reconstructor`."""


def _datetime(outline: Outline, register: Ref) -> str:
    args = outline.nodes[register].args
    zone: Operand = None
    if args and isinstance(args[0], bytes):
        packed: Any = args[0]
        moment, zone = dt.datetime(packed), (*args[1:], None)[0]  # type: ignore[call-arg]  # noqa: DTZ001 - as pickled
    else:
        if not all(type(part) is int for part in args[:7]):
            raise TypeError
        moment = dt.datetime(*args[:7])  # type: ignore[arg-type]  # noqa: DTZ001 - as just checked
        zone = (*args[7:], None)[0]
    suffix = "" if zone is None else _zone(outline, zone)
    return f"datetime {moment.isoformat()}{suffix}{' fold=1' if moment.fold else ''}"


def _zone(outline: Outline, zone: Operand) -> str:
    (node,) = _nodes(outline, zone)
    if node.name == "datetime.timezone":
        text = str(dt.timezone(_delta(outline, node.args[0])))[3:]
        return text or "Z"
    if node.form == "name" and node.name == "datetime.timezone.utc":
        return "Z"
    if node.name == "zoneinfo.ZoneInfo" and isinstance(node.args[0], str) and _ZONE.fullmatch(node.args[0]):
        return f" {node.args[0]}"
    raise TypeError


_ZONE = re.compile(r"[\w/+-]{1,60}", re.ASCII)


def _delta(outline: Outline, operand: Operand) -> dt.timedelta:
    (node,) = _nodes(outline, operand)
    if node.name != "datetime.timedelta" or not all(type(part) is int for part in node.args):
        raise TypeError
    return dt.timedelta(*node.args)  # type: ignore[arg-type]  # as just checked


def _repr(of: Callable[..., Any], *types: type) -> Callable[[Outline, Ref], str]:
    """Return a function that writes a value as Python does, if its arguments have these types."""

    def line(outline: Outline, register: Ref) -> str:
        args = outline.nodes[register].args
        if not all(type(part) in types and (type(part) is not int or part.bit_length() < 200) for part in args):
            raise TypeError
        return repr(of(*args))

    return line


# Frames


def _index(outline: Outline, operand: Operand) -> tuple[str, str, int, list[str] | None]:
    """Return class, dtype, length and, if they are texts or numbers, the first labels of an index."""
    (node,) = _nodes(outline, operand)
    of, parts = node.args[:2]
    cls = outline.cut(next(_nodes(outline, of)).name.rpartition(".")[2])
    fields = dict(next(_nodes(outline, parts)).pairs)
    if cls == "RangeIndex":
        numbers = range(*(fields[key] for key in ("start", "stop", "step")))  # type: ignore[arg-type]  # numbers, or this fails
        return cls, "int64", len(numbers), [str(number) for number in numbers[:_FIRST]]
    if cls == "MultiIndex":
        dtype, shape = _array_parts(outline, next(_nodes(outline, fields["codes"])).items[0])
        return cls, f"{len(next(_nodes(outline, fields['levels'])).items)} levels", shape[-1], None
    dtype, shape = _array_parts(outline, fields["data"])
    return cls, dtype, shape[-1], _labels(outline, fields["data"], shape[-1])


def _labels(outline: Outline, operand: Operand, count: int) -> list[str] | None:
    (node,) = _nodes(outline, operand)
    count = min(count, _FIRST)
    if node.name == "numpy.ndarray":
        if isinstance(node.state, Ref):
            items = next(_nodes(outline, outline.nodes[node.state].items[4])).items[:count]
            return [outline.cut(item) if isinstance(item, str) else outline.shown(item) for item in items]
        spelled = next(_nodes(outline, node.args[1])).args[0]
        return _items(_bytes(outline, node.args[2]), spelled, count) if isinstance(spelled, str) else None
    if "_pa_array" in node.attributes:
        arrow = next(_nodes(outline, node.attributes["_pa_array"]))
        parts = next(_nodes(outline, arrow.args[0])).items
        large = next(_nodes(outline, parts[0])).args[0] == "large_string"
        _, offsets, text = (
            b"" if buffer is None else _bytes(outline, next(_nodes(outline, buffer)).args[0])
            for buffer in next(_nodes(outline, parts[4])).items
        )
        size = 8 if large else 4
        ends = [at for (at,) in struct.iter_unpack("<q" if large else "<i", offsets[: size * (count + 1)])]
        spans = [(begin, min(end, begin + 200)) for begin, end in itertools.pairwise(ends)]
        words = [text[begin:end].decode("utf-8", "replace") for begin, end in spans]
        return [outline.cut(word) for word in words]
    return None


def _bytes(outline: Outline, operand: Operand) -> bytes:
    value = outline.nodes[operand].value if isinstance(operand, Ref) else operand
    if not isinstance(value, bytes):
        raise TypeError
    return value


def _frame(outline: Outline, register: Ref) -> str:
    (manager,) = _nodes(outline, outline.nodes[register].attributes["_mgr"])
    (axes,) = _nodes(outline, manager.args[1])
    _, _, width, labels = _index(outline, axes.items[0])
    _, _, height, _ = _index(outline, axes.items[1])
    dtypes: dict[int, str] = {}
    for block in _nodes(outline, *next(_nodes(outline, manager.args[0])).items[: 4 * _FIRST]):
        values, placement = block.args[:2]
        dtype, _ = _array_parts(outline, values)
        (where,) = _nodes(outline, placement)
        if where.name == "builtins.slice":
            start, stop, step = where.args
            columns: Sequence[int] = range(start or 0, stop, step or 1)[:_FIRST]  # type: ignore[arg-type]  # numbers, or this fails
        else:
            columns = [number for (number,) in struct.iter_unpack("<q", _bytes(outline, where.args[2])[: 8 * _FIRST])]
        dtypes.update(dict.fromkeys(columns, dtype))
    names = labels or ["…"] * min(width, _FIRST)
    shown = ", ".join(f"{name} {dtypes.get(number, '…')}" for number, name in enumerate(names))
    line = f"DataFrame {height:,} \u00d7 {width:,}: {shown}{', …' if width > _FIRST else ''}"
    return f"{line.rstrip(': ')}{_content(outline, register)}"


def _series(outline: Outline, register: Ref) -> str:
    node = outline.nodes[register]
    (manager,) = _nodes(outline, node.attributes["_mgr"])
    (state,) = _nodes(outline, manager.state)
    dtype, shape = _array_parts(outline, next(_nodes(outline, state.items[1])).items[0])
    name = node.attributes.get("_name")
    named = "" if name is None else f" {outline.shown(name)}"
    return f"Series {dtype} {_tuple(shape)}{named}{_content(outline, register)}"


def _index_line(outline: Outline, register: Ref) -> str:
    cls, dtype, length, labels = _index(outline, register)
    first = "" if labels is None else f" [{' '.join(labels)}{' …' if length > _FIRST else ''}]"
    whole = labels is not None and length <= _FIRST
    return f"{cls} {dtype} ({length:,},){first}{'' if whole else _content(outline, register)}"


def _content(outline: Outline, register: Ref) -> str:
    """Return a digest of all that is below a register, so that two frames that differ look different.

    It is an empty text once all digests together have looked at ten times as many nodes as there are.
    """
    found = {register}
    waiting = [register]
    for place in waiting:  # the list grows
        for _, child in outline.children(place):
            if isinstance(child, Ref) and child not in found:
                found.add(child)
                waiting.append(child)
        outline.looked_at += 1
        if outline.looked_at > 10 * len(outline.nodes) + 1_000:
            return ""
    numbers = {place: number for number, place in enumerate(waiting)}
    digests = hashlib.sha256()
    for place in waiting:
        node = outline.nodes[place]
        parts = [f"&{numbers[part]}" if isinstance(part, Ref) else repr(part) for _, part in outline.children(place)]
        data = digest(outline, place) if node.form in ("value", "bytearray") else ""
        digests.update("\0".join([node.form, node.name, data, *parts, ""]).encode("utf-8", "surrogatepass"))
    return f" sha256 {digests.hexdigest()[:8]}"


def _deque(outline: Outline, register: Ref) -> str:
    node = outline.nodes[register]
    given, most = (*node.args, None, None)[:2]
    first = next(_nodes(outline, given)).items if isinstance(given, Ref) else []
    items = [*first, *node.items]
    if any(isinstance(item, Ref) for item in items[:_FIRST]) or len(items) > 20:
        raise TypeError
    return f"deque([{', '.join(map(quoted, items))}]{'' if most is None else f', maxlen={quoted(most)}'})"


_READABLE: dict[str, Callable[[Outline, Ref], str]] = {
    "numpy.ndarray": _ndarray,
    "array._array_reconstructor": _array,
    "datetime.datetime": _datetime,
    "datetime.timedelta": lambda outline, register: repr(_delta(outline, register)),
    "builtins.range": _repr(range, int),
    "builtins.slice": _repr(slice, int, type(None), str),
    "builtins.complex": _repr(complex, float),
    "collections.deque": _deque,
    **dict.fromkeys(("pandas.DataFrame", "pandas.core.frame.DataFrame"), _frame),
    **dict.fromkeys(("pandas.Series", "pandas.core.series.Series"), _series),
    **dict.fromkeys(
        ("pandas.core.indexes.base._new_Index", "pandas.core.indexes.datetimes._new_DatetimeIndex"), _index_line
    ),
}
"""A function for each name of a class, or of the function that pickles its objects."""
