"""The aims of appsnap, and the verdict of a run on each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

from bench.measure import ratios
from bench.plan import workload_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measure import Figures

__all__ = ["AIMS", "Aim", "Verdict", "judged"]

Unit = Literal["ratio", "MB", "ms", "exponent", "works"]

KINDS = ("pickle", "msgpack", "source", "xml")


@dataclass(frozen=True, slots=True)
class Aim:
    """One figure of one subject, and its greatest allowed value.

    The figure depends on the unit:

    * `ratio`: the time relative to the time of the subject `against`;
    * `MB`: the peak of memory during the act, less the memory of the process before it;
    * `ms`: the time;
    * `exponent`: the exponent of n by which time grows from the workload `against` to this one;
    * `works`: none; the aim is held if there are figures at all.
    """

    workload: str
    subject: str
    act: str
    unit: Unit
    most: float = 0.0
    against: str = ""


def _aims() -> Iterator[Aim]:
    for workload in ("services-1e4", "services-1e6", "records"):
        yield Aim(workload, "appsnap pickle", "save", "ratio", 1.3, "cloudpickle")
        yield Aim(workload, "appsnap pickle", "load", "ratio", 1.3, "pickle")
        yield Aim(workload, "appsnap pickle, audited", "load", "ratio", 8, "pickle")
        yield Aim(workload, "appsnap msgpack", "save", "ratio", 4, "pickle")
        yield Aim(workload, "appsnap msgpack", "load", "ratio", 5, "pickle")
        yield Aim(workload, "appsnap msgpack", "save", "ratio", 1 / 4, "jsonpickle")
        yield Aim(workload, "appsnap msgpack", "load", "ratio", 1 / 4, "jsonpickle")
    yield Aim("services-1e4", "appsnap source", "save", "ratio", 1 / 20, "Twisted aot")
    yield Aim("services-1e4", "appsnap source", "load", "ratio", 1 / 5, "Twisted aot")
    for kind, act in product(("pickle", "msgpack"), ("save", "load")):
        yield Aim("array", f"appsnap {kind}", act, "ratio", 1.15, "write and read alone")
        yield Aim("array", f"appsnap {kind}", act, "MB", 64)
    yield Aim("array", "appsnap pickle, mmap", "load", "ms", 50)
    for act in ("save", "load"):
        yield Aim("encrypted", "appsnap's age layer alone", act, "ratio", 1.5, "ChaCha20-Poly1305 alone")
        yield Aim("encrypted", "appsnap pickle", act, "ratio", 1.5, "ChaCha20-Poly1305 alone")
        yield Aim("encrypted", "appsnap pickle to a file", act, "ratio", 1 / 1.5, "age program")
    for workload, kind, act in product(("deep-1e6", "services-1e6"), KINDS, ("save", "load")):
        yield Aim(workload, f"appsnap {kind}", act, "works")
    for kind, act in product(KINDS, ("save", "load")):
        yield Aim("services-1e6", f"appsnap {kind}", act, "exponent", 1.05, "services-1e4")
    for workload, act in product(("deep-1e6", "services-1e6"), ("save", "load")):
        yield Aim(workload, "appsnap msgpack", act, "MB", 2000)
    yield Aim("cold", "appsnap --version", "run", "ratio", 3, "python -c pass")
    yield Aim("cold", "appsnap show", "run", "ratio", 12, "python -c pass")


AIMS = tuple(_aims())


@dataclass(frozen=True, slots=True)
class Verdict:
    """An aim, and the figures of each turn, or a word for their absence."""

    aim: Aim
    figures: list[float]
    word: str


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
        case "exponent":
            against = figures.get((aim.against, aim.subject, aim.act))
            found = [math.log(ratio) / _growth(aim, quick=quick) for ratio in ratios(cell, against)]
        case "works":
            found = cell.seconds
    missing = against.word if against is not None and against.word else "not measured"
    return Verdict(aim, found, "" if found else cell.word or f"{aim.against}: {missing}")


def _growth(aim: Aim, *, quick: bool) -> float:
    small, large = workload_named(aim.against), workload_named(aim.workload)
    return math.log(large.quick / small.quick if quick else large.size / small.size)
