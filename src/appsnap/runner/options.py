"""The options of a process that runs an application."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """How an application is run. Paths are absolute. `uid` and `gid` are names or numbers, as they were typed.

    `state` is the folder of the state, or None for an application that is never saved. `autosave`, `save_timeout` and
    `stop_timeout` are in seconds. `keep` is the number of generations that stay. `fresh` starts from WHAT even if there
    are generations. `folder` is the current folder of the command.
    """

    folder: str
    state: str | None = None
    autosave: float = 60.0
    keep: int = 5
    save_timeout: float = 60.0
    fresh: bool = False
    rundir: str | None = None
    umask: int | None = None
    uid: str | None = None
    gid: str | None = None
    pidfile: str | None = None
    logfile: str | None = None
    log_level: str = "info"
    daemon: bool = False
    stop_timeout: float = 30.0
