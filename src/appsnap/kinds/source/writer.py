"""The writer of source files: it turns statements and expressions into Python, laid out as people lay it out."""

from __future__ import annotations

import binascii
import keyword
import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.kinds.expressions import Assignment, names
from appsnap.kinds.source.expressions import BUILTINS, HELPERS
from appsnap.kinds.source.layout import WIDTH, Group, Pieces, Shape, flat, laid_out, word, wrapped
from appsnap.kinds.source.numbers import Forms
from appsnap.kinds.source.reader import MODULE, ROOT
from appsnap.kinds.source.tokens import FORBIDDEN
from appsnap.recipe import steps
from appsnap.recipe.spellings import KEYWORDED, by_keywords
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["SourceWriter"]

_BASE64_WIDTH, _WIDE = 120, 1_000  # the latter for data that nobody looks at: indents would be a tenth of it
_MOST_SHAPES = 1_000
_MOST_WORDS = 100  # of a statement by shape: each longer one has another number of items
_MOST_LITERALS = 1_000
_FIRST_WORD = 1 << 60  # the registers that stand for the words of a shape
_LETTERS = bytes(range(0x20, 0x7F))


class SourceWriter:
    """Writes statements, and collects the imports that they need."""

    def __init__(self, recipe: Recipe, statements: list[Any]) -> None:
        self._helpers: set[str] = set()
        self._plain: set[str] = set()  # names of attributes that can be keywords
        self._names: dict[steps.Name, Any] = {}
        self._imported: dict[tuple[str, str], str] = {}
        self._taken = {ROOT, *HELPERS, *BUILTINS, *vars(sys.modules["builtins"])}
        self._forms = Forms.of(recipe)
        self._choose_imports(step for step in recipe.steps if isinstance(step, steps.Name))
        named = [statement.register for statement in statements if isinstance(statement, Assignment)]
        self._variables = names(recipe, named, self._taken)
        self._shapes: dict[Any, Shape | None] = {}  # None for one that was met once
        self._words: dict[type, Callable[[Any], str]] = {
            int: _integer,
            **dict.fromkeys((bool, type(None)), repr),
            **dict.fromkeys((float, bytes), _literal),
            str: _Literals().__getitem__,
            Ref: self._variables.__getitem__,
            steps.Name: self._word,
        }

    def _choose_imports(self, wanted: Iterable[steps.Name]) -> None:
        """Choose a variable for each module and for each object that is imported from one."""
        numbers: dict[str, int] = {}  # by stem, the last one in use
        tops = {(name.module, name.qualname.partition(".")[0]) for name in wanted if _has_syntax(name)}
        for module, top in sorted(tops):
            stem = top or module.rpartition(".")[2]
            bound = stem
            while bound in self._taken:
                numbers[stem] = numbers.get(stem, 1) + 1
                bound = f"{stem}_{numbers[stem]}"
            self._taken.add(bound)
            self._imported[module, top] = bound

    def imports(self) -> list[str]:
        """Return the imports that the statements need: modules first, then names from modules."""
        modules = []
        tops: dict[str, list[str]] = {MODULE: sorted(self._helpers)} if self._helpers else {}
        for (module, top), bound in self._imported.items():
            renamed = "" if bound == (top or module) else f" as {bound}"
            if top:
                tops.setdefault(module, []).append(top + renamed)
            else:
                modules.append(f"import {module}{renamed}\n")
        return modules + [_import(module, tops[module]) for module in sorted(tops)]

    def lines(self, statements: list[Any], root: Any) -> Iterator[str]:
        """Yield the text of each statement. The last one assigns the root."""
        for statement in statements:
            yield (self._by_shape(statement) or laid_out(self._statement(statement), 0, 0)) + "\n"
        yield laid_out(wrapped(f"{ROOT} = ", self._expression(root)), 0, 0) + "\n"

    def _statement(self, statement: Any) -> Any:
        if isinstance(statement, Assignment):
            return wrapped(f"{self._variables[statement.register]} = ", self._expression(statement.value))
        return self._expression(statement)

    def _by_shape(self, statement: Any) -> str | None:
        """Return the text of a statement if another one of its shape came before, and it isn't unusual."""
        words: list[str] = []
        try:
            shape = self._shape(statement, words)
        except KeyError:
            return None
        known = self._shapes.get(shape)
        if known is None:
            if shape not in self._shapes:
                if len(self._shapes) >= _MOST_SHAPES:
                    self._shapes.clear()
                self._shapes[shape] = None
                return None
            marks = [Ref(_FIRST_WORD + number) for number in range(len(words))]
            self._variables.update(zip(marks, map(word, range(len(words))), strict=True))
            known = self._shapes[shape] = Shape(self._statement(_with(statement, iter(marks))))
            for mark in marks:
                del self._variables[mark]
        return known.text(words)

    def _shape(self, step: Any, words: list[str]) -> Any:
        """Return what a statement or an expression is without its words, and append these.

        Raises KeyError if its text depends on more than these, or if it is long.
        """
        cls = type(step)
        names_, operands, _ = _PARTS[cls]
        parts = operands(step)
        if len(parts) > _MOST_WORDS:
            raise KeyError
        shape = [cls, names_(step), len(parts)]
        spelling = self._words.get
        for part in parts:
            spell = spelling(type(part))
            if spell is None:
                shape += len(words), self._shape(part, words)
            else:
                words.append(spell(part))
        return tuple(shape)

    def _word(self, step: steps.Name) -> str:
        name = self._name(step)
        if type(name) is not str:
            raise KeyError
        return name

    def _expression(self, value: Any) -> Any:
        cls = type(value)
        if cls is Ref:
            return self._variables[value]
        write = _EXPRESSIONS.get(cls)
        return _literal(value) if write is None else write(self, value)

    def _all(self, values: Iterable[Any]) -> list[Any]:
        return [self._expression(value) for value in values]

    def _helper(self, name: str) -> str:
        self._helpers.add(name)
        return f"{name}("

    def _name(self, step: steps.Name) -> Any:
        known = self._names.get(step)
        if known is None:
            known = self._names[step] = self._spelled(step)
        return known

    def _spelled(self, step: steps.Name) -> Any:
        if not _has_syntax(step):
            parts = [step.module, step.qualname] if step.qualname else [step.module]
            return Group(self._helper("named"), [repr(part) for part in parts], ")")
        top, dot, rest = step.qualname.partition(".")
        return self._imported[step.module, top] + dot + rest

    def _new(self, step: steps.New) -> Any:
        args = [step.cls, *step.args]
        return Group(self._helper("new"), self._all(args) + self._keywords(step.names, step.values), ")")

    def _keywords(self, keys: Iterable[str], values: Iterable[Any]) -> list[Any]:
        """Return attributes as keyword arguments. A name that isn't an identifier needs a dictionary."""
        plain: list[Any] = []
        others: list[Any] = []
        for key, value in zip(keys, values, strict=True):
            # Attributes keep their order: behind the first one in the dictionary, all go into it.
            if not others and (key in self._plain or self._is_plain(key)):
                plain.append(wrapped(f"{key}=", self._expression(value)))
            else:
                others.append(wrapped(f"{_literal_text(key)}: ", self._expression(value)))
        return [*plain, wrapped("**", Group("{", others, "}"))] if others else plain

    def _is_plain(self, key: str) -> bool:
        if key.isidentifier() and key.isascii() and not keyword.iskeyword(key):
            self._plain.add(key)
        return key in self._plain

    def _call(self, step: steps.Call) -> Any:
        function = self._expression(step.function)
        name: Any = step.function
        form = self._forms.form(step) if self._forms else None
        if form is not None:
            return self._with_numbers(flat(function), step, *form)
        keyworded = type(name) is steps.Name and name in KEYWORDED
        if keyworded and not step.names:
            args, named = by_keywords(name, step.args)
            inside = self._all(args) + self._keywords(named, named.values())
        else:
            inside = self._all(step.args) + self._keywords(step.names, step.values)
        return Group(f"{flat(function)}(", inside, ")")

    def _with_numbers(self, function: str, step: steps.Call, at: int, rows: list[list[str]]) -> Any:
        """Write a call with numbers in the place of the bytes in one of its arguments."""
        args = self._all(step.args[:at]) + self._all(step.args[at + 1 :])
        data: Any = Group(self._helper("packed"), [rows[0][0], *(Group("[", row, "]") for row in rows[1:])], ")")
        nested: Any = step.args[at]
        data = Group("bytearray(", [data], ")") if type(nested) is steps.ByteArray else data
        return Group(f"{function}(", [*args[:at], data, *args[at:]], ")")

    def _data(self, data: bytes) -> Any:
        """Return the literal of bytes: base64 if a ninth of them have no letter, because each of those takes four."""
        if len(data) <= steps.INLINE or 9 * len(data.translate(None, _LETTERS)) <= len(data):
            return _literal(data)
        text = binascii.b2a_base64(data, newline=False).decode()
        open_ = self._helper("from_base64")
        width = _BASE64_WIDTH if len(text) < 100 * _WIDE else _WIDE
        parts = [f'"{text[at : at + width]}"' for at in range(0, len(text), width)]
        return Pieces(parts, open_) if len(parts) > 1 else Group(open_, parts, ")")

    def _member(self, step: steps.Member) -> Any:
        owner = self._expression(step.owner)
        if step.name.isidentifier() and step.name.isascii() and not keyword.iskeyword(step.name):
            simple = isinstance(step.owner, (Ref, steps.Member)) or not isinstance(owner, str)
            return wrapped("", owner if simple else f"({owner})", f".{step.name}")
        return Group("getattr(", [owner, _literal_text(step.name)], ")")

    def _mapping(self, keys: Iterable[Any], values: Iterable[Any]) -> Group:
        entries = [
            wrapped(f"{flat(self._expression(key))}: ", self._expression(value))
            for key, value in zip(keys, values, strict=True)
        ]
        return Group("{", entries, "}")

    def _set(self, step: steps.Set) -> Any:
        return Group("{", self._all(step.items), "}") if step.items else "set()"

    def _frozenset(self, step: steps.FrozenSet) -> Any:
        items = [Group("{", self._all(step.items), "}")] if step.items else []
        return Group("frozenset(", items, ")")

    def _state(self, step: steps.State) -> Any:
        target = self._expression(step.target)
        return Group(self._helper("state"), [target, *self._keywords(step.names, step.values)], ")")

    def _set_state(self, step: steps.SetState) -> Any:
        return Group(self._helper("set_state"), self._all([step.target, step.state]), ")")

    def _extend(self, step: steps.Extend) -> Any:
        target = self._expression(step.target)
        return Group(self._helper("extend"), [target, Group("[", self._all(step.items), "]")], ")")

    def _add(self, step: steps.Add) -> Any:
        target = self._expression(step.target)
        return Group(self._helper("add"), [target, Group("[", self._all(step.items), "]")], ")")

    def _update(self, step: steps.Update) -> Any:
        target = self._expression(step.target)
        return Group(self._helper("update"), [target, self._mapping(step.keys, step.values)], ")")


