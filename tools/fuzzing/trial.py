"""The trial of one mutant, and its finding."""

from __future__ import annotations

import ctypes
import gc
import importlib
import math
import os
import pickle
import pickletools
import re
import signal
import struct
import sys
import traceback
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from appsnap import snapshot
from appsnap.errors import AppsnapError
from appsnap.files import age, zstd
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.limits import LIMITS, steps_of
from appsnap.recipe import steps
from appsnap.recipe.build import build
from appsnap.recipe.steps import Ref
from appsnap.recipe.trust import Trust
from fuzzing.binary import body_start
from fuzzing.goldens import IDENTITY, PASSPHRASE, TRUST, prepare
from vectors.trial import MOST_BYTES, MOST_SECONDS, look, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.recipe.steps import Recipe

__all__ = ["Finding", "Trial"]

_IMPORTABLE = frozenset(
    {
        *("appsnap", "asyncio", "defusedxml", "encodings", "importlib", "numpy", "tzdata", "unicodedata", "xml"),
        *("zoneinfo", "harmless", "shop", "zoo"),
        *("_sqlite3", "_ssl", "sqlite3", "ssl"),  # those of the ways for databases and sockets
        "_sha2",  # imported by random for a seed of text
    }
)
"""Modules that appsnap imports for some values, and the modules of the trusted classes."""

_HARMLESS = frozenset(
    [
        *(("harmless", name) for name in ("Plain", "Other", "Slots", "Hooked", "Numbers", "Table", "Group", "Pair")),
        *(("harmless", name) for name in ("Color", "ByKeyword", "Outer.Inner")),
        *(("zoo", name) for name in ("Node", "Data", "FrozenSlots", "MyTuple", "MyInt", "MyStr", "Access")),
    ]
)
"""The only classes for Python's own unpickler: they have no side effects."""


class _TooLongError(BaseException):
    """Raised by a timer. No `except Exception` catches it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: its report, and a mark that is equal for equal faults, as far as possible."""

    mark: str
    report: str


class Trial:
    """Try one mutant of a kind: a call takes its bytes, and returns a finding or None."""

    def __init__(self, kind: str) -> None:
        prepare()
        self._kind = kind
        self._harmless: Any = importlib.import_module("harmless")
        self._difference: Callable[[Any, Any], str | None] = importlib.import_module("isomorphism").difference
        self._trusts = (Trust(), Trust(TRUST))
        kinds = [f"appsnap.kinds.{one}" for one in KINDS]
        for name in ("zoo", "shop", "numpy", "zoneinfo", "asyncio", "importlib.metadata", *kinds):
            importlib.import_module(name)
        self._modules = len(sys.modules)
        self._environment = dict(os.environ)
        self._memory = _new_peak()

    def __call__(self, data: bytes) -> Finding | None:
        """Return a finding, or None."""
        before = signal.signal(signal.SIGPROF, _interrupt)
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                # A file may make a socket that isn't connected, and nobody here closes it.
                warnings.simplefilter("ignore", ResourceWarning)
                self._try(data)
        except _TooLongError as error:
            if any(frame.name == "_differs" for frame in traceback.extract_tb(error.__traceback__)):
                return None  # this program is slow, not appsnap
            return _finding(error, f"more than {MOST_SECONDS} s")
        except Exception as error:  # noqa: BLE001 - every error is a finding
            return _finding(error, f"{type(error).__name__}: {error!s:.300}")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
        if said:
            place = Path(said[0].filename).name
            return Finding(f"{said[0].category.__name__} in {place}", f"a warning: {said[0].message}")
        return self._effects()

    def _effects(self) -> Finding | None:
        """Look for effects on the process, undo them, and return a finding or None."""
        if len(sys.modules) > self._modules:
            new = [name for name in list(sys.modules)[self._modules :] if name.partition(".")[0] not in _IMPORTABLE]
            self._modules = len(sys.modules)
            if new:
                return Finding(f"imported {new[0]}", f"imported {new}")
        harmless = self._harmless
        if harmless.called or harmless.settings != {"live": True}:
            report = f"called {harmless.called!r:.200}, settings {harmless.settings!r:.200}"
            harmless.called.clear()
            harmless.settings.clear()
            harmless.settings["live"] = True
            return Finding("called or changed", report)
        if dict(os.environ) != self._environment:
            changed = set(os.environ) ^ set(self._environment)
            os.environ.clear()
            os.environ.update(self._environment)
            return Finding("environment", f"os.environ changed: {changed}")
        memory = _peak()
        if memory > self._memory + MOST_BYTES:
            self._memory = _new_peak()
            return Finding("memory", f"{memory >> 20} MiB at the peak")
        return None

    def _try(self, data: bytes) -> None:
        kind = self._kind
        try:
            if kind == "layers":
                data = _unwrapped(data)
                kind = "pickle"
            form = kind_named(kind)
            most = steps_of(len(data), LIMITS) if form.runs else LIMITS.steps  # as for a file that isn't compressed
            document = form.read(memoryview(data), most)
            _ = document.recipe
        except AppsnapError as error:
            _check_words(error)
            return
        look(snapshot.Snapshot(document, kind=kind_named(kind).name, size=len(data)))
        built: list[Any] = []
        for trust in self._trusts:
            try:
                built = [build(document.recipe, trust)]
            except AppsnapError as error:
                _check_words(error)
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        if built and _is_comparable(document.recipe) and not self._differs(built[0], built[0]):
            self._compare(document.recipe, built[0])
            if kind == "pickle":
                self._compare_with_python(data[body_start(data) :] if document.header else data, built[0])

    def _compare(self, recipe: Any, built: Any) -> None:
        """Check every other kind: the recipe must give the same objects there."""
        for kind in KINDS:
            try:
                data = b"".join(kind_named(kind).write(Header(kind), recipe, {}))
            except AppsnapError:
                continue
            again = build(kind_named(kind).read(memoryview(data)).recipe, self._trusts[1])
            difference = self._differs(built, again)
            assert not difference, f"as {kind}: {difference}"

    def _differs(self, one: Any, other: Any) -> str:
        """Return the first difference of two graphs. Objects without readable parts differ even from themselves."""
        try:
            return self._difference(one, other) or ""
        except Exception as error:  # noqa: BLE001 - for example, a slot without a value
            return f"{type(error).__name__}: {error}"

    def _compare_with_python(self, body: bytes, built: Any) -> None:
        """Check Python's own unpickler: if it reads the body, it must give the same objects."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                opcodes = list(pickletools.genops(body))
        except UnicodeDecodeError:
            return  # a name that isn't ASCII, which pickletools can't show
        tuples = sum(opcode.name.startswith("TUPLE") for opcode, _, _ in opcodes)
        if tuples > 24 or any("PUT" in opcode.name and int(number or 0) > 10_000 for opcode, number, _ in opcodes):
            return  # the unpickler would hash deep tuples for hours, or make a memo of the highest number
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = _Unpickler(BytesIO(body)).load()
        except Exception:  # noqa: BLE001 - it accepts less, and few names
            return
        difference = self._differs(built, theirs)
        assert not difference, f"Python's unpickler has {difference}"


class _Unpickler(pickle.Unpickler):
    """An unpickler that finds only harmless classes. This process has no extension codes, either."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _HARMLESS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(name)


