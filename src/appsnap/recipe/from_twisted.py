"""Trees of Twisted's services to trees of ours, in a recipe: nothing is imported.

Objects of the classes below become those of our classes, and the components of an application one `Application`. A
class that is only referred to stays as it is: it may be a base of another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.services import states_of
from appsnap.recipe.steps import FIELDS, FILLERS, MAKERS, Field, Name, Operand, Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from appsnap.recipe.steps import Step

__all__ = ["with_our_services"]

_SERVICE = "twisted.application.service"
_TIMER = Name("twisted.application.internet", "TimerService")
_OURS = {
    **{Name(_SERVICE, name): Name("appsnap.service", name) for name in ("MultiService", "Process", "Service")},
    _TIMER: Name("appsnap.internet", "TimerService"),
}
_INTERFACES = {
    Name(module, name): Name("appsnap.interfaces", name)
    for module, name in (
        *((_SERVICE, name) for name in ("IProcess", "IService", "IServiceCollection")),
        ("twisted.persisted.sob", "IPersistable"),
    )
}
_COMPONENTS = Name("twisted.python.components", "Componentized")
_KEYS = {name.qualname: name.dotted for name in _INTERFACES}


def with_our_services(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """Return a recipe with services of ours in the place of Twisted's, and the names of Twisted's that have stayed."""
    edit = _Edit(recipe)
    edit.rename()
    edit.join_components()
    made = edit.finish()
    stayed = {step.dotted for step in made.steps if isinstance(step, Name) and step.module.split(".")[0] == "twisted"}
    return made, sorted(stayed)


class _Edit:
    """Steps that are edited: each with the register that it makes in the old recipe, or a new one above those."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._steps: list[tuple[Ref | None, Step]] = []
        self._made: dict[Ref, Step] = {}
        register = 0
        for step in recipe.steps:
            ref = None
            if type(step) in MAKERS:
                ref = Ref(register)
                self._made[ref] = step
                register += 1
            self._steps.append((ref, step))
        self._next = register
        self._root = recipe.root
        self._same: dict[Operand, Ref] = {}
        """Registers, each with the one that takes its place."""
        self._states = {target: state for target, _, state in states_of(recipe)}

    def _class(self, ref: Any) -> Name | None:
        """Return the name of the class of an object, or None."""
        step = self._made.get(ref) if type(ref) is Ref else None
        return self._name_of(step)

    def _name_of(self, step: Step | None) -> Name | None:
        cls = self._made.get(step.cls) if isinstance(step, steps.New) else None
        return cls if isinstance(cls, Name) else None

    def rename(self) -> None:
        """Give the objects of Twisted's classes our classes."""
        names = dict(_OURS)
        timers = (ref for ref in self._made if self._class(ref) == _TIMER)
        if any(self._states.get(ref, {}).get("clock") is not None for ref in timers):
            del names[_TIMER]  # ours has no other clock than that of the event loop
        new: dict[Ref, Ref] = {}
        edited: list[tuple[Ref | None, Step]] = []
        for ref, step in self._steps:
            if isinstance(step, Name) and step in _INTERFACES:
                edited.append((ref, _INTERFACES[step]))
                continue
            old = self._name_of(step)
            if isinstance(step, steps.New) and old in names:
                if step.cls not in new:
                    new[step.cls] = self._new()
                    edited.append((new[step.cls], names[old]))
                step = step._replace(cls=new[step.cls])  # noqa: PLW2901 - its class is another one
            edited.append((ref, self._without(ref, step, names)))
        self._steps = edited

    def _without(self, ref: Ref | None, step: Step, names: Mapping[Name, Name]) -> Step:
        """Return a state without the attributes that ours has no use for."""
        target = step.target if isinstance(step, steps.State) else None
        cls = self._class(target)
        if ref is not None or cls not in names or not isinstance(step, steps.State):
            return step
        drop = {"namedServices", "clock"} if cls != Name(_SERVICE, "Process") else set()
        kept = [(name, value) for name, value in zip(step.names, step.values, strict=True) if name not in drop]
        return step._replace(names=tuple(name for name, _ in kept), values=tuple(value for _, value in kept))

    def _new(self) -> Ref:
        self._next += 1
        return Ref(self._next - 1)

    def join_components(self) -> None:
        """Make one `Application` of the components, if the root is an application of Twisted's."""
        root: Any = self._root
        if self._class(root) != _COMPONENTS:
            return
        components = self._pairs(self._states.get(root, {}).get("_adapterCache"))
        service = components.pop(_KEYS["IServiceCollection"], None)
        components.pop(_KEYS["IService"], None)
        parts: list[Any] = [components.pop(_KEYS[name], None) for name in ("IProcess", "IPersistable")]
        process, persistent = (self._states.get(part, {}) for part in parts)
        if self._class(service) != Name(_SERVICE, "MultiService"):
            return
        assert isinstance(service, Ref)
        cls = self._new()
        own: dict[str, Operand] = {name: value for name, value in process.items() if value is not None}
        if persistent.get("style") == "source":  # pickle is the default
            own["style"] = "source"
        more: list[tuple[Ref | None, Step]] = []
        if components:
            made = self._new()
            more.append((made, steps.Dict((*components,), (*components.values(),))))
            own["components"] = made
        edited: list[tuple[Ref | None, Step]] = []
        for ref, step in self._steps:
            if ref == root:
                edited += [(cls, Name("appsnap.service", "Application")), (ref, steps.New(cls, ()))]
            elif ref != service and not (type(step) in FILLERS and step[0] == root):
                edited.append((ref, step))
        self._steps = [*edited, *more]
        if own:
            self._steps.append((None, steps.State(root, (*own,), (*own.values(),))))
        self._same[service] = root

    def _pairs(self, operand: Any) -> dict[Any, Operand]:
        """Return the items of a dictionary, by keys that are texts."""
        found: dict[Any, Operand] = {}
        for ref, step in self._steps:
            filled = ref if isinstance(step, steps.Dict) else step.target if isinstance(step, steps.Update) else None
            if filled is not None and filled == operand:
                keys: Sequence[Any] = step.keys  # type: ignore[union-attr]  # of either
                texts = [self._made[key] if type(key) is Ref else key for key in keys]
                plain = [text.value if isinstance(text, steps.Value) else text for text in texts]
                found |= zip(plain, step.values, strict=True)  # type: ignore[union-attr]  # as above
        return found

    def finish(self) -> Recipe:
        """Return the new recipe. What only left parts led to has gone."""
        used = self._used()
        number: dict[Operand, Ref] = {}
        found: list[Step] = []
        for ref, step in self._steps:
            if (ref if ref is not None else self._of(step[0])) not in used:
                continue
            found.append(_renumbered(step, number, self._same))
            if ref is not None:
                number[ref] = Ref(len(number))
        return Recipe(found, number.get(self._of(self._root), self._root))

    def _of(self, operand: Any) -> Any:
        return self._same.get(operand, operand)

    def _used(self) -> set[Any]:
        """Return the registers that the root leads to. A call whose first argument is used may fill that."""
        parts: dict[Any, list[Any]] = {}
        for ref, step in self._steps:
            leads = [self._of(operand) for operand in steps.operands(step) if type(operand) is Ref]
            if ref is None:
                parts.setdefault(self._of(step[0]), []).extend(leads)
                continue
            parts.setdefault(ref, []).extend(leads)
            if isinstance(step, steps.Call) and step.args and type(step.args[0]) is Ref:
                parts.setdefault(self._of(step.args[0]), []).append(ref)
        found: set[Any] = set()
        waiting = [self._of(self._root)]
        while waiting:
            ref = waiting.pop()
            if ref not in found:
                found.add(ref)
                waiting += parts.get(ref, ())
        return found


def _renumbered(step: Step, number: Mapping[Operand, Ref], same: Mapping[Operand, Ref]) -> Step:
    def of(operand: Any) -> Any:
        return number[same.get(operand, operand)] if type(operand) is Ref else operand

    fields: list[Any] = []
    field: Any
    for sort, field in zip(FIELDS[type(step)], step, strict=True):
        if sort in (Field.ORIGIN, Field.TARGET, Field.OPERAND):
            fields.append(of(field))
        elif sort in (Field.ITEMS, Field.KEYS, Field.VALUES):
            fields.append(tuple(map(of, field)))
        else:
            fields.append(field)
    made: Step = type(step)(*fields)
    return made
