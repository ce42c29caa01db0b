"""A trial of a new snapshot before it takes the place of an old one: it is loaded in a fresh interpreter.

Not everything that can be saved can be loaded, and not everything that loads is the same as before. The interpreter
saves the restored objects again, and compares the recipes (`fresh`).

The interpreter starts before the snapshot is written. Then this side sends it the file, the trust and the limits
through a socket. While it loads the file, this side makes an inventory of the live objects, and sends that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
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
from appsnap.recipe.values.ways import registered_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from typing_extensions import Buffer

    from appsnap.kinds import Kind
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
    the interpreter gets the file. `trace` gets all that it wrote to stderr, if its load failed.
    """

    trust: Sequence[str] | Everything | None = EVERYTHING
    limits: Limits = LIMITS
    path: Sequence[str] | None = field(default_factory=lambda: [*sys.path])
    begun: Callable[[], object] = lambda: None
    trace: Callable[[str], object] = lambda _: None

    @contextlib.contextmanager
    def interpreter(self, kind: Kind) -> Iterator[Interpreter]:
        """Start the interpreter for a snapshot of this kind. It imports modules while the file is written.

        It ends with the context at the latest.
        """
        folders = json.dumps([*map(str, self.path or ())])
        ours, other = socket.socketpair()
        # A file, for programs that the application starts may hold a pipe open, and go on.
        with ours, tempfile.TemporaryFile() as said:
            with other:
                process = subprocess.Popen(  # noqa: S603 - this very program
                    [sys.executable, *_flags(), "-c", _START, folders, "load", kind, str(other.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    pass_fds=[other.fileno()],
                )
            with process:
                try:
                    yield Interpreter(self, process, ours, said)
                finally:
                    process.kill()


class Interpreter:
    """A fresh interpreter, which waits for a new snapshot."""

    def __init__(self, trial: Trial, process: subprocess.Popen[bytes], channel: socket.socket, said: IO[bytes]) -> None:
        self._trial = trial
        self._process = process
        self._channel = channel
        self._said = said

    def try_file(self, obj: Any, notes: Notes, path: Path, passphrase: str | None) -> list[str]:
        """Try the new file of an object, and return the first difference as a line, if there is any.

        `notes` are those of the save. Raises CannotLoad with the error of the interpreter, and CannotSave where items
        or attributes are lost.
        """
        # Opened here, because another process may not open a file that has no name yet.
        with path.open("rb") as file:
            self._begin(file.fileno(), passphrase)
        return self._compare(obj, notes)

    def try_document(self, obj: Any, notes: Notes, pieces: Iterable[Buffer]) -> list[str]:
        """Try a document without layers, as `try_file` tries a file, where only others can open the file."""
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as pipe:
            try:
                self._begin(reader, None)
            finally:
                os.close(reader)
            with _may_be_dead():
                for piece in pieces:
                    pipe.write(piece)
                pipe.flush()
        return self._compare(obj, notes)

    def _begin(self, file: int, passphrase: str | None) -> None:
        """Hand over the file, and say how it is loaded."""
        trial = self._trial
        trial.begun()
        job = {
            "passphrase": None if passphrase is None else passphrase.encode("utf-8", "surrogateescape").hex(),
            "everything": isinstance(trial.trust, Everything),
            "trust": None if trial.trust is None or isinstance(trial.trust, Everything) else [*trial.trust],
            "limits": dataclasses.asdict(trial.limits),
            "here": trial.path is None,
            "ways": registered_modules(),
        }
        with _may_be_dead():
            socket.send_fds(self._channel, [b"\n"], [file])
            self._send(job)

    def _compare(self, obj: Any, notes: Notes) -> list[str]:
        """Send the inventory of the object, which is made while the interpreter loads the file. Return its answer."""
        inventory = Inventory(notes)
        outline = Outline(freeze(obj, notes=inventory), root=ROOT)
        facts = inventory.facts(obj, outline)
        del inventory, outline
        with _may_be_dead():
            self._send(facts)
        answer, _ = self._process.communicate()
        try:
            found = json.loads(answer)
        except ValueError:
            found = {"error": _last_words(self._complaint(), self._process.returncode)}
        if "error" in found:
            self._trial.trace(self._complaint())
        return _judge(found)

    def _send(self, data: Any) -> None:
        self._channel.sendall(json.dumps(data).encode() + b"\n")

    def _complaint(self) -> str:
        self._said.seek(0)
        return self._said.read().decode("utf-8", "replace")


def _may_be_dead() -> contextlib.suppress:
    """Go on if the interpreter has ended already. Its answer or its stderr says why."""
    return contextlib.suppress(ConnectionError)


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
