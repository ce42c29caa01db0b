"""`appsnap plugins`: the plugins that are installed."""

from __future__ import annotations

import click

from appsnap import plugins
from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import as_json
from appsnap.cli.plugin import parameters_of
from appsnap.errors import PluginError
from appsnap.printable import columns

__all__ = ["command"]


@click.command(
    "plugins",
    short_help=COMMANDS["plugins"],
    epilog="""\b
Examples:
  appsnap plugins
  appsnap plugins --json""",
)
@as_json
def command(*, as_json: bool) -> None:
    """List the plugins that are installed.

    Each line has the name of a plugin, and its description, or the reason why it can't be used. `appsnap make NAME
    --help` lists the options of a plugin.
    """
    # A plugin may print something when it is imported.
    output.reserve_stdout()
    rows = [_row(name) for name in plugins.names()]
    if as_json:
        output.write_json(rows)
        return
    width = max((columns(row["name"] or "") for row in rows), default=0)
    for row in rows:
        name = row["name"] or ""
        text = row["description"] if row["error"] is None else f"can't be used: {row['error']}"
        output.write([f"{name}{' ' * (width - columns(name))}  {text}".rstrip()])


def _row(name: str) -> dict[str, str | None]:
    plugin = plugins.find(name)
    assert plugin is not None, "it is one of the names"
    description = reason = None
    try:
        parameters_of(plugin)
        description = plugin.description
    except PluginError as error:
        reason = error.reason
    return {"name": name, "description": description, "error": reason}
