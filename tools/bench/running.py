"""Measure applications that run, by `appsnap run`: the pause of a save, its memory, the waits beside it, a restart.

`PYTHONPATH=tools python -m bench.running [--quick] [--docs FOLDER]` prints the table. Each figure stands beside another
one of the same run: a bare fork of the same process, the wait beside another busy process, a load of the same state.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from appsnap.runner import control
from bench.facts import facts
from bench.table import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Application", "Row", "main", "measured", "table"]

TOOLS = Path(__file__).parents[1]
SIZES = {"10 MB": 10_000_000, "100 MB": 100_000_000, "1 GB": 1_000_000_000}
QUICK = {"10 MB": 100_000, "100 MB": 200_000, "1 GB": 300_000}
TURNS = {"10 MB": 9, "100 MB": 5, "1 GB": 3}
SHARED = 2.0
"""Milliseconds of a pause that are not the fork's."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a figure and another one of the same turn, and the most that `judged` may be."""

    what: str
    figure: str
    beside: str
    judged: float
    unit: str
    most: float | None = None

    @property
    def line(self) -> str:
        """The line in the table."""
        aim = "" if self.most is None else f"≤ {self.most:g} {self.unit}".rstrip()
        judged = f"{max(self.judged, 0):.3g} {self.unit}".rstrip()
        return f"| {self.what} | {self.figure} | {self.beside} | {judged} | {aim} | {self.outcome} |"

    @property
    def outcome(self) -> str:
        """The outcome of the aim, in a word."""
        if self.most is None:
            return ""
        if self.judged <= self.most:
            return "held"
        return f"**missed** by {self.judged / self.most - 1:,.0%}" if self.most else "**missed**"


