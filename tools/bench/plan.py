"""What is measured: each workload, its size, and who takes part in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import ours, peers
from bench.workloads import ARRAY, ARRAYS, DEEP, GRAPH, RECORDS, SERVICES

if TYPE_CHECKING:
    from bench.subject import Subject
    from bench.workloads import Data

__all__ = ["SHOWN", "WORKLOADS", "Workload", "workload_named"]


@dataclass(frozen=True, slots=True)
class Workload:
    """Data of one size, and those who save and load it.

    `reference` is the subject whose time is 1. `quick` is the size for `--quick`. `runs` is how often all is measured.
    """

    name: str
    what: str
    data: Data
    size: int
    quick: int
    subjects: tuple[Subject, ...]
    reference: str = "pickle"
    runs: int = 3

    def subject(self, name: str) -> Subject:
        """Return the one of that name."""
        return next(subject for subject in self.subjects if subject.name == name)


# Those who are compared most run one after the other, while the machine is the same.
_TURN = (
    "appsnap pickle",
    "appsnap pickle, mmap",
    "appsnap pickle, audited",
    "write and read alone",
    "pickle",
    "cloudpickle",
    "appsnap msgpack",
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


_IN_MEMORY = _in_turn(*ours.KINDS, ours.AUDITED, *peers.IN_MEMORY)
# Where that would take minutes, or hours.
_WITHOUT_AOT = tuple(subject for subject in _IN_MEMORY if subject is not peers.AOT)
_BINARY_FILES = tuple(subject for subject in ours.FILES if subject.name in {"appsnap pickle", "appsnap msgpack"})

# What has the most aims comes first: it is the end that is left out when there is no time left.
WORKLOADS = (
    Workload("services-1e2", "100 services", SERVICES, 100, 20, _IN_MEMORY),
    Workload("services-1e4", "10,000 services", SERVICES, 10_000, 200, _IN_MEMORY),
    Workload("services-1e6", "1 million services", SERVICES, 1_000_000, 2_000, _WITHOUT_AOT, runs=1),
    Workload(
        "array",
        "array of 1 GB, to a file",
        ARRAY,
        1_000_000_000,
        1_000_000,
        _in_turn(*_BINARY_FILES, ours.MAPPED, peers.RAW, peers.NUMPY, *peers.FILES),
        reference=peers.RAW.name,
        runs=2,
    ),
    Workload(
        "encrypted",
        "array of 1 GB, encrypted",
        ARRAY,
        1_000_000_000,
        1_000_000,
        (ours.ENCRYPTED, ours.AGE_LAYER, peers.CHACHA, ours.ENCRYPTED_FILE, peers.AGE),
        reference=peers.CHACHA.name,
        runs=2,
    ),
    Workload("deep-1e6", "lists, 1 million deep", DEEP, 1_000_000, 5_000, _WITHOUT_AOT, runs=1),
    Workload("records", "1 million records", RECORDS, 1_000_000, 1_000, _WITHOUT_AOT, runs=1),
    Workload("arrays", "10,000 arrays of 1 KB", ARRAYS, 10_000, 100, _WITHOUT_AOT),
    Workload("deep-1e5", "lists, 100,000 deep", DEEP, 100_000, 2_000, _IN_MEMORY, runs=2),
    Workload(
        "services-file",
        "100,000 services, to a file",
        SERVICES,
        100_000,
        100,
        _in_turn(*ours.FILES, *peers.FILES),
        runs=2,
    ),
    Workload("graph", "shared graph of 100,000", GRAPH, 100_000, 1_000, _WITHOUT_AOT, runs=2),
)

_ORDER = ("services", "records", "graph", "deep", "arrays", "array", "encrypted")

SHOWN = tuple(sorted(WORKLOADS, key=lambda workload: (_ORDER.index(workload.name.partition("-")[0]), workload.size)))
"""The workloads in the order in which they are read: like beside like."""


def workload_named(name: str) -> Workload:
    """Return the one of that name."""
    return next(workload for workload in WORKLOADS if workload.name == name)
