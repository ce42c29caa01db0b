"""The names that statements use and assign, by their syntax trees."""

from __future__ import annotations

import ast
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["names_used"]


def names_used(parts: Iterable[ast.AST], *, annotations_run: bool) -> _NamesUsed:
    """Return the names that parts of a class statement use and assign."""
    found = _NamesUsed(annotations_run=annotations_run)
    for part in parts:
        found.visit(part)
    return found


class _NamesUsed(ast.NodeVisitor):
    """Collects the names that statements use and assign when they are run. The bodies of functions aren't run.

    `annotated` has the names in annotations that aren't run. Dataclasses look some of them up all the same.
    """

    def __init__(self, *, annotations_run: bool) -> None:
        self.used: set[str] = set()
        self.stored: set[str] = set()
        self.annotated: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()  # of names
        self._annotations_run = annotations_run

    def visit_Name(self, node: ast.Name) -> None:
        (self.used if isinstance(node.ctx, ast.Load) else self.stored).add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name):
            self.attributes.add((node.value.id, node.attr))
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self.stored.add(node.asname or node.name.partition(".")[0])

    def visit_ExceptHandler(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> None:
        if node.name is not None:
            self.stored.add(node.name)
        self.generic_visit(node)

    visit_MatchAs = visit_MatchStar = visit_ExceptHandler  # noqa: N815 - ast's names for them

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest is not None:
            self.stored.add(node.rest)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.stored.add(node.name)
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        for part in (*(argument.annotation for argument in _arguments(node.args)), node.returns):
            self._annotation(part)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's name for it

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        for part in (node.target, node.value) if node.value else ():
            if part is not None:
                self.visit(part)
        self._annotation(node.annotation)

    def _annotation(self, part: ast.expr | None) -> None:
        if part is None:
            return
        if self._annotations_run:
            self.visit(part)
        inside = [part]
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            with contextlib.suppress(SyntaxError, ValueError):
                inside = [ast.parse(part.value, mode="eval").body]
        self.annotated |= {found.id for one in inside for found in ast.walk(one) if isinstance(found, ast.Name)}

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._visit_inside([node.body], {argument.arg for argument in _arguments(node.args)})

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self._visit_inside([*ast.iter_child_nodes(node)], set())

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # noqa: N815 - as above

    def _visit_inside(self, parts: Iterable[ast.AST], own: set[str]) -> None:
        """Visit parts with variables of their own."""
        inside = names_used(parts, annotations_run=self._annotations_run)
        self.used |= inside.used - inside.stored - own

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.stored.add(node.name)
        self.generic_visit(node)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    return [part for part in ast.walk(arguments) if isinstance(part, ast.arg)]
