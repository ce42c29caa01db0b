"""Reductions by methods of other people, which may change the object: after the save it is as before.

Twisted's log files delete attributes from the live `__dict__` in their `__getstate__`. A method of that sort is called
on the object itself, and afterwards the attributes are put back. A copy of the object would do as well for most
classes. But a method may return the object in its state, look it up by its identity, or need the items of a base.
"""

from __future__ import annotations

import collections
import contextlib
import operator
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import actions, evolve, states
from appsnap.recipe.freeze.attributes import package_of
from appsnap.recipe.freeze.inherited import arguments_of_newobj_ex, newobj_ex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["HARMLESS", "Taken", "guarded", "has_own_methods", "once"]

_METHODS = ("__getstate__", "__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__")
_OF_C = (types.MethodDescriptorType, types.WrapperDescriptorType, types.BuiltinFunctionType, types.NoneType)
HARMLESS = sys.stdlib_module_names | {"appsnap", "attr"}
"""Packages whose methods change nothing."""

_DICTS = (dict, collections.OrderedDict)
_ABSENT = object()


def has_own_methods(cls: type) -> bool:
    """Tell whether a method that takes objects of a class apart is written in Python, and not known to be harmless."""
    for name in _METHODS:
        found = states.special(cls, name)
        if not isinstance(found, _OF_C) and package_of(found) not in HARMLESS:
            return True
    return False


class Taken(NamedTuple):
    """An object that its own methods have taken apart: the reduction, or the error that one of them raised."""

    obj: Any
    reduction: Any = None
    error: BaseException | None = None


class _Items(list[Any]):
    """The items of an iterator in a reduction."""


def once(rule: Callable[[Any], Any], taken: dict[int, Taken]) -> Callable[[Any], Any]:
    """Return a rule that takes each object apart once in a save, although that may walk over its objects again.

    The C pickler gives up at objects that the steps can hold, and the place of an error is found by another walk. The
    methods may have effects, so they don't run again. `taken` is the save's.
    """

    def reduce(obj: Any) -> Any:
        known = taken.get(id(obj))
        if known is None:
            try:
                reduction = rule(obj)
            except (MemoryError, RecursionError):  # the walk without recursion has to call the method again
                raise
            except (Exception, SystemExit) as error:
                taken[id(obj)] = Taken(obj, error=error)
                raise
            if type(reduction) is tuple and any(isinstance(part, Iterator) for part in reduction[3:5]):
                lists = [_Items(part) if isinstance(part, Iterator) else part for part in reduction[3:5]]
                reduction = (*reduction[:3], *lists, *reduction[5:])
            known = taken[id(obj)] = Taken(obj, reduction)
        if known.error is not None:
            raise known.error
        reduction = known.reduction
        if type(reduction) is tuple and any(type(part) is _Items for part in reduction[3:5]):
            items = [iter(part) if type(part) is _Items else part for part in reduction[3:5]]
            reduction = (*reduction[:3], *items, *reduction[5:])
        if type(reduction) is tuple and reduction[0] is newobj_ex:
            # Where the arguments lead back to the object, it is asked again, and has to have keywords of its own.
            cls, args, keywords = arguments_of_newobj_ex(reduction[1])
            reduction = (reduction[0], (cls, args, dict(keywords)), *reduction[2:])
        match reduction:
            case function, (called, args, dict() as keywords), *rest if function is actions.called:
                reduction = function, (called, args, dict(keywords)), *rest
        return reduction

    return reduce


def guarded(cls: type, rule: Callable[[Any], Any], standard: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the function that takes objects of a class apart by a rule or the standard one, and leaves them unchanged.

    A copy of the attributes that a method has put into the state loses those that are transient.
    """
    has_dict = states.special(cls, "__dict__") is not None
    slots = _slots(cls)
    transients = evolve.transients(cls)

    def reduce(obj: Any) -> Any:
        found = obj.__dict__ if has_dict else None
        own: dict[str, Any] = found if type(found) is dict else {}
        before = own.copy()
        in_slots = _values(obj, slots) if slots else {}
        mutated = None
        try:
            reduction = rule(obj)
            if reduction is NotImplemented:
                reduction = standard(obj)
        finally:
            if not _same(own, before):
                mutated = own.copy()
                own.clear()
                own.update(before)
            if own is found and obj.__dict__ is not own:
                object.__setattr__(obj, "__dict__", own)
            if slots and not _same(_values(obj, slots), in_slots):
                for name, value in in_slots.items():
                    object.__setattr__(obj, name, value)
        if mutated is not None:
            known = {id(value) for value in before.values()}
            reduction = _with(reduction, lambda part: mutated if part is own else part, known)
        if transients and type(reduction) is tuple:
            return _without(reduction, obj, transients, before | in_slots)
        return reduction

    return reduce


def _without(reduction: tuple[Any, ...], obj: Any, transients: Iterable[str], attributes: Mapping[str, Any]) -> Any:
    """Return a reduction whose arguments and state have no copies of transient attributes."""
    drop = {name: _value(obj, name, attributes) for name in transients}
    known = {id(value) for value in attributes.values()}

    def without(part: Any) -> Any:
        found = {name for name in drop if drop[name] is part.get(name, part)} if type(part) in _DICTS else ()
        lasting = part.copy() if found else part
        for name in found:
            del lasting[name]
        return lasting

    return reduction[0], *[_with(part, without, known) for part in reduction[1:3]], *reduction[3:]


def _value(obj: Any, name: str, attributes: Mapping[str, Any]) -> Any:
    """Return the value of a transient attribute, if it is easy to find."""
    if name in attributes:
        return attributes[name]
    found = states.special(type(obj), name)
    if isinstance(found, property) and name == "running":
        try:
            return found.__get__(obj, type(obj))
        except MemoryError:
            raise
        except (Exception, SystemExit):  # noqa: BLE001 - a property may need attributes that are there after the start
            return _ABSENT
    return _ABSENT if found is None or hasattr(type(found), "__get__") else found


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (
        len(one) == len(other)
        and all(map(operator.eq, one, other))
        and all(map(operator.is_, one.values(), other.values()))
    )


def _slots(cls: type) -> dict[str, Any]:
    """Return the slots of a class, by name."""
    bases = [base.__dict__ for base in reversed(cls.__mro__) if "__slots__" in base.__dict__]
    return {name: slot for own in bases for name, slot in own.items() if type(slot) is types.MemberDescriptorType}


def _values(obj: Any, slots: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values in the slots of an object, by name."""
    found = {}
    for name, slot in slots.items():
        with contextlib.suppress(AttributeError):  # an empty one
            found[name] = slot.__get__(obj)
    return found


def _with(part: Any, change: Callable[[Any], Any], known: set[int], depth: int = 10) -> Any:
    """Return a part of a reduction with a change of each container in it, other than the values of attributes.

    A part without a change stays the same object.
    """
    if id(part) in known or not depth:
        return part
    changed = change(part)
    if type(changed) in (tuple, list):
        items = [_with(item, change, known, depth - 1) for item in changed]
        return changed if all(map(operator.is_, items, changed)) else type(changed)(items)
    if type(changed) in _DICTS:
        values = {key: _with(value, change, known, depth - 1) for key, value in changed.items()}
        if not _same(values, changed):
            changed = changed.copy()
            changed.update(values)
    return changed
