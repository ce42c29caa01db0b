"""Frames, series and indexes of pandas in one line, from the steps that make them. Nothing of pandas is imported."""

from __future__ import annotations

import hashlib
import itertools
import struct
from typing import TYPE_CHECKING

from appsnap.recipe.outline.arrays import FIRST, array_parts, as_shown, bytes_of, digest, items_of, nodes, tuple_line
from appsnap.recipe.steps import Operand, Ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.recipe.outline.tree import Outline

__all__ = ["frame_line", "index_line", "series_line"]


def _index(outline: Outline, operand: Operand) -> tuple[str, str, int, list[str] | None]:
    """Return class, dtype, length and, if they are texts or numbers, the first labels of an index."""
    (node,) = nodes(outline, operand)
    of, parts = node.args[:2]
    cls = outline.cut(next(nodes(outline, of)).name.rpartition(".")[2])
    fields = dict(next(nodes(outline, parts)).pairs)
    if cls == "RangeIndex":
        numbers = range(*(fields[key] for key in ("start", "stop", "step")))  # type: ignore[arg-type]  # numbers, or this fails
        return cls, "int64", len(numbers), [str(number) for number in numbers[:FIRST]]
    if cls == "MultiIndex":
        dtype, shape = array_parts(outline, next(nodes(outline, fields["codes"])).items[0])
        return cls, f"{len(next(nodes(outline, fields['levels'])).items)} levels", shape[-1], None
    dtype, shape = array_parts(outline, fields["data"])
    return cls, dtype, shape[-1], _labels(outline, fields["data"], shape[-1])


def _labels(outline: Outline, operand: Operand, count: int) -> list[str] | None:
    (node,) = nodes(outline, operand)
    count = min(count, FIRST)
    if node.name == "numpy.ndarray":
        if isinstance(node.state, Ref):
            items = next(nodes(outline, outline.nodes[node.state].items[4])).items[:count]
            return [outline.cut(item) if isinstance(item, str) else outline.shown(item) for item in items]
        spelled = next(nodes(outline, node.args[1])).args[0]
        return items_of(bytes_of(outline, node.args[2]), spelled, count) if isinstance(spelled, str) else None
    if "_pa_array" in node.attributes:
        arrow = next(nodes(outline, node.attributes["_pa_array"]))
        parts = next(nodes(outline, arrow.args[0])).items
        large = next(nodes(outline, parts[0])).args[0] == "large_string"
        _, offsets, text = (
            memoryview(b"") if buffer is None else bytes_of(outline, next(nodes(outline, buffer)).args[0])
            for buffer in next(nodes(outline, parts[4])).items
        )
        size = 8 if large else 4
        ends = [at for (at,) in struct.iter_unpack("<q" if large else "<i", offsets[: size * (count + 1)])]
        spans = [(begin, min(end, begin + 200)) for begin, end in itertools.pairwise(ends)]
        words = [str(text[begin:end], "utf-8", "replace") for begin, end in spans]
        return [outline.cut(word) for word in words]
    return None


def frame_line(outline: Outline, register: Ref) -> str:
    """Return the line of a DataFrame."""
    (manager,) = nodes(outline, outline.nodes[register].attributes["_mgr"])
    (axes,) = nodes(outline, manager.args[1])
    _, _, width, labels = _index(outline, axes.items[0])
    _, _, height, _ = _index(outline, axes.items[1])
    dtypes: dict[int, str] = {}
    for block in nodes(outline, *next(nodes(outline, manager.args[0])).items[: 4 * FIRST]):
        values, placement = block.args[:2]
        dtype, _ = array_parts(outline, values)
        (where,) = nodes(outline, placement)
        if where.name == "builtins.slice":
            start, stop, step = where.args
            columns: Sequence[int] = range(start or 0, stop, step or 1)[:FIRST]  # type: ignore[arg-type]  # numbers, or this fails
        else:
            columns = [number for (number,) in struct.iter_unpack("<q", bytes_of(outline, where.args[2])[: 8 * FIRST])]
        dtypes.update(dict.fromkeys(columns, dtype))
    names = labels or ["…"] * min(width, FIRST)
    shown = ", ".join(f"{name} {dtypes.get(number, '…')}" for number, name in enumerate(names))
    line = f"DataFrame {height:,} \u00d7 {width:,}: {shown}{', …' if width > FIRST else ''}"
    return f"{line.rstrip(': ')}{_content(outline, register)}"


def series_line(outline: Outline, register: Ref) -> str:
    """Return the line of a Series."""
    node = outline.nodes[register]
    (manager,) = nodes(outline, node.attributes["_mgr"])
    (state,) = nodes(outline, manager.state)
    dtype, shape = array_parts(outline, next(nodes(outline, state.items[1])).items[0])
    name = node.attributes.get("_name")
    named = "" if name is None else f" {outline.shown(name)}"
    return f"Series {dtype} {tuple_line(shape)}{named}{_content(outline, register)}"


def index_line(outline: Outline, register: Ref) -> str:
    """Return the line of an Index."""
    cls, dtype, length, labels = _index(outline, register)
    first = "" if labels is None else f" [{' '.join(labels)}{' …' if length > FIRST else ''}]"
    whole = labels is not None and length <= FIRST
    return f"{cls} {dtype} ({length:,},){first}{'' if whole else _content(outline, register)}"


def _content(outline: Outline, register: Ref) -> str:
    """Return a digest of all that is below a register, so that two frames that differ look different.

    It is an empty text once all digests together have looked at ten times as many nodes as there are.
    """
    found = {register}
    waiting = [register]
    for place in waiting:  # the list grows
        for _, child in outline.parts(place):
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
        parts = [f"&{numbers[part]}" if isinstance(part, Ref) else repr(part) for _, part in outline.parts(place)]
        data = digest(outline, place) if node.form in ("value", "bytearray") else ""
        digests.update("\0".join([node.form, node.name, data, *parts, ""]).encode("utf-8", "surrogatepass"))
    return f" {as_shown(digests.hexdigest(), verified=numbers.keys().isdisjoint(outline.unverified))}"
