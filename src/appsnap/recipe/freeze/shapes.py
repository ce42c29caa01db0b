"""Shapes: the parts of objects of one shape make columns.

The shape of a list, tuple or set is its length, that of a dictionary its keys, that of an object the names of its
attributes, and that of a value the function that makes it, with the number of its arguments. A *group* has objects of
one class and shape.
"""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any

from appsnap import evolve, states
from appsnap.recipe import steps
from appsnap.recipe.freeze.attributes import slot_names
from appsnap.recipe.freeze.inherited import newobj
from appsnap.recipe.runs import LEAST
from appsnap.recipe.steps import INLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appsnap.recipe.freeze.quiet import Quiet

__all__ = ["CONTAINERS", "Group", "Shapes"]

WIDEST = 64
"""The columns of the widest run. A longer list is divided into runs by itself."""

CONTAINERS: dict[type, type] = {
    dict: steps.Dict,
    list: steps.List,
    tuple: steps.Tuple,
    set: steps.Set,
    frozenset: steps.FrozenSet,
}
"""The classes of containers, each with the step that makes one."""

_TEXT = frozenset({str})
_SORTED = (frozenset({str}), frozenset({int}))
"""The types of the items of sets that have a canonical order by value alone."""


class Group:
    """Objects of one class and shape.

    `sort` is the step that makes or fills them. `keys` tell the shape, and `names` are the names of the attributes that
    are saved. Objects that are made before their content is known are `early`. `first` is the register of the first
    one, once they are made.
    """

    __slots__ = ("cls", "early", "first", "items", "keys", "names", "sort")

    def __init__(self, cls: type, keys: Any, sort: type, names: tuple[str, ...], items: list[Any]) -> None:
        self.cls, self.keys, self.sort, self.names, self.items = cls, keys, sort, names, items
        own_hash = states.special(cls, "__hash__") not in (object.__hash__, None)
        self.early = sort in steps.FILLERS and not own_hash
        self.first = -1

    @property
    def shape(self) -> tuple[type, Any]:
        """The class and the keys."""
        return self.cls, self.keys


