"""The background: the command starts itself anew, and returns when the application runs.

The new process keeps the terminal until then: it may ask for a passphrase, and its errors go to the same stderr.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from appsnap import listening
from appsnap.runner.handover import Handover
from appsnap.runner.restart import command, let_signals_through
from appsnap.runner.signals import Stopped

if TYPE_CHECKING:
    from appsnap.runner.logs import Log

__all__ = ["launch", "leave_terminal", "point_output_to", "tell_ready"]

_READY = b"READY=1\n"


def launch() -> int:
    """Start this command line in the background. Returns 0 when the application runs, or else its exit code."""
    reader, writer = os.pipe()
    # They are for the process with the number of this one.
    listening.take_systemd()
    sockets = listening.duplicates()
    message, variable = Handover("daemon", {"ready": writer}, sockets).put()
    passed = [message, writer, *(one.descriptor for one in sockets)]
    # It waits until there is somebody to pass it on to. The new process waits likewise.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        process = subprocess.Popen(command(), env={**os.environ, **variable}, pass_fds=passed)  # noqa: S603 - this very program
    except OSError:
        let_signals_through()
        raise
    finally:
        for descriptor in passed:
            os.close(descriptor)
    listening.close_unused()
    # Ctrl-C goes to both processes. The new one ends then, and its exit code tells how.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        let_signals_through()
        with os.fdopen(reader, "rb") as pipe:
            if pipe.read() == _READY:
                process.returncode = 0  # nobody waits for its end any more
                return 0
    except Stopped:
        process.terminate()
    code = process.wait()
    return code if code >= 0 else 128 - code


def tell_ready(handover: Handover) -> None:
    """Tell the command that waits that the application runs."""
    # The command may have been killed.
    with contextlib.suppress(BrokenPipeError), os.fdopen(handover.descriptors["ready"], "wb") as pipe:
        pipe.write(_READY)


def leave_terminal(log: Log | None) -> None:
    """Go into a session of its own. Output goes to the log file from now on, or nowhere without one."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.close(nothing)
    point_output_to(log)


def point_output_to(log: Log | None) -> None:
    """Let stdout and stderr go to the log file, if there is one."""
    if log is not None and log.descriptor is not None:
        os.dup2(log.descriptor, 1)
        os.dup2(log.descriptor, 2)
