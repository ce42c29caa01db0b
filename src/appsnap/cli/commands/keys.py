"""`appsnap keys`: the key that signs what is saved, and those of others who are trusted."""

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
  APPSNAP_CONFIG_DIR   where the keys lie""",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Show your key, and say whose you trust.

    What you save is signed with your key, which the first save makes. A snapshot signed by you, or by a key that you
    trust, is loaded without asking for names: it may run any code.
    """
    if context.invoked_subcommand is None:
        output.write(context.get_help().splitlines())


@command.command()
@as_json
def show(*, as_json: bool) -> None:
    """Print your public key, for others to trust. It is made now if there is none."""
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
@click.option("--name", metavar="TEXT", default="", help="Whose it is, for `keys list` and `show`.")
def trust(*, key: str, name: str) -> None:
    """Trust KEY: load what it signs as you load your own, code and all."""
    Keyring().trust(key, name)


@command.command()
@click.argument("key")
def revoke(*, key: str) -> None:
    """Trust KEY no longer."""
    Keyring().revoke(key)
