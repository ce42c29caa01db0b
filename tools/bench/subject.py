"""The subjects of a benchmark: each saves and loads by two functions."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.workloads import Data

__all__ = ["Skip", "Subject"]


class Skip(Exception):
    """Raised if a subject can't be measured here; the message is the word for the table."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One way to save and to load.

    In memory, `save` takes an object and returns bytes or text, and `load` takes bytes. On disk (`on_disk`), `save`
    takes an object and a path, and `load` a path. Both run in the same temporary folder.

    * `needs` names a required module, or a required program after a `$`.
    * `saved_by` names another subject; `load` takes its output. Such a subject has no `save`.
    * `given` makes the argument of `load` from the object itself.
    * `data` replaces the data of the workload.
    * `returns_object` is false if the result of `load` can't be compared.
    * `is_twisted` asks for objects of Twisted's own classes.
    * `is_floor` is true of a lower bound: it does only the work that every other subject of the workload does, too.
    * `is_partial` is true of a subject that does less than the work of a floor.
    """

    name: str
    save: Callable[..., Any] | None
    load: Callable[..., Any] | None
    needs: str = ""
    on_disk: bool = False
    saved_by: str = ""
    given: Callable[[Any], Any] | None = None
    returns_object: bool = True
    data: Data | None = None
    is_twisted: bool = False
    is_floor: bool = False
    is_partial: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether the required module or program is missing."""
        if self.needs.startswith("$"):
            return shutil.which(self.needs[1:]) is None
        return bool(self.needs) and importlib.util.find_spec(self.needs) is None
