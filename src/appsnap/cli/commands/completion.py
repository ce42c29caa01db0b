"""`appsnap completion`: the script with which a shell completes our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from appsnap.cli import output
from appsnap.cli.app import COMMANDS, appsnap

__all__ = ["command"]


@click.command(
    "completion",
    short_help=COMMANDS["completion"],
    epilog="""\b
Examples:
  eval "$(appsnap completion bash)"
  appsnap completion zsh > ~/.zfunc/_appsnap
  appsnap completion fish > ~/.config/fish/completions/appsnap.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a script that completes commands in your shell.

    The script completes commands, options and the names of files.
    """
    complete = get_completion_class(shell)
    assert complete is not None
    source = complete(appsnap, {}, "appsnap", "_APPSNAP_COMPLETE").source()
    # For fish, click splits at every comma, and a description would end at its first one.
    source = source.replace('string split ","', 'string split --max 1 ","')
    output.write(source.strip().splitlines())
