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

from bench.child import stored
from bench.commands import COMMANDS, TITLES
from bench.plan import workload_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.commands import Command
    from bench.plan import Workload
    from bench.subject import Subject

__all__ = ["Cell", "Figures", "Run", "ratios"]

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

COLD_TURNS = 15
FILES_TURNS = 3
"""Turns of the rows of commands."""


@dataclass
class Cell:
    """The figures of one subject for one act, turn by turn, or a word for their absence.

    `extra` is memory, and `size` is the number of bytes that were saved; of each turn the same.
    """

    seconds: list[float] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    size: int = 0
    word: str = ""


Figures = dict[tuple[str, str, str], Cell]
"""By workload, subject, and act: `save`, `load`, or `run` for a row of commands."""


def ratios(cell: Cell | None, reference: Cell | None) -> list[float]:
    """Divide the seconds of two cells, turn by turn."""
    if cell is None or reference is None:
        return []
    return [one / other for one, other in zip(cell.seconds, reference.seconds, strict=False)]


@dataclass
class Run:
    """One run of the benchmark in a folder.

    `runs` overrides the number of turns of each workload. `project` is a folder with another state of appsnap, to be
    measured instead of the installed one. `clock` is `wall` or `processor`.
    """

    folder: Path
    deadline: float
    quick: bool = False
    runs: int | None = None
    project: Path | None = None
    clock: str = "wall"
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
            for subject in workload.subjects:
                (self.folder / stored(workload, subject)).unlink(missing_ok=True)
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
            cell.size = found["size"]

    def _child(self, arguments: list[str], left: float) -> dict[str, Any]:
        limit = QUICK_SECONDS if self.quick else MOST_SECONDS_OF_PEERS
        if arguments[1].startswith("appsnap"):
            limit = MOST_SECONDS
        try:
            result = subprocess.run(
                [sys.executable, "-m", "bench.child", *arguments, self.clock],
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
        path = [str(TOOLS)] if self.project is None else [str(self.project / "src"), str(TOOLS)]
        ours = {"APPSNAP_CONFIG_DIR": str(self.folder / "keys"), "PYTHONPATH": os.pathsep.join(path)}
        ours["PYTHONHASHSEED"] = "0"  # sets have the same order in each process
        others = {key: value for key, value in os.environ.items() if not key.startswith(("APPSNAP", "PYTHON"))}
        return others | ours

    def measure_commands(self, row: str) -> None:
        """Measure the commands of a row as whole processes, in turns."""
        commands = [command for command in COMMANDS if command.row == row]
        turns = self.runs or (COLD_TURNS if row == "cold" else FILES_TURNS)
        files: dict[tuple[str, str, int], Path | None] = {}
        for turn in range(turns):
            for command in commands:
                cell = self.figures.setdefault((row, command.name, "run"), Cell())
                if not cell.word and sum(cell.seconds) <= ENOUGH_SECONDS:
                    self._measure_command(command, cell, files)
            self.say(f"{TITLES[row]}: {turn + 1} of {turns}")
        for path in filter(None, files.values()):
            path.unlink()

    def _measure_command(self, command: Command, cell: Cell, files: dict[tuple[str, str, int], Path | None]) -> None:
        size = command.quick if self.quick else command.size
        file = (command.workload, command.subject, size)
        if command.workload and file not in files:
            files[file] = self._saved(*file)
        left = self.deadline - time.monotonic()
        if left < 0 or (command.workload and files[file] is None):
            cell.word = "" if cell.seconds else "no time" if left < 0 else "not saved"
            return
        arguments = [str(files[file]) if argument == "FILE" else argument for argument in command.arguments]
        result = subprocess.run(
            [sys.executable, "-m", "bench.launch", self.clock, f"{min(MOST_SECONDS, left + 1):.0f}", *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            check=True,
        )
        found = json.loads(result.stdout)
        if "word" in found:
            cell.word = found["word"]
        else:
            cell.seconds.append(found["seconds"])
            cell.extra.append(found["extra"])

    def _saved(self, name: str, subject: str, size: int) -> Path | None:
        workload = workload_named(name)
        found = self._child([name, subject, "save", str(size), "0"], MOST_SECONDS)
        path = self.folder / stored(workload, workload.subject(subject))
        return path.rename(self.folder / f"{path.name}-{size}") if "word" not in found else None
