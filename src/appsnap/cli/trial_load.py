"""Restores what is about to be saved in a fresh interpreter: that it was saved doesn't mean that it loads."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import appsnap
from appsnap.errors import CannotLoad
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from appsnap.limits import Limits
    from appsnap.recipe.trust import Everything

__all__ = ["restore_bytes", "restore_file"]

_ERROR = "appsnap: error: "
_STDIN = "/dev/stdin"
_HINT = "appsnap: hint: "


def restore_file(path: Path, passphrase: str | None, trust: Sequence[str] | Everything, limits: Limits) -> None:
    """Restore a file that was just saved, with this trust and limits, in an interpreter of its own.

    What can be imported there is what `appsnap load` could import in this folder. Raises CannotLoad with its reason.
    """
    # Opened here, because a file without a name can't be opened by everybody.
    with path.open("rb") as file:
        _restore(passphrase, trust, limits, stdin=file)


def restore_bytes(data: bytes, trust: Sequence[str] | Everything, limits: Limits) -> None:
    """Restore the bytes of a plain snapshot, as `restore_file` does."""
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
        process = subprocess.Popen(  # noqa: S603 - it is this very program
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
                # A child that has died already says why on stderr.
                with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "wb") as pipe:
                    pipe.write(passphrase.encode("utf-8", "surrogateescape"))
            _, complaint = process.communicate(data)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        _fail(complaint.decode("utf-8", "replace"), process.returncode)


def _flags() -> list[str]:
    """Return the flags with which the interpreter finds the modules that this one finds, the current folder apart."""
    flags = ["-I"] if sys.flags.isolated else ["-P"]
    if sys.flags.ignore_environment and not sys.flags.isolated:
        flags.append("-E")
    if sys.flags.no_user_site and not sys.flags.isolated:
        flags.append("-s")
    return flags


def _fail(complaint: str, status: int) -> None:
    lines = complaint.splitlines()
    errors = [line.removeprefix(_ERROR).removeprefix(f"{_STDIN}: ") for line in lines if line.startswith(_ERROR)]
    hints = [line.removeprefix(_HINT) for line in lines if line.startswith(_HINT)]
    if not errors:
        ended = f"signal {-status}" if status < 0 else f"exit status {status}"
        errors = [f"its interpreter ended with {ended}" + (f", and said: {lines[-1]}" if lines else "")]
    raise CannotLoad(
        f"not saved, because a fresh interpreter can't restore it: {'; '.join(errors)}",
        # What `load` calls --limit is --source-limit here.
        hint="; ".join([*hints, "--no-verify saves it all the same"]).replace("--limit ", "--source-limit "),
    )
