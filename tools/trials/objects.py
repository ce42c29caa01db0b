"""Objects of many sorts: each is saved in one process and loaded in a fresh one, beside pickle and cloudpickle.

Each object is loaded twice from each kind: as one's own, and as a stranger's with the names that the audit lists.

Outcomes: `right`, by a comparison that trusts no `==`; `refused` by appsnap; `wrong`; `error`, another exception;
`signal`, the process was killed. A fault is an object that is wrong anywhere; that isn't right where pickle or
cloudpickle is; that differs from kind to kind; that is refused at the load as one's own; or that the list of the audit
isn't enough for, unless the file carries code or the audit announced the refusal.
"""

from __future__ import annotations

import collections
import concurrent.futures
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap.kinds import KINDS
from trials.objects_worker import FORETOLD, PEERS
from trials.pythons import PROJECT, environment
from trials.things import BY_VALUE, MODULES, PRELOADED, things_of

if TYPE_CHECKING:
    from collections.abc import Sequence

STRANGER = ", stranger"
CODE = "carries code"
"""The words of a refusal that is right: code of a stranger is never run."""

ON_PURPOSE = {("running", "file text")}
"""Objects that are refused though cloudpickle takes them: it saves the content of a file."""

PROCESSES = 2


@dataclass
class Outcomes:
    """What became of an object: outcome and reason, by kind (`pickle`, `pickle, stranger`, `as pickle`)."""

    module: str
    name: str
    save: dict[str, tuple[str, str]] = field(default_factory=dict)
    load: dict[str, tuple[str, str]] = field(default_factory=dict)

    def of(self, part: str) -> tuple[str, str]:
        """Return the outcome of a part, with the stage in front of the reason."""
        for stage, found in (("load", self.load), ("save", self.save)):
            if part in found:
                outcome, why = found[part]
                return outcome, f"{stage}: {why}" if why else ""
        kind = part.removesuffix(STRANGER)
        if kind != part:
            return self.of(kind)
        return self.save.get("made") or self.save.get("died") or ("error", "no answer")

    def faults(self, kinds: Sequence[str]) -> list[str]:
        """Return a line for each fault."""
        found: dict[str, list[str]] = {}
        peers = {peer: self.of(peer)[0] for peer in PEERS}
        best = [peer for peer, outcome in peers.items() if outcome == "right"]
        for part in (*kinds, *(kind + STRANGER for kind in kinds)):
            outcome, why = self.of(part)
            stranger = part.endswith(STRANGER)
            fault = ""
            if outcome not in ("right", "refused"):
                fault = f"{outcome} (pickle {peers['as pickle']}, cloudpickle {peers['as cloudpickle']})"
            elif outcome == "refused" and stranger and self.of(part.removesuffix(STRANGER))[0] == "right":
                fault = "" if CODE in why or FORETOLD in why else "audit's list isn't enough"
            elif outcome == "refused" and (self.module, self.name) in ON_PURPOSE:
                fault = ""
            elif outcome == "refused" and not stranger and best:
                fault = f"worse than {' and '.join(best)}"
            elif outcome == "refused" and not stranger and why.startswith("load"):
                fault = "saved, but never loads"
            if fault:
                found.setdefault(f"{fault}: {why}", []).append(part)
        if len({self.of(kind)[0] for kind in kinds}) > 1:
            found.setdefault("kinds differ: " + ", ".join(f"{k} {self.of(k)[0]}" for k in kinds), []).append("")
        if self.save.get("live", ("right",))[0] != "right":
            found.setdefault(f"the save changed it, or no two are alike: {self.save['live'][1]}", []).append("")
        return [f"{self.module}/{self.name} [{', '.join(filter(None, parts))}] {why}" for why, parts in found.items()]


