"""The reader of xml snapshots: it turns elements into steps."""

from __future__ import annotations

import base64
import binascii
import re
from collections import deque
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import TreeBuilder

from defusedxml.expatreader import DefusedExpatParser

from appsnap.errors import Damaged
from appsnap.kinds.header import Header
from appsnap.limits import over
from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from xml.etree.ElementTree import Element

__all__ = ["Reader"]


class Reader:
    """Turns elements into steps."""

    def __init__(self, most_steps: int) -> None:
        self._builder = RecipeBuilder(most_steps)
        self._most = most_steps
        self._open = 0  # elements of the statement that is read
        self._ids: dict[str, Any] = {}
        self._root: Any = None
        self._complete = False
        self._depth = 0
        self._snapshot: Element | None = None
        self._header: dict[str, Any] = {}
        self._trailer: dict[str, Any] = {}

    def read(self, raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read the document, and return the fields of header and trailer."""
        parser = _Parser(self._start, self._end)
        # Feed it as a whole: before its version 2.6, expat reads a long token anew with each piece (CVE-2023-52425).
        parser.feed(raw)
        parser.close()
        return self._header, self._trailer

    def _start(self, element: Element) -> None:
        self._depth += 1
        if self._depth > 1:
            # The elements of a statement are kept until its end.
            self._open += 1
            if self._open > self._most + _FREE:
                raise over("steps", self._most, "a statement is too long")
            return
        if element.tag != "snapshot":
            raise Damaged(f"the document is a {element.tag}, not a snapshot")
        if any(name == "xmlns" or ":" in name for name in element.attrib):
            raise Damaged("a snapshot has no namespaces")
        self._snapshot = element
        self._header = {
            name.removesuffix("-escaped"): _read_attribute(element, name.removesuffix("-escaped"))
            for name in element.attrib
        }
        self._header["appsnap"] = _number(self._header.get("appsnap") or "")
        Header.from_dict(self._header, "xml")

    def _end(self, element: Element) -> None:
        self._depth -= 1
        if self._depth:
            _check_form(element)
        if self._depth != 1:
            return
        self._open = 0
        if self._trailer:
            raise ValueError("something stands behind the trailer")
        if element.tag == "trailer":
            self._trailer = self._read_trailer(element)
        else:
            self._statement(element)
        assert self._snapshot is not None
        self._snapshot.clear()  # an element that was read isn't needed any more

    @staticmethod
    def _read_trailer(element: Element) -> dict[str, Any]:
        *owners, last = [*element] or [None]
        signed = last is not None and last.tag == "signature"
        owners = owners if signed or last is None else [*owners, last]
        if any(child.tag != "distribution" for child in owners):
            raise ValueError("the trailer has other elements than distributions, or a signature before them")
        fields = {
            "sha256": element.attrib["sha256"],
            "steps": _number(element.attrib["steps"]),
            "distributions": {_read_attribute(child, "name"): _read_attribute(child, "version") for child in owners},
        }
        if "vouched" in element.attrib:
            fields["vouched"] = {"false": False}[element.attrib["vouched"]]
        if signed:
            fields["signature"] = {"key": last.attrib["key"], "value": last.text}
        return fields

    def finish(self) -> Recipe:
        """Return the recipe. Raises Damaged where there is no root."""
        if not self._complete:
            raise Damaged("the document has no root")
        return self._builder.finish(self._root)

    def _statement(self, element: Element) -> None:
        if self._complete:
            raise ValueError("something stands behind the root")
        if element.tag == "root":
            self._root = self._only(element)
            self._complete = True
        elif element.tag == "fill":
            children = list(element)
            if "ref" in element.attrib:
                target = self._register(self._known(element.attrib["ref"]))
            else:
                target = self._register(self._only(children.pop(0)))
            for child in children:
                self._filling(target, child)
        else:
            self._value(element)

    def _known(self, name: str) -> Any:
        if name not in self._ids:
            raise ValueError(f"id {name} isn't known here")
        return self._ids[name]

    def _register(self, lazy: Any) -> Ref:
        operand = self._builder.operand(lazy)
        if not isinstance(operand, Ref):
            raise TypeError("an object is wanted here, not a plain value")
        return operand

    def _value(self, element: Element) -> Any:
        read_ = _READERS.get(element.tag)
        if read_ is None:
            raise ValueError(f"there is no element {element.tag} here")
        value = read_(self, element)
        name = element.attrib.get("id")
        if name is not None:
            if name in self._ids:
                raise ValueError(f"id {name} stands twice")
            steps.check_reference(value)
            self._ids[name] = value
        return value

    def _all(self, elements: Iterable[Element]) -> list[Any]:
        return self._builder.operands([self._value(element) for element in elements])

    def _only(self, element: Element) -> Any:
        (child,) = element
        return self._value(child)

    def _entries(self, elements: Iterable[Element]) -> tuple[list[Any], list[Any]]:
        keys, values = [], []
        for element in elements:
            if element.tag != "item":
                raise ValueError(f"there is no element {element.tag} among items")
            parts = list(element)
            key = _read_attribute(element, "key")
            keys.append(self._value(parts.pop(0)) if key is None else key)
            (value,) = parts
            values.append(self._value(value))
        return keys, values

    def _made(self, element: Element) -> Any:
        """Read `object` or `call`: its class or function, its arguments, then its fillings."""
        role = "class" if element.tag == "object" else "function"
        children = deque(element)
        dotted = _read_attribute(element, role)
        origin: Any = self._only(children.popleft()) if dotted is None else _name(dotted)
        args: list[Any] = []
        keywords: list[str] = []
        values: list[Any] = []
        while children and children[0].tag == "argument":
            child = children.popleft()
            name = _read_attribute(child, "name")
            if name is None:
                args.append(self._only(child))
            else:
                keywords.append(name)
                values.append(self._only(child))
        made: Any
        if role == "class":
            made = self._builder.new(self._register(origin), args, keywords, values)
        else:
            made = self._builder.call(origin, args, keywords, values)
        for child in children:
            self._filling(self._register(made), child)
        return made

    def _filled(self, element: Element) -> Ref:
        target, *fillings = element
        made = self._register(self._only(target))
        for filling in fillings:
            self._filling(made, filling)
        return made

    def _filling(self, target: Ref, element: Element) -> None:
        builder = self._builder
        match element.tag:
            case "state":
                keys = [_read_attribute(child, "name") for child in element]
                if None in keys:
                    raise ValueError("an attribute has no name")
                values = builder.operands([self._only(child) for child in element])
                builder.state(target, [key for key in keys if key is not None], values)
            case "given-state":
                builder.fill(steps.SetState(target, builder.operand(self._only(element))))
            case "items":
                builder.extend(target, self._all(element))
            case "members":
                builder.fill(steps.Add(target, self._all(element)))
            case "entries":
                builder.update(target, *self._entries(element))
            case tag:
                raise ValueError(f"there is no element {tag} here")

    def _text(self, element: Element) -> Any:
        text = element.text or ""
        escaped = element.attrib.get("escaped")
        if escaped not in (None, "true"):
            raise ValueError("the attribute escaped isn't true")
        return self._builder.operand(text if escaped is None else _unescaped(text))

    def _bytes(self, element: Element) -> Any:
        raw = _base64(element)
        return raw if len(raw) <= steps.INLINE else self._builder.make(steps.Value(raw))

    def _method(self, element: Element) -> Any:
        return self._builder.member(self._only(element), _read_attribute(element, "name") or "")

    def _int(self, element: Element) -> int:
        text = element.text or ""
        if not re.fullmatch(r"-?(0x[0-9a-f]+|[0-9]+)", text):
            raise ValueError("malformed integer")
        return int(text, 16 if "x" in text else 10)

    def _float(self, element: Element) -> float:
        text = element.text or ""
        if not re.fullmatch(r"-?(nan|inf|[0-9.]+(e[+-]?[0-9]+)?)", text):
            raise ValueError("malformed float")
        return float(text)


_READERS: dict[str, Callable[[Reader, Element], Any]] = {
    "none": lambda _, __: None,
    "true": lambda _, __: True,
    "false": lambda _, __: False,
    "int": Reader._int,
    "float": Reader._float,
    "str": Reader._text,
    "bytes": Reader._bytes,
    "bytearray": lambda r, e: r._builder.make(steps.ByteArray(_base64(e))),
    "ref": lambda r, e: r._known(e.attrib["to"]),
    "list": lambda r, e: r._builder.make(steps.List(r._all(e))),
    "tuple": lambda r, e: r._builder.make(steps.Tuple(r._all(e))),
    "set": lambda r, e: r._builder.make(steps.Set(r._all(e))),
    "frozenset": lambda r, e: r._builder.make(steps.FrozenSet(r._all(e))),
    "dict": lambda r, e: r._builder.dictionary(*r._entries(e)),
    "name": lambda _, e: _name(_read_attribute(e, "of") or ""),
    "object": Reader._made,
    "call": Reader._made,
    "filled": Reader._filled,
    "method": Reader._method,
}


_FREE = 10_000
"""Elements of a statement in any case: those of our writer seldom have more."""


def _name(dotted: str) -> steps.Name:
    module, colon, qualname = dotted.partition(":")
    if not module or not colon:
        raise ValueError(f"{dotted!r:.60} isn't a name")
    return steps.Name(module, qualname)


def _read_attribute(element: Element, name: str) -> str | None:
    plain, coded = element.attrib.get(name), element.attrib.get(f"{name}-escaped")
    if plain is not None and coded is not None:
        raise ValueError(f"{name} stands twice")
    return plain if coded is None else _unescaped(coded)


def _unescaped(text: str) -> str:
    if not re.fullmatch(r"(?:[^\\]|\\u[0-9a-f]{4})*", text):
        raise ValueError("malformed escape")
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError(f"{text!r:.60} isn't a number")
    return int(text)


def _check_form(element: Element) -> None:
    """Refuse attributes, texts and children that an element doesn't take."""
    tag = element.tag
    allowed = _ATTRIBUTES.get(tag, _NONE)
    if not element.attrib.keys() <= allowed:
        raise ValueError(f"{tag} has an unknown attribute")
    if tag in _CHILDLESS and len(element):
        raise ValueError(f"an element in {tag}")
    if tag in _TEXTS:
        return
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        raise ValueError(f"a text in {tag}")


def _escapable(*names: str) -> set[str]:
    return {*names, *(f"{name}-escaped" for name in names)}


_NONE: frozenset[str] = frozenset()
_TEXTS = frozenset({"int", "float", "str", "bytes", "bytearray", "signature"})
_CHILDLESS = _TEXTS | {"none", "true", "false", "ref", "name", "distribution"}
_ATTRIBUTES = {
    **dict.fromkeys((*_READERS, *_TEXTS), frozenset({"id"})),
    "str": {"id", "escaped"},
    "ref": {"to"},
    "name": {"id"} | _escapable("of"),
    "object": {"id"} | _escapable("class"),
    "call": {"id"} | _escapable("function"),
    "method": {"id"} | _escapable("name"),
    "argument": _escapable("name"),
    "attribute": _escapable("name"),
    "item": _escapable("key"),
    "fill": {"ref"},
    "trailer": {"sha256", "steps", "vouched"},
    "distribution": _escapable("name", "version"),
    "signature": {"key"},
}


class _Parser(DefusedExpatParser):
    """Builds elements, without namespaces: expat would write each prefix of a name as the URI, however long."""

    def __init__(self, start: Callable[[Element], None], end: Callable[[Element], None]) -> None:
        super().__init__(namespaceHandling=0, forbid_dtd=True)
        self._start, self._end = start, end
        self._builder = TreeBuilder()

    def reset(self) -> None:
        super().reset()
        expat: Any = self._parser  # type: ignore[attr-defined]  # typeshed leaves it out
        expat.CharacterDataHandler = self._builder.data
        expat.buffer_text = True  # without it, each line of a text is an event

    def start_element(self, name: str, attrs: Any) -> None:
        self._start(self._builder.start(name, attrs))

    def end_element(self, name: str) -> None:
        self._end(self._builder.end(name))


def _base64(element: Element) -> bytes:
    try:
        return base64.b64decode(element.text or "", validate=True)
    except binascii.Error as error:
        raise ValueError(f"malformed base64: {error}") from None
