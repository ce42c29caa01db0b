"""Which names a snapshot may refer to, create, call and fill; and the audit that finds out what it wants.

The audit reads the steps and imports nothing. Each name is wanted for a use:

* `reference`: it is found and kept, not called (a class as the value of an attribute, a callback);
* `create`: objects of this class are made without `__init__`, and get their state;
* `call`: it is called.

Trust is an iterable of texts: `"shop.web.Web"` for that class or function, to refer to and to create; `"shop.*"` for
the classes defined in that package; `"call:shop.make"` to call that. A class comes with its methods, nested classes
and members of an enumeration. Nothing in a file grants trust.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from appsnap import evolve
from appsnap.errors import MOST_NAMED, NotTrusted, Want
from appsnap.recipe import steps
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import Operand, Recipe, Ref
from appsnap.recipe.values import constructors

if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = ["EVERYTHING", "SPECIAL_METHODS", "Everything", "Grant", "Trust", "audit", "carries_code", "wants"]

SPECIAL_METHODS = frozenset({"__call__", "__contains__", "__getitem__", "__len__", "__setitem__"})
"""The methods of Python's own that a snapshot may refer to: others lead to what isn't the object's."""


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
            parts = name.removesuffix(".*") if text == name else name
            if not all(part.isidentifier() for part in parts.split(".")):
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

    def grant(self, name: steps.Name, use: str) -> Grant | None:
        """Return why a name is trusted for a use, or None where it isn't."""
        dotted = name.dotted
        if use == "call":
            return Grant.EXACT if constructors.is_constructible(dotted) or dotted in self._calls else None
        if dotted in self._exact or dotted in (constructors.CREATABLE if use == "create" else constructors.REFERABLE):
            return Grant.EXACT
        above, _, member = dotted.rpartition(".")
        if member.startswith("__") and member not in SPECIAL_METHODS:
            return None
        # `__main__` of a package does something when it is imported; and "package.os\0" is no module at all.
        modules = name.module.split(".")
        importable = all(part.isidentifier() for part in modules) and "__main__" not in modules
        if importable and self._packages and f"{name.module}.".startswith(self._packages) and name.qualname:
            return Grant.DEFINED
        owned = "." in name.qualname and (above in self._exact or above in self._calls)
        return Grant.DEFINED if use == "reference" and owned else None


def carries_code(name: steps.Name) -> bool:
    """Tell whether a name is one that makes functions or classes from what the file holds."""
    return name.module.partition(".")[0] == "cloudpickle" or name.dotted in ("types.CodeType", "builtins.type")


def wants(recipe: Recipe) -> list[Want]:
    """Return every name that a recipe wants, once for each use, with the first path that wants it."""
    return _as_wants(recipe, _without_companions(_survey(recipe).uses))


def audit(recipe: Recipe, trust: Trust) -> frozenset[steps.Name]:
    """Check that a recipe wants only names that are trusted for their use, and fills only what it made.

    Imports nothing. Returns the names that are granted through their package or class, which have to be looked at once
    they have been imported. Raises NotTrusted with every name that is missing.
    """
    if trust.everything:
        return frozenset()
    survey = _survey(recipe)
    grants = {key: trust.grant(*key) for key in survey.uses}
    missing = {key: ref for key, ref in _without_companions(survey.uses).items() if grants[key] is None}
    if missing:
        found = _as_wants(recipe, missing)
        names = f"[{', '.join(dict.fromkeys(repr(want.grant) for want in found[:MOST_NAMED]))}]"
        if len(found) > MOST_NAMED:
            names = "[want.grant for want in error.wants]"
        code = any(carries_code(name) for name, _ in missing)
        raise NotTrusted(
            found,
            hint="the file carries code; if you trust who wrote it as you would trust a program: trust=EVERYTHING"
            if code
            else f"if you trust these names, load it with trust={names}",
        )
    if survey.fault is not None:
        number, what, target = survey.fault
        raise NotTrusted([], message=f"not trusted: step {number} {what} {_what(recipe, target)}")
    return frozenset(name for (name, _), grant in grants.items() if grant is Grant.DEFINED)


def _as_wants(recipe: Recipe, uses: dict[tuple[steps.Name, str], Ref]) -> list[Want]:
    outline = Outline(recipe)
    return [Want(name.dotted, use, outline.path(ref), carries_code(name)) for (name, use), ref in uses.items()]


@dataclass(slots=True)
class _Survey:
    """What a recipe does with names: `uses` has each name and use, and the register whose path says where.

    `fault` is the first step that no trust in names allows: its number, what it does, and to which operand.
    """

    uses: dict[tuple[steps.Name, str], Ref] = field(default_factory=dict)
    fault: tuple[int, str, Operand] | None = None


