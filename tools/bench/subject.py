"""What is measured: something that saves and loads, as functions."""

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
    """Raised by what can't be measured here; the message is the word for the table."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One way to save and to load.

    In memory, `save` takes an object and returns bytes or text, and `load` takes bytes. On disk (`on_disk`), `save`
    takes an object and a path, and `load` a path. They run in a temporary folder, which is the same for both.

    `needs` names the module, or the program after a `$`, without which there is nothing to measure. `saved_by` is the
    name of the subject whose output `load` takes, if there is no `save`. `given` makes what `load` takes from the
    object itself. `data`, if it is there, takes the place of the workload's. `returns_object` is false where `load`
    returns no object that could be compared. `is_twisted` asks for Twisted's own classes.
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

    @property
    def is_missing(self) -> bool:
        """Whether what it needs isn't installed."""
        if self.needs.startswith("$"):
            return shutil.which(self.needs[1:]) is None
        return bool(self.needs) and importlib.util.find_spec(self.needs) is None
