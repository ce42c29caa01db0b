"""`appsnap sign`: your signature for a file that is there already, an edited source file above all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.commands.audit import findings
from appsnap.cli.options import reads
from appsnap.cli.question import agree
from appsnap.errors import CannotLoad
from appsnap.printable import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appsnap.cli.inputs import Input
    from appsnap.snapshot import Snapshot

__all__ = ["command"]

_DEPTH = 3


@click.command(
    "sign",
    short_help=COMMANDS["sign"],
    epilog="""\b
Examples:
  appsnap sign shop.tas
  appsnap sign shop.tas --yes""",
)
@reads()
@click.option("--yes", is_flag=True, help="Sign without asking.")
def command(*, source: Input, yes: bool) -> None:
    """Sign a snapshot with your key, where it is.

    A source file that was edited has lost its signature. This shows the services and what else is near the root, every
    name that isn't harmless, with its use, and asks whether to sign. Your signature says that you trust the file as a
    whole, as you trust a program: the edited lines, and all others. So it is also your word for a file of a stranger.

    Of a source file, only the last line changes: comments and order stay. A file of another kind is written anew from
    its steps. Encrypted files aren't signed: `appsnap save FILE NEW_FILE --trust-everything` writes one anew, and signs
    it. Nothing is imported.
    """
    from appsnap import snapshot  # noqa: PLC0415 - help doesn't need it
    from appsnap.files import atomic  # noqa: PLC0415 - as above
    from appsnap.keys.provenance import user_keys  # noqa: PLC0415 - as above
    from appsnap.snapshot.signing import signed  # noqa: PLC0415 - as above

    if source.path == "-":
        raise click.UsageError("- can't be signed: the signature is written into the file")
    path = Path(source.path)
    data = path.read_bytes()
    opened = source.open(data)
    if opened.signer is not None and opened.signer == user_keys().own() and opened.is_trusted_as_a_whole:
        output.write([f"{source.path} is signed by you"])
        return
    if "age" not in opened.layers:
        output.write(_facts(opened))
        if not yes:
            agree(f"Sign {source.path}, and so trust it as a whole?")
    pieces = signed(opened, data)
    if path.read_bytes() != data:
        raise CannotLoad(f"{source.path} has changed meanwhile, and isn't signed", hint="sign it again")
    atomic.write(path, pieces, check=lambda new: snapshot.open_snapshot(new, limits=source.limits))
    output.write([f"signed {source.path}"])


def _facts(opened: Snapshot) -> Iterator[str]:
    yield from opened.lines(depth=_DEPTH)
    wanted = [*findings(opened)]
    yield from wanted
    if not wanted:
        yield "all names in it are harmless"
    trailer = opened.document.trailer
    if trailer is not None and trailer.vouched is False:
        yield "it was made from a file that wasn't trusted, and your signature vouches for that"
    if opened.edited:
        yield "nothing tells which lines were edited: only your version control does"
    yield f"{plural(len(opened.document.recipe.steps), 'step')} in all; `appsnap show` has the whole"
