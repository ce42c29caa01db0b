"""Building: a recipe becomes objects, step by step.

A recipe that isn't trusted as code is audited first, and its cost is counted. Each step then asks `trust.checks` about
the objects that it uses. Value types are made by the constructors of `recipe.values`, never by a call that the file
chose.
"""

from __future__ import annotations

import collections
import itertools
import operator
import sys
import types
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import appsnap.recipe.values.ways  # noqa: F401 - the families say which attributes of libraries are transient
from appsnap import actions, code, effects, evolve, running, states
from appsnap.errors import MOST_NAMED, AppsnapError
from appsnap.gc_pause import gc_paused
from appsnap.limits import LIMITS
from appsnap.printable import shortened
from appsnap.recipe import fields, preparing, steps, values
from appsnap.recipe.failures import failure, version_failure
from appsnap.recipe.late import Late
from appsnap.recipe.outline import Outline
from appsnap.recipe.runs import OF_STATES, Run, containers, rows, rows_of, set_items, slots_of, values_of
from appsnap.recipe.steps import Operand, Recipe, Ref
from appsnap.recipe.trust import Trust, audit
from appsnap.recipe.trust.attributes import ANNOTATIONS
from appsnap.recipe.trust.checks import check_class, find_method
from appsnap.recipe.trust.cost import CostCounter, KnownKeys
from appsnap.recipe.trust.filling import check_items, check_state, takes_any_state
from appsnap.recipe.trust.finding import find
from appsnap.recipe.trust.inherited import check_call, check_items_at, check_new
from appsnap.recipe.trust.names import value_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from appsnap.limits import Limits
    from appsnap.recipe.trust.audit import Audited

__all__ = ["build"]


@gc_paused
def build(
    recipe: Recipe,
    trust: Trust,
    limits: Limits = LIMITS,
    *,
    copy: bool = True,
    code_from: str | None = None,
    size: int | None = None,
    edited: bool = False,
    notes: list[str] | None = None,
    prepare: steps.Name | None = None,
) -> Any:
    """Return the objects of a recipe. Without `copy`, the bytearrays of the recipe are among them, and it is spent.

    `code_from` is the version of Python (`"3.11"`) that wrote bytecode without a magic number. `size` is the size of
    the file in bytes, if it is compressed. In an `edited` file, an attribute that is like a field that is missing is an
    error. `notes` gets a line for each attribute that a class doesn't declare, or not of that type. `prepare` is called
    before anything is imported.

    Raises NotTrusted before anything is imported if a name isn't trusted, CannotLoad for a cost beyond the limits, and
    CannotBuild, with the path, if a step fails.
    """
    audited = audit(recipe, trust, prepare)
    cost = None if trust.everything else CostCounter(recipe, limits, size)
    if prepare is not None:
        preparing.prepare(prepare, audited)
    interpreter = _Interpreter(recipe, trust, audited, cost, copy=copy, code_from=code_from)
    interpreter.edited, interpreter.notes = edited, notes
    try:
        rights = None if trust.everything else trust.effects
        with evolve.upgrades(interpreter.path_of), effects.allowed(rights):
            return interpreter.build()
    except evolve.VersionError as error:
        raise version_failure(interpreter.path_of(error.obj), error) from None
    finally:
        interpreter.end()


def _own_bytearray(step: steps.ByteArray) -> bytearray:
    return step.data if type(step.data) is bytearray else bytearray(step.data)


def _keys_of(container: Any) -> Collection[Any]:
    """Return the keys of a container, without a call of a method that its class defines."""
    if isinstance(container, dict):
        return [*dict.__iter__(container)]
    return [*set.__iter__(container)] if isinstance(container, set) else ()


def _pairs(keys: Sequence[Any], found: Sequence[Any]) -> zip[tuple[Any, Any]]:
    # With `strict`, zip takes twice as long.
    return zip(keys, found) if len(keys) == len(found) else zip(keys, found, strict=True)  # noqa: B905


_FEW_KEYS = 1_000
_HASHING = frozenset({steps.Set, steps.FrozenSet})
_TEXT = frozenset({str})
_ANNOTATED = frozenset({ANNOTATIONS})