def _interrupt(*_: object) -> NoReturn:
    raise _TooLongError


def _peak() -> int:
    """Return the peak of memory since the last reset, in bytes.

    Part of the peak of getrusage can't be reset.
    """
    return status("VmHWM")


def _new_peak() -> int:
    """Reset the peak of memory, and return it.

    Garbage, and free memory of the allocator, go first: later objects could use it without a new peak.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _unwrapped(data: bytes) -> bytes:
    """Remove the layers. The limit on scrypt's work is lower than in appsnap, because a trial must be fast."""
    identities: list[Any] = [age.ScryptIdentity(PASSPHRASE, max_work_factor=8), IDENTITY]
    if age.is_encrypted(data[: age.HEAD_SIZE]):
        data = b"".join(age.decrypt([data], identities))
    if zstd.is_compressed(data[: zstd.HEAD_SIZE]):
        data = b"".join(zstd.decompress([data], limit=zstd.limit_of(len(data))))
    return data


def _is_comparable(recipe: Recipe) -> bool:
    """Tell whether equal recipes give equal objects.

    The objects may differ if a set is a state or an argument, because the order of its items varies. They may differ if
    a recipe has an unusual not-a-number, because only its sign is kept.
    """
    made = [step for step in recipe.steps if type(step) in steps.MAKERS]
    handed = [
        part
        for step in recipe.steps
        if isinstance(step, (steps.Call, steps.New, steps.SetState))
        for part in steps.operands(step)[1:]
    ]
    if any(type(part) is Ref and _may_be_set(made[part], made) for part in handed):
        return False
    floats = [x for step in recipe.steps for x in steps.operands(step) if isinstance(x, float) and math.isnan(x)]
    return all(struct.pack(">d", number)[1:] == _NAN for number in floats)


def _may_be_set(step: Any, made: list[Any]) -> bool:
    by_itself = isinstance(step, (steps.Set, steps.FrozenSet, steps.Call))
    return by_itself or (isinstance(step, steps.New) and made[step.cls] in _SETS)


_SETS = (steps.Name("harmless", "Group"), steps.Name("zoo", "MySet"))
_NAN = struct.pack(">d", math.nan)[1:]


def _check_words(error: AppsnapError) -> None:
    words = f"{error} {error.hint}"
    assert str(error), "an error without words"
    assert len(words) < 100_000, "an error of too many words"


def _finding(error: BaseException, report: str) -> Finding:
    everything = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in everything if "/appsnap/" in frame.filename] or everything[-1:]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "?"
    fault = report.partition(":")[0]
    if isinstance(error, AssertionError):
        fault = re.sub(r"[^A-Za-z_.']+", " ", report)[:80].strip()  # without numbers, because they vary
    text = "".join(traceback.format_exception(error, limit=-12))
    return Finding(f"{fault} in {place}", f"{report}\n{text}")
