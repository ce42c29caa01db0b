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
import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import code
from appsnap.code.texts import bases_by_call, texts
from appsnap.recipe.freeze.cloudpickled import by_reference, is_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from appsnap.code.texts import Place, Text

__all__ = [
    "OF_MODULES",
    "Found",
    "changed_attributes",
    "changed_functions",
    "changed_members",
    "find",
    "found_in",
    "is_made",
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
    generates: bool
    """Whether a decorator, a metaclass or a base may give functions to the class."""
    name: str
    fields: frozenset[str]
    """The names that the body annotates."""
    doc: str | None
    definitions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]
    """The functions that the body defines whatever its conditions are, by the name of the attribute."""
    needs: dict[str, Any]
    """The global names that the statement uses when it is run."""
    cells: dict[str, types.CellType]
    """The variables of functions around it that it uses."""
    later: dict[str, type]
    """The classes among `needs` that only annotations name, and that stand below the statement."""


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
    places = [(text, place) for text, place in places if own or text.is_current]
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
    if not _has_known_metaclass(cls, node, namespace):
        return None
    around = {name: cell for x in own for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True)}
    cells = {name: around[name] for name in body.co_freevars if name in around}
    # Before Python 3.12, a TypedDict doesn't know its bases.
    bases = () if hasattr(cls, "__total__") else cls.__dict__.get("__orig_bases__", cls.__bases__)
    if len(node.bases or [object]) != len(bases) and not (bases_by_call(node) or hasattr(cls, "__total__")):
        return None  # it has been given other bases
    for expression, base in zip(node.bases, bases, strict=False):
        if isinstance(expression, ast.Name) and namespace.get(expression.id, base) is not base:
            if not _becomes_other_bases(namespace[expression.id]):
                cells[expression.id] = types.CellType(base)  # the name has another value by now
        elif (
            isinstance(expression, ast.Name) and expression.id not in namespace and not hasattr(builtins, expression.id)
        ):
            cells[expression.id] = types.CellType(base)
    names = _NamesUsed(annotations_run=not text.flags)
    bases_run = [] if bases_by_call(node) else node.bases
    for part in (*node.decorator_list, *bases_run, *(keyword.value for keyword in node.keywords), *node.body):
        names.visit(part)
    wanted = sorted((names.used | names.annotated) - cells.keys() - OF_MODULES)
    needs = {name: namespace[name] for name in wanted if namespace.get(name, cls) is not cls}
    if not _is_plain(cls, node) and any(text.is_rebound(name) for name in needs):
        return None  # the name may have had another value when the statement ran
    unknown = names.used - needs.keys() - cells.keys() - names.stored - OF_MODULES - vars(builtins).keys()
    if unknown or not cells.keys() >= set(body.co_freevars):
        return None
    inside = _NamesUsed(annotations_run=not text.flags)
    for part in node.body:
        inside.visit(part)
    if inside.used & (cells.keys() - set(body.co_freevars)):
        return None
    risky = _NamesUsed(annotations_run=False)
    for part in _not_seen_later(cls, node):
        risky.visit(part)
    if risky.used & text.rebound(node):
        return None
    below = {name: value for name, value in needs.items() if isinstance(value, type) and name not in names.used}
    later = {
        name: value
        for name, value in below.items()
        if not by_reference(value) and all(x.line > place.line for x in text.classes_named(value.__qualname__))
    }
    if any(_is_gone(needs.get(name), attribute) for name, attribute in names.attributes):
        return None
    return Found(
        text=text,
        place=place,
        body=body,
        codes=_codes_in(body),
        namespace=namespace,
        stored=frozenset(names.stored),
        generates=_generates(cls, node),
        name=node.name,
        fields=_fields(node),
        doc=ast.get_docstring(node),
        definitions=_definitions(node),
        needs=needs,
        cells=cells,
        later=later,
    )