class _Interpreter:
    """Follows the steps of one recipe. `audited` is the outcome of its audit, the rest is that of `build`."""

    edited = False
    notes: list[str] | None = None

    def __init__(
        self,
        recipe: Recipe,
        trust: Trust,
        audited: Audited,
        cost: CostCounter | None,
        *,
        copy: bool,
        code_from: str | None,
    ) -> None:
        self._recipe = recipe
        self._everything = trust.everything
        self._audited = audited
        self._code_from = code_from
        self._registers: list[Any] = []
        self._constructors: dict[int, values.Constructor | None] = {}  # by register of a name
        self._makeable: dict[int, Any] = {}  # by register: the classes that objects may be made of
        self._attributes: dict[tuple[int, int], Sequence[str]] = {}  # by the identity of class and names
        self._cost = cost
        self._hashes: defaultdict[int, KnownKeys] = defaultdict(KnownKeys)  # by register of a container: of its keys
        self._added: defaultdict[int, KnownKeys] = defaultdict(KnownKeys)  # likewise, by identity: calls return it
        self._runs: dict[int, Run] = {}  # of tuples and dictionaries, by their first register
        self._row = 0  # of a run: the steps that are followed
        self._wrapping: list[tuple[Any, Any, Any]] = []  # steps, objects and their states that hold containers
        self._makers: dict[type, Callable[[Any], Any]] = {
            steps.Name: self._name,
            steps.Value: lambda step: step.value,
            steps.Tuple: lambda step: tuple(self._all(step.items)),
            steps.Set: lambda step: set(self._keys(step.items, of_set=True)),
            steps.FrozenSet: lambda step: frozenset(self._keys(step.items, of_set=True)),
            steps.ByteArray: (lambda step: bytearray(step.data)) if copy else _own_bytearray,
            steps.Call: self._call,
            steps.Member: self._member,
            steps.New: self._new,
            steps.List: lambda step: self._all(step.items),
            steps.Dict: lambda step: dict(zip(self._keys(step.keys), self._all(step.values), strict=True)),
        }
        self._fillers: dict[type, Callable[[Any], None]] = {
            steps.Extend: self._extend,
            steps.Update: self._update,
            steps.Add: self._add,
            steps.SetState: self._set_state,
            steps.State: self._state,
        }

    def end(self) -> None:
        """Let go of the objects. Until the collector runs, the cycle of the bound methods would keep all of them."""
        self._makers.clear()
        self._fillers.clear()

    def build(self) -> Any:
        number = 0
        registers, attributes, makeable = self._registers, self._attributes, self._makeable
        texts: set[int] = set()  # identities of keys that are all texts
        try:
            # The most frequent steps come first, without a call for each step.
            step: Any
            for number, step in enumerate(self._recipe.compact):  # noqa: B007 - the number tells where an error is
                cls = type(step)
                if cls is steps.State:
                    target, names, operands = step
                    obj = registers[target]
                    # Many objects share one tuple of names.
                    key = id(type(obj)), id(names)
                    known = attributes.get(key)
                    if known is None:
                        known = attributes[key] = self._plain_attributes(obj, names)
                    found = [registers[x] if type(x) is Ref else x for x in operands]
                    if known:
                        obj.__dict__.update(_pairs(known, found))
                    else:
                        self._restore(obj, dict(zip(names, found, strict=True)), audited=_ANNOTATED, step=step)
                elif cls is steps.New:
                    known = None if step[1] or step[2] else makeable.get(step[0])
                    registers.append(self._new(step) if known is None else known.__new__(known))
                elif cls is steps.Tuple:
                    registers.append(tuple([registers[x] if type(x) is Ref else x for x in step[0]]))
                elif cls is steps.List:
                    registers.append([registers[x] if type(x) is Ref else x for x in step[0]])
                elif cls is steps.Dict:
                    keys, operands = step
                    if id(keys) not in texts:
                        # Many dictionaries share one tuple of keys. Texts are keys of no cost.
                        if type(keys) is tuple and _TEXT.issuperset(map(type, keys)):
                            texts.add(id(keys))
                        keys = self._keys(keys)
                    found = [registers[x] if type(x) is Ref else x for x in operands]
                    registers.append(dict(_pairs(keys, found)))
                elif cls in self._makers:
                    registers.append(self._makers[cls](step))
                elif cls is Run:
                    self._run(step)
                else:
                    self._fillers[cls](step)
        except AppsnapError:
            raise
        except MemoryError:
            registers.clear()  # Python retries some handlers of exceptions for ever while there is no memory
            raise
        except (Exception, SystemExit) as error:
            late = Late(self._recipe, registers)
            number = self._recipe.number(number) + self._row
            step = self._recipe.steps[number]
            if not late.postpone(number, step, error):
                raise failure(self._recipe, number, error, self._owner(number)) from error
            self._build_late(late, itertools.islice(enumerate(self._recipe.steps), number + 1, None))
        self._check_wrapped()
        return self._one(self._recipe.root)

    def _check_wrapped(self) -> None:
        """Check again the containers in states: later steps may have filled them."""
        for step, target, state in self._wrapping:
            try:
                check_state(target, state)
            except TypeError as error:
                number = next(number for number, one in enumerate(self._recipe.steps) if one is step or one == step)
                raise failure(self._recipe, number, error, None) from error

    def _build_late(self, late: Late, numbered: Iterable[tuple[int, Any]]) -> None:
        """Follow the other steps once some wait: the same steps, but with a look at those that wait."""
        for number, step in numbered:
            failed = late.holding(step)
            if failed is None:
                try:
                    self._follow(step)
                except (AppsnapError, MemoryError):
                    raise
                except (Exception, SystemExit) as error:
                    if not late.postpone(number, step, error):
                        raise failure(self._recipe, number, error, self._owner(number)) from error
                failed = late.fill(number, self._follow)
            if failed is not None:
                raise failure(self._recipe, failed.number, failed.error, self._owner(failed.number)) from failed.error

    def _follow(self, step: Any) -> None:
        if type(step) in steps.FILLERS:
            self._fillers[type(step)](step)
        else:
            self._registers.append(self._makers[type(step)](step))

    def _run(self, run: Run) -> None:
        """Follow the steps of a run: all at once where that makes no difference."""
        registers = self._registers
        if run.step in steps.FILLERS:
            if not (self._set_slots(run) if run.step is steps.SetState else self._assign(run)):
                follow = self._fillers[run.step]
                for step in run.expanded():
                    follow(step)
                    self._row += 1
        else:
            first = len(registers)
            try:
                if run.step in OF_STATES:
                    self._runs[first] = run
                registers.extend(self._made(run))
            except BaseException:
                self._row = len(registers) - first
                raise
        self._row = 0

    def _made(self, run: Run) -> Iterable[Any]:
        """Return what a run makes."""
        sort, count, fields = run
        if sort is steps.New:
            made: Iterator[Any] = map(self._makers[sort], run.expanded())
            first = next(made)
            cls = self._makeable[fields[0]]
            if fields[1] and self._everything:
                found = map(dict, map(zip, itertools.repeat(fields[1]), rows_of(fields[2], self._registers, count)))
                return itertools.chain((first,), (cls.__new__(cls, **one) for one in itertools.islice(found, 1, None)))
            if fields[1]:
                return itertools.chain((first,), made)
            return itertools.chain((first,), map(cls.__new__, itertools.repeat(cls, count - 1)))
        if sort is steps.Call:
            constructor = self._constructors.get(fields[0])
            if self._everything and constructor is not None and constructor.value_type.plain and fields[1]:
                return map(self._registers[fields[0]], *[values_of(column, self._registers) for column in fields[1]])
            return map(self._makers[sort], run.expanded())
        hashed = sort in _HASHING and self._cost is not None
        if hashed and not _TEXT.issuperset(map(type, itertools.chain.from_iterable(fields[0]))):
            return map(self._makers[sort], run.expanded())
        return containers(run, self._registers)

    def _set_slots(self, run: Run) -> bool:
        """Set the slots of objects, if their states do no more than that. Returns False otherwise."""
        first, slots = run.fields[0], slots_of(run, self._runs)
        objects = self._registers[first : first + run.length]
        if slots is None or self.notes is not None or len(set(map(id, map(type, objects)))) != 1:
            return False
        cls = type(objects[0])
        native = any(states.is_native(cls, name) for name in slots.names)
        allowed = self._everything or (not native and takes_any_state(objects[0], slots.names))
        if not allowed or not evolve.is_plain_slots(cls, slots.names):
            return False
        # Other steps may have changed the dictionaries, but their keys are the names if they are as many.
        dictionaries = self._registers[slots.first : slots.first + run.length]
        if set(map(len, dictionaries)) != {len(slots.names)}:
            return False
        for name in slots.names:
            set_slot = states.special(cls, name).__set__
            collections.deque(map(set_slot, objects, map(operator.itemgetter(name), dictionaries)), 0)
        return True

    def _assign(self, run: Run) -> bool:
        """Give objects their attributes, if all of them get those by plain assignment. Returns False otherwise."""
        first, names, columns = run.fields
        objects = self._registers[first : first + run.length]
        if len(set(map(id, map(type, objects)))) != 1:
            return False
        known = self._plain_attributes(objects[0], names)
        if not known or type(states.special(type(objects[0]), "__dict__")) is not types.GetSetDescriptorType:
            return False
        dictionaries = [*map(states.dict_of, objects)]
        found = [values_of(column, self._registers) for column in columns]
        if set(map(type, dictionaries)) == {dict}:
            set_items(dictionaries, known, found)
            return True
        for own, row in zip(dictionaries, rows(found, run.length), strict=True):
            own.update(zip(known, row, strict=True))  # of a class of its own
            self._row += 1
        return True

    def _owner(self, number: int) -> type | None:
        step = self._recipe.steps[number]
        return type(self._one(step.owner)) if isinstance(step, steps.Member) else None

    def path_of(self, obj: Any) -> str:
        """Return the path of an object that was built."""
        register = next((ref for ref, made in enumerate(self._registers) if made is obj), None)
        cls = type(obj)
        return (
            f"<{cls.__module__}.{cls.__qualname__}>" if register is None else Outline(self._recipe).path(Ref(register))
        )

    # Operands

    def _one(self, operand: Operand) -> Any:
        return self._registers[operand] if type(operand) is Ref else operand

    def _all(self, operands: Iterable[Operand]) -> list[Any]:
        registers = self._registers
        return [registers[operand] if type(operand) is Ref else operand for operand in operands]

    def _keys(self, operands: Sequence[Operand], target: Ref | None = None, *, of_set: bool = False) -> Sequence[Any]:
        """Return keys, which are hashed: those of a new container, or those that are added to a target."""
        keys = self._all(operands) if Ref in map(type, operands) else operands
        if self._cost is not None:
            # Keys may be added to a container that has many. One with few is as good as empty.
            if target is None and len(keys) > _FEW_KEYS:
                target = Ref(len(self._registers))
            known = None
            if target is not None:
                first = target not in self._hashes
                known = self._hashes[target]
                if first and target < len(self._registers):
                    self._cost.hash(_keys_of(self._registers[target]), known, of_set=of_set)
            self._cost.hash(keys, known, of_set=of_set)
        return keys

    # Makers

    def _name(self, step: steps.Name) -> Any:
        name, found = find(step, self._audited)
        self._constructors[len(self._registers)] = values.constructor(value_name(name))
        return found

    def _new(self, step: steps.New) -> Any:
        cls = self._registers[step.cls]
        args = self._all(step.args)
        if self._cost is not None:
            check_class(cls)
            self._cost.copy(args)
            check_new(cls, args, step.names, self._count)
        self._makeable[step.cls] = cls
        if step.names:
            if self.edited:
                fields.check_spelling(cls, dict.fromkeys(step.names))
            return cls.__new__(cls, *args, **dict(zip(step.names, self._all(step.values), strict=True)))
        return cls.__new__(cls, *args)

    def _call(self, step: steps.Call) -> Any:
        args = self._all(step.args)
        keywords = dict(zip(step.names, self._all(step.values), strict=True)) if step.names else {}
        if self._cost is not None:
            if step.function not in self._constructors and step.function not in self._audited.callable:
                raise TypeError("only a function or class with a name can be called")
            constructor = self._constructors.get(step.function)
            if constructor is not None:
                value_type, make = constructor
                self._count(value_type, args)
                self._cost.copy(keywords.values())
                for name in keywords:
                    if name not in value_type.keywords:
                        raise TypeError(f"{value_type.name} takes no keyword {shortened(name, 60)}")
                return make(tuple(args), **keywords)
            if step.function not in self._audited.coded:
                check_call(self._registers[step.function], args, keywords, self._count)
        function = self._registers[step.function]
        code.check_unmarked(function, self._code_from)
        made = function(*args, **keywords)
        # A function that gives an object its state takes it as the first argument. A name stands for a live object.
        first = args[0] if step.args and step.args[0] not in self._constructors else None
        for thing in (made, first):
            if running.is_service(type(thing)):
                evolve.finish_later(thing)
        return made

    def _count(self, value_type: values.ValueType, args: Sequence[Any]) -> None:
        """Count the cost of making a value, the next register."""
        if self._cost is not None:
            self._cost.copy(args, 0 if value_type.work is None else value_type.work(args))
            if value_type.hashed is not None:
                hashed = value_type.hashed(args)
                known = self._hashes[len(self._registers)] if len(hashed) > _FEW_KEYS else None
                if value_type.adds and hashed:
                    known = self._added[id(args[0])]
                self._cost.hash(hashed, known, of_set=value_type.name in ("builtins.set", "builtins.frozenset"))

    def _member(self, step: steps.Member) -> Any:
        owner = self._one(step.owner)
        name = evolve.current_member(type(owner), step.name)
        trusted = self._everything or step.owner in self._audited.coded
        return getattr(owner, name) if trusted else find_method(owner, name)

    # Fillers

    def _extend(self, step: steps.Extend) -> None:
        actions.extend(self._filled(step.target), self._all(step.items))

    def _update(self, step: steps.Update) -> None:
        target = self._filled(step.target)
        set_item = actions.setter_of_items(target)
        keys, items = self._keys(step.keys, step.target), self._all(step.values)
        if self._cost is not None:
            check_items_at(target, keys, items)
        for key, value in zip(keys, items, strict=True):
            set_item(target, key, value)

    def _add(self, step: steps.Add) -> None:
        actions.add(self._filled(step.target), self._keys(step.items, step.target, of_set=True))

    def _plain_attributes(self, target: Any, names: Sequence[str]) -> Sequence[str]:
        """Return the names of attributes, interned, if an object gets them by plain assignment, else nothing."""
        if self.edited or self.notes is not None:
            return ()  # each state is looked at
        plain = evolve.is_plain_assignment(type(target), names) and (self._everything or takes_any_state(target, names))
        return tuple(map(sys.intern, names)) if plain else ()

    def _state(self, step: steps.State) -> None:
        state = dict(zip(step.names, self._all(step.values), strict=True))
        self._restore(self._registers[step.target], state, audited=_ANNOTATED, step=step)

    def _set_state(self, step: steps.SetState) -> None:
        state = self._one(step.state)
        if self._cost is not None:
            self._cost.copy(state if type(state) is tuple else (state,))
        audited = _ANNOTATED if step.state in self._audited.annotated else ()
        self._restore(self._registers[step.target], state, audited, step)

    def _filled(self, ref: Ref) -> Any:
        """Return an object that is filled."""
        target = self._registers[ref]
        if not self._everything:
            check_items(target)
        return target

    def _restore(self, target: Any, state: Any, audited: Collection[str], step: Any) -> None:
        if self._cost is not None and type(state) is dict and states.BASE_STATE in state:
            base = state[states.BASE_STATE]
            self._cost.copy(base if type(base) is tuple else (base,))
        if not self._everything:
            check_state(target, state, audited)
            if issubclass(type(target), values.wrappers()):
                self._wrapping.append((step, target, state))
        if self.edited:
            fields.check_spelling(type(target), state)
        if self.notes is not None and len(self.notes) < MOST_NAMED:
            self.notes += [f"{self.path_of(target)}: {line}" for line in fields.strange(type(target), state)]
        actions.set_state(target, state)
