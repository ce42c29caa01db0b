"""`appsnap snapshot`: save a running application now."""

from __future__ import annotations

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.runner import control

__all__ = ["command"]


@click.command(
    "snapshot",
    short_help=COMMANDS["snapshot"],
    epilog="""\b
Examples:
  appsnap snapshot /var/lib/shop
  cp "$(appsnap snapshot /var/lib/shop)" /backup/shop.tap""",
)
@click.argument("where", metavar="DIR", type=click.Path(readable=False))
def command(*, where: str) -> None:
    """Save a running application now.

    DIR is the folder of its --state. The path of the file is printed when the file is on the disk. If nothing has
    changed since the last save, no file is written, and the path is that of the last one. The exit code is 1 if the
    save fails.
    """
    output.write([control.snapshot(where)])