def _has_known_metaclass(cls: type, node: ast.ClassDef, namespace: dict[str, Any]) -> bool:
    """Tell whether a statement still has the metaclass of a class, as far as one can know without running it."""
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    if None in named:
        return False
    metaclass = named.get("metaclass")
    if isinstance(metaclass, ast.Name):
        made_by = namespace.get(metaclass.id)
        return not isinstance(made_by, type) or issubclass(type(cls), made_by)
    if not bases_by_call(node):
        return True
    # The bases themselves are given to the statement, and not the objects that became them.
    return "__orig_bases__" not in cls.__dict__ and type(cls) in {type, *map(type, cls.__bases__)}


def _becomes_other_bases(value: Any) -> bool:
    """Tell whether a base of a class statement isn't a base of the class."""
    return hasattr(value, "__mro_entries__") or type(value).__name__ == "_TypedDictMeta"


def _not_seen_later(cls: type, node: ast.ClassDef) -> Iterator[ast.expr]:
    """Yield the expressions of a statement whose values can't be seen in the class, and put into another one."""
    yield from (*node.decorator_list, *(keyword.value for keyword in node.keywords))
    is_plain = not node.decorator_list and type(cls) in {type, abc.ABCMeta} and not issubclass(cls, tuple)
    waiting = [*node.body]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from part.decorator_list
            values = [value for value in (*part.args.defaults, *part.args.kw_defaults) if value is not None]
            yield from filter(_has_call, values)
        elif isinstance(part, (ast.Assign, ast.AnnAssign)) and (is_plain or isinstance(part, ast.Assign)):
            yield from filter(_has_call, [part.value] if part.value is not None else [])
        else:
            for inside in ast.iter_child_nodes(part):
                if isinstance(inside, ast.stmt):
                    waiting.append(inside)
                elif isinstance(inside, ast.expr) and (_has_call(inside) or not isinstance(part, (ast.If, ast.For))):
                    yield inside


def _has_call(part: ast.expr) -> bool:
    return any(isinstance(inside, ast.Call) for inside in ast.walk(part))


def _is_gone(value: Any, name: str) -> bool:
    """Tell whether a class has no attribute of a name any more."""
    if not isinstance(value, type) or by_reference(value) or hasattr(type(value), "__getattr__"):
        return False
    return not any(name in vars(base) for base in (*value.__mro__, *type.mro(type(value))))


def _is_plain(cls: type, node: ast.ClassDef) -> bool:
    """Tell whether all that a class statement does is to set attributes. A load sets those again that have changed."""
    return type(cls) is type and not (node.decorator_list or node.keywords or issubclass(cls, tuple))


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
    of_ctypes = type(cls).__module__ == "_ctypes"
    changed = {}
    for name, value in cls.__dict__.items():
        dunder = name.startswith("__") and name.endswith("__")
        if name in _BY_THE_STATEMENT or name in members:
            continue
        if dunder and name not in found.stored and (name in _OF_PYTHON or not _is_set_by_hand(value)):
            continue
        if isinstance(cls, enum.EnumType) and name.startswith("_"):
            continue
        if of_ctypes and (name in _OF_STRUCTURES or type(value).__name__ == "CField"):
            continue
        if not is_made(found, name, value):
            changed[name] = value
    if isinstance(cls, abc.ABCMeta) and changed:
        changed["__abstractmethods__"] = cls.__abstractmethods__
    if cls.__name__ != found.name:
        changed["__name__"] = cls.__name__
    annotations = inspect.get_annotations(cls)
    if annotations.keys() != found.fields and type(cls).__name__ != "_TypedDictMeta":
        changed["__annotations__"] = annotations
    doc = cls.__dict__.get("__doc__")
    if doc != found.doc and (not isinstance(doc, str) or inspect.cleandoc(doc) != inspect.cleandoc(found.doc or "")):
        changed["__doc__"] = doc
    return changed


