"""`appsnap sign`: your signature for a file that is there already, an edited source file above all."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appsnap.cli import output, standard
from appsnap.cli.app import COMMANDS
from appsnap.cli.commands.audit import findings
from appsnap.cli.options import reads
from appsnap.cli.question import agree
from appsnap.errors import CannotLoad, naming
from appsnap.printable import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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

    A source file that was edited has lost its signature. This shows the services and the other objects near the root,
    of a long list the first 50. It shows every name that isn't harmless, with its use, and asks whether to sign. Your
    signature says that you trust the file as a whole, as you trust a program: the edited lines, and all others. So it
    is also your word for a file of a stranger.

    Of a source file, only the last line changes: comments and order stay. A file of another kind is written anew from
    its steps. Encrypted files aren't signed: `appsnap save FILE NEW_FILE --trust-everything` writes one anew, and signs
    it. Nothing is imported.

    With - as FILE, the signed snapshot goes to standard output, and all that this shows to standard error.
    """
    from appsnap import snapshot  # noqa: PLC0415 - help doesn't need it
    from appsnap.files import atomic  # noqa: PLC0415 - as above
    from appsnap.files.streams import to_file  # noqa: PLC0415 - as above
    from appsnap.keys.provenance import user_keys  # noqa: PLC0415 - as above
    from appsnap.snapshot.signing import signed  # noqa: PLC0415 - as above

    is_stream = standard.is_stdin(source.path)
    if is_stream:
        output.reserve_stdout()
    path = Path(source.path)
    data = _content(source, path, is_stream=is_stream)
    opened = source.open(data)
    say = _note if is_stream else output.write
    if opened.signer is not None and opened.signer == user_keys().own() and opened.is_trusted_as_a_whole:
        say([f"{source.label} is signed by you"])
        if is_stream:
            to_file(output.BINARY, [data])
        return
    if "age" not in opened.layers:
        say(_facts(opened))
        if not yes:
            agree(f"Sign {source.label}, and so trust it as a whole?")
    pieces = signed(opened, data, source.path)
    if is_stream:
        to_file(output.BINARY, pieces)
        return
    if path.read_bytes() != data:
        raise CannotLoad(f"{source.path} has changed meanwhile, and isn't signed", hint="sign it again")
    atomic.write(path, pieces, check=lambda new: snapshot.open_snapshot(new, limits=source.limits))
    output.write([f"signed {source.path}"])


def _content(source: Input, path: Path, *, is_stream: bool) -> bytes:
    """Return the bytes of the file, or of standard input. A device without end is refused by its first bytes."""
    from appsnap.files import atomic  # noqa: PLC0415 - help doesn't need it
    from appsnap.files.streams import joined, of_file  # noqa: PLC0415 - as above
    from appsnap.kinds.documents import check_head  # noqa: PLC0415 - as above

    if not is_stream and path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    with (
        naming(source.label),
        atomic.errors_about(source.label),
        standard.stdin() if is_stream else path.open("rb") as file,
    ):
        return joined(of_file(file, check=lambda head: check_head(head, source.kind)).pieces())


def _note(lines: Iterable[str]) -> None:
    for line in lines:
        output.note(line)


def _facts(opened: Snapshot) -> Iterator[str]:
    yield from opened.lines(depth=_DEPTH, way="appsnap show --all")
    wanted = [*findings(opened)]
    yield from wanted
    if not wanted:
        yield "all names in it are harmless"
    trailer = opened.document.trailer
    if trailer is not None and trailer.vouched is False:
        yield "it was made from a file that wasn't trusted, and your signature vouches for that"
    if opened.edited:
        yield "nothing tells which lines were edited: only your version control does"
    yield f"{plural(opened.document.recipe.size, 'step')} in all; `appsnap show --all` has the whole"
