"""Steps of a recipe are replaced, and those that nothing needs any more are left out.

Only parts that a replaced one led to may be left out. A part that fills others is needed if one of them is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.parts import references
from appsnap.recipe.runs import Merged, Run, Same, Span
from appsnap.recipe.steps import Name, Operand, Recipe, Ref, make_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from appsnap.recipe.parts import Parts
    from appsnap.recipe.runs import Column
    from appsnap.recipe.steps import NameOrOperand, Step

__all__ = ["NewFunction", "Replaced", "rewritten"]

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


def rewritten(parts: Parts, replaced: Replaced) -> tuple[Recipe, Callable[[int], bool]]:
    """Return a recipe in which registers have another content, and a function that tells whether a register is kept.

    A register that becomes a name may be kept as well, for the sake of a member that the name has no more.
    """
    needed = _Needed(parts, replaced)
    writer = _Writer(parts, replaced, needed.names)
    for place, part in enumerate(parts.parts):
        if needed.is_kept(place):
            writer.write(place, part)
        elif (register := parts.starts[place]) in needed.names and type(part) in steps.MAKERS:
            writer.write_name(register)
    return writer.builder.finish(writer.operand(parts.root)), lambda register: needed.is_kept(parts.places[register])


def _state_of_function(parts: Parts, replaced: Replaced, place: int) -> list[tuple[Operand, Operand]] | None:
    """Return the items of the state that a part gives to a function with new code, or None for any other part.

    The global names are left out: those of the module are the new ones.
    """
    part: Any = parts.parts[place]
    if not parts.is_setter(place) or len(part.args) != 2 or part.names or part.args[0] not in replaced.functions:
        return None
    made = parts.step(part.args[1])
    if not isinstance(made, steps.Dict) or parts.names.get(part.function) != _FINISH:
        return None
    return [(key, x) for key, x in zip(made.keys, made.values, strict=True) if parts.plain(key) != "globals"]


class _Needed:
    """Which parts the new recipe needs, and which of the new names it uses, by register."""

    def __init__(self, parts: Parts, replaced: Replaced) -> None:
        self._parts = parts
        self._replaced = replaced
        self.names: set[int] = set()
        replacing = {*map(parts.places.__getitem__, replaced.names.keys() | replaced.functions.keys())}
        self._led_to = self._reached(replacing, lambda place: references(parts.parts[place]), None)
        root = [parts.root] if type(parts.root) is Ref else []
        self.names.update(register for register in root if register in replaced.names)
        first = {parts.places[register] for register in root if register not in replaced.names}
        for place in range(len(parts.parts)):
            if place not in self._led_to:
                first.update(map(parts.places.__getitem__, self._wanted(place)))
        self._kept = self._reached(first & self._led_to, self._wanted, self._led_to)

    def is_kept(self, place: int) -> bool:
        """Tell whether the new recipe has a part."""
        return place in self._kept or place not in self._led_to

    def _reached(
        self, first: Iterable[int], follow: Callable[[int], Iterable[int]], within: set[int] | None
    ) -> set[int]:
        """Return the parts that the first ones lead to, these included."""
        found: set[int] = set()
        waiting = [*first]
        while waiting:
            place = waiting.pop()
            if place not in found and (within is None or place in within):
                found.add(place)
                waiting += map(self._parts.places.__getitem__, follow(place))
                waiting += self._parts.fillers.get(place, ())
        return found

    def _wanted(self, place: int) -> Sequence[int]:
        """Return the registers, as they were, that a part of the new recipe needs."""
        parts, replaced = self._parts, self._replaced
        part: Any = parts.parts[place]
        found: Sequence[int] = references(part)
        own: list[Any] = []  # as they were, even if they have become names
        if type(part) not in _SPECIAL and replaced.names.keys().isdisjoint(found):
            return found
        if isinstance(part, steps.Member):
            if parts.starts[place] in replaced.methods:
                own = [replaced.methods[parts.starts[place]][0]]
            else:
                found, own = (), [*found]  # the class of today has no such member, or the member would be a name
        elif isinstance(part, steps.Call):
            state = _state_of_function(parts, replaced, place)
            if parts.starts[place] in replaced.functions:
                found = [operand for operand in part.args[2:] if type(operand) is Ref]
            elif state is not None:
                always: list[Any] = [part.args[0], part.function] if state else [part.args[0]]
                found = [*always, *(x for pair in state for x in pair if type(x) is Ref)]
            elif parts.is_setter(place):
                own = [part.args[0]]
                rest = (*part.args[1:], *part.values)
                found = [*(operand for operand in rest if type(operand) is Ref), part.function]
        elif type(part) is Run and part.step in steps.FILLERS:
            own, found = [*found[: part.length]], found[part.length :]
        elif type(part) in steps.FILLERS and type(part[0]) is Ref:
            own, found = [*found[:1]], found[1:]
        if replaced.names.keys().isdisjoint(found):
            return [*own, *found]
        self.names.update(register for register in found if register in replaced.names)
        return [*own, *(register for register in found if register not in replaced.names)]


class _Writer:
    """Writes the parts that are kept, with their operands of today."""

    def __init__(self, parts: Parts, replaced: Replaced, named: set[int]) -> None:
        self.builder = RecipeBuilder()
        self._parts = parts
        self._replaced = replaced
        self._named = named
        self._now: list[Any] = [None] * parts.starts[-1]  # by old register: the operand that stands for it
        self._old: dict[int, Ref] = {}  # those that are kept beside their new name
        self._keys: dict[int, tuple[Any, Any]] = {}  # by identity: keys, and those with the new prefixes
        self._plain: dict[int, Step] = {}  # by class: the step of its objects without arguments
        self._texts: dict[Any, NameOrOperand] = {}
        self._codes: dict[NewFunction, NameOrOperand] = {}

    def write(self, place: int, part: Step | Run) -> None:
        """Write a part."""
        register = self._parts.starts[place]
        cls = type(part)
        one: Any = part
        if cls is steps.State:
            self.builder.fill(make_step(cls, (self._own(one[0]), self._renamed(one[1]), self._column(one[2]))))
        elif cls is steps.List or cls is steps.Tuple:
            self._set(register, self.builder.make(make_step(cls, (self._column(one[0]),))))
        elif cls is Run:
            self._write_run(one, register)
        elif cls is Name:
            self._set(register, self.builder.register(one))
        elif cls is steps.Call and register in self._replaced.functions:
            self._set(register, self._new_function(one, self._replaced.functions[register]))
        elif cls is steps.Call and self._parts.is_setter(place):
            self._write_setter(one, place)
        elif cls is steps.Member:
            self._set(register, self._member(one, register))
        elif cls in steps.FILLERS:
            self.builder.fill(self._mapped(part))
        else:
            self._set(register, self.builder.make(self._shared(part)))

    def write_name(self, register: int) -> None:
        """Write the name that a register becomes."""
        self._now[register] = self.builder.register(self._replaced.names[register])

    def _set(self, register: int, ref: Ref) -> None:
        if register not in self._replaced.names:
            self._now[register] = ref
            return
        self._old[register] = ref
        if register in self._named:
            self.write_name(register)

    def operand(self, operand: Operand) -> Operand:
        """Return an operand of the new recipe."""
        return self._now[operand] if type(operand) is Ref else operand

    def _own(self, operand: Operand) -> Any:
        """Return the operand for a thing as it was, even if it has become a name."""
        return self._old.get(operand, self._now[operand]) if type(operand) is Ref else operand

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
        named = [self.operand(operand) for operand in step.values]
        ref = builder.make(steps.Call(function, [self._own(step.args[0]), *rest], step.names, named))
        self._set(self._parts.starts[place], ref)

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
            self._now[register : register + length] = map(Ref, range(first, first + length))

    def _column(self, column: Column) -> Column:
        if isinstance(column, Same):
            return Same(self.operand(column.operand), column.length)
        if isinstance(column, Merged):
            return Merged(column.order, [self._column(one) for one in column.columns])
        if isinstance(column, Span):
            items = self._now[column.first : column.first + column.length]
            first: Any = items[0] if items else 0
            return Span(first, len(items)) if items == [*range(first, first + len(items))] else items
        now = self._now
        return [now[x] if type(x) is Ref else x for x in column] if Ref in map(type, column) else column


def _with_prefix(key: Operand, prefixes: dict[str, str]) -> Operand:
    if type(key) is str and key.endswith(_VERSION):
        return next((new + key.removeprefix(old) for old, new in prefixes.items() if key.startswith(old)), key)
    return key


_MANY = frozenset({steps.Field.ITEMS, steps.Field.KEYS, steps.Field.VALUES})
_SPECIAL = frozenset({steps.Member, steps.Call, Run})
_NAMES_OF_RUNS: dict[type, int] = {steps.New: 1, steps.State: 1, steps.Dict: 0}
_VERSION = ".persistenceVersion"
