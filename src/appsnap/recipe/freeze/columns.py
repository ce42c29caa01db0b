"""Columns: many objects of one shape are taken apart together, by functions written in C.

The items of a long list are grouped by their shape: dictionaries by their keys, lists, tuples and sets by their length,
objects by their class and the names of their attributes. A group of at least `LEAST` becomes a run: its parts are
columns, which are grouped again. All other items are taken apart one by one, as ever.

The objects of a run are made first, and filled when their attributes are known. So within a run nothing may be called
that could look at an object before it is filled, nor in another order than without columns: no class with methods of
its own for saving, loading or hashing, no function or class by value. The first of these that turns up in a run undoes
it, and its shape is taken apart in the ordinary way from then on. The same holds for a container that leads back to
itself.
"""

from __future__ import annotations

import copyreg
import itertools
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import evolve, states
from appsnap.recipe import steps
from appsnap.recipe.freeze.inherited import newobj
from appsnap.recipe.freeze.quiet import Quiet, are_hashed_alike
from appsnap.recipe.runs import LEAST, Merged, Run, Same, Span
from appsnap.recipe.steps import INLINE, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from appsnap.recipe.builder import RecipeBuilder
    from appsnap.recipe.freeze.fast import FastWalk
    from appsnap.recipe.runs import Column
    from appsnap.recipe.steps import NameOrOperand

__all__ = ["Columns", "OutOfOrder"]

WIDEST = 64
"""The columns of the widest run. A longer list is divided into runs by itself."""

_UNDONE = 8
"""How many runs may be undone in one walk. From then on there are no more runs."""

_TEXT = frozenset({str})
_SHARED = frozenset({type(None), bool, int, str, bytes})
"""The atoms that are alike if they are equal: a float may be a negative zero."""
_SORTED = (frozenset({str}), frozenset({int}))
"""The types of the items of sets that have a canonical order by value alone."""

_vars: Callable[[Any], dict[str, Any]] = operator.attrgetter("__dict__")
_slot_names: Any = copyreg._slotnames  # type: ignore[attr-defined]  # noqa: SLF001 - the slots that pickle saves


class OutOfOrder(BaseException):
    """A thing within a run that has to be made in the ordinary order. It is no error, and no class may catch it."""


class _Group:
    """Objects of one shape: a class, and keys, names or a length. `first` is the register of the first one."""

    __slots__ = ("cls", "first", "items", "keys", "shape")

    def __init__(self, shape: Any, items: list[Any]) -> None:
        self.shape, self.items = shape, items
        self.cls, self.keys = shape
        self.first = -1


class _Mark(NamedTuple):
    """The lengths of the tables of a walk, to which it can go back."""

    steps: int
    registers: int
    kept: int
    level: int
    path: int
    lengths: tuple[int, ...]  # of its dictionaries


