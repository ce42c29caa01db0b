"""`appsnap convert`: the same snapshot in another kind or with other layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.errors import signing_command
from appsnap.cli.options import maps, reads, source_argument, writes
from appsnap.cli.progress import Progress
from appsnap.errors import AppsnapError
from appsnap.printable import plural, shortened

if TYPE_CHECKING:
    from pathlib import Path

    from appsnap.cli.inputs import Input, Output

__all__ = ["command"]


@click.command(
    "convert",
    short_help=COMMANDS["convert"],
    epilog="""\b
Examples:
  appsnap convert shop.tap shop.tas
  appsnap convert shop.tap shop.etap
  appsnap convert shop.etap shop.xml --kind xml --compress --plain
  appsnap convert old.etap new.etap --source-passphrase-file old.txt
  appsnap convert --legacy-etap twisted.etap new.etap
  appsnap convert --from-twisted twisted.tap new.tas""",
)
@source_argument("FILE")
@writes(argument="NEW_FILE")
@click.option(
    "--legacy-etap",
    is_flag=True,
    help="Read FILE as a pickle in Twisted's old encryption, which protects it from nobody. With a wrong passphrase, "
    "the decrypted file is no pickle.",
)
@click.option(
    "--from-twisted",
    is_flag=True,
    help="Put services of appsnap in the place of Twisted's, where they correspond. The others are named, and stay.",
)
@reads(prefix="source-")
@maps()
@click.pass_context
def command(context: click.Context, /, *, source: Input, target: Output, legacy_etap: bool, from_twisted: bool) -> None:
    """Write a snapshot in another kind or with other layers.

    Nothing is imported, and no object is built. The options give the layers of NEW_FILE; those of FILE don't matter.
    NEW_FILE is read back before it gets its name. Until then, an old NEW_FILE stays as it is.
    """
    from appsnap import snapshot  # noqa: PLC0415 - help doesn't need it

    old = source.open_legacy() if legacy_etap else source.open()
    if legacy_etap:
        output.note(
            f"warning: {source.label} has Twisted's old encryption, without salt and authentication: anybody who can "
            "write the file can change it unseen, and its passphrase is easy to find out: choose a new one"
        )
    target.keep_secret(old)
    if from_twisted:
        old, stayed = old.with_our_services()
        if stayed:
            output.note(f"note: {plural(len(stayed), 'name')} of Twisted's stay: {shortened(', '.join(stayed), 500)}")
    passphrase = target.passphrase()

    def check(path: Path) -> None:
        if not target.has_recipients:
            progress.phase = f"reading {target.label} back"
            try:
                snapshot.open_snapshot(path, kind=target.kind, passphrase=passphrase, limits=source.limits)
            except AppsnapError as error:
                error.file = target.label  # it has no name yet
                raise

    with Progress(f"writing {target.label}") as progress:
        old.save(
            target.place,
            kind=target.kind,
            passphrase=passphrase,
            check=check,
            progress=progress.count,
            **target.layers(),
        )
    target.tell_other_format()
    if not old.is_trusted_as_a_whole:
        arguments = context.find_root().obj
        if legacy_etap or from_twisted:
            # `save` doesn't do that. It can read the new file.
            arguments = ["convert", target.path, "SIGNED_FILE"]
        target.tell_unsigned(source.label, signing_command(arguments))
