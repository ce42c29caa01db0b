"""Trust: the names that a caller grants to a snapshot.

Trust is an iterable of texts: `"shop.web.Web"` for that class or function, to refer to and to create; `"shop.*"` for
the classes defined in that package; `"call:shop.make"` to call that. A class comes with its methods, nested classes
and members of an enumeration, and Twisted with its reactor, which is made when it is imported. The things themselves
may stand in it, too: the class `shop.web.Web`, the module `shop`, and the function `shop.make`, to refer to and to
call. Nothing in a file grants trust.

An effect is trusted with its target: `"read:/etc/shop/*"`, `"write:/var/log/shop.log"`, `"listen:127.0.0.1:*"`,
`"database:memory"` (see `appsnap.effects`). No name stands for a function that has effects.
"""

from __future__ import annotations

import types
import weakref
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from appsnap import effects
from appsnap.recipe import values
from appsnap.recipe.trust import grants
from appsnap.recipe.trust.attributes import OWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from appsnap.recipe import steps

__all__ = [
    "EVERYTHING",
    "SPECIAL_METHODS",
    "Everything",
    "Grant",
    "Trust",
    "carries_code",
    "has_effects",
    "is_dunder",
    "is_pythons",
    "least_of",
    "value_name",
]

_OPERATORS = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor"
_OTHERS = (
    "abs aenter aexit aiter anext await bool bytes call ceil complex contains delitem enter eq exit float floor format"
    " fspath ge getitem gt hash index int invert iter le len length_hint lt missing ne neg next pos repr reversed round"
    " setitem str trunc"
)
SPECIAL_METHODS = frozenset(
    f"__{name}__"
    for name in (*(f"{side}{name}" for name in _OPERATORS.split() for side in ("", "r", "i")), *_OTHERS.split())
)
"""The methods of Python's own that a snapshot may refer to: those behind operators, loops, `with` and conversions.
Others lead to objects beyond their owner, or change its class or its attributes."""

_TYPES: tuple[type, ...] = (
    *(object, type, property, super, BaseException, memoryview, weakref.ref, types.GenericAlias, types.ModuleType),
    *(types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.WrapperDescriptorType, types.CodeType),
    *(types.FrameType, types.TracebackType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType),
    *(int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range, slice),
)
_HOOKS = (
    "await buffer class_getitem copy deepcopy del delete getattr getinitargs getnewargs getnewargs_ex mro_entries"
    " post_init prepare release_buffer replace set set_name setstate wrapped"
)
_PYTHONS = frozenset(
    {name for cls in _TYPES for name in dir(cls)} | {f"__{name}__" for name in _HOOKS.split()} | OWN
)  # fmt: skip


def is_pythons(name: str) -> bool:
    """Tell whether a method is one that Python has or calls, other than those that a snapshot may refer to.

    A library may choose any other name of the form `__x__`.
    """
    return name in _PYTHONS and name not in SPECIAL_METHODS and is_dunder(name)


def is_dunder(name: str) -> bool:
    """Tell whether a name has the form of Python's own."""
    return name.startswith("__") and name.endswith("__")


_EFFECTS = '"read:/etc/shop/*", "write:/var/lib/shop/*", "listen:127.0.0.1:8000" or "database:memory"'


class Everything(Enum):
    """The type of `EVERYTHING`."""

    EVERYTHING = "everything"


EVERYTHING: Final = Everything.EVERYTHING
"""Trust for a file that is trusted as code: it may import and call anything."""


if TYPE_CHECKING:
    Trusted = Iterable[str | type | ModuleType | Callable[..., Any]] | Everything


class Grant(Enum):
    """The reason why a name is trusted. The reason decides which checks follow once the name is imported."""

    EXACT = "exact"
    BUILT_IN = "built-in"
    """The record of a value type allows it."""
    DEFINED = "defined"
    """Granted through its package or its class: the object must be a class defined there, or belong to one."""


