"""A message from one process image to the next one: over an exec, to a trial, or into the background.

It goes through an unnamed file or a pipe, because it has secrets. The variable APPSNAP_HANDOVER has the number of the
descriptor.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from typing import Any, Literal

from appsnap.errors import AppsnapError, Want
from appsnap.listening import Inherited
from appsnap.printable import label
from appsnap.runner.grants import Grants
from appsnap.runner.signals import VARIABLE

__all__ = ["Handover", "Mode"]

Mode = Literal["daemon", "restart", "trial"]


@dataclass(slots=True)
class Handover:
    """The facts that a process needs of the one before it.

    `descriptors` has those of `lock`, `pidfile` and `signals` for a restart, that of `result` for a trial, that of
    `ready` for the background. `signals` came meanwhile. `secrets` open WHAT and its generations. `dropped` tells that
    the process has given up privileges before, and `grants` are the names that generations may have since then.
    """

    mode: Mode
    descriptors: dict[str, int] = field(default_factory=dict)
    sockets: list[Inherited] = field(default_factory=list)
    signals: list[int] = field(default_factory=list)
    secrets: dict[str, Any] = field(default_factory=dict)
    grants: Grants | None = None
    dropped: bool = False

    @classmethod
    def take(cls) -> Handover | None:
        """Read the message for this process, if there is one. Child processes don't see it, nor its descriptors.

        Raises AppsnapError if the variable is set by anybody else.
        """
        number = os.environ.pop(VARIABLE, None)
        if number is None:
            return None
        try:
            with os.fdopen(int(number), "rb") as pipe:
                found = cls(**json.load(pipe))
        except (OSError, TypeError, ValueError) as error:
            raise AppsnapError(
                f"{VARIABLE} is {label(number)}, and leads to no message of a process before this one",
                hint=f"unset {VARIABLE}",
            ) from error
        found.sockets = [Inherited(**one) for one in found.sockets]  # type: ignore[arg-type]  # as JSON has them
        if found.grants is not None:
            given: Any = found.grants
            carried = tuple(Want(**want) for want in given.pop("carried"))
            found.grants = Grants(tuple(given.pop("names")), tuple(given.pop("called")), carried, **given)
        for descriptor in (*found.descriptors.values(), *(one.descriptor for one in found.sockets)):
            os.set_inheritable(descriptor, False)
        return found

    def signals_before(self) -> list[int]:
        """Return the signals that the process image before this one has left, each once."""
        numbers = dict.fromkeys(self.signals)
        if "signals" in self.descriptors:
            with os.fdopen(self.descriptors.pop("signals"), "rb") as pipe:
                numbers |= dict.fromkeys(pipe.read() or b"")
        return [*numbers]

    def put(self) -> tuple[int, dict[str, str]]:
        """Return a descriptor to pass on, and the variable to set. The next process closes it."""
        data = json.dumps(dataclasses.asdict(self)).encode()
        if hasattr(os, "memfd_create"):
            reader = os.memfd_create("appsnap")
            with os.fdopen(os.dup(reader), "wb") as file:
                file.write(data)
            os.lseek(reader, 0, os.SEEK_SET)
        else:
            # A pipe takes 64 KiB without a reader.
            reader, writer = os.pipe()
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(data)
        return reader, {VARIABLE: str(reader)}
