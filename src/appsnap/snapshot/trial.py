"""A trial of a new snapshot before it takes the place of an old one: it is loaded in a fresh interpreter.

Not everything that can be saved can be loaded, and not everything that loads is the same as before. The interpreter
saves the restored objects again, and compares the recipes (`fresh`). This side sends it the trust, the limits and an
inventory of the live objects, in a pipe.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from appsnap.errors import CannotLoad, CannotSave, NoMemory, Place, hints
from appsnap.limits import LIMITS
from appsnap.recipe.freeze import freeze
from appsnap.recipe.freeze.inventory import Inventory
from appsnap.recipe.outline import Outline
from appsnap.recipe.trust import EVERYTHING, Everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from typing_extensions import Buffer

    from appsnap.limits import Limits
    from appsnap.recipe.freeze import Notes

__all__ = ["ROOT", "Trial"]

_START = """\
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1)) or sys.path
from appsnap.snapshot.fresh import main
main()
"""
"""The program of the interpreter. Applications may look for the word `load` among its arguments."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a new snapshot is tried.

    `trust` is that of the load. None stands for all names that the snapshot has. `path` has the folders in which
    modules are found. None stands for those of any new interpreter, and the current folder. `begun` is called before
    the interpreter starts. `trace` gets all that it wrote to stderr, if its load failed.
    """

    trust: Sequence[str] | Everything | None = EVERYTHING
    limits: Limits = LIMITS
    path: Sequence[str] | None = field(default_factory=lambda: [*sys.path])
    begun: Callable[[], object] = lambda: None
    trace: Callable[[str], object] = lambda _: None

    def of_file(self, obj: Any, notes: Notes, path: Path, passphrase: str | None) -> list[str]:
        """Try the new file of an object, and return the first difference as a line, if there is any.

        `notes` are those of the save. Raises CannotLoad with the error of the interpreter, and CannotSave where items
        or attributes are lost.
        """
        # Opened here, because another process may not open a file that has no name yet.
        with path.open("rb") as file:
            return self._run(self._job(obj, notes, passphrase), file, None)

    def of_document(self, obj: Any, notes: Notes, pieces: Iterable[Buffer]) -> list[str]:
        """Try a document without layers, as `of_file` tries a file, where only others can open the file."""
        return self._run(self._job(obj, notes, None), subprocess.PIPE, b"".join(pieces))

    def _run(self, job: dict[str, Any], stdin: Any, data: bytes | None) -> list[str]:
        self.begun()
        folders = json.dumps([*map(str, self.path or ())])
        # A file, for programs that the application starts may hold a pipe open, and go on.
        with tempfile.TemporaryFile() as said:
            answer, status = self._ask(folders, job, stdin, data, said)
            said.seek(0)
            complaint = said.read().decode("utf-8", "replace")
        try:
            found = json.loads(answer)
        except ValueError:
            found = {"error": _last_words(complaint, status)}
        if "error" in found:
            self.trace(complaint)
        return _judge(found)

    def _ask(
        self, folders: str, job: dict[str, Any], stdin: Any, data: bytes | None, stderr: IO[bytes]
    ) -> tuple[bytes, int]:
        """Return what the interpreter answers, and its exit status."""
        reader, writer = os.pipe()
        try:
            process = subprocess.Popen(  # noqa: S603 - this very program
                [sys.executable, *_flags(), "-c", _START, folders, "load", str(reader)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                pass_fds=[reader],
            )
        except BaseException:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        with process:
            try:
                # If the child has died already, its stderr says why.
                with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "wb") as pipe:
                    pipe.write(json.dumps(job).encode())
                answer, _ = process.communicate(data)
            except BaseException:
                process.kill()
                raise
        return answer, process.returncode

    def _job(self, obj: Any, notes: Notes, passphrase: str | None) -> dict[str, Any]:
        inventory = Inventory(notes)
        outline = Outline(freeze(obj, notes=inventory), root=ROOT)
        return {
            "passphrase": None if passphrase is None else passphrase.encode("utf-8", "surrogateescape").hex(),
            "everything": isinstance(self.trust, Everything),
            "trust": None if self.trust is None or isinstance(self.trust, Everything) else [*self.trust],
            "limits": dataclasses.asdict(self.limits),
            "here": self.path is None,
            "facts": inventory.facts(obj, outline),
        }


ROOT = "object"
"""The begin of the paths in a job."""


def _flags() -> list[str]:
    """Return flags that let the interpreter find the same modules as this one, except those of the current folder."""
    flags = ["-I"] if sys.flags.isolated else ["-P"]
    if sys.flags.ignore_environment and not sys.flags.isolated:
        flags.append("-E")
    if sys.flags.no_user_site and not sys.flags.isolated:
        flags.append("-s")
    return flags


def _last_words(complaint: str, status: int) -> str:
    lines = complaint.splitlines()
    ended = f"signal {-status}" if status < 0 else f"exit status {status}"
    return f"its interpreter ended with {ended}" + (f", and said: {lines[-1]}" if lines else "")


_ANYWAY = "verify=False saves it anyway"


def _judge(found: dict[str, Any]) -> list[str]:
    error = found.get("error")
    if error is not None:
        error_class = NoMemory if found.get("memory") else CannotLoad
        raise error_class(
            f"not saved, because a fresh interpreter can't load it: {error}",
            hint=hints(found.get("hint"), _ANYWAY),
        )
    lost = found["lost"]
    if lost:
        advice = "look at the __reduce__, __getstate__ or __setstate__ of its class"
        loss = CannotSave([Place(path, cls, f"{words} in a fresh interpreter", advice) for path, cls, words in lost])
        loss.hint = _ANYWAY
        raise loss
    different = found["different"]
    return [] if different is None else [f"loaded in a fresh interpreter, the file gives something else: {different}"]
