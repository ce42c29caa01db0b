"""`appsnap keys`: the user's own key, which signs snapshots, and the keys of others that are trusted."""

from __future__ import annotations

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import as_json
from appsnap.keys.keyring import Keyring

__all__ = ["command"]


@click.group(
    "keys",
    short_help=COMMANDS["keys"],
    invoke_without_command=True,
    epilog="""\b
Examples:
  appsnap keys show
  appsnap keys trust appsnap1… --name "Ada at the build server"
  appsnap keys revoke appsnap1…

\b
Environment:
  APPSNAP_CONFIG_DIR   the folder of the keys""",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Show your key, and choose the keys that you trust.

    Your key signs the snapshots that you save. The first save makes it. A snapshot that is signed by your key, or by a
    key that you trust, is loaded without --trust: it may run any code.
    """
    if context.invoked_subcommand is None:
        output.write(context.get_help().splitlines())


@command.command()
@as_json
def show(*, as_json: bool) -> None:
    """Print your public key, for others to trust. If you have no key yet, this makes one."""
    keys = Keyring()
    key = keys.signing_key().public_key
    if as_json:
        output.write_json({"key": key, "file": str(keys.own_path)})
    else:
        output.write([key])


@command.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """List the keys that you trust, your own first."""
    keys = Keyring()
    own = keys.own()
    rows = [*([(own, "you")] if own else []), *keys.trusted().items()]
    if as_json:
        output.write_json({"keys": [{"key": key, "name": name, "own": key == own} for key, name in rows]})
    else:
        output.write(f"{key}  {name}".rstrip() for key, name in rows)


@command.command()
@click.argument("key")
@click.option("--name", metavar="TEXT", default="", help="The owner of the key, for `keys list` and `show`.")
def trust(*, key: str, name: str) -> None:
    """Trust KEY: load the snapshots that it signs like your own. They may run any code."""
    Keyring().trust(key, name)


@command.command()
@click.argument("key")
def revoke(*, key: str) -> None:
    """Stop trusting KEY."""
    Keyring().revoke(key)
