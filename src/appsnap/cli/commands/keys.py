"""`appsnap keys`: the user's own key, which signs snapshots, and the keys and folders that are trusted."""

from __future__ import annotations

import os
from pathlib import Path

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import as_json
from appsnap.cli.project import names_of
from appsnap.cli.question import agree
from appsnap.cli.suggest import Group
from appsnap.errors import AppsnapError
from appsnap.keys.keyring import Keyring
from appsnap.printable import plural

__all__ = ["command"]


class _Keys(Group):
    synonyms = {  # noqa: RUF012 - nobody changes it
        **dict.fromkeys(("untrust", "distrust", "remove", "rm", "delete", "del", "forget", "drop", "deny"), "revoke"),
        **dict.fromkeys(("untrust-folder", "revoke-folder", "remove-folder", "deny-folder"), "revoke"),
        **dict.fromkeys(("add", "accept", "import"), "trust"),
        **dict.fromkeys(("allow", "allow-folder", "add-folder", "agree"), "trust-folder"),
        **dict.fromkeys(("ls", "folders"), "list"),
        **dict.fromkeys(("print", "export", "path", "public", "new", "make", "generate", "init", "backup"), "show"),
    }


@click.group(
    "keys",
    cls=_Keys,
    short_help=COMMANDS["keys"],
    invoke_without_command=True,
    epilog="""\b
Examples:
  appsnap keys show
  appsnap keys trust appsnap1… --name "Ada at the build server"
  appsnap keys revoke appsnap1…
  appsnap keys trust-folder .
  cp "$(appsnap keys show --path)" /media/backup

\b
Environment:
  APPSNAP_CONFIG_DIR   the folder of the keys""",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Show your key, and choose the keys and folders that you trust.

    Your key signs the snapshots that you save. The first save makes it. A snapshot that is signed by your key, or by a
    key that you trust, is loaded without --trust: it may run any code. Keep a copy of the file of your key: without the
    key, your own snapshots are a stranger's.
    """
    if context.invoked_subcommand is None:
        output.write(context.get_help().splitlines())


@command.command()
@click.option("--path", is_flag=True, help="Print the path of the file with your secret key, which wants a backup.")
@as_json
def show(*, path: bool, as_json: bool) -> None:
    """Print your public key, for others to trust. If you have no key yet, this makes one."""
    keys = Keyring()
    key = keys.signing_key().public_key
    if as_json:
        output.write_json({"key": key, "file": str(keys.own_path)})
    else:
        output.write([str(keys.own_path) if path else key])


@command.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """List the keys and folders that you trust. Your own key comes first, and each folder has its names.

    The keys that everybody on this machine trusts come last. Root writes them to /etc/appsnap/trusted-keys.txt.
    """
    keys = Keyring()
    own = keys.own()
    rows = [*([(own, "you")] if own else []), *keys.trusted().items()]
    machine = keys.trusted_by_machine()
    folders = keys.folders()
    if as_json:
        output.write_json(
            {
                "keys": [
                    *({"key": key, "name": name, "own": key == own, "machine": False} for key, name in rows),
                    *({"key": key, "name": name, "own": False, "machine": True} for key, name in machine.items()),
                ],
                "folders": [{"folder": folder, "trust": names} for folder, names in folders.items()],
            }
        )
    else:
        output.write(f"{key}  {name}".rstrip() for key, name in rows)
        output.write(f"{key}  {f'{name} (this machine)'.lstrip()}" for key, name in machine.items())
        output.write(f"{folder}  {', '.join(names)}" for folder, names in folders.items())


@command.command()
@click.argument("key")
@click.option("--name", metavar="TEXT", default="", help="The owner of the key, for `keys list` and `show`.")
def trust(*, key: str, name: str) -> None:
    """Trust KEY: load the snapshots that it signs like your own. They may run any code."""
    Keyring().trust(key, name)


@command.command("trust-folder")
@click.argument("folder", type=click.Path(readable=False), default=".")
@click.option("--yes", is_flag=True, help="Agree without a question.")
def trust_folder(*, folder: str, yes: bool) -> None:
    """Trust the names and the ways to save that FOLDER lists.

    FOLDER is the current folder, unless you name another. The names are those of [tool.appsnap] trust in its
    pyproject.toml. `load`, `save` and `audit` heed them in that folder, as if --trust named them. The modules of
    [tool.appsnap] ways are listed as `ways:shop.ways`. They say how objects are saved, and `load`, `save`, `make` and
    `run` import them there. This prints the names, and asks. Other names, or the same ones in a folder of another path,
    need a new agreement.
    """
    names = names_of(folder)
    if not names:
        raise AppsnapError(
            f"{Path(folder, 'pyproject.toml')} lists no names to trust",
            hint='the lines are [tool.appsnap] and trust = ["shop.*", "call:shop.make"]',
        )
    output.write([f"{os.path.realpath(folder)} lists {plural(len(names), 'name')}:", *(f"  {name}" for name in names)])
    if not yes:
        agree(_question(names))
    Keyring().trust_folder(folder, names)


def _question(names: list[str]) -> str:
    question = "Trust these names in every snapshot that is loaded in this folder"
    return f"{question}, and import the ways?" if any(name.startswith("ways:") for name in names) else f"{question}?"


@command.command()
@click.argument("key", metavar="KEY_OR_FOLDER")
def revoke(*, key: str) -> None:
    """Stop trusting a key, or the names that a folder lists."""
    keys = Keyring()
    if os.sep in key or os.path.realpath(key) in keys.folders() or Path(key).is_dir():
        keys.revoke_folder(key)
    else:
        keys.revoke(key)
