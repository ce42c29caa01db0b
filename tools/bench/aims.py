"""The aims of appsnap, and the verdict of a run on each of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import TYPE_CHECKING, Literal

from bench.measure import ratios
from bench.peers import AOT, COLLECTOR_OFF, RAW, READ
from bench.plan import WORKLOADS, workload_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measure import Cell, Figures

__all__ = ["AIMS", "Aim", "Verdict", "beaten_by", "judged"]

Unit = Literal["ratio", "MB", "ms", "s", "size", "growth", "works"]

KINDS = ("pickle", "msgpack", "source", "xml")
ACTS = ("save", "load")

BEATEN = 0.95
"""A subject that takes less than this part of a floor's time has beaten the floor. The rest is noise."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One figure of one subject, and its greatest allowed value.

    The figure depends on the unit:

    * `ratio`: the time relative to the time of the subject `against`;
    * `MB`: the peak of memory during the act, less the memory of the process before it, or of a whole process;
    * `ms`, `s`: the time;
    * `size`: the number of saved bytes relative to those of the subject `against`;
    * `growth`: the time for each part of the data relative to that in the workload `against`, which is smaller;
    * `works`: none; the aim is held if there are figures at all.
    """

    workload: str
    subject: str
    act: str
    unit: Unit
    most: float = 0.0
    against: str = ""


TREES = ("services-1e4", "mixed-1e4", "services-1e5", "mixed-1e5")
RECORDS = ("records-1e5", "records-1e6")
WITH_JSONPICKLE = (*TREES, *RECORDS, "services-1e6", "graph", "arrays")


def _aims() -> Iterator[Aim]:
    for names, save, load in ((TREES, 1.3, 2), (RECORDS, 3, 2.5)):
        for name in names:
            yield Aim(name, "appsnap msgpack", "save", "ratio", save, "pickle")
            yield Aim(name, "appsnap msgpack", "load", "ratio", load, "pickle")
    for name in WITH_JSONPICKLE:
        yield Aim(name, "appsnap msgpack", "save", "ratio", 0.15, "jsonpickle")
        yield Aim(name, "appsnap msgpack", "load", "ratio", 0.1, "jsonpickle")
    for name in ("mixed-1e4", "mixed-1e5"):
        yield Aim(name, "appsnap msgpack, audited", "load", "ratio", 3, "pickle")
    for name, most in (*product(RECORDS, (16,)), ("mixed-1e4", 10), ("mixed-1e5", 10)):
        yield Aim(name, "appsnap pickle, audited", "load", "ratio", most, "pickle")
    for name in (*TREES, *RECORDS):
        yield Aim(name, "appsnap pickle", "save", "ratio", 1.1, "cloudpickle")
        yield Aim(name, "appsnap pickle", "load", "ratio", 1, "pickle")
    # 0.6 of the ratios before there were columns, 0.25 and 0.5. Twisted's aot writes Python source, too.
    yield Aim("services-1e4", "appsnap source", "save", "ratio", 0.15, AOT.name)
    yield Aim("services-1e4", "appsnap source", "load", "ratio", 0.3, AOT.name)
    for name in TREES:
        yield Aim(name, "appsnap msgpack", "save", "size", 0.8, "pickle")
        yield Aim(name, "appsnap msgpack, compressed", "save", "size", 1, "pickle, zstd")
    for kind, act in product(KINDS, ACTS):
        yield Aim("services-1e6", f"appsnap {kind}", act, "growth", 1.3, "services-1e4")
    for kind, most in (("msgpack", 2), ("pickle", 10)):
        yield Aim("files", f"show, {kind}", "run", "s", most)
    for act in ("show", "audit"):
        yield Aim("files", f"{act}, array of 1 GB", "run", "s", 0.3)
    for act in ("show", "audit", "verify"):
        yield Aim("files", f"{act}, array of 1 GB", "run", "MB", 64)
    for kind in ("pickle", "msgpack"):
        yield Aim("array", f"appsnap {kind}", "save", "ratio", 1.3, RAW.name)
        yield Aim("array", f"appsnap {kind}", "load", "ratio", 1.15, READ.name)
    for kind, act in product(("pickle", "msgpack"), ACTS):
        yield Aim("array", f"appsnap {kind}", act, "MB", 64)
    yield Aim("array", "appsnap pickle, mmap", "load", "ms", 50)
    for act in ACTS:
        yield Aim("encrypted", "appsnap pickle to a file", act, "ratio", 0.67, "age program")
    for kind, act in product(KINDS, ACTS):
        yield Aim("deep-1e6", f"appsnap {kind}", act, "works")
    for name, act in product(("deep-1e6", "services-1e6"), ACTS):
        yield Aim(name, "appsnap msgpack", act, "MB", 2000)
    yield Aim("cold", "appsnap save, 1,000 services", "run", "s", 0.6)
    yield Aim("cold", "appsnap load, 1,000 services", "run", "s", 0.3)
    yield Aim("cold", "appsnap --version", "run", "ratio", 2, "python -c pass")
    yield Aim("cold", "appsnap show, 3 services", "run", "ratio", 6, "python -c pass")


AIMS = tuple(_aims())


@dataclass(frozen=True, slots=True)
class Verdict:
    """An aim, and the figures of each turn, or a word for their absence.

    `collector_off` has the figures relative to pickle without the collector, if the aim is relative to pickle.
    `beaten_by` names a subject that beats the floor of the aim. The figures are then too low, and hold nothing.
    """

    aim: Aim
    figures: list[float]
    word: str = ""
    collector_off: list[float] | None = None
    beaten_by: str = ""


def judged(aim: Aim, figures: Figures, *, quick: bool = False) -> Verdict | None:
    """Judge one aim by the figures; return None if its workload wasn't measured."""
    cell = figures.get((aim.workload, aim.subject, aim.act))
    if cell is None:
        return None
    against = figures.get((aim.workload, aim.against, aim.act))
    match aim.unit:
        case "ratio":
            found = ratios(cell, against)
        case "MB":
            found = [extra / 1e6 for extra in cell.extra]
        case "ms":
            found = [seconds * 1e3 for seconds in cell.seconds]
        case "size":
            found = [cell.size / against.size] if against is not None and cell.size and against.size else []
        case "growth":
            against = figures.get((aim.against, aim.subject, aim.act))
            found = _growth(aim, cell, against, quick=quick)
        case _:
            found = cell.seconds
    if not found:
        missing = against.word if against is not None and against.word else "not measured"
        return Verdict(aim, found, cell.word or f"{aim.against}: {missing}")
    off = figures.get((aim.workload, COLLECTOR_OFF.name, aim.act))
    beside = ratios(cell, off) if aim.unit == "ratio" and aim.against == "pickle" else []
    beaten = beaten_by(aim, figures) if aim.unit == "ratio" else ""
    return Verdict(aim, found, collector_off=beside, beaten_by=beaten)


def beaten_by(aim: Aim, figures: Figures) -> str:
    """Return the subject that beats the floor of an aim the most, or nothing.

    The least times are compared: a disturbance makes a measurement longer, and never shorter.
    """
    workload = next((one for one in WORKLOADS if one.name == aim.workload), None)
    if workload is None or not workload.subject(aim.against).is_floor:
        return ""
    least = {
        subject.name: min(cell.seconds)
        for subject in workload.subjects
        if not subject.is_partial
        and (cell := figures.get((aim.workload, subject.name, aim.act))) is not None
        and cell.seconds
    }
    fastest = min(least, key=least.__getitem__)
    return fastest if least[fastest] < BEATEN * least[aim.against] else ""


def _growth(aim: Aim, cell: Cell, against: Cell | None, *, quick: bool) -> list[float]:
    if against is None or not against.seconds:
        return []
    small, large = workload_named(aim.against), workload_named(aim.workload)
    times = large.quick / small.quick if quick else large.size / small.size
    # The workloads have different numbers of turns.
    return [seconds / times / median(against.seconds) for seconds in cell.seconds]
