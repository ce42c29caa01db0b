"""`appsnap show`: the content of a snapshot, as text or as JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import as_json, depth, reads, trusts_keys
from appsnap.errors import NotTrusted
from appsnap.gc_pause import gc_paused
from appsnap.recipe.carried import code_facts
from appsnap.recipe.outline import MOST_PARTS, count_services, json_nodes, json_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appsnap.cli.inputs import Input
    from appsnap.errors import Want
    from appsnap.snapshot import Snapshot

__all__ = ["command"]


@click.command(
    "show",
    short_help=COMMANDS["show"],
    epilog="""\b
Examples:
  appsnap show shop.tap
  appsnap show shop.etap --passphrase-file ~/.shop
  appsnap show shop.tap --json | jq '.nodes[] | select(.class == "shop.Web")'""",
)
@reads()
@trusts_keys()
@depth(None)
@click.option("--all", "show_all", is_flag=True, help="Print all parts of long lists and the like, not only 50.")
@as_json
@gc_paused
def command(*, source: Input, depth: int | None, show_all: bool, as_json: bool) -> None:
    """Show the content of a snapshot, without importing any of it.

    The first two lines have the facts about the file, its numbers of services, objects and steps, and the names in it.
    The tree below has 20 levels, unless --depth gives another number. Of a long list, dictionary or the like, the first
    50 parts are shown. A line has the number of the others; --all prints these, too. An object that is in several
    places is shown once; in the other places, an arrow has its path.

    The data of large arrays in a plain file isn't verified, and the output says so. Only its begin is read. Everything
    else is verified. `appsnap verify` verifies the arrays, too.

    The JSON has all parts, because programs read it. It has the header, the layers, the numbers, the names, and
    the content as one flat list of nodes. A node has an id, its path (null if longer than 200 characters), and the
    id of the node that contains it. A node holds plain values, {"ref": id} for other nodes, and {"python": "…"} for
    values that JSON doesn't have. Of texts beyond 10,000 characters, and of more than 1,000 bytes, it has size,
    sha256 and begin. Of data that isn't verified, sha256 is null, and "checksums" are those that the file has for
    each 8 MiB. "shown" has arrays and the like in one line. Of a stranger's file, no more is shown than about 100
    characters for each byte (--limit output=…); then the last member is "cut": true.
    """
    snapshot = source.open(large="mapped")
    if as_json:
        names = _names(snapshot)
        outline = snapshot.outline
        root, nodes = json_value(outline.root), json_nodes(outline, depth)
        is_cut = output.write_json(summary(snapshot), snapshot.most_output, names=names, root=root, nodes=nodes)
    else:
        most = None if show_all else MOST_PARTS
        is_cut = output.write(snapshot.lines(depth=depth or 20, most=most), snapshot.most_output)
    if is_cut:
        output.cut(source.path, "content")


def summary(snapshot: Snapshot) -> dict[str, Any]:
    """Return the facts about a snapshot as a whole, for JSON."""
    trailer = snapshot.document.trailer
    return {
        "file": snapshot.name,
        "size": snapshot.size,
        "kind": snapshot.kind,
        "layers": [*snapshot.layers],
        "header": None if snapshot.header is None else snapshot.header.to_dict(),
        "distributions": {} if trailer is None else trailer.distributions,
        "edited": snapshot.edited,
        "code": code_facts(snapshot.code),
        "signer": snapshot.signer,
        "provenance": snapshot.provenance,
        "unverified_arrays": snapshot.unverified,
        "services": count_services(snapshot.outline),
        "objects": len(snapshot.outline.nodes),
        "steps": snapshot.document.recipe.size,
    }


def _as_object(want: Want) -> dict[str, Any]:
    fields = dataclasses.asdict(want)
    does = fields.pop("does")
    return {**fields, "effect": want.words} if does else fields


def _names(snapshot: Snapshot) -> Iterator[dict[str, Any]] | None:
    try:
        return map(_as_object, snapshot.names)
    except NotTrusted:
        # The steps are refused as a whole. `appsnap audit` says why.
        return None
