"""Classes without text: how they are taken apart. `appsnap.code.skeletons` puts them together again."""

from __future__ import annotations

import abc
import collections
import enum
import inspect
import types
from typing import Any

from appsnap.code import skeletons
from appsnap.code.texts import MAGIC, VERSION
from appsnap.recipe.freeze.cloudpickled import NeedsModule

__all__ = ["HEAP_TYPE", "dynamic_class"]

_BEFORE = frozenset({"__module__", "__dict__", "__class__", "__slots__", "__orig_bases__", "__classdictcell__"})
"""Attributes that a class has to have when it is made: later they can't be set, or have no effect."""

_LEFT_OUT = frozenset({"__weakref__", "__slotnames__", "_abc_impl", "__annotate_func__", "__annotations_cache__"})
"""Attributes that Python makes itself."""

_EXAMPLE: Any = enum.Flag("_", {"A": 1})  # type: ignore[misc]  # only its attributes count
_OF_ENUMERATIONS = frozenset(name for name in vars(_EXAMPLE) if name.startswith("_") and not name.startswith("__"))
_OF_MEMBERS = frozenset(vars(_EXAMPLE.A)) | {"_inverted_"}
_KEPT = frozenset({"_boundary_", "_new_member_", "_use_args_"})
"""Attributes that Python makes, of an enumeration and of its members, and those of them that a class may choose."""

HEAP_TYPE = 1 << 9
"""The flag of types that are made while a program runs (Py_TPFLAGS_HEAPTYPE). All others are made in C."""

_CONTENT: dict[type, Any] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    complex: complex.__complex__,
    bytes: bytes.__bytes__,
    tuple: lambda member: tuple(tuple.__iter__(member)),
}
"""The types that are mixed into enumerations, each with the way to the content of a member."""


def dynamic_class(cls: type) -> tuple[Any, ...]:
    """Return the reduction of a class by its attributes. Raises NeedsModule for a class that has more than those."""
    metaclass: Any = type(cls)
    if _is_row(cls):
        row: Any = cls
        defaults = tuple(row._field_defaults.values()) or None
        return skeletons.row, (
            skeletons.identity(cls),
            cls.__name__,
            row._fields,
            defaults,
            cls.__module__,
            cls.__qualname__,
        )
    in_c = any(not base.__flags__ & HEAP_TYPE for base in metaclass.__mro__ if base not in {type, object})
    if in_c or metaclass.__basicsize__ != type.__basicsize__:
        raise NeedsModule(
            f"its metaclass {metaclass.__module__}.{metaclass.__qualname__} keeps more in it than attributes"
        )
    attributes = {name: value for name, value in vars(cls).items() if not _is_made_by_python(cls, name, value)}
    namespace = {name: attributes.pop(name) for name in _BEFORE & attributes.keys()}
    namespace = {"__qualname__": cls.__qualname__, **dict(sorted(namespace.items()))}
    if "__slots__" in namespace and not isinstance(namespace["__slots__"], (str, tuple, list, dict)):
        namespace["__slots__"] = _slots(cls)  # an iterator that is used up
    registered: list[type] = []
    if isinstance(cls, abc.ABCMeta):
        alive = (one() for one in abc._get_dump(cls)[0])  # type: ignore[attr-defined]  # noqa: SLF001 - nothing else tells
        registered = sorted((one for one in alive if one is not None), key=lambda one: one.__qualname__)
    if isinstance(cls, enum.EnumMeta):
        return _dynamic_enumeration(cls, attributes, namespace, registered)
    _check_init_subclass(cls)
    identity = skeletons.identity(cls)
    made_from = MAGIC, VERSION, identity, metaclass, cls.__name__, cls.__bases__, namespace
    return skeletons.skeleton, made_from, (identity, attributes, registered, {}), None, None, skeletons.finish


def _is_row(cls: Any) -> bool:
    """Tell whether `collections.namedtuple` made a class, and nobody has changed it."""
    fields = getattr(cls, "_fields", None)
    if cls.__bases__ != (tuple,) or type(fields) is not tuple or not all(type(name) is str for name in fields):
        return False
    make: Any = collections.namedtuple  # noqa: PYI024 - the fields are only known now
    made = vars(make("made", fields, rename=True))
    return vars(cls).keys() - {"__slotnames__"} == made.keys() and "__annotations__" not in vars(cls)


def _dynamic_enumeration(
    cls: Any, attributes: dict[str, Any], namespace: dict[str, Any], registered: list[type]
) -> tuple[Any, ...]:
    known = cls.__members__
    for name in {*_OF_ENUMERATIONS, *known} - _KEPT:
        attributes.pop(name, None)
    mixed_in = cls._member_type_
    content = _CONTENT.get(mixed_in)
    if content is None and mixed_in is not object:
        raise NeedsModule(f"its members are of {mixed_in.__module__}.{mixed_in.__qualname__}, too")
    members = {
        name: (member._value_,) if content is None else (member._value_, content(member))
        for name, member in known.items()
    }
    of_members = {}
    for name, member in known.items():
        more = {key: value for key, value in vars(member).items() if key not in _OF_MEMBERS}
        if more and member._name_ == name:
            of_members[name] = more
    identity = skeletons.identity(cls)
    made_from = MAGIC, VERSION, identity, type(cls), cls.__name__, cls.__bases__, namespace, members
    return (
        skeletons.enumeration,
        made_from,
        (identity, attributes, registered, of_members),
        None,
        None,
        skeletons.finish,
    )


def _is_made_by_python(cls: type, name: str, value: Any) -> bool:
    of_slot = isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType)) and value.__objclass__ is cls
    return name in _LEFT_OUT or of_slot


def _slots(cls: type) -> tuple[str, ...]:
    of_python = {"__dict__", "__weakref__"}
    return tuple(
        name
        for name, value in vars(cls).items()
        if isinstance(value, types.MemberDescriptorType)
        or (name in of_python and isinstance(value, types.GetSetDescriptorType))
    )


def _check_init_subclass(cls: type) -> None:
    """Raise NeedsModule if a base wants arguments of its subclasses: nobody knows those any more."""
    function = super(cls, cls).__init_subclass__  # type: ignore[arg-type]  # the one that made the class
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    for one in parameters:
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            raise NeedsModule(f"the __init_subclass__ of a base wants an argument {one.name!r}")
