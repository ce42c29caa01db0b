"""The figures of a run as a picture: a row for each workload, a mark for each subject."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from bench.measure import ratios
from bench.plan import SHOWN

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure import Figures
    from bench.plan import Workload

__all__ = ["draw", "marks", "words"]

APPSNAP, LEAST, INK, FAINT = "#c2410c", "#111827", "#6b7280", "#e5e7eb"

# The marks of appsnap are filled, and stand above the middle of a row. The marks of its peers are hollow, and stand
# below. A lower bound is a bar.
STYLES: dict[str, tuple[str, str, bool]] = {
    "appsnap pickle": ("o", APPSNAP, True),
    "appsnap pickle, audited": ("P", APPSNAP, True),
    "appsnap msgpack": ("D", APPSNAP, True),
    "appsnap msgpack, audited": ("X", APPSNAP, True),
    "appsnap source": ("s", APPSNAP, True),
    "appsnap xml": ("^", APPSNAP, True),
    "appsnap pickle to a file": ("o", APPSNAP, False),
    "write and read alone": ("|", LEAST, True),
    "ChaCha20-Poly1305 alone": ("|", LEAST, True),
    "pickle": ("o", "#1d4ed8", False),
    "pickle, collector off": (".", "#1d4ed8", False),
    "Path.read_bytes": ("_", "#1d4ed8", False),
    "cloudpickle": ("p", "#0891b2", False),
    "dill": ("h", "#7c3aed", False),
    "joblib": ("D", "#15803d", False),
    "jsonpickle": ("v", "#be185d", False),
    "skops": ("<", "#a16207", False),
    "Twisted sob": ("X", "#475569", False),
    "Twisted aot": ("s", "#475569", False),
    "numpy": ("d", "#4d7c0f", False),
    "age program": ("*", "#1d4ed8", False),
}
SAME = {
    "appsnap pickle, mmap": "appsnap pickle",
    "appsnap's age layer alone": "",
    "appsnap msgpack, compressed": "",
    "pickle, zstd": "",
}


def _reference(workload: Workload, figures: Figures) -> str:
    """Return the subject with the time 1: the reference, or appsnap's pickle if the reference has no figure."""
    cell = figures.get((workload.name, workload.reference, "save"))
    return workload.reference if cell is not None and cell.seconds else "appsnap pickle"


def marks(workload: Workload, act: str, figures: Figures) -> list[tuple[str, float]]:
    """Return the subjects with a mark in a row, each with its ratio."""
    reference = figures.get((workload.name, _reference(workload, figures), act))
    found = []
    for subject in workload.subjects:
        name = SAME.get(subject.name, subject.name)
        against = ratios(figures.get((workload.name, subject.name, act)), reference)
        if name and against:
            found.append((name, median(against)))
    return found


def words(workload: Workload, figures: Figures) -> str:
    """Return a line with the subjects that have no mark in a row, by their words."""
    by_word: dict[str, list[str]] = defaultdict(list)
    for subject in workload.subjects:
        cell = figures.get((workload.name, subject.name, "save" if subject.save else "load"))
        if cell is not None and cell.word:
            by_word[cell.word].append(subject.name)
    return "; ".join(
        f"{word}: {', '.join(names) if len(names) < 3 else f'{len(names)} others'}" for word, names in by_word.items()
    )


def _small_print(workload: Workload, figures: Figures) -> str:
    reference = _reference(workload, figures)
    lines = [f"1 = {reference}" if reference != "pickle" else "", words(workload, figures)]
    return "\n".join(filter(None, lines))


def _factor(value: float, _: object = None) -> str:
    return f"{value:,.0f}×" if value >= 1 else f"1/{1 / value:,.0f}×"


def _draw_panel(axes: Any, act: str, rows: list[Workload], figures: Figures) -> None:
    axes.set_title("to save" if act == "save" else "to load", loc="left", fontsize=10, color=INK)
    axes.set_xscale("log")
    axes.axvline(1, color=INK, linewidth=1, zorder=1)
    for place, workload in enumerate(rows):
        if place:
            axes.axhline(place - 0.5, color=FAINT, linewidth=0.8, zorder=0)
        for name, value in marks(workload, act, figures):
            marker, color, filled = STYLES[name]
            lane = -0.17 if name.startswith("appsnap") else 0 if color == LEAST else 0.17
            axes.plot(
                value,
                place + lane,
                marker,
                color=color,
                markerfacecolor=color if filled else "none",
                markersize=14 if marker == "|" else 6.5,
                markeredgewidth=2.5 if marker == "|" else 1.2,
                alpha=0.9,
                zorder=2,
            )
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(_factor))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.tick_params(axis="x", labelsize=8.5, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)


def _legend(shown: set[str]) -> list[Line2D]:
    return [
        Line2D(
            [], [], marker=marker, color=color, markerfacecolor=color if filled else "none", linestyle="", label=name
        )
        for name, (marker, color, filled) in STYLES.items()
        if name in shown
    ]


def draw(figures: Figures, folder: Path) -> None:
    """Draw the measured workloads, as `performance.svg` and `performance.png` in a folder."""
    rows = [workload for workload in SHOWN if any(marks(workload, act, figures) for act in ("save", "load"))]
    if not rows:
        return
    mpl.rcParams.update({"svg.hashsalt": "appsnap", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = Figure(figsize=(9, 1.7 + 0.56 * len(rows)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.12})
    for axes, act in zip(panels, ("save", "load"), strict=True):
        _draw_panel(axes, act, rows, figures)
    panels[0].set_yticks([])
    for place, workload in enumerate(rows):
        style = {"ha": "right", "transform": panels[0].get_yaxis_transform()}
        panels[0].text(-0.02, place - 0.05, workload.title, fontsize=9, va="bottom", **style)
        panels[0].text(-0.02, place, _small_print(workload, figures), fontsize=7.5, va="top", color=INK, **style)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    figure.suptitle(
        "Time to save and to load, relative to Python's pickle (= 1 unless the row says otherwise):\n"
        "further to the left is faster",
        fontsize=11,
        x=0.01,
        ha="left",
    )
    shown = {name for workload in rows for act in ("save", "load") for name, _ in marks(workload, act, figures)}
    figure.legend(
        handles=_legend(shown),
        loc="outside lower center",
        ncols=5,
        fontsize=8.5,
        columnspacing=1.2,
        handletextpad=0.3,
        frameon=False,
    )
    for name, options in (("performance.svg", {"metadata": {"Date": None}}), ("performance.png", {"dpi": 130})):
        figure.savefig(folder / name, facecolor="white", **options)
