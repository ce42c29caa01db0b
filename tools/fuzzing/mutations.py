"""Mutants of a kind, by seed and number, and the reduction of a mutant to fewer parts.

A mutant has a valid header and a valid checksum, because a reader refuses a wrong one early and tests nothing else.
"""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError
from appsnap.kinds import kind_named
from fuzzing.binary import LAYERS, MSGPACK, PICKLE
from fuzzing.goldens import goldens, layers
from fuzzing.text import SOURCE, XML

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzzing.form import Form

__all__ = ["FORMS", "Mutants", "smaller"]

FORMS: dict[str, Form] = {"pickle": PICKLE, "source": SOURCE, "msgpack": MSGPACK, "xml": XML, "layers": LAYERS}

PARTS = 400
"""The most parts of a golden. Longer documents are slow, and test nothing new."""


class Mutants:
    """The mutants of a kind. The same seed and number give the same mutant."""

    def __init__(self, kind: str, seed: int) -> None:
        self._form = FORMS[kind]
        self._seed = seed
        found = layers() if kind == "layers" else goldens(kind)
        split = [(data, parts) for data in found if (parts := self._form.split(data)) and len(parts) <= PARTS]
        self._others = [parts for _, parts in split]
        # Most parents are readable: a reader stops at the fault of a bad document, and misses the changes behind it.
        self._whole = [parts for data, parts in split if kind == "layers" or _is_readable(kind, data)]

    def parts(self, number: int) -> list[Any]:
        """Return the parts of a mutant."""
        chance = Random(f"{self._seed} {number}")
        whole = self._whole if chance.random() < 0.9 else self._others
        return self._form.mutate(chance, chance.choice(whole), chance.choice(self._others))

    def data(self, parts: list[Any]) -> bytes | None:
        """Return the bytes of parts, or None if they can't be joined."""
        try:
            return self._form.join(parts)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None


def _is_readable(kind: str, data: bytes) -> bool:
    try:
        _ = kind_named(kind).read(memoryview(data)).recipe
    except AppsnapError:
        return False
    except Exception:  # noqa: BLE001 - a finding
        return True
    return True


def smaller(mutants: Mutants, fails: Callable[[bytes], bool], parts: list[Any]) -> list[Any]:
    """Return fewer parts with the same failure, by delta debugging for at most 20 s."""
    end = time.monotonic() + 20
    size = max(len(parts) // 2, 1)
    while size:
        at = 0
        while at < len(parts) and time.monotonic() < end:
            fewer = parts[:at] + parts[at + size :]
            data = mutants.data(fewer)
            if data is not None and fails(data):
                parts = fewer
            else:
                at += size
        size //= 2
    return parts
