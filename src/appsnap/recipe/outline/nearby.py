"""The path of a register that has none: that of the nearest thing that has one."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from appsnap.recipe.outline.tree import Outline
    from appsnap.recipe.steps import Operand, Recipe

__all__ = ["nearest"]


def nearest(recipe: Recipe, outline: Outline, register: Ref) -> Operand:
    """Return the nearest operand with a path: the register itself, or one that is made from it, or the root.

    A class that the file makes has no path, nor have its parts. An object of that class has one.
    """
    if register == outline.root or register in outline.parents:
        return register  # nearly always: the rest takes memory for each reference of a large file
    uses: defaultdict[int, list[int]] = defaultdict(list)
    for number, step in enumerate(recipe.steps):
        made = outline.register_of_step(step, number)
        refs = [operand for operand in steps.operands(step) if type(operand) is Ref]
        for ref in refs:
            uses[ref].append(made)
        if type(step) is steps.Call and step.args and type(step.args[0]) is Ref:
            uses[made].append(step.args[0])  # a call that gives its first argument a state
    known = {int(register)}
    queue = deque(known)
    while queue:
        found = queue.popleft()
        if found == outline.root or found in outline.parents:
            return Ref(found)
        queue += [one for one in dict.fromkeys(uses[found]) if one not in known]
        known.update(uses[found])
    return outline.root
