"""`appsnap show`: the content of a snapshot, as text or as JSON."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import as_json, depth, reads
from appsnap.errors import NotTrusted
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appsnap.cli.inputs import Input
    from appsnap.recipe.outline import Outline
    from appsnap.recipe.steps import Operand
    from appsnap.snapshot import Snapshot

__all__ = ["command"]

_LONGEST_PATH = 200


@click.command(
    "show",
    short_help=COMMANDS["show"],
    epilog="""\b
Examples:
  appsnap show shop.tap
  appsnap show shop.etap --passphrase-file ~/.shop
  appsnap show shop.tap --json | jq '.nodes[] | select(.class == "shop.web.Web")'""",
)
@reads()
@depth(None)
@as_json
def command(*, source: Input, depth: int | None, as_json: bool) -> None:
    """Show the content of a snapshot, without importing any of it.

    The text has 20 levels, unless --depth gives another number. An object that is in several places is shown once; in
    the other places, an arrow has its path.

    The JSON has the header, the layers, the names, and the content as one flat list of nodes. A node has an id, its
    path (null if longer than 200 characters), and the id of the node that contains it. It holds plain values,
    {"ref": id} for other nodes, and {"python": "…"} for values that JSON doesn't have.
    """
    snapshot = source.open()
    if as_json:
        names = _names(snapshot)
        outline = snapshot.outline
        whole = {**summary(snapshot), "names": names, "root": _plain(outline.root)}
        output.write_json(whole, nodes=_nodes(outline, depth))
    else:
        output.write(snapshot.lines(depth=depth or 20))


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
        "signer": snapshot.signer,
        "provenance": snapshot.provenance,
    }


def _names(snapshot: Snapshot) -> list[dict[str, str]] | None:
    try:
        return [dataclasses.asdict(want) for want in snapshot.names]
    except NotTrusted:
        # The steps are refused as a whole. `appsnap audit` says why.
        return None


def _nodes(outline: Outline, depth: int | None) -> Iterator[dict[str, Any]]:
    """Yield the nodes, breadth first: each one after the node that contains it."""
    if not isinstance(outline.root, Ref):
        return
    found = bytearray(len(outline.nodes))  # by register
    found[outline.root] = True
    yield _node(outline, int(outline.root), None, outline.root_name)
    level: list[tuple[int, str | None]] = [(int(outline.root), outline.root_name)]
    while level and (depth is None or depth > 0):
        below: list[tuple[int, str | None]] = []
        for register, path in level:
            for label, child in outline.children(register):
                if isinstance(child, Ref) and not found[child]:
                    found[child] = True
                    longer = None if path is None or len(path) + len(label) > _LONGEST_PATH else path + label
                    yield _node(outline, int(child), register, longer)
                    if next(outline.children(child), None) is not None:  # most nodes are empty
                        below.append((int(child), longer))
        level = below
        depth = None if depth is None else depth - 1


def _node(outline: Outline, register: int, parent: int | None, path: str | None) -> dict[str, Any]:
    node = outline.nodes[register]
    shown: dict[str, Any] = {
        "id": register,
        "path": path,
        "parent": parent,
        "form": node.form,
        "class": outline.class_of(Ref(register)),
    }
    if node.form in ("name", "member"):
        shown["name"] = node.name
    if node.form in ("value", "bytearray"):
        shown["value"] = _plain(node.value)
    if node.args:
        shown["arguments"] = [_plain(operand) for operand in node.args]
    if node.attributes:
        shown["attributes"] = {name: _plain(operand) for name, operand in node.attributes.items()}
    if node.items:
        shown["items"] = [_plain(operand) for operand in node.items]
    if node.pairs:
        shown["pairs"] = [[_plain(key), _plain(value)] for key, value in node.pairs]
    if node.state is not None:
        shown["state"] = _plain(node.state)
    return shown


def _plain(operand: Operand) -> Any:
    """Return an operand in JSON, without loss."""
    if isinstance(operand, Ref):
        return {"ref": int(operand)}
    if operand is None or isinstance(operand, (bool, str)):
        return operand
    if isinstance(operand, int):
        # Many readers of JSON have only doubles (RFC 8259, section 6). Longer integers are hexadecimal, because Python
        # has a limit on decimal digits.
        return operand if abs(operand) < 2**53 else {"python": hex(operand)}
    if isinstance(operand, float) and math.isfinite(operand):
        return operand
    return {"python": repr(operand)}
