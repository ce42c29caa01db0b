"""The tree of a recipe: a node for each register, and a path to each node.

`appsnap show`, the audit and every error of a step use the tree. No name of the recipe is imported.
"""

from __future__ import annotations

import array
import bisect
import functools
import reprlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appsnap.printable import as_word, escaped, shortened
from appsnap.recipe import steps
from appsnap.recipe.steps import Operand, Recipe, Ref, Step
from appsnap.recipe.values import has_identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Node", "Outline", "quoted"]

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

# A file may have a node for each of its bytes, and most nodes are empty. Empty nodes share these.
_NO_ATTRIBUTES: dict[str, Operand] = {}
_NO_ITEMS: list[Operand] = []
_NO_PAIRS: list[tuple[Operand, Operand]] = []


@dataclass(slots=True)
class Node:
    """The content of one register, after all steps.

    `form` is `name`, `value`, `tuple`, `list`, `dict`, `set`, `frozenset`, `bytearray`, `object`, `call` or `member`.
    `name` is a dotted name: that of the class of an object, of the function of a call, or of a thing known by name. Of
    a member it is the name of the method. `args` are the arguments of an object or a call, or the owner of a member.
    `attributes` stand in the order of the file. `state` is a state that isn't a dictionary of attributes. `made_by` is
    the class or function of an object or a call, if it has no name.
    """

    form: str
    name: str = ""
    value: str | bytes = ""
    args: Sequence[Operand] = ()
    attributes: dict[str, Operand] = field(default_factory=lambda: _NO_ATTRIBUTES)
    items: list[Operand] = field(default_factory=lambda: _NO_ITEMS)
    pairs: list[tuple[Operand, Operand]] = field(default_factory=lambda: _NO_PAIRS)
    state: Operand = None
    made_by: Ref | None = None


