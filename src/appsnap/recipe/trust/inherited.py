"""Constructors that a trusted class inherits: trust in the class isn't trust in the code of Python that it inherits.

`bytes.__new__` takes a length, `tuple.__new__` a range, `str.__new__` anything that has a `repr`. Where one of these
runs for a subclass, the check runs that the record of the value type has. Constructors of the subclass's own are its
author's code: they run unchecked.
"""

from __future__ import annotations

import enum
import functools
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap.recipe import values
from appsnap.recipe.values.arguments import check

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

__all__ = ["check_call", "check_items_at", "check_new"]

_MOST_PARTS = 1_000
_MOST_BITS = 10_000
"""Of a number that stands for a member of an enumeration: a Flag looks at each bit of the number for each bit."""


@functools.cache
def _inherited(cls: Any, name: str) -> values.ValueType | None:
    """Return the record of the class of Python whose constructor `name` runs for a class, or None."""
    for base in cls.__mro__:
        record = None if base is object else values.of_class(base)
        if record is not None:
            return record
        if name in base.__dict__ and (
            base.__module__.partition(".")[0] not in sys.stdlib_module_names or _is_of_named_tuple(getattr(base, name))
        ):
            return None
    return None


def _is_of_named_tuple(function: Any) -> bool:
    """Tell whether a `__new__` takes the fields of a named tuple, and looks into none of them."""
    return str(getattr(function, "__module__", "")).startswith("namedtuple_")


def check_new(cls: Any, args: Sequence[Any], names: Collection[str], count: Callable[..., None]) -> None:
    """Check the arguments of a class's `__new__`. Raises TypeError or ValueError. `count` counts their cost."""
    if issubclass(cls, enum.Enum):
        _check_member(args)
        return
    if issubclass(cls, BaseException) and args:
        _check(_inherited(cls, "__init__"), args, (), count)  # it keeps them, and `copy` calls the class with them
    # Where Python has an `__init__`, `__new__` looks at no arguments, except for groups of exceptions.
    if not _is_filled(cls) or issubclass(cls, BaseExceptionGroup):
        _check(_inherited(cls, "__new__"), args, names, count)


def check_call(function: Any, args: Sequence[Any], keywords: Mapping[str, Any], count: Callable[..., None]) -> None:
    """Check the arguments of a call of a class, of a `__new__`, or of a partial of these."""
    while type(function) is functools.partial:
        args, keywords = (*function.args, *args), {**function.keywords, **keywords}
        function = function.func
    names = keywords.keys()
    cls: Any = function
    if isinstance(function, type):
        if issubclass(cls, enum.Enum):
            check(not names, "an enumeration takes no keywords")
            _check_member(args)
            return
        if type(function).__call__ is type.__call__:  # else it is that of a metaclass
            if _is_filled(cls):
                _check(_inherited(cls, "__init__"), args, names, count)
            if not _is_filled(cls) or issubclass(cls, BaseExceptionGroup):
                _check(_inherited(cls, "__new__"), args, names, count)
    elif isinstance(function, types.BuiltinMethodType) and isinstance(function.__self__, type):
        if function.__name__ == "__new__":
            cls = function.__self__
            if not _is_filled(cls):
                _check(values.of_class(cls), args[1:], names, count)
        else:  # `dict.fromkeys` and the like, for a subclass
            check(range not in map(type, (*args, *keywords.values())), "takes no range")
    elif type(function) is types.MethodType and isinstance(function.__self__, type) and _is_of_library(function):
        # `UserDict.fromkeys` and the like
        check(range not in map(type, (*args, *keywords.values())), "takes no range")


def _is_of_library(function: Any) -> bool:
    return str(function.__module__).partition(".")[0] in sys.stdlib_module_names


@functools.cache
def _is_filled(cls: Any) -> bool:
    """Tell whether the class of Python below a class takes its arguments in `__init__`."""
    native = next(base for base in cls.__mro__ if base is object or values.of_class(base) is not None)
    return native.__init__ is not object.__init__


def _check(
    record: values.ValueType | None, args: Sequence[Any], names: Collection[str], count: Callable[..., None]
) -> None:
    make = None if record is None else record.inherited or record.make
    if record is None or make is None:
        return
    check(not names, f"a {record.name} takes no keywords")
    count(record, args)
    make(tuple(args))


def _check_member(args: Sequence[Any]) -> None:
    """Check a value of an enumeration: its class hashes the value, and prints it if no member has it."""
    waiting = [*args]
    for part in waiting:
        check(type(part) is not int or part.bit_length() <= _MOST_BITS, "no member has so large a number")
        if type(part) in (tuple, list, set, frozenset):
            waiting += part
        elif type(part) not in _ATOMS:
            record = values.of_type(type(part))
            check(record is None or record.plain, f"no member has a {type(part).__qualname__}")
        check(len(waiting) <= _MOST_PARTS, "no member has so many parts")


_ATOMS = frozenset({int, float, complex, bool, str, bytes, type(None)})


def check_items_at(target: Any, keys: Sequence[Any], items: Sequence[Any]) -> None:
    """Check the items that are set in an object whose `__setitem__` is Python's own. It may take slices and ranges."""
    cls = type(target)
    definer = next((base for base in cls.__mro__ if "__setitem__" in base.__dict__), None)
    if definer is None or issubclass(definer, dict) or isinstance(definer.__dict__["__setitem__"], types.FunctionType):
        return
    check(all(type(key) is int for key in keys), f"the items of a {definer.__qualname__} have numbers")
    check(definer is list or _ATOMS.issuperset(map(type, items)), f"a {definer.__qualname__} takes no such items")
