"""Columns: many objects of one shape are taken apart together, by functions written in C.

The items of a list or tuple, and the values of a dictionary, are grouped by their shape: dictionaries by their keys,
lists, tuples and sets by their length, objects by their class and the names of their attributes. A group of at least
`LEAST` becomes a run. Its parts are columns, and are grouped again. All other items are taken apart one by one.

The objects of a run are made first, and filled when their attributes are known. So within a run nothing may be called
that could look at an object before it is filled, nor in another order than without columns: no class with methods of
its own for saving, loading or hashing, no function or class by value. The first of these that turns up in a run undoes
it, and its shape is taken apart in the ordinary way from then on. The same holds for a container that leads back to
itself.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.recipe import steps, values
from appsnap.recipe.freeze.quiet import Quiet, are_hashed_alike
from appsnap.recipe.freeze.shapes import Group, Shapes
from appsnap.recipe.runs import LEAST, MOST_MERGED, Merged, Run, Same, Span
from appsnap.recipe.steps import INLINE, Ref
from appsnap.recipe.trust.names import value_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from appsnap.recipe.builder import RecipeBuilder
    from appsnap.recipe.freeze.fast import FastWalk
    from appsnap.recipe.runs import Column
    from appsnap.recipe.steps import NameOrOperand

__all__ = ["Columns", "OutOfOrder"]

_MOST_UNDONE = 1_000_000
"""The registers that may be undone in one walk, which takes a second or two. From then on there are no more runs."""

_SHARED = frozenset({type(None), bool, int, str, bytes})
"""The atoms that are alike if they are equal: a float may be a negative zero."""


class OutOfOrder(BaseException):
    """An object within a run has to be made in the ordinary order. This is no error, and no class may catch it."""


class _Mark(NamedTuple):
    """The lengths of the tables of a walk, to which it can go back."""

    steps: int
    registers: int
    kept: int
    level: int
    path: int
    lengths: tuple[int, ...]  # of its dictionaries


class Columns:
    """Takes apart the items of long containers for a `FastWalk`, and shares its tables.

    `depth` is the number of runs around the object that is taken apart at the moment.
    """

    def __init__(
        self, walk: FastWalk, builder: RecipeBuilder, memo: dict[int, NameOrOperand | None], kept: list[Any]
    ) -> None:
        self._walk = walk
        self._builder = builder
        self._memo = memo
        self._kept = kept
        self.depth = 0
        self._outermost: Any = None  # the shape of the outermost run
        self._rows: set[int] = set()  # by id: the containers of runs whose items are being taken apart
        self._opened: list[int] = []  # by id: the containers around the runs that were made empty within them
        self._ordinary: set[Any] = set()  # the shapes that are taken apart one by one
        self._undone = 0  # registers
        self._quiet = Quiet(walk.reduction_of, walk.is_standard)
        self._shapes = Shapes(self._quiet, walk.reduction_of, self._is_constructor)

    def __call__(self, items: list[Any]) -> Sequence[Any]:
        """Return the operands of items, of which there are at least `LEAST`. Changes the list."""
        if self._undone > _MOST_UNDONE:
            return self._walk.operands(items)
        if self.depth:
            return self._operands(items)
        while True:
            mark = self._mark()
            self._opened.clear()
            try:
                return self._operands(items)
            except OutOfOrder:
                self._undone += self._builder.registers - mark.registers
                self._undo(mark)
                self._ordinary.add(self._outermost)

    def _mark(self) -> _Mark:
        walk, builder = self._walk, self._builder
        lengths = tuple(map(len, walk.tables()))
        return _Mark(len(builder.steps), builder.registers, len(self._kept), walk.level, len(walk.path), lengths)

    def _undo(self, mark: _Mark) -> None:
        walk, builder = self._walk, self._builder
        del builder.steps[mark.steps :], self._kept[mark.kept :], walk.path[mark.path :]
        builder.registers, walk.level = mark.registers, mark.level
        for table, length in zip(walk.tables(), mark.lengths, strict=True):
            while len(table) > length:
                table.popitem()  # the newest entry
        self._memo.update((number, None) for number in self._opened if number in self._memo)
        self._rows.clear()
        self.depth = 0

    # The order of things

    def open(self, obj: Any) -> None:
        """Note a container that is made empty: its own items lead back to it. Raises OutOfOrder if a run makes it."""
        if id(obj) in self._rows:
            raise OutOfOrder
        if self.depth:
            self._opened.append(id(obj))

    def ask(self, obj: Any) -> None:
        """Check that an object may be asked for its reduction within a run, if there is one. Raises OutOfOrder."""
        if self.depth and not self._quiet.may_be_asked(obj):
            raise OutOfOrder

    def check(self, obj: Any, reduction: Any) -> None:
        """Check that an object with this reduction may be made within a run, if there is one. Raises OutOfOrder."""
        if self.depth and not self._quiet.is_made_alike(obj, reduction):
            raise OutOfOrder

    def check_keys(self, keys: Iterable[Any]) -> None:
        """Check that keys may be hashed within a run, if there is one. Raises OutOfOrder."""
        if self.depth and not are_hashed_alike(keys):
            raise OutOfOrder

    # Columns

    def _operands(self, items: list[Any]) -> Sequence[Any]:
        found = self._column(items)
        return [*found] if isinstance(found, Same) else found

    def _column(self, items: list[Any]) -> Column:
        """Return the column of items. Changes the list."""
        kinds = set(map(type, items))
        if kinds <= steps.ATOMS:
            return self._atoms(items, kinds)
        walk = self._walk
        if len(items) < LEAST or walk.level >= walk.levels:
            return _column_of(walk.operands(items))
        if kinds == {tuple} and not any(items):
            return Same(walk(()), len(items))
        memo = self._memo
        if memo.keys() >= {id(items[0]), id(items[-1])}:
            known: list[Any] = list(map(memo.get, map(id, items)))
            if {Ref} == set(map(type, known)):
                return _column_of(known)
        groups = self._taken_apart(items, kinds)
        if len(groups) == 1 and len(groups[0].items) == len(items):
            return Span(groups[0].first, len(items))
        operands: list[Any] = list(map(memo.get, map(id, items)))
        kinds = set(map(type, operands))
        if steps.Name in kinds and kinds <= {Ref, steps.Name}:
            refs = {name: self._builder.operand(name) for name in dict.fromkeys(operands) if type(name) is steps.Name}
            operands = [refs.get(x, x) for x in operands]
        elif kinds != {Ref}:
            operands = walk.operands(items.copy())
        return _merged(items, operands, groups)

    def _atoms(self, items: list[Any], kinds: set[type]) -> Column:
        """Return the column of atoms, and of texts and byte strings of any length."""
        if bytes in kinds and any(type(x) is bytes and len(x) > INLINE for x in items):
            return _column_of(self._walk.operands(items))
        if str in kinds and max(map(len, items if len(kinds) == 1 else [x for x in items if type(x) is str])) > INLINE:
            return _column_of(self._builder.texts(items))
        return Same(items[0], len(items)) if _are_alike(items, kinds) else items

    def _taken_apart(self, items: list[Any], kinds: set[type]) -> list[Group]:
        """Make runs of the objects among items that the recipe doesn't have yet, and that have the shape of others."""
        memo = self._memo
        objects = items if kinds.isdisjoint(steps.ATOMS) else [x for x in items if type(x) not in steps.ATOMS]
        fresh = dict(zip(map(id, objects), objects, strict=True))
        if not memo.keys().isdisjoint(fresh):
            fresh = {number: obj for number, obj in fresh.items() if number not in memo}
        if len(fresh) < LEAST:
            return []
        groups = [group for group in self._shapes.groups(fresh) if group.shape not in self._ordinary]
        self._walk.level += 1
        for group in groups:
            if group.early:
                self._claim(group, steps.New, self._walk.register_of(group.cls), (), ())
        for group in groups:
            if not group.early:
                self._make_filled(group)
        for group in groups:
            if group.early:
                self._within(group, self._fill)
        rest = [obj for number, obj in fresh.items() if number not in memo and (type(obj) is not tuple or obj)]
        if rest and len(fresh) < len(objects):
            self._walk.operands(rest)  # once for each, though it may be there often
        self._walk.level -= 1
        return [group for group in groups if group.items]

    def _within(self, group: Group, method: Callable[[Group], Any]) -> Any:
        """Call a method that takes apart the content of a group."""
        if not self.depth:
            self._outermost = group.shape
        self.depth += 1
        found = method(group)
        self.depth -= 1
        return found

    # Runs

    def _claim(self, group: Group, sort: type, *fields: Any) -> None:
        """Append the run that makes the objects of a group."""
        length = len(group.items)
        group.first = first = self._builder.make_run(Run(sort, length, fields))
        self._memo.update(zip(map(id, group.items), map(Ref, range(first, first + length)), strict=True))
        self._kept += group.items

    def _fill(self, group: Group) -> None:
        """Append the run that fills the objects of a group."""
        first, length, builder = group.first, len(group.items), self._builder
        if not group.names:
            return
        columns = tuple(map(self._column, self._shapes.parts(group)))
        if group.sort is steps.State:
            builder.fill(Run(steps.State, length, (first, builder.shape(group.names), columns)))
            return
        # As pickle has it: the state is a pair of None and the dictionary of the slots.
        dicts = builder.make_run(Run(steps.Dict, length, (group.names, columns)))
        pairs = builder.make_run(Run(steps.Tuple, length, ((Same(None, length), Span(dicts, length)),)))
        builder.fill(Run(steps.SetState, length, (first, Span(pairs, length))))

    def _make_filled(self, group: Group) -> None:
        """Append the run of a group whose content is known before it is made. Others may have used some of it."""
        if not self._memo.keys().isdisjoint(map(id, group.items)):
            group.items = [obj for obj in group.items if id(obj) not in self._memo]
        if len(group.items) < LEAST:
            group.items = []
            return
        columns = self._within(group, self._columns_of)
        sort, register_of = group.sort, self._walk.register_of
        match sort:
            case steps.Dict:
                self._claim(group, sort, group.keys, columns)
            case steps.Call:
                self._claim(group, sort, register_of(self._shapes.function(group.items[0])), columns)
            case steps.New:
                self._claim(group, sort, register_of(group.cls), group.names, columns)
            case steps.State:
                self._claim(group, steps.New, register_of(group.cls), (), ())
                fields = group.first, self._builder.shape(group.names), columns
                self._builder.fill(Run(sort, len(group.items), fields))
            case _:
                self._claim(group, sort, columns)

    def _columns_of(self, group: Group) -> tuple[Column, ...]:
        found = self._shapes.parts(group)
        kinds = [set(map(type, column)) for column in found]
        if all(one <= steps.ATOMS for one in kinds):
            return tuple(map(self._atoms, found, kinds))
        numbers = dict.fromkeys(map(id, group.items))
        self._memo.update(numbers)
        self._rows.update(numbers)
        if group.cls in (list, tuple) and len(found) > 1 and self._walk.level < self._walk.levels:
            # The items of all rows together make longer runs than those of each column.
            items = [*itertools.chain.from_iterable(group.items)]
            self._taken_apart(items, set().union(*kinds))
        columns = tuple(map(self._column, found))
        self._rows.difference_update(numbers)
        return columns

    def _is_constructor(self, function: Any) -> bool:
        """Tell whether a function has a name by which any file may call it."""
        name = self._builder.meaning(self._walk(function))
        return type(name) is steps.Name and values.constructor(value_name(name)) is not None


