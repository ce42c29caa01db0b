"""The paths of files that a load opens are moved from one folder to another, in the recipe.

A path is found where a call with an effect has it. It is moved everywhere in the recipe: an object that knows the path
of its open file, as a handler of logs does, opens it again there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from appsnap import evolve
from appsnap.recipe import steps, values
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.steps import FIELDS, Field, Operand, Recipe, Ref
from appsnap.recipe.trust.names import value_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["moved"]

_LONGEST = 4_096
"""The longest path of Linux."""


def moved(recipe: Recipe, folders: Mapping[str, str]) -> tuple[Recipe, set[str]]:
    """Return a recipe in which paths below the folders are moved, and the folders that any path was in.

    `folders` has the new folder for each old one, or the new path of a file for its old one. The longest one counts.
    """
    by_length = sorted(((old.rstrip("/"), old) for old in folders), key=lambda both: -len(both[0]))
    found: dict[str, str] = {}
    used = set()
    for path in _paths(recipe):
        for begin, old in by_length:
            if path == begin or path.startswith(f"{begin}/"):
                found[path] = (folders[old].rstrip("/") + path[len(begin) :]) or "/"
                used.add(old)
                break
    return (_replaced(recipe, found) if found else recipe), used


def _paths(recipe: Recipe) -> set[str]:
    """Return the paths in the calls that open files."""
    found = set()
    at: dict[int, tuple[int, ...]] = {}  # by register of a function: the positions of its paths
    texts: dict[int, str] = {}
    register = 0
    for step in recipe.steps:
        if isinstance(step, steps.Name):
            constructor = values.constructor(value_name(steps.Name(*evolve.current_name(*step))))
            if constructor is not None and constructor.value_type.paths:
                at[register] = constructor.value_type.paths
        elif isinstance(step, steps.Value) and type(step.value) is str:
            texts[register] = step.value
        elif isinstance(step, steps.Call) and step.function in at:
            for place in at[step.function]:
                operand: Any = step.args[place] if place < len(step.args) else None
                path = texts.get(operand) if type(operand) is Ref else operand
                if type(path) is str:
                    found.add(path)
        register += type(step) in steps.MAKERS
    return found


def _replaced(recipe: Recipe, texts: Mapping[str, str]) -> Recipe:
    """Return a recipe with other texts in the place of some."""
    builder = RecipeBuilder()
    registers: list[Operand] = []
    long: dict[int, str] = {}  # by old register

    def said(operand: Any) -> Any:
        return long.get(operand) if type(operand) is Ref else operand

    def new(operand: Any) -> Any:
        if type(operand) is Ref:
            return registers[operand]
        return builder.text(texts[operand]) if type(operand) is str and operand in texts else operand

    for step in recipe.steps:
        sort = type(step)
        if isinstance(step, steps.Name):
            registers.append(builder.operand(step))
            continue
        if isinstance(step, steps.Value) and type(step.value) is str:
            long[len(registers)] = step.value
            registers.append(builder.text(texts.get(step.value, step.value)))
            continue
        if isinstance(step, steps.State):
            at = _folders([*map(said, step.values)], texts)
            found = [builder.text(at[said(one)]) if said(one) in at else new(one) for one in step.values]
            builder.fill(steps.State(new(step.target), step.names, found))
            continue
        changed: Any = steps.make_step(sort, [_field(*both, new) for both in zip(FIELDS[sort], step, strict=True)])
        if sort in steps.FILLERS:
            builder.fill(changed)
        else:
            registers.append(builder.make(changed))
    return builder.finish(new(recipe.root))


def _folders(attributes: list[Any], texts: Mapping[str, str]) -> dict[Any, str]:
    """Return the new folders of the paths among the attributes of an object, by the old ones as the object has them."""
    # A longer text is no path. A stranger's file may have one that very many objects refer to.
    known = {one for one in attributes if type(one) is str and len(one) <= _LONGEST}
    moved = {os.path.dirname(one): os.path.dirname(texts[one]) for one in known if one in texts}  # noqa: PTH120 - texts
    return {one: moved[one.rstrip("/")] for one in known if one.rstrip("/") in moved and one not in texts}


def _field(sort: Field, field: Any, new: Any) -> Any:
    if sort in (Field.ORIGIN, Field.TARGET, Field.OPERAND):
        return new(field)
    if sort in (Field.ITEMS, Field.KEYS, Field.VALUES):
        return [*map(new, field)]
    return field
