"""Functions and classes by value: those that can't be imported, as calls of `appsnap.code`.

A code object is saved as the text of its file, and a place in it, if the text still gives that very code object. Then
every Python can compile it. A code object without a text is saved as bytecode with its magic number.

A class is saved as the place of its statement. A load runs the statement again, and then makes the changes that were
made since. A class without a text is taken apart in pieces (`classes`).
So is one that its own statement needs, in a circle.
"""

from __future__ import annotations

import inspect
import marshal
import operator
import pickle
import types
from typing import TYPE_CHECKING, Any

from cloudpickle import cloudpickle

from appsnap import code
from appsnap.code import skeletons
from appsnap.code.texts import MAGIC, VERSION, Text, texts
from appsnap.recipe.freeze.changes import (
    changed_attributes,
    changed_functions,
    changed_members,
    is_made,
    virtual_subclasses,
)
from appsnap.recipe.freeze.classes import dynamic_class
from appsnap.recipe.freeze.cloudpickled import by_reference
from appsnap.recipe.freeze.statements import OF_MODULES, find, found_in, namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

    from appsnap.code.texts import Place
    from appsnap.recipe.freeze.statements import Found

__all__ = ["ByValue"]


class ByValue:
    """Takes functions, code objects, cells and classes apart, for one save. `rules` are those of the save."""

    def __init__(self, rules: Callable[[Any], Any]) -> None:
        self._rules = rules
        self._modules: dict[int, types.ModuleType] = {}  # by identity of a global namespace
        self._places: dict[int, tuple[types.CodeType, tuple[Text, Place] | None]] = {}
        self._statements: dict[int, tuple[type, Found | None]] = {}
        self._finds: dict[int, tuple[type, Found | None]] = {}
        self.reducers: dict[type, Callable[[Any], Any]] = {
            types.CodeType: self.code,
            types.CellType: self.cell,
            _Module: self.module,
            _Names: lambda names: (code.names, (names.owner, names.values)),
            Text: lambda text: (code.text, (text.source, text.filename, VERSION)),
        }

    # Code objects, functions, cells

    def code(self, made: types.CodeType) -> Any:
        """Return the reduction of a code object."""
        found = self._place_of(made)
        if found is not None:
            text, (name, line, *which) = found
            return code.compiled, (text, name, line, *(which if which != [0, 1] else ()))
        try:
            return code.bytecode, (MAGIC, VERSION, marshal.dumps(made))
        except ValueError:
            raise TypeError(f"the code of {made.co_qualname} has a constant that no compiler makes") from None

    def _place_of(self, made: types.CodeType) -> tuple[Text, Place] | None:
        known = self._places.get(id(made))
        if known is None:
            known = self._places[id(made)] = made, _place_of(made)
        return known[1]

    def function(self, function: types.FunctionType) -> Any:
        """Return the reduction of a function."""
        owner = self._owner_of(function)
        if owner is not None:
            return getattr, (owner, function.__name__)
        made = function.__code__
        names, cells = made.co_freevars, function.__closure__ or ()
        args = (made, self._module_of(function.__globals__), *((names, *cells) if names else ()))
        fields = {name: value for name in _FIELDS if (value := getattr(function, name, None)) is not None}
        plain = types.FunctionType(
            made, {"__name__": function.__globals__.get("__name__")}, None, None, function.__closure__
        )
        changed = {name: value for name, value in fields.items() if value != getattr(plain, name, None)}
        if function.__doc__ is None and plain.__doc__ is not None:
            changed["__doc__"] = None
        used = _globals_of(made, function.__globals__)
        state = _state(
            globals=_Names(args[1], used) if used else None,
            modules=_submodules(made, [*used.values(), *_contents(function.__closure__ or ())]),
            attributes=dict(function.__dict__),
            fields=changed,
        )
        return code.function, args, state or None, None, None, code.finish_function if state else None

    def _owner_of(self, function: types.FunctionType) -> type | None:
        """Return the class that a function is a method of, if a load makes both by the class's statement."""
        above, _, name = function.__qualname__.rpartition(".")
        owner = found_in(function.__globals__, above) if above else None
        if isinstance(owner, type) and owner.__dict__.get(name) is function and not by_reference(owner):
            found = self.statement(owner)
            return owner if found is not None and is_made(found, name, function) else None
        return None

    def _module_of(self, namespace: dict[str, Any]) -> types.ModuleType:
        """Return the module that stands for a global namespace: the same for all of its functions."""
        made = self._modules.get(id(namespace))
        if made is None:
            made = self._modules[id(namespace)] = _Module(str(namespace.get("__name__", "")))
            made.namespace = namespace
        return made

    def module(self, made: _Module) -> Any:
        """Return the reduction of a module that `function` or `class_` handed out."""
        names = [made.namespace.get(name) for name in ("__file__", "__package__")]
        return code.module, (made.__name__, *(name if type(name) is str else None for name in names))

    def cell(self, cell: types.CellType) -> Any:
        """Return the reduction of a cell. It is made before its content, which may refer to it."""
        try:
            return code.cell, (), (cell.cell_contents,), None, None, code.set_cell
        except ValueError:
            return code.cell, ()

    # Classes

    def class_(self, cls: type) -> Any:
        """Return the reduction of a class."""
        outer = self._outer_of(cls)
        if outer is not None:
            inner = self._found(cls)
            state = self._changes(cls, inner) if inner is not None else None
            name = cls.__qualname__.rpartition(".")[2]
            return getattr, (outer, name), state or None, None, None, code.finish_class if state else None
        found = self.statement(cls)
        if found is None:
            return _parametrized(cls) or dynamic_class(cls)
        (name, line, *_), owner = found.place, self._module_of(found.namespace)
        args = (found.text, name, line, skeletons.identity(cls), owner, dict(found.needs), cls.__bases__)
        free = (tuple(found.cells), *found.cells.values()) if found.cells else ()
        state = self._changes(cls, found)
        return code.class_, (*args, *free), state or None, None, None, code.finish_class if state else None

    def _outer_of(self, cls: type) -> type | None:
        """Return the class around a class, if a load makes both by the outer statement."""
        above, _, name = cls.__qualname__.rpartition(".")
        made_by = code.owner_of(cls)
        owner = made_by or (found_in(namespace_of(cls), above) if above else None)
        if not isinstance(owner, type) or owner.__dict__.get(name) is not cls or by_reference(owner):
            return None
        return owner if made_by is not None or self.statement(owner) is not None else None

    def _changes(self, cls: type, found: Found) -> dict[str, Any]:
        """Return the state of a class: the names that it uses, and its changes since its statement."""
        used = {**_globals_of(found.body, found.namespace), **found.later}
        return _state(
            globals=_Names(self._module_of(found.namespace), used) if used else None,
            modules=_submodules(found.body, [*used.values(), *found.needs.values()]),
            attributes=changed_attributes(cls, found),
            deleted=[name for name in found.stored if name not in cls.__dict__],
            functions=changed_functions(cls, found),
            members=changed_members(cls),
            registered=virtual_subclasses(cls),
        )

    def statement(self, cls: type) -> Found | None:
        """Return the statement that makes a class again, or None if no text has it, or if it needs the class itself."""
        known = self._statements.get(id(cls))
        if known is None:
            found = self._found(cls)
            self._statements[id(cls)] = cls, found  # for the functions of the class, while the next line looks at them
            if found is not None and (self._leads_back(cls, found) or self._hooks_lead_on(cls) or _is_counted(cls)):
                found = None
            if found is not None and found.later:
                # Two classes name each other in annotations. The first one has never seen the second one.
                circular = {name for name, other in found.later.items() if self._needs_lead(other, cls)}
                found = found._replace(needs={name: x for name, x in found.needs.items() if name not in circular})
            known = self._statements[id(cls)] = cls, found
        return known[1]

    def _found(self, cls: type) -> Found | None:
        known = self._finds.get(id(cls))
        if known is None:
            known = self._finds[id(cls)] = cls, find(cls)
        return known[1]

    def _needs_lead(self, cls: type, wanted: type) -> bool:
        """Tell whether the statement of a class needs another class, also through other statements."""
        waiting, seen = [cls], {id(cls)}
        while waiting:
            one = waiting.pop()
            if one is wanted:
                return True
            found = None if by_reference(one) else self._found(one)
            parts = [*one.__bases__, *(found.needs.values() if found is not None else vars(one).values())]
            for part in parts:
                if isinstance(part, type) and id(part) not in seen:
                    seen.add(id(part))
                    waiting.append(part)
        return False

    def _leads_back(self, cls: type, found: Found) -> bool:
        """Tell whether objects that a class's statement needs lead back to the class, other than through classes."""
        return self._leads_to(lambda other: other is cls, found.needs.values())

    def _hooks_lead_on(self, cls: type) -> bool:
        """Tell whether a class has functions that run when its subclasses are made, and whose names lead to one."""
        used = _used_by_hooks(cls)

        def is_made_with(other: Any) -> bool:
            return other is not cls and any(base is cls for base in (*other.__mro__, *type(other).__mro__))

        return bool(used) and self._leads_to(is_made_with, used)

    def _leads_to(self, is_wanted: Callable[[type], bool], values: Iterable[Any]) -> bool:
        probe = _Probe(is_wanted)
        probe.reducer_override = self._rules  # type: ignore[method-assign]  # the C pickler looks it up when it begins
        try:
            probe.dump([*values])
        except _LeadsBackError:
            return True
        except MemoryError:
            raise
        except (Exception, SystemExit):  # noqa: BLE001 - the save itself meets the error again, and reports its place
            return False
        return False


