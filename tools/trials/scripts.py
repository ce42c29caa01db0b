"""Scripts with code by value: each is made on each Python, loaded and called on each, saved there, and brought home.

A case is a text in `scripts`. Its first part is a script that assigns `obj`. The statements behind the line `# Check`
use `obj`. They run in the processes that load, and the script isn't there any more. A case whose text has `needs 3.12`
is made on no older Python.

Outcomes: `right`; `refused`, with both versions in the message where they differ; `unclear`, refused without the
versions; `wrong`, the check failed; `error`, another exception; `signal`, the process was killed.
"""

from __future__ import annotations

import collections
import concurrent.futures
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appsnap.kinds import KINDS
from trials.pythons import PROJECT, VERSIONS, environment, python_of
from trials.scripts_worker import CLOUDPICKLE, MARK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FOLDER = Path(__file__).with_name("scripts")
FORMS = ("script", "main")
"""How a script is run: as `appsnap save` does it, or as `python` does it and saves by itself."""

NEEDS = re.compile(r"needs (3\.\d+)")


@dataclass(frozen=True)
class Case:
    """A script and its check."""

    name: str
    script: bytes
    check: str
    needs: str


@dataclass(frozen=True)
class Result:
    """What became of a case: `stage` is save, load, again (the second save) or home."""

    case: str
    form: str
    kind: str
    maker: str
    loader: str
    stage: str
    outcome: str
    why: str

    def __str__(self) -> str:
        where = self.maker if self.stage == "save" else f"{self.maker}→{self.loader}"
        return f"{self.case}  {self.form} {self.kind} {where} {self.stage}: {self.outcome}: {self.why}"


