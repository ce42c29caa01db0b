"""The probes that a dictionary or a set of chosen keys would take.

CPython looks for a key at a place that follows from its hash, and at further places while others stand there. The
places of a probe form one cycle in the end. Integers are their own hashes, and those of tuples, floats and dates can be
computed. So a file can choose keys that fill a part of the cycle, and others that begin there: each of these passes all
places of the part. The hashes of texts and bytes are different in each process, and nobody can choose them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["FEW", "Places"]

FEW = 4_096
"""Keys of a container that can't take long: 10 ms, if each passes all others."""

_LINEAR = 9
"""Places behind the first one that a set looks at before it goes on (LINEAR_PROBES)."""


class Places:
    """The places of the keys of one container, a set or a dictionary. `probes` counts those beyond each key's first.

    The keys are followed through all sizes of the table that take time.
    """

    def __init__(self, *, of_set: bool = False) -> None:
        self.of_set = of_set
        self.probes = 0
        self.hashes: list[int] = []
        self._placed = 0  # of the hashes
        self._filled = 0  # places of the table: equal keys have one
        self._size = FEW
        self._taken = bytearray()
        self._numbers: list[int | None] = []

    def add(self, hashes: Iterable[int], most: int) -> None:
        """Add keys. Stops soon after `probes` is above `most`."""
        self.hashes += hashes
        count = len(self.hashes)
        while count > FEW and self._placed < count and self.probes <= most:
            # A dictionary gets a larger table when two thirds of it are full, and a set when three fifths are.
            room = self._size * 3 // 5 if self.of_set else self._size * 2 // 3
            if self._filled == room:
                self._size *= 2
                self._placed = self._filled = 0
                continue
            if not self._placed:
                self._taken = bytearray(self._size if self.of_set else 0)
                self._numbers = [None] * self._size
            part = self.hashes[self._placed : self._placed + room - self._filled]
            self._placed += len(part)
            (self._place_in_set if self.of_set else self._place)(part, most)

    def _place(self, hashes: Sequence[int], most: int) -> None:
        """Place keys of a dictionary, as `lookdict` of CPython does."""
        places, mask = self._numbers, self._size - 1
        for number in hashes:
            at = number & mask
            perturbation = number & _WORD
            while (other := places[at]) is not None and other != number:
                self.probes += 1
                perturbation >>= 5
                at = (at * 5 + perturbation + 1) & mask
            self._filled += other is None
            places[at] = number
            if self.probes > most:
                break

    def _place_in_set(self, hashes: Sequence[int], most: int) -> None:
        """Place keys of a set, as `set_add_entry` of CPython does."""
        taken, places, mask = self._taken, self._numbers, self._size - 1
        for number in hashes:
            at = number & mask
            perturbation = number & _WORD
            while True:
                end = at + _LINEAR if at + _LINEAR <= mask else at
                free = taken.find(0, at, end + 1)
                if free >= 0 or number in places[at : end + 1]:
                    break
                self.probes += end + 1 - at
                perturbation >>= 5
                at = (at * 5 + perturbation + 1) & mask
            if number not in places[at : free if free >= 0 else end + 1]:
                self.probes += free - at
                taken[free] = 1
                places[free] = number
                self._filled += 1
            if self.probes > most:
                break


_WORD = (1 << 64) - 1
"""A hash in C is a word of 64 bits, without a sign while it is probed."""
