"""The survey: one look at all steps of a recipe, before anything is imported.

It finds the names that the recipe wants, and the *faults*: the steps that no trust in names allows. Some faults depend
on a class, which only the build imports: a state may have a key `__dict__` if the class has a `__setstate__`.

A register is *coded* if a name that carries code made it, or if it was made of a coded register. Trust in those names
is trust in code. So a coded class or function makes objects without a name of its own.
"""

from __future__ import annotations

import bisect
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import evolve
from appsnap.printable import shortened
from appsnap.recipe import steps, values
from appsnap.recipe.runs import OF_STATES, Merged, Run, Same, Span, slots_of
from appsnap.recipe.spellings import CALLED
from appsnap.recipe.steps import Operand, Recipe, Ref
from appsnap.recipe.trust.attributes import ANNOTATIONS, ODD_KEY, OWN_KEY, is_odd, is_own, only_names
from appsnap.recipe.trust.filling import FILLED_BY
from appsnap.recipe.trust.names import carries_code, is_pythons, value_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from appsnap.effects import Effect
    from appsnap.recipe.runs import Column

__all__ = ["Survey"]

_USE: dict[type, str] = {steps.New: "create", steps.Call: "call"}
_NOTHING: frozenset[type] = frozenset()
_PARTIAL = "functools.partial"


class _Keys(NamedTuple):
    """The findings about the keys of a dictionary: the reasons to refuse them as attributes, and "any annotations?"."""

    reasons: tuple[str, ...] = ()
    annotated: bool = False


_PLAIN = _Keys()


