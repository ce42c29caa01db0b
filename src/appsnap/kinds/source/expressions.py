"""The reader of expressions: it turns the words of a piece into steps, and runs nothing.

It reads from the left to the right and makes no syntax trees. Each method reads one production of the grammar in
`docs/format.md`. Python reads each expression in the same way.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from appsnap.kinds.source.cursor import KEYWORDS, MOST_ALIKE, GrammarError, way_to
from appsnap.kinds.source.literals import ABSENT, CONSTANTS, LINKS, LiteralReader
from appsnap.kinds.source.tokens import is_text
from appsnap.recipe import steps
from appsnap.recipe.spellings import KEYWORDED, positional
from appsnap.recipe.steps import NameOrOperand, Ref

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BUILTINS", "HELPERS", "ExpressionReader"]

_FOLLOWING = LINKS | {"*"}
_OPENERS = frozenset("([{")
_CLOSERS = frozenset(",:)]}")

_MOST_LEVELS = 99
"""Expressions in each other. Each stands in one or two brackets of the next, and Python takes 200 of those."""

_MOST_LINKS = 500
"""Attributes and calls behind one expression, and behind those around it. A dotted name has no more: 1,000 letters."""


class ExpressionReader(LiteralReader):
    """Reads the expressions of a file, piece by piece."""

    def __init__(self, most_steps: int) -> None:
        super().__init__(most_steps)
        self._members: dict[tuple[steps.Name, str], NameOrOperand] = {}
        self._level = self._links = 0

    def _expression(self) -> Any:
        word = self._words[self._at]
        self._at += 1
        self._level += 1
        if self._level > _MOST_LEVELS:
            raise self._refuse(f"brackets are nested too deep: in more than {_MOST_LEVELS} others")
        value: Any
        if word in self._variables:
            value = self._variables[word]
        elif word == "[":
            value = self._builder.make(steps.List(self._builder.operands(self._items("]"))))
        elif word == "{":
            value = self._braces()
        elif word == "(":
            value = self._parentheses()
        elif word in _CALLS:
            self._expect("(")
            value = _CALLS[word](self)
        elif is_text(word):
            self._at -= 1
            value = self._atom(self._text())
        elif word == "-":
            value = self._negative()
        else:
            value = self._literal(word)
        if self._words[self._at] in _FOLLOWING:
            value = self._chain(value, word)
        self._level -= 1
        return value

    def _chain(self, value: Any, first: str) -> Any:
        """Read the attributes and calls, or the factors, behind an expression, and return the value of it all.

        `first` is its first word.
        """
        if self._words[self._at] == "*":
            return self._product(value)
        if first[0] == "-":
            raise self._refuse("a negative number without brackets before an attribute or a call", self._at)
        before = self._links
        while self._words[self._at] in LINKS:
            self._links += 1
            if self._links > _MOST_LINKS:
                raise self._refuse(f"more than {_MOST_LINKS} attributes and calls behind an expression", self._at)
            self._at += 1
            value = self._member(value, self._name()) if self._words[self._at - 1] == "." else self._call(value)
        self._links = before
        return value

    def _member(self, owner: Any, attribute: str) -> Any:
        if type(owner) is not steps.Name:
            return self._builder.member(owner, attribute)
        known = self._members.get((owner, attribute))
        if known is None:
            known = self._members[owner, attribute] = self._builder.member(owner, attribute)
        return known

    def _call(self, function: Any) -> Any:
        """Read the arguments of a call, and return its value."""
        begin = self._at
        args = self._items(")", keywords=True)
        keys: list[str] = []
        values: list[Any] = []
        if self._words[self._at - 1] != ")":
            _, keys, values = self._arguments()
        if type(function) is steps.Name and function in KEYWORDED:
            try:
                args = positional(function, args, keys, values)
            except (ValueError, TypeError, ArithmeticError) as error:
                if keys:
                    raise self._refuse(str(error), begin - 2) from None
                # Arguments by position alone are those of the recipe. The build refuses them, as in each kind.
            args = [self._builder.make(steps.Tuple(())) if x == () else x for x in args]
            keys = []
        return self._builder.call(function, args, keys, values)

    def _value(self) -> Any:
        """Return the value of the next expression, as `_expression` does, but faster if it is one word."""
        word, following = self._words[self._at : self._at + 2]
        if following not in _CLOSERS or word in _OPENERS:
            return self._expression()
        self._at += 1
        known = self._literals.get(word, ABSENT)
        if known is ABSENT:
            known = self._variables.get(word, ABSENT)
        return self._literal(word) if known is ABSENT else known

    def _items(self, close: str, *, keywords: bool = False) -> list[Any]:
        """Return the expressions between here and a closing bracket, with commas between them.

        With `keywords`, the first keyword ends them, too. Then the closing bracket isn't read.
        """
        items = []
        words = self._words
        while (word := words[self._at]) != close:
            # As `_value`: a call of that would take a tenth of the time of a long list.
            if words[self._at + 1] in _CLOSERS and word not in _OPENERS:
                self._at += 1
                known = self._literals.get(word, ABSENT)
                if known is ABSENT:
                    known = self._variables.get(word, ABSENT)
                items.append(self._literal(word) if known is ABSENT else known)
            elif keywords and (word == "**" or words[self._at + 1] == "="):
                return items
            else:
                items.append(self._expression())
            if words[self._at] == ",":
                self._at += 1
            elif words[self._at] != close:
                raise self._unexpected('","')
        self._at += 1
        return items

    def _parentheses(self) -> Any:
        if self._skip(")"):
            return self._builder.make(steps.Tuple(()))
        item = self._expression()
        if self._skip(")"):
            return item
        self._expect(",")
        return self._builder.make(steps.Tuple(self._builder.operands([item, *self._items(")")])))

    def _braces(self) -> Any:
        words = self._words
        if words[self._at] == "}":
            self._at += 1
            return self._builder.make(steps.Dict((), ()))
        first = self._value()
        if words[self._at] == ":":
            self._at += 1
            keys, values = [first], [self._value()]
            if words[self._at] == ",":
                self._at += 1
                self._entries(keys, values)
            else:
                self._expect("}")
            return self._builder.dictionary(keys, values)
        items = [first]
        if words[self._at] == ",":
            self._at += 1
            items += self._items("}")
        else:
            self._expect("}")
        return self._builder.make(steps.Set(self._builder.operands(items)))

    def _entries(self, keys: list[Any], values: list[Any]) -> None:
        """Read the keys and values between here and a closing brace."""
        words = self._words
        while words[self._at] != "}":
            keys.append(self._value())
            if words[self._at] != ":":
                raise self._unexpected('":"')
            self._at += 1
            values.append(self._value())
            if words[self._at] == ",":
                self._at += 1
            elif words[self._at] != "}":
                raise self._unexpected('","')
        self._at += 1

    def _unknown(self, word: str) -> GrammarError:
        self._at -= 1
        following = self._words[self._at + 1]
        if is_text(following):
            return self._refuse(f"a text with the prefix {word:.60}, which isn't of the grammar", self._at)
        if word in KEYWORDS or not word.isidentifier() or not word.isascii():
            return self._unexpected("an expression")
        known = [*CONSTANTS, *BUILTINS, *HELPERS, *islice(self._variables, MOST_ALIKE)]
        hint = (
            f"from appsnap.actions import {word}" if word in HELPERS else way_to(word, self._words[self._at + 1], known)
        )
        return self._refuse(f"{word:.60} isn't known here", self._at, hint)

    # Calls of helpers and of builtins, behind their opening bracket

    def _register(self, value: Any) -> Ref:
        operand = self._builder.operand(value)
        if type(operand) is not Ref:
            raise self._refuse("an object is wanted here, not a plain value")
        return operand

    def _target(self) -> Ref:
        """Read the first argument of a fill."""
        return self._register(self._expression())

    def _arguments(self) -> tuple[list[Any], list[str], list[Any]]:
        """Return the arguments up to the closing bracket, and the names and values of keywords."""
        args: list[Any] = []
        keys: list[str] = []
        values: list[Any] = []
        named = False
        words = self._words
        while words[self._at] != ")":
            if words[self._at + 1] == "=":
                named = True
                keys.append(self._name())
                self._at += 1
                values.append(self._value())
            elif words[self._at] == "**":
                named = True
                self._at += 1
                self._keywords(keys, values)
            elif named:
                raise self._unexpected("a keyword")
            else:
                args.append(self._value())
            if words[self._at] == ",":
                self._at += 1
            elif words[self._at] != ")":
                raise self._unexpected('","')
        self._at += 1
        return args, keys, values

    def _keywords(self, keys: list[str], values: list[Any]) -> None:
        """Read the dictionary behind `**`."""
        self._expect("{")
        while self._words[self._at] != "}":
            keys.append(self._argument(str))
            self._expect(":")
            values.append(self._value())
            if self._words[self._at] != "}":
                self._expect(",")
        self._at += 1

    def _new(self) -> Ref:
        args, keys, values = self._arguments()
        if not args:
            raise self._refuse("new takes a class")
        return self._builder.new(self._register(args[0]), args[1:], keys, values)

    def _state(self) -> Ref:
        target = self._target()
        if self._words[self._at] != ")":
            self._expect(",")
        args, keys, values = self._arguments()
        if args:
            raise self._refuse("state takes one object, and keywords")
        self._builder.state(target, keys, self._builder.operands(values))
        return target

    def _set_state(self) -> Ref:
        target = self._target()
        self._expect(",")
        self._builder.fill(steps.SetState(target, self._builder.operand(self._expression())))
        self._close()
        return target

    def _extend(self) -> Ref:
        target = self._target()
        self._expect(",")
        self._expect("[")
        self._builder.extend(target, self._builder.operands(self._items("]")))
        self._close()
        return target

    def _add(self) -> Ref:
        target = self._target()
        self._expect(",")
        self._expect("[")
        self._builder.fill(steps.Add(target, self._builder.operands(self._items("]"))))
        self._close()
        return target

    def _update(self) -> Ref:
        target = self._target()
        self._expect(",")
        self._expect("{")
        keys: list[Any] = []
        values: list[Any] = []
        self._entries(keys, values)
        self._builder.update(target, keys, values)
        self._close()
        return target

    def _named(self) -> steps.Name:
        module, qualname = self._argument(str), ""
        if self._skip(",") and self._words[self._at] != ")":
            qualname = self._argument(str)
            self._skip(",")
        self._expect(")")
        steps.check_name(module, qualname)
        return steps.Name(module, qualname)

    def _getattr(self) -> NameOrOperand:
        owner = self._expression()
        self._expect(",")
        attribute = self._argument(str)
        self._close()
        return self._builder.member(owner, attribute)

    def _set(self) -> Ref:
        self._expect(")")
        return self._builder.make(steps.Set(()))

    def _frozenset(self) -> Ref:
        if self._skip(")"):
            return self._builder.make(steps.FrozenSet(()))
        self._expect("{")
        items = self._items("}")
        if not items:
            raise self._refuse("frozenset takes a set")
        self._close()
        return self._builder.make(steps.FrozenSet(self._builder.operands(items)))


HELPERS: dict[str, Callable[[ExpressionReader], Any]] = {
    "add": ExpressionReader._add,
    "extend": ExpressionReader._extend,
    "from_base64": ExpressionReader._from_base64,
    "named": ExpressionReader._named,
    "new": ExpressionReader._new,
    "packed": ExpressionReader._packed,
    "set_state": ExpressionReader._set_state,
    "state": ExpressionReader._state,
    "update": ExpressionReader._update,
}
"""The names that a source file may import from `MODULE`, and how their arguments are read."""

BUILTINS: dict[str, Callable[[ExpressionReader], Any]] = {
    "bytearray": ExpressionReader._bytearray,
    "float": ExpressionReader._float,
    "frozenset": ExpressionReader._frozenset,
    "getattr": ExpressionReader._getattr,
    "set": ExpressionReader._set,
}
"""The functions that a source file may call without an import, and how their arguments are read."""

_CALLS = HELPERS | BUILTINS
