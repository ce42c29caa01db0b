"""Run the processes of an application, and judge them."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import appsnap
from appsnap.kinds import KINDS

__all__ = ["PROJECT", "SCRIPTS", "SOURCE", "Outcome", "Run", "Script", "scripts"]

PROJECT = Path(__file__).parents[2]
SCRIPTS = PROJECT / "tests" / "applications" / "apps"
WORKER = Path(__file__).with_name("worker.py")

SOURCE = Path(appsnap.__file__).parents[1]
"""The folder of the package appsnap. Every process uses this one."""

SECONDS = 120.0
"""The time that a process may take. It is far more than one needs: a process that is ended by it hangs."""

STRANGERS = "msgpack"
"""The kind of the file that is loaded as a stranger's. The audit sees the same names in all kinds."""


@dataclass(frozen=True, slots=True)
class Script:
    """An application's script, as far as it is known without an import: its packages may not be here."""

    name: str
    title: str
    group: str
    packages: tuple[str, ...]
    constants: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Script:
        """Read a script's docstring and constants."""
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
                try:
                    constants[node.targets[0].id] = ast.literal_eval(node.value)
                except ValueError:
                    continue  # a constant of the application's own
        title = (ast.get_docstring(tree) or path.stem).partition("\n")[0].rstrip(".")
        return cls(path.stem, title, constants["GROUP"], tuple(constants["PACKAGES"]), constants)

    def refusal(self, kind: str) -> str | None:
        """Return the words that the application is rightly refused with in a kind, or None."""
        refused = self.constants.get("REFUSED")
        return refused.get(kind) if isinstance(refused, dict) else refused


def scripts(folder: Path = SCRIPTS) -> list[Script]:
    """Return the scripts of all applications, sorted by name."""
    return [Script.read(path) for path in sorted(folder.glob("*.py"))]


@dataclass(slots=True)
class Outcome:
    """What came of an application.

    `kinds` has an empty text for each kind that works, else the reason why not. So has `stranger`, which is None where
    no file could be loaded. `names` is the number of names that a stranger's file has to be trusted with. `wrong` has
    all that the script doesn't expect.
    """

    script: Script
    versions: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    stranger: str | None = None
    names: int = 0
    left_out: str = ""
    remarks: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if self.left_out:
            return f"{self.script.name}: left out: {self.left_out}"
        works = [kind for kind, reason in self.kinds.items() if not reason]
        words = f"works in {', '.join(works)}" if works else "works in no kind"
        if self.stranger == "":
            words += f"; as a stranger's with {self.names} names"
        return "\n    ".join(
            [f"{self.script.name}: {words}", *self.remarks, *(f"WRONG: {line}" for line in self.wrong)]
        )


Lines = list[dict[str, Any]]