class Shapes:
    """Finds the groups of one walk, and the parts of their objects."""

    def __init__(self, quiet: Quiet, reduction_of: Callable[[Any], Any], is_constructor: Callable[[Any], bool]) -> None:
        self._quiet = quiet
        self._reduction_of = reduction_of
        self._is_constructor = is_constructor
        self._names: dict[tuple[type, Any], tuple[str, ...] | None] = {}  # by shape
        self._calls: dict[int, Any] = {}  # by id: the call that makes a value

    def groups(self, fresh: dict[int, Any]) -> list[Group]:
        """Return the groups of objects, given by id, in the order of their first objects."""
        objects = [*fresh.values()]
        classes = [*map(type, objects)]
        kinds = [*dict.fromkeys(classes)]
        alike: dict[tuple[type, Any], list[Any]] = {}
        for cls in kinds:
            some = objects
            if len(kinds) > 1:
                some = [*itertools.compress(objects, map(operator.is_, classes, itertools.repeat(cls)))]
            all_keys = self._keys(cls, some) if len(some) >= LEAST else None
            if all_keys is None:
                continue
            shapes = {keys: (cls, _lasting(cls, keys)) for keys in set(all_keys)}
            if len(shapes) == 1:
                alike[shapes.popitem()[1]] = some
            else:
                for keys, obj in zip(all_keys, some, strict=True):
                    alike.setdefault(shapes[keys], []).append(obj)
        found = [
            Group(*shape, CONTAINERS.get(shape[0]) or self._quiet.sort(shape[0]) or object, names, items)
            for shape, items in alike.items()
            if len(items) >= LEAST and (names := self._names_of(*shape, items[0])) is not None
        ]
        places = {number: at for at, number in enumerate(fresh)} if len(found) > 1 else {}
        return sorted(found, key=lambda group: places.get(id(group.items[0]), 0))

    def _keys(self, cls: type, some: list[Any]) -> list[Any] | None:
        """Return the keys of each object of a class, which tell its shape, or None if there are no runs of them."""
        if cls is list or cls is tuple:
            return [*map(len, some)]
        if cls is set or cls is frozenset:
            items = frozenset(map(type, itertools.chain.from_iterable(some)))
            return [*map(len, some)] if not items or items in _SORTED else None
        sort = None if cls is dict else self._quiet.sort(cls)
        if sort is steps.Call:
            self._calls.update({id(obj): self._call_of(obj) for obj in some})
            return [*map(self._shape_of_call, some)]
        if sort is steps.New:
            return [*map(operator.attrgetter("_fields"), some)]
        if sort is steps.SetState:
            names = tuple(slot_names(cls))
            return [tuple(name for name in names if hasattr(obj, name)) for obj in some]
        if cls is not dict and sort is not steps.State:
            return None
        keys = [*map(tuple, some if cls is dict else map(states.dict_of, some))]
        # A text of a class of its own may be equal to a name.
        return keys if _TEXT.issuperset(map(type, itertools.chain.from_iterable(keys))) else None

    def _call_of(self, obj: Any) -> Any:
        """Return the function and the arguments of the call that makes a value, or None if a call alone doesn't."""
        reduction = self._reduction_of(obj)
        if type(reduction) is not tuple or any(part is not None for part in reduction[2:]):
            return None
        return reduction[:2] if type(reduction[1]) is tuple else None

    def _shape_of_call(self, obj: Any) -> tuple[int, int] | None:
        call = self._calls[id(obj)]
        return None if call is None else (id(call[0]), len(call[1]))

    def _names_of(self, cls: type, keys: Any, first: Any) -> tuple[str, ...] | None:
        """Return the names of the attributes that are saved, in order, or None if there are no runs of a shape."""
        if cls in CONTAINERS:
            is_run = _are_names(keys) if cls is dict else keys <= WIDEST
            return () if is_run else None
        sort = self._quiet.sort(cls)
        if sort is steps.Call:
            is_run = keys is not None and keys[1] <= WIDEST and self._is_constructor(self.function(first))
            return () if is_run else None
        if not _are_names(keys):
            return None
        if sort is steps.New:
            return tuple(keys)
        if (cls, keys) not in self._names:
            self._names[cls, keys] = self._saved_names(self._reduction_of(first), cls, first)
        return self._names[cls, keys]

    def _saved_names(self, reduction: Any, cls: type, first: Any) -> tuple[str, ...] | None:
        if type(reduction) is not tuple or reduction[0] is not newobj or reduction[1] != (cls,):
            return None
        state = reduction[2] if len(reduction) > 2 else None
        if state is None:
            return ()
        if self._quiet.sort(cls) is steps.SetState:
            own = state[1] if type(state) is tuple and len(state) == 2 and state[0] is None else None
            return tuple(own) if type(own) is dict and len(own) <= WIDEST else None
        own = states.dict_of(first)
        if type(state) is not dict or any(own.get(name, own) is not value for name, value in state.items()):
            return None
        plain = not any(hasattr(type(states.special(cls, name)), "__set__") for name in state)
        return tuple(state) if plain else None

    def function(self, value: Any) -> Any:
        """Return the function that makes a value."""
        return self._calls[id(value)][0]

    def parts(self, group: Group) -> list[list[Any]]:
        """Return the parts of the objects of a group: a list for each item, argument, value or attribute."""
        items = group.items
        match group.sort:
            case steps.Dict:
                return [[*map(operator.itemgetter(key), items)] for key in group.keys]
            case steps.State:
                attributes = [*map(states.dict_of, items)]
                return [[*map(operator.itemgetter(name), attributes)] for name in group.names]
            case steps.SetState:
                return [[*map(operator.attrgetter(name), items)] for name in group.names]
            case steps.Set | steps.FrozenSet:
                found, length = list[Any](map(sorted, items)), group.keys
            case steps.Call:
                found, length = [self._calls[id(obj)][1] for obj in items], group.keys[1]
            case steps.New:
                found, length = list[Any](map(tuple, items)), len(group.keys)
            case _:
                found, length = items, group.keys
        return [[*map(operator.itemgetter(at), found)] for at in range(length)]


def _lasting(cls: type, keys: Any) -> Any:
    """Return keys without those of transient attributes: an object has the shape of the object that is loaded."""
    drop = {} if type(keys) is not tuple or cls is dict else evolve.transients(cls)
    return keys if not drop or drop.keys().isdisjoint(keys) else tuple(name for name in keys if name not in drop)


def _are_names(keys: Sequence[str]) -> bool:
    """Tell whether keys are few enough for a run, and short: all rows of a run share them."""
    return len(keys) <= WIDEST and max(map(len, keys), default=0) <= INLINE
