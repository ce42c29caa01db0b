"""The audit: before anything is imported, it compares the names that a recipe wants with those that are trusted.

The survey reads the steps. A name that a snapshot gives as the old name of a renamed class counts under its new name.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appsnap import evolve
from appsnap.errors import MOST_NAMED, NotTrusted, Obstacle, Want, hints
from appsnap.printable import as_path
from appsnap.recipe import steps, values
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import Recipe, Ref
from appsnap.recipe.trust.names import SPECIAL_METHODS, Grant, Trust, carries_code, has_effects, least_of, value_name
from appsnap.recipe.trust.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from appsnap.effects import Denied, Effect

__all__ = ["Audited", "audit", "denied", "obstacles", "refused", "wants"]


def wants(recipe: Recipe, prepare: steps.Name | None = None) -> list[Want]:
    """Return every name that a recipe wants, once for each use, with the first path that wants it; and the effects.

    `prepare` is the function that the header names: it comes first.
    """
    survey = Survey(recipe)
    uses = {key: ref for key, ref in _without_companions(survey.uses).items() if not _is_effect(*key)}
    return _together(prepare, _as_wants(recipe, uses, survey.effects))


def _is_effect(name: steps.Name, use: str) -> bool:
    return use == "call" and has_effects(value_name(name))


def _together(prepare: steps.Name | None, found: list[Want]) -> list[Want]:
    """Return the names that a file wants: the function that its header names, and those of its recipe."""
    if prepare is None:
        return found
    name = steps.Name(*evolve.current_name(*prepare))
    first = Want(name.dotted, "call", "the header", carries_code(name))
    return [first, *(want for want in found if want.grant != first.grant)]


def obstacles(recipe: Recipe) -> list[Obstacle]:
    """Return all that names alone don't allow: each reason once, with the first path that has it."""
    return _as_obstacles(Survey(recipe))


@dataclass(frozen=True, slots=True)
class Audited:
    """The outcome of an audit that found every name trusted.

    `trust` is None for a file that is trusted as a whole. `names` has the name of today for each name in the file, and
    `uses` the uses of each of these. `coded` has the registers that are trusted as code, `callable` those and all
    others that may be called without a name. `annotated` has the registers of states with annotations, which are names.
    """

    trust: Trust | None = None
    names: Mapping[steps.Name, steps.Name] = field(default_factory=dict)
    uses: Mapping[steps.Name, Collection[str]] = field(default_factory=dict)
    coded: Collection[int] = ()
    callable: Collection[int] = ()
    annotated: Collection[int] = ()

    def grant(self, old: steps.Name, new: steps.Name) -> Grant | None:
        """Return the reason why the name of today for a name in the file is trusted, the one that allows least.

        It may be another one than at the audit: the import of a trusted module may have renamed something. Then it has
        to be trusted itself, for the same uses. Raises NotTrusted.
        """
        if self.trust is None:
            return None
        today = self.names[old]
        grants = {use: self.trust.grant(new, use) for use in self.uses.get(today, ("reference",))}
        if new != today:
            missing = [use for use, grant in grants.items() if grant is None]
            if missing:
                found = [Want(new.dotted, use, f"{old.dotted}, which was renamed") for use in missing]
                raise _refusal(found, [], self.trust)
            if values.constructor(value_name(today)) is not values.constructor(value_name(new)):
                changed = Obstacle(old.dotted, f"has become {new.dotted}, whose arguments nobody has seen")
                raise _refusal([], [changed], self.trust)
        return least_of(grants.values())


def audit(recipe: Recipe, trust: Trust, prepare: steps.Name | None = None) -> Audited:
    """Check that a recipe wants only names that are trusted for their use, and fills only objects that it made.

    `prepare` is the function that the header names. Only the caller can grant its call: no value type is called so.

    Imports nothing. Raises NotTrusted with every name that is missing, or with all that no trust in names allows.
    """
    if trust.everything:
        return Audited()
    survey = Survey(recipe)
    grants = {key: trust.grant(*key) for key in survey.uses}
    missing = {key: ref for key, ref in _without_companions(survey.uses).items() if grants[key] is None}
    impossible = [obstacle for obstacle in _as_obstacles(survey) if not obstacle.depends_on] if survey.faults else []
    denied = {effect: ref for effect, ref in survey.effects.items() if not trust.effects.allow(effect)}
    today = None if prepare is None else steps.Name(*evolve.current_name(*prepare))
    granted = today is None or trust.grant(today, "call") is Grant.EXACT
    if missing or impossible or denied or not granted:
        found = _together(None if granted else prepare, _as_wants(recipe, missing, denied))
        raise _refusal(found, impossible, trust)
    uses: defaultdict[steps.Name, list[str]] = defaultdict(list)
    for name, use in survey.uses:
        uses[name].append(use)
    if prepare is not None and today is not None:
        survey.renamed[prepare] = today
        uses[today].append("call")
    called = survey.coded | survey.partials.keys()
    return Audited(trust, survey.renamed, uses, survey.coded, called, survey.annotated)


