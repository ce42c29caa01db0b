"""Code in snapshots: the functions that files name where functions and classes are saved by value.

* *By value*: a function or class that can't be imported (of a script, say) is saved itself, not its name.
* A *text* (`texts`) is the source of the file that a code object comes from. Every Python can compile it.
* A *place* finds a code object in a text: its qualified name, its first line, and its number among equals.
* *Bytecode* is for code without a text. It is bound to one version of Python by a magic number, and no other version
  runs it. A class without a text is a *skeleton* (`skeletons`), bound in the same way.
* *Effects* (`effects`) of a class statement on other objects are undone: the objects of a file have seen them already.

Files that name these functions carry code. Nothing here runs unless the file is trusted as code. The names of these
functions are part of the format. `appsnap.recipe.freeze.by_value` writes the calls.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import marshal
import sys
import threading
import types
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.code.effects import undone
from appsnap.code.skeletons import alive, remember
from appsnap.code.texts import MAGIC, VERSION, Place, Text, WrongPython, bases_by_call, keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "Statement",
    "bytecode",
    "cell",
    "check_unmarked",
    "class_",
    "compiled",
    "finish_class",
    "finish_function",
    "function",
    "module",
    "names",
    "owner_of",
    "set_cell",
    "statement_of",
    "text",
]

# Texts, code objects, functions, cells


def text(source: str, filename: str, version: str, /) -> Text:
    """Return the text of a file. `version` is the Python that saved it. Raises WrongPython if it can't be compiled."""
    found = Text(source, filename, version)
    try:
        found.codes  # noqa: B018 - compiles it
    except (SyntaxError, ValueError) as error:
        raise WrongPython(version, f"{filename} can't be compiled: {error}") from error
    keep(found)
    return found


def compiled(source: Text, qualname: str, line: int, number: int = 0, total: int = 1, /) -> types.CodeType:
    """Return the code object at a place of a text. Raises WrongPython if this Python finds none there."""
    code = source.code_at(Place(qualname, line, number, total))
    if code is None:
        raise WrongPython(source.version, f"{source.filename} gives no {qualname} at line {line}")
    return code


def bytecode(magic: int, version: str, data: bytes, /) -> types.CodeType:
    """Return a code object from its bytecode. Raises WrongPython if another version of Python compiled it."""
    if magic != MAGIC:
        raise WrongPython(version, "the file has its bytecode only, without the source text")
    code: types.CodeType = marshal.loads(data)  # noqa: S302 - the file is trusted as code
    return code


def module(name: str, file: str | None = None, package: str | None = None, /) -> types.ModuleType:
    """Return a new module: the global names of the functions and classes of one script."""
    made = types.ModuleType(name)
    made.__dict__.update(__builtins__=builtins, __package__=package)
    if file is not None:
        made.__file__ = file
    return made


def names(owner: types.ModuleType, values: dict[str, Any], /) -> None:
    """Set global names of a module: as soon as they are there, because class statements may need them."""
    owner.__dict__.update(values)


def function(
    code: types.CodeType, owner: types.ModuleType, names: Sequence[str] = (), *cells: types.CellType
) -> types.FunctionType:
    """Return a function of a module. `names` are its free variables, each with a cell."""
    return types.FunctionType(code, owner.__dict__, None, None, _closure(code, dict(zip(names, cells, strict=True))))


def _closure(code: types.CodeType, cells: Mapping[str, types.CellType]) -> tuple[types.CellType, ...]:
    return tuple(cells[name] for name in code.co_freevars)


def finish_function(target: types.FunctionType, state: dict[str, Any], /) -> None:
    """Give a function its `__dict__` (`attributes`), and its changed `fields`.

    `globals` of a state are its global names, which `names` has set by then. `modules` are submodules that the function
    uses: they only have to be imported.
    """
    target.__dict__.update(state.get("attributes", {}))
    for name, value in state.get("fields", {}).items():
        setattr(target, name, value)


def cell() -> types.CellType:
    """Return an empty cell: the place of a variable that functions share."""
    return types.CellType()


def set_cell(target: types.CellType, content: tuple[Any], /) -> None:
    """Put a value into a cell. `content` is a tuple of the value alone, because no state is None."""
    (target.cell_contents,) = content


