"""The goldens of the fuzzer: the sample application, objects of every sort, and the small vectors."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from random import Random
from typing import Any

from appsnap import snapshot
from appsnap.errors import AppsnapError
from appsnap.files import age, zstd
from appsnap.kinds import kind_named
from vectors.layout import FOLDER, read

__all__ = ["IDENTITY", "PASSPHRASE", "ROOT", "TRUST", "goldens", "layers", "prepare"]

ROOT = Path(__file__).parents[2]
PLACES = (ROOT / "tests", FOLDER, ROOT / "fixtures")

TRUST = (
    "harmless.*",
    "zoo.*",
    "shop.*",
    "zoo.function",
    "call:zoo.MySet",
    "call:zoo.ByCall",
    "builtins.len",
    "builtins.dict.fromkeys",
)
"""Names of classes and functions without side effects."""

PASSPHRASE = "tea and cake"
IDENTITY = age.X25519Identity(bytes(range(32)))

_LARGEST = 3_000
"""Bytes of a vector. Longer vectors are made to be slow."""


def prepare() -> None:
    """Make the test classes importable."""
    sys.path[:0] = [str(place) for place in PLACES if str(place) not in sys.path]


def goldens(kind: str) -> list[bytes]:
    """Return documents of a kind, small ones first."""
    prepare()
    zoo: Any = importlib.import_module("zoo")
    shop: Any = importlib.import_module("shop")
    chance = Random(1)
    graphs = [shop.make(), *zoo.VALUES, *zoo.ARRAYS, [zoo.VALUES]]
    graphs += [zoo.make(_specification(zoo, chance)) for _ in range(60)]
    graphs += [_alike(zoo, chance, columns) for columns in range(1, 9)]
    found = []
    for graph in graphs:
        try:
            found.append(snapshot.dumps(graph, kind_named(kind).name))
        except AppsnapError:
            continue
    for record in read(f"{kind}-*.txt").values():
        if len(record.text) < _LARGEST and "-run-cost-" not in record.name:  # made to be slow, in a few bytes
            payload = record.vector().payload
            if len(payload) < _LARGEST:
                found.append(payload)
    return sorted(found, key=len)


def _alike(zoo: Any, chance: Random, columns: int) -> list[Any]:
    """Return a list with objects of a few shapes."""
    nodes = [zoo.Node() for _ in range(9)]
    for number, node in enumerate(nodes):
        values = [number, f"{number:070}", None, chance.choice(nodes), [number], {"a": node}, {number, -1}, zoo.Node]
        vars(node).update({f"x{at}": value for at, value in enumerate(values[:columns])})
    rows = [(number, chance.choice(nodes), "a") for number in range(9)]
    mixed = [*nodes, *rows, None, *({"id": number, "row": rows[number % 9]} for number in range(columns + 4))]
    chance.shuffle(mixed)
    return mixed


def layers() -> list[bytes]:
    """Return a small pickle document in layers of age and zstd."""
    plain = snapshot.dumps([1, "a"])
    packed = b"".join(zstd.compress([plain]))
    # Without the checksum and its flag (RFC 8878, section 3.1.1.1.1), more mutants pass the layer.
    unchecked = packed[:4] + bytes([packed[4] & ~4]) + packed[5:-4]
    with_passphrase = [
        b"".join(age.encrypt([inner], [age.ScryptRecipient(PASSPHRASE, work_factor=1)], armor=armor))
        for inner in (plain, packed)
        for armor in (False, True)
    ]
    return [
        packed,
        unchecked,
        *with_passphrase,
        b"".join(age.encrypt([plain], [IDENTITY.recipient, IDENTITY.recipient])),
    ]


def _specification(zoo: Any, chance: Random) -> Any:
    """Return a random argument of `zoo.make`, in the shape of the round-trip tests."""

    def some(most: int) -> range:
        return range(chance.randint(0, most))

    mutable = [chance.choice(sorted(zoo.MUTABLE)) for _ in range(chance.randint(1, 6))]
    atoms = [None, True, 0, -1, 2**70, 1.5, "a", "ä" * 70, b"b", b"\xff" * 70, "\ud800", ""]
    names = ["a", "b", "name", "parent", "class", "x y"]
    immutable = [
        (chance.choice(sorted(zoo.IMMUTABLE)), [chance.randrange(30) for _ in some(3)], chance.choice(atoms))
        for _ in some(5)
    ]
    fillings = [
        (chance.randrange(30), chance.choice(names), chance.randrange(30), chance.randrange(30)) for _ in some(12)
    ]
    return mutable, immutable, fillings, chance.randrange(30)
