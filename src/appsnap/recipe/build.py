"""Recipe to objects: follows the steps, one by one.

What the audit couldn't see without importing is checked here, where trust isn't `EVERYTHING`: that a name granted
through its package is a class defined there, that what is created is no class and no member of an enumeration, and that
a state names no attribute of Python's own. Value types are made by their own constructors, never by a call that the
file chose.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from appsnap import actions, evolve
from appsnap.errors import AppsnapError, CannotBuild, NotTrusted, Want
from appsnap.gc_pause import gc_paused
from appsnap.limits import LIMITS
from appsnap.recipe import steps
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import Operand, Recipe, Ref
from appsnap.recipe.trust import SPECIAL_METHODS, Trust, audit, wants
from appsnap.recipe.trust.checks import check_items, check_state, takes_any
from appsnap.recipe.trust.cost import Budget
from appsnap.recipe.values import constructors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from appsnap.limits import Limits

__all__ = ["build"]


@gc_paused
def build(recipe: Recipe, trust: Trust, limits: Limits = LIMITS, *, copy: bool = True) -> Any:
    """Return the objects of a recipe. Without `copy`, the bytearrays of the recipe become part of the objects.

    Raises NotTrusted before anything is imported if a name isn't trusted, CannotLoad for what is beyond the limits, and
    CannotBuild, with the path, if a step fails.
    """
    builder = _Builder(recipe, trust, audit(recipe, trust), limits, copy=copy)
    with evolve.upgrades():
        return builder.build()


def _own_bytearray(step: steps.ByteArray) -> bytearray:
    return step.data if type(step.data) is bytearray else bytearray(step.data)


class _Builder:
    def __init__(
        self, recipe: Recipe, trust: Trust, to_check: frozenset[steps.Name], limits: Limits, *, copy: bool
    ) -> None:
        self._recipe = recipe
        self._trust = trust
        self._to_check = to_check
        self._registers: list[Any] = []
        self._named: dict[int, steps.Name] = {}
        self._makeable: dict[int, Any] = {}  # by register: the classes that objects may be made of
        self._attributes: dict[tuple[int, int], Sequence[str]] = {}  # by the identity of class and names
        self._budget = None if trust.everything else Budget(recipe, limits)
        self._hashes: defaultdict[int, Counter[int]] = defaultdict(Counter)  # by register, of what is filled
        self._makers: dict[type, Callable[[Any], Any]] = {
            steps.Name: self._name,
            steps.Value: lambda step: step.value,
            steps.Tuple: lambda step: tuple(self._all(step.items)),
            steps.Set: lambda step: set(self._keys(step.items)),
            steps.FrozenSet: lambda step: frozenset(self._keys(step.items)),
            steps.ByteArray: (lambda step: bytearray(step.data)) if copy else _own_bytearray,
            steps.Call: self._call,
            steps.Member: self._member,
        }
        self._fillers: dict[type, Callable[[Any], None]] = {
            steps.Extend: self._extend,
            steps.Update: self._update,
            steps.Add: self._add,
            steps.SetState: self._set_state,
        }

    def build(self) -> Any:
        number = 0
        registers, attributes = self._registers, self._attributes
        try:
            # What most recipes are made of comes first, without a call for each step.
            step: Any
            for number, step in enumerate(self._recipe.steps):  # noqa: B007 - the number tells where an error is
                cls = type(step)
                if cls is steps.State:
                    target, names, values = step
                    obj = registers[target]
                    # The names are those of many objects, in one tuple.
                    key = id(type(obj)), id(names)
                    known = attributes.get(key)
                    if known is None:
                        known = attributes[key] = self._plain_attributes(obj, names)
                    values = [registers[x] if type(x) is Ref else x for x in values]
                    if known:
                        obj.__dict__.update(zip(known, values, strict=True))
                    else:
                        self._restore(obj, dict(zip(names, values, strict=True)))
                elif cls is steps.New:
                    registers.append(self._new(step))
                elif cls is steps.List:
                    registers.append([registers[x] if type(x) is Ref else x for x in step[0]])
                elif cls is steps.Dict:
                    registers.append(dict(zip(self._keys(step[0]), self._all(step[1]), strict=True)))
                elif cls in self._makers:
                    registers.append(self._makers[cls](step))
                else:
                    self._fillers[cls](step)
            return self._one(self._recipe.root)
        except AppsnapError:
            raise
        except Exception as error:
            raise self._failure(number, error) from error

    def _failure(self, number: int, error: Exception) -> CannotBuild:
        step = self._recipe.steps[number]
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        if isinstance(step, steps.Name):
            path = next((want.path for want in wants(self._recipe) if want.name == step.dotted), "")
            hint = f"is it installed, or was it renamed? appsnap.evolve.renamed({step.dotted!r}, TheNewClass) says so"
            return CannotBuild(path, step.dotted, reason, hint=hint)
        outline = Outline(self._recipe)
        register = outline.register_of_step(step, number)
        return CannotBuild(outline.path(register), outline.class_of(register), reason)

    # Operands

    def _one(self, operand: Operand) -> Any:
        return self._registers[operand] if type(operand) is Ref else operand

    def _all(self, operands: Iterable[Operand]) -> list[Any]:
        registers = self._registers
        return [registers[operand] if type(operand) is Ref else operand for operand in operands]

    def _keys(self, operands: Sequence[Operand], target: Ref | None = None) -> Sequence[Any]:
        """Return what will be hashed: all of a container, or what is added to one."""
        keys = self._all(operands) if Ref in map(type, operands) else operands
        if self._budget is not None:
            self._budget.hash(keys, None if target is None else self._hashes[target])
        return keys

    # Makers

    def _name(self, step: steps.Name) -> Any:
        name = steps.Name(*evolve.current_name(*step))
        self._named[len(self._registers)] = name
        owner: Any = None
        found: Any = importlib.import_module(name.module)
        for part in name.qualname.split(".") if name.qualname else ():
            owner, found = found, getattr(found, part)
        if name in self._to_check:
            self._check_defined(name, owner, found)
        return found

    def _check_defined(self, name: steps.Name, owner: Any, found: Any) -> None:
        module, qualname = name
        if isinstance(found, type):
            good = (found.__module__, found.__qualname__) == (module, qualname)
        else:
            above = qualname.rpartition(".")[0]
            method = found.__func__ if isinstance(found, types.MethodType) else found
            good = isinstance(owner, type) and (owner.__module__, owner.__qualname__) == (module, above)
            good = good and (
                type(found) is owner
                or (
                    isinstance(method, types.FunctionType)
                    and (method.__module__, method.__qualname__) == (module, qualname)
                )
            )
        if not good:
            raise NotTrusted(
                [Want(name.dotted, "reference", "")],
                message=f"not trusted: {name.dotted} is no class defined in {module}",
                hint=f"if you trust it all the same, name it: trust=[{name.dotted!r}]",
            )

    def _new(self, step: steps.New) -> Any:
        known = self._makeable.get(step.cls)
        if known is not None and not step.args and not step.names:
            return known.__new__(known)
        cls = self._registers[step.cls]
        if not self._trust.everything and (not isinstance(cls, type) or issubclass(cls, type)):
            raise TypeError("only objects of a class can be made, and no classes")
        self._makeable[step.cls] = cls
        args = self._all(step.args)
        if self._budget is not None:
            self._budget.copy(args)
        if step.names:
            return cls.__new__(cls, *args, **dict(zip(step.names, self._all(step.values), strict=True)))
        return cls.__new__(cls, *args)

    def _call(self, step: steps.Call) -> Any:
        args = self._all(step.args)
        if self._budget is not None:
            name = self._named.get(step.function)
            if name is None:
                raise TypeError("only what is known by name can be called")
            if constructors.is_constructible(name.dotted):
                self._budget.copy(args, constructors.work_of(name.dotted, args))
                self._budget.hash(constructors.keys_of(name.dotted, args))
                return constructors.construct(name.dotted, tuple(args))
        return self._registers[step.function](*args)

    def _member(self, step: steps.Member) -> Any:
        owner = self._one(step.owner)
        if self._trust.everything:
            return getattr(owner, step.name)
        cls = type(owner)
        if not step.name.startswith("__") or step.name in SPECIAL_METHODS:
            for base in cls.__mro__:
                if step.name in base.__dict__:
                    method: Any = base.__dict__[step.name]
                    if isinstance(method, _METHODS):
                        return method.__get__(owner, cls)
                    break
        raise TypeError(f"{step.name} is no method of {cls.__qualname__}")

    # Fillers

    def _extend(self, step: steps.Extend) -> None:
        actions.extend(self._filled(step.target), self._all(step.items))

    def _update(self, step: steps.Update) -> None:
        target = self._filled(step.target)
        for key, value in zip(self._keys(step.keys, step.target), self._all(step.values), strict=True):
            target[key] = value

    def _add(self, step: steps.Add) -> None:
        actions.add(self._filled(step.target), self._keys(step.items, step.target))

    def _plain_attributes(self, target: Any, names: Sequence[str]) -> Sequence[str]:
        """Return the names of attributes that an object gets by being assigned them; none if more has to be done."""
        plain = evolve.is_plain_assignment(type(target), names) and (self._trust.everything or takes_any(target, names))
        return tuple(map(sys.intern, names)) if plain else ()

    def _set_state(self, step: steps.SetState) -> None:
        state = self._one(step.state)
        if self._budget is not None:
            self._budget.copy(state if type(state) is tuple else (state,))
        self._restore(self._registers[step.target], state)

    def _filled(self, ref: Ref) -> Any:
        """Return what items are put into."""
        target = self._registers[ref]
        if not self._trust.everything:
            check_items(target)
        return target

    def _restore(self, target: Any, state: Any) -> None:
        if not self._trust.everything:
            check_state(target, state)
        actions.set_state(target, state)


_METHODS = (
    types.FunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    classmethod,
    staticmethod,
)
