"""Objects that a forked child must not ask: open files, databases, sockets.

The child shares their descriptors and locks with this process, and has a copy of their buffers. A flush in the child
would write the content of a buffer a second time. So their ways to save (`before_fork`) run here, just before the fork,
and the child finds the reductions in the notes of its save.

This process learns which objects there are from the child: it reports the address of each one that wasn't asked. They
are looked for among all objects, asked, and remembered for the next saves.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref
from typing import TYPE_CHECKING, Any

from appsnap.recipe.freeze.rules import Rules
from appsnap.recipe.values.ways import way_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from appsnap.recipe.freeze import Notes

__all__ = ["Asked"]


class Asked:
    """The objects that are asked before each fork."""

    def __init__(self) -> None:
        self._known: list[weakref.ref[Any]] = []
        self._held: list[Any] = []  # without weak references, as databases are; they live until the next save

    def ask(self, notes: Notes) -> None:
        """Take all of these objects apart, and keep the reductions, or the errors, for a save with these notes."""
        self._forget()
        with Rules(notes=notes) as rules:
            for obj in self._all():
                # `notes` has the error now, and the save raises it for the path of the object.
                with contextlib.suppress(Exception):
                    rules(obj)

    def _all(self) -> list[Any]:
        return [*(obj for ref in self._known if (obj := ref()) is not None), *self._held]

    def _forget(self) -> None:
        """Forget the objects that are gone, and those that nobody but this list holds."""
        self._known = [ref for ref in self._known if ref() is not None]
        held, self._held = self._held, []
        while held:
            obj = held.pop()
            if sys.getrefcount(obj) > _ONLY_HERE:
                self._held.append(obj)

    def add(self, addresses: Collection[int]) -> bool:
        """Add the objects that live at these addresses. Returns whether all of them are found.

        Another object may have taken the place of one that is gone, but not as an object with a way like this.
        """
        wanted = set(addresses)
        known = set(map(id, self._all()))
        for obj in gc.get_objects():
            if id(obj) in wanted and id(obj) not in known:
                way = way_of(type(obj))
                if way is not None and way.before_fork:
                    known.add(id(obj))
                    try:
                        self._known.append(weakref.ref(obj))
                    except TypeError:
                        self._held.append(obj)
        return wanted <= known


_ONLY_HERE = 2
"""The references to an object that a variable holds: that one, and the argument of `getrefcount`."""
