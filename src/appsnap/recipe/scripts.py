"""The code of a script that was run again takes the place of the code that a recipe carries for it.

A recipe carries the classes and functions of a script by value. `with_script` makes names of those that the script
still has, so that the objects of the recipe get the classes of today. A function that no name leads to, as a closure,
gets today's code at its *place*: its qualified name in the text of the script. The text of the recipe isn't compiled,
nothing is imported, and no code is run.
"""

from __future__ import annotations

import enum
import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap import evolve
from appsnap.code.texts import VERSION, text_of
from appsnap.gc_pause import gc_paused
from appsnap.recipe.parts import Parts
from appsnap.recipe.replacing import NewFunction, Replaced, rewritten
from appsnap.recipe.runs import Run
from appsnap.recipe.script_code import Carried, Code, in_words
from appsnap.recipe.steps import Call, Member, Name, Recipe, Ref

if TYPE_CHECKING:
    from appsnap.code.texts import Place

__all__ = ["with_script"]


@gc_paused
def with_script(recipe: Recipe, module: types.ModuleType) -> tuple[Recipe, list[str]]:
    """Return a recipe in which the classes and functions of a script are those of its module; and what is gone.

    The module is that of the script as it was run now, and stands in `sys.modules`. Code of the recipe is code of the
    script if it has the file of the module. If none has, the script may have been moved, and the name of the file
    counts. The list has the names of the classes, functions and members that the script has no more: the new recipe
    keeps their code. A recipe without code of the script is returned as it is.
    """
    if not any(isinstance(step, Name) and _carries(step) for step in recipe.compact):
        return recipe, []
    parts = Parts(_without_runs_of_code(recipe))
    carried = Carried(parts, module)
    if not carried.code:
        return recipe, []
    return _Renewal(parts, carried, _Script(module)).outcome()


def _carries(name: Name) -> bool:
    return name.module.partition(".")[0] == "cloudpickle" or f"{name.module}.".startswith("appsnap.code.")


def _without_runs_of_code(recipe: Recipe) -> Recipe:
    """Return a recipe without runs, if it has a run that makes code. Our own writers make none."""
    names = Parts(recipe).names
    runs = (step for step in recipe.compact if isinstance(step, Run) and step.step is Call)
    of_code = any(step.fields[0] in names and _carries(names[step.fields[0]]) for step in runs)
    return Recipe(recipe.steps, recipe.root) if of_code else recipe


# In the script


