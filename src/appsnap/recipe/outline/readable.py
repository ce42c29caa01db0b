"""Values as people know them: arrays, frames, dates and the like, in one line, from the steps that make them.

Only the standard library is imported. Values of numpy or pandas are recognised by the names in the recipe.
"""

from __future__ import annotations

import datetime as dt
import re
import struct
from typing import TYPE_CHECKING, Any

from appsnap.printable import shortened
from appsnap.recipe.outline.arrays import FIRST, array_line, brief, digest, ndarray_line, nodes
from appsnap.recipe.outline.frames import frame_line, index_line, series_line
from appsnap.recipe.outline.tree import quoted
from appsnap.recipe.steps import Operand, Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.recipe.outline.tree import Outline

__all__ = ["data_text", "digest", "readable"]

_LONGEST = 60
"""Characters or bytes of a value that is shown whole."""


def readable(outline: Outline, register: Ref) -> str | None:
    """Return the line of a value that people know by another form than the steps that make it, else None."""
    node = outline.nodes[register]
    make = _READABLE.get(node.name) if node.form in ("call", "object") and not node.keywords else None
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


def data_text(outline: Outline, register: Ref) -> str:
    """Return a long text or bytes as people write it. The middle of a longer one is left out, with size and digest."""
    value = outline.nodes[register].value
    if len(value) <= _LONGEST:
        return quoted(value)
    if isinstance(value, str):
        return f"{quoted(shortened(value, 40))} {len(value):,} characters {brief(outline, register)}"
    begin, end = quoted(bytes(value[:12]))[:-1], quoted(bytes(value[-8:]))[2:]
    return f"{begin}…{end} {len(value):,} bytes {brief(outline, register)}"


# Values


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
    (node,) = nodes(outline, zone)
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
    (node,) = nodes(outline, operand)
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


def _deque(outline: Outline, register: Ref) -> str:
    node = outline.nodes[register]
    given, most = (*node.args, None, None)[:2]
    first = next(nodes(outline, given)).items if isinstance(given, Ref) else []
    items = [*first, *node.items]
    if any(isinstance(item, Ref) for item in items[:FIRST]) or len(items) > 20:
        raise TypeError
    return f"deque([{', '.join(map(quoted, items))}]{'' if most is None else f', maxlen={quoted(most)}'})"


_READABLE: dict[str, Callable[[Outline, Ref], str]] = {
    "numpy.ndarray": ndarray_line,
    "array._array_reconstructor": array_line,
    "datetime.datetime": _datetime,
    "datetime.timedelta": lambda outline, register: repr(_delta(outline, register)),
    "builtins.range": _repr(range, int),
    "builtins.slice": _repr(slice, int, type(None), str),
    "builtins.complex": _repr(complex, float),
    "collections.deque": _deque,
    **dict.fromkeys(("pandas.DataFrame", "pandas.core.frame.DataFrame"), frame_line),
    **dict.fromkeys(("pandas.Series", "pandas.core.series.Series"), series_line),
    **dict.fromkeys(
        ("pandas.core.indexes.base._new_Index", "pandas.core.indexes.datetimes._new_DatetimeIndex"), index_line
    ),
}
"""A function for each name of a class, or of the function that pickles its objects."""
