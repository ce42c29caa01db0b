"""The fast walk: it takes apart the ordinary objects, by calls instead of generators.

Ordinary objects are atoms, lists, tuples, dictionaries with atoms as keys, and objects that are made without arguments
and get their attributes from a dictionary. `Walk` takes apart all other objects, and those deeper than `LEVELS`. Both
walks append the same steps in the same order. For 10,000 services the fast walk takes a third of the time of `Walk`.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from appsnap import actions, states
from appsnap.recipe import steps
from appsnap.recipe.freeze.columns import Columns
from appsnap.recipe.freeze.rules import newobj
from appsnap.recipe.runs import LEAST
from appsnap.recipe.steps import Ref, make_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appsnap.recipe.builder import RecipeBuilder
    from appsnap.recipe.freeze.rules import Rules
    from appsnap.recipe.steps import NameOrOperand

__all__ = ["ABSENT", "LEVELS", "FastWalk"]

ABSENT: Any = object()
"""The result for an object without an operand: the caller has to take it apart."""

LEVELS = 30
"""The depth of calls here. A level takes three or four frames of Python's 1,000, and the classes need most of those."""

_EMPTY: dict[type, steps.Step] = {
    list: steps.EMPTY[steps.List],
    dict: steps.EMPTY[steps.Dict],
    set: steps.EMPTY[steps.Set],
}
"""The step for a container whose own items lead back to it."""

_PLAIN = frozenset({type(None), bool, int, float})
_TEXT = frozenset({str})