class _Script:
    """The classes and functions of a script as it was run now."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module = module
        self._text = text_of(module)
        self._known: dict[Code, Name | NewFunction | None] = {}
        self._lines: dict[str, list[str]] = {}
        self._codes: dict[str, list[types.CodeType]] = {}  # by qualified name
        for (qualname, _), same in self._text.codes.items() if self._text is not None else ():
            self._codes.setdefault(qualname, []).extend(one for one in same if one.co_flags & inspect.CO_OPTIMIZED)

    def find(self, code: Code) -> Name | NewFunction | None:
        """Return the name of the class or function of today, or its code, or None if it is gone."""
        # A recipe may have very many functions of one code, and one text.
        if code not in self._known:
            self._known[code] = self._find(code)
        return self._known[code]

    def _find(self, code: Code) -> Name | NewFunction | None:
        old = Name(self.module.__name__, code.qualname)
        name = Name(*evolve.current_name(*old))
        named = "<" not in name.qualname and not (code.hidden and name == old)
        found = look_up(name) if named else None
        if code.is_class:
            return name_of(found, name) if isinstance(found, type) else None
        function: Any = found if isinstance(found, type) or type(found) in _FUNCTIONS else None
        if function is not None and (name != old or function.__qualname__ == name.qualname):
            return name_of(function, name)
        new = self._new_function(code)
        if new is None and function is not None:
            return name_of(function, name)  # of another name, or without one
        return new

    def has_same_text(self, code: Code) -> bool:
        """Tell whether the text has the lines of a class, at any place."""
        block = _block(self._lines_of(code.source), code.line)
        lines = [] if self._text is None else self._lines_of(self._text.source)
        return any(lines[at : at + len(block)] == block for at, line in enumerate(lines) if line == block[0])

    def _lines_of(self, source: str) -> list[str]:
        if source not in self._lines:
            self._lines[source] = source.split("\n")
        return self._lines[source]

    def _new_function(self, code: Code) -> NewFunction | None:
        text = self._text
        place = None if text is None else self._place(code)
        if text is None or place is None:
            return None
        which = place[2:]
        return NewFunction(
            (Name("appsnap.code", "text"), (text.source, text.filename, VERSION)),
            (Name("appsnap.code", "compiled"), (*place[:2], *(which if which != (0, 1) else ()))),
            Name(self.module.__name__, ""),
        )

    def _place(self, code: Code) -> Place | None:
        """Return the place of a function's code of today: it may need no other free variables than the function has.

        One of several functions of this name, and a lambda, has to stand in the same line as before.
        """
        assert self._text is not None
        fitting = [one for one in self._codes.get(code.at, ()) if {*one.co_freevars} <= {*code.free}]
        found = dict.fromkeys(map(self._text.place_of, fitting))
        places = [place for place in found if place is not None]
        if len(places) > 1 or code.at.endswith("<lambda>"):
            old, new = self._lines_of(code.source), self._lines_of(self._text.source)
            line = old[code.line - 1] if 0 < code.line <= len(old) else None
            places = [one for one in places if new[one.line - 1] == line and one[2:] == (code.which or (0, 1))]
        return places[0] if len(places) == 1 else None


def _block(lines: list[str], first: int) -> list[str]:
    """Return the lines of a statement: all that stand deeper than its first one, and those before its first colon."""
    rest = lines[first - 1 :] if 0 < first <= len(lines) else []
    depth = len(rest[0]) - len(rest[0].lstrip()) if rest else 0
    end, begun = 0, False
    for line in rest:
        deeper = not line.strip() or len(line) - len(line.lstrip()) > depth
        if begun and not deeper:
            break
        begun = begun or line.lstrip().startswith("class ")
        end += 1
    return rest[:end] or [""]


def look_up(name: Name) -> Any:
    """Return the object of a name in a module that was imported, or None. Nothing that it leads through is called."""
    module = sys.modules.get(name.module)
    first, *rest = name.qualname.split(".")
    found: Any = vars(module).get(first) if isinstance(module, types.ModuleType) else None
    for part in rest:
        found = member(found, part) if isinstance(found, type) else None
    return found


def member(cls: type, name: str) -> Any:
    """Return a member of a class as it stands there, or None. No descriptor and no metaclass is asked."""
    if isinstance(cls, enum.EnumMeta) and name in cls.__members__:
        return cls.__members__[name]
    found = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    return found.__func__ if isinstance(found, staticmethod) else found


def name_of(found: Any, name: Name) -> Name:
    """Return the name that a class or function is saved by, which may be another one than that by which it was found.

    Other things have the name by which they were found.
    """
    if isinstance(found, type) or type(found) in _FUNCTIONS:
        module, qualname = found.__module__, found.__qualname__
        if type(module) is str and type(qualname) is str and look_up(Name(module, qualname)) is found:
            return Name(module, qualname)
    return name


_MOST = 100
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type(functools.lru_cache(len)))


# The new recipe


class _Renewal:
    """Makes the new recipe."""

    def __init__(self, parts: Parts, carried: Carried, script: _Script) -> None:
        self._parts = parts
        self._carried = carried
        self._script = script
        name = script.module.__name__
        self._replaced = Replaced(prefixes={f"{old}.": f"{name}." for old in carried.names - {name}})
        self._missing: dict[Ref, str] = {}  # by register of a member
        self._compared = 0

    def outcome(self) -> tuple[Recipe, list[str]]:
        """Return the new recipe, and what is gone."""
        replaced, carried, script = self._replaced, self._carried, self._script
        for register, code in carried.code.items():
            new = script.find(code)
            if isinstance(new, Name):
                replaced.names[register] = new
            elif new is not None:
                replaced.functions[register] = new
        for mark, name in carried.marks.items():
            if type(mark) is Ref and type(vars(script.module).get(name)) is object:
                replaced.names[mark] = Name(script.module.__name__, name)
        for place, part in enumerate(self._parts.parts):
            if isinstance(part, Member) and type(part.owner) is Ref:
                self._look_at_member(Ref(self._parts.starts[place]), part, part.owner)
        recipe, is_kept = rewritten(self._parts, replaced)
        renewed = replaced.names.keys() | replaced.functions.keys()
        gone = [
            str(code)
            for register, code in carried.code.items()
            if register not in renewed and is_kept(register) and not self._is_same(code)
        ]
        gone += [in_words(name) for register, name in self._missing.items() if is_kept(register)]
        return recipe, [*dict.fromkeys(gone)]

    def _is_same(self, code: Code) -> bool:
        if not code.is_class or "<" not in code.qualname or self._compared == _MOST:
            return False
        self._compared += 1
        return self._script.has_same_text(code)

    def _look_at_member(self, register: Ref, step: Member, owner: Ref) -> None:
        """Look for a member of a class, or a method of its object, in the class of today."""
        names = self._replaced.names
        if owner in names:
            cls = look_up(names[owner])
            current = evolve.current_member(cls, step.name) if isinstance(cls, type) else step.name
            found = member(cls, current) if isinstance(cls, type) else None
            if found is None:
                self._missing[register] = f"{names[owner].qualname}.{step.name}"
            else:
                names[register] = name_of(found, Name(names[owner].module, f"{names[owner].qualname}.{current}"))
            return
        origin = self._parts.origin(owner)
        cls = look_up(names[origin]) if origin is not None and origin in names else None
        if origin is None or not isinstance(cls, type) or member(cls, "__getattr__") is not None:
            return
        if member(cls, evolve.current_member(cls, step.name)) is None:
            self._replaced.methods[register] = (origin, step.name)
            self._missing[register] = f"{names[origin].qualname}.{step.name}"