# Classes


class Statement(NamedTuple):
    """The class statement that a class was made by, and the namespace that it ran in."""

    text: Text
    place: Place
    names: dict[str, Any]


_statements: weakref.WeakKeyDictionary[type, Statement] = weakref.WeakKeyDictionary()
_owners: weakref.WeakKeyDictionary[type, weakref.ref[type]] = weakref.WeakKeyDictionary()
_unfinished: weakref.WeakSet[type] = weakref.WeakSet()
_running = threading.RLock()


def statement_of(cls: type) -> Statement | None:
    """Return the statement of a class that `class_` made, or None."""
    return _statements.get(cls)


def owner_of(cls: type) -> type | None:
    """Return the class whose statement, run by `class_`, made this one within it, or None."""
    owner = _owners.get(cls)
    return owner() if owner is not None else None


def _keep_owner(owner: type) -> None:
    for name, found in owner.__dict__.items():
        if isinstance(found, type) and found.__qualname__ == f"{owner.__qualname__}.{name}":
            _owners[found] = weakref.ref(owner)
            _keep_owner(found)


def class_(  # noqa: PLR0917 - files name it, and have no keywords for it
    source: Text,
    qualname: str,
    line: int,
    identity: str,
    owner: types.ModuleType,
    names: dict[str, Any],
    bases: tuple[type, ...],
    free: Sequence[str] = (),
    *cells: types.CellType,
) -> type:
    """Run the class statement at a place of a text, with its decorators, and return the class.

    `names` are the names that it uses, `bases` the bases that the class has to get, `free` the free variables of its
    body, each with a cell. A class of this `identity` that is here already is returned as it is. Raises WrongPython if
    this Python finds no such statement.
    """
    known: type | None = alive(identity)
    if known is not None:
        return known
    place = Place(qualname, line)
    body, node = source.code_at(place), source.class_at(place)
    if body is None or node is None:
        raise WrongPython(source.version, f"{source.filename} gives no class {qualname} at line {line}")
    made, undecorated = _run(source, node, body, owner, names, bases, dict(zip(free, cells, strict=True)))
    if bases not in {made.__bases__, undecorated.__bases__}:
        raise TypeError(f"the class statement of {qualname} in {source.filename} gave it other bases")
    made = made if made.__bases__ == bases else undecorated
    _statements[made] = Statement(source, place, owner.__dict__)
    _keep_owner(made)
    _unfinished.add(made)
    for inner in _inner_classes(made):
        places = source.classes_named(inner.__qualname__)
        if len(places) == 1:
            _statements[inner] = Statement(source, places[0], owner.__dict__)
        _unfinished.add(inner)
    remember(made, identity)
    return made


def _inner_classes(cls: type) -> Iterator[type]:
    """Yield the classes that the body of a class statement has made."""
    for name, value in vars(cls).items():
        if isinstance(value, type) and value.__qualname__ == f"{cls.__qualname__}.{name}":
            yield value
            yield from _inner_classes(value)


def _run(  # noqa: PLR0917 - the parts of a statement, each needed once
    source: Text,
    node: ast.ClassDef,
    body: types.CodeType,
    owner: types.ModuleType,
    names: dict[str, Any],
    bases: tuple[type, ...],
    cells: dict[str, types.CellType],
) -> tuple[type, type]:
    """Run a class statement. Return the class that its decorators return, and the one before them.

    A base that a call makes anew, as `namedtuple` does, is left for its equal in `bases`. The module of the class is in
    `sys.modules` meanwhile: dataclasses look up names there.
    """
    owner.__dict__.update(names)
    visible = {name: found.cell_contents for name, found in cells.items() if found != cell()}

    def build(*bases: Any, **keywords: Any) -> Any:
        run_body = types.FunctionType(body, owner.__dict__, node.name, None, _closure(body, cells))
        return builtins.__build_class__(run_body, node.name, *bases, **keywords)

    def evaluate(expression: ast.expr) -> Any:
        tree = ast.fix_missing_locations(ast.Expression(expression))
        code = compile(tree, source.filename, "eval", source.flags, dont_inherit=True)
        return eval(code, owner.__dict__, visible)  # noqa: S307 - the file is trusted as code

    with undone(owner.__dict__, visible.values()), _as_module(owner):
        decorators = [evaluate(decorator) for decorator in node.decorator_list]
        visible |= {_BUILD: build, _BASES: bases if bases_by_call(node) else _bases(node, evaluate, bases)}
        known = ast.Starred(ast.Name(_BASES, ast.Load()), ast.Load())
        made = raw = evaluate(ast.Call(ast.Name(_BUILD, ast.Load()), [known], node.keywords))
        for decorate in reversed(decorators):
            made = decorate(made)
    return made if isinstance(made, type) else raw, raw