@dataclass
class Survey:
    """The findings about one recipe.

    `uses` has each name and use, with the register whose path is shown for it. `faults` has each reason, with the name
    of the class that it depends on or an empty text, and the first register with it. `coded` has the registers that are
    trusted as code. `partials` has each partial that the recipe makes, with the functions that it got since its last
    call. `annotated` has the registers of states with annotations. `renamed` has the name of today for each name.
    `effects` has the effects of building, each with the first register that has it.
    """

    recipe: Recipe
    uses: dict[tuple[steps.Name, str], Ref] = field(default_factory=dict)
    faults: dict[tuple[str, str], Operand] = field(default_factory=dict)
    coded: set[int] = field(default_factory=set)
    partials: dict[int, list[Operand]] = field(default_factory=dict)
    annotated: set[int] = field(default_factory=set)
    renamed: dict[steps.Name, steps.Name] = field(default_factory=dict)
    effects: dict[Effect, Ref] = field(default_factory=dict)
    _names: dict[int, steps.Name] = field(default_factory=dict)  # by register
    _registers: list[int] = field(default_factory=list)  # those of names
    _runs: dict[int, Run] = field(default_factory=dict)  # of tuples and dictionaries, by their first register
    _constructors: dict[int, values.Constructor] = field(default_factory=dict)  # by register of a name
    _makers: dict[int, int] = field(default_factory=dict)  # by register: that of the class or function that made it
    _annotations: list[tuple[Operand, Ref]] = field(default_factory=list)  # each with the object that has them
    _keys: dict[int, _Keys] = field(default_factory=dict)  # by register of a dictionary
    _made: list[Any] = field(default_factory=list)  # by register: its step, once `_content` needs it
    _folders: int = 0  # in the paths that were looked up
    _filled: dict[int, list[Any]] = field(default_factory=dict)  # by register: the steps that fill it

    def __post_init__(self) -> None:
        self._follow()
        seen: set[int] = set()
        for operand, owner in self._annotations:
            if not self._only_names(operand, seen):
                self._fault("has annotations that are more than names, and that Python would run", owner)
                break

    def _fault(self, reason: str, place: Operand, depends_on: str = "") -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.setdefault((reason, depends_on), place)

    def _follow(self) -> None:
        uses, names, constructors, makers = self.uses, self._names, self._constructors, self._makers
        used: set[int] = set()  # registers that some step refers to, at least those of names
        fillable: list[frozenset[type]] = []  # by register: the steps that may fill it
        harmless: set[int] = set()  # identities of sequences of names of attributes, none of them Python's own
        plain: set[int] = set()  # identities of sequences of keys, none of them a name
        nameless = names.keys().isdisjoint  # of the names so far, each time
        creations: dict[int, Any] = {}  # by identity: steps without arguments, which many objects may share
        step: Any
        for step in self._one_by_one(used, fillable, harmless):
            cls = type(step)
            # The most frequent steps come first, in the form that wants nothing. An integer may equal the number of a
            # register: then the step takes the long way, with the same result.
            if cls is steps.State:
                if cls in fillable[step[0]] and id(step[1]) in harmless and nameless(step[2]):
                    continue
            elif cls is steps.List or cls is steps.Tuple:
                if nameless(step[0]):
                    fillable.append(FILLED_BY.get(cls, _NOTHING))
                    continue
            elif cls is steps.Dict:
                keys = id(step[0])
                if keys not in plain and nameless(step[0]):
                    plain.add(keys)
                if keys in plain and nameless(step[1]):
                    fillable.append(FILLED_BY[cls])
                    continue
            elif cls is steps.New and id(step) in creations:
                makers[len(fillable)] = step[0]
                fillable.append(steps.FILLERS)
                continue
            elif cls is steps.New and not step[1] and not step[3]:
                known = names.get(step[0])
                if known is not None and step[0] in used and (known, "create") in uses:
                    makers[len(fillable)] = step[0]
                    fillable.append(steps.FILLERS)
                    continue
            register = Ref(len(fillable))
            if cls is steps.Member:
                method = self._method(step, register)
                if method is not None:
                    uses.setdefault((method, "reference"), register)
                    used.add(step.owner)
            else:
                use = _USE.get(cls, "reference")
                for index, operand in enumerate(steps.operands(step)):
                    if type(operand) is Ref and operand in names:
                        used.add(operand)
                        made = index == 0 and use != "reference"
                        uses.setdefault((names[operand], use if made else "reference"), register if made else operand)
            if cls in steps.FILLERS:
                target = step[0]
                if type(target) is not Ref or cls not in fillable[target]:
                    self._fault("is filled, but this file didn't make it", target)
                elif cls is steps.State and self._is_harmless(step):
                    harmless.add(id(step.names))
                elif cls is steps.SetState:
                    self._look_at_state(step)
                continue
            filled_by = FILLED_BY.get(cls, _NOTHING)
            if cls is steps.Name:
                # The audit is about the class that is loaded, not about its name in former times.
                self._registers.append(register)
                name = names[register] = self.renamed[step] = steps.Name(*evolve.current_name(*step))
                if name == CALLED:
                    self._fault(f"is {name.dotted}, which calls anything", register)
                constructor = values.constructor(value_name(name))
                if constructor is not None:
                    constructors[register] = constructor
            elif cls in _USE:
                makers[register] = step[0]
                self._look_at_maker(step, register)
                if cls is steps.New and not step[1] and not step[3] and step[0] in names:
                    creations[id(step)] = step  # it lives as long as its identity is known
                if cls is steps.Call and step[0] in constructors:
                    filled_by = constructors[step[0]].value_type.filled_by
                    if constructors[step[0]].value_type.effects is not None:
                        self._look_at_effects(step, register)
            fillable.append(filled_by)
        root = self.recipe.root
        if type(root) is Ref and root in names:
            uses.setdefault((names[root], "reference"), root)
        for unused in sorted(names.keys() - used):
            # It would be imported all the same.
            uses.setdefault((names[unused], "reference"), Ref(unused))
        for use in ("reference", *_USE.values()):
            uses.pop((CALLED, use), None)  # nobody can grant it

    def _one_by_one(self, used: set[int], fillable: list[frozenset[type]], harmless: set[int]) -> Iterator[steps.Step]:
        """Yield the steps that need a look, each for itself. Runs that want nothing are followed here."""
        step: Any
        for step in self.recipe.compact:
            if type(step) is not Run:
                yield step
                continue
            sort, length, fields = step
            start = len(fillable)
            if sort in _USE:
                left = iter(step.expanded())
                if not self._is_used(step, used):
                    yield next(left)  # the use of the name is that of the first object
                if not self._is_used(step, used):
                    yield from left
                    continue
                length -= len(fillable) - start
                self._makers.update(dict.fromkeys(range(len(fillable), len(fillable) + length), fields[0]))
                fillable += [self._filled_by(step)] * length
            elif sort in steps.FILLERS:
                if not self._is_harmless_run(step, {*fillable[fields[0] : fields[0] + length]}, harmless):
                    yield from step.expanded()
                    continue
            else:
                if sort in OF_STATES:
                    self._runs[start] = step
                fillable += [FILLED_BY.get(sort, _NOTHING)] * length
            for _, _, ref in sorted(
                (place, at, ref) for at, column in enumerate(step.columns) for ref, place in self._names_in(column)
            ):
                used.add(ref)
                self.uses.setdefault((self._names[ref], "reference"), ref)

    def _is_used(self, run: Run, used: set[int]) -> bool:
        """Tell whether the name that makes the objects of a run has this use already, and nothing else is wanted."""
        origin = run.fields[0]
        name = self._names.get(origin)
        if name is None or origin not in used or (name, _USE[run.step]) not in self.uses:
            return False
        if run.step is steps.New:
            return True
        constructor = self._constructors.get(origin)
        if constructor is None or constructor.value_type.effects is not None:
            return False
        return name.dotted != _PARTIAL and not carries_code(name)

    def _filled_by(self, run: Run) -> frozenset[type]:
        return steps.FILLERS if run.step is steps.New else self._constructors[run.fields[0]].value_type.filled_by

    def _names_in(self, column: Column) -> Iterator[tuple[Ref, int]]:
        """Yield the names among the operands of a column, each with its first place."""
        names, registers = self._names, self._registers
        if isinstance(column, Span):
            at = bisect.bisect_left(registers, column.first)
            while at < len(registers) and registers[at] < column.first + column.length:
                yield Ref(registers[at]), registers[at] - column.first
                at += 1
        elif isinstance(column, Same):
            if type(column.operand) is Ref and column.operand in names:
                yield column.operand, 0
        elif isinstance(column, Merged):
            found = [[*self._names_in(part)] for part in column.columns]
            if any(found):
                places: list[list[int]] = [[] for _ in found]
                for place, number in enumerate(column.order):
                    places[number].append(place)
                for some, own in zip(found, places, strict=True):
                    yield from ((ref, own[at]) for ref, at in some)
        elif Ref in set(map(type, column)) and not names.keys().isdisjoint(column):
            first: dict[Ref, int] = {}
            for place, operand in enumerate(column):
                if type(operand) is Ref and operand in names:
                    first.setdefault(operand, place)
            yield from first.items()

    def _is_harmless_run(self, run: Run, fillable: set[frozenset[type]], harmless: set[int]) -> bool:
        """Tell whether the states in a run need no look."""
        first = run.fields[0]
        if not all(run.step in one for one in fillable):
            return False
        if run.step is steps.State:
            names = run.fields[1]
            if id(names) not in harmless and any(map(is_own, names)):
                return False
            harmless.add(id(names))
            return True
        slots = slots_of(run, self._runs)
        if slots is None or not self.partials.keys().isdisjoint(range(first, first + run.length)):
            return False
        changed = bisect.bisect_left(self._updated, slots.first)
        unchanged = changed == len(self._updated) or self._updated[changed] >= slots.first + run.length
        return unchanged and all(map(_is_plain, slots.names))

    @functools.cached_property
    def _updated(self) -> list[int]:
        """The registers of dictionaries that get more items."""
        return sorted(step.target for step in self.recipe.compact if isinstance(step, steps.Update))

    def _look_at_maker(self, step: steps.New | steps.Call, register: Ref) -> None:
        """Look at the class or function of a step: it has a name, or is made by one that carries code."""
        origin = step[0]
        name = self._names.get(origin)
        if name is not None:
            if type(step) is steps.Call and carries_code(name):
                self.coded.add(register)
            elif type(step) is steps.Call and name.dotted == _PARTIAL:
                self.partials[register] = [*step.args[:1]]
        elif origin in self.coded:
            self.coded.add(register)
        elif type(step) is steps.Call and origin in self.partials:
            self._call_partial(origin, register)
        else:
            self._fault("is made by something without a name", register)

    def _call_partial(self, partial: Ref, register: Ref) -> None:
        """Want a call of each function that a partial may have by now. Earlier calls wanted the earlier ones."""
        functions, self.partials[partial] = self.partials[partial], []
        for function in functions:
            name = self._names.get(function) if type(function) is Ref else None
            if name is None or values.constructor(value_name(name)) is not None:
                # The call would get around the checks of a constructor.
                self._fault("is made by a partial of something else than a class or function with a name", register)
            else:
                self.uses.setdefault((name, "call"), register)

    def _method(self, step: steps.Member, register: Ref) -> steps.Name | None:
        """Return the name of a method that has to be trusted, or None for a method of a list, a text, and the like."""
        owner = step.owner
        if type(owner) is Ref and owner in self.coded:
            self.coded.add(register)
            return None
        if is_pythons(step.name):
            self._fault(f"is the method {step.name}, which leads beyond its object", register)
        if type(owner) is not Ref:
            return None
        maker = self._makers.get(owner, owner)
        above = self._names.get(maker)
        known = self._constructors.get(maker) if owner in self._makers else None
        if above is None or (known is not None and known.value_type.methods):
            return None
        return steps.Name(above.module, f"{above.qualname}.{step.name}" if above.qualname else step.name)

    def _look_at_effects(self, step: Any, register: Ref) -> None:
        """Find the effects of a call of a value type. They follow from what the file says, and from nothing else."""
        value_type = self._constructors[step.function].value_type
        find: Any = value_type.effects
        args = [self._said(operand) for operand in step.args]
        self._folders += sum(text.count("/") for text in args if type(text) is str)
        if self._folders > _MOST_FOLDERS:
            self._fault(f"is one of many files to open, in more than {_MOST_FOLDERS:,} folders", register)
            return
        keywords = dict(zip(step.names, map(self._said, step.values), strict=True))
        unknown = next((name for name in keywords if name not in value_type.keywords), None)
        if unknown is not None:
            self._fault(f"has an effect that can't be granted: it takes no keyword {shortened(unknown, 60)}", register)
            return
        try:
            found = find(args, keywords)
        except (TypeError, ValueError) as error:
            self._fault(f"has an effect that can't be granted: {error}", register)
            return
        for effect in found:
            if effect not in self.effects and len(self.effects) == _MOST_EFFECTS:
                self._fault(f"is one of more than {_MOST_EFFECTS:,} files and the like to open", register)
            else:
                self.effects.setdefault(effect, register)

    def _said(self, operand: Operand) -> Any:
        """Return an argument as `ValueType.effects` gets it."""
        if type(operand) is not Ref:
            return operand
        content = self._content(operand)
        if type(content) is steps.Value:
            return content.value
        if type(content) is steps.Tuple and len(content.items) < _FEW and Ref not in map(type, content.items):
            return tuple(content.items)
        return values.OTHER

    # States

    def _is_harmless(self, step: steps.State) -> bool:
        """Look at the names of attributes. Return whether no other state with these names needs a look."""
        own = [name for name in step.names if is_own(name)]
        for name in own:
            if name == ANNOTATIONS:
                self._annotations.append((step.values[step.names.index(name)], step.target))
            else:
                self._fault(OWN_KEY % name, step.target, self._unknown_class(step.target))
        return not own

    def _look_at_state(self, step: steps.SetState) -> None:
        content = self._content(step.state)
        if type(content) is steps.Tuple and len(content.items) == 4:
            self._look_at_partial(step.target, content.items)
            return
        if step.target in self.partials:
            self.partials[step.target].append(None)  # who knows which function it has now
        parts: Sequence[Operand] = (step.state,)
        if type(content) is steps.Tuple and len(content.items) == 2:
            parts = content.items
        for part in parts:
            keys = self._look_at_keys(part, step.target)
            unknown = self._unknown_class(step.target) if keys.reasons else ""
            for reason in keys.reasons:
                self._fault(reason, step.target, unknown)
            if keys.annotated:
                self.annotated.add(step.state)  # type: ignore[arg-type]  # `_content` found it by its register

    def _look_at_partial(self, target: Ref, state: Sequence[Operand]) -> None:
        """Look at the state of a `functools.partial`: its function, and the dictionary that becomes its `__dict__`."""
        function, _, _, attributes = state
        reasons = self._look_at_keys(attributes, target).reasons
        if target in self.partials:
            self.partials[target].append(function)
            for reason in reasons:
                self._fault(reason, target)
            if attributes is not None and type(self._content(attributes)) is not steps.Dict:
                self._fault("gets attributes that are no dictionary of this file", target)

    def _look_at_keys(self, part: Operand, owner: Ref) -> _Keys:
        """Look at the keys of a dictionary, which may be names of attributes of an object."""
        content = self._content(part)
        if type(content) is not steps.Dict:
            return _PLAIN
        if part not in self._filled and len(content.keys) < _FEW and all(map(_is_plain, content.keys)):
            return _PLAIN  # nearly all of them
        keys = self._keys.get(part)  # type: ignore[arg-type]  # `_content` found it by its register
        if keys is None:
            found: dict[str, None] = {}
            annotated = False
            for operand, value in self._pairs(part):
                key = self._text(operand)
                if type(key) is Ref or is_odd(key):
                    found[ODD_KEY] = None
                elif key == ANNOTATIONS:
                    self._annotations.append((value, owner))
                    annotated = True
                elif type(key) is str and is_own(key):
                    found[OWN_KEY % key] = None
            # Many objects may share one dictionary with many annotations. Those of the first object count for all.
            keys = self._keys[part] = _Keys(tuple(found), annotated)  # type: ignore[index]  # as above
        return keys

    def _unknown_class(self, target: Ref) -> str:
        """Return the name of the class of an object, or an empty text for a value type: its record tells all."""
        name = self._names.get(self._makers.get(target, -1))
        if name is None:
            return _OF_THE_FILE
        dotted = value_name(name)
        known = values.is_creatable(dotted) or values.constructor(dotted) is not None
        return "" if known else name.dotted

    # The content of registers

    def _content(self, operand: Operand) -> Any:
        """Return the step that made the register of an operand, or None for an atom."""
        if type(operand) is not Ref:
            return None
        if not self._made:
            for step in self.recipe.steps:
                if type(step) in steps.FILLERS:
                    self._filled.setdefault(step[0], []).append(step)  # type: ignore[arg-type]  # its target
                else:
                    self._made.append(step)
        return self._made[operand]

    def _pairs(self, operand: Operand) -> Iterator[tuple[Operand, Operand]]:
        """Yield the keys and values of a dictionary, with those that are added later."""
        content = self._content(operand)
        if type(content) is steps.Dict:
            yield from zip(content.keys, content.values, strict=True)
            for step in self._filled.get(operand, ()):  # type: ignore[arg-type]  # `_content` found it by its register
                if type(step) is steps.Update:
                    yield from zip(step.keys, step.values, strict=True)

    def _text(self, operand: Operand) -> Operand:
        """Return the text of a long text, and any other operand as it is."""
        content = self._content(operand)
        return content.value if type(content) is steps.Value and type(content.value) is str else operand

    def _only_names(self, annotations: Operand, seen: set[int]) -> bool:
        """Tell whether annotations are a dictionary of this file in which all texts are names.

        `seen` has the registers in which all are.
        """
        if annotations is None:
            return True
        if type(self._content(annotations)) is not steps.Dict:
            return False
        if annotations in seen:
            return True
        waiting: list[Operand] = [value for _, value in self._pairs(annotations)]
        while waiting:
            operand = self._text(waiting.pop())
            if type(operand) is str and not only_names(operand):
                return False
            if type(operand) is Ref and operand not in seen and operand not in self._names:
                seen.add(operand)
                for step in (self._content(operand), *self._filled.get(operand, ())):
                    waiting += steps.operands(step)
        seen.add(annotations)  # type: ignore[arg-type]  # `_content` found it by its register
        return True


def _is_plain(key: Operand) -> bool:
    return type(key) is str and not key.startswith("__") and len(key) < steps.INLINE


_FEW = 20
_MOST_FAULTS = 100
_MOST_EFFECTS = 1_000
"""A process may open as many files."""
_MOST_FOLDERS = 200_000
"""Each folder in a path is looked up, also one that many calls have: about a second."""
_OF_THE_FILE = "a class of this file"
