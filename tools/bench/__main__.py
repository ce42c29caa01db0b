"""Measure appsnap and its peers, and print the table: `make bench`, or `PYTHONPATH=tools python -m bench --help`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench import table
from bench.commands import TITLES
from bench.facts import facts
from bench.measure import Run
from bench.plan import WORKLOADS

ROWS = (*TITLES, *(workload.name for workload in WORKLOADS))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="everything once, at small sizes: a test of this program")
    parser.add_argument("--only", action="append", choices=ROWS, metavar="ROW", help=f"one of {', '.join(ROWS)}")
    parser.add_argument("--runs", type=int, metavar="N", help="measure each workload N times")
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="stop after N minutes (30)")
    parser.add_argument(
        "--project",
        type=lambda folder: Path(folder).resolve(),
        metavar="FOLDER",
        help="measure appsnap of FOLDER/src, another state of the project",
    )
    parser.add_argument(
        "--processor", action="store_true", help="measure the time of processors: a busy machine disturbs it less"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--docs", type=Path, metavar="FOLDER", help="write table and plot to FOLDER")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print the tables, and write the files of `--json` and `--docs`."""
    arguments = _arguments()
    chosen = arguments.only or ROWS
    # Like an interrupt: the measured process ends, and the temporary folder with its gigabytes is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="appsnap-bench-") as folder:
        run = Run(
            Path(folder),
            time.monotonic() + arguments.minutes * 60,
            quick=arguments.quick,
            runs=arguments.runs or (1 if arguments.quick else None),
            project=arguments.project,
            clock="processor" if arguments.processor else "wall",
            say=_say,
        )
        for row in TITLES:
            if row in chosen:
                run.measure_commands(row)
        for workload in WORKLOADS:
            if workload.name in chosen:
                run.measure(workload)
    about = facts(quick=arguments.quick, project=arguments.project) | (
        {"clock": "time of processors"} if arguments.processor else {}
    )
    text = table.whole(run.figures, about, quick=arguments.quick)
    print(text)
    if arguments.json:
        cells = [
            dict(zip(("workload", "subject", "act"), key, strict=True)) | dataclasses.asdict(cell)
            for key, cell in run.figures.items()
        ]
        arguments.json.write_text(json.dumps({"facts": about, "cells": cells}, indent=1) + "\n", encoding="utf-8")
    if arguments.docs:
        _write_docs(arguments.docs, text, run)


def _write_docs(folder: Path, text: str, run: Run) -> None:
    (folder / "performance-table.md").write_text(text, encoding="utf-8")
    try:
        from bench.plot import draw  # noqa: PLC0415 - matplotlib may be missing, and is slow to import
    except ModuleNotFoundError as error:
        _say(f"no plot: {error.name} isn't installed; make bench installs it")
        return
    draw(run.figures, folder)


if __name__ == "__main__":
    main()
