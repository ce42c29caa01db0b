"""Attributes that are Python's own: the names that a stranger's file may not put on an object.

Most names of the form `__x__` do nothing in the `__dict__` of an instance. Python looks `__call__`, `__iter__` or
`__del__` up in the class alone, it only shows `__name__` or `__doc__`, and a library may choose any name that Python
doesn't define (`__orig_class__`). `OWN` has the names that change something even there. A class with a `__setstate__`
gets its state as data: the rule doesn't hold for the keys of that.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["ANNOTATIONS", "ODD_KEY", "OWN", "OWN_KEY", "is_odd", "is_own", "only_names"]

OWN = frozenset(
    {
        # What makes the object an object of its class. As a slot, `__class__` would change the class.
        *("__class__", "__dict__", "__slots__", "__weakref__"),
        # Copying and pickling look these up in the object, and call them.
        *("__copy__", "__deepcopy__", "__getnewargs__", "__getnewargs_ex__", "__getstate__"),
        *("__reduce__", "__reduce_ex__", "__replace__", "__setstate__"),
        # What a function has. inspect takes an object with these for a function, and calls a `__signature__`.
        *("__annotate__", "__annotations__", "__builtins__", "__closure__", "__code__", "__defaults__", "__globals__"),
        *("__kwdefaults__", "__signature__", "__text_signature__"),
        # What a class has: isinstance, class statements and subscripts look some of these up in the object.
        *("__abstractmethods__", "__base__", "__bases__", "__mro__", "__mro_entries__", "__prepare__"),
        *("__init_subclass__", "__instancecheck__", "__subclasscheck__", "__subclasses__", "__subclasshook__"),
        *("__typing_prepare_subst__", "__typing_subst__", "__typing_unpacked_tuple_args__"),
        *("__dataclass_fields__", "__dataclass_params__"),
        # zope.interface calls these to adapt an object, and appsnap adapts every application.
        *("__adapt__", "__conform__", "__providedBy__"),
        # numpy and others read memory at the address that these give.
        *("__array__", "__array_interface__", "__array_struct__", "__cuda_array_interface__", "__dlpack__"),
        *("__dlpack_device__", "__arrow_array__", "__arrow_c_array__", "__arrow_c_schema__", "__arrow_c_stream__"),
    }
)
"""The names of attributes that Python, its library or numpy look up in an instance, and then act on."""

ANNOTATIONS = "__annotations__"
"""`functools.update_wrapper` copies these to an object. The audit looks at the texts in them: `typing.get_type_hints`
runs each as an expression."""

OWN_KEY = "has a state with %s, which is Python's own"
ODD_KEY = "has a state with a key that is neither a text nor a number"
"""The reasons to refuse a state, as sentences about the object."""

_ONLY_NAMES = re.compile(r"""[\w\s.,|\[\]'"]*""")

_SMALL = 1 << 60


def is_own(name: str) -> bool:
    """Tell whether a name is Python's own."""
    return name in OWN


def is_odd(key: Any) -> bool:
    """Tell whether a key of a state can't stand in a `__dict__`: its hash would take long, or run code of a class."""
    if type(key) is int:
        return not -_SMALL < key < _SMALL
    return type(key) not in (str, bytes, bool, float, type(None))


def only_names(text: str) -> bool:
    """Tell whether a text is an annotation of names, subscripts and `|`. To evaluate it names no call."""
    return _ONLY_NAMES.fullmatch(text) is not None
