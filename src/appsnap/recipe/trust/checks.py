"""The checks: while a recipe is built, they test the objects that the audit couldn't see without importing.

They hold where the recipe isn't trusted as code. A name that was granted through its package must be a class that is
defined there, or belong to one. An object is made of a class. A method is found without running code. `filling` has the
checks of fillings.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap.errors import NotTrusted, Want
from appsnap.recipe import steps
from appsnap.recipe.trust.names import SPECIAL_METHODS, Grant, is_dunder, is_pythons

if TYPE_CHECKING:
    from appsnap.recipe.trust.names import Trust

__all__ = ["check_class", "check_defined", "find_method", "not_defined"]

_METHODS = (
    types.FunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    classmethod,
    staticmethod,
)


def check_defined(name: steps.Name, owner: Any, found: Any, trust: Trust) -> None:
    """Check the object that was found by a name in its owner, a class or a module. Raises NotTrusted.

    The object must be a class that is defined in the module of the name, or in another module that the trust covers, or
    a member or method of one.
    """
    above, _, member = name.qualname.rpartition(".")
    if isinstance(found, type):
        good = _is_defined(found, steps.Name(name.module, name.qualname), trust)
    else:
        method = found.__func__ if isinstance(found, types.MethodType) else found
        good = isinstance(owner, type) and _is_defined(owner, steps.Name(name.module, above), trust)
        good = good and (
            type(found) in (owner, object)  # a bare object is a mark, and can do nothing
            or (isinstance(method, types.FunctionType) and _is_method(method, owner, member))
        )
    if not good:
        raise not_defined(name)


def _is_method(function: types.FunctionType, cls: type, name: str) -> bool:
    """Tell whether a function was defined as a method of a class, or of a base that isn't Python's."""
    base = _definer(cls, name)
    if base is None or (base is not cls and _is_standard(base)):
        return False
    return (function.__module__, function.__qualname__) == (base.__module__, f"{base.__qualname__}.{name}")


def _is_standard(cls: type) -> bool:
    return str(cls.__module__).partition(".")[0] in sys.stdlib_module_names


def _is_defined(cls: type, name: steps.Name, trust: Trust) -> bool:
    """Tell whether a class is defined under a name, or moved from there to a module that is trusted as well."""
    own = steps.Name(cls.__module__, cls.__qualname__)
    if own == name:
        return True
    found: Any = sys.modules.get(own.module)
    for part in own.qualname.split("."):
        found = vars(found).get(part) if isinstance(found, (types.ModuleType, type)) else None
    return found is cls and trust.grant(own, "create") in (Grant.DEFINED, Grant.EXACT)


def not_defined(name: steps.Name) -> NotTrusted:
    """Return the error for a name that is granted through its package, and isn't defined there."""
    return NotTrusted(
        [Want(name.dotted, "reference", "")],
        message=f"not trusted: {name.dotted} is no class defined in {name.module}",
        hint=f"if you trust it all the same, name it: trust=[{name.dotted!r}]",
    )


def check_class(cls: Any) -> None:
    """Check that objects may be made of something. Raises TypeError unless it is a class, and no metaclass."""
    if not isinstance(cls, type) or issubclass(cls, type):
        raise TypeError("only objects of a class can be made, and no classes")


def find_method(owner: Any, name: str) -> Any:
    """Return a method of an object, bound to it. Raises TypeError for no method.

    A method is found in the class. No property is read. A callable that binds itself, by `functools.cache`
    or by a decorator of the class's author, is a method, too. A name of Python's form that isn't Python's is that of a
    function that a library has defined.
    """
    cls = type(owner)
    base = _definer(cls, name)
    if base is not None and not is_pythons(name):
        method: Any = base.__dict__[name]
        of_library = is_dunder(name) and name not in SPECIAL_METHODS
        if of_library:
            good = type(method) is types.FunctionType and not _is_standard(base)
        else:
            good = isinstance(method, _METHODS) or _binds_itself(method)
        if good:
            return method.__get__(owner, cls)
    raise TypeError(f"{name} is no method of {cls.__qualname__}")


def _definer(cls: type, name: str) -> type | None:
    """Return the class that a class has an attribute from, or None."""
    return next((base for base in cls.__mro__ if name in base.__dict__), None)


def _binds_itself(found: Any) -> bool:
    # Of what is set in an instance, a property for one, the value is read, and code runs.
    cls = type(found)
    return callable(found) and hasattr(cls, "__get__") and not hasattr(cls, "__set__")
