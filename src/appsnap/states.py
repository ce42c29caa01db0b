"""States: how the objects of a class take their attributes.

Each question is about the class, and never asks an object. Pickle asks the object for `__setstate__`. So it asks a
`__getattr__` that delegates to an attribute before there is that attribute.

A class *with fields* is a frozen dataclass with slots, or a class with slots by attrs. Their decorators make a
`__setstate__` that goes by position, or drops unknown names. The state that we save has the names of the fields.
"""

from __future__ import annotations

import _thread
import dataclasses
import dis
import functools
import operator
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    Fields = Mapping[str, Callable[[Any], Any] | None]

__all__ = [
    "BASE_STATE",
    "assign",
    "assign_attributes",
    "bound",
    "chooses_dict",
    "dict_of",
    "fields",
    "fields_by_name",
    "hidden_slots",
    "is_native",
    "label_of",
    "misleads_pickle",
    "slots_beside_dict",
    "special",
    "stays_unset",
]


BASE_STATE = ".state"
"""The name in a state for the state that a builtin base class takes. The other names are attributes of a subclass."""


dict_of: Callable[[Any], dict[str, Any]] = operator.attrgetter("__dict__")
"""Returns the attribute `__dict__` of an object."""


def special(cls: type, name: str) -> Any:
    """Return the entry of a special name in a class or its bases, as it stands there, or None."""
    for base in cls.__mro__:
        if name in base.__dict__:
            found = base.__dict__[name]
            return _refuse_state if found is None and name == "__setstate__" else found
    return None


def _refuse_state(obj: Any, _: Any) -> None:
    """Stand for a `__setstate__` that is None: its class refuses each state."""
    raise TypeError(f"the __setstate__ of {type(obj).__qualname__} is None")


def bound(obj: Any, name: str) -> Any:
    """Return the special method of an object, bound to it, or None: looked up as Python itself does it."""
    found = special(type(obj), name)
    get = getattr(type(found), "__get__", None)
    return found if found is None or get is None else get(found, obj, type(obj))


def label_of(function: Any) -> str:
    """Return the qualified name of a function or class, or that of the class of any other object."""
    named = function if special(type(function), "__qualname__") is not None else type(function)
    return str(named.__qualname__)


@functools.cache
def slots_beside_dict(cls: Any) -> frozenset[str]:
    """Return the names of the slots of a class whose objects have a `__dict__`, too. A slot hides such an attribute."""
    if special(cls, "__dict__") is None:
        return frozenset()
    bases = [base.__dict__ for base in cls.__mro__ if "__slots__" in base.__dict__]
    return frozenset(name for own in bases for name, found in own.items() if type(found) is types.MemberDescriptorType)


@functools.cache
def hidden_slots(cls: Any) -> dict[str, types.MemberDescriptorType]:
    """Return the slots of the bases of a class that a property of the same name hides, or any other data descriptor."""
    found: dict[str, types.MemberDescriptorType] = {}
    for base in cls.__mro__:
        for name, slot in vars(base).items() if "__slots__" in vars(base) else ():
            if type(slot) is types.MemberDescriptorType:
                found.setdefault(name, slot)
    above = {name: type(special(cls, name)) for name in found}
    member = types.MemberDescriptorType
    return {name: slot for name, slot in found.items() if above[name] is not member and hasattr(above[name], "__set__")}


def is_native(cls: type, name: str) -> bool:
    """Tell whether an attribute is a part of an object that a class written in C has, and no slot of a Python class."""
    found = special(cls, name)
    if type(found) is types.MemberDescriptorType:
        return "__slots__" not in found.__objclass__.__dict__
    return type(found) is types.GetSetDescriptorType


