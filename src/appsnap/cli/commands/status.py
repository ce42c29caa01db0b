"""`appsnap status`: whether an application runs, and when it was saved."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import application_argument, as_json
from appsnap.runner import control

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["command"]


@click.command(
    "status",
    short_help=COMMANDS["status"],
    epilog="""\b
Examples:
  appsnap status /var/lib/shop
  appsnap status /run/shop.pid --json""",
)
@application_argument
@as_json
def command(*, where: str, as_json: bool) -> int:
    """Tell whether an application runs, and when it was saved.

    DIR is the folder of its --state, and PIDFILE its --pidfile. A save that has failed comes first. The exit code is 0
    if the application runs, and 1 if it doesn't.
    """
    facts = control.status(where)
    if as_json:
        output.write_json(facts)
    else:
        output.write(_lines(facts, where))
    return 0 if facts["running"] else 1


def _lines(facts: dict[str, Any], where: str) -> Iterator[str]:
    """Yield a status in words. Anybody who may write to the folder may have put anything in it."""
    if facts.get("failed"):
        yield f"the last save failed: {facts['failed']}"
    if facts["running"] and facts.get("refused"):
        yield f"the last restart was refused: {facts['refused']}"
    name = facts.get("name")
    name = name if isinstance(name, str) and name else where
    if facts["running"]:
        yield f"{name} is running as process {facts['pid']}"
    else:
        yield f"{name} is not running" + _why_not(where, facts)
    saved = _time(facts.get("saved"))
    if saved is not None:
        yield f"saved {_ago(saved)}: {', '.join(_about_save(facts))}"
    elif "generations" in facts and facts["running"]:
        yield "not saved yet"


def _about_save(facts: dict[str, Any]) -> Iterator[str]:
    number, size, how = (facts.get(key) for key in ("generation", "size", "how"))
    if isinstance(number, int):
        end = f"-{number:08d}."
        yield next((name for name in facts["generations"] if end in name), f"generation {number}, which is gone")
    if isinstance(size, int):
        yield f"{size:,} bytes"
    pause, most = (facts.get(key) for key in ("pause_ms", "pause_max_ms"))
    if isinstance(pause, (int, float)) and isinstance(most, (int, float)):
        yield "in the process" if how == "in process" else f"by {how}"
        yield f"pause {pause:.3g} ms (most {most:.3g} ms)"


def _why_not(where: str, facts: dict[str, Any]) -> str:
    """Return a word about a path where nothing can run: it may be mistyped."""
    if not Path(where).exists():
        return ": there is no such file or folder"
    return ": there is no state in this folder" if facts.get("generations") == [] and "saved" not in facts else ""


def _time(text: Any) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None


def _ago(time: dt.datetime) -> str:
    seconds = max(0, round((dt.datetime.now(dt.UTC) - time).total_seconds()))
    for unit, least in (("d", 2 * 86400), ("h", 2 * 3600), ("min", 120)):
        if seconds >= least:
            return f"{seconds // (least // 2)} {unit} ago"
    return f"{seconds} s ago"
