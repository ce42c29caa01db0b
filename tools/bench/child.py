"""One measurement, in a process of its own: `python -m bench.child WORKLOAD SUBJECT ACT SIZE SECONDS CLOCK`.

ACT is `save` or `load`, and CLOCK is `wall` or `processor`. An act of less than SECONDS is repeated until SECONDS have
passed, and the median counts. With heavy data, the least time of three acts counts. The process runs in the folder of
the benchmark, and prints one line of JSON. The line has `seconds`; `extra`, the peak of memory less the memory of the
process before the act; and `size`, the bytes of a save. Without a figure, the line has a `word` for the reason.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.plan import workload_named
from bench.subject import Skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.plan import Workload
    from bench.subject import Subject
    from bench.workloads import Data

__all__ = ["measured", "stored"]

WARM_SIZE = 40
"""Size of the object that warms up: it is saved and loaded first, so late imports aren't measured."""

HEAVY_ACTS = 3
"""Acts with heavy data. A virtual machine gets memory from its host at the first use, which can take far longer than
the act. Later acts find the memory that the first one has freed."""

MOST_SECONDS = 2
"""Seconds for all repetitions of an act, with the collections between them."""


def stored(workload: Workload, subject: Subject) -> Path:
    """Return the name of the file between saving and loading."""
    name = subject.saved_by or subject.name
    return Path(f"{workload.name}-{name}".replace(" ", "_"))


# Memory


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) << 10
    raise LookupError(key)


def _forget_peak() -> int:
    """Reset the peak of memory to the current memory, and return that in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _status("VmRSS")
    except OSError:
        return _peak()  # the peak can't be reset, so only memory beyond the earlier peak counts for the act


def _peak() -> int:
    try:
        return _status("VmHWM")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


# The act


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


def _made(subject: Subject, data: Data, size: int) -> Any:
    return (data.twisted if subject.is_twisted and data.twisted else data.make)(size)


def _saving(subject: Subject, data: Data, size: int, target: Path) -> Callable[[], Any]:
    save, obj = subject.save, _made(subject, data, size)
    if save is None:
        raise Skip("")
    if not subject.on_disk:
        return lambda: save(obj)

    def save_to_disk() -> None:
        save(obj, target)
        _flush(target)

    return save_to_disk


def _loading(subject: Subject, data: Data, size: int, source: Path) -> Callable[[], Any]:
    load = subject.load
    if load is None:
        raise Skip("")
    if subject.given is not None:
        given = subject.given(_made(subject, data, size))
    elif not source.exists():
        raise Skip("not saved")
    else:
        given = source if subject.on_disk else source.read_bytes()
    return lambda: load(given)


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def _timed(
    act: Callable[[], Any], least: float, acts: int = 1, clock: Callable[[], float] = time.perf_counter
) -> tuple[list[float], int, Any]:
    """Return the seconds of each call, the memory of the first call, and the result of the last one.

    There are at least `acts` calls, and more until the calls have taken `least` seconds.
    """
    seconds: list[float] = []
    extra = 0
    until = time.perf_counter() + MOST_SECONDS
    while len(seconds) < acts or (sum(seconds) < least and time.perf_counter() < until):
        result = None
        # A tree is a cycle. Without this, the next act would pay for freeing the result of this one, if the collector
        # runs in it. And objects to be saved have usually lived for long, in the oldest generation.
        gc.collect()
        before = 0 if seconds else _forget_peak()
        start = clock()
        result = act()
        seconds.append(clock() - start)
        extra = extra if len(seconds) > 1 else max(0, _peak() - before)
    return seconds, extra, result


def measured(
    workload: Workload, subject: Subject, act: str, size: int, least: float, *, clock: str = "wall"
) -> dict[str, Any]:
    """Measure one act, and return the record to print."""
    data = subject.data or workload.data
    path = stored(workload, subject)
    acts = HEAVY_ACTS if data.heavy else 1
    saved = 0
    _warm_up(workload, subject, data, act)
    if act == "save":
        seconds, extra, result = _timed(_saving(subject, data, size, path), least, acts, CLOCKS[clock])
        if result is not None:
            path.write_bytes(_encoded(result))
        saved = path.stat().st_size if path.exists() else 0
    else:
        seconds, extra, result = _timed(_loading(subject, data, size, path), least, acts, CLOCKS[clock])
        if subject.returns_object and not data.holds(result, size):
            raise Skip("wrong")
        if data.heavy and result is not None:
            extra = max(0, extra - size)
    return {"seconds": min(seconds) if data.heavy else median(seconds), "extra": extra, "size": saved}


def _encoded(result: bytes | str) -> bytes:
    return result.encode() if isinstance(result, str) else result


def _warm_up(workload: Workload, subject: Subject, data: Data, act: str) -> None:
    """Save a small object, and load it if the act is `load`."""
    path = Path(f"small-{os.getpid()}")
    obj = _made(subject, data, WARM_SIZE)
    save = (workload.subject(subject.saved_by) if subject.saved_by else subject).save
    if save is None or subject.load is None:
        raise Skip("")
    if subject.on_disk:
        save(obj, path)
        given: Any = path
    else:
        saved = save(obj)
        given = subject.given(obj) if subject.given else _encoded(saved)
    if act == "load":
        subject.load(given)
    path.unlink(missing_ok=True)


def _word(error: BaseException) -> str:
    match error:
        case Skip():
            return str(error)
        case MemoryError():
            return "out of memory"
    if isinstance(error, RecursionError) or isinstance(error.__cause__ or error.__context__, RecursionError):
        return "too deep"
    name = type(error).__name__
    return "refuses" if "Untrusted" in name else f"fails: {name}"


def main() -> None:
    """Print the figures of one measurement."""
    name, subject_name, act, size, least, clock = sys.argv[1:]
    workload = workload_named(name)
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    resource.setrlimit(resource.RLIMIT_AS, (most, most))  # a MemoryError here, before the system ends other processes
    try:
        found = measured(workload, workload.subject(subject_name), act, int(size), float(least), clock=clock)
    except Exception as error:  # noqa: BLE001 - the table shows any error of a peer
        found = {"word": _word(error), "error": f"{type(error).__name__}: {error}"[:500]}
    print(json.dumps(found), flush=True)
    os._exit(0)  # to free a deeply nested object would crash the interpreter


if __name__ == "__main__":
    main()
