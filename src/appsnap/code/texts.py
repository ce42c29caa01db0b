"""Source texts of files: the code objects and class statements in them, and where each stands.

Every Python compiles a text to bytecode of its own. Compiling runs nothing.
"""

from __future__ import annotations
import __future__

import ast
import collections
import contextlib
import functools
import importlib.util
import linecache
import re
import stat
import sys
import tokenize
import types
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import imported_at
from appsnap.printable import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MAGIC",
    "VERSION",
    "Place",
    "Text",
    "WrongPython",
    "bases_by_call",
    "keep",
    "text_of",
    "texts",
    "version_of",
]

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version of this Python."""

MAGIC = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
"""The magic number of this Python's bytecode."""


def version_of(text: object) -> str:
    """Return the version in a text, as in `VERSION`: 3.11 for 3.11.7. Raises TypeError, and ValueError."""
    if not isinstance(text, str):
        raise TypeError(f'the version of a Python is a text, as in code_from="3.11", not {type_of(text)}')
    found = re.match(r"([0-9]+\.[0-9]+)(?:\.|\Z)", text)
    if found is None:
        raise ValueError(f"{text!r:.60} is no version of a Python, as in 3.11")
    return found[1]


class WrongPython(Exception):
    """Code in a file that this version of Python can't run."""

    def __init__(self, version: str | None, reason: str) -> None:
        self.hint = "if you know the version of the Python that wrote it, say so: code_from='3.11'"
        if version is None:
            super().__init__(f"this is Python {VERSION}, and nothing says which Python the code is for: {reason}")
            return
        super().__init__(f"this is Python {VERSION}, and the code was saved by Python {version}: {reason}")
        self.hint = f"load it with Python {version}; or put the code into a module there, and save it again"


class Place(NamedTuple):
    """Where a code object is in a text. It is one of `total` lambdas on its line. `number` counts them from 0."""

    qualname: str
    line: int
    number: int = 0
    total: int = 1