def refused(path: str, cls: str, reason: str) -> NotTrusted:
    """Return the error for an object whose class, once it was imported, doesn't take its state."""
    return NotTrusted([], obstacles=[Obstacle(path, f"({cls}) {reason}")], hint=_as_a_program(_IMPOSSIBLE))


def denied(path: str, error: Denied) -> NotTrusted:
    """Return the error for an effect that is refused only by the opening: since the audit, the path leads elsewhere."""
    want = _as_want(error.effect, path)
    leads = f"{as_path(error.asked)} leads there by now" if error.asked else ""
    return NotTrusted([want], hint=hints(leads, f"if you trust that, too: trust=[…, {want.grant!r}]"))


def _refusal(found: list[Want], impossible: list[Obstacle], trust: Trust) -> NotTrusted:
    if impossible or any(want.carries_code for want in found):
        hint = _as_a_program(_IMPOSSIBLE if impossible else "the file carries code")
    else:
        # The names that are trusted already come first: the list takes the place of the caller's.
        texts = dict.fromkeys([*trust.texts, *(want.grant for want in found)])
        names = f"[{', '.join(map(str.__repr__, texts))}]"
        if len(texts) > MOST_NAMED:
            names = "[want.grant for want in error.wants]"
            names = f"[*trust, *{names}]" if trust.texts else names
        why = ", and the calls with any arguments" if any(want.use == "call" for want in found) else ""
        effects = any(want.does for want in found)
        what = "these effects" if all(want.does for want in found) else "these names and effects"
        hint = f"if you trust {what if effects else 'these names'}{why}, load it with trust={names}"
    return NotTrusted(found, obstacles=impossible, hint=hint)


def _as_a_program(why: str) -> str:
    return f"{why}; if you trust who wrote it as you would trust a program: trust=EVERYTHING"


_IMPOSSIBLE = "no trust in names can allow it"


def _as_wants(recipe: Recipe, uses: dict[tuple[steps.Name, str], Ref], effects: Mapping[Effect, Ref]) -> list[Want]:
    outline = Outline(recipe)
    names = [Want(name.dotted, use, outline.path(ref), carries_code(name)) for (name, use), ref in uses.items()]
    return names + [_as_want(effect, outline.path(ref)) for effect, ref in effects.items()]


def _as_want(effect: Effect, path: str) -> Want:
    return Want(effect.target, effect.use, path, does=effect.verb)


def _as_obstacles(survey: Survey) -> list[Obstacle]:
    recipe = survey.recipe
    # A filling of an atom has no node in the outline.
    followed = [step for step in recipe.steps if type(step) not in steps.FILLERS or type(step[0]) is Ref]
    outline = Outline(Recipe(followed, recipe.root))
    return [
        Obstacle(outline.path(place) if type(place) is Ref else outline.shown(place), reason, depends_on)
        for (reason, depends_on), place in survey.faults.items()
    ]


def _without_companions(uses: dict[tuple[steps.Name, str], Ref]) -> dict[tuple[steps.Name, str], Ref]:
    """Leave out each name that needs no trust of its own, because the class that it belongs to needs it anyway."""
    return {key: ref for key, ref in uses.items() if not _comes_along(*key, uses)}


def _comes_along(name: steps.Name, use: str, found: dict[tuple[steps.Name, str], Ref]) -> bool:
    above, _, member = name.qualname.rpartition(".")
    owner = steps.Name(name.module, above)
    known = values.is_referable(value_name(owner))
    plain = not member.startswith("__") or member in SPECIAL_METHODS
    wanted = (owner, "create") in found or (owner, "reference") in found
    return use == "reference" and bool(above) and plain and not known and wanted
