"""Work in a forked child: it reads a copy of this process as it is now, while this process goes on.

The child has its own signal handlers, none of the sockets and pipes of this process, and no other thread. It dies with
this process. Its outcome comes back through a pipe. This is for Linux, whose descriptors of processes (`pidfd`) leave
the application's own children, and its handlers of SIGCHLD, alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import json
import logging
import math
import os
import signal
import stat
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from appsnap.errors import AppsnapError, CannotSave, Place
from appsnap.files.tasks import forbid_threads
from appsnap.printable import in_words, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Child", "StoodStill", "be_subordinate", "can_fork", "check_parent", "prepare", "stands_still"]

_FROZEN_AT_START = gc.get_freeze_count()
"""Objects that Python itself has frozen: none on 3.11, some hundred on 3.12."""

_MOST = 32 << 10
"""Bytes of an outcome. A pipe takes more, so the child never waits for a reader."""

_LEAST_USE = 0.005
"""The share of a processor that a child has to use, or else it stands still."""

_NICE = 10
_PR_SET_PDEATHSIG, _PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 1, 3, 4  # linux/prctl.h

_parent = os.getpid()
_prctl: Callable[..., int] | None = None
_silenced: Any = None


class StoodStill(AppsnapError):
    """A child waited for something that no longer happens in it: a lock that another thread held, as a rule."""


def can_fork() -> bool:
    """Tell whether this system can do all that."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def prepare() -> None:
    """Import all that a child needs. It must not do so itself: another thread may hold the lock of an import."""
    global _prctl, _silenced  # noqa: PLW0603 - they are the process's
    if _prctl is None:
        # Some Pythons are built without ctypes.
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import ctypes  # noqa: PLC0415 - as above

            prctl = ctypes.CDLL(None).prctl
            prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
            _prctl = prctl
    if _silenced is None or _silenced not in warnings.filters[:1]:
        # Python 3.12 warns of forks beside threads; the timeout is for what it warns of. A filter for each fork would
        # have every other warning that was shown once shown again.
        message = r"This process \(pid=\d+\) is multi-threaded"
        warnings.filterwarnings("ignore", message, DeprecationWarning, __name__.replace(".", r"\."))
        _silenced = warnings.filters[0]


def check_parent() -> None:
    """In a child: raise AppsnapError if its parent has ended."""
    if os.getpid() != _parent and os.getppid() != _parent:
        raise AppsnapError("the process that this one saves has ended")


