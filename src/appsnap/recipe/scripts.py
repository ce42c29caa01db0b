"""The code of a script that was run again takes the place of the code that a recipe carries for it.

A recipe carries the classes and functions of a script by value. `with_script` makes names of those that the script
still has, so that the objects of the recipe get the classes of today. A function that no name leads to, as a closure,
gets today's code at its *place*: its qualified name in the text of the script. The text of the recipe isn't compiled,
nothing is imported, and no code is run.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import evolve
from appsnap.code.texts import VERSION, text_of
from appsnap.recipe.replacing import NewFunction, Parts, Replaced, rewritten
from appsnap.recipe.runs import Run
from appsnap.recipe.steps import Call, Dict, Member, Name, Operand, Recipe, Ref, Tuple

if TYPE_CHECKING:
    from appsnap.code.texts import Place

__all__ = ["with_script"]


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
    carried = _Carried(parts, module)
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


class _Code(NamedTuple):
    """A class or function by value.

    `source` is the text that it comes from, and `line` its first line there. Of a function, `at` is the qualified name
    of its code, `which` its place among those of that line, and `free` its free variables. `hidden` is true if its
    module has something else under its name.
    """

    qualname: str
    is_class: bool = False
    source: str = ""
    line: int = 0
    at: str = ""
    which: tuple[Any, ...] = ()
    free: tuple[Any, ...] = ()
    hidden: bool = False

    def __str__(self) -> str:
        return f"{self.qualname}, line {self.line}" if self.line and "<" in self.qualname else self.qualname


# In the recipe


class _Carried:
    """The code that a recipe carries for a script. `code` has it by register.

    `names` are the names of its module, and `marks` the bare objects that are global names, each with its name.
    """

    def __init__(self, parts: Parts, module: types.ModuleType) -> None:
        self._parts = parts
        self._of_file = re.compile(rf"<{re.escape(PurePath(str(module.__file__)).name)}(?: [0-9]+)?>")
        self._calls = [*parts.calls()]
        self._modules = self._find_modules(str(module.__file__))
        self.names = {parts.plain(step.args[0]) for _, step in self._modules.items()}
        self._states = {
            step.args[0]: step.args[1]
            for place, step in enumerate(parts.parts)
            if isinstance(step, Call) and len(step.args) == 2 and parts.is_setter(place)
        }
        self._globals = self._find_globals()
        self.code: dict[Ref, _Code] = {}
        for register, name, step in self._calls:
            found = self._read(register, name, step)
            if found is not None:
                self.code[register] = found
        self._find_dispatching()
        self.marks = {
            value: key for (_, key), value in self._globals.items() if self._maker(value) == f"{_SKELETONS}sentinel"
        }

    def _maker(self, operand: Operand) -> str:
        """Return the name of the function that made something, or an empty text."""
        step = self._parts.step(operand)
        name = self._parts.names.get(step.function) if isinstance(step, Call) else None
        return "" if name is None else name.dotted

    def _find_modules(self, file: str) -> dict[Ref, Call]:
        """Return the modules of the script, by register."""
        plain = self._parts.plain
        all_ = {register: step for register, name, step in self._calls if name == "appsnap.code.module" and step.args}
        of_file = {register: step for register, step in all_.items() if [*map(plain, step.args[1:2])] == [file]}
        return of_file or {register: step for register, step in all_.items() if self._is_name(plain(step.args[0]))}

    def _is_name(self, name: Any) -> bool:
        return type(name) is str and self._of_file.fullmatch(name) is not None

    def _is_of_script(self, module: Any) -> bool:
        return module in self.names if self.names else self._is_name(module)

    def _find_globals(self) -> dict[tuple[Operand, str], Operand]:
        """Return the global names of the modules, as far as the code uses them."""
        found = {}
        for _, name, step in self._calls:
            if name == "appsnap.code.names" and len(step.args) == 2 and step.args[0] in self._modules:
                found.update({(step.args[0], key): value for key, value in self._parts.pairs(step.args[1]).items()})
        return found

    def _read(self, register: Ref, maker: str, step: Call) -> _Code | None:
        """Return the code that a call makes, or None if it isn't the script's. The call may be malformed."""
        plain, args = self._parts.plain, step.args
        if maker == "appsnap.code.function" and len(args) >= 2 and args[1] in self._modules:
            return self._function(register, args)
        if maker == "appsnap.code.class_" and len(args) >= 7 and args[4] in self._modules:
            source, name, line = self._source(args[0]), plain(args[1]), plain(args[2])
            return _Code(name, True, source, line) if type(name) is str and type(line) is int else None
        found: tuple[Any, Any] = (None, None)
        if maker in (f"{_SKELETONS}skeleton", f"{_SKELETONS}enumeration") and len(args) >= 7:
            found = self._of_namespace(args[6])
        elif maker == f"{_SKELETONS}cached" and args and args[0] in self.code:
            return _Code(self.code[args[0]].qualname)  # type: ignore[index]  # a register
        elif maker == f"{_SKELETONS}row" and len(args) == 6:
            found = plain(args[4]), plain(args[5])
        elif maker == f"{_CLOUDPICKLE}_make_skeleton_class" and len(args) >= 4:
            found = self._of_namespace(args[3])[0], plain(args[1])
        elif maker == f"{_CLOUDPICKLE}_make_skeleton_enum" and len(args) >= 5:
            found = plain(args[4]), plain(args[2])
        elif maker == f"{_CLOUDPICKLE}_make_function":
            state = self._parts.step(self._states.get(register))
            found = self._of_namespace(state.items[1]) if isinstance(state, Tuple) and len(state.items) > 1 else found
            return _Code(found[1]) if self._is_of_script(found[0]) and type(found[1]) is str else None
        return _Code(found[1], True) if self._is_of_script(found[0]) and type(found[1]) is str else None

    def _find_dispatching(self) -> None:
        """Find the functions that `functools.singledispatch` made of functions of the script."""
        for register, maker, step in self._calls:
            if maker == f"{_SKELETONS}dispatching" and len(step.args) == 1:
                state = self._parts.step(self._states.get(register))
                chosen = self._parts.step(state.items[0]) if isinstance(state, Tuple) and state.items else None
                name = self._parts.plain(step.args[0])
                if isinstance(chosen, Dict) and not self.code.keys().isdisjoint(chosen.values) and type(name) is str:
                    self.code[register] = _Code(name)

    def _of_namespace(self, operand: Operand) -> tuple[Any, Any]:
        pairs = self._parts.pairs(operand)
        return self._parts.plain(pairs.get("__module__")), self._parts.plain(pairs.get("__qualname__"))

    def _source(self, text: Operand) -> str:
        step = self._parts.step(text)
        source = self._parts.plain(step.args[0]) if isinstance(step, Call) and step.args else None
        return source if type(source) is str else ""

    def _function(self, register: Ref, args: Any) -> _Code | None:
        plain = self._parts.plain
        fields = self._parts.pairs(self._parts.pairs(self._states.get(register)).get("fields"))
        qualname = plain(fields.get("__qualname__"))
        made = self._parts.step(args[0])
        source, line, at, which = "", 0, "", ()
        if self._maker(args[0]) == "appsnap.code.compiled" and len(made.args) >= 3 and type(made.args[2]) is int:
            source, line, which = self._source(made.args[0]), made.args[2], tuple(made.args[3:])
            at = str(plain(made.args[1]))
            qualname = at if qualname is None else qualname
        if type(qualname) is not str:
            return _Code("a function without a text")
        names = self._parts.step(args[2]) if len(args) > 2 else None
        free = tuple(map(plain, names.items)) if isinstance(names, Tuple) else ()
        public = self._globals.get((args[1], qualname), register)
        return _Code(qualname, False, source, line, at, which, free, public != register)


_SKELETONS = "appsnap.code.skeletons."
_CLOUDPICKLE = "cloudpickle.cloudpickle."


# In the script


class _Script:
    """The classes and functions of a script as it was run now."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module = module
        self._text = text_of(module)
        self._known: dict[_Code, Name | NewFunction | None] = {}
        self._lines: dict[str, list[str]] = {}

    def find(self, code: _Code) -> Name | NewFunction | None:
        """Return the name of the class or function of today, or its code, or None if it is gone."""
        # A recipe may have very many functions of one code, and one text.
        if code not in self._known:
            self._known[code] = self._find(code)
        return self._known[code]

    def _find(self, code: _Code) -> Name | NewFunction | None:
        old = Name(self.module.__name__, code.qualname)
        name = Name(*evolve.current_name(*old))
        named = "<" not in name.qualname and not (code.hidden and name == old)
        found = look_up(name) if named else None
        if code.is_class:
            return name_of(found, name) if isinstance(found, type) else None
        if callable(found) and (name != old or getattr(found, "__qualname__", "") == name.qualname):
            return name_of(found, name)
        new = self._new_function(code)
        if new is None and isinstance(found, (types.FunctionType, type)):
            return name_of(found, name)  # of another name, or without one
        return new

    def has_same_text(self, code: _Code) -> bool:
        """Tell whether the text has the lines of a class, at any place."""
        block = _block(self._lines_of(code.source), code.line)
        lines = [] if self._text is None else self._lines_of(self._text.source)
        return any(lines[at : at + len(block)] == block for at, line in enumerate(lines) if line == block[0])

    def _lines_of(self, source: str) -> list[str]:
        if source not in self._lines:
            self._lines[source] = source.split("\n")
        return self._lines[source]

    def _new_function(self, code: _Code) -> NewFunction | None:
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

    def _place(self, code: _Code) -> Place | None:
        """Return the place of a function's code of today: it may need no other free variables than the function has.

        One of several functions of this name, and a lambda, has to stand in the same line as before.
        """
        assert self._text is not None
        found = {}
        for (qualname, _), same in self._text.codes.items():
            for one in same if qualname == code.at else ():
                if one.co_flags & inspect.CO_OPTIMIZED and {*one.co_freevars} <= {*code.free}:
                    found[self._text.place_of(one)] = one
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
    """Return the object of a name in a module that was imported, or None."""
    found: Any = sys.modules.get(name.module)
    for part in filter(None, name.qualname.split(".")):
        found = getattr(found, part, None)
    return found


