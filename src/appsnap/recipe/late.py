"""Late filling: containers whose keys can't be hashed at first.

An object may be a key of a container below it, and its class may hash it by its attributes. Then the container comes
first in the recipe, and the key has no hash yet. The container is made empty, and filled as soon as the key has its
state. Until then nothing is made from the container: its items would be missing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import states
from appsnap.recipe import steps
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Late", "Waiting"]

_MAKERS = (steps.Call, steps.New, steps.FrozenSet, steps.Member)
"""The steps that may make something from the items of a container. Others only refer to it."""


class Waiting(NamedTuple):
    """A step that waits for its keys, with its number and the error that it met."""

    number: int
    step: steps.Add | steps.Update
    error: BaseException


class Late:
    """The steps that wait while one recipe is followed. `registers` are those of the interpreter."""

    def __init__(self, recipe: Recipe, registers: list[Any]) -> None:
        self._registers = registers
        self._end = len(recipe.steps) - 1
        self._filled_at: dict[int, int] = {}  # by register: the number of the last step that fills it
        for number, step in enumerate(recipe.steps):
            if type(step) in steps.FILLERS:
                self._filled_at[steps.operands(step)[0]] = number  # type: ignore[index]  # a target is a register
        self._waiting: defaultdict[int, list[Waiting]] = defaultdict(list)  # by the number of the step to wait for
        self._unfilled: dict[int, Waiting] = {}  # by register: the containers, and tuples and lists that hold them
        self._held: defaultdict[int, list[int]] = defaultdict(list)  # by the number of the step: those registers

    def postpone(self, number: int, step: Any, error: BaseException) -> bool:
        """Let a step wait, and make its container empty. Returns False if it has no keys to wait for."""
        target = Ref(len(self._registers))
        filling = step
        if type(step) is steps.Set:
            filling = steps.Add(target, step.items)
        elif type(step) is steps.Dict:
            filling = steps.Update(target, step.keys, step.values)
        if type(filling) not in (steps.Add, steps.Update) or number == self._end:
            return False
        keys = [key for key in filling[1] if type(key) is Ref]
        if not keys:
            return False
        if filling is not step:
            self._registers.append(set() if type(step) is steps.Set else {})
        waiting = Waiting(number, filling, error)
        self._hold(filling.target, waiting)
        until = max(self._filled_at.get(key, 0) for key in keys)
        self._waiting[until if until > number else self._end].append(waiting)
        return True

    def holding(self, step: Any) -> Waiting | None:
        """Return the step that waits and holds up another one, which would look at the items of its container."""
        if not self._unfilled:
            return None
        operands = [operand for operand in steps.operands(step) if type(operand) is Ref]
        found = next((self._unfilled[operand] for operand in operands if operand in self._unfilled), None)
        if found is None or type(step) in _MAKERS:
            return found
        if type(step) in (steps.State, steps.SetState):
            cls: Any = type(self._registers[step.target])
            by_name = states.special(cls, "__setstate__") is None or states.fields(cls) is not None
            return None if by_name else found
        if type(step) in steps.FILLERS:
            return found if operands[0] in self._unfilled else None  # its items come behind those that wait
        self._hold(len(self._registers), found)
        return None

    def _hold(self, register: int, waiting: Waiting) -> None:
        self._unfilled[register] = waiting
        self._held[waiting.number].append(register)

    def fill(self, number: int, follow: Callable[[Any], None]) -> Waiting | None:
        """Follow the steps that waited for one of this number. Returns one that fails even at the end."""
        for waiting in self._waiting.pop(number, ()):
            try:
                follow(waiting.step)
            except MemoryError:
                raise
            except (Exception, SystemExit):  # noqa: BLE001 - a hash may raise anything; it is tried again, and then reported
                if number == self._end:
                    return waiting
                self._waiting[self._end].append(waiting)
            else:
                for register in self._held.pop(waiting.number, ()):
                    if self._unfilled.get(register) is waiting:
                        del self._unfilled[register]
        return None
