"""Services in a recipe, found without importing their classes: `running` is left out of their states.

Files of Twisted have it where a class has a `__getstate__` of its own. An object is a service if its class is one of
Twisted's or of ours, or if it is the child or the parent of a service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.runs import Run
from appsnap.recipe.steps import Operand, Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["states_of", "without_running"]

_RUNNING = "running"
_NAMES = {steps.State: (1,), steps.Dict: (0,)}
"""The places of names in the fields of runs."""

_MODULES = {"appsnap.internet", "twisted.application.internet"}
_CLASSES = {
    f"{package}.service.{name}"
    for package in ("appsnap", "twisted.application")
    for name in ("Application", "MultiService", "Service")
}


def without_running(recipe: Recipe) -> Recipe:
    """Return a recipe whose services have no `running` in their states: the recipe itself, if there is none."""
    if not any(_RUNNING in _names(step) for step in recipe.compact):
        return recipe
    states = states_of(recipe)
    services = _services(recipe, {target: state for target, _, state in states})
    changed = list(recipe.steps)
    for target, number, state in states:
        if target in services and _RUNNING in state:
            step: Any = changed[number]  # a State or a Dict: its names and its values stand last
            kept = [(name, value) for name, value in zip(step[-2], step[-1], strict=True) if name != _RUNNING]
            names, values = zip(*kept, strict=True) if kept else ((), ())
            changed[number] = step._replace(**{step._fields[-2]: names, step._fields[-1]: values})
    return Recipe(changed, recipe.root)


def _names(step: steps.Step | Run) -> Sequence[Operand]:
    if isinstance(step, Run):
        return next((step.fields[at] for at in _NAMES.get(step.step, ())), ())
    return step.names if isinstance(step, steps.State) else step.keys if isinstance(step, steps.Dict) else ()


def states_of(recipe: Recipe) -> list[tuple[Ref, int, Mapping[str, Operand]]]:
    """Return the states that are dictionaries: each with its target, and the number of the step that has its items."""
    found: list[tuple[Ref, int, Mapping[str, Operand]]] = []
    dictionaries: dict[int, int] = {}  # by register: the number of the step
    uses: dict[int, int] = {}  # by register of a dictionary
    given: list[tuple[Ref, Ref]] = []
    register = 0
    for number, step in enumerate(recipe.steps):
        for operand in steps.operands(step):
            if type(operand) is Ref and operand in dictionaries:
                uses[operand] = uses.get(operand, 0) + 1
        if isinstance(step, steps.State):
            found.append((step.target, number, dict(zip(step.names, step.values, strict=True))))
        elif isinstance(step, steps.SetState) and type(step.state) is Ref:
            given.append((step.target, step.state))
        if type(step) in steps.MAKERS:
            if isinstance(step, steps.Dict):
                dictionaries[register] = number
            register += 1
    for target, ref in given:
        # A dictionary that something else refers to may be data of another object.
        if uses.get(ref) == 1 and recipe.root != ref:
            made: Any = recipe.steps[dictionaries[ref]]
            keys = [key if type(key) is str else "" for key in made.keys]
            found.append((target, dictionaries[ref], dict(zip(keys, made.values, strict=True))))
    return found


def _services(recipe: Recipe, states: Mapping[Ref, Mapping[str, Operand]]) -> set[int]:
    """Return the registers of services."""
    names: dict[int, steps.Name] = {}
    waiting: list[int] = []
    lists: dict[int, list[Operand]] = {}
    register = 0
    for step in recipe.steps:
        if isinstance(step, steps.Extend) and step.target in lists:
            lists[step.target] += step.items
        if type(step) not in steps.MAKERS:
            continue
        if isinstance(step, steps.Name):
            names[register] = step
        elif isinstance(step, steps.List):
            lists[register] = [*step.items]
        elif isinstance(step, steps.New) and step.cls in names:
            name = names[step.cls]
            if name.module in _MODULES or name.dotted in _CLASSES:
                waiting.append(register)
        register += 1
    found: set[int] = set()
    while waiting:
        service = waiting.pop()
        if service not in found:
            found.add(service)
            waiting += _relatives(states.get(Ref(service), {}), lists)
    return found


def _relatives(state: Mapping[str, Operand], lists: Mapping[int, list[Operand]]) -> Iterator[int]:
    children = state.get("services")
    if type(children) is Ref:
        yield from (child for child in lists.get(children, ()) if type(child) is Ref)
    parent = state.get("parent")
    if type(parent) is Ref:
        yield parent
