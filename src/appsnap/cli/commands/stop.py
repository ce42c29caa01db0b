"""`appsnap stop`: stop a running application."""

from __future__ import annotations

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import application_argument
from appsnap.runner import control

__all__ = ["command"]


@click.command(
    "stop",
    short_help=COMMANDS["stop"],
    epilog="""\b
Examples:
  appsnap stop /var/lib/shop
  appsnap stop /run/shop.pid --timeout 60""",
)
@application_argument
@click.option(
    "--timeout", metavar="SECONDS", type=click.FloatRange(0), help="Wait for so long at most, and fail behind that."
)
def command(*, where: str, timeout: float | None) -> None:
    """Stop a running application, and wait for it.

    DIR is the folder of its --state, and PIDFILE its --pidfile. The application stops its services and saves its state,
    as SIGTERM has it do. The exit code is 1 if nothing runs.
    """
    output.write([f"process {control.stop(where, timeout)} has ended"])