class _Literals(dict[str, str]):
    """The literals of short texts."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _MOST_LITERALS:
            self.clear()
        literal = self[text] = _literal_text(text)
        return literal


def _interleaved(keys: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    parts = [None] * (2 * len(keys))
    parts[::2], parts[1::2] = keys, values
    return parts


class _Parts(NamedTuple):
    """What the text of a step depends on: names, and operands in the order of the text. `joined` makes it of these."""

    names: Callable[[Any], Any]
    operands: Callable[[Any], Sequence[Any]]
    joined: Callable[[Any, list[Any]], Any]


def _of_items(step: Any, parts: list[Any]) -> Any:
    return step._replace(items=parts)


def _of_target(step: Any, parts: list[Any]) -> Any:
    return step._replace(target=parts[0], items=parts[1:])


_ITEMS = _Parts(lambda _: None, lambda s: s.items, _of_items)
_FILLING = _Parts(lambda _: None, lambda s: [s.target, *s.items], _of_target)
_PAIR = _Parts(lambda _: None, lambda s: s, lambda s, parts: type(s)(*parts))
_PARTS = {
    Assignment: _PAIR,
    steps.Tuple: _ITEMS,
    steps.List: _ITEMS,
    steps.Set: _ITEMS,
    steps.FrozenSet: _ITEMS,
    steps.Dict: _Parts(
        lambda _: None,
        lambda s: _interleaved(s.keys, s.values),
        lambda _, parts: steps.Dict(parts[::2], parts[1::2]),
    ),
    steps.New: _Parts(
        lambda s: tuple(s.names),
        lambda s: [s.cls, *s.args, *s.values],
        lambda s, parts: steps.New(parts[0], parts[1 : 1 + len(s.args)], s.names, parts[1 + len(s.args) :]),
    ),
    steps.State: _Parts(
        lambda s: tuple(s.names),
        lambda s: [s.target, *s.values],
        lambda s, parts: steps.State(parts[0], s.names, parts[1:]),
    ),
    steps.SetState: _PAIR,
    steps.Extend: _FILLING,
    steps.Add: _FILLING,
    steps.Update: _Parts(
        lambda _: None,
        lambda s: [s.target, *_interleaved(s.keys, s.values)],
        lambda _, parts: steps.Update(parts[0], parts[1::2], parts[2::2]),
    ),
}


def _with(step: Any, words: Iterator[Ref]) -> Any:
    """Return a statement or an expression with references in the places of its words."""
    parts = _PARTS.get(type(step))
    return parts.joined(step, [_with(part, words) for part in parts.operands(step)]) if parts else next(words)


_EXPRESSIONS: dict[type, Callable[[SourceWriter, Any], Any]] = {
    steps.Name: SourceWriter._name,
    steps.Value: lambda p, s: _literal(s.value) if type(s.value) is str else p._data(bytes(s.value)),
    steps.Tuple: lambda p, s: Group("(", p._all(s.items), ")"),
    steps.List: lambda p, s: Group("[", p._all(s.items), "]"),
    steps.Dict: lambda p, s: p._mapping(s.keys, s.values),
    steps.Set: SourceWriter._set,
    steps.FrozenSet: SourceWriter._frozenset,
    steps.ByteArray: lambda p, s: Group("bytearray(", [p._data(bytes(s.data))], ")"),
    steps.New: SourceWriter._new,
    steps.Call: SourceWriter._call,
    steps.Member: SourceWriter._member,
    steps.State: SourceWriter._state,
    steps.SetState: SourceWriter._set_state,
    steps.Extend: SourceWriter._extend,
    steps.Add: SourceWriter._add,
    steps.Update: SourceWriter._update,
}


def _import(module: str, tops: list[str]) -> str:
    line = f"from {module} import {', '.join(tops)}"
    if len(line) <= WIDTH:
        return f"{line}\n"
    return f"from {module} import (\n" + "".join(f"    {top},\n" for top in tops) + ")\n"


def _has_syntax(name: steps.Name) -> bool:
    if name.module == MODULE:
        return False  # its names are helpers, not objects
    parts = [*name.module.split("."), *(name.qualname.split(".") if name.qualname else ())]
    return all(part.isidentifier() and part.isascii() and not keyword.iskeyword(part) for part in parts)


def _literal(value: Any) -> Any:
    cls = type(value)
    if cls is str or cls is bytes:
        return _long_literal(value) if len(value) > steps.INLINE else _literal_text(value)
    if cls is float and not math.isfinite(value):
        # A nan keeps its sign.
        return f'float("{"-" if math.copysign(1, value) < 0 else ""}{"nan" if math.isnan(value) else "inf"}")'
    return _integer(value) if cls is int else repr(value)


def _integer(value: int) -> str:
    return (
        repr(value) if value.bit_length() <= 10_000 else hex(value)
    )  # Python bounds the digits that it reads in base 10


def _literal_text(value: str | bytes) -> str:
    """Return a literal in double quotes. `repr` escapes most of the characters that a file may not have."""
    text = repr(value)
    if not text.isascii():
        text = FORBIDDEN.sub(lambda found: found[0].encode("ascii", "backslashreplace").decode(), text)
    quote = text[-1]
    if quote == '"' or '"' in text:
        return text
    return f'"{text[1:-1]}"' if text[0] == "'" else f'b"{text[2:-1]}"'


def _long_literal(value: str | bytes) -> Any:
    """Return a literal of several lines. A line ends behind a line feed, or after 80 characters."""
    parts: list[Any] = []
    newline: Any = "\n" if isinstance(value, str) else b"\n"
    for line in value.splitlines(keepends=True) if newline in value else [value]:
        parts += [line[at : at + 80] for at in range(0, len(line), 80)]
    if len(parts) == 1:
        return _literal_text(parts[0])
    return Pieces([_literal_text(part) for part in parts])
