"""The last step of `save` and `make`: an application in memory is written, and tried in a fresh interpreter."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

import appsnap
from appsnap.cli import output
from appsnap.cli.progress import Progress
from appsnap.kinds.header import function_of
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appsnap.cli.inputs import Output
    from appsnap.limits import Limits
    from appsnap.recipe.trust import Everything

__all__ = ["saves", "write"]


def saves(*, tag: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of saving that are none of a file. `tag` is one more sentence about `--tag`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--no-code", is_flag=True, help="Refuse functions and classes that would be saved as code."),
            click.option(
                "--no-verify", is_flag=True, help="Save without loading the snapshot in a fresh interpreter first."
            ),
            click.option(
                "--prepare",
                metavar="MODULE:FUNCTION",
                callback=_checked,
                help="Have each load call this function before it imports anything of the snapshot.",
            ),
            click.option(
                "--tag", metavar="TEXT", help=f"Keep a word about this snapshot in its header. {tag}".rstrip()
            ),
        ):
            function = option(function)
        return function

    return decorate


def _checked(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    try:
        if text is not None:
            function_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return text


def write(
    obj: object,
    target: Output,
    enough: Sequence[str] | Everything,
    *,
    tag: str | None,
    prepare: str | None,
    no_verify: bool,
    no_code: bool,
    limits: Limits = LIMITS,
) -> None:
    """Write an object to a file. `enough` is the trust that the file needs: EVERYTHING for the object of a program."""
    from appsnap.snapshot.trial import Trial  # noqa: PLC0415 - help doesn't need it

    passphrase = target.passphrase()
    notes: list[str] = []

    def trace(complaint: str) -> None:
        if os.environ.get("APPSNAP_TRACEBACK"):
            output.trace(complaint)

    def begun() -> None:
        progress.phase = f"loading {target.label} in a fresh interpreter"

    with Progress(f"saving {target.label}") as progress:
        appsnap.save(
            obj,
            target.place,
            kind=target.kind,
            passphrase=passphrase,
            tag=tag,
            prepare=prepare,
            code=not no_code,
            note=notes.append,
            verify=not no_verify and Trial(enough, limits, None, begun, trace),
            trusted_as_a_whole=enough is appsnap.EVERYTHING,
            progress=progress.count,
            **target.layers(),
        )
    for line in notes:
        output.note(f"note: {line}")
    target.tell_other_format()
