"""Objects whose own reduction goes by position: named tuples, frozen dataclasses with slots, msgspec's structs.

Their parts are saved with the names of the fields. So a class whose fields are in another order, or are others, gets
each part in its place, or a clear error.
"""

from __future__ import annotations

import copyreg
import operator
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap import actions, states
from appsnap.recipe.freeze.inherited import newobj, newobj_ex

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["respeller", "short_way"]


def respeller(cls: type) -> Callable[[Any, Any], Any] | None:
    """Return the function that puts names into the reduction of an object of a class, or None if it has none."""
    if states.fields(cls) is not None:
        return _respell_fields
    if str(type(cls).__module__).partition(".")[0] == "msgspec" and hasattr(
        sys.modules.get("msgspec._utils"), "rebuild"
    ):
        return _respell_struct
    new, fields = getattr(cls, "__new__", None), states.special(cls, "_fields")
    if issubclass(cls, tuple) and type(new) is types.FunctionType and type(fields) is tuple and fields:
        code = new.__code__
        if code.co_names == ("_tuple_new",) and code.co_varnames[1 : code.co_argcount] == fields:
            return _respell_named_tuple
    return None


def short_way(cls: type) -> Callable[[Any], Any] | None:
    """Return the function that takes apart objects of a named tuple that is nothing more, else None. It is faster."""
    own = [states.special(cls, name) for name in ("__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs_ex__")]
    args = states.special(cls, "__getnewargs__")
    if (
        respeller(cls) is not _respell_named_tuple
        or own != [object.__reduce__, object.__reduce_ex__, object.__dict__["__getstate__"], None]
        or getattr(args, "__module__", None) != "collections"
        or states.special(cls, "__dict__") is not None
        or states.special(cls, "__iter__") is not tuple.__iter__
        or cls in copyreg.dispatch_table
    ):
        return None
    fields: tuple[str, ...] = states.special(cls, "_fields")
    return lambda obj: (newobj_ex, (cls, (), dict(zip(fields, obj, strict=True))))


def _respell_fields(obj: Any, reduction: Any) -> Any:
    function, args, state, items, pairs, setter = (*reduction, None, None, None, None)[:6]
    if function is not newobj or type(state) not in (list, dict) or setter:
        return reduction
    return function, args, states.fields_by_name(obj, state), items, pairs, actions.set_state


def _respell_struct(obj: Any, reduction: Any) -> Any:
    function, args, state, items, pairs, setter = (*reduction, None, None, None, None)[:6]
    names = type(obj).__struct_fields__
    rebuild = sys.modules["msgspec._utils"].rebuild
    if function is type(obj) and len(names) == len(args) and names:
        # The way that msgspec itself rebuilds structs with keywords only.
        function, args = rebuild, (function, dict(zip(names, args, strict=True)))
    elif function is not rebuild:
        return reduction
    if type(state) is tuple and set(state[1]).issubset(names):
        state = state[0]  # its slots are the fields
    return (function, args, state, items, pairs, setter) if state else (function, args)


def _respell_named_tuple(obj: Any, reduction: Any) -> Any:
    if reduction[0] is not newobj:
        return reduction
    cls, *items = reduction[1]
    if len(items) != tuple.__len__(obj) or not all(map(operator.is_, items, tuple.__iter__(obj))):
        return reduction
    return newobj_ex, (cls, (), dict(zip(cls._fields, items, strict=True))), *reduction[2:]
