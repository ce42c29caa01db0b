"""`appsnap make`: an application from a plugin to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import appsnap
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import writes
from appsnap.cli.saving import saves, write
from appsnap.cli.suggest import Group
from appsnap.errors import PluginError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from appsnap.cli.inputs import Output
    from appsnap.cli.plugin import PluginCall

__all__ = ["command"]


@click.command()
@writes()
@saves()
def _save(*, call: PluginCall, target: Output, **options: Any) -> None:
    write(call.application(), target, appsnap.EVERYTHING, **options)


_OPTIONS = [parameter for parameter in _save.params if isinstance(parameter, click.Option)]
_FILE = [parameter for parameter in _save.params if isinstance(parameter, click.Argument)]


class _Make(Group):
    """A group whose commands are the plugins. Its own options, those of saving, stand before the plugin."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        from appsnap import plugins  # noqa: PLC0415 - help doesn't need it

        return plugins.names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from appsnap import plugins, twisted_plugins  # noqa: PLC0415 - as above
        from appsnap.cli.plugin import command_of  # noqa: PLC0415 - as above

        def save(call: PluginCall, **file: Any) -> None:
            assert _save.callback is not None
            _save.callback(call=call, **ctx.params, **file)

        if cmd_name.startswith(twisted_plugins.PREFIX):
            from appsnap.cli.plugin import TwistedCommand  # noqa: PLC0415 - as above

            found = next((one for one in twisted_plugins.installed() if one.name == cmd_name), None)
            return None if found is None else TwistedCommand(found, save, _FILE)
        plugin = plugins.find(cmd_name)
        try:
            return None if plugin is None else command_of(plugin, save, _FILE)
        except PluginError:
            # A shell that completes a command line has no place for an error.
            if ctx.resilient_parsing:
                return None
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(ctx, args[0])
        if command is None and not ctx.resilient_parsing:
            from appsnap.cli.plugin import unknown  # noqa: PLC0415 - as above

            raise unknown(args[0])
        return args[0], command, args[1:]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if any(error.option_name in option.opts for option in _OPTIONS):
                message = f"{error.option_name} is for the file, and stands before the plugin {ctx.invoked_subcommand}"
                raise click.UsageError(message, ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write nothing: `appsnap plugins` lists them."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only shells ask

        found = [CompletionItem(name) for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.command(
    "make",
    cls=_Make,
    params=_OPTIONS,
    short_help=COMMANDS["make"],
    subcommand_metavar="PLUGIN [PLUGIN_OPTIONS]... FILE",
    invoke_without_command=True,
    no_args_is_help=False,
    epilog="""\b
Examples:
  appsnap make web web.tap
  appsnap make web --path /srv/www --port 8000 web.tap
  appsnap make --kind source --compress web --host 0.0.0.0 web.tas.zst
  appsnap make twisted:web --path /srv/www web.tap
  appsnap make web --help""",
)
@click.pass_context
def command(context: click.Context, /, **_: Any) -> None:
    """Make an application from a plugin and its options, and save it to a file.

    The options that are listed here are those of FILE, and stand before the name of the plugin. The plugin's own
    options stand behind its name: `appsnap make PLUGIN --help` lists them. `appsnap plugins` lists the plugins.
    Those of Twisted are named as twisted:NAME, and parse their options themselves: FILE is the last argument.

    Before the new file replaces FILE, it is read back, and loaded in a fresh interpreter, as `appsnap save` does it.
    """
    if context.invoked_subcommand is None:
        raise click.UsageError("missing argument 'PLUGIN'", context)
