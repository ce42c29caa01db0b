"""The program of a process: it saves an application in all kinds, or loads and uses one.

`worker.py control NAME FOLDER OUT`, `worker.py save NAME FOLDER OUT KIND…` or `worker.py (load|stranger) NAME FOLDER
OUT KIND`. Files are in the folder `OUT`. Each line of its `lines.json` is a stage that has begun, or its end: a process
that hangs or dies is judged by its last line.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import inspect
import json
import sys
import traceback
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import appsnap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

EXTENSIONS = {"pickle": "tap", "source": "tas", "msgpack": "tam", "xml": "tax"}

TRIED = "msgpack"
"""The kind whose save tries the new file."""


class Worker:
    """A process for one application."""

    def __init__(self, name: str, folder: Path, out: Path) -> None:
        self.name = name
        self.folder = folder
        self.out = out
        self.kind: Any = None
        self.lines = (out / "lines.json").open("a", encoding="utf-8")

    def tell(self, **line: object) -> None:
        """Write a line for the harness."""
        print(json.dumps({"kind": self.kind, **line}), file=self.lines, flush=True)

    @contextlib.contextmanager
    def stage(self, stage: str) -> Iterator[None]:
        """Tell that a stage has begun, and with which error it ended, if any. An error is passed on."""
        self.tell(stage=stage)
        try:
            yield
        except BaseException as error:
            traceback.print_exc()
            words = str(error).strip() if isinstance(error, AssertionError) else ""
            self.tell(stage=stage, error=words or f"{type(error).__name__}: {error}".strip())
            raise

    async def control(self) -> None:
        """Build the application, and use it as it is: that works without appsnap."""
        script, app, _ = await self.built()
        with self.stage("use"):
            await self.result(script.use(app, self.folder))
        self.tell(stage="exit")

    async def built(self) -> tuple[ModuleType, Any, Any]:
        """Return the script, its application and the facts of that."""
        with self.stage("import"):
            script = importlib.import_module(f"apps.{self.name}")
        self.tell(versions={name: metadata.version(name) for name in script.PACKAGES})
        with self.stage("build"):
            app = await self.result(script.build(self.folder))
        with self.stage("facts"):
            return script, app, plain(script.facts(app))

    async def save(self, kinds: list[str]) -> None:
        """Build the application, and save it in each kind, twice."""
        script, app, facts = await self.built()
        (self.out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
        for self.kind in kinds:
            with contextlib.suppress(Exception), self.stage("save"):
                path = self.out / f"application.{EXTENSIONS[self.kind]}"
                notes: list[str] = []
                tried = self.kind == TRIED
                appsnap.save(app, path, kind=self.kind, sign=False, note=notes.append, verify=tried, **options(script))
                self.tell(notes=[note for note in notes if "fresh interpreter" in note])
                (self.out / f"again.{self.kind}").write_bytes(self.bytes(app))
                compare(facts, plain(script.facts(app)), "the save has changed the live application")
        self.kind = None
        self.tell(stage="exit")

    async def load(self, kind: str, *, stranger: bool = False) -> None:
        """Load the application of a kind, compare it, save it again, use it, and save it once more."""
        self.kind = kind
        snapshot = appsnap.open_snapshot(self.out / f"application.{EXTENSIONS[kind]}")
        with self.stage("load"):
            trust: Any = appsnap.EVERYTHING
            if stranger:
                snapshot = snapshot.as_strangers()
                trust = names(snapshot)
                self.tell(names=len(trust), code=len(snapshot.code))
            app = snapshot.build(trust)
        script = importlib.import_module(f"apps.{self.name}")
        with self.stage("facts"):
            compare(json.loads((self.out / "facts.json").read_text(encoding="utf-8")), plain(script.facts(app)))
        if not stranger:
            with self.stage("save again"):
                again = self.bytes(app)
            if kind != "pickle" and again != (self.out / f"again.{kind}").read_bytes():
                (self.out / f"restored.{kind}").write_bytes(again)
                self.tell(bytes="carries code by value" if snapshot.code else "")
        with self.stage("use"):
            await self.result(script.use(app, self.folder))
        if not stranger:
            with self.stage("save after use"):
                self.bytes(app)
        self.tell(stage="exit")

    def bytes(self, app: object) -> bytes:
        """Return the snapshot of the application as the kind has it, the same each time."""
        return bytes(appsnap.dumps(app, self.kind))

    async def result(self, value: Any) -> Any:
        """Return the result of a function that may be asynchronous."""
        if not inspect.iscoroutine(value):
            return value
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(value)
        return await value


def options(script: ModuleType) -> dict[str, Any]:
    """Return the arguments of a save that the script asks for."""
    return {"prepare": script.PREPARE} if hasattr(script, "PREPARE") else {}


def names(snapshot: appsnap.Snapshot) -> list[str]:
    """Return a grant for each name that the audit lists as not trusted."""
    try:
        snapshot.build()
    except appsnap.NotTrusted as error:
        return [want.grant for want in error.wants]
    return []


def plain(facts: object) -> Any:
    """Return facts as JSON has them."""
    return json.loads(json.dumps(facts))


def compare(wanted: Any, found: Any, words: str = "other facts") -> None:
    """Raise AssertionError with the first fact that differs."""
    if wanted == found:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in {**wanted, **found}:
            compare(wanted.get(name), found.get(name), f"{words}: {name}" if ":" not in words else f"{words}.{name}")
    raise AssertionError(f"{words}: {found!r:.100} instead of {wanted!r:.100}")


def main(job: str, name: str, folder: str, out: str, *kinds: str) -> None:
    """Do the job, inside of an event loop only where the script asks for that."""
    worker = Worker(name, Path(folder), Path(out))
    if job == "control":
        work = worker.control()
    elif job == "save":
        work = worker.save([*kinds])
    else:
        work = worker.load(kinds[0], stranger=job == "stranger")
    if in_loop(name):
        asyncio.run(work)
    else:
        finish(work)


def in_loop(name: str) -> bool:
    """Tell whether a script has `IN_LOOP`, without an import of it: a load comes before that."""
    spec = importlib.util.find_spec(f"apps.{name}")
    assert spec is not None
    assert spec.origin is not None
    return "\nIN_LOOP = True\n" in Path(spec.origin).read_text(encoding="utf-8")


def finish(work: Any) -> None:
    """Run a coroutine that waits for nothing, without a loop."""
    with contextlib.suppress(StopIteration):
        work.send(None)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception:  # noqa: BLE001 - told, with its traceback
        sys.exit(1)
