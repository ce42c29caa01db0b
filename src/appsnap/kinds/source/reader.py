"""The reader of source files: it turns statements into steps, and runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appsnap.errors import Damaged, NotInGrammar
from appsnap.gc_pause import gc_paused
from appsnap.kinds.source.cursor import GrammarError
from appsnap.kinds.source.expressions import BUILTINS, HELPERS, ExpressionReader
from appsnap.kinds.source.tokens import END, INDENT, pieces
from appsnap.recipe import steps

if TYPE_CHECKING:
    from appsnap.kinds.source.tokens import Piece
    from appsnap.recipe.steps import NameOrOperand, Recipe

__all__ = ["MODULE", "ROOT", "read_statements"]

ROOT = "application"
"""The variable of the last statement: the object that the file makes."""

MODULE = "appsnap.actions"
"""The module that helpers are imported from."""

_HINT = (
    "a source file has values: numbers and their products, texts, lists, dictionaries, objects by new(…) and state(…), "
    "calls of what it imports; appsnap runs no code to load it"
)
_FILLS = frozenset({"add", "extend", "set_state", "state", "update"})
_RESERVED = BUILTINS.keys() | HELPERS.keys()


@gc_paused
def read_statements(text: str, start: int, stop: int, most_steps: int, begins: list[int] | None = None) -> Recipe:
    """Return the recipe of the statements in a part of a text. Raises NotInGrammar with the place, and Damaged."""
    reader = _StatementReader(most_steps, [] if begins is None else begins)
    for piece in pieces(text, start, stop):
        reader.read(piece)
    return reader.finish()


class _StatementReader(ExpressionReader):
    _finished = False

    def __init__(self, most_steps: int, begins: list[int]) -> None:
        super().__init__(most_steps)
        self._begins = begins  # by statement: how many steps there are before it

    def read(self, piece: Piece) -> None:
        """Read the statements of a piece."""
        self._begin(piece.words)
        try:
            while self._at < len(piece.words) - 2:
                if piece.words[self._at] == END:
                    self._at += 1
                else:
                    self._begins.append(len(self._builder.steps))
                    self._statement()
        except GrammarError as error:
            raise NotInGrammar(str(error), piece.text, piece.offset(error.at), hint=error.hint or _HINT) from None
        except (ValueError, TypeError) as error:
            raise NotInGrammar(str(error), piece.text, piece.offset(self._at - 1)) from None
        except RecursionError:
            raise NotInGrammar("brackets are nested too deep", piece.text, piece.offset(self._at - 1)) from None

    def finish(self) -> Recipe:
        """Return the recipe. Raises Damaged where the last statement is missing."""
        if not self._finished:
            hint = "the file is truncated, or an edit has changed the name in its last statement"
            raise Damaged(f'no "{ROOT} = …" at the end', hint=hint)
        try:
            return self._builder.finish(self._variables[ROOT])
        except ValueError as error:
            raise Damaged(f"the last statement can't be read ({error})") from None

    def _statement(self) -> None:
        begin = self._at
        word, following = self._words[begin : begin + 2]
        if self._finished:
            raise self._refuse(f'something stands behind "{ROOT} = …"', begin)
        if following == "=":
            variable = self._name()
            self._at += 1
            self._bind(variable, self._assigned(), begin)
            self._finished = variable == ROOT
        elif word in _FILLS and following == "(":
            self._at += 2
            HELPERS[word](self)
        elif word == "import":
            self._at += 1
            self._import()
        elif word == "from":
            self._at += 1
            self._import_from()
        elif word in INDENT:
            raise self._unexpected("a statement")
        else:
            raise self._refuse("a statement that isn't of the grammar", begin)
        self._expect(END)

    def _assigned(self) -> NameOrOperand:
        """Read an expression, or a tuple without brackets."""
        value: NameOrOperand = self._expression()
        if self._skip(","):
            items = self._items(END)
            self._at -= 1  # `_statement` reads that end
            value = self._builder.make(steps.Tuple(self._builder.operands([value, *items])))
        return value

    def _bind(self, variable: str, value: NameOrOperand, at: int) -> None:
        if variable in self._variables or variable in _RESERVED:
            raise self._refuse(f"{variable:.60} is bound already", at)
        if variable != ROOT:
            steps.check_reference(value)
        self._variables[variable] = value

    def _import(self) -> None:
        at = self._at
        module = self._module()
        bound = self._name() if self._skip("as") else module
        if "." in bound:
            raise self._refuse("a module with a dot is imported as something", at)
        self._bind(bound, steps.Name(module, ""), at)

    def _import_from(self) -> None:
        module = self._module()
        self._expect("import")
        bracket = self._skip("(")
        while True:
            at = self._at
            name = self._name()
            renamed = self._skip("as")
            bound = self._name() if renamed else name
            if module != MODULE:
                self._bind(bound, steps.Name(module, name), at)
            elif name not in HELPERS or renamed:
                raise self._refuse(f"{MODULE} has no {name:.60}, or it has another name here", at)
            if not self._skip(",") or (bracket and self._words[self._at] == ")"):
                break
        if bracket:
            self._expect(")")

    def _module(self) -> str:
        parts = [self._name()]
        while self._skip("."):
            parts.append(self._name())
        return ".".join(parts)
