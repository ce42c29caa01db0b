"""Containers, and other objects that hold objects."""

from __future__ import annotations

import collections
import functools
import types
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.values.arguments import call, check, of
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["STATEFUL", "TYPES"]

STATEFUL = frozenset({steps.State, steps.SetState})
"""The steps that set the state of an object."""


def _items(args: Sequence[Any]) -> Sequence[Any]:
    """Return the items that a set or a dictionary hashes when it is made."""
    return tuple(args[0]) if args and type(args[0]) in (list, tuple, dict) else ()


_ITEMS = of(list, tuple, set, frozenset, dict, most=1)


def _check_dict(args: tuple[Any, ...]) -> None:
    of(dict, list, most=1)(args)
    # Python makes a list of each pair, even of a range of a billion numbers.
    pairs = args[0] if args and type(args[0]) is list else []
    check(all(type(pair) in (list, tuple) for pair in pairs), "takes pairs")


def _keys_of_pairs(args: Sequence[Any]) -> Sequence[Any]:
    if not args or type(args[0]) is not list:
        return _items(args)
    return [item[0] for item in args[0] if type(item) in (list, tuple) and item]


def _make_deque(args: tuple[Any, ...]) -> collections.deque[Any]:
    items, maxlen = (*args, None, None)[:2]
    check(len(args) <= 2 and type(items) in (list, tuple, type(None)), "takes a list and a length")
    check(maxlen is None or type(maxlen) is int, "takes a list and a length")
    return collections.deque(items or (), maxlen)


def _make_defaultdict(args: tuple[Any, ...]) -> collections.defaultdict[Any, Any]:
    check(len(args) <= 1, "takes one factory")
    return collections.defaultdict(*args)


def _check_defaultdict(args: tuple[Any, ...]) -> None:
    check(len(args) <= 2 and all(type(items) is dict for items in args[1:]), "takes a factory and a dictionary")


def _make_partial(args: tuple[Any, ...]) -> functools.partial[Any]:
    (function,) = args
    check(callable(function), "takes one callable")
    return functools.partial(function)


def _partial_work(args: Sequence[Any]) -> int:
    """Return how many keywords a partial of a partial copies."""
    function = args[0] if args else None
    return len(function.keywords) if type(function) is functools.partial else 0


def _is_partial_state(state: Any) -> bool:
    # CPython itself checks only the first three parts (functools.partial.__setstate__).
    if type(state) is not tuple or len(state) != 4:
        return False
    function, args, keywords, attributes = state
    dicts = all(part is None or type(part) is dict for part in (keywords, attributes))
    return callable(function) and type(args) is tuple and dicts


def _comes_to_an_end(partial: functools.partial[Any], state: Any) -> bool:
    """Tell whether a state leads no partial back to itself. Python would call it without a look at the stack."""
    seen = {id(partial)}
    function = state[0]
    while isinstance(function, functools.partial):
        if id(function) in seen:
            return False
        seen.add(id(function))
        function = functools.partial.func.__get__(function)  # a subclass may have another `func`
    return True


def _keeps(name: str, *allowed: type) -> Callable[[Any], bool]:
    """Return a check that an attribute in a state is of some types: the class goes through it at each use."""

    def fits(state: Any) -> bool:
        kept = [part[name] for part in _parts(state) if part.get(name) is not None]
        return all(issubclass(type(one), allowed) for one in kept)

    return fits


def _parts(state: Any) -> list[dict[Any, Any]]:
    """Return the attributes in a state, and those that it has as slots: an object gets both."""
    parts = state if type(state) is tuple and len(state) == 2 else (state,)
    return [part for part in parts if type(part) is dict]


_MOST_MAPS = 1_000


def _are_maps(state: Any) -> bool:
    # A ChainMap in a ChainMap, and so on, would look up each key in each of very many.
    mappings = (dict, collections.UserDict, types.MappingProxyType)
    found = [part["maps"] for part in _parts(state) if "maps" in part]
    # Many ChainMaps may share one list.
    return all(
        type(maps) is list
        and len(maps) <= _MOST_MAPS
        and all(issubclass(cls, mappings) for cls in set(map(type, maps)))
        for maps in found
    )


def _is_user_string_state(state: Any) -> bool:
    # A UserString is hashed as its `data`.
    return type(state) is dict and type(state.get("data")) is str


def _reduce_counter(value: collections.Counter[Any]) -> Any:
    # It is written in Python and has a `__dict__`, which its own `__reduce__` leaves out.
    return (collections.Counter, (dict(value),), dict(value.__dict__)) if value.__dict__ else NotImplemented


TYPES = (
    ValueType(name="builtins.list", cls=list, inherited=_ITEMS),
    ValueType(name="builtins.tuple", cls=tuple, inherited=_ITEMS),
    ValueType(name="builtins.dict", cls=dict, inherited=_check_dict, hashed=_keys_of_pairs),
    ValueType(
        name="builtins.set",
        cls=set,
        make=call(set, list, tuple, most=1),
        inherited=_ITEMS,
        identity=True,
        methods=True,
        hashed=_items,
    ),
    ValueType(
        name="builtins.frozenset",
        cls=frozenset,
        make=call(frozenset, list, tuple, most=1),
        inherited=_ITEMS,
        methods=True,
        hashed=_items,
    ),
    ValueType(
        name="collections.Counter",
        cls=collections.Counter,
        reduce=_reduce_counter,
        make=call(collections.Counter, dict, most=1),
        filled_by=STATEFUL | {steps.Update},
        methods=True,
        hashed=_items,
    ),
    ValueType(
        name="collections.OrderedDict",
        cls=collections.OrderedDict,
        make=call(collections.OrderedDict, dict, list, most=1),
        filled_by=STATEFUL | {steps.Update},
        methods=True,
        hashed=_keys_of_pairs,
    ),
    ValueType(
        name="collections.defaultdict",
        cls=collections.defaultdict,
        make=_make_defaultdict,
        inherited=_check_defaultdict,
        filled_by=frozenset({steps.Update}),
        methods=True,
    ),
    ValueType(
        name="collections.deque",
        cls=collections.deque,
        make=_make_deque,
        filled_by=frozenset({steps.Extend}),
        methods=True,
    ),
    *(
        ValueType(
            name=f"collections.{cls.__name__}",
            cls=cls,
            inherited=inherited,
            creatable=True,
            wraps=True,
            state_fits=fits,
        )
        for cls, inherited, fits in (
            (collections.ChainMap, of(dict, most=_MOST_MAPS), _are_maps),
            (collections.UserDict, of(dict, most=1), _keeps("data", dict)),
            (collections.UserList, _ITEMS, _keeps("data", list)),
        )
    ),
    ValueType(
        name="collections.UserString",
        cls=collections.UserString,
        inherited=of(str, most=1),
        creatable=True,
        state_fits=_is_user_string_state,
    ),
    ValueType(
        name="functools.partial",
        cls=functools.partial,
        make=_make_partial,
        work=_partial_work,
        filled_by=STATEFUL,
        state_fits=_is_partial_state,
        takes=_comes_to_an_end,
    ),
    ValueType(
        name="types.MappingProxyType",
        cls=types.MappingProxyType,
        make=call(types.MappingProxyType, dict, least=1, most=1),
    ),
    ValueType(
        name="types.SimpleNamespace",
        cls=types.SimpleNamespace,
        reduce=lambda value: (types.SimpleNamespace, (), value.__dict__),
        make=call(types.SimpleNamespace, most=0),
        filled_by=STATEFUL,
    ),
)
