"""Save objects of many sorts, and load them in processes that are fresh: each object in a process of its own.

Reads jobs from standard input, one JSON object a line, and writes lines of JSON: the name of a part, its outcome and
the reason. A line `null` ends a job. Where the process of a job has died, the line before it says so.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pickle
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle

import appsnap
from appsnap.kinds import KINDS, kind_named

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 300
FORETOLD = "foretold by the audit"
"""The words before a refusal that the audit announced: no list of names allows the load."""

PEERS = {"as pickle": pickle, "as cloudpickle": cloudpickle}


def main() -> None:
    """Do the jobs."""
    sys.setrecursionlimit(10_000)
    for kind in KINDS:
        kind_named(kind)
    appsnap.dumps([1])  # imports the modules that each job needs
    for line in sys.stdin:
        job = json.loads(line)
        if job["do"] == "save":
            # Once for all objects of a module. A process that loads doesn't import before it has to.
            importlib.import_module(f"trials.things.{job['module']}")
        for package in job["preload"]:
            importlib.import_module(package)
        sys.stdout.flush()
        child = os.fork()
        if not child:
            _do(job)
        _, status = os.waitpid(child, 0)
        number = os.waitstatus_to_exitcode(status)
        if number:
            reason = signal.Signals(-number).name if number < 0 else f"exit code {number}"
            print(json.dumps(["died", "signal", reason]))
        print("null", flush=True)


def _do(job: dict[str, Any]) -> None:
    signal.alarm(SECONDS)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    for part, outcome, reason in (_save if job["do"] == "save" else _load)(job):
        print(json.dumps([part, outcome, reason[:1_500]]), file=out, flush=True)
    os._exit(0)


def _save(job: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Save an object in each kind, then look whether it has changed."""
    from trials.things import things_of  # noqa: PLC0415 - as in _load

    try:
        thing = things_of(job["module"])[job["name"]]
        obj = thing.make()
        with_twin = thing.make()
    except Exception as error:  # noqa: BLE001 - the answer says it
        yield "made", "error", f"{type(error).__name__}: {error}"
        return
    for kind in job["parts"]:
        path = Path(job["folder"]) / kind
        try:
            if kind in PEERS:
                path.write_bytes(PEERS[kind].dumps(obj, 5))
            else:
                appsnap.save(obj, path, kind=kind, sign=False)
        except BaseException as error:  # noqa: BLE001 - the answer says it
            path.unlink(missing_ok=True)
            yield kind, *_fault(error)
        else:
            yield kind, "right", ""
    found = _compared(obj, with_twin, thing)
    yield "live", "wrong" if found else "right", found or ""


def _load(job: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for part in job["parts"]:
        kind, _, mode = part.partition(", ")
        path = Path(job["folder"]) / kind
        beyond = False
        try:
            if kind in PEERS:
                obj = PEERS[kind].loads(path.read_bytes())
            else:
                trust: Any = appsnap.EVERYTHING
                if mode == "stranger":
                    snapshot = appsnap.open_snapshot(path)
                    trust = [want.grant for want in snapshot.names]
                    beyond = bool(getattr(snapshot, "obstacles", ()))
                obj = appsnap.load(path, trust=trust)
        except BaseException as error:  # noqa: BLE001 - the answer says it
            outcome, why = _fault(error)
            yield part, outcome, f"{FORETOLD}: {why}" if beyond else why
            continue
        # Only now: the load itself has to import all that it needs.
        from trials.things import things_of  # noqa: PLC0415

        thing = things_of(job["module"])[job["name"]]
        found = _compared(obj, thing.make(), thing)
        yield part, "wrong" if found else "right", found or ""


def _compared(obj: Any, other: Any, thing: Any) -> str | None:
    from trials.same import difference  # noqa: PLC0415

    try:
        results = []
        if thing.check is not None:
            for each in (other, obj):
                with contextlib.redirect_stdout(None):
                    results.append(thing.check(each))
        # The check uses up iterators, on both sides.
        found = None if thing.opaque else difference(obj, other)
        if found is None and results:
            found = difference(results[1], results[0])
            found = found and f"check: {found}"
    except Exception as error:  # noqa: BLE001 - the answer says it
        return f"{type(error).__name__}: {error}"
    return found


def _fault(error: BaseException) -> tuple[str, str]:
    refused = isinstance(error, appsnap.AppsnapError)
    hint = getattr(error, "hint", "") if refused else ""
    text = f"{type(error).__name__}: {error}"
    return ("refused" if refused else "error"), f"{text} [{hint}]" if hint else text


if __name__ == "__main__":
    main()