def _parametrized(cls: type) -> Any:
    """Return the reduction of a class that pydantic makes by a subscript, or None."""
    generic = cls.__dict__.get("__pydantic_generic_metadata__")
    if type(generic) is not dict or not isinstance(generic.get("origin"), type):
        return None
    args = tuple(generic["args"])
    return operator.getitem, (generic["origin"], args if len(args) != 1 else args[0])


def _used_by_hooks(cls: type) -> list[Any]:
    """Return the objects that are used by the functions of a class that run when its subclasses are made."""
    is_metaclass = issubclass(cls, type)
    functions = [
        value.__func__ if isinstance(value, (classmethod, staticmethod)) else value for value in vars(cls).values()
    ]
    hooks = [
        function
        for function in functions
        if type(function) is types.FunctionType and (is_metaclass or function.__name__ == "__init_subclass__")
    ]
    used = [value for x in hooks for value in _globals_of(x.__code__, x.__globals__).values()]
    return used + [content for x in hooks for content in _contents(x.__closure__ or ())]


def _is_counted(cls: Any) -> bool:
    """Tell whether a function that runs when a class is made may take an item of an iterator. No load can undo that."""
    makers = [base for base in (*cls.__mro__[1:], *inspect.getmro(type(cls))) if not by_reference(base)]
    hooked = [base for base in makers if issubclass(base, type) or "__init_subclass__" in vars(base)]
    return any(_is_iterator(value) for base in hooked for value in (*vars(base).values(), *_used_by_hooks(base)))


