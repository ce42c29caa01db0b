"""Finding: the object of a name, once the name is trusted. The reason of the trust decides how it is looked up.

A name is a pair of a module and a name in that. The audit has found the name of today, once: it is that one which is
looked up. A package that is being imported may rename things, but only to something that is trusted itself.
"""

from __future__ import annotations

import enum
import functools
import importlib
import importlib.util
import re
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap import actions, evolve
from appsnap.recipe import values
from appsnap.recipe.trust.checks import check_defined, not_defined
from appsnap.recipe.trust.names import Grant
from appsnap.recipe.values.installed import check_installed

if TYPE_CHECKING:
    from appsnap.recipe import steps
    from appsnap.recipe.trust.audit import Audited

__all__ = ["find"]

_STANDARD = sys.stdlib_module_names | {"appsnap"}
_MAKES_NAMES = r"import\s*\(?\s*\*|__getattr__|\b(globals|setattr|exec|vars)\b"


def find(old: steps.Name, audited: Audited) -> tuple[steps.Name, Any]:
    """Return the name of today for a name in a file, and the object of that name.

    Raises ImportError and AttributeError where there is none, and NotTrusted.
    """
    return evolve.follow(old, functools.partial(_look_up, old, audited))


def _look_up(old: steps.Name, audited: Audited, name: steps.Name) -> Any:
    trust, grant = audited.trust, audited.grant(old, name)
    if trust is None:
        return actions.named(*name)
    if grant is Grant.EXACT:
        _expect_module(name.module)
        return actions.named(*name)
    if grant is Grant.BUILT_IN:
        return _find_value(name)
    _expect_definition(name)
    owner: Any = None
    found: Any = importlib.import_module(name.module)
    for part in name.qualname.split("."):
        owner, found = found, _part(found, part)
    check_defined(name, owner, found, trust)
    return found


def _expect_module(name: str) -> None:
    """Check that a module isn't named like a class or function that the trust may have meant."""
    above, _, last = name.rpartition(".")
    if above and name not in sys.modules:
        part = vars(importlib.import_module(above)).get(last)
        if part is not None and not isinstance(part, types.ModuleType):
            raise ImportError(f"{name} is no module, but a {type(part).__qualname__}", name=name)


# Names that any file may use


def _find_value(name: steps.Name) -> Any:
    """Return a value type, or an object of the process. That of a library was there at the audit."""
    package = name.module.partition(".")[0]
    if values.is_object(name.dotted) and (package not in _STANDARD or not name.qualname):
        found = sys.modules.get(name.dotted)
        if found is None:
            raise ModuleNotFoundError(f"No module named {name.dotted!r}", name=name.dotted)
        return found
    if package not in _STANDARD:
        check_installed(package)
    return actions.named(*name)


# Names in a package


def _expect_definition(name: steps.Name) -> None:
    """Check that a module may define a name before it is imported: its text has the name, or makes names."""
    if name.module in sys.modules:
        return
    spec = importlib.util.find_spec(name.module)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name.module!r}", name=name.module)
    get_source = getattr(spec.loader, "get_source", None)
    source = None if get_source is None else get_source(name.module)
    first = name.qualname.partition(".")[0]
    if source is not None and not re.search(rf"\b{re.escape(first)}\b|{_MAKES_NAMES}", source):
        raise not_defined(name)


def _part(owner: Any, part: str) -> Any:
    """Return what stands in a module or a class under a name. No `__getattr__` is asked, and no module imported."""
    if isinstance(owner, types.ModuleType):
        if part in vars(owner):
            return vars(owner)[part]
    elif isinstance(owner, type):
        members = owner.__members__ if isinstance(owner, enum.EnumMeta) else ()
        if part in members or any(part in base.__dict__ for base in owner.__mro__):
            return getattr(owner, part)
    raise AttributeError(f"{owner!r:.100} has no {part!r}", name=part, obj=owner)
