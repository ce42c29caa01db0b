"""The reader of literals and of products of numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from appsnap import actions
from appsnap.kinds.source.cursor import Cursor
from appsnap.kinds.source.tokens import decoded, is_number, is_text, number
from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder

if TYPE_CHECKING:
    from appsnap.kinds.source.cursor import GrammarError
    from appsnap.recipe.steps import NameOrOperand, Ref

__all__ = ["ABSENT", "CONSTANTS", "LINKS", "LiteralReader"]

ABSENT: Any = object()
CONSTANTS = {"None": None, "True": True, "False": False}
LINKS = frozenset(".(")

_BASE64 = re.compile(r"""[()]|["'][A-Za-z0-9+/]*+={0,2}["']""")
_FLOATS = frozenset({"nan", "-nan", "inf", "-inf"})
_NUMBERS = (int, float)
_TOO_LARGE = 10**4300


class LiteralReader(Cursor):
    """Reads the literals of a file, piece by piece."""

    def __init__(self, most_steps: int) -> None:
        super().__init__()
        self._builder = RecipeBuilder(most_steps)
        self._variables: dict[str, NameOrOperand] = {}
        self._literals: dict[str, Any] = {}  # by word, those of this piece

    def _begin(self, words: list[str]) -> None:
        super()._begin(words)
        self._literals = {**CONSTANTS}

    def _expression(self) -> Any:
        raise NotImplementedError

    def _negative(self) -> int | float:
        """Return the number behind a minus that stands by itself."""
        word = self._words[self._at]
        if word[0] == "-":
            raise self._unexpected("a number")
        if is_number(word):
            self._at += 1
            return -number(word)
        value: int | float = -self._factor()
        return value

    def _product(self, value: Any) -> int | float:
        """Read the factors behind a number, each with its `*`, and return the product, computed from the left."""
        at = self._at
        while self._skip("*"):
            factor = self._factor()
            if type(value) not in _NUMBERS:
                raise self._refuse("a product of something that is no number", at, "write the result")
            try:
                value = value * factor
                # Before it is multiplied again, for the time that takes.
                large = type(value) is int and abs(value) >= _TOO_LARGE
            except OverflowError:
                large = True
            if large:
                raise self._refuse("a product of more than 4,300 digits", at)
        if self._words[self._at] in LINKS:
            raise self._refuse("a product without brackets before an attribute or a call", self._at)
        return value  # type: ignore[no-any-return]  # one of `_NUMBERS`

    def _factor(self) -> Any:
        """Return the next number: a literal, a variable for one, or a product in brackets."""
        at = self._at
        word = self._words[at]
        if is_number(word):
            self._at += 1
            value: Any = number(word)
        elif word in self._variables:
            self._at += 1
            value = self._variables[word]
        elif self._skip("-"):
            value = self._negative()
        elif self._skip("("):
            value = self._expression()
            self._expect(")")
        elif self._skip("float"):
            self._expect("(")
            value = self._float()
        else:
            raise self._unexpected("a number")
        if type(value) not in _NUMBERS or (type(value) is int and abs(value) >= _TOO_LARGE):
            raise self._refuse("no number, or one of more than 4,300 digits, where a number is expected", at)
        return value

    def _literal(self, word: str) -> Any:
        """Return the value of a literal, which is the word that was read last."""
        known = self._literals.get(word, ABSENT)
        if known is not ABSENT:
            return known
        value: Any
        if is_number(word):
            value = number(word)
        elif is_text(word):
            value = decoded(word)
            if len(value) > steps.INLINE:
                return self._atom(value)
        else:
            raise self._unknown(word)
        self._literals[word] = value
        return value

    def _items(self, close: str, *, keywords: bool = False) -> list[Any]:
        raise NotImplementedError

    def _unknown(self, word: str) -> GrammarError:
        raise NotImplementedError

    def _atom(self, value: str | bytes) -> Any:
        if type(value) is bytes and len(value) > steps.INLINE:
            return self._builder.make(steps.Value(value))
        return self._builder.operand(value)

    def _text(self) -> str | bytes:
        """Read adjacent texts, or adjacent bytes, as one."""
        begin = self._at
        while is_text(self._words[self._at]):
            self._at += 1
        if self._at == begin:
            raise self._unexpected("a text")
        return decoded(*self._words[begin : self._at])  # type: ignore[no-any-return]

    def _argument(self, wanted: type) -> Any:
        """Return a text, or bytes, that may stand in brackets."""
        bracket = self._skip("(")
        value = self._text()
        if type(value) is not wanted:
            raise self._refuse(f"{'a text' if wanted is str else 'bytes'} is expected")
        if bracket:
            self._expect(")")
        return value

    def _from_base64(self) -> Any:
        return self._atom(self._decoded_base64())

    def _packed(self) -> Any:
        return self._atom(self._packed_numbers())

    def _decoded_base64(self) -> bytes:
        begin = self._at
        text = self._argument(str)
        try:
            data = actions.from_base64(text)
        except ValueError as error:
            words = range(begin, self._at)
            wrong = next((at for at in words if not _BASE64.fullmatch(self._words[at])), self._at - 1)
            raise self._refuse(
                f"wrong base64: {error}", wrong, "the data is damaged: take it from another copy"
            ) from None
        self._close()
        return data

    def _packed_numbers(self) -> bytes:
        begin = self._at
        dtype = self._argument(str)
        rows = []
        while self._skip(",") and self._words[self._at] != ")":
            self._expect("[")
            rows.append(self._items("]"))
        self._expect(")")
        try:
            return actions.packed(dtype, *rows)
        except ValueError as error:
            raise self._refuse(str(error), begin) from None

    def _bytearray(self) -> Ref:
        if self._skip("from_base64"):
            self._expect("(")
            data = self._decoded_base64()
        elif self._skip("packed"):
            self._expect("(")
            data = self._packed_numbers()
        else:
            data = self._argument(bytes)
        self._close()
        return self._builder.make(steps.ByteArray(data))

    def _float(self) -> float:
        text = self._argument(str)
        if text not in _FLOATS:
            raise self._refuse("float takes one of the texts nan, -nan, inf and -inf")
        self._close()
        return float(text)
