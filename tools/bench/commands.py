"""The commands that are measured as whole processes, each with the file that it reads."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMMANDS", "TITLES", "Command"]

TITLES = {"cold": "cold start", "files": "commands on large files"}
"""The rows of commands."""


@dataclass(frozen=True, slots=True)
class Command:
    """Python with arguments. An argument `FILE` stands for a file, and the others are as they are.

    A subject saves the data of a workload to the file, at a size, and at another one for `--quick`.
    """

    row: str
    name: str
    arguments: tuple[str, ...]
    workload: str = ""
    subject: str = "appsnap pickle"
    size: int = 0
    quick: int = 0


def _appsnap(*arguments: str) -> tuple[str, ...]:
    return ("-m", "appsnap", *arguments)


COMMANDS = (
    Command("cold", "python -c pass", ("-c", "pass")),
    Command("cold", "appsnap --version", _appsnap("--version")),
    Command("cold", "appsnap show, 3 services", _appsnap("show", "FILE"), "services-file", size=3, quick=3),
    Command("cold", "appsnap save, 1,000 services", _appsnap("save", "bench.application:application", "saved.tap")),
    Command("cold", "appsnap load, 1,000 services", _appsnap("load", "saved.tap")),
    Command("files", "show, msgpack", _appsnap("show", "FILE"), "services-file", "appsnap msgpack", 100_000, 100),
    Command("files", "show, pickle", _appsnap("show", "FILE"), "services-file", size=100_000, quick=100),
    *(
        Command("files", f"{act}, array of 1 GB", _appsnap(act, "FILE"), "array", size=1_000_000_000, quick=1_000_000)
        for act in ("show", "audit", "verify")
    ),
)
"""In the order of the table, the first of a row being the reference of the row."""
