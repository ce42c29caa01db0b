"""When and how a running application is saved: by a forked child where the system can, else in the process.

Never two saves at once. A save that fails costs that save alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from appsnap import running, sections
from appsnap.errors import AppsnapError
from appsnap.files.layers import Wrapping
from appsnap.interfaces import IService
from appsnap.kinds import documents
from appsnap.kinds.header import Header, distributions_of
from appsnap.printable import escaped, in_words, shortened
from appsnap.recipe.freeze import Notes
from appsnap.recipe.values.ways import import_wanted
from appsnap.runner import forked
from appsnap.runner.asking import Asked
from appsnap.runner.generations import Generation
from appsnap.runner.hooks import around_snapshot
from appsnap.snapshot import saving
from appsnap.twisted_services import adapted

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.kinds import Kind
    from appsnap.kinds.header import Signer
    from appsnap.runner.generations import Generations

    Report = Callable[[Literal["info", "warning", "error"], str], object]

__all__ = ["Layers", "Saver"]

_PATIENCE = 10.0
"""Seconds that a save waits for critical sections."""


@dataclass(frozen=True, slots=True)
class Layers:
    """How generations are written: as the file was that the application comes from.

    `prepare` is the function that a load calls first.
    """

    kind: Kind = "pickle"
    passphrase: str | None = field(default=None, repr=False)
    recipients: tuple[str, ...] = ()
    compress: bool = False
    armor: bool = False
    prepare: str | None = None
    sign: bool = True
    trusted_as_a_whole: bool = True

    def wrapping(self, work_factor: int | None = None) -> Wrapping:
        """Return the layers around the document."""
        return Wrapping(self.passphrase, self.recipients, self.compress, self.armor, work_factor)


class Saver:
    """Saves an application.

    `autosave` is the time from the end of a save to the next one, in seconds; 0 is never. A forked child that stands
    still for `timeout` seconds is killed. `report` gets the lines to log. `resumed` is the generation that the
    application comes from, if any. Generations with a number below `since` are never removed. `changed` is called when
    the status has changed.
    """

    def __init__(
        self,
        application: Any,
        generations: Generations,
        layers: Layers,
        *,
        autosave: float,
        timeout: float,
        report: Report,
        resumed: Generation | None = None,
        since: int = 0,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self._application = application
        self._generations = generations
        self._layers = layers
        self._autosave = autosave
        self._timeout = timeout
        self._report = report
        self._changed = changed
        self._last = resumed
        self._since = since
        self._digest: str | None = None  # of the last generation
        self._due: asyncio.Future[None] | None = None  # of the next save, which hasn't begun
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._finishing = False
        self._can_fork = forked.can_fork()
        self._asked = Asked()
        self._status_fails = False
        self._measured: dict[str, Any] = {}  # of the last save that began
        name = getattr(adapted(IService, application), "name", None)
        self.status: dict[str, Any] = {
            "name": name if isinstance(name, str) else None,
            "pid": os.getpid(),
            "how": "fork" if self._can_fork else "in process",
            "generation": None if resumed is None else resumed.number,
            "saved": None,
            "size": None,
            "pause_ms": None,
            "pause_max_ms": None,
            "save_s": None,
            "unchanged": 0,
            "failed": None,
            "refused": None,
            "since": since,
            "began": None,
        }
        if resumed is not None:
            with contextlib.suppress(OSError):
                found = os.stat(resumed.path, follow_symlinks=False)  # noqa: PTH116 - a path of ours is a text
                self.status |= {"size": found.st_size, "saved": _utc(found.st_mtime)}

    def warm_up(self) -> None:
        """Save into nothing, so that a forked child has nothing left to import. Objects that no file holds are told.

        This is for the time before privileges are dropped: later, modules may not be readable any more.
        """
        if self._can_fork:
            forked.prepare()
        import_wanted()
        self._generations.remove_leftovers()
        notes = Notes()
        seal = self._seal()
        header = Header(self._layers.kind)
        try:
            document = documents.write_document(self._application, header, seal, notes)
            if self._last is not None:
                self._digest = document.digest
            for line in notes.lines():
                self._report("info", line)
        except Exception as error:  # noqa: BLE001 - a state may fail in any way
            self._report("warning", f"the application can't be saved as it is now: {_in_words(error)}")
        with contextlib.suppress(AppsnapError):
            documents.write_document([lambda: None, Header, _UNSAVEABLE], header, seal, Notes())
        distributions_of(["click"])  # one that is always there
        try:
            saving.write(
                {},
                self._next().path,
                self._layers.kind,
                wrapping=self._layers.wrapping(work_factor=1),
                seal=seal,
                notes=Notes(),
                check=_stop,
            )
        except _StoppedError:
            pass
        except (AppsnapError, OSError) as error:
            self._report("warning", f"no generation can be written now: {_in_words(error)}")

    def start(self) -> None:
        """Begin with the autosaves. The first one comes in `autosave` seconds."""
        self._finishing = False
        self._arm()
        self.update_status()

    def request(self) -> asyncio.Future[None]:
        """Return the result of a save that begins after this call. All that ask before it begins share it."""
        if self._due is None:
            loop = asyncio.get_running_loop()
            self._due = loop.create_future()
            self._due.add_done_callback(_retrieve)
            if self._task is None or self._task.done():
                self._task = loop.create_task(self._save_all(), name="appsnap saver")
        waiter = asyncio.shield(self._due)
        waiter.add_done_callback(_retrieve)
        return waiter

    async def saved(self) -> None:
        """See `sections.saved`."""
        await self.request()

    async def finish(self) -> None:
        """End the autosaves, wait for a save under way, and save once more. Raises the error of that save."""
        self._finishing = True
        if self._timer is not None:
            self._timer.cancel()
        await self.request()

    def update_status(self, **facts: Any) -> None:
        """Change facts of the status, and write it to the folder."""
        self.status |= facts
        try:
            self._generations.write_status(self.status)
            self._status_fails = False
        except OSError as error:
            if not self._status_fails:
                self._report("warning", f"the status can't be written: {_in_words(error)}")
            self._status_fails = True
        self._changed()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._autosave and not self._finishing:
            self._timer = asyncio.get_running_loop().call_later(self._autosave, self.request)

    async def _save_all(self) -> None:
        while self._due is not None:
            due = self._due
            try:
                await self._save(due)
            except Exception as error:  # noqa: BLE001 - a state may fail in any way
                self._failed(error)
                if not due.done():
                    due.set_exception(error)
            else:
                if not due.done():
                    due.set_result(None)
            finally:
                if self._due is due:  # it ended before it began
                    self._due = None
                if not due.done():
                    due.cancel()
            self._arm()

    async def _save(self, due: asyncio.Future[None]) -> None:
        try:
            for _ in range(_MOST_FORKS if self._can_fork else 0):
                if await self._try(due, in_child=True):
                    return
            await self._try(due, in_child=False)
        except forked.StoodStill as error:
            self._generations.remove_leftovers()
            self._report(
                "warning",
                f"{error}: another thread may have held a lock when it was forked; "
                "the application is saved in this process now, and stands still meanwhile",
            )
            await self._try(due, in_child=False)

    async def _try(self, due: asyncio.Future[None], *, in_child: bool) -> bool:
        """Save once. Returns whether it is done: a child may have met objects that have to be asked before its fork."""
        child = facts = None
        notes = Notes()
        async with sections.closed(_PATIENCE, lambda line: self._report("warning", line)):
            if self._due is due:
                self._due = None
            began, now = time.monotonic(), time.time()
            try:
                with around_snapshot(self._application, lambda error: self._report("error", str(error))):
                    if in_child:
                        import_wanted()
                        with running.application():
                            self._asked.ask(notes)
                        try:
                            child = forked.Child(lambda: self._write_in_child(notes))
                        except OSError as error:
                            self._report("warning", f"no process can be forked: {_in_words(error)}")
                            in_child = False
                    if child is None:
                        facts = self._write(notes)
            finally:
                notes.taken.clear()  # the child has its own; here they would keep objects alive
                pause = round((time.monotonic() - began) * 1000, 3)
                # They come into the status when the save has ended: `began` tells others that this one has.
                self._measured = {
                    "pause_ms": pause,
                    "pause_max_ms": max(pause, self.status["pause_max_ms"] or 0),
                    "how": "fork" if in_child else "in process",
                    "began": began,
                }
        if child is not None:
            facts = await child.outcome(self._timeout)
        assert facts is not None
        if "unasked" in facts:
            return not self._asked.add(facts["unasked"]) and await self._try(due, in_child=False)
        self._succeeded(facts, now, time.monotonic() - began)
        return True

    def _write_in_child(self, notes: Notes) -> dict[str, Any]:
        notes.asks = False
        try:
            return self._write(notes)
        except saving.Unasked as error:
            return {"unasked": error.addresses}

    def _write(self, notes: Notes) -> dict[str, Any]:
        """Write a generation, and return facts. This may run in a forked child."""
        there = self._last in self._generations.list()
        generation = self._next()
        with running.application():
            document = saving.write(
                self._application,
                generation.path,
                self._layers.kind,
                wrapping=self._layers.wrapping(),
                seal=self._seal(),
                notes=notes,
                prepare=self._layers.prepare,
                unless=self._digest if there else None,
                check=lambda *_: forked.check_parent(),
            )
        if document is None:
            return {"unchanged": True}
        facts: dict[str, Any] = {
            "unchanged": False,
            "digest": document.digest,
            "generation": [generation.number, generation.name, str(generation.path)],
            "size": self._generations.size_of(generation),
        }
        try:
            self._generations.prune(self._since)
        except OSError as error:
            facts["warning"] = f"an old generation can't be removed: {_in_words(error)}"
        return facts

    def _next(self) -> Generation:
        name = self.status["name"]
        return self._generations.next(name, self._layers.kind, encrypted=self._layers.wrapping().encrypts)

    def _seal(self) -> Signer | None:
        return saving.signer(sign=self._layers.sign, trusted_as_a_whole=self._layers.trusted_as_a_whole)

    def _succeeded(self, facts: dict[str, Any], now: float, seconds: float) -> None:
        if "warning" in facts:
            self._report("warning", facts["warning"])
        if self.status["failed"]:
            self._report("info", "the application is saved again")
        if facts["unchanged"]:
            self.status["unchanged"] += 1
        else:
            number, name, path = facts["generation"]
            self._last = Generation(number, name, Path(path))
            self._digest = facts["digest"]
            self.status |= {"generation": self._last.number, "size": facts["size"]}
        self.update_status(**self._measured, saved=_utc(now), save_s=round(seconds, 3), failed=None)

    def _failed(self, error: Exception) -> None:
        text = _in_words(error)
        self._report("error", f"not saved: {text}")
        with contextlib.suppress(OSError):
            self._generations.remove_leftovers()
        self.update_status(**self._measured, failed=shortened(text, _LONGEST))


_MOST_FORKS = 3
"""Forks for one save, while new objects turn up that have to be asked before."""

_LONGEST = 500
"""Characters of an error in the status. A log has all of it."""

_UNSAVEABLE = (character for character in "")


class _StoppedError(Exception):
    """A rehearsal has come to its end."""


def _stop(*_: object) -> NoReturn:
    raise _StoppedError


def _utc(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _retrieve(future: asyncio.Future[None]) -> None:
    """Take the error of a future that nobody may wait for. It has been reported."""
    if not future.cancelled():
        future.exception()


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror[:1].lower() + error.strerror[1:]
        return escaped(reason if error.filename is None else f"{error.filename}: {reason}")
    return str(error) if isinstance(error, AppsnapError) else escaped(in_words(error))
