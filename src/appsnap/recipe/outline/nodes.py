"""The nodes of a recipe: the content of each register after all steps.

A node is made when it is first asked for. Before that, functions of C only sort the steps by the registers that they
make or fill.
"""

from __future__ import annotations

import bisect
import itertools
import operator
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from appsnap.printable import as_word, escaped, shortened
from appsnap.recipe import steps
from appsnap.recipe.steps import Operand, Ref, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LONGEST_NAME", "Node", "Nodes", "name_of_people"]

_FORMS = {steps.List: "list", steps.Tuple: "tuple", steps.Set: "set", steps.FrozenSet: "frozenset"}

_SETTERS = frozenset(
    {
        "appsnap.actions.adopt",
        "appsnap.code.finish_class",
        "appsnap.code.finish_function",
        "appsnap.code.set_cell",
        "appsnap.code.skeletons.finish",
        "appsnap.code.skeletons.finish_dispatching",
    }
)
"""The functions that give their first argument its state."""

_CLASS_MAKERS = ("appsnap.code.class_", "appsnap.code.skeletons.skeleton", "appsnap.code.skeletons.enumeration")

LONGEST_NAME = 60
_MADE = "a class made by "

_LARGE = 64 << 10
"""Bytes of a value that is never copied. It may be a view of a mapped file."""

_QUICK = (tuple, list)

# A file may have a node for each of its bytes, and most nodes are empty. Empty nodes share these.
_NO_ATTRIBUTES: dict[str, Operand] = {}
_NO_ITEMS: Sequence[Operand] = ()
_NO_PAIRS: list[tuple[Operand, Operand]] = []


@dataclass(slots=True)
class Node:
    """The content of one register, after all steps.

    `form` is `name`, `value`, `tuple`, `list`, `dict`, `set`, `frozenset`, `bytearray`, `object`, `call` or `member`.
    `name` is a dotted name: that of the class of an object, of the function of a call, or of a thing known by name. Of
    a member it is the name of the method. `args` are the arguments of an object or a call, or the owner of a member.
    `keywords` are those of a call.
    `attributes` stand in the order of the file. `state` is a state that isn't a dictionary of attributes. `made_by` is
    the class or function of an object or a call, if it has no name.
    """

    form: str
    name: str = ""
    value: str | bytes | bytearray | memoryview = ""
    args: Sequence[Operand] = ()
    keywords: dict[str, Operand] = field(default_factory=lambda: _NO_ATTRIBUTES)
    attributes: dict[str, Operand] = field(default_factory=lambda: _NO_ATTRIBUTES)
    items: Sequence[Operand] = ()
    pairs: list[tuple[Operand, Operand]] = field(default_factory=lambda: _NO_PAIRS)
    state: Operand = None
    made_by: Ref | None = None