class Outline:
    """The tree of a recipe. `nodes` has the node of each register, by number. `root` is an operand."""

    def __init__(self, recipe: Recipe, *, root: str = "") -> None:
        self.root = recipe.root
        self.nodes: list[Node] = []
        self._states: set[Ref] = set()  # the dictionaries that were the state of an object
        self._cuts: dict[str, str] = {}  # by name: the name as `cut` returns it
        self.lines: dict[int, str] = {}  # by register: the line of a value that people know in another form
        self.digests: dict[int, str] = {}  # by register of a text or bytes: its SHA-256
        self.looked_at = 0  # nodes, for digests of many together
        self.starts = array.array("q")  # for each register: the number of the step that wrote it
        for number, step in enumerate(recipe.steps):
            self._follow(step, number)
        self.root_name = root or self._default_root()

    def _default_root(self) -> str:
        return "application" if self.class_of(self.root).endswith(".Application") else "object"

    def _follow(self, step: Any, number: int) -> None:
        nodes = self.nodes
        match step:
            case steps.State(target, names, values):
                node = nodes[target]
                node.attributes = node.attributes or {}
                node.attributes.update(zip(names, values, strict=True))
            case steps.Tuple(items) | steps.List(items) | steps.Set(items) | steps.FrozenSet(items):
                nodes.append(Node(_FORMS[type(step)], items=list(items) or _NO_ITEMS))
            case steps.Dict(keys, values):
                nodes.append(Node("dict", pairs=list(zip(keys, values, strict=True)) or _NO_PAIRS))
            case steps.New(cls, args, names, values):
                attributes = dict(zip(names, values, strict=True)) or _NO_ATTRIBUTES
                made_by = None if nodes[cls].form == "name" else cls
                nodes.append(Node("object", self._name(cls), args=args, attributes=attributes, made_by=made_by))
            case steps.Name():
                nodes.append(Node("name", step.dotted))
            case steps.Value(value):
                nodes.append(Node("value", value=value if isinstance(value, str) else bytes(value)))
            case steps.Call(function, args):
                made_by = None if nodes[function].form == "name" else function
                nodes.append(Node("call", self._name(function), args=args, made_by=made_by))
                if nodes[-1].name in _SETTERS and len(args) == 2 and isinstance(args[0], Ref):
                    nodes[args[0]].state = args[1]
            case steps.Extend(target, items) | steps.Add(target, items):
                node = nodes[target]
                node.items = node.items or []
                node.items.extend(items)
            case steps.Update(target, keys, values):
                node = nodes[target]
                node.pairs = node.pairs or []
                node.pairs.extend(zip(keys, values, strict=True))
            case steps.SetState(target, state):
                self._set_state(nodes[target], state)
            case steps.Member(owner, name):
                nodes.append(Node("member", name, args=(owner,)))
            case steps.ByteArray(data):
                nodes.append(Node("bytearray", value=bytes(data)))
        if len(nodes) > len(self.starts):
            self.starts.append(number)

    def _set_state(self, node: Node, state: Operand) -> None:
        parts: Sequence[Operand] = (state,)
        if isinstance(state, Ref) and self.nodes[state].form == "tuple" and len(self.nodes[state].items) == 2:
            parts = self.nodes[state].items
        refs = [part for part in parts if isinstance(part, Ref)]
        dicts = [self.nodes[part] for part in refs]
        # One dictionary may be the state of many objects. Only for the first of them is it copied into attributes.
        named = self._states.isdisjoint(refs)
        self._states.update(refs)
        named = named and all(one.form == "dict" and all(isinstance(key, str) for key, _ in one.pairs) for one in dicts)
        if named and all(part is None or isinstance(part, Ref) for part in parts):
            node.attributes = node.attributes or {}
            for one in dicts:
                node.attributes.update((str(key), value) for key, value in one.pairs)
        else:
            node.state = state

    def _name(self, ref: Ref) -> str:
        node = self.nodes[ref]
        if node.form == "name":
            return node.name
        if node.name in (
            "appsnap.code.class_",
            "appsnap.code.skeletons.skeleton",
            "appsnap.code.skeletons.enumeration",
        ):
            return self._name_in_file(node)
        # That class may itself be of a class that was made, and so on: the name must not grow.
        return f"{_MADE}{shortened(node.name or node.form, _LONGEST)}"

    def _name_in_file(self, node: Node) -> str:
        """Return the name of a class by value, with the script that it comes from in place of a module."""
        script, name = "code", node.args[1:2]
        if node.name != "appsnap.code.class_":
            name = node.args[4:5]
        elif node.args and isinstance(node.args[0], Ref):
            file = next((self._text(part) for part in self.nodes[node.args[0]].args[1:2]), "")
            script = file.rpartition("/")[2] or script
        script = escaped(shortened(script, _LONGEST)).replace("<", "").replace(">", "")
        return f"<{script}>.{self.cut(''.join(map(self._text, name)) or '?', _LONGEST)}"

    def _text(self, operand: Operand) -> str:
        node = self.nodes[operand] if isinstance(operand, Ref) else None
        text = operand if node is None else node.value
        return text if isinstance(text, str) else ""

    def class_of(self, operand: Operand) -> str:
        """Return the dotted name of the class of an operand, or of the function that made it."""
        if not isinstance(operand, Ref):
            return type(operand).__name__
        node = self.nodes[operand]
        if node.form in ("object", "call"):
            return node.name
        return type(node.value).__name__ if node.form == "value" else node.form

    # Paths

    def children(self, register: int) -> Iterator[tuple[str, Operand]]:
        """Yield the parts of a node: the label of each, which continues the path, and its operand."""
        node = self.nodes[register]
        for name, operand in node.attributes.items():
            # A long name is cut: it comes again in the path of each node below.
            plain = len(name) <= _LONGEST and name.isidentifier()
            yield f".{name}" if plain else f".__dict__[{quoted(name)}]", operand
        brackets = "{%s}" if node.form in ("set", "frozenset") else "[%s]"
        for index, operand in enumerate(node.items):
            yield brackets % self._label(operand, index), operand
        for index, (key, operand) in enumerate(node.pairs):
            if isinstance(key, Ref):
                yield f".keys()[{index}]", key
            yield f"[{self.shown(key)}]", operand
        if node.state is not None:
            yield ".__getstate__()", node.state
        if node.made_by is not None:
            yield (".__class__" if node.form == "object" else " made by"), node.made_by
        for index, operand in enumerate(node.args):
            if index == 0 and node.name == "collections.deque" and self.is_empty(operand):
                continue  # its items were appended
            yield (".__self__" if node.form == "member" else f" argument {index}"), operand

    def is_empty(self, operand: Operand) -> bool:
        """Tell whether an operand is an empty tuple."""
        return isinstance(operand, Ref) and self.nodes[operand].form == "tuple" and not self.nodes[operand].items

    def _label(self, operand: Operand, index: int) -> str:
        """Return the label of an item: the name of a service, the index of any other item."""
        if isinstance(operand, Ref):
            attributes = self.nodes[operand].attributes
            name = attributes.get("name")
            if isinstance(name, str) and "parent" in attributes:
                return quoted(name)
        return str(index)

    def shown(self, operand: Operand) -> str:
        """Return an operand as a short text: an atom or a value itself, anything else as its class."""
        if not isinstance(operand, Ref):
            return quoted(operand)
        node = self.nodes[operand]
        if node.form == "value":
            return quoted(node.value)
        if node.form == "name":
            return self.cut(node.name, _LONGEST)
        return f"<{self.cut(self.class_of(operand), _LONGEST)}>"

    def cut(self, name: str, most: int = 100) -> str:
        """Return a name for people: escaped, and without its middle if it is longer than `most`."""
        known = self._cuts.get(name)
        if known is None:
            made, rest = (_MADE, name.removeprefix(_MADE)) if name.startswith(_MADE) else ("", name)
            known = self._cuts[name] = shortened(made + as_word(shortened(rest, 100)), 100)
        return shortened(known, most)

    def path(self, operand: Operand, most: int = 1000) -> str:
        """Return the shortest path from the root to a register.

        A register that can't be reached is named by its class. If the path has more than 100 parts, or more than about
        `most` characters, only its end is returned, behind an ellipsis.
        """
        if not isinstance(operand, Ref):
            return self.root_name
        parents = self.parents
        labels = []
        register = int(operand)
        while register != self.root:
            if register not in parents:
                labels.append(f"<{self.cut(self.class_of(Ref(register)), _LONGEST)}>")
                return "".join(reversed(labels))
            if len(labels) == _MOST_PARTS or most < 0:
                return f"{self.root_name}…{''.join(reversed(labels))}"
            register, _, label = parents[register]
            labels.append(label)
            most -= len(label)
        return self.root_name + "".join(reversed(labels))

    def register_of_step(self, step: Step, number: int) -> Ref:
        """Return the register that a step makes or fills."""
        return Ref(bisect.bisect_left(self.starts, number) if type(step) in steps.MAKERS else step[0])  # type: ignore[arg-type]  # the first field of a filler is its target

    @property
    def parents(self) -> dict[int, tuple[int, int, str]]:
        """The first place of each node: the register of its parent, the position in that, and the label."""
        return self._edges[0]

    @property
    def shared(self) -> set[int]:
        """The registers of the nodes with several places.

        A node has several places if several nodes refer to it. The same holds if its parent has several places, and is
        shown in full at each of them.
        """
        return self._edges[1]

    @functools.cached_property
    def _edges(self) -> tuple[dict[int, tuple[int, int, str]], set[int]]:
        parents: dict[int, tuple[int, int, str]] = {}
        shared: set[int] = set()
        if not isinstance(self.root, Ref):
            return parents, shared
        level = [int(self.root)]
        while level:
            below = []
            for register in level:
                for place, (label, operand) in enumerate(self.children(register)):
                    if not isinstance(operand, Ref):
                        continue
                    child = int(operand)
                    if child in parents or child == self.root:
                        shared.add(child)
                        continue
                    parents[child] = (register, place, label)
                    below.append(child)
            level = below
        self._reach_the_rest(parents)
        for register, (parent, _, _) in parents.items():
            if parent in shared and not self.may_change(Ref(parent)):
                shared.add(register)
        return parents, shared

    def _reach_the_rest(self, parents: dict[int, tuple[int, int, str]]) -> None:
        """Add places for calls that no other node holds: they have filled their first argument."""
        behind: dict[int, list[tuple[str, int]]] = {}
        for register, node in enumerate(self.nodes):
            if node.form == "call" and register not in parents and node.args and isinstance(node.args[0], Ref):
                behind.setdefault(int(node.args[0]), []).append((" filled by", register))
        if not behind or not isinstance(self.root, Ref):
            return
        waiting = [int(self.root), *parents]
        old = len(waiting)
        for at, register in enumerate(waiting):  # the list grows
            found = behind.get(register, [])
            if at >= old:
                found = [*found, *((label, int(ref)) for label, ref in self.children(register) if isinstance(ref, Ref))]
            for label, child in found:
                if child not in parents and child != self.root:
                    parents[child] = (register, -1, label)
                    waiting.append(child)

    def may_change(self, operand: Operand) -> bool:
        """Tell whether the identity of an object matters. If it does, the object is shown in full only once."""
        if not isinstance(operand, Ref):
            return False
        node = self.nodes[operand]
        if node.form == "call":
            return has_identity(node.name)
        return node.form in ("list", "dict", "set", "bytearray", "object")


def quoted(value: Any) -> str:
    """Return a value as people write it. A text stands in double quotes. The middle of a long value is left out."""
    if isinstance(value, str):
        text = _SHORT.repr(value)
        return text if text[0] == '"' or '"' in text else f'"{text[1:-1]}"'.replace("\\'", "'")
    if isinstance(value, int) and value.bit_length() > 2_000:
        # Python refuses to write out the digits of integers of this length.
        digits = (value.bit_length() + 3) // 4
        return f"{'-' * (value < 0)}{abs(value) >> 4 * (digits - 18):#x}"[:20] + "…"
    if isinstance(value, (bytes, bytearray)) and len(value) > 2 * _LONGEST:
        value = value[:_LONGEST] + value[-_LONGEST:]  # `_SHORT` would throw the rest away
    return _SHORT.repr(value)


_LONGEST = 60
_MADE = "a class made by "
_MOST_PARTS = 100

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlong = 40
