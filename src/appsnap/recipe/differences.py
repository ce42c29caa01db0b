"""The differences of two recipes: that of some objects, and that of the same objects after a load.

The trees of both are followed from their roots at the same time. So the numbers of registers don't matter, nor whether
a container was made full or filled later. The order of the items of a set doesn't matter either.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appsnap.printable import plural, shortened
from appsnap.recipe.outline import quoted
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from appsnap.recipe.outline import Node, Outline
    from appsnap.recipe.steps import Operand

__all__ = ["Comparison", "Difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where restored objects differ from the saved ones: its path, its class, and the facts in words.

    `lost` is true where items or attributes are missing after the load.
    """

    path: str
    cls: str
    words: str
    lost: bool = False

    def __str__(self) -> str:
        return f"{self.words} at {self.path} ({self.cls})"


class Comparison:
    """Compares the tree of saved objects with that of the restored ones.

    `found` has the differences, in the order in which they were met. `restored` has the register of each restored
    object, or the atom in its place, by the register of the saved one.
    """

    def __init__(self, saved: Outline, restored: Outline) -> None:
        self._saved, self._restored = saved, restored
        self.found: list[Difference] = []
        self.restored: dict[int, Operand] = {}
        self._back: dict[int, int] = {}
        self._unordered: set[Operand] = set()  # dictionaries whose order doesn't matter
        self._waiting: list[tuple[Operand, Operand, Ref | None, str]] = [(saved.root, restored.root, None, "")]
        while self._waiting:
            # The last one first, so children are put there in reverse.
            self._compare(*self._waiting.pop())

    def _compare(self, one: Operand, other: Operand, holder: Ref | None, label: str) -> None:
        if type(one) is not Ref or type(other) is not Ref:
            if type(one) is Ref:
                self.restored.setdefault(one, other)
            if not _same(one, other) and not self._is_none(one, other):
                self._differ(one, other, holder, label)
            return
        known = self.restored.get(one)
        if known is None and other not in self._back:
            self.restored[one] = other
            self._back[other] = one
            self._compare_nodes(one, self._saved.nodes[one], self._restored.nodes[other], other)
        elif known != other and not {self._saved.nodes[one].form, self._restored.nodes[other].form} & _BY_VALUE:
            self._note(one, "saved as one object in two places, restored as two" if known is not None else _ONE)

    def _compare_nodes(self, ref: Ref, one: Node, other: Node, restored: Ref) -> None:
        if (one.form, one.name) != (other.form, other.name):
            self._note_kind(ref, restored)
            return
        if one.name.startswith(_CODE) and type(one.state) is Ref:
            # A class that is made again has its own attributes first, `__doc__` for example.
            self._unordered.update(self._saved.nodes[one.state].items)
        if one.value != other.value:
            self._note(ref, f"saved {_value(one.value)}, restored {_value(other.value)}")
        parts: list[tuple[Operand, Operand, str]] = []
        upgraded = any(
            str(name).endswith("persistenceVersion") and not _same(value, other.attributes.get(name))
            for name, value in one.attributes.items()
        )
        if not upgraded:
            parts += self._attributes(ref, one, other)
        arguments = self._in_order(ref, one.args, other.args, "argument")
        parts += (part for part in arguments if not (one.name.startswith(_CODE) and self._is_bytes(part[0])))
        parts += self._keywords(ref, one, other)
        if one.form in ("set", "frozenset"):
            parts += self._in_sets(ref, one.items, other.items)
        else:
            parts += self._in_order(ref, one.items, other.items, "item")
        parts += self._pairs(ref, one, other)
        parts.append((one.state, other.state, ".__getstate__()"))
        parts.append((one.made_by, other.made_by, ".__class__"))
        self._waiting += [(x, y, ref, label) for x, y, label in reversed(parts)]

    def _is_none(self, one: Operand, other: Operand) -> bool:
        """Tell whether a call that gives None was followed by None: attrs drops the hashes that it keeps so."""
        return other is None and type(one) is Ref and self._saved.class_of(one) == "types.NoneType"

    def _is_bytes(self, operand: Operand) -> bool:
        value = self._saved.nodes[operand].value if type(operand) is Ref else operand
        return type(value) is bytes and bool(value)

    def _attributes(self, ref: Ref, one: Node, other: Node) -> Iterator[tuple[Operand, Operand, str]]:
        missing = [name for name in one.attributes if name not in other.attributes]
        if missing:
            self._note(ref, f"saved with {_listed(missing, 'attribute')}, restored without", lost=True)
        added = [name for name in other.attributes if name not in one.attributes]
        if added:
            self._note(ref, f"saved without {_listed(added, 'attribute')}, restored with")
        for name, value in one.attributes.items():
            if name in other.attributes:
                yield value, other.attributes[name], f".{name}"

    def _keywords(self, ref: Ref, one: Node, other: Node) -> Iterator[tuple[Operand, Operand, str]]:
        if [*one.keywords] != [*other.keywords]:
            words = [", ".join(node.keywords) or "none" for node in (one, other)]
            self._note(ref, f"saved with the keywords {words[0]:.60}, restored with {words[1]:.60}")
            return
        for name, value in one.keywords.items():
            yield value, other.keywords[name], f" argument {name}"

    def _in_order(
        self, ref: Ref, ones: Sequence[Operand], others: Sequence[Operand], noun: str
    ) -> Iterator[tuple[Operand, Operand, str]]:
        self._count(ref, len(ones), len(others), noun)
        if len(ones) == len(others):
            for number, (one, other) in enumerate(zip(ones, others, strict=True)):
                yield one, other, f"[{number}]" if noun == "item" else f" {noun} {number}"

    def _in_sets(self, ref: Ref, ones: Sequence[Operand], others: Sequence[Operand]) -> Iterator[tuple[Any, Any, str]]:
        self._count(ref, len(ones), len(others), "item")
        by_key = [self._by_key(self._saved, ones), self._by_key(self._restored, others)]
        if len(ones) == len(others):
            gone = [key for key in by_key[0] if key not in by_key[1]]
            if gone:
                self._note(ref, f"saved with the item {shortened(gone[0][-1], 60)}, restored without", lost=True)
        for key, refs in by_key[0].items():
            # Items that look alike could be told apart by all that they hold. They are left alone.
            if len(refs) == len(by_key[1].get(key, ())) == 1:
                yield refs[0], by_key[1][key][0], "{}"

    def _by_key(self, outline: Outline, operands: Sequence[Operand]) -> dict[tuple[Any, ...], list[Operand]]:
        found: dict[tuple[Any, ...], list[Operand]] = {}
        for operand in operands:
            found.setdefault(self._key(outline, operand), []).append(operand)
        return found

    def _key(self, outline: Outline, operand: Operand) -> tuple[Any, ...]:
        """Return a key by which an item of a set, or of a dictionary's keys, is found again."""
        if type(operand) is not Ref:
            return type(operand).__name__, repr(operand)
        node = outline.nodes[operand]
        parts = [*node.args, *node.keywords.values(), *node.items, *node.attributes.values()]
        atoms = [repr(x) for x in parts if type(x) is not Ref]
        return node.form, node.name, node.value, *sorted(atoms), outline.class_of(operand)

    def _pairs(self, ref: Ref, one: Node, other: Node) -> Iterator[tuple[Operand, Operand, str]]:
        self._count(ref, len(one.pairs), len(other.pairs), "item")
        if len(one.pairs) != len(other.pairs):
            return
        keys = [
            Counter(self._key(outline, key) for key, _ in node.pairs)
            for outline, node in ((self._saved, one), (self._restored, other))
        ]
        gone = [*(keys[0] - keys[1])]
        if gone:
            self._note(ref, f"saved with the key {shortened(gone[0][1], 60)}, restored without", lost=True)
            return
        others = other.pairs
        if [*keys[0]] != [*keys[1]] and max(keys[0].values()) == 1:
            if ref not in self._unordered:
                self._note(ref, f"saved with the keys {_keys(one)}, restored with {_keys(other)}, another order")
            by_key = {self._key(self._restored, key): (key, value) for key, value in other.pairs}
            others = [by_key[self._key(self._saved, key)] for key, _ in one.pairs]
        for (key, value), (other_key, other_value) in zip(one.pairs, others, strict=True):
            yield key, other_key, ".keys()"
            yield value, other_value, f"[{'…' if type(key) is Ref else repr(key)}]"

    # Words

    def _count(self, ref: Ref, saved: int, restored: int, noun: str) -> None:
        if saved != restored:
            self._note(ref, f"saved {plural(saved, noun)}, restored {restored:,}", lost=restored < saved)

    def _note(self, ref: Ref, words: str, *, lost: bool = False) -> None:
        self.found.append(Difference(self._saved.path(ref), self._saved.class_of(ref), words, lost))

    def _note_kind(self, one: Ref, other: Ref) -> None:
        kinds = [self._saved.class_of(one), self._restored.class_of(other)]
        nodes = [self._saved.nodes[one], self._restored.nodes[other]]
        words = [
            f"{node.name}" if node.form == "name" else _one_of(kind) for node, kind in zip(nodes, kinds, strict=True)
        ]
        self._note(one, f"saved {words[0]}, restored {words[1]}", lost=_size(nodes[0]) > 0 == _size(nodes[1]))

    def _differ(self, one: Operand, other: Operand, holder: Ref | None, label: str) -> None:
        path = self._saved.root_name if holder is None else self._saved.path(holder) + label
        words = [
            _value(x) if type(x) is not Ref else _one_of(outline.class_of(x))
            for outline, x in ((self._saved, one), (self._restored, other))
        ]
        lost = type(one) is Ref and _size(self._saved.nodes[one]) > 0 and other is None
        cls = self._saved.class_of(one) if type(one) is Ref else type(one).__name__
        self.found.append(Difference(path, cls, f"saved {words[0]}, restored {words[1]}", lost))


_CODE = ("appsnap.code.", "cloudpickle.", "types.CodeType")
"""Names of functions that take bytecode. Its bytes say how often Python refers to a constant at that moment."""

_ONE = "saved as two objects, restored as one"
_BY_VALUE = frozenset({"name", "value", "tuple", "frozenset", "call", "member"})
"""Forms of values: whether two places share one doesn't matter."""


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    return one == other or (type(one) is float and math.isnan(one) and math.isnan(other))


def _one_of(kind: str) -> str:
    return kind if kind.startswith("a ") else f"a {kind}"


def _size(node: Node) -> int:
    return len(node.items) + len(node.pairs)


def _value(value: Any) -> str:
    return shortened(quoted(value), 60)


def _keys(node: Node) -> str:
    words = ["…" if type(key) is Ref else _value(key) for key, _ in node.pairs[:3]]
    return ", ".join(words + ["…"] * (len(node.pairs) > 3))


def _listed(names: Sequence[str], noun: str) -> str:
    more = ", …" if len(names) > 3 else ""
    return f"the {noun}{'s' if len(names) > 1 else ''} {', '.join(names[:3])}{more}"
