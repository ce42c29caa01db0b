"""Errors in words: the lines for stderr, what to type next, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from appsnap.cli.words import command_line
from appsnap.errors import AppsnapError, CannotSave, NotTrusted, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Complaint", "allowing", "explain"]


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
            return Complaint([str(error)], error.hint, error.exit_code)
        case click.ClickException():
            return _explain_usage(error)
        case KeyboardInterrupt():
            return Complaint(["interrupted"], exit_code=130)
        case BaseExceptionGroup():
            return Complaint([_with_notes(leaf) for leaf in _leaves(error)])
        case OSError() if error.strerror:
            reason = _lower(error.strerror)
            return Complaint([reason if error.filename is None else f"{_name_of(error.filename)}: {reason}"])
        case MemoryError():
            return Complaint(["out of memory"])
        case _:
            return Complaint([f"internal: {_described(error)}"], "set APPSNAP_TRACEBACK=1 to see the traceback")


def allowing(grants: Sequence[str], arguments: Sequence[str]) -> str:
    """Return the command that trusts more names: these arguments, and `--trust` for each of the names."""
    more = [word for grant in grants for word in ("--trust", grant)]
    end = [*arguments].index("--") if "--" in arguments else len(arguments)
    return command_line([*arguments[:end], *more, *arguments[end:]])


def _explain_distrust(error: NotTrusted, arguments: Sequence[str]) -> Complaint:
    # Imported late: it has been, whenever this error comes.
    from appsnap.recipe.trust import carries_code, can_be_granted  # noqa: PLC0415

    wants = error.wants
    lines = [f"not trusted: {want}" for want in wants] if all(want.path for want in wants) and wants else [str(error)]
    ...
