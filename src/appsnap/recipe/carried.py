"""The code that a recipe carries: functions and classes by value. Nothing is imported, and no code is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appsnap.printable import as_word
from appsnap.recipe import steps
from appsnap.recipe.steps import Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appsnap.recipe.outline import Outline

__all__ = ["CarriedCode", "carried_code", "code_facts"]


@dataclass(frozen=True, slots=True)
class CarriedCode:
    """One function, code object or class by value.

    `version` is the version of Python that saved it, or empty if the file doesn't tell. `name` is its qualified name.
    `source` is the text of the file `filename`, and the code begins at its line `line`. Without a text, the file has
    only bytecode, and no other version of Python can run it.
    """

    path: str
    version: str
    name: str
    filename: str = ""
    line: int = 0
    source: str = ""


def carried_code(recipe: Recipe, outline: Outline) -> list[CarriedCode]:
    """Return the code that a recipe carries, in the order in which a load makes it."""
    names = {register: name.dotted for register, name in outline.nodes.names.items()}
    if _FORMS.keys().isdisjoint(names.values()) and _OF_CLOUDPICKLE not in names.values():
        return []
    texts: dict[int, tuple[Any, ...]] = {}
    found = []
    for register in outline.nodes.registers(steps.Call):
        step: Any = recipe.steps[outline.nodes.starts[register]]
        maker = names.get(step.function, "")
        args = [_plain(outline, argument) for argument in step.args]
        if maker == "appsnap.code.text" and len(args) == 3:
            texts[register] = tuple(args)
        elif maker in _FORMS or outline.class_of(step.function) == _OF_CLOUDPICKLE:
            code = _read(maker, args, [texts.get(ref, ()) if type(ref) is Ref else () for ref in step.args[:1]])
            found.append(CarriedCode(outline.path(Ref(register)), *code))
    return found


def code_facts(code: Iterable[CarriedCode]) -> list[str]:
    """Return the sentence about bytecode without a source text, or nothing."""
    versions = sorted({one.version for one in code if not one.source})
    if not versions:
        return []
    if versions[0]:
        return [f"code for Python {' and '.join(map(as_word, versions[:10]))} only"]
    return ["code for a Python that the file doesn't tell"]


_OF_CLOUDPICKLE = "cloudpickle.cloudpickle._builtin_type"

_FORMS = {
    "appsnap.code.compiled": "text",
    "appsnap.code.class_": "text",
    "appsnap.code.bytecode": "bytecode",
    "appsnap.code.skeletons.skeleton": "skeleton",
    "appsnap.code.skeletons.enumeration": "skeleton",
    "types.CodeType": "unmarked",
}


def _plain(outline: Outline, operand: Any) -> Any:
    """Return an atom or a long text of the recipe, or None for anything else."""
    if type(operand) is not Ref:
        return operand
    node = outline.nodes[operand]
    return node.value if node.form == "value" else None


def _read(maker: str, args: list[Any], text: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the fields of a `CarriedCode` behind the path, from a call. The call may be malformed."""
    form = _FORMS.get(maker, "unmarked")
    if form == "text" and len(args) >= 3 and text[0]:
        source, filename, version = text[0]
        name, line = args[1], args[2]
        if all(type(part) is str for part in (source, filename, version, name)) and type(line) is int:
            return version, name, filename, line, source
    if form in {"bytecode", "skeleton"}:
        version = args[1] if len(args) > 1 and type(args[1]) is str else ""
        name = args[4] if form == "skeleton" and len(args) > 4 else ""
        return version, name if type(name) is str else ""
    return "", ""