@dataclass
class Run:
    """The processes of one application, one after another, in a folder of its own below `work`."""

    script: Script
    python: Path
    work: Path
    folder: Path = SCRIPTS
    source: Path = SOURCE
    kinds: tuple[str, ...] = tuple(KINDS)
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        self.here = self.work / self.script.name
        self.outcome = Outcome(self.script)
        self.wrong: dict[str, list[str]] = {}

    def execute(self) -> Outcome:
        """Use the application without appsnap; save it in all kinds, load each file, and load one as a stranger's."""
        shutil.rmtree(self.here, ignore_errors=True)
        for folder in ("out", "kept", "keys"):
            (self.here / folder).mkdir(parents=True)
        outcome = self.outcome
        lines = self._process("control")
        outcome.versions = next((line["versions"] for line in lines if "versions" in line), {})
        if reason := _reason(lines, None):
            outcome.kinds = dict.fromkeys(self.kinds, f"without appsnap: {reason}")
            outcome.wrong = [f"without appsnap: {reason}"]
            return outcome
        lines = self._process("save", *self.kinds)
        outcome.remarks += [note for line in lines for note in line.get("notes", ())]
        shutil.rmtree(self.here / "kept")
        (self.here / "folder").rename(self.here / "kept")
        for kind in self.kinds:
            # All that goes wrong before the first save, or after the last one, goes wrong for each kind.
            reason = _reason(lines, None, kind)
            if not reason:
                reason = self._load(kind)
            outcome.kinds[kind] = reason
            self._judge(kind, reason, self.script.refusal(kind))
        if outcome.kinds.get(STRANGERS) == "":
            self._load_as_strangers()
        outcome.remarks = [*dict.fromkeys(outcome.remarks)]
        outcome.wrong = [f"{', '.join(of)}: {words}" for words, of in self.wrong.items()]
        return outcome

    def _load(self, kind: str) -> str:
        lines = self._process("load", kind)
        differs = next((line["bytes"] for line in lines if "bytes" in line), None)
        reason = _reason(lines, kind)
        after = self.script.constants.get("AFTER")
        if after and "save after use" in reason and after in reason:
            self.outcome.remarks.append(f"once used: {after}")
            reason = ""
        elif after and not reason:
            self._is_wrong(kind, f"saved after its use, but the script expects {after!r}")
        if differs is not None and not reason:
            allowed = differs or self.script.constants.get("BYTES")
            if not allowed:
                return "save again: other bytes"
            self.outcome.remarks.append(f"saved again, other bytes: {allowed}")
        return reason

    def _load_as_strangers(self) -> None:
        lines = self._process("stranger", STRANGERS)
        outcome = self.outcome
        outcome.stranger = _reason(lines, STRANGERS)
        outcome.names = next((line["names"] for line in lines if "names" in line), 0)
        self._judge("as a stranger's", outcome.stranger, self.script.constants.get("STRANGER"))

    def _judge(self, of: str, reason: str, expected: str | None) -> None:
        if expected is None and reason:
            self._is_wrong(of, reason)
        elif expected is not None and not reason:
            self._is_wrong(of, f"works, but the script expects {expected!r}")
        elif expected is not None and expected not in reason:
            self._is_wrong(of, f"{reason}, but the script expects {expected!r}")

    def _is_wrong(self, of: str, words: str) -> None:
        self.wrong.setdefault(words, []).append(of)

    def _process(self, job: str, *kinds: str) -> Lines:
        """Run the worker, and return its lines. A process that hangs or is killed gets a line that says so."""
        folder, out = self.here / "folder", self.here / "out"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.here / "kept", folder, symlinks=True)
        told = out / "lines.json"
        told.unlink(missing_ok=True)
        command: list[str | Path] = [self.python, "-P", WORKER, job, self.script.name, folder, out, *kinds]
        with (self.here / f"{'-'.join([job, *kinds[:1]])}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=self._environment(seed=len(job)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status: int | None = process.wait(self.seconds)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                _end(process)
        lines: Lines = [json.loads(line) for line in told.read_text("utf-8").splitlines()] if told.exists() else []
        last = lines[-1] if lines else {"kind": None, "stage": "start"}
        if status is None:
            lines.append({**last, "error": f"hangs: ended after {self.seconds:g} s"})
        elif status < 0:
            lines.append({**last, "error": f"died of signal {signal.Signals(-status).name}"})
        elif status and not any("error" in line for line in lines):
            lines.append({**last, "error": f"ended with exit status {status}"})
        return lines

    def _environment(self, seed: int) -> dict[str, str]:
        """Return the variables of a process. Each job hashes texts in its own way, as each start of a program does."""
        return {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            "APPSNAP_CONFIG_DIR": str(self.here / "keys"),
            "PYTHONPATH": os.pathsep.join([str(self.source), str(self.folder.parent)]),
            "PYTHONHASHSEED": str(seed),
        }


def _reason(lines: Lines, *kinds: str | None) -> str:
    """Return the first error of the lines of these kinds, or an empty text."""
    errors = [line for line in lines if "error" in line and line["kind"] in kinds]
    return f"{errors[0]['stage']}: {errors[0]['error']}" if errors else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and all that it has started and left: they are of its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
