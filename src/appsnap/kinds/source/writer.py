"""The writer of source files: it turns statements and expressions into Python, laid out as people lay it out."""

from __future__ import annotations

import binascii
import keyword
import math
import sys
from typing import TYPE_CHECKING, Any

from appsnap.kinds.expressions import Assignment, names
from appsnap.kinds.source.expressions import BUILTINS, HELPERS
from appsnap.kinds.source.numbers import Forms
from appsnap.kinds.source.reader import MODULE, ROOT
from appsnap.kinds.source.tokens import FORBIDDEN
from appsnap.recipe import steps
from appsnap.recipe.spellings import KEYWORDED, by_keywords
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["SourceWriter"]

_WIDTH = 100
_BASE64_WIDTH, _WIDE = 120, 1_000  # the latter for data that nobody looks at: indents would be a tenth of it
_LETTERS = bytes(range(0x20, 0x7F))


class _Group:
    """Items between brackets: all on one line if they fit, else each on its own.

    `size` is the width of that one line. `text` is the line, or None if it is wider than `_WIDTH`: a group within
    groups would keep a copy of its text for each of them.
    """

    __slots__ = ("close", "items", "open", "size", "text")

    def __init__(self, open_: str, items: list[Any], close: str) -> None:
        self.open, self.items, self.close = open_, items, close
        size = len(open_) + len(close)
        for item in items:
            size += 2 + (len(item) if type(item) is str else item.size)
        self.size = size
        self.text = self.flat() if size <= _WIDTH else None

    def flat(self) -> str:
        texts = [item if type(item) is str else _flat(item) for item in self.items]
        # Without its comma, a tuple of one item would be that item.
        return f"{self.open}{', '.join(texts)}{',' if self.open == '(' and len(texts) == 1 else ''}{self.close}"

    def laid_out(self, indent: int, _used: int) -> str:
        inner = "".join(f"{_line(item, indent + 4)},\n" for item in self.items)
        return f"{self.open}\n{inner}{' ' * indent}{self.close}" if inner else self.open + self.close


class _Pieces:
    """A long literal in pieces, each on its own line. Python joins adjacent literals."""

    __slots__ = ("items", "open")

    size = _WIDTH + 1
    text = None

    def __init__(self, items: list[str], open_: str = "(") -> None:
        self.items, self.open = items, open_

    def flat(self) -> str:
        return f"{self.open}{' '.join(self.items)})"

    def laid_out(self, indent: int, _used: int) -> str:
        inner = "".join(f"{_line(item, indent + 4)}\n" for item in self.items)
        return f"{self.open}\n{inner}{' ' * indent})"


class _Wrapped:
    """A group between a prefix and a suffix: `key: […]`, `name=(…)`, `[].append`."""

    __slots__ = ("prefix", "size", "suffix", "text", "value")

    def __init__(self, prefix: str, value: Any, suffix: str = "") -> None:
        self.prefix, self.value, self.suffix = prefix, value, suffix
        self.size = len(prefix) + value.size + len(suffix)
        self.text = None if value.text is None else f"{prefix}{value.text}{suffix}"

    def flat(self) -> str:
        return f"{self.prefix}{_flat(self.value)}{self.suffix}"

    def laid_out(self, indent: int, used: int) -> str:
        return self.prefix + _laid_out(self.value, indent, used + len(self.prefix)) + self.suffix


def _wrapped(prefix: str, value: Any, suffix: str = "") -> Any:
    return f"{prefix}{value}{suffix}" if type(value) is str else _Wrapped(prefix, value, suffix)


def _flat(item: Any) -> str:
    """Return an item on one line of any length."""
    return item if type(item) is str else str(item.flat() if item.text is None else item.text)


def _line(item: Any, indent: int) -> str:
    return " " * indent + _laid_out(item, indent, indent)


