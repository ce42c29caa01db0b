"""The source kind of Twisted's `persisted.aot`: one statement, `app = ...`, which Twisted runs. Here it is only read.

`Instance`, `InstanceMethod`, `Class`, `Function`, `Module` and `Copyreg` make objects. `Ref` numbers one, and `Deref`
stands for the one of a number, before or after it. Texts and integers may be those of Python 2.
"""

from __future__ import annotations

import ast
import re
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from dataclasses import dataclass, field
from typing import Any

from appsnap.errors import NotInGrammar
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.steps import Dict, List, Name, Recipe, SetState, Tuple, Value

__all__ = ["FIRST_BYTES", "read_assignment"]

FIRST_BYTES = tuple(f"app{equals}{maker}(".encode() for equals in ("=", " = ") for maker in ("Ref", "Instance"))

_TEXT = r"""[uUbB]?(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')"""
_NUMBER = r"-?(?:[0-9]++(?:\.[0-9]*+)?(?:[eE][+-]?[0-9]++)?|\.[0-9]++)(?P<long>[lL]?)"
_WORD = re.compile(
    rf"\s*+(?:(?P<text>{_TEXT})|(?P<number>{_NUMBER})|(?P<name>[A-Za-z_]\w*+)|(?P<mark>[][(){{}},:=]))", re.ASCII
)
_ATOMS = {"None": None, "True": True, "False": False, "Ellipsis": ..., "nan": float("nan"), "inf": float("inf")}
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_MOST_DIGITS = 4_000


@dataclass(slots=True, eq=False)
class _Node:
    """A bracket: a maker with its name, or else a tuple, a list or a dictionary. `keys` has those of its items."""

    form: str
    at: int
    items: list[Any] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)
    made: Any = None
    is_made: bool = False
    begun: bool = False


def read_assignment(text: str, most: int) -> Recipe:
    """Return the recipe that the statement spells. Raises NotInGrammar with the place, CannotLoad for more steps."""
    root, nodes = _parsed(text)
    return _Maker(text, nodes, most).recipe(root)


def _parsed(text: str) -> tuple[Any, list[_Node]]:
    """Return the root, and all brackets in the order of their ends."""
    outer = _Node("app", 0)
    stack, nodes = [outer], []
    key: Any = _NONE
    keys: list[Any] = []
    at = text.index("=") + 1
    name = ""
    while len(stack) > 1 or not outer.items:
        found = _WORD.match(text, at)
        if found is None:
            raise NotInGrammar("no word of Twisted's source", text, at)
        start, at = found.start(found.lastgroup or 0), found.end()
        word, top = found[found.lastgroup or 0], stack[-1]
        value: Any = _NONE
        if name and word not in ("(", "="):
            raise NotInGrammar(f"{name!r} is no value", text, start)
        if found["text"]:
            value = _text(word, text, start)
        elif found["number"]:
            value = _number(word, text, start)
        elif found["name"]:
            if word in _ATOMS:
                value = _ATOMS[word]
            else:
                name = word
        elif word in _PAIRS:
            stack.append(_Node(name or word, start))
            keys.append(key)
            key, name = _NONE, ""
        elif word == "=" and name:
            key, name = name, ""
        elif word == ":" and top.items:
            key = top.items.pop()
            top.keys.pop()
        elif word != ",":
            if len(stack) == 1 or _PAIRS.get(top.form, ")") != word:
                raise NotInGrammar(f"{word!r} stands where it can't", text, start)
            value, key = stack.pop(), keys.pop()
            nodes.append(value)
            top = stack[-1]
        if value is not _NONE:
            top.items.append(value)
            top.keys.append(key)
            key = _NONE
    if text[at:].strip():
        raise NotInGrammar("more than one statement", text, at)
    return outer.items[0], nodes


_NONE: Any = object()


def _text(word: str, text: str, at: int) -> str | bytes:
    """Return a text. One of Python 2 is in bytes: in UTF-8, or else it stays bytes."""
    try:
        value: str | bytes = ast.literal_eval(word)
    except (SyntaxError, ValueError):
        raise NotInGrammar("a malformed text", text, at) from None
    if isinstance(value, str) and word[0] in "\"'" and word.isascii() and not value.isascii():
        try:
            raw = value.encode("latin-1")
            return raw.decode()
        except UnicodeEncodeError:
            return value
        except UnicodeDecodeError:
            return raw
    return value


def _number(word: str, text: str, at: int) -> int | float:
    digits = word.rstrip("lL")
    if len(digits) > _MOST_DIGITS:
        raise NotInGrammar("a number of too many digits", text, at)
    return int(digits) if digits.lstrip("-").isdigit() else float(digits)