def is_made(found: Found, name: str, value: Any) -> bool:
    """Tell whether a class has an attribute that its statement surely makes in each run: one of its functions, say.

    Other attributes may depend on values that have changed since, or were set later.
    """
    definition = found.definitions.get(name)
    functions = list(_functions_in(value))
    own = [function for function in functions if function.__code__ in found.codes]
    if type(value.__func__ if isinstance(value, _WRAPPERS) else value) in _WITH_STATE:
        return False
    if not functions:
        if isinstance(value, _DESCRIPTORS):
            return True
        by_name = hasattr(type(value), "__get__") and by_reference(type(value))
        return by_name and name in found.stored and (definition is None or bool(definition.decorator_list))
    first = functions[0]
    if first.__code__ not in found.codes:
        generated = found.generates and _is_of_library(first) and first.__code__.co_filename != found.text.filename
        if by_reference(first) or not (generated or (definition is not None and _is_of_library(first))):
            return False
    if definition is None:
        # A function that a decorator of the class has added, say.
        return not own
    if not definition.decorator_list:
        plain = value.__func__ if name in _WRAPPED_BY_TYPE and isinstance(value, _WRAPPERS) else value
        return type(plain) is types.FunctionType and plain.__code__.co_firstlineno == _first_line(definition)
    return all(x.__code__.co_name == definition.name for x in own)


_WRAPPERS = (classmethod, staticmethod)
_WRAPPED_BY_TYPE = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})
_WITH_STATE = frozenset({type(functools.lru_cache(len)), functools.partial, functools.singledispatchmethod})
"""Made by decorators whose arguments may have changed, or that later calls add to."""


def _is_set_by_hand(value: Any) -> bool:
    """Tell whether a special attribute was set by a file, and not by a decorator or a base class."""
    if type(value) in {str, int, float}:
        return True
    first = next(_functions_in(value), None)
    return first is not None and not first.__code__.co_filename.startswith("<") and not _is_of_library(first)


def _definitions(node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the last definition for each name that only definitions assign, and no condition or loop decides about."""
    found: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
    others = _NamesUsed(annotations_run=False)
    for part in node.body:
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[part.name] = part
        else:
            others.visit(part)
    return {_mangled(name, node.name): part for name, part in found.items() if name not in others.stored}


def _fields(node: ast.ClassDef) -> frozenset[str]:
    waiting: list[ast.AST] = [*node.body]
    found = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.simple:
            found.add(_mangled(part.target.id, node.name))
        elif not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            waiting += ast.iter_child_nodes(part)
    return frozenset(found)


def _mangled(name: str, owner: str) -> str:
    """Return the name of an attribute that a class body calls `name`."""
    is_private = name.startswith("__") and not name.endswith("__") and owner.strip("_")
    return f"_{owner.lstrip('_')}{name}" if is_private else name


def _first_line(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _generates(cls: type, node: ast.ClassDef) -> bool:
    """Tell whether a decorator, a metaclass or a base may give functions to a class when its statement is run."""
    hooks = any("__init_subclass__" in base.__dict__ for base in cls.__mro__[1:-1])
    return hooks or type(cls) not in (type, abc.ABCMeta) or bool(node.decorator_list)


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
        "_abc_impl",
    }
)
"""Attributes that a class statement sets, and no load sets again."""
_OF_PYTHON = frozenset({"__firstlineno__"})
"""Attributes that only some Pythons set."""


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


def changed_members(cls: type) -> dict[str, dict[str, Any]]:
    """Return the attributes of each member of an enumeration, other than its name and value."""
    if not isinstance(cls, enum.EnumType):
        return {}
    attributes = {
        name: {key: value for key, value in vars(member).items() if not key.startswith("_")}
        for name, member in cls._member_map_.items()
    }
    return {name: found for name, found in attributes.items() if found}


def virtual_subclasses(cls: type) -> list[type]:
    """Return the classes that were registered with an abstract base class."""
    if not isinstance(cls, abc.ABCMeta):
        return []
    registry, *_ = abc._get_dump(cls)  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public function
    return [found for reference in registry if (found := reference()) is not None]
