"""Class statements: finding the one that made a class, and the changes that the class has seen since.

A statement is taken for that of a class if its body has the code of the class's functions, and the values of all names
that it uses are known.
"""

from __future__ import annotations

import abc
import ast
import builtins
import contextlib
import enum
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import code
from appsnap.recipe.freeze.cloudpickled import by_reference, is_script
from appsnap.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from appsnap.texts import Place, Text

__all__ = [
    "OF_MODULES",
    "Found",
    "changed_attributes",
    "changed_functions",
    "find",
    "found_in",
    "namespace_of",
    "virtual_subclasses",
]


class Found(NamedTuple):
    """The statement of a class: its place, its syntax, and all that a load needs to run it."""

    text: Text
    place: Place
    body: types.CodeType
    codes: frozenset[types.CodeType]
    """The code objects in the body, on all levels."""
    namespace: dict[str, Any]
    stored: frozenset[str]
    """The names that the body assigns."""
    needs: dict[str, Any]
    """The global names that the statement uses when it is run."""
    cells: dict[str, types.CellType]
    """The variables of functions around it that it uses."""


OF_MODULES = frozenset({"__name__", "__file__", "__package__", "__builtins__"})
"""The global names that `code.module` sets."""


def found_in(namespace: Mapping[str, Any], qualname: str) -> Any:
    """Return the object of a qualified name in a namespace, or None. Classes are looked into."""
    first, *rest = qualname.split(".")
    found = namespace.get(first)
    for name in rest:
        found = found.__dict__.get(name) if isinstance(found, type) else None
    return found


def namespace_of(cls: type) -> dict[str, Any]:
    """Return the global namespace that a class was made in."""
    made = code.statement_of(cls)
    if made is not None:
        return made.names
    for function in _own_functions(cls):
        return function.__globals__
    return vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}


def _own_functions(cls: type) -> Iterator[types.FunctionType]:
    """Yield the functions that the body of a class defined."""
    for value in cls.__dict__.values():
        for function in _functions_in(value):
            if function.__code__.co_qualname.rpartition(".")[0] == cls.__qualname__:
                yield function


def _functions_in(value: Any) -> Iterator[types.FunctionType]:
    """Yield the functions in an attribute of a class: in a property, a classmethod, behind decorators."""
    waiting = [value]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if type(found) is types.FunctionType:
            yield found
        kept = getattr(found, "__dict__", None) if not isinstance(found, type) else None
        parts = [kept.get(name) for name in ("__wrapped__", "func")] if type(kept) is dict else []
        if isinstance(found, (classmethod, staticmethod)):
            parts.append(found.__func__)
        elif isinstance(found, property):
            parts += [found.fget, found.fset, found.fdel]
        waiting += [part for part in parts if part is not None]


def find(cls: type) -> Found | None:
    """Return the statement that made a class, or None if it isn't known, or the value of a name that it uses isn't."""
    made = code.statement_of(cls)
    namespace = namespace_of(cls)
    own = list(_own_functions(cls))
    if made is not None:
        return _complete(cls, made.text, made.place, namespace, own)
    places: list[tuple[Text, Place]] = []
    files = {function.__code__.co_filename for function in own} or {str(namespace.get("__file__"))}
    for text in [text for file in files for text in texts(file)]:
        try:
            places += [(text, place) for place in text.classes_named(cls.__qualname__) if _fits(cls, text, place, own)]
        except (SyntaxError, ValueError):  # the file has been edited
            continue
        if places:
            break
    # Without a function of its own, only its name tells that a class is the one of the text.
    known = own or found_in(namespace, cls.__qualname__) is cls or _is_made_by(namespace, cls, places)
    return _complete(cls, *places[0], namespace, own) if len(places) == 1 and known else None


def _is_made_by(namespace: dict[str, Any], cls: type, places: list[tuple[Text, Place]]) -> bool:
    """Tell whether the function around a class statement is still that of the text."""
    maker = found_in(namespace, cls.__qualname__.partition(".<locals>")[0])
    return isinstance(maker, types.FunctionType) and any(text.place_of(maker.__code__) for text, _ in places)


def _fits(cls: type, text: Text, place: Place, own: list[types.FunctionType]) -> bool:
    """Tell whether the class statement of a place can have made a class: with its functions, fields and line."""
    body, node = text.code_at(place), text.class_at(place)
    assert body is not None
    assert node is not None
    codes = _codes_in(body)
    line = cls.__dict__.get("__firstlineno__", place.line)  # from Python 3.13 on
    annotated = [
        part.target.id for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    ]
    fields = inspect.get_annotations(cls)
    return line == place.line and all(x.__code__ in codes for x in own) and all(name in fields for name in annotated)


def _codes_in(body: types.CodeType) -> frozenset[types.CodeType]:
    found = {body}
    waiting = [body]
    while waiting:
        parts = [part for part in waiting.pop().co_consts if isinstance(part, types.CodeType)]
        found.update(parts)
        waiting += parts
    return frozenset(found)