class Nodes(Sequence[Node]):
    """The nodes of a recipe, by register. `starts` has, for each register, the number of the step that made it."""

    def __init__(self, recipe_steps: Sequence[Step]) -> None:
        self._steps = recipe_steps
        sorts = [*map(type, recipe_steps)]
        made = [*map(steps.MAKERS.__contains__, sorts)]
        self.starts = array("q", itertools.compress(itertools.count(), made))
        self._sorts = [*itertools.compress(sorts, made)]  # by register
        self._known: dict[int, Node] = {}
        self.names = self._named()
        self._fillers = self._sorted_fillers(sorts)
        self._make_the_nameless()

    def _named(self) -> dict[int, steps.Name]:
        """Return the names in the recipe, by register."""
        names: Any = (self._steps[self.starts[register]] for register in self.registers(steps.Name))
        return dict(zip(self.registers(steps.Name), names, strict=True))

    def registers(self, sort: type) -> Iterator[int]:
        """Yield the registers that steps of one sort have made."""
        return itertools.compress(itertools.count(), map(operator.is_, self._sorts, itertools.repeat(sort)))

    def _sorted_fillers(self, sorts: list[type]) -> array[int]:
        """Return the numbers of the steps that fill something: sorted by register, then by number.

        Each is the register times the number of all steps, plus the number of the step.
        """
        filling = [*map(steps.FILLERS.__contains__, sorts)]
        targets = map(operator.itemgetter(0), itertools.compress(self._steps, filling))
        found = self._packed(targets, itertools.compress(itertools.count(), filling))
        setters = {register for register, name in self.names.items() if name.dotted in _SETTERS}
        if setters:
            calls = [(number, step) for number, step in enumerate(self._steps) if type(step) is steps.Call]
            calls = [(n, one) for n, one in calls if one.function in setters and len(one.args) == 2 and not one.names]
            calls = [(n, one) for n, one in calls if isinstance(one.args[0], Ref)]
            found += self._packed((one.args[0] for _, one in calls), (n for n, _ in calls))
        found.sort()
        return array("q", found)

    def _packed(self, targets: Iterable[Any], numbers: Iterable[int]) -> list[int]:
        return [*map(operator.add, map(operator.mul, targets, itertools.repeat(len(self._steps))), numbers)]

    def _make_the_nameless(self) -> None:
        """Make the nodes whose class or function has no name, in order: each may have made that of the next one."""
        for sort in (steps.New, steps.Call):
            registers = [*self.registers(sort)]
            origins = [self._steps[self.starts[register]][0] for register in registers]
            if not self.names.keys() >= set(origins):
                break
        else:
            return
        for register, maker in enumerate(self._sorts):
            if maker in (steps.New, steps.Call) and self._steps[self.starts[register]][0] not in self.names:
                self._known[register] = self._made(register)

    def __len__(self) -> int:
        return len(self._sorts)

    @overload
    def __getitem__(self, register: int) -> Node: ...
    @overload
    def __getitem__(self, register: slice) -> Sequence[Node]: ...
    def __getitem__(self, register: Any) -> Any:
        """Return the node of a register."""
        known = self._known.get(register)
        if known is None:
            known = self._known[register] = self._made(register)
        return known

    def sort_of(self, register: int) -> type:
        """Return the sort of the step that made a register."""
        return self._sorts[register]

    def registers_with(self, attribute: str) -> Iterator[int]:
        """Yield the registers that may get an attribute: by its name, or by a state of another shape."""
        for step in self._steps:
            sort = type(step)
            if (sort is steps.State and attribute in step.names) or sort is steps.SetState:  # type: ignore[union-attr]
                yield step[0]  # type: ignore[misc]  # the target

    # Making

    def _fillings(self, register: int, until: int | None = None) -> Iterator[Any]:
        """Yield the number of each step that fills a register, and the step. Only those before step `until`."""
        fillers, count = self._fillers, len(self._steps)
        at = bisect.bisect_left(fillers, register * count)
        end = (register + 1) * count if until is None else register * count + until
        while at < len(fillers) and fillers[at] < end:
            number = fillers[at] % count
            yield number, self._steps[number]
            at += 1

    def _made(self, register: int) -> Node:
        node = self._begun(self._steps[self.starts[register]])
        items: list[Operand] | None = None
        for number, step in self._fillings(register):
            sort = type(step)
            if sort is steps.State:
                if not node.attributes:
                    node.attributes = dict(zip(step.names, step.values, strict=True))
                else:
                    node.attributes.update(zip(step.names, step.values, strict=True))
            elif sort is steps.Extend or sort is steps.Add:
                if items is None:
                    node.items = items = [*node.items]
                items += step.items
            elif sort is steps.Update:
                node.pairs = node.pairs or []
                node.pairs += zip(step.keys, step.values, strict=True)
            elif sort is steps.SetState:
                self._set_state(node, number, step.state)
            else:
                node.state = step.args[1]
        return node

    def _begun(self, step: Any) -> Node:
        """Return the node of a step that makes something."""
        sort = type(step)
        form = _FORMS.get(sort)
        if form is not None:
            # Each item of a column is looked at again and again, and a column may have to count up to it.
            return Node(form, items=step.items if type(step.items) in _QUICK else [*step.items])
        if sort is steps.Dict:
            return Node("dict", pairs=[*zip(step.keys, step.values, strict=True)] or _NO_PAIRS)
        if sort is steps.New:
            attributes = dict(zip(step.names, step.values, strict=True)) or _NO_ATTRIBUTES
            made_by = None if step.cls in self.names else step.cls
            return Node("object", self._name(step.cls), args=step.args, attributes=attributes, made_by=made_by)
        if sort is steps.Call:
            made_by = None if step.function in self.names else step.function
            keywords = dict(zip(step.names, step.values, strict=True)) or _NO_ATTRIBUTES
            return Node("call", self._name(step.function), args=step.args, keywords=keywords, made_by=made_by)
        if sort is steps.Name:
            return Node("name", step.dotted)
        if sort is steps.Member:
            return Node("member", step.name, args=(step.owner,))
        data = step[0]
        form = "bytearray" if sort is steps.ByteArray else "value"
        return Node(form, value=data if isinstance(data, (str, bytes)) or len(data) >= _LARGE else bytes(data))

    @cached_property
    def _sole(self) -> set[int]:
        """The numbers of the steps whose state no earlier step has given to an object.

        One dictionary may be the state of many objects. Only for the first of them is it copied into attributes.
        """
        taken: set[Operand] = set()
        sole = set()
        for number, step in enumerate(self._steps):
            if type(step) is steps.SetState:
                refs = [part for part in self._parts(step.state) if isinstance(part, Ref)]
                if taken.isdisjoint(refs):
                    sole.add(number)
                taken.update(refs)
        return sole

    def _parts(self, state: Operand) -> Sequence[Operand]:
        """Return the two parts of a state that is a pair, or else the state."""
        if isinstance(state, Ref) and self._sorts[state] is steps.Tuple:
            step: Any = self._steps[self.starts[state]]
            if len(step.items) == 2:
                items: Sequence[Operand] = step.items
                return items
        return (state,)

    def _set_state(self, node: Node, number: int, state: Operand) -> None:
        parts = self._parts(state)
        attributes: dict[str, Operand] = {}
        if number in self._sole and all(part is None or isinstance(part, Ref) for part in parts):
            for part in parts:
                if part is None:
                    continue
                found = self._attributes(part, number)  # type: ignore[arg-type]  # as just checked
                if found is None:
                    break
                attributes.update(found)
            else:
                # Added where they are: a file may give a hundred thousand states to one object.
                if node.attributes:
                    node.attributes.update(attributes)
                else:
                    node.attributes = attributes
                return
        node.state = state

    def _attributes(self, register: Ref, until: int) -> dict[str, Operand] | None:
        """Return the content that a dictionary has before a step, or None for anything else than texts as keys."""
        if self._sorts[register] is not steps.Dict:
            return None
        first: Any = self._steps[self.starts[register]]
        updates = (step for _, step in self._fillings(register, until) if type(step) is steps.Update)
        found: dict[Any, Operand] = {}
        for step in (first, *updates):
            found.update(zip(step.keys, step.values, strict=True))
        return found if all(isinstance(key, str) for key in found) else None

    # Names

    def _name(self, ref: Ref) -> str:
        known = self.names.get(ref)
        if known is not None:
            return known.dotted
        node = self[ref]
        if node.name in _CLASS_MAKERS:
            return self._name_in_file(node)
        # That class may itself be of a class that was made, and so on: the name must not grow.
        return f"{_MADE}{shortened(node.name or node.form, LONGEST_NAME)}"

    def _name_in_file(self, node: Node) -> str:
        """Return the name of a class by value, with the script that it comes from in place of a module."""
        script, name = "code", node.args[1:2]
        if node.name != "appsnap.code.class_":
            name = node.args[4:5]
        elif node.args and isinstance(node.args[0], Ref):
            file = next((self._text(part) for part in self[node.args[0]].args[1:2]), "")
            script = file.rpartition("/")[2] or script
        script = escaped(shortened(script, LONGEST_NAME)).replace("<", "").replace(">", "")
        short = shortened(name_of_people("".join(map(self._text, name)) or "?"), LONGEST_NAME)
        return f"<{script}>.{short}"

    def _text(self, operand: Operand) -> str:
        node = self[operand] if isinstance(operand, Ref) else None
        text = operand if node is None else node.value
        return text if isinstance(text, str) else ""


def name_of_people(name: str) -> str:
    """Return a name for people: escaped, and without its middle if it is longer than 100 characters."""
    made, rest = (_MADE, name.removeprefix(_MADE)) if name.startswith(_MADE) else ("", name)
    return shortened(made + as_word(shortened(rest, 100)), 100)
