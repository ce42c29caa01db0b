"""`appsnap verify`: whether a snapshot is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.commands.show import summary
from appsnap.cli.errors import explain
from appsnap.cli.options import as_json, reads, trusts_keys
from appsnap.errors import CannotLoad
from appsnap.gc_pause import gc_paused
from appsnap.printable import plural
from appsnap.recipe.carried import code_facts
from appsnap.recipe.outline import count_services

if TYPE_CHECKING:
    from appsnap.cli.inputs import Input
    from appsnap.snapshot import Snapshot

__all__ = ["command"]


@click.command(
    "verify",
    short_help=COMMANDS["verify"],
    epilog="""\b
Examples:
  appsnap verify shop.tap
  appsnap verify backup/shop.etap --passphrase-command 'pass show shop'""",
)
@reads()
@trusts_keys()
@as_json
@click.pass_context
@gc_paused
def command(context: click.Context, /, *, source: Input, as_json: bool) -> None:
    """Check that a snapshot is whole.

    This checks the layers, the header, the checksums of everything, the signature, and every step of the recipe.
    Nothing is imported, and no object is built. Large data is hashed piece by piece, and not kept in memory. The exit
    code is 5 if the file is damaged.
    """
    try:
        snapshot = source.open(large="hashed")
    except CannotLoad as error:
        if as_json:
            output.write_json({"ok": False, "error": str(error), "hint": explain(error, context.find_root().obj).hint})
        raise
    if as_json:
        output.write_json({"ok": True, **summary(snapshot)})
    else:
        output.write([f"ok: {', '.join(_facts(snapshot))}"])


def _facts(snapshot: Snapshot) -> list[str]:
    services = count_services(snapshot.outline)
    facts = [
        " in ".join([snapshot.kind, *reversed(snapshot.layers)]),
        f"{snapshot.size:,} bytes",
    ]
    if services is None:
        facts.append(plural(len(snapshot.outline.nodes), "object"))
    else:
        facts.append(plural(services, "service"))
    if snapshot.header is None:
        facts.append("without header and checksum")
    elif snapshot.document.trailer is None:
        facts.append("without a trailer, so nothing tells whether its end is missing")
    return [*facts, *code_facts(snapshot.code), snapshot.provenance]
