"""The fuzzer of uses: values that any file may make have to be safe to use, not only safe to make.

A *case* is some values in the form of expressions, drawn by a seed and a number. Each is written as a stranger's file
and loaded without trust. In another process, each use in `USES` is then tried on each value. An exception is an answer.
A finding is a signal, more processor time than `MOST_SECONDS`, and more memory than `MOST_MEMORY`.
"""

from __future__ import annotations

import contextlib
import copy
import faulthandler
import gc
import importlib
import io
import itertools
import os
import pickle
import resource
import signal
import sys
import threading
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap import snapshot
from appsnap.cli.service_tree import lines
from appsnap.errors import AppsnapError
from fuzzing.drawn import case
from fuzzing.expressions import replaced, spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fuzzing.expressions import Expression

__all__ = ["USES", "Outcome", "fuzz_uses", "least", "try_cases"]

MOST_SECONDS = 8
"""Of processor time, for all uses of the few small values of a case."""

MOST_MEMORY = 1 << 30
"""Bytes of address space beyond those of the process before."""

_BATCH = 50
"""Cases that one process tries."""

_SMALL_STACK = 1 << 20


def _each_other(value: Any, others: Sequence[Any]) -> None:
    for other in others:
        if range in (type(value), type(other)):
            continue  # Python looks through all of its numbers for one that is no integer
        for operate in (
            lambda a, b: a == b, lambda a, b: a != b, lambda a, b: a < b, lambda a, b: a + b, lambda a, b: a - b,
            lambda a, b: a // b, lambda a, b: a % b, lambda a, b: {a, b}, lambda a, b: {a: 1}[b], lambda a, b: a in b,
            lambda a, b: a[b], lambda a, b: a | b,
        ):  # fmt: skip
            with contextlib.suppress(Exception):
                operate(value, other)
        if type(other) is int and abs(other) < 100:
            with contextlib.suppress(Exception):
                _ = value * other


def _print(value: Any, _: Any) -> None:
    if isinstance(value, BaseException):
        "".join(traceback.format_exception(value))


def _copy(value: Any, _: Any) -> None:
    copied = copy.copy(value)
    if copied is not value:
        repr(copied)
        str(copied)
        _print(copied, None)


def _in_a_thread(value: Any, _: Any) -> None:
    def use() -> None:
        for look in (repr, hash, copy.copy, lambda x: x == x):  # noqa: PLR0124 - equal to itself
            with contextlib.suppress(Exception):
                look(value)

    before = threading.stack_size(_SMALL_STACK)
    thread = threading.Thread(target=use)
    thread.start()
    threading.stack_size(before)
    thread.join()


def _zeros(value: Any, _: Any) -> None:
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.dtype) and value.itemsize < 1_000_000:
        repr(numpy.zeros(2, value))


def _sort(value: Any, others: Sequence[Any]) -> None:
    # A number of numpy goes through all numbers of a range.
    sorted([x for x in (value, *others) if type(x) is not range], key=lambda x: (x is None, x))


def _few(value: Any, _: Any) -> None:
    for item in itertools.islice(value, 50):
        repr(item)


USES: dict[str, Callable[[Any, Sequence[Any]], object]] = {
    "hash": lambda value, _: hash(value),
    "repr": lambda value, _: repr(value),
    "str": lambda value, _: str(value),
    "format": lambda value, _: format(value, ">10"),
    "print": _print,
    "lines": lambda value, _: [*lines(value, 5)],
    "len": lambda value, _: len(value),
    "bool": lambda value, _: bool(value),
    "iter": _few,
    "operators": _each_other,
    "sort": _sort,
    "copy": _copy,
    "key": lambda value, _: value["x"],
    "deepcopy": lambda value, _: copy.deepcopy(value),
    "pickle": lambda value, _: pickle.loads(pickle.dumps(value)),
    "dumps": lambda value, _: snapshot.dumps(value, "msgpack"),
    "bytes": lambda value, _: None if type(value) is range or hasattr(value, "__index__") else bytes(value),
    "zeros": _zeros,
    "buffer": lambda value, _: memoryview(value).tolist(),
    "float": lambda value, _: float(value),
    "attributes": lambda value, _: [getattr(value, name, None) for name in dir(value) if not name.startswith("__")],
    "thread": _in_a_thread,
}
"""The uses, in this order. Each takes a value and the other values of its case."""