def be_subordinate() -> None:
    """In a child: end with the parent, and before it where memory runs short."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # After a change of users, the files of a process in /proc are root's, unless the process may be dumped.
    dumpable = None if _prctl is None else _prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)
    if dumpable == 0 and _prctl is not None:
        _prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    try:
        with contextlib.suppress(OSError):
            fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(fd, b"1000")
            os.close(fd)
    finally:
        if dumpable == 0 and _prctl is not None:
            _prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class Child:
    """A child that does some work, from a call of the event loop. `work` returns facts that JSON has.

    Raises OSError where the system has no room for another process.
    """

    def __init__(self, work: Callable[[], dict[str, Any]]) -> None:
        global _parent  # noqa: PLW0603 - the process may be a fork itself
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        prepare()
        _parent = os.getpid()
        self._read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        most = min(_MOST, fcntl.fcntl(write, fcntl.F_GETPIPE_SZ))
        # A collection in the parent would write to all its objects, and the kernel would copy them.
        self._freezes = gc.get_freeze_count() <= _FROZEN_AT_START
        try:
            if self._freezes:
                gc.freeze()
            # A handler of the parent must not run in the child.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            try:
                self.process = os.fork()
                if self.process == 0:
                    _run(work, write, most, self._loop)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        except BaseException:
            os.close(self._read)
            self._unfreeze()
            raise
        finally:
            os.close(write)
        try:
            self._pidfd = os.pidfd_open(self.process)
        except ProcessLookupError:  # it has ended, and a handler of the application has reaped it
            self._pidfd = -1
            self._ended.set_result(None)
        else:
            self._loop.add_reader(self._pidfd, self._end)

    def _end(self) -> None:
        self._loop.remove_reader(self._pidfd)
        if not self._ended.done():
            self._ended.set_result(None)

    async def outcome(self, window: float) -> dict[str, Any]:
        """Return what the work has returned, or raise its error.

        Raises StoodStill for a child that stood still for `window` seconds, and was killed; and AppsnapError for one
        that somebody else has killed. A child that works may take any time.
        """
        still = False
        used = 0.0
        try:
            while not self._ended.done():
                await asyncio.wait([self._ended], timeout=None if math.isinf(window) else window)
                if not self._ended.done():
                    before, used = used, self._used()
                    if stands_still(used - before, window, self._state()):
                        still = True
                        self.kill()
                        await asyncio.wait([self._ended])
        except BaseException:
            self.kill()
            raise
        finally:
            status = self._reap()
        return self._result(status, window if still else None)

    def kill(self) -> None:
        """Kill the child, if it lives."""
        with contextlib.suppress(OSError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _used(self) -> float:
        """Return the processor time of the child, in seconds."""
        try:
            # The clock of the processor time of another process: `clock_getcpuclockid` of the C library.
            return time.clock_gettime((~self.process << 3) | 2)
        except OSError:  # it has just ended
            return math.inf

    def _state(self) -> str:
        """Return the state of the child as the system has it: S for one that sleeps."""
        try:
            return Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # some systems hide processes
            return "S"

    def _reap(self) -> int | None:
        """Return the signal that has killed the child, or 0, or None if it is unknown. It waits for this one alone."""
        if self._pidfd < 0:
            return None
        self._loop.remove_reader(self._pidfd)
        try:
            found = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        except ChildProcessError:  # SIGCHLD is ignored, or the application has waited for any child
            return None
        finally:
            os.close(self._pidfd)
            self._unfreeze()
        return found.si_status if found is not None and found.si_code != os.CLD_EXITED else 0

    def _unfreeze(self) -> None:
        if self._freezes:
            gc.unfreeze()
            self._freezes = False

    def _result(self, status: int | None, still: float | None) -> dict[str, Any]:
        self._unfreeze()
        data = b""
        try:
            with contextlib.suppress(BlockingIOError):
                while piece := os.read(self._read, _MOST):
                    data += piece
        finally:
            os.close(self._read)
        try:
            outcome: dict[str, Any] = json.loads(data)
        except ValueError:
            if still is not None:
                raise StoodStill(f"the saving process stood still for {still:g} s") from None
            how = f"was killed by signal {status}" if status else "ended without a result"
            raise AppsnapError(f"the saving process {how}") from None
        _raise(outcome)
        return outcome


def stands_still(used: float, window: float, state: str) -> bool:
    """Tell whether a child stands still that has used so many seconds of a processor within a window.

    One that is ready to run (R) has only to wait for its turn, and one that waits for the disk (D) isn't helped by
    another save.
    """
    return used < max(_LEAST_USE * window, 1 / os.sysconf("SC_CLK_TCK")) and state not in {"R", "D"}


# In the child


def _run(work: Callable[[], dict[str, Any]], write: int, most: int, loop: asyncio.AbstractEventLoop) -> NoReturn:
    try:
        try:
            _let_go(write)
            _calm(loop)
            outcome = _fitting(work(), most)
        except BaseException as error:  # noqa: BLE001 - the parent raises it
            outcome = _fitting(_described(error, most // 32), most)
        os.write(write, outcome)
    finally:
        os._exit(0)


def _let_go(write: int) -> None:
    """Put the null device in the place of every socket and pipe, and of the standard streams.

    A connection that the parent closes would stay open for its client else. A descriptor that is closed would become
    that of the next file, and an object of the parent that is dropped would close it there.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - texts are wanted
        fd = int(name)
        with contextlib.suppress(OSError):
            mode = os.fstat(fd).st_mode
            if fd not in (write, null) and (fd <= 2 or stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)):
                os.dup2(null, fd, inheritable=fd <= 2)


def _calm(loop: asyncio.AbstractEventLoop) -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        default = number in (signal.SIGTERM, signal.SIGCHLD)
        signal.signal(number, signal.SIG_DFL if default else signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    be_subordinate()
    check_parent()
    os.nice(_NICE)
    gc.disable()
    logging.disable(sys.maxsize)
    forbid_threads()
    # A state may refer to the loop. It doesn't run here, but it is the running one of the copy.
    asyncio._set_running_loop(loop)  # noqa: SLF001 - documented for those who run loops


def _fitting(outcome: dict[str, Any], most: int) -> bytes:
    """Return an outcome in JSON, with as many of its places as there is room for."""
    while len(data := json.dumps(outcome).encode()) > most and outcome.get("places"):
        outcome["places"] = outcome["places"][: len(outcome["places"]) // 2]
    return data


def _described(error: BaseException, longest: int) -> dict[str, Any]:
    """Return an error as facts. Each of its texts has at most so many characters."""
    if isinstance(error, CannotSave):
        fields = ((one.path, one.type, one.reason, one.advice) for one in error.places)
        return {"error": "objects", "places": [[shortened(text, longest) for text in one] for one in fields]}
    if isinstance(error, OSError) and error.errno is not None:
        file = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else None
        return {"error": "system", "number": error.errno, "text": str(error.strerror), "file": file}
    text = str(error) if isinstance(error, AppsnapError) else in_words(error)
    hint = error.hint if isinstance(error, AppsnapError) else ""
    return {"error": "other", "text": shortened(text, longest), "hint": shortened(hint, longest)}


def _raise(outcome: dict[str, Any]) -> None:
    match outcome.get("error"):
        case "objects":
            raise CannotSave([Place(*one) for one in outcome["places"]])
        case "system":
            raise OSError(outcome["number"], outcome["text"], outcome["file"])
        case "other":
            raise AppsnapError(outcome["text"], hint=outcome["hint"])