@functools.cache
def misleads_pickle(cls: Any) -> bool:
    """Tell whether pickle may give a state of ours to the wrong place.

    A class with fields drops names. In a class without `__setstate__`, a `__getattr__` may answer for it. An attribute
    may be put into the `__dict__` behind a slot.
    """
    if special(cls, "__setstate__") is not None:
        return fields(cls) is not None
    answers = special(cls, "__getattr__") is not None or type(special(cls, "__getattribute__")) is types.FunctionType
    return answers or bool(slots_beside_dict(cls) or hidden_slots(cls))


@functools.cache
def chooses_dict(cls: Any) -> bool:
    """Tell whether a class puts a dictionary of its choice in the place of `__dict__`, and has no protocol of its own.

    Its objects may share that dictionary, or be it: `self.__dict__ = self`.
    """
    own = any(
        special(cls, name) is not getattr(object, name) for name in ("__reduce__", "__reduce_ex__", "__getstate__")
    )
    return not own and special(cls, "__setstate__") is None and _sets_dict(cls)


def _sets_dict(cls: type) -> bool:
    functions = [value for base in cls.__mro__ for value in vars(base).values() if type(value) is types.FunctionType]
    codes = [x.__code__ for x in functions if x.__module__ not in sys.stdlib_module_names]
    found = [dis.get_instructions(code) for code in codes if "__dict__" in code.co_names]
    return any(one.opname == "STORE_ATTR" and one.argval == "__dict__" for code in found for one in code)


# Fields


@functools.cache
def fields(cls: Any) -> Fields | None:
    """Return the fields of a class with fields, each with the function that makes its default, or None.

    That function takes the object. For any other class, the result is None.
    """
    if _made_by(cls, "dataclasses", "_dataclass"):
        return {field.name: _default_of_dataclass(field) or _unset(field) for field in dataclasses.fields(cls)}
    if _made_by(cls, "attr._make", "slots"):
        return {field.name: _default_of_attrs(field) or _unset(field) for field in cls.__attrs_attrs__}
    return None


def _made_by(cls: type, module: str, prefix: str) -> bool:
    methods = [special(cls, name) for name in ("__getstate__", "__setstate__")]
    made = [(getattr(method, "__module__", ""), getattr(method, "__name__", "")) for method in methods]
    return made == [(module, f"{prefix}_getstate"), (module, f"{prefix}_setstate")]


def _default_of_dataclass(field: dataclasses.Field[Any]) -> Callable[[Any], Any] | None:
    if field.default is not dataclasses.MISSING:
        return lambda _: field.default
    factory: Any = field.default_factory
    return None if factory is dataclasses.MISSING else lambda _: factory()


def _default_of_attrs(field: Any) -> Callable[[Any], Any] | None:
    attr = sys.modules["attr"]
    default: Any = field.default
    if not isinstance(default, attr.Factory):
        return None if default is attr.NOTHING else lambda _: default
    return default.factory if default.takes_self else lambda _: default.factory()


def _unset(field: Any) -> Callable[[Any], Any] | None:
    """Return a mark for a field that no constructor sets: a method does so later, or never."""
    return None if field.init else stays_unset


def stays_unset(_: Any) -> None:
    """Stand for the default of such a field. Nothing calls it."""


def fields_by_name(obj: Any, state: Any) -> dict[str, Any]:
    """Return the state of an object of a class with fields, with names, given the state that pickle would save.

    A subclass may have attributes beside the fields. They are in the result, too.
    """
    known = fields(type(obj)) or ()  # type: ignore[arg-type]  # classes are hashable
    named = dict(state) if isinstance(state, dict) else dict(zip(known, state, strict=True))
    found: Any = object.__getstate__(obj)
    attributes, slots = found if isinstance(found, tuple) else (found, None)
    if isinstance(state, dict):
        slots = None  # attrs keeps a hash and cached properties there
    return named | (attributes or {}) | {name: value for name, value in (slots or {}).items() if name not in named}


# Assigning


