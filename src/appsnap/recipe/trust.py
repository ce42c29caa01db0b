"""Which names a snapshot may refer to, create, call and fill; and the audit that finds out what it wants.

The audit reads the steps and imports nothing. Each name is wanted for a use:

* `reference`: it is found and kept, not called (a class as the value of an attribute, a callback);
* `create`: objects of this class are made without `__init__`, and get their state;
* `call`: it is called.

Trust is an iterable of texts: `"shop.web.Web"` for that class or function, to refer to and to create; `"shop.*"` for
the classes defined in that package; `"call:shop.make"` to call that. Nothing in a file grants trust.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from appsnap import evolve
from appsnap.errors import NotTrusted, Want
from appsnap.recipe import values
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import (
    Add,
    Call,
    Dict,
    Extend,
    List,
    Name,
    New,
    Recipe,
    Ref,
    Set,
    SetState,
    State,
    Update,
    operands,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = ["EVERYTHING", "Everything", "Grant", "Trust", "audit", "carries_code", "wants"]


class Everything(Enum):
    """The type of `EVERYTHING`."""

    EVERYTHING = "everything"


EVERYTHING: Final = Everything.EVERYTHING
"""Trust for a file that is trusted as code: whatever it names is imported and called."""


class Grant(Enum):
    """Why a name is trusted, and so what has to be checked once it has been imported."""

    EXACT = "exact"
    DEFINED = "defined"
    """Granted through its package or its class: it must be a class, or belong to one, that is defined there."""


class Trust:
    """The names that a caller trusts, in the form described above. Raises ValueError for a text of no such form."""

    def __init__(self, names: Iterable[str] | Everything = ()) -> None:
        if isinstance(names, str):
            raise TypeError("trust is an iterable of names, not one text")
        self.everything = names is EVERYTHING
        self._exact: set[str] = set()
        self._calls: set[str] = set()
        packages: list[str] = []
        for text in () if isinstance(names, Everything) else names:
            name = text.removeprefix("call:")
            if not all(part.isidentifier() or (part == "*" and text.endswith(".*")) for part in name.split(".")):
                raise ValueError(
                    f'{text!r} is no name to trust: write "package.Class", "package.*" or "call:package.make"'
                )
            if text != name:
                self._calls.add(name)
            elif name.endswith(".*"):
                packages.append(name[:-1])
            else:
                self._exact.add(name)
        self._packages = tuple(packages)

    def grant(self, name: Name, use: str) -> Grant | None:
        """Return why a name is trusted for a use, or None where it isn't."""
        dotted = name.dotted
        if use == "call":
            return Grant.EXACT if values.is_constructible(dotted) or dotted in self._calls else None
        if dotted in self._exact or dotted in (values.CREATABLE if use == "create" else values.REFERABLE):
            return Grant.EXACT
        if self._packages and f"{name.module}.".startswith(self._packages) and name.qualname:
            return Grant.DEFINED
        owner, _, member = name.qualname.rpartition(".")
        if use == "reference" and owner and not member.startswith("__") and f"{name.module}.{owner}" in self._exact:
            return Grant.DEFINED
        return None


def carries_code(name: Name) -> bool:
    """Tell whether a name is one that makes functions or classes from what the file holds."""
    return name.module.partition(".")[0] == "cloudpickle" or name.dotted in ("types.CodeType", "builtins.type")


def wants(recipe: Recipe) -> list[Want]:
    """Return every name that a recipe wants, once for each use, with the first path that wants it."""
    outline = Outline(recipe)
    return [
        Want(name.dotted, use, outline.path_of_step(recipe, number)) for (name, use), number in _uses(recipe).items()
    ]


def audit(recipe: Recipe, trust: Trust) -> None:
    """Check that a recipe wants only names that are trusted for their use, and fills only what it made.

    Imports nothing. Raises NotTrusted with every name that is missing.
    """
    if trust.everything:
        return
    missing = {key: number for key, number in _uses(recipe).items() if trust.grant(*key) is None}
    if missing:
        outline = Outline(recipe)
        found = [
            Want(name.dotted, use, outline.path_of_step(recipe, number)) for (name, use), number in missing.items()
        ]
        grants = ", ".join(dict.fromkeys(repr(want.grant) for want in found))
        code = any(carries_code(name) for name, _ in missing)
        raise NotTrusted(
            found,
            hint="the file carries code; if you trust who wrote it as you trust a program, load it with trust=EVERYTHING"
            if code
            else f"if you trust these names, load it with trust=[{grants}]",
        )


def _uses(recipe: Recipe) -> dict[tuple[Name, str], int]:
    """Return the names that a recipe uses, each with its use and the number of the first step that does.

    Raises NotTrusted for a step that fills what the recipe didn't make.
    """
    found: dict[tuple[Name, str], int] = {}
    names: dict[int, Name] = {}
    fillable: list[frozenset[type]] = []  # by register: the steps that may fill it
    for number, step in enumerate(recipe.steps):
        cls = type(step)
        use = _USE.get(cls, "reference")
        for index, operand in enumerate(operands(step)):
            if type(operand) is Ref and operand in names:
                found.setdefault((names[operand], use if index == 0 else "reference"), number)
        if cls in _FILLERS:
            target = step[0]
            if type(target) is not Ref or cls not in fillable[target]:
                raise NotTrusted(
                    [], message=f"step {number} fills {_what(recipe, target)}, which this file didn't make"
                )
            if isinstance(step, State) and any(name.startswith("__") for name in step.names):
                raise NotTrusted(
                    [], message=f"step {number} sets an attribute that is Python's own: {step.names!r:.60}"
                )
            continue
        if isinstance(step, Name):
            # What is loaded is what must be trusted, not what it once was called.
            names[len(fillable)] = Name(*evolve.successor(*step))
        elif cls in _USE and step[0] not in names:
            raise NotTrusted([], message=f"step {number} makes something of {_what(recipe, step[0])}, which is no name")
        called = names.get(step.function) if isinstance(step, Call) else None
        live = called is not None and called.dotted in values.LIVE
        fillable.append(_NOTHING if live else _FILLED_BY.get(cls, _NOTHING))
    if type(recipe.root) is Ref and recipe.root in names:
        found.setdefault((names[recipe.root], "reference"), len(recipe.steps))
    return found


def _what(recipe: Recipe, target: Any) -> str:
    outline = Outline(Recipe([step for step in recipe.steps if type(step) not in _FILLERS], target))
    return outline.shown(target)


_USE = {New: "create", Call: "call"}
_FILLERS = frozenset({Extend, Update, Add, State, SetState})
_NOTHING: frozenset[type] = frozenset()
_FILLED_BY: dict[type, frozenset[type]] = {
    List: frozenset({Extend}),
    Dict: frozenset({Update}),
    Set: frozenset({Add}),
    New: _FILLERS,
    Call: _FILLERS,
}
