"""A document as a list of parts (opcodes, tokens, steps, elements, bytes), and random changes of the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["Form"]


@dataclass(frozen=True, slots=True)
class Form:
    """Four functions for documents of a kind: split one into parts, change a part, make a new part, join the parts."""

    split: Callable[[bytes], list[Any] | None]
    change: Callable[[Random, Any], Any]
    make: Callable[[Random], Any]
    join: Callable[[list[Any]], bytes]

    def mutate(self, chance: Random, parts: list[Any], other: list[Any]) -> list[Any]:
        """Return parts with changes in a few places. Some changes copy parts of `other`."""
        parts = list(parts)
        for _ in range(chance.choice((1, 1, 1, 1, 1, 2, 2, 3, 4, 8))):
            # Seldom the last part: it is the root, and a document without a root can't be read.
            at = chance.randrange(max(len(parts) - (chance.random() < 0.9), 1))
            match chance.randrange(14):
                case 0:
                    del parts[at : min(at + chance.choice((1, 1, 2, 5)), max(len(parts) - 1, at + 1))]
                case 1:
                    parts[at:at] = parts[at : at + chance.choice((1, 1, 2, 5))]
                case 2 if parts:
                    start = chance.randrange(len(parts))
                    parts[at:at] = parts[start : start + chance.choice((1, 1, 2, 5))]
                case 3 if len(parts) > 1:
                    a, b = chance.randrange(len(parts)), chance.randrange(len(parts))
                    parts[a], parts[b] = parts[b], parts[a]
                case 4 if other:
                    start = chance.randrange(len(other))
                    parts[at:at] = other[start : start + chance.choice((1, 2, 5, 20))]
                case 5:
                    parts.insert(at, self.make(chance))
                case _ if at < len(parts):
                    parts[at] = self.change(chance, parts[at])
        return parts
