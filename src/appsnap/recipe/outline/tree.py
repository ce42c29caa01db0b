"""The tree of a recipe: a node for each register, and a path to each node.

`appsnap show`, the audit and every error of a step use the tree. No name of the recipe is imported.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import reprlib
from typing import TYPE_CHECKING, Any

from appsnap.printable import shortened
from appsnap.recipe import steps
from appsnap.recipe.outline.nodes import LONGEST_NAME, Node, Nodes, name_of_people
from appsnap.recipe.outline.places import Places
from appsnap.recipe.steps import Operand, Recipe, Ref, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Node", "Outline", "quoted"]

_ATTRIBUTE, _ITEM, _KEY, _VALUE, _STATE, _MAKER, _ARGUMENT, _KEYWORD = range(8)
"""The sorts of parts, in the last three bits of a place."""


class Outline:
    """The tree of a recipe. `nodes` has the node of each register, by number. `root` is an operand.

    `unverified` has the registers of large data that nobody has verified, each with the checksums in the trailer.
    """

    def __init__(
        self, recipe: Recipe, *, root: str = "", unverified: Mapping[int, Sequence[str]] | None = None
    ) -> None:
        self.root = recipe.root
        self.nodes = Nodes(recipe.steps)
        self.unverified = unverified or {}
        self._cuts: dict[str, str] = {}  # by name: the name as `cut` returns it
        self._names: dict[int, list[str]] = {}  # by register: the names of attributes
        self.lines: dict[int, str] = {}  # by register: the line of a value that people know in another form
        self.digests: dict[int, str] = {}  # by register of a text or bytes: its SHA-256
        self.looked_at = 0  # nodes, for digests of many together
        self.root_name = root or self._default_root()

    def _default_root(self) -> str:
        is_application = self.class_of(self.root).endswith(".Application") or self.services_root != self.root
        return "application" if is_application else "object"

    @functools.cached_property
    def services_root(self) -> Operand:
        """The root as a collection of services: of an application of Twisted's, it is one of the components."""
        if not isinstance(self.root, Ref) or self.class_of(self.root) != _COMPONENTS:
            return self.root
        components = self.nodes[self.root].attributes.get("_adapterCache")
        if not isinstance(components, Ref) or self.nodes[components].form != "dict":
            return self.root
        found = (operand for key, operand in self.nodes[components].pairs if key == _COLLECTION)
        return next((operand for operand in found if isinstance(operand, Ref)), self.root)

    def class_of(self, operand: Operand) -> str:
        """Return the dotted name of the class of an operand, or of the function that made it."""
        if not isinstance(operand, Ref):
            return type(operand).__name__
        node = self.nodes[operand]
        if node.form in ("object", "call"):
            return node.name
        if node.form == "value":
            return "str" if isinstance(node.value, str) else "bytes"
        return node.form

    # Paths

    def sections(self, register: int, most: int | None = None) -> Iterator[tuple[Iterator[tuple[int, Operand]], int]]:
        """Yield the parts of a node, those of a sort together, and how many there are in all.

        The parts are pairs of place and operand. With `most`, they end after so many.
        """
        node = self.nodes[register]
        if node.attributes:
            yield _placed(node.attributes.values(), _ATTRIBUTE, most), len(node.attributes)
        if node.items:
            yield _placed(node.items, _ITEM, most), len(node.items)
        if node.pairs:
            yield _placed_pairs(node.pairs, most), len(node.pairs)
        if node.state is not None:
            yield iter([(_STATE, node.state)]), 1
        if node.made_by is not None:
            yield iter([(_MAKER, node.made_by)]), 1
        if node.args:
            parts = _placed(node.args, _ARGUMENT, most)
            if node.name == "collections.deque" and self.is_empty(node.args[0]):
                next(parts, None)  # its items were appended
            yield parts, len(node.args)
        if node.keywords:
            yield _placed(node.keywords.values(), _KEYWORD, most), len(node.keywords)

    def parts(self, register: int, most: int | None = None) -> Iterator[tuple[int, Operand]]:
        """Yield the parts of a node, each as its place and its operand: at most `most` of each sort."""
        return itertools.chain.from_iterable(parts for parts, _ in self.sections(register, most))

    def label(self, register: int, place: int) -> str:
        """Return the label of a place in a node, which continues the path."""
        if place < 0:
            return " filled by"
        node = self.nodes[register]
        index, sort = place >> 3, place & 7
        if sort in (_ATTRIBUTE, _KEYWORD):
            names = self._names.get(register)
            if names is None:  # a node has attributes or keywords
                names = self._names[register] = [*node.attributes, *node.keywords]
            name = names[index if sort == _ATTRIBUTE else index + len(node.attributes)]
            # A long name is cut: it comes again in the path of each node below.
            plain = len(name) <= LONGEST_NAME and name.isidentifier()
            if sort == _KEYWORD:
                return f" argument {name if plain else quoted(name)}"
            return f".{name}" if plain else f".__dict__[{quoted(name)}]"
        if sort == _ITEM:
            label = self._label(node.items[index], index)
            return f"{{{label}}}" if node.form in ("set", "frozenset") else f"[{label}]"
        if sort == _KEY:
            return f".keys()[{index}]"
        if sort == _VALUE:
            return f"[{self.shown(node.pairs[index][0])}]"
        if sort == _STATE:
            return ".__getstate__()"
        if sort == _MAKER:
            return ".__class__" if node.form == "object" else " made by"
        return ".__self__" if node.form == "member" else f" argument {index}"

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
            return self.cut(node.name, LONGEST_NAME)
        return f"<{self.cut(self.class_of(operand), LONGEST_NAME)}>"

    def cut(self, name: str, most: int = 100) -> str:
        """Return a name for people: escaped, and without its middle if it is longer than `most`."""
        known = self._cuts.get(name)
        if known is None:
            known = self._cuts[name] = name_of_people(name)
        return shortened(known, most)

    @functools.cached_property
    def _places(self) -> Places:
        return Places(self)

    def path(self, operand: Operand, most: int = 1000, places: Places | None = None) -> str:
        """Return the shortest path from the root to a register, or the one by its first places in `places`.

        The path of a service of Twisted's is that of its place in the tree of services.

        A register that can't be reached is named by its class. If the path has more than 100 parts, or more than about
        `most` characters, only its end is returned, behind an ellipsis.
        """
        if not isinstance(operand, Ref):
            return self.root_name
        if places is None or (operand != self.root and places.find(operand) is None):
            places = self._places
        labels = []
        register = int(operand)
        tops = (self.root, self.services_root)
        while register not in tops:
            found = places.find(register)
            if found is None:
                labels.append(f"<{self.cut(self.class_of(Ref(register)), LONGEST_NAME)}>")
                return "".join(reversed(labels))
            if len(labels) == _MOST_PARTS or most < 0:
                return f"{self.root_name}…{''.join(reversed(labels))}"
            label = self.label(*found)
            labels.append(label)
            most -= len(label)
            register = found[0]
        return self.root_name + "".join(reversed(labels))

    def register_of_step(self, step: Step, number: int) -> Ref:
        """Return the register that a step makes or fills."""
        return Ref(bisect.bisect_left(self.nodes.starts, number) if type(step) in steps.MAKERS else step[0])  # type: ignore[arg-type]  # the first field of a filler is its target

    def may_change(self, operand: Operand) -> bool:
        """Tell whether the identity of an object matters. If it does, the object is shown in full only once."""
        if not isinstance(operand, Ref):
            return False
        node = self.nodes[operand]
        if node.form == "call":
            from appsnap.recipe.values import has_identity  # noqa: PLC0415 - most services need no calls

            return has_identity(node.name)
        return node.form in ("list", "dict", "set", "bytearray", "object")