class _Maker:
    """Makes the recipe: first all that others may refer to before it is complete, then the rest."""

    def __init__(self, text: str, nodes: list[_Node], most: int) -> None:
        self._text = text
        self._nodes = nodes
        self._numbered: dict[Any, Any] = {}
        self._builder = RecipeBuilder(most)

    def recipe(self, root: Any) -> Recipe:
        for node in self._nodes:
            self._check(node)
            if node.form == "Ref":
                number, obj = node.items
                if type(number) is not int or number in self._numbered:
                    raise self._error(node, "numbers no object")
                self._numbered[number] = obj
        numbered = {id(obj) for obj in self._numbered.values()}
        filled = [node for node in self._nodes if self._begin(node, numbered)]
        for node in filled:
            self._fill(node)
        return self._builder.finish(self._value(root))

    def _begin(self, node: _Node, numbered: set[int]) -> bool:
        """Make what may be referred to before it has its content. Tells whether it is of that sort."""
        if node.form == "Instance":
            node.made = self._builder.new(self._name(node, node.items[0]))
        elif node.form in ("[", "{") and id(node) in numbered:
            node.made = self._builder.make(List(()) if node.form == "[" else Dict((), ()))
        node.is_made = node.made is not None
        return node.is_made

    def _error(self, node: _Node, why: str) -> NotInGrammar:
        return NotInGrammar(f"{node.form}: {why}", self._text, node.at)

    def _check(self, node: _Node) -> None:
        """Check the arguments of a bracket."""
        least, most = _ARGUMENTS.get(node.form, (-1, -1))
        if most < 0:
            raise self._error(node, "unknown")
        given = [key is _NONE for key in node.keys]
        if node.form == "{":
            right = not any(given)
        else:
            right = least <= sum(given) <= most and (all(given) or node.form == "Instance")
            right = right and all(type(key) is str for key in node.keys if key is not _NONE)
        if not right:
            raise self._error(node, "has other items than these")

    def _name(self, node: _Node, dotted: Any) -> Name:
        """Return the name of a class or function. Names of Python 2 get those of today."""
        if type(dotted) is not str or not dotted:
            raise self._error(node, "a name has to be a text")
        if node.form == "Module":
            return Name(dotted, "")
        module, _, qualname = dotted.rpartition(".")
        return Name(*NAME_MAPPING.get((module, qualname), (IMPORT_MAPPING.get(module, module), qualname)))

    def _fill(self, node: _Node) -> None:
        """Give an object, a list or a dictionary its content."""
        values = [self._value(item) for item in node.items]
        if node.form == "[":
            self._builder.extend(node.made, values)
        elif node.form == "{":
            self._builder.update(node.made, [self._value(key) for key in node.keys], values)
        elif node.form == "Instance" and len(node.items) > 1:
            if node.keys[1] is _NONE:
                self._builder.fill(SetState(node.made, self._builder.operand(values[1])))
            else:
                self._builder.state(node.made, node.keys[1:], self._builder.operands(values[1:]))

    def _value(self, item: Any) -> Any:
        """Return the operand for an item. What isn't made yet is made, and before it the items of that."""
        stack = [item]
        while stack:
            node = self._target(stack[-1])
            if not isinstance(node, _Node) or node.is_made:
                stack.pop()
                continue
            if node.begun:
                node.made, node.is_made = self._make(node), True
                continue
            node.begun = True
            waiting = [self._target(part) for part in (*node.items, *(node.keys if node.form == "{" else ()))]
            if any(isinstance(part, _Node) and part.begun and not part.is_made for part in waiting):
                raise self._error(node, "it is a part of itself")
            stack += waiting
        node = self._target(item)
        if isinstance(node, _Node):
            return node.made
        return self._builder.make(Value(node)) if isinstance(node, bytes) else node

    def _target(self, item: Any) -> Any:
        """Return the thing that a `Ref` or a `Deref` stands for."""
        seen: set[int] = set()
        while isinstance(item, _Node) and item.form in ("Ref", "Deref"):
            if id(item) in seen or (item.form == "Deref" and item.items[0] not in self._numbered):
                raise self._error(item, "there is no object of this number")
            seen.add(id(item))
            item = item.items[1] if item.form == "Ref" else self._numbered[item.items[0]]
        return item

    def _make(self, node: _Node) -> Any:
        """Make something of items that are made."""
        if node.form in ("(", "[", "{"):
            values = self._builder.operands([self._value(item) for item in node.items])
            if node.form == "{":
                return self._builder.dictionary([self._value(key) for key in node.keys], values)
            return self._builder.make(Tuple(values) if node.form == "(" else List(values))
        if node.form == "InstanceMethod":
            name, cls, owner = node.items
            if type(name) is not str:
                raise self._error(node, "a name has to be a text")
            if owner is None:
                return self._name(node, f"{cls}.{name}")
            return self._builder.member(self._value(owner), name)
        if node.form == "Copyreg":
            state = self._target(node.items[1])
            if not isinstance(state, _Node) or state.form != "(":
                raise self._error(node, "the arguments have to be a tuple")
            return self._builder.call(self._name(node, node.items[0]), [self._value(item) for item in state.items])
        return self._name(node, node.items[0])  # Class, Function or Module


_ARGUMENTS = {
    **dict.fromkeys(("(", "["), (0, sys.maxsize)),
    **dict.fromkeys(("Class", "Function", "Module", "Deref"), (1, 1)),
    "{": (0, sys.maxsize),
    "Instance": (1, 2),
    "InstanceMethod": (3, 3),
    "Ref": (2, 2),
    "Copyreg": (2, 2),
}
"""How many arguments without a keyword a bracket has."""
