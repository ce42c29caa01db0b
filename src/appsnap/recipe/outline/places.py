"""The places of the nodes of an outline: for each node the first one, found breadth first from the root.

A place is a number. It has the position of a part of a node, and the sort of that part in its last three bits. The
label of a place, as `.port` or `[5]`, is made when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appsnap.recipe import steps
from appsnap.recipe.steps import Operand, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appsnap.recipe.outline.tree import Outline

__all__ = ["Places"]


class Places:
    """The places of nodes. They are searched only as far as they are asked for.

    `parents` has the first place of each node: the register of its parent, and the place in that. With `most`, only so
    many parts of each sort are followed in one node. Of the others, `beyond` has the places. With `depth`, only so many
    levels are followed.
    """

    def __init__(self, outline: Outline, *, most: int | None = None, depth: int | None = None) -> None:
        self._outline = outline
        self._most = most
        self._depth = depth
        self.parents: dict[int, tuple[int, int]] = {}
        self.beyond: dict[int, tuple[int, int]] = {}
        self._shared: set[int] = set()
        self._search = self._searched()

    def find(self, register: int) -> tuple[int, int] | None:
        """Return the first place of a node, or None if it has none."""
        parents = self.parents
        while register not in parents:
            if next(self._search, None) is None:
                return self.beyond.get(register)
        return parents[register]

    def shared(self) -> set[int]:
        """Return the registers of the nodes with several places.

        A node has several places if several nodes refer to it. The same holds if its parent has several places, and is
        shown in full at each of them.
        """
        for _ in self._search:
            pass
        shared = self._shared
        for register, (parent, _) in self.parents.items():
            if parent in shared and not self._outline.may_change(Ref(parent)):
                shared.add(register)
        return shared

    def _searched(self) -> Iterator[bool]:
        """Follow the tree, one node at a time."""
        root = self._outline.root
        if not isinstance(root, Ref):
            return
        parents, beyond, shared = self.parents, self.beyond, self._shared
        level = [int(root)]
        depth = self._depth
        while level and (depth is None or depth > 0):
            below: list[int] = []
            for register in level:
                for place, operand in self._outline.parts(register, self._most):
                    if type(operand) is Ref:
                        if operand in parents or operand == root or operand in beyond:
                            shared.add(operand)
                        else:
                            parents[operand] = (register, place)
                            below.append(operand)
                if self._most is not None:
                    self._note_beyond(register, self._most)
                yield True
            level = below
            depth = None if depth is None else depth - 1
        if self._most is None and depth is None:
            yield from self._reach_the_rest(root)

    def _note_beyond(self, register: int, most: int) -> None:
        outline = self._outline
        for parts, more in outline.sections(register):
            if more > most:
                for place, operand in parts:
                    if type(operand) is Ref and operand not in self.parents and operand != outline.root:
                        self.beyond.setdefault(operand, (register, place))

    def _reach_the_rest(self, root: int) -> Iterator[bool]:
        """Add places for calls that no other node holds: they have filled their first argument."""
        outline, parents = self._outline, self.parents
        behind: dict[int, list[int]] = {}
        for register in outline.nodes.registers(steps.Call):
            if register not in parents:
                args = outline.nodes[register].args
                if args and isinstance(args[0], Ref):
                    behind.setdefault(args[0], []).append(register)
        waiting = [root, *parents] if behind else []
        old = len(waiting)
        for at, register in enumerate(waiting):  # the list grows
            found: list[tuple[int, Operand]] = [(-1, Ref(call)) for call in behind.get(register, ())]
            if at >= old:
                found += outline.parts(register)
            for place, child in found:
                if isinstance(child, Ref) and child not in parents and child != root:
                    parents[child] = (register, place)
                    waiting.append(child)
            yield True
