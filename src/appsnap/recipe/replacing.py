"""Steps of a recipe are replaced, and those that nothing needs any more are left out.

A *part* is a step or a run. A part that fills something is needed if its target is. A call counts as one of these if
nothing uses its result and its first argument was made before: it gives that its state. Parts that nothing needed in
the old recipe stay, for nobody knows what they are for.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.runs import Merged, Run, Same, Span, registers_of
from appsnap.recipe.steps import Name, Operand, Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from appsnap.recipe.runs import Column
    from appsnap.recipe.steps import NameOrOperand, Step

__all__ = ["NewFunction", "Parts", "Replaced", "rewritten"]

_FINISH = Name("appsnap.code", "finish_function")
_METHOD = Name("types", "MethodType")


class NewFunction(NamedTuple):
    """The new code of a call of `appsnap.code.function`: two calls, each with its arguments, and the module.

    The result of the first call, a text, is the first argument of the second one.
    """

    text: tuple[Name, tuple[NameOrOperand, ...]]
    code: tuple[Name, tuple[NameOrOperand, ...]]
    module: Name


@dataclass(slots=True)
class Replaced:
    """The registers that get another content.

    `names` has those that become a name, `functions` those that get other code. `methods` has bound methods, each with
    the register of the class that still has the method, and its name there. `prefixes` has those of the keys that tell
    the version of a class, each with the new one.
    """

    names: dict[int, Name] = field(default_factory=dict)
    functions: dict[int, NewFunction] = field(default_factory=dict)
    methods: dict[int, tuple[Ref, str]] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)


class Parts:
    """The parts of a recipe, and what refers to what. `names` has the names, by register."""

    def __init__(self, recipe: Recipe) -> None:
        self.root = recipe.root
        self.parts = recipe.compact
        self.starts = array("q", [0])  # by part: the next register before it
        self.names: dict[int, Name] = {}
        self._pairs: dict[Operand, dict[Any, Operand]] = {}
        for part in self.parts:
            register = self.starts[-1]
            if isinstance(part, Name):
                self.names[register] = part
            self.starts.append(register + registers_of(part))

    def place(self, register: int) -> int:
        """Return the number of the part that makes a register."""
        return bisect.bisect_right(self.starts, register) - 1

    def step(self, operand: Operand) -> Any:
        """Return the step that makes the register of an operand, or None for an atom."""
        if type(operand) is not Ref:
            return None
        place = self.place(operand)
        part = self.parts[place]
        if isinstance(part, Run):
            return next(itertools.islice(part.expanded(), operand - self.starts[place], None))
        return part

    def origin(self, register: Ref) -> Ref | None:
        """Return the register of the class or function that made a register."""
        part: Any = self.parts[self.place(register)]
        if isinstance(part, Run):
            return part.fields[0] if part.step in (steps.New, steps.Call) else None
        return part[0] if isinstance(part, (steps.New, steps.Call)) else None

    def plain(self, operand: Operand) -> Any:
        """Return an atom or a long text, or None for anything else."""
        if type(operand) is not Ref:
            return operand
        made = self.step(operand)
        return made.value if isinstance(made, steps.Value) and type(made.value) is str else None

    def pairs(self, operand: Operand) -> dict[Any, Operand]:
        """Return the items of a dictionary with plain keys, or nothing for anything else."""
        if type(operand) is not Ref:
            return {}
        if operand not in self._pairs:
            made = self.step(operand)
            pairs = zip(made.keys, made.values, strict=True) if isinstance(made, steps.Dict) else ()
            self._pairs[operand] = {self.plain(key): value for key, value in pairs}
        return self._pairs[operand]

    def calls(self) -> Iterator[tuple[Ref, str, steps.Call]]:
        """Yield the calls of functions with a name: the register, the name, and the step."""
        for place, part in enumerate(self.parts):
            if isinstance(part, steps.Call) and part.function in self.names:
                yield Ref(self.starts[place]), self.names[part.function].dotted, part

    @functools.cached_property
    def used(self) -> bytearray:
        """For each register, whether something refers to it."""
        used = bytearray(self.starts[-1])
        for part in self.parts:
            for register in _references(part):
                used[register] = True
        if type(self.root) is Ref:
            used[self.root] = True
        return used

    def is_setter(self, place: int) -> bool:
        """Tell whether a part is a call that gives its first argument a state."""
        part = self.parts[place]
        if not isinstance(part, steps.Call) or not part.args or self.used[self.starts[place]]:
            return False
        return type(part.args[0]) is Ref and part.args[0] not in self.names

    def targets(self, place: int) -> Iterable[int]:
        """Return the numbers of the parts that a part fills."""
        part: Any = self.parts[place]
        if isinstance(part, Run):
            if part.step not in steps.FILLERS:
                return ()
            first = part.fields[0]
            return range(self.place(first), self.place(first + part.length - 1) + 1)
        if type(part) in steps.FILLERS:
            return [self.place(part[0])] if type(part[0]) is Ref else ()
        return [self.place(part.args[0])] if self.is_setter(place) else ()


def _references(part: Step | Run) -> Iterator[int]:
    """Yield the registers that a part refers to."""
    if not isinstance(part, Run):
        yield from (operand for operand in steps.operands(part) if type(operand) is Ref)
        return
    if part.step in steps.FILLERS:
        yield from range(part.fields[0], part.fields[0] + part.length)
    elif part.step in (steps.New, steps.Call):
        yield part.fields[0]
    for column in part.columns if part.step is not steps.Value else ():
        yield from _of_column(column)


def _of_column(column: Column) -> Iterator[int]:
    if isinstance(column, Merged):
        for one in column.columns:
            yield from _of_column(one)
    elif isinstance(column, Span):
        yield from range(column.first, column.first + column.length)
    elif isinstance(column, Same):
        yield from [column.operand] if type(column.operand) is Ref else ()
    else:
        yield from (operand for operand in column if type(operand) is Ref)


def rewritten(parts: Parts, replaced: Replaced) -> tuple[Recipe, Callable[[int], bool]]:
    """Return a recipe in which registers have another content, and a function that tells whether a register is kept.

    A register that becomes a name may be kept as well, for the sake of a member that the name has no more.
    """
    kept = _Needed(parts, replaced).kept()
    writer = _Writer(parts, replaced)
    for place, part in enumerate(parts.parts):
        if kept[place]:
            writer.write(place, part)
    root = writer.operand(parts.root)
    return writer.builder.finish(root), lambda register: bool(kept[parts.place(register)])


def _state_of_function(parts: Parts, replaced: Replaced, place: int) -> list[tuple[Operand, Operand]] | None:
    """Return the items of the state that a part gives to a function with new code, or None for any other part.

    The global names are left out: those of the module are the new ones.
    """
    part: Any = parts.parts[place]
    if not parts.is_setter(place) or len(part.args) != 2 or part.args[0] not in replaced.functions:
        return None
    made = parts.step(part.args[1])
    if not isinstance(made, steps.Dict) or parts.names.get(part.function) != _FINISH:
        return None
    return [(key, x) for key, x in zip(made.keys, made.values, strict=True) if parts.plain(key) != "globals"]


class _Needed:
    """Which parts are needed: those that the root leads to, and those that nothing needed before."""

    def __init__(self, parts: Parts, replaced: Replaced) -> None:
        self._parts = parts
        self._replaced = replaced
        self._fillers: dict[int, list[int]] = {}  # by the number of the part that is filled
        for place in range(len(parts.parts)):
            for target in parts.targets(place):
                self._fillers.setdefault(target, []).append(place)

    def kept(self) -> bytearray:
        """Return, for each part, whether the new recipe has it."""
        parts = self._parts
        root = [] if type(parts.root) is not Ref else [parts.root]
        before = self._reached(map(parts.place, root), lambda place: _references(parts.parts[place]))
        others = [place for place, reached in enumerate(before) if not reached]
        lasting = [register for register in root if register not in self._replaced.names]
        return self._reached([*map(parts.place, lasting), *others], self._wanted)

    def _reached(self, first: Iterable[int], follow: Callable[[int], Iterable[int]]) -> bytearray:
        found = bytearray(len(self._parts.parts))
        waiting = [*first]
        while waiting:
            place = waiting.pop()
            if not found[place]:
                found[place] = True
                waiting += {*map(self._parts.place, follow(place))}
                waiting += self._fillers.get(place, ())
        return found

    def _wanted(self, place: int) -> Iterator[int]:
        """Yield the registers, as they were, that a part of the new recipe needs."""
        parts, replaced = self._parts, self._replaced
        part: Any = parts.parts[place]
        found: Iterable[int] = _references(part)
        if isinstance(part, steps.Member):
            if parts.starts[place] in replaced.methods:
                yield replaced.methods[parts.starts[place]][0]
            elif type(part.owner) is Ref:
                yield part.owner  # as it was: that of today has no such member, or the member would be a name
        elif isinstance(part, steps.Call):
            if parts.starts[place] in replaced.functions:
                found = (operand for operand in part.args[2:] if type(operand) is Ref)
            else:
                state = _state_of_function(parts, replaced, place)
                if state is not None:
                    always: list[Any] = [part.args[0], part.function] if state else [part.args[0]]
                    found = [*always, *(x for pair in state for x in pair if type(x) is Ref)]
        yield from (register for register in found if register not in replaced.names)


class _Writer:
    """Writes the parts that are kept, with their operands of today."""

    def __init__(self, parts: Parts, replaced: Replaced) -> None:
        self.builder = RecipeBuilder()
        self._parts = parts
        self._replaced = replaced
        self._made = array("q", [-1]) * parts.starts[-1]  # by old register: the new one of its part
        self._keys: dict[int, tuple[Any, Any]] = {}  # by identity: keys, and those with the new prefixes
        self._plain: dict[int, Step] = {}  # by class: the step of its objects without arguments
        self._texts: dict[Any, NameOrOperand] = {}
        self._codes: dict[NewFunction, NameOrOperand] = {}

    def write(self, place: int, part: Step | Run) -> None:
        """Write a part."""
        register = self._parts.starts[place]
        replaced = self._replaced
        if isinstance(part, Run):
            self._write_run(part, register)
        elif isinstance(part, Name):
            self._made[register] = self.builder.register(part)
        elif isinstance(part, steps.Call) and register in replaced.functions:
            self._made[register] = self._new_function(part, replaced.functions[register])
        elif isinstance(part, steps.Call) and self._parts.is_setter(place):
            self._write_setter(part, place)
        elif isinstance(part, steps.Member):
            self._made[register] = self._member(part, register)
        elif type(part) in steps.FILLERS:
            self.builder.fill(self._mapped(part))
        else:
            self._made[register] = self.builder.make(self._shared(part))

    def operand(self, operand: Operand) -> Operand:
        """Return an operand of the new recipe."""
        if type(operand) is not Ref:
            return operand
        name = self._replaced.names.get(operand)
        return Ref(self._made[operand]) if name is None else self.builder.operand(name)

    def _own(self, operand: Operand) -> Any:
        """Return the operand for a thing as it was, even if it has become a name."""
        return Ref(self._made[operand]) if type(operand) is Ref else operand

    def _new_function(self, step: steps.Call, new: NewFunction) -> Ref:
        builder = self.builder
        if new.text not in self._texts:
            self._texts[new.text] = builder.call(*new.text)
        if new not in self._codes:
            function, args = new.code
            self._codes[new] = builder.call(function, (self._texts[new.text], *args))
        made = self._codes[new]
        rest = [self.operand(operand) for operand in step.args[2:]]
        return builder.register(builder.call(self._parts.names[step.function], [made, new.module, *rest]))

    def _write_setter(self, step: steps.Call, place: int) -> None:
        builder = self.builder
        state = _state_of_function(self._parts, self._replaced, place)
        if state is None:
            rest = [self.operand(operand) for operand in step.args[1:]]
        elif not state:
            return
        else:
            keys, values = zip(*state, strict=True)
            rest = [builder.dictionary([*map(self.operand, keys)], [*map(self.operand, values)])]
        function: Any = self.operand(step.function)
        self._made[self._parts.starts[place]] = builder.make(steps.Call(function, [self._own(step.args[0]), *rest]))

    def _member(self, step: steps.Member, register: int) -> Ref:
        builder = self.builder
        if register in self._replaced.methods:
            cls, name = self._replaced.methods[register]
            function = builder.make(steps.Member(self._own(cls), name))
            return builder.register(builder.call(_METHOD, [function, self.operand(step.owner)]))
        return builder.make(steps.Member(self._own(step.owner), step.name))

    def _shared(self, step: Any) -> Any:
        if type(step) is not steps.New or step.args or step.values:
            return self._mapped(step)
        cls = step.cls
        if cls not in self._plain:
            self._plain[cls] = self._mapped(step)
        return self._plain[cls]

    def _mapped(self, step: Any) -> Any:
        """Return a step with the operands of today. The target of a filling is the thing itself."""
        fields = zip(step, steps.FIELDS[type(step)], strict=True)
        return type(step)(*[self._field(value, sort) for value, sort in fields])

    def _field(self, value: Any, sort: steps.Field) -> Any:
        if sort is steps.Field.TARGET:
            return self._own(value)
        if sort in (steps.Field.ORIGIN, steps.Field.OPERAND):
            return self.operand(value)
        if sort in (steps.Field.KEYS, steps.Field.NAMES):
            value = self._renamed(value)
        return self._column(value) if sort in _MANY else value

    def _renamed(self, keys: Sequence[Operand]) -> Sequence[Operand]:
        """Return keys in which the names of versions are those of today."""
        prefixes = self._replaced.prefixes
        if not prefixes:
            return keys
        if id(keys) not in self._keys:
            new = tuple(_with_prefix(key, prefixes) for key in keys)
            self._keys[id(keys)] = keys, keys if new == tuple(keys) else new
        return self._keys[id(keys)][1]  # type: ignore[no-any-return]  # keys

    def _write_run(self, run: Run, register: int) -> None:
        sort, length, fields = run
        new = [*fields]
        if sort in (steps.New, steps.Call):
            new[0] = self.operand(fields[0])
        elif sort in steps.FILLERS:
            new[0] = self._own(Ref(fields[0]))
        if sort in _NAMES_OF_RUNS:
            new[_NAMES_OF_RUNS[sort]] = self._renamed(fields[_NAMES_OF_RUNS[sort]])
        if sort is not steps.Value:
            own = fields[-1]
            new[-1] = tuple(map(self._column, own)) if type(own) is tuple else self._column(own)
        made = Run(sort, length, tuple(new))
        if sort in steps.FILLERS:
            self.builder.fill(made)
        else:
            first = self.builder.make_run(made)
            self._made[register : register + length] = array("q", range(first, first + length))

    def _column(self, column: Column) -> Column:
        if isinstance(column, Same):
            return Same(self.operand(column.operand), column.length)
        if isinstance(column, Merged):
            return Merged(column.order, [self._column(one) for one in column.columns])
        if isinstance(column, Span):
            items = [*map(self.operand, column)]
            first: Any = items[0] if items else 0
            return Span(first, len(items)) if items == [*range(first, first + len(items))] else items
        return [*map(self.operand, column)] if Ref in map(type, column) else column


def _with_prefix(key: Operand, prefixes: dict[str, str]) -> Operand:
    if type(key) is str and key.endswith(_VERSION):
        return next((new + key.removeprefix(old) for old, new in prefixes.items() if key.startswith(old)), key)
    return key


_MANY = frozenset({steps.Field.ITEMS, steps.Field.KEYS, steps.Field.VALUES})
_NAMES_OF_RUNS: dict[type, int] = {steps.New: 1, steps.State: 1, steps.Dict: 0}
_VERSION = ".persistenceVersion"
