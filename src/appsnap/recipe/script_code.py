"""The code that a recipe carries for a script: its classes and functions by value, with their names and places."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.printable import as_word, shortened
from appsnap.recipe.steps import Call, Dict, Operand, Ref, Tuple

if TYPE_CHECKING:
    import types

    from appsnap.recipe.parts import Parts

__all__ = ["Carried", "Code", "in_words"]


class Code(NamedTuple):
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
        name = in_words(self.qualname) if self.qualname else "a function without a text"
        return f"{name}, line {self.line}" if self.line and "<" in self.qualname else name


class Carried:
    """The code that a recipe carries for a script. `code` has it by register.

    `names` are the names of its module, and `marks` the bare objects that are global names, each with its name.
    """

    def __init__(self, parts: Parts, module: types.ModuleType) -> None:
        self._parts = parts
        file = PurePath(str(module.__file__)).name.replace(":", "_")
        self._of_file = re.compile(rf"<{re.escape(file)}(?: [0-9]+)?>")
        self._calls = [*parts.calls()]
        self._modules = self._find_modules(str(module.__file__))
        names = [parts.plain(step.args[0]) for step in self._modules.values()]
        self.names = {name for name in names if type(name) is str}
        self._states = {
            step.args[0]: step.args[1]
            for place, step in enumerate(parts.parts)
            if isinstance(step, Call) and len(step.args) == 2 and parts.is_setter(place)
        }
        self._globals = self._find_globals()
        self.code: dict[Ref, Code] = {}
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
        seen: set[Operand] = set()  # each has names of its own: a file may have many calls with many names
        for _, name, step in self._calls:
            if name == "appsnap.code.names" and len(step.args) == 2 and step.args[0] in self._modules:
                owner, values = step.args
                pairs = {} if values in seen else self._parts.pairs(values)
                found.update({(owner, key): value for key, value in pairs.items()})
                seen.add(values)
        return found

    def _read(self, register: Ref, maker: str, step: Call) -> Code | None:
        """Return the code that a call makes, or None if it isn't the script's. The call may be malformed."""
        plain, args = self._parts.plain, step.args
        if maker == "appsnap.code.function" and len(args) >= 2 and args[1] in self._modules:
            return self._function(register, args)
        if maker == "appsnap.code.class_" and len(args) >= 7 and args[4] in self._modules:
            source, name, line = self._source(args[0]), plain(args[1]), plain(args[2])
            return Code(name, True, source, line) if type(name) is str and type(line) is int else None
        found: tuple[Any, Any] = (None, None)
        if maker in (f"{_SKELETONS}skeleton", f"{_SKELETONS}enumeration") and len(args) >= 7:
            found = self._of_namespace(args[6])
        elif maker == f"{_SKELETONS}cached" and args and args[0] in self.code:
            return Code(self.code[args[0]].qualname)  # type: ignore[index]  # a register
        elif maker == f"{_SKELETONS}row" and len(args) == 6:
            found = plain(args[4]), plain(args[5])
        elif maker == f"{_CLOUDPICKLE}_make_skeleton_class" and len(args) >= 4:
            found = self._of_namespace(args[3])[0], plain(args[1])
        elif maker == f"{_CLOUDPICKLE}_make_skeleton_enum" and len(args) >= 5:
            found = plain(args[4]), plain(args[2])
        elif maker == f"{_CLOUDPICKLE}_make_function":
            state = self._parts.step(self._states.get(register))
            found = self._of_namespace(state.items[1]) if isinstance(state, Tuple) and len(state.items) > 1 else found
            return Code(found[1]) if self._is_of_script(found[0]) and type(found[1]) is str else None
        return Code(found[1], True) if self._is_of_script(found[0]) and type(found[1]) is str else None

    def _find_dispatching(self) -> None:
        """Find the functions that `functools.singledispatch` made of functions of the script."""
        known = {*self.code}
        for register, maker, step in self._calls:
            if maker == f"{_SKELETONS}dispatching" and len(step.args) == 1:
                state = self._parts.step(self._states.get(register))
                chosen = self._parts.step(state.items[0]) if isinstance(state, Tuple) and state.items else None
                name = self._parts.plain(step.args[0])
                values = chosen.values[:_MOST] if isinstance(chosen, Dict) else ()
                if type(name) is str and not known.isdisjoint(value for value in values if type(value) is Ref):
                    self.code[register] = Code(name)

    def _of_namespace(self, operand: Operand) -> tuple[Any, Any]:
        pairs = self._parts.pairs(operand)
        return self._parts.plain(pairs.get("__module__")), self._parts.plain(pairs.get("__qualname__"))

    def _source(self, text: Operand) -> str:
        step = self._parts.step(text)
        source = self._parts.plain(step.args[0]) if isinstance(step, Call) and step.args else None
        return source if type(source) is str else ""

    def _function(self, register: Ref, args: Any) -> Code | None:
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
            return Code("")
        names = self._parts.step(args[2]) if len(args) > 2 else None
        free = tuple(map(plain, names.items[:_MOST])) if isinstance(names, Tuple) else ()
        public = self._globals.get((args[1], qualname), register)
        return Code(qualname, False, source, line, at, which, free, public != register)


_LONGEST = 100
_MOST = 100
"""The items that are looked at in a list that a file may use many times."""

_SKELETONS = "appsnap.code.skeletons."
_CLOUDPICKLE = "cloudpickle.cloudpickle."


def in_words(name: str) -> str:
    """Return a name from a file for a line of ours."""
    return as_word(shortened(name, _LONGEST))
