"""The audit: before anything is imported, it compares the names that a recipe wants with those that are trusted.

The audit reads the steps. A name that a snapshot gives as the old name of a renamed class counts under its new name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from appsnap import evolve
from appsnap.errors import MOST_NAMED, NotTrusted, Want
from appsnap.recipe import steps, values
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import Operand, Recipe, Ref
from appsnap.recipe.trust.filling import FILLED_BY
from appsnap.recipe.trust.names import SPECIAL_METHODS, Grant, Trust, carries_code

__all__ = ["audit", "wants"]


def wants(recipe: Recipe) -> list[Want]:
    """Return every name that a recipe wants, once for each use, with the first path that wants it."""
    return _as_wants(recipe, _without_companions(_survey(recipe).uses))


def audit(recipe: Recipe, trust: Trust) -> frozenset[steps.Name]:
    """Check that a recipe wants only names that are trusted for their use, and fills only objects that it made.

    Imports nothing. Returns the names that are granted through their package or class: `checks.check_defined` checks
    them once they have been imported. Raises NotTrusted with every name that is missing.
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
        number, fault, target = survey.fault
        raise NotTrusted([], message=f"not trusted: step {number} {fault} {_shown(recipe, target)}")
    return frozenset(name for (name, _), grant in grants.items() if grant is Grant.DEFINED)


def _as_wants(recipe: Recipe, uses: dict[tuple[steps.Name, str], Ref]) -> list[Want]:
    outline = Outline(recipe)
    return [Want(name.dotted, use, outline.path(ref), carries_code(name)) for (name, use), ref in uses.items()]


@dataclass(slots=True)
class _Survey:
    """The names of a recipe: `uses` has each name and use, with the register whose path is shown for it.

    `fault` is the first step that no trust in names allows: its number, its fault, and the operand at fault.
    """

    uses: dict[tuple[steps.Name, str], Ref] = field(default_factory=dict)
    fault: tuple[int, str, Operand] | None = None


def _survey(recipe: Recipe) -> _Survey:
    survey = _Survey()
    uses = survey.uses
    names: dict[int, steps.Name] = {}  # by register
    constructors: dict[int, values.Constructor] = {}  # by register of a name
    makers: dict[int, int] = {}  # by register: that of the class or function that made it
    used: set[int] = set()  # registers that some step refers to, at least those of names
    fillable: list[frozenset[type]] = []  # by register: the steps that may fill it
    harmless: set[int] = set()  # identities of sequences of names of attributes, none of them Python's own
    step: Any
    for number, step in enumerate(recipe.steps):
        cls = type(step)
        # The most frequent steps come first, in the form that wants nothing. An integer may equal the number of a
        # register: then the step takes the long way, with the same result.
        if cls is steps.State:
            if cls in fillable[step[0]] and id(step[1]) in harmless and names.keys().isdisjoint(step[2]):
                continue
        elif cls is steps.List or cls is steps.Tuple:
            if names.keys().isdisjoint(step[0]):
                fillable.append(FILLED_BY.get(cls, _NOTHING))
                continue
        elif cls is steps.Dict:
            if names.keys().isdisjoint(step[0]) and names.keys().isdisjoint(step[1]):
                fillable.append(FILLED_BY[cls])
                continue
        elif cls is steps.New and not step[1] and not step[3]:
            known = names.get(step[0])
            if known is not None and step[0] in used and (known, "create") in uses:
                makers[len(fillable)] = step[0]
                fillable.append(steps.FILLERS)
                continue
        register = Ref(len(fillable))
        if isinstance(step, steps.Member):
            method = _method(step, names, makers, constructors)
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
        filled_by = FILLED_BY.get(cls, _NOTHING)
        if isinstance(step, steps.Name):
            # The audit is about the class that is loaded, not about its name in former times.
            name = names[register] = steps.Name(*evolve.current_name(*step))
            constructor = values.constructor(name.dotted)
            if constructor is not None:
                constructors[register] = constructor
        elif isinstance(step, (steps.New, steps.Call)):
            if step[0] in names:
                makers[register] = step[0]
                if cls is steps.Call and step[0] in constructors:
                    filled_by = constructors[step[0]].value_type.filled_by
            else:
                survey.fault = survey.fault or (
                    number,
                    "makes an object of something without a name:",
                    steps.operands(step)[0],
                )
        fillable.append(filled_by)
    if type(recipe.root) is Ref and recipe.root in names:
        uses.setdefault((names[recipe.root], "reference"), recipe.root)
    for unused in sorted(names.keys() - used):
        # It would be imported all the same.
        uses.setdefault((names[unused], "reference"), Ref(unused))
    return survey


def _method(
    step: steps.Member,
    names: dict[int, steps.Name],
    makers: dict[int, int],
    constructors: dict[int, values.Constructor],
) -> steps.Name | None:
    """Return the name of a method that has to be trusted, or None for a method of a list, a text, and the like."""
    owner = step.owner
    if type(owner) is not Ref:
        return None
    maker = makers.get(owner, owner)
    above = names.get(maker)
    harmless = owner in makers and maker in constructors and constructors[maker].value_type.methods
    if above is None or harmless:
        return None
    return steps.Name(above.module, f"{above.qualname}.{step.name}" if above.qualname else step.name)


def _without_companions(uses: dict[tuple[steps.Name, str], Ref]) -> dict[tuple[steps.Name, str], Ref]:
    """Leave out each name that needs no trust of its own, because the class that it belongs to needs it anyway."""
    return {key: ref for key, ref in uses.items() if not _comes_along(*key, uses)}


def _comes_along(name: steps.Name, use: str, found: dict[tuple[steps.Name, str], Ref]) -> bool:
    above, _, member = name.qualname.rpartition(".")
    owner = steps.Name(name.module, above)
    known = values.is_referable(owner.dotted)
    plain = not member.startswith("__") or member in SPECIAL_METHODS
    wanted = (owner, "create") in found or (owner, "reference") in found
    return use == "reference" and bool(above) and plain and not known and wanted


def _shown(recipe: Recipe, target: Any) -> str:
    # Without the steps that fill: one of them is at fault.
    return Outline(Recipe([step for step in recipe.steps if type(step) not in steps.FILLERS], target)).shown(target)


_USE = {steps.New: "create", steps.Call: "call"}
_NOTHING: frozenset[type] = frozenset()