# In a process of its own


def _try(expressions: Sequence[Expression], say: Callable[[str], object]) -> None:
    """Load the values of a case and use them. `say` gets a word before each step."""
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)  # its signal ends the process, even while C code runs
    say("load")
    values = []
    for expression in expressions:
        with contextlib.suppress(AppsnapError):
            values += snapshot.loads(spelled([expression]))
    for name, use in USES.items():
        for value in values:
            say(name)
            try:
                with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                    use(value, values)
            except MemoryError:
                say(f"{name} without end")
                os._exit(1)
            except Exception:  # noqa: BLE001 - an answer
                pass
    say("free")
    value = None
    used = len(values)
    values.clear()
    gc.collect()
    say(f"used {used}")


def _child(cases: Iterable[Sequence[Expression]], write: int) -> None:
    status = 1
    try:
        faulthandler.disable()
        warnings.simplefilter("ignore")
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_memory() + MOST_MEMORY,) * 2)
        for expressions in cases:
            _try(expressions, lambda text: os.write(write, f"{text}\n".encode()))
        status = 0
    except MemoryError:
        os.write(write, b"memory\n")
    finally:
        os._exit(status)


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


class Outcome(NamedTuple):
    """The outcome of one case: how many values were used, and the fault, or an empty text."""

    used: int
    fault: str


def try_cases(cases: Sequence[Sequence[Expression]]) -> Iterator[Outcome]:
    """Try cases, one after the other, in a process of their own, and in a new one if it ends."""
    while cases:
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            _child(cases, write)
        os.close(write)
        with os.fdopen(read, "rb") as file:
            said = file.read().decode().splitlines()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        done = [int(line.removeprefix("used ")) for line in said if line.startswith("used ")]
        yield from (Outcome(used, "") for used in done)
        cases = cases[len(done) :]
        if cases:
            fault = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit {status}"
            yield Outcome(0, f"{fault} at {said[-1] if said else 'the start'}")
            cases = cases[1:]


# The search


def least(expressions: Sequence[Expression], fault: str) -> Sequence[Expression]:
    """Return smaller values with the same fault: without some of them, and with simpler parts."""

    def fails(some: Sequence[Expression]) -> bool:
        return next(try_cases([some])).fault == fault

    smaller = True
    while smaller:
        smaller = False
        for at in reversed(range(len(expressions))):
            shorter = [*expressions[:at], *expressions[at + 1 :]]
            if shorter and fails(shorter):
                expressions, smaller = shorter, True
        for at, expression in enumerate(expressions):
            for simpler in itertools.islice(replaced(expression), 60):
                tried = [*expressions[:at], simpler, *expressions[at + 1 :]]
                if fails(tried):
                    expressions, smaller = tried, True
                    break
    return expressions


def fuzz_uses(numbers: Iterable[int], seed: int) -> Iterator[tuple[int, Outcome, Sequence[Expression]]]:
    """Try the cases of some numbers. Yield the number of each, its outcome, and the values of a finding, made smaller.

    Values with a fault that was found already aren't made smaller.
    """
    for name in ("numpy", "zoneinfo", "asyncio", "tzdata"):
        importlib.import_module(name)  # here, not in each process
    known: set[str] = set()
    waiting = iter(numbers)
    while batch := [*itertools.islice(waiting, _BATCH)]:
        cases = [case(Random(f"{seed} {number}")) for number in batch]
        for number, expressions, outcome in zip(batch, cases, try_cases(cases), strict=True):
            new = outcome.fault and outcome.fault not in known
            known.add(outcome.fault)
            found = least(expressions, outcome.fault) if new else expressions if outcome.fault else ()
            yield number, outcome, found
