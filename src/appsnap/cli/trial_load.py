"""Loads a new snapshot in a fresh interpreter before it is saved: not everything that can be saved can be loaded."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import appsnap
from appsnap.cli import output
from appsnap.errors import CannotLoad
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from appsnap.limits import Limits
    from appsnap.recipe.trust import Everything

__all__ = ["load_bytes", "load_file"]

_ERROR = "appsnap: error: "
_STDIN = "/dev/stdin"
_HINT = "appsnap: hint: "


def load_file(path: Path, passphrase: str | None, trust: Sequence[str] | Everything, limits: Limits) -> None:
    """Load a new file in an interpreter of its own, with this trust and these limits.

    The interpreter can import the modules that `appsnap load` can import in this folder. Raises CannotLoad with the
    error of the interpreter.
    """
    # Opened here, because another process may not open a file that has no name yet.
    with path.open("rb") as file:
        _restore(passphrase, trust, limits, stdin=file)


def load_bytes(data: bytes, trust: Sequence[str] | Everything, limits: Limits) -> None:
    """Load the bytes of a plain snapshot as `load_file` does."""
    _restore(None, trust, limits, data=data)


def _restore(
    passphrase: str | None,
    trust: Sequence[str] | Everything,
    limits: Limits,
    *,
    stdin: Any = subprocess.PIPE,
    data: bytes | None = None,
) -> None:
    options: list[str] = []
    descriptors: list[int] = []
    writer = -1
    if passphrase is not None:
        reader, writer = os.pipe()
        descriptors = [reader]
        options = ["--passphrase-fd", str(reader)]
    if trust is appsnap.EVERYTHING:
        options.append("--trust-everything")
    else:
        options += [word for name in trust for word in ("--trust", name)]
    for name, most in dataclasses.asdict(limits).items():
        if most != getattr(LIMITS, name):
            options += ["--limit", f"{name}={most}"]
    arguments = ["load", "--quiet", *options, _STDIN]
    try:
        process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, *_flags(), "-m", "appsnap", *arguments],
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
        )
    except BaseException:
        if writer >= 0:
            os.close(writer)
        raise
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    with process:
        try:
            if passphrase is not None:
                # If the child has died already, its stderr says why.
                with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "wb") as pipe:
                    pipe.write(passphrase.encode("utf-8", "surrogateescape"))
            _, complaint = process.communicate(data)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        _fail(complaint.decode("utf-8", "replace"), process.returncode)


def _flags() -> list[str]:
    """Return flags that let the interpreter find the same modules as this one, except those of the current folder."""
    flags = ["-I"] if sys.flags.isolated else ["-P"]
    if sys.flags.ignore_environment and not sys.flags.isolated:
        flags.append("-E")
    if sys.flags.no_user_site and not sys.flags.isolated:
        flags.append("-s")
    return flags


def _fail(complaint: str, status: int) -> None:
    if os.environ.get("APPSNAP_TRACEBACK"):
        output.trace(complaint)
    lines = complaint.splitlines()
    errors = [line.removeprefix(_ERROR).removeprefix(f"{_STDIN}: ") for line in lines if line.startswith(_ERROR)]
    hints = [line.removeprefix(_HINT) for line in lines if line.startswith(_HINT)]
    if not errors:
        ended = f"signal {-status}" if status < 0 else f"exit status {status}"
        errors = [f"its interpreter ended with {ended}" + (f", and said: {lines[-1]}" if lines else "")]
    raise CannotLoad(
        f"not saved, because a fresh interpreter can't load it: {'; '.join(errors)}",
        # The option --limit of `load` is --source-limit here.
        hint="; ".join([*hints, "--no-verify saves it anyway"]).replace("--limit ", "--source-limit "),
    )
