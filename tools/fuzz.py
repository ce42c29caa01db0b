"""Fuzz a reader: `tools/fuzz.py pickle --seconds 60`. KIND is pickle, source, msgpack, xml, or layers (age and zstd).

KIND may also be uses: then random values that any file may make are loaded and used, as `fuzzing.uses` describes.
`--start` is the number of the first case.

Mutants of good files are read, shown, audited, converted to every kind, and built: first without trust, then with trust
in harmless classes. A mutant is a finding if it

* raises an error that isn't an AppsnapError;
* imports an untrusted module, or calls a function that is only referred to;
* gives other objects by way of another kind;
* takes more than 2 s or 256 MB, or ends the process.

A finding is made smaller, and written to the corpus folder. The same seed gives the same mutants, except for the order
of sets in pickles and the random numbers of age. Exit code 1: there are findings.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import itertools
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzing.expressions import shown
from fuzzing.goldens import ROOT
from fuzzing.mutations import FORMS, Mutants, smaller
from fuzzing.trial import Finding, Trial
from fuzzing.uses import fuzz_uses

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESSES = 3 << 30
"""Bytes of address space: more than memory, because numpy's libraries alone reserve hundreds of MB."""

SILENCE = 60
"""Seconds of silence before a process counts as hanging."""


# In a process of its own


def work(kind: str, seed: int, start: int, seconds: float, corpus: Path) -> None:
    """Try mutants from the number `start` on, and print each number, and each finding, as a line."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    mutants = Mutants(kind, seed)
    trial = Trial(kind)
    end = time.monotonic() + seconds
    known: set[str] = set()
    number = start
    corpus.mkdir(parents=True, exist_ok=True)
    last = os.open(_last(corpus, kind), os.O_CREAT | os.O_WRONLY)
    while time.monotonic() < end:
        parts = mutants.parts(number)
        data = mutants.data(parts)
        found = None
        print(number, flush=True)
        if data is not None:
            os.truncate(last, os.pwrite(last, data, 0))
            found = trial(data)
        if found is not None and found.mark not in known:
            known.add(found.mark)
            least = mutants.data(smaller(mutants, _fails_like(found, trial), parts)) or b""
            found = trial(least) or found
            print(json.dumps({"mark": found.mark, "file": str(keep(corpus, kind, least, found))}), flush=True)
        number += 1


def _last(corpus: Path, kind: str) -> Path:
    """Return the file with the current mutant. It is needed if the mutant ends the process."""
    return corpus / f"{kind}.last"


def _fails_like(finding: Finding, trial: Trial) -> Callable[[bytes], bool]:
    def fails(data: bytes) -> bool:
        found = trial(data)
        return found is not None and found.mark == finding.mark

    return fails


def keep(corpus: Path, kind: str, data: bytes, finding: Finding) -> Path:
    """Write the bytes and the report of a finding to the corpus. For each mark, the shortest is kept."""
    corpus.mkdir(parents=True, exist_ok=True)
    stem = corpus / f"{kind}-{hashlib.sha256(finding.mark.encode()).hexdigest()[:12]}"
    file = stem.with_suffix(".bin")
    if not file.exists() or file.stat().st_size > len(data):
        file.write_bytes(data)
        report = f"{finding.mark}\n\n{finding.report}\n{data!r:.2000}\n"
        stem.with_suffix(".txt").write_text(report, errors="backslashreplace")
    return file


# The parent of that process


def fuzz(kind: str, *, seconds: float, corpus: Path, seed: int = 0) -> tuple[int, dict[str, Path]]:
    """Fuzz in a child process, and in a new one if it ends. Return the number of mutants, and files by mark."""
    found: dict[str, Path] = {}
    end = time.monotonic() + seconds
    number = tried = 0
    path = os.pathsep.join([str(ROOT / "tools"), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    while (left := end - time.monotonic()) > 0:
        command = [sys.executable, __file__, kind, "--seed", str(seed), "--corpus", str(corpus)]
        command += ["--worker", str(number), "--seconds", str(left)]
        begun = None
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            watch = _Watch(child)
            for line in child.stdout:
                watch.fed()
                if line.startswith("{"):
                    said = json.loads(line)
                    found[said["mark"]] = Path(said["file"])
                else:
                    begun = number = int(line)
                    tried += 1
            watch.end()
        if child.returncode == 0:
            break
        if begun is None:
            raise RuntimeError(f"the process ends with {child.returncode} before its first mutant")
        mark = f"mutant {number} of seed {seed} "
        mark += "hangs" if watch.killed else f"ends the process with {child.returncode}"
        last = _last(corpus, kind)
        found[mark] = keep(corpus, kind, last.read_bytes() if last.exists() else b"", Finding(mark, mark))
        number += 1
    return tried, found


class _Watch:
    """Kill a child process after too much silence."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.killed = False
        self._child = child
        self._last = time.monotonic()
        self._done = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def fed(self) -> None:
        """Note a line of the process."""
        self._last = time.monotonic()

    def end(self) -> None:
        """Stop the watch."""
        self._done.set()

    def _look(self) -> None:
        while not self._done.wait(1):
            if time.monotonic() - self._last > SILENCE:
                self.killed = True
                self._child.kill()
                return


# Uses


def use(*, seconds: float, seed: int = 0, start: int = 0) -> int:
    """Try cases of values for some seconds, print the findings, and return the number of different ones."""
    end = time.monotonic() + seconds
    faults: set[str] = set()
    used = number = 0
    for number, outcome, expressions in fuzz_uses(itertools.count(start), seed):
        used += outcome.used
        if outcome.fault and outcome.fault not in faults:
            faults.add(outcome.fault)
            print(f"case {number} of seed {seed}: {outcome.fault}", *map(shown, expressions), sep="\n    ", flush=True)
        if time.monotonic() > end:
            break
    print(f"uses: {number + 1 - start:,} cases, {used:,} values, {len(faults)} findings")
    return len(faults)


def main() -> int:
    """Fuzz one kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=[*sorted(FORMS), "uses"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--corpus", type=Path, default=ROOT / ".cache" / "fuzz")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--again", type=Path, help="try one file again, and print its report")
    options = parser.parse_args()
    if options.kind == "uses":
        return int(bool(use(seconds=options.seconds, seed=options.seed, start=options.start)))
    if options.again is not None:
        finding = Trial(options.kind)(options.again.read_bytes())
        print(finding.report if finding else "nothing")
        return int(finding is not None)
    if options.worker is not None:
        work(options.kind, options.seed, options.worker, options.seconds, options.corpus)
        return 0
    start = dt.datetime.now(dt.UTC)
    print(f"{options.kind}: {start:%Y-%m-%d %H:%M:%SZ}, seed {options.seed}, {options.seconds:g} s", flush=True)
    tried, found = fuzz(options.kind, seconds=options.seconds, seed=options.seed, corpus=options.corpus)
    print(f"{options.kind}: {tried:,} mutants, {len(found)} findings")
    for file in sorted(found.values()):
        report = file.with_suffix(".txt")
        print(f"\n{file}: {report.read_text() if report.exists() else ''}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
