"""Templates: a quick way to read statements that differ in nothing but their words.

A *passage* is an assignment and the fills behind it. Its *shape* is its text without the plain words: texts, numbers,
constants and variables. `reader` reads a shape as it reads any statements, with a variable in the place of each word.
The steps that it makes are the *template* of the shape: another passage of this shape makes the same steps with other
operands.

A template has no meaning of its own. A passage with anything unusual in it has no template.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.kinds.source.tokens import BORDER
from appsnap.recipe import steps
from appsnap.recipe.steps import Field, Ref, make_step

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FIRST_WORD", "PASSAGE", "WORDS", "Template", "is_plain", "pattern_of", "template_of"]

_WORD = r"""("(?:[^"\\\n]|\\.)*+"|[A-Za-z_][A-Za-z0-9_]*+|-?[0-9]++(?:\.[0-9]++)?(?:e[+-]?[0-9]++)?)"""

WORDS = re.compile(rf"(?:\A|(?<=[ =(\[{{])){_WORD}(?=[,)\]}}:\n]| = )")
"""Divides a passage into its shape and its words. The signs around a word tell that it is a whole word of Python."""

_BEGIN = "[A-Za-z_][A-Za-z0-9_]*+ = "

PASSAGE = re.compile(rf"\n(?={_BEGIN})")
"""The place before a passage, unless a text or a bracket is open there."""

FIRST_WORD = 1 << 60
"""The number of the register that stands for the first word of a shape. No file makes as many registers."""

_UNUSUAL = re.compile(r"""["'#\\.]""")
_CALLED = re.compile(r"[A-Za-z0-9_]+(?=\()")
_CALLS = frozenset({"add", "extend", "frozenset", "new", "set", "set_state", "state", "update"})
_ONES = steps.places(Field.ORIGIN, Field.TARGET, Field.OPERAND)
_LISTS = steps.places(Field.ITEMS, Field.KEYS, Field.VALUES)
_REGISTERS = steps.places(Field.ORIGIN, Field.TARGET)


class Template(NamedTuple):
    """The steps of a shape."""

    makers: int
    begins: list[int]
    """By statement: how many steps there are before it."""
    registers: list[int]
    """The words that have to be registers."""
    bound: int | None
    """The number of the new register that the passage binds to a variable, if it does."""
    unbound: int
    """The words before the place where the variable is bound."""
    operands: itemgetter[Any]
    """Takes the operands of all lists from a pool: the operands of the words, and behind them the new registers."""
    lists: list[slice]
    """Divides those operands into lists."""
    constants: list[Any]
    """The fields that are no operands, and the empty lists, the first one last."""
    steps: list[tuple[type, itemgetter[Any]]]
    """The class of each step, and the function that takes its fields from the pool, the lists and the constants."""

    def copied(self, pool: list[Any]) -> list[Any]:
        """Return the steps with the operands of a pool."""
        operands = [*self.operands(pool)]
        fields = [*pool, *map(operands.__getitem__, self.lists), *self.constants]
        return [make_step(cls, take(fields)) for cls, take in self.steps]


def is_plain(shape: Sequence[str]) -> bool:
    """Tell whether all texts of a shape have been taken out, and whether its calls depend on no value."""
    whole = "\0".join(shape)
    return not _UNUSUAL.search(whole) and _CALLS.issuperset(_CALLED.findall(whole))


def template_of(
    shape: Sequence[str], made: Sequence[Any], first: int, begins: list[int], bound: Any
) -> Template | None:
    """Return the template of a shape: the steps that it made have the registers from `FIRST_WORD` on for its words.

    The steps make the registers from `first` on. `bound` is the value that the passage binds, if it does.
    Returns None if a word isn't an operand of the steps, or if they have other operands: then a passage depends on more
    than its words.
    """
    words = len(shape) - 1 - (not shape[0])
    unbound = next((at - 1 for at, part in enumerate(shape) if BORDER.search(part)), words)
    makers = sum(type(step) in steps.MAKERS for step in made)
    places = {FIRST_WORD + word: word for word in range(words)} | {first + at: words + at for at in range(makers)}
    constants: list[Any] = []
    lists: list[slice] = []
    operands: list[int] = []
    registers: set[int] = set()
    copied: list[tuple[type, list[tuple[int, int]]]] = []  # by field: where `Template.copied` takes it from
    try:
        for step in made:
            cls = type(step)
            fields = []
            for place, field in enumerate(step):
                if place in _ONES[cls]:
                    at = places[field if type(field) is Ref else -1]
                    fields.append((0, at))
                    registers.update([at] if place in _REGISTERS[cls] and at < words else ())
                elif place in _LISTS[cls] and field:
                    found = [places[operand if type(operand) is Ref else -1] for operand in field]
                    fields.append((words + makers, len(lists)))
                    lists.append(slice(len(operands), len(operands) + len(found)))
                    operands += found
                else:
                    fields.append((-1, -len(constants)))
                    constants.append(field)
            copied.append((cls, fields))
        variable = None if shape[0] else places[bound if type(bound) is Ref else -1] - words
    except KeyError:
        return None
    used = {at for _, fields in copied for base, at in fields if base == 0}.union(operands)
    if not used.issuperset(range(words)) or (variable is not None and variable < 0):
        return None
    return Template(
        makers,
        begins,
        [*registers],
        variable,
        unbound,
        _taker(operands) if operands else itemgetter(slice(0)),
        lists,
        constants[::-1],
        [(cls, _taker([base + at for base, at in fields])) for cls, fields in copied],
    )


def pattern_of(shape: Sequence[str]) -> re.Pattern[str]:
    """Return the pattern of passages of a shape. Its groups are the words."""
    return re.compile(rf"{_WORD.join(map(re.escape, shape))}(?={_BEGIN}|\Z)")


def _taker(places: list[int]) -> itemgetter[Any]:
    """Return a function that takes the items at some places from a list, as a sequence."""
    return itemgetter(slice(places[0], places[0] + 1 or None)) if len(places) == 1 else itemgetter(*places)