def _placed(operands: Iterable[Operand], sort: int, most: int | None) -> Iterator[tuple[int, Operand]]:
    """Return the places and the operands of parts of one sort."""
    return zip(itertools.count(sort, 8), itertools.islice(operands, most))


def _placed_pairs(pairs: Sequence[tuple[Operand, Operand]], most: int | None) -> Iterator[tuple[int, Operand]]:
    for index, (key, operand) in enumerate(itertools.islice(pairs, most)):
        if isinstance(key, Ref):
            yield index << 3 | _KEY, key
        yield index << 3 | _VALUE, operand


def quoted(value: Any) -> str:
    """Return a value as people write it. A text stands in double quotes. The middle of a long value is left out."""
    if isinstance(value, str):
        text = _SHORT.repr(value)
        return text if text[0] == '"' or '"' in text else f'"{text[1:-1]}"'.replace("\\'", "'")
    if isinstance(value, int) and value.bit_length() > 2_000:
        # Python refuses to write out the digits of integers of this length.
        digits = (value.bit_length() + 3) // 4
        return f"{'-' * (value < 0)}{abs(value) >> 4 * (digits - 18):#x}"[:20] + "…"
    if isinstance(value, (bytes, bytearray, memoryview)) and len(value) > 2 * LONGEST_NAME:
        value = bytes(value[:LONGEST_NAME]) + bytes(value[-LONGEST_NAME:])  # `_SHORT` would throw the rest away
    return _SHORT.repr(value)


_COMPONENTS = "twisted.python.components.Componentized"
_COLLECTION = "twisted.application.service.IServiceCollection"

_MOST_PARTS = 100

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlong = 40
