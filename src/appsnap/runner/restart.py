"""A restart in place: a fresh interpreter tries the new code, and then the process runs its command line again."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from appsnap.errors import AppsnapError
from appsnap.printable import escaped, shortened
from appsnap.runner import forked
from appsnap.runner.signals import HANDLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from appsnap.runner.handover import Handover

__all__ = [
    "again",
    "begin_trial",
    "command",
    "end_threads_and_exit_functions",
    "let_signals_through",
    "signals_kept",
    "tell_success",
    "tried",
]

_LIMIT = 600.0
"""Seconds that a trial may take."""


def command() -> list[str]:
    """Return the command line of this process, interpreter and its options included."""
    return [sys.executable, *sys.orig_argv[1:]]


async def tried(folder: str, handover: Handover, environment: Mapping[str, str]) -> str | None:
    """Load the application in a fresh interpreter. Returns the reason if that fails.

    `environment` is added to that of this process.
    """
    try:
        return await _tried(folder, handover, environment)
    except OSError as error:
        where = "" if error.filename is None else f": {error.filename}"
        return f"the interpreter can't be run again: {error.strerror}{where}"


async def _tried(folder: str, handover: Handover, environment: Mapping[str, str]) -> str | None:
    """Do what `tried` does. Raises OSError.

    `environment` is added to that of this process.

    The interpreter says by a pipe that it has loaded all, and the end of the pipe is its end: other code of this
    process may take the exit status of any child.
    """
    with contextlib.ExitStack() as opened:
        # A file, for programs that the application starts may hold a pipe open, and go on.
        said = opened.enter_context(_unnamed_file())
        reader, writer = os.pipe()
        opened.callback(os.close, reader)
        with contextlib.ExitStack() as passed:
            passed.callback(os.close, writer)
            handover.descriptors["result"] = writer
            message, variable = handover.put()
            passed.callback(os.close, message)
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - this very program; it returns at once
                command(),
                cwd=folder,
                env={**os.environ, **environment, **variable},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                pass_fds=[message, writer],
            )
        try:
            answer = await asyncio.wait_for(_read(reader), _LIMIT)
            await _wait(process)
        except TimeoutError:
            return f"a fresh interpreter has not loaded it within {_LIMIT:g} s"
        finally:
            process.kill()
            process.wait()
        if answer == _SUCCESS:
            return None
        said.seek(0)
        return _reason(said.read().decode("utf-8", "replace"), process.returncode)


def _unnamed_file() -> BinaryIO:
    # There may be no folder for temporary files that the process may write to.
    return os.fdopen(os.memfd_create("appsnap"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


async def _wait(process: subprocess.Popen[bytes]) -> None:
    """Let a process end. It gets some seconds: the code that it has loaded may have started threads."""
    for _ in range(_ROUNDS):
        if process.poll() is not None:
            return
        await asyncio.sleep(_ROUND)


_ROUNDS = 300
_ROUND = 0.01

_LONGEST = 1000
"""Characters of a reason."""

_SUCCESS = b"loaded"


def tell_success(handover: Handover) -> None:
    """Tell the process that has begun the trial that the application was loaded."""
    with os.fdopen(handover.descriptors["result"], "wb") as pipe:
        pipe.write(_SUCCESS)


async def _read(descriptor: int) -> bytes:
    """Read a success, or until all other ends of a pipe are closed."""
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    data = b""
    while data != _SUCCESS:
        ready = loop.create_future()
        loop.add_reader(descriptor, _set, ready)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
        with contextlib.suppress(BlockingIOError):
            piece = os.read(descriptor, 4096)
            if not piece:
                break
            data += piece
    return data


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _reason(said: str, code: int) -> str:
    """Return the error of the other process in one line, or its last words."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line.partition("appsnap: error: ")[2].strip() for line in lines if line.startswith("appsnap: error: ")]
    if errors:
        return shortened("; ".join(errors), _LONGEST)
    if code < 0:
        return f"a fresh interpreter was killed by signal {-code}"
    return shortened(escaped(lines[-1]), _LONGEST) if lines else "a fresh interpreter ended without a word"


def begin_trial() -> None:
    """End with the process that has begun this trial, and before it where memory runs short."""
    forked.prepare()
    forked.be_subordinate()


def end_threads_and_exit_functions() -> None:
    """Do what Python does at the exit: wait for threads, and call the functions of `atexit`. A new image does neither.

    Pools end their threads and processes then, temporary folders are removed, and logs are written.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - it alone knows the threads of pools
    atexit._run_exitfuncs()  # noqa: SLF001 - Python has no other way


@contextlib.contextmanager
def signals_kept() -> Iterator[int]:
    """Keep signals for the next process image: pending ones, and those that another thread takes.

    Yields the descriptor of a pipe. It has the numbers of the signals that this process has taken since.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    # The handlers of those that came before run here.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)
        let_signals_through()


def let_signals_through() -> None:
    """Take the signals that are pending, and those that come."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)


def again(folder: str, handover: Handover, environment: Mapping[str, str]) -> NoReturn:
    """Run the command line of this process again, in its place. Raises AppsnapError if that fails."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
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