def tried(
    names: Sequence[tuple[str, str]], kinds: Sequence[str], folder: Path, source: Path, python: str = sys.executable
) -> list[Outcomes]:
    """Save and load objects, given by module and name."""
    found = [Outcomes(*each) for each in names]
    places = {id(each): folder / str(number) for number, each in enumerate(found)}
    for place in places.values():
        place.mkdir()
    variables = environment(folder / "keys", source, PROJECT / "tools")

    def share(chosen: Sequence[Outcomes], action: str) -> None:
        jobs = []
        for number, each in enumerate(chosen):
            parts: list[str] = [*kinds, *PEERS]
            if action == "load":
                parts = [part for part in parts if each.save.get(part, ("",))[0] == "right"]
                parts += [part + STRANGER for part in parts if part not in PEERS]
                # Only the first one is loaded by a process that has imported nothing.
                turn = number % max(len(parts), 1)
                parts = parts[turn:] + parts[:turn]
            # A class by value that is there already isn't made anew.
            alone = action == "load" and each.module in BY_VALUE
            jobs += [(each, action, [part]) for part in parts] if alone else [(each, action, parts)]
        _run(jobs, places, variables, python)

    for action in ("save", "load"):
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            list(pool.map(lambda n: share(found[n::PROCESSES], action), range(PROCESSES)))  # noqa: B023
    return found


def _run(
    jobs: list[tuple[Outcomes, str, list[str]]], places: dict[int, Path], variables: dict[str, str], python: str
) -> None:
    worker = subprocess.Popen(
        [python, "-m", "trials.objects_worker"],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT / "tools",
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    for each, action, parts in jobs:
        answers = each.save if action == "save" else each.load
        left = parts
        while left:
            job = {
                "do": action,
                "module": each.module,
                "name": each.name,
                "parts": left,
                "folder": str(places[id(each)]),
                "preload": PRELOADED.get(each.module, ()) if action == "load" else (),
            }
            worker.stdin.write(f"{json.dumps(job)}\n")
            worker.stdin.flush()
            got: dict[str, Any] = {}
            while (answer := json.loads(worker.stdout.readline())) is not None:
                got[answer[0]] = tuple(answer[1:])
            died = got.pop("died", None)
            answers.update(got)
            left = [part for part in left if part not in answers] if died else []
            if left:
                answers[left.pop(0)] = died
    worker.stdin.close()
    worker.wait()
    worker.stdout.close()


def chosen_names(only: Sequence[str] = (), modules: Sequence[str] = MODULES) -> tuple[list[tuple[str, str]], list[str]]:
    """Return modules and names of the objects, and a note for each module whose package isn't installed."""
    names, notes = [], []
    for module in modules:
        try:
            things = things_of(module)
        except ImportError as error:
            notes.append(f"left out: {module}: {error}")
            continue
        names += [(module, name) for name in things if not only or any(word in f"{module}/{name}" for word in only)]
    return names, notes


def report(found: Sequence[Outcomes], kinds: Sequence[str]) -> tuple[list[str], int]:
    """Return the lines of the report, and the number of objects with a fault."""
    lines, bad = [], 0
    for each in found:
        faults = each.faults(kinds)
        bad += bool(faults)
        lines += faults
    lines.append("")
    for part in (*kinds, *(kind + STRANGER for kind in kinds), *PEERS):
        counts = collections.Counter(each.of(part)[0] for each in found)
        lines.append(f"{part:20} " + ", ".join(f"{outcome} {n:,}" for outcome, n in counts.most_common()))
    return lines, bad


def main(only: Sequence[str] = (), kinds: Sequence[str] = KINDS, source: Path = PROJECT / "src") -> int:
    """Try the objects, print the report, and return the exit code."""
    names, notes = chosen_names(only)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lines, bad = report(tried(names, kinds, Path(folder), source), kinds)
    print("\n".join([*lines, *notes]))
    print(f"{len(names)} objects, {bad} with faults, {time.monotonic() - start:.0f} seconds", flush=True)
    return int(bool(bad))
