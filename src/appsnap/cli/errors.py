"""Errors in words: the lines for stderr, what to type next, and the exit code."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from appsnap.cli.output import lowered
from appsnap.errors import MOST_NAMED, AppsnapError, CannotSave, NotTrusted, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Complaint", "explain"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is said about an error. Each of the lines is one by itself."""

    lines: Sequence[str]
    hint: str = ""
    exit_code: int = 1


def explain(error: BaseException, arguments: Sequence[str]) -> Complaint:
    """Return what to say about an error of the command with these arguments."""
    match error:
        case NotTrusted():
            return _explain_distrust(error, arguments)
        case CannotSave():
            headline = str(error).partition(":")[0]
            return Complaint([headline, *(f"  {place}" for place in error.places)], error.hint, error.exit_code)
        case ServiceError():
            return Complaint([str(error), *(f"  {line}" for line in _last_lines(error))], error.hint, error.exit_code)
        case AppsnapError():
            return Complaint([str(error)], _for_command_line(error.hint, arguments), error.exit_code)
        case click.ClickException():
            return _explain_usage(error)
        case KeyboardInterrupt():
            return Complaint(["interrupted"], exit_code=130)
        case BaseExceptionGroup():
            return Complaint([_with_notes(leaf) for leaf in _leaves(error)])
        case OSError() if error.strerror:
            reason = lowered(error.strerror)
            return Complaint([reason if error.filename is None else f"{_name_of(error.filename)}: {reason}"])
        case MemoryError():
            return Complaint(["out of memory"])
        case _:
            return Complaint([f"internal: {_described(error)}"], "set APPSNAP_TRACEBACK=1 to see the traceback")


def _explain_distrust(error: NotTrusted, arguments: Sequence[str]) -> Complaint:
    # The names are there, so this has been imported.
    from appsnap.cli.allowing import allowing  # noqa: PLC0415

    # A want without a path has a reason of its own; so has a file that does what no name allows.
    named = error.wants[:MOST_NAMED]
    lines = [f"not trusted: {want}" if want.path else str(error) for want in named] or [str(error)]
    if len(error.wants) > MOST_NAMED:
        lines.append(f"not trusted: {len(error.wants) - MOST_NAMED:,} more, which `appsnap audit` lists")
    hint = allowing(error.wants, arguments)
    if error.provenance:
        hint = f"{error.provenance}; {hint}"
    return Complaint(lines, hint, error.exit_code)


def _for_command_line(hint: str, arguments: Sequence[str]) -> str:
    """Return a hint without what Python's callers would write, and with the option as this command has it."""
    limit = re.search(r"limits=Limits\((\w+)=…\), or --limit \1=…", hint)
    if limit is None:
        return hint
    prefix = "source-" if arguments[:1] in (["convert"], ["save"]) else ""
    return hint.replace(limit[0], f"--{prefix}limit {limit[1]}=…")


def _explain_usage(error: click.ClickException) -> Complaint:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"{context.command_path if context else 'appsnap'} --help"
    message = error.format_message()
    if isinstance(error, click.NoSuchOption | click.NoSuchCommand):
        message = error.message
        if error.possibilities:
            hint = f"did you mean {' or '.join(error.possibilities)}? {hint}"
    return Complaint([lowered(" ".join(message.split())).removesuffix(".")], hint, error.exit_code)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    stack: list[BaseException] = [group]
    while stack:
        error = stack.pop()
        if isinstance(error, BaseExceptionGroup):
            stack += reversed(error.exceptions)
        else:
            yield error


def _with_notes(error: BaseException) -> str:
    return ": ".join([*getattr(error, "__notes__", ()), _described(error)])


def _last_lines(error: BaseException) -> list[str]:
    """Return the last line of each note: some notes are whole tracebacks."""
    return [note.strip().rpartition("\n")[2] for note in getattr(error, "__notes__", ())]


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def _name_of(filename: str | bytes | int) -> str:
    return os.fsdecode(filename) if isinstance(filename, bytes) else str(filename)
