"""All measurements of a run: each in its own process, with the subjects of a workload in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import appsnap
from appsnap.service import Application, MultiService
from bench.child import stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.plan import Workload
    from bench.subject import Subject

__all__ = ["COMMANDS", "Cell", "Figures", "Run", "ratios"]

TOOLS = Path(__file__).parents[1]

MOST_SECONDS = 240
MOST_SECONDS_OF_PEERS = 45
"""Seconds before a process is ended. Some peers would take an hour."""

QUICK_SECONDS = 5
"""Seconds before a peer is ended in a quick run."""

LEAST_SECONDS = 0.2
"""A shorter act is repeated in the same process for this long, and the median counts."""

ENOUGH_SECONDS = 20
"""A subject with more seconds than this on one workload isn't measured again."""

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "appsnap --version": ["-m", "appsnap", "--version"],
    "appsnap show": ["-m", "appsnap", "show", "small.tap"],
}


@dataclass
class Cell:
    """The figures of one subject for one act, turn by turn, or a word for their absence."""

    seconds: list[float] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    word: str = ""


Figures = dict[tuple[str, str, str], Cell]
"""By workload, subject, and act: `save`, `load`, or `run` for the commands of the workload `cold`."""


def ratios(cell: Cell | None, reference: Cell | None) -> list[float]:
    """Divide the seconds of two cells, turn by turn."""
    if cell is None or reference is None:
        return []
    return [one / other for one, other in zip(cell.seconds, reference.seconds, strict=False)]


@dataclass
class Run:
    """One run of the benchmark in a folder. `runs` overrides the number of turns of each workload."""

    folder: Path
    deadline: float
    quick: bool = False
    runs: int | None = None
    say: Callable[[str], object] = print
    figures: Figures = field(default_factory=dict)

    def measure(self, workload: Workload) -> None:
        """Measure a workload: in each turn, one subject after the other saves and loads."""
        size = workload.quick if self.quick else workload.size
        turns = self.runs or workload.runs
        shared = {subject.saved_by for subject in workload.subjects}
        for turn in range(turns):
            for subject in workload.subjects:
                if (
                    turn
                    and max(self._spent(workload, name) for name in {subject.name, subject.saved_by}) > ENOUGH_SECONDS
                ):
                    continue
                for act in ("save", "load"):
                    if getattr(subject, act) is not None:
                        self._measure(workload, subject, act, size)
                if subject.name not in shared:
                    (self.folder / stored(workload, subject)).unlink(missing_ok=True)  # others need the disk
            self.say(f"{workload.title}: {turn + 1} of {turns}")

    def _spent(self, workload: Workload, name: str) -> float:
        cells = [self.figures.get((workload.name, name, act)) for act in ("save", "load")]
        return sum(sum(cell.seconds) for cell in cells if cell is not None)

    def _measure(self, workload: Workload, subject: Subject, act: str, size: int) -> None:
        cell = self.figures.setdefault((workload.name, subject.name, act), Cell())
        if cell.word:
            return
        if subject.is_missing:
            cell.word = "missing"
        elif act == "load" and subject.given is None:
            saved = self.figures.get((workload.name, subject.saved_by or subject.name, "save"))
            cell.word = saved.word if saved is not None else ""
        left = self.deadline - time.monotonic()
        if left < 0 and not cell.seconds:
            cell.word = cell.word or "no time"
        if cell.word or left < 0:
            return
        found = self._child(
            [workload.name, subject.name, act, str(size), "0" if self.quick else str(LEAST_SECONDS)], left
        )
        if "word" in found:
            cell.word = found["word"]
        else:
            cell.seconds.append(found["seconds"])
            cell.extra.append(found["extra"])

    def _child(self, arguments: list[str], left: float) -> dict[str, Any]:
        limit = QUICK_SECONDS if self.quick else MOST_SECONDS_OF_PEERS
        if arguments[1].startswith("appsnap"):
            limit = MOST_SECONDS
        try:
            result = subprocess.run(
                [sys.executable, "-m", "bench.child", *arguments],
                cwd=self.folder,
                env=self._environment(),
                capture_output=True,
                timeout=min(limit, left + 1),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"word": f"> {limit} s" if left > limit else "no time"}
        if result.returncode:
            return {"word": "crashes"}
        found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
        return found

    def _environment(self) -> dict[str, str]:
        ours = {"APPSNAP_CONFIG_DIR": str(self.folder / "keys"), "PYTHONPATH": str(TOOLS)}
        others = {key: value for key, value in os.environ.items() if not key.startswith(("APPSNAP", "PYTHON"))}
        return others | ours

    def measure_commands(self, turns: int) -> None:
        """Measure the time of each command, from a cold start."""
        application = Application("small")
        for name in ("web", "mail", "clock"):
            child = MultiService()
            child.setName(name)
            child.setServiceParent(application)
        appsnap.save(application, self.folder / "small.tap", sign=False)
        for _ in range(self.runs or turns):
            for name, arguments in COMMANDS.items():
                start = time.perf_counter()
                subprocess.run(
                    [sys.executable, *arguments],
                    cwd=self.folder,
                    env=self._environment(),
                    stdout=subprocess.DEVNULL,
                    check=True,
                )
                cell = self.figures.setdefault(("cold", name, "run"), Cell())
                cell.seconds.append(time.perf_counter() - start)
        self.say("cold start: done")