class Trust:
    """The names that a caller trusts, in the form described above. `texts` has them.

    Raises ValueError for a text of another form, and TypeError for anything else than those things.
    """

    def __init__(self, names: Trusted = ()) -> None:
        self.everything = names is EVERYTHING
        self.texts = () if isinstance(names, Everything) else tuple(dict.fromkeys(grants.texts(names)))
        self.effects = effects.Grants(filter(effects.is_grant, self.texts))
        self._exact: set[str] = set()
        self._calls: set[str] = set()
        packages: list[str] = []
        for text in self.texts:
            if effects.is_grant(text):
                continue
            name = text.removeprefix("call:")
            parts = name.removesuffix(".*") if text == name else name
            if parts.startswith("<") and not parts.startswith(("<locals>", "<lambda>")):  # a script: "<shop.tac>.Web"
                _, _, parts = parts.rpartition(">.")
            if not all(part.isidentifier() for part in parts.split(".")):
                raise ValueError(
                    f'{text!r} is no name to trust: write "package.Class", "package.*" or "call:package.make", or an '
                    f"effect: {_EFFECTS}"
                )
            if has_effects(name):
                raise ValueError(f"{text!r} would allow any path and any address: trust an effect instead, {_EFFECTS}")
            if text != name:
                self._calls.add(name)
            elif name.endswith(".*"):
                packages.append(name[:-1])
            else:
                self._exact.add(name)
        self._packages = tuple(packages)

    def names(self, name: steps.Name, use: str) -> bool:
        """Tell whether the caller trusts a name, and not only the record of a value type."""
        return self.everything or self.grant(name, use) in (Grant.EXACT, Grant.DEFINED)

    def grant(self, name: steps.Name, use: str) -> Grant | None:
        """Return the reason why a name is trusted for a use, or None where it isn't."""
        dotted = name.dotted
        known = value_name(name)
        if use == "call":
            if dotted in self._calls:
                return Grant.EXACT
            return Grant.BUILT_IN if values.constructor(known) is not None else None
        if has_effects(known):
            return None  # something else might call it, with any arguments
        if dotted in self._exact:
            return Grant.EXACT
        if (values.is_creatable if use == "create" else values.is_referable)(known):
            return Grant.BUILT_IN
        if use == "reference" and values.is_object(known) and f"{dotted}.".startswith(self._packages):
            return Grant.EXACT  # it isn't there yet, and its import makes it
        above, _, member = dotted.rpartition(".")
        if member.startswith("__") and member not in SPECIAL_METHODS:
            return None
        # To import `__main__` of a package runs it; and "package.os\0" is no name of a module.
        modules = name.module.split(".")
        importable = all(part.isidentifier() for part in modules) and "__main__" not in modules
        if importable and self._packages and f"{name.module}.".startswith(self._packages) and name.qualname:
            return Grant.DEFINED
        owned = "." in name.qualname and (above in self._exact or above in self._calls)
        return Grant.DEFINED if use == "reference" and owned else None


_ALLOWS = (Grant.DEFINED, Grant.BUILT_IN, Grant.EXACT)
"""The reasons of trust, the one first that allows least."""


def least_of(grants: Iterable[Grant | None]) -> Grant:
    """Return the reason that allows least. A name without one belongs to a class that has one."""
    return min((grant or Grant.DEFINED for grant in grants), key=_ALLOWS.index)


def value_name(name: steps.Name) -> str:
    """Return the dotted name of a value type, a constructor or an object of the process, or an empty text.

    `("array", "array")` is a type; `("array.array", "")` would be a module. An object may stand in the place of a
    module, as Twisted's reactor does.
    """
    dotted = name.dotted
    in_place_of_module = not name.qualname and values.is_object(dotted)
    return dotted if in_place_of_module or values.pair(dotted) == name else ""


def has_effects(dotted: str) -> bool:
    """Tell whether a call of a dotted name is trusted by its effects, and not by the name."""
    constructor = values.constructor(dotted)
    return constructor is not None and constructor.value_type.effects is not None


def carries_code(name: steps.Name) -> bool:
    """Tell whether a name makes functions or classes from code in the file."""
    made = name.module.partition(".")[0] == "cloudpickle" or f"{name.module}.".startswith("appsnap.code.")
    return made or name.dotted in ("types.CodeType", "builtins.type")