class Columns:
    """Takes apart long lists for a `FastWalk`, and shares its tables.

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
        self._undone = 0
        self._quiet = Quiet(walk.reduction_of, walk.is_standard)
        self._names: dict[Any, tuple[str, ...] | None] = {}

    def __call__(self, items: list[Any]) -> Sequence[Any]:
        """Return the operands of items, of which there are at least `LEAST`. Changes the list."""
        if self._undone > _UNDONE:
            return self._walk.operands(items)
        if self.depth:
            return self._operands(items)
        while True:
            mark = self._mark()
            self._opened.clear()
            try:
                return self._operands(items)
            except OutOfOrder:
                self._undo(mark)
                self._ordinary.add(self._outermost)
                self._undone += 1

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
        walk.level += 1
        objects = items if kinds.isdisjoint(steps.ATOMS) else [x for x in items if type(x) not in steps.ATOMS]
        groups = self._taken_apart(objects)
        walk.level -= 1
        if len(groups) == 1 and len(groups[0].items) == len(items):
            return Span(groups[0].first, len(items))
        operands = list(map(self._memo.get, map(id, items)))
        if {Ref} != set(map(type, operands)):
            operands = walk.operands(items.copy())
        return _merged(items, operands, groups)

    def _atoms(self, items: list[Any], kinds: set[type]) -> Column:
        """Return the column of atoms, and of texts and byte strings of any length."""
        if bytes in kinds and any(type(x) is bytes and len(x) > INLINE for x in items):
            return _column_of(self._walk.operands(items))
        if str in kinds and max(map(len, items if len(kinds) == 1 else [x for x in items if type(x) is str])) > INLINE:
            return _column_of(self._builder.texts(items))
        if _are_alike(items, kinds):
            return Same(items[0], len(items))
        return items

    def _taken_apart(self, objects: list[Any]) -> list[_Group]:
        """Make runs of those of the objects that the recipe doesn't have yet, and that have the shape of others."""
        memo = self._memo
        fresh = dict(zip(map(id, objects), objects, strict=True))
        if not memo.keys().isdisjoint(fresh):
            fresh = {number: obj for number, obj in fresh.items() if number not in memo}
        if len(fresh) < LEAST:
            return []
        groups = self._groups(fresh)
        made = [group for group in groups if group.cls not in _CONTAINERS]
        for group in made:
            self._claim(group, steps.New, self._walk.register_of(group.cls))
        for group in groups:
            if group.cls in _CONTAINERS:
                self._make_containers(group)
        for group in made:
            self._within(group, self._fill)
        return [group for group in groups if group.items]

    def _within(self, group: _Group, method: Callable[[_Group], Any]) -> Any:
        """Call a method that takes apart the content of a group."""
        if not self.depth:
            self._outermost = group.shape
        self.depth += 1
        found = method(group)
        self.depth -= 1
        return found

    # Groups

    def _groups(self, fresh: dict[int, Any]) -> list[_Group]:
        """Return the groups of objects of one shape, in the order of their first objects."""
        objects = [*fresh.values()]
        groups: dict[Any, list[Any]] = {}
        classes = [*map(type, objects)]
        kinds = [*dict.fromkeys(classes)]
        for cls in kinds:
            some = objects
            if len(kinds) > 1:
                some = [*itertools.compress(objects, map(operator.is_, classes, itertools.repeat(cls)))]
            keys_of = self._keys_of(cls, some) if len(some) >= LEAST else None
            if keys_of is None:
                continue
            shapes = {keys: (cls, _lasting(cls, keys)) for keys in set(map(keys_of, some))}
            if len(shapes) == 1:
                groups[shapes.popitem()[1]] = some
            else:
                for keys, obj in zip(map(keys_of, some), some, strict=True):
                    groups.setdefault(shapes[keys], []).append(obj)
        found = [
            _Group(shape, items)
            for shape, items in groups.items()
            if len(items) >= LEAST and shape not in self._ordinary and self._is_run(shape[0], shape[1], items[0])
        ]
        places = {number: at for at, number in enumerate(fresh)} if len(found) > 1 else {}
        return sorted(found, key=lambda group: places.get(id(group.items[0]), 0))

    def _keys_of(self, cls: type, some: list[Any]) -> Callable[[Any], Any] | None:
        """Return the function from an object of a class to what tells its shape, or None if there are no runs."""
        if cls is list or cls is tuple:
            return len
        if cls is set or cls is frozenset:
            items = frozenset(map(type, itertools.chain.from_iterable(some)))
            return len if not items or items in _SORTED else None
        if cls is dict:
            keys_of: Callable[[Any], Any] = tuple
            keys: Iterable[Any] = some
        else:
            sort = self._quiet.sort(cls)
            if sort is not steps.State:
                return None if sort is None else _set_slots(cls)
            keys_of = _names
            keys = map(_vars, some)
        # A text of a class of its own may be equal to a name.
        return keys_of if _TEXT.issuperset(map(type, itertools.chain.from_iterable(keys))) else None

    def _is_run(self, cls: type, keys: Any, first: Any) -> bool:
        """Tell whether there are runs of objects of a shape, of which `first` is one."""
        if cls in _CONTAINERS and cls is not dict:
            return bool(keys <= WIDEST)
        if len(keys) > WIDEST or max(map(len, keys), default=0) > steps.INLINE:
            return False
        return cls is dict or self._saved_names(cls, keys, first) is not None

    def _saved_names(self, cls: type, shape: Any, first: Any) -> tuple[str, ...] | None:
        """Return the names of the attributes that are saved, in order, or None if more than attributes is saved."""
        key = cls, shape
        if key not in self._names:
            self._names[key] = self._names_in(self._walk.reduction_of(first), cls, first)
        return self._names[key]

    def _names_in(self, reduction: Any, cls: type, first: Any) -> tuple[str, ...] | None:
        if type(reduction) is not tuple or reduction[0] is not newobj or reduction[1] != (cls,):
            return None
        state = reduction[2] if len(reduction) > 2 else None
        if state is None:
            return ()
        if self._quiet.sort(cls) is steps.SetState:
            own = state[1] if type(state) is tuple and len(state) == 2 and state[0] is None else None
            return tuple(own) if type(own) is dict and len(own) <= WIDEST else None
        own = _vars(first)
        if type(state) is not dict or any(own.get(name, own) is not value for name, value in state.items()):
            return None
        plain = not any(hasattr(type(states.special(cls, name)), "__set__") for name in state)
        return tuple(state) if plain else None

    # Runs

    def _claim(self, group: _Group, sort: type, *fields: Any) -> None:
        """Append the run that makes the objects of a group."""
        length = len(group.items)
        group.first = first = self._builder.make_run(Run(sort, length, fields))
        self._memo.update(zip(map(id, group.items), map(Ref, range(first, first + length)), strict=True))
        self._kept += group.items

    def _fill(self, group: _Group) -> None:
        """Append the run that fills the objects of a group."""
        items, first, length = group.items, group.first, len(group.items)
        names = self._saved_names(group.cls, group.keys, items[0])
        if not names:
            return
        builder = self._builder
        if self._quiet.sort(group.cls) is steps.State:
            attributes = [*map(_vars, items)]
            columns = tuple(self._column([*map(operator.itemgetter(name), attributes)]) for name in names)
            builder.fill_run(Run(steps.State, length, (first, builder.shape(names), columns)))
            return
        columns = tuple(self._column([*map(operator.attrgetter(name), items)]) for name in names)
        # As pickle has it: the state is a pair of None and the dictionary of the slots.
        dicts = builder.make_run(Run(steps.Dict, length, (names, columns)))
        pairs = builder.make_run(Run(steps.Tuple, length, ((Same(None, length), Span(dicts, length)),)))
        builder.fill_run(Run(steps.SetState, length, (first, Span(pairs, length))))

    def _make_containers(self, group: _Group) -> None:
        """Append the run of a group of containers. Other groups may have used some of them."""
        if not self._memo.keys().isdisjoint(map(id, group.items)):
            group.items = [x for x in group.items if id(x) not in self._memo]
        if len(group.items) < LEAST:
            group.items = []
            return
        columns = self._within(group, self._columns_of)
        keys = (group.keys,) if group.cls is dict else ()
        self._claim(group, _CONTAINERS[group.cls], *keys, columns)

    def _columns_of(self, group: _Group) -> tuple[Column, ...]:
        items = group.items
        if group.cls is dict:
            found = [[*map(operator.itemgetter(key), items)] for key in group.keys]
        else:
            rows = [*map(sorted, items)] if group.cls in (set, frozenset) else items
            found = [[*map(operator.itemgetter(at), rows)] for at in range(group.keys)]
        if all(steps.ATOMS.issuperset(map(type, column)) for column in found):
            return tuple(map(self._column, found))
        numbers = dict.fromkeys(map(id, items))
        self._memo.update(numbers)
        self._rows.update(numbers)
        columns = tuple(map(self._column, found))
        self._rows.difference_update(numbers)
        return columns


