"""`appsnap convert`: the same snapshot in another kind or other layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from appsnap.cli.group import COMMANDS
from appsnap.cli.options import reads, source_argument, writes
from appsnap.cli.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from appsnap.cli.options import Input, Output

__all__ = ["command"]


@click.command(
    "convert",
    short_help=COMMANDS["convert"],
    epilog="""\b
Examples:
  appsnap convert shop.tap shop.tas
  appsnap convert shop.tap shop.etap
  appsnap convert shop.etap shop.xml --kind xml --compress --plain
  appsnap convert old.etap new.etap --source-passphrase-file old.txt --passphrase-file new.txt""",
)
@source_argument("FILE")
@writes(argument="NEW_FILE")
@reads(prefix="source-")
def command(*, source: Input, target: Output) -> None:
    """Write a snapshot in another kind or other layers.

    Nothing is imported, and nothing is built. NEW_FILE has the layers that its options say, not those of FILE. It is
    read back before it gets its name; until then, an old NEW_FILE stays as it is.
    """
    from appsnap import snapshot  # noqa: PLC0415 - its help has no need of it

    old = source.open()
    target.keep_secret(old)
    passphrase = target.passphrase()

    def check(path: Path) -> None:
        if not target.has_recipients:
            progress.phase = f"reading {target.path} back"
            snapshot.open_snapshot(path, kind=target.kind, passphrase=passphrase)

    with Progress(f"writing {target.path}") as progress:
        old.save(target.path, kind=target.kind, passphrase=passphrase, check=check, **target.layers())
