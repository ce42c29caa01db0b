"""The depth of objects that Python frees, hashes and compares by calls into each other.

Python frees a nest of lists, tuples, dictionaries and instances of Python's classes in a loop, but a nest of partials,
exceptions, methods or deques by recursion, without a look at the stack. So levels of these are counted in the recipe,
before anything is built: all objects that a call makes, all methods, and objects of the classes of Python's library.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from appsnap.limits import over
from appsnap.recipe import steps, values
from appsnap.recipe.runs import Run
from appsnap.recipe.steps import Ref
from appsnap.recipe.trust.names import value_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from appsnap.limits import Limits
    from appsnap.recipe.steps import Operand, Recipe

__all__ = ["check_depth"]

_PARTS = frozenset({steps.Name, steps.Value, steps.ByteArray})
"""The makers of things that hold no objects."""


def check_depth(recipe: Recipe, limits: Limits) -> None:
    """Check that objects of a recipe are nested in no more levels than the limit. Raises CannotLoad.

    Containers and instances count nothing. A path that leads back to itself has no end. So where objects lead back to
    themselves, only those are counted that hold each other directly, or by a state or an argument. The limit is a tenth
    there: Python puts off every fiftieth container or instance (PyTrash_UNWIND_LEVEL), with levels between any two.
    """
    counted = frozenset(_counted(recipe))
    if len(counted) <= limits.levels // 10:
        return
    held = _held(recipe)
    cyclic = _follow(held, counted, limits.levels)
    if cyclic:
        nearest = limits.levels // 10
        near = cyclic & (counted | _handed_over(recipe, held))
        direct = {owner: [ref for ref in held[owner] if ref in near] for owner in near}
        if len(_follow(direct, counted, nearest) & counted) > nearest:
            raise _too_deep(limits.levels)


def _too_deep(most: int) -> Exception:
    return over("levels", most, "partials, exceptions, methods or the like are nested too many levels deep")


def _counted(recipe: Recipe) -> Iterable[int]:
    """Yield the registers of objects that count as a level."""
    register = 0
    of_library: set[int] = set()  # registers of names
    names: dict[int, steps.Name] = {}
    for step in recipe.compact:
        cls = type(step)
        if cls in steps.FILLERS:
            continue
        if isinstance(step, Run):
            made_by_library = step.step is steps.New and step.fields[0] in of_library
            if made_by_library or (step.step is steps.Call and not _is_leaf(names.get(step.fields[0]), step.columns)):
                yield from range(register, register + step.length)
            register += step.registers
            continue
        if isinstance(step, steps.Name):
            names[register] = step
            if step.module.partition(".")[0] in sys.stdlib_module_names and not values.is_creatable(step.dotted):
                of_library.add(register)
        elif isinstance(step, steps.Call):
            if not _is_leaf(names.get(step.function), [step.args, step.values]):
                yield register
        elif cls is steps.Member or (isinstance(step, steps.New) and step.cls in of_library):
            yield register
        register += 1


def _is_leaf(name: steps.Name | None, operands: Iterable[Iterable[Operand]]) -> bool:
    """Tell whether values that calls of a name with these operands make hold no objects, and never will."""
    constructor = None if name is None else values.constructor(value_name(name))
    if constructor is None or constructor.value_type.filled_by:
        return False
    return constructor.value_type.weak or all(Ref not in map(type, some) for some in operands)


def _held(recipe: Recipe) -> dict[int, list[int]]:
    """Return the registers that the object in each register holds, once all steps are done."""
    held: dict[int, list[int]] = {}
    register = 0
    for step in recipe.steps:
        cls = type(step)
        if cls in steps.FILLERS:
            target, *operands = steps.operands(step)
            if target in held:
                held[target] += [x for x in operands if type(x) is Ref and x in held]  # type: ignore[index]  # a register
            continue
        if cls not in _PARTS:
            held[register] = [x for x in steps.operands(step) if type(x) is Ref and x in held]
        register += 1
    return held


def _handed_over(recipe: Recipe, held: Mapping[int, list[int]]) -> set[int]:
    """Return the registers of arguments and states, and of their items: an object may keep only what they hold."""
    calls = (step for step in recipe.steps if type(step) is steps.Call)
    given = {x for step in calls for x in (*step.args, *step.values) if type(x) is Ref}
    given |= {step.state for step in recipe.steps if type(step) is steps.SetState and type(step.state) is Ref}
    return given.union(*(held.get(ref, ()) for ref in given))


def _follow(held: Mapping[int, list[int]], counted: frozenset[int], most: int) -> set[int]:
    """Count the levels below each register. Return the registers that lead to themselves, or to one that does."""
    left = {owner: len(refs) for owner, refs in held.items()}
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for owner, refs in held.items():
        for ref in refs:
            holders[ref].append(owner)
    levels = dict.fromkeys(held, 0)
    ready = [owner for owner, count in left.items() if not count]
    while ready:
        ref = ready.pop()
        del left[ref]
        level = levels[ref] + (ref in counted)
        if level > most:
            raise _too_deep(most)
        for owner in holders.pop(ref, ()):
            levels[owner] = max(levels[owner], level)
            left[owner] -= 1
            if not left[owner]:
                ready.append(owner)
    return {*left}
