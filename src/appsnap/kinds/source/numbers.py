"""Arrays of numbers in source: which bytes are written as numbers, and how."""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING, Any

from appsnap import actions
from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from appsnap.recipe.steps import Recipe

__all__ = ["Forms"]

MOST = 300
"""Numbers of one array. A longer one is written as base64: nobody edits it, and it takes less room."""

_DTYPE, _NDARRAY = steps.Name("numpy", "dtype"), steps.Name("numpy", "ndarray")
_ARRAY = steps.Name("array", "_array_reconstructor")
_PLAIN = re.compile(r"[<>|](b1|[iu][1248]|f[248])")
# The codes of array.array's machine formats (CPython, Modules/arraymodule.c, enum machine_format_code).
_OF_ARRAY: tuple[str, ...] = (
    "|u1",
    "|i1",
    "<u2",
    ">u2",
    "<i2",
    ">i2",
    "<u4",
    ">u4",
    "<i4",
    ">i4",
    "<u8",
    ">u8",
    "<i8",
    ">i8",
)
_OF_ARRAY += ("<f4", ">f4", "<f8", ">f8")


class Forms:
    """Finds the calls that make arrays of numbers. `dtypes` has the registers of dtypes, and the text of each."""

    def __init__(self, dtypes: dict[int, str]) -> None:
        self._dtypes = dtypes

    @classmethod
    def of(cls, recipe: Recipe) -> Forms | None:
        """Return the forms in a recipe, or None if it has no arrays."""
        if {_NDARRAY, _ARRAY}.isdisjoint(step for step in recipe.steps if type(step) is steps.Name):
            return None
        makers = [step for step in recipe.steps if type(step) in steps.MAKERS]
        return cls(
            {
                register: str(step.args[0])
                for register, step in enumerate(makers)
                if type(step) is steps.Call and makers[step.function] == _DTYPE and [*map(type, step.args)] == [str]
            }
        )

    def form(self, call: steps.Call) -> tuple[int, list[list[str]]] | None:
        """Return which argument of a call is written as numbers, and these: the form alone, then the rows.

        Returns None if the call makes no array, or one that numbers don't make again bit by bit.
        """
        args: Any = call.args
        function: Any = call.function
        shape: Any = ()
        if call.names:
            return None
        if function == _NDARRAY and len(args) == 6:
            at, dtype = 2, self._dtype(args[1])
            shape = args[0].items if type(args[0]) is steps.Tuple else ()
        elif function == _ARRAY and len(args) == 4 and args[2] in range(len(_OF_ARRAY)):
            at, dtype = 3, _OF_ARRAY[args[2]]
        else:
            return None
        data = _bytes(args[at])
        if not data or not _PLAIN.fullmatch(dtype) or len(data) > MOST * int(dtype[-1]):
            return None
        texts = _texts(dtype, data)
        if texts is None:
            return None
        # One row a line of the last axis, where the items stand in the order of the axes.
        width = shape[-1] if len(shape) > 1 and args[-1] == "C" and type(shape[-1]) is int else len(texts)
        width = width if width > 0 and len(texts) % width == 0 else len(texts)
        return at, [[f'"{dtype}"'], *(texts[i : i + width] for i in range(0, len(texts), width))]

    def _dtype(self, operand: Any) -> str:
        if type(operand) is Ref:
            return self._dtypes.get(operand, "")
        if type(operand) is steps.Call and operand.function == _DTYPE and [*map(type, operand.args)] == [str]:  # type: ignore[comparison-overlap]  # a nested step
            return str(operand.args[0])
        return ""


def _bytes(operand: Any) -> bytes:
    if type(operand) is bytes:
        return operand
    if type(operand) is steps.ByteArray:
        return bytes(operand.data)
    if type(operand) is steps.Value and not isinstance(operand.value, str):
        return bytes(operand.value)
    return b""


def _texts(dtype: str, data: bytes) -> list[str] | None:
    """Return the literals of numbers in bytes, or None if they aren't exactly those bytes again."""
    code = actions.FORMS[dtype[1:]]
    count, rest = divmod(len(data), int(dtype[-1]))
    if rest:
        return None
    found = struct.unpack(f"{'>' if dtype[0] == '>' else '<'}{count}{code}", data)
    if code in "ef":
        found = tuple(_shortest(x, dtype) for x in found)
    # Of a nan, no literal has more than the sign.
    again = [math.copysign(math.nan, x) if x != x else x for x in found]  # noqa: PLR0124 - true of a nan alone
    if actions.packed(dtype, again) != data:
        return None
    return [_literal(x) for x in found]


def _shortest(number: float, dtype: str) -> float:
    """Return the number of fewest digits that is the same in this form: 0.1, not 0.10000000149011612."""
    if not math.isfinite(number):
        return number
    wanted = actions.packed(dtype, [number])
    for digits in range(1, 10):
        found = float(f"{number:.{digits}g}")
        if abs(found) <= abs(number) * 2 and _packed_or_none(dtype, found) == wanted:
            return found
    return number


def _packed_or_none(dtype: str, number: float) -> bytes | None:
    try:
        return actions.packed(dtype, [number])
    except ValueError:
        return None


def _literal(x: float) -> str:
    if type(x) is float and not math.isfinite(x):
        return f'float("{"-" if math.copysign(1, x) < 0 else ""}{"nan" if math.isnan(x) else "inf"}")'
    return repr(x)
