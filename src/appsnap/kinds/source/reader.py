"""Python text to steps: the grammar of source files. Reads syntax trees, and runs nothing."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from typing import TYPE_CHECKING, Any

from appsnap.errors import Damaged
from appsnap.kinds.source.scanner import Scanner, UnusualError, tokens
from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.steps import NameOrOperand, Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["BUILTINS", "HELPERS", "ROOT", "Reader", "pieces"]

ROOT = "application"
"""The variable of the last statement: what the file makes."""

HELPERS = ("add", "extend", "named", "new", "set_state", "state", "update")
"""What a source file may import from `appsnap.actions`."""

BUILTINS = frozenset({"bytearray", "float", "frozenset", "getattr", "set"})
"""What a source file may call without an import, with literals."""

_RESERVED = BUILTINS.union(HELPERS)
_PIECE = 20_000  # characters: up to there, ast takes no more than a few MB

MOST_PARTS = 50_000
"""Of one statement: ast takes some 500 bytes for each. A writer puts 2,000 into one."""

_TEXT = re.compile(r"""(?s)("{3}|'{3})(?:(?!\1)[^\\]|\\.)*+(?:\1|\\?\Z)|(["'])(?:(?!\2)[^\\\n]|\\.)*+\2?|#[^\n]*""")
"""Texts and comments. A text without an end takes the rest, where nothing is read: no other is looked for in there."""

_FORMATTED = re.compile("""[fFtT][rR]?["']""")
_PART = re.compile(r"""[^\w\s"']|\b(?:and|await|else|for|if|in|is|lambda|not|or|yield)\b""")


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield pieces of whole statements, each with the number of the lines before it."""
    start = line = lines = size = 0
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        if size > _PIECE and text[at] not in " \t)]}#\n":
            yield line, text[start:at]
            start, line, size = at, lines, 0
        size += end - at
        lines += 1
        at = end
    yield line, text[start:]


class Reader:
    """Turns statements into steps: by their syntax trees or, if that is wanted and they are simple, by their tokens.

    In the latter case it raises UnusualError for what isn't known there, or is wrong.
    """

    def __init__(self, most_steps: int, *, fast: bool) -> None:
        self._builder = RecipeBuilder(most_steps)
        self._variables: dict[str, NameOrOperand] = {}
        self._finished = False
        self._line = 0
        self._scanner = Scanner(self._builder, self._variables) if fast else None

    def read(self, line: int, piece: str) -> None:
        """Read whole statements, behind the given number of lines. Raises Damaged, with the line."""
        self._line = line
        long = len(piece) > 5 * _PIECE
        if long:
            # Of texts, their first quotes are left.
            bare = _TEXT.sub(r"\1\2", piece)
            if len(_PART.findall(bare)) > MOST_PARTS:
                raise Damaged(f"the statement behind line {line} has more than {MOST_PARTS:,} parts")
            if _FORMATTED.search(bare):
                raise Damaged(f"the statement behind line {line} has a formatted text")  # of any number of parts
        found = None if long or self._scanner is None else tokens(piece)
        if found is not None:
            self._scan(found)
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what a later Python may refuse: this one reads it
                tree = ast.parse(piece)
            if not piece.isascii():
                self._check_ascii(piece)
            for statement in tree.body:
                self._statement(statement)
        except Damaged:
            raise
        except (SyntaxError, tokenize.TokenError) as error:
            raise Damaged(
                f"line {line + (getattr(error, 'lineno', None) or 1)} is no Python ({error.args[0]})"
            ) from None
        except (RecursionError, MemoryError):
            raise Damaged(f"a statement behind line {line} is nested too deep") from None
        except (ValueError, TypeError) as error:
            raise Damaged(f"a statement behind line {line} can't be read ({error})") from None

    def _scan(self, found: list[str]) -> None:
        """Read a piece by its tokens."""
        assert self._scanner is not None
        try:
            self._scanner.begin(found)
            while bound := self._scanner.statement():
                variable, value = bound
                if self._finished or variable in self._variables or variable in _RESERVED:
                    raise UnusualError
                if variable:
                    if variable != ROOT:
                        steps.check_reference(value)
                    self._variables[variable] = value
                    self._finished = variable == ROOT
        except (IndexError, TypeError, ValueError, RecursionError, MemoryError) as error:
            raise UnusualError from error

    def finish(self) -> Recipe:
        """Return the recipe. Raises Damaged where the last statement is missing."""
        if not self._finished:
            raise Damaged(f'no "{ROOT} = …" at the end', hint="the file is truncated")
        try:
            return self._builder.finish(self._variables[ROOT])
        except ValueError as error:
            raise Damaged(f"the last statement can't be read ({error})") from None

    def _refuse(self, node: ast.AST, what: str) -> Damaged:
        line = self._line + getattr(node, "lineno", 1)
        return Damaged(
            f"line {line}: {what}", hint="docs/format.md has the grammar; appsnap runs no code to load a file"
        )

    def _check_ascii(self, piece: str) -> None:
        """Refuse names that Python would normalize, or that look like others: what is read must be what is seen."""
        for token in tokenize.generate_tokens(io.StringIO(piece).readline):
            # A letter and its accent are two tokens to tokenize, the second of no type that it knows.
            if token.type not in (tokenize.STRING, tokenize.COMMENT) and not token.string.isascii():
                raise Damaged(f"line {self._line + token.start[0]} has a name that isn't ASCII")

    def _statement(self, node: ast.stmt) -> None:
        if self._finished:
            raise self._refuse(node, f'something stands behind "{ROOT} = …"')
        match node:
            case ast.Import(names=[ast.alias(name=module, asname=bound)]):
                if bound is None and "." in module:
                    raise self._refuse(node, "a module with a dot is imported as something")
                self._bind(node, bound or module, steps.Name(module, ""))
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                for alias in aliases:
                    if module != "appsnap.actions":
                        self._bind(node, alias.asname or alias.name, steps.Name(module, alias.name))
                    elif alias.name not in HELPERS or alias.asname is not None:
                        raise self._refuse(node, f"appsnap.actions has no {alias.name}, or it has another name here")
            case ast.Assign(targets=[ast.Name(id=variable)], value=value):
                operand = self._expression(value)
                self._bind(node, variable, operand)
                self._finished = variable == ROOT
            case ast.Expr(
                value=ast.Call(func=ast.Name(id=("add" | "extend" | "state" | "set_state" | "update"))) as call
            ):
                self._expression(call)
            case _:
                raise self._refuse(node, "a statement that isn't of the grammar")

    def _bind(self, node: ast.AST, variable: str, value: NameOrOperand) -> None:
        if variable in self._variables or variable in _RESERVED or variable == "*":
            raise self._refuse(node, f"{variable} is bound already")
        if variable != ROOT:
            steps.check_reference(value)
        self._variables[variable] = value

    def _expression(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.Name(id=variable):
                if variable not in self._variables:
                    raise self._refuse(node, f"{variable} isn't known here")
                return self._variables[variable]
            case ast.List(elts=items):
                return self._builder.make(steps.List(self._operands(items)))
            case ast.Tuple(elts=items):
                return self._builder.make(steps.Tuple(self._operands(items)))
            case ast.Set(elts=items):
                return self._builder.make(steps.Set(self._operands(items)))
            case ast.Dict(keys=keys, values=values):
                return self._builder.dictionary(*self._mapping(node, keys, values))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(
                value, bool
            ):
                return -value
            case ast.Attribute(value=owner, attr=attribute):
                return self._builder.member(self._expression(owner), attribute)
            case ast.Call(func=ast.Name(id=function)) if function not in self._variables:
                return self._helper(node, function)
            case ast.Call(func=function_node, args=args, keywords=[]):
                function = self._expression(function_node)
                return self._builder.call(function, [self._expression(argument) for argument in args])
        raise self._refuse(node, "an expression that isn't of the grammar")

    def _constant(self, node: ast.AST, value: Any) -> Any:
        if type(value) is bytes and len(value) > steps.INLINE:
            return self._builder.make(steps.Value(value))
        if type(value) not in (type(None), bool, int, float, str, bytes):
            raise self._refuse(node, f"a literal of type {type(value).__name__}")
        return self._builder.operand(value)

    def _operands(self, nodes: Iterable[ast.expr]) -> list[Any]:
        return self._builder.operands([self._expression(node) for node in nodes])

    def _mapping(
        self, node: ast.AST, keys: Iterable[ast.expr | None], values: Iterable[ast.expr]
    ) -> tuple[list[Any], list[Any]]:
        found_keys, found_values = [], []
        for key, value in zip(keys, values, strict=True):
            if key is None:
                raise self._refuse(node, "** in a dictionary")
            found_keys.append(self._expression(key))
            found_values.append(self._expression(value))
        return found_keys, found_values

    def _register(self, node: ast.AST, lazy: Any) -> Ref:
        operand = self._builder.operand(lazy)
        if not isinstance(operand, Ref):
            raise self._refuse(node, "an object is wanted here, not a plain value")
        return operand

    def _keywords(self, node: ast.Call) -> tuple[list[str], list[Any]]:
        keys: list[str] = []
        values: list[Any] = []
        for part in node.keywords:
            if part.arg is not None:
                keys.append(part.arg)
                values.append(self._expression(part.value))
                continue
            if not isinstance(part.value, ast.Dict):
                raise self._refuse(node, "** before something that is no dictionary")
            for key, value in zip(part.value.keys, part.value.values, strict=True):
                if not isinstance(key, ast.Constant) or type(key.value) is not str:
                    raise self._refuse(node, "an attribute whose name is no text")
                keys.append(key.value)
                values.append(self._expression(value))
        return keys, values

    def _helper(self, node: ast.Call, function: str) -> Any:
        builder = self._builder
        args = node.args
        if node.keywords and function not in ("new", "state"):
            raise self._refuse(node, f"{function} takes no keywords")
        match function, args:
            case "new", [cls, *rest]:
                found = self._expression(cls)
                operands = [self._expression(argument) for argument in rest]
                keys, values = self._keywords(node)
                return builder.new(self._register(node, found), operands, keys, values)
            case "state", [target]:
                ref = self._register(node, self._expression(target))
                keys, values = self._keywords(node)
                builder.state(ref, keys, builder.operands(values))
                return ref
            case "set_state", [target, value]:
                ref = self._register(node, self._expression(target))
                builder.fill(steps.SetState(ref, builder.operand(self._expression(value))))
                return ref
            case "extend", [target, ast.List(elts=items)]:
                ref = self._register(node, self._expression(target))
                builder.extend(ref, self._operands(items))
                return ref
            case "add", [target, ast.List(elts=items)]:
                ref = self._register(node, self._expression(target))
                builder.fill(steps.Add(ref, self._operands(items)))
                return ref
            case "update", [target, ast.Dict(keys=keys_, values=values_)]:
                ref = self._register(node, self._expression(target))
                builder.update(ref, *self._mapping(node, keys_, values_))
                return ref
            case "named", [ast.Constant(value=str(module))]:
                steps.check_name(module, "")
                return steps.Name(module, "")
            case "named", [ast.Constant(value=str(module)), ast.Constant(value=str(qualname))]:
                steps.check_name(module, qualname)
                return steps.Name(module, qualname)
            case "getattr", [owner, ast.Constant(value=str(attribute))]:
                return builder.member(self._expression(owner), attribute)
            case "set", []:
                return builder.make(steps.Set(()))
            case "frozenset", []:
                return builder.make(steps.FrozenSet(()))
            case "frozenset", [ast.Set(elts=items)]:
                return builder.make(steps.FrozenSet(self._operands(items)))
            case "bytearray", [ast.Constant(value=bytes(data))]:
                return builder.make(steps.ByteArray(data))
            case "float", [ast.Constant(value=("nan" | "-nan" | "inf" | "-inf") as text)]:
                return float(text)
        raise self._refuse(node, f"{function} isn't known here, or is called otherwise")
