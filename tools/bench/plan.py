"""The workloads, each with its size and its subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import ours, peers
from bench.workloads import ARRAY, ARRAYS, DEEP, GRAPH, MIXED, RECORDS, SERVICES

if TYPE_CHECKING:
    from bench.subject import Subject
    from bench.workloads import Data

__all__ = ["SHOWN", "WORKLOADS", "Workload", "workload_named"]


@dataclass(frozen=True, slots=True)
class Workload:
    """Data of one size, and the subjects that save and load it.

    `title` is the name in the tables. The time of the subject `reference` is 1. `quick` is the size for `--quick`.
    `runs` is the number of turns.
    """

    name: str
    title: str
    data: Data
    size: int
    quick: int
    subjects: tuple[Subject, ...]
    reference: str = "pickle"
    runs: int = 3

    def subject(self, name: str) -> Subject:
        """Return the subject with this name."""
        return next(subject for subject in self.subjects if subject.name == name)


# The subjects of the most comparisons are neighbours, because the speed of a machine varies with time.
_TURN = (
    "appsnap pickle",
    "appsnap pickle, mmap",
    "write and read alone",
    "Path.read_bytes",
    "appsnap pickle, audited",
    "pickle",
    "pickle, collector off",
    "cloudpickle",
    "appsnap msgpack",
    "appsnap msgpack, audited",
    "appsnap msgpack, compressed",
    "pickle, zstd",
    "jsonpickle",
    "appsnap source",
    "Twisted aot",
    "appsnap xml",
    "Twisted sob",
    "numpy",
    "joblib",
    "dill",
    "skops",
)


def _in_turn(*subjects: Subject) -> tuple[Subject, ...]:
    return tuple(sorted(subjects, key=lambda subject: _TURN.index(subject.name)))


_IN_MEMORY = _in_turn(*ours.KINDS, *ours.AUDITED, ours.COMPRESSED, *peers.IN_MEMORY)


def _without(*names: str) -> tuple[Subject, ...]:
    return tuple(subject for subject in _IN_MEMORY if subject.name not in names)


# Twisted's aot would take minutes or hours on these, and nothing is compared with the others.
_OTHERS = ("Twisted aot", "joblib", "dill", "skops")
_LARGE = _without(*_OTHERS)
_LARGEST = _without(*_OTHERS, "appsnap msgpack, compressed", "pickle, zstd")
_BINARY = _without(*_OTHERS, "appsnap source", "appsnap xml")
_SHAPES = _without("Twisted aot", "pickle, zstd", "appsnap msgpack, compressed", "appsnap msgpack, audited")


def _named(subjects: tuple[Subject, ...], *names: str) -> tuple[Subject, ...]:
    return tuple(subject for subject in subjects if subject.name in names)


# The workloads with the most aims come first: a run without time left skips the last ones.
WORKLOADS = (
    Workload("services-1e4", "10,000 services", SERVICES, 10_000, 200, _IN_MEMORY),
    Workload("mixed-1e4", "10,000 mixed services", MIXED, 10_000, 200, _IN_MEMORY),
    Workload("services-1e5", "100,000 services", SERVICES, 100_000, 400, _LARGE, runs=2),
    Workload("mixed-1e5", "100,000 mixed services", MIXED, 100_000, 400, _LARGE, runs=2),
    Workload("records-1e5", "100,000 records", RECORDS, 100_000, 500, _LARGE),
    Workload("records-1e6", "1 million records", RECORDS, 1_000_000, 1_000, _BINARY, runs=2),
    Workload(
        "array",
        "array of 1 GB, to a file",
        ARRAY,
        1_000_000_000,
        1_000_000,
        _in_turn(
            *_named(ours.FILES, "appsnap pickle", "appsnap msgpack"),
            ours.MAPPED,
            peers.RAW,
            peers.READ,
            peers.NUMPY,
            *_named(peers.FILES, "pickle", "cloudpickle", "joblib"),
        ),
        reference=peers.RAW.name,
    ),
    Workload(
        "encrypted",
        "array of 1 GB, encrypted",
        ARRAY,
        1_000_000_000,
        1_000_000,
        (ours.ENCRYPTED_FILE, peers.AGE, ours.ENCRYPTED, ours.AGE_LAYER, peers.CHACHA),
        reference=peers.CHACHA.name,
    ),
    Workload("services-1e6", "1 million services", SERVICES, 1_000_000, 2_000, _LARGEST, runs=1),
    Workload("deep-1e6", "lists, 1 million deep", DEEP, 1_000_000, 5_000, _LARGEST, runs=1),
    Workload("graph", "shared graph of 100,000", GRAPH, 100_000, 1_000, _SHAPES, runs=2),
    Workload("arrays", "10,000 arrays of 1 KB", ARRAYS, 10_000, 100, _SHAPES, runs=2),
    Workload(
        "services-file",
        "100,000 services, to a file",
        SERVICES,
        100_000,
        100,
        _in_turn(*ours.FILES, *_named(peers.FILES, "pickle", "cloudpickle", "jsonpickle", "Twisted sob")),
        runs=2,
    ),
    Workload("services-1e2", "100 services", SERVICES, 100, 20, _IN_MEMORY),
)

_ORDER = ("services", "mixed", "records", "graph", "deep", "arrays", "array", "encrypted")

SHOWN = tuple(sorted(WORKLOADS, key=lambda workload: (_ORDER.index(workload.name.partition("-")[0]), workload.size)))
"""The workloads in the order of the tables: like beside like."""


def workload_named(name: str) -> Workload:
    """Return the workload with this name."""
    return next(workload for workload in WORKLOADS if workload.name == name)
