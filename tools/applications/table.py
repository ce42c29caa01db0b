"""The table of applications, `docs/applications.md`."""

from __future__ import annotations

import datetime as dt
import platform
import re
from typing import TYPE_CHECKING

from appsnap import __version__
from appsnap.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from applications.harness import Outcome

__all__ = ["paper"]

_PAPER = """\
# Real applications

`make applications` has written this paper on {day}, with appsnap {appsnap} and Python {python}. Nobody here wrote the
{count} applications' libraries. The scripts are in `tests/applications/apps`, one for each application.

Each application is built in one process, and saved in every kind. A fresh process loads the file, and compares the
application with the saved one. It saves the application again: in source, msgpack and xml, that gives the same bytes.
Then it uses the application: it serves it and calls it, or lets it work. At last it stops it, and saves it once more.

* *yes*: all of that works.
* *refused*: the save names an object that no file can hold, and the remark has the reason.
* *no*: the remark has the reason.
* *stranger's*: the file is loaded without a signature. It is trusted with the names that `appsnap audit` lists, and
  with nothing else. The number is that of the names.

| application | packages | {kinds} | stranger's | remark |
|---|---|{bars}---|---|
{rows}
"""


def paper(outcomes: Iterable[Outcome], python: str = "") -> str:
    """Return the paper with the table."""
    outcomes = list(outcomes)
    version = platform.python_version()
    return _PAPER.format(
        day=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        appsnap=__version__,
        python=version if version.startswith(python) else python,
        count=len(outcomes),
        kinds=" | ".join(KINDS),
        bars="---|" * len(KINDS),
        rows="\n".join(f"| {' | '.join(_cells(outcome))} |" for outcome in outcomes),
    )


def _cells(outcome: Outcome) -> Iterator[str]:
    yield outcome.script.title
    yield ", ".join(f"{name} {version}" for name, version in outcome.versions.items())
    for kind in KINDS:
        reason = outcome.kinds.get(kind)
        yield "yes" if reason == "" else "–" if reason is None else "refused" if _refused(outcome, kind) else "no"
    yield {None: "–", "": f"yes, {outcome.names}"}.get(outcome.stranger, "no")
    yield "; ".join(_remarks(outcome)).replace("|", "\\|")


def _refused(outcome: Outcome, kind: str) -> bool:
    words = outcome.script.refusal(kind)
    return words is not None and words in outcome.kinds[kind]


def _remarks(outcome: Outcome) -> Iterator[str]:
    if outcome.left_out:
        yield outcome.left_out
    reasons: dict[str, list[str]] = {}
    for kind, reason in outcome.kinds.items():
        if reason:
            words = outcome.script.refusal(kind) if _refused(outcome, kind) else reason
            reasons.setdefault(str(words), []).append(kind)
    for reason, kinds in reasons.items():
        yield _line(reason) if len(kinds) == len(outcome.kinds) else f"{', '.join(kinds)}: {_line(reason)}"
    if outcome.stranger:
        yield f"stranger's: {_line(outcome.script.constants.get('STRANGER') or outcome.stranger)}"
    yield from map(_line, outcome.remarks)


def _line(reason: str) -> str:
    """Return the first line of a reason. Characters of Markdown stand for themselves.

    The folder of the application is left out of paths: it is another one in each run.
    """
    first = re.sub(r"/[^\s:\"]*/(?=folder\b|out/|kept/)", "", reason.splitlines()[0])[:200]
    return "".join(f"\\{one}" if one in "*_`<[" else one for one in first)