def _bases(node: ast.ClassDef, evaluate: Callable[[ast.expr], Any], bases: tuple[type, ...]) -> list[Any]:
    """Return the values of the bases in a statement. A class that has another value by now gives way to the known one.

    A TypedDict isn't a base of its subclasses.
    """
    values = [evaluate(base) for base in node.bases]
    if len(values) != len(bases):
        return values
    is_base = [isinstance(value, type) and type(value).__name__ != "_TypedDictMeta" for value in values]
    return [known if is_class else value for value, known, is_class in zip(values, bases, is_base, strict=True)]


@contextlib.contextmanager
def _as_module(owner: types.ModuleType) -> Iterator[None]:
    with _running:
        before = sys.modules.get(owner.__name__)
        sys.modules[owner.__name__] = owner
        try:
            yield
        finally:
            if before is None:
                del sys.modules[owner.__name__]
            else:
                sys.modules[owner.__name__] = before


_BUILD = "__appsnap_build__"
_BASES = "__appsnap_bases__"


def finish_class(cls: type, state: dict[str, Any], /) -> None:
    """Give a class that `class_` has just made the changes since its statement. Other classes stay as they are.

    `attributes` are the attributes that were set later, `deleted` the names of those that were deleted, `functions` the
    changes of its own functions, `registered` its virtual subclasses, `members` the attributes of each member of an
    enumeration. `globals` and `modules` are as for a function.
    """
    if cls not in _unfinished:
        return
    _unfinished.discard(cls)
    for name, value in state.get("attributes", {}).items():
        present = cls.__dict__.get(name, state)
        if type(present) is not type(value) or type(value) not in _ATOMS or repr(present) != repr(value):
            setattr(cls, name, value)
    for name in state.get("deleted", ()):
        if name in cls.__dict__:
            delattr(cls, name)
    for name, (defaults, keyword_defaults, attributes) in state.get("functions", {}).items():
        changed = cls.__dict__[name]
        changed = changed.__func__ if isinstance(changed, (classmethod, staticmethod)) else changed
        changed.__defaults__, changed.__kwdefaults__ = defaults, keyword_defaults
        changed.__dict__.update(attributes)
    for name, attributes in state.get("members", {}).items():
        cls._member_map_[name].__dict__.update(attributes)  # type: ignore[attr-defined]  # of an enumeration
    if cls.__dict__.get("__pydantic_complete__") is False:
        # It has seen no classes that stand below it.
        cls.model_rebuild(raise_errors=False, _types_namespace=_statements[cls].names)  # type: ignore[attr-defined]
    for subclass in state.get("registered", ()):
        cls.register(subclass)  # type: ignore[attr-defined]  # only an ABC has any


def check_unmarked(maker: Any, version: str | None) -> None:
    """Check a call of a function that makes code objects from bytecode without a magic number, as cloudpickle does.

    `version` is the version of Python that the caller of the load vouches for. Raises WrongPython if there is none, or
    if this is another Python.
    """
    is_function = isinstance(maker, (types.FunctionType, types.BuiltinFunctionType))  # another one may answer anything
    name = f"{maker.__module__}.{maker.__qualname__}" if is_function else ""
    if (maker is types.CodeType or name in _UNMARKED) and version != VERSION:
        raise WrongPython(version, "the file has bytecode without the source text")


_UNMARKED = frozenset({"marshal.loads", "dill._dill._create_code"})


_ATOMS = (bool, int, float, complex, str, bytes, type(None))
