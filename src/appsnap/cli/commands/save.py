"""`appsnap save`: an application to a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

import appsnap
from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.errors import signing_command
from appsnap.cli.find import find_object
from appsnap.cli.options import code_from, reads, source_argument, trusts, writes
from appsnap.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.cli.inputs import Input, Output
    from appsnap.recipe.trust import Everything
    from appsnap.snapshot import Snapshot

__all__ = ["command"]


@click.command(
    "save",
    short_help=COMMANDS["save"],
    epilog="""\b
Examples:
  appsnap save shop:application shop.tap
  appsnap save shop.tac shop.etap --passphrase-file ~/.shop
  appsnap save shop.web:sites.main shop.tas --tag blue""",
)
@source_argument("SOURCE")
@writes()
@click.option(
    "--tag",
    metavar="TEXT",
    help="Keep a word about this snapshot in its header. A SOURCE that is a snapshot has one by default.",
)
@click.option("--no-verify", is_flag=True, help="Save without loading the snapshot in a fresh interpreter first.")
@click.option("--no-code", is_flag=True, help="Refuse functions and classes that would be saved as code.")
@trusts("SOURCE")
@reads(prefix="source-", argument="SOURCE")
@code_from("source-", "SOURCE")
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    source: Input,
    target: Output,
    tag: str | None,
    no_verify: bool,
    no_code: bool,
    trust: Sequence[str] | Everything,
    code_from: str | None,
) -> None:
    """Save an application to a file.

    SOURCE is one of three:

    \b
      module:name  an object in a module; name may have dots, and modules of the
                   current folder are found after all others
      a script     (.tac, .py) that assigns "application"
      a snapshot   loaded as `appsnap load` does, and saved anew with the names
                   of classes and the state that the code has now

    To change only the kind or the layers of a snapshot, use `appsnap convert`, which imports nothing.

    Functions and classes that can't be imported, those of a script for example, are saved as code: with their source
    text, if it is there. A note says so. Code loads only from a file that is trusted as a program. `--no-code` refuses
    it.

    Before the new file replaces FILE, it is read back, and loaded in a fresh interpreter as `appsnap load` would load
    it in this folder, with the trust that SOURCE has. If that fails, or loses items or attributes, an old FILE stays as
    it is. Any other difference between the restored objects and the saved ones is noted: the first one.
    """  # noqa: D301 - click wants the character of \b, not its two letters

    def look(old: Snapshot) -> None:
        nonlocal tag
        target.keep_secret(old)
        if tag is None and old.header is not None:
            tag = old.header.tag

    from appsnap.snapshot.trial import Trial  # noqa: PLC0415 - help doesn't need it

    obj, enough = find_object(source, target, trust, look, code_from)
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
            code=not no_code,
            note=notes.append,
            verify=not no_verify and Trial(enough, source.limits, None, begun, trace),
            trusted_as_a_whole=enough is appsnap.EVERYTHING,
            progress=progress.count,
            **target.layers(),
        )
    for line in notes:
        output.note(f"note: {line}")
    target.tell_other_format()
    if enough is not appsnap.EVERYTHING:
        target.tell_unsigned(source.label, signing_command(context.find_root().obj))