def _survey(recipe: Recipe) -> _Survey:
    survey = _Survey()
    uses = survey.uses
    names: dict[int, steps.Name] = {}  # by register
    makers: dict[int, steps.Name] = {}  # by register: the class or function that made it
    used: set[int] = set()  # registers, those of names that something refers to among them
    fillable: list[frozenset[type]] = []  # by register: the steps that may fill it
    harmless: set[int] = set()  # the identities of names of attributes, none of which is Python's own
    step: Any
    for number, step in enumerate(recipe.steps):
        cls = type(step)
        # What most recipes are made of, and where there is nothing to find, comes first. An integer may equal the
        # number of a register: then it is looked at closely, for nothing.
        if cls is steps.State:
            if cls in fillable[step[0]] and id(step[1]) in harmless and names.keys().isdisjoint(step[2]):
                continue
        elif cls is steps.List or cls is steps.Tuple:
            if names.keys().isdisjoint(step[0]):
                fillable.append(_FILLED_BY.get(cls, _NOTHING))
                continue
        elif cls is steps.Dict:
            if names.keys().isdisjoint(step[0]) and names.keys().isdisjoint(step[1]):
                fillable.append(_FILLED_BY[cls])
                continue
        elif cls is steps.New and not step[1] and not step[3]:
            known = names.get(step[0])
            if known is not None and step[0] in used and (known, "create") in uses:
                makers[len(fillable)] = known
                fillable.append(steps.FILLERS)
                continue
        register = Ref(len(fillable))
        if isinstance(step, steps.Member):
            method = _method(step, names, makers)
            if method is not None:
                uses.setdefault((method, "reference"), register)
                used.add(steps.operands(step)[0])  # type: ignore[arg-type]  # only of a register a method is wanted
        else:
            use = _USE.get(cls, "reference")
            for index, operand in enumerate(steps.operands(step)):
                if type(operand) is Ref and operand in names:
                    used.add(operand)
                    made = index == 0 and use != "reference"
                    uses.setdefault((names[operand], use if made else "reference"), register if made else operand)
        if cls in steps.FILLERS:
            target = steps.operands(step)[0]
            if type(target) is not Ref or cls not in fillable[target]:
                survey.fault = survey.fault or (number, "fills what this file didn't make:", target)
            if isinstance(step, steps.State):
                own = next((name for name in step.names if name.startswith("__")), None)
                if own is None:
                    harmless.add(id(step.names))
                else:
                    survey.fault = survey.fault or (number, "sets an attribute that is Python's own:", own)
            continue
        filled_by = _FILLED_BY.get(cls, _NOTHING)
        if isinstance(step, steps.Name):
            # What is loaded is what must be trusted, not what it once was called.
            names[register] = steps.Name(*evolve.current_name(*step))
        elif isinstance(step, (steps.New, steps.Call)):
            maker = names.get(step[0])
            if maker is None:
                survey.fault = survey.fault or (number, "makes something of what is no name:", steps.operands(step)[0])
            else:
                makers[register] = maker
                if cls is steps.Call and constructors.is_constructible(maker.dotted):
                    filled_by = constructors.FILLED_BY.get(maker.dotted, _NOTHING)
        fillable.append(filled_by)
    if type(recipe.root) is Ref and recipe.root in names:
        uses.setdefault((names[recipe.root], "reference"), recipe.root)
    for unused in sorted(names.keys() - used):
        # It would be imported all the same.
        uses.setdefault((names[unused], "reference"), Ref(unused))
    return survey


def _method(step: steps.Member, names: dict[int, steps.Name], makers: dict[int, steps.Name]) -> steps.Name | None:
    """Return the name of a method that has to be trusted, or None for one of a list, a text, and the like."""
    owner = step.owner
    if type(owner) is not Ref:
        return None
    above = names.get(owner) or makers.get(owner)
    if above is None or (owner in makers and above.dotted in constructors.WITH_HARMLESS_METHODS):
        return None
    return steps.Name(above.module, f"{above.qualname}.{step.name}" if above.qualname else step.name)


def _without_companions(uses: dict[tuple[steps.Name, str], Ref]) -> dict[tuple[steps.Name, str], Ref]:
    """Leave out what needs no trust of its own, because the class that it belongs to needs it anyway."""
    return {key: ref for key, ref in uses.items() if not _comes_along(*key, uses)}


def _comes_along(name: steps.Name, use: str, found: dict[tuple[steps.Name, str], Ref]) -> bool:
    above, _, member = name.qualname.rpartition(".")
    owner = steps.Name(name.module, above)
    known = owner.dotted in constructors.CREATABLE or owner.dotted in constructors.REFERABLE
    plain = not member.startswith("__") or member in SPECIAL_METHODS
    wanted = (owner, "create") in found or (owner, "reference") in found
    return use == "reference" and bool(above) and plain and not known and wanted


def _what(recipe: Recipe, target: Any) -> str:
    # Without what fills: that may be what is wrong.
    return Outline(Recipe([step for step in recipe.steps if type(step) not in steps.FILLERS], target)).shown(target)


_USE = {steps.New: "create", steps.Call: "call"}
_NOTHING: frozenset[type] = frozenset()
_FILLED_BY: dict[type, frozenset[type]] = {
    **{container: frozenset({filler}) for container, filler in steps.FILLED_BY.items()},
    steps.New: steps.FILLERS,
    steps.Call: steps.FILLERS,
}