def _laid_out(item: Any, indent: int, used: int) -> str:
    """Return the text of an item that begins in column `used`. Its further lines are indented by `indent`."""
    if type(item) is str:
        return item
    fits = item.text is not None and used + len(item.text) <= _WIDTH
    return str(item.text if fits else item.laid_out(indent, used))


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
            if isinstance(statement, Assignment):
                text = _wrapped(f"{self._variables[statement.register]} = ", self._expression(statement.value))
            else:
                text = self._expression(statement)
            yield _laid_out(text, 0, 0) + "\n"
        yield _laid_out(_wrapped(f"{ROOT} = ", self._expression(root)), 0, 0) + "\n"

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
            return _Group(self._helper("named"), [repr(part) for part in parts], ")")
        top, dot, rest = step.qualname.partition(".")
        return self._imported[step.module, top] + dot + rest

    def _new(self, step: steps.New) -> Any:
        args = [step.cls, *step.args]
        return _Group(self._helper("new"), self._all(args) + self._keywords(step.names, step.values), ")")

    def _keywords(self, keys: Iterable[str], values: Iterable[Any]) -> list[Any]:
        """Return attributes as keyword arguments. A name that isn't an identifier needs a dictionary."""
        plain: list[Any] = []
        others: list[Any] = []
        for key, value in zip(keys, values, strict=True):
            # Attributes keep their order: behind the first one in the dictionary, all go into it.
            if not others and (key in self._plain or self._is_plain(key)):
                plain.append(_wrapped(f"{key}=", self._expression(value)))
            else:
                others.append(_wrapped(f"{_literal_text(key)}: ", self._expression(value)))
        return [*plain, _wrapped("**", _Group("{", others, "}"))] if others else plain

    def _is_plain(self, key: str) -> bool:
        if key.isidentifier() and key.isascii() and not keyword.iskeyword(key):
            self._plain.add(key)
        return key in self._plain

    def _call(self, step: steps.Call) -> Any:
        function = self._expression(step.function)
        name: Any = step.function
        form = self._forms.form(step) if self._forms else None
        if form is not None:
            return self._with_numbers(_flat(function), step, *form)
        keyworded = type(name) is steps.Name and name in KEYWORDED
        args, named = by_keywords(name, step.args) if keyworded else (step.args, {})
        return _Group(f"{_flat(function)}(", self._all(args) + self._keywords(named, named.values()), ")")

    def _with_numbers(self, function: str, step: steps.Call, at: int, rows: list[list[str]]) -> Any:
        """Write a call with numbers in the place of the bytes in one of its arguments."""
        args = self._all(step.args[:at]) + self._all(step.args[at + 1 :])
        data: Any = _Group(self._helper("packed"), [rows[0][0], *(_Group("[", row, "]") for row in rows[1:])], ")")
        nested: Any = step.args[at]
        data = _Group("bytearray(", [data], ")") if type(nested) is steps.ByteArray else data
        return _Group(f"{function}(", [*args[:at], data, *args[at:]], ")")

    def _data(self, data: bytes) -> Any:
        """Return the literal of bytes: base64 if a ninth of them have no letter, because each of those takes four."""
        if len(data) <= steps.INLINE or 9 * len(data.translate(None, _LETTERS)) <= len(data):
            return _literal(data)
        text = binascii.b2a_base64(data, newline=False).decode()
        open_ = self._helper("from_base64")
        width = _BASE64_WIDTH if len(text) < 100 * _WIDE else _WIDE
        parts = [f'"{text[at : at + width]}"' for at in range(0, len(text), width)]
        return _Pieces(parts, open_) if len(parts) > 1 else _Group(open_, parts, ")")

    def _member(self, step: steps.Member) -> Any:
        owner = self._expression(step.owner)
        if step.name.isidentifier() and step.name.isascii() and not keyword.iskeyword(step.name):
            simple = isinstance(step.owner, (Ref, steps.Member)) or not isinstance(owner, str)
            return _wrapped("", owner if simple else f"({owner})", f".{step.name}")
        return _Group("getattr(", [owner, _literal_text(step.name)], ")")

    def _mapping(self, keys: Iterable[Any], values: Iterable[Any]) -> _Group:
        entries = [
            _wrapped(f"{_flat(self._expression(key))}: ", self._expression(value))
            for key, value in zip(keys, values, strict=True)
        ]
        return _Group("{", entries, "}")

    def _set(self, step: steps.Set) -> Any:
        return _Group("{", self._all(step.items), "}") if step.items else "set()"

    def _frozenset(self, step: steps.FrozenSet) -> Any:
        items = [_Group("{", self._all(step.items), "}")] if step.items else []
        return _Group("frozenset(", items, ")")

    def _state(self, step: steps.State) -> Any:
        target = self._expression(step.target)
        return _Group(self._helper("state"), [target, *self._keywords(step.names, step.values)], ")")

    def _set_state(self, step: steps.SetState) -> Any:
        return _Group(self._helper("set_state"), self._all([step.target, step.state]), ")")

    def _extend(self, step: steps.Extend) -> Any:
        target = self._expression(step.target)
        return _Group(self._helper("extend"), [target, _Group("[", self._all(step.items), "]")], ")")

    def _add(self, step: steps.Add) -> Any:
        target = self._expression(step.target)
        return _Group(self._helper("add"), [target, _Group("[", self._all(step.items), "]")], ")")

    def _update(self, step: steps.Update) -> Any:
        target = self._expression(step.target)
        return _Group(self._helper("update"), [target, self._mapping(step.keys, step.values)], ")")


_EXPRESSIONS: dict[type, Callable[[SourceWriter, Any], Any]] = {
    steps.Name: SourceWriter._name,
    steps.Value: lambda p, s: _literal(s.value) if type(s.value) is str else p._data(bytes(s.value)),
    steps.Tuple: lambda p, s: _Group("(", p._all(s.items), ")"),
    steps.List: lambda p, s: _Group("[", p._all(s.items), "]"),
    steps.Dict: lambda p, s: p._mapping(s.keys, s.values),
    steps.Set: SourceWriter._set,
    steps.FrozenSet: SourceWriter._frozenset,
    steps.ByteArray: lambda p, s: _Group("bytearray(", [p._data(bytes(s.data))], ")"),
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
    if len(line) <= _WIDTH:
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
    if cls is int and value.bit_length() > 10_000:
        return hex(value)  # Python bounds the digits that it reads in base 10
    return repr(value)


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
    return _Pieces([_literal_text(part) for part in parts])