def _column_of(operands: list[Any]) -> Column:
    """Return the column of operands: a shorter form, where there is one, or the list itself."""
    kinds = set(map(type, operands))
    first = operands[0]
    if kinds == {Ref}:
        if operands.count(first) == len(operands):
            return Same(first, len(operands))
        if operands[-1] - first == len(operands) - 1 and operands == [*range(first, first + len(operands))]:
            return Span(int(first), len(operands))
    elif _are_alike(operands, kinds):
        return Same(first, len(operands))
    return operands


def _are_alike(atoms: list[Any], kinds: set[type]) -> bool:
    """Tell whether one of the atoms can stand for all. `kinds` are their types."""
    first = atoms[0]
    if len(kinds) != 1 or not kinds <= _SHARED or first != atoms[-1] or atoms.count(first) != len(atoms):
        return False
    return type(first) is not int or not steps.is_long(first)


def _merged(items: list[Any], operands: list[Any], groups: list[Group]) -> Column:
    """Return the column of operands. The objects of each group have registers in a row. Atoms stand apart."""
    whole = _column_of(operands)
    if type(whole) is not list:
        return whole
    numbers: dict[int, int] = {}
    for number, group in enumerate(groups):
        numbers.update(dict.fromkeys(map(id, group.items), number))
    order: list[Any] = list(map(numbers.get, map(id, items)))
    spans = {
        number: Span(group.first, len(group.items))
        for number, group in enumerate(groups)
        if order.count(number) == len(group.items)  # no object is there twice
    }
    if None in order or len(spans) < len(groups):
        atoms, others = len(groups), len(groups) + 1
        order = [
            number if number in spans else others if type(operand) is Ref else atoms
            for number, operand in zip(order, operands, strict=True)
        ]
    used = sorted(set(order))
    if len(used) == 1 or len(used) > MOST_MERGED:
        return operands
    columns = [
        spans.get(number) or _column_of([*itertools.compress(operands, map(number.__eq__, order))]) for number in used
    ]
    places = {number: at for at, number in enumerate(used)}
    return Merged(bytes(map(places.__getitem__, order)), columns)
