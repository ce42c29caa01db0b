"""Run the tests that are slow and seldom find anything, and note that in docs/thorough.txt: `make thorough`.

Each reader is fuzzed for minutes, the other Pythons and the wheel run all tests, scripts, objects of many sorts and
real applications are tried, and the whole benchmark is run. That takes more than an hour. The last note is printed
first. Exit code 1: a part has failed.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path

from fuzzing.mutations import FORMS
from trials.pythons import VERSIONS

PROJECT = Path(__file__).parents[1]
NOTES = PROJECT / "docs" / "thorough.txt"

SECONDS = 300
"""How long each reader is fuzzed. `make test` does it for some seconds."""

PARTS: dict[str, list[str]] = {
    **{f"fuzz {kind}": [sys.executable, "tools/fuzz.py", kind, "--seconds", str(SECONDS)] for kind in (*FORMS, "uses")},
    "other Pythons": ["tools/other_pythons.sh", "all"],
    "wheel": ["tools/test_wheel.sh", "all"],
    "scripts": ["env", "PYTHONPATH=tools", sys.executable, "-m", "trials", "scripts"],
    "objects": ["env", "PYTHONPATH=tools", sys.executable, "-m", "trials", "objects", "--all-packages"],
    **{
        f"applications, Python {version}": [
            *("env", "PYTHONPATH=tools", sys.executable, "-m", "applications", "--version", version)
        ]
        for version in VERSIONS
    },
    "bench": ["env", "PYTHONPATH=tools", sys.executable, "-m", "bench"],
}


def main(parts: dict[str, list[str]] = PARTS, notes: Path = NOTES) -> int:
    """Run each part, add a note, and return the exit code."""
    print("last time:", notes.read_text(encoding="utf-8").splitlines()[-1], flush=True)
    begun = dt.datetime.now(dt.UTC)
    start = time.monotonic()
    failed = []
    for name, command in parts.items():
        print(f"\n{name}: {' '.join(command)}", flush=True)
        if subprocess.run(command, cwd=PROJECT, check=False).returncode:
            failed.append(name)
    minutes = (time.monotonic() - start) / 60
    outcome = f"failed: {', '.join(failed)}" if failed else "passed"
    note = f"{begun:%Y-%m-%d} {_commit()} {minutes:.0f} minutes, {outcome}"
    with notes.open("a", encoding="utf-8") as file:
        file.write(f"{note}\n")
    print(f"\n{note}")
    return int(bool(failed))


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
