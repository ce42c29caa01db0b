"""What is done with the bytes of a snapshot that nobody trusts: loaded, shown, audited, converted. And what it left behind."""

from __future__ import annotations

import builtins
import copyreg
import gc
import logging
import os
import signal
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from appsnap.errors import AppsnapError, CannotLoad, Damaged, NewerFormat, NotInGrammar, NotTrusted, PassphraseError, WrongKind
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.recipe.trust import wants
from appsnap.recipe.trust.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appsnap.recipe.steps import Recipe
    from appsnap.snapshot import Snapshot

__all__ = ["MOST_BYTES", "MOST_SAID", "MOST_SECONDS", "Cost", "Process", "expectation", "look", "measured", "status"]

MOST_SECONDS = 2.0
"""Of processor time, for all that is done with one file, on a machine that does the reference work in its time."""

REFERENCE_SECONDS = 0.25
"""Processor time of the reference work on a quiet machine with two cores of 2023."""

MOST_BYTES = 256 << 20
"""Above what the process had before."""

MOST_SAID = 300_000
"""Characters of an error and of its hint."""

SHOWN, WRITTEN = 300, 100
"""How many times as large as the file what is shown of it, and what it is converted to, may be."""

_ERRORS: list[tuple[type[AppsnapError], str]] = [
    (NotTrusted, "not trusted"),
    (Damaged, "damaged"),
    (NotInGrammar, "damaged"),
    (WrongKind, "damaged"),
    (NewerFormat, "newer format"),
    (CannotLoad, "cannot load"),
    (PassphraseError, "passphrase"),
]


def expectation(error: BaseException | None) -> str:
    """Return what a vector calls an outcome; of an error that isn't appsnap's, its type."""
    if error is None:
        return "loads"
    for cls, name in _ERRORS:
        if isinstance(error, cls):
            return name
    return f"{type(error).__module__}.{type(error).__qualname__}"


def look(snapshot: Snapshot) -> None:
    """Show a snapshot, audit it, and convert it to every kind. Raises AssertionError where something is wrong with that."""
    recipe, size = snapshot.document.recipe, snapshot.size
    length = 0
    for line in snapshot.lines():
        length += len(line)
        assert length < 1_000_000 + SHOWN * size, f"{length:,} characters are shown of {size:,} bytes"
    wants(recipe)
    before = _uses(recipe)
    header, trailer = snapshot.header, snapshot.document.trailer
    for kind in KINDS:
        about = Header(kind, header.name, header.tag) if header else Header(kind)
        try:
            data = b"".join(kind_named(kind).write(about, recipe, trailer.distributions if trailer else {}))
        except AppsnapError:
            continue
        assert len(data) < 1_000_000 + WRITTEN * size, f"{size:,} bytes become {len(data):,} as {kind}"
        # Less is fine: what nothing refers to isn't written in every kind.
        more = _uses(kind_named(kind).read(memoryview(data)).recipe) - before
        assert not more, f"as {kind}, it wants {more}, which it didn't"


def _uses(recipe: Recipe) -> set[tuple[Any, str]]:
    """Return every name and use: `wants` leaves out what comes along with others, which a copy may not refer to."""
    return set(Survey(recipe).uses)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor time, and bytes at the most above what there was."""

    seconds: float
    size: int

    @property
    def complaint(self) -> str:
        """Return what is too much, or an empty text."""
        if self.seconds > MOST_SECONDS and self.seconds > MOST_SECONDS * _slowness():
            return f"{self.seconds:.1f} s"
        return f"{self.size >> 20} MiB" if self.size > MOST_BYTES else ""


def _slowness() -> float:
    """Return how many times as long as its time the reference work takes now.

    Processor time isn't the same on every machine, and doubles on a core that two programs share.
    """
    start = time.process_time()
    for _ in range(20):
        {(number, str(number)): [number] for number in range(20_000)}
    return (time.process_time() - start) / REFERENCE_SECONDS


class measured:  # noqa: N801 - it reads as a function does
    """Measures what is done in a block. `cost` is there afterwards."""

    cost: Cost

    def __enter__(self) -> Self:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._memory = status("VmRSS")
        self._start = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cost = Cost(time.process_time() - self._start, status("VmHWM") - self._memory)


def status(field: str) -> int:
    """Return the bytes that the system tells of this process: `VmRSS` now, `VmHWM` at the peak."""
    with Path("/proc/self/status").open() as file:
        for line in file:
            if line.startswith(field):
                return int(line.split()[1]) << 10
    return 0


class Process:
    """What a process is like, so far as a snapshot could change it."""

    def __init__(self, modules: Iterable[Any] = ()) -> None:
        """`modules` are those whose classes and functions are looked into."""
        self._modules = [sys, os, builtins, copyreg, logging, *modules]
        self._first = self._now()
        self._known = set(sys.modules)

    def _now(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "folder": sorted((entry.name, entry.stat().st_size) for entry in os.scandir()),
            "current folder": str(Path.cwd()),
            "environment": dict(os.environ),
            "threads": threading.active_count(),
            "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)],
            "warnings": [id(one) for one in warnings.filters],
            "copyreg": (len(copyreg.dispatch_table), len(copyreg._extension_registry)),  # type: ignore[attr-defined]  # noqa: SLF001 - what EXT1 reads
            "logging": (logging.root.level, list(logging.root.handlers), logging.root.manager.disable),
            "path": list(sys.path),
            "recursion limit": sys.getrecursionlimit(),
        }
        for module in self._modules:
            names = {key: id(value) for key, value in vars(module).items() if not key.startswith("__warning")}
            found[f"module {module.__name__}"] = names
            for name, cls in vars(module).items():
                if isinstance(cls, type) and cls.__module__ == module.__name__:
                    found[f"class {module.__name__}.{name}"] = {
                        key: id(value) for key, value in vars(cls).items() if not key.startswith(("__abstract", "_abc_"))
                    }
        return found

    def changes(self, allowed: Iterable[str] = ()) -> list[str]:
        """Return what is other than it was. Modules below `allowed` may have been imported."""
        now = self._now()
        found = [f"{what} changed: {_difference(self._first[what], now[what])}" for what in now if now[what] != self._first.get(what)]
        tops = set(allowed)
        new = [name for name in sys.modules if name not in self._known and not tops & set(_above(name))]
        self._first, self._known = now, set(sys.modules)
        return found + ([f"imported: {', '.join(sorted(new))}"] if new else [])


def _difference(before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        return ", ".join(sorted(key for key in {*before, *after} if before.get(key) != after.get(key)))
    return f"{before!r:.200} to {after!r:.200}"


def _above(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