def cases(only: Sequence[str] = ()) -> list[Case]:
    """Return the cases, or those with one of these words in the name."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        if only and not any(word in path.stem for word in only):
            continue
        with path.open("rb") as file:
            encoding, _ = tokenize.detect_encoding(file.readline)
        script, _, check = path.read_bytes().partition(MARK.encode())
        needs = NEEDS.search(script.decode(encoding))
        found.append(Case(path.stem, script, check.decode(encoding.removesuffix("-sig")), needs[1] if needs else ""))
    return found


@dataclass
class Trial:
    """One run of the cases, with files in a folder of its own."""

    folder: Path
    source: Path
    kinds: Sequence[str]
    forms: Sequence[str]
    pythons: dict[str, Path]

    def results(self, chosen: Sequence[Case]) -> Iterator[Result]:
        """Make, load, save again and bring home all cases."""
        pairs = [(maker, loader) for maker in self.pythons for loader in self.pythons]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            made = dict(zip(self.pythons, pool.map(lambda maker: self._make(chosen, maker), self.pythons), strict=True))
            for results, _ in made.values():
                yield from results
            shutil.rmtree(self.folder / "sources")
            for results in pool.map(lambda pair: self._load(made[pair[0]][1], *pair), pairs):
                yield from results

    def _make(self, chosen: Sequence[Case], maker: str) -> tuple[list[Result], list[dict[str, Any]]]:
        sources = self.folder / "sources" / maker
        jobs: list[dict[str, Any]] = []
        for case in chosen:
            if case.needs and _number(case.needs) > _number(maker):
                continue
            for form in self.forms:
                script = sources / form / f"{case.name}.py"
                script.parent.mkdir(parents=True, exist_ok=True)
                script.write_bytes(case.script)
                files = {
                    kind: str(self._file(f"made/{maker}/{form}", f"{case.name}.{kind}"))
                    for kind in (*self.kinds, CLOUDPICKLE)
                }
                jobs.append(
                    {
                        "do": "make",
                        "name": case.name,
                        "form": form,
                        "script": str(script),
                        "check": case.check,
                        "files": files,
                    }
                )
        results, made = [], []
        for job, answer in zip(jobs, self._run(maker, jobs), strict=True):
            if isinstance(answer, list):
                results.append(Result(job["name"], job["form"], "-", maker, maker, "save", *answer))
                continue
            for kind, (outcome, why) in answer.items():
                results.append(Result(job["name"], job["form"], kind, maker, maker, "save", outcome, why))
                if kind in job["files"] and outcome == "right":
                    made.append({**job, "do": "load", "kind": kind, "file": job["files"][kind]})
        return results, made

    def _load(self, made: list[dict[str, Any]], maker: str, loader: str) -> list[Result]:
        """Load files of one Python on another one, and bring home the files that are saved there."""
        jobs = []
        for job in made:
            if job["kind"] == CLOUDPICKLE:
                if maker == loader:
                    jobs.append({**job})
            else:
                again = self._file(f"again/{maker}/{loader}/{job['form']}", f"{job['name']}.{job['kind']}")
                jobs.append({**job, "again": str(again)})
        results: list[Result] = []
        home = []
        for job, answer in zip(jobs, self._run(loader, jobs), strict=True):
            answers = {"load": answer} if isinstance(answer, list) else answer
            results += [_judged(job, maker, loader, stage, found) for stage, found in answers.items()]
            if answers.get("again", [""])[0] == "right":
                home.append({**job, "file": job["again"], "again": None})
        for job, answer in zip(home, self._run(maker, home), strict=True):
            found = answer if isinstance(answer, list) else answer["load"]
            results.append(_judged(job, maker, loader, "home", found))
        return results

    def _run(self, version: str, jobs: list[dict[str, Any]]) -> list[Any]:
        command: list[str | Path] = [self.pythons[version], "-m", "trials.scripts_worker"]
        done = subprocess.run(
            command,
            input="".join(f"{json.dumps(job)}\n" for job in jobs),
            env=environment(self.folder / "keys", self.source, PROJECT / "tools"),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return [json.loads(line)["answer"] for line in done.stdout.splitlines()]

    def _file(self, folder: str, name: str) -> Path:
        path = self.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _number(version: str) -> int:
    return int(version.partition(".")[2])


def _judged(job: dict[str, Any], maker: str, loader: str, stage: str, answer: Sequence[str]) -> Result:
    outcome, why = answer
    if outcome == "refused" and maker != loader and not (maker in why and loader in why):
        outcome = "unclear"
    return Result(job["name"], job["form"], job["kind"], maker, loader, stage, outcome, why)


def _peer(peers: dict[tuple[str, ...], str], result: Result) -> str:
    """Return what became of the same case with cloudpickle. A file that never loads is no success of its save."""
    stages = ["load", "save"] if result.stage == "save" else [result.stage]
    outcomes = [peers.get((result.case, result.form, result.maker, stage), "") for stage in stages]
    return next(filter(None, outcomes), "")


def report(results: Iterable[Result]) -> tuple[list[str], int]:
    """Return the lines of the report, and the number of faults."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    faults: dict[tuple[str, ...], list[Result]] = {}
    refused: dict[tuple[str, str], list[Result]] = collections.defaultdict(list)
    found = list(results)
    peers: dict[tuple[str, ...], str] = {
        (r.case, r.form, r.maker, r.stage): r.outcome for r in found if r.kind == CLOUDPICKLE
    }
    for result in found:
        if result.kind == CLOUDPICKLE:
            continue
        apart = result.stage in ("load", "home") and result.maker != result.loader
        counts[result.stage + (", another Python" if apart else "")][result.outcome] += 1
        if result.outcome == "right":
            continue
        if result.outcome == "refused" and apart:
            refused[result.case, result.stage].append(result)
            continue
        if result.stage == "save" and result.outcome == "refused" and _peer(peers, result) not in ("right", ""):
            counts["save"]["refused, by cloudpickle too"] += 1
            counts["save"]["refused"] -= 1
        else:
            why = re.sub(r"0x[0-9a-f]+", "0x…", result.why)
            faults.setdefault((result.case, result.stage, result.outcome, why[:60]), []).append(result)
    lines = []
    for (case, stage, outcome, _), of in sorted(faults.items()):
        first = of[0]
        peer = _peer(peers, first)
        where = sorted({f"{r.maker}→{r.loader}" if stage != "save" else r.maker for r in of})
        kinds = sorted({r.kind for r in of})
        forms = sorted({r.form for r in of})
        beside = f" (cloudpickle: {peer})" if peer and stage in ("save", "load") and first.maker == first.loader else ""
        lines.append(
            f"{case}: {stage} {outcome}, {len(of)} times [{' '.join(where)}; {' '.join(kinds)}; {' '.join(forms)}]"
            f"{beside}: {first.why}"
        )
    lines.append("")
    for (case, stage), of in sorted(refused.items()):
        where = sorted({f"{r.maker}→{r.loader}" for r in of})
        lines.append(f"both versions named: {case}: {stage}, {len(of)} times [{' '.join(where)}]: {of[0].why}")
    lines.append("")
    for stage, tally in counts.items():
        shown = ", ".join(f"{outcome} {n:,}" for outcome, n in tally.most_common() if n)
        lines.append(f"{stage:24} {tally.total():6,}  {shown}")
    return lines, sum(map(len, faults.values()))


def main(
    only: Sequence[str] = (),
    kinds: Sequence[str] = KINDS,
    versions: Sequence[str] = VERSIONS,
    forms: Sequence[str] = FORMS,
    source: Path = PROJECT / "src",
) -> int:
    """Try the scripts, print the report, and return the exit code."""
    found = {version: python_of(version) for version in versions}
    for version, python in found.items():
        if python is None:
            print(f"Python {version} isn't here: no script is tried on it")
    pythons = {version: python for version, python in found.items() if python is not None}
    chosen = cases(only)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), source, kinds, forms, pythons)
        lines, faults = report(trial.results(chosen))
    print("\n".join(lines))
    print(f"{len(chosen)} scripts, {faults} faults, {time.monotonic() - start:.0f} seconds", flush=True)
    sys.stdout.flush()
    return int(bool(faults))
