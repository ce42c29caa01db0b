"""Effects of running a class statement a second time: a decorator or a base may register the class, or count it.

The objects of a file have seen these effects already when the file was saved. So the state of the containers that the
statement can reach in its script is noted before it runs, and put back after it.
"""

from __future__ import annotations

import collections
import contextlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["undone"]


@contextlib.contextmanager
def undone(namespace: dict[str, Any], values: Iterable[Any]) -> Iterator[None]:
    """Undo changes in this block: of a script's global names, and of all that these and other values lead to.

    Classes and functions of modules that can be imported are no part of the script. They stay changed.
    """
    noted = list(_notes(namespace, values))
    try:
        yield
    finally:
        for target, parts in noted:
            if len(target) != len(parts) or any(map(_differ, _parts(target), parts)):
                _put_back(target, parts)


def _differ(part: Any, other: Any) -> bool:
    if type(part) is tuple and type(other) is tuple:
        return len(part) != len(other) or any(map(_differ, part, other))
    return part is not other


def _notes(namespace: dict[str, Any], values: Iterable[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Yield each container that can be reached, with its items."""
    waiting = [namespace, *values]
    seen: dict[int, Any] = {}
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, type):
            if not _is_of_a_module(value):
                yield _ClassDict(value), _parts(_ClassDict(value))
                waiting += [*vars(value).values(), *value.__mro__[1:]]
        elif type(value) is types.FunctionType:
            if value.__globals__ is namespace or not _is_of_a_module(value):
                waiting += [value.__dict__, *(_Cell(cell) for cell in value.__closure__ or ())]
                waiting += [value.__defaults__, value.__kwdefaults__]
                waiting += [value.__globals__[name] for name in value.__code__.co_names if name in value.__globals__]
        elif isinstance(value, _CONTAINERS):
            parts = _parts(value)
            yield value, parts
            waiting += [item for part in parts for item in (part if type(part) is tuple else (part,))]
        elif type(value) in {tuple, frozenset}:
            waiting += value
        elif isinstance(value, (classmethod, staticmethod, types.MethodType)):
            waiting.append(value.__func__)
        elif isinstance(value, _HOLDERS):
            waiting.append(vars(value))
        elif not isinstance(value, types.ModuleType) and not _is_of_a_module(type(value)):
            waiting += [vars(value)] if hasattr(value, "__dict__") else []
            slots = _Slots(value)
            waiting += [slots] if slots.members else []


class _ClassDict:
    """The attributes of a class, as a container."""

    def __init__(self, cls: type) -> None:
        self.cls = cls

    def __len__(self) -> int:
        return len(self.cls.__dict__)


class _Cell:
    """The content of a cell, as a container."""

    def __init__(self, cell: types.CellType) -> None:
        self.cell = cell

    def __len__(self) -> int:
        return int(self.cell != types.CellType())


class _Slots:
    """The attributes of an object that its classes have slots for, as a container."""

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.members = [
            member
            for cls in type(obj).__mro__
            if not _is_of_a_module(cls)
            for member in vars(cls).values()
            if type(member) is types.MemberDescriptorType
        ]

    def __len__(self) -> int:
        return len(_parts(self))


_CONTAINERS = (list, dict, set, bytearray, collections.deque, _Cell, _Slots)
_HOLDERS = (types.SimpleNamespace, collections.UserDict, collections.UserList, collections.ChainMap)


def _parts(container: Any) -> list[Any]:
    if isinstance(container, collections.OrderedDict):
        return [*collections.OrderedDict.items(container)]  # its order is its own
    if isinstance(container, dict):
        return [*dict.items(container)]
    if isinstance(container, _ClassDict):
        return [*container.cls.__dict__.items()]
    if isinstance(container, _Cell):
        return [container.cell.cell_contents] if len(container) else []
    if isinstance(container, _Slots):
        found = [(member, _value_of(member, container.obj)) for member in container.members]
        return [(member, value) for member, value in found if value is not _MISSING]
    return [*container]


_MISSING = object()


def _value_of(member: types.MemberDescriptorType, obj: Any) -> Any:
    try:
        return member.__get__(obj)
    except AttributeError:
        return _MISSING


def _put_back(container: Any, parts: list[Any]) -> None:
    if isinstance(container, _Cell):
        if parts:
            (container.cell.cell_contents,) = parts
        else:
            del container.cell.cell_contents
    elif isinstance(container, _ClassDict):
        before = dict(parts)
        for name, value in [*container.cls.__dict__.items()]:
            if name not in before:
                type.__delattr__(container.cls, name)
            elif before[name] is not value:
                type.__setattr__(container.cls, name, before[name])
    elif isinstance(container, _Slots):
        for member, _ in _parts(container):
            member.__delete__(container.obj)
        for member, value in parts:
            member.__set__(container.obj, value)
    elif isinstance(container, dict):
        cls = collections.OrderedDict if isinstance(container, collections.OrderedDict) else dict
        cls.clear(container)
        cls.update(container, parts)
    elif isinstance(container, set):
        container.clear()
        container.update(parts)
    elif isinstance(container, collections.deque):
        container.clear()
        container.extend(parts)
    else:
        container[:] = bytes(parts) if isinstance(container, bytearray) else parts


def _is_of_a_module(thing: Any) -> bool:
    """Tell whether a class or a function is found by its name in a module of this process."""
    found: Any = sys.modules.get(thing.__module__ or "")
    for name in thing.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return found is thing
