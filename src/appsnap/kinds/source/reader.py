"""The reader of source files: it turns statements into steps, and runs nothing."""

from __future__ import annotations

from itertools import chain, count, zip_longest
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError, Damaged, NotInGrammar
from appsnap.gc_pause import gc_paused
from appsnap.kinds.source.cursor import KEYWORDS, GrammarError
from appsnap.kinds.source.expressions import BUILTINS, HELPERS, ExpressionReader
from appsnap.kinds.source.literals import CONSTANTS
from appsnap.kinds.source.templates import FIRST_WORD, PASSAGE, WORDS, is_plain, pattern_of, template_of
from appsnap.kinds.source.tokens import END, INDENT, SIZE, decoded, number, pieces
from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    import re

    from appsnap.kinds.source.templates import Template
    from appsnap.kinds.source.tokens import Piece
    from appsnap.recipe.steps import NameOrOperand, Operand, Recipe

__all__ = ["MODULE", "ROOT", "read_statements"]

ROOT = "application"
"""The variable of the last statement: the object that the file makes."""

MODULE = "appsnap.actions"
"""The module that helpers are imported from."""

_HINT = (
    "a source file has values: numbers and their products, texts, lists, dictionaries, objects by new(…) and state(…), "
    "calls of what it imports; appsnap runs no code to load it"
)
_LONG = 2_000
"""Characters of a passage that has no template: each of these has another number of items."""

_MISSES = 8
"""Passages without a template, in a row, after which whole pieces are read: each look for a template takes time."""

_LEARNED = 4
"""Passages of a shape, the last of which is read by a template: to learn it takes as long as to read two of them."""

_USES = 12
"""Passages of a shape, after which it gets a pattern: that takes a millisecond, and saves some microseconds each."""

_PATTERNS = 8
"""Patterns that are tried in turn."""

_MOST_SHAPES = 1_000
_MOST_OPERANDS = 1_000
_FILLS = frozenset({"add", "extend", "set_state", "state", "update"})
_RESERVED = BUILTINS.keys() | HELPERS.keys()


@gc_paused
def read_statements(text: str, start: int, stop: int, most_steps: int, begins: list[int] | None = None) -> Recipe:
    """Return the recipe of the statements in a part of a text. Raises NotInGrammar with the place, and Damaged."""
    reader = _TemplateReader(most_steps, [] if begins is None else begins)
    while start < stop:
        end = reader.read_passage(text, start, stop)
        if not end:
            piece = next(pieces(text, start, stop, reader.least))
            reader.read(piece)
            end = piece.end
        start = end
    return reader.finish()


class _StatementReader(ExpressionReader):
    _finished = False

    def __init__(self, most_steps: int, begins: list[int]) -> None:
        super().__init__(most_steps)
        self._most_steps = most_steps
        self._begins = begins  # by statement: how many steps there are before it

    def read(self, piece: Piece) -> None:
        """Read the statements of a piece."""
        self._begin(piece.words)
        try:
            self._statements()
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

    def _statements(self) -> None:
        while self._at < len(self._words) - 2:
            if self._words[self._at] == END:
                self._at += 1
            else:
                self._begins.append(len(self._builder.steps))
                self._statement()

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