def _is_iterator(obj: Any) -> bool:
    return hasattr(type(obj), "__next__") and by_reference(type(obj))


class _Module(types.ModuleType):
    """Stands for the module of a script in a save."""

    namespace: dict[str, Any]


class _Names:
    """Stands for global names in a save."""

    def __init__(self, owner: Any, values: dict[str, Any]) -> None:
        self.owner = owner
        self.values = values


class _LeadsBackError(Exception):
    """An object leads back to the class, or to an iterator, which another run of its statement would change."""


class _Nothing:
    """A file that keeps nothing."""

    @staticmethod
    def write(_: Buffer) -> None:
        """Drop the bytes."""


class _Probe(pickle.Pickler):
    """Looks for a class, or for an iterator. It doesn't look into classes."""

    def __init__(self, is_wanted: Callable[[type], bool]) -> None:
        super().__init__(_Nothing(), 5)
        self._is_wanted = is_wanted

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, type):
            if _is_iterator(obj):
                raise _LeadsBackError
            return None
        if self._is_wanted(obj):
            raise _LeadsBackError
        return "class"


_FIELDS = (
    "__name__",
    "__qualname__",
    "__module__",
    "__doc__",
    "__annotations__",
    "__defaults__",
    "__kwdefaults__",
    "__type_params__",
)


def _state(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


# Functions


def _place_of(made: types.CodeType) -> tuple[Text, Place] | None:
    for text in texts(made.co_filename):
        try:
            place = text.place_of(made)
        except (SyntaxError, ValueError):  # the file has been edited
            continue
        if place is not None:
            return text, place
    return None


def _globals_of(made: types.CodeType, namespace: dict[str, Any]) -> dict[str, Any]:
    """Return the global names that a code object uses, on all levels."""
    names = cloudpickle._extract_code_globals(made)  # noqa: SLF001 - there is no public function
    return {name: namespace[name] for name in names if name in namespace and name not in OF_MODULES}


def _submodules(made: types.CodeType, values: Iterable[Any]) -> list[types.ModuleType]:
    """Return the submodules of packages that a code object uses by attribute. A load has to import them."""
    packages = [value for value in values if isinstance(value, types.ModuleType)]
    found: list[types.ModuleType] = cloudpickle._find_imported_submodules(made, packages)  # noqa: SLF001 - as above
    return found


def _contents(cells: Iterable[types.CellType]) -> Iterator[Any]:
    empty = types.CellType()
    return (cell.cell_contents for cell in cells if cell != empty)
