"""The figures of a run as Markdown: a table of aims, and a table of all subjects for each workload."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.aims import AIMS, judged
from bench.commands import COMMANDS, TITLES as ROWS
from bench.measure import ratios
from bench.plan import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.aims import Aim, Verdict
    from bench.measure import Cell, Figures
    from bench.plan import Workload

__all__ = ["aims_table", "peers_tables", "spread", "whole"]

TITLES = {workload.name: workload.title for workload in SHOWN} | ROWS


def _number(value: float) -> str:
    """Write three digits, without an exponent. No measurement is more exact."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1g}"


def spread(values: Sequence[float]) -> str:
    """Write the median, and behind it the least and the greatest value."""
    middle = _number(median(values))
    least, most = _number(min(values)), _number(max(values))
    return middle if least == most else f"{middle} ({least}–{most})"


def _seconds(value: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if value * factor >= 1:
            return f"{_number(value * factor)} {unit}"
    return f"{_number(value * 1e6)} µs"


def _bytes(value: float) -> str:
    return f"{_number(value / 1e6)} MB" if value >= 1e6 else f"{_number(value / 1e3)} kB"


def _megabytes(value: float) -> str:
    return f"{value / 1e6:,.0f} MB" if value >= 1e6 else "< 1 MB"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


# Aims


def _measurement(aim: Aim) -> str:
    measurement = f"{TITLES[aim.workload]}: {aim.subject}"
    return measurement if aim.act == "run" else f"{measurement}, {aim.act}"


def _goal(aim: Aim) -> str:
    match aim.unit:
        case "ratio":
            return f"≤ {_number(aim.most)} × {aim.against}"
        case "size":
            return f"≤ {_number(aim.most)} × the bytes of {aim.against}"
        case "growth":
            return f"≤ {_number(aim.most)} × the time each of {TITLES[aim.against]}"
        case "works":
            return "works"
    return f"≤ {_number(aim.most)} {aim.unit}"


def _found(verdict: Verdict) -> str:
    if verdict.word:
        return verdict.word
    match verdict.aim.unit:
        case "works":
            return _seconds(median(verdict.figures))
        case "ratio" | "size" | "growth":
            return f"{spread(verdict.figures)} ×"
        case unit:
            return f"{spread(verdict.figures)} {unit}"


def _outcome(verdict: Verdict) -> str:
    if verdict.word:
        return "**missed**" if verdict.aim.unit == "works" and verdict.word != "no time" else "open"
    if verdict.aim.unit == "works":
        return "held"
    middle = median(verdict.figures)
    if middle <= verdict.aim.most:
        return f"floor beaten by {verdict.beaten_by}" if verdict.beaten_by else "held"
    return f"**missed** by {middle / verdict.aim.most - 1:,.0%}"


def aims_table(figures: Figures, aims: Iterable[Aim] = AIMS, *, quick: bool = False) -> list[str]:
    """Return the lines of the table of aims, without aims of unmeasured workloads."""
    verdicts = [verdict for aim in aims if (verdict := judged(aim, figures, quick=quick)) is not None]
    rows = [[_measurement(one.aim), _found(one), _goal(one.aim), _outcome(one), _beside(one)] for one in verdicts]
    return _table(["measurement", "figure", "aim", "outcome", "collector off"], rows)


def _beside(verdict: Verdict) -> str:
    return f"{_number(median(verdict.collector_off))} ×" if verdict.collector_off else ""


# All subjects


def _cells(cell: Cell | None, reference: Cell | None) -> list[str]:
    if cell is None:
        return ["", "", ""]
    if not cell.seconds:
        return [cell.word, "", ""]
    against = ratios(cell, reference)
    memory = _megabytes(median(cell.extra)) if cell.extra else ""
    return [f"{spread(against)} ×" if against else "", _seconds(median(cell.seconds)), memory]


def _of_workload(workload: Workload, figures: Figures) -> list[str]:
    rows = []
    acts = ("save", "load")
    for subject in sorted(workload.subjects, key=lambda subject: not subject.name.startswith("appsnap")):
        row = [subject.name]
        save, load = (figures.get((workload.name, subject.name, act)) for act in acts)
        references = [figures.get((workload.name, workload.reference, act)) for act in acts]
        row += [*_cells(save, references[0]), _bytes(save.size) if save is not None and save.size else ""]
        row += _cells(load, references[1])
        rows.append(row)
    turns = max(len(cell.seconds) for (name, _, _), cell in figures.items() if name == workload.name)
    title = f"{workload.title}; {turns} run{'s' * (turns != 1)}"
    return _table([title, "save", "time", "memory", "size", "load", "time", "memory"], rows)


def peers_tables(figures: Figures) -> list[str]:
    """Return the lines of the tables of subjects, one for each measured workload."""
    measured = {workload for workload, _, _ in figures}
    lines = []
    for workload in SHOWN:
        if workload.name in measured:
            lines += [*_of_workload(workload, figures), ""]
    for row, title in ROWS.items():
        if row in measured:
            cells = {one.name: figures[row, one.name, "run"] for one in COMMANDS if one.row == row}
            # On large files, each command does other work.
            first = next(iter(cells.values())) if row == "cold" else None
            rows = [[name, *_cells(cell, first)] for name, cell in cells.items()]
            lines += [*_table([title, "run", "time", "memory"], rows), ""]
    return lines


def whole(figures: Figures, facts: dict[str, str], *, quick: bool = False) -> str:
    """Return the whole text of `docs/performance-table.md`."""
    lines = [
        "# Performance: the figures of a run",
        "",
        "`make bench` writes this file; [performance.md](performance.md) explains it.",
        "",
        *(f"* {name}: {fact}" for name, fact in facts.items()),
        "",
        "## Aims",
        "",
        *aims_table(figures, quick=quick),
        "",
        "## appsnap and its peers",
        "",
        *peers_tables(figures),
    ]
    return "\n".join(lines).rstrip() + "\n"