class _TemplateReader(_StatementReader):
    """Reads passages by templates where it can."""

    def __init__(self, most_steps: int, begins: list[int]) -> None:
        super().__init__(most_steps, begins)
        self._uses: dict[tuple[str, ...], int] = {}  # by shape that was met
        self._templates: dict[tuple[str, ...], Template | None] = {}  # None for a shape that has none
        self._operands = _Operands(self._variables, self._builder._names)
        self._patterns: list[tuple[re.Pattern[str], Template]] = []
        self._misses = 0  # passages without a template since the last one that had one
        self.least = 0  # characters that the next piece should have

    def read_passage(self, text: str, start: int, stop: int) -> int:
        """Read a passage if it has a template, and return its end. Return 0 if it has to be read as a piece."""
        end = self._read_by_pattern(text, start, stop) or self._read_by_shape(text, start, stop)
        if end:
            self._misses = 0
        return end

    def _read_by_pattern(self, text: str, start: int, stop: int) -> int:
        for pattern, template in self._patterns:
            found = pattern.match(text, start, stop)
            if found:
                return found.end() if self._copied(template, [*found.groups()]) else 0
        return 0

    def _read_by_shape(self, text: str, start: int, stop: int) -> int:
        border = PASSAGE.search(text, start, min(start + _LONG, stop))
        end = border.end() if border else stop
        self.least = SIZE
        if end - start < _LONG:
            words = WORDS.split(text[start:end])
            shape = tuple(words[::2])
            template = self._template(shape)
            if template and self._copied(template, words[1::2]):
                if self._uses[shape] == _USES and len(self._patterns) < _PATTERNS:
                    self._patterns.append((pattern_of(shape), template))
                return end
            if self._misses < _MISSES:
                self.least = end - 1 - start
        self._misses += 1
        return 0

    def _template(self, shape: tuple[str, ...]) -> Template | None:
        """Return the template of a shape. It is learned when the shape has come often enough."""
        if len(self._uses) >= _MOST_SHAPES and shape not in self._uses:
            self._uses.clear()
            self._templates.clear()
        self._uses[shape] = self._uses.get(shape, 0) + 1
        if self._uses[shape] == _LEARNED:
            self._templates[shape] = self._learned(shape)
        return self._templates.get(shape)

    def _copied(self, template: Template, words: list[str]) -> bool:
        """Append the steps of a template with other words. Do nothing if the words aren't plain, and return False."""
        builder, variables = self._builder, self._variables
        made, first = len(builder.steps), builder.registers
        if self._finished or made + len(template.steps) > self._most_steps:
            return False
        variable = None
        if template.bound is not None:
            name = words.pop(0)
            if not self._is_free(name) or name in words[: template.unbound]:
                return False
            variable = name
            variables[variable] = Ref(first + template.bound)
        try:
            pool: list[Any] = [*map(self._operands.__getitem__, words)]
            plain = all(type(pool[at]) is Ref for at in template.registers)
        except ValueError:
            plain = False
        if not plain:
            if variable is not None:
                del variables[variable]
                self._operands.pop(variable, None)
            return False
        pool += map(Ref, range(first, first + template.makers))
        self._begins += [made + begin for begin in template.begins]
        builder.steps += template.copied(pool)
        builder.registers = first + template.makers
        return True

    def _is_free(self, word: str) -> bool:
        """Tell whether a word is a name that a statement may bind and isn't the last one."""
        bound = word in self._variables or word in _RESERVED or word == ROOT
        return word.isidentifier() and word not in KEYWORDS and not bound

    def _learned(self, shape: tuple[str, ...]) -> Template | None:
        """Read a shape with a variable for each word, and return its template."""
        builder, variables, known = self._builder, self._variables, len(self._variables)
        made, first, before = len(builder.steps), builder.registers, len(self._begins)
        words = [f"word_{number}" for number in range(len(shape) - 1)]
        binds = int(not shape[0])
        if not words or not is_plain(shape) or not variables.keys().isdisjoint(words):
            return None
        variables.update(zip(words[binds:], map(Ref, count(FIRST_WORD)), strict=False))
        text = "".join(chain(*zip_longest(shape, words, fillvalue="")))
        try:
            self._begin(next(pieces(text, 0, len(text))).words)
            self._statements()
            if len(variables) != known + len(words):
                return None
            begins = [begin - made for begin in self._begins[before:]]
            return template_of(shape, builder.steps[made:], first, begins, variables[words[0]])
        except (GrammarError, AppsnapError, ValueError, TypeError, RecursionError):
            return None
        finally:
            for word in words:
                variables.pop(word, None)
            del builder.steps[made:], self._begins[before:]
            builder.registers = first
            self._level = self._links = 0


class _Operands(dict[str, Any]):
    """The operands of plain words. Raises ValueError for a word that takes a step, or that has no value."""

    def __init__(self, variables: dict[str, NameOrOperand], names: dict[steps.Name, Ref]) -> None:
        self._variables, self._names = variables, names

    def __missing__(self, word: str) -> Operand:
        operand: Any
        if word[0] == '"':
            operand = decoded(word) if "\\" in word else word[1:-1]
            if len(operand) > steps.INLINE:
                raise ValueError
        elif word[0] in "-0123456789":
            operand = number(word)
        elif word in CONSTANTS:
            operand = CONSTANTS[word]
        else:
            operand = self._variables.get(word)
            operand = self._names.get(operand) if type(operand) is steps.Name else operand
            if operand is None:
                raise ValueError
        if len(self) >= _MOST_OPERANDS:
            self.clear()
        self[word] = operand
        return operand  # type: ignore[no-any-return]  # a NameOrOperand that isn't a Name
