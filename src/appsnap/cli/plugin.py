"""A plugin on the command line: its options as click's, and the application that is made from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from appsnap import plugins
from appsnap.cli import dataclass_options
from appsnap.cli.suggest import UnknownCommand, closest
from appsnap.errors import AppsnapError, PluginError
from appsnap.printable import in_words
from appsnap.twisted_plugins import PREFIX, BadOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appsnap.service import Application
    from appsnap.twisted_plugins import TwistedPlugin

__all__ = ["PluginCall", "TwistedCommand", "command_of", "parameters_of", "plugin_call", "unknown"]


@dataclass(frozen=True, slots=True)
class PluginCall:
    """A plugin with the options that a command line gave it.

    `text` is that command line in a fixed form, in ASCII: two command lines of one meaning have one text.
    """

    plugin: plugins.Plugin
    options: object
    text: str

    def application(self) -> Application:
        """Make the application. Raises AppsnapError."""
        return self.plugin.application(self.options)


def plugin_call(name: str, arguments: Sequence[str], prefix: str) -> PluginCall:
    """Parse what follows the name of a plugin. `prefix` is the command before the name, as in `appsnap run`.

    Prints the help and raises click's Exit for `--help`. Raises UsageError, also for an unknown name, and PluginError.
    """
    plugin = plugins.find(name)
    if plugin is None:
        raise unknown(name)
    command = command_of(plugin, lambda call: call)
    path = f"{prefix} {name}"
    try:
        with command.make_context(path, [*arguments]) as context:
            call: PluginCall = command.invoke(context)
    except click.UsageError as error:
        # click forgets it where an option has no value.
        error.ctx = error.ctx or click.Context(command, info_name=path)
        raise
    return call


def command_of(
    plugin: plugins.Plugin, callback: Callable[..., Any], more: Sequence[click.Parameter] = ()
) -> click.Command:
    """Return the command that has a plugin's options, and more parameters.

    `callback` gets a `PluginCall`, and the values of those parameters by name. Raises PluginError.
    """
    options = parameters_of(plugin)
    more_names = {parameter.name for parameter in more}

    def run(**values: Any) -> Any:
        others = {name: values.pop(name) for name in more_names}
        return callback(_call(plugin, values), **others)

    return click.Command(
        plugin.name,
        params=[*options, *more],
        callback=run,
        help=plugin.description,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def parameters_of(plugin: plugins.Plugin) -> Sequence[click.Option]:
    """Return the options of a plugin. Raises PluginError."""
    cls = plugin.options
    try:
        return dataclass_options.parameters(cls)
    except TypeError as error:
        raise PluginError(plugin.name, str(error)) from error.__cause__


def _call(plugin: plugins.Plugin, values: Mapping[str, Any]) -> PluginCall:
    cls = plugin.options
    try:
        options = dataclass_options.instance(cls, values)
    except (AppsnapError, click.UsageError):
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(plugin.name, f"cannot make its options: {in_words(error)}") from error
    return PluginCall(plugin, options, json.dumps([plugin.name, *dataclass_options.given(cls, values)]))


class TwistedCommand(click.Command):
    """A command for a plugin of Twisted's, whose own options parse all arguments but those of the command."""

    def __init__(self, plugin: TwistedPlugin, callback: Callable[..., Any], more: Sequence[click.Parameter]) -> None:
        super().__init__(plugin.name, params=[*more], add_help_option=False)
        self._plugin = plugin
        self._function = callback

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments of the plugin, and parse the last ones."""
        at = len(args) - len(self.params)
        if {"-h", "--help"}.isdisjoint(args):
            ctx.meta[__name__] = args[: max(at, 0)]
            return super().parse_args(ctx, args[max(at, 0) :])
        self._application(ctx, ["--help"])
        raise click.exceptions.Exit

    def _application(self, ctx: click.Context, arguments: Sequence[str]) -> Any:
        try:
            return self._plugin.application(arguments)
        except BadOptions as error:
            raise click.UsageError(str(error), ctx) from error
        except SystemExit:
            raise click.exceptions.Exit from None

    def invoke(self, ctx: click.Context) -> Any:
        """Make the application, and call the function with it."""
        return self._function(_Made(self._application(ctx, ctx.meta[__name__])), **ctx.params)


@dataclass(frozen=True, slots=True)
class _Made:
    """An application that has been made, in the place of a call."""

    made: Any

    def application(self) -> Any:
        return self.made


def unknown(name: str) -> UnknownCommand:
    """Return the error for a name that no plugin has."""
    names = plugins.names()
    if name.startswith(PREFIX):
        from appsnap import twisted_plugins  # noqa: PLC0415 - only plugins of Twisted's need it

        names += [plugin.name for plugin in twisted_plugins.installed()]
    return UnknownCommand(name, closest(name, names), None, noun="plugin", command="appsnap plugins")