def assign(target: Any, state: Any, transient: Container[str] = ()) -> None:
    """Give an object a state: to its `__setstate__`, else to its `__dict__` and its slots.

    In a class with fields, a field that isn't in the state gets its default, unless it is transient. Raises TypeError
    for a field without a default, and AttributeError for a name that the class doesn't know any more.
    """
    setstate = bound(target, "__setstate__")
    known = None if setstate is None else fields(type(target))  # type: ignore[arg-type]  # classes are hashable
    if known is not None:
        _assign_fields(target, state, known, transient)
        return
    if setstate is not None:
        _hand_over(target, state, setstate)
    else:
        assign_attributes(target, state)


def assign_attributes(target: Any, state: Any) -> None:
    """Set the attributes of an object: a dictionary, or a pair of that and the slots."""
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        _assign_by_name(target, state)
    if slots:
        hidden = hidden_slots(type(target))  # type: ignore[arg-type]  # classes are hashable
        for name, value in _of_this_python(type(target), slots).items():
            if name in hidden:
                hidden[name].__set__(target, value)
                continue
            _refuse_property(type(target), name)
            if type(special(type(target), name)) is types.MemberDescriptorType:
                # A frozen class refuses setattr, and another one may put the value into an attribute that isn't there.
                object.__setattr__(target, name, value)
            else:
                setattr(target, name, value)


def _of_this_python(cls: type, slots: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return slots under the names that this version of Python has: the lines of a frame have two."""
    if (cls.__module__, cls.__qualname__) != ("traceback", "FrameSummary"):
        return slots
    lines = slots.get("_lines", slots.get("_line"))
    here: Any = cls.__dict__["__slots__"]
    return {name: lines if name in ("_line", "_lines") else slots.get(name) for name in here}


def _hand_over(target: Any, state: Any, setstate: Callable[[Any], Any]) -> None:
    if type(state) is dict and BASE_STATE in state:
        attributes = state.copy()
        setstate(attributes.pop(BASE_STATE))
        _assign_attributes(target, attributes)
    elif type(state) is dict and special(type(target), "__setstate__") is BaseException.__dict__["__setstate__"]:
        _assign_attributes(target, state)
    else:
        setstate(state)


def _assign_attributes(target: Any, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        object.__setattr__(target, name, value)  # a frozen class refuses setattr


def _assign_fields(target: Any, state: Any, known: Fields, transient: Container[str]) -> None:
    if not isinstance(state, dict):  # by position, as other writers save it
        if len(state) != len(known):
            raise TypeError(f"the state has {len(state)} fields, and the class has {len(known)}")
        state = dict(zip(known, state, strict=True))
    _assign_by_name(target, state)
    for name, default in known.items():
        if name not in state and name not in transient:
            if default is None:
                raise TypeError(f"the state has no {name!r}, and this field has no default")
            if default is not stays_unset:
                object.__setattr__(target, name, default(target))
    if hasattr(type(target), "_attrs_cached_hash"):
        object.__setattr__(target, "_attrs_cached_hash", None)


def _assign_by_name(target: Any, state: Any) -> None:
    cls = type(target)
    # That of a `threading.local` is found by its own way to look up attributes.
    has_dict = special(cls, "__dict__") is not None or cls is _thread._local  # noqa: SLF001 - it has no public name here
    attributes = target.__dict__ if has_dict else None
    hidden = hidden_slots(cls)  # type: ignore[arg-type]  # classes are hashable
    slots = slots_beside_dict(cls) - hidden.keys()  # type: ignore[arg-type]  # as above
    for name, value in state.items():
        if name in hidden and attributes is None:
            hidden[name].__set__(target, value)
        elif attributes is None or name in slots:
            _refuse_property(cls, name)
            object.__setattr__(target, name, value)
        else:
            attributes[sys.intern(name) if type(name) is str else name] = value


def _refuse_property(cls: type, name: Any) -> None:
    """Raise AttributeError for an attribute that has become a property. To set it would run code of the class."""
    if isinstance(special(cls, name), property):
        raise AttributeError(f"{cls.__qualname__} has no slot {name!r} any more, but a property of that name")  # noqa: TRY004 - no wrong type, but no place