def _complete(
    cls: type, text: Text, place: Place, namespace: dict[str, Any], own: list[types.FunctionType]
) -> Found | None:
    """Return a statement with the names that it uses, or None if the value of one isn't known."""
    body, node = text.code_at(place), text.class_at(place)
    if body is None or node is None or getattr(node, "type_params", None):
        return None
    if node.decorator_list and any(base.__qualname__ == cls.__qualname__ for base in cls.__bases__):
        return None  # a decorator has made it from the class of the statement
    around = {name: cell for x in own for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True)}
    cells = {name: around[name] for name in body.co_freevars if name in around}
    bases = cls.__dict__.get("__orig_bases__", cls.__bases__)
    for expression, base in zip(node.bases, bases, strict=False):
        if isinstance(expression, ast.Name) and namespace.get(expression.id, base) is not base:
            if not hasattr(namespace[expression.id], "__mro_entries__"):
                cells[expression.id] = types.CellType(base)  # the name has another value by now
        elif (
            isinstance(expression, ast.Name) and expression.id not in namespace and not hasattr(builtins, expression.id)
        ):
            cells[expression.id] = types.CellType(base)
    names = _NamesUsed(annotations_run=not text.flags)
    for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords), *node.body):
        names.visit(part)
    wanted = sorted((names.used | names.annotated) - cells.keys() - OF_MODULES)
    needs = {name: namespace[name] for name in wanted if namespace.get(name, cls) is not cls}
    unknown = names.used - needs.keys() - cells.keys() - names.stored - OF_MODULES - vars(builtins).keys()
    if unknown or not cells.keys() >= set(body.co_freevars):
        return None
    return Found(text, place, body, _codes_in(body), namespace, frozenset(names.stored), needs, cells)


class _NamesUsed(ast.NodeVisitor):
    """Collects the names that statements use and assign when they are run. The bodies of functions aren't run.

    `annotated` has the names in annotations that aren't run. Dataclasses look some of them up all the same.
    """

    def __init__(self, *, annotations_run: bool) -> None:
        self.used: set[str] = set()
        self.stored: set[str] = set()
        self.annotated: set[str] = set()
        self._annotations_run = annotations_run

    def visit_Name(self, node: ast.Name) -> None:
        (self.used if isinstance(node.ctx, ast.Load) else self.stored).add(node.id)

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
        inside = _NamesUsed(annotations_run=self._annotations_run)
        for part in parts:
            inside.visit(part)
        self.used |= inside.used - inside.stored - own

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.stored.add(node.name)
        self.generic_visit(node)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    return [part for part in ast.walk(arguments) if isinstance(part, ast.arg)]


# Changes of a class since its statement


def changed_attributes(cls: type, found: Found) -> dict[str, Any]:
    """Return the attributes that may have been set since the statement. The load sets those that differ from it."""
    members = getattr(cls, "__members__", {}) if isinstance(cls, enum.EnumType) else {}
    generates = _generates(cls, found)
    of_ctypes = type(cls).__module__ == "_ctypes"
    changed = {}
    for name, value in cls.__dict__.items():
        dunder = name.startswith("__") and name.endswith("__")
        if name in _BY_THE_STATEMENT or name in members or (dunder and name not in found.stored):
            continue
        if isinstance(cls, enum.EnumType) and name.startswith("_"):
            continue
        if of_ctypes and (name in _OF_STRUCTURES or type(value).__name__ == "CField"):
            continue
        functions = list(_functions_in(value))
        if functions:
            first = functions[0]
            made_again = generates and _is_of_library(first) and first.__code__.co_filename != found.text.filename
            wanted = first.__code__ not in found.codes and (by_reference(first) or not made_again)
        elif hasattr(type(value), "__get__"):
            wanted = not isinstance(value, _DESCRIPTORS) and name not in found.stored
        else:
            wanted = True
        if wanted:
            changed[name] = value
    return changed


def _generates(cls: type, found: Found) -> bool:
    """Tell whether a decorator, a metaclass or a base may give functions to a class when its statement is run."""
    node = found.text.class_at(found.place)
    hooks = any("__init_subclass__" in base.__dict__ for base in cls.__mro__[1:-1])
    return hooks or type(cls) not in (type, abc.ABCMeta) or bool(node and node.decorator_list)


def _is_of_library(function: types.FunctionType) -> bool:
    """Tell whether a function was made by a module that can be imported: by a decorator, say."""
    module = sys.modules.get(function.__globals__.get("__name__", ""))
    return module is not None and vars(module) is function.__globals__ and not is_script(module.__name__)


class _Row(NamedTuple):
    x: int


_DESCRIPTORS: tuple[type, ...] = (types.MemberDescriptorType, types.GetSetDescriptorType, type(_Row.x))
_OF_STRUCTURES = frozenset({"_fields_", "_anonymous_", "_pack_", "_align_", "_layout_"})
"""Attributes of a structure of ctypes, which are final once it is made."""

_BY_THE_STATEMENT = frozenset(
    {
        "__module__",
        "__qualname__",
        "__doc__",
        "__annotations__",
        "__slots__",
        "__dict__",
        "__weakref__",
        "__hash__",
        "_abc_impl",
    }
)
"""Attributes that a class statement sets, and no load sets again."""


def changed_functions(cls: type, found: Found) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Return the defaults and attributes of the functions of a class, if they have any."""
    changed = {}
    for name, value in cls.__dict__.items():
        function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if type(function) is types.FunctionType and function.__code__ in found.codes:
            parts = function.__defaults__, function.__kwdefaults__, function.__dict__
            if any(parts):
                changed[name] = parts
    return changed


def virtual_subclasses(cls: type) -> list[type]:
    """Return the classes that were registered with an abstract base class."""
    if not isinstance(cls, abc.ABCMeta):
        return []
    registry, *_ = abc._get_dump(cls)  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public function
    return [found for reference in registry if (found := reference()) is not None]
