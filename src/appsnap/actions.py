"""The actions that a snapshot may name: steps of a recipe that Python has no syntax for.

A source file imports them, so that Python itself can run it (`python -i shop.tas`). Running it gives the same objects,
and executes all code in the file. `appsnap.load` never runs it: the calls are read as steps. Pickles name `set_state`
and `read_only`. The names of these functions are part of the format.
"""

from __future__ import annotations

import binascii
import collections
import contextlib
import functools
import importlib
import operator
import struct
import types
from typing import TYPE_CHECKING, Any, TypeVar

from appsnap import evolve, states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "add",
    "adopt",
    "called",
    "extend",
    "from_base64",
    "named",
    "new",
    "packed",
    "read_only",
    "set_state",
    "state",
    "update",
]

T = TypeVar("T")


def new(cls: type[T], *args: Any, **keywords: Any) -> T:
    """Return an object made by `cls.__new__(cls, *args, **keywords)`, without `__init__`."""
    return cls.__new__(cls, *args, **keywords)


def called(function: Callable[..., T], args: tuple[Any, ...], keywords: dict[str, Any], /) -> T:
    """Return the result of a call with keywords."""
    return function(*args, **keywords)


def state(target: T, /, **attributes: Any) -> T:
    """Set attributes by `set_state`. Returns the target."""
    return set_state(target, attributes)


def set_state(target: T, state: Any, /) -> T:
    """Give an object its state as pickle does, but without transient attributes. Returns the target.

    The state goes to `__setstate__`, if the class has it. Otherwise it is a dictionary of attributes, or a pair of that
    and the slots. An attribute that has a slot goes there.

    A transient attribute with a factory is made anew, and a `Versioned` object is upgraded.
    """
    cls = type(target)
    drop = evolve.transients(cls)  # type: ignore[arg-type]  # classes are hashable
    if drop:
        state = evolve.without_transients(cls, state)
    states.assign(target, state, drop)
    for name, factory in drop.items():
        if factory is not None:
            object.__setattr__(target, name, factory())  # a frozen class refuses setattr
    evolve.finish_later(target)
    return target


def from_base64(text: str, /) -> bytes:
    """Return the bytes that a text in base64 stands for. Raises ValueError for a text that isn't base64 alone."""
    return binascii.a2b_base64(text, strict_mode=True)


def packed(dtype: str, /, *rows: list[Any]) -> bytes:
    """Return numbers as bytes, one after the other, in the form that numpy calls `dtype`: `"<f8"`, `"|b1"`.

    Raises ValueError for another form than booleans, integers and floats of 1 to 8 bytes, and for numbers that have no
    place in it.
    """
    order, code = dtype[:1], FORMS.get(dtype[1:])
    if order not in {"<", ">", "|"} or code is None:
        raise ValueError(f"{dtype[:40]!r} is no form of numbers: it is as <f8, >i4, |b1")
    items = [item for row in rows for item in row]
    takes = {bool} if code == "?" else {int, float} if code in "efd" else {int}
    if not takes.issuperset(map(type, items)):
        raise ValueError(f"numbers of the form {dtype} are each {' or '.join(sorted(x.__name__ for x in takes))}")
    try:
        return struct.pack(f"{'>' if order == '>' else '<'}{len(items)}{code}", *items)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a number is too large for the form {dtype} ({error})") from None


FORMS = {"b1": "?", "f2": "e", "f4": "f", "f8": "d"}
FORMS |= {"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
"""The forms of numbers without byte order, and the letters that `struct` has for them."""


def adopt(target: T, attributes: dict[str, Any], /) -> T:
    """Put a dictionary itself in the place of an object's `__dict__`: objects may share it. Returns the target."""
    if isinstance(target, (type, types.ModuleType, types.FunctionType)):
        raise TypeError(f"a {type(target).__qualname__} keeps its __dict__")
    object.__setattr__(target, "__dict__", attributes)
    return target


# The methods below are looked up in the class: an attribute of the object may hold anything that the file refers to.


def extend(target: Any, items: Iterable[Any], /) -> Any:
    """Append items by the class's `extend`, or its `append`. Returns the target."""
    cls: Any = type(target)
    cls = native_base(cls) or cls
    if hasattr(cls, "extend"):
        cls.extend(target, items)
    else:
        for item in items:
            cls.append(target, item)
    return target


def update(target: Any, items: Mapping[Any, Any], /) -> Any:
    """Set items one by one by the class's `__setitem__`. Returns the target."""
    set_item = setter_of_items(target)
    for key, value in items.items():
        set_item(target, key, value)
    return target


def setter_of_items(target: Any) -> Callable[[Any, Any, Any], None]:
    """Return the function that sets an item of an object."""
    cls: Any = type(target)
    cls = native_base(cls)
    return operator.setitem if cls is None else cls.__setitem__


def add(target: Any, items: Iterable[Any], /) -> Any:
    """Add items to a set, or one by one by the class's `add`. Returns the target."""
    cls: Any = type(target)
    if cls is set or native_base(cls) is set:
        set.update(target, items)
    else:
        for item in items:
            cls.add(target, item)
    return target


CONTAINERS: dict[type, tuple[str, ...]] = {
    collections.OrderedDict: ("__setitem__", "__iter__", "items"),
    dict: ("__setitem__", "__iter__", "items"),
    list: ("extend", "__iter__"),
    collections.deque: ("extend", "__iter__"),
    bytearray: ("extend", "__iter__"),
    set: ("add", "update", "__iter__", "__init__", "__new__"),
}
"""The containers, each with the methods by which its items are saved and loaded. `set` has no opcode to add items."""


@functools.cache
def native_base(cls: type) -> type | None:
    """Return the container that a class changes the methods of, or None.

    Those methods may need attributes, and may change them. As the items and the attributes are saved as they are, they
    are put back as they are, by the methods of the container. A class with a protocol of its own expects its methods.
    """
    base = next((base for base in CONTAINERS if issubclass(cls, base)), None)
    if base is None or cls is base or cls.__module__ in _STANDARD:
        return None
    if any(_is_changed(cls, name) for name in ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")):
        return None
    return base if any(_is_changed(cls, name) for name in CONTAINERS[base]) else None


_STANDARD = frozenset({"builtins", "collections"})


def _is_changed(cls: type, name: str) -> bool:
    definer = next((base for base in cls.__mro__ if name in base.__dict__), object)
    return definer.__module__ not in _STANDARD and isinstance(getattr(cls, name), types.FunctionType)


def named(module: str, qualname: str = "", /) -> Any:
    """Import a module, and return the object of this qualified name in it, or the module itself."""
    found: Any = importlib.import_module(module)
    for part in qualname.split(".") if qualname else ():
        found = part_of(found, part)
    return found


def part_of(owner: Any, name: str) -> Any:
    """Return an attribute of a class or a module, or the module of that name in a package: it is imported if need be.

    A module may put another object into its own place, as Twisted's reactor does. Raises AttributeError.
    """
    try:
        return getattr(owner, name)
    except AttributeError:
        # To import `__main__` runs a program.
        if not isinstance(owner, types.ModuleType) or not name.isidentifier() or name.startswith("__"):
            raise
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(f"{owner.__name__}.{name}")
        raise


def read_only(array: Any, /) -> Any:
    """Make a numpy array read-only, and return it. The memory below stays writable."""
    array.flags.writeable = False
    return array
