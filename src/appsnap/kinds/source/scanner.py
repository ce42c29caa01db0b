"""The fast way to read source files: what a writer writes most, without syntax trees.

Python's parser makes an object of each part of a tree, which takes most of the time of reading. This reads whole
pieces whose tokens are simple - no escapes, comments, keywords or rare helpers - straight into steps, those that
`grammar` makes of the trees. What it takes for a statement, Python takes for the same one; what it doesn't know, it
leaves to `grammar`: a piece before anything was done about it, or else the whole file.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.recipe.builder import RecipeBuilder
    from appsnap.recipe.steps import NameOrOperand

__all__ = ["Scanner", "UnusualError", "tokens"]

_TOKEN = re.compile(
    r'"[^"\\\n]*"'
    r"|[A-Za-z_][A-Za-z_0-9]*"
    r"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
    r"|\*\*"
    r"|\n(?=[^ \t)\]}\n])"  # before a statement
    r"|[^ \n]"
)
_BROKEN = re.compile(r'"""|(?<![,(\[{"])\n[ \t)\]}]|"\n[ \t]+[^" \t)\]}]')
"""Texts in three quotes, and lines that go on although nothing need be open before their end."""

_CONSTANTS = {"None": None, "True": True, "False": False}
_ODD = frozenset(
    {*keyword.kwlist, '"', "'", "#", "\\", "\t"}
    | {"add", "bytearray", "float", "frozenset", "getattr", "set", "set_state", "named", "update"}
).difference(_CONSTANTS)
"""Tokens of what is left to `grammar`: texts that aren't simple, comments, keywords, rare helpers."""

_LEVELS = 50
"""Brackets in each other. Python's parser takes 200, a writer's statement has 12."""

_OPENERS = frozenset("([{")
_CLOSERS = frozenset(",:)]}")
_ABSENT: Any = object()
_END = "\n"


class UnusualError(Exception):
    """Something that isn't known here, or is wrong: `grammar` says which."""


def tokens(piece: str) -> list[str] | None:
    """Return the tokens of a piece of whole statements, or None where some of them are left to `grammar`."""
    found: list[str] = _TOKEN.findall(piece)
    simple = _ODD.isdisjoint(found) and not _BROKEN.search(piece)
    # Names are ASCII; what isn't, and stands outside of texts, is a word of its own.
    simple = simple and (piece.isascii() or all(word.isascii() or word[0] == '"' for word in found))
    return found if simple else None


class Scanner:
    """Turns tokens into steps. `variables` are what statements have bound."""

    def __init__(self, builder: RecipeBuilder, variables: dict[str, NameOrOperand]) -> None:
        self._builder = builder
        self._variables = variables
        self._literals: dict[str, Any] = {}  # by word, in one piece
        self._tokens: list[str] = []
        self._at = 0
        self._level = 0

    def begin(self, found: list[str]) -> None:
        """Take the tokens of a piece."""
        self._tokens = [*found, _END]
        self._at = 0
        self._literals = {**_CONSTANTS}

    def statement(self) -> tuple[str, Any] | None:
        """Follow the next statement, and return what it binds: a variable and a value.

        The variable is empty where it binds nothing; what is returned is None where no statement is left.
        """
        if self._tokens[self._at] == _END and self._at + 1 < len(self._tokens):
            self._at += 1  # empty lines
        if self._at + 1 == len(self._tokens):
            return None
        variable = self._tokens[self._at]
        self._at += 1
        value: Any = None
        if self._tokens[self._at] == "=":
            self._at -= 1
            variable = self._name()
            self._at += 1
            value = self._expression()
        elif variable in ("state", "extend"):
            self._expect("(")
            _HELPERS[variable](self)
            variable = ""
        else:
            raise UnusualError
        if self._at + 1 < len(self._tokens):
            self._expect(_END)
        return variable, value

    def _expect(self, word: str) -> None:
        if self._tokens[self._at] != word:
            raise UnusualError
        self._at += 1

    def _expression(self) -> Any:
        word = self._tokens[self._at]
        self._at += 1
        self._level += 1
        if self._level > _LEVELS:
            raise UnusualError
        value: Any
        if word in self._variables:
            value = self._variables[word]
        elif word == "[":
            value = self._builder.make(steps.List(self._builder.operands(self._items("]"))))
        elif word == "{":
            value = self._braces()
        elif word == "(":
            value = self._parentheses()
        elif word in _HELPERS:
            self._expect("(")
            value = _HELPERS[word](self)
        else:
            value = self._literal(word)
            if self._tokens[self._at] == "." and word[0] != '"' and word not in _CONSTANTS:
                raise UnusualError  # 3.real is no Python
        links = 0
        while self._tokens[self._at] in (".", "("):
            links += 1
            if links > _LEVELS:
                raise UnusualError
            word = self._tokens[self._at]
            self._at += 1
            if word == ".":
                value = self._builder.member(value, self._name())
            else:
                value = self._builder.call(value, self._items(")"))
        self._level -= 1
        return value

    def _name(self) -> str:
        name = self._tokens[self._at]
        if not name.isidentifier() or name in _CONSTANTS:
            raise UnusualError
        self._at += 1
        return name

    def _literal(self, word: str) -> Any:
        known = self._literals.get(word, _ABSENT)
        if known is not _ABSENT:
            return known
        first = word[0]
        value: Any
        if first == '"':
            if len(word) > steps.INLINE + 2:
                return self._builder.text(word[1:-1])
            value = word[1:-1]
        elif first in "-0123456789" and word != "-":
            value = float(word) if "." in word or "e" in word else int(word)
        else:
            raise UnusualError
        self._literals[word] = value
        return value

    def _value(self) -> Any:
        """Return what the next expression stands for, as `_expression` does: the quick way for what is one word."""
        word, following = self._tokens[self._at : self._at + 2]
        if following not in _CLOSERS or word in _OPENERS:
            return self._expression()
        self._at += 1
        known = self._literals.get(word, _ABSENT)
        if known is _ABSENT:
            known = self._variables.get(word, _ABSENT)
        return self._literal(word) if known is _ABSENT else known

    def _items(self, close: str) -> list[Any]:
        """Return what stands between here and a closing bracket, between commas."""
        items = []
        found = self._tokens
        while found[self._at] != close:
            items.append(self._value())
            if found[self._at] != close:
                self._expect(",")
        self._at += 1
        return items

    def _parentheses(self) -> Any:
        if self._tokens[self._at] == ")":
            self._at += 1
            return self._builder.make(steps.Tuple(()))
        first, second = self._tokens[self._at : self._at + 2]
        if first[0] == second[0] == '"':
            return self._adjacent()
        item = self._expression()
        if self._tokens[self._at] == ")":
            self._at += 1
            return item
        self._expect(",")
        return self._builder.make(steps.Tuple(self._builder.operands([item, *self._items(")")])))

    def _adjacent(self) -> Any:
        """Return the text that adjacent literals make together."""
        texts = []
        while self._tokens[self._at][0] == '"':
            texts.append(self._tokens[self._at][1:-1])
            self._at += 1
        self._expect(")")
        return self._builder.text("".join(texts))

    def _braces(self) -> Any:
        if self._tokens[self._at] == "}":
            self._at += 1
            return self._builder.make(steps.Dict((), ()))
        first = self._expression()
        if self._tokens[self._at] == ":":
            self._at += 1
            keys, values = [first], [self._value()]
            while self._tokens[self._at] != "}":
                self._expect(",")
                if self._tokens[self._at] == "}":
                    break
                keys.append(self._value())
                self._expect(":")
                values.append(self._value())
            self._at += 1
            return self._builder.dictionary(keys, values)
        if self._tokens[self._at] == "}":
            self._at += 1
            return self._builder.make(steps.Set(self._builder.operands([first])))
        self._expect(",")
        return self._builder.make(steps.Set(self._builder.operands([first, *self._items("}")])))

    # Helpers, behind their opening bracket

    def _register(self, value: Any) -> Ref:
        operand = self._builder.operand(value)
        if type(operand) is not Ref:
            raise UnusualError
        return operand

    def _new(self) -> Ref:
        args, keys, values = self._arguments()
        if not args:
            raise UnusualError
        return self._builder.new(self._register(args[0]), args[1:], keys, values)

    def _state(self) -> Ref:
        target = self._register(self._expression())
        if self._tokens[self._at] != ")":
            self._expect(",")
        args, keys, values = self._arguments()
        if args:
            raise UnusualError
        self._builder.state(target, keys, self._builder.operands(values))
        return target

    def _arguments(self) -> tuple[list[Any], list[str], list[Any]]:
        """Return arguments up to the closing bracket, and the names and values of keywords."""
        args: list[Any] = []
        keys: list[str] = []
        values: list[Any] = []
        named = False
        found = self._tokens
        while found[self._at] != ")":
            if found[self._at + 1] == "=":
                named = True
                keys.append(self._name())
                self._at += 1
                values.append(self._value())
            elif found[self._at] == "**":
                named = True
                self._at += 1
                self._keywords(keys, values)
            elif named:
                raise UnusualError
            else:
                args.append(self._expression())
            if found[self._at] != ")":
                self._expect(",")
        self._at += 1
        return args, keys, values

    def _keywords(self, keys: list[str], values: list[Any]) -> None:
        self._expect("{")
        while self._tokens[self._at] != "}":
            key = self._tokens[self._at]
            if key[0] != '"':
                raise UnusualError
            self._at += 1
            self._expect(":")
            keys.append(key[1:-1])
            values.append(self._value())
            if self._tokens[self._at] != "}":
                self._expect(",")
        self._at += 1

    def _extend(self) -> Ref:
        target = self._register(self._expression())
        self._expect(",")
        self._expect("[")
        self._builder.extend(target, self._builder.operands(self._items("]")))
        if self._tokens[self._at] == ",":
            self._at += 1
        self._expect(")")
        return target


_HELPERS: dict[str, Callable[[Scanner], Any]] = {
    "new": Scanner._new,
    "state": Scanner._state,
    "extend": Scanner._extend,
}
