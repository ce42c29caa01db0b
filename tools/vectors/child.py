"""Follow vectors in a process of its own, in the current folder, and write a line of JSON with the faults of each.

Reads names of vectors from stdin. Writes a name before it begins with the vector, and so names a vector that kills it.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import tempfile
from pathlib import Path

from appsnap import snapshot
from appsnap.errors import AppsnapError
from appsnap.kinds import KINDS, kind_named
from vectors.layout import Vector, read
from vectors.trial import MOST_SAID, Process, expectation, look, measured

# Modules that appsnap itself imports when a value needs them.
ALLOWED = ("appsnap", "encodings", "zoneinfo", "numpy", "asyncio", "importlib", "tzdata", "xml", "defusedxml", "unicodedata", "cryptography")

ADDRESSES = 2 << 30
"""Bytes of addresses. More than of memory, because numpy's libraries alone take hundreds of MB of addresses."""

STACK = (2 if sys.version_info >= (3, 13) else 1) << 20
"""Bytes of stack: an eighth of the usual, so that a recursion overflows it at an eighth of the depth.

Python 3.13 frees chains of objects by nested calls: up to 10,000 (its bound on all recursion in C) instead of 50
before. These take a little more than 1 MiB.
"""


def _follow(vector: Vector, path: Path) -> list[str]:
    """Return the faults."""
    path.write_bytes(vector.payload)
    kind = None if vector.kind == "any" else kind_named(vector.kind).name
    passphrase = vector.passphrase or None
    wrong = []
    error: BaseException | None = None
    value = None
    try:
        value = snapshot.load(path, kind=kind, passphrase=passphrase, trust=vector.trust)
    except Exception as caught:  # noqa: BLE001 - any error is an outcome
        error = caught
    outcome = expectation(error)
    if outcome != vector.expect:
        wrong.append(f"{outcome} instead of {vector.expect}: {error!s:.300}")
    said = len(f"{error}{getattr(error, 'hint', '')}")
    if said > MOST_SAID:
        wrong.append(f"{said:,} characters of error")
    if error is None and vector.result and repr(value) != vector.result:
        wrong.append(f"{value!r:.200} instead of {vector.result}")
    value = error = None
    try:
        opened = snapshot.open_snapshot(path, kind=kind, passphrase=passphrase)
    except AppsnapError:
        return wrong
    except Exception as caught:  # noqa: BLE001 - as above
        return [*wrong, f"opened: {type(caught).__name__}: {caught!s:.300}"]
    try:
        look(opened)
    except Exception as caught:  # noqa: BLE001 - as above
        wrong.append(f"looked at: {type(caught).__name__}: {caught!s:.300}")
    return wrong


def main() -> None:
    """Follow each vector named on stdin."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, STACK))
    harmless = importlib.import_module("harmless")
    # What appsnap imports only for a file that needs it.
    for kind in KINDS:
        importlib.import_module(f"appsnap.kinds.{kind}")
    for layer in ("age", "zstd"):
        importlib.import_module(f"appsnap.files.{layer}")
    for module in (
        "numpy",
        "zoneinfo",
        "asyncio",
        "concurrent.futures.thread",
        "ipaddress",
        "importlib.metadata",
        "appsnap.keys.keyring",
        "appsnap.ways.ssl",
        "sqlite3",
    ):
        importlib.import_module(module)
    file = Path(tempfile.mkdtemp()) / "vector"
    process = Process([harmless])
    said = os.fstat(2).st_size
    records = read()
    for line in sys.stdin:
        name = line.strip()
        print(json.dumps({"begins": name}), flush=True)
        try:
            vector = records[name].vector()
        except ValueError as error:
            print(json.dumps({"name": name, "wrong": [str(error)], "cost": [0, 0]}), flush=True)
            continue
        with measured() as block:
            wrong = _follow(vector, file)
        wrong += [block.cost.complaint] if block.cost.complaint else []
        wrong += process.changes(ALLOWED)
        if harmless.called or harmless.settings != {"live": True}:
            wrong.append(f"called: {harmless.called}, live: {harmless.settings}")
            harmless.called.clear()
            harmless.settings.clear()
            harmless.settings["live"] = True
        if os.fstat(2).st_size != said:
            wrong.append("something was written to stderr")
            said = os.fstat(2).st_size
        cost = [round(block.cost.seconds, 2), block.cost.size >> 20]
        print(json.dumps({"name": name, "wrong": wrong, "cost": cost}), flush=True)
    file.unlink(missing_ok=True)
    file.parent.rmdir()


if __name__ == "__main__":
    main()