def _lasting(cls: type, keys: Any) -> Any:
    """Return keys without those of transient attributes: the shape of an object is that of what is loaded."""
    drop = {} if cls in _CONTAINERS else evolve.transients(cls)
    return keys if not drop or drop.keys().isdisjoint(keys) else tuple(name for name in keys if name not in drop)


def _names(obj: Any) -> tuple[str, ...]:
    return tuple(_vars(obj))


def _set_slots(cls: type) -> Callable[[Any], tuple[str, ...]]:
    """Return the function from an object to the names of its slots that are set."""
    names: tuple[str, ...] = tuple(_slot_names(cls))
    return lambda obj: tuple(name for name in names if hasattr(obj, name))


_CONTAINERS = {dict: steps.Dict, list: steps.List, tuple: steps.Tuple, set: steps.Set, frozenset: steps.FrozenSet}


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
    if len(kinds) != 1 or not kinds <= _SHARED or atoms.count(first) != len(atoms):
        return False
    return type(first) is not int or not steps.is_long(first)


def _merged(items: list[Any], operands: list[Any], groups: list[_Group]) -> Column:
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
    if len(used) == 1 or len(used) > _MOST_MERGED:
        return operands
    columns = [
        spans.get(number) or _column_of([*itertools.compress(operands, map(number.__eq__, order))]) for number in used
    ]
    places = {number: at for at, number in enumerate(used)}
    return Merged(bytes(map(places.__getitem__, order)), columns)


_MOST_MERGED = 256
