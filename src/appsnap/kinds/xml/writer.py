"""The writer of xml snapshots: it turns statements and expressions into indented elements."""

from __future__ import annotations

import base64
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from appsnap.kinds.expressions import Assignment
from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ElementWriter", "attribute"]

# The characters that XML 1.0 (section 2.2) can't hold, and carriage returns, which parsers turn into line feeds.
_UNFIT = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile(rf"(?:\\|{_UNFIT.pattern})+")  # all in the basic plane: two bytes each in UTF-16
_WIDTH = 100


class ElementWriter:
    """Writes statements as the lines of elements."""

    def __init__(self, ids: dict[Ref, str]) -> None:
        self._ids = ids
        # A text that is used often is escaped once.
        self._attribute = lru_cache(1_000)(attribute)
        self._text = lru_cache(1_000)(_text)

    def statement(self, statement: Any) -> Iterator[str]:
        """Yield the lines of a statement."""
        if isinstance(statement, Assignment):
            yield from self.element(statement.value, 1, f' id="{self._ids[statement.register]}"')
            return
        target = statement.target
        if type(target) is Ref:
            yield f'  <fill ref="{self._ids[target]}">'
        else:
            yield "  <fill>"
            yield from self._wrapped("target", "", [target], 2)
        yield from self._filling(statement, 2)
        yield "  </fill>"

    def element(self, value: Any, level: int, more: str = "") -> Iterator[str]:
        """Yield the lines of an expression. `more` is text for its start tag."""
        pad = "  " * level
        if type(value) is Ref:
            yield f'{pad}<ref to="{self._ids[value]}"/>'
        elif type(value) in _CONTAINERS:
            yield from self._container(_CONTAINERS[type(value)], value, level, more)
        elif isinstance(value, steps.Dict):
            yield from self._block("dict", more, self._entries(value.keys, value.values, level + 1), level)
        elif isinstance(value, (steps.New, steps.Call)):
            yield from self._object(value, [], level, more)
        elif isinstance(value, (steps.State, steps.SetState, steps.Extend, steps.Update, steps.Add)):
            fillings: list[Any] = []
            while not isinstance(value, (steps.New, steps.Call)):
                if type(value) not in steps.FILLERS:
                    # A container takes no fillings: it stands as the target in `filled`.
                    yield from self._filled_container(value, fillings, level, more)
                    return
                fillings.append(value)
                value = value.target
            yield from self._object(value, fillings, level, more)
        elif isinstance(value, steps.Name):
            yield f"{pad}<name{self._attribute('of', _dotted(value))}{more}/>"
        elif isinstance(value, steps.Member):
            yield from self._wrapped("method", self._attribute("name", value.name) + more, [value.owner], level)
        elif type(value) is str:
            yield pad + self._text(value, more)
        else:
            yield pad + _atom(value, more)

    def _container(self, tag: str, value: Any, level: int, more: str) -> Iterator[str]:
        yield from self._wrapped(tag, more, value.items, level)

    def _filled_container(self, value: Any, fillings: list[Any], level: int, more: str) -> Iterator[str]:
        pad = "  " * level
        yield f"{pad}<filled{more}>"
        yield from self._wrapped("target", "", [value], level + 1)
        for filling in reversed(fillings):
            yield from self._filling(filling, level + 1)
        yield f"{pad}</filled>"

    def _wrapped(self, tag: str, attributes: str, values: Iterable[Any], level: int) -> Iterator[str]:
        yield from self._block(tag, attributes, (x for value in values for x in self.element(value, level + 1)), level)

    def _block(self, tag: str, attributes: str, inner: Iterable[str], level: int) -> Iterator[str]:
        """Yield an element and its children: on one line if that fits, else each child on its own."""
        pad = "  " * level
        start, end = f"{pad}<{tag}{attributes}>", f"</{tag}>"
        lines = iter(inner)
        first: list[str] = []
        room = _WIDTH - len(start) - len(end)
        for line in lines:
            first.append(line)
            room -= len(line.strip())
            if room < 0 or "\n" in line:
                yield start
                yield from first
                yield from lines
                yield pad + end
                return
        yield start + "".join(line.strip() for line in first) + end if first else f"{start[:-1]}/>"

    def _entries(self, keys: Iterable[Any], values: Iterable[Any], level: int) -> Iterator[str]:
        for key, value in zip(keys, values, strict=True):
            if type(key) is str:
                yield from self._wrapped("item", self._attribute("key", key), [value], level)
            else:
                yield from self._wrapped("item", "", [key, value], level)

    def _object(self, value: Any, fillings: list[Any], level: int, more: str) -> Iterator[str]:
        tag, role, origin = (
            ("object", "class", value.cls) if isinstance(value, steps.New) else ("call", "function", value.function)
        )
        attributes = self._attribute(role, _dotted(origin)) if isinstance(origin, steps.Name) else ""
        yield from self._block(tag, attributes + more, self._inside(value, role, origin, fillings, level + 1), level)

    def _inside(self, value: Any, role: str, origin: Any, fillings: list[Any], level: int) -> Iterator[str]:
        if not isinstance(origin, steps.Name):
            yield from self._wrapped(role, "", [origin], level)
        for argument in value.args:
            yield from self._wrapped("argument", "", [argument], level)
        for name, argument in zip(value.names, value.values, strict=True):
            yield from self._wrapped("argument", self._attribute("name", name), [argument], level)
        for filling in reversed(fillings):
            yield from self._filling(filling, level)

    def _filling(self, step: Any, level: int) -> Iterator[str]:
        match step:
            case steps.State(_, names_, values):
                inner = (
                    line
                    for name, value in zip(names_, values, strict=True)
                    for line in self._wrapped("attribute", self._attribute("name", name), [value], level + 1)
                )
                yield from self._block("state", "", inner, level)
            case steps.SetState(_, state):
                yield from self._wrapped("given-state", "", [state], level)
            case steps.Extend(_, items):
                yield from self._wrapped("items", "", items, level)
            case steps.Add(_, items):
                yield from self._wrapped("members", "", items, level)
            case steps.Update(_, keys, values):
                yield from self._block("entries", "", self._entries(keys, values, level + 1), level)