def name_of(found: Any, name: Name) -> Name:
    """Return the name that a thing is saved by, which may be another one than that by which it was found."""
    module, qualname = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
    if type(module) is str and type(qualname) is str and "<" not in qualname:
        own = Name(module, qualname)
        if look_up(own) is found:
            return own
    return name


# The new recipe


class _Renewal:
    """Makes the new recipe."""

    def __init__(self, parts: Parts, carried: _Carried, script: _Script) -> None:
        self._parts = parts
        self._carried = carried
        self._script = script
        name = script.module.__name__
        self._replaced = Replaced(prefixes={f"{old}.": f"{name}." for old in carried.names - {name}})
        self._missing: dict[Ref, str] = {}  # by register of a member

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
        gone += [name for register, name in self._missing.items() if is_kept(register)]
        return recipe, [*dict.fromkeys(gone)]

    def _is_same(self, code: _Code) -> bool:
        return code.is_class and "<" in code.qualname and self._script.has_same_text(code)

    def _look_at_member(self, register: Ref, step: Member, owner: Ref) -> None:
        """Look for a member of a class, or a method of its object, in the class of today."""
        names = self._replaced.names
        if owner in names:
            name = names[owner]
            cls = look_up(name)
            member = evolve.current_member(cls, step.name) if isinstance(cls, type) else step.name
            if hasattr(cls, member):
                own = Name(name.module, f"{name.qualname}.{member}")
                names[register] = name_of(getattr(cls, member), own)
            else:
                self._missing[register] = f"{name.qualname}.{step.name}"
            return
        origin = self._parts.origin(owner)
        if origin is None or origin not in names:
            return
        cls = look_up(names[origin])
        if not isinstance(cls, type) or any("__getattr__" in vars(base) for base in cls.__mro__):
            return
        if not hasattr(cls, evolve.current_member(cls, step.name)):
            self._replaced.methods[register] = (origin, step.name)
            self._missing[register] = f"{names[origin].qualname}.{step.name}"
