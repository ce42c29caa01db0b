"""A restart in place: a fresh interpreter tries the new code, and then the process runs its command line again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, NoReturn

from appsnap.errors import AppsnapError
from appsnap.runner.signals import HANDLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appsnap.runner.handover import Handover

__all__ = ["again", "block_signals", "command", "let_signals_through", "tell_success", "tried"]

_LIMIT = 600.0
"""Seconds that a trial may take."""


def command() -> list[str]:
    """Return the command line of this process, interpreter and its options included."""
    return [sys.executable, *sys.orig_argv[1:]]


async def tried(folder: str, handover: Handover) -> str | None:
    """Load the application in a fresh interpreter. Returns the reason if that fails.

    The interpreter says by a pipe that it has loaded all, and the end of the pipe is its end: other code of this
    process may take the exit status of any child.
    """
    reader, writer = os.pipe()
    handover.descriptors["result"] = writer
    message, variable = handover.put()
    # A file, for programs that the application starts may hold a pipe open, and go on.
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - this very program; it returns at once
                command(),
                cwd=folder,
                env={**os.environ, **variable},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                pass_fds=[message, writer],
            )
        except OSError as error:
            os.close(reader)
            return f"the interpreter can't be run again: {error.strerror}: {error.filename}"
        finally:
            os.close(message)
            os.close(writer)
        try:
            answer = await asyncio.wait_for(_read(reader), _LIMIT)
        except TimeoutError:
            return f"a fresh interpreter has not loaded it within {_LIMIT:g} s"
        finally:
            os.close(reader)
            process.kill()
            process.wait()
        if answer == _SUCCESS:
            return None
        said.seek(0)
        return _reason(said.read().decode("utf-8", "replace"))


_SUCCESS = b"loaded"


def tell_success(handover: Handover) -> None:
    """Tell the process that has begun the trial that the application was loaded."""
    with os.fdopen(handover.descriptors["result"], "wb") as pipe:
        pipe.write(_SUCCESS)


async def _read(descriptor: int) -> bytes:
    """Read until all other ends of a pipe are closed."""
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    data = b""
    while True:
        ready = loop.create_future()
        loop.add_reader(descriptor, _set, ready)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
        with contextlib.suppress(BlockingIOError):
            piece = os.read(descriptor, 4096)
            if not piece:
                return data
            data += piece


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _reason(said: str) -> str:
    """Return the first error of the other process, or its last words."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("appsnap: error: ") for line in lines if line.startswith("appsnap: error: ")]
    return errors[0] if errors else lines[-1] if lines else "a fresh interpreter ended without a word"


def block_signals() -> None:
    """Keep signals pending for the next process image. The handlers of those that came before run here."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)


def let_signals_through() -> None:
    """Undo `block_signals`."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)


def again(folder: str, handover: Handover, environment: Mapping[str, str]) -> NoReturn:
    """Run the command line of this process again, in its place. Raises AppsnapError if that fails."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    for handler in logging.getLogger().handlers:
        handler.flush()
    message, variable = handover.put()
    sockets = [one.descriptor for one in handover.sockets]
    for descriptor in (message, *handover.descriptors.values(), *sockets):
        os.set_inheritable(descriptor, True)
    try:
        os.chdir(folder)
        os.execve(sys.executable, command(), {**os.environ, **environment, **variable})  # noqa: S606 - this very program
    except OSError as error:
        raise AppsnapError(
            f"the interpreter can't be run again: {error.strerror}: {error.filename}",
            hint="the state is saved: start the application again",
        ) from error
