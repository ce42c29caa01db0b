"""Weak references, which `appsnap.ways.weak` makes. Those with a callback aren't among them: they call it."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.values.anew import made_by_way
from appsnap.recipe.values.arguments import check
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TYPES"]


def _type(function: str, check_all: Callable[[tuple[Any, ...]], object], **more: Any) -> ValueType:
    name = f"appsnap.ways.weak.{function}"
    fields: dict[str, Any] = {"identity": True, "referable": False, "work": lambda _: 10} | more
    return ValueType(name=name, make=made_by_way(name, check_all), **fields)


def _check_nothing(args: tuple[Any, ...]) -> None:
    check(not args, "takes no arguments")


def _check_object(args: tuple[Any, ...]) -> None:
    check(len(args) <= 1, "takes one object")


def _check_method(args: tuple[Any, ...]) -> None:
    check(all(type(method) is types.MethodType for method in args) and len(args) <= 1, "takes one method")


def _check_keyed(args: tuple[Any, ...]) -> None:
    check(len(args) == 2, "takes an object and a key")


def _check_items(args: tuple[Any, ...]) -> None:
    weak = getattr(sys.modules.get("weakref"), "WeakSet", None)
    check(len(args) == 2 and type(args[0]) is weak and type(args[1]) is set, "takes a weak set and a set")


def _items(args: Sequence[Any]) -> Sequence[Any]:
    return tuple(args[1]) if len(args) == 2 and type(args[1]) is set else ()


_FILLED = frozenset({steps.Update})

TYPES = (
    _type("ref", _check_object, weak=True),
    _type("proxy", _check_object, weak=True),
    _type("WeakMethod", _check_method),
    _type("KeyedRef", _check_keyed),
    _type("WeakSet", _check_nothing),
    _type("add_items", _check_items, hashed=_items, adds=True),
    _type("WeakKeyDictionary", _check_nothing, filled_by=_FILLED),
    _type("WeakValueDictionary", _check_nothing, filled_by=_FILLED),
    _type("finalized", _check_nothing),
)