class Text:
    """The source of one file. Compiling it runs nothing."""

    def __init__(self, source: str, filename: str, version: str = VERSION, *, is_current: bool = True) -> None:
        self.source = source
        self.filename = filename
        self.version = version  # of the Python that saved it
        self.is_current = is_current  # false for a file that was changed while the program ran

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.source, self.filename)

    @functools.cached_property
    def flags(self) -> int:
        """The compiler flags of its `from __future__ import` statements."""
        names = [
            alias.name
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom) and node.module == "__future__"
            for alias in node.names
        ]
        return functools.reduce(int.__or__, (getattr(__future__, name).compiler_flag for name in names), 0)

    def is_rebound(self, name: str) -> bool:
        """Tell whether a global name may get several values, one after the other. Imports aren't counted."""
        return self._bindings[name] > 1

    @functools.cached_property
    def _bindings(self) -> collections.Counter[str]:
        return _bindings(self.tree)

    @functools.cached_property
    def codes(self) -> dict[tuple[str, int], list[types.CodeType]]:
        """All code objects, by qualified name and first line. Those of one line are in order."""
        found: dict[tuple[str, int], list[types.CodeType]] = {}
        try:
            waiting = [compile(self.source, self.filename, "exec", dont_inherit=True)]
        except SystemError as error:
            raise MemoryError(f"there is no memory to compile {self.filename}") from error
        while waiting:
            code = waiting.pop()
            waiting.extend(part for part in reversed(code.co_consts) if isinstance(part, types.CodeType))
            found.setdefault((_plain(code.co_qualname), code.co_firstlineno), []).append(code)
        return found

    def place_of(self, code: types.CodeType) -> Place | None:
        """Return the place of a code object, or None if this text gives another one there."""
        name = _plain(code.co_qualname)
        same = self.codes.get((name, code.co_firstlineno), [])
        if code not in same:
            return None
        distinct = _distinct(same)
        return Place(name, code.co_firstlineno, distinct.index(_bare(code)), len(distinct))

    def code_at(self, place: Place) -> types.CodeType | None:
        """Return the code object of a place, or None."""
        same = self.codes.get((place.qualname, place.line), [])
        distinct = _distinct(same)
        if len(distinct) != place.total or place.number >= place.total:
            return None
        return next(code for code in same if _bare(code) == distinct[place.number])

    @functools.cached_property
    def _functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The functions with class statements inside."""
        found = [part for part in ast.walk(self.tree) if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
        return [part for part in found if any(isinstance(inside, ast.ClassDef) for inside in ast.walk(part))]

    def rebound(self, node: ast.ClassDef) -> set[str]:
        """Return the names around a class statement that may have other values by now: they are bound twice."""
        around = [part for part in self._functions if part.lineno <= node.lineno <= (part.end_lineno or 0)]
        return self._bound_twice.union(*(_bound_twice(_bindings(ast.Module(part.body, []))) for part in around))

    @functools.cached_property
    def _bound_twice(self) -> set[str]:
        return _bound_twice(self._bindings)

    def classes_named(self, qualname: str) -> list[Place]:
        """Return the places of the class statements of a qualified name."""
        return self._classes_by_name.get(_plain(qualname), [])

    @functools.cached_property
    def _classes_by_name(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for place in (Place(name, line) for name, line in self.codes):
            if self.class_at(place) is not None:
                found.setdefault(place.qualname, []).append(place)
        return found

    def class_at(self, place: Place) -> ast.ClassDef | None:
        """Return the class statement whose body is the code object of a place, or None."""
        return self._classes.get((place.qualname.rpartition(".")[2], place.line))

    @functools.cached_property
    def _classes(self) -> dict[tuple[str, int], ast.ClassDef]:
        """The class statements, by name and first line. The outermost one of a line comes first."""
        found: dict[tuple[str, int], ast.ClassDef] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                line = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found.setdefault((node.name, line), node)
        return found


def _bound_twice(counts: collections.Counter[str]) -> set[str]:
    return {name for name, count in counts.items() if count > 1}


def _bindings(tree: ast.AST) -> collections.Counter[str]:
    """Count how often each name is bound on the level of a tree. A loop binds it twice."""
    found: collections.Counter[str] = collections.Counter()
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    while waiting:
        node, times = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found[node.id] += times
        elif isinstance(node, ast.Global):
            found.update(dict.fromkeys(node.names, 2))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            if not isinstance(node, ast.Lambda):
                found[node.name] += times
            times = 0  # its own names are no global ones
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            times *= 2
        waiting += [(child, times) for child in ast.iter_child_nodes(node)]
    return found


def bases_by_call(node: ast.ClassDef) -> bool:
    """Tell whether a class statement has a base that another run may make anew, as `namedtuple("Row", "a b")` does."""
    return not all(isinstance(base, (ast.Name, ast.Attribute, ast.Subscript)) for base in node.bases)


def _plain(qualname: str) -> str:
    """Leave out comprehensions, which are part of their function from Python 3.12 on."""
    return _COMPREHENSION.sub("", qualname)


_COMPREHENSION = re.compile(r"<(?:list|set|dict)comp>\.(?:<locals>\.)?")


def _distinct(same: list[types.CodeType]) -> list[types.CodeType]:
    """Leave out code objects that differ in their columns only. Python 3.12 makes one of them for both."""
    return list(dict.fromkeys(map(_bare, same)))


def _bare(code: types.CodeType) -> types.CodeType:
    """Return a code object without the table of its lines and columns."""
    parts = tuple(_bare(part) if isinstance(part, types.CodeType) else part for part in code.co_consts)
    return code.replace(co_linetable=b"", co_consts=parts)


_loaded: dict[str, dict[str, Text]] = {}
"""The texts of files that were loaded, by file name and source. The file itself may be on another machine."""

_read: dict[str, Text] = {}
"""The texts of files that were read here, by file name."""


def texts(filename: str) -> Iterator[Text]:
    """Yield the texts that the code of a file may come from."""
    yield from reversed(_loaded.get(filename, {}).values())
    source, is_current = "", True
    with contextlib.suppress(OSError, SyntaxError, ValueError):
        changed = Path(filename).stat()
        if stat.S_ISREG(changed.st_mode):  # reading a pipe would wait
            with tokenize.open(filename) as file:  # finds the encoding as Python does
                source, is_current = file.read(), changed.st_mtime <= imported_at
    cached: Any = linecache.cache.get(filename, ())
    if not source and len(cached) > 2:
        source = "".join(cached[2])  # of a notebook, say
    known = _read.get(filename)
    if known is None or known.source != source:
        known = _read[filename] = Text(source, filename, is_current=is_current)
    if source:
        yield known


_of_modules: weakref.WeakKeyDictionary[types.ModuleType, Text] = weakref.WeakKeyDictionary()


def keep(text: Text, module: types.ModuleType | None = None) -> None:
    """Find a text of a loaded file again, when its code is saved. It may be that of the module of a script."""
    _loaded.setdefault(text.filename, {})[text.source] = text
    if module is not None:
        _of_modules[module] = text


def text_of(module: types.ModuleType) -> Text | None:
    """Return the text that the module of a script was run from, or None."""
    return _of_modules.get(module)
