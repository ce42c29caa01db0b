"""Make, load and call what scripts define, each in a process of its own: a crash ends one job, not the others.

Reads jobs from standard input, one JSON object a line, and writes a line for each. Runs on each Python, so it imports
nothing but appsnap and cloudpickle.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle

import appsnap
from appsnap.kinds import KINDS, kind_named
from appsnap.script import run

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "\n# Check\n"
"""Divides the text of a case: above it stands the script, below it the check of `obj`."""

SECONDS = 60
CLOUDPICKLE = "cloudpickle"


def main() -> None:
    """Do the jobs."""
    for kind in KINDS:
        kind_named(kind)
    appsnap.dumps([1])  # imports the modules that each job needs
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(_isolated(_ACTIONS[job["do"]], job)), flush=True)


def _isolated(action: Callable[[dict[str, Any]], Any], job: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a job: its result, or the signal that has ended its process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        signal.alarm(SECONDS)
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        try:
            answer = action(job)
        except BaseException as error:  # noqa: BLE001 - the answer says it
            answer = _fault(error)
        with open(writing, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            json.dump(answer, file)
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
        text = file.read()
    _, status = os.waitpid(child, 0)
    if text:
        return {"answer": json.loads(text)}
    number = os.waitstatus_to_exitcode(status)
    return {"answer": ["signal", signal.Signals(-number).name if number < 0 else f"exit code {number}"]}


def _fault(error: BaseException) -> list[str]:
    refused = isinstance(error, appsnap.AppsnapError)
    text = f"{type(error).__name__}: {error}"
    hint = getattr(error, "hint", "") if refused else ""
    return ["refused" if refused else "error", f"{text} [{hint}]" if hint else text]


def _make(job: dict[str, Any]) -> dict[str, list[str]]:
    """Run a script, save `obj` once in each kind, then check the one that was saved."""
    path = Path(job["script"])
    if job["form"] == "main":
        # As `python path` does it.
        module = sys.modules["__main__"] = types.ModuleType("__main__")
        module.__file__ = str(path)
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
        obj = module.__dict__["obj"]
    else:
        obj = run(path, "obj")
    answers = {}
    for kind, target in job["files"].items():
        answers[kind] = _saved(obj, kind, target)
    answers["live"] = _checked(obj, job)
    return answers


def _load(job: dict[str, Any]) -> dict[str, list[str]]:
    """Load a file, save the object again if the job has a place for it, and check it."""
    path, kind = Path(job["file"]), job["kind"]
    answers = {}
    try:
        if kind == CLOUDPICKLE:
            obj = cloudpickle.loads(path.read_bytes())
        else:
            obj = appsnap.load(path, trust=appsnap.EVERYTHING)
    except Exception as error:  # noqa: BLE001 - the answer says it
        return {"load": _fault(error)}
    if job.get("again"):
        answers["again"] = _saved(obj, kind, job["again"])
    answers["load"] = _checked(obj, job)
    return answers


def _saved(obj: Any, kind: str, target: str) -> list[str]:
    try:
        if kind == CLOUDPICKLE:
            Path(target).write_bytes(cloudpickle.dumps(obj))
        else:
            appsnap.save(obj, target, kind=kind_named(kind).name, sign=False)
    except Exception as error:  # noqa: BLE001 - the answer says it
        return _fault(error)
    return ["right", ""]


def _checked(obj: Any, job: dict[str, Any]) -> list[str]:
    code = compile(job["check"], job["name"] + " check", "exec", dont_inherit=True)
    try:
        exec(code, {"obj": obj, "__name__": "check"})
    except Exception as error:  # noqa: BLE001 - the answer says it
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename != code.co_filename:
            trace = trace.tb_next
        line = job["check"].splitlines()[trace.tb_lineno - 1].strip() if trace else ""
        return ["wrong", f"{type(error).__name__}: {error} in {line!r}"]
    return ["right", ""]


_ACTIONS: dict[str, Callable[[dict[str, Any]], Any]] = {"make": _make, "load": _load}


if __name__ == "__main__":
    main()