@dataclass
class Application:
    """An application that runs in a folder, with a state of a kind and a size."""

    folder: Path
    kind: str
    size: int
    port: int = 0
    state: Path = field(init=False)
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.folder / f"{self.kind}-{self.size}"
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.port = probe.getsockname()[1]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its process, and of others that load its state."""
        own = {"BENCH_KIND": self.kind, "BENCH_SIZE": str(self.size), "BENCH_PORT": str(self.port)}
        path = os.pathsep.join(filter(None, [str(TOOLS), os.environ.get("PYTHONPATH", "")]))
        return os.environ | own | {"PYTHONPATH": path, "APPSNAP_CONFIG_DIR": str(self.folder / "keys")}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run it, and kill it at the end."""
        command = ["run", "bench.kept:application", "--state", str(self.state), "--autosave", "0", "--keep", "1"]
        self.process = subprocess.Popen(
            # nohup has SIGHUP ignored.
            ["env", "--default-signal=HUP", sys.executable, "-m", "appsnap", *command],
            cwd=self.folder,
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self.wait_until_running()
            yield
        finally:
            self.process.kill()
            self.process.communicate()

    def wait_until_running(self) -> None:
        """Wait for the line that says so. Raises RuntimeError with the lines before, if it doesn't come."""
        said = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if " is running as process " in line:
                return
            said.append(line)
            if "not restarted" in line:
                break
        raise RuntimeError("".join(said))

    def ask(self, line: bytes = b"request\n") -> float:
        """Send a line over a connection of its own, and return the answer."""
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall(line)
            return float(client.makefile().readline())

    def save(self) -> float:
        """Change it, save it, and return the pause in milliseconds."""
        self.ask()
        control.snapshot(str(self.state))
        pause: float = control.status(str(self.state))["pause_ms"]
        return pause

    def child(self) -> int | None:
        """Return the id of the process that saves it, or None."""
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(found[0]) if found else None

    def memory(self) -> int:
        """Return its resident memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _private(process: int) -> int:
    """Return the bytes of a process that it shares with nobody."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    found = re.search(r"^Private_Dirty:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _while_saving(application: Application, act: Callable[[int], object]) -> float:
    """Save, and do something again and again as long as the child lives. Returns the pause in milliseconds."""
    with ThreadPoolExecutor(1) as pool:
        saving = pool.submit(application.save)
        while not saving.done():
            child = application.child()
            with contextlib.suppress(OSError):
                if child is not None:
                    act(child)
            time.sleep(0.005)
        return saving.result()


def _pauses(folder: Path, kind: str, name: str, size: int, turns: int) -> Iterator[Row]:
    empty = Application(folder, kind, 1000)
    with empty.running():
        without = empty.memory()
    application = Application(folder, kind, size)
    forks: list[float] = []
    pauses: list[float] = []
    copied = 0

    def look(child: int) -> None:
        nonlocal copied
        copied = max(copied, _private(child))
        time.sleep(0.1)

    with application.running():
        data = max(application.memory() - without, 1)
        application.save()
        for _ in range(turns):
            forks.append(application.ask(b"fork\n"))
            pauses.append(application.save())
        _while_saving(application, look)
    what = f"{name} of {kind}"
    judged = median((pause - SHARED) / fork for pause, fork in zip(pauses, forks, strict=True))
    yield Row(f"{what}: pause of a save", f"{spread(pauses)} ms", f"bare fork: {spread(forks)} ms", judged, "×", 1.5)
    used = f"{copied / 1e6:,.0f} MB"
    if kind == "arrays":
        yield Row(f"{what}: copied by a save", used, f"data: {data / 1e6:,.0f} MB", copied / 1e6, "MB", 32)
    else:
        most = 1.1 if size >= SIZES["100 MB"] else None  # Python itself has some megabytes
        yield Row(f"{what}: copied by a save", used, f"data: {data / 1e6:,.0f} MB", copied / data, "×", most)


def _waits(folder: Path, kind: str, name: str, size: int) -> Iterator[Row]:
    """Compare the longest wait of a request while the child works with one while another process of nice 10 works."""
    application = Application(folder, kind, size)

    def longest(waits: list[float]) -> float:
        begin = time.perf_counter()
        application.ask()
        waits.append((time.perf_counter() - begin) * 1000)
        return waits[-1]

    with application.running():
        application.save()
        beside_save: list[float] = []
        begin = time.monotonic()
        _while_saving(application, lambda _: longest(beside_save))
        seconds = time.monotonic() - begin
        beside_other: list[float] = []
        with subprocess.Popen(["nice", "-n", "10", sys.executable, "-c", "while True: pass"]) as other:
            try:
                while time.monotonic() - begin < 2 * seconds or not beside_other:
                    longest(beside_other)
                    time.sleep(0.005)
            finally:
                other.kill()
    worst, usual = max(beside_save, default=0.0), max(beside_other)
    yield Row(
        f"{name} of {kind}: longest wait of {len(beside_save):,} requests beside a save",
        f"{worst:.0f} ms",
        f"beside another process: {usual:.0f} ms",
        worst / usual,
        "×",
        3,
    )


def _reload(folder: Path, kind: str, name: str, size: int) -> Iterator[Row]:
    """Compare the requests of two clients during a restart in place with a load of the same state."""
    application = Application(folder, kind, size)
    waits: list[float] = []
    lost: list[OSError | ValueError] = []
    ended = threading.Event()

    def client() -> None:
        while not ended.is_set():
            begin = time.perf_counter()
            try:
                application.ask()
            except (OSError, ValueError) as error:
                lost.append(error)
            waits.append(time.perf_counter() - begin)

    with application.running(), ThreadPoolExecutor(2) as pool:
        clients = [pool.submit(client) for _ in range(2)]
        try:
            time.sleep(0.5)
            application.process.send_signal(signal.SIGHUP)
            application.wait_until_running()
            time.sleep(0.5)
        finally:
            ended.set()
        for each in clients:
            each.result()
    (generation,) = application.state.glob("*.tap")
    begin = time.perf_counter()
    command = [sys.executable, "-m", "appsnap", "load", "--quiet", str(generation)]
    subprocess.run(command, cwd=folder, env=application.environment, check=True)
    load = time.perf_counter() - begin
    what = f"{name} of {kind}, SIGHUP"
    requests = f"{len(waits):,} requests"
    yield Row(f"{what}: requests lost", str(len(lost)), f"of {requests}", len(lost), "", 0)
    longest = max(waits)
    yield Row(f"{what}: longest wait", f"{longest:.2g} s", f"appsnap load: {load:.2g} s", longest / load, "×", 3)


def measured(folder: Path, *, quick: bool = False, say: Callable[[str], object] = print) -> list[Row]:
    """Measure everything."""
    sizes = QUICK if quick else SIZES
    parts: list[tuple[str, Callable[[Path], Iterator[Row]]]] = [
        *(
            (f"{name} of {kind}", partial(_pauses, kind=kind, name=name, size=size, turns=2 if quick else TURNS[name]))
            for kind, (name, size) in itertools.product(("objects", "arrays"), sizes.items())
        ),
        *(
            (f"waits beside {kind}", partial(_waits, kind=kind, name="1 GB", size=sizes["1 GB"]))
            for kind in ("objects", "arrays")
        ),
        *(
            (f"restart with {name}", partial(_reload, kind="objects", name=name, size=sizes[name]))
            for name in ("10 MB", "100 MB")
        ),
    ]
    rows: list[Row] = []
    for title, part in parts:
        say(title)
        with tempfile.TemporaryDirectory(dir=folder) as own:  # others need the disk
            for row in part(Path(own)):
                rows.append(row)
                say(f"  {row.line}")
    return rows


def table(rows: Sequence[Row], about: dict[str, str]) -> str:
    """Return the text of `docs/running-table.md`."""
    lines = [
        "# Running: the figures of a run",
        "",
        "`make bench` writes this file; [performance.md](performance.md) explains it.",
        "",
        *(f"* {name}: {fact}" for name, fact in about.items()),
        "",
        "| measurement | figure | beside it | judged | aim | outcome |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    return "\n".join([*lines, *(row.line for row in rows)]) + "\n"


def main() -> None:
    """Measure, print the table, and write it to the folder of `--docs`."""
    parser = argparse.ArgumentParser(prog="python -m bench.running", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="everything at small sizes: a test of this program")
    parser.add_argument("--docs", type=Path, metavar="FOLDER", help="write the table to FOLDER")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="appsnap-bench-") as folder:
        rows = measured(Path(folder), quick=arguments.quick, say=lambda line: print(line, file=sys.stderr, flush=True))
    about = facts(quick=arguments.quick, project=None)
    del about["versions"]
    load = f"{before:.1f} before the run, {os.getloadavg()[0]:.1f} at its end"
    text = table(rows, about | {"load average": load})
    print(text)
    if arguments.docs:
        (arguments.docs / "running-table.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