class FastWalk:
    """Takes objects apart for a `Walk`, and shares its tables.

    `memo` has the operand of each object, by id, and None for a container whose items are being taken apart. `kept`
    holds objects, so that their ids stay theirs. `run` takes apart any other object. Its second argument is
    the reduction, if known. `path` leads to the object that `run` takes apart. Below `levels` this walk only looks up
    operands. With `levels=0` it takes nothing apart. With `runs`, objects of one shape are taken apart together.
    """

    def __init__(
        self,
        builder: RecipeBuilder,
        memo: dict[int, NameOrOperand | None],
        kept: list[Any],
        reduction_of: Callable[[Any], Any],
        run: Callable[..., Any],
        *,
        rules: Rules,
        path: list[Any],
        levels: int = LEVELS,
        runs: bool = False,
    ) -> None:
        self._builder = builder
        self._memo = memo
        self._kept = kept
        self.reduction_of = reduction_of
        self._run = run
        self.is_standard = rules.is_standard
        self.path = path
        self._classes: dict[int, Ref] = {}  # by id: a metaclass may take two classes for equal
        self._keys: set[tuple[str, ...]] = set()  # of dictionaries, when all of them are short texts
        self._assigned: dict[type, bool] = {}  # the classes of objects, and whether they have no `__setstate__`
        self.level = 0
        self.levels = levels
        self.columns = Columns(self, builder, memo, kept) if runs and levels else None

    def __call__(self, obj: Any) -> Any:
        """Return the operand of an object, or `ABSENT` if it lies too deep."""
        cls = type(obj)
        if cls in _PLAIN:
            return obj
        if cls is str:
            return self._builder.text(obj)
        if cls is bytes and len(obj) <= steps.INLINE:
            return obj
        return self._part(obj, cls)

    def _part(self, obj: Any, cls: type) -> Any:
        """Return the operand of an object that isn't an atom, or `ABSENT`."""
        known = self._memo.get(id(obj), ABSENT)
        if known is None:
            if self.columns is not None:
                self.columns.open(obj)
            known = self._memo[id(obj)] = self._builder.make(_EMPTY[cls])
        if known is not ABSENT:
            return known
        if self.level >= self.levels:
            return ABSENT
        self.level += 1
        found = _METHODS.get(cls, FastWalk._object)(self, obj)
        self.level -= 1
        return found

    def _make(self, obj: Any, step: Any) -> Ref:
        builder = self._builder
        builder.steps.append(step)
        ref = self._memo[id(obj)] = Ref(builder.registers)
        builder.registers += 1
        self._kept.append(obj)
        return ref

    def operands(self, items: list[Any]) -> list[Any]:
        """Return the operands of the items in a list. Changes the list."""
        named = False
        for index, item in enumerate(items):
            cls = type(item)
            if cls in _PLAIN or (cls is str and len(item) <= steps.INLINE):
                continue
            found = self(item) if cls is str or cls is bytes else self._part(item, cls)
            if found is ABSENT:
                found = self._run(item)
            items[index] = found
            named = named or type(found) is steps.Name
        return self._builder.operands(items) if named else items

    def _many(self, items: list[Any]) -> Sequence[Any]:
        """Return the operands of any number of items. Changes the list."""
        if len(items) < LEAST or self.columns is None or self.level >= self.levels:
            return self.operands(items)
        return self.columns(items)

    def tables(self) -> tuple[dict[Any, Any], ...]:
        """Return the tables of the walk, which grow with each object."""
        return self._memo, self._classes, *self._builder.tables()

    def register_of(self, cls: type) -> Ref:
        """Return the register of a class."""
        ref = self._classes.get(id(cls))
        if ref is None:
            found = self(cls)
            ref = self._classes[id(cls)] = self._builder.register(self._run(cls) if found is ABSENT else found)
        return ref

    def _list(self, obj: list[Any]) -> Ref:
        if _PLAIN.issuperset(map(type, obj)):
            return self._make(obj, make_step(steps.List, (obj.copy(),)))
        self._memo[id(obj)] = None
        items = self._many(obj.copy())
        known = self._memo[id(obj)]
        if known is None:
            return self._make(obj, make_step(steps.List, (items,)))
        assert isinstance(known, Ref)
        self._builder.extend(known, items)
        self._kept.append(obj)
        return known

    def _tuple(self, obj: tuple[Any, ...]) -> Any:
        if not obj:
            return self._builder.make(steps.Tuple(()))  # has no identity of its own: each use makes one
        items = self._many([*obj])
        known = self._memo.get(id(obj))
        if known is not None:
            return known  # its items led back to it, and it was made there
        return self._make(obj, make_step(steps.Tuple, (items,)))

    def _dict(self, obj: dict[Any, Any]) -> Any:
        keys = (*obj,)
        if _TEXT.issuperset(map(type, keys)):
            if keys not in self._keys:
                if keys and max(map(len, keys)) > steps.INLINE:
                    return self._run(obj)
                self._keys.add(keys)
        elif not _PLAIN.issuperset(map(type, keys)):
            return self._run(obj)
        self._memo[id(obj)] = None
        values = self._many([*obj.values()])
        known = self._memo[id(obj)]
        if known is None:
            return self._make(obj, make_step(steps.Dict, (keys, values)))
        assert isinstance(known, Ref)
        self._builder.update(known, keys, values)
        self._kept.append(obj)
        return known

    def _object(self, obj: Any) -> Any:
        reduction = self.reduction_of(obj)
        if type(reduction) is not tuple or len(reduction) < 3 or reduction[0] is not newobj:
            return self._run(obj, reduction)
        _, args, state, items, pairs, setter = (*reduction, None, None, None)[:6]
        cls = obj.__class__
        plain = items is None and pairs is None and type(state) is dict and _TEXT.issuperset(map(type, state))
        own = setter is actions.set_state or (setter is None and self._is_assigned(type(obj)))
        if not (plain and own and type(args) is tuple and len(args) == 1 and args[0] is cls):
            return self._run(obj, reduction)
        if self.columns is not None:
            self.columns.check(obj, reduction)
        ref = self._classes.get(id(cls))
        if ref is None:
            ref = self.register_of(cls)
            known = self._memo.get(id(obj))
            if known is not None:
                return known  # its class is saved by value and led back to it, and it was made there
        target = self._make(obj, make_step(steps.New, (ref, (), (), ())))
        names = self._builder.shape(tuple(state))
        self._builder.steps.append(make_step(steps.State, (target, names, self.operands([*state.values()]))))
        return target

    def _is_assigned(self, cls: type) -> bool:
        found = self._assigned.get(cls)
        if found is None:
            found = self._assigned[cls] = states.special(cls, "__setstate__") is None
        return found


_METHODS: dict[type, Callable[[FastWalk, Any], Any]] = {
    list: FastWalk._list,  # noqa: SLF001 - a table of its own methods
    tuple: FastWalk._tuple,  # noqa: SLF001 - as above
    dict: FastWalk._dict,  # noqa: SLF001 - as above
    **dict.fromkeys((set, frozenset, bytes, bytearray, pickle.PickleBuffer), lambda walk, obj: walk._run(obj)),  # noqa: SLF001 - as above
}
