"""Things that a caller trusts, as texts: a class, a function and a module stand for their names."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from appsnap.printable import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["texts"]

_FORMS = 'names, classes, functions and modules, as in trust=["shop.*", shop.Web, shop.make]'


def texts(trusted: object) -> Iterator[str]:
    """Yield the names that these things stand for, in the form that `Trust` describes. Raises TypeError.

    A class is its name. A function is `call:` and its name, and also its name alone: a file may refer to it, too. A
    module is `module.*`.
    """
    if isinstance(trusted, (str, bytes, bytearray, type, types.ModuleType, Mapping)) or not isinstance(
        trusted, Iterable
    ):
        given = repr(trusted) if isinstance(trusted, (bool, str)) else type_of(trusted)
        raise TypeError(f"trust is EVERYTHING, or a list of {_FORMS}, not {given:.100}")
    for thing in trusted:
        if isinstance(thing, str):
            yield thing
        elif isinstance(thing, types.ModuleType):
            yield f"{_name(thing, thing.__name__, '')}.*"
        elif isinstance(thing, type):
            yield _name(thing, thing.__module__, thing.__qualname__)
        else:
            name = _name_of_function(thing)
            yield from (name, f"call:{name}")


def _name_of_function(thing: Any) -> str:
    if isinstance(thing, functools.partial):
        raise TypeError("trust takes no partial: give the function in it, and the classes of its arguments")
    owner = getattr(thing, "__self__", None)
    if isinstance(thing, (types.MethodType, types.BuiltinMethodType)) and not isinstance(
        owner, (types.ModuleType, type(None))
    ):
        if not isinstance(owner, type):
            raise TypeError(f"trust takes no method of an object: give its class, {type(owner).__qualname__}")
        return _name(thing, owner.__module__, f"{owner.__qualname__}.{thing.__name__}")
    module, qualname = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    # list[int] answers as list does.
    if (
        not callable(thing)
        or hasattr(thing, "__origin__")
        or not (isinstance(module, str) and isinstance(qualname, str))
    ):
        given = repr(thing) if isinstance(thing, (bool, type(None))) else f"{type_of(thing)} in the list"
        raise TypeError(f"trust takes {_FORMS}, not {given}")
    return _name(thing, module, qualname)


def _name(thing: Any, module: str, qualname: str) -> str:
    """Return the name of a thing. Raises TypeError where another process doesn't find the thing by that name."""
    name = f"{module}.{qualname}".removesuffix(".")
    plain = name.replace("<lambda>", "").replace("<locals>", "")
    if module == "__main__" or name != plain or not all(part.isidentifier() for part in name.split(".")):
        raise TypeError(
            f"{name} can't be imported, so a snapshot has it as code, and no name in trust allows code: "
            "save it signed (dumps: sign=True), or load the file with trust=EVERYTHING"
        )
    found: Any = sys.modules.get(module)
    for part in filter(None, qualname.split(".")):
        found = getattr(found, part, None)
    # A bound method is made anew each time.
    if found is not thing and found != thing:
        raise TypeError(f"the name {name} leads to something else than the thing in trust: give a name as a text")
    return name
