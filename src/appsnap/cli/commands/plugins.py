"""`appsnap plugins`: the plugins that are installed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import click

from appsnap import plugins, twisted_plugins
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
    --help` lists the options of a plugin. Where Twisted is installed, its plugins are listed, too.
    """
    # A plugin may print something when it is imported.
    output.reserve_stdout()
    rows = [_Row.of(plugin) for plugin in plugins.installed()]
    rows += [_Row.of_twisted(plugin) for plugin in twisted_plugins.installed()]
    if as_json:
        output.write_json([dataclasses.asdict(row) for row in rows])
        return
    width = max((columns(row.name) for row in rows), default=0)
    for row in rows:
        text = row.description if row.error is None else f"can't be used: {row.error}"
        output.write([f"{row.name}{' ' * (width - columns(row.name))}  {text}".rstrip()])


@dataclass(frozen=True, slots=True)
class _Row:
    """A plugin in the list: its description, or the reason why it can't be used."""

    name: str
    description: str | None = None
    error: str | None = None

    @classmethod
    def of(cls, plugin: plugins.Plugin) -> _Row:
        try:
            parameters_of(plugin)
            return cls(plugin.name, description=plugin.description)
        except PluginError as error:
            return cls(plugin.name, error=error.reason)

    @classmethod
    def of_twisted(cls, plugin: twisted_plugins.TwistedPlugin) -> _Row:
        if plugin.error:
            return cls(plugin.name, error=plugin.error)
        return cls(plugin.name, description=plugin.description)