_CONTAINERS: dict[type, str] = {
    steps.List: "list",
    steps.Tuple: "tuple",
    steps.Set: "set",
    steps.FrozenSet: "frozenset",
}


def _dotted(name: steps.Name) -> str:
    return f"{name.module}:{name.qualname}"


def attribute(name: str, value: str) -> str:
    """Return an attribute. If XML can't hold its value, its name is `NAME-escaped`."""
    if _UNFIT.search(value):
        return f" {name}-escaped={quoteattr(_escaped(value))}"
    return f" {name}={quoteattr(value)}"


def _escaped(text: str) -> str:
    r"""Write backslashes, and the characters that XML can't hold, as `\uXXXX`."""
    return _ESCAPED.sub(_numbers, text)


def _numbers(found: re.Match[str]) -> str:
    digits = found[0].encode("utf-16-be", "surrogatepass").hex("\\", 2)  # \XXXX, but for the first backslash
    return f"\\{digits}".replace("\\", "\\u")


def _atom(value: Any, more: str = "") -> str:
    match value:
        case None:
            return "<none/>"
        case bool():
            return "<true/>" if value else "<false/>"
        case int():
            # Python bounds the digits that it reads in base 10.
            return f"<int>{value if value.bit_length() < 10_000 else hex(value)}</int>"
        case float():
            # A nan keeps its sign.
            return f"<float>{'-' if math.isnan(value) and math.copysign(1, value) < 0 else ''}{value!r}</float>"
        case steps.ByteArray(data):
            return f"<bytearray{more}>{base64.b64encode(data).decode()}</bytearray>"
        case steps.Value():
            return _atom(value.value, more)
        case bytes() | memoryview():
            return f"<bytes{more}>{base64.b64encode(value).decode()}</bytes>"
        case text:
            return _text(text, more)


def _text(text: str, more: str = "") -> str:
    if _UNFIT.search(text):
        return f'<str{more} escaped="true">{escape(_escaped(text))}</str>'
    return f"<str{more}>{escape(text)}</str>"
